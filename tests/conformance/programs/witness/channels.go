package main

import (
	"runtime"
	"sync"
)

// channels blocks and wakes goroutines on unbuffered, buffered, closed and selected channels.
func channels(scale int) {
	unbuffered(500 * scale)
	pipeline(7, 300*scale)
	selects(5, 200*scale)
	broadcast(31, 5*scale)
}

func unbuffered(rounds int) {
	ping, pong := make(chan int), make(chan int)
	go func() {
		for v := range ping {
			pong <- v
		}
		close(pong)
	}()
	for i := 0; i < rounds; i++ {
		ping <- i
		<-pong
	}
	close(ping)
	<-pong
}

// pipeline has senders and receivers of a small buffer block on each other.
func pipeline(pairs, items int) {
	jobs := make(chan int, 3)
	var senders, receivers sync.WaitGroup
	for i := 0; i < pairs; i++ {
		senders.Add(1)
		receivers.Add(1)
		go func() {
			defer senders.Done()
			for n := 0; n < items; n++ {
				jobs <- n
			}
		}()
		go func() {
			defer receivers.Done()
			for range jobs {
				spin(200)
			}
		}()
	}
	senders.Wait()
	close(jobs)
	receivers.Wait()
}

func selects(senders, items int) {
	a, b, quit := make(chan int), make(chan int, 1), make(chan struct{})
	var sending sync.WaitGroup
	for i := 0; i < senders; i++ {
		sending.Add(1)
		go func() {
			defer sending.Done()
			for n := 0; n < items; n++ {
				select {
				case a <- n:
				case b <- n:
				}
			}
		}()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-a:
			case <-b:
			case <-quit:
				return
			}
		}
	}()
	sending.Wait()
	close(quit)
	<-done
}

// broadcast wakes many goroutines at once, by closing what they wait on.
func broadcast(waiters, rounds int) {
	for i := 0; i < rounds; i++ {
		gate := make(chan struct{})
		var all sync.WaitGroup
		for w := 0; w < waiters; w++ {
			all.Add(1)
			go func() {
				defer all.Done()
				<-gate
			}()
		}
		runtime.Gosched()
		close(gate)
		all.Wait()
	}
}

// spin keeps the processor busy without calling anything.
func spin(n int) {
	for i := 0; i < n; i++ {
		sink += i
	}
}

var sink int
