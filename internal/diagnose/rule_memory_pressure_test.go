package diagnose

import "github.com/org/oom143-action/internal/record"

// stalling is five seconds in which all tasks stand still for memory.
func (r *run) stalling(from float64) *run {
	for i := range 12 {
		r.at(from + float64(i)/2).apply(record.Event{Sample: &record.Sample{
			Used: []uint64{6 * gb, 15 * gb}, Available: 1800 * mb, FullStall: uint64(i) * 400_000,
		}})
	}
	return r
}

var memoryPressureCases = []testCase{
	{
		name: "SIGKILL while the machine was full, nothing counted", cause: MemoryPressure, certainty: Possible, running: test70,
		headline: "SIGKILL ended python3 with the machine's memory nearly used up (16.5 GB of 16.8 GB)",
		run:      service().calm().at(50).test(test70, 100).at(60).full().at(60.1).dies("SIGKILL", 13*gb),
	},
	{
		name: "SIGTERM from nobody known while the machine was full", cause: MemoryPressure, certainty: Possible,
		run: service().calm().at(60).full().at(60.1).signal("SIGTERM", nil).at(60.2).dies("SIGTERM", 13*gb),
	},
	{
		name: "service stopped while the machine was full, so far", cause: MemoryPressure, certainty: Possible, early: true, running: test70,
		run: service().calm().at(50).test(test70, 100).at(60).full().at(60.1).signal("SIGTERM", systemd),
	},
	{
		name: "service stopped, a kill counted, whose is not known", cause: MemoryPressure, certainty: Likely,
		run: service().argv("bash", "step.sh").calm().at(60).full().at(60.1).counters(onlyKill, onlyKill).at(60.2).signal("SIGTERM", systemd).at(60.3).dies("SIGTERM", 0),
	},
	{
		name: "two processes gone, one kill, ours or a neighbour's", cause: MemoryPressure, certainty: Likely,
		run: service().argv("bash", "step.sh").calm().at(60).full().at(60.1).counters(onlyKill, onlyKill).
			vanished(record.Process{PID: 140, Command: "python3", RSS: 5 * gb, Ours: true}).vanished(record.Process{PID: 9, Command: "java", RSS: 6 * gb}).
			at(60.2).signal("SIGTERM", systemd).at(60.3).dies("SIGTERM", 0),
	},
	{
		name: "shell passes 137 on, machine full and a kill counted", cause: MemoryPressure, certainty: Likely,
		run: bare().argv("bash", "step.sh").calm().at(60).full().at(60.1).counters(onlyKill).at(60.2).ends(137),
	},
	{
		name: "container full and killed, its counter unmoved", cause: MemoryPressure, certainty: Possible, headline: "7.0 GB, the limit of the container",
		run: container(7*gb).calm().at(60).used(6*gb, 6900*mb, 9*gb).at(60.1).dies("SIGKILL", 6*gb),
	},
	{
		name: "everything stands still", cause: MemoryPressure, certainty: Possible, headline: "everything had stood still for memory (80 %",
		run: service().calm().stalling(54).at(60).dies("SIGKILL", gb),
	},
	{
		name: "stopped by --on-limit stop", cause: MemoryPressure, certainty: Certain, running: test70, headline: "oom143 stopped the command because it was about to exhaust the memory limit of the container (6.7 GB of 7.0 GB in use",
		run: container(7*gb).calm().at(50).test(test70, 100).at(60).used(6600*mb, 6700*mb, 9*gb).
			apply(record.Event{Danger: &record.Danger{Level: 0, Used: 6700 * mb, Growth: 900_000_000, LeftMS: 300}}).
			at(60.2).exit(record.Exit{PID: 100, Main: true, Command: "pytest", Signal: "SIGTERM", Source: record.ByWait}).
			apply(record.Event{End: &record.End{Code: 143, Signal: "SIGTERM", StoppedFor: "limit"}}),
	},
	{
		name: "the record breaks off with memory nearly used up", cause: MemoryPressure, certainty: Possible, early: true, running: test70, headline: "The record breaks off",
		run: service().calm().at(50).test(test70, 100).at(60).full(),
	},
	{
		name: "page cache full, killed by somebody", cause: Killed, certainty: Certain, // used leaves out the cache
		run: container(7*gb).calm().at(60).used(gb, 1200*mb, 9*gb).counters(record.LevelCounters{Max: 4000}, none).at(60.1).dies("SIGKILL", gb),
	},
	{
		name: "a limit that nothing enforces is no evidence", cause: Killed, certainty: Certain,
		run: newRun(wholeMachine, record.Level{Kind: record.OptionLevel, Limit: 4 * gb}).used(3990*mb, 6*gb, 3990*mb).at(1).dies("SIGKILL", 4*gb),
	},
	{
		name: "memory was full, but long before", cause: Killed, certainty: Certain,
		run: service().full().at(30).calm().at(60).calm().at(60.1).dies("SIGKILL", gb),
	},
	{
		name: "the command's own kill with memory nearly used up", cause: Killed, certainty: Certain,
		run: service().calm().at(60).full().at(60.1).signal("SIGTERM", itself).at(60.2).dies("SIGTERM", gb),
	},
	{
		name: "tests fail with memory nearly used up", cause: TestsFailed, certainty: Certain, headline: "memory was nearly used up at the time", not: "not the reason",
		run: service().calm().at(60).full().at(60.1).ends(1),
	},
}
