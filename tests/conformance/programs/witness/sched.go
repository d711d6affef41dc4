package main

import (
	"runtime"
	"sync"
	"time"
)

// scheduling has goroutines yield, be preempted, hold on to their thread, and wait for work.
func scheduling(scale int) {
	yields(7, 200*scale)
	preemption(5, time.Duration(40*scale)*time.Millisecond)
	lockedThreads(5, 60*scale)
	workerPool(13, 600*scale)
}

func yields(goroutines, rounds int) {
	var all sync.WaitGroup
	for i := 0; i < goroutines; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for n := 0; n < rounds; n++ {
				runtime.Gosched()
			}
		}()
	}
	all.Wait()
}

// preemption has more busy loops than processors: with and without calls, so that goroutines are
// stopped both by signal and at a function's prologue.
func preemption(goroutines int, length time.Duration) {
	var all sync.WaitGroup
	end := time.Now().Add(length)
	for i := 0; i < goroutines; i++ {
		calls := i%2 == 0
		all.Add(1)
		go func() {
			defer all.Done()
			for time.Now().Before(end) {
				if calls {
					sink += fibonacci(18)
				} else {
					spin(1_000_000)
				}
			}
		}()
	}
	all.Wait()
}

//go:noinline
func fibonacci(n int) int {
	if n < 2 {
		return n
	}
	return fibonacci(n-1) + fibonacci(n-2)
}

// lockedThreads: the last of each goroutine ends while locked, which ends its thread too.
func lockedThreads(goroutines, rounds int) {
	ping := make(chan int)
	var all sync.WaitGroup
	for i := 0; i < goroutines; i++ {
		last := i == 0
		all.Add(2)
		go func() {
			defer all.Done()
			runtime.LockOSThread()
			if !last {
				defer runtime.UnlockOSThread()
			}
			for n := 0; n < rounds; n++ {
				ping <- n
			}
		}()
		go func() {
			defer all.Done()
			for n := 0; n < rounds; n++ {
				<-ping
			}
		}()
	}
	all.Wait()
}

func workerPool(workers, jobs int) {
	queue, results := make(chan int), make(chan int, workers)
	var all sync.WaitGroup
	for i := 0; i < workers; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for job := range queue {
				spin(500)
				results <- job
			}
		}()
	}
	go func() {
		for i := 0; i < jobs; i++ {
			queue <- i
		}
		close(queue)
		all.Wait()
		close(results)
	}()
	for range results {
	}
}
