package record

import (
	"math/rand/v2"
	"testing"
)

func TestTimeline(t *testing.T) {
	for _, n := range []int{0, 1, 2, MaxPoints - 1, MaxPoints, MaxPoints + 1, 2*MaxPoints + 1, 100_000} {
		random := rand.New(rand.NewPCG(1, uint64(n)))
		var line Timeline
		var highest Point
		for i := range n {
			p := Point{int64(i) * 50, random.Uint64N(1 << 40)}
			if p.Used > highest.Used {
				highest = p
			}
			line.Add(p.AtMS, p.Used)
		}
		points := line.Points()
		if len(points) > MaxPoints || n <= MaxPoints && len(points) != n {
			t.Errorf("%d samples: %d points", n, len(points))
		}
		if n > MaxPoints && len(points) < MaxPoints/2 {
			t.Errorf("%d samples: only %d points", n, len(points))
		}
		found := n == 0
		for i, p := range points {
			if p == highest {
				found = true
			}
			if i > 0 && points[i-1].AtMS >= p.AtMS {
				t.Errorf("%d samples: point %d at %d ms is not after %d ms", n, i, p.AtMS, points[i-1].AtMS)
			}
		}
		if !found {
			t.Errorf("%d samples: the highest, %v, is not among the points", n, highest)
		}
	}
}

func TestTimelineKeepsTheHighestWhereverItStands(t *testing.T) {
	const n = 5000
	for peak := 0; peak < n; peak += 7 {
		var line Timeline
		for i := range n {
			used := uint64(10)
			if i == peak {
				used = 99
			}
			line.Add(int64(i), used)
		}
		found := false
		for _, p := range line.Points() {
			found = found || p == Point{int64(peak), 99}
		}
		if !found {
			t.Fatalf("a peak at sample %d of %d was lost", peak, n)
		}
	}
}
