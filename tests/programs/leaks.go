// Leaks leaks goroutines in the way that its argument names; with "healed-" before the name, the same
// program does not. It says "ready", goes on, and ends at the end of its input.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const often = 100 * time.Millisecond

var (
	subscribers sync.Map // of channels, so that something always refers to them
	ledger      sync.Mutex
	approvals   = make(chan int, 1)
)

func receiveFrom(c chan int)           { <-c }
func selectNothing()                   { select {} }
func waitForOthers(wg *sync.WaitGroup) { wg.Wait() }
func waitForChange(cond *sync.Cond)    { cond.L.Lock(); cond.Wait(); cond.L.Unlock() }
func serve(jobs chan int) {
	for range jobs {
		time.Sleep(time.Millisecond)
	}
}
func nap()                    { time.Sleep(time.Hour) }
func follow(updates chan int) { <-updates }
func poll(n int) {
	for i := 0; i < n; i++ {
		time.Sleep(often / 2)
	}
}

func call(pipe int) { syscall.Read(pipe, make([]byte, 1)) }

// hear serves a client for as long as that is there.
func hear(conn net.Conn) {
	updates := make(chan int)
	subscribers.Store(conn, updates)
	go follow(updates)
	io.Copy(io.Discard, conn)
	close(updates)
	conn.Close()
	subscribers.Delete(conn)
}

// subscribe answers a request for as long as the client listens.
func subscribe(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	updates := make(chan int)
	subscribers.Store(r, updates)
	select {
	case <-updates:
	case <-r.Context().Done():
	}
	subscribers.Delete(r)
}

// overHTTP2 is what both ends speak, without encryption.
func overHTTP2() *http.Protocols {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return protocols
}

// listen asks again and again, on one connection, until that is gone.
func listen(address string, healed bool) {
	client := http.Client{Transport: &http.Transport{Protocols: overHTTP2()}}
	for {
		response, err := client.Get("http://" + address)
		if err != nil {
			return
		}
		if healed {
			response.Body.Close()
		}
		time.Sleep(often)
	}
}

// post waits for the approval of a large amount with the ledger locked.
func post(large bool) {
	ledger.Lock()
	if large {
		<-approvals
	}
	ledger.Unlock()
}

//go:noinline
func lose(mode string, healed bool) {
	switch mode {
	case "nil-channel":
		var c chan int
		if healed {
			c = make(chan int)
			close(c)
		}
		go receiveFrom(c)
	case "empty-select":
		if !healed {
			go selectNothing()
		}
	case "lost-channel":
		c := make(chan int)
		go receiveFrom(c)
		if healed {
			c <- 1
		}
	case "lost-group":
		wg := new(sync.WaitGroup)
		wg.Add(1)
		go waitForOthers(wg)
		if healed {
			wg.Done()
		}
	case "lost-condition":
		cond := sync.NewCond(new(sync.Mutex))
		go waitForChange(cond)
		if healed {
			time.Sleep(often)
			cond.Broadcast()
		}
	case "abandoned-pool":
		jobs := make(chan int)
		for i := 0; i < 20; i++ {
			go serve(jobs)
		}
		if healed {
			subscribers.Store("jobs", jobs)
		}
	case "piling-up":
		go func() {
			for i := 0; ; i++ {
				updates := make(chan int)
				subscribers.Store(i, updates)
				go follow(updates)
				time.Sleep(often)
				if healed {
					close(updates)
					subscribers.Delete(i)
				}
			}
		}()
	case "pollers":
		go func() {
			for {
				n := 1 << 30
				if healed {
					n = 4
				}
				go poll(n)
				time.Sleep(often)
			}
		}()
	case "callers":
		go func() {
			for {
				var pipe [2]int
				if err := syscall.Pipe(pipe[:]); err != nil {
					panic(err)
				}
				go call(pipe[0])
				time.Sleep(often)
				if healed {
					syscall.Write(pipe[1], []byte{1})
				}
			}
		}()
	case "lock":
		if healed {
			approvals <- 1
		}
		go post(true)
		time.Sleep(often)
		for i := 0; i < 3; i++ {
			go post(false)
		}
	case "idlers":
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		go listener.Accept()
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, os.Interrupt)
		go func() { <-signals }()
		go func() {
			for range time.Tick(often) {
			}
		}()
		go nap()
	case "clients":
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		go func() {
			for {
				if conn, err := listener.Accept(); err == nil {
					go hear(conn)
				}
			}
		}()
		go func() {
			for {
				conn, err := net.Dial("tcp", listener.Addr().String())
				if err != nil {
					panic(err)
				}
				subscribers.Store(conn, conn)
				time.Sleep(often)
				if healed {
					conn.Close()
					subscribers.Delete(conn)
				}
			}
		}()
	case "streams":
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		server := http.Server{Handler: http.HandlerFunc(subscribe), Protocols: overHTTP2()}
		go server.Serve(listener)
		address := listener.Addr().String()
		client := exec.Command(os.Args[0], "listen", address, strconv.FormatBool(healed))
		if err := client.Start(); err != nil {
			panic(err)
		}
	default:
		panic(mode)
	}
}

// clobber writes over what lose left on the stack of main.
//
//go:noinline
func clobber(n int) int {
	var junk [64]int
	for i := range junk {
		junk[i] = n + i
	}
	if n > 0 {
		return clobber(n-1) + junk[n%64]
	}
	return junk[0]
}

func main() {
	if os.Args[1] == "listen" {
		listen(os.Args[2], os.Args[3] == "true")
		return
	}
	lose(strings.CutPrefix(os.Args[1], "healed-"))
	clobber(64)
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
