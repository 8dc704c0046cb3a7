package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/org/oom143-action/internal/annotate"
	"github.com/org/oom143-action/internal/diagnose"
	"github.com/org/oom143-action/internal/hooks"
	"github.com/org/oom143-action/internal/record"
	"github.com/org/oom143-action/internal/testlog"
	"github.com/org/oom143-action/internal/watch"
	"github.com/org/oom143-action/internal/workspace"
)

// The time that looking for the source of the running tests may take: within
// the 250 ms to the first report, and at the end.
const (
	locateEarly = 100 * time.Millisecond
	locateFinal = 500 * time.Millisecond
	locateMost  = 20 // tests that are looked for
)

// life is one run.
type life struct {
	*options
	streams Streams
	watcher *watch.Watcher
	places  *workspace.Workspace
	github  *github // nil outside a workflow

	telling   sync.Mutex
	before    *annotate.Report // what was told first
	ownRecord bool             // nobody asked for the record by name
	said      map[string]bool  // complaints, each made once
}

// start runs a command, or the options' script, and gives oom143's exit
// status.
func start(o *options, argv []string, s Streams, secrets map[string]string) int {
	l := &life{options: o, streams: s, said: map[string]bool{}}
	text := o.script
	if text != "" {
		file, err := writeScript(text)
		if err != nil {
			return complain(s.Err, err)
		}
		defer os.Remove(file)
		if argv, err = shellCommand(o.shell, file); err != nil {
			return complain(s.Err, err)
		}
	}
	root := getenv("GITHUB_WORKSPACE")
	if root == "" {
		root, _ = os.Getwd()
	}
	l.places = workspace.Open(root)
	env := os.Environ()
	var complaints []error
	if getenv("GITHUB_ACTIONS") == "true" {
		l.github, env, complaints = newGitHub(env)
		defer l.github.close()
	}
	recordFile, err := l.openRecord()
	if err != nil {
		complaints = append(complaints, fmt.Errorf("the flight record cannot be written: %w", err))
	} else {
		defer recordFile.Close()
	}
	if err := l.openReport(); err != nil {
		complaints = append(complaints, fmt.Errorf("the report cannot be written: %w", err))
	}
	shown := argv
	if text != "" {
		shown = strings.Fields(text)
	}
	c := watch.Config{
		Argv: argv, Env: env, Dir: o.dir,
		Streams: [3]*os.File{s.In, s.Out, s.Err},
		Limit:   o.limit, Record: recordFile,
		Hint: testlog.Hint{Argv: argv, Script: text, Dir: directory(o.dir)},
		Start: record.Start{
			Tool: toolName(), Argv: record.Argv(shown), Script: text != "", Dir: directory(o.dir), Workspace: root,
			Options: record.Options{WarnAt: o.warnAt, TimeoutMS: o.timeout.Milliseconds()},
		},
		FirstSignal: l.tellEarly,
		Danger:      dangerLine,
	}
	if o.hooks {
		c.Hooks = func() (*hooks.Session, error) { return hooks.Open(tempDir()) }
	}
	if l.github != nil {
		c.Observe = l.github.observe
	}
	var noStart unstartable
	if c.Path, err = findCommand(argv[0], o.dir); err == nil {
		err = checkDir(o.dir)
	}
	l.watcher = watch.New(c)
	for _, err := range complaints {
		l.complainOnce(err.Error(), err)
	}
	status := 0
	if errors.As(err, &noStart) {
		status = l.watcher.NotStarted(noStart.status, noStart)
	} else {
		status = l.watcher.Run()
	}
	l.tellFinal()
	l.watcher.Wait()
	return status
}

func directory(dir string) string {
	if dir == "" {
		dir, _ = os.Getwd()
	}
	return dir
}

// openRecord opens the flight record's file.
func (l *life) openRecord() (*os.File, error) {
	if l.record != "" {
		return os.OpenFile(l.record, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NONBLOCK, 0o644)
	}
	f, err := os.CreateTemp(tempDir(), "oom143-record-*.jsonl")
	if err != nil {
		return nil, err
	}
	f.Chmod(0o644)
	l.record, l.ownRecord = f.Name(), true
	return f, nil
}

// openReport makes the report's file where there has to be one and no name is
// given. Later steps, which may run as another user, can read it.
func (l *life) openReport() error {
	if l.report != "" || !l.alwaysReport {
		return nil
	}
	f, err := os.CreateTemp(tempDir(), "oom143-report-*.json")
	if err != nil {
		return err
	}
	l.report = f.Name()
	return errors.Join(f.Chmod(0o644), f.Close())
}

// complainOnce says what went wrong with a part of oom143's own work, once
// for each part, while the command goes on.
func (l *life) complainOnce(part string, err error) {
	if l.said[part] {
		return
	}
	l.said[part] = true
	text := strings.TrimSuffix(strings.ReplaceAll(err.Error(), "\n", " "), ".")
	l.watcher.Say("oom143: " + text + "; the command is not affected.\n")
}

func dangerLine(d record.Danger, r *record.Record) string {
	var running []string
	for _, t := range r.Tests.Running(d.Used) {
		running = append(running, t.ID)
	}
	return annotate.DangerLine(d, r.Levels[d.Level].Level, running)
}

// tellEarly tells the verdict so far.
func (l *life) tellEarly() {
	l.locate(locateEarly)
	l.tell(true)
}

// tellFinal tells the verdict, in place of the early one.
func (l *life) tellFinal() {
	l.locate(locateFinal)
	l.tell(false)
	if l.github != nil {
		l.github.finish(l)
	}
}

// locate finds out where the running tests are defined.
func (l *life) locate(within time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	var tests []diagnose.RunningTest
	l.watcher.View(func(r *record.Record) { tests = diagnose.Diagnose(r).Running })
	for _, t := range tests[:min(len(tests), locateMost)] {
		if file, line, ok := l.places.Locate(ctx, t.Framework, t.ID, t.File, t.Line); ok {
			l.watcher.Add(record.Event{Located: &record.Located{ID: t.ID, File: file, Line: line}})
		}
	}
}

// tell gives the verdict in every form. Files come first: a log that nobody
// reads may hold a writer up.
func (l *life) tell(early bool) {
	l.telling.Lock()
	defer l.telling.Unlock()
	var rep *annotate.Report
	var verdict diagnose.Verdict
	l.watcher.View(func(r *record.Record) {
		verdict = diagnose.Diagnose(r)
		rep = annotate.NewReport(r, verdict)
	})
	if l.report != "" {
		if err := rep.WriteFile(l.report); err != nil {
			l.complainOnce("report", fmt.Errorf("the report cannot be written to %s: %w", l.report, reason(err)))
		}
	}
	if l.github != nil {
		l.github.tell(l, rep)
	}
	l.say(rep, verdict)
	l.before = rep
	if err := l.watcher.Flush(); err != nil {
		l.complainOnce("record", fmt.Errorf("the flight record cannot be written: %w", err))
	}
}

// say writes the verdict into the log: nothing when all is well, unless
// another verdict stands there already.
func (l *life) say(rep *annotate.Report, verdict diagnose.Verdict) {
	told := l.before
	switch {
	case told != nil && told.Headline == rep.Headline:
	case verdict.Cause == diagnose.NotStarted:
		l.watcher.Say("oom143: " + rep.Headline + "\n")
	case told != nil || verdict.Cause != diagnose.Passed || verdict.Warning != "":
		text := annotate.Terminal(rep, l.width(), l.colour())
		if l.ownRecord && !verdict.Early {
			text += "oom143:   record        " + l.record + "\n"
		}
		l.watcher.Say(text)
	case l.ownRecord && l.github == nil && l.before == nil:
		os.Remove(l.record) // all is well, and nobody knows its name
	}
}

// reason is why an operation on a file failed, without the file's name.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}

func (l *life) width() int {
	if w, _, err := term.GetSize(int(l.streams.Err.Fd())); err == nil && w > 0 {
		return w
	}
	return annotate.Width
}

func (l *life) colour() bool {
	return getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && term.IsTerminal(int(l.streams.Err.Fd()))
}

// hostPath gives a path in the job's temporary folder as later steps on the
// host can open it. In a container action that folder is mounted at
// /github/runner_temp, and only RUNNER_WORKSPACE tells where the host has it:
// both lie in the runner's work folder (Runner.Worker/Handlers/ContainerActionHandler.cs).
func hostPath(path string) string {
	const mounted = "/github/runner_temp"
	work := getenv("RUNNER_WORKSPACE")
	rest, ok := strings.CutPrefix(path, mounted+"/")
	if !ok || work == "" || getenv("RUNNER_TEMP") != mounted {
		return path
	}
	return filepath.Join(filepath.Dir(work), "_temp", rest)
}
