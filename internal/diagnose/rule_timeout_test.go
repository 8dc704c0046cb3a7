package diagnose

import "github.com/org/oom143-action/internal/record"

func withTimeout(minutes int64, r *run) *run {
	return r.with(func(s *record.Start) { s.Options.TimeoutMS = minutes * 60_000 })
}

var timeoutCases = []testCase{
	{
		name: "the step's time limit", cause: Timeout, certainty: Certain, running: test70, headline: "The step's time limit of 30 min stopped the run: SIGINT from Runner.Worker came after 29 min 48 s",
		run: withTimeout(30, service()).calm().at(1700).test(test70, 100).at(1788).signal("SIGINT", worker).at(1795.5).signal("SIGTERM", worker).at(1796).dies("SIGTERM", gb),
	},
	{
		name: "SIGINT long before the step's time limit", cause: Cancelled, certainty: Certain,
		run: withTimeout(30, service()).calm().at(1700).signal("SIGINT", worker).at(1701).ends(2),
	},
	{
		name: "SIGINT long after --timeout, which is then wrong", cause: Cancelled, certainty: Certain,
		run: withTimeout(30, service()).calm().at(1900).signal("SIGINT", worker).at(1901).ends(2),
	},
	{
		name: "Ctrl-C at the time of --timeout", cause: Cancelled, certainty: Certain,
		run: withTimeout(1, bare()).calm().at(58).signal("SIGINT", terminal).at(59).ends(2),
	},
	{
		name: "SIGTERM at the time of --timeout", cause: RunnerShutdown, certainty: Certain,
		run: withTimeout(1, service()).calm().at(60).signal("SIGTERM", systemd).at(60.1).dies("SIGTERM", gb),
	},
	{
		name: "timeout(1) as the command", cause: Timeout, certainty: Certain, running: test70, headline: "timeout(1) ended the command after 5 min (exit status 124)",
		run: service().argv("timeout", "300", "pytest").calm().at(250).test(test70, 140).at(300).child(140, "pytest", "SIGTERM", gb).ends(124),
	},
	{
		name: "timeout(1) in a script", cause: Timeout, certainty: Certain,
		run: service().argv("cd a && timeout -k 5 300 pytest").calm().at(300).ends(124),
	},
	{
		name: "timeout(1) with its words", cause: Timeout, certainty: Certain,
		run: service().argv("./test.sh").calm().at(300).says(record.Message{Kind: record.TimedOut, Runtime: "timeout", Text: "timeout: sending signal TERM to command 'pytest'", Statuses: []int{124, 137}}).ends(124),
	},
	{
		name: "124 of a script that is not known in full", cause: Timeout, certainty: Possible,
		run: service().with(func(s *record.Start) { s.Argv, s.Script = []string{"cd tests…"}, true }).calm().at(300).ends(124),
	},
	{
		name: "124 that the command chose", cause: TestsFailed, certainty: Certain,
		run: service().calm().at(300).ends(124),
	},
	{
		name: "timeout(1) around oom143", cause: Timeout, certainty: Certain, headline: "timeout(1) stopped the run with SIGTERM after 5 min",
		run: bare().calm().at(300).signal("SIGTERM", &record.Sender{Kind: record.FromOther, PID: 9, Command: "timeout"}).dies("SIGTERM", gb),
	},
	{
		name: "go test's own time limit", cause: Timeout, certainty: Certain, running: "TestSlow",
		run: service().argv("./a.test").calm().at(500).test("TestSlow", 100).at(600).says(record.Message{Kind: record.TimedOut, Runtime: "go test", Text: "panic: test timed out after 10m0s", Test: "TestSlow", Statuses: []int{2}}).ends(2),
	},
	{
		name: "go test's own time limit, told by go", cause: Timeout, certainty: Likely, running: "example.com/p.TestSlow",
		run: service().argv("go", "test", "./...").calm().at(600).says(record.Message{Kind: record.TimedOut, Runtime: "go test", Text: "TestSlow (10m0s)", Test: "example.com/p.TestSlow", Statuses: []int{2}}).ends(1),
	},
	{
		name: "pytest-timeout", cause: Timeout, certainty: Likely,
		run: service().calm().at(60).says(record.Message{Kind: record.TimedOut, Runtime: "pytest-timeout", Text: "Failed: Timeout >10.0s", Statuses: []int{1}}).at(61).ends(1),
	},
	{
		name: "words of a time limit with another status", cause: TestsFailed, certainty: Certain,
		run: service().calm().at(60).says(record.Message{Kind: record.TimedOut, Runtime: "go test", Text: "panic: test timed out after 10m0s", Statuses: []int{2}}).at(61).ends(1),
	},
}
