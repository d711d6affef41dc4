package main

import "sync"

// churn makes goroutines that soon end, some of which have to grow their stack first.
func churn(scale int) {
	for i := 0; i < 40*scale; i++ {
		var all sync.WaitGroup
		for n := 0; n < 37; n++ {
			depth := 0
			if n%5 == 0 {
				depth = 200
			}
			all.Add(1)
			go func() {
				defer all.Done()
				sink += deep(depth)
			}()
		}
		all.Wait()
	}
	family(6, 3)
}

//go:noinline
func deep(n int) int {
	var pad [64]int
	if n == 0 {
		return len(pad)
	}
	pad[n%64] = n
	return deep(n-1) + pad[n%7]
}

// family is a tree of goroutines: each waits for its children, which end before it.
func family(depth, children int) {
	if depth == 0 {
		return
	}
	var all sync.WaitGroup
	for i := 0; i < children; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			family(depth-1, children)
		}()
	}
	all.Wait()
}

// forget leaves goroutines behind that nobody will ever wake, among others that end.
func forget(scale int) {
	var all sync.WaitGroup
	for i := 0; i < 17*scale; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			answer := make(chan int)
			go func() { answer <- deep(3) }()
			unbuffered(20)
		}()
	}
	all.Wait()
}

// crowd has a hundred thousand goroutines wait at once.
func crowd(int) {
	gate := make(chan struct{})
	var all sync.WaitGroup
	for i := 0; i < 100_000; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			<-gate
		}()
	}
	close(gate)
	all.Wait()
}
