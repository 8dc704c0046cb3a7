package annotate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// pipeWait bounds a write to a pipe that nobody empties.
const pipeWait = 2 * time.Second

// JSON gives the report as it is written to a file.
func (r *Report) JSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return b.Bytes(), nil
}

// WriteFile writes the report as JSON. A regular file is replaced by rename,
// so that a reader finds the old report or the new one and never half of one.
// What is no regular file (/dev/stdout, a FIFO), or stands in a folder that
// cannot be written, is written to directly. The error names the path.
func (r *Report) WriteFile(path string) error {
	data, err := r.JSON()
	if err != nil {
		return err
	}
	if err := replaceFile(path, data); err != nil {
		return fmt.Errorf("the report could not be written: %w", err)
	}
	return nil
}

func replaceFile(path string, data []byte) error {
	if path == "" {
		return errors.New("the path is empty")
	}
	// A symbolic link stays one: what it points to is replaced.
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return &fs.PathError{Op: "write", Path: path, Err: syscall.EISDIR}
	case err == nil && !info.Mode().IsRegular():
		return writeThrough(path, data)
	}
	err = writeAndRename(path, data)
	if errors.Is(err, fs.ErrPermission) && info != nil {
		return os.WriteFile(path, data, 0o644)
	}
	return err
}

// writeAndRename does not sync: the report has to be out within milliseconds,
// and a machine that goes down takes its disk along.
func writeAndRename(path string, data []byte) error {
	// A report is for later steps too, which may run as another user: hence
	// no os.CreateTemp, whose files only their owner can read.
	temp := fmt.Sprintf("%s.%s.tmp", path, delimiter())
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		os.Remove(temp)
	}
	return err
}

// writeThrough writes to what is there. It does not wait for a reader.
func writeThrough(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENXIO) {
		return fmt.Errorf("%s: nothing reads from it", path)
	}
	if err != nil {
		return err
	}
	// Not everything has deadlines; what has none does not block for long.
	_ = f.SetWriteDeadline(time.Now().Add(pipeWait))
	_, err = f.Write(data)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
