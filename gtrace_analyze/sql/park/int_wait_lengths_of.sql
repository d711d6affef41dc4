-- How many of the rows of `int_waits_of` in `source` were how long. The columns are those of
-- `int_wait_lengths`.
CREATE TEMP MACRO int_wait_lengths_of(source) AS TABLE
SELECT
    by_stack AS part,
    begun,
    false AS cut,
    int_length_of(dur_seen) AS length,
    count(*) AS waits,
    max(dur_seen) AS longest_ns
FROM query_table(source)
GROUP BY ALL
UNION ALL
SELECT part, true, true, int_length_of(seen_ns) AS length, count(*), max(seen_ns)
FROM (
    SELECT
        w.by_stack AS part,
        CASE
            WHEN g.ts > w.ts AND g.ts < w.ts + w.dur_seen THEN g.ts - w.ts
            WHEN w.ended_by = 'unseen' THEN w.dur_seen
        END AS seen_ns
    FROM (FROM query_table(source) WHERE begun AND NOT certain) AS w
    ASOF LEFT JOIN int_gaps AS g ON w.pid = g.pid AND w.ts < g.ts_end
)
WHERE seen_ns IS NOT NULL
GROUP BY ALL
