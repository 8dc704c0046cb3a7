package testlog

import (
	"encoding/json"
	"path/filepath"
	"strings"
)

const goTest = "go test"

// The lines of go test: -v as testing.go prints them, -json as
// `go doc test2json` describes them.
func init() {
	register(framework{
		name:   goTest,
		starts: []string{`{"Time":"`, `{"Action":"`, `{"ImportPath":"`, "FAIL\t", "ok  \t", "signal: ", "fatal error: ", "running tests:", "Test", "Fuzz", "Example"},
		words:  []string{"=== RUN   ", "=== PAUSE ", "=== CONT  ", "--- PASS: ", "--- FAIL: ", "--- SKIP: "},
		parser: func(s *Scanner) parser { return &golang{base: base{s}, pkg: literalPackage(s.hint.Argv)} },
	})
}

// golang reads go test.
type golang struct {
	base
	pkg     string // import path, where the command names exactly one
	died    string // "signal: killed", on line diedAt
	diedAt  int
	diedPkg string // -json tells whose words they are
	listing int    // line number of the latest line of "running tests:"
	fatal   bool   // the runtime ended the process: what ran is still running
	builds  bool   // the phase is known
	// overSoon are the tests that are over and whose "--- PASS" stands behind
	// that of the test around them: -v prints it late.
	overSoon map[string]bool
	latest   map[string]string // test → its subtest that began last and has not paused
}

func (g *golang) line(l line) bool {
	text := strings.TrimLeft(l.text, " ")
	if strings.HasPrefix(text, "{") {
		return g.json(text, l)
	}
	if g.diedPkg == "" && l.n > g.diedAt+2 {
		g.end()
	}
	switch {
	case strings.HasPrefix(l.text, "FAIL\t"), strings.HasPrefix(l.text, "ok  \t"):
		g.pkgEnd(l)
	case strings.HasPrefix(l.text, "signal: "):
		g.signal(l.text, l.n, "")
		return true
	case !g.fatality(l):
		g.verbose(l.text)
	}
	return false
}

// fatality reads how the runtime ends a test binary.
func (g *golang) fatality(l line) bool {
	switch {
	case strings.HasPrefix(l.text, "fatal error: "), strings.Contains(l.text, "panic: test timed out after "):
		g.fatal = true
	case strings.HasPrefix(l.text, "\trunning tests:"):
		g.listing = l.n
	case strings.HasPrefix(l.text, "\t\t") && g.listing > 0 && g.listing == l.n-1:
		g.listed(l)
	default:
		return false
	}
	return true
}

// verbose reads "=== RUN   TestX/sub" and "--- PASS: TestX/sub (0.10s)", also
// behind output that a test left without a newline.
func (g *golang) verbose(text string) {
	if i := strings.LastIndex(text, "=== "); i >= 0 {
		action, name, _ := strings.Cut(text[i+4:], " ")
		name = strings.TrimLeft(name, " ")
		if goName(name) {
			switch parent, _ := parentOf(name); action {
			case "RUN":
				g.siblings(name)
			case "PAUSE":
				delete(g.latest, parent)
			}
			g.act(action, g.pkg, name)
		}
		return
	}
	i := strings.LastIndex(text, "--- ")
	if i < 0 {
		return
	}
	outcome, rest, ok := strings.Cut(text[i+4:], ": ")
	name, took, ok2 := strings.Cut(rest, " (")
	if ok && ok2 && goName(name) && strings.HasSuffix(took, "s)") {
		if g.overSoon[name] {
			delete(g.overSoon, name)
			return
		}
		g.act(outcome, g.pkg, name)
	}
}

// siblings finishes the subtest beside a new one: T.Run returns when a subtest
// is over or has paused, so one that has not paused is over.
func (g *golang) siblings(name string) {
	parent, isSub := parentOf(name)
	if !isSub {
		clear(g.overSoon)
		clear(g.latest)
		return
	}
	if g.latest == nil {
		g.latest, g.overSoon = map[string]string{}, map[string]bool{}
	}
	before, ok := g.latest[parent]
	if ok && before != name && g.s.running.has(goTest, goID(g.pkg, before)) {
		g.overSoon[before] = true
		g.s.finish(Event{ID: goID(g.pkg, before), Framework: goTest})
	}
	if len(g.latest)+len(g.overSoon) > maxTracked || len(name) > MaxLine/8 {
		clear(g.overSoon)
		clear(g.latest)
		return
	}
	g.latest[strings.Clone(parent)] = strings.Clone(name)
}

// parentOf is the test that a subtest belongs to.
func parentOf(name string) (string, bool) {
	i := strings.LastIndexByte(name, '/')
	return name[:max(i, 0)], i > 0
}

// goName tells whether a name is one that the testing package gives: it has
// no blanks, and go test runs only functions with these beginnings.
func goName(name string) bool {
	if strings.ContainsAny(name, " \t") {
		return false
	}
	for _, begin := range []string{"Test", "Example", "Fuzz", "Benchmark"} {
		if strings.HasPrefix(name, begin) {
			return true
		}
	}
	return false
}

var goOutcomes = map[string]string{
	"PASS": passed, "FAIL": failed, "SKIP": skipped, "pass": passed, "fail": failed, "skip": skipped,
}

func (g *golang) act(action, pkg, name string) {
	e := Event{ID: goID(pkg, name), Framework: goTest}
	switch action {
	case "RUN", "run":
		g.s.startIn(e, pkg)
	case "PAUSE", "pause":
		g.s.running.remove(e)
		e.Action, e.Certainty = Pause, likely
		g.s.tell(e)
	case "CONT", "cont":
		e.Action, e.Certainty = Resume, likely
		if g.s.running.add(e, pkg) {
			g.s.tell(e)
		}
	default:
		if outcome, ok := goOutcomes[action]; ok {
			e.Outcome = outcome
			g.s.finish(e)
		}
	}
}

func goID(pkg, name string) string {
	if pkg == "" {
		return name
	}
	return pkg + "." + name
}

// signal notes what go says of a test binary that died; the package follows
// on the next line.
func (g *golang) signal(text string, n int, pkg string) {
	g.end()
	g.died, g.diedAt, g.diedPkg = strings.Clone(text), n, pkg
}

// end says a signal that no package followed.
func (g *golang) end() {
	if g.died != "" {
		g.say(g.died, "")
	}
}

var goSignals = map[string]string{
	"signal: killed": "SIGKILL", "signal: terminated": "SIGTERM", "signal: aborted": "SIGABRT",
}

// say reports the words of os.ProcessState.String for a process that died of
// a signal.
func (g *golang) say(text, test string) {
	g.died = ""
	signal, _, _ := strings.Cut(strings.TrimSpace(text), " (core dumped)")
	if goSignals[signal] == "" {
		return
	}
	g.s.say(Message{Kind: workerKilled, Runtime: goTest, Text: text, Signal: goSignals[signal], Test: test})
}

// pkgEnd reads the line that ends a package's output: FAIL, import path and
// time, separated by tabs.
func (g *golang) pkgEnd(l line) {
	fields := strings.Split(l.text, "\t")
	if len(fields) < 3 {
		return
	}
	g.ended(fields[1], fields[0] == "FAIL", g.pkg)
}

// ended closes a package. What was running when its process died is left
// running; what a test left behind by ending the process itself is over.
func (g *golang) ended(pkg string, failing bool, prefix string) {
	died := failing && g.died != "" && (g.diedPkg == "" || g.diedPkg == pkg)
	tests := g.left(prefix)
	switch {
	case died && len(tests) == 0:
		g.say(g.died, pkg)
	case died:
		text := g.died
		for _, e := range tests[:min(len(tests), 10)] {
			g.say(text, e.ID)
		}
	}
	for _, e := range tests {
		if died || g.fatal {
			g.s.running.remove(e)
			g.s.talk.goDead = append(g.s.talk.goDead, strings.Clone(e.ID))
			continue
		}
		e.Outcome = failed
		g.s.finish(e)
	}
	if dead := &g.s.talk.goDead; len(*dead) > 100 {
		*dead = (*dead)[len(*dead)-100:]
	}
	g.fatal = false
	if died {
		g.died = ""
	}
}

// left are the running tests of a package; all that have no package when it
// is not known.
func (g *golang) left(pkg string) []Event {
	var left []Event
	for _, e := range g.s.running.of(goTest, pkg) {
		if e.Source != "process" && (pkg != "" || goName(e.ID)) {
			left = append(left, e)
		}
	}
	return left
}

// listed reads a line of the list that a test binary prints when its time is
// over: the tests that were running.
func (g *golang) listed(l line) {
	name, took, ok := strings.Cut(strings.TrimSpace(l.text), " (")
	if !ok || !goName(name) || !strings.HasSuffix(took, ")") {
		return
	}
	g.listing = l.n
	e := Event{ID: goID(g.pkg, name), Framework: goTest}
	g.s.startIn(e, g.pkg)
	g.s.say(Message{Kind: timedOut, Runtime: goTest, Text: l.text, Test: e.ID, Statuses: []int{2}})
}

// goEvent is an event of test2json.
type goEvent struct {
	Action, Package, Test, Output string
	ImportPath                    string
}

func (g *golang) json(text string, l line) bool {
	if !strings.Contains(text, `"Action":"`) {
		return false
	}
	if strings.Contains(text, `"Action":"output"`) && !outputOfNote(text) {
		return true
	}
	var e goEvent
	if json.Unmarshal([]byte(text), &e) != nil {
		return false
	}
	switch {
	case e.Action == "output" || e.Action == "build-output":
		g.output(e, l)
	case e.Test != "" && strings.ContainsAny(e.Test, "\n"):
	case e.Test != "":
		g.act(e.Action, e.Package, e.Test)
	case e.Action == "start" && e.Package != "":
		g.s.phase(goTest, setup)
	case (e.Action == "fail" || e.Action == "pass" || e.Action == "skip") && e.Package != "":
		g.ended(e.Package, e.Action == "fail", e.Package)
	}
	return true
}

// outputOfNote leaves out the lines by which test2json got its own events.
func outputOfNote(text string) bool {
	out, ok := after(text, `"Output":"`)
	if !ok {
		return false
	}
	if strings.HasPrefix(strings.TrimLeft(out, " "), "--- ") || strings.HasPrefix(out, "=== ") {
		return false
	}
	for _, begin := range []string{"signal: ", `\t\t`, `\trunning`, "fatal error: ", "panic: "} {
		if strings.HasPrefix(out, begin) {
			return true
		}
	}
	return vocabulary.any([]byte(out)) || deathAlone(out)
}

func deathAlone(out string) bool {
	for _, d := range deaths {
		if strings.HasPrefix(out, d.words) {
			return true
		}
	}
	return false
}

// output looks for words in what a test, a package or a build printed.
func (g *golang) output(e goEvent, l line) {
	l.text = strings.TrimSuffix(e.Output, "\n")
	if e.Action == "build-output" && !g.builds {
		g.builds = true
		g.s.phase(goTest, build)
	}
	if strings.HasPrefix(l.text, "signal: ") {
		g.signal(l.text, l.n, e.Package)
		return
	}
	prefix := g.pkg
	g.pkg = e.Package
	g.fatality(l)
	g.pkg = prefix
	g.s.words(l)
}

// literalPackage is the import path that a go test command names, when it is
// exactly one and not a path or a pattern.
func literalPackage(argv []string) string {
	if len(argv) < 3 || filepath.Base(argv[0]) != "go" || argv[1] != "test" {
		return ""
	}
	found := ""
	for i, word := range argv[2:] {
		if word == "-args" || word == "--" {
			break
		}
		if strings.HasPrefix(word, "-") {
			continue
		}
		first, _, _ := strings.Cut(word, "/")
		if !strings.Contains(first, ".") || strings.HasPrefix(word, ".") || strings.Contains(word, "...") {
			if strings.HasPrefix(argv[i+1], "-") {
				continue // a flag's value
			}
			return ""
		}
		if found != "" || strings.HasSuffix(word, ".go") {
			return ""
		}
		found = word
	}
	return found
}

// process names a package by its test binary: go test starts PACKAGE.test in
// the package's directory.
func (g *golang) process(p Proc) (sighting, bool) {
	if len(p.Argv) < 2 || !strings.HasSuffix(p.program(), ".test") || !testFlags(p.Argv[1:]) || !strings.Contains(p.Argv[0], "/go-build") {
		return sighting{}, false
	}
	dir := g.s.relative(p.Dir)
	if dir == "" || filepath.IsAbs(dir) {
		return sighting{}, false
	}
	id := "./" + dir
	if dir == "." {
		id = "."
	}
	return sighting{Event: Event{ID: id, Framework: goTest, PID: p.PID, Certainty: possible}}, true
}

func testFlags(argv []string) bool {
	for _, word := range argv {
		if strings.HasPrefix(word, "-test.") {
			return true
		}
	}
	return false
}
