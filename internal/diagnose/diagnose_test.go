package diagnose

import (
	"bytes"
	stdcmp "cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/oom143-action/internal/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testCase is a run and what must be said about it. Empty strings and zero
// values are wanted as such, but for running and headline.
type testCase struct {
	name      string
	run       *run
	cause     Cause
	oom       bool
	certainty Certainty
	running   string // ids in their order; "" is none
	victims   string // "pid ours test", with ";" between
	early     bool
	headline  string // part of the headline
	not       string // words that the headline must not hold
}

// allCases are the tables of all rules.
var allCases = [][]testCase{
	notStartedCases, passedCases, cgroupOOMCases, kernelOOMCases, oomDaemonCases, heapLimitCases, timeoutCases, cancelledCases,
	memoryPressureCases, runnerShutdownCases, killedCases, crashedCases, testsFailedCases, unknownCases,
}

func TestCauses(t *testing.T) {
	seen := map[string]bool{}
	for _, cases := range allCases {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				if seen[c.name] {
					t.Fatal("two cases have this name")
				}
				seen[c.name] = true
				v := Diagnose(&c.run.rec)
				if v.Cause != c.cause || v.OOM != c.oom || v.Certainty != c.certainty || v.Early != c.early {
					t.Errorf("cause %q, oom %v, certainty %q, early %v; want %q, %v, %q, %v\n%s\n%v",
						v.Cause, v.OOM, v.Certainty, v.Early, c.cause, c.oom, c.certainty, c.early, v.Headline, v.Evidence)
				}
				var running, victims []string
				for _, r := range v.Running {
					running = append(running, r.ID)
				}
				for _, x := range v.Victims {
					victims = append(victims, strings.TrimSpace(fmt.Sprintf("%d %v %s", x.PID, x.Ours, x.Test)))
				}
				if got := strings.Join(running, " "); got != c.running {
					t.Errorf("running %q, want %q", got, c.running)
				}
				if got := strings.Join(victims, "; "); got != c.victims {
					t.Errorf("victims %q, want %q", got, c.victims)
				}
				if !strings.Contains(v.Headline, c.headline) || c.not != "" && strings.Contains(v.Headline, c.not) {
					t.Errorf("headline %q, want %q in it and not %q", v.Headline, c.headline, c.not)
				}
				checkForm(t, v)
			})
		}
	}
}

// checkForm checks what holds for every verdict.
func checkForm(t *testing.T, v Verdict) {
	t.Helper()
	sentences := []string{v.Headline, v.Fit.Sentence}
	for _, a := range v.Advice {
		sentences = append(sentences, a.Detail)
		if a.Title == "" || strings.HasSuffix(a.Title, ".") {
			t.Errorf("title of advice: %q", a.Title)
		}
	}
	if v.Warning != "" {
		sentences = append(sentences, v.Warning)
	}
	for _, s := range sentences {
		if !strings.HasSuffix(s, ".") || strings.HasSuffix(s, "..") || strings.ContainsAny(s, "\n\r!") || strings.Contains(s, "  ") || strings.Contains(s, " ,") {
			t.Errorf("not a sentence: %q", s)
		}
	}
	if n := len([]rune(v.Headline)); n > 800 {
		t.Errorf("a headline of %d characters", n)
	}
	for _, e := range v.Evidence {
		if e.Source == "" || e.Detail == "" || strings.Contains(e.Detail, "\n") {
			t.Errorf("evidence: %+v", e)
		}
	}
	switch {
	case v.Cause != Unknown && len(v.Evidence) == 0:
		t.Errorf("a cause without evidence: %+v", v)
	case (v.Certainty == "") != (v.Cause == Passed || v.Cause == Unknown):
		t.Errorf("certainty %q for %q", v.Certainty, v.Cause)
	case v.Early != (strings.Contains(v.Headline, "o far") || strings.Contains(v.Headline, "The record breaks off")) && v.Cause != Unknown:
		t.Errorf("early %v, but: %s", v.Early, v.Headline)
	}
	for _, r := range v.Running {
		if r.RunningMS < 0 || r.Certainty == "" {
			t.Errorf("running test: %+v", r)
		}
	}
}

// All that users read, case by case.
func TestHeadlines(t *testing.T) {
	var b bytes.Buffer
	for _, cases := range allCases {
		for _, c := range cases {
			v := Diagnose(&c.run.rec)
			fmt.Fprintf(&b, "# %s: %s", c.name, v.Cause)
			if v.Certainty != "" {
				fmt.Fprintf(&b, ", %s", v.Certainty)
			}
			if v.OOM {
				b.WriteString(", oom")
			}
			fmt.Fprintf(&b, "\n%s\n", v.Headline)
			if v.Warning != "" {
				fmt.Fprintf(&b, "warning: %s\n", v.Warning)
			}
			for _, e := range v.Evidence {
				clock := "--"
				if !e.Time.IsZero() {
					clock = fmt.Sprintf("%+.1f s", e.Time.Sub(t0).Seconds())
				}
				fmt.Fprintf(&b, "- %s  %s: %s\n", clock, e.Source, e.Detail)
			}
			for _, a := range v.Advice {
				fmt.Fprintf(&b, "* %s. %s\n", a.Title, a.Detail)
			}
			fmt.Fprintf(&b, "fit: %s. %s\n\n", v.Fit.Kind, v.Fit.Sentence)
		}
	}
	golden(t, "headlines.golden", b.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs, see -update (-want +got):\n%s", file, diff)
	}
}

// Every row of the table of advice is given in some case, and all its names
// are known.
func TestAdviceTable(t *testing.T) {
	given := map[string]bool{}
	for _, cases := range allCases {
		for _, c := range cases {
			verdict := Diagnose(&c.run.rec)
			for _, a := range verdict.Advice {
				given[a.Title] = true
				if strings.Contains(a.Detail, "{") && !strings.Contains(a.Detail, "test { maxHeapSize }") {
					t.Errorf("%s: a name was left in: %s", c.name, a.Detail)
				}
			}
		}
	}
	for _, row := range tips {
		if !given[row.title] {
			t.Errorf("no case is given the advice %q", row.title)
		}
	}
}

// The verdict must not depend on the order of maps, and must not change the
// record.
func TestDiagnoseIsPure(t *testing.T) {
	for _, cases := range allCases {
		for _, c := range cases {
			first := Diagnose(&c.run.rec)
			for range 3 {
				if again := Diagnose(&c.run.rec); !reflect.DeepEqual(first, again) {
					t.Errorf("%s: the second verdict differs:\n%s", c.name, cmp.Diff(first, again))
				}
			}
		}
	}
}

// A live record can be asked at any moment.
func TestDiagnoseAfterEachEvent(t *testing.T) {
	var r record.Record
	checkForm(t, Diagnose(&r))
	b := container(7 * gb)
	step := func() { checkForm(t, Diagnose(&b.rec)) }
	b.calm()
	step()
	b.at(1).test(test70, commandPID)
	step()
	b.at(2).used(6900*mb, 6900*mb, 8*gb)
	step()
	b.at(2.1).counters(oomAndKill, onlyKill)
	step()
	b.at(2.2).signal("SIGTERM", nil)
	step()
	b.dies("SIGKILL", 6800*mb)
	step()
}

// Whatever stands in a record, a verdict comes out, in its form.
func FuzzDiagnose(f *testing.F) {
	for i := range 14 {
		f.Add([]byte{byte(i), 1, byte(200 - i), 3, 9, 250, 17, byte(i * 3), 8, 8, 31, byte(i)})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 400 {
			return
		}
		r := fuzzed(data)
		v := Diagnose(&r.rec)
		checkForm(t, v)
		if v.Cause == Passed != (r.rec.End != nil && r.rec.End.Code == 0) && r.rec.NotStarted == nil && r.rec.MainExit() == nil {
			t.Errorf("cause %q for exit status %v", v.Cause, r.rec.End)
		}
	})
}

// fuzzed makes a run of bytes.
func fuzzed(data []byte) *run {
	next := func() byte {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return b
	}
	places := []func() *run{
		func() *run { return container(7 * gb) }, func() *run { return containerV1(7 * gb) }, func() *run { return shared(7 * gb) },
		func() *run { return pod(7 * gb) }, service, func() *run { return scope(7 * gb) }, bare, func() *run { return newRun() },
	}
	r := places[int(next())%len(places)]()
	names := []string{"SIGTERM", "SIGINT", "SIGKILL", "SIGSEGV", "", "SIGHUP", "SIGNONSENSE"}
	senders := []*record.Sender{nil, systemd, worker, terminal, outside, itself, someone}
	seconds := 0.0
	for len(data) > 0 {
		seconds += float64(next()) / 20
		r.at(seconds)
		n := next()
		name := names[int(n)%len(names)]
		switch next() % 14 {
		case 0:
			r.apply(record.Event{Sample: &record.Sample{Used: []uint64{uint64(n) * 70 * mb, uint64(n) * 66 * mb}, Available: uint64(n) * mb * 60, Tree: uint64(n) * mb, FullStall: uint64(seconds * 1e6)}})
		case 1:
			r.counters(record.LevelCounters{OOM: uint64(n & 1), OOMKill: uint64(n >> 4)}, record.LevelCounters{OOMKill: uint64(n >> 3)})
		case 2:
			r.signal(stdcmp.Or(name, "SIGUSR1"), senders[int(n)%len(senders)])
		case 3:
			r.child(int(n), "node x.js", name, uint64(n)*mb)
		case 4:
			r.kernelKill(record.Kill{PID: int(n), Command: "node", Ours: n&1 == 0, Constraint: []record.Constraint{"memcg", "none", "node", ""}[n%4]})
		case 5:
			r.daemonKill(record.Kill{PID: int(n), Ours: n&1 == 0})
		case 6:
			r.says(record.Message{Kind: []record.MessageKind{"heap-limit", "worker-killed", "timeout"}[n%3], Runtime: "Go", Text: "words\n", PID: int(n % 4), Signal: name, Code: int(n), Statuses: []int{int(n)}})
		case 7:
			r.test(fmt.Sprint("t", n%5), int(n%4))
		case 8:
			r.done(fmt.Sprint("t", n%5), int(n%4))
		case 9:
			r.vanished(record.Process{PID: int(n), RSS: uint64(n) * mb, Ours: n&1 == 0})
		case 10:
			r.top(record.Process{PID: int(n), Parent: int(n), RSS: uint64(n) * gb, Ours: n&1 == 0})
		case 11:
			r.apply(record.Event{Danger: &record.Danger{Level: int(n) - 100}})
		case 12:
			r.exit(record.Exit{PID: commandPID, Main: true, Code: int(n), Signal: name, Source: record.ByWait})
		case 13:
			r.apply(record.Event{End: &record.End{Code: int(n), StoppedFor: []string{"", "limit"}[n%2]}})
		}
	}
	if !r.begun {
		r.apply(record.Event{Danger: &record.Danger{}})
	}
	return r
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		bytes        uint64
		text, docker string
	}{
		{0, "0 bytes", "0m"}, {999, "999 bytes", "999"}, {5000, "5 kB", "5000"}, {512 * mb, "512 MB", "512000000"}, {999_400_000, "999 MB", "999400000"},
		{999_600_000, "1.0 GB", "999600000"}, {7 * gb, "7.0 GB", "7000000000"}, {16_800_000_000, "16.8 GB", "16800000000"}, {7 << 30, "7.5 GB", "7168m"},
		{512 << 20, "537 MB", "512m"},
	} {
		if got := size(c.bytes); got != c.text {
			t.Errorf("size(%d) = %q, want %q", c.bytes, got, c.text)
		}
		if got := DockerSize(c.bytes); got != c.docker {
			t.Errorf("DockerSize(%d) = %q, want %q", c.bytes, got, c.docker)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0.0 s", 240 * time.Millisecond: "0.2 s", 9960 * time.Millisecond: "10 s", 12 * time.Second: "12 s", 59900 * time.Millisecond: "59 s",
		192 * time.Second: "3 min 12 s", time.Hour: "1 h", 300 * time.Second: "5 min", 3723 * time.Second: "1 h 2 min", -3 * time.Second: "3.0 s",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%v) = %q, want %q", d, got, want)
		}
	}
	for command, want := range map[string]string{
		"/usr/bin/python3 -m pytest": "python3", "node": "node", "": "", "  ": "", "[pytest-xdist running] a": "[pytest-xdist running] a", "-bash": "bash", "/": "",
	} {
		if got := program(command); got != want {
			t.Errorf("program(%q) = %q, want %q", command, got, want)
		}
	}
}
