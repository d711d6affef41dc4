-- Whether a function is of the runtime or of the packages that only wrap it.
--
-- The function a goroutine "is parked in" is the innermost one that is not: for a wait in
-- sync.(*Mutex).Lock that is the function which called Lock.
CREATE TEMP MACRO is_plumbing(function) AS
    regexp_matches(
        function,
        '^(_|runtime|internal/runtime/\w+|sync|internal/sync|internal/poll|syscall|'
            || 'internal/syscall/\w+|internal/synctest)\.'
    ) OR function IN ('time.Sleep', 'os/signal.signal_recv')
