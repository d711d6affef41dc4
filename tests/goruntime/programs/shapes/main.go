// Shapes of code that the function and line tables must get right: inlining two deep and twice on
// a line, methods, closures, generics, wrappers and deferred calls. It ends in a panic, and so in
// the runtime's own account of all stacks.
package main

import (
	"fmt"
	"net"
	"sync"
	"time"
)

type number interface{ ~int | ~float64 }

func largest[T number](values ...T) T {
	var found T
	for _, v := range values {
		if v > found {
			found = v
		}
	}
	return found
}

type shape interface{ wait() float64 }

type square struct {
	side float64
	c    chan float64
}

func (s square) wait() float64 { return times(s.side, receive(s.c)) }

type named struct {
	shape
	name string
}

func times(a, b float64) float64 { return a * b }

func receive(c chan float64) float64 { return <-c }

func twice(a float64, c chan float64) float64 { return times(a, 2) + times(receive(c), a) }

//go:noinline
func outer(values []float64, c chan float64) (sum float64) {
	defer func() { sum++ }()
	for _, v := range values {
		sum += times(v, v) +
			twice(v, c)
	}
	return sum
}

func lock(mu *sync.Mutex) {
	mu.Lock()
	defer mu.Unlock()
}

func main() {
	never := make(chan float64)
	go square{1, never}.wait()
	var s shape = &named{square{2, never}, "two"}
	go s.wait()
	go outer([]float64{largest(1.0, 3.0), 2}, never)
	go func() {
		never <- float64(largest(1, 2))
		time.Sleep(time.Hour)
	}()
	var mu sync.Mutex
	mu.Lock()
	go lock(&mu)
	go func() {
		cond := sync.NewCond(&sync.Mutex{})
		cond.L.Lock()
		cond.Wait()
	}()
	go (&sync.Once{}).Do(func() { lock(&mu) })
	go func() {
		select {
		case <-never:
		case <-time.After(time.Hour):
		}
	}()
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		go l.Accept()
	}
	time.Sleep(100 * time.Millisecond)
	panic(fmt.Sprint("stacks of ", s))
}
