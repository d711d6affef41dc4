-- What the snapshots found, where no event tells of waits (plans snapshot and lifecycle), unless that
-- was recorded in windows: see int_window_states.
--
-- A goroutine that stands as it stood in the snapshot before has no row: same state, reason, site and
-- object, and not blocked anew as far as Go's garbage collector noted (see int_noted_waits). It has,
-- unseen and `then waiting`, where Go first noted it: whether it is the wait of before is not known,
-- but from there on it is one. One that is gone has a last row of kind `then gone`, if its end is no
-- event.
--
-- Grain: one row per goroutine and change; two where a wait was first noted.
-- Cost: reads the snapshots, and the events, which are few.
CREATE TEMP VIEW int_sampled_states (
    pid,       -- process
    goid,      -- goroutine
    seq,       -- order of the changes of one goroutine
    ts,        -- when it was read, ns; `seen`: about when it blocked, if Go noted that; `then`: when
               -- it waited already, if Go noted that
    kind,      -- `seen` (first snapshot) or `then` and the state, unseen, or `then gone`
    tid,       -- the thread it is on; NULL where on none
    reason,    -- wait reason; NULL unless waiting
    stack_id,  -- its stack; NULL while running
    obj,       -- address of what it waits on; NULL where not known
    certain    -- Go noted that it is one wait all the time
) AS
WITH lives AS (
    SELECT pid, goid, ts, seq, kind FROM stg_events
    WHERE NOT getvariable('sees_waits') AND NOT getvariable('has_pauses')
),
numbered AS (
    SELECT
        g.*,
        s.site,
        w.ts AS noted_ts,
        dense_rank() OVER (PARTITION BY g.pid ORDER BY g.snapshot) AS number,
        int_state_of(g.status) AS state,
        b.seq AS after_seq,
        e.seq AS before_seq
    FROM stg_goroutines AS g
    LEFT JOIN stacks AS s ON s.stack_id = g.stack_id
    LEFT JOIN int_noted_waits AS w
        ON w.pid = g.pid AND w.goid = g.goid AND w.waitsince = g.waitsince
    ASOF LEFT JOIN lives AS b ON b.pid = g.pid AND b.goid = g.goid AND g.ts >= b.ts
    ASOF LEFT JOIN lives AS e ON e.pid = g.pid AND e.goid = g.goid AND g.ts < e.ts
    WHERE NOT getvariable('sees_waits') AND NOT getvariable('has_pauses')
        -- One that ended while it was read says so itself.
        AND b.kind IS DISTINCT FROM 'exit'
),
snapshots AS (
    SELECT pid, number, min(ts) AS ts, any_value(snapshot) AS snapshot
    FROM numbered
    GROUP BY pid, number
),
compared AS (
    SELECT
        *,
        lag(number) OVER life IS DISTINCT FROM number - 1
            OR lag(after_seq) OVER life IS DISTINCT FROM after_seq
            OR lag(state) OVER life IS DISTINCT FROM state
            OR lag(reason) OVER life IS DISTINCT FROM reason
            OR lag(site) OVER life IS DISTINCT FROM site
            OR lag(obj) OVER life IS DISTINCT FROM obj
            OR coalesce(lag(waitsince) OVER life <> coalesce(waitsince, 0), false) AS changed
    FROM numbered
    WHERE state IS NOT NULL
    WINDOW life AS (PARTITION BY pid, goid ORDER BY number)
),
stretches AS (
    SELECT *, count(*) FILTER (changed) OVER life AS stretch
    FROM compared
    WINDOW life AS (PARTITION BY pid, goid ORDER BY number)
),
whole AS (
    SELECT
        *,
        noted_ts IS NOT NULL AND NOT changed
            AND coalesce(noted_ts > lag(ts) OVER one, false) AS first_noted,
        -- One that is lent to threads of C may live again.
        lead(number) OVER life IS DISTINCT FROM number + 1 AS ends,
        row_number() OVER (PARTITION BY pid, goid, before_seq ORDER BY number) AS place
    FROM stretches
    WINDOW one AS (PARTITION BY pid, goid, stretch ORDER BY number),
        life AS (PARTITION BY pid, goid ORDER BY number)
)
SELECT
    pid,
    goid,
    -- In the room before its next event, else behind all events.
    coalesce(before_seq - 1023 + least(2 * place, 1020), (1::BIGINT << 62) + 2 * snapshot) + step,
    least(ts, CASE WHEN number = 1 THEN waitsince ELSE noted_ts END),
    CASE
        WHEN step = 0 THEN 'unseen'
        ELSE CASE WHEN number = 1 THEN 'seen ' ELSE 'then ' END || state
    END::event_kind,
    tid,
    reason,
    stack_id,
    obj,
    noted_ts IS NOT NULL
FROM whole
JOIN (VALUES (0), (1)) AS steps (step) ON step = 1 OR first_noted
WHERE changed OR first_noted
UNION ALL
SELECT
    w.pid, w.goid, (1::BIGINT << 62) + 2 * s.snapshot + 1, s.ts, 'then gone'::event_kind, NULL, NULL,
    NULL, NULL, true
FROM whole AS w
JOIN snapshots AS s ON s.pid = w.pid AND s.number = w.number + 1
WHERE w.ends AND NOT (SELECT bool_or(watched) FROM stg_event_kinds)
