package diagnose

import "fmt"

// FitKind says whether a run would have fitted the 7 GB runner.
type FitKind string

// The kinds of fit.
const (
	FitYes     FitKind = "yes"
	FitTight   FitKind = "tight" // within 10 % of its memory
	FitNo      FitKind = "no"
	FitUnknown FitKind = "unknown" // it was stopped before it could tell
)

// Fit says whether the run would have fitted GitHub's runner with 7 GB.
type Fit struct {
	Kind     FitKind
	Sentence string
}

// The 7 GB runner, and what the system itself takes there, in bytes.
const (
	smallRunner  = 7_000_000_000
	systemMemory = 1_000_000_000
	// tightShare of the runner's memory is where a fit becomes tight.
	tightShare = 0.9
)

// commandPeak is the most memory that the command used, in bytes; 0 when it
// was not measured. A limit that was reached has been used.
func (v *view) commandPeak() uint64 {
	peak := v.TreePeak
	if v.exclusive() && v.Levels[v.own()].Peak > 0 {
		peak = v.Levels[v.own()].Peak
	}
	for i := range v.kills {
		k := &v.kills[i]
		if k.level >= 0 && v.Levels[k.level].Own && v.exclusive() {
			peak = max(peak, v.Levels[k.level].Limit)
		}
		peak = max(peak, k.rss)
	}
	return peak
}

// fit compares the command's peak, and what the system needs, with the small
// runner.
func (v *view) fit(f *finding) Fit {
	peak := v.commandPeak()
	need := peak + systemMemory
	complete := (f.cause == Passed || f.cause == TestsFailed) && len(v.kills) == 0
	switch {
	case f.cause == NotStarted:
		return Fit{FitUnknown, "Whether it fits the 7 GB runner is unknown: the command was not started."}
	case peak == 0:
		return Fit{FitUnknown, "Whether it fits the 7 GB runner is unknown: its memory was not measured."}
	case need > smallRunner:
		return Fit{FitNo, fmt.Sprintf("It does not fit the 7 GB runner: it used %s, and the system needs about 1 GB.", size(peak))}
	case v.early:
		return Fit{FitUnknown, fmt.Sprintf("Whether it fits the 7 GB runner is unknown: it has used %s so far.", size(peak))}
	case !complete:
		return Fit{FitUnknown, fmt.Sprintf("Whether it fits the 7 GB runner is unknown: it was stopped at %s.", size(peak))}
	case float64(need) > tightShare*smallRunner:
		return Fit{FitTight, fmt.Sprintf("It fits the 7 GB runner only just: it used %s, and the system needs about 1 GB.", size(peak))}
	}
	return Fit{FitYes, fmt.Sprintf("It fits the 7 GB runner: it used %s, and the system needs about 1 GB.", size(peak))}
}
