-- How many goroutines waited how long for a processor over time, for some of the periods (see
-- `selected_runnables`). The columns are those of `latency_heatmap`.
CREATE TEMP MACRO latency_heatmap_of(t0, t1, goids, pattern) AS TABLE
WITH binned AS (
    SELECT system, step, floor(4 * log2(greatest(dur, 1)))::INTEGER AS bin
    FROM int_latency_steps_of(t0, t1, goids, pattern)
)
SELECT
    system,
    step,
    bin,
    pow(2, bin / 4) AS from_ns,
    pow(2, (bin + 1) / 4) AS to_ns,
    count(*) AS runs
FROM binned
GROUP BY system, step, bin
