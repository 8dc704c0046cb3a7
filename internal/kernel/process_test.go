package kernel

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProcessRecorded(t *testing.T) {
	fs := recorded(t, "hybrid")
	got, err := fs.Process(42)
	want := Process{PID: 42, Parent: 40, Group: 40, Session: 39, State: 'S', Threads: 1, Start: 482612, Comm: "sleep", RSS: 451 * pageSize}
	if err != nil || got != want {
		t.Errorf("Process = %+v, %v; want %+v", got, err, want)
	}
	if pss, err := fs.PSS(42); err != nil || pss != 239<<10 {
		t.Errorf("PSS = %d, %v; want %d", pss, err, 239<<10)
	}
	if adj, err := fs.OOMScoreAdj(42); err != nil || adj != 0 {
		t.Errorf("OOMScoreAdj = %d, %v; want 0", adj, err)
	}
	for name, read := range map[string]func() error{
		"Process":     func() error { _, err := fs.Process(7); return err },
		"Cmdline":     func() error { _, err := fs.Cmdline(7); return err },
		"Environ":     func() error { _, err := fs.Environ(7, "A"); return err },
		"PSS":         func() error { _, err := fs.PSS(7); return err },
		"Children":    func() error { _, err := fs.Children(7); return err },
		"Descendants": func() error { _, err := fs.Descendants(7); return err },
		"OOMScoreAdj": func() error { _, err := fs.OOMScoreAdj(7); return err },
	} {
		if err := read(); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s of a process that is gone: %v; want os.ErrNotExist", name, err)
		}
	}
}

const statTail = " S 2 3 4 34816 5 4194304 100 0 0 0 0 0 0 0 20 0 6 0 193247 3133440 358 0"

func TestParseStat(t *testing.T) {
	plain := Process{PID: 1, Parent: 2, Group: 3, Session: 4, TTY: 34816, State: 'S', Threads: 6, Start: 193247}
	for _, comm := range []string{"a", "a b", "(sd-pam)", ") S 9 9 9", "((", "", "a\nb", "\xff\xfe", "kworker/u8:2-events_unbound"} {
		want := plain
		want.Comm = comm
		if got, err := parseStat([]byte("1 (" + comm + ")" + statTail)); err != nil || got != want {
			t.Errorf("comm %q: parseStat = %+v, %v; want %+v", comm, got, err, want)
		}
	}
	for _, bad := range []string{"", "1", "1 (a", "1 a) S", ")(", "1 (a) S 2 3 4", "x (a)" + statTail,
		"1 (a)" + strings.Replace(statTail, " 2 ", " 99999999999 ", 1), "1 (a)" + strings.Replace(statTail, "193247", "-1", 1)} {
		if got, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("parseStat(%q) = %+v without an error", bad, got)
		}
	}
}

func TestParseStatm(t *testing.T) {
	if got, err := parseStatm([]byte("765 416 388 5 0 123 0\n")); err != nil || got != 416*pageSize {
		t.Errorf("parseStatm = %d, %v", got, err)
	}
	for _, bad := range []string{"", "765", "765 416", "765 x 1", "1 18446744073709551615 1"} {
		if got, err := parseStatm([]byte(bad)); err == nil {
			t.Errorf("parseStatm(%q) = %d without an error", bad, got)
		}
	}
}

func TestCmdline(t *testing.T) {
	long := strings.Repeat("word\x00", 20_000)
	fs := tree(t, map[string]string{
		"proc/1/cmdline": "python3\x00-m\x00pytest\x00\x00-q\x00",
		"proc/2/cmdline": "",
		"proc/3/cmdline": "nginx: worker process\x00\x00\x00\x00",
		"proc/4/cmdline": long,
	})
	for pid, want := range map[int][]string{
		1: {"python3", "-m", "pytest", "", "-q"},
		2: nil,
		3: {"nginx: worker process"},
	} {
		if got, err := fs.Cmdline(pid); err != nil || !slices.Equal(got, want) {
			t.Errorf("Cmdline of %d = %q, %v; want %q", pid, got, err, want)
		}
	}
	got, err := fs.Cmdline(4)
	if n := len(strings.Join(got, "\x00")); err != nil || n < maxCmdline-5 || n > maxCmdline+4096 {
		t.Errorf("Cmdline of a long one has %d bytes, %v; want about %d", n, err, maxCmdline)
	}
}

func TestEnviron(t *testing.T) {
	fs := tree(t, map[string]string{
		"proc/1/environ": "A=1\x00SECRET=x\x00B=a=b\x00EMPTY=\x00A=2\x00nothing\x00LONG=" + strings.Repeat("y", 3*maxVariable) + "\x00AFTER=z\x00LAST=end",
	})
	got, err := fs.Environ(1, "A", "B", "EMPTY", "MISSING", "LONG", "AFTER", "LAST", "nothing")
	want := map[string]string{"A": "1", "B": "a=b", "EMPTY": "", "AFTER": "z", "LAST": "end"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Environ: %v (-want +got):\n%s", err, diff)
	}
	if got, err := fs.Environ(1); err != nil || len(got) != 0 {
		t.Errorf("Environ without keys = %v, %v; want nothing", got, err)
	}
}

// The tail of a variable that is too long must not be taken for one.
func TestEnvironTailOfALongVariable(t *testing.T) {
	text := "L=" + strings.Repeat("x", maxVariable-2) + "A=hidden\x00B=1\x00"
	got, err := parseEnviron(bytes.NewReader([]byte(text)), []string{"A", "B", "L"})
	if diff := cmp.Diff(map[string]string{"B": "1"}, got); err != nil || diff != "" {
		t.Errorf("parseEnviron: %v (-want +got):\n%s", err, diff)
	}
}

func TestParseSmapsRollup(t *testing.T) {
	for _, test := range []struct {
		text string
		want uint64
		bad  bool
	}{
		{text: "1-2 ---p 0 00:00 0 [rollup]\nRss: 9 kB\nPss: 4 kB\nPss_Anon: 3 kB\nSwapPss: 2 kB\n", want: 6 << 10},
		{text: "Pss: 4 kB\n", want: 4 << 10},
		{text: "Rss: 4 kB\n", bad: true},
		{text: "Pss: x kB\n", bad: true},
		{text: "", bad: true}, // a zombie
	} {
		if got, err := parseSmapsRollup([]byte(test.text)); got != test.want || (err != nil) != test.bad {
			t.Errorf("parseSmapsRollup(%q) = %d, %v; want %d", test.text, got, err, test.want)
		}
	}
}

func TestPIDs(t *testing.T) {
	fs := tree(t, map[string]string{"proc/10/": "", "proc/9/": "", "proc/meminfo": "", "proc/-1/": "", "proc/self/": "", "proc/99999999999/": ""})
	if got, err := fs.PIDs(); err != nil || !slices.Equal(got, []int{9, 10}) {
		t.Errorf("PIDs = %v, %v; want [9 10]", got, err)
	}
	if _, err := tree(t, nil).PIDs(); err == nil {
		t.Error("PIDs without /proc gave no error")
	}
}

func TestDescendants(t *testing.T) {
	fs := tree(t, map[string]string{
		"proc/1/task/1/children":   "20 10 ",
		"proc/1/task/5/children":   "30",
		"proc/10/task/10/children": "11 12 \n",
		"proc/11/task/11/children": "10", // a number used again
		"proc/12/task/12/children": "",
		"proc/20/task/20/":         "", // ending
	})
	if got, err := fs.Children(1); err != nil || !slices.Equal(got, []int{10, 20, 30}) {
		t.Errorf("Children = %v, %v; want [10 20 30]", got, err)
	}
	if got, err := fs.Descendants(1); err != nil || !slices.Equal(got, []int{10, 20, 30, 11, 12}) {
		t.Errorf("Descendants = %v, %v; want [10 20 30 11 12]", got, err)
	}
}

func TestChildrenWithoutTheFile(t *testing.T) {
	files := map[string]string{}
	for pid, parent := range map[int]int{1: 0, 2: 1, 3: 1, 4: 3, 5: 9} {
		dir := "proc/" + itoa(pid) + "/"
		files[dir+"stat"] = itoa(pid) + " (a)" + strings.Replace(statTail, " 2 ", " "+itoa(parent)+" ", 1)
		files[dir+"statm"] = "1 1 1 1\n"
		files[dir+"task/"+itoa(pid)+"/"] = ""
	}
	fs := tree(t, files)
	if got, err := fs.Descendants(1); err != nil || !slices.Equal(got, []int{2, 3, 4}) {
		t.Errorf("Descendants = %v, %v; want [2 3 4]", got, err)
	}
}

func TestOOMScoreAdj(t *testing.T) {
	fs := tree(t, map[string]string{"proc/1/oom_score_adj": "500\n", "proc/2/oom_score_adj": "1001\n", "proc/3/oom_score_adj": "\n"})
	if adj, err := fs.OOMScoreAdj(1); err != nil || adj != 500 {
		t.Errorf("OOMScoreAdj = %d, %v; want 500", adj, err)
	}
	for _, pid := range []int{2, 3} {
		if adj, err := fs.OOMScoreAdj(pid); err == nil {
			t.Errorf("OOMScoreAdj of garbage = %d without an error", adj)
		}
	}
	if err := fs.SetOOMScoreAdj(1, -17); err != nil {
		t.Error(err)
	}
	if adj, err := fs.OOMScoreAdj(1); err != nil || adj != -17 {
		t.Errorf("OOMScoreAdj after setting = %d, %v; want -17", adj, err)
	}
	for _, adj := range []int{-1001, 1001} {
		if err := fs.SetOOMScoreAdj(1, adj); err == nil {
			t.Errorf("SetOOMScoreAdj(%d) gave no error", adj)
		}
	}
	if err := fs.SetOOMScoreAdj(9, 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("SetOOMScoreAdj of a process that is gone: %v", err)
	}
}

func TestDaemons(t *testing.T) {
	const meminfo = "MemTotal: 1000000 kB\nMemAvailable: 5 kB\nSwapTotal: 200000 kB\n"
	for _, test := range []struct {
		name, comm, cmdline string
		want                []Daemon
	}{
		{"defaults", "earlyoom", "/usr/bin/earlyoom", []Daemon{{"earlyoom", 7, 10, 5, 10, 5}}},
		{"percent", "earlyoom", "earlyoom -m 30", []Daemon{{"earlyoom", 7, 30, 15, 10, 5}}},
		{"both percents", "earlyoom", "earlyoom -r 3600 -m20,18 -s 100", []Daemon{{"earlyoom", 7, 20, 18, 100, 50}}},
		{"kill above term", "earlyoom", "earlyoom -m 5,8", []Daemon{{"earlyoom", 7, 8, 8, 10, 5}}},
		{"size", "earlyoom", "earlyoom -M 50000", []Daemon{{"earlyoom", 7, 5, 2.5, 10, 5}}},
		{"size and percent, the lower", "earlyoom", "earlyoom -m 4 -M 50000,10000", []Daemon{{"earlyoom", 7, 4, 1, 10, 5}}},
		{"swap size", "earlyoom", "earlyoom -S 100000", []Daemon{{"earlyoom", 7, 10, 5, 50, 25}}},
		{"grouped letters", "earlyoom", "earlyoom -pgm 6", []Daemon{{"earlyoom", 7, 6, 3, 10, 5}}},
		{"values that look like options", "earlyoom", "earlyoom --prefer -m9 --avoid=-m8 -N -m7 --syslog", []Daemon{{"earlyoom", 7, 10, 5, 10, 5}}},
		{"behind the end of options", "earlyoom", "earlyoom -- -m 3", []Daemon{{"earlyoom", 7, 10, 5, 10, 5}}},
		{"garbage", "earlyoom", "earlyoom -m x -M NaN -s -m", []Daemon{{"earlyoom", 7, 10, 5, 10, 5}}},
		{"kills nobody", "earlyoom", "earlyoom --dryrun", nil},
		{"zombie", "earlyoom", "", nil},
		{"oomd", "systemd-oomd", "/usr/lib/systemd/systemd-oomd", []Daemon{{Name: "systemd-oomd", PID: 7}}},
		{"nohang", "nohang", "python3 /usr/sbin/nohang --monitor --config /etc/nohang/nohang.conf", []Daemon{{Name: "nohang", PID: 7}}},
		{"named alike", "earlyoom2", "earlyoom2", nil},
		{"argument named alike", "vim", "vim earlyoom", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmdline := ""
			if test.cmdline != "" {
				cmdline = strings.ReplaceAll(test.cmdline, " ", "\x00") + "\x00"
			}
			fs := tree(t, map[string]string{"proc/meminfo": meminfo, "proc/7/comm": test.comm + "\n", "proc/7/cmdline": cmdline, "proc/8/": ""})
			got, err := fs.Daemons()
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("Daemons: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}
