package main

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

type node struct {
	next *node
	data [8]*node
}

// garbage keeps the garbage collector busy: assists, workers, stops of the world, finalizers.
func garbage(scale int) {
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	var all sync.WaitGroup
	for i := 0; i < 7; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			allocate(25 * scale)
		}()
	}
	all.Add(1)
	go func() {
		defer all.Done()
		for i := 0; i < 3*scale; i++ {
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
	}()
	all.Add(1)
	go func() {
		defer all.Done()
		for i := 0; i < 3*scale; i++ {
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			time.Sleep(2 * time.Millisecond)
		}
	}()
	all.Wait()
}

func allocate(rounds int) {
	for i := 0; i < rounds; i++ {
		var list *node
		for n := 0; n < 3000; n++ {
			list = &node{next: list}
			list.data[n%8] = list
		}
		runtime.SetFinalizer(list, func(*node) { sink++ })
		runtime.Gosched()
	}
}
