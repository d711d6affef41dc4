-- The events that begin or end the life of a goroutine. For the columns see `events`.
--
-- Grain: one row per event.
-- Cost: stored in the index.
CREATE TABLE int_life_events (
    pid,         -- process
    goid,        -- goroutine
    ts,          -- when, ns
    kind,        -- create, create_parked, create_syscall or exit
    other_goid,  -- the creator; NULL where not known or none
    stack_id,    -- the creator's stack; NULL if not taken
    pc,          -- the go statement; NULL where not known
    obj          -- the start function; NULL where not known
) AS
SELECT
    pid,
    goid,
    ts,
    kind::event_kind,
    other_goid,
    stack_id,
    pc,
    obj
FROM raw_life_events
