package main

import (
	"strings"
	"sync"
	"time"
)

// supplier answers questions about prices, a little late.
type supplier struct {
	closesUnknown bool
}

func (s *supplier) ask(item string, reply chan<- int) {
	if strings.HasPrefix(item, "unknown") {
		if s.closesUnknown {
			close(reply)
		}
		return
	}
	time.Sleep(2 * time.Millisecond)
	reply <- 100 * len(item)
}

type entry struct {
	cents      int
	correction *entry
}

// ledger adds up payments, one at a time.
type ledger struct {
	locksOnce bool

	mu    sync.Mutex
	total int
}

// post is the third leak: for a correction it takes the lock that it holds already. That request
// waits for ever, and every later one behind it.
func (l *ledger) post(e entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total += e.cents
	if e.correction != nil {
		if l.locksOnce {
			l.total += e.correction.cents
			return
		}
		l.post(*e.correction)
	}
}

// printer is a pool of workers. They wait for jobs, which is not a leak.
type printer struct {
	jobs chan job
}

type job struct {
	text string
	done chan<- string
}

func newPrinter(workers int) *printer {
	p := &printer{jobs: make(chan job)}
	for i := 0; i < workers; i++ {
		go p.work()
	}
	return p
}

func (p *printer) work() {
	for j := range p.jobs {
		time.Sleep(time.Millisecond)
		j.done <- "[" + j.text + "]"
	}
}

func (p *printer) print(text string) string {
	done := make(chan string, 1)
	p.jobs <- job{text, done}
	return <-done
}
