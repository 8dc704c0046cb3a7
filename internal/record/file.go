package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Writer writes events as JSON Lines. It holds at most bufferSize bytes back
// until [Writer.Flush]. It is not safe for concurrent use.
type Writer struct {
	w   io.Writer
	buf []byte
	err error
}

const bufferSize = 64 << 10

// NewWriter gives a writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write adds one event. After a failed write all further events are dropped
// and the first error is returned each time.
func (w *Writer) Write(e Event) error {
	if w.err != nil {
		return w.err
	}
	line, err := json.Marshal(e.normal())
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	w.buf = append(append(w.buf, line...), '\n')
	if len(w.buf) >= bufferSize {
		return w.Flush()
	}
	return nil
}

// Flush hands everything written so far to the kernel, in one write.
func (w *Writer) Flush() error {
	if w.err != nil || len(w.buf) == 0 {
		return w.err
	}
	_, w.err = w.w.Write(w.buf)
	w.buf = w.buf[:0]
	return w.err
}

// ErrNoStart is returned by [Read] for input that does not begin like a
// flight record.
var ErrNoStart = errors.New("not a flight record: its first line has no \"start\"")

// maxLine bounds one line of a record that is read back.
const maxLine = 4 << 20

// Read folds a record. A last line that was cut off by a kill is left out;
// a line in the middle that is no event is an error with its number.
func Read(from io.Reader) (*Record, error) {
	r := &Record{}
	in := bufio.NewReaderSize(from, bufferSize)
	started := false
	for n := 1; ; n++ {
		line, err := readLine(in)
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("record: line %d: %w", n, err)
		}
		last := err == io.EOF
		if len(bytes.TrimSpace(line)) > 0 {
			e, err := parse(line, !started)
			var cut *json.SyntaxError
			switch {
			case err == nil:
				started = true
				r.Apply(e)
			case err == ErrNoStart:
				return nil, err
			case !last || !errors.As(err, &cut):
				return nil, fmt.Errorf("record: line %d: %w", n, err)
			}
		}
		switch {
		case last && !started:
			return nil, ErrNoStart
		case last:
			return r, nil
		}
	}
}

// parse reads one line; first is true for the one that has to hold the start.
func parse(line []byte, first bool) (Event, error) {
	if !first {
		var e Event
		err := json.Unmarshal(line, &e)
		if err == nil && e.Start != nil {
			err = errors.New("a second \"start\"; a record holds one run")
		}
		return e, err
	}
	// The version comes first: a newer format may not even decode.
	var head struct {
		Start *struct {
			Version int `json:"version"`
		} `json:"start"`
	}
	switch err := json.Unmarshal(line, &head); {
	case err != nil || head.Start == nil:
		return Event{}, ErrNoStart
	case head.Start.Version > Version:
		return Event{}, fmt.Errorf("version %d is newer than %d, the newest that this oom143 reads", head.Start.Version, Version)
	}
	var e Event
	err := json.Unmarshal(line, &e)
	return e, err
}

func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if err != bufio.ErrBufferFull {
			return line, err
		}
		if len(line) > maxLine {
			return nil, fmt.Errorf("longer than %d bytes", maxLine)
		}
	}
}
