-- Whether a function does nothing but make its goroutine wait, as runtime.gopark does and what stands
-- between it and the one that wants to wait.
CREATE TEMP MACRO is_parking(function) AS
    regexp_matches(
        function,
        '^(runtime\.(gopark|goparkunlock|park_m|mcall|systemstack|block|selectgo|chanrecv[12]?|'
            || 'chansend1?|semacquire1?|notifyListWait|netpollblock|timeSleep|'
            || '(sync|poll|time)_runtime_\w+)|(internal/)?sync\.runtime_\w+|'
            || 'internal/poll\.runtime_\w+)$'
    )
