package diagnose

var cancelledCases = []testCase{
	{
		name: "cancelled by the runner", cause: Cancelled, certainty: Certain, running: test70,
		headline: "The run was cancelled after 3 min 12 s (SIGINT from Runner.Worker), while tests/test_a.py::test_70 was running; memory was not the reason (2.1 GB of 16.8 GB in use at most).",
		run:      service().calm().at(180).test(test70, 100).at(192).signal("SIGINT", worker).at(193).ends(2),
	},
	{
		name: "SIGINT, then SIGTERM", cause: Cancelled, certainty: Certain,
		run: service().calm().at(192).signal("SIGINT", worker).at(199.5).signal("SIGTERM", worker).at(199.6).dies("SIGTERM", gb),
	},
	{
		name: "SIGINT through the Docker client", cause: Cancelled, certainty: Certain, headline: "SIGINT from outside the container",
		run: container(7*gb).calm().at(192).signal("SIGINT", outside).at(199.5).signal("SIGTERM", outside).at(199.6).dies("SIGTERM", gb),
	},
	{
		name: "Ctrl-C", cause: Cancelled, certainty: Certain, headline: "SIGINT from the terminal",
		run: bare().calm().at(12).signal("SIGINT", terminal).at(12.1).dies("SIGINT", gb),
	},
	{
		name: "the sender is not known", cause: Cancelled, certainty: Likely,
		run: service().calm().at(12).signal("SIGINT", nil).at(12.1).ends(2),
	},
	{
		name: "a test finishes in a hurry", cause: Cancelled, certainty: Certain, running: test70,
		run: service().calm().at(180).test(test70, 100).at(192).signal("SIGINT", worker).at(192.05).done(test70, 100).at(193).ends(1),
	},
	{
		name: "cancelled with memory nearly used up", cause: Cancelled, certainty: Certain, headline: "memory was nearly used up at the time",
		run: service().calm().at(191.5).full().at(192).signal("SIGINT", worker).at(193).ends(2), not: "not the reason",
	},
	{
		name: "cancelled, so far", cause: Cancelled, certainty: Certain, early: true, running: test70, headline: "is being cancelled",
		run: service().calm().at(180).test(test70, 100).at(192).signal("SIGINT", worker),
	},
	{
		name: "cancelled long after a worker was killed", cause: Cancelled, oom: true, certainty: Certain, victims: "200 true", not: "memory was not the reason",
		run: container(7*gb).calm().at(10).used(6900*mb, 6950*mb, 9*gb).at(10.1).child(200, "node", "SIGKILL", 6*gb).counters(oomAndKill, onlyKill).
			at(20).calm().at(100).calm().at(192).signal("SIGINT", worker).at(193).ends(1),
	},
	{
		name: "cancelled, and a process was killed while it stopped", cause: Cancelled, oom: true, certainty: Certain, victims: "200 true",
		run: container(7*gb).calm().at(192).signal("SIGINT", worker).at(197).used(6900*mb, 6950*mb, 9*gb).
			at(197.1).child(200, "node", "SIGKILL", 6*gb).counters(oomAndKill, onlyKill).at(198).ends(1),
	},
	{
		name: "one of the command's own processes sends SIGINT", cause: Killed, certainty: Certain, headline: "SIGINT from the command's own python3 (pid 123) ended the run",
		run: service().calm().at(12).signal("SIGINT", itself).at(12.1).dies("SIGINT", gb),
	},
	{
		name: "one of the command's own processes sends SIGINT and it fails", cause: TestsFailed, certainty: Certain,
		run: service().calm().at(12).signal("SIGINT", itself).at(12.1).ends(2),
	},
	{
		name: "Ctrl-C that the command lived on after", cause: TestsFailed, certainty: Certain,
		run: bare().calm().at(12).signal("SIGINT", terminal).at(600).ends(1),
	},
	{
		name: "SIGINT after the command had failed", cause: TestsFailed, certainty: Certain,
		run: service().calm().at(12).ends(1).at(12.5).signal("SIGINT", worker),
	},
}
