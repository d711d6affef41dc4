-- How many goroutines waited how long for a processor over time, for some of the periods (see
-- `selected_runnables`). The columns are those of `latency_heatmap`.
CREATE TEMP MACRO latency_heatmap_of(t0, t1, goids, pattern) AS TABLE
WITH binned AS (
    SELECT system, step, int_bin_of(dur) AS bin
    FROM int_latency_steps_of(t0, t1, goids, pattern)
)
SELECT
    system,
    step,
    bin,
    int_bin_begin_of(bin) AS from_ns,
    int_bin_begin_of(bin + 1) AS to_ns,
    count(*) AS runs
FROM binned
GROUP BY system, step, bin
