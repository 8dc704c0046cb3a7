package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A watched is a command under oom143 (or a peer) that has said "ready".
type watched struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	exe   string // of the watcher
}

// watch starts a command and waits for its "ready". What it prints goes to
// /dev/null.
func watch(argv ...string) (*watched, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	exe, err := filepath.EvalSymlinks(cmd.Path)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "ready" {
			go io.Copy(io.Discard, stderr)
			return &watched{cmd, stdin, exe}, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("%s ended before it was ready", argv[0]), lines.Err(), cmd.Wait())
}

// end ends the command by the end of its standard input.
func (w *watched) end() error {
	w.stdin.Close()
	return w.cmd.Wait()
}

// processes are those of the watcher itself: the ones that run its program.
func (w *watched) processes() []string {
	var found []string
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range links {
		if exe, err := os.Readlink(link); err == nil && strings.TrimSuffix(exe, " (deleted)") == w.exe {
			found = append(found, filepath.Dir(link))
		}
	}
	return found
}

// cpu is the processor time that the watcher has used (proc_pid_stat(5),
// fields 14 and 15, in hundredths of a second).
func (w *watched) cpu() time.Duration {
	var ticks int
	for _, dir := range w.processes() {
		stat, _ := os.ReadFile(filepath.Join(dir, "stat"))
		_, rest, _ := bytes.Cut(stat, []byte(") "))
		if fields := strings.Fields(string(rest)); len(fields) > 12 {
			user, _ := strconv.Atoi(fields[11])
			system, _ := strconv.Atoi(fields[12])
			ticks += user + system
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// pss is the watcher's proportional share of memory in bytes
// (proc_pid_smaps_rollup(5)).
func (w *watched) pss() int {
	var kib int
	for _, dir := range w.processes() {
		rollup, _ := os.ReadFile(filepath.Join(dir, "smaps_rollup"))
		for line := range strings.Lines(string(rollup)) {
			if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
				n, _ := strconv.Atoi(strings.Fields(rest)[0])
				kib += n
			}
		}
	}
	return kib << 10
}

// watching measures the processor time that watching costs.
func (s suite) watching() error {
	period := 20 * time.Second / time.Duration(s.scale)
	fmt.Printf("CPU while watching, over %v, %% of one core\n", period)
	for _, n := range []int{10, 100, 1000} {
		w, err := watch(s.run(s.load("processes", strconv.Itoa(n))...)...)
		if err != nil {
			return err
		}
		time.Sleep(2 * time.Second) // the start is not what is measured
		before, began := w.cpu(), time.Now()
		time.Sleep(period)
		used, took := w.cpu()-before, time.Since(began)
		if err := w.end(); err != nil {
			return err
		}
		fmt.Printf("  %4d processes %6.2f\n", n, 100*used.Seconds()/took.Seconds())
	}
	return nil
}

// memory measures what the watcher itself holds after a lot of output.
func (s suite) memory() error {
	gib, n := 10/min(s.scale, 10), 100_000/s.scale
	fmt.Println("Own memory, PSS of all its processes, MiB")
	for _, c := range []struct {
		name string
		argv []string
	}{
		{"oom143 at rest", s.run(s.load("processes", "1")...)},
		{fmt.Sprintf("oom143 after %d GiB of output", gib), s.run(s.load("held-output", strconv.Itoa(gib<<10), "65536")...)},
		{fmt.Sprintf("oom143 after %d tests of go test -v", n), s.run(s.load("tests", strconv.Itoa(n))...)},
	} {
		w, err := watch(c.argv...)
		if err != nil {
			return err
		}
		time.Sleep(2 * time.Second) // until a sample has been taken
		pss := w.pss()
		if err := w.end(); err != nil {
			return err
		}
		fmt.Printf("  %-42s %6.1f\n", c.name, float64(pss)/(1<<20))
	}
	return nil
}

// signal measures the time from SIGTERM to the report, while the command
// ignores the signal.
func (s suite) signal() error {
	runs := max(3, 20/s.scale)
	report := filepath.Join(s.dir, "report.json")
	var took []time.Duration
	for range runs {
		os.Remove(report)
		argv := append([]string{s.oom143, "run", "--report", report, "--record", filepath.Join(s.dir, "record.jsonl"), "--"},
			s.load("stubborn")...)
		w, err := watch(argv...)
		if err != nil {
			return err
		}
		began := time.Now()
		if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		for {
			if _, err := os.Stat(report); err == nil {
				took = append(took, time.Since(began))
				break
			}
			if time.Since(began) > 10*time.Second {
				return errors.New("no report within 10 s of SIGTERM")
			}
			time.Sleep(200 * time.Microsecond)
		}
		if err := w.end(); err != nil {
			return err
		}
	}
	fmt.Printf("SIGTERM to report, %d runs, ms\n  median %.1f, longest %.1f\n", runs,
		milliseconds(quantile(took, 0.5)), milliseconds(quantile(took, 1)))
	return nil
}
