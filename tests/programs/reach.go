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

func heldByDefer(c chan int)    { <-c }
func heldByDefers(c chan int)   { <-c }
func heldByVariable(c chan int) { <-c }
func heldByArgument(c chan int) { <-c }
func heldByResult(c chan int)   { <-c }
func heldByPanic(c chan int)    { <-c }

// These wait on a global, so they can run again, and would then use the channel that each keeps in its
// own way: for a deferred call, for one of many, in a variable that others have the address of, as
// an argument too many for the registers, as what a call returned, in a panic.
func deferring(c chan int) {
	defer close(c)
	<-global
}

func deferringOften(c chan int) {
	defer close(make(chan int))
	defer close(make(chan int))
	defer close(make(chan int))
	defer close(make(chan int))
	defer close(c)
	defer close(make(chan int))
	defer close(make(chan int))
	defer close(make(chan int))
	defer close(make(chan int))
	c = nil
	<-global
}

type inner struct {
	before [9]int
	c      chan int
}

func varying(c chan int) {
	v := inner{c: c}
	fill(&v)
	<-global
	fill(&v)
	v.c <- 1
}

//go:noinline
func fill(v *inner) { v.before[3]++ }

//go:noinline
func arguing(a, b, c, d, e, f, g, h, i, j, k, l *int, last chan int) {
	<-global
	last <- 1
	println(a, b, c, d, e, f, g, h, i, j, k, l)
}

//go:noinline
func same(c chan int) chan int { return c }

func resulting(c chan int) {
	d := same(c)
	c = nil
	<-global
	d <- 1
}

func panicking(c chan int) {
	defer func() {
		<-global
		recover().(chan int) <- 1
	}()
	panic(c)
}

func keep() {
	var c [6]chan int
	for i := range c {
		c[i] = make(chan int)
	}
	go heldByDefer(c[0])
	go deferring(c[0])
	go heldByDefers(c[1])
	go deferringOften(c[1])
	go heldByVariable(c[2])
	go varying(c[2])
	go heldByArgument(c[3])
	go func(c chan int) {
		arguing(nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, c)
	}(c[3])
	go heldByResult(c[4])
	go resulting(c[4])
	go heldByPanic(c[5])
	go panicking(c[5])
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
	keep()
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
