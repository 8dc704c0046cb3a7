package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/org/oom143-action/internal/watch"
)

func TestMain(m *testing.M) {
	program := func() int { return Main(os.Args, Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}) }
	if os.Args[0] == watch.GuardName {
		// Not os.Exit, at which the race detector waits for 1 s; the guard's
		// environment does not hold GORACE.
		syscall.Exit(program())
	}
	testscript.Main(m, map[string]func(){"oom143": func() { os.Exit(program()) }})
}

// TestScript runs oom143 as its users do. What a script can say besides
// testscript's own commands is in scriptCommands.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Cmds:                scriptCommands,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			// The interpreters themselves, where PATH has wrappers for them.
			e.Setenv("PATH", e.Getenv("PATH")+":/usr/local/bin:/usr/bin:/bin")
			e.Setenv("PYTHON", realPython())
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector waits 1 s at each exit
			e.Values[backgroundKey{}] = map[string]*background{}
			return nil
		},
	})
}

// realPython is the interpreter behind a wrapper, "" when there is none.
func realPython() string {
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	// status N COMMAND... runs a command that has to end with that status.
	"status": func(ts *testscript.TestScript, neg bool, args []string) {
		want, err := strconv.Atoi(args[0])
		ts.Check(err)
		got := 0
		var exit *exec.ExitError
		if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
			got = exit.ExitCode()
		} else {
			ts.Check(err)
		}
		if neg || got != want {
			ts.Fatalf("%s: exit status %d, want %d", strings.Join(args[1:], " "), got, want)
		}
	},
	// start NAME COMMAND... runs a command in the background, with its output
	// in NAME.out and NAME.err.
	"start": func(ts *testscript.TestScript, neg bool, args []string) {
		startBackground(ts, args[0], args[1:])
	},
	// send NAME SIGNAL sends a signal to a background command.
	"send": func(ts *testscript.TestScript, neg bool, args []string) {
		signal := unix.SignalNum(args[1])
		if signal == 0 {
			ts.Fatalf("%s is no signal", args[1])
		}
		ts.Check(backgrounds(ts)[args[0]].cmd.Process.Signal(signal))
	},
	// end NAME N waits for a background command, which has to end with that
	// status.
	"end": func(ts *testscript.TestScript, neg bool, args []string) {
		want, err := strconv.Atoi(args[1])
		ts.Check(err)
		b := backgrounds(ts)[args[0]]
		select {
		case <-b.done:
		case <-time.After(20 * time.Second):
			ts.Fatalf("%s does not end", args[0])
		}
		ts.Logf("[%s]\n%s%s", args[0], ts.ReadFile(args[0]+".out"), ts.ReadFile(args[0]+".err"))
		if got := b.cmd.ProcessState.ExitCode(); got != want {
			ts.Fatalf("%s: exit status %d, want %d", args[0], got, want)
		}
	},
	// running NAME fails when a background command has ended.
	"running": func(ts *testscript.TestScript, neg bool, args []string) {
		select {
		case <-backgrounds(ts)[args[0]].done:
			ts.Fatalf("%s has ended", args[0])
		default:
		}
	},
	// appears FILE [PATTERN] waits until a file is there and holds a match.
	"appears": func(ts *testscript.TestScript, neg bool, args []string) {
		pattern := regexp.MustCompile(strings.Join(args[1:], " "))
		for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			if data, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && pattern.Match(data) {
				return
			}
			if time.Now().After(deadline) {
				ts.Fatalf("%s does not appear with %q", args[0], pattern)
			}
		}
	},
	// json FILE PATH=WANT... compares values of a JSON file; an empty WANT is
	// for what is absent.
	"json": func(ts *testscript.TestScript, neg bool, args []string) {
		var doc any
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc))
		for _, arg := range args[1:] {
			path, want, _ := strings.Cut(arg, "=")
			if got := lookUp(doc, strings.Split(path, ".")); got != want {
				ts.Fatalf("%s: %s is %q, want %q; headline: %s", args[0], path, got, want, lookUp(doc, []string{"headline"}))
			}
		}
	},
	// samejson FILE FILE compares two JSON files.
	"samejson": func(ts *testscript.TestScript, neg bool, args []string) {
		var a, b any
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &a))
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &b))
		if diff := cmp.Diff(a, b); diff != "" {
			ts.Fatalf("%s and %s differ:\n%s", args[0], args[1], diff)
		}
	},
	// outputs FILE NAME=WANT... compares what the runner would read in the
	// file that GITHUB_OUTPUT names: the last value of a name counts.
	"outputs": func(ts *testscript.TestScript, neg bool, args []string) {
		values, err := readOutputs(ts.ReadFile(args[0]))
		ts.Check(err)
		for _, arg := range args[1:] {
			name, pattern, _ := strings.Cut(arg, "=")
			got, ok := values[name]
			if !ok || !regexp.MustCompile("^(?:"+pattern+")$").MatchString(got) {
				ts.Fatalf("%s: %s is %q (set: %v), want %q", args[0], name, got, ok, pattern)
			}
		}
	},
	// says FILE N PATTERN counts the lines of a file that match.
	"says": func(ts *testscript.TestScript, neg bool, args []string) {
		want, err := strconv.Atoi(args[1])
		ts.Check(err)
		pattern, n := regexp.MustCompile(args[2]), 0
		for line := range strings.Lines(ts.ReadFile(args[0])) {
			if pattern.MatchString(strings.TrimSuffix(line, "\n")) {
				n++
			}
		}
		if n != want {
			ts.Fatalf("%s: %d lines match %q, want %d:\n%s", args[0], n, args[2], want, ts.ReadFile(args[0]))
		}
	},
	// cut FILE N TO copies a file without its last N bytes.
	"cut": func(ts *testscript.TestScript, neg bool, args []string) {
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		data := ts.ReadFile(args[0])
		ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(data[:len(data)-n]), 0o644))
	},
}

type backgroundKey struct{}

type background struct {
	cmd  *exec.Cmd
	done chan struct{}
}

func backgrounds(ts *testscript.TestScript) map[string]*background {
	return ts.Value(backgroundKey{}).(map[string]*background)
}

func startBackground(ts *testscript.TestScript, name string, args []string) {
	path := args[0]
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if found := filepath.Join(dir, args[0]); syscall.Access(found, 1 /* X_OK */) == nil {
			path = found
			break
		}
	}
	b := &background{cmd: exec.Command(path), done: make(chan struct{})}
	b.cmd.Args = args
	b.cmd.Dir = ts.MkAbs(".")
	b.cmd.Env = environ(ts)
	for suffix, stream := range map[string]func(*os.File){
		".out": func(f *os.File) { b.cmd.Stdout = f },
		".err": func(f *os.File) { b.cmd.Stderr = f },
	} {
		f, err := os.Create(ts.MkAbs(name + suffix))
		ts.Check(err)
		defer f.Close()
		stream(f)
	}
	ts.Check(b.cmd.Start())
	go func() {
		b.cmd.Wait()
		close(b.done)
	}()
	ts.Defer(func() {
		b.cmd.Process.Kill()
		<-b.done
	})
	backgrounds(ts)[name] = b
}

// environ is the script's environment, which testscript does not give as a
// whole.
func environ(ts *testscript.TestScript) []string {
	ts.Check(ts.Exec("env", "-0"))
	return strings.Split(strings.TrimRight(ts.ReadFile("stdout"), "\x00"), "\x00")
}

// lookUp gives the value at a path of a JSON document as text, "" when there
// is none, and the number of elements for a path that ends with "#".
func lookUp(doc any, path []string) string {
	for i, name := range path {
		switch v := doc.(type) {
		case map[string]any:
			doc = v[name]
		case []any:
			if name == "#" {
				return strconv.Itoa(len(v))
			}
			n, err := strconv.Atoi(name)
			if err != nil || n >= len(v) {
				return ""
			}
			doc = v[n]
		default:
			if name == "#" && i == len(path)-1 && doc == nil {
				return "0"
			}
			return ""
		}
	}
	switch v := doc.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	text, _ := json.Marshal(doc)
	return string(text)
}

// readOutputs reads a file as the runner does
// (Runner.Worker/FileCommandManager.cs): one line that it cannot read makes it
// refuse all of them.
func readOutputs(text string) (map[string]string, error) {
	values := map[string]string{}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if line == "" {
			continue
		}
		equals, here := strings.Index(line, "="), strings.Index(line, "<<")
		if here < 0 || equals >= 0 && equals < here {
			if equals < 1 {
				return nil, fmt.Errorf("line %d: %q", i+1, line)
			}
			values[line[:equals]] = line[equals+1:]
			continue
		}
		name, end := line[:here], line[here+2:]
		var value []string
		for i++; i < len(lines) && lines[i] != end; i++ {
			value = append(value, lines[i])
		}
		if i == len(lines) {
			return nil, fmt.Errorf("%s has no end", name)
		}
		values[name] = strings.Join(value, "\n")
	}
	return values, nil
}
