-- The estimates of `park_survival_of` at one level of `park_stats`, of the rows of
-- `int_park_counts_of` in `counts`.
CREATE TEMP MACRO int_park_survival_at(counts, which) AS TABLE
-- A number for each group, since to sort by numbers takes half the time.
WITH grouped AS (
    SELECT
        part,
        system,
        CASE WHEN which <> 'function' THEN reason END AS reason,
        CASE WHEN which <> 'reason' THEN function_number END AS function_number,
        CASE WHEN which = 'stack' THEN site END AS site
    FROM int_wait_parts
    WHERE level = 'stack'
),
parts AS MATERIALIZED (
    SELECT
        *,
        dense_rank() OVER (ORDER BY system, reason, function_number, site)::INTEGER AS number
    FROM grouped
),
lost AS (
    SELECT DISTINCT s.number
    FROM query_table(counts) AS c
    JOIN parts AS s ON s.part = c.part
    WHERE NOT c.ended AND which <> 'channel'
),
counted AS (
    SELECT
        s.number,
        c.seen_ns,
        coalesce(sum(c.waits) FILTER (c.ended), 0)::BIGINT AS ended,
        coalesce(sum(c.waits) FILTER (NOT c.ended), 0)::BIGINT AS censored
    FROM query_table(counts) AS c
    JOIN (FROM parts SEMI JOIN lost USING (number)) AS s ON s.part = c.part
    GROUP BY ALL
),
-- The longest first, and as floating point, which is exact up to 2^53: DuckDB takes half the time.
exposed AS (
    SELECT
        *,
        (sum((ended + censored)::DOUBLE) OVER (
            PARTITION BY number ORDER BY seen_ns DESC ROWS UNBOUNDED PRECEDING
        ))::BIGINT AS at_risk
    FROM counted
),
survived AS (
    SELECT
        *,
        product(1 - ended / at_risk) OVER (
            PARTITION BY number
            ORDER BY seen_ns ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS survival
    FROM exposed
),
names AS (
    SELECT DISTINCT number, system, reason, function_number, site FROM parts
)
SELECT which AS level, n.* EXCLUDE (number), s.* EXCLUDE (number)
FROM survived AS s
JOIN names AS n ON n.number = s.number
