// Echo copies its standard input to its standard output, tells which signals it gets, and exits with
// the status of its first argument: at the end of its input, or at SIGTERM.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

func main() {
	status, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, os.Interrupt)
	fmt.Println("args", os.Args[1:], "pid", os.Getpid())
	copied := make(chan bool)
	go func() {
		io.Copy(os.Stdout, os.Stdin)
		close(copied)
	}()
	for {
		select {
		case got := <-signals:
			fmt.Println("signal", got)
			if got == syscall.SIGTERM {
				os.Exit(status)
			}
		case <-copied:
			os.Exit(status)
		}
	}
}
