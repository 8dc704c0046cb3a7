package hooks

import (
	"slices"
	"strings"
)

// environ is an environment that plugins add to.
type environ struct {
	vars    []string // "NAME=value"
	command Command
}

func newEnviron(env []string, c Command) *environ {
	return &environ{vars: slices.Clone(env), command: c}
}

// lookup gives the last value of a variable, the one that programs see.
func (e *environ) lookup(name string) (value string, ok bool) {
	for _, v := range slices.Backward(e.vars) {
		if key, value, found := strings.Cut(v, "="); found && key == name {
			return value, true
		}
	}
	return "", false
}

// get is the value of a variable, "" when it is not set.
func (e *environ) get(name string) string {
	value, _ := e.lookup(name)
	return value
}

// set replaces a variable. It is for variables that the user cannot have a
// value of their own for.
func (e *environ) set(name, value string) {
	e.vars = slices.DeleteFunc(e.vars, func(v string) bool { return strings.HasPrefix(v, name+"=") })
	e.vars = append(e.vars, name+"="+value)
}

// setDefault sets a variable that has no value, and leaves the user's alone.
func (e *environ) setDefault(name, value string) {
	if e.get(name) == "" {
		e.set(name, value)
	}
}

// prepend puts value before what the variable holds, with separator between
// the two where there is something.
func (e *environ) prepend(name, value, separator string) {
	if old := e.get(name); old != "" {
		value += separator + old
	}
	e.set(name, value)
}

// append puts value behind what the variable holds.
func (e *environ) append(name, value, separator string) {
	if old := e.get(name); old != "" {
		value = old + separator + value
	}
	e.set(name, value)
}
