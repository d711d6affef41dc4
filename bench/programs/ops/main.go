// Ops does work that is almost only one kind of scheduler event, as often as it is told to, and
// says what it took.
//
// Each line of stdin is "WORK TIMES DEPTH"; the answer is one line: processor time and wall time in
// nanoseconds. DEPTH frames of its own lie under the work, as handlers and middleware do in a server.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

var works = map[string]func(n int){"pingpong": pingpong, "churn": churn, "storm": storm}

// Two goroutines wake each other: park, ready, run, and the same back.
func pingpong(n int) {
	ping, pong := make(chan int), make(chan int)
	go func() {
		for v := range ping {
			pong <- v
		}
		close(pong)
	}()
	for i := 0; i < n; i++ {
		ping <- i
		<-pong
	}
	close(ping)
	<-pong
}

// Goroutines that end at once: create, run, exit.
func churn(n int) {
	for i := 0; i < n; i += 100 {
		for j := 0; j < 100; j++ {
			go func() {}()
		}
		runtime.Gosched()
	}
}

// Both, on all processors, as fast as they can.
func storm(n int) {
	var all sync.WaitGroup
	for i := 0; i < 2*runtime.GOMAXPROCS(0); i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			pingpong(n)
			churn(n)
		}()
	}
	all.Wait()
}

//go:noinline
func under(depth int, work func(n int), n int) int {
	if depth > 0 {
		return under(depth-1, work, n) + 1
	}
	work(n)
	return 0
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var name string
		var n, depth int
		if _, err := fmt.Sscan(lines.Text(), &name, &n, &depth); err != nil {
			fmt.Fprintln(os.Stderr, "ops:", lines.Text(), err)
			os.Exit(2)
		}
		cpu, wall := processorTime(), time.Now()
		under(depth, works[name], n)
		fmt.Println(processorTime()-cpu, time.Since(wall).Nanoseconds())
	}
}

func processorTime() int64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
