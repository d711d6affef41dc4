-- Which 256th of a power of two a length is in, by its number: those in one differ by 0.3 % at most. A
-- 64th of it, rounded down, is `int_bin_of` the same length.
CREATE TEMP MACRO int_length_of(ns) AS
    floor(256 * log2(greatest(ns, 1)))::INTEGER
