// Churn keeps goroutines moving in every way that a reader of its memory could trip over: two call
// paths of the same shape, stacks that grow and shrink, goroutines that come and go, garbage
// collections. In between stand 1009 that never move. Ends when its standard input does.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"
)

var (
	ping, pong = make(chan int), make(chan int)
	forever    = make(chan int)
	standing   sync.WaitGroup
)

//go:noinline
func left3(v int) int { ping <- v; return <-pong + 1 }

//go:noinline
func left2(v int) int { return left3(v) + 1 }

//go:noinline
func left1(v int) int { return left2(v) + 1 }

//go:noinline
func right3(v int) int { ping <- v; return <-pong + 1 }

//go:noinline
func right2(v int) int { return right3(v) + 1 }

//go:noinline
func right1(v int) int { return right2(v) + 1 }

func swing() {
	for i := 0; ; i++ {
		left1(i)
		right1(i)
	}
}

func answer() {
	for {
		pong <- <-ping
	}
}

//go:noinline
func dive(n int) int {
	var room [64]int
	room[n%64] = n
	if n == 0 {
		runtime.Gosched()
		return 0
	}
	return dive(n-1) + room[(n+1)%64]
}

func diver(depth int) {
	for {
		dive(depth)
		time.Sleep(100 * time.Microsecond)
	}
}

func shortLived() { runtime.Gosched() }

func spawner() {
	for {
		for i := 0; i < 100; i++ {
			go shortLived()
		}
		time.Sleep(time.Millisecond)
	}
}

func stay3() {
	standing.Done()
	<-forever
}

//go:noinline
func stay2() { stay3() }

func stay() { stay2() }

func main() {
	standing.Add(1009)
	for i := 0; i < 1009; i++ {
		go stay()
	}
	standing.Wait()
	for i := 0; i < 20; i++ {
		go swing()
		go answer()
		go diver(10 * i)
	}
	go spawner()
	go func() {
		for {
			runtime.GC()
			time.Sleep(5 * time.Millisecond)
		}
	}()
	time.Sleep(100 * time.Millisecond)
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	fmt.Println("end")
}
