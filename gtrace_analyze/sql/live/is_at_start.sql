-- Whether a goroutine is one that the recording began with, given its times in `goroutines` and those
-- of its process in `int_first_snapshots`. One that was made where nothing was seen was not there yet.
CREATE TEMP MACRO is_at_start(created_ts, first_ts, snapshot_ts) AS
    created_ts IS NULL AND (snapshot_ts IS NULL OR first_ts <= snapshot_ts)
