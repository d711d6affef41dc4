-- How long goroutines waited for a processor in hundredths of the span from t0 to t1, for some of the
-- periods (see `selected_runnables`). The columns are those of `latency_over_time`.
CREATE TEMP MACRO latency_over_time_of(t0, t1, goids, pattern) AS TABLE
SELECT
    system,
    step,
    any_value(first) + (step * any_value(length)::HUGEINT // 100)::BIGINT AS ts,
    any_value(first) + ((step + 1) * any_value(length)::HUGEINT // 100)::BIGINT AS ts_end,
    count(*) AS runs,
    round(quantile_cont(dur, 0.5))::BIGINT AS p50_ns,
    round(quantile_cont(dur, 0.99))::BIGINT AS p99_ns,
    max(dur) AS max_ns
FROM int_latency_steps_of(t0, t1, goids, pattern)
GROUP BY system, step
