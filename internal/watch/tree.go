package watch

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v3/process"

	"github.com/org/oom143-action/internal/kernel"
	"github.com/org/oom143-action/internal/record"
	"github.com/org/oom143-action/internal/testlog"
)

// The process tree is the slow tier: reading it costs some ten microseconds
// for each process of the machine, so it is read once a second at most, and
// so seldom that it takes 1 % of a core.
const (
	treeFirst    = 50 * time.Millisecond // after the start: what is over sooner leaves nothing to tell
	treeEvery    = time.Second
	treeNearby   = 100 * time.Millisecond // close to the limit
	treeShare    = 100                    // pause is this many times the cost
	maxKnown     = 20_000                 // processes remembered
	pssProcesses = 200                    // processes whose PSS is summed; above, the rest counts with its RSS
)

// kernelThreads is the parent of the kernel's own threads: kthreadd.
const kernelThreads = 2

// tree is the machine's processes as last seen, with what belongs to the
// command.
type tree struct {
	fs   kernel.FS
	self int // oom143
	mu   sync.Mutex
	// guard is the root of what is the command's; 0 before there is one.
	guard        int
	seen         map[int]*seen
	sum          uint64 // PSS or RSS of the command's processes
	count        int
	cost         time.Duration
	made, readAt time.Time
	round        int
	// appeared is called for each new process of the command.
	appeared func(pid int)
}

// seen is what is remembered of a process, alive or not.
type seen struct {
	process.Process
	start       uint64 // as kernel.Process has it
	parent      int
	command     string
	argv        []string
	rss, pss    uint64
	first, peak uint64
	ours        bool
	born, round int // readings at which it was first and last seen
}

func newTree(fs kernel.FS, self int, appeared func(int)) *tree {
	return &tree{fs: fs, self: self, seen: map[int]*seen{}, appeared: appeared, made: time.Now()}
}

// hangFrom says which process the command's tree hangs from.
func (t *tree) hangFrom(pid int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.guard = pid
}

// ours tells whether pid is oom143, its guard, or of the command's tree.
func (t *tree) ours(pid int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return pid == t.self || pid == t.guard || t.belongs(pid)
}

// command tells whether pid is, or was, of the command's tree.
func (t *tree) command(pid int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.belongs(pid)
}

func (t *tree) belongs(pid int) bool {
	if s := t.seen[pid]; s != nil && s.ours {
		return true
	}
	// Younger than the last reading: follow its parents.
	for range 64 {
		p, err := t.fs.Process(pid)
		if err != nil || p.Parent <= 1 {
			return false
		}
		if p.Parent == t.guard {
			return t.guard != 0
		}
		if s := t.seen[p.Parent]; s != nil {
			return s.ours
		}
		pid = p.Parent
	}
	return false
}

// memory is what the command's processes held at the last reading, in bytes.
func (t *tree) memory() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum
}

// due tells whether it is time to read the tree.
func (t *tree) due(now time.Time, near bool) bool {
	if t.round == 0 {
		return now.Sub(t.made) >= treeFirst
	}
	every := max(treeEvery, treeShare*t.cost)
	if near {
		every = max(treeNearby, t.cost*4)
	}
	return now.Sub(t.readAt) >= every
}

// read looks at every process of the machine; pss asks for the proportional
// memory of the command's own.
func (t *tree) read(now time.Time, pss bool) {
	pids, err := process.Pids()
	if err != nil {
		return
	}
	began := time.Now()
	t.mu.Lock()
	t.round++
	var fresh []int
	for _, pid := range pids {
		if t.refresh(int(pid)) {
			fresh = append(fresh, int(pid))
		}
	}
	t.settle(pss)
	var appeared []int
	for _, pid := range fresh {
		if s := t.seen[pid]; s != nil && s.ours {
			appeared = append(appeared, pid)
		}
	}
	t.forget()
	t.readAt = now
	t.cost = time.Since(began)
	t.mu.Unlock()
	for _, pid := range appeared {
		t.appeared(pid)
	}
}

// refresh reads one process and tells whether it is new.
func (t *tree) refresh(pid int) bool {
	if pid == t.self || pid == t.guard {
		return false
	}
	p, err := t.fs.Process(pid)
	if err != nil {
		return false
	}
	s := t.seen[pid]
	// A number that comes back with another start is another process.
	isNew := s == nil || s.start != p.Start
	if isNew {
		s = &seen{Process: process.Process{Pid: int32(pid)}, start: p.Start, born: t.round}
	}
	s.parent, s.rss, s.round = p.Parent, p.RSS, t.round
	s.peak = max(s.peak, s.rss)
	if isNew {
		s.first = s.rss
	}
	// A process that has just been forked shows its parent's name until it
	// has executed its own.
	if t.round-s.born < 3 && p.Parent != kernelThreads {
		s.command = p.Comm
		if argv, err := s.CmdlineSlice(); err == nil && len(argv) > 0 {
			s.command = record.CommandLine(argv)
			s.argv = shortArgv(argv)
		}
	}
	t.seen[pid] = s
	return isNew
}

// settle finds out which processes belong to the command, and adds up their
// memory.
func (t *tree) settle(pss bool) {
	t.sum, t.count = 0, 0
	for pid, s := range t.seen {
		if s.round != t.round {
			continue
		}
		if !s.ours {
			s.ours = t.descends(pid)
		}
		if !s.ours {
			continue
		}
		t.count++
		s.pss = 0
		if pss && t.count <= pssProcesses {
			s.pss, _ = t.fs.PSS(pid)
		}
		if s.pss > 0 {
			t.sum += s.pss
		} else {
			t.sum += s.rss
		}
	}
}

func (t *tree) descends(pid int) bool {
	for range 1024 {
		s := t.seen[pid]
		if s == nil {
			return false
		}
		if s.ours || (t.guard != 0 && s.parent == t.guard) {
			return true
		}
		pid = s.parent
	}
	return false
}

// forget drops other people's dead processes, and the command's oldest dead
// ones when there are too many.
func (t *tree) forget() {
	for pid, s := range t.seen {
		if s.round != t.round && (!s.ours || (len(t.seen) > maxKnown && s.round < t.round-10)) {
			delete(t.seen, pid)
		}
	}
}

// process gives what is known of a process, alive or not.
func (t *tree) process(pid int) (record.Process, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.seen[pid]
	if s == nil {
		return record.Process{}, false
	}
	return s.record(), true
}

func (s *seen) record() record.Process {
	return record.Process{
		PID: int(s.Pid), Parent: s.parent, Command: s.command,
		RSS: s.rss, PSS: s.pss, Peak: s.peak, First: s.first, Ours: s.ours,
	}
}

// top gives the largest living processes.
func (t *tree) top() *record.Processes {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []*seen
	for _, s := range t.seen {
		if s.round == t.round && s.rss > 0 {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *seen) int {
		return cmp.Or(cmp.Compare(b.rss, a.rss), cmp.Compare(a.Pid, b.Pid))
	})
	out := &record.Processes{Count: t.count}
	for _, s := range all[:min(len(all), record.MaxProcesses)] {
		out.Top = append(out.Top, s.record())
	}
	return out
}

// Bounds of the words that are kept of a command line to name its test.
const (
	maxWords    = 40
	maxWordSize = 512
)

func shortArgv(argv []string) []string {
	out := make([]string, 0, min(len(argv), maxWords))
	for _, word := range argv[:min(len(argv), maxWords)] {
		out = append(out, strings.Clone(word[:min(len(word), maxWordSize)]))
	}
	return out
}

// commands gives the living processes of the command's tree with their words.
func (t *tree) commands() []testlog.Proc {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []testlog.Proc
	for pid, s := range t.seen {
		if s.ours && s.round == t.round {
			out = append(out, testlog.Proc{PID: pid, Parent: s.parent, Argv: s.argv})
		}
	}
	slices.SortFunc(out, func(a, b testlog.Proc) int { return cmp.Compare(a.PID, b.PID) })
	return out
}
