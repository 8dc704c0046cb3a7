package watch

import (
	"os"
	"sync"
	"time"

	"github.com/org/oom143-action/internal/record"
)

// recorder is the one place where events go: into the record on disk and
// into the state that the verdict is made from.
type recorder struct {
	mu    sync.Mutex
	state record.Record
	file  *record.Writer // nil when there is none, or it failed
	sink  *os.File
	err   error       // why the file failed
	fail  func(error) // told once
}

func newRecorder(sink *os.File, fail func(error)) *recorder {
	r := &recorder{sink: sink, fail: fail}
	if sink != nil {
		r.file = record.NewWriter(sink)
	}
	return r
}

// add records e, which is given the present time when it has none.
func (r *recorder) add(e record.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	r.state.Apply(e)
	if r.file != nil {
		r.check(r.file.Write(e))
	}
}

// flush hands the events so far to the kernel, where a SIGKILL of oom143
// cannot reach them. The error is the first that writing gave.
func (r *recorder) flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil {
		r.check(r.file.Flush())
	}
	return r.err
}

func (r *recorder) check(err error) {
	if err != nil {
		r.file, r.err = nil, err
		go r.fail(err)
	}
}

// view calls f with the state while nothing changes it.
func (r *recorder) view(f func(*record.Record)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.state)
}
