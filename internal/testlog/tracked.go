package testlog

import (
	"cmp"
	"slices"
	"strings"
)

// tracked are the tests that are known to run, within bounds.
type tracked struct {
	tests map[testKey]trackedTest
	bytes int
	order int
	sizes map[groupKey]int // how many tests a group has
}

// groupKey is what ends together: the tests of a Go package, or all of a
// framework.
type groupKey struct{ framework, group string }

type trackedTest struct {
	Event
	groupKey
	order int
}

type testKey struct {
	framework, id string
	pid           int
}

func keyOf(e Event) testKey { return testKey{e.Framework, e.ID, e.PID} }

// add tells whether the test is news. Past the bounds a test is news each
// time.
func (t *tracked) add(e Event, group string) bool {
	if _, ok := t.tests[keyOf(e)]; ok {
		return false
	}
	if len(t.tests) >= maxTracked || t.bytes+len(e.ID) > maxTrackedBytes {
		return true
	}
	if t.tests == nil {
		t.tests = map[testKey]trackedTest{}
		t.sizes = map[groupKey]int{}
	}
	e.ID, e.File = strings.Clone(e.ID), strings.Clone(e.File)
	g := groupKey{e.Framework, strings.Clone(group)}
	t.sizes[g]++
	t.order++
	t.tests[keyOf(e)] = trackedTest{e, g, t.order}
	t.bytes += len(e.ID)
	return true
}

func (t *tracked) remove(e Event) (Event, bool) {
	was, ok := t.tests[keyOf(e)]
	if ok {
		t.bytes -= len(was.ID)
		delete(t.tests, keyOf(e))
		if t.sizes[was.groupKey]--; t.sizes[was.groupKey] == 0 {
			delete(t.sizes, was.groupKey)
		}
	}
	return was.Event, ok
}

func (t *tracked) has(framework, id string) bool {
	_, ok := t.tests[testKey{framework: framework, id: id}]
	return ok
}

// hasAny tells whether the output of any framework named the test: a test of
// GoogleTest is one of ctest, too.
func (t *tracked) hasAny(id string) bool {
	return slices.ContainsFunc(frameworks, func(f framework) bool { return t.has(f.name, id) })
}

// of gives the tests of a framework's group in the order of their start.
func (t *tracked) of(framework, group string) []Event {
	g := groupKey{framework, group}
	if t.sizes[g] == 0 {
		return nil
	}
	found := make([]trackedTest, 0, t.sizes[g])
	for _, e := range t.tests {
		if e.groupKey == g {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b trackedTest) int { return cmp.Compare(a.order, b.order) })
	events := make([]Event, len(found))
	for i, e := range found {
		events[i] = e.Event
	}
	return events
}
