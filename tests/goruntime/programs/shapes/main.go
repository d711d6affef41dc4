// Shapes of code that the function and line tables must get right: inlining two deep and twice on
// a line, methods, closures, generics, wrappers and deferred calls.
package main

import (
	"fmt"
	"net"
	"os"
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

type shape interface{ area() float64 }

type square struct{ side float64 }

func (s square) area() float64 { return times(s.side, s.side) }

type named struct {
	shape
	name string
}

func times(a, b float64) float64 { return a * b }

func twice(a float64) float64 { return times(a, 2) + times(2, a) }

//go:noinline
func outer(values []float64) (sum float64) {
	defer func() { sum++ }()
	for _, v := range values {
		sum += twice(v) +
			times(v, v)
	}
	return sum
}

func main() {
	var group sync.WaitGroup
	results := make(chan float64)
	for _, s := range []shape{square{1}, &named{square{2}, "two"}} {
		group.Add(1)
		go func(s shape) {
			defer group.Done()
			results <- s.area() + outer([]float64{1, 2, 3})
		}(s)
	}
	go func() { group.Wait(); close(results) }()
	for r := range results {
		fmt.Println(largest(r, 1), largest(int(r), 2))
	}
	if len(os.Args) > 1 {
		l, err := net.Listen("tcp", os.Args[1])
		fmt.Println(l, err)
		time.Sleep(time.Second)
	}
}
