package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/oom143-action/internal/kernel"
	"github.com/org/oom143-action/internal/record"
)

// machine writes kernel files below a folder: a machine of total MB with
// available MB, and where limit is not 0 a cgroup v2 of that limit.
type machine struct {
	t    testing.TB
	root string
}

func (m machine) write(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m machine) memory(total, available int) {
	m.write("proc/meminfo", fmt.Sprintf("MemTotal: %d kB\nMemFree: 1 kB\nMemAvailable: %d kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n", total<<10, available<<10))
}

func (m machine) cgroup(limit string, anon, kills int) {
	m.write(fmt.Sprintf("proc/%d/cgroup", testSelf), "0::/job\n")
	m.write("proc/self/mountinfo", "34 25 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
	m.write("sys/fs/cgroup/cgroup.procs", "1\n")
	m.write("sys/fs/cgroup/job/cgroup.procs", fmt.Sprintf("%d\n", testSelf))
	m.write("sys/fs/cgroup/job/memory.max", limit+"\n")
	m.write("sys/fs/cgroup/job/memory.current", fmt.Sprintf("%d\n", anon<<20))
	m.write("sys/fs/cgroup/job/memory.stat", fmt.Sprintf("anon %d\nfile 0\nactive_file 0\ninactive_file 0\nslab_reclaimable 0\n", anon<<20))
	m.write("sys/fs/cgroup/job/memory.events", fmt.Sprintf("low 0\nhigh 0\nmax 0\noom 0\noom_kill %d\noom_group_kill 0\n", kills))
}

func (m machine) sampler(limit Limit) (*sampler, string) {
	fs := kernel.New(m.root)
	m.t.Cleanup(func() { fs.Close() })
	var troubles []string
	s := newSampler(fs, limit, newTree(fs, testSelf, nil), func(what, _ string) { troubles = append(troubles, what) })
	return s, strings.Join(troubles, " ")
}

func TestLevels(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	tests := []struct {
		name     string
		set      func(machine)
		limit    Limit
		want     []record.Level
		troubles string
	}{
		{"machine and cgroup", func(m machine) { m.memory(8000, 4000); m.cgroup("536870912", 100, 0) }, Limit{},
			[]record.Level{{Kind: record.CgroupLevel, Path: "/job", Own: true, Exclusive: true, Limit: 512 * mb}, {Kind: record.MachineLevel, Limit: 8000 * mb}}, ""},
		{"cgroup without a limit", func(m machine) { m.memory(8000, 4000); m.cgroup("max", 100, 0) }, Limit{},
			[]record.Level{{Kind: record.CgroupLevel, Path: "/job", Own: true, Exclusive: true}, {Kind: record.MachineLevel, Limit: 8000 * mb}}, ""},
		{"cgroup above the machine", func(m machine) { m.memory(400, 200); m.cgroup("536870912", 100, 0) }, Limit{},
			[]record.Level{{Kind: record.CgroupLevel, Path: "/job", Own: true, Exclusive: true}, {Kind: record.MachineLevel, Limit: 400 * mb}}, ""},
		{"an option", func(m machine) { m.memory(8000, 4000); m.cgroup("max", 1, 0) }, Limit{Bytes: 1000 * mb},
			[]record.Level{{Kind: record.CgroupLevel, Path: "/job", Own: true, Exclusive: true}, {Kind: record.MachineLevel, Limit: 8000 * mb}, {Kind: record.OptionLevel, Limit: 1000 * mb}}, ""},
		{"a share", func(m machine) { m.memory(8000, 4000); m.cgroup("max", 1, 0) }, Limit{Percent: 50},
			[]record.Level{{Kind: record.CgroupLevel, Path: "/job", Own: true, Exclusive: true}, {Kind: record.MachineLevel, Limit: 8000 * mb}, {Kind: record.OptionLevel, Limit: 4000 * mb}}, ""},
		{"an option above the machine", func(m machine) { m.memory(8000, 4000); m.cgroup("max", 1, 0) }, Limit{Bytes: 9000 * mb},
			[]record.Level{{Kind: record.CgroupLevel, Path: "/job", Own: true, Exclusive: true}, {Kind: record.MachineLevel, Limit: 8000 * mb}}, "memory-limit"},
		{"nothing can be read", func(machine) {}, Limit{}, []record.Level{{Kind: record.DefaultLevel, Limit: DefaultLimit}}, "cgroup meminfo"},
		{"garbage", func(m machine) { m.write("proc/meminfo", "rubbish\n"); m.cgroup("rubbish", 1, 0) }, Limit{}, []record.Level{{Kind: record.DefaultLevel, Limit: DefaultLimit}}, "meminfo"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := machine{t, t.TempDir()}
			test.set(m)
			s, troubles := m.sampler(test.limit)
			var got []record.Level
			for _, l := range s.levels {
				got = append(got, l.Level)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Error(d)
			}
			if troubles != test.troubles {
				t.Errorf("troubles %q, want %q", troubles, test.troubles)
			}
		})
	}
}

// at gives a sampler of one machine level with a history of used memory, one
// reading every step, the last of them now.
func at(limit uint64, step time.Duration, used ...uint64) (*sampler, time.Time) {
	s := &sampler{levels: []level{{Level: record.Level{Kind: record.MachineLevel, Limit: limit}}}}
	now := time.Unix(1000, 0)
	for i, u := range used {
		s.remember(now.Add(-step*time.Duration(len(used)-1-i)), record.Sample{Used: []uint64{u}})
	}
	return s, now
}

func TestPace(t *testing.T) {
	t.Parallel()
	const gb = 1_000_000_000
	tests := []struct {
		name  string
		limit uint64
		step  time.Duration
		used  []uint64
		want  time.Duration
	}{
		{"nothing read", 7 * gb, time.Second, nil, time.Second},
		{"far from the limit", 7 * gb, time.Second, []uint64{gb, gb, gb}, time.Second},
		{"shrinking", 7 * gb, time.Second, []uint64{3 * gb, 2 * gb, gb}, time.Second},
		{"2 GB left", 7 * gb, time.Second, []uint64{5 * gb}, 500 * time.Millisecond},
		{"400 MB left", 7 * gb, time.Second, []uint64{66 * gb / 10}, 100 * time.Millisecond},
		{"close", 7 * gb, time.Second, []uint64{7*gb - 1}, 50 * time.Millisecond},
		{"above", 7 * gb, time.Second, []uint64{8 * gb}, 50 * time.Millisecond},
		{"growing 0.5 GB/s with 5 GB left", 7 * gb, time.Second, []uint64{gb, 3 * gb / 2, 2 * gb}, 500 * time.Millisecond},
		{"growing 2 GB/s with 2 GB left", 7 * gb, time.Second, []uint64{gb, 3 * gb, 5 * gb}, 50 * time.Millisecond},
		{"grew long ago", 7 * gb, 3 * time.Second, []uint64{1, 1, 3 * gb}, time.Second},
	}
	for _, test := range tests {
		s, _ := at(test.limit, test.step, test.used...)
		if got := s.next(); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestDangerLine(t *testing.T) {
	t.Parallel()
	const gb = 1_000_000_000
	tests := []struct {
		name  string
		used  []uint64
		fires bool
	}{
		{"nothing read", nil, false},
		{"exactly 10 % headroom", []uint64{9 * gb}, false},
		{"less than 10 % headroom", []uint64{9*gb + 1}, true},
		{"no headroom", []uint64{11 * gb}, true},
		{"5 GB left at 0.5 GB/s: 10 s", []uint64{4 * gb, 9 * gb / 2, 5 * gb}, false},
		{"4.9 GB left at 0.5 GB/s", []uint64{41 * gb / 10, 46 * gb / 10, 51 * gb / 10}, true},
		{"shrinking", []uint64{8 * gb, 7 * gb, 6 * gb}, false},
		{"flat", []uint64{8 * gb, 8 * gb, 8 * gb}, false},
	}
	for _, test := range tests {
		s, now := at(10*gb, time.Second, test.used...)
		d := s.danger(now)
		if fires := d != nil; fires != test.fires {
			t.Errorf("%s: %+v", test.name, d)
		}
	}
}

// The line is said again only as things get worse, or when memory had come
// back in between.
func TestDangerLineAgain(t *testing.T) {
	t.Parallel()
	const gb = 1_000_000_000
	s, now := at(10*gb, time.Second)
	steps := []struct {
		used  uint64
		fires bool
	}{
		{91 * gb / 10, true}, {91 * gb / 10, false}, {93 * gb / 10, false}, {96 * gb / 10, true}, {97 * gb / 10, false},
		{99 * gb / 10, true}, {85 * gb / 10, false}, {99 * gb / 10, false}, {5 * gb, false}, {91 * gb / 10, true},
	}
	for i, step := range steps {
		now = now.Add(time.Minute)
		s.remember(now, record.Sample{Used: []uint64{step.used}})
		if d := s.danger(now); (d != nil) != step.fires {
			t.Errorf("step %d, %d MB used: %+v", i, step.used/1e6, d)
		}
	}
}

// Counters are deltas from the start, and told only when one moved.
func TestCounters(t *testing.T) {
	t.Parallel()
	m := machine{t, t.TempDir()}
	m.memory(8000, 4000)
	m.cgroup("536870912", 100, 7)
	m.write("proc/vmstat", "pswpin 0\noom_kill 3\n")
	s, _ := m.sampler(Limit{})
	if c, moved := s.moved(); moved {
		t.Errorf("moved at the start: %+v", c)
	}
	m.cgroup("536870912", 100, 9)
	if c, moved := s.moved(); !moved || c.Levels[0].OOMKill != 2 || c.Levels[1].OOMKill != 0 {
		t.Errorf("%v %+v", moved, c)
	}
	if c, moved := s.moved(); moved {
		t.Errorf("moved again: %+v", c)
	}
	m.write("proc/vmstat", "pswpin 0\noom_kill 4\n")
	if c, moved := s.moved(); !moved || c.Levels[0].OOMKill != 2 || c.Levels[1].OOMKill != 1 {
		t.Errorf("%v %+v", moved, c)
	}
	// A counter that goes back is not a kill.
	m.write("proc/vmstat", "pswpin 0\noom_kill 1\n")
	if c, _ := s.moved(); c.Levels[1].OOMKill != 0 {
		t.Errorf("%+v", c)
	}
}

// Used memory is read at each level; the page cache is not used memory.
func TestSample(t *testing.T) {
	t.Parallel()
	m := machine{t, t.TempDir()}
	m.memory(8000, 6000)
	m.cgroup("536870912", 100, 0)
	m.write("sys/fs/cgroup/job/memory.current", fmt.Sprintln(400<<20))
	m.write("sys/fs/cgroup/job/memory.stat", fmt.Sprintf("anon %d\nfile %d\nactive_file %d\ninactive_file %d\nslab_reclaimable 0\n", 100<<20, 300<<20, 100<<20, 200<<20))
	s, _ := m.sampler(Limit{Bytes: 1 << 30})
	got := s.sample(time.Unix(1000, 0))
	if d := cmp.Diff([]uint64{100 << 20, 2000 << 20, 100 << 20}, got.Used); d != "" {
		t.Error(d)
	}
	if s.needsTree() {
		t.Error("a cgroup of its own needs no tree")
	}
}
