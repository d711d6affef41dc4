// Pulse makes one goroutine after the other and waits for each, on one P: a strictly periodic
// sequence of events. Ends after the number of them that its argument says, or runs until killed.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
)

func beat(done chan<- bool) { done <- true }

func main() {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)
	n := -1
	if len(os.Args) > 1 {
		var err error
		if n, err = strconv.Atoi(os.Args[1]); err != nil {
			panic(err)
		}
	}
	done := make(chan bool)
	fmt.Println("beating")
	beats := 0
	for ; beats != n; beats++ {
		go beat(done)
		<-done
	}
	fmt.Println("beats", beats)
}
