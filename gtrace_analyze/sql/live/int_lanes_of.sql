-- Creation sites of the rows of `goroutines` in `source` that lived between t0 and t1, and the `most`
-- goroutines of each that lived longest then.
CREATE TEMP MACRO int_lanes_of(source, t0, t1, most) AS TABLE
WITH candidates AS (
    SELECT pid, goid, created_by, created_at, function,
        least(coalesce(ts_end, t1), t1) - greatest(first_ts, t0) AS lived
    FROM query_table(source)
    WHERE first_ts < t1 AND (ts_end IS NULL OR ts_end > t0)
)
SELECT pid, created_by, created_at, function, count(*) AS total, sum(lived)::BIGINT AS lived,
    max_by(goid, (lived, -goid), most) AS goids
FROM candidates
GROUP BY pid, created_by, created_at, function
