-- How many waits were how long, for some of the waits (see `selected_waits`). The columns are those
-- of `park_histogram`.
CREATE TEMP MACRO park_histogram_of(t0, t1, goids, pattern) AS TABLE
WITH binned AS (
    SELECT shape, floor(4 * log2(greatest(dur, 1)))::INTEGER AS bin, count(*) AS waits
    FROM int_waits_of(t0, t1, goids, pattern)
    WHERE dur IS NOT NULL AND certain
    GROUP BY ALL
),
placed AS (
    SELECT s.system, s.reason, s.site, s.function_number, b.bin, sum(b.waits)::BIGINT AS waits
    FROM binned AS b
    JOIN int_wait_shapes AS s ON s.shape = b.shape
    GROUP BY ALL
)
SELECT
    p.system,
    p.reason::VARCHAR AS reason,
    p.site,
    f.function,
    p.bin,
    pow(2, p.bin / 4) AS from_ns,
    pow(2, (p.bin + 1) / 4) AS to_ns,
    p.waits
FROM placed AS p
LEFT JOIN int_functions AS f ON f.function_number = p.function_number
