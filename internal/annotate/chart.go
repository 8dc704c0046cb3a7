package annotate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// chartPoints are enough for the mark at the peak to be an upright line in a
// chart of 760 pixels.
const chartPoints = 100

// chart draws used memory over time with Mermaid (https://mermaid.js.org,
// xychart-beta): a line for used memory and one for the limit. Mermaid draws no
// marks, and bars as wide as the distance between two labels. So the likeliest
// test and the peak are lines too: they lie on the axis, the one rises to used
// memory where the test started and stays there, the other touches it at the
// peak. It is "" where there is too little to draw.
func chart(rep *Report) string {
	m := rep.Memory
	if m == nil || len(m.Timeline) < 2 {
		return ""
	}
	end := m.Timeline[len(m.Timeline)-1].AtMS
	if end <= 0 {
		return ""
	}
	used := resample(m.Timeline, end)
	top := max(highest(used), float64(m.Limit), float64(m.Peak))
	unit, name := 1e6, "MB"
	if top >= 10e9 {
		unit, name = 1e9, "GB"
	}
	scale, time := 1e3, "seconds"
	if end > 180_000 {
		scale, time = 60e3, "minutes"
	}
	lines := []line{{grey, peakMark(used)}, {blue, used}, {orange, testMark(rep.likeliest(), used, end)}, {red, nil}}
	if m.Limit > 0 {
		lines[3].values = []float64{float64(m.Limit), float64(m.Limit)}
	}
	lines = slices.DeleteFunc(lines, func(l line) bool { return l.values == nil })
	var b strings.Builder
	b.WriteString("```mermaid\n" + theme(lines) + "xychart-beta\n")
	fmt.Fprintf(&b, "    x-axis %q 0 --> %s\n", time, axisEnd(float64(end)/scale))
	fmt.Fprintf(&b, "    y-axis %q 0 --> %s\n", "memory ("+name+")", figure(math.Ceil(top*1.05/unit)))
	for _, l := range lines {
		l.write(&b, unit)
	}
	b.WriteString("```\n")
	return b.String()
}

// line is one line of the chart.
type line struct {
	colour string
	values []float64
}

// The colours of the lines. All can be told apart on white and on black.
const (
	grey   = "#8b949e"
	blue   = "#1f6feb"
	orange = "#fb8500"
	red    = "#da3633"
)

// theme sets the chart's size in pixels and the colours of its lines in their
// order.
func theme(lines []line) string {
	var colours []string
	for _, l := range lines {
		colours = append(colours, l.colour)
	}
	return `%%{init: {"xyChart": {"width": 760, "height": 320}, "themeVariables": {"xyChart": {"plotColorPalette": "` +
		strings.Join(colours, ", ") + `"}}}}%%` + "\n"
}

// resample gives the highest used memory in each of chartPoints equal parts of
// the run; a part without a sample has the one before.
func resample(points []Point, end int64) []float64 {
	out := make([]float64, chartPoints)
	for _, p := range points {
		i := slot(p.AtMS, end)
		out[i] = max(out[i], float64(p.Used))
	}
	last := float64(points[0].Used)
	for i, v := range out {
		if v == 0 {
			out[i] = last
		}
		last = out[i]
	}
	return out
}

// slot is the part of the run that a moment lies in.
func slot(atMS, end int64) int {
	i := int(math.Round(float64(atMS) / float64(end) * (chartPoints - 1)))
	return min(max(i, 0), chartPoints-1)
}

// peakMark touches used memory where it is highest.
func peakMark(used []float64) []float64 {
	mark := make([]float64, len(used))
	at := 0
	for i, v := range used {
		if v > used[at] {
			at = i
		}
	}
	mark[at] = used[at]
	return mark
}

// testMark follows used memory from the start of a test to the end; it is nil
// without a test, or when its start is not known.
func testMark(t *RunningTest, used []float64, end int64) []float64 {
	if t == nil || t.RunningMS <= 0 {
		return nil
	}
	mark := make([]float64, len(used))
	from := slot(max(0, end-t.RunningMS), end)
	copy(mark[from:], used[from:])
	return mark
}

func highest(values []float64) float64 {
	top := 0.0
	for _, v := range values {
		top = max(top, v)
	}
	return top
}

func (l line) write(b *strings.Builder, unit float64) {
	b.WriteString("    line [")
	for i, v := range l.values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(figure(v / unit))
	}
	b.WriteString("]\n")
}

// axisEnd writes the end of the axis of time. Older versions of Mermaid add up
// steps from 0 to place the points and leave out the last one where rounding puts
// it beyond the end; so the end is moved a little until it does not.
func axisEnd(end float64) string {
	text := ""
	for range 100 {
		text = trimmed(end, 3)
		end, _ = strconv.ParseFloat(text, 64)
		step, at := end/(chartPoints-1), 0.0
		for range chartPoints - 1 {
			at += step
		}
		if at <= end {
			break
		}
		end += 0.001
	}
	return text
}

// figure writes a value with as many digits as can be seen.
func figure(v float64) string {
	if v < 100 {
		return trimmed(v, 2)
	}
	return trimmed(v, 0)
}

// trimmed writes a value with at most so many decimals.
func trimmed(v float64, decimals int) string {
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
