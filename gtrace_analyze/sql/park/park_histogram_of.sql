-- How many waits were how long, for some of the waits (see `selected_waits`). The columns are those
-- of `park_histogram`.
CREATE TEMP MACRO park_histogram_of(t0, t1, goids, pattern) AS TABLE
WITH binned AS (
    SELECT by_stack AS part, int_bin_of(dur) AS bin, count(*) AS waits
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
    int_bin_begin_of(b.bin) AS from_ns,
    int_bin_begin_of(b.bin + 1) AS to_ns,
    b.waits
FROM binned AS b
JOIN int_wait_parts AS p ON p.level = 'stack' AND p.part = b.part
LEFT JOIN int_functions AS f ON f.function_number = p.function_number
