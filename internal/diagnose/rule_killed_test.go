package diagnose

import "github.com/org/oom143-action/internal/record"

var killedCases = []testCase{
	{
		name: "kill -9 with memory free", cause: Killed, certainty: Certain, running: test70, headline: "SIGKILL ended python3, while tests/test_a.py::test_70 was running; memory was not the reason",
		run: container(7*gb).calm().at(50).test(test70, 100).at(60).calm().at(60.1).dies("SIGKILL", gb),
	},
	{
		name: "kill -9 while a neighbour is OOM-killed", cause: Killed, certainty: Certain,
		run: bare().calm().at(60).calm().at(60.1).dies("SIGKILL", gb).counters(onlyKill),
	},
	{
		name: "kill -9 in a full machine while the log names a neighbour", cause: MemoryPressure, certainty: Possible,
		run: bare().calm().at(60).full().at(60.1).kernelKill(globalKill(900, "java", 9*gb, false)).counters(onlyKill).dies("SIGKILL", gb),
	},
	{
		name: "kill -9 in a container while a neighbour is OOM-killed in a full machine", cause: Killed, certainty: Certain, not: "nearly",
		run: container(7*gb).calm().at(60).used(gb, gb, 9*gb).at(60.1).counters(none, onlyKill).dies("SIGKILL", gb),
	},
	{
		name: "kill -9 in a shared cgroup, whose count the log explains", cause: Killed, certainty: Certain,
		run: shared(7*gb).calm().at(60).calm().at(60.1).kernelKill(record.Kill{PID: 900, Command: "java", RSS: 6 * gb, Constraint: record.MemcgConstraint}).
			counters(oomAndKill, onlyKill).dies("SIGKILL", gb),
	},
	{
		name: "a child is killed and the shell passes 137 on", cause: Killed, certainty: Certain,
		run: service().argv("sh", "-c", "pytest; exit").calm().at(60).child(140, "pytest", "SIGKILL", gb).at(60.1).ends(137),
	},
	{
		name: "bash tells of a killed process and passes 137 on", cause: Killed, certainty: Likely, headline: "SIGKILL ended a process of the command",
		run: service().calm().at(60).says(record.Message{Kind: record.WorkerKilled, Runtime: "bash", Text: "x.sh: line 1: 140 Killed  pytest", PID: 140, Signal: "SIGKILL"}).at(60.1).ends(137),
	},
	{
		name: "jest tells of a killed worker", cause: Killed, certainty: Likely, running: "src/a.test.js", headline: "its own tally of tests is wrong",
		run: service().argv("npx", "jest").calm().at(60).says(record.Message{Kind: record.WorkerKilled, Runtime: "jest", PID: 200, Signal: "SIGKILL", Test: "src/a.test.js",
			Text: "A jest worker process (pid=200) was terminated by another process: signal=SIGKILL, exitCode=null."}).at(61).ends(1),
	},
	{
		name: "SIGHUP", cause: Killed, certainty: Certain,
		run: bare().calm().at(60).signal("SIGHUP", nil).dies("SIGHUP", gb),
	},
	{
		name: "memory not measured", cause: Killed, certainty: Certain, headline: "memory was not measured",
		run: newRun().at(60).dies("SIGKILL", 0),
	},
	{
		name: "a test kills a server of its own and another fails", cause: TestsFailed, certainty: Certain,
		run: service().calm().at(60).child(140, "server", "SIGKILL", gb).at(61).ends(1),
	},
	{
		name: "a test prints the shell's word and fails with 1", cause: TestsFailed, certainty: Certain,
		run: service().calm().at(60).says(record.Message{Kind: record.WorkerKilled, Runtime: "sh", Text: "Killed", Signal: "SIGKILL"}).at(61).ends(1),
	},
	{
		name: "oom143 ended a leftover, the command chose 137", cause: TestsFailed, certainty: Certain,
		run: service().calm().at(60).exit(record.Exit{PID: 100, Main: true, Code: 137, Source: record.ByWait}).
			at(62).exit(record.Exit{PID: 140, Command: "server", Signal: "SIGKILL", Source: record.ByWait, Leftover: true}).
			apply(record.Event{End: &record.End{Code: 137}}),
	},
	{
		name: "oom143 ended a leftover", cause: TestsFailed, certainty: Certain,
		run: service().calm().at(60).exit(record.Exit{PID: 100, Main: true, Code: 1, Source: record.ByWait}).
			at(62).exit(record.Exit{PID: 140, Command: "server", Signal: "SIGKILL", Source: record.ByWait, Leftover: true}).
			apply(record.Event{End: &record.End{Code: 1}}),
	},
}
