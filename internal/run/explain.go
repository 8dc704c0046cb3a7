package run

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/org/oom143-action/internal/annotate"
	"github.com/org/oom143-action/internal/diagnose"
	"github.com/org/oom143-action/internal/record"
)

// explain is `oom143 explain`: the verdict of a finished run, from its flight
// record.
func explain(args []string, s Streams) int {
	f := pflag.NewFlagSet("explain", pflag.ContinueOnError)
	f.Usage = func() {}
	f.SetOutput(io.Discard)
	report := f.String("report", "", "write the JSON report to this `FILE`")
	if err := f.Parse(args); errors.Is(err, pflag.ErrHelp) {
		io.WriteString(s.Out, "Usage: oom143 explain [flags] FILE|-\n"+f.FlagUsages())
		return 0
	} else if err != nil {
		return complain(s.Err, flagError("explain", f, err))
	}
	if f.NArg() != 1 {
		return complain(s.Err, usageError(fmt.Sprintf("explain got %d files: expected one flight record, or - for standard input", f.NArg())))
	}
	in, name := s.In, f.Arg(0)
	if name == "-" {
		name = "standard input"
	} else {
		file, err := os.Open(name)
		if err != nil {
			return complain(s.Err, fmt.Errorf("the flight record %s cannot be read: %w", name, reason(err)))
		}
		defer file.Close()
		in = file
	}
	r, err := record.Read(in)
	if err != nil {
		return complain(s.Err, fmt.Errorf("%s cannot be explained: %w", name, reason(err)))
	}
	rep := annotate.NewReport(r, diagnose.Diagnose(r))
	width := annotate.Width
	if w, _, err := term.GetSize(int(s.Out.Fd())); err == nil && w > 0 {
		width = w
	}
	colour := getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && term.IsTerminal(int(s.Out.Fd()))
	if _, err := io.WriteString(s.Out, annotate.Terminal(rep, width, colour)); err != nil {
		return complain(s.Err, err)
	}
	if *report != "" {
		if err := rep.WriteFile(*report); err != nil {
			complain(s.Err, fmt.Errorf("the report cannot be written to %s: %w", *report, reason(err)))
		}
	}
	return 0
}
