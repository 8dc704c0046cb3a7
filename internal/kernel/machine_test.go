package kernel

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestMeminfoRecorded(t *testing.T) {
	m, err := recorded(t, "hybrid").Meminfo()
	if err != nil {
		t.Fatal(err)
	}
	want := Meminfo{
		MemTotal: 24684092 << 10, MemFree: 20713624 << 10, MemAvailable: 23863996 << 10,
		AnonPages: 109520 << 10, Shmem: 8856 << 10,
		ActiveFile: 1288416 << 10, InactiveFile: 1595856 << 10, SReclaimable: 576940 << 10,
	}
	if m != want {
		t.Errorf("Meminfo = %+v\nwant %+v", m, want)
	}
	if used := uint64(24684092-23863996) << 10; m.Used() != used {
		t.Errorf("Used = %d, want %d", m.Used(), used)
	}
}

func TestParseMeminfo(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       Meminfo
		bad        bool
	}{
		{name: "available", text: "MemTotal: 100 kB\nMemFree: 10 kB\nMemAvailable: 0 kB\n",
			want: Meminfo{MemTotal: 100 << 10, MemFree: 10 << 10}},
		{name: "before Linux 3.14", text: "MemTotal: 100 kB\nMemFree: 10 kB\nActive(file): 5 kB\nInactive(file): 6 kB\nSReclaimable: 7 kB\n",
			want: Meminfo{MemTotal: 100 << 10, MemFree: 10 << 10, ActiveFile: 5 << 10, InactiveFile: 6 << 10, SReclaimable: 7 << 10,
				MemAvailable: 28 << 10, Estimated: true}},
		{name: "estimate above the total", text: "MemTotal: 10 kB\nMemFree: 9 kB\nSReclaimable: 9 kB\n",
			want: Meminfo{MemTotal: 10 << 10, MemFree: 9 << 10, SReclaimable: 9 << 10, MemAvailable: 10 << 10, Estimated: true}},
		{name: "first value counts", text: "MemTotal: 1 kB\nMemAvailable: 1 kB\nMemTotal: 2 kB\n",
			want: Meminfo{MemTotal: 1 << 10, MemAvailable: 1 << 10}},
		{name: "empty", text: "", bad: true},
		{name: "without a total", text: "MemFree: 10 kB\nMemAvailable: 5 kB\n", bad: true},
		{name: "a total of nothing", text: "MemTotal: 0 kB\nMemAvailable: 5 kB\n", bad: true},
		{name: "only a total", text: "MemTotal: 10 kB\n", bad: true},
		{name: "no number", text: "MemTotal: ten kB\n", bad: true},
		{name: "cut off", text: "MemTotal:", bad: true},
		{name: "too large", text: "MemTotal: 18446744073709551615 kB\nMemAvailable: 1 kB\n", bad: true},
		{name: "negative", text: "MemTotal: -5 kB\n", bad: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseMeminfo([]byte(test.text))
			if got != test.want || (err != nil) != test.bad {
				t.Errorf("parseMeminfo = %+v, %v; want %+v", got, err, test.want)
			}
		})
	}
	if used := (Meminfo{MemTotal: 5, MemAvailable: 6}).Used(); used != 0 {
		t.Errorf("Used with more available than there is = %d, want 0", used)
	}
}

func TestVmstat(t *testing.T) {
	if v, err := recorded(t, "hybrid").Vmstat(); err != nil || v != (Vmstat{OOMKill: 64, HasOOMKill: true}) {
		t.Errorf("recorded Vmstat = %+v, %v", v, err)
	}
	for _, test := range []struct {
		text string
		want Vmstat
		bad  bool
	}{
		{text: "pswpin 3\npswpout 4\noom_kill 5\n", want: Vmstat{SwapIn: 3, SwapOut: 4, OOMKill: 5, HasOOMKill: true}},
		{text: "oom_kill 0\n", want: Vmstat{HasOOMKill: true}},
		{text: "pswpin 3\n", want: Vmstat{SwapIn: 3}}, // before Linux 4.13
		{text: "oom_kill_disable 1\n", bad: true},
		{text: "oom_kill many\n", bad: true},
		{text: "", bad: true},
	} {
		if got, err := parseVmstat([]byte(test.text)); got != test.want || (err != nil) != test.bad {
			t.Errorf("parseVmstat(%q) = %+v, %v; want %+v", test.text, got, err, test.want)
		}
	}
}

// A file that is larger than the buffer must not end in half a number.
func TestVmstatLargerThanTheBuffer(t *testing.T) {
	text := make([]byte, 0, keptBuffer+100)
	for len(text) < keptBuffer-len("oom_kill 12") {
		text = append(text, "k 1\n"...)
	}
	text = text[:keptBuffer-len("oom_kill 12")]
	text[len(text)-1] = '\n'
	text = append(text, "oom_kill 123456\npswpin 1\n"...)
	fs := tree(t, map[string]string{"proc/vmstat": "pswpout 7\n" + string(text[len("pswpout 7\n"):])})
	if v, err := fs.Vmstat(); err != nil || v.HasOOMKill || v.SwapOut != 7 {
		t.Errorf("Vmstat of a file that is too long = %+v, %v; want no oom_kill", v, err)
	}
}

func TestPressure(t *testing.T) {
	p, err := recorded(t, "hybrid").MemoryPressure()
	if err != nil || p.Some.Total != 109208510 || p.Full.Total != 70449838 {
		t.Errorf("recorded MemoryPressure = %+v, %v", p, err)
	}
	for _, test := range []struct {
		text string
		want Pressure
		bad  bool
	}{
		{text: "some avg10=1.50 avg60=0.00 avg300=0.00 total=12\nfull avg10=100.00 avg60=0.00 avg300=0.00 total=7\n",
			want: Pressure{Stall{1.5, 12}, Stall{100, 7}}},
		{text: "some avg10=0.00 avg60=0.00 avg300=0.00 total=18446744073709551615\n", want: Pressure{Some: Stall{0, math.MaxUint64}}},
		{text: "more avg10=x\nsome avg10=2.00 total=1 new=?\n", want: Pressure{Some: Stall{2, 1}}},
		{text: "full avg10=0.00 total=1\n", bad: true},
		{text: "some avg10=NaN total=1\n", bad: true},
		{text: "some avg10=101 total=1\n", bad: true},
		{text: "some avg10=-1 total=1\n", bad: true},
		{text: "some avg10=1.00\n", bad: true},
		{text: "some total=1\n", bad: true},
		{text: "", bad: true},
	} {
		if got, err := parsePressure([]byte(test.text)); got != test.want || (err != nil) != test.bad {
			t.Errorf("parsePressure(%q) = %+v, %v; want %+v", test.text, got, err, test.want)
		}
	}
}

// The file stays open, and each reading starts at its beginning.
func TestReadAgain(t *testing.T) {
	fs := tree(t, map[string]string{"proc/vmstat": "oom_kill 1000\n"})
	for _, want := range []uint64{1000, 7, 8} {
		write(t, fs, "proc/vmstat", "oom_kill "+itoa(int(want))+"\n")
		if v, err := fs.Vmstat(); err != nil || v.OOMKill != want {
			t.Errorf("Vmstat = %+v, %v; want %d", v, err, want)
		}
	}
	if len(fs.kept.open) != 1 {
		t.Errorf("%d files are kept open, want 1", len(fs.kept.open))
	}
	fs.Close()
	if len(fs.kept.open) != 0 {
		t.Errorf("%d files are open after Close", len(fs.kept.open))
	}
	if v, err := fs.Vmstat(); err != nil || v.OOMKill != 8 {
		t.Errorf("Vmstat after Close = %+v, %v; want 8", v, err)
	}
}

func TestKeptFilesAreBounded(t *testing.T) {
	files := map[string]string{}
	for i := range maxKept + 20 {
		files["cg/"+itoa(i)+"/memory.max"] = itoa(i)
	}
	fs := tree(t, files)
	for i := range maxKept + 20 {
		c := Cgroup{Version: 2, fs: fs, dir: "/cg/" + itoa(i)}
		if n, ok, err := c.Limit(); err != nil || !ok || n != uint64(i) {
			t.Errorf("limit of %d = %d, %t, %v", i, n, ok, err)
		}
	}
	if len(fs.kept.open) != maxKept {
		t.Errorf("%d files are kept open, want %d", len(fs.kept.open), maxKept)
	}
}

func TestHost(t *testing.T) {
	if got := recorded(t, "hybrid").Release(); got != "6.18.44" {
		t.Errorf("Release = %q", got)
	}
	if got := tree(t, nil).Release(); got != "" {
		t.Errorf("Release without /proc = %q", got)
	}
	namespace := func(link string) FS {
		fs := tree(t, map[string]string{"proc/self/ns/": ""})
		if err := os.Symlink(link, filepath.Join(fs.root, "proc/self/ns/pid")); err != nil {
			t.Fatal(err)
		}
		return fs
	}
	for _, test := range []struct {
		name string
		fs   FS
		want bool
	}{
		{"nothing to go by", tree(t, nil), false},
		{"machine", namespace("pid:[4026531836]"), false},
		{"own PID namespace", namespace("pid:[4026532501]"), true},
		{"Docker", tree(t, map[string]string{".dockerenv": ""}), true},
		{"Podman", tree(t, map[string]string{"run/.containerenv": ""}), true},
		{"systemd-nspawn", tree(t, map[string]string{"run/host/container-manager": "systemd-nspawn"}), true},
	} {
		if got := test.fs.InContainer(); got != test.want {
			t.Errorf("%s: InContainer = %t, want %t", test.name, got, test.want)
		}
	}
}
