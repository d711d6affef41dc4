-- Groups of goroutines of the program that are alive at the end of the recording and not known to wait:
-- same go statement, same thing that they do, and if that is a system call, same place. `leaks` judges
-- those whose go statement makes more and more.
--
-- Grain: one row per group.
-- Cost: stored in the index.
CREATE TABLE unparked_groups (
    pid,             -- process
    site,            -- where they are in a system call: a site of `stacks`; NULL if no stack was taken,
                     -- and if in none
    doing,           -- syscall, or running, be it on a thread or ready for one; NULL where not known
    created_at,      -- file:line of the go statement that made them
    created_by,      -- function that contains it; NULL where not known
    start_function,  -- the start function of one of them; NULL where not known
    count,           -- how many they are
    goids,           -- all of them, the oldest first
    ages,            -- for how long each was seen to live, in the same order, ns
    stack_id,        -- where the oldest of which it was taken is, or last gave way; NULL if it was of none
    oldest_ns,       -- for how long the oldest was seen to live, ns
    newest_ns,       -- for how long the newest was, ns
    at_start,        -- how many lived when the recording began
    function,        -- innermost function of the stack that is not plumbing; NULL if none was taken
    file,            -- its source file; NULL where the binary does not tell
    line,            -- the line it is at; NULL where the binary does not tell
    frames           -- all frames of the stack, innermost first; NULL if none was taken
) AS
FROM unparked_groups_between(getvariable('started_ts'), getvariable('ended_ts'))
