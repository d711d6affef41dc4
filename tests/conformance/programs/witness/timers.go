package main

import (
	"context"
	"sync"
	"time"
)

// timers wakes goroutines by every kind of timer.
func timers(scale int) {
	var all sync.WaitGroup
	start := func(work func()) {
		all.Add(1)
		go func() {
			defer all.Done()
			work()
		}()
	}
	for i := 0; i < 17; i++ {
		pause := time.Duration(100+37*i) * time.Microsecond
		start(func() {
			for n := 0; n < 40*scale; n++ {
				time.Sleep(pause)
			}
		})
	}
	start(func() { afterFuncs(60 * scale) })
	start(func() { ticks(40 * scale) })
	start(func() { timeouts(40 * scale) })
	start(func() { resets(40 * scale) })
	all.Wait()
}

func afterFuncs(count int) {
	var fired sync.WaitGroup
	for i := 0; i < count; i++ {
		fired.Add(1)
		time.AfterFunc(time.Duration(i*50)*time.Microsecond, fired.Done)
	}
	fired.Wait()
}

func ticks(count int) {
	ticker := time.NewTicker(500 * time.Microsecond)
	defer ticker.Stop()
	for i := 0; i < count; i++ {
		<-ticker.C
	}
}

func timeouts(count int) {
	never := make(chan int)
	for i := 0; i < count; i++ {
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Microsecond)
		select {
		case <-never:
		case <-ctx.Done():
		}
		cancel()
		select {
		case <-never:
		case <-time.After(200 * time.Microsecond):
		}
	}
}

func resets(count int) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for i := 0; i < count; i++ {
		if !timer.Stop() {
			select {
			case <-timer.C:
			default:
			}
		}
		timer.Reset(400 * time.Microsecond)
		<-timer.C
	}
}
