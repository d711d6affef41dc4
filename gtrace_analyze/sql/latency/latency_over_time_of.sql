-- How long goroutines waited for a processor in hundredths of the span from t0 to t1, for some of the
-- periods (see `selected_runnables`). The columns are those of `latency_over_time`.
CREATE TEMP MACRO latency_over_time_of(t0, t1, goids, pattern) AS TABLE
WITH measured AS (
    SELECT
        system,
        step,
        any_value(first) AS first,
        any_value(length)::HUGEINT AS length,
        count(*) AS runs,
        quantile_cont(dur, [0.5, 0.99]) AS quantiles,
        max(dur) AS max_ns
    FROM int_latency_steps_of(t0, t1, goids, pattern)
    GROUP BY system, step
)
SELECT
    system,
    step,
    first + (step * length // 100)::BIGINT AS ts,
    first + ((step + 1) * length // 100)::BIGINT AS ts_end,
    runs,
    round(quantiles[1])::BIGINT AS p50_ns,
    round(quantiles[2])::BIGINT AS p99_ns,
    max_ns
FROM measured
