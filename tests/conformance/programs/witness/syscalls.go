package main

import (
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// syscalls has goroutines in system calls, short ones and ones long enough to cost them their P.
func syscalls(scale int) {
	var all sync.WaitGroup
	start := func(work func()) {
		all.Add(1)
		go func() {
			defer all.Done()
			work()
		}()
	}
	for i := 0; i < 3; i++ {
		start(func() { shortCalls(700 * scale) })
	}
	for i := 0; i < 5; i++ {
		start(func() { sleeps(30*scale, time.Millisecond) })
	}
	start(func() { rawSleeps(5 * scale) })
	for i := 0; i < 3; i++ {
		start(func() { blockingPipe(60 * scale) })
	}
	for i := 0; i < 3; i++ { // so that whoever comes back finds no idle P
		start(func() {
			end := time.Now().Add(time.Duration(60*scale) * time.Millisecond)
			for time.Now().Before(end) {
				spin(10000)
			}
		})
	}
	all.Wait()
}

func shortCalls(count int) {
	for i := 0; i < count; i++ {
		syscall.Syscall(syscall.SYS_GETPPID, 0, 0, 0)
	}
}

func sleeps(count int, pause time.Duration) {
	for i := 0; i < count; i++ {
		ts := syscall.NsecToTimespec(int64(pause))
		syscall.Nanosleep(&ts, nil)
	}
}

// rawSleeps blocks the thread behind the scheduler's back: the goroutine stays running.
func rawSleeps(count int) {
	for i := 0; i < count; i++ {
		ts := syscall.NsecToTimespec(int64(500 * time.Microsecond))
		syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
	}
}

// blockingPipe hands a byte from one goroutine to another through a pipe that blocks in read(2).
func blockingPipe(rounds int) {
	var there, back [2]int
	check(syscall.Pipe(there[:]))
	check(syscall.Pipe(back[:]))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; i < rounds; i++ {
			readByte(there[0])
			writeByte(back[1])
		}
	}()
	for i := 0; i < rounds; i++ {
		writeByte(there[1])
		readByte(back[0])
	}
	<-done
	for _, fd := range []int{there[0], there[1], back[0], back[1]} {
		check(syscall.Close(fd))
	}
}

func readByte(fd int) {
	var b [1]byte
	for {
		if _, err := syscall.Read(fd, b[:]); err != syscall.EINTR {
			check(err)
			return
		}
	}
}

func writeByte(fd int) {
	for {
		if _, err := syscall.Write(fd, []byte{1}); err != syscall.EINTR {
			check(err)
			return
		}
	}
}
