-- Whether these are one process. Where only one was recorded that is not asked, since DuckDB then joins
-- by goid alone, in a third of the time.
CREATE TEMP MACRO int_same_process(one, other) AS
    getvariable('one_process') OR one = other
