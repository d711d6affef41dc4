-- Stacks as one thing: what they show, and which of them show the same place.
--
-- Two stacks are the same site if their frames agree by function and line, once the runtime's own
-- innermost frames and the calls of a function by itself are left out: a stack taken at gopark and
-- one read from memory differ in the first, the depth of a recursion is no other place. Only the 24
-- innermost frames count, since recorded stacks may end early.
--
-- Grain: one row per stack.
-- Cost: stored in the index.
CREATE TABLE stacks (
    stack_id,  -- number of the stack
    site,      -- the smallest stack_id that is the same site
    function,  -- innermost function that is not plumbing; if all are, that does more than park
    file,      -- its source file; NULL where the binary does not tell
    line,      -- the line it is at; NULL where the binary does not tell
    system,    -- only the runtime's own functions are on it
    frames     -- all frames, innermost first: function, file, line
) AS
WITH numbered AS (
    SELECT
        *,
        coalesce(
            min(frame) FILTER (NOT is_plumbing(function)) OVER same_stack,
            min(frame) FILTER (
                NOT is_parking(function) AND function <> 'runtime.goexit'
            ) OVER same_stack,
            0
        ) AS first_own,
        lag(function) OVER (PARTITION BY stack_id ORDER BY frame) AS inner_function
    FROM frames
    WINDOW same_stack AS (PARTITION BY stack_id)
),
whole AS (
    SELECT
        stack_id,
        min(first_own) AS own,
        bool_and(regexp_matches(function, '^(internal/)?runtime[./]')) AS system,
        list({'function': function, 'file': file, 'line': line} ORDER BY frame) AS frames,
        list({'function': function, 'file': file, 'line': line} ORDER BY frame) FILTER (
            frame >= first_own
            AND (function IS DISTINCT FROM inner_function OR frame = first_own)
            AND function <> 'runtime.goexit'
        ) AS key
    FROM numbered
    GROUP BY stack_id
)
SELECT
    w.stack_id,
    min(w.stack_id) OVER (PARTITION BY s.exe, w.key[:24]),
    w.frames[w.own + 1].function,
    w.frames[w.own + 1].file,
    w.frames[w.own + 1].line,
    w.system,
    w.frames
FROM whole AS w
JOIN stg_stacks AS s USING (stack_id)
