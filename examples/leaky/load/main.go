// Load visits the leaky shop: steady healthy requests, and between them an exact number of those
// that leak, evenly spread.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

var (
	addr      = flag.String("addr", "127.0.0.1:8080", "where the shop is")
	duration  = flag.Duration("duration", 15*time.Second, "how long to visit it")
	rate      = flag.Int("rate", 100, "healthy requests a second")
	receivers = flag.Int("receivers", 23, "quotes that nobody will answer")
	watchers  = flag.Int("watchers", 31, "watches that nobody will take back")
	payments  = flag.Int("payments", 17, "payments from the one on that locks the ledger twice")
)

// patience is how long a client waits for an answer. Longer than the shop's own timeouts.
const patience = 500 * time.Millisecond

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}

const correction = "/pay?corrects=1"

var answered, refused, hung, failed int64

func main() {
	flag.Parse()
	if err := waitFor(*addr, 10*time.Second); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
	// The ledger works as long as nothing is corrected.
	for i := 0; i < 5; i++ {
		visit("/pay")
	}

	var visits sync.WaitGroup
	spread := func(n int, path func(i int) string) {
		visits.Add(1)
		go func() {
			defer visits.Done()
			start := time.Now()
			for i := 0; i < n; i++ {
				time.Sleep(time.Until(start.Add(*duration * time.Duration(i) / time.Duration(n))))
				url := path(i)
				if url == correction {
					visit(url) // those behind it come when it surely has the lock
					continue
				}
				visits.Add(1)
				go func() {
					defer visits.Done()
					visit(url)
				}()
			}
		}()
	}
	healthy := int(float64(*rate) * duration.Seconds())
	spread(healthy/2, func(i int) string { return fmt.Sprintf("/label?to=customer-%d", i) })
	spread(healthy-healthy/2, func(i int) string { return fmt.Sprintf("/quote?item=book-%d", i) })
	spread(*receivers, func(i int) string { return fmt.Sprintf("/quote?item=unknown-%d", i) })
	spread(*watchers, func(i int) string { return fmt.Sprintf("/watch?item=book-%d", i) })
	spread(*payments, func(i int) string {
		if i == 0 {
			return correction
		}
		return "/pay"
	})
	visits.Wait()
	fmt.Printf("load: %d answered, %d refused, %d hung, %d failed\n", answered, refused, hung, failed)
	if failed > 0 {
		os.Exit(1)
	}
}

// waitFor returns once something listens on addr.
func waitFor(addr string, atMost time.Duration) error {
	deadline := time.Now().Add(atMost)
	for {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// visit makes one request and counts how it ended.
func visit(path string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+*addr+path, nil)
	if err != nil {
		panic(err) // the paths are all made here
	}
	response, err := client.Do(request)
	switch {
	case err != nil && ctx.Err() != nil:
		atomic.AddInt64(&hung, 1)
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "load:", err)
		atomic.AddInt64(&failed, 1)
		return
	}
	defer response.Body.Close()
	io.Copy(io.Discard, response.Body)
	if response.StatusCode == http.StatusOK {
		atomic.AddInt64(&answered, 1)
	} else {
		atomic.AddInt64(&refused, 1)
	}
}
