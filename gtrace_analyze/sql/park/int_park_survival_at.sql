-- The estimates of `park_survival_of` at one level of `park_stats`, of the rows of
-- `int_park_counts_of` in `counts`, which are of that level or of level stack.
CREATE TEMP MACRO int_park_survival_at(counts, which) AS TABLE
WITH counted AS (
    SELECT
        which AS level,
        system,
        CASE WHEN which <> 'function' THEN reason END AS reason,
        CASE WHEN which <> 'reason' THEN function_number END AS function_number,
        CASE WHEN which = 'stack' THEN site END AS site,
        seen_ns,
        coalesce(sum(waits) FILTER (ended), 0)::BIGINT AS ended,
        coalesce(sum(waits) FILTER (NOT ended), 0)::BIGINT AS censored
    FROM query_table(counts)
    WHERE which <> 'channel'
    GROUP BY ALL
),
-- The longest first, and as floating point, which is exact up to 2^53: DuckDB takes half the time.
exposed AS (
    SELECT
        *,
        (sum((ended + censored)::DOUBLE) OVER longer)::BIGINT AS at_risk,
        sum(censored) OVER all_of_them AS lost
    FROM counted
    WINDOW longer AS (
        PARTITION BY system, reason, function_number, site
        ORDER BY seen_ns DESC ROWS UNBOUNDED PRECEDING
    ),
    all_of_them AS (PARTITION BY system, reason, function_number, site)
)
SELECT
    level,
    system,
    reason,
    function_number,
    site,
    seen_ns,
    ended,
    censored,
    at_risk,
    product(1 - ended / at_risk) OVER (
        PARTITION BY system, reason, function_number, site
        ORDER BY seen_ns ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS survival
FROM exposed
WHERE lost > 0
