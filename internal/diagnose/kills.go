package diagnose

import (
	"fmt"
	"strings"
	"time"

	"github.com/org/oom143-action/internal/record"
)

// kill is a process killed for memory.
type kill struct {
	at         time.Time
	pid        int
	command    string
	rss        uint64 // bytes
	constraint record.Constraint
	// level is the index of the level whose limit was reached, -1 when that
	// is none of the record's.
	level     int
	daemon    string // that killed it; "" for the kernel
	service   bool   // counted in the command's own cgroup; of a neighbour's kill
	main      bool   // the command itself
	stopped   bool   // the daemon sent its signal to oom143, which forwarded it
	guessed   bool   // the process is the largest, not one known to have died
	certainty Certainty
	told      *record.Message // what its parent printed
	evidence  []Evidence
}

// cause is what a kill of one of the command's processes is called.
func (k *kill) cause() Cause {
	switch {
	case k.daemon != "":
		return OOMDaemon
	case k.constraint == record.MemcgConstraint:
		return CgroupOOM
	}
	return KernelOOM
}

// killer names who killed.
func (k *kill) killer() string {
	if k.daemon != "" {
		return k.daemon
	}
	return "the kernel"
}

// findKills joins all that tells of kills for memory, from the strongest
// evidence to the weakest. A death is part of one kill at most.
func (v *view) findKills() {
	v.killsByLog()
	v.killsByDaemon()
	if v.exclusive() {
		// A count that speaks of the command alone settles it: what the
		// machine counts beyond that was somebody else's.
		v.killsByOwnCount()
	} else {
		v.killsBySharedCount()
		v.killsByMachineCount()
	}
	v.neighboursGone()
	v.killsByPresence()
	for i := range v.kills {
		v.describe(&v.kills[i])
	}
}

// killsByLog takes the kernel's own words.
func (v *view) killsByLog() {
	for _, e := range v.KernelKills {
		if e.Time.Before(v.Start.StartedAt) {
			v.earlier++
			continue
		}
		k := kill{
			at: e.Time, pid: e.What.PID, command: e.What.Command, rss: e.What.RSS, constraint: e.What.Constraint,
			level: v.limitNamed(e.What), certainty: Certain, evidence: []Evidence{logged(e, "kernel log")},
		}
		if !v.isOurs(e.What) {
			k.service = v.inOwnCgroup(e.What.TaskCgroup)
			v.others = append(v.others, k)
			continue
		}
		v.claim(&k, v.deathOf(k.pid, k.at))
		v.kills = append(v.kills, k)
	}
}

// isOurs tells whether a kill in a log hit the command: by its pid, or
// because it names the cgroup that holds only the command.
func (v *view) isOurs(k record.Kill) bool {
	return k.Ours || v.exclusive() && k.TaskCgroup != "" && k.TaskCgroup != "/" && k.TaskCgroup == v.Levels[v.own()].Path
}

func (v *view) inOwnCgroup(path string) bool {
	i := v.own()
	return i >= 0 && path != "" && path != "/" && v.Levels[i].Path == path
}

// limitNamed is the level whose limit a kernel log line says was reached.
func (v *view) limitNamed(k record.Kill) int {
	if k.Constraint != record.MemcgConstraint {
		return -1
	}
	limited, count := -1, 0
	for i, l := range v.Levels {
		if l.Kind != record.CgroupLevel || l.Limit == 0 {
			continue
		}
		if l.Path == k.LimitCgroup {
			return i
		}
		limited, count = i, count+1
	}
	// Inside a container the kernel's path is not the one that is seen there.
	if count == 1 && v.Levels[limited].Own && (k.LimitCgroup == "" || k.LimitCgroup == k.TaskCgroup) {
		return limited
	}
	return -1
}

// logged is the evidence of a line in a log.
func logged(e record.Timed[record.Kill], source string) Evidence {
	if e.What.Source != "" {
		source = e.What.Source
	}
	detail := e.What.Detail
	if detail == "" {
		detail = "killed " + withPID(e.What.Command, e.What.RSS, e.What.PID)
	}
	return Evidence{e.Time, source, record.Cut(detail, 300)}
}

// killsByDaemon takes what daemons tell of their own acts.
func (v *view) killsByDaemon() {
	for _, e := range v.DaemonKills {
		if e.Time.Before(v.Start.StartedAt) {
			v.earlier++
			continue
		}
		daemon := e.What.Daemon
		if daemon == "" {
			daemon = "a memory daemon"
		}
		k := kill{
			at: e.Time, pid: e.What.PID, command: e.What.Command, rss: e.What.RSS, level: -1, daemon: daemon,
			certainty: Certain, evidence: []Evidence{logged(e, "journal")},
		}
		if !v.isOurs(e.What) {
			k.service = v.inOwnCgroup(e.What.TaskCgroup)
			v.others = append(v.others, k)
			continue
		}
		v.claim(&k, v.deathOf(k.pid, k.at))
		v.kills = append(v.kills, k)
	}
}

// killsByOwnCount takes the count of the cgroup that holds only the command.
func (v *view) killsByOwnCount() {
	i := v.own()
	own := &v.Levels[i]
	told := 0
	for _, k := range v.kills {
		if k.daemon == "" {
			told++
		}
	}
	left := int(min(own.Counters.OOMKill, 1000)) - told
	if left <= 0 {
		for k := range v.kills {
			v.kills[k].evidence = append(v.kills[k].evidence, v.counted(i, v.kills[k].at)...)
		}
		return
	}
	for _, d := range v.killedNear(own.Kills, noticed) {
		if left == 0 {
			break
		}
		k := v.countedKill(i, d.at)
		v.claim(&k, d)
		v.kills = append(v.kills, k)
		left--
	}
	if left > 0 && len(v.kills) == 0 {
		at := v.ended
		if n := len(own.Kills); n > 0 {
			at = own.Kills[n-1].Time
		}
		k := v.countedKill(i, at)
		v.guess(&k)
		v.kills = append(v.kills, k)
	}
}

// countedKill is a kill that a cgroup counted; the kernel log's line about it,
// which inside a container names a pid of the machine, is taken along.
func (v *view) countedKill(i int, at time.Time) kill {
	k := kill{at: at, level: v.limitReached(i, at), certainty: Likely, evidence: v.counted(i, at)}
	k.constraint = record.NoConstraint
	if k.level >= 0 || v.hiddenLimit(i, at) {
		k.constraint = record.MemcgConstraint
	}
	for n, o := range v.others {
		if v.exclusive() && o.daemon == "" && o.at.Sub(at).Abs() <= noticed {
			k.command, k.rss, k.constraint, k.certainty = o.command, o.rss, o.constraint, Certain
			k.evidence = append(o.evidence, k.evidence...)
			v.others = append(v.others[:n:n], v.others[n+1:]...)
			break
		}
	}
	return k
}

// limitReached is the level whose limit made the kernel kill in cgroup i, its
// own or that of a cgroup above; -1 when no cgroup's limit was reached, so that
// the machine ran out. In v2 "oom" counts just that
// (Documentation/admin-guide/cgroup-v2.rst). In v1 "failcnt" also counts
// what page cache runs into, so a machine that is out of memory counts more.
func (v *view) limitReached(i int, at time.Time) int {
	_, _, tight := v.tight(at)
	state := v.At(at)
	for j := i; j < len(v.Levels); j++ {
		l := v.Levels[j]
		if l.Kind != record.CgroupLevel || l.Limit == 0 {
			continue
		}
		if v.Start.Machine.CgroupVersion != 1 {
			if l.Counters.OOM > 0 {
				return j
			}
			continue
		}
		roomy := j < len(state.Used) && state.Used[j] > 0 && !reaches(state.Used[j], l.Limit, 90)
		// failcnt stays 0 at some kills, among others with a limit on swap
		// of the same size; then the peak tells.
		ran := l.Counters.Max > 0 || reaches(l.Counters.Peak, l.Limit, 97) || j < len(state.Used) && reaches(state.Used[j], l.Limit, 97)
		if ran && !(tight && roomy) {
			return j
		}
	}
	return -1
}

// plenty is available memory, in bytes, that cannot be used up between two
// samples: a core fills about 1 GB of fresh memory a second.
const plenty = 4e9

// hiddenLimit tells whether a kill in cgroup i came from a limit that cannot
// be seen: of a cgroup below (the command made it) or of one above the
// container (a pod's).
func (v *view) hiddenLimit(i int, at time.Time) bool {
	if l := v.Levels[i]; l.Limit == 0 && l.Counters.OOM > 0 {
		return true
	}
	available, known, _ := v.tight(at)
	total := v.Start.Machine.MemoryTotal
	return known && total > 0 && available > plenty && available > total/4
}

// counted is the evidence of the counters of a cgroup, of those above it and
// of the machine.
func (v *view) counted(i int, at time.Time) []Evidence {
	out := v.ownCount(i, at)
	if j := v.limitReached(i, at); j > i {
		out = append(out, Evidence{at, "cgroup memory.events", fmt.Sprintf("oom 0 -> %d in %s", v.Levels[j].Counters.OOM, v.place(j))})
	}
	return append(out, v.machineCount(at)...)
}

// machineCount is the evidence of the machine's counter.
func (v *view) machineCount(at time.Time) []Evidence {
	if m := v.machine(); m >= 0 && v.Levels[m].Counters.OOMKill > 0 {
		return []Evidence{{at, "/proc/vmstat", fmt.Sprintf("oom_kill 0 -> %d", v.Levels[m].Counters.OOMKill)}}
	}
	return nil
}

// ownCount is the evidence of a cgroup's counters.
func (v *view) ownCount(i int, at time.Time) []Evidence {
	c := v.Levels[i].Counters
	if c.OOMKill == 0 {
		return nil
	}
	if v.Start.Machine.CgroupVersion == 1 {
		detail := fmt.Sprintf("oom_kill 0 -> %d; memory.failcnt 0 -> %d", c.OOMKill, c.Max)
		if c.Max == 0 && c.Peak > 0 {
			detail += "; memory.max_usage_in_bytes " + size(c.Peak)
		}
		return []Evidence{{at, "cgroup memory.oom_control", detail}}
	}
	detail := fmt.Sprintf("oom_kill 0 -> %d, oom 0 -> %d", c.OOMKill, c.OOM)
	if c.OOMGroupKill > 0 {
		detail += fmt.Sprintf(", oom_group_kill 0 -> %d: the kernel killed the whole group", c.OOMGroupKill)
	}
	return []Evidence{{at, "cgroup memory.events", detail}}
}

// killsBySharedCount takes the count of an own cgroup that others share:
// together with a death by SIGKILL it speaks of the command.
func (v *view) killsBySharedCount() {
	i := v.own()
	if i < 0 || v.Levels[i].Counters.OOMKill == 0 {
		return
	}
	for _, move := range v.unexplained(i) {
		limit := v.limitReached(i, move.Time)
		if limit < 0 {
			continue // the machine ran out: killsByMachineCount asks for more
		}
		one := []record.Timed[uint64]{move}
		if deaths := v.killedNear(one, together); len(deaths) > 0 {
			k := v.countedKill(i, move.Time)
			k.certainty = Likely
			v.claim(&k, deaths[0])
			v.kills = append(v.kills, k)
			continue
		}
		if v.passedOn("SIGKILL") && v.ended.Sub(move.Time).Abs() <= together {
			k := v.countedKill(i, move.Time)
			k.certainty = Possible
			k.evidence = append(k.evidence, Evidence{v.ended, "wait", "exit status 137, which shells pass on for a process ended by SIGKILL"})
			v.guess(&k)
			v.kills = append(v.kills, k)
		}
	}
}

// killsByMachineCount takes the count of the whole machine: it speaks of the
// command when one of its processes died by SIGKILL at that moment and the
// machine had next to nothing available.
func (v *view) killsByMachineCount() {
	m := v.machine()
	if m < 0 {
		return
	}
	for _, move := range v.unexplained(m) {
		available, _, tight := v.tight(move.Time)
		if !tight {
			continue
		}
		k := kill{at: move.Time, constraint: record.NoConstraint, level: -1, certainty: Likely, evidence: []Evidence{
			{move.Time, "/proc/vmstat", fmt.Sprintf("oom_kill %d -> %d", move.What-1, move.What)},
			{move.Time, "meminfo", fmt.Sprintf("%s of %s available", size(available), size(v.Levels[m].Limit))},
		}}
		if i := v.own(); i >= 0 && v.Levels[i].Counters.OOMKill > 0 {
			k.evidence = append(v.ownCount(i, move.Time), k.evidence...)
		}
		deaths := v.killedNear([]record.Timed[uint64]{move}, together)
		if len(deaths) > 0 {
			if !deaths[0].known() {
				k.certainty = Possible
			}
			v.claim(&k, deaths[0])
			v.kills = append(v.kills, k)
			continue
		}
		if gone := v.gone(move.Time); gone != nil && gone.Ours {
			k.certainty = Possible
			k.pid, k.command, k.rss = gone.PID, gone.Command, resident(*gone)
			k.evidence = append(k.evidence, Evidence{move.Time, "process tree", fmt.Sprintf(
				"%s of the command was gone when the kill was counted", withPID(k.command, k.rss, k.pid))})
			v.kills = append(v.kills, k)
		}
	}
}

// gone is the one process that vanished when a kill was counted; nil when
// there was none, or when processes of the command and of others did, so that
// it cannot be told which was killed.
func (v *view) gone(at time.Time) *record.Process {
	var found *record.Process
	for i := range v.Vanished {
		p := &v.Vanished[i]
		if p.Time.Sub(at).Abs() > together {
			continue
		}
		switch {
		case found == nil:
			found = &p.What
		case found.Ours != p.What.Ours:
			return nil
		case resident(p.What) > resident(*found):
			found = &p.What
		}
	}
	return found
}

// unexplained are the moments at which a level counted a kill that no log
// explains by naming a process of somebody else.
func (v *view) unexplained(i int) []record.Timed[uint64] {
	var out []record.Timed[uint64]
	before := uint64(0)
	for _, move := range v.Levels[i].Kills {
		n := move.What - min(before, move.What)
		before = move.What
		named := uint64(0)
		for _, list := range [][]kill{v.others, v.kills} {
			for _, k := range list {
				if k.daemon == "" && k.at.Sub(move.Time).Abs() <= noticed {
					named++
				}
			}
		}
		if named < max(n, 1) {
			out = append(out, move)
		}
	}
	return out
}

// killedNear are the deaths by SIGKILL, not yet part of a kill, within a time
// of one of the moments: those known first, then those known from words.
// A parent may tell of a death long after it, so words may be late where the
// count itself speaks of the command.
func (v *view) killedNear(moments []record.Timed[uint64], within time.Duration) []*death {
	var known, told []*death
	for i := range v.deaths {
		d := &v.deaths[i]
		if d.claimed || !d.by("SIGKILL") {
			continue
		}
		for _, m := range moments {
			late := d.at.Sub(m.Time)
			switch {
			case late.Abs() <= within && d.known():
				known = append(known, d)
			case late.Abs() <= within && !d.doubted, v.exclusive() && late > -within && !d.known():
				told = append(told, d)
			default:
				continue
			}
			break
		}
	}
	return append(known, told...)
}

// deathOf is the death that a log speaks of.
func (v *view) deathOf(pid int, at time.Time) *death {
	for i := range v.deaths {
		if d := &v.deaths[i]; d.pid == pid && pid != 0 && !d.claimed {
			return d
		}
	}
	for i := range v.deaths {
		if d := &v.deaths[i]; d.pid == 0 && !d.claimed && d.by("SIGKILL") && d.at.Sub(at) > -noticed {
			return d
		}
	}
	return nil
}

// claim makes a death part of a kill.
func (v *view) claim(k *kill, d *death) {
	if d == nil {
		return
	}
	d.claimed = true
	k.main = d.main
	k.told = d.told
	if k.pid == 0 || d.pid != 0 {
		k.pid = d.pid
	}
	if k.command == "" {
		k.command = d.command
	}
	if k.rss == 0 {
		k.rss = d.rss
	}
	k.evidence = append(k.evidence, d.evidence())
}

// guess names the process that the kernel picks: within one score it is the
// largest (mm/oom_kill.c, oom_badness). It is left out when no process stands
// out.
func (v *view) guess(k *kill) {
	p, ok := v.largest(true)
	if !ok || k.command != "" || resident(p) < v.TreePeak/2 {
		return
	}
	k.pid, k.command, k.rss, k.guessed = p.PID, p.Command, resident(p), true
}

// describe fills in what the record knows of a victim.
func (v *view) describe(k *kill) {
	p, ok := v.lookup(k.pid)
	if !ok {
		return
	}
	if k.command == "" {
		k.command = p.Command
	}
	if k.rss == 0 {
		k.rss = resident(p)
	}
}

// neighboursGone takes processes of others that vanished when a kill was
// counted.
func (v *view) neighboursGone() {
	i := v.own()
	for _, p := range v.Vanished {
		if p.What.Ours {
			continue
		}
		for _, at := range []int{i, v.machine()} {
			if at < 0 || !countedNear(v.unexplained(at), p.Time) {
				continue
			}
			if one := v.gone(p.Time); one == nil || one.PID != p.What.PID {
				continue
			}
			v.others = append(v.others, kill{
				at: p.Time, pid: p.What.PID, command: p.What.Command, rss: resident(p.What), level: -1,
				constraint: record.NoConstraint, service: at == i, certainty: Likely,
				evidence: []Evidence{{p.Time, "process tree", fmt.Sprintf("%s, which is not the command's, was gone when a kill was counted",
					withPID(p.What.Command, resident(p.What), p.What.PID))}},
			})
			break
		}
	}
}

func countedNear(moves []record.Timed[uint64], at time.Time) bool {
	for _, m := range moves {
		if m.Time.Sub(at).Abs() <= together {
			return true
		}
	}
	return false
}

// killsByPresence takes a daemon that runs, memory below its threshold, and a
// kill that nobody else sent.
func (v *view) killsByPresence() {
	for _, daemon := range v.Start.Daemons {
		if s := v.stopFrom(daemon); s != nil {
			v.kills = append(v.kills, kill{
				at: s.Time, stopped: true, pid: v.PID, command: v.argv(), level: -1, daemon: daemon.Name, main: true, certainty: Certain,
				evidence: []Evidence{{s.Time, "signal", s.What.Signal + " to oom143" + sender(s.What)}},
			})
			continue
		}
		if d, threshold := v.diedBelow(daemon); d != nil {
			available, _, _ := v.tight(d.at)
			k := kill{at: d.at, level: -1, daemon: daemon.Name, certainty: Likely, evidence: []Evidence{
				{d.at, "meminfo", fmt.Sprintf("%s available, and %s (pid %d) kills below %.0f %%", size(available), daemon.Name, daemon.PID, threshold)},
			}}
			v.claim(&k, d)
			v.kills = append(v.kills, k)
		}
	}
}

// stopFrom is a signal to oom143 that a daemon sent.
func (v *view) stopFrom(daemon record.Daemon) *record.Timed[record.Signal] {
	if v.stop == nil || v.stop.What.From == nil {
		return nil
	}
	from := v.stop.What.From
	if from.PID == daemon.PID && daemon.PID != 0 || strings.EqualFold(program(from.Command), daemon.Name) {
		return v.stop
	}
	return nil
}

// diedBelow is a death that fits a daemon's thresholds: the command's own, or
// one that the run ended with.
func (v *view) diedBelow(daemon record.Daemon) (*death, float64) {
	total := v.Start.Machine.MemoryTotal
	for i := range v.deaths {
		d := &v.deaths[i]
		threshold := max(daemon.TermPercent, daemon.KillPercent)
		switch {
		case d.claimed || d.doubted || total == 0 || threshold == 0:
			continue
		case d.signal != "SIGTERM" && d.signal != "SIGKILL":
			continue
		case !d.main && v.ended.Sub(d.at) > killToExit && d.told == nil:
			continue
		case v.signalled(d):
			continue
		}
		available, known, _ := v.tight(d.at)
		if known && float64(available)*100 <= float64(total)*threshold {
			return d, threshold
		}
	}
	return nil, 0
}

// signalled tells whether a death follows from a signal that came to oom143,
// which forwards it, or from oom143's own stop.
func (v *view) signalled(d *death) bool {
	if v.End != nil && v.End.StoppedFor != "" {
		return true
	}
	for _, s := range v.Signals {
		if late := d.at.Sub(s.Time); late > -together && late < longestGrace {
			return true
		}
	}
	return false
}

// passedOn tells whether the command chose the exit status that shells pass
// on for a process that a signal ended. It proves nothing alone.
func (v *view) passedOn(signal string) bool {
	return v.chosen() && v.status == 128+signalNumber(signal)
}

// decisive is the kill of one of the command's processes that the run ended
// with; nil when there was none, or when the run went on and ended otherwise.
func (v *view) decisive(causes ...Cause) *kill {
	var best *kill
	for i := range v.kills {
		k := &v.kills[i]
		for _, c := range causes {
			if k.cause() == c && v.ledToEnd(k) && (best == nil || k.main && !best.main || k.main == best.main && k.rss > best.rss) {
				best = k
			}
		}
	}
	return best
}

// ledToEnd tells whether the run ended because of a kill. A kill may be
// noticed a little after the signal with which the service manager answers it.
func (v *view) ledToEnd(k *kill) bool {
	switch {
	case v.stop != nil && k.at.Sub(v.stop.Time) > noticed:
		return false
	case v.stop != nil:
		return k.main || v.stop.Time.Sub(k.at) <= killToExit
	case v.early || k.main:
		return true
	case v.ended.Sub(k.at) <= killToExit:
		return true
	}
	return v.reported(k)
}

// reported tells whether the victim's parent, or the framework, told of the
// kill.
func (v *view) reported(k *kill) bool {
	if k.told != nil {
		return true
	}
	for _, m := range v.Messages {
		signal := m.What.Signal
		if signal == "" {
			signal = signalOf(m.What.Code)
		}
		sameProcess := m.What.PID == 0 || k.pid == 0 || k.guessed || m.What.PID == k.pid
		if m.What.Kind == record.WorkerKilled && m.Time.Sub(k.at) > -together && sameProcess && (signal == "" || signal == "SIGKILL") {
			return true
		}
	}
	return false
}
