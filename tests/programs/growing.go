// Growing makes goroutines that never end, at one go statement, a few a second; and others that work
// and end, at another, for as long as it runs.
package main

import (
	"fmt"
	"sync"
	"time"
)

var never = make(chan int)

func forgotten() { <-never }

func work(group *sync.WaitGroup) {
	time.Sleep(time.Millisecond)
	group.Done()
}

func main() {
	fmt.Println("growing")
	for {
		go forgotten()
		var group sync.WaitGroup
		group.Add(17)
		for i := 0; i < 17; i++ {
			go work(&group)
		}
		group.Wait()
		time.Sleep(20 * time.Millisecond)
	}
}
