package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/oom143-action/internal/record"
)

func TestRunningTests(t *testing.T) {
	// dying is a container in which process 200 is killed for memory at 60 s.
	dying := func(r *run) *run {
		return r.at(60).used(6900*mb, 6950*mb, 9*gb).at(60.1).child(200, "node", "SIGKILL", 5*gb).counters(oomAndKill, onlyKill).at(61).ends(1)
	}
	for _, c := range []struct {
		name string
		run  *run
		want []RunningTest
	}{
		{
			"the test in the killed process is the likeliest, whatever grew",
			dying(container(7*gb).at(1).used(gb, gb, 3*gb).test("grew", 201).at(50).used(4*gb, 4*gb, 6*gb).
				apply(record.Event{Test: &record.Test{Action: record.TestStart, ID: "killed", PID: 200, Source: "plugin", RSS: gb, File: "a.js", Line: 3}})),
			[]RunningTest{
				{ID: "killed", File: "a.js", Line: 3, PID: 200, RunningMS: 10_100, Growth: int64(4 * gb), Source: "plugin", Certainty: Certain},
				{ID: "grew", PID: 201, RunningMS: 59_100, Growth: int64(5950 * mb), Source: "plugin", Certainty: Likely, Framework: "pytest"},
			},
		},
		{
			"two tests in the killed process: neither is certain",
			dying(container(7*gb).at(1).used(gb, gb, 3*gb).test("a", 200).at(50).used(3*gb, 3*gb, 6*gb).test("b", 200)),
			[]RunningTest{
				{ID: "a", PID: 200, RunningMS: 59_100, Growth: int64(5950 * mb), Source: "plugin", Certainty: Likely, Framework: "pytest"},
				{ID: "b", PID: 200, RunningMS: 10_100, Growth: int64(3950 * mb), Source: "plugin", Certainty: Likely, Framework: "pytest"},
			},
		},
		{
			"the output names a test, no process",
			dying(container(7*gb).at(1).used(gb, gb, 3*gb).printed("a")),
			[]RunningTest{{ID: "a", RunningMS: 59_100, Growth: int64(5950 * mb), Source: "output", Certainty: Likely, Framework: "pytest"}},
		},
		{
			"without growth the first that started comes first",
			container(7*gb).at(1).test("a", 201).at(2).test("b", 202).at(3).ends(1),
			[]RunningTest{
				{ID: "a", PID: 201, RunningMS: 2000, Source: "plugin", Certainty: Certain, Framework: "pytest"},
				{ID: "b", PID: 202, RunningMS: 1000, Source: "plugin", Certainty: Certain, Framework: "pytest"},
			},
		},
		{
			"a test that only the words about the death name, with its place",
			container(7*gb).calm().at(1).apply(record.Event{Located: &record.Located{ID: test70, File: "tests/test_a.py", Line: 12}}).
				at(60).used(6900*mb, 6950*mb, 9*gb).at(60.1).child(200, "python3", "SIGKILL", 5*gb).counters(oomAndKill, onlyKill).says(killedWords).at(90).ends(1),
			[]RunningTest{{ID: test70, File: "tests/test_a.py", Line: 12, Source: "output", Certainty: Likely}},
		},
		{
			"tests that began after the kill are not blamed",
			container(7*gb).calm().at(1).test("killed", 200).at(60).used(6900*mb, 6950*mb, 9*gb).at(60.1).child(200, "python3", "SIGKILL", 5*gb).
				counters(oomAndKill, onlyKill).at(62).test("later", 201).at(63).ends(1),
			[]RunningTest{{ID: "killed", PID: 200, RunningMS: 59_100, Growth: int64(6050 * mb), Source: "plugin", Certainty: Certain, Framework: "pytest"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := Diagnose(&c.run.rec)
			if diff := cmp.Diff(c.want, v.Running); diff != "" {
				t.Errorf("running tests differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPhaseOnlyWithoutATest(t *testing.T) {
	r := service().calm().phase("collection").at(2).dies("SIGKILL", gb)
	if v := Diagnose(&r.rec); v.Phase != "collection" || len(v.Running) > 0 {
		t.Errorf("phase %q, running %v", v.Phase, v.Running)
	}
	r = service().calm().phase("collection").at(1).test("a", 100).at(2).dies("SIGKILL", gb)
	if v := Diagnose(&r.rec); v.Phase != "" || len(v.Running) != 1 {
		t.Errorf("phase %q, running %v", v.Phase, v.Running)
	}
}

func TestFrameworkTally(t *testing.T) {
	wrong := map[string]bool{
		"worker killed long ago, framework reported it": true,
		"jest tells of a killed worker":                 true,
		"a worker died of what is not known":            true,
		"passed after a worker was killed for memory":   true,
		"worker crashed, told by jest":                  true,
		"scope made by --contain, two more killed":      true,
		"kill of a child of the test's process":         true,
		"container limit, command killed":               false,
		"bash tells of the victim":                      false,
		"compiler killed during the build":              false,
		"tests fail":                                    false,
		"hidden victim, shell passes 137 on":            false,
	}
	for _, cases := range allCases {
		for _, c := range cases {
			want, listed := wrong[c.name]
			if got := Diagnose(&c.run.rec).FrameworkTallyWrong; listed && got != want {
				t.Errorf("%s: tally wrong %v, want %v", c.name, got, want)
			}
			delete(wrong, c.name)
		}
	}
	for name := range wrong {
		t.Errorf("no case is called %q", name)
	}
}

func TestFit(t *testing.T) {
	passed := func(used uint64) *run { return container(16*gb).used(used, used, used).at(5).ends(0) }
	for _, c := range []struct {
		name string
		run  *run
		want FitKind
	}{
		{"small", passed(2 * gb), FitYes},
		{"5.3 GB and the system's 1 GB", passed(5300 * mb), FitYes},
		{"within a tenth", passed(5301 * mb), FitTight},
		{"just", passed(6 * gb), FitTight},
		{"too large", passed(6001 * mb), FitNo},
		{"died too large", container(16*gb).used(9*gb, 9*gb, 9*gb).at(5).dies("SIGKILL", gb), FitNo},
		{"died small", container(16*gb).used(2*gb, 2*gb, 9*gb).at(5).dies("SIGKILL", gb), FitUnknown},
		{"failed by itself", container(16*gb).used(2*gb, 2*gb, 9*gb).at(5).ends(1), FitYes},
		{"the limit was reached between two samples", container(7*gb).used(gb, gb, 9*gb).at(5).counters(oomAndKill, onlyKill).dies("SIGKILL", 0), FitNo},
		{"others' memory does not count", service().used(2*gb, 9*gb, 12*gb).at(5).ends(0), FitYes},
		{"not measured", newRun().at(5).ends(0), FitUnknown},
	} {
		if got := Diagnose(&c.run.rec).Fit; got.Kind != c.want {
			t.Errorf("%s: %s (%s), want %s", c.name, got.Kind, got.Sentence, c.want)
		}
	}
}

func TestLongNamesAreCut(t *testing.T) {
	id := "tests/a.py::test[" + strings.Repeat("a\n", 5000) + "]"
	r := container(7*gb).calm().at(1).test(id, 100).at(60).used(6900*mb, 6950*mb, 9*gb).at(60.1).counters(oomAndKill, onlyKill).dies("SIGKILL", 6*gb)
	v := Diagnose(&r.rec)
	checkForm(t, v)
	if v.Running[0].ID != id {
		t.Error("the id itself must stay whole")
	}
}

// What a plugin has told is not told again, less exactly, by the words about a
// worker's death.
func TestPluginBeforeWords(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var r record.Record
	for _, e := range []record.Event{
		{Start: &record.Start{Version: 1, Argv: []string{"go", "test", "./..."}, StartedAt: at,
			Levels: []record.Level{{Kind: record.CgroupLevel, Path: "/x", Limit: 400 << 20, Exclusive: true, Own: true}}}},
		{Spawned: &record.Spawned{PID: 100}},
		{Test: &record.Test{Action: record.TestStart, ID: "example.com/p.TestA", Framework: "go test", Source: "plugin", PID: 200}},
		{Counters: &record.Counters{Levels: []record.LevelCounters{{OOMKill: 1, Max: 9}}}},
		{Exit: &record.Exit{PID: 200, Command: "p.test", Signal: "SIGKILL", Source: record.ByPidfd}},
		{Message: &record.Message{Kind: record.WorkerKilled, Runtime: "go test", Text: "signal: killed", Signal: "SIGKILL", Test: "example.com/p"}},
		{Exit: &record.Exit{PID: 100, Command: "go", Main: true, Code: 1, Source: record.ByWait}},
		{End: &record.End{Code: 1}},
	} {
		at = at.Add(10 * time.Millisecond)
		e.Time = at
		r.Apply(e)
	}
	d := Diagnose(&r)
	if len(d.Running) != 1 || d.Running[0].ID != "example.com/p.TestA" {
		t.Errorf("running %+v, want example.com/p.TestA alone", d.Running)
	}
	if len(d.Victims) != 1 || d.Victims[0].Test != "example.com/p.TestA" {
		t.Errorf("victims %+v, want one with example.com/p.TestA", d.Victims)
	}
}
