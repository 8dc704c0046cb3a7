package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/org/oom143-action/internal/kernel"
)

// The numbers of the processes in these tests are above what Linux gives
// (pid_max is at most 4194304, proc_sys_kernel(5)).
const (
	testSelf  = 5_000_000
	testGuard = 5_000_001
)

// fakeTree is a tree over a folder.
type fakeTree struct {
	*tree
	t    testing.TB
	root string
}

func newFakeTree(t testing.TB) *fakeTree {
	f := &fakeTree{t: t, root: t.TempDir()}
	fs := kernel.New(f.root)
	t.Cleanup(func() { fs.Close() })
	f.tree = newTree(fs, testSelf, nil)
	f.hangFrom(testGuard)
	return f
}

// put makes a process of megabytes MB.
func (f *fakeTree) put(pid, parent int, name string, start, megabytes int) {
	f.t.Helper()
	dir := filepath.Join(f.root, "proc", fmt.Sprint(pid))
	stat := fmt.Sprintf("%d (%s) S %d %d %d 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", pid, name, parent, pid, pid, start)
	pages := megabytes << 20 / os.Getpagesize()
	for name, text := range map[string]string{"stat": stat, "statm": fmt.Sprintf("%d %d 0 0 0 0 0\n", pages, pages)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			f.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fakeTree) end(pid int) {
	f.t.Helper()
	if err := os.RemoveAll(filepath.Join(f.root, "proc", fmt.Sprint(pid))); err != nil {
		f.t.Fatal(err)
	}
}

// look is one reading of the processes given.
func (f *fakeTree) look(pids ...int) (fresh []int) {
	f.round++
	for _, pid := range pids {
		if f.refresh(pid) {
			fresh = append(fresh, pid)
		}
	}
	f.settle(false)
	f.forget()
	return fresh
}

func TestTreeBelongs(t *testing.T) {
	t.Parallel()
	f := newFakeTree(t)
	const command, child, orphan, neighbour = 5_000_010, 5_000_011, 5_000_012, 5_000_020
	f.put(command, testGuard, "pytest", 1, 10)
	f.put(child, command, "worker", 2, 20)
	f.put(orphan, child, "daemon", 3, 5)
	f.put(neighbour, 1, "dockerd", 1, 500)
	f.look(command, child, orphan, neighbour)
	for pid, want := range map[int]bool{command: true, child: true, orphan: true, neighbour: false, testSelf: false, testGuard: false} {
		if got := f.command(pid); got != want {
			t.Errorf("%d is of the command: %v", pid, got)
		}
	}
	if !f.ours(testSelf) || !f.ours(testGuard) || f.ours(neighbour) {
		t.Error("ours is wrong")
	}
	if got := f.memory(); got != 35<<20 {
		t.Errorf("memory %d MB", got>>20)
	}
	// An orphan stays the command's when it has fallen to somebody else.
	f.end(child)
	f.put(orphan, 1, "daemon", 3, 5)
	f.look(command, orphan, neighbour)
	if !f.command(orphan) || !f.command(child) {
		t.Error("the orphan, or the dead, is not of the command any more")
	}
	if got := f.memory(); got != 15<<20 {
		t.Errorf("memory %d MB", got>>20)
	}
	top := f.top()
	if len(top.Top) != 3 || top.Top[0].PID != neighbour || top.Top[0].Ours || top.Top[1].PID != command || top.Count != 2 {
		t.Errorf("top %+v", top)
	}
}

// One that is younger than the last reading is found by its parents.
func TestTreeBelongsBetweenReadings(t *testing.T) {
	t.Parallel()
	f := newFakeTree(t)
	f.put(5_000_010, testGuard, "sh", 1, 1)
	f.put(5_000_011, 5_000_010, "kill", 2, 1)
	f.put(5_000_021, 5_000_020, "stranger", 2, 1)
	f.put(5_000_020, 1, "stranger", 2, 1)
	if !f.command(5_000_011) || f.command(5_000_021) || f.command(5_000_099) {
		t.Error("belongs is wrong")
	}
}

// A number that comes back is another process, at once and after a pause; a
// process that one reading missed is the same.
func TestTreeReusedNumber(t *testing.T) {
	t.Parallel()
	f := newFakeTree(t)
	const command, pid = 5_000_010, 5_000_011
	f.put(command, testGuard, "sh", 1, 1)
	f.put(pid, command, "first", 10, 900)
	f.look(command, pid)
	f.put(pid, 1, "second", 20, 3)
	if fresh := f.look(command, pid); len(fresh) != 1 {
		t.Errorf("new: %v", fresh)
	}
	if p, _ := f.process(pid); p.Ours || p.Peak != 3<<20 || p.Command != "second" {
		t.Errorf("after the reuse: %+v", p)
	}
	f.put(pid, command, "third", 30, 7)
	f.look(command, pid)
	f.look(command)
	f.put(pid, command, "third", 30, 5)
	if fresh := f.look(command, pid); len(fresh) != 0 {
		t.Errorf("new though only missed: %v", fresh)
	}
	if p, _ := f.process(pid); !p.Ours || p.Peak != 7<<20 || p.First != 7<<20 || p.RSS != 5<<20 {
		t.Errorf("after a missed reading: %+v", p)
	}
}

// What is remembered of the dead is bounded, and of strangers nothing.
func TestTreeForgets(t *testing.T) {
	t.Parallel()
	f := newFakeTree(t)
	f.put(5_000_010, testGuard, "sh", 1, 1)
	f.put(5_000_020, 1, "stranger", 1, 1)
	f.look(5_000_010, 5_000_020)
	for i := range maxKnown + 5000 {
		f.seen[5_100_000+i] = &seen{ours: true, round: f.round}
	}
	for range 15 {
		f.look(5_000_010)
	}
	if len(f.seen) > maxKnown {
		t.Errorf("%d remembered", len(f.seen))
	}
	if _, ok := f.process(5_000_020); ok {
		t.Error("a stranger that has gone is remembered")
	}
	if !f.command(5_000_010) {
		t.Error("the living command is forgotten")
	}
}

// A loop of parents, as a reading in the middle of changes may show, ends.
func TestTreeLoop(t *testing.T) {
	t.Parallel()
	f := newFakeTree(t)
	f.put(5_000_010, 5_000_011, "a", 1, 1)
	f.put(5_000_011, 5_000_010, "b", 1, 1)
	f.look(5_000_010, 5_000_011)
	if f.command(5_000_010) || f.command(5_000_011) {
		t.Error("of the command")
	}
}

func TestTreeDue(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	tests := []struct {
		since, cost time.Duration
		near, want  bool
	}{
		{500 * time.Millisecond, 0, false, false},
		{time.Second, 0, false, true},
		{time.Second, 50 * time.Millisecond, false, false},
		{5 * time.Second, 50 * time.Millisecond, false, true},
		{50 * time.Millisecond, 0, true, false},
		{100 * time.Millisecond, 0, true, true},
		{100 * time.Millisecond, 50 * time.Millisecond, true, false},
		{200 * time.Millisecond, 50 * time.Millisecond, true, true},
	}
	for _, test := range tests {
		tr := &tree{round: 1, cost: test.cost, readAt: now.Add(-test.since)}
		if got := tr.due(now, test.near); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
	first := &tree{made: now}
	if first.due(now.Add(treeFirst-1), false) || !first.due(now.Add(treeFirst), false) {
		t.Error("the first reading is not at treeFirst")
	}
}
