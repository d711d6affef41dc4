-- The transitions, cut where windows end: from then on until it is seen again a goroutine's state is
-- not known. The one it was in ends `unseen`, and so begins the unknown one.
--
-- Only a wait of which Go noted that it lasted all the time goes on through a pause. A goroutine that
-- the next window does not find is `then gone`. Where there is no window any more, the last state
-- stays open, and is not certain.
-- The columns are those of `int_steps`. Sorts twice more where the recorder recorded in windows.
CREATE TEMP MACRO int_seen_steps() AS TABLE
WITH spanning AS (
    SELECT
        s.*,
        CASE
            WHEN p.ts < coalesce(s.ts_end, 9223372036854775807) AND s.state IS DISTINCT FROM 'dead'
                THEN p.ts
        END AS pause_ts,
        g.ts AS gone_ts
    FROM int_steps() AS s
    -- The last time it was found to be in this state, by the way.
    ASOF LEFT JOIN (
        SELECT pid, goid, read_ts FROM int_window_states
    ) AS w
        ON w.pid = s.pid AND w.goid = s.goid
        AND coalesce(s.ts_end, 9223372036854775807) > w.read_ts
    ASOF LEFT JOIN int_pauses AS p ON p.pid = s.pid AND greatest(s.ts, w.read_ts) < p.ts_end
    LEFT JOIN (
        SELECT p.pid, p.ts AS pause_ts, min(g.ts) AS ts
        FROM int_pauses AS p
        JOIN stg_goroutines AS g
            ON g.pid = p.pid AND g.ts >= p.ts_end AND (p.next_ts IS NULL OR g.ts < p.next_ts)
        GROUP BY p.pid, p.ts
    ) AS g ON g.pid = p.pid AND g.pause_ts = p.ts
    WHERE getvariable('has_pauses')
)
FROM int_steps()
WHERE NOT getvariable('has_pauses')
UNION ALL
SELECT * EXCLUDE (pause_ts, gone_ts) REPLACE (
    CASE WHEN ts_end IS NULL AND gone_ts IS NULL THEN NULL ELSE coalesce(pause_ts, ts_end) END
        AS ts_end,
    CASE
        WHEN pause_ts IS NOT NULL AND (ts_end IS NOT NULL OR gone_ts IS NOT NULL)
            THEN 256 * (pair // 256) + enum_code('unseen'::event_kind)
        ELSE pair
    END AS pair,
    certain AND pause_ts IS NULL AS certain
)
FROM spanning
UNION ALL
SELECT * EXCLUDE (pause_ts, gone_ts) REPLACE (
    pause_ts AS ts,
    coalesce(ts_end, gone_ts) AS ts_end,
    256 * enum_code('unseen'::event_kind) + CASE
        WHEN ts_end IS NULL THEN enum_code('then gone'::event_kind)
        ELSE pair % 256
    END AS pair,
    NULL AS state,
    NULL AS tid,
    NULL AS cpu,
    NULL AS stack_id,
    false AS certain
)
FROM spanning
WHERE pause_ts IS NOT NULL AND coalesce(ts_end, gone_ts) IS NOT NULL
