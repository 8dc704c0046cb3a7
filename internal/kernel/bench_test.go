package kernel

import (
	"os"
	"testing"
)

// hotReaders are those that run up to 20 times a second when memory is short.
func hotReaders(tb testing.TB) map[string]func() error {
	fs := tree(tb, v2Files(map[string]string{"memory.swap.current": "4096\n"}))
	groups, err := fs.Cgroups(42)
	if err != nil || len(groups) != 1 {
		tb.Fatalf("Cgroups = %v, %v", groups, err)
	}
	c := groups[0]
	v1 := tree(tb, map[string]string{
		"g/memory.stat": "total_active_file 1\ntotal_inactive_file 2\ntotal_swap 3\n", "g/memory.usage_in_bytes": "10\n",
		"g/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", "g/memory.failcnt": "0\n",
	})
	old := Cgroup{Version: 1, fs: v1, dir: "/g"}
	live := New("/")
	tb.Cleanup(func() { live.Close() })
	readers := map[string]func() error{
		"Meminfo":        func() error { _, err := live.Meminfo(); return err },
		"Vmstat":         func() error { _, err := live.Vmstat(); return err },
		"UsageV2":        func() error { _, err := c.Usage(); return err },
		"EventsV2":       func() error { _, err := c.Events(); return err },
		"CgroupPressure": func() error { _, err := c.Pressure(); return err },
		"UsageV1":        func() error { _, err := old.Usage(); return err },
		"EventsV1":       func() error { _, err := old.Events(); return err },
	}
	if _, err := live.MemoryPressure(); err == nil {
		readers["MemoryPressure"] = func() error { _, err := live.MemoryPressure(); return err }
	}
	return readers
}

func TestHotReadersDoNotAllocate(t *testing.T) {
	for name, read := range hotReaders(t) {
		if err := read(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := testing.AllocsPerRun(100, func() { read() }); n > 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkHotReaders(b *testing.B) {
	for name, read := range hotReaders(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkProcess(b *testing.B) {
	fs := New("/")
	self := os.Getpid()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fs.Process(self); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPSS(b *testing.B) {
	fs := New("/")
	self := os.Getpid()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fs.PSS(self); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCgroups(b *testing.B) {
	fs := New("/")
	self := os.Getpid()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fs.Cgroups(self); err != nil {
			b.Fatal(err)
		}
	}
}

// A kill writes some eighty records.
func BenchmarkOOMScanner(b *testing.B) {
	all := records(b, "memcg-oom.kmsg")
	b.ReportAllocs()
	for b.Loop() {
		if kills := scanRecords(b, all); len(kills) != 1 {
			b.Fatal(kills)
		}
	}
}
