-- What the kinds of events mean.
--
-- Grain: one row per kind.
-- Cost: none.
CREATE TEMP VIEW stg_event_kinds (
    kind,          -- name
    state,         -- the state that goid enters
    other_state,   -- the state that other_goid enters; NULL where it does not change
    meaning,       -- which place in Go's runtime, and what the columns hold
    watched        -- the recording's probes yield this kind
) AS
SELECT kind::event_kind, state::goroutine_state, other_state::goroutine_state, meaning, watched
FROM raw_event_kinds
