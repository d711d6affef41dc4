-- Numbers for what `goroutines` says of where each comes from, since to group by numbers takes a
-- fifth of the time.
--
-- Grain: one row per goroutine.
-- Cost: stored in the index.
CREATE TABLE int_origins (
    pid,              -- process
    goid,             -- goroutine
    origin,           -- number of function, created_by, created_at and system together
    maker,            -- number of function, created_by and system together
    function_number,  -- number of its start function; 0 where that is not known
    system            -- the runtime's own, not the program's
) AS
WITH names AS (
    SELECT
        function,
        created_by,
        created_at,
        system,
        row_number() OVER ()::INTEGER AS origin,
        dense_rank() OVER (ORDER BY function, created_by, system)::INTEGER AS maker,
        CASE
            WHEN function IS NULL THEN 0 ELSE dense_rank() OVER (ORDER BY function)
        END::INTEGER AS function_number
    FROM (SELECT DISTINCT function, created_by, created_at, system FROM goroutines)
)
SELECT g.pid, g.goid, n.origin, n.maker, n.function_number, g.system
FROM goroutines AS g
JOIN names AS n
    ON n.function IS NOT DISTINCT FROM g.function
    AND n.created_by IS NOT DISTINCT FROM g.created_by
    AND n.created_at IS NOT DISTINCT FROM g.created_at
    AND n.system = g.system
