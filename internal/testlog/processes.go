package testlog

import (
	"path/filepath"
	"slices"
	"strings"
)

// Proc is a process of the command's tree.
type Proc struct {
	PID, Parent int
	Argv        []string
	Comm        string            // the name of its main thread, at most 15 bytes (proc_pid_comm(5))
	Env         map[string]string // those of [EnvKeys] that are set
	Threads     []string          // the names of its other threads
	Dir         string            // its working directory, absolute
}

// EnvKeys are the environment variables by which frameworks tell the
// processes of a test which test they belong to.
var EnvKeys = []string{
	"PYTEST_CURRENT_TEST", "NEXTEST", "NEXTEST_TEST_NAME", "NEXTEST_BINARY_ID", "TEST_TARGET", "CARGO_MANIFEST_DIR",
}

// sighting is a process that belongs to a test.
type sighting struct {
	Event
	// child means that the process was started by the test and is not the one
	// that runs it. It may outlive the test, so it is worth a start only when
	// it is new.
	child bool
	more  []Event // further tests that run in the same process
}

// processes are the tests that were seen in the process tree.
type processes struct {
	tree  map[int]Proc     // during one call of Processes
	tests map[int]string   // pid → test, kept when the process is gone
	now   map[testKey]bool // tests that a process of the latest tree runs
	young map[int]testKey  // pid of the runner → the test whose child was seen last
}

// Processes looks at the command's process tree. Tests that a process of its
// own runs start when it is first there and finish when it is gone. A process
// that was killed is gone, too: a caller who knows how it ended (by pidfd)
// drops the finish of a test whose PID died of a signal.
func (s *Scanner) Processes(procs []Proc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.source = "process"
	defer func() { s.source = "output"; s.procs.tree = nil }()

	p := &s.procs
	p.prepare(procs)
	found := make(map[int]sighting)
	for _, proc := range procs {
		if at, ok := s.sight(proc); ok {
			found[proc.PID] = at
		}
	}
	before := p.now
	p.now = map[testKey]bool{}
	for _, proc := range procs {
		at, ok := found[proc.PID]
		if !ok {
			delete(p.tests, proc.PID)
			continue
		}
		isNew := p.remember(proc.PID, at.ID)
		if above, ok := found[proc.Parent]; ok && above.ID == at.ID && above.Framework == at.Framework {
			continue
		}
		s.sighted(at, isNew, before)
		for _, e := range at.more {
			s.sighted(sighting{Event: e}, isNew, before)
		}
	}
	s.gone(before)
}

func (p *processes) prepare(procs []Proc) {
	p.tree = make(map[int]Proc, len(procs))
	for _, proc := range procs {
		p.tree[proc.PID] = proc
	}
	if p.tests == nil {
		p.tests = map[int]string{}
		p.young = map[int]testKey{}
	}
}

// remember keeps whose process a pid is and tells whether that is news.
func (p *processes) remember(pid int, id string) bool {
	was, known := p.tests[pid]
	if known && was == id {
		return false
	}
	if !known && len(p.tests) >= maxProcesses {
		for gone := range p.tests {
			if _, alive := p.tree[gone]; !alive {
				delete(p.tests, gone)
			}
		}
	}
	if len(p.tests) < maxProcesses && len(id) <= MaxLine {
		p.tests[pid] = strings.Clone(id)
	}
	return true
}

func (p *processes) of(pid int) string { return p.tests[pid] }

func (s *Scanner) sight(proc Proc) (sighting, bool) {
	for _, q := range s.parsers {
		if at, ok := q.process(proc); ok && at.ID != "" {
			return at, true
		}
	}
	return sighting{}, false
}

// sighted starts a test for a process, unless the output did.
func (s *Scanner) sighted(at sighting, isNew bool, before map[testKey]bool) {
	key := keyOf(at.Event)
	if at.child {
		last, known := s.procs.young[at.PID]
		switch {
		case isNew && (!known || last != key):
			s.procs.young[at.PID] = key
		case !known || last != key:
			return
		}
	}
	if !before[key] && (s.running.hasAny(at.ID) || at.Certainty == possible && s.named(at.Framework)) {
		return
	}
	s.procs.now[key] = true
	s.start(at.Event)
}

// named tells whether the output names running tests of the framework.
func (s *Scanner) named(framework string) bool {
	for key, e := range s.running.tests {
		if key.framework == framework && e.Source != "process" && e.Certainty != possible {
			return true
		}
	}
	return false
}

// gone finishes the tests whose processes are no longer there.
func (s *Scanner) gone(before map[testKey]bool) {
	var ended []testKey
	for key := range before {
		if !s.procs.now[key] {
			ended = append(ended, key)
		}
	}
	slices.SortFunc(ended, func(a, b testKey) int { return strings.Compare(a.id, b.id) })
	for _, key := range ended {
		if e, ok := s.running.tests[key]; ok {
			s.finish(e.Event)
		}
		if s.procs.young[key.pid] == key {
			delete(s.procs.young, key.pid)
		}
	}
}

// endChildren finishes the tests of a framework that are known only by
// processes that they started: its output says that a test is over.
func (s *Scanner) endChildren(framework string) {
	for pid, key := range s.procs.young {
		if key.framework != framework {
			continue
		}
		delete(s.procs.young, pid)
		delete(s.procs.now, key)
		if e, ok := s.running.tests[key]; ok {
			s.finish(e.Event)
		}
	}
}

// TestOf gives the id of the test that a process belongs or belonged to, as
// far as the process tree told; empty when it is not known.
func (s *Scanner) TestOf(pid int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.procs.of(pid)
}

// program is the base name of what a process runs.
func (p Proc) program() string {
	if len(p.Argv) == 0 {
		return p.Comm
	}
	return filepath.Base(p.Argv[0])
}

// relative makes a path relative to the command's directory where it is below
// it.
func (s *Scanner) relative(path string) string {
	if s.hint.Dir == "" || !filepath.IsAbs(path) {
		return path
	}
	rel, err := filepath.Rel(s.hint.Dir, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return path
	}
	return rel
}
