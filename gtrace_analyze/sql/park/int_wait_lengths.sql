-- How many waits were how long, finely.
--
-- Grain: one row per part, begun, cut and length that occurs.
-- Cost: stored in the index.
CREATE TABLE int_wait_lengths (
    part,       -- by_stack of `int_wait_shapes`
    begun,      -- they were seen to begin
    cut,        -- the lengths are only until the first loss or closed recording window within, or
                -- until they were lost from sight; in other rows the same waits have all of theirs
    length,     -- see `int_length_of`
    waits,      -- how many
    longest_ns  -- the longest of them, ns
) AS
WITH chosen AS NOT MATERIALIZED (
    FROM int_numbered_waits
)
FROM int_wait_lengths_of('chosen')
