-- Channels, as far as goroutines were seen to wait at them.
--
-- A channel goes by its address, which may be used again for another one once the first is garbage.
-- What sends and receives without having to wait is not seen.
--
-- Grain: one row per process and address.
-- Cost: stored in the index.
CREATE TABLE channels (
    pid,               -- process
    obj,               -- address
    senders,           -- goroutines that waited to send, or woke one that waited to receive
    receivers,         -- goroutines that waited to receive, or woke one that waited to send
    send_waits,        -- waits to send
    send_ns,           -- how long those lasted together, to the end while open, ns
    sending,           -- goroutines that still waited to send at the end
    receive_waits,     -- waits to receive
    receive_ns,        -- how long those lasted together, to the end while open, ns
    receiving,         -- goroutines that still waited to receive at the end
    selecting,         -- goroutines in a select with it at the last snapshot
    send_function,     -- where the longest wait to send was, the first by name of several; NULL
                       -- if there was none
    receive_function,  -- where the longest wait to receive was, likewise
    chan_len,          -- elements queued, at the last snapshot that shows it; NULL if none does
    chan_len_max,      -- the most that a snapshot shows; NULL if none does
    chan_cap,          -- capacity; NULL if no snapshot shows it
    chan_closed,       -- closed at the last snapshot that shows it; NULL if none does
    looked_ts,         -- when that snapshot was taken, ns; NULL if none shows it
    uncertain          -- waits with a loss of events within
) AS
FROM channels_of(NULL, NULL, NULL, NULL)
