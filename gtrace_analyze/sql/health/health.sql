-- What to know before believing the numbers.
--
-- Grain: one row per fact; a fact of severity `warning` is there only when something is wrong.
-- Cost: stored in the index.
CREATE TABLE health (
    name,        -- short name of the fact
    severity,    -- warning: the numbers may be wrong; info: what the recording is like
    noticed_by,  -- recorder or analyzer
    value,       -- how many
    description  -- what it means, in a sentence
) AS
SELECT 'lost_events', 'warning', 'recorder', lost_ring,
    number_of(lost_ring, 'event', 'events') || ' lost because the ring was full'
FROM stg_recording
WHERE lost_ring > 0
UNION ALL
SELECT 'lost_stacks', 'warning', 'recorder', lost_stack,
    number_of(lost_stack, 'stack', 'stacks') || ' could not be taken'
FROM stg_recording
WHERE lost_stack > 0
UNION ALL
SELECT 'read_faults', 'warning', 'recorder', read_faults,
    number_of(read_faults, 'field', 'fields') || ' of the target''s memory could not be read'
FROM stg_recording
WHERE read_faults > 0
UNION ALL
SELECT 'gaps', 'warning', 'recorder', count(*),
    format(
        '{} not seen whole ({}), {:.3f} s in all', number_of(count(*), 'span', 'spans'), cause,
        sum(ts_end - ts) / 1e9
    )
FROM stg_gaps
WHERE cause NOT IN ('cut', 'probes off')
GROUP BY cause
UNION ALL
SELECT 'windows', 'info', 'recorder', count(*),
    format(
        'recorded in {}, {:.3f} s of {:.3f} s in all; what went on outside of {} is not known',
        number_of(count(*), 'window', 'windows'), sum(w.dur) / 1e9,
        any_value(r.ended_ts - r.started_ts) / 1e9,
        CASE WHEN count(*) = 1 THEN 'it' ELSE 'them' END
    )
FROM windows AS w
CROSS JOIN stg_recording AS r
WHERE getvariable('has_pauses')
HAVING count(*) > 0
UNION ALL
SELECT 'cut', 'warning', 'analyzer', 1,
    format(
        'the recording was cut: its recorder died without stopping; all up to {:.3f} s after the '
            || 'start is here',
        (ended_ts - started_ts) / 1e9
    )
FROM stg_recording
WHERE status = 'cut'
UNION ALL
SELECT 'recording', 'info', 'analyzer', 1,
    format('still being written; this is what was there after {:.3f} s',
        (ended_ts - started_ts) / 1e9)
FROM stg_recording
WHERE status = 'recording'
UNION ALL
SELECT 'unreadable_parts', 'warning', 'analyzer', 1,
    format(
        '{} {}; its events are left out. A copy of the file from elsewhere makes the recording '
            || 'whole again',
        name, damage
    )
FROM stg_parts
WHERE damage IS NOT NULL
UNION ALL
SELECT 'missing_tables', 'warning', 'analyzer', 1,
    format(
        'the table of {} is missing; without it is not known: {}. A copy of it from elsewhere makes '
            || 'the recording whole again',
        name, untold
    )
FROM stg_missing_tables
UNION ALL
SELECT 'illegal_transitions', 'warning', 'analyzer', sum(intervals),
    format('{} was ended by {} {}, which Go''s scheduler does not do',
        state, ended_by, number_of(sum(intervals), 'time', 'times'))
FROM endings
WHERE NOT legal
GROUP BY state, ended_by
UNION ALL
SELECT 'uncertain_intervals', 'warning', 'analyzer', sum(intervals),
    format('{:d} of {:d} intervals {} uncertain: {} within {}',
        sum(intervals)::BIGINT, (SELECT sum(intervals) FROM endings)::BIGINT,
        CASE WHEN sum(intervals) = 1 THEN 'is' ELSE 'are' END,
        CASE
            WHEN getvariable('sees_waits') THEN 'something was lost'
            ELSE 'between snapshots something may have happened'
        END,
        CASE WHEN sum(intervals) = 1 THEN 'it' ELSE 'them' END)
FROM endings
WHERE NOT certain AND (ended_by IS DISTINCT FROM 'unseen' OR NOT getvariable('has_pauses'))
HAVING count(*) > 0
UNION ALL
SELECT 'backwards', 'warning', 'analyzer', sum(backwards),
    number_of(sum(backwards), 'interval ends before it begins', 'intervals end before they begin')
FROM endings
HAVING sum(backwards) > 0
UNION ALL
SELECT 'unknown_origin', 'info', 'analyzer', count(*),
    number_of(count(*), 'goroutine was', 'goroutines were')
        || ' neither created during the recording nor in a snapshot'
FROM goroutines
ANTI JOIN stg_goroutines USING (pid, goid)
WHERE ts IS NULL
HAVING count(*) > 0
UNION ALL
SELECT 'missing_probes', 'warning', 'recorder', len(missing),
    format('{}: not watched: {}', path, array_to_string(missing, '; '))
FROM stg_exes
WHERE len(missing) > 0
UNION ALL
SELECT 'not_watched', 'info', 'recorder', count(*),
    format('the plan {} does not watch: {}', any_value(r.plan), string_agg(kind::VARCHAR, ', '))
FROM stg_event_kinds
CROSS JOIN stg_recording AS r
-- Coroutines and threads of C are watched by the way, where the program can have any.
WHERE NOT watched
    AND kind NOT IN ('create_parked', 'create_syscall', 'coro_switch', 'coro_resume')
HAVING count(*) > 0
UNION ALL
SELECT 'snapshots_only', 'info', 'recorder', count(DISTINCT snapshot),
    format('nothing but {} was recorded; what happened {} is not known',
        number_of(count(DISTINCT snapshot), 'snapshot', 'snapshots'),
        CASE WHEN count(DISTINCT snapshot) = 1 THEN 'before and after it' ELSE 'between them' END)
FROM stg_goroutines
WHERE NOT (SELECT bool_or(watched) FROM stg_event_kinds)
HAVING count(*) > 0
UNION ALL
SELECT 'notes', 'info', 'recorder', 1, note
FROM stg_notes
