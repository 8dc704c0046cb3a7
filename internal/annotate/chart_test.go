package annotate

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChart(t *testing.T) {
	rep := cgroupOOM().report()
	got := chart(rep)
	lines := regexp.MustCompile(`(?m)^    line \[(.*)\]$`).FindAllStringSubmatch(got, -1)
	if len(lines) != 4 {
		t.Fatalf("%d lines in\n%s", len(lines), got)
	}
	values := make([][]float64, len(lines))
	for i, l := range lines {
		for _, v := range strings.Split(l[1], ", ") {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil {
				t.Fatal(err)
			}
			values[i] = append(values[i], f)
		}
	}
	peak, used, test, limit := values[0], values[1], values[2], values[3]
	if len(peak) != chartPoints || len(used) != chartPoints || len(test) != chartPoints || len(limit) != 2 {
		t.Errorf("%d, %d, %d and %d points", len(peak), len(used), len(test), len(limit))
	}
	if limit[0] != 537 || limit[1] != 537 {
		t.Errorf("limit %v", limit)
	}
	if last := chartPoints - 1; peak[last] != used[last] || peak[last-1] != 0 || test[last] != used[last] {
		t.Errorf("the end: peak %v, test %v, used %v", peak[last-1:], test[last-1:], used[last-1:])
	}
	// The test ran for the last 6.31 of 81 seconds.
	from := 0
	for test[from] == 0 {
		from++
	}
	if want := slot(81000-6310, 81000); from != want || test[from] != used[from] {
		t.Errorf("the test starts at %d, want %d", from, want)
	}
	if !strings.Contains(got, grey+", "+blue+", "+orange+", "+red) {
		t.Errorf("colours of\n%s", got)
	}
	for _, line := range strings.Split(got, "\n") {
		if strings.Contains(line, "test_") {
			t.Errorf("data in the chart: %q", line)
		}
	}
}

func TestChartWithoutTest(t *testing.T) {
	got := chart(runnerShutdown().report())
	if strings.Count(got, "    line [") != 3 || !strings.Contains(got, `"`+grey+", "+blue+", "+red+`"`) {
		t.Errorf("got\n%s", got)
	}
}

func TestTooLittleToDraw(t *testing.T) {
	for _, m := range []*Memory{nil, {}, {Timeline: []Point{{5, 5}}}, {Timeline: []Point{{0, 5}, {0, 6}}}, {Timeline: []Point{{-2, 5}, {-1, 6}}}} {
		if got := chart(&Report{Memory: m}); got != "" {
			t.Errorf("%+v: %s", m, got)
		}
	}
}

func TestResample(t *testing.T) {
	got := resample([]Point{{10, 4}, {500, 9}, {501, 2}, {1000, 3}}, 1000)
	want := make([]float64, chartPoints)
	for i := range want {
		switch {
		case i < slot(500, 1000):
			want[i] = 4
		case i < chartPoints-1:
			want[i] = 9
		default:
			want[i] = 3
		}
	}
	if slot(501, 1000) != slot(500, 1000) {
		want[slot(501, 1000)] = 2
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzAxisEnd: no point falls off the chart, and the axis is not longer than
// the run by more than can be seen.
func FuzzAxisEnd(f *testing.F) {
	for _, ms := range []uint32{1, 7, 250, 9000, 81000, 180_001, 420_000, 86_400_000} {
		f.Add(ms)
	}
	f.Fuzz(func(t *testing.T, ms uint32) {
		if ms == 0 {
			return
		}
		end := float64(ms) / 1e3
		got, err := strconv.ParseFloat(axisEnd(end), 64)
		if err != nil || got <= 0 || math.Abs(got-end) > 0.02 {
			t.Fatalf("axisEnd(%v) = %v, %v", end, got, err)
		}
		points := 0
		for at := 0.0; at <= got; at += got / (chartPoints - 1) {
			points++
		}
		if points < chartPoints {
			t.Fatalf("%d points up to %v", points, got)
		}
	})
}
