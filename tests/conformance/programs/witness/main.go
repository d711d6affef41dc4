// Witness runs workloads, one after the other, under Go's own execution tracer, so that what another
// observer says of its goroutines can be held against what the runtime says.
//
//	witness SCALE TRACE-FILE WORKLOAD...
//
// SCALE multiplies the amount of work. With "-" for the file the tracer stays off, and the program
// says how much processor time it used, in ns.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime/trace"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Files that need a newer Go add to these.
var workloads = map[string]func(scale int){
	"channels": channels,
	"churn":    churn,
	"crowd":    crowd,
	"forget":   forget,
	"gc":       garbage,
	"locks":    locks,
	"network":  network,
	"sched":    scheduling,
	"syscalls": syscalls,
	"timers":   timers,
	"wait":     func(int) { wait() },
}

func main() {
	if len(os.Args) < 4 {
		fail("usage: witness SCALE TRACE-FILE WORKLOAD...")
	}
	scale, path := must(strconv.Atoi(os.Args[1])), os.Args[2]
	if path == "-" {
		run(os.Args[3:], scale)
		fmt.Println("used", processorTime())
		return
	}
	file := must(os.Create(path))
	out := bufio.NewWriterSize(file, 64<<20) // no system calls of the tracer's own while it runs
	check(trace.Start(out))
	run(os.Args[3:], scale)
	trace.Stop()
	check(out.Flush())
	check(file.Close())
}

func run(names []string, scale int) {
	for _, name := range names {
		work := workloads[name]
		if work == nil {
			fail("no workload %q; there are: %s", name, strings.Join(known(), " "))
		}
		mark("begin " + name)
		work(scale)
		mark("end " + name)
	}
}

func processorTime() int64 {
	var used syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return used.Utime.Nano() + used.Stime.Nano()
}

// mark notes a moment at which nothing else goes on: what is compared lies between two of them.
func mark(what string) {
	time.Sleep(5 * time.Millisecond)
	trace.Log(context.Background(), "witness", what)
	time.Sleep(5 * time.Millisecond)
}

// wait says that it waits, and does so for a line.
func wait() {
	fmt.Println("waiting")
	bufio.NewReaderSize(os.Stdin, 1).ReadString('\n')
}

func known() []string {
	var all []string
	for name := range workloads {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "witness: "+format+"\n", args...)
	os.Exit(1)
}
