-- The name of the number of a cause; see `int_cause_number_of`.
CREATE TEMP MACRO int_cause_name_of(number) AS
    ['created', 'woken', 'yielded', 'lost its P', 'seen'][number]
