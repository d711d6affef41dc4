-- Which goroutine woke which, at which functions and how often, from t0 on and before t1 (NULL: in all
-- the recording); the columns are those of `int_wake_pairs` but for least.
CREATE TEMP MACRO int_wake_pairs_of(t0, t1) AS TABLE
WITH all_waits AS NOT MATERIALIZED (
    FROM int_waits
),
woken AS NOT MATERIALIZED (
    FROM int_woken_of('all_waits', t0, t1)
)
FROM int_wake_pairs_at('woken')
