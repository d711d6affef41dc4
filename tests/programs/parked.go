// Goroutines blocked in every way that has a name, for reading them from outside.
//
// Prints `fact KIND WHAT VALUE` lines and `ready`; then answers commands on its standard input:
// `dump` with Go's own dump of all goroutines, a line `end` behind it; `quit` by ending.
package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"reflect"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

var (
	empty    = make(chan int)
	buffered = make(chan string, 7)
	full     = make(chan int, 2)
	closed   = make(chan int)
	other    = make(chan bool, 3)
	never    chan int
	mutex    sync.Mutex
	readers  sync.RWMutex
	writers  sync.RWMutex
	group    sync.WaitGroup
	cond     = sync.NewCond(&sync.Mutex{})
	stop     atomic.Bool
)

func receive()       { <-empty }
func receiveFrom()   { <-buffered }
func send()          { full <- 1 }
func receiveNil()    { <-never }
func lock()          { mutex.Lock() }
func readLock()      { readers.RLock() }
func writeLock()     { writers.Lock() }
func wait()          { group.Wait() }
func selectForever() { select {} }
func sleep()         { time.Sleep(time.Hour) }

func condWait() {
	cond.L.Lock()
	cond.Wait()
}

func choose() {
	select {
	case <-empty:
	case other <- true:
	case v := <-buffered:
		println(v)
	}
}

func accept(l net.Listener) { l.Accept() }

func read(r *os.File) { r.Read(make([]byte, 1)) }

//go:noinline
func deep(n int) int {
	var room [100]int
	room[n%100] = n
	if n == 0 {
		<-empty
		return 0
	}
	return deep(n-1) + room[(n+1)%100]
}

//go:noinline
func wide() byte {
	var room [300000]byte
	room[len(os.Args)] = 1
	receive()
	return room[1]
}

// inPanic blocks in a deferred function while a nil dereference is under way.
func inPanic() {
	defer receive()
	var p *int
	*p = 1
}

func spin() {
	for !stop.Load() {
	}
}

type labelled struct{ name string }

func (l *labelled) run(ctx context.Context) { <-empty }

func fact(kind, what string, value uint64) { fmt.Println("fact", kind, what, value) }

func address[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

func channel[T any](what string, c chan T) {
	fact("chan", what, uint64(*(*uintptr)(unsafe.Pointer(&c))))
	fact("len", what, uint64(len(c)))
	fact("cap", what, uint64(cap(c)))
}

// pollDescriptor is what the runtime's network poller knows a file by.
func pollDescriptor(file any, path ...string) uint64 {
	v := reflect.ValueOf(file)
	for _, field := range append(path, "pfd", "pd", "runtimeCtx") {
		v = reflect.Indirect(v).FieldByName(field)
	}
	return v.Uint()
}

func main() {
	copies := 1
	if len(os.Args) > 1 {
		copies, _ = strconv.Atoi(os.Args[1])
	}
	buffered <- "x"
	<-buffered
	full <- 1
	full <- 2
	other <- true
	other <- true
	other <- true
	mutex.Lock()
	readers.Lock()
	writers.RLock()
	writers.RLock()
	group.Add(3)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	for i := 0; i < copies; i++ {
		go receive()
		go receiveFrom()
		go send()
		go choose()
		go lock()
	}
	go receiveNil()
	go readLock()
	go writeLock()
	go wait()
	go selectForever()
	go sleep()
	go condWait()
	go accept(l)
	go read(r)
	go deep(30)
	go deep(200)
	go wide()
	go inPanic()
	if len(os.Args) > 2 {
		go spin()
	}
	pprof.Do(context.Background(), pprof.Labels("color", "blue", "shape", "round"), func(ctx context.Context) {
		go (&labelled{"x"}).run(ctx)
	})
	many := make([]string, 0, 60)
	for i := 0; i < 30; i++ {
		many = append(many, "key"+strconv.Itoa(i), "value"+strconv.Itoa(i))
	}
	pprof.Do(context.Background(), pprof.Labels(many...), func(ctx context.Context) {
		go func() { <-empty }()
	})
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)

	channel("empty", empty)
	channel("buffered", buffered)
	channel("full", full)
	channel("other", other)
	fact("sync", "lock", address(&mutex)+4)
	fact("sync", "readLock", address(&readers)+12)
	fact("sync", "writeLock", address(&writers)+8)
	fact("sync", "wait", address(&group)+8)
	fact("sync", "condWait", address(cond)+16)
	fact("poll", "accept", pollDescriptor(l, "fd"))
	fact("poll", "read", pollDescriptor(r, "file"))
	time.Sleep(300 * time.Millisecond)
	runtime.GC()
	runtime.GC()
	fmt.Println("ready")
	defer w.Close()
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		switch in.Text() {
		case "dump":
			pprof.Lookup("goroutine").WriteTo(os.Stdout, 2)
			fmt.Println("end")
		case "quit":
			return
		}
	}
}
