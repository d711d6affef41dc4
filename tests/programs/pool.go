// Pool keeps 1,000 workers that nearly always wait, in the ways in which pools are written, and now
// and then has some of them work. It says "ready", and ends at end of its input.
package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

const workers = 250

type job struct{ done chan<- int }

// ranging is a pool whose workers share a channel.
func ranging(jobs <-chan job) {
	for j := range jobs {
		j.done <- 1
	}
}

// choosing is a pool whose workers wait for work or for the end.
func choosing(jobs <-chan job, quit <-chan struct{}) {
	for {
		select {
		case j := <-jobs:
			j.done <- 1
		case <-quit:
			return
		}
	}
}

// queue is a pool whose workers wait on a condition.
type queue struct {
	mu   sync.Mutex
	cond *sync.Cond
	jobs []job
}

func (q *queue) serve() {
	for {
		q.mu.Lock()
		for len(q.jobs) == 0 {
			q.cond.Wait()
		}
		j := q.jobs[0]
		q.jobs = q.jobs[1:]
		q.mu.Unlock()
		j.done <- 1
	}
}

func (q *queue) put(j job) {
	q.mu.Lock()
	q.jobs = append(q.jobs, j)
	q.mu.Unlock()
	q.cond.Signal()
}

// owned is a pool whose workers have a channel each.
func owned(jobs <-chan job) {
	for j := range jobs {
		j.done <- 1
	}
}

func main() {
	shared, chosen, quit := make(chan job), make(chan job), make(chan struct{})
	waiting := &queue{}
	waiting.cond = sync.NewCond(&waiting.mu)
	var each []chan job
	for range workers {
		own := make(chan job)
		each = append(each, own)
		go ranging(shared)
		go choosing(chosen, quit)
		go waiting.serve()
		go owned(own)
	}
	fmt.Println("ready")
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(quit)
		os.Exit(0)
	}()
	done := make(chan int)
	for turn := 0; ; turn++ {
		j := job{done}
		shared <- j
		chosen <- j
		waiting.put(j)
		each[turn%3] <- j // most of them never have anything to do
		for range 4 {
			<-done
		}
		time.Sleep(20 * time.Millisecond)
	}
}
