-- Spans in which the probes were off: the recorder records in windows (--max-overhead).
--
-- Grain: one row per process and pause; the pauses of a process are disjoint.
-- Cost: small; stored in the index.
CREATE TABLE int_pauses (
    pid,      -- process
    ts,       -- the end of the window before, ns
    ts_end,   -- the beginning of the window after it, or the end of the recording, ns
    next_ts   -- the end of that window; NULL if there is no pause after it
) AS
WITH each AS (
    SELECT p.pid, g.ts, g.ts_end
    FROM stg_gaps AS g
    JOIN stg_processes AS p ON g.pid IS NULL OR g.pid = p.pid
    WHERE g.cause = 'probes off'
),
marked AS (
    SELECT *, ts > coalesce(max(ts_end) OVER before, -1) AS opens
    FROM each
    WINDOW before AS (
        PARTITION BY pid ORDER BY ts, ts_end ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),
numbered AS (
    SELECT *, count(*) FILTER (opens) OVER (PARTITION BY pid ORDER BY ts, ts_end) AS pause
    FROM marked
),
merged AS (
    SELECT pid, min(ts) AS ts, max(ts_end) AS ts_end
    FROM numbered
    GROUP BY pid, pause
)
SELECT pid, ts, ts_end, lead(ts) OVER (PARTITION BY pid ORDER BY ts)
FROM merged
