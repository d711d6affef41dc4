-- How long waits last if those that were not seen to end count as well: the Kaplan-Meier estimate
-- (Kaplan and Meier, J. Am. Stat. Assoc. 53, 1958), for some of the waits (see `selected_waits`).
--
-- Waits that were under way when the recording began are not in it, since waits met by chance are
-- longer than waits are. One row per level, group and length that occurs: of the `at_risk` waits
-- that were seen to last so long, `ended` ended then and `censored` were lost from sight; `survival`
-- is the share estimated to last longer than seen_ns. Lengths that differ by less than 0.3 % may have
-- one row; seen_ns is the longest of those then. Only groups with a wait that was lost from sight
-- have rows.
CREATE TEMP MACRO park_survival_of(t0, t1, goids, pattern) AS TABLE
WITH chosen AS MATERIALIZED (
    FROM int_waits_of(t0, t1, goids, pattern)
),
lengths AS MATERIALIZED (
    FROM int_wait_lengths_of('chosen')
),
survived AS (
    FROM int_park_survival_at('lengths', 'reason')
    UNION ALL
    FROM int_park_survival_at('lengths', 'function')
    UNION ALL
    FROM int_park_survival_at('lengths', 'stack')
)
SELECT
    s.level,
    s.system,
    s.reason::VARCHAR AS reason,
    f.function,
    s.site,
    s.seen_ns,
    s.ended,
    s.censored,
    s.at_risk,
    s.survival
FROM survived AS s
LEFT JOIN int_functions AS f ON f.function_number = s.function_number
