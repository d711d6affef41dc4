-- What is grouped by one number, which takes two thirds of the time that several take, with the numbers
-- that `part` is made of: eight times that of the cause, function or site, and outcome (see
-- `int_runnables_of`).
CREATE TEMP MACRO int_latency_told_of(measured) AS TABLE
SELECT
    level,
    part & 4 <> 0 AS system,
    CASE WHEN level = 'cause' THEN part >> 3 END AS cause_number,
    CASE WHEN level = 'function' THEN part >> 3 END AS function_number,
    CASE WHEN level = 'site' THEN part >> 3 END AS origin,
    part & 2 <> 0 AS certain,
    part & 1 <> 0 AS ended,
    m.* EXCLUDE (level, part)
FROM query_table(measured) AS m
