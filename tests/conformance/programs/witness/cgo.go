//go:build cgo

package main

/*
#include <pthread.h>
#include <unistd.h>

extern void called(int what);

#define WHATS 8

static void *calls(void *count)
{
	for (long i = 0; i < (long)count; i++) {
		called(i % WHATS);
		if (i % 3 == 0)
			usleep(100);
	}
	return 0;
}

// Threads of C that call Go, at once.
static inline void inThreads(int threads, long count)
{
	pthread_t all[16];

	for (int i = 0; i < threads; i++)
		pthread_create(&all[i], 0, calls, (void *)count);
	for (int i = 0; i < threads; i++)
		pthread_join(all[i], 0);
}

static inline void callBack(int what) { called(what); }
*/
import "C"

import (
	"runtime"
	"sync"
	"time"
)

var (
	lock  sync.Mutex
	asked = make(chan chan int)
	pause = make(chan bool, 1)
)

func init() { workloads["cgo"] = callbacks }

//export called
func called(what C.int) {
	switch what {
	case 0: // nothing
	case 1:
		answer := make(chan int)
		asked <- answer
		<-answer
	case 2:
		time.Sleep(200 * time.Microsecond)
	case 3:
		runtime.Gosched()
	case 4:
		done := make(chan bool)
		go func() { done <- true }()
		<-done
	case 5:
		lock.Lock()
		spin(10_000)
		lock.Unlock()
	case 6:
		C.callBack(2) // Go, C, Go, C, Go
	case 7:
		select {
		case pause <- true:
			<-pause
		case <-time.After(100 * time.Microsecond):
		}
	}
}

// callbacks has threads of C that come and go call Go, and goroutines call it through C.
func callbacks(scale int) {
	go func() {
		for answer := range asked {
			answer <- 1
		}
	}()
	for round := 0; round < 6*scale; round++ {
		var both sync.WaitGroup
		both.Add(2)
		go func() {
			C.inThreads(C.int(1+round%4), 24)
			both.Done()
		}()
		go func() {
			for what := 0; what < C.WHATS; what++ {
				C.callBack(C.int(what))
			}
			both.Done()
		}()
		both.Wait()
	}
}
