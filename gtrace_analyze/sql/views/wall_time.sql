-- The moment `ts` on the wall clock, in UTC, by the clock reading nearest to it; NULL without any.
CREATE TEMP MACRO wall_time(moment) AS (
    SELECT make_timestamp_ns(moment + arg_min(wall_ns - mono_ns, abs(mono_ns - moment)))
    FROM stg_clock
)
