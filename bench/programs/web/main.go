// Web is a server as services are: each request asks three backends at once, all of which answer
// over a channel, counts itself under a lock, and writes some JSON.
//
// It prints the address it listens at. "GET /stats" answers with the number of requests served and
// the processor time they took, in nanoseconds.
package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"sync"
	"syscall"
)

type answer struct {
	Backend int    `json:"backend"`
	Sum     uint64 `json:"sum"`
}

var (
	mu     sync.Mutex
	served int
)

func backend(number int, request string, answers chan<- answer) {
	h := fnv.New64a()
	for i := 0; i < 40; i++ {
		h.Write([]byte(request))
	}
	answers <- answer{number, h.Sum64()}
}

func handle(w http.ResponseWriter, r *http.Request) {
	answers := make(chan answer)
	for i := 0; i < 3; i++ {
		go backend(i, r.URL.Path, answers)
	}
	all := make([]answer, 0, 3)
	for len(all) < 3 {
		all = append(all, <-answers)
	}
	mu.Lock()
	served++
	mu.Unlock()
	json.NewEncoder(w).Encode(all)
}

func stats(w http.ResponseWriter, r *http.Request) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	mu.Lock()
	defer mu.Unlock()
	fmt.Fprintln(w, served, used.Utime.Nano()+used.Stime.Nano())
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/stats", stats)
	http.HandleFunc("/", handle)
	fmt.Println(listener.Addr())
	panic(http.Serve(listener, nil))
}
