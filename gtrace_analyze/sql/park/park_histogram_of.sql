-- How many waits were how long, for some of the waits (see `selected_waits`). The columns are those
-- of `park_histogram`.
CREATE TEMP MACRO park_histogram_of(t0, t1, goids, pattern) AS TABLE
WITH binned AS (
    SELECT system, reason, site, function_number, floor(4 * log2(greatest(dur, 1)))::INTEGER AS bin
    FROM int_waits_of(t0, t1, goids, pattern)
    WHERE dur IS NOT NULL AND certain
)
SELECT
    b.system,
    b.reason::VARCHAR AS reason,
    b.site,
    f.function,
    b.bin,
    pow(2, b.bin / 4) AS from_ns,
    pow(2, (b.bin + 1) / 4) AS to_ns,
    b.waits
FROM (SELECT system, reason, site, function_number, bin, count(*) AS waits FROM binned GROUP BY ALL)
    AS b
LEFT JOIN int_functions AS f ON f.function_number = b.function_number
