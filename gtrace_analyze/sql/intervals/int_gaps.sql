-- Spans not seen whole, per process, overlapping ones merged. Spans not seen at all because the
-- probes were off are int_pauses.
--
-- Grain: one row per process and span; the spans of a process are disjoint.
-- Cost: small; stored in the index.
CREATE TABLE int_gaps (
    pid,     -- process
    ts,      -- the first moment not seen, ns
    ts_end   -- the last moment not seen, ns
) AS
WITH each AS (
    SELECT p.pid, g.ts, g.ts_end
    FROM stg_gaps AS g
    JOIN stg_processes AS p ON g.pid IS NULL OR g.pid = p.pid
    WHERE g.cause <> 'probes off'
),
marked AS (
    SELECT *, ts > coalesce(max(ts_end) OVER before, -1) AS opens
    FROM each
    WINDOW before AS (
        PARTITION BY pid ORDER BY ts, ts_end ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),
numbered AS (
    SELECT *, count(*) FILTER (opens) OVER (PARTITION BY pid ORDER BY ts, ts_end) AS span
    FROM marked
)
SELECT pid, min(ts), max(ts_end)
FROM numbered
GROUP BY pid, span
