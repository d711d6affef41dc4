// Hiding blocks a goroutine on a channel that nothing in sight refers to, says "blocked", and sends
// it a value for each line it reads: it is then blocked on the same channel in the next line.
package main

import (
	"bufio"
	"fmt"
	"os"
	"unsafe"
)

var hidden uintptr

func wait(c chan int) {
	<-c
	<-c
	<-c
}

func begin() {
	c := make(chan int)
	hidden = ^*(*uintptr)(unsafe.Pointer(&c))
	go wait(c)
}

func wake() {
	address := ^hidden
	*(*chan int)(unsafe.Pointer(&address)) <- 1
}

func main() {
	begin()
	fmt.Println("blocked")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		go wake()
	}
}
