package record

// MaxPoints bounds a [Timeline].
const MaxPoints = 600

// Point is used memory at a moment of the run.
type Point struct {
	AtMS int64  `json:"at_ms"` // milliseconds since the start
	Used uint64 `json:"used_bytes"`
}

// Timeline is used memory over time in at most [MaxPoints] points. When it is
// full, points are joined two by two and the higher one is kept, so the
// highest sample is always there.
type Timeline struct {
	points []Point
	every  int // samples that one point stands for
	held   int // samples in the last point
}

// Add appends a sample taken atMS milliseconds after the start.
func (t *Timeline) Add(atMS int64, used uint64) {
	if t.every == 0 {
		t.every = 1
		t.held = 1
	}
	if len(t.points) > 0 && t.held < t.every {
		t.held++
		if last := &t.points[len(t.points)-1]; used >= last.Used {
			*last = Point{atMS, used}
		}
		return
	}
	if len(t.points) == MaxPoints {
		for i := range MaxPoints / 2 {
			a, b := t.points[2*i], t.points[2*i+1]
			if a.Used > b.Used {
				b = a
			}
			t.points[i] = b
		}
		t.points = t.points[:MaxPoints/2]
		t.every *= 2
	}
	t.points = append(t.points, Point{atMS, used})
	t.held = 1
}

// Points are the points in the order of time.
func (t *Timeline) Points() []Point { return t.points }
