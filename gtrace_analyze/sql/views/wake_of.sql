-- Who ended a wait: goroutine, timer, netpoll or runtime; NULL for other states, and if nothing did.
CREATE TEMP MACRO wake_of(state, began_by, ended_by, reason, waker_goid) AS
    CASE
        WHEN state IS DISTINCT FROM 'waiting' OR ended_by IS NULL OR ended_by = 'unseen' THEN NULL
        WHEN began_by = 'suspend' OR ended_by = 'park_undone' THEN 'runtime'
        WHEN waker_goid IS NOT NULL THEN 'goroutine'
        WHEN ended_by = 'inject' AND reason::VARCHAR = 'IO wait' THEN 'netpoll'
        WHEN ended_by = 'inject' OR is_runtime_wait(reason::VARCHAR) THEN 'runtime'
        WHEN ended_by = 'ready' THEN 'timer'
    END
