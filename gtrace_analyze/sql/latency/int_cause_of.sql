-- Why a goroutine is runnable, by the transition that made it so; see `runnables`.
CREATE TEMP MACRO int_cause_of(began_by) AS
    int_cause_name_of(int_cause_number_of(began_by))
