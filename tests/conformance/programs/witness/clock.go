package main

import (
	"fmt"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

func init() {
	workloads["clock"] = clock
}

// clock does nothing but read CLOCK_MONOTONIC, and prints when it was held up, by whomever: its
// thread, from when, until when.
func clock(scale int) {
	runtime.LockOSThread()
	const heldUp = 20_000
	var held [][2]int64
	last := monotonic()
	for end := last + int64(scale)*int64(time.Second); last < end; {
		now := monotonic()
		if now-last > heldUp {
			held = append(held, [2]int64{last, now})
		}
		last = now
	}
	for _, span := range held {
		fmt.Println("held up", syscall.Gettid(), span[0], span[1])
	}
}

func monotonic() int64 {
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}
