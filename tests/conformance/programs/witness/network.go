package main

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// network has goroutines wait for the network poller: accepts, reads, deadlines, closed sockets.
func network(scale int) {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	var servers sync.WaitGroup
	servers.Add(1)
	go func() {
		defer servers.Done()
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			servers.Add(1)
			go func() {
				defer servers.Done()
				defer conn.Close()
				io.Copy(conn, conn)
			}()
		}
	}()
	var clients sync.WaitGroup
	for i := 0; i < 11; i++ {
		clients.Add(1)
		go func() {
			defer clients.Done()
			echo(listener.Addr().String(), 60*scale)
		}()
	}
	clients.Wait()
	listener.Close()
	servers.Wait()
	pipeDeadlines(20 * scale)
}

func echo(address string, rounds int) {
	conn := must(net.Dial("tcp", address))
	defer conn.Close()
	buffer := make([]byte, 512)
	for i := 0; i < rounds; i++ {
		must(conn.Write(buffer))
		must(io.ReadFull(conn, buffer))
	}
}

func pipeDeadlines(rounds int) {
	r, w, err := os.Pipe()
	check(err)
	defer r.Close()
	defer w.Close()
	var b [1]byte
	for i := 0; i < rounds; i++ {
		check(r.SetReadDeadline(time.Now().Add(200 * time.Microsecond)))
		if _, err := r.Read(b[:]); !errors.Is(err, os.ErrDeadlineExceeded) {
			fail("read from an empty pipe: %v", err)
		}
	}
}
