// Busy makes some ten thousand scheduler events a second for as long as it runs: pairs of
// goroutines that wake each other, and short-lived goroutines.
package main

import (
	"fmt"
	"time"
)

func echo(in, out chan int) {
	for v := range in {
		out <- v
	}
}

func main() {
	in, out := make(chan int), make(chan int)
	go echo(in, out)
	fmt.Println("busy")
	for {
		for i := 0; i < 40; i++ {
			in <- i
			<-out
			done := make(chan bool)
			go func() { done <- true }()
			<-done
		}
		time.Sleep(10 * time.Millisecond)
	}
}
