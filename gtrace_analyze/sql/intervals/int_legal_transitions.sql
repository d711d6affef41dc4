-- What can end a state. Anything else that ends one is counted in `health`, and makes the interval
-- uncertain.
--
-- Grain: one row per state and kind.
-- Cost: none.
CREATE TEMP VIEW int_legal_transitions (
    state,  -- the state left
    kind    -- the transition that leaves it
) AS
SELECT state::goroutine_state, kind::event_kind
FROM (
    VALUES
        ('waiting', 'ready'),
        ('waiting', 'inject'),
        ('waiting', 'park_undone'),
        ('waiting', 'coro_resume'),
        ('runnable', 'run'),
        ('running', 'park'),
        ('running', 'yield'),
        ('running', 'suspend'),
        ('running', 'syscall_enter'),
        -- Without probes on syscall_enter, time in system calls counts as running.
        ('running', 'syscall_lost_p'),
        ('running', 'coro_switch'),
        ('running', 'exit'),
        ('syscall', 'syscall_exit'),
        ('syscall', 'syscall_lost_p'),
        -- A goroutine that is lent to threads of C ends when one gives it back, until the next.
        ('syscall', 'exit'),
        ('dead', 'create_syscall'),
        ('dead', 'unseen'),
        -- The window that it was seen in ended.
        ('waiting', 'unseen'),
        ('runnable', 'unseen'),
        ('running', 'unseen'),
        ('syscall', 'unseen')
) AS legal (state, kind)
UNION ALL
-- Where nothing tells of waits, what a snapshot found may long be over when a goroutine ends.
SELECT unnest(['waiting', 'runnable'])::goroutine_state, 'exit'::event_kind
WHERE NOT getvariable('sees_waits')
UNION ALL
-- Between two snapshots anything may have happened.
SELECT s.state::goroutine_state, t.kind::event_kind
FROM (SELECT unnest(enum_range(NULL::goroutine_state)) AS state) AS s
CROSS JOIN (SELECT unnest(enum_range(NULL::event_kind)) AS kind) AS t
WHERE t.kind LIKE 'then %'
