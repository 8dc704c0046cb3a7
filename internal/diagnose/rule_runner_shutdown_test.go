package diagnose

import "github.com/org/oom143-action/internal/record"

var runnerShutdownCases = []testCase{
	{
		name: "service stopped with memory free", cause: RunnerShutdown, certainty: Certain, running: test70,
		headline: "SIGTERM from the service manager stopped the run after 3 min 12 s, while tests/test_a.py::test_70 was running; memory was not the reason (2.1 GB of 16.8 GB in use at most).",
		run:      service().calm().at(180).test(test70, 100).at(192).signal("SIGTERM", systemd).at(192.1).dies("SIGTERM", gb),
	},
	{
		name: "SIGTERM, then SIGINT", cause: RunnerShutdown, certainty: Certain,
		run: service().calm().at(192).signal("SIGTERM", systemd).at(192.01).signal("SIGINT", worker).at(193).dies("SIGTERM", gb),
	},
	{
		name: "command ends before oom143 notes the SIGTERM", cause: RunnerShutdown, certainty: Certain,
		run: service().calm().at(192).exit(record.Exit{PID: 100, Main: true, Signal: "SIGTERM", Source: record.ByWait}).at(192.02).signal("SIGTERM", systemd).
			apply(record.Event{End: &record.End{Code: 143, Signal: "SIGTERM"}}),
	},
	{
		name: "docker stop", cause: RunnerShutdown, certainty: Certain, headline: "SIGTERM from outside the container stopped the run",
		run: container(7*gb).calm().at(192).signal("SIGTERM", outside).at(193).ends(1),
	},
	{
		name: "SIGTERM of which the sender is not known", cause: RunnerShutdown, certainty: Likely,
		run: service().calm().at(192).signal("SIGTERM", nil).at(193).ends(143),
	},
	{
		name: "service stopped, so far", cause: RunnerShutdown, certainty: Certain, early: true, running: test70,
		headline: "So far: SIGTERM from the service manager is stopping the run",
		run:      service().calm().at(180).test(test70, 100).at(192).signal("SIGTERM", systemd),
	},
	{
		name: "a neighbour in the service was killed", cause: RunnerShutdown, certainty: Certain, running: test70, victims: "900 false",
		headline: "stopped the run because the kernel killed java (9.0 GB), which is not part of the command, while tests/test_a.py::test_70 was running; the tests were not the reason (the command used 800 MB at most).",
		run: service().calm().at(50).test(test70, 100).at(60).used(400*mb, 14*gb, 16_500*mb).
			at(60.1).kernelKill(globalKill(900, "java", 9*gb, false)).counters(onlyKill, onlyKill).at(60.2).signal("SIGTERM", systemd).at(60.3).dies("SIGTERM", 400*mb),
	},
	{
		name: "a neighbour was gone when the kill was counted", cause: RunnerShutdown, certainty: Likely, victims: "900 false",
		run: service().calm().at(60).used(400*mb, 14*gb, 16_500*mb).at(60.1).counters(onlyKill, onlyKill).
			vanished(record.Process{PID: 900, Command: "java -jar gradle", RSS: 9 * gb}).at(60.2).signal("SIGTERM", systemd).at(60.3).dies("SIGTERM", 400*mb),
	},
	{
		name: "a neighbour elsewhere on the machine was killed", cause: RunnerShutdown, certainty: Certain, victims: "900 false", headline: "just after the kernel killed java",
		run: service().calm().at(60).calm().at(60.1).
			kernelKill(record.Kill{PID: 900, Command: "java", RSS: gb, Constraint: record.MemcgConstraint, TaskCgroup: "/docker/x", LimitCgroup: "/docker/x"}).
			counters(none, onlyKill).at(60.2).signal("SIGTERM", systemd).at(60.3).dies("SIGTERM", 400*mb),
	},
	{
		name: "a neighbour was killed long before", cause: RunnerShutdown, certainty: Certain, not: "java",
		run: service().calm().at(20).kernelKill(globalKill(900, "java", 9*gb, false)).counters(onlyKill, onlyKill).
			at(60).calm().signal("SIGTERM", systemd).at(60.3).dies("SIGTERM", 400*mb),
	},
	{
		name: "SIGTERM from another process", cause: RunnerShutdown, certainty: Certain, headline: "SIGTERM from bash (pid 55)",
		run: bare().calm().at(60).signal("SIGTERM", someone).at(60.1).dies("SIGTERM", gb),
	},
	{
		name: "a test sends SIGTERM to its parent", cause: Killed, certainty: Certain, headline: "SIGTERM from the command's own python3 (pid 123) ended the run",
		run: service().calm().at(60).signal("SIGTERM", itself).at(60.1).dies("SIGTERM", gb),
	},
	{
		name: "a test sends SIGTERM to its parent, which handles it", cause: TestsFailed, certainty: Certain,
		run: service().calm().at(60).signal("SIGTERM", itself).at(60.1).ends(1),
	},
	{
		name: "a test sends SIGTERM, and later the run is cancelled", cause: Cancelled, certainty: Certain,
		run: service().calm().at(60).signal("SIGTERM", itself).at(300).signal("SIGINT", worker).at(301).ends(1),
	},
}
