-- Whether a wait is the runtime's own: its end says nothing about timers or other goroutines.
CREATE TEMP MACRO is_runtime_wait(reason) AS
    regexp_matches(
        reason::VARCHAR,
        '^(GC |garbage collection|force gc|finalizer|cleanup|GOMAXPROCS|trace |wait for GC|'
            || 'dumping heap|preempted|debug call|stopping the world|flushing|page trace|'
            || 'timer goroutine)'
    )
