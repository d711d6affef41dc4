-- How many waits that were how long ended when, in hundredths of the span from t0 to t1 (NULL: of
-- the recording), for some of the waits (see `selected_waits`). The columns are those of
-- `park_heatmap`.
CREATE TEMP MACRO park_heatmap_of(t0, t1, goids, pattern) AS TABLE
WITH span AS (
    SELECT coalesce(t0, ts) AS first, greatest(coalesce(t1, ts_end) - coalesce(t0, ts), 1) AS length
    FROM recording
),
binned AS (
    SELECT
        by_reason AS part,
        least((w.ts_end - s.first) * 100 // s.length, 99)::INTEGER AS step,
        int_bin_of(dur) AS bin,
        count(*) AS waits
    FROM int_waits_of(t0, t1, goids, pattern) AS w
    CROSS JOIN span AS s
    WHERE certain AND w.ts_end >= s.first AND w.ts_end <= s.first + s.length
    GROUP BY ALL
)
SELECT
    p.system,
    p.reason::VARCHAR AS reason,
    b.step,
    b.bin,
    int_bin_begin_of(b.bin) AS from_ns,
    int_bin_begin_of(b.bin + 1) AS to_ns,
    b.waits
FROM binned AS b
JOIN int_wait_parts AS p ON p.level = 'reason' AND p.part = b.part
