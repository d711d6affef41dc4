//go:build go1.25

package main

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func init() { workloads["bubbles"] = bubbles }

// bubbles runs goroutines in isolated groups whose clock stands still until all of them wait.
func bubbles(scale int) {
	done := make(chan struct{})
	test := testing.InternalTest{Name: "bubbles", F: func(t *testing.T) {
		for i := 0; i < 20*scale; i++ {
			synctest.Test(t, bubble)
		}
		close(done)
		select {} // Main would end the program
	}}
	go testing.Main(func(_, _ string) (bool, error) { return true, nil }, []testing.InternalTest{test}, nil, nil)
	<-done
}

func bubble(t *testing.T) {
	var all sync.WaitGroup
	results := make(chan int)
	for i := 0; i < 5; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			time.Sleep(time.Duration(i) * time.Hour)
			results <- i
		}()
	}
	go func() {
		all.Wait()
		close(results)
	}()
	synctest.Wait()
	for range results {
	}
	select {
	case <-time.After(time.Hour):
	case <-results:
	}
}
