package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// passThrough measures how fast output gets through, to a pipe that is read
// and to /dev/null.
func (s suite) passThrough() error {
	const rounds = 3
	for _, c := range []struct {
		name       string
		mib, write int
	}{
		{"written 64 KiB at a time", 2048 / s.scale, 64 << 10},
		{"written line by line", 128 / s.scale, 80},
	} {
		fmt.Printf("Output of 80-byte lines, %s, %d MiB, best of %d, MiB/s\n", c.name, c.mib, rounds)
		fmt.Printf("  %-12s %10s %10s\n", "", "/dev/null", "pipe")
		producer := s.load("output", strconv.Itoa(c.mib), strconv.Itoa(c.write))
		for _, p := range []struct {
			name   string
			argv   []string
			filter []string // fed by a pipe, where the peer does not start the command itself
		}{
			{"none", producer, nil},
			{"oom143", s.run(producer...), nil},
			{"cat", producer, []string{"cat"}},
			{"tee", producer, []string{"tee", "/dev/null"}},
		} {
			var best [2]float64
			for range rounds {
				for i, pipe := range []bool{false, true} {
					took, err := through(p.argv, p.filter, pipe)
					if err != nil {
						return fmt.Errorf("%s: %w", p.name, err)
					}
					best[i] = max(best[i], float64(c.mib)/took.Seconds())
				}
			}
			fmt.Printf("  %-12s %10.0f %10.0f\n", p.name, best[0], best[1])
		}
	}
	return nil
}

// through runs a command, its output through a filter if there is one, into
// /dev/null or into a pipe that this process reads.
func through(argv, filter []string, pipe bool) (time.Duration, error) {
	command := exec.Command(argv[0], argv[1:]...)
	last := command
	if filter != nil {
		last = exec.Command(filter[0], filter[1:]...)
		r, w, err := os.Pipe()
		if err != nil {
			return 0, err
		}
		command.Stdout, last.Stdin = w, r
		defer r.Close()
		defer w.Close()
	}
	var out io.Reader
	if pipe {
		var err error
		if out, err = last.StdoutPipe(); err != nil {
			return 0, err
		}
	}
	began := time.Now()
	if err := command.Start(); err != nil {
		return 0, err
	}
	if last != command {
		if err := last.Start(); err != nil {
			return 0, err
		}
		command.Stdout.(*os.File).Close()
	}
	if out != nil {
		buf := make([]byte, 256<<10)
		if _, err := io.CopyBuffer(onlyWriter{io.Discard}, out, buf); err != nil {
			return 0, err
		}
	}
	err := command.Wait()
	if last != command && err == nil {
		err = last.Wait()
	}
	return time.Since(began), err
}

// onlyWriter hides io.Discard's ReadFrom, which reads 8 KiB at a time.
type onlyWriter struct{ io.Writer }
