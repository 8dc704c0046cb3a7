package diagnose

var unknownCases = []testCase{
	{
		name: "the record breaks off", cause: Unknown, early: true, running: test70, headline: "The record breaks off after 1 min without the command's end",
		run: service().calm().at(50).test(test70, 100).at(60).calm(),
	},
	{
		name: "the command's own process signals, so far", cause: Unknown, early: true, headline: "The command goes on after SIGTERM",
		run: service().calm().at(50).signal("SIGTERM", itself),
	},
}
