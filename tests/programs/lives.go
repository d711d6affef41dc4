// Lives runs exact numbers of goroutines that each park exactly once, or not at all, in a known way.
//
//	lives receivers=97 senders=61 lockers=43 selectors=29 waiters=23 sleepers=11 passers=7 stuck=5
//
// It makes sure that all who are to park have parked before it wakes any. Those called stuck are
// never woken; passers never park. With the argument await it says "parked" at that point, and waits
// for a line on its standard input.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	received, selected = make(chan int), make(chan int)
	sent, never        = make(chan int), make(chan int)
	lock               sync.Mutex
	group, passed      sync.WaitGroup
)

func receiver() { <-received }
func sender()   { sent <- 1 }
func locker()   { lock.Lock(); lock.Unlock() }
func waiter()   { group.Wait() }
func sleeper()  { time.Sleep(nap) }
func passer()   { passed.Done() }
func stuck()    { <-never }

func selector() {
	select {
	case <-selected:
	case <-never:
	}
}

const nap = 300 * time.Millisecond

func main() {
	debug.SetGCPercent(-1) // the collector would park them as well
	count := map[string]int{}
	await := false
	for _, argument := range os.Args[1:] {
		if argument == "await" {
			await = true
			continue
		}
		name, number, _ := strings.Cut(argument, "=")
		n, err := strconv.Atoi(number)
		if err != nil {
			panic(err)
		}
		count[name] = n
	}
	lock.Lock()
	group.Add(1)
	spawn(count["receivers"], receiver)
	spawn(count["senders"], sender)
	spawn(count["lockers"], locker)
	spawn(count["selectors"], selector)
	spawn(count["waiters"], waiter)
	spawn(count["stuck"], stuck)
	waitParked(count, "receiver", "sender", "locker", "selector", "waiter", "stuck")

	if await {
		fmt.Println("parked")
		os.Stdin.Read(make([]byte, 1))
	}
	passed.Add(count["passers"])
	spawn(count["passers"], passer)
	passed.Wait()
	spawn(count["sleepers"], sleeper)

	close(received)
	for i := 0; i < count["senders"]; i++ {
		<-sent
	}
	lock.Unlock()
	close(selected)
	group.Done()
	for runtime.NumGoroutine() > 1+count["stuck"] {
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("done")
}

func spawn(n int, life func()) {
	for i := 0; i < n; i++ {
		go life()
	}
}

// waitParked returns when as many goroutines as were started stand in functions of these names, and
// none of them runs.
func waitParked(count map[string]int, names ...string) {
	dump := make([]byte, 1<<20)
	for {
		time.Sleep(20 * time.Millisecond)
		blocks := strings.Split(string(dump[:runtime.Stack(dump, true)]), "\n\n")
		missing := 0
		for _, name := range names {
			missing += count[name] + count[name+"s"]
			for _, block := range blocks {
				awake := strings.Contains(block, "[running") || strings.Contains(block, "[runnable")
				if !awake && strings.Contains(block, "main."+name+"(") {
					missing--
				}
			}
		}
		if missing == 0 {
			return
		}
	}
}
