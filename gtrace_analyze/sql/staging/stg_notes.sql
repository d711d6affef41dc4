-- What the recorder wants a reader to know.
--
-- Grain: one row per note.
-- Cost: none.
CREATE TEMP VIEW stg_notes (
    note  -- a sentence
) AS
SELECT note
FROM raw_notes
