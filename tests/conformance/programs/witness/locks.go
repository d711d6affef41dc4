package main

import (
	"runtime"
	"sync"
	"time"
)

// locks has goroutines wait for each other on everything in package sync.
func locks(scale int) {
	mutex(11, 100*scale)
	readersWriters(7, 3, 60*scale)
	cond(5, 100*scale)
	waitGroups(50 * scale)
	var once sync.Once
	var all sync.WaitGroup
	for i := 0; i < 13; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			once.Do(func() { time.Sleep(time.Millisecond) })
		}()
	}
	all.Wait()
}

// mutex is held long enough that others queue, and across a Gosched, so that it starves them.
func mutex(goroutines, rounds int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := 0; i < goroutines; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for n := 0; n < rounds; n++ {
				mu.Lock()
				spin(300)
				if n%7 == 0 {
					runtime.Gosched()
				}
				mu.Unlock()
			}
		}()
	}
	all.Wait()
}

func readersWriters(readers, writers, rounds int) {
	var mu sync.RWMutex
	var all sync.WaitGroup
	for i := 0; i < readers+writers; i++ {
		write := i >= readers
		all.Add(1)
		go func() {
			defer all.Done()
			for n := 0; n < rounds; n++ {
				if write {
					mu.Lock()
					spin(300)
					runtime.Gosched()
					mu.Unlock()
				} else {
					mu.RLock()
					spin(100)
					runtime.Gosched()
					mu.RUnlock()
				}
			}
		}()
	}
	all.Wait()
}

func cond(waiters, rounds int) {
	var mu sync.Mutex
	changed := sync.NewCond(&mu)
	round, arrived := 0, 0
	var all sync.WaitGroup
	for i := 0; i < waiters; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for n := 1; n <= rounds; n++ {
				mu.Lock()
				if arrived++; arrived == waiters {
					arrived, round = 0, n
					changed.Broadcast()
				}
				for round < n {
					changed.Wait()
				}
				mu.Unlock()
			}
		}()
	}
	all.Wait()
}

func waitGroups(rounds int) {
	for i := 0; i < rounds; i++ {
		var wg sync.WaitGroup
		wg.Add(3)
		for n := 0; n < 3; n++ {
			go wg.Done()
		}
		wg.Wait()
	}
}
