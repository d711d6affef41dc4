// Reach blocks goroutines in ways that can and cannot end, and says "blocked" once they are all in
// place, 20 of each kind that cannot. Those whose function begins with "lost" wait on what nothing that can run refers to; those
// with "held", on what something does.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

type both struct {
	mu   sync.Mutex
	cond *sync.Cond
	wg   sync.WaitGroup
	ch   chan *both
}

const copies = 20

var (
	global     = make(chan int)
	globalLock sync.Mutex
	registry   = map[int]*both{}
)

func lostReceiver(c chan int) { <-c }
func lostSender(c chan int)   { c <- 1 }
func lostSelect(c, d chan int) {
	select {
	case <-c:
	case d <- 1:
	}
}
func lostLocker(b *both)         { b.mu.Lock() }
func lostWaiter(b *both)         { b.wg.Wait() }
func lostCond(b *both)           { b.mu.Lock(); b.cond.Wait() }
func lostNil()                   { var c chan int; <-c }
func lostEmpty()                 { select {} }
func lostRing(in, out chan int)  { out <- <-in }
func heldByGlobal()              { <-global }
func heldByGlobalLock()          { globalLock.Lock() }
func heldByMap(b *both)          { b.wg.Wait() }
func heldByStack(c chan int)     { <-c }
func heldByTimer(c chan bool)    { <-c }
func heldByFinalizer(c chan int) { <-c }
func heldByFinalized(c chan int) { <-c }
func heldThrough(c chan *both)   { <-c }
func heldByBlocked(c chan int)   { <-c; global <- 1 }
func heldBySelect(a, b chan int) {
	select {
	case <-a:
	case <-b:
	}
}

// sleeper keeps a channel on its stack and sleeps.
func sleeper(c chan int) {
	for {
		time.Sleep(20 * time.Millisecond)
		select {
		case c <- 1:
			go heldByStack(c)
		default:
		}
	}
}

// relay waits on a global, so it can run again, and would then use what it has on its stack.
func relay(c chan int) { <-global; c <- 1 }

func newBoth() *both {
	b := &both{ch: make(chan *both)}
	b.cond = sync.NewCond(&b.mu)
	return b
}

//go:noinline
func lose() {
	go lostReceiver(make(chan int))
	go lostSender(make(chan int))
	go lostSelect(make(chan int), make(chan int))
	locked := newBoth()
	locked.mu.Lock()
	go lostLocker(locked)
	waited := newBoth()
	waited.wg.Add(1)
	go lostWaiter(waited)
	go lostCond(newBoth())
	go lostNil()
	go lostEmpty()
	a, b, c := make(chan int), make(chan int), make(chan int)
	go lostRing(a, b)
	go lostRing(b, c)
	go lostRing(c, a)
}

//go:noinline
func hold() {
	go heldByGlobal()
	globalLock.Lock()
	go heldByGlobalLock()
	mapped := newBoth()
	mapped.wg.Add(1)
	registry[7] = mapped
	go heldByMap(mapped)
	go heldThrough(mapped.ch)
	on := make(chan int)
	go sleeper(on)
	go heldByStack(on)
	timed := make(chan bool)
	time.AfterFunc(time.Hour, func() { timed <- true })
	go heldByTimer(timed)
	far := make(chan int)
	go relay(far)
	go heldByBlocked(far)
	go heldBySelect(make(chan int), far)
}

type owner struct{ stop chan int }

var kept = new(owner)

// dispose leaves two to the next garbage collection: the finalizer of a kept object has a channel of
// its own, and nobody but its finalizer will get at the other object any more.
//
//go:noinline
func dispose() {
	c := make(chan int)
	runtime.SetFinalizer(kept, func(*owner) { close(c) })
	go heldByFinalizer(c)
	o := &owner{make(chan int)}
	runtime.SetFinalizer(o, func(o *owner) { close(o.stop) })
	go heldByFinalized(o.stop)
}

// clobber writes over what lose left on the stack of main.
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
	for i := 0; i < copies; i++ {
		lose()
	}
	hold()
	clobber(64)
	time.Sleep(300 * time.Millisecond)
	runtime.GC()
	dispose()
	clobber(64)
	time.Sleep(50 * time.Millisecond)
	fmt.Println("blocked")
	clobber(64)
	os.Stdin.Read(make([]byte, 1))
}
