package diagnose

import "github.com/org/oom143-action/internal/record"

var passedCases = []testCase{
	{
		name: "passed with little memory", cause: Passed, headline: "The command passed in 1 min 5 s",
		run: container(7*gb).calm().at(1).test(test70, 100).at(2).done(test70, 100).at(65).ends(0),
	},
	{
		name: "passed near the limit", cause: Passed,
		run: container(7*gb).calm().at(1).used(6*gb, 6400*mb, 8*gb).at(65).ends(0),
	},
	{
		name: "passed near a limit that nothing enforces", cause: Passed,
		run: newRun(wholeMachine, record.Level{Kind: record.OptionLevel, Limit: 4 * gb}).at(1).used(3900*mb, 5*gb, 3900*mb).at(65).ends(0),
	},
	{
		name: "passed below its own --warn-at", cause: Passed,
		run: container(7*gb).with(func(s *record.Start) { s.Options.WarnAt = 95 }).at(1).used(6*gb, 6400*mb, 8*gb).at(65).ends(0),
	},
	{
		name: "passed after SIGINT", cause: Passed,
		run: service().calm().at(65).signal("SIGINT", worker).at(66).ends(0),
	},
	{
		name: "passed after a worker was killed for memory", cause: Passed, oom: true, running: test70 + " other", victims: "200 true " + test70,
		headline: "although node (6.8 GB) was killed",
		run: container(7*gb).calm().at(1).test(test70, 200).test("other", 201).at(10).used(6900*mb, 6950*mb, 9*gb).
			at(10.1).child(200, "node worker.js", "SIGKILL", 6800*mb).counters(oomAndKill, onlyKill).
			at(20).done("other", 201).at(60).ends(0),
	},
	{
		name: "passed while a neighbour was killed", cause: Passed,
		run: container(7*gb).calm().at(10).counters(none, onlyKill).at(65).ends(0),
	},
}
