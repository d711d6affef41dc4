-- The same where events are recorded, too: who is in a system call counts as running if they do not
-- tell when that ends.
CREATE TEMP MACRO int_state_among_events(status) AS
    CASE
        WHEN status = 'syscall' AND NOT (
            SELECT coalesce(bool_or(watched), false)
            FROM stg_event_kinds
            WHERE kind = 'syscall_exit'
        ) THEN 'running'
        ELSE int_state_of(status)
    END
