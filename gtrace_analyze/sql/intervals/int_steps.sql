-- Every transition with the state that it leads to and the transition that ends that.
--
-- Grain: one row per goroutine and transition, but for those that end a life.
-- Cost: sorts all events. The second half of that, to look at one row after the other, is done by one
-- thread, hence for the goroutines below and above the middle apart, at the same time.
CREATE TEMP VIEW int_steps (
    pid,         -- process
    goid,        -- goroutine
    seq,         -- order of the transitions of one goroutine
    ts,          -- when, ns
    kind,        -- the transition
    tid,         -- thread; NULL where on none
    cpu,         -- processor; NULL where a snapshot says so
    reason,      -- wait reason; NULL unless it begins to wait
    stack_id,    -- stack of who caused the change; NULL if not taken
    pc,          -- code address of the cause; NULL where not known
    obj,         -- address of what it waits on; NULL where not known
    ts_end,      -- when it left the state, ns; NULL if it did not until the end
    ended_by,    -- the transition that ended it; NULL if nothing did
    next_other,  -- the other goroutine of that one; NULL if there is none
    next_stack,  -- the stack of that one; NULL if not taken
    state,       -- the state entered; NULL where the plan cannot tell
    certain,     -- its end is a legal one, and no snapshot was torn
    woken        -- it is a wait, and that which ended it tells who did
) AS
FROM int_steps_between(
    -9223372036854775808, coalesce(getvariable('middle_goid'), 9223372036854775807)
)
UNION ALL
FROM int_steps_between(
    coalesce(getvariable('middle_goid'), 9223372036854775807), 9223372036854775807
)
