// Deadlocks stands still, or does not, in the way that its argument names. It says "ready" once all is
// in place and ends at the end of its input.
package main

import (
	"fmt"
	"os"
	"sync"
	"time"
)

type account struct {
	mu      sync.Mutex
	table   sync.RWMutex
	balance int
}

const pause = 50 * time.Millisecond

//go:noinline
func transfer(from, to *account) {
	from.mu.Lock()
	time.Sleep(pause)
	to.mu.Lock()
	from.balance--
	to.balance++
	to.mu.Unlock()
	from.mu.Unlock()
}

//go:noinline
func visit(a *account) {
	time.Sleep(3 * pause)
	a.mu.Lock()
	a.balance++
	a.mu.Unlock()
}

//go:noinline
func waitForAnswer(a *account, answer chan int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.balance = <-answer
}

//go:noinline
func nap(a *account) {
	a.mu.Lock()
	time.Sleep(time.Hour)
	a.mu.Unlock()
}

//go:noinline
func lockAndLeave(a *account) { a.mu.Lock() }

//go:noinline
func again(a *account, depth int) {
	a.mu.Lock()
	if depth > 0 {
		again(a, depth-1)
	}
	a.mu.Unlock()
}

//go:noinline
func upgrade(a *account) {
	a.table.RLock()
	a.table.Lock()
	a.table.Unlock()
	a.table.RUnlock()
}

//go:noinline
func pingPong(in, out chan int) { out <- <-in }

func run(mode string) {
	a, b, c := new(account), new(account), new(account)
	switch mode {
	case "cycle":
		go transfer(a, b)
		go transfer(b, a)
		go visit(a)
	case "cycle-ordered":
		go transfer(a, b)
		go transfer(a, b)
		go visit(a)
	case "cycle-of-three":
		go transfer(a, b)
		go transfer(b, c)
		go transfer(c, a)
	case "stuck-holder":
		go waitForAnswer(a, make(chan int))
		go visit(a)
	case "stuck-holder-answered":
		answer := make(chan int, 1)
		answer <- 7
		go waitForAnswer(a, answer)
		go visit(a)
	case "busy-holder":
		go nap(a)
		go visit(a)
	case "gone":
		go lockAndLeave(a)
		go visit(a)
	case "self":
		go again(a, 1)
	case "self-once":
		go again(a, 0)
	case "upgrade":
		go upgrade(a)
	case "channels":
		there, back := make(chan int), make(chan int)
		go pingPong(there, back)
		go pingPong(back, there)
	case "channels-started":
		there, back := make(chan int, 1), make(chan int)
		there <- 1
		go pingPong(there, back)
		go pingPong(back, there)
	default:
		panic(mode)
	}
}

// clobber writes over what run left on the stack of main.
//
//go:noinline
func clobber(n int) int {
	var junk [64]int
	for i := range junk {
		junk[i] = n + i
	}
	if n > 0 {
		return clobber(n-1) + junk[n%64]
	}
	return junk[0]
}

func main() {
	run(os.Args[1])
	clobber(64)
	time.Sleep(6 * pause)
	fmt.Println("ready")
	os.Stdin.Read(make([]byte, 1))
}
