package diagnose

import "github.com/org/oom143-action/internal/record"

var crashedCases = []testCase{
	{
		name: "segmentation fault", cause: Crashed, certainty: Certain, running: test70, headline: "python3 crashed (SIGSEGV, an invalid memory reference), while tests/test_a.py::test_70 was running",
		run: service().calm().at(50).test(test70, 100).at(60).dies("SIGSEGV", gb),
	},
	{
		name: "abort", cause: Crashed, certainty: Certain,
		run: service().calm().at(60).dies("SIGABRT", gb),
	},
	{
		name: "worker crashed, told by jest", cause: Crashed, certainty: Likely, headline: "tally",
		run: service().calm().at(60).says(record.Message{Kind: record.WorkerKilled, Runtime: "jest", Text: "A jest worker process (pid=200) was terminated by another process: signal=SIGSEGV, exitCode=null.", PID: 200, Signal: "SIGSEGV"}).at(61).ends(1),
	},
	{
		name: "139 that a shell chose", cause: TestsFailed, certainty: Certain,
		run: service().calm().at(60).ends(139),
	},
}
