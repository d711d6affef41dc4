//go:build go1.23

package main

import (
	"iter"
	"sync"
)

func init() { workloads["coroutines"] = coroutines }

// coroutines pulls from iterators: to the end, part of the way, not at all, nested, and from
// several goroutines in turn.
func coroutines(scale int) {
	drain(300 * scale)
	for i := 0; i < 20*scale; i++ {
		abandon(i % 7)
	}
	nested(5, 20*scale)
	var all sync.WaitGroup
	for i := 0; i < 5; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			drain(100 * scale)
		}()
	}
	all.Wait()
	handOver(40 * scale)
}

func numbers(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 0; i < n; i++ {
			if !yield(i) {
				return
			}
		}
	}
}

func drain(n int) {
	next, stop := iter.Pull(numbers(n))
	defer stop()
	for {
		if _, ok := next(); !ok {
			return
		}
	}
}

func abandon(after int) {
	next, stop := iter.Pull(numbers(1 << 30))
	for i := 0; i < after; i++ {
		next()
	}
	stop()
}

// nested iterators each pull from the one within.
func nested(depth, n int) {
	seq := numbers(n)
	for i := 0; i < depth; i++ {
		inner := seq
		seq = func(yield func(int) bool) {
			next, stop := iter.Pull(inner)
			defer stop()
			for v, ok := next(); ok && yield(v); v, ok = next() {
			}
		}
	}
	for range collect(seq) {
	}
}

func collect(seq iter.Seq[int]) []int {
	var all []int
	seq(func(v int) bool {
		all = append(all, v)
		return true
	})
	return all
}

// handOver has two goroutines take turns at one iterator, which blocks on a channel in between.
func handOver(rounds int) {
	source := make(chan int)
	next, stop := iter.Pull(func(yield func(int) bool) {
		for v := range source {
			if !yield(v) {
				return
			}
		}
	})
	go func() {
		for i := 0; i < rounds; i++ {
			source <- i
		}
		close(source)
	}()
	turn := make(chan bool)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range turn {
			_, ok := next()
			turn <- ok
		}
	}()
	for ok := true; ok; {
		if _, ok = next(); ok {
			turn <- true
			ok = <-turn
		}
	}
	close(turn)
	<-done
	stop()
}
