-- Why a goroutine is runnable, by the transition that made it so; see `runnables`.
CREATE TEMP MACRO int_cause_of(began_by) AS
    CASE
        WHEN began_by = 'create' THEN 'created'
        WHEN began_by IN ('ready', 'inject') THEN 'woken'
        WHEN began_by = 'yield' THEN 'yielded'
        WHEN began_by = 'syscall_lost_p' THEN 'lost its P'
        ELSE 'seen'
    END
