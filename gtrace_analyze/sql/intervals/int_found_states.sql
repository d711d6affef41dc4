-- What snapshots found after losses, where events tell of waits; where they do not, see
-- int_sampled_states, but ends are told here if events tell of those.
--
-- The first snapshot after a loss tells what each goroutine did since that was over: had it changed
-- from then until it was read, there would be an event, which tells it in its stead. A wait of which
-- Go noted that it went on through the loss (see int_noted_waits) needs no telling, and is not here.
-- A goroutine that a snapshot does not find, and of which no end was recorded, ended in a loss.
--
-- A goroutine is read some milliseconds before its `ts`, and listed some before the first is read.
-- What a snapshot says that follows the loss within a tenth of a second is therefore left alone.
--
-- Grain: two rows per goroutine and loss that a snapshot follows.
-- Cost: stored in the index.
CREATE TABLE int_found_states (
    pid,       -- process
    goid,      -- goroutine
    seq,       -- order of the changes of one goroutine
    ts,        -- when the loss was over: it is in this state since then or longer, ns
    kind,      -- unseen, and `then` and the state; or `then gone`
    tid,       -- the thread it is on; NULL where on none
    reason,    -- wait reason; NULL unless waiting
    stack_id,  -- its stack; NULL while running
    obj        -- address of what it waits on; NULL where not known
) AS
WITH spans AS (
    SELECT pid, ts, ts_end, false AS pause FROM int_gaps
    UNION ALL
    SELECT pid, ts, ts_end, true FROM int_pauses
),
losses AS (
    SELECT *, lead(ts) OVER (PARTITION BY pid ORDER BY ts, ts_end) AS next_ts
    FROM spans
    WHERE getvariable('has_gaps') AND (SELECT bool_or(watched) FROM stg_event_kinds)
),
later AS (
    SELECT g.*
    FROM stg_goroutines AS g
    JOIN int_first_snapshots AS f ON f.pid = g.pid AND g.snapshot > f.snapshot
),
-- The first reading of each goroutine after each loss, and before the next.
readings AS (
    SELECT g.*, n.ts AS loss_ts, n.ts_end AS seen_ts
    FROM later AS g
    ASOF JOIN losses AS n ON n.pid = g.pid AND g.ts > n.ts_end + 100_000_000
    WHERE getvariable('sees_waits') AND g.certain AND NOT n.pause
        AND (n.next_ts IS NULL OR g.ts < n.next_ts)
    QUALIFY row_number() OVER (PARTITION BY g.pid, g.goid, n.ts_end ORDER BY g.ts) = 1
),
changes AS (
    SELECT pid, unnest([goid, other_goid]) AS goid, ts, seq, kind = 'exit' AS ends
    FROM (
        SELECT * REPLACE (CASE WHEN kind = 'coro_switch' THEN other_goid END AS other_goid)
        FROM stg_events
    )
    WHERE getvariable('has_gaps')
),
placed AS (
    SELECT
        r.*,
        e.seq,
        int_state_among_events(r.status) AS state
    FROM readings AS r
    ASOF LEFT JOIN (
        SELECT pid, goid, ts, seq FROM changes WHERE ts > (SELECT min(ts_end) FROM losses)
    ) AS e ON e.pid = r.pid AND e.goid = r.goid AND r.seen_ts < e.ts
    LEFT JOIN int_noted_waits AS w
        ON w.pid = r.pid AND w.goid = r.goid AND w.waitsince = r.waitsince
    -- Events come first that it had before it was read; a wait that went on needs no telling.
    WHERE (e.ts IS NULL OR e.ts > r.ts) AND coalesce(w.ts > r.loss_ts, true)
),
ordered AS (
    SELECT
        * REPLACE (
            -- In the room that is left before the next event.
            CASE
                WHEN seq IS NULL THEN (1::BIGINT << 62) + 2 * seen_ts
                ELSE seq - 2 * row_number() OVER behind
            END AS seq
        )
    FROM placed
    WHERE state IS NOT NULL
    WINDOW behind AS (PARTITION BY pid, goid, seq ORDER BY seen_ts DESC)
    QUALIFY seq IS NULL OR row_number() OVER behind < 500
),
-- Those that no snapshot found any more.
seen_last AS (
    SELECT pid, goid, max(ts) AS ts
    FROM (
        SELECT pid, goid, ts FROM changes
        UNION ALL
        SELECT pid, goid, ts FROM stg_goroutines
    )
    WHERE goid IS NOT NULL AND (SELECT count(*) > 0 FROM losses)
        AND NOT getvariable('has_pauses')
    GROUP BY pid, goid
    EXCEPT ALL
    SELECT pid, goid, ts FROM changes WHERE ends
),
looks AS (
    SELECT pid, min(ts) AS ts FROM later GROUP BY pid, snapshot
),
gone AS (
    SELECT s.pid, s.goid, n.ts_end
    FROM seen_last AS s
    ASOF JOIN looks AS k ON k.pid = s.pid AND s.ts < k.ts - 100_000_000
    ASOF JOIN losses AS n ON n.pid = s.pid AND k.ts > n.ts_end + 100_000_000
    WHERE n.ts_end > s.ts
)
SELECT
    pid,
    goid,
    seq + step,
    seen_ts,
    CASE step WHEN 0 THEN 'unseen' ELSE 'then ' || state END::event_kind,
    tid,
    reason,
    stack_id,
    obj
FROM ordered
CROSS JOIN (VALUES (0), (1)) AS steps (step)
UNION ALL
SELECT pid, goid, (1::BIGINT << 62) + 2 * ts_end, ts_end, 'then gone'::event_kind, NULL, NULL, NULL,
    NULL
FROM gone
