package kernel

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// records splits a file of kernel log records: lines that begin with a blank
// belong to the record before.
func records(t testing.TB, name string) [][]byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for line := range bytes.Lines(b) {
		if n := len(all); line[0] == ' ' && n > 0 {
			all[n-1] = append(all[n-1], line...)
			continue
		}
		all = append(all, bytes.Clone(line))
	}
	return all
}

func scanRecords(t testing.TB, records [][]byte) []OOMKill {
	t.Helper()
	var s OOMScanner
	var kills []OOMKill
	for _, record := range records {
		r, err := ParseKmsg(record)
		if err != nil {
			t.Fatalf("%q: %v", record, err)
		}
		if k, ok := s.Record(r); ok {
			kills = append(kills, k)
		}
	}
	return kills
}

// Recorded on Linux 6.18: the kill of a process that calls itself
// "a) b,pid=7\nc", and after it two records that user space wrote, one with
// the words of a kill and the priority of the kernel.
func TestRecordedKill(t *testing.T) {
	got := scanRecords(t, records(t, "memcg-oom.kmsg"))
	want := []OOMKill{{
		PID: 15561, Comm: "a) b,pid=7\nc", UID: 0,
		TotalVM: 42444 << 10, AnonRSS: 32512 << 10, FileRSS: 6808 << 10, RSS: (32512 + 6808) << 10,
		Constraint: ConstraintMemcg, LimitCgroup: "/oom143-recording", TaskCgroup: "/oom143-recording/tests",
		Invoker: "a) b,pid=7\nc",
		Detail: `Memory cgroup out of memory: Killed process 15561 (a) b,pid=7\x0ac) total-vm:42444kB, anon-rss:32512kB, ` +
			`file-rss:6808kB, shmem-rss:0kB, UID:0 pgtables:116kB oom_score_adj:0`,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kills (-want +got):\n%s", diff)
	}
}

const sizes = " total-vm:100kB, anon-rss:20kB, file-rss:3kB, shmem-rss:1kB, UID:1000 pgtables:5kB oom_score_adj:600"

func summary(what string) string {
	return "oom-kill:constraint=CONSTRAINT_" + what
}

func memcgSummary(limit, group, comm string, pid int) string {
	return summary(fmt.Sprintf("MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=%s,task_memcg=%s,task=%s,pid=%d,uid=1000", limit, group, comm, pid))
}

func TestOOMScanner(t *testing.T) {
	memcg := func(pid int, comm, limit, group string) OOMKill {
		return OOMKill{PID: pid, Comm: comm, UID: 1000, Constraint: ConstraintMemcg, LimitCgroup: limit, TaskCgroup: group}
	}
	global := func(pid int, comm, group string) OOMKill {
		return OOMKill{PID: pid, Comm: comm, UID: 1000, Constraint: ConstraintNone, Global: true, TaskCgroup: group}
	}
	by := func(invoker string, k OOMKill) OOMKill { k.Invoker = invoker; return k }
	uid := func(n int, k OOMKill) OOMKill { k.UID = n; return k }
	for _, test := range []struct {
		name  string
		lines []string
		want  []OOMKill
	}{
		{"whole machine, Linux 5.1 and later", []string{
			"dockerd invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=-500",
			"Mem-Info:",
			summary("NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/docker/x,task=python3,pid=70,uid=1000"),
			"Out of memory: Killed process 70 (python3)" + sizes,
			"oom_reaper: reaped process 70 (python3), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
		}, []OOMKill{by("dockerd", global(70, "python3", "/docker/x"))}},

		{"the process that allocates is killed", []string{
			"Out of memory (oom_kill_allocating_task): Killed process 70 (python3)" + sizes,
		}, []OOMKill{global(70, "python3", "")}},

		{"memory nodes of a cpuset", []string{
			summary("CPUSET,nodemask=(null),cpuset=a,mems_allowed=0,global_oom,task_memcg=/a,task=b,pid=70,uid=1000"),
			"Out of memory: Killed process 70 (b)" + sizes,
		}, []OOMKill{{PID: 70, Comm: "b", UID: 1000, Constraint: ConstraintCpuset, TaskCgroup: "/a"}}},

		{"no summary: the kernel prints ten in five seconds", []string{
			"Memory cgroup out of memory: Killed process 70 (b)" + sizes,
		}, []OOMKill{memcg(70, "b", "", "")}},

		{"Linux 5.1, without a user", []string{
			memcgSummary("/l", "/l/t", "b", 70),
			"Memory cgroup out of memory: Killed process 70 (b) total-vm:100kB, anon-rss:20kB, file-rss:3kB, shmem-rss:1kB",
		}, []OOMKill{memcg(70, "b", "/l", "/l/t")}},

		{"Linux 5.0 sums up and announces", []string{
			memcgSummary("/l", "/l/t", "b", 70),
			"Memory cgroup out of memory: Kill process 70 (b) score 900 or sacrifice child",
			"Killed process 70 (b) total-vm:100kB, anon-rss:20kB, file-rss:3kB, shmem-rss:1kB",
			"Killed process 71 (b) total-vm:100kB, anon-rss:20kB, file-rss:3kB, shmem-rss:1kB",
		}, []OOMKill{memcg(70, "b", "/l", "/l/t")}},

		{"Linux 5.0 kills a child instead", []string{
			memcgSummary("/l", "/l/t", "b", 70),
			"Memory cgroup out of memory: Kill process 70 (b) score 900 or sacrifice child",
			"Killed process 75 (child) total-vm:100kB, anon-rss:20kB, file-rss:3kB, shmem-rss:1kB",
		}, []OOMKill{memcg(75, "child", "/l", "/l/t")}},

		{"cgroup, Linux 4.x", []string{
			"node invoked oom-killer: gfp_mask=0x14000c0(GFP_KERNEL), nodemask=(null),  order=0, oom_score_adj=0",
			"Task in /docker/x/sub killed as a result of limit of /docker/x",
			"memory: usage 204800kB, limit 204800kB, failcnt 4563",
			"Memory cgroup out of memory: Kill process 70 (node) score 978 or sacrifice child",
			"Killed process 70 (node) total-vm:100kB, anon-rss:20kB, file-rss:3kB, shmem-rss:1kB",
		}, []OOMKill{by("node", uid(-1, memcg(70, "node", "/docker/x", "/docker/x/sub")))}},

		{"whole machine, Linux 4.x, a child killed", []string{
			"node invoked oom-killer: gfp_mask=0x14000c0(GFP_KERNEL), nodemask=(null),  order=0, oom_score_adj=0",
			"Out of memory: Kill process 70 (mysqld) score 60 or sacrifice child",
			"Killed process 71 (worker) total-vm:100kB, anon-rss:20kB, file-rss:3kB, shmem-rss:1kB",
		}, []OOMKill{by("node", uid(-1, global(71, "worker", "")))}},

		{"whole machine after a cgroup, Linux 4.x", []string{
			"Task in /a killed as a result of limit of /a",
			"Memory cgroup out of memory: Kill process 70 (b) score 978 or sacrifice child",
			"Killed process 70 (b) total-vm:100kB, anon-rss:20kB, file-rss:3kB, shmem-rss:1kB",
			"Out of memory: Kill process 80 (c) score 60 or sacrifice child",
			"Killed process 80 (c) total-vm:100kB, anon-rss:20kB, file-rss:3kB, shmem-rss:1kB",
		}, []OOMKill{uid(-1, memcg(70, "b", "/a", "/a")), uid(-1, global(80, "c", ""))}},

		{"Linux 3.10", []string{
			"Task in /a killed as a result of limit of /a",
			"Memory cgroup out of memory: Kill process 70 (java) score 854 or sacrifice child",
			"Killed process 70, UID 679, (java) total-vm:100kB, anon-rss:23kB, file-rss:1kB",
		}, []OOMKill{uid(679, memcg(70, "java", "/a", "/a"))}},

		{"two at the same time", []string{
			"a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
			"b invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
			memcgSummary("/a", "/a/t", "aa", 70),
			memcgSummary("/b", "/b/t", "bb", 80),
			"Memory cgroup out of memory: Killed process 80 (bb)" + sizes,
			"Memory cgroup out of memory: Killed process 70 (aa)" + sizes,
			"c invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
			memcgSummary("/c", "/c/t", "cc", 90),
			"Memory cgroup out of memory: Killed process 90 (cc)" + sizes,
		}, []OOMKill{memcg(80, "bb", "/b", "/b/t"), memcg(70, "aa", "/a", "/a/t"), by("c", memcg(90, "cc", "/c", "/c/t"))}},

		{"a group", []string{
			"b invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
			memcgSummary("/l", "/l/g/t", "b", 70),
			"Memory cgroup out of memory: Killed process 70 (b)" + sizes,
			"Tasks in /l/g are going to be killed due to memory.oom.group set",
			"Memory cgroup out of memory: Killed process 70 (b)" + sizes,
			"Memory cgroup out of memory: Killed process 71 (c)" + sizes,
			"Memory cgroup out of memory: Killed process 72 (d)" + sizes,
			"z invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
			"Memory cgroup out of memory: Killed process 73 (e)" + sizes,
		}, []OOMKill{
			by("b", memcg(70, "b", "/l", "/l/g/t")), by("b", memcg(71, "c", "/l", "/l/g")),
			by("b", memcg(72, "d", "/l", "/l/g")), memcg(73, "e", "", ""),
		}},

		{"names that look like the kernel's words", []string{
			memcgSummary("/l,task=x,pid=1", "/l,task=x,pid=1/t", "a,pid=7,uid=0", 70),
			"Memory cgroup out of memory: Killed process 70 (a) total-vm:9kB)" + sizes,
			memcgSummary("/l", "/l/t", ",task=b", 80),
			"Memory cgroup out of memory: Killed process 80 (,task=b)" + sizes,
			memcgSummary("/l", "/l/t", "Web Content (x)", 90),
			"Memory cgroup out of memory: Killed process 90 (Web Content (x))" + sizes,
		}, []OOMKill{
			memcg(70, "a) total-vm:9kB", "/l,task=x,pid=1", "/l,task=x,pid=1/t"),
			memcg(80, ",task=b", "/l", "/l/t"), memcg(90, "Web Content (x)", "/l", "/l/t"),
		}},

		{"escapes", []string{
			memcgSummary(`/l\x5cx`, `/l\x5cx/t`, `\xff\x0a`, 70),
			`Memory cgroup out of memory: Killed process 70 (\xff\x0a)` + sizes,
		}, []OOMKill{memcg(70, "\uFFFD\n", `/l\x`, `/l\x/t`)}},

		{"a summary that was cut off", []string{
			"b invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
			summary("MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/l,task_memcg=/l/t,task=b,pid=7"),
			"Memory cgroup out of memory: Killed process 70 (b)" + sizes,
			"Memory cgroup out of memory: Killed process 71 (b)" + sizes,
		}, []OOMKill{by("b", memcg(70, "b", "/l", "/l/t")), memcg(71, "b", "", "")}},

		{"a cut-off summary of another kind", []string{
			summary("NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_mem"),
			"Memory cgroup out of memory: Killed process 70 (b)" + sizes,
		}, []OOMKill{memcg(70, "b", "", "")}},

		{"a kill that was cut off", []string{
			memcgSummary("/l", "/l/t", "b c", 70),
			"Memory cgroup out of memory: Killed process 70 (b c",
		}, []OOMKill{memcg(70, "b c", "/l", "/l/t")}},

		{"cut off in its number", []string{
			memcgSummary("/l", "/l/t", "b", 70),
			"Memory cgroup out of memory: Killed process 7",
		}, nil},

		{"sizes that are none", []string{
			"Out of memory: Killed process 70 (b) total-vm:100kB, anon-rss:99999999999999999999kB, file-rss:-1kB, shmem-rss:18446744073709551615kB, UID:1000",
		}, []OOMKill{global(70, "b", "")}},

		{"nobody killed", []string{
			"a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
			memcgSummary("/l", "/l/t", "b", 70),
			"Memory cgroup out of memory: OOM victim 70 (b) is already exiting. Skip killing the task",
			"Out of memory and no killable processes...",
			"Memory cgroup out of memory: Kill process 70 (b) score 900 or sacrifice child",
		}, nil},

		{"words that are not the OOM killer's", []string{
			"Killed process 70 (b) total-vm:100kB, anon-rss:20kB, file-rss:3kB, shmem-rss:1kB",
			"audit: Out of memory: Killed process 70 (b)" + sizes,
			"out of memory: Killed process 70 (b)" + sizes,
			"Out of memory: Killed process -1 (b)" + sizes,
			"Out of memory: Killed process 0 (b)" + sizes,
			"Out of memory: Killed process x (b)" + sizes,
			"oom_reaper: reaped process 70 (b), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
			"oom_reaper: unable to reap pid:70 (b)",
			"Tasks in / are going to be killed due to memory.oom.group set",
			"", " ", "oom-kill:", "Task in ", "oom-kill:constraint=",
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s OOMScanner
			var got []OOMKill
			for i, line := range test.lines {
				r, err := ParseKmsg(fmt.Appendf(nil, "4,%d,1000,-;%s\n SUBSYSTEM=x\n", i, line))
				if err != nil {
					t.Fatal(err)
				}
				if k, ok := s.Record(r); ok {
					if want := unsized(line); want > 0 && k.RSS != want || !strings.HasPrefix(line, k.Detail) {
						t.Errorf("RSS %d and detail %q, want %d and the line", k.RSS, k.Detail, want)
					}
					k.TotalVM, k.AnonRSS, k.FileRSS, k.ShmemRSS, k.RSS, k.Detail = 0, 0, 0, 0, 0, ""
					got = append(got, k)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("kills (-want +got):\n%s", diff)
			}
		})
	}
}

// unsized gives what the RSS of a well-formed line of these tests adds up to.
func unsized(line string) uint64 {
	if strings.Contains(line, "anon-rss:2") {
		return 24 << 10
	}
	return 0
}

func TestOOMScannerFragments(t *testing.T) {
	const killed = "3,9,1,-;Memory cgroup out of memory: Killed process 70 (b) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0"
	feed := func(records ...string) []OOMKill {
		var all [][]byte
		for _, r := range append(records, killed) {
			all = append(all, []byte(r))
		}
		return scanRecords(t, all)
	}
	const start = "6,1,1,-,caller=T5;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null)"
	for _, test := range []struct {
		name        string
		records     []string
		limit, task string
	}{
		{"in three parts", []string{
			"4,0,1,-,caller=T5;b invoked oom-killer: gfp_mask=0x0, order=0, oom_score_adj=0", start,
			"6,2,1,c,caller=T5;,cpuset=/,mems_allowed=0,oom_memcg=/l,task_memcg=/l/t",
			"6,3,1,c,caller=T5;,task=b,pid=70,uid=0",
		}, "/l", "/l/t"},
		{"the rest is another's", []string{start, "6,2,1,c,caller=T6;,oom_memcg=/x,task_memcg=/x,task=b,pid=70,uid=0"}, "", ""},
		{"the rest is missing", []string{start}, "", ""},
		{"the rest of Linux 4.x", []string{
			"6,1,1,c;Task in /l/t", "6,2,1,+; killed as a result of limit of ", "6,3,1,+;/l",
			"3,4,1,-;Memory cgroup out of memory: Kill process 70 (b) score 1 or sacrifice child",
		}, "/l", "/l/t"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := feed(test.records...)
			if len(got) != 1 || got[0].LimitCgroup != test.limit || got[0].TaskCgroup != test.task {
				t.Errorf("kills = %+v, want one with %q and %q", got, test.limit, test.task)
			}
			if test.name == "in three parts" && got[0].Invoker != "b" {
				t.Errorf("invoker = %q, want b", got[0].Invoker)
			}
		})
	}
}

func TestOOMScannerForeignRecords(t *testing.T) {
	for facility := 1; facility < 24; facility++ {
		r, err := ParseKmsg(fmt.Appendf(nil, "%d,1,1,-;Out of memory: Killed process 70 (b)%s", facility<<3|3, sizes))
		if err != nil {
			t.Fatal(err)
		}
		if k, ok := new(OOMScanner).Record(r); ok {
			t.Errorf("facility %d: a kill was taken for the kernel's: %+v", facility, k)
		}
	}
}

func TestOOMScannerLost(t *testing.T) {
	var s OOMScanner
	s.Line(memcgSummary("/l", "/l/t", "b", 70))
	s.Lost()
	k, ok := s.Line("Memory cgroup out of memory: Killed process 70 (b)" + sizes)
	if !ok || k.LimitCgroup != "" {
		t.Errorf("after a gap: %+v, %t; want a kill without a cgroup", k, ok)
	}
}

func TestOOMScannerIsBounded(t *testing.T) {
	var s OOMScanner
	for i := range 10_000 {
		s.Line(memcgSummary("/l", "/l/t", "b", i+1))
	}
	if len(s.pending) != maxPending || cap(s.pending) > 4*maxPending {
		t.Errorf("%d situations are kept in room for %d", len(s.pending), cap(s.pending))
	}
	r := KmsgRecord{Fragment: true, Text: summaryStart + strings.Repeat("x", 1000)}
	for range 1000 {
		s.Record(r)
	}
	if len(s.begun) > maxBegun {
		t.Errorf("%d bytes of fragments are kept", len(s.begun))
	}
}

func TestOOMScannerLines(t *testing.T) {
	const killed = "Out of memory: Killed process 70 (b)" + sizes
	for _, test := range []struct {
		line string
		want bool
	}{
		{killed, true},
		{"[ 5321.925898] " + killed, true},
		{"[5321.925898] [T15561] " + killed, true},
		{"[ 5321.925898][T15561] " + killed + "\r\n", true},
		{"[Mon Nov 24 01:33:12 2025] " + killed, true},
		{"kern  :err   : [ 5321.925898] " + killed, true},
		{"kern  :err   : [Mon Nov 24 01:33:12 2025] " + killed, true},
		{"Nov 24 01:33:12 host kernel: " + killed, true},
		{"Nov 24 01:33:12 host kernel: [ 5321.925898] " + killed, true},
		{"2025-11-24T01:33:12+0000 host kernel: " + killed, true},
		{"user  :err   : [ 5321.925898] " + killed, false},
		{"Nov 24 01:33:12 host leak.test[70]: " + killed, false},
		{"Nov 24 01:33:12 host leak.test[70]: kernel: " + killed, false},
		{"Nov 24 01:33:12 host kernel[70]: " + killed, false},
		{"    c) " + killed, false},
		{"[not a time] " + killed, false},
		{"    leak_test.go:12: " + killed, false},
		{"=== RUN kernel: " + killed, false},
	} {
		if _, ok := new(OOMScanner).Line(test.line); ok != test.want {
			t.Errorf("Line(%q) = %t, want %t", test.line, ok, test.want)
		}
	}
}

func TestParseKmsg(t *testing.T) {
	for _, test := range []struct {
		record string
		want   KmsgRecord
		bad    bool
	}{
		{record: "7,160,424069,-;pci_root: window\n SUBSYSTEM=acpi\n DEVICE=+acpi:PNP0A03:00\n",
			want: KmsgRecord{Priority: 7, Sequence: 160, Time: 424069, Text: "pci_root: window"}},
		{record: "30,340,5690716,-;udevd[80]: starting; really\n",
			want: KmsgRecord{Facility: 3, Priority: 6, Sequence: 340, Time: 5690716, Text: "udevd[80]: starting; really"}},
		{record: "6,1,2,c,caller=T12,new=1;rest", want: KmsgRecord{Priority: 6, Sequence: 1, Time: 2, Fragment: true, Caller: "T12", Text: "rest"}},
		{record: "6,1,2;without flags", want: KmsgRecord{Priority: 6, Sequence: 1, Time: 2, Text: "without flags"}},
		{record: "6,18446744073709551615,2,-;", want: KmsgRecord{Priority: 6, Sequence: 1<<64 - 1, Time: 2}},
		{record: "", bad: true},
		{record: "6,1,2,-", bad: true},
		{record: "6,1;x", bad: true},
		{record: "-6,1,2,-;x", bad: true},
		{record: "x,1,2,-;x", bad: true},
		{record: "2048,1,2,-;x", bad: true},
	} {
		got, err := ParseKmsg([]byte(test.record))
		if (err != nil) != test.bad {
			t.Errorf("ParseKmsg(%q): %v", test.record, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("ParseKmsg(%q) (-want +got):\n%s", test.record, diff)
		}
	}
}
