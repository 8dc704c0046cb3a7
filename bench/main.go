// Command bench measures oom143 beside the programs that do a part of its
// work, all in one run on one machine:
//
//	bench -oom143 bin/oom143
//
// A program that is not installed is named as missing. The numbers are for
// reading, nothing passes or fails.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "load" {
		if err := load(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "bench load:", err)
			os.Exit(1)
		}
		return
	}
	binary := flag.String("oom143", "bin/oom143", "the oom143 `program` to measure")
	quick := flag.Bool("quick", false, "a tenth of the work, for a first look")
	flag.Parse()
	if err := bench(*binary, *quick); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A suite is what all measurements need.
type suite struct {
	oom143 string // absolute
	self   string // this program, for its loads
	scale  int    // what the amount of work is divided by
	dir    string // for reports and records
}

func bench(binary string, quick bool) error {
	oom143, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	if _, err := exec.LookPath(oom143); err != nil {
		return fmt.Errorf("%w (make build makes it)", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "oom143-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := suite{oom143: oom143, self: self, scale: 1, dir: dir}
	if quick {
		s.scale = 10
	}
	for _, measure := range []func() error{s.spawn, s.passThrough, s.watching, s.memory, s.signal} {
		if err := measure(); err != nil {
			return err
		}
		fmt.Println()
	}
	return nil
}

// run gives the command line of `oom143 run` for a command.
func (s suite) run(command ...string) []string {
	return append([]string{s.oom143, "run", "--record", filepath.Join(s.dir, "record.jsonl"), "--"}, command...)
}

// load gives the command line of one of this program's loads.
func (s suite) load(args ...string) []string {
	return append([]string{s.self, "load"}, args...)
}

// A peer is another program measured beside oom143.
type peer struct {
	name string
	argv func(command ...string) []string
}

// present keeps the peers that are installed and names the others.
func present(peers []peer) []peer {
	return slices.DeleteFunc(peers, func(p peer) bool {
		argv := p.argv("true")
		if _, err := exec.LookPath(argv[0]); err != nil {
			fmt.Printf("  %-12s missing: %s is not installed\n", p.name, argv[0])
			return true
		}
		return false
	})
}

// quantile gives the q-th part, 0 to 1, of durations that it sorts.
func quantile(d []time.Duration, q float64) time.Duration {
	slices.Sort(d)
	return d[min(int(q*float64(len(d))), len(d)-1)]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
