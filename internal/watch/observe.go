package watch

import (
	"time"

	"github.com/org/oom143-action/internal/hooks"
	"github.com/org/oom143-action/internal/kernel"
	"github.com/org/oom143-action/internal/record"
	"github.com/org/oom143-action/internal/testlog"
)

// A snapshot of the processes is taken when used memory has grown by
// snapshotStep of its last peak, and not more often than snapshotEvery.
const (
	snapshotStep  = 0.02
	snapshotEvery = 250 * time.Millisecond
)

// depth is how much of the machine a sample looks at.
type depth int

const (
	memoryOnly depth = iota // not the processes
	whatIsDue               // the processes when it is time to
	everything
)

// sampleLoop samples memory until stop, at the pace that the sampler asks for.
func (w *watcher) sampleLoop(stop <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-stop:
			return
		case <-timer.C:
			timer.Reset(w.sampleNow(whatIsDue))
		}
	}
}

// sampleNow reads memory and the counters once, and the processes as deep
// asks for. It gives the time until the next sample.
func (w *watcher) sampleNow(deep depth) time.Duration {
	w.sampling.Lock()
	defer w.sampling.Unlock()
	now := time.Now()
	near := w.sampler.warned
	if w.sampler.killed() {
		w.roomAgain()
	}
	// Each file that is opened costs a little memory of the kernel's. With
	// none left it would be this process that pays: what was seen last counts.
	if (deep == everything || deep == whatIsDue && w.tree.due(now, near)) && !w.sampler.full(brim) {
		w.tree.read(now, near || w.sampler.needsTree())
		w.lookAtProcesses()
		w.lookForDaemons()
	}
	w.readKernelLog()
	s := w.sampler.sample(now)
	w.Add(record.Event{Time: now, Sample: &s})
	if c, moved := w.sampler.moved(); moved {
		w.Add(record.Event{Time: now, Counters: &c})
		w.whoVanished()
	}
	if deep != memoryOnly {
		w.snapshot(now, s, deep == everything)
	}
	if d := w.sampler.danger(now); d != nil {
		w.warn(*d)
	}
	w.rec.flush()
	return w.sampler.next()
}

// largestWatched is how many of the largest processes are looked for after a
// kill.
const largestWatched = 5

// whoVanished records which of the largest processes have gone, when the
// machine has counted another kill and no kernel log tells whose it was.
func (w *watcher) whoVanished() {
	kills := w.sampler.machineKills()
	if w.log != nil || kills == w.kills {
		return
	}
	w.kills = kills
	top := w.tree.top().Top
	for _, p := range top[:min(len(top), largestWatched)] {
		if left, err := w.fs.Process(p.PID); err != nil || left.State == 'Z' {
			w.Add(record.Event{Vanished: &p})
		}
	}
}

// lookForDaemons records, once, the userspace OOM killers that are running.
func (w *watcher) lookForDaemons() {
	if w.daemonsSeen {
		return
	}
	w.daemonsSeen = true
	daemons, err := w.fs.Daemons()
	if err != nil {
		w.trouble("daemons", err.Error())
	}
	for _, d := range daemons {
		w.Add(record.Event{Daemon: &record.Daemon{Name: d.Name, PID: d.PID, TermPercent: d.TermPercent, KillPercent: d.KillPercent}})
	}
}

// snapshot records the largest processes at a new peak.
func (w *watcher) snapshot(now time.Time, s record.Sample, full bool) {
	used := s.Tree
	if last := len(w.sampler.history); last > 0 {
		used = w.sampler.history[last-1].used
	}
	if float64(used) < float64(w.peak)*(1+snapshotStep) || (!full && now.Sub(w.peakAt) < snapshotEvery) {
		return
	}
	if now.Sub(w.tree.readAt) > snapshotEvery && w.sampler.warned && !w.sampler.full(brim) {
		w.tree.read(now, false)
	}
	w.peak, w.peakAt = used, now
	w.Add(record.Event{Time: now, Processes: w.tree.top()})
}

// warn records a moment above the danger line and has it said in the log.
func (w *watcher) warn(d record.Danger) {
	for _, p := range w.tree.top().Top {
		if p.Ours {
			d.Largest = p.Command
			break
		}
	}
	w.Add(record.Event{Danger: &d})
	if w.Danger == nil {
		return
	}
	var line string
	w.View(func(r *record.Record) { line = w.Danger(d, r) })
	// The log may be blocked when nobody reads it; sampling goes on.
	go w.Say(line)
}

// readKernelLog records the kills that the kernel has logged.
func (w *watcher) readKernelLog() {
	if w.log == nil {
		return
	}
	kills, err := w.log.Read()
	if err != nil {
		w.log.Close()
		w.log = nil
		w.trouble("kernel log", err.Error())
	}
	for _, k := range kills {
		w.Add(record.Event{KernelKill: &record.Kill{
			PID: k.PID, Command: k.Comm, RSS: k.RSS, Constraint: constraint(k.Constraint),
			LimitCgroup: k.LimitCgroup, TaskCgroup: k.TaskCgroup,
			Ours: w.isOurs(k), Source: "kernel log", Detail: record.Cut(k.Detail, record.MaxCommandLine),
		}})
	}
}

// isOurs tells whether a victim in the kernel log is the command's. The log
// has the process numbers of the machine; in a container they are not those
// that oom143 sees, so there only the cgroup can tell.
func (w *watcher) isOurs(k kernel.OOMKill) bool {
	if own := w.sampler.exclusive(); own != nil && k.TaskCgroup != "" && k.TaskCgroup == own.Path {
		return true
	}
	return !w.container && (k.PID == int(w.pid.Load()) || w.tree.command(k.PID))
}

func constraint(s string) record.Constraint {
	switch s {
	case "CONSTRAINT_MEMCG":
		return record.MemcgConstraint
	case "CONSTRAINT_NONE":
		return record.NoConstraint
	case "CONSTRAINT_CPUSET", "CONSTRAINT_MEMORY_POLICY":
		return record.NodeConstraint
	}
	return ""
}

// partialLoop looks at unfinished last lines until stop.
func (w *watcher) partialLoop(stop <-chan struct{}) {
	tick := time.NewTicker(partialEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			w.scanning.Lock()
			w.scanner.Partial()
			w.scanning.Unlock()
		}
	}
}

// lookAtTests reads what the plugins and the output have said so far.
func (w *watcher) lookAtTests() {
	w.scanning.Lock()
	w.scanner.Partial()
	w.scanning.Unlock()
	if w.follower != nil {
		w.follower.Drain()
	}
}

// lookAtProcesses shows the command's process tree to the scanner.
func (w *watcher) lookAtProcesses() {
	procs := w.tree.commands()
	for i := range procs {
		p := &procs[i]
		if p.Env, _ = w.fs.Environ(p.PID, testlog.EnvKeys...); p.Env == nil {
			p.Env = map[string]string{}
		}
	}
	w.scanning.Lock()
	defer w.scanning.Unlock()
	w.scanner.Processes(procs)
}

func (w *watcher) scan(stream testlog.Stream, p []byte) {
	w.scanning.Lock()
	defer w.scanning.Unlock()
	w.scanner.Write(stream, p)
}

// tested records what the output or the process tree says of a test.
func (w *watcher) tested(e testlog.Event) {
	if m := e.Message; m != nil {
		w.Add(record.Event{Message: &record.Message{
			Kind: record.MessageKind(m.Kind), Runtime: m.Runtime, Text: m.Text, Limit: m.Limit, PID: m.PID,
			Signal: m.Signal, Code: m.Code, Test: m.Test, Statuses: m.Statuses,
		}})
		return
	}
	if e.Action == testlog.Finish && e.Source == "process" && e.Outcome == "" && w.wasKilled(e.PID) {
		return // it is gone because it was killed: its test was running to the end
	}
	w.Add(record.Event{Test: &record.Test{
		Action: record.TestAction(e.Action), ID: e.ID, Framework: e.Framework, File: e.File, Line: e.Line, PID: e.PID,
		Source: e.Source, Certainty: e.Certainty, Outcome: e.Outcome, Phase: e.Phase,
	}})
}

// wasKilled tells whether a process is known to have died of a signal.
func (w *watcher) wasKilled(pid int) bool {
	killed := false
	w.View(func(r *record.Record) {
		for _, e := range r.Exits {
			killed = killed || e.What.PID == pid && e.What.Signal != ""
		}
	})
	return killed
}

// plugin records what a framework's plugin says.
func (w *watcher) plugin(e hooks.Event) {
	if e.Framework == "go" {
		e.Framework = "go test" // the word of the output's reader
	}
	w.Add(record.Event{Time: e.Time, Test: &record.Test{
		Action: record.TestAction(e.Action), ID: e.ID, Framework: e.Framework, File: e.File, Line: e.Line, PID: e.PID,
		Source: "plugin", Certainty: "certain", Outcome: string(e.Outcome), Phase: string(e.Phase), RSS: e.RSS,
	}})
}
