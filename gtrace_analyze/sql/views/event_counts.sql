-- How many events of each kind there are.
--
-- Grain: one row per kind that occurs.
-- Cost: stored in the index.
CREATE TABLE event_counts (
    kind,   -- kind of event
    events  -- how many
) AS
SELECT kind, count(*)
FROM stg_events
GROUP BY kind
