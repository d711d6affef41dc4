-- The steps of a chunk of the recording, as far as they are periods in one state, or unseen, with what
-- losses leave certain of them; the columns are those of `int_steps`.
CREATE TEMP MACRO int_periods() AS TABLE
-- Looking for gaps means sorting twice more, so it is left out where there are none.
WITH crossing AS NOT MATERIALIZED (
    SELECT
        j.*,
        coalesce(j.ts_end, (SELECT ended_ts FROM stg_recording)) AS until_ts,
        w.ts AS wait_ts,
        w.ts_end AS wait_ts_end,
        g.ts AS gap_ts
    FROM int_seen_steps() AS j
    -- The wait that it is as far as Go noted it, and the first loss since it began.
    ASOF LEFT JOIN int_noted_waits AS w
        ON j.pid = w.pid AND j.goid = w.goid AND j.ts < w.ts_end
    ASOF LEFT JOIN int_gaps AS g ON j.pid = g.pid AND j.ts < g.ts_end
    WHERE getvariable('has_gaps')
),
whole AS NOT MATERIALIZED (
    FROM int_seen_steps()
    WHERE NOT getvariable('has_gaps')
    UNION ALL
    SELECT j.* EXCLUDE (until_ts, wait_ts, wait_ts_end, gap_ts) REPLACE (
        j.certain AND (
            coalesce(j.gap_ts >= j.until_ts, true)
            OR coalesce(j.wait_ts <= j.gap_ts, false) AND coalesce(g.ts >= j.until_ts, true)
        ) AS certain
    )
    FROM crossing AS j
    ASOF LEFT JOIN int_gaps AS g ON j.pid = g.pid AND j.wait_ts_end < g.ts_end
)
FROM whole
