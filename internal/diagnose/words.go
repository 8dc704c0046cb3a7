package diagnose

import (
	"fmt"
	"math"
	"path"
	"strings"
	"time"

	"github.com/org/oom143-action/internal/record"
)

// size gives bytes for a sentence: decimal, as runner sizes are told, with one
// digit from 1 GB on.
func size(bytes uint64) string {
	b := float64(bytes)
	switch {
	case b >= 999.5e6:
		return fmt.Sprintf("%.1f GB", b/1e9)
	case b >= 999.5e3:
		return fmt.Sprintf("%.0f MB", b/1e6)
	case b >= 1000:
		return fmt.Sprintf("%.0f kB", b/1e3)
	}
	return fmt.Sprintf("%d bytes", bytes)
}

// DockerSize gives bytes as docker run's --memory reads them: in whole
// mebibytes where that is exact, else in bytes.
func DockerSize(bytes uint64) string {
	if bytes%(1<<20) == 0 {
		return fmt.Sprintf("%dm", bytes>>20)
	}
	return fmt.Sprint(bytes)
}

// span gives a duration for a sentence, to the second from ten seconds on.
func span(d time.Duration) string {
	d = d.Abs()
	switch {
	case d < 9950*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", math.Min(d.Seconds(), 59))
	case d < time.Hour:
		return parts(int(d.Minutes()), "min", int(d.Seconds())%60, "s")
	}
	return parts(int(d.Hours()), "h", int(d.Minutes())%60, "min")
}

// parts gives "3 min 12 s", and "3 min" for a round number.
func parts(n int, unit string, rest int, small string) string {
	if rest == 0 {
		return fmt.Sprintf("%d %s", n, unit)
	}
	return fmt.Sprintf("%d %s %d %s", n, unit, rest, small)
}

// program gives the name of the program of a command line.
func program(command string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(command), " ")
	if strings.HasPrefix(first, "[") || strings.HasPrefix(first, "(") {
		return record.Cut(strings.TrimSpace(command), 40) // a title that a process gave itself
	}
	if name := path.Base(first); name != "." && name != "/" {
		return record.Cut(strings.TrimPrefix(name, "-"), 40)
	}
	return ""
}

// process names a process with its size: "python3 (6.8 GB)".
func process(command string, rss uint64) string {
	name := program(command)
	if name == "" {
		name = "a process of the command"
	}
	if rss == 0 {
		return name
	}
	return name + " (" + size(rss) + ")"
}

// withPID names a process with its size and pid: "python3 (6.8 GB, pid 42)".
func withPID(command string, rss uint64, pid int) string {
	name := program(command)
	if name == "" {
		name = "a process"
	}
	if rss == 0 {
		return fmt.Sprintf("%s (pid %d)", name, pid)
	}
	return fmt.Sprintf("%s (%s, pid %d)", name, size(rss), pid)
}

// plural gives "1 test", "2 tests".
func plural(n int, noun, nouns string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %s", n, nouns)
}

// quoted gives words of the output for a sentence.
func quoted(text string) string {
	return `"` + record.Cut(strings.Join(strings.Fields(text), " "), 120) + `"`
}

// signalNumber gives the number of a signal, 0 for a name that is none.
func signalNumber(name string) int { return signals[name] }

// signals are the numbers of the signals that end a process, on all of
// Linux's architectures but MIPS, SPARC and Alpha (signal(7)).
var signals = map[string]int{
	"SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGILL": 4, "SIGTRAP": 5, "SIGABRT": 6, "SIGBUS": 7, "SIGFPE": 8,
	"SIGKILL": 9, "SIGUSR1": 10, "SIGSEGV": 11, "SIGUSR2": 12, "SIGPIPE": 13, "SIGALRM": 14, "SIGTERM": 15,
	"SIGSTKFLT": 16, "SIGXCPU": 24, "SIGXFSZ": 25, "SIGVTALRM": 26, "SIGPROF": 27, "SIGIO": 29, "SIGPWR": 30, "SIGSYS": 31,
}

// signalOf gives the signal that an exit status of 128+N stands for, "" for
// other statuses.
func signalOf(status int) string {
	for name, n := range signals {
		if status == 128+n {
			return name
		}
	}
	return ""
}
