-- Which 64th of a power of two a length is in, by its number: those in one differ by 1.1 % at most. A
-- sixteenth of it, rounded down, is `int_bin_of` the same length.
CREATE TEMP MACRO int_length_of(ns) AS
    floor(64 * log2(greatest(ns, 1)))::INTEGER
