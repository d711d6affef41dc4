-- A number and what it counts, in the singular if it is 1.
CREATE TEMP MACRO number_of(n, one, many) AS
    format('{:d} {}', n::BIGINT, CASE WHEN n = 1 THEN one ELSE many END)
