-- Which quarter of a power of two a length is in, by its number.
CREATE TEMP MACRO int_bin_of(ns) AS
    floor(4 * log2(greatest(ns, 1)))::INTEGER
