package kernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// describe writes down all that the readers tell of a process's cgroups.
func describe(t *testing.T, fs FS, pid int) string {
	t.Helper()
	groups, err := fs.Cgroups(pid)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if len(groups) == 0 {
		b.WriteString("no memory cgroup\n")
	}
	for _, c := range groups {
		fmt.Fprintf(&b, "v%d %s in %s\n", c.Version, c.Path, c.Dir())
		optional := func(name string, n uint64, has bool, err error) {
			fmt.Fprintf(&b, "\t%s: %d %t %v\n", name, n, has, err)
		}
		limit, has, err := c.Limit()
		optional("limit", limit, has, err)
		limit, has, err = c.High()
		optional("high", limit, has, err)
		limit, has, err = c.SwapLimit()
		optional("swap limit", limit, has, err)
		peak, has, err := c.Peak()
		optional("peak", peak, has, err)
		usage, err := c.Usage()
		fmt.Fprintf(&b, "\tusage: %+v %v\n", usage, err)
		events, err := c.Events()
		fmt.Fprintf(&b, "\tevents: %+v %v\n", events, err)
		pressure, err := c.Pressure()
		fmt.Fprintf(&b, "\tpressure: %+v %v\n", pressure, err)
		procs, err := c.Procs()
		fmt.Fprintf(&b, "\tprocs: %v %v\n", procs, err)
	}
	return b.String()
}

func TestCgroups(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no recorded trees: %v", err)
	}
	for _, archive := range archives {
		name := strings.TrimSuffix(filepath.Base(archive), ".txtar")
		t.Run(name, func(t *testing.T) {
			golden(t, name, describe(t, recorded(t, name), 42))
		})
	}
}

func TestCgroupsSeenThroughTheMachinesMount(t *testing.T) {
	fs := recorded(t, "docker-v2-host-mount")
	id := strings.Repeat("3f1c", 16)
	for pid, want := range map[int][]string{
		42: {"/../../elsewhere"},
		43: {"/docker/" + id, "/docker"},
		44: {"/docker/sibling", "/docker"},
	} {
		groups, err := fs.Cgroups(pid)
		if err != nil {
			t.Fatal(err)
		}
		var paths []string
		for _, c := range groups {
			paths = append(paths, c.Path)
		}
		if diff := cmp.Diff(want, paths); diff != "" {
			t.Errorf("cgroups of %d (-want +got):\n%s", pid, diff)
		}
	}
}

func TestCgroupsOfNobody(t *testing.T) {
	fs := tree(t, map[string]string{"proc/": ""})
	if groups, err := fs.Cgroups(42); !errors.Is(err, os.ErrNotExist) || groups != nil {
		t.Errorf("Cgroups of a process that is gone = %v, %v; want an error", groups, err)
	}
	fs = tree(t, map[string]string{"proc/42/stat": "42 (a) S"})
	if groups, err := fs.Cgroups(42); err != nil || groups != nil {
		t.Errorf("Cgroups without cgroups in the kernel = %v, %v; want none and no error", groups, err)
	}
	fs = tree(t, map[string]string{"proc/42/cgroup": "0::/a\n"})
	if _, err := fs.Cgroups(42); err == nil {
		t.Error("Cgroups without mountinfo gave no error")
	}
}

// v2Files is a v2 machine with one cgroup, /a, and the given files in it.
func v2Files(files map[string]string) map[string]string {
	all := map[string]string{
		"proc/42/cgroup":             "0::/a\n",
		"proc/self/mountinfo":        "34 25 0:29 / /cg rw - cgroup2 cgroup2 rw\n",
		"cg/cgroup.procs":            "1\n",
		"cg/a/cgroup.procs":          "42\n",
		"cg/a/memory.current":        "1000\n",
		"cg/a/memory.stat":           "active_file 100\ninactive_file 200\nslab_reclaimable 50\n",
		"cg/a/memory.max":            "max\n",
		"cg/a/memory.events":         "max 0\noom 0\noom_kill 0\n",
		"cg/a/memory.swap.current":   "0\n",
		"cg/a/memory.pressure":       "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"cg/a/below/cgroup.procs":    "43\n44\n",
		"cg/a/below/it/cgroup.procs": "",
	}
	for name, text := range files {
		all["cg/a/"+name] = text
	}
	return all
}

func only(t *testing.T, fs FS) Cgroup {
	t.Helper()
	groups, err := fs.Cgroups(42)
	if err != nil || len(groups) != 1 {
		t.Fatalf("Cgroups = %v, %v; want one", groups, err)
	}
	return groups[0]
}

func TestUsageIsWhatCannotBeReclaimed(t *testing.T) {
	for _, test := range []struct {
		name          string
		current, stat string
		used          uint64
	}{
		{"page cache and slab left out", "1000", "active_file 100\ninactive_file 200\nslab_reclaimable 50\n", 650},
		{"shared memory kept", "1000", "shmem 500\nfile 700\nactive_file 100\ninactive_file 100\n", 800},
		{"all is page cache", "1000", "active_file 900\ninactive_file 100\nslab_reclaimable 0\n", 0},
		{"read at two moments", "1000", "active_file 900\ninactive_file 200\nslab_reclaimable 50\n", 0},
		{"nearly too large", "18446744073709551615", "active_file 18446744073709551615\ninactive_file 9\n", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := only(t, tree(t, v2Files(map[string]string{"memory.current": test.current, "memory.stat": test.stat})))
			if u, err := c.Usage(); err != nil || u.Used != test.used {
				t.Errorf("Usage = %+v, %v; want used %d", u, err, test.used)
			}
		})
	}
}

// One file that is missing, empty or garbage silences what is in it and
// nothing else.
func TestBadCgroupFiles(t *testing.T) {
	readers := map[string]func(Cgroup) error{
		"memory.max":          func(c Cgroup) error { _, _, err := c.Limit(); return err },
		"memory.stat":         func(c Cgroup) error { _, err := c.Usage(); return err },
		"memory.swap.current": func(c Cgroup) error { _, err := c.Usage(); return err },
		"memory.events":       func(c Cgroup) error { _, err := c.Events(); return err },
		"memory.pressure":     func(c Cgroup) error { _, err := c.Pressure(); return err },
	}
	for file := range readers {
		for _, content := range []string{"", "\n", "garbage", "\x00\xff", "max 1 2\n", "oom_kill -1\n", "active_file 1e9\n", "99999999999999999999"} {
			t.Run(fmt.Sprintf("%s %q", file, content), func(t *testing.T) {
				c := only(t, tree(t, v2Files(map[string]string{file: content})))
				for other, read := range readers {
					err := read(c)
					shared := file == "memory.swap.current" && other == "memory.stat" ||
						file == "memory.stat" && other == "memory.swap.current"
					switch {
					case other == file && err == nil:
						t.Errorf("%s = %q gave no error", file, content)
					case other != file && !shared && err != nil:
						t.Errorf("%s = %q: %s gave %v", file, content, other, err)
					}
				}
			})
		}
	}
}

func TestEventsKnown(t *testing.T) {
	for content, want := range map[string]Events{
		"max 3\noom 2\noom_kill 1\n": {Max: 3, HasMax: true, OOM: 2, HasOOM: true, OOMKill: 1, HasOOMKill: true},
		"max 3\noom 2\n":             {Max: 3, HasMax: true, OOM: 2, HasOOM: true}, // before Linux 4.13
		"low 1\nhigh 2\nmax 0\noom 0\noom_kill 5\nnew_thing x\n": {HasMax: true, HasOOM: true, OOMKill: 5, HasOOMKill: true},
	} {
		c := only(t, tree(t, v2Files(map[string]string{"memory.events": content})))
		if got, err := c.Events(); err != nil || got != want {
			t.Errorf("Events of %q = %+v, %v; want %+v", content, got, err, want)
		}
	}
}

func TestParseLimit(t *testing.T) {
	for text, want := range map[string]uint64{
		"max\n":                  noLimit,
		"0\n":                    0,
		"1073741824\n":           1 << 30,
		"9223372036854771712\n":  noLimit, // pages of 4 KiB
		"9223372036854710272\n":  noLimit, // pages of 64 KiB
		"9223372036854775807\n":  noLimit, // Linux before 3.19
		"18446744073709551615\n": noLimit,
		"9223372036854700000\n":  9223372036854700000,
	} {
		if got, err := parseLimit([]byte(text)); err != nil || got != want {
			t.Errorf("parseLimit(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestHasOthers(t *testing.T) {
	ours := func(pids ...int) func(int) bool {
		return func(pid int) bool {
			for _, p := range pids {
				if p == pid {
					return true
				}
			}
			return false
		}
	}
	for _, test := range []struct {
		name  string
		files map[string]string
		ours  func(int) bool
		want  bool
	}{
		{"all ours", nil, ours(42, 43, 44), false},
		{"another's in the cgroup", nil, ours(43, 44), true},
		{"another's below", nil, ours(42, 43), true},
		{"one that cannot be seen", map[string]string{"below/cgroup.procs": "0\n"}, ours(0, 42), true},
		{"deeper", map[string]string{"below/it/cgroup.procs": "99\n"}, ours(42, 43, 44), true},
		{"a folder that is no cgroup any more", map[string]string{"gone/": ""}, ours(42, 43, 44), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := only(t, tree(t, v2Files(test.files)))
			if got, err := c.HasOthers(test.ours); err != nil || got != test.want {
				t.Errorf("HasOthers = %t, %v; want %t", got, err, test.want)
			}
		})
	}
	c := only(t, tree(t, v2Files(nil)))
	os.Remove(filepath.Join(c.fs.root, c.dir, "cgroup.procs"))
	if _, err := c.HasOthers(ours(42)); err == nil {
		t.Error("HasOthers of a cgroup that is gone gave no error")
	}
}

func TestClimb(t *testing.T) {
	for path, want := range map[string]struct {
		ups  int
		rest string
	}{
		"/": {0, ""}, "/a": {0, "/a"}, "/a/": {0, "/a"}, "/..": {1, ""}, "/../..": {2, ""}, "/../../": {2, ""},
		"/../a/..b": {1, "/a/..b"}, "/..a": {0, "/..a"},
	} {
		if ups, rest := climb(path); ups != want.ups || rest != want.rest {
			t.Errorf("climb(%q) = %d, %q; want %d, %q", path, ups, rest, want.ups, want.rest)
		}
	}
}

func TestParseMountinfo(t *testing.T) {
	got := parseMountinfo([]byte(`22 27 0:21 / /proc rw,relatime - proc proc rw
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 master:3 - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
37 31 0:34 /a\040b\134c /mnt/with\040blank rw - cgroup2 cgroup2 rw
38 31 0:35 / /trap rw - ext4 /dev/memory rw,memory
39 31 0:36 / /also rw - cgroup cgroup rw,cpuset,memory,hugetlb
40 31 0:37 / /no rw - cgroup cgroup rw,name=memory
short - cgroup2
`))
	want := []mount{
		{1, "/", "/sys/fs/cgroup/memory"},
		{2, `/a b\c`, "/mnt/with blank"},
		{1, "/", "/also"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mount{})); diff != "" {
		t.Errorf("parseMountinfo (-want +got):\n%s", diff)
	}
}

func TestParseMembership(t *testing.T) {
	for _, test := range []struct {
		text string
		want membership
		ok   bool
	}{
		{"0::/a\n", membership{2, "/a"}, true},
		{"4:memory:/m\n0::/u\n", membership{1, "/m"}, true},
		{"0::/u\n4:cpuset,memory:/m\n", membership{1, "/m"}, true},
		{"1:name=memory:/no\n0::/u\n", membership{2, "/u"}, true},
		{"4:memory:/m:with:colons\n", membership{1, "/m:with:colons"}, true},
		{"0::/gone (deleted)\n", membership{2, "/gone"}, true},
		{"0::\n", membership{}, false},
		{"3:cpu:/x\n", membership{}, false},
		{"", membership{}, false},
		{"garbage\n", membership{}, false},
	} {
		if got, ok := parseMembership([]byte(test.text)); got != test.want || ok != test.ok {
			t.Errorf("parseMembership(%q) = %v, %t; want %v, %t", test.text, got, ok, test.want, test.ok)
		}
	}
}
