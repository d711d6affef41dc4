-- The state that each kind of transition leads to, as far as this recording can tell.
--
-- Besides the events there are two more kinds of transition: `seen …` is the state in which the start
-- snapshot found a goroutine, `then …` that in which a later one did, where there are only snapshots, or
-- nothing else tells. It is `unseen` how a state ended of which a snapshot only tells that it did, or
-- may have.
-- A plan that does not watch `run` cannot tell when a runnable goroutine begins to run: from the
-- moment it is runnable its state is unknown, hence NULL. So is that of a coroutine, which is created
-- parked, where its switches are not watched. A thread of C that takes up a goroutine is in a system
-- call, by Go's own status, until it runs Go: where system calls are not watched that counts as running.
--
-- Grain: one row per kind.
-- Cost: none.
CREATE TEMP VIEW int_kinds (
    kind,      -- kind of transition
    state,     -- the state entered; NULL where the plan cannot tell
    own_stack  -- the stack is where the goroutine itself waits, called or gave way
) AS
WITH sees AS (
    SELECT
        coalesce(bool_or(watched) FILTER (kind = 'run'), false) AS runs,
        coalesce(bool_or(watched) FILTER (kind = 'coro_switch'), false) AS switches,
        coalesce(bool_or(watched) FILTER (kind = 'syscall_exit'), false) AS syscalls
    FROM stg_event_kinds
),
kinds AS (
    SELECT
        kind,
        CASE WHEN kind = 'create_syscall' AND NOT syscalls THEN 'running' ELSE state END AS state
    FROM stg_event_kinds, sees
    UNION ALL
    VALUES
        ('seen running', 'running'),
        ('seen runnable', 'runnable'),
        ('seen waiting', 'waiting'),
        ('seen syscall', 'syscall'),
        ('then running', 'running'),
        ('then runnable', 'runnable'),
        ('then waiting', 'waiting'),
        ('then syscall', 'syscall'),
        ('then gone', 'dead'),
        ('unseen', NULL)
)
SELECT
    kind::event_kind,
    CASE
        WHEN kind = 'create_parked' AND NOT switches THEN NULL
        WHEN runs OR state NOT IN ('runnable', 'running') THEN state::goroutine_state
    END,
    -- Of one that is created parked it is the creator's.
    state = 'waiting' AND kind <> 'create_parked'
        OR kind IN (
            'yield', 'syscall_enter', 'syscall_lost_p', 'seen runnable', 'seen syscall',
            'then runnable', 'then syscall'
        )
FROM kinds, sees
