-- Whether a wake-up is at a function that matches, on either side; NULL for the pattern: any.
CREATE TEMP MACRO int_wake_matches(
    pattern, waker_goroutine, waker_function, goroutine, function
) AS
    pattern IS NULL
    OR regexp_matches(function, pattern)
    OR regexp_matches(goroutine, pattern)
    OR regexp_matches(waker_function, pattern)
    OR regexp_matches(waker_goroutine, pattern)
