-- The rows of `park_histogram`, of those of `int_wait_lengths` in `lengths`.
CREATE TEMP MACRO int_park_binned_of(lengths) AS TABLE
WITH binned AS (
    SELECT part, length // 64 AS bin, sum(waits)::BIGINT AS waits
    FROM query_table(lengths)
    WHERE NOT cut
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
WHERE p.certain AND p.ended
