-- For chosen goroutines, how much of each of `cells` equal parts of the time from t0 to t1 they spent
-- in which state. `who` is a list of {pid, goid}. One row per goroutine, cell and state: pid, goid,
-- cell (from 0), state (NULL where not known), ns, certain.
CREATE TEMP MACRO timeline_cells(t0, t1, cells, who) AS TABLE
WITH chosen AS (
    SELECT i.pid, i.goid, i.state, i.certain,
        greatest(i.ts, t0) AS ts,
        least(i.ts + i.dur_seen, t1) AS ts_end
    FROM intervals AS i
    JOIN (SELECT unnest(who) AS w) AS u ON u.w.pid = i.pid AND u.w.goid = i.goid
    WHERE i.ts < t1 AND i.ts + i.dur_seen > t0
),
spread AS (
    SELECT *,
        unnest(range(
            ((ts - t0)::HUGEINT * cells // (t1 - t0))::BIGINT,
            ((ts_end - t0)::HUGEINT * cells // (t1 - t0))::BIGINT + 1
        )) AS cell
    FROM chosen
),
clipped AS (
    SELECT pid, goid, cell, state, certain,
        least(ts_end, t0 + ((t1 - t0)::HUGEINT * (cell + 1) // cells)::BIGINT)
            - greatest(ts, t0 + ((t1 - t0)::HUGEINT * cell // cells)::BIGINT) AS ns
    FROM spread
)
SELECT pid, goid, cell, state, sum(ns)::BIGINT AS ns, bool_and(certain) AS certain
FROM clipped
WHERE ns > 0 AND cell < cells
GROUP BY pid, goid, cell, state
