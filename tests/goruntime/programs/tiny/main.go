// The smallest program that still has everything: what damaged binaries are made from.
package main

func twice(x int) int { return 2 * x }

func main() {
	c := make(chan int)
	go func() { c <- twice(21) }()
	println(<-c)
}
