package diagnose

import "github.com/org/oom143-action/internal/record"

var testsFailedCases = []testCase{
	{
		name: "tests fail", cause: TestsFailed, certainty: Certain, headline: "The command ended by itself with exit status 1; memory was not the reason (2.1 GB of 16.8 GB in use at most).",
		run: service().calm().at(1).test(test70, 100).at(2).done(test70, 100).at(60).ends(1),
	},
	{
		name: "a shell chooses 137", cause: TestsFailed, certainty: Certain, headline: "no process is known to have died of SIGKILL",
		run: container(7 * gb).calm().at(60).ends(137),
	},
	{
		name: "a shell chooses 143", cause: TestsFailed, certainty: Certain,
		run: service().calm().at(60).ends(143),
	},
	{
		name: "a shell chooses 137 while a neighbour is OOM-killed", cause: TestsFailed, certainty: Certain,
		run: container(7*gb).calm().at(60).counters(none, onlyKill).ends(137),
	},
	{
		name: "OOM kill in another cgroup", cause: TestsFailed, certainty: Certain,
		run: service().calm().at(59).kernelKill(record.Kill{PID: 900, Command: "java", RSS: gb, Constraint: record.MemcgConstraint, TaskCgroup: "/docker/x", LimitCgroup: "/docker/x"}).
			counters(none, onlyKill).at(60).ends(1),
	},
	{
		name: "shared cgroup counts a neighbour's kill", cause: TestsFailed, certainty: Certain,
		run: shared(7*gb).calm().at(59).used(gb, 6900*mb, 9*gb).counters(oomAndKill, onlyKill).at(60).calm().ends(1),
	},
	{
		name: "an OOM kill from before the command", cause: TestsFailed, certainty: Certain,
		run: service().calm().at(-30).kernelKill(globalKill(100, "python3", 9*gb, true)).at(60).ends(137),
	},
	{
		name: "page cache full", cause: TestsFailed, certainty: Certain,
		run: container(7*gb).calm().counters(record.LevelCounters{Max: 9000}, none).at(60).ends(1),
	},
	{
		name: "a kill more than 5 s before the chosen exit", cause: TestsFailed, oom: true, certainty: Certain, running: test70, victims: "250 true",
		run: container(7*gb).calm().at(1).test(test70, 200).at(10).used(6900*mb, 6950*mb, 9*gb).at(10.1).child(250, "chrome", "SIGKILL", 6*gb).counters(oomAndKill, onlyKill).
			at(12).done(test70, 200).at(20).calm().at(60).ends(1),
	},
	{
		name: "a worker died of what is not known", cause: TestsFailed, certainty: Certain, running: test70, headline: "its own tally of tests is wrong",
		run: service().calm().at(1).test(test70, 200).at(10).says(killedWords).at(60).ends(1),
	},
	{
		name: "an early exit leaves a test unfinished", cause: TestsFailed, certainty: Certain, running: test70,
		run: service().calm().at(1).test(test70, 100).at(2).ends(1),
	},
	{
		name: "tests fail near the limit", cause: TestsFailed, certainty: Certain,
		run: container(7*gb).calm().at(1).used(6*gb, 6*gb, 8*gb).at(65).calm().ends(1),
	},
	{
		name: "a kernel line that a test prints is not in the record", cause: TestsFailed, certainty: Certain,
		run: container(7 * gb).calm().at(60).says(record.Message{Kind: record.WorkerKilled, Runtime: "bash", Text: "Out of memory: Killed process 100 (python3)", Signal: "SIGKILL"}).ends(1),
	},
}
