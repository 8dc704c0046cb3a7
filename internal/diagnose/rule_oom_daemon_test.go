package diagnose

import "github.com/org/oom143-action/internal/record"

func withEarlyoom(r *run) *run {
	return r.with(func(s *record.Start) {
		s.Daemons = []record.Daemon{{Name: "earlyoom", PID: 30, TermPercent: 10, KillPercent: 5}}
	})
}

var oomDaemonCases = []testCase{
	{
		name: "journal of earlyoom", cause: OOMDaemon, oom: true, certainty: Certain, running: test70, victims: "100 true " + test70,
		headline: "earlyoom killed python3 (13.0 GB) because memory was running out (300 MB available)",
		run: withEarlyoom(service()).calm().at(50).test(test70, 100).at(60).full().
			at(60.1).daemonKill(record.Kill{PID: 100, Command: "python3", RSS: 13 * gb, Daemon: "earlyoom", Ours: true, Detail: "sending SIGTERM to process 100"}).dies("SIGTERM", 13*gb),
	},
	{
		name: "systemd-oomd killed the cgroup, the record breaks off", cause: OOMDaemon, oom: true, certainty: Certain, early: true, victims: "100 true",
		run: service().calm().at(60).full().at(60.1).daemonKill(record.Kill{PID: 100, Command: "python3", Daemon: "systemd-oomd", Ours: true}),
	},
	{
		name: "earlyoom runs, memory below its threshold", cause: OOMDaemon, oom: true, certainty: Likely, victims: "100 true",
		run: withEarlyoom(service()).calm().at(60).used(13*gb, 14*gb, 15_300*mb).at(60.1).dies("SIGTERM", 13*gb),
	},
	{
		name: "earlyoom signalled oom143 itself", cause: OOMDaemon, oom: true, certainty: Certain, victims: "100 true",
		run: withEarlyoom(service()).calm().at(60).used(13*gb, 14*gb, 15_300*mb).
			at(60.1).signal("SIGTERM", &record.Sender{Kind: record.FromOther, PID: 30, Command: "earlyoom"}).at(60.2).dies("SIGTERM", 13*gb),
	},
	{
		name: "earlyoom runs, but memory is free", cause: Killed, certainty: Certain,
		run: withEarlyoom(service()).calm().at(60).calm().at(60.1).dies("SIGTERM", gb),
	},
	{
		name: "earlyoom runs, but somebody else stopped the run", cause: RunnerShutdown, certainty: Certain,
		run: withEarlyoom(service()).calm().at(60).used(13*gb, 14*gb, 15_300*mb).at(60.1).signal("SIGTERM", systemd).at(60.2).dies("SIGTERM", gb),
	},
	{
		name: "earlyoom killed somebody else", cause: TestsFailed, certainty: Certain,
		run: withEarlyoom(service()).calm().at(50).daemonKill(record.Kill{PID: 9, Command: "java", RSS: 5 * gb, Daemon: "earlyoom"}).at(60).ends(1),
	},
	{
		name: "a test stops a server of its own while memory is short", cause: TestsFailed, certainty: Certain,
		run: withEarlyoom(service()).calm().at(10).used(13*gb, 14*gb, 15_300*mb).at(10.1).child(150, "server", "SIGTERM", mb).at(60).calm().ends(1),
	},
}
