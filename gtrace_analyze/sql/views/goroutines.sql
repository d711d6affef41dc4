-- Goroutines and where they come from.
--
-- A goroutine that Go lends to threads of C, so that they can call Go, lives once for each of them (up
-- to Go 1.20: for each call), one life after the other: `ts` is the beginning of the first, `ts_end` the
-- end of the last, and the times are those of all of them.
--
-- Grain: one row per goroutine seen in an event or a snapshot.
-- Cost: stored in the index.
CREATE TABLE goroutines (
    pid,             -- process
    goid,            -- goroutine; never used again within a process, but see `lives`
    ts,              -- when it was created, ns; NULL if that was before the recording
    ts_end,          -- when it ended, ns; NULL if it did not until the end
    first_ts,        -- when it was first seen, ns
    created_by,      -- function that contains the go statement; NULL where not known
    created_at,      -- file:line of the go statement; NULL where not known
    function,        -- its start function; NULL where not known
    system,          -- the runtime's own, not the program's
    parent_goid,     -- its creator; NULL where not known or none
    create_stack_id, -- its creator's stack; NULL if not taken
    labels,          -- pprof labels at the last snapshot; NULL where there are none
    state,           -- last state; dead if it ended; NULL where the plan cannot tell
    running_ns,      -- time in this state, ns; NULL where not known
    runnable_ns,     -- time in this state, ns; NULL where not known
    waiting_ns,      -- time in this state, to the end while open, ns; NULL where not known
    syscall_ns,      -- time in this state, ns; NULL where not known
    waits,           -- waits begun
    lives,           -- how often it began to live, as far as was seen: 1, unless lent to C
    certain          -- all of its intervals are
) AS
WITH born AS (
    FROM int_life_events
    WHERE kind IN ('create', 'create_parked')
),
lent AS (
    SELECT pid, goid, min(ts) AS ts, count(*) AS lives
    FROM int_life_events
    WHERE kind = 'create_syscall'
    GROUP BY pid, goid
),
seen AS (
    SELECT
        pid,
        goid,
        min(ts) AS ts,
        arg_max(parent_goid, ts) AS parent_goid,
        arg_max(gopc, ts) AS gopc,
        arg_max(startpc, ts) AS startpc,
        arg_max(labels, ts) AS labels
    FROM stg_goroutines
    WHERE status NOT IN ('idle', 'dead', 'deadextra')
    GROUP BY pid, goid
),
-- Told of the shapes first, of which there are few.
shapes AS (
    SELECT
        shape,
        last_state,
        first_state = 0 AS waited,
        run_state = 'running' AS ran,
        run_state = 'syscall' AS called,
        ended_by IN ('exit', 'then gone') AS ended,
        -- A state that is missing takes no time, and is not certain.
        certain + (1::UTINYINT << first_state) = 1::UTINYINT << (last_state + 1) AS certain
    FROM int_shapes
),
past AS (
    SELECT
        pid,
        goid,
        min(wait_ts) AS ts,
        CASE
            WHEN max(ts_end) FILTER (ended)
                >= max(CASE last_state WHEN 0 THEN wait_ts WHEN 1 THEN ready_ts ELSE run_ts END)
            THEN max(ts_end) FILTER (ended)
        END AS ts_end,
        -- A condition in the sum takes less time than a filter of it.
        sum(CASE WHEN ran THEN ts_end - run_ts END) AS running_ns,
        sum(run_ts - ready_ts) AS runnable_ns,
        sum(ready_ts - wait_ts) AS waiting_ns,
        sum(CASE WHEN called THEN ts_end - run_ts END) AS syscall_ns,
        count(CASE WHEN waited THEN 1 END) AS waits,
        bool_and(certain) AS certain
    FROM int_cycles AS c
    JOIN shapes AS s ON s.shape = c.shape
    GROUP BY pid, goid
),
present AS (
    SELECT pid, goid, state, dur_seen
    FROM intervals
    WHERE ts_end IS NULL
),
life AS (
    SELECT
        l.pid,
        l.goid,
        l.ts,
        l.ts_end,
        CASE WHEN l.ts_end IS NOT NULL THEN 'dead' ELSE o.state END AS state,
        coalesce(l.running_ns, 0)
            + CASE WHEN o.state = 'running' THEN o.dur_seen ELSE 0 END AS running_ns,
        coalesce(l.runnable_ns, 0)
            + CASE WHEN o.state = 'runnable' THEN o.dur_seen ELSE 0 END AS runnable_ns,
        coalesce(l.waiting_ns, 0)
            + CASE WHEN o.state = 'waiting' THEN o.dur_seen ELSE 0 END AS waiting_ns,
        coalesce(l.syscall_ns, 0)
            + CASE WHEN o.state = 'syscall' THEN o.dur_seen ELSE 0 END AS syscall_ns,
        l.waits,
        l.certain
    FROM past AS l
    LEFT JOIN present AS o ON o.pid = l.pid AND o.goid = l.goid
    UNION ALL
    -- Of these nothing but the end was seen.
    SELECT pid, goid, max(ts), max(ts), 'dead', NULL, NULL, NULL, NULL, 0, false
    FROM int_life_events
    ANTI JOIN past USING (pid, goid)
    WHERE kind = 'exit'
    GROUP BY pid, goid
),
ids AS (
    SELECT
        coalesce(l.pid, s.pid) AS pid,
        coalesce(l.goid, s.goid) AS goid,
        b.ts,
        l.ts_end,
        coalesce(b.ts, least(l.ts, s.ts)) AS first_ts,
        n.ts AS lent_ts,
        n.lives,
        coalesce(b.pc, s.gopc) AS gopc,
        coalesce(b.obj, s.startpc) AS startpc,
        coalesce(b.other_goid, s.parent_goid) AS parent_goid,
        b.stack_id AS create_stack_id,
        s.labels,
        l.state,
        l.running_ns,
        l.runnable_ns,
        l.waiting_ns,
        l.syscall_ns,
        coalesce(l.waits, 0) AS waits,
        coalesce(l.certain, false) AS certain
    FROM life AS l
    FULL JOIN seen AS s USING (pid, goid)
    LEFT JOIN born AS b ON b.pid = coalesce(l.pid, s.pid) AND b.goid = coalesce(l.goid, s.goid)
    LEFT JOIN lent AS n ON n.pid = l.pid AND n.goid = l.goid
),
sees AS (
    SELECT coalesce(bool_or(watched) FILTER (kind = 'run'), false) AS runs
    FROM stg_event_kinds
)
SELECT
    i.pid,
    i.goid,
    coalesce(i.ts, CASE WHEN i.lent_ts <= i.first_ts THEN i.lent_ts END),
    i.ts_end,
    i.first_ts,
    made.function,
    CASE WHEN made.file IS NOT NULL THEN made.file || ':' || made.line END,
    start.function,
    coalesce(
        start.function LIKE 'runtime.%'
            AND start.function NOT IN (
                'runtime.main', 'runtime.corostart', 'runtime.handleAsyncEvent'
            ),
        false
    ),
    i.parent_goid,
    i.create_stack_id,
    i.labels,
    i.state::goroutine_state,
    CASE WHEN sees.runs THEN i.running_ns::BIGINT END,
    CASE WHEN sees.runs THEN i.runnable_ns::BIGINT END,
    i.waiting_ns::BIGINT,
    i.syscall_ns::BIGINT,
    i.waits,
    coalesce(i.lives + (i.lent_ts > i.first_ts)::INTEGER, 1),
    i.certain
FROM ids AS i
CROSS JOIN sees
LEFT JOIN stg_processes AS p ON p.pid = i.pid
LEFT JOIN int_places AS made ON made.exe = p.exe AND made.pc = i.gopc
LEFT JOIN int_places AS start ON start.exe = p.exe AND start.pc = i.startpc
-- So that most are skipped where some are looked for.
ORDER BY i.pid, i.goid
