// Packages makes goroutines that start in different packages: its own, and those of the standard
// library that make goroutines themselves. Waits for a line on its standard input before it does.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

func worker(group *sync.WaitGroup) { group.Done() }

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "hello")
	}))
	fmt.Println("ready")
	os.Stdin.Read(make([]byte, 1))

	var group sync.WaitGroup
	group.Add(13)
	for i := 0; i < 13; i++ {
		go worker(&group)
	}
	group.Wait()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for i := 0; i < 7; i++ {
		answer, err := client.Get("http://" + listener.Addr().String())
		if err != nil {
			panic(err)
		}
		io.ReadAll(answer.Body)
		answer.Body.Close()
	}
	time.AfterFunc(time.Millisecond, func() {})
	time.Sleep(20 * time.Millisecond)
	fmt.Println("done")
}
