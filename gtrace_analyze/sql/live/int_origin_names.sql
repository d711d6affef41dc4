-- What the numbers of `int_origins` stand for.
--
-- Grain: one row per origin.
-- Cost: stored in the index.
CREATE TABLE int_origin_names (
    origin,           -- number of all that follows together
    maker,            -- number of function, created_by and system together
    function_number,  -- number of its start function; 0 where that is not known
    function,         -- start function; NULL where not known
    created_by,       -- function that contains the go statement; NULL where not known
    created_at        -- file:line of the go statement; NULL where not known
) AS
WITH ones AS (
    SELECT origin, maker, function_number, any_value({'pid': pid, 'goid': goid}) AS one
    FROM int_origins
    GROUP BY origin, maker, function_number
)
SELECT o.origin, o.maker, o.function_number, g.function, g.created_by, g.created_at
FROM ones AS o
JOIN goroutines AS g ON g.pid = o.one.pid AND g.goid = o.one.goid
