package annotate

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Output is one output of the step.
type Output struct{ Name, Value string }

// outputNames are the outputs of the action. The command cannot set them.
var outputNames = []string{
	"cause", "oom", "headline", "exit-code", "last-test", "last-test-file", "last-test-line",
	"peak-bytes", "peak-percent", "limit-bytes", "report", "record",
}

// Outputs are the step's outputs for a report, all of them each time: a value
// that is not known is empty. The paths are given as later steps can open them.
func Outputs(rep *Report, reportPath, recordPath string) []Output {
	v := map[string]string{
		"cause":    rep.Cause,
		"oom":      strconv.FormatBool(rep.OOM),
		"headline": oneLine(rep.Headline),
		"report":   reportPath,
		"record":   recordPath,
	}
	if rep.Command != nil && rep.Command.ExitCode != nil {
		v["exit-code"] = strconv.Itoa(*rep.Command.ExitCode)
	}
	if t := rep.likeliest(); t != nil {
		v["last-test"] = t.ID
		v["last-test-file"] = t.File
		if t.Line > 0 {
			v["last-test-line"] = strconv.Itoa(t.Line)
		}
	}
	if m := rep.Memory; m != nil {
		v["limit-bytes"] = known(m.Limit)
		v["peak-bytes"] = known(m.Peak)
		if m.PeakPercent > 0 {
			v["peak-percent"] = strconv.FormatFloat(m.PeakPercent, 'f', 1, 64)
		}
	}
	outputs := make([]Output, len(outputNames))
	for i, name := range outputNames {
		outputs[i] = Output{name, v[name]}
	}
	return outputs
}

func known(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// WriteOutputs appends outputs to the file that GITHUB_OUTPUT names. The last
// value of a name counts, so outputs can be written again. The file is either
// longer by all outputs or as it was.
func WriteOutputs(path string, outputs []Output) error {
	var b bytes.Buffer
	for _, o := range outputs {
		writeEntry(&b, o.Name, o.Value)
	}
	if err := appendTo("GITHUB_OUTPUT", path, b.Bytes()); err != nil {
		return fmt.Errorf("the outputs could not be written: %w", err)
	}
	return nil
}

// writeEntry writes one entry in the form NAME<<DELIMITER
// (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#multiline-strings).
func writeEntry(b *bytes.Buffer, name, value string) {
	value = strings.ToValidUTF8(value, "\uFFFD")
	end := delimiter()
	for strings.Contains(value, end) {
		end = delimiter()
	}
	fmt.Fprintf(b, "%s<<%s\n%s\n%s\n", name, end, value, end)
}

// delimiter is a word that nobody can guess.
func delimiter() string { return "oom143_" + rand.Text() }

// appendTo appends to one of the runner's files. When the disk is full the
// file is cut back to what it was: half an entry would make the runner refuse
// all of them.
func appendTo(variable, path string, data []byte) error {
	f, err := openAt(variable, path)
	if err != nil {
		return err
	}
	err = appendData(f, data)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

func openAt(variable, path string) (*os.File, error) {
	if path == "" {
		return nil, fmt.Errorf("%s is not set", variable)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	return f, nil
}

func appendData(f *os.File, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if size > 0 && !endsLine(f, size) {
		data = append([]byte{'\n'}, data...)
	}
	if _, err := f.Write(data); err != nil {
		if info.Mode().IsRegular() {
			err = errors.Join(err, f.Truncate(size))
		}
		return err
	}
	return nil
}

func endsLine(f io.ReaderAt, size int64) bool {
	var last [1]byte
	_, err := f.ReadAt(last[:], size-1)
	return err != nil || last[0] == '\n'
}
