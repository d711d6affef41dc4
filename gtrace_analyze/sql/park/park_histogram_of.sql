-- How many waits were how long, for some of the waits (see `selected_waits`). The columns are those
-- of `park_histogram`.
CREATE TEMP MACRO park_histogram_of(t0, t1, goids, pattern) AS TABLE
WITH binned AS (
    SELECT system, reason, site, function, floor(4 * log2(greatest(dur, 1)))::INTEGER AS bin
    FROM selected_waits(t0, t1, goids, pattern)
    WHERE dur IS NOT NULL AND certain
)
SELECT
    system,
    reason,
    site,
    function,
    bin,
    pow(2, bin / 4) AS from_ns,
    pow(2, (bin + 1) / 4) AS to_ns,
    count(*) AS waits
FROM binned
GROUP BY ALL
