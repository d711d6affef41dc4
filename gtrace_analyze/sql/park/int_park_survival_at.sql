-- The estimates of `park_survival_of` at one level of `park_stats`, of the rows of
-- `int_wait_lengths` in `lengths`.
CREATE TEMP MACRO int_park_survival_at(lengths, which) AS TABLE
-- A number for each group, since to sort by numbers takes half the time.
WITH grouped AS (
    SELECT
        part,
        system,
        CASE WHEN which <> 'function' THEN reason END AS reason,
        CASE WHEN which <> 'reason' THEN function_number END AS function_number,
        CASE WHEN which = 'stack' THEN site END AS site,
        certain,
        ended
    FROM int_wait_parts
    WHERE level = 'stack'
),
parts AS MATERIALIZED (
    SELECT
        *,
        dense_rank() OVER (ORDER BY system, reason, function_number, site)::INTEGER AS number
    FROM grouped
),
counted AS MATERIALIZED (
    SELECT
        s.number,
        l.length,
        coalesce(max(l.longest_ns) FILTER (s.ended AND NOT l.cut), max(l.longest_ns)) AS seen_ns,
        coalesce(sum(l.waits) FILTER (s.ended AND NOT l.cut), 0)::BIGINT AS ended,
        coalesce(sum(l.waits) FILTER (NOT s.ended OR l.cut), 0)::BIGINT AS censored
    FROM query_table(lengths) AS l
    JOIN parts AS s ON s.part = l.part
    WHERE which <> 'channel' AND l.begun AND (s.certain OR l.cut)
    GROUP BY s.number, l.length
),
-- The longest first, and as floating point, which is exact up to 2^53: DuckDB takes half the time.
exposed AS (
    SELECT
        *,
        (sum((ended + censored)::DOUBLE) OVER (
            PARTITION BY number ORDER BY length DESC ROWS UNBOUNDED PRECEDING
        ))::BIGINT AS at_risk
    FROM counted
    SEMI JOIN (SELECT number FROM counted WHERE censored > 0) USING (number)
),
survived AS (
    SELECT
        *,
        product(1 - ended / at_risk) OVER (
            PARTITION BY number
            ORDER BY length ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS survival
    FROM exposed
),
names AS (
    SELECT DISTINCT number, system, reason, function_number, site FROM parts
)
SELECT which AS level, n.* EXCLUDE (number), s.* EXCLUDE (number, length)
FROM survived AS s
JOIN names AS n ON n.number = s.number
