-- The state that a status in Go's memory (`g.atomicstatus`) means; NULL where it means none.
CREATE TEMP MACRO int_state_of(status) AS
    CASE
        WHEN status IN ('waiting', 'preempted', 'leaked') THEN 'waiting'
        WHEN status = 'copystack' THEN 'running'
        WHEN status IN ('running', 'runnable', 'syscall') THEN status
    END
