-- How many of the selected goroutines are in which state, looked at every `step` ns from t0 on. One
-- row per process, moment and state in which the number differs from the one before: pid, ts, state
-- (NULL where the plan cannot tell), goroutines.
CREATE TEMP MACRO state_counts(t0, t1, goids, pattern, step) AS TABLE
WITH spans AS (
    SELECT pid, state, from_ts, CASE WHEN NOT open THEN to_ts END AS to_ts
    FROM selected_intervals(t0, t1, goids, pattern)
),
changes AS (
    SELECT pid, state, from_ts AS ts, 1 AS change FROM spans
    UNION ALL
    SELECT pid, state, to_ts, -1 FROM spans WHERE to_ts IS NOT NULL
),
origin AS (
    SELECT coalesce(t0, r.ts) AS ts, coalesce(t1, r.ts_end) AS ts_end FROM recording AS r
),
seen AS (
    -- A change shows at the first look after it.
    SELECT c.pid, c.state, greatest(c.ts - o.ts + step - 1, 0) // step AS look,
        sum(c.change) AS change
    FROM changes AS c
    CROSS JOIN origin AS o
    GROUP BY ALL
)
SELECT
    s.pid,
    least(o.ts + s.look * step, o.ts_end) AS ts,
    s.state,
    (sum(s.change) OVER (PARTITION BY s.pid, s.state ORDER BY s.look))::BIGINT AS goroutines
FROM seen AS s
CROSS JOIN origin AS o
WHERE s.change <> 0
