-- What it means that one transition of a goroutine follows another.
--
-- A thread can be past the instruction that is probed and not yet have changed the goroutine's state
-- when probes and the snapshot after them come to it. What the snapshot found is then contradicted by
-- the goroutine's first event, and for how long it was true is not known.
--
-- Grain: one row per kind of transition, and kind of the one after it or none.
-- Cost: stored in the index.
CREATE TABLE int_kind_pairs (
    pair,      -- 256 times the number of `kind` in the type event_kind, plus that of `ended_by`, or 255
    kind,      -- the transition
    ended_by,  -- the one after it; NULL if there is none
    state,     -- the state between them; NULL where the plan cannot tell, or a snapshot is contradicted
    legal,     -- it can end that state
    woken      -- that state is a wait, and `ended_by` tells who ended it
) AS
WITH following AS (
    SELECT kind, enum_code(kind) AS number FROM int_kinds
    UNION ALL
    VALUES (NULL, 255)
),
pairs AS (
    SELECT
        k.kind,
        k.state,
        f.kind AS ended_by,
        f.number,
        f.kind IS NULL OR k.state IS NULL OR l.kind IS NOT NULL AS legal
    FROM int_kinds AS k
    CROSS JOIN following AS f
    LEFT JOIN int_legal_transitions AS l ON l.state = k.state AND l.kind = f.kind
    -- Being dead is no period, unless something is said to have ended it that cannot.
    WHERE k.state IS DISTINCT FROM 'dead' OR f.kind IS NOT NULL AND l.kind IS NULL
)
SELECT
    (256 * enum_code(kind) + number)::USMALLINT,
    kind,
    ended_by,
    CASE
        WHEN legal OR state = 'dead' OR NOT regexp_matches(kind::VARCHAR, '^(seen|then) ') THEN state
    END,
    legal,
    coalesce(state = 'waiting' AND ended_by IN ('ready', 'inject', 'coro_resume'), false)
FROM pairs
