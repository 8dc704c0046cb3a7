// Package run is the life of one run: start, verdict so far at the first
// signal, wait, final verdict, tell.
package run

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/pflag"

	"github.com/org/oom143-action/internal/watch"
)

// Streams are oom143's own standard streams.
type Streams struct{ In, Out, Err *os.File }

// The exit statuses of oom143 itself, as env(1), nohup(1) and a shell have
// them.
const (
	statusFailed      = 125 // bad usage, or oom143 failed before the command started
	statusNoExecution = 126 // the command cannot be executed
	statusNotFound    = 127 // the command was not found
)

const usage = `oom143 wraps a test command and explains why it died.

Usage:
  oom143 run [flags] [--] COMMAND [ARG...]   run a command, watch it, explain how it ended
  oom143 run [flags] --script TEXT           the same for a shell script
  oom143 action                              entry point of the container action: reads INPUT_* and runs
  oom143 explain [flags] FILE|-              explain a finished run from its flight record
  oom143 version

Flags of run:
`

// Main runs oom143 with args, the program's name first, and gives its exit
// status.
func Main(args []string, s Streams) int {
	if args[0] == watch.GuardName {
		return watch.Guard()
	}
	if len(args) < 2 {
		return complain(s.Err, usageError("no subcommand is given: expected run, action, explain or version"))
	}
	switch args[1] {
	case "run":
		return runCommand(args[2:], s)
	case "action":
		return runAction(args[2:], s)
	case "explain":
		return explain(args[2:], s)
	case "version", "--version":
		fmt.Fprintln(s.Out, toolName())
		return 0
	case "help", "--help", "-h":
		flags, _ := runFlags()
		io.WriteString(s.Out, usage+flags.FlagUsages())
		return 0
	}
	return complain(s.Err, usageError(fmt.Sprintf("%q is no subcommand: expected run, action, explain or version", args[1])))
}

// A usageError is a mistake in how oom143 was called.
type usageError string

func (e usageError) Error() string { return string(e) }

// complain writes an error as one line and gives the exit status for it.
func complain(to io.Writer, err error) int {
	line := strings.ReplaceAll(err.Error(), "\n", " ")
	var usage usageError
	if errors.As(err, &usage) {
		line += "; see oom143 --help"
	}
	fmt.Fprintf(to, "oom143: %s.\n", line)
	return statusFailed
}

// flagError says in one sentence which flag is wrong and what is allowed.
func flagError(subcommand string, flags *pflag.FlagSet, err error) error {
	var unknown *pflag.NotExistError
	var empty *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		name := "--" + unknown.GetSpecifiedName()
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			name = "-" + short
		}
		var names []string
		flags.VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		are := "are"
		if len(names) == 1 {
			are = "is"
		}
		return usageError(fmt.Sprintf("%s is no flag of %s: allowed %s %s", name, subcommand, are, strings.Join(names, ", ")))
	case errors.As(err, &empty):
		what, _ := pflag.UnquoteUsage(empty.GetFlag())
		return usageError(fmt.Sprintf("--%s has no value: expected %s", empty.GetFlag().Name, what))
	case errors.As(err, &invalid):
		return usageError(fmt.Sprintf("--%s is %q: %v", invalid.GetFlag().Name, invalid.GetValue(), invalid.Unwrap()))
	}
	return usageError(err.Error())
}

// toolName is the program's name and version.
func toolName() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return "oom143 " + info.Main.Version
	}
	return "oom143 (devel)"
}

// options are the settings of a run, from flags or from the action's inputs.
type options struct {
	limit   watch.Limit
	warnAt  int
	report  string
	record  string
	hooks   bool
	timeout time.Duration
	script  string // the text of a script to run in place of a command
	shell   string // the script's shell, as in a workflow step; "" for the default
	dir     string

	annotations, summary, checkRun bool
	token                          string
	alwaysReport                   bool // with no report asked for, write one into the temporary folder
}

func defaultOptions() *options {
	return &options{warnAt: 80, hooks: true, annotations: true, summary: true}
}

// runFlags gives the flags of `run` and the options that they set.
func runFlags() (*pflag.FlagSet, *options) {
	o := defaultOptions()
	f := pflag.NewFlagSet("run", pflag.ContinueOnError)
	f.SetInterspersed(false)
	f.SortFlags = false
	f.Usage = func() {}
	f.SetOutput(io.Discard)
	f.Var(setting{"auto", "auto|SIZE|SHARE", o.setLimit}, "memory-limit", "what memory is held against: auto, a size (7GB, 7GiB, 512MB) or a share of the machine (80%)")
	f.Var(setting{"80", "PERCENT", o.setWarnAt}, "warn-at", "percentage of the limit, 1 to 100, from which a run that passes gets a warning")
	f.StringVar(&o.report, "report", "", "write the JSON report to this `FILE`")
	f.StringVar(&o.record, "record", "", "write the flight record (JSON Lines) to this `FILE`; in RUNNER_TEMP or the temporary folder if not given")
	f.Var(setting{"auto", "auto|off", o.setHooks}, "hooks", "let test frameworks report their tests through environment variables")
	f.Var(setting{"", "DURATION", o.setTimeout}, "timeout", "the step's own time limit (30m), never enforced: a SIGINT within 30 s of it is a time-out, not a cancel")
	f.StringVar(&o.script, "script", "", "run this shell script `TEXT` in place of a command")
	return f, o
}

// setting is a flag with a check of its own.
type setting struct {
	value, kind string
	set         func(string) error
}

func (s setting) String() string         { return s.value }
func (s setting) Type() string           { return s.kind }
func (s setting) Set(value string) error { return s.set(value) }

// leastLimit is the smallest memory limit that is taken, in bytes.
const leastLimit = 1_000_000

func (o *options) setLimit(s string) error {
	const allowed = "allowed are auto, a size such as 7GB, 7GiB or 512MB, and a share of the machine such as 80%"
	s = strings.TrimSpace(s)
	if s == "" || s == "auto" {
		o.limit = watch.Limit{}
		return nil
	}
	if share, ok := strings.CutSuffix(s, "%"); ok {
		percent, err := strconv.ParseFloat(share, 64)
		if err != nil || !(percent > 0 && percent <= 100) {
			return errors.New(allowed)
		}
		o.limit = watch.Limit{Percent: percent}
		return nil
	}
	size, err := humanize.ParseBytes(s)
	// "7" is 7 bytes, which nobody means, and a comma is no decimal point to
	// the library.
	if err != nil || size < leastLimit || strings.ContainsAny(s, "-,") {
		return errors.New(allowed)
	}
	o.limit = watch.Limit{Bytes: size}
	return nil
}

func (o *options) setWarnAt(s string) error {
	percent, err := strconv.Atoi(s)
	if err != nil || percent < 1 || percent > 100 {
		return errors.New("allowed is a whole number from 1 to 100")
	}
	o.warnAt = percent
	return nil
}

func (o *options) setHooks(s string) error {
	if s != "auto" && s != "off" {
		return errors.New("allowed are auto and off")
	}
	o.hooks = s == "auto"
	return nil
}

func (o *options) setTimeout(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Millisecond {
		return errors.New("allowed is a duration such as 90s, 30m or 6h")
	}
	o.timeout = d
	return nil
}

// runCommand is `oom143 run`.
func runCommand(args []string, s Streams) int {
	flags, o := runFlags()
	if err := flags.Parse(args); errors.Is(err, pflag.ErrHelp) {
		io.WriteString(s.Out, usage+flags.FlagUsages())
		return 0
	} else if err != nil {
		return complain(s.Err, flagError("run", flags, err))
	}
	argv := flags.Args()
	switch {
	case flags.Changed("script") && len(argv) > 0:
		return complain(s.Err, usageError("--script and a command are both given: expected one of them"))
	case flags.Changed("script") && strings.TrimSpace(o.script) == "":
		return complain(s.Err, usageError("--script is empty: expected the text of a shell script"))
	case !flags.Changed("script") && len(argv) == 0:
		return complain(s.Err, usageError("no command is given: expected oom143 run [flags] -- COMMAND [ARG...]"))
	}
	for _, path := range []*string{&o.report, &o.record} {
		*path = absolute(*path)
	}
	secrets, err := takeSecrets()
	if err != nil {
		return complain(s.Err, err)
	}
	return start(o, argv, s, secrets)
}

// absolute keeps a path valid whatever the working directory becomes.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil && path != "" {
		return abs
	}
	return path
}
