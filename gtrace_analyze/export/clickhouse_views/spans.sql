-- The span of time that was loaded of each recording.
CREATE OR REPLACE VIEW spans AS
SELECT recording, coalesce(from_ts, ts) AS t0, coalesce(to_ts, ts_end) AS t1, plan
FROM recording
