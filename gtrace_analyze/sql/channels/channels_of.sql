-- Channels by address, as far as goroutines were seen at them, for some of the waits (see
-- `selected_waits`). The columns are those of `channels`.
CREATE TEMP MACRO channels_of(t0, t1, goids, pattern) AS TABLE
-- Numbers for names, since what is kept of each wait is much of what this takes.
WITH at_channel AS MATERIALIZED (
    SELECT
        pid, goid, obj, waker_goid, function_number, dur_seen, ts_end IS NULL AS open, certain,
        reason IN ('chan send', 'chan send (nil chan)') AS sends
    FROM int_waits_of(t0, t1, goids, pattern)
    WHERE obj IS NOT NULL AND starts_with(reason::VARCHAR, 'chan ')
),
-- Whoever wakes a receiver has sent, or closed the channel; whoever wakes a sender has received.
parties AS (
    SELECT pid, obj, sends, goid AS party FROM at_channel
    UNION
    SELECT pid, obj, NOT sends, waker_goid FROM at_channel WHERE waker_goid IS NOT NULL
),
-- By side first, then both in a row: a fifth less time.
counted AS (
    SELECT pid, obj, sends, count(*) AS parties
    FROM parties
    GROUP BY pid, obj, sends
),
sides AS (
    SELECT
        pid,
        obj,
        coalesce(sum(parties) FILTER (sends), 0)::BIGINT AS senders,
        coalesce(sum(parties) FILTER (NOT sends), 0)::BIGINT AS receivers
    FROM counted
    GROUP BY pid, obj
),
placed AS (
    SELECT
        pid,
        obj,
        sends,
        function_number,
        count(*) AS waits,
        sum(dur_seen) AS ns,
        max(dur_seen) AS longest_ns,
        count(*) FILTER (open) AS open,
        count(*) FILTER (NOT certain) AS uncertain
    FROM at_channel
    GROUP BY pid, obj, sends, function_number
),
waited AS (
    SELECT
        pid,
        obj,
        coalesce(sum(waits) FILTER (sends), 0)::BIGINT AS send_waits,
        coalesce(sum(ns) FILTER (sends), 0)::BIGINT AS send_ns,
        coalesce(sum(open) FILTER (sends), 0)::BIGINT AS sending,
        coalesce(sum(waits) FILTER (NOT sends), 0)::BIGINT AS receive_waits,
        coalesce(sum(ns) FILTER (NOT sends), 0)::BIGINT AS receive_ns,
        coalesce(sum(open) FILTER (NOT sends), 0)::BIGINT AS receiving,
        -- Of several that are equally long, the first by name.
        arg_max(function_number, (longest_ns, -function_number)) FILTER (sends) AS send_function,
        arg_max(function_number, (longest_ns, -function_number)) FILTER (NOT sends)
            AS receive_function,
        sum(uncertain)::BIGINT AS uncertain
    FROM placed
    GROUP BY pid, obj
),
looked AS (
    SELECT
        pid,
        obj,
        arg_max(chan_len, ts) AS chan_len,
        max(chan_len) AS chan_len_max,
        arg_max(chan_cap, ts) AS chan_cap,
        arg_max(chan_closed, ts) AS chan_closed,
        max(ts) AS looked_ts
    FROM stg_goroutines
    WHERE obj IS NOT NULL AND chan_cap IS NOT NULL
        AND (t1 IS NULL OR ts < t1)
        AND (t0 IS NULL OR ts >= t0)
    GROUP BY pid, obj
),
selecting AS (
    SELECT pid, obj, count(DISTINCT goid) AS selecting
    FROM (
        SELECT pid, goid, unnest(select_objs) AS obj
        FROM stg_goroutines
        WHERE snapshot = (SELECT max(snapshot) FROM stg_goroutines)
    )
    GROUP BY pid, obj
)
SELECT
    w.pid,
    w.obj,
    s.senders,
    s.receivers,
    w.send_waits,
    w.send_ns,
    w.sending,
    w.receive_waits,
    w.receive_ns,
    w.receiving,
    coalesce(e.selecting, 0) AS selecting,
    f.function AS send_function,
    g.function AS receive_function,
    l.chan_len,
    l.chan_len_max,
    l.chan_cap,
    l.chan_closed,
    l.looked_ts,
    w.uncertain
FROM waited AS w
LEFT JOIN int_functions AS f ON f.function_number = w.send_function
LEFT JOIN int_functions AS g ON g.function_number = w.receive_function
JOIN sides AS s ON s.pid = w.pid AND s.obj = w.obj
LEFT JOIN looked AS l ON l.pid = w.pid AND l.obj = w.obj
LEFT JOIN selecting AS e ON e.pid = w.pid AND e.obj = w.obj
