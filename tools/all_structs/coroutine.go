//go:build go1.23

package main

import "iter"

func init() {
	_, stop := iter.Pull(func(func(int) bool) {})
	stop()
}
