-- The estimates of `park_survival_of` at one level of `park_stats`, or at all (NULL), of the rows of
-- `int_waits_of` in `source`, and with the numbers there for names.
CREATE TEMP MACRO int_park_survival_at(source, which) AS TABLE
WITH fine AS MATERIALIZED (
    SELECT
        system,
        reason,
        function_number,
        site,
        seen_ns - seen_ns % greatest(
            1, 1::BIGINT << greatest(floor(log2(greatest(seen_ns, 1)))::INTEGER - 8, 0)
        ) AS rounded,
        count(*) FILTER (ended) AS ended,
        count(*) FILTER (NOT ended) AS censored
    FROM int_park_observations_of(source)
    WHERE which IS DISTINCT FROM 'channel'
    GROUP BY ALL
),
-- Numbers for those columns, since what follows is sorted by them.
places AS MATERIALIZED (
    SELECT *, row_number() OVER () AS place
    FROM (
        SELECT system, reason, function_number, site, sum(ended) AS ended, sum(censored) AS censored
        FROM fine
        GROUP BY system, reason, function_number, site
    )
),
groups AS MATERIALIZED (
    SELECT
        CASE
            WHEN grouping(site) = 0 THEN 'stack'
            WHEN grouping(function_number) = 0 THEN 'function'
            ELSE 'reason'
        END AS level,
        system,
        reason,
        function_number,
        site,
        sum(ended + censored)::BIGINT AS waits,
        list(place) AS places,
        row_number() OVER () AS number
    FROM places
    GROUP BY GROUPING SETS (
        (system, reason), (system, function_number), (system, reason, function_number, site)
    )
    HAVING sum(censored) > 0 AND (which IS NULL OR level = which)
),
counted AS (
    SELECT
        m.number,
        any_value(m.waits) AS waits,
        f.rounded AS seen_ns,
        sum(f.ended)::BIGINT AS ended,
        sum(f.censored)::BIGINT AS censored
    FROM fine AS f
    JOIN places AS p
        ON p.system = f.system
        AND p.reason IS NOT DISTINCT FROM f.reason
        AND p.function_number IS NOT DISTINCT FROM f.function_number
        AND p.site IS NOT DISTINCT FROM f.site
    JOIN (SELECT number, waits, unnest(places) AS place FROM groups) AS m ON m.place = p.place
    GROUP BY m.number, f.rounded
),
exposed AS (
    SELECT
        *,
        (waits + ended + censored - sum(ended + censored) OVER life)::BIGINT AS at_risk
    FROM counted
    WINDOW life AS (
        PARTITION BY number ORDER BY seen_ns ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),
survived AS (
    SELECT
        *,
        product(1 - ended / at_risk) OVER (
            PARTITION BY number ORDER BY seen_ns ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS survival
    FROM exposed
)
SELECT
    g.level,
    g.system,
    g.reason,
    g.function_number,
    g.site,
    s.seen_ns,
    s.ended,
    s.censored,
    s.at_risk,
    s.survival
FROM survived AS s
JOIN groups AS g ON g.number = s.number
