-- The numbers (see `int_wake_number_of`) of about 10,000 of the pairs that wake each other most often, and
-- of others that happen to have the same.
--
-- Grain: one row per number.
-- Cost: stored in the index.
CREATE TABLE int_wake_numbers (
    number,  -- the number
    least    -- all with more wakes than this are here; 0 if those with none are, too
) AS
SELECT number, least
FROM raw_wake_numbers
