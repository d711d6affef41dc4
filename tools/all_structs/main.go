// A program that uses every part of the runtime whose structs the tables describe.
package main

import (
	"context"
	"net"
	"runtime/pprof"
	"time"
)

func main() {
	pprof.Do(context.Background(), pprof.Labels("k", "v"), func(context.Context) {
		c, err := net.Listen("tcp", "127.0.0.1:0")
		select {
		case <-time.After(0):
			if err == nil {
				c.Close()
			}
		}
	})
}
