// Again has a goroutine that runs for each line it reads, waits again in the very same place, and
// one beside it that never runs.
package main

import (
	"bufio"
	"fmt"
	"os"
)

var asked, forever = make(chan int), make(chan int)

func serve() {
	for range asked {
	}
}

func stay() { <-forever }

func main() {
	go serve()
	go stay()
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		asked <- 1
		fmt.Println("asked")
	}
}
