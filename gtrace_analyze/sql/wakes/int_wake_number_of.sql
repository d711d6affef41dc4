-- One of a million numbers for each pair of a waker and the goroutine that it wakes; different pairs may
-- have the same.
CREATE TEMP MACRO int_wake_number_of(pid, waker_goid, goid) AS
    ((goid & 1048575) * 613 + (coalesce(waker_goid, 0) & 1048575) * 1010 + pid) & 1048575
