package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const quoteTimeout = 100 * time.Millisecond

type shop struct {
	healthy  bool
	supplier supplier
	ledger   ledger
	printer  *printer

	mu      sync.Mutex
	watches map[string]context.CancelFunc
}

func newShop(healthy bool) *shop {
	s := &shop{
		healthy:  healthy,
		supplier: supplier{closesUnknown: healthy},
		ledger:   ledger{locksOnce: healthy},
		printer:  newPrinter(4),
		watches:  map[string]context.CancelFunc{},
	}
	go s.reportStock(time.NewTicker(250 * time.Millisecond))
	return s
}

// quote asks the supplier for a price, and gives up after a while.
func (s *shop) quote(w http.ResponseWriter, r *http.Request) {
	reply := make(chan int)
	price := make(chan int, 1)
	go awaitPrice(reply, price)
	go s.supplier.ask(r.FormValue("item"), reply)
	select {
	case cents := <-price:
		fmt.Fprintln(w, cents)
	case <-time.After(quoteTimeout):
		http.Error(w, "the supplier did not answer", http.StatusGatewayTimeout)
	}
}

// awaitPrice is the first leak: it waits for the reply without regard to whether the request is
// still there, and the supplier drops questions about items it does not know.
func awaitPrice(reply <-chan int, price chan<- int) {
	price <- <-reply
}

// watch tells when an item's stock changes, until the client takes the watch back.
func (s *shop) watch(w http.ResponseWriter, r *http.Request) {
	item := r.FormValue("item")
	ctx, cancel := context.WithCancel(context.Background())
	if s.healthy {
		defer cancel()
	}
	s.mu.Lock()
	s.watches[item] = cancel
	s.mu.Unlock()
	go followStock(ctx, make(chan int))
	fmt.Fprintln(w, "watching", item)
}

// followStock is the second leak: no client ever takes a watch back, so nobody calls cancel.
func followStock(ctx context.Context, levels <-chan int) {
	for {
		select {
		case <-levels:
		case <-ctx.Done():
			return
		}
	}
}

// pay books a payment, and the correction of an earlier one with it.
func (s *shop) pay(w http.ResponseWriter, r *http.Request) {
	payment := entry{cents: 100}
	if r.FormValue("corrects") != "" {
		payment.correction = &entry{cents: -100}
	}
	s.ledger.post(payment)
	fmt.Fprintln(w, "paid")
}

// label has the printer's workers make a shipping label.
func (s *shop) label(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, s.printer.print(strings.ToUpper(r.FormValue("to"))))
}

func (s *shop) reportStock(every *time.Ticker) {
	for range every.C {
		s.mu.Lock()
		_ = len(s.watches)
		s.mu.Unlock()
	}
}
