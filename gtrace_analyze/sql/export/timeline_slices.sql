-- What selected goroutines did within a span of time, as slices of a timeline: the columns of
-- `selected_intervals`, and
--
-- * cause: what brought it into this state, if another selected goroutine did: wake or create;
-- * cause_goid: that goroutine; NULL where cause is;
-- * function, file, line: the innermost function of its stack that is not plumbing; NULL where it
--   has no stack in this interval;
-- * start_function: the goroutine's start function; NULL where not known.
CREATE TEMP MACRO timeline_slices(t0, t1, goids, pattern) AS TABLE
WITH chosen AS (
    FROM selected_goroutines(t0, t1, goids, pattern)
),
ordered AS (
    SELECT
        *,
        lag(waker_goid) OVER (PARTITION BY pid, goid ORDER BY ts) AS woken_by
    FROM selected_intervals(t0, t1, goids, pattern)
),
caused AS (
    SELECT
        o.* EXCLUDE (woken_by),
        g.function AS start_function,
        CASE
            WHEN o.ts < o.from_ts THEN NULL
            WHEN o.began_by IN ('create', 'create_parked') THEN g.parent_goid
            ELSE o.woken_by
        END AS cause_goid
    FROM ordered AS o
    JOIN chosen AS g ON g.pid = o.pid AND g.goid = o.goid
)
SELECT
    c.* EXCLUDE (cause_goid),
    CASE
        WHEN other.goid IS NULL THEN NULL
        WHEN c.began_by IN ('create', 'create_parked') THEN 'create'
        ELSE 'wake'
    END AS cause,
    other.goid AS cause_goid,
    s.function,
    s.file,
    s.line
FROM caused AS c
LEFT JOIN chosen AS other ON other.pid = c.pid AND other.goid = c.cause_goid
LEFT JOIN stacks AS s ON s.stack_id = c.stack_id
