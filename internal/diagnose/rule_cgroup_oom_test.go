package diagnose

import "github.com/org/oom143-action/internal/record"

var cgroupOOMCases = []testCase{
	{
		name: "container limit, command killed", cause: CgroupOOM, oom: true, certainty: Likely, running: test70, victims: "100 true " + test70,
		headline: "The kernel killed python3 (6.8 GB) because the container reached its memory limit of 7.0 GB, while tests/test_a.py::test_70 was running.",
		run: container(7*gb).calm().at(80).test(test70, 100).at(81).used(6900*mb, 6990*mb, 9*gb).
			at(81.2).counters(oomAndKill, onlyKill).dies("SIGKILL", 6800*mb),
	},
	{
		name: "container limit on v1", cause: CgroupOOM, oom: true, certainty: Likely, running: test70, victims: "100 true " + test70,
		headline: "reached its memory limit of 300 MB",
		run: containerV1(300*mb).at(1).used(90*mb, 100*mb, 3*gb).test(test70, 100).at(2).used(280*mb, 299*mb, 3*gb).
			at(2.1).dies("SIGKILL", 290*mb).at(2.2).counters(record.LevelCounters{OOMKill: 1, Max: 40}, onlyKill),
	},
	{
		name: "container limit on v1, failcnt unmoved", cause: CgroupOOM, oom: true, certainty: Likely, running: test70, victims: "100 true " + test70,
		headline: "reached its memory limit of 300 MB",
		run: containerV1(300*mb).at(1).used(90*mb, 100*mb, 3*gb).test(test70, 100).at(2).used(200*mb, 210*mb, 3*gb).
			at(2.1).dies("SIGKILL", 290*mb).at(2.2).counters(record.LevelCounters{OOMKill: 1, Peak: 299 * mb}, onlyKill),
	},
	{
		name: "kernel log names the constraint", cause: CgroupOOM, oom: true, certainty: Certain, running: test70, victims: "100 true " + test70,
		headline: "the cgroup /user.slice/a.scope reached its memory limit",
		run: newRun(record.Level{Kind: record.CgroupLevel, Path: "/user.slice/a.scope", Limit: 2 * gb, Own: true}, wholeMachine).
			calm().at(5).test(test70, 100).at(9).
			kernelKill(record.Kill{PID: 100, Command: "python3", RSS: 1900 * mb, Constraint: record.MemcgConstraint, LimitCgroup: "/user.slice/a.scope",
				TaskCgroup: "/user.slice/a.scope", Ours: true, Detail: "Memory cgroup out of memory: Killed process 100 (python3)"}).
			at(9.1).dies("SIGKILL", 0),
	},
	{
		name: "scope made by --contain, two more killed", cause: CgroupOOM, oom: true, certainty: Likely,
		running: "tests/b.py::b tests/a.py::a", victims: "201 true tests/b.py::b; 202 true; 203 true",
		headline: "The kernel killed node (3.1 GB) and 2 more processes because the command reached its memory limit",
		run: scope(6*gb).calm().at(3).test("tests/a.py::a", 100).test("tests/b.py::b", 201).at(60).used(5900*mb, 5990*mb, 8*gb).
			at(60.1).child(201, "node b", "SIGKILL", 3100*mb).child(202, "node c", "SIGKILL", 1000*mb).child(203, "node d", "SIGKILL", 900*mb).
			counters(record.LevelCounters{OOM: 1, OOMKill: 3, OOMGroupKill: 1}, record.LevelCounters{OOMKill: 3}).at(61).ends(1),
	},
	{
		name: "pod limit above the container", cause: CgroupOOM, oom: true, certainty: Likely, victims: "100 true",
		headline: "the cgroup /kubepods/pod1 reached its memory limit of 4.0 GB",
		run: pod(4*gb).calm().at(9).used(3*gb, 3*gb, 3900*mb, 9*gb).
			at(9.1).counters(onlyKill, oomAndKill, onlyKill).dies("SIGKILL", 2900*mb),
	},
	{
		name: "pod limit that cannot be seen", cause: CgroupOOM, oom: true, certainty: Likely, victims: "100 true",
		headline: "the memory limit of a cgroup that oom143 cannot see was reached",
		run:      container(0).calm().at(9).calm().at(9.1).counters(onlyKill, onlyKill).dies("SIGKILL", 2900*mb),
	},
	{
		name: "hidden victim, shell passes 137 on", cause: CgroupOOM, oom: true, certainty: Likely, running: test70, victims: "140 true",
		headline: "most likely python3 (6.5 GB),",
		run: container(7*gb).argv("bash", "-e", "step.sh").calm().at(5).printed(test70).at(30).used(6600*mb, 6950*mb, 9*gb).
			top(record.Process{PID: 140, Parent: 100, Command: "python3 -m pytest", RSS: 6500 * mb, Ours: true}, record.Process{PID: 100, Command: "bash -e step.sh", RSS: 3 * mb, Ours: true}).
			at(30.1).counters(oomAndKill, onlyKill).at(30.3).ends(137),
	},
	{
		name: "bash tells of the victim", cause: CgroupOOM, oom: true, certainty: Likely, running: test70, victims: "140 true " + test70,
		run: container(7*gb).argv("bash", "-e", "step.sh").calm().at(5).test(test70, 140).at(30).used(6600*mb, 6950*mb, 9*gb).
			at(30.1).counters(oomAndKill, onlyKill).
			at(30.2).says(record.Message{Kind: record.WorkerKilled, Runtime: "bash", Text: "step.sh: line 3: 140 Killed  pytest", PID: 140, Signal: "SIGKILL"}).
			at(30.3).ends(137),
	},
	{
		name: "worker killed long ago, framework reported it", cause: CgroupOOM, oom: true, certainty: Likely, running: test70 + " other", victims: "200 true " + test70,
		headline: "the framework went on, so its own tally of tests is wrong",
		run: container(7*gb).calm().at(1).test(test70, 200).test("other", 201).at(10).used(6900*mb, 6950*mb, 9*gb).
			at(10.1).child(200, "python3 -c worker", "SIGKILL", 6800*mb).counters(oomAndKill, onlyKill).
			at(10.2).says(killedWords).
			at(20).done("other", 201).calm().at(80).calm().at(100).ends(1),
	},
	{
		name: "compiler killed during the build", cause: CgroupOOM, oom: true, certainty: Likely, victims: "300 true",
		headline: "during the build", not: "tally",
		run: container(2*gb).argv("make", "test").calm().at(3).phase("build").at(9).used(1900*mb, 1950*mb, 4*gb).
			at(9.1).child(300, "cc1plus x.cc", "SIGKILL", 1800*mb).counters(oomAndKill, onlyKill).
			says(record.Message{Kind: record.WorkerKilled, Runtime: "gcc", Text: "g++: fatal error: Killed signal terminated program cc1plus", Signal: "SIGKILL"}).
			at(9.5).ends(2),
	},
	{
		name: "shared container, a process of ours died at that moment", cause: CgroupOOM, oom: true, certainty: Likely, victims: "100 true",
		run: shared(7*gb).calm().at(9).used(6*gb, 6900*mb, 9*gb).at(9.1).counters(oomAndKill, onlyKill).at(9.2).dies("SIGKILL", 6*gb),
	},
	{
		name: "shared container, shell passes 137 on", cause: CgroupOOM, oom: true, certainty: Possible,
		run: shared(7*gb).calm().at(9).used(6*gb, 6900*mb, 9*gb).at(9.1).counters(oomAndKill, onlyKill).at(9.2).ends(137),
	},
	{
		name: "container limit, then SIGTERM from outside", cause: CgroupOOM, oom: true, certainty: Likely, victims: "100 true",
		headline: "SIGTERM from outside the container followed",
		run: container(7*gb).calm().at(9).used(6900*mb, 6950*mb, 9*gb).at(9.1).counters(oomAndKill, onlyKill).
			exit(record.Exit{PID: 100, Main: true, Signal: "SIGKILL", Command: "python3", Source: record.ByWait, RSS: 6 * gb}).
			at(9.3).signal("SIGTERM", outside).apply(record.Event{End: &record.End{Code: 137, Signal: "SIGKILL"}}),
	},
	{
		name: "so far: killed in the container", cause: CgroupOOM, oom: true, certainty: Likely, early: true, running: test70, victims: "140 true " + test70,
		headline: "So far: the kernel killed python3",
		run: container(7*gb).calm().at(1).test(test70, 140).at(9).used(6900*mb, 6950*mb, 9*gb).at(9.1).counters(oomAndKill, onlyKill).
			child(140, "python3", "SIGKILL", 6*gb).at(9.3).signal("SIGTERM", outside),
	},
	{
		name: "memory cgroup of the command's own making", cause: CgroupOOM, oom: true, certainty: Likely, victims: "140 true",
		run: container(0).calm().at(9).calm().at(9.1).counters(oomAndKill, onlyKill).child(140, "hog", "SIGKILL", 100*mb).at(9.2).ends(1),
	},
	{
		name: "kernel log of the machine seen from a container", cause: CgroupOOM, oom: true, certainty: Certain, victims: "100 true",
		headline: "The kernel killed python3 (6.7 GB)",
		run: container(7*gb).calm().at(9).used(6900*mb, 6950*mb, 9*gb).at(9.1).counters(oomAndKill, onlyKill).
			kernelKill(record.Kill{PID: 31337, Command: "python3", RSS: 6700 * mb, Constraint: record.MemcgConstraint, LimitCgroup: "/docker/abc", TaskCgroup: "/docker/abc"}).
			dies("SIGKILL", 6*gb),
	},
	{
		name: "earlier and larger: the first of two tests in one process", cause: CgroupOOM, oom: true, certainty: Likely, running: "TestB TestA", victims: "100 true",
		run: container(2*gb).argv("./leak.test", "-test.v").calm().at(1).test("TestA", 100).used(1700*mb, 1700*mb, 3*gb).
			at(2).used(1600*mb, 200*mb, 3*gb).test("TestB", 100).at(3).used(1900*mb, 1950*mb, 3*gb).at(3.1).counters(oomAndKill, onlyKill).dies("SIGKILL", 1900*mb),
	},
	{
		name: "the hog in the container was not the victim", cause: CgroupOOM, oom: true, certainty: Likely, victims: "141 true",
		headline: "; another process of the command, java (5.0 GB), was larger and was not killed",
		run: container(7*gb).calm().at(9).used(6900*mb, 6950*mb, 9*gb).
			top(record.Process{PID: 140, Command: "java -jar x", RSS: 5 * gb, Ours: true}, record.Process{PID: 141, Command: "node", RSS: gb, Ours: true}, record.Process{PID: 5, Command: "mysqld", RSS: 9 * gb}).
			at(9.1).counters(oomAndKill, onlyKill).child(141, "node", "SIGKILL", gb).at(9.5).ends(1),
	},
}
