package diagnose

import "github.com/org/oom143-action/internal/record"

var notStartedCases = []testCase{
	{
		name: "command not found", cause: NotStarted, certainty: Certain, headline: "could not be started: not found",
		run: container(7 * gb).apply(record.Event{NotStarted: &record.Failure{What: "pytset", Detail: "not found in PATH", Status: 127}}),
	},
	{
		name: "command is not executable", cause: NotStarted, certainty: Certain, headline: "permission denied",
		run: service().argv("./test.sh").apply(record.Event{NotStarted: &record.Failure{Detail: "permission denied", Status: 126}}),
	},
}
