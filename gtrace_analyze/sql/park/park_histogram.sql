-- How many waits were how long, in steps of a quarter of a power of two.
--
-- Grain: one row per system, reason, site and step that has any.
-- Cost: stored in the index.
CREATE TABLE park_histogram (
    system,    -- waits in the runtime's own business
    reason,    -- wait reason; NULL where not known
    site,      -- place, see `stacks`; NULL if no stack was taken
    function,  -- innermost function that is not plumbing; NULL if no stack was taken
    bin,       -- number of the step
    from_ns,   -- waits of this length and longer, ns
    to_ns,     -- and shorter than this, ns
    waits      -- how many ended after such a time
) AS
WITH lengths AS (
    FROM int_wait_lengths
)
FROM int_park_binned_of('lengths')
