package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// load runs one of the commands that oom143 watches in the measurements:
//
//	output MIB WRITE       lines of 80 bytes, WRITE bytes at a time
//	held-output MIB WRITE  the same
//	tests N                what go test -v prints for N tests
//	processes N            N processes that sleep
//	stubborn               a process that ignores SIGTERM
//
// All but output then say "ready" on standard error and wait for the end of
// their standard input.
func load(args []string) error {
	n := 0
	if len(args) > 1 {
		var err error
		if n, err = strconv.Atoi(args[1]); err != nil {
			return err
		}
	}
	switch {
	case len(args) == 3 && args[0] == "output":
		size, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return output(n, size)
	case len(args) == 3 && args[0] == "held-output":
		size, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return hold(output(n, size))
	case len(args) == 2 && args[0] == "tests":
		return hold(tests(n))
	case len(args) == 2 && args[0] == "processes":
		return processes(n)
	case len(args) == 1 && args[0] == "stubborn":
		signal.Ignore(syscall.SIGTERM)
		return hold(nil)
	}
	return fmt.Errorf("unknown load %q", args)
}

// hold says "ready" and waits for the end of standard input.
func hold(err error) error {
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func output(mib, size int) error {
	line := strings.Repeat("x", 79) + "\n"
	block := []byte(strings.Repeat(line, max(1, size/len(line))))
	for left := mib << 20; left > 0; left -= len(block) {
		if _, err := os.Stdout.Write(block); err != nil {
			return err
		}
	}
	return nil
}

func tests(n int) error {
	w := bufio.NewWriter(os.Stdout)
	for i := range n {
		fmt.Fprintf(w, "=== RUN   TestNumber%d\n    number_test.go:17: checked\n--- PASS: TestNumber%d (0.00s)\n", i, i)
	}
	return w.Flush()
}

func processes(n int) error {
	children := make([]*exec.Cmd, 0, n)
	for range n {
		c := exec.Command("sleep", "600")
		if err := c.Start(); err != nil {
			return err
		}
		children = append(children, c)
	}
	err := hold(nil)
	for _, c := range children {
		c.Process.Kill()
		c.Wait()
	}
	return err
}
