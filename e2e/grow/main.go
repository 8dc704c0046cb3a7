// Command grow takes memory, one MiB every millisecond, and keeps it:
//
//	grow MIB
//
// It says "ready" when it has it all and then waits to be killed.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const mib = 1 << 20

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: grow MIB")
		os.Exit(2)
	}
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "grow:", err)
		os.Exit(2)
	}
	kept := make([][]byte, 0, n)
	for range n {
		block := make([]byte, mib)
		for i := range block {
			block[i] = byte(i)
		}
		kept = append(kept, block)
		time.Sleep(time.Millisecond)
	}
	fmt.Println("ready", len(kept))
	time.Sleep(10 * time.Minute)
}
