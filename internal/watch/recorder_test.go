package watch

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/org/oom143-action/internal/record"
)

// flushes gives the pauses between the growths of a run's record.
func flushes(t *testing.T, r *run, during time.Duration) (longest time.Duration, n int) {
	t.Helper()
	r.spawned()
	end := time.Now().Add(during)
	last, size := time.Now(), int64(-1)
	for time.Now().Before(end) {
		info, err := os.Stat(r.record)
		if err == nil && info.Size() != size {
			if size >= 0 {
				longest = max(longest, time.Since(last))
				n++
			}
			last, size = time.Now(), info.Size()
		}
		time.Sleep(2 * time.Millisecond)
	}
	return max(longest, time.Since(last)), n
}

// The record on disk is never older than a second.
func TestRecordIsFlushed(t *testing.T) {
	t.Parallel()
	r := watched(t, "sleep", "3").start()
	if longest, n := flushes(t, r, 2500*time.Millisecond); longest > 1300*time.Millisecond || n < 2 {
		t.Errorf("%d flushes, longest pause %v", n, longest)
	}
}

// Close to the limit it is never older than 100 ms.
func TestRecordIsFlushedNearTheLimit(t *testing.T) {
	t.Parallel()
	r := watched(t, helper(t, "allocate", "100")...)
	r.Env = append(r.Env, limitVariable+"=110000000") // what the command has taken is above 90 % of it
	r.start()
	eventually(t, 10*time.Second, "the danger line is crossed", func() bool {
		rec, err := r.tryRead()
		return err == nil && len(rec.Dangers) > 0
	})
	// The machine that runs the tests may stall for once.
	if longest, n := flushes(t, r, time.Second); n < 8 {
		t.Errorf("%d flushes in a second, longest pause %v", n, longest)
	}
}

// A record that cannot be written is told once; the state goes on.
func TestRecorderFails(t *testing.T) {
	t.Parallel()
	path := file(t, "record")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path) // for reading only
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	told := make(chan error, 10)
	r := newRecorder(f, func(err error) { told <- err })
	for range 3 {
		r.add(record.Event{Spawned: &record.Spawned{PID: 42}})
		r.flush()
	}
	select {
	case err := <-told:
		var cause *os.PathError
		if !errors.As(err, &cause) {
			t.Errorf("told %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("not told")
	}
	time.Sleep(20 * time.Millisecond)
	if len(told) > 0 {
		t.Error("told again")
	}
	r.view(func(rec *record.Record) {
		if rec.PID != 42 {
			t.Errorf("pid %d", rec.PID)
		}
	})
}

// What is on disk folds to the state that the run had.
func TestRecorderWritesWhatItFolds(t *testing.T) {
	t.Parallel()
	f, err := os.Create(file(t, "record"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := newRecorder(f, func(err error) { t.Error(err) })
	r.add(record.Event{Start: &record.Start{Version: record.Version, Argv: []string{"x"}}})
	r.add(record.Event{Spawned: &record.Spawned{PID: 7}})
	if b, _ := os.ReadFile(f.Name()); len(b) > 0 {
		t.Errorf("written before the flush: %s", b)
	}
	r.flush()
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	rec, err := record.Read(bytes.NewReader(b))
	if err != nil || rec.PID != 7 || rec.LastAt.IsZero() {
		t.Errorf("%+v, %v", rec, err)
	}
}
