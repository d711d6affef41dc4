// Callbacks has threads of C call into Go, and says how often.
//
//	callbacks THREADS CALLS [wait]
//
// One after the other, THREADS threads call each of the functions that begin with `from` CALLS times.
// Then one goroutine calls one of them through C as often. With `wait`, one more thread calls once,
// then waits for a line on standard input before it ends.
package main

/*
#include <pthread.h>
#include <unistd.h>

extern void fromQuick(void);
extern void fromChannel(void);
extern void fromSleep(void);

// C has other uses for the register that Go keeps the frame pointer in: here it points at what looks
// like a frame, and like one more, which is nowhere.
static void scrambled(void (*function)(void))
{
#ifdef __x86_64__
	static long junk[] = {0x1238, 0x5678};
	long *frame = junk;

	__asm__ volatile("mov %%rsp, %%rbx; sub $128, %%rsp; and $-16, %%rsp; push %%rbp; push %%rbx;"
			 "mov %1, %%rbp; call *%0; pop %%rbx; pop %%rbp; mov %%rbx, %%rsp"
			 : "+a"(function), "+D"(frame)
			 :
			 : "memory", "cc", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11");
#else
	function();
#endif
}

static void *calls(void *count)
{
	for (long i = 0; i < (long)count; i++) {
		fromQuick();
		usleep(200);
		scrambled(fromChannel);
		fromSleep();
	}
	return 0;
}

static void *lines(void *unused)
{
	char byte;

	fromQuick();
	return (void *)(long)read(0, &byte, 1);
}

static inline void inThread(int waits, long count)
{
	pthread_t thread;

	pthread_create(&thread, 0, waits ? lines : calls, (void *)count);
	pthread_join(thread, 0);
}

static inline void callBack(void) { fromChannel(); }
*/
import "C"

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

var (
	quick atomic.Int64
	asked = make(chan int)
	told  = make(chan int)
)

//export fromQuick
func fromQuick() { quick.Add(1) }

//export fromChannel
func fromChannel() {
	asked <- 1
	<-told
}

//export fromSleep
func fromSleep() { time.Sleep(300 * time.Microsecond) }

func answers() {
	for n := range asked {
		time.Sleep(100 * time.Microsecond)
		told <- n
	}
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: callbacks THREADS CALLS [wait]")
		os.Exit(2)
	}
	threads, _ := strconv.Atoi(os.Args[1])
	calls, _ := strconv.Atoi(os.Args[2])
	go answers()
	for i := 0; i < threads; i++ {
		C.inThread(0, C.long(calls))
	}
	for i := 0; i < calls; i++ {
		C.callBack()
	}
	if len(os.Args) > 3 {
		fmt.Println("waiting")
		C.inThread(1, 0)
	}
	fmt.Println("quick", quick.Load())
}
