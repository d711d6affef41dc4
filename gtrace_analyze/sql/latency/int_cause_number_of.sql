-- The number of a cause (see `int_cause_of`), since to group by numbers takes less time.
CREATE TEMP MACRO int_cause_number_of(began_by) AS
    CASE
        WHEN began_by = 'create' THEN 1::UTINYINT
        WHEN began_by IN ('ready', 'inject') THEN 2::UTINYINT
        WHEN began_by = 'yield' THEN 3::UTINYINT
        WHEN began_by = 'syscall_lost_p' THEN 4::UTINYINT
        ELSE 5::UTINYINT
    END
