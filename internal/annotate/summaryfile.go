package annotate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// maxSummary is the most that a step's summary file may hold, in bytes; the
// runner drops a larger one whole (Runner.Worker/FileCommandManager.cs,
// AttachmentSizeLimit).
const maxSummary = 1 << 20

// SummaryFile is the step's summary file with a section of oom143's own in it.
// What others write before and behind that section stays.
type SummaryFile struct {
	path    string
	section string // as it was asked for
	own     []byte // as it stands in the file
	at      int64  // where own begins
}

// NewSummaryFile gives the file that GITHUB_STEP_SUMMARY names.
func NewSummaryFile(path string) *SummaryFile { return &SummaryFile{path: path} }

// Write puts the section at the end of the file, or in the place of the one
// written before. It is cut at the end of a paragraph where the file would
// become larger than the runner takes.
func (s *SummaryFile) Write(section string) error {
	s.section = section
	return s.rewrite(nil)
}

// Add appends what the command wrote to its own summary file, as [WellFormed]
// gives it. Where both do not fit, oom143's section gives way.
func (s *SummaryFile) Add(content []byte) error {
	if len(content) == 0 {
		return nil
	}
	return s.rewrite(content)
}

// HandOver adds the summary that the command wrote to the file from.
func (s *SummaryFile) HandOver(from string) error {
	content, err := readSome(from)
	if err != nil {
		return fmt.Errorf("the command's own job summary could not be read: %w", err)
	}
	return s.Add(WellFormed("GITHUB_STEP_SUMMARY", content, false))
}

func (s *SummaryFile) rewrite(more []byte) error {
	if err := s.tryRewrite(more); err != nil {
		return fmt.Errorf("the job summary could not be written: %w", err)
	}
	return nil
}

func (s *SummaryFile) tryRewrite(more []byte) (err error) {
	if s.path == "" {
		return errors.New("GITHUB_STEP_SUMMARY is not set")
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New(s.path + " is not a regular file")
	case info.Size() > maxSummary:
		return fmt.Errorf("%s already holds more than the runner takes, %d of %d bytes", s.path, info.Size(), maxSummary)
	}
	old, err := io.ReadAll(io.LimitReader(f, maxSummary))
	if err != nil {
		return err
	}
	return s.replace(f, old, more)
}

// replace writes the section and what follows it over the old content. The new
// bytes are written before the file is cut, so that a kill in between leaves no
// empty file.
func (s *SummaryFile) replace(f *os.File, old, more []byte) error {
	at, end := s.find(old)
	before, tail := old[:at], append(bytes.Clone(old[end:]), more...)
	if len(tail) > 0 && len(more) > 0 && end < len(old) && old[len(old)-1] != '\n' {
		tail = append(append(bytes.Clone(old[end:]), '\n'), more...)
	}
	section := separate(before, s.section)
	if section != "" && len(tail) > 0 {
		section += "\n" // or what follows becomes part of a table
	}
	own := cutSection(section, maxSummary-len(before)-len(tail))
	data := append([]byte(own), tail...)
	if len(before)+len(data) > maxSummary {
		return fmt.Errorf("%d bytes of the command's own do not fit the %d that the runner takes", len(tail), maxSummary)
	}
	if _, err := f.WriteAt(data, int64(at)); err != nil {
		_, undo := f.WriteAt(old[at:], int64(at))
		return errors.Join(err, undo, f.Truncate(int64(len(old))))
	}
	if err := f.Truncate(int64(at + len(data))); err != nil {
		return err
	}
	s.own, s.at = []byte(own), int64(at)
	if own == "" && s.section != "" {
		return fmt.Errorf("%s has no room left for the verdict", s.path)
	}
	return nil
}

// find tells where oom143's section stands, or the end of the file. Somebody
// may have written the file anew in between.
func (s *SummaryFile) find(old []byte) (at, end int) {
	if len(s.own) == 0 {
		return len(old), len(old)
	}
	if at, end = int(s.at), int(s.at)+len(s.own); end <= len(old) && bytes.Equal(old[at:end], s.own) {
		return at, end
	}
	if at = bytes.Index(old, s.own); at >= 0 {
		return at, at + len(s.own)
	}
	return len(old), len(old)
}

// separate puts the blank line before the section without which it could
// become part of a paragraph or an HTML block before it.
func separate(before []byte, section string) string {
	switch {
	case section == "" || len(before) == 0 || bytes.HasSuffix(before, []byte("\n\n")):
		return section
	case before[len(before)-1] == '\n':
		return "\n" + section
	}
	return "\n\n" + section
}

const cutNote = "_The rest did not fit into the job summary; it is in the log and in the report._\n"

// cutSection leaves out paragraphs from the end until the section has at most
// max bytes; "" when not even the first one fits. A block of code counts as one
// paragraph: Summary puts no empty line in one.
func cutSection(section string, max int) string {
	if len(section) <= max {
		return section
	}
	for end := len(section); ; {
		end = strings.LastIndex(section[:end], "\n\n")
		if end < 0 || strings.TrimSpace(section[:end]) == "" {
			return ""
		}
		if end+2+len(cutNote)+1 <= max {
			return section[:end+2] + cutNote + "\n"
		}
	}
}
