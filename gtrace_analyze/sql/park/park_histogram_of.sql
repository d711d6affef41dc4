-- How many waits were how long, for some of the waits (see `selected_waits`). The columns are those
-- of `park_histogram`.
CREATE TEMP MACRO park_histogram_of(t0, t1, goids, pattern) AS TABLE
WITH binned AS (
    SELECT by_stack AS part, floor(4 * log2(greatest(dur, 1)))::INTEGER AS bin, count(*) AS waits
    FROM int_waits_of(t0, t1, goids, pattern)
    WHERE dur IS NOT NULL AND certain
    GROUP BY ALL
)
SELECT
    p.system,
    p.reason::VARCHAR AS reason,
    p.site,
    f.function,
    b.bin,
    pow(2, b.bin / 4) AS from_ns,
    pow(2, (b.bin + 1) / 4) AS to_ns,
    b.waits
FROM binned AS b
JOIN int_wait_parts AS p ON p.level = 'stack' AND p.part = b.part
LEFT JOIN int_functions AS f ON f.function_number = p.function_number
