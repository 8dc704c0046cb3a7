package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/org/oom143-action/internal/annotate"
	"github.com/org/oom143-action/internal/testlog"
)

// summaryVariable names the job summary's file.
const summaryVariable = "GITHUB_STEP_SUMMARY"

// github is a run's side that speaks to the workflow: annotations, outputs,
// job summary, check run, and what the command itself says to the runner.
type github struct {
	dir     string            // holds the command's own command files
	files   map[string]string // variable → the runner's file
	summary *annotate.SummaryFile
	stops   *annotate.StopCommands
	streams map[testlog.Stream]*annotate.StopStream
}

// newGitHub gives the command, in env, command files of its own: a line cut
// off by a kill must not spoil what oom143 writes. complaints are what could
// not be done.
func newGitHub(env []string) (g *github, out []string, complaints []error) {
	g = &github{files: map[string]string{}, stops: &annotate.StopCommands{}}
	g.streams = map[testlog.Stream]*annotate.StopStream{
		testlog.Stdout: g.stops.Stream(), testlog.Stderr: g.stops.Stream(),
	}
	for _, name := range annotate.CommandFiles {
		if path := getenv(name); path != "" {
			g.files[name] = path
		}
	}
	if path := g.files[summaryVariable]; path != "" {
		g.summary = annotate.NewSummaryFile(path)
	}
	dir, err := os.MkdirTemp(tempDir(), "oom143-commands-")
	if err != nil {
		return g, env, []error{fmt.Errorf("the command's outputs cannot be kept apart from oom143's: %w", err)}
	}
	g.dir = dir
	os.Chmod(dir, 0o755)
	for name := range g.files {
		if err := os.WriteFile(g.own(name), nil, 0o666); err != nil {
			complaints = append(complaints, fmt.Errorf("a file for the command's %s cannot be written: %w", name, err))
			continue
		}
		os.Chmod(g.own(name), 0o666) // tests may run as another user
		env = replaceVariable(env, name, g.own(name))
	}
	return g, env, complaints
}

// own is the command's own file for a variable.
func (g *github) own(name string) string { return filepath.Join(g.dir, strings.ToLower(name)) }

func replaceVariable(env []string, name, value string) []string {
	out := make([]string, 0, len(env)+1)
	for _, v := range env {
		if !strings.HasPrefix(v, name+"=") {
			out = append(out, v)
		}
	}
	return append(out, name+"="+value)
}

func (g *github) observe(stream testlog.Stream, p []byte) { g.streams[stream].Write(p) }

func (g *github) close() {
	if g.dir != "" {
		os.RemoveAll(g.dir)
	}
}

// tell writes summary, outputs and annotations.
func (g *github) tell(l *life, rep *annotate.Report) {
	if l.summary && g.summary != nil {
		if err := g.summary.Write(annotate.Summary(rep)); err != nil {
			l.complainOnce("summary", err)
		}
	}
	outputs := annotate.Outputs(rep, hostPath(l.report), hostPath(l.record))
	if err := annotate.WriteOutputs(g.files["GITHUB_OUTPUT"], outputs); err != nil {
		l.complainOnce("outputs", err)
	}
	if !l.annotations {
		return
	}
	var lines bytes.Buffer
	if err := annotate.WriteCommands(&lines, rep, l.before, g.stops); err == nil {
		l.watcher.Say(lines.String())
	}
}

// finish hands on what the command said to the runner, and posts the check
// run.
func (g *github) finish(l *life) {
	rep := l.before
	killed := rep.Command == nil || rep.Command.ExitCode == nil || *rep.Command.ExitCode > 128
	for _, name := range annotate.CommandFiles {
		to, ok := g.files[name]
		if !ok || g.dir == "" {
			continue
		}
		if err := g.handOver(name, to, killed); err != nil {
			part := name
			if name == summaryVariable {
				part = "summary" // the same file as oom143's own
			}
			l.complainOnce(part, err)
		}
	}
	if l.checkRun {
		if err := g.checkRun(l, rep); err != nil {
			l.complainOnce("check run", err)
		}
	}
}

func (g *github) handOver(name, to string, killed bool) error {
	if name != summaryVariable {
		return annotate.HandOver(name, g.own(name), to, killed)
	}
	return g.summary.HandOver(g.own(name))
}

func (g *github) checkRun(l *life, rep *annotate.Report) error {
	event, err := annotate.ReadEvent(getenv("GITHUB_EVENT_PATH"), getenv("GITHUB_SHA"))
	run := ""
	if server, repo, id := getenv("GITHUB_SERVER_URL"), getenv("GITHUB_REPOSITORY"), getenv("GITHUB_RUN_ID"); server != "" && repo != "" && id != "" {
		run = server + "/" + repo + "/actions/runs/" + id
	}
	return errors.Join(err, annotate.CheckRun(context.Background(), annotate.CheckRunOptions{
		APIURL: getenv("GITHUB_API_URL"), Repository: getenv("GITHUB_REPOSITORY"), Token: l.token, Event: event, DetailsURL: run,
	}, rep))
}
