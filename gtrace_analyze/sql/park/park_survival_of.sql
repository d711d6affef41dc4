-- How long waits last if those that were not seen to end count as well: the Kaplan-Meier estimate
-- (Kaplan and Meier, J. Am. Stat. Assoc. 53, 1958), for some of the waits (see `selected_waits`).
--
-- Waits that were under way when the recording began are not in it, since waits met by chance are
-- longer than waits are. One row per level, group and length that occurs: of the `at_risk` waits
-- that were seen to last at least seen_ns, `ended` ended then and `censored` were lost from sight;
-- `survival` is the share estimated to last longer. Lengths above 512 ns are rounded down by at most
-- one part in 256. Only groups with a wait that was lost from sight have rows.
CREATE TEMP MACRO park_survival_of(t0, t1, goids, pattern) AS TABLE
WITH fine AS (
    SELECT
        system,
        reason,
        function,
        site,
        seen_ns - seen_ns % greatest(
            1, 1::BIGINT << greatest(floor(log2(greatest(seen_ns, 1)))::INTEGER - 8, 0)
        ) AS rounded,
        count(*) FILTER (ended) AS ended,
        count(*) FILTER (NOT ended) AS censored
    FROM park_observations_of(t0, t1, goids, pattern)
    GROUP BY ALL
),
counted AS (
    SELECT
        CASE
            WHEN grouping(site) = 0 THEN 'stack'
            WHEN grouping(function) = 0 THEN 'function'
            ELSE 'reason'
        END AS level,
        system,
        reason,
        function,
        site,
        rounded AS seen_ns,
        sum(ended)::BIGINT AS ended,
        sum(censored)::BIGINT AS censored
    FROM fine
    GROUP BY GROUPING SETS (
        (rounded, system, reason),
        (rounded, system, function),
        (rounded, system, reason, function, site)
    )
),
exposed AS (
    SELECT
        *,
        sum(ended + censored) OVER (life ORDER BY seen_ns DESC)::BIGINT AS at_risk,
        sum(censored) OVER life AS all_censored
    FROM counted
    WINDOW life AS (PARTITION BY level, system, reason, function, site)
)
SELECT
    * EXCLUDE (all_censored),
    product(1 - ended / at_risk) OVER (
        PARTITION BY level, system, reason, function, site ORDER BY seen_ns
    ) AS survival
FROM exposed
WHERE all_censored > 0
