package diagnose

import "github.com/org/oom143-action/internal/record"

func globalKill(pid int, command string, rss uint64, ours bool) record.Kill {
	return record.Kill{PID: pid, Command: command, RSS: rss, Constraint: record.NoConstraint, TaskCgroup: unit, Ours: ours,
		Detail: "Out of memory: Killed process (" + command + ")"}
}

var kernelOOMCases = []testCase{
	{
		name: "kernel log, service stopped", cause: KernelOOM, oom: true, certainty: Certain, running: test70, victims: "100 true " + test70,
		headline: "because the machine ran out of memory (16.5 GB of 16.8 GB in use), while tests/test_a.py::test_70 was running; the runner's service was stopped because of this kill.",
		run: service().calm().at(50).test(test70, 100).at(60).full().at(60.1).kernelKill(globalKill(100, "python3", 13*gb, true)).
			counters(onlyKill, onlyKill).exit(record.Exit{PID: 100, Main: true, Command: "python3", Signal: "SIGKILL", Source: record.ByWait, RSS: 13 * gb}).
			at(60.2).signal("SIGTERM", systemd).apply(record.Event{End: &record.End{Code: 137, Signal: "SIGKILL"}}),
	},
	{
		name: "no kernel log, service stopped, so far", cause: KernelOOM, oom: true, certainty: Likely, early: true, running: test70, victims: "140 true " + test70,
		headline: "the runner's service was stopped because of this kill",
		run: service().calm().at(50).test(test70, 140).at(60).full().at(60.1).child(140, "python3", "SIGKILL", 13*gb).
			at(60.2).counters(onlyKill, onlyKill).at(60.25).signal("SIGTERM", systemd),
	},
	{
		name: "no kernel log, bash tells of the victim", cause: KernelOOM, oom: true, certainty: Possible, victims: "140 true",
		run: service().argv("bash", "-e", "step.sh").calm().at(60).full().at(60.1).counters(onlyKill, onlyKill).
			says(record.Message{Kind: record.WorkerKilled, Runtime: "bash", Text: "step.sh: line 1: 140 Killed", PID: 140, Signal: "SIGKILL"}).
			at(60.2).signal("SIGTERM", systemd).at(60.3).dies("SIGTERM", 0),
	},
	{
		name: "no kernel log, the process is only known to be gone", cause: KernelOOM, oom: true, certainty: Possible, running: test70, victims: "140 true " + test70,
		run: service().argv("bash", "-e", "step.sh").calm().at(50).test(test70, 140).at(60).full().at(60.1).counters(onlyKill, onlyKill).
			vanished(record.Process{PID: 140, Command: "python3", RSS: 13 * gb, Ours: true}).
			at(60.2).signal("SIGTERM", systemd).at(60.3).dies("SIGTERM", 0),
	},
	{
		name: "SIGTERM noted before the kill was counted", cause: KernelOOM, oom: true, certainty: Likely, victims: "100 true",
		run: service().calm().at(60).full().at(60.1).signal("SIGTERM", systemd).at(60.2).counters(onlyKill, onlyKill).dies("SIGKILL", 13*gb),
	},
	{
		name: "exclusive cgroup without a limit", cause: KernelOOM, oom: true, certainty: Likely, victims: "100 true",
		headline: "because the machine ran out of memory",
		run:      container(0).calm().at(60).full().at(60.1).counters(onlyKill, onlyKill).dies("SIGKILL", 13*gb),
	},
	{
		name: "exclusive cgroup with a limit that was not reached", cause: KernelOOM, oom: true, certainty: Likely, victims: "100 true",
		run: container(16*gb).calm().at(60).used(13*gb, 14*gb, 16_500*mb).at(60.1).counters(onlyKill, onlyKill).dies("SIGKILL", 13*gb),
	},
	{
		name: "v1: failcnt moved long before by page cache", cause: KernelOOM, oom: true, certainty: Likely, victims: "100 true",
		run: containerV1(16*gb).calm().at(60).used(5*gb, 5*gb, 16_500*mb).at(60.1).counters(record.LevelCounters{OOMKill: 1, Max: 500}, onlyKill).dies("SIGKILL", 5*gb),
	},
	{
		name: "v1 without a limit", cause: KernelOOM, oom: true, certainty: Likely, victims: "100 true",
		run: containerV1(0).calm().at(60).full().at(60.1).counters(onlyKill, onlyKill).dies("SIGKILL", 5*gb),
	},
	{
		name: "machine's count within a second, nothing available", cause: KernelOOM, oom: true, certainty: Likely, victims: "100 true",
		run: bare().calm().at(60).full().at(60.1).dies("SIGKILL", 13*gb).at(60.9).counters(onlyKill),
	},
	{
		name: "machine's count three seconds after the death", cause: MemoryPressure, certainty: Possible,
		run: bare().calm().at(60).full().at(60.1).dies("SIGKILL", 13*gb).at(63).full().at(63.1).counters(onlyKill),
	},
	{
		name: "machine's count with memory free", cause: Killed, certainty: Certain,
		run: bare().calm().at(60).calm().at(60.1).dies("SIGKILL", 13*gb).at(60.2).counters(onlyKill),
	},
	{
		name: "a larger process was spared", cause: KernelOOM, oom: true, certainty: Certain, victims: "100 true",
		headline: "; another process, mysqld (9.1 GB), was larger and was not killed",
		run: service().calm().at(60).full().top(record.Process{PID: 9, Command: "/usr/sbin/mysqld", RSS: 9100 * mb}, record.Process{PID: 100, Command: "pytest", RSS: 4 * gb, Ours: true}).
			at(60.1).kernelKill(globalKill(100, "pytest", 4*gb, true)).dies("SIGKILL", 4*gb),
	},
	{
		name: "NUMA node ran out", cause: KernelOOM, oom: true, certainty: Certain, victims: "100 true", headline: "NUMA node or cpuset",
		run: service().calm().at(60).kernelKill(record.Kill{PID: 100, Command: "pytest", RSS: gb, Constraint: record.NodeConstraint, Ours: true}).dies("SIGKILL", gb),
	},
	{
		name: "kill of a helper, chosen exit within 5 s", cause: KernelOOM, oom: true, certainty: Certain, victims: "150 true",
		run: service().calm().at(60).full().at(60.1).kernelKill(globalKill(150, "chrome", 3*gb, true)).at(64).ends(1),
	},
	{
		name: "kill of a child of the test's process", cause: KernelOOM, oom: true, certainty: Certain, running: "b a", victims: "150 true b",
		run: service().calm().at(50).test("a", 120).test("b", 121).at(60).full().
			top(record.Process{PID: 150, Parent: 140, Command: "chrome", RSS: 3 * gb, Ours: true}, record.Process{PID: 140, Parent: 121, Command: "driver", RSS: mb, Ours: true}).
			at(60.1).kernelKill(globalKill(150, "chrome", 3*gb, true)).at(62).ends(1),
	},
}
