-- How long goroutines waited, by wait reason, by function, by stack and by channel.
--
-- Two answers: p50_ns and its like are of the waits that ended, km50_ns and its like estimate all
-- waits (see `park_survival_of`), those not seen to end included. The first are too short where long
-- waits did not end in time.
--
-- Grain: one row per level and what is grouped by there; filter by level.
-- Cost: stored in the index.
CREATE TABLE park_stats (
    level,            -- what the row is about: reason, function, stack or channel
    system,           -- waits in the runtime's own business; they have rows of their own
    reason,           -- wait reason; NULL at level function and where not known
    function,         -- innermost function that is not plumbing; NULL at level reason; at level
                      -- channel one of those that waited
    site,             -- place, see `stacks`; NULL at other levels and if no stack was taken
    file,             -- source file; NULL at other levels
    line,             -- line; NULL at other levels
    pid,              -- process; NULL but at level channel
    obj,              -- address of the channel, which may have been several one after the other;
                      -- NULL but at level channel
    waits,            -- waits that ended
    total_ns,         -- their sum, ns
    p50_ns,           -- half of them were at most this long, ns; NULL if none ended
    p90_ns,           -- nine of ten of them were at most this long, ns; NULL if none ended
    p99_ns,           -- 99 of 100 of them were at most this long, ns; NULL if none ended
    max_ns,           -- the longest of them, ns; NULL if none ended
    open,             -- waits that had not ended when the recording did
    open_ns,          -- how long those had lasted by then, together, ns
    open_longest_ns,  -- how long the longest of those had lasted by then, ns; NULL if none is open
    uncertain,        -- waits with a loss of events within
    censored,         -- waits that were seen to begin and then lost from sight: open ones, and those
                      -- cut by a loss or a closed recording window; NULL at level channel
    km50_ns,          -- estimate: half of all waits are at most this long, ns; NULL if too few were
                      -- seen to end, and at level channel; p50_ns if none is censored
    km90_ns,          -- estimate: nine of ten of all waits are at most this long, ns; likewise
    km99_ns           -- estimate: 99 of 100 of all waits are at most this long, ns; likewise
) AS
WITH chosen AS NOT MATERIALIZED (
    FROM int_waits_of(NULL, NULL, NULL, NULL)
),
lengths AS (
    FROM int_wait_lengths
),
parts AS (
    FROM int_park_parts_of('chosen')
    UNION ALL
    FROM int_park_parts_at('chosen', 'channel')
),
groups AS MATERIALIZED (
    FROM int_park_groups_of('parts')
)
FROM int_park_level_of('groups', 'lengths', 'reason')
UNION ALL
FROM int_park_level_of('groups', 'lengths', 'function')
UNION ALL
FROM int_park_level_of('groups', 'lengths', 'stack')
UNION ALL
FROM int_park_level_of('groups', 'lengths', 'channel')
