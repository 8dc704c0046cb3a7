package diagnose

import (
	"fmt"
	"slices"
	"time"

	"github.com/org/oom143-action/internal/record"
)

// death is the end by a signal of a process of the command.
type death struct {
	at      time.Time
	pid     int
	command string
	signal  string // "" when its parent did not say of what it died
	rss     uint64 // bytes, last seen
	main    bool   // it is the command itself
	source  string // of the evidence: "wait", "pidfd" or "output"
	// told is what its parent printed about it; nil when it printed nothing.
	told *record.Message
	// doubted is true for words that a test can have printed: the exit
	// status does not go with them.
	doubted bool
	claimed bool // it is part of a kill for memory
}

// by tells whether the process died, or can have died, of the signal.
func (d *death) by(signal string) bool { return d.signal == signal || d.signal == "" }

// known tells whether the death itself is sure, not only words.
func (d *death) known() bool { return d.source != "output" }

func (v *view) findDeaths() []death {
	var out []death
	for _, e := range v.Exits {
		if e.What.Signal == "" || e.What.Leftover {
			continue
		}
		d := death{
			at: e.Time, pid: e.What.PID, command: e.What.Command, signal: e.What.Signal, rss: e.What.RSS,
			main: e.What.Main, source: string(e.What.Source),
		}
		if e.What.Source == record.ByParent {
			d.source = "output"
		}
		out = append(out, d)
	}
	if v.signal != "" && !slices.ContainsFunc(out, func(d death) bool { return d.main }) {
		out = append(out, death{at: v.ended, pid: v.PID, command: v.argv(), signal: v.signal, main: true, source: "wait"})
	}
	for i := range v.Messages {
		if m := &v.Messages[i]; m.What.Kind == record.WorkerKilled {
			out = v.addTold(out, m)
		}
	}
	for i := range out {
		if p, ok := v.lookup(out[i].pid); ok {
			if out[i].command == "" {
				out[i].command = p.Command
			}
			if out[i].rss == 0 {
				out[i].rss = resident(p)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b death) int { return a.at.Compare(b.at) })
	return out
}

// addTold adds the words of a parent: to the death that they speak of, or as
// a death that is known only from them.
func (v *view) addTold(out []death, m *record.Timed[record.Message]) []death {
	signal := m.What.Signal
	if signal == "" {
		signal = signalOf(m.What.Code)
	}
	for i := range out {
		d := &out[i]
		samePID := d.pid == m.What.PID && d.pid != 0
		near := m.Time.Sub(d.at) > -noticed && m.Time.Sub(d.at) < killToExit
		unnamed := d.pid == 0 || m.What.PID == 0
		if !samePID && !(near && unnamed && (d.by(signal) || signal == "") && !d.main) {
			continue
		}
		if d.told == nil || d.told.Test == "" {
			d.told = &m.What
		}
		if d.signal == "" {
			d.signal = signal
		}
		return out
	}
	return append(out, death{
		at: m.Time, pid: m.What.PID, signal: signal, source: "output", told: &m.What, doubted: !v.goesWith(m.What, signal),
	})
}

// passesOn are those whose own exit status is that of the process that they
// report, 128+N for a signal N.
var passesOn = []string{"bash", "sh", "npm", "yarn", "pnpm", "kubectl"}

// goesWith tells whether words about a death go with how the command ended,
// so that a test alone cannot have made them up.
func (v *view) goesWith(m record.Message, signal string) bool {
	switch {
	case v.status < 0:
		return true // it has not ended: nothing speaks against them
	case v.status == 0:
		return false
	case v.stop != nil:
		return true // it was stopped: its status tells of that
	case len(m.Statuses) > 0:
		return slices.Contains(m.Statuses, v.status)
	case slices.Contains(passesOn, m.Runtime) && signal != "":
		return v.status == 128+signalNumber(signal)
	}
	return true
}

// argv is the command line of the command.
func (v *view) argv() string { return record.CommandLine(v.Start.Argv) }

// name names the process that died.
func (d *death) name(v *view) string {
	switch {
	case program(d.command) != "":
		return program(d.command)
	case d.main:
		return "the command"
	}
	return "a process of the command"
}

func (d *death) evidence() Evidence {
	who := "a process of the command"
	if name := program(d.command); name != "" {
		who = name
	}
	if d.pid != 0 {
		who += fmt.Sprintf(" (pid %d)", d.pid)
	}
	if d.main {
		who += ", the command itself,"
	}
	how := " was ended by " + d.signal
	if d.signal == "" {
		how = " died"
	}
	if d.source == "output" && d.told != nil {
		return Evidence{d.at, "output", d.told.Runtime + ": " + quoted(d.told.Text)}
	}
	return Evidence{d.at, d.source, who + how}
}
