-- The wake-ups within a span of time, of or by some goroutines, and at functions that match, on
-- either side; NULL for an argument means no restriction. The columns are those of `wakes`.
CREATE TEMP MACRO selected_wakes(t0, t1, goids, pattern) AS TABLE
SELECT *
FROM wakes
WHERE (t0 IS NULL OR ts >= t0)
    AND (t1 IS NULL OR ts < t1)
    AND (goids IS NULL OR list_contains(goids, goid) OR list_contains(goids, waker_goid))
    AND (
        pattern IS NULL
        OR regexp_matches(function, pattern)
        OR regexp_matches(goroutine, pattern)
        OR regexp_matches(waker_function, pattern)
        OR regexp_matches(waker_goroutine, pattern)
    )
