-- Where such a quarter (see `int_bin_of`) begins, ns.
CREATE TEMP MACRO int_bin_begin_of(bin) AS
    pow(2, bin / 4)
