// Leaky is a small web shop with three goroutine leaks of the kinds that reach production, beside
// things that only look like leaks: a worker pool, a ticker, a listener and idle connections.
//
// With -healthy it is the same shop with the three mistakes put right.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof" // Go's own view of the goroutines, to compare with
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to serve on; port 0 takes a free one")
	healthy := flag.Bool("healthy", false, "put the three leaks right")
	flag.Parse()
	if err := serve(*addr, *healthy); err != nil {
		fmt.Fprintln(os.Stderr, "leaky:", err)
		os.Exit(1)
	}
}

// serve runs the shop until SIGTERM or an interrupt.
func serve(addr string, healthy bool) error {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()

	shop := newShop(healthy)
	http.HandleFunc("/quote", shop.quote)
	http.HandleFunc("/watch", shop.watch)
	http.HandleFunc("/pay", shop.pay)
	http.HandleFunc("/label", shop.label)

	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr())

	server := &http.Server{ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}

	// Requests that hang on the ledger's lock never end, so the patience here has to.
	patience, done := context.WithTimeout(context.Background(), time.Second)
	defer done()
	if err := server.Shutdown(patience); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
