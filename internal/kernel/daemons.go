package kernel

import (
	"slices"
	"strconv"
	"strings"
)

// Daemon is a running userspace OOM killer. Percents are 0 where the daemon
// does not go by them or they are not known.
type Daemon struct {
	Name string // "earlyoom", "systemd-oomd" or "nohang"
	PID  int
	// TermPercent and KillPercent are the shares of available memory below
	// which it sends SIGTERM and SIGKILL.
	TermPercent float64
	KillPercent float64
	// SwapTermPercent and SwapKillPercent are the shares of free swap that
	// must be undercut at the same time, if there is swap.
	SwapTermPercent float64
	SwapKillPercent float64
}

// Daemons gives the userspace OOM killers that are running. Where they run on
// a machine and this process runs in a container, they cannot be seen. The
// thresholds are those of earlyoom's command line; systemd-oomd goes by
// pressure and swap, and nohang by a file.
func (fs FS) Daemons() ([]Daemon, error) {
	pids, err := fs.PIDs()
	if err != nil {
		return nil, err
	}
	var daemons []Daemon
	for _, pid := range pids {
		var buf [64]byte
		b, err := fs.readInto(ofProcess(pid, "comm"), buf[:])
		if err != nil {
			continue
		}
		name := strings.TrimSuffix(string(b), "\n")
		if name != "earlyoom" && name != "systemd-oomd" && name != "nohang" {
			continue
		}
		argv, err := fs.Cmdline(pid)
		if err != nil || len(argv) == 0 || slices.Contains(argv, "--dryrun") {
			continue // gone, a zombie, a kernel thread, or one that kills nobody
		}
		d := Daemon{Name: name, PID: pid}
		if name == "earlyoom" {
			// Without it, sizes cannot be held against the memory there is.
			memory, _ := fs.Meminfo()
			d.setEarlyoom(argv[1:], memory)
		}
		daemons = append(daemons, d)
	}
	return daemons, nil
}

// What earlyoom does without options, in percent (earlyoom(1)).
const earlyoomPercent = 10

// setEarlyoom takes the thresholds from the arguments -m, -M, -s and -S of
// earlyoom(1): "PERCENT[,KILL_PERCENT]" of memory and swap, or the same as
// sizes in KiB; the second value is half of the first if it is not given, and
// of a percentage and a size the lower one counts. (Since its version 1.8 the
// percentage of memory is of MemAvailable + AnonPages, which is less than
// MemTotal.)
func (d *Daemon) setEarlyoom(args []string, memory Meminfo) {
	// One for memory, one for swap: the thresholds in percent.
	var percent, size [2]thresholds
	for option, value := range earlyoomOptions(args) {
		switch option {
		case 'm':
			percent[0] = parseThresholds(value, 1)
		case 's':
			percent[1] = parseThresholds(value, 1)
		case 'M':
			size[0] = parseThresholds(value, shareOfKiB(memory.MemTotal))
		case 'S':
			size[1] = parseThresholds(value, shareOfKiB(memory.SwapTotal))
		}
	}
	m, s := lower(percent[0], size[0]), lower(percent[1], size[1])
	d.TermPercent, d.KillPercent = m.term, m.kill
	d.SwapTermPercent, d.SwapKillPercent = s.term, s.kill
}

// thresholds are percentages for SIGTERM and SIGKILL; both 0 if not given.
type thresholds struct{ term, kill float64 }

// lower gives the lower of two pairs of thresholds, of those that are given,
// and earlyoom's defaults if none is.
func lower(a, b thresholds) thresholds {
	switch {
	case a == thresholds{} && b == thresholds{}:
		return thresholds{earlyoomPercent, earlyoomPercent / 2}
	case a == thresholds{}:
		return b
	case b == thresholds{}:
		return a
	}
	return thresholds{min(a.term, b.term), min(a.kill, b.kill)}
}

// shareOfKiB is what one KiB is in percent of total bytes.
func shareOfKiB(total uint64) float64 {
	if total == 0 {
		return 0
	}
	return 1024 * 100 / float64(total)
}

func parseThresholds(value string, unit float64) thresholds {
	first, second, both := strings.Cut(value, ",")
	term, err := strconv.ParseFloat(first, 64)
	if err != nil || !(term >= 0) {
		return thresholds{}
	}
	kill := term / 2
	if both {
		if kill, err = strconv.ParseFloat(second, 64); err != nil || !(kill >= 0) {
			return thresholds{}
		}
	}
	// earlyoom itself takes the higher of the two for SIGTERM.
	term = max(term, kill)
	return thresholds{min(term*unit, 100), min(kill*unit, 100)}
}

// earlyoomOptions gives the options of one letter with their values, as
// getopt(3) splits them: "-m5", "-m 5", "-pm 5". Values of other options are
// not taken for options.
func earlyoomOptions(args []string) func(yield func(byte, string) bool) {
	const withValue = "mMsSrNPw"
	longWithValue := map[string]bool{"--prefer": true, "--avoid": true, "--ignore": true}
	return func(yield func(byte, string) bool) {
		for i := 0; i < len(args); i++ {
			arg := args[i]
			switch {
			case arg == "--":
				return
			case longWithValue[arg]:
				i++
				continue
			case !strings.HasPrefix(arg, "-") || strings.HasPrefix(arg, "--"):
				continue
			}
			for j := 1; j < len(arg); j++ {
				if !strings.ContainsRune(withValue, rune(arg[j])) {
					continue
				}
				value := arg[j+1:]
				if value == "" && i+1 < len(args) {
					i++
					value = args[i]
				}
				if !yield(arg[j], value) {
					return
				}
				break
			}
		}
	}
}
