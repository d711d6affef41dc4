-- The waits that overlap a span of time, of some goroutines, and at or below some function; NULL
-- for an argument means no restriction. A function counts if it is anywhere on the stack, is the
-- start function or contains the go statement. The columns are those of `waits`.
CREATE TEMP MACRO selected_waits(t0, t1, goids, pattern) AS TABLE
WITH all_waits AS NOT MATERIALIZED (
    FROM waits
)
FROM int_selected_of('all_waits', t0, t1, goids, pattern)
