'use strict';
// vitest 1 and later, in its forks and threads. A worker keeps its state in
// globalThis.__vitest_worker__, a new object for each file, and there in
// "current" the test that it runs, for its console and its snapshots
// (vitest/src/runtime/runners/test.ts). An accessor in the place of "current"
// tells when tests begin and end. vmForks and vmThreads keep their state inside
// a context, out of reach.

const vm = require('vm');
const peek = require('./peek.cjs');
const report = require('./report.cjs');

const fw = 'vitest';
const states = new WeakSet();
const collected = new WeakSet();
const entered = new WeakSet();
const running = new Map(); // from vitest's tests to ours
let found = false;

function describe(test) {
  const titles = [];
  for (let task = test; task && task !== test.file; task = task.suite) if (task.name) titles.unshift(task.name);
  const file = test.file?.filepath ?? test.suite.file.filepath;
  return { id: report.id(file, titles), fw, file, line: test.location?.line };
}

const outcomes = { pass: 'passed', fail: 'failed' };

// finish reports what is over. A duration is set last; a test that skips itself
// while it runs never gets one. Several are running when they are concurrent.
function finish() {
  for (const [test, ours] of running) {
    const skipped = test.mode === 'skip';
    if (!skipped && test.result?.duration === undefined) continue;
    running.delete(test);
    report.finish(ours, skipped ? 'skipped' : outcomes[test.result.state]);
  }
}

// enter reports the phase that begins when a file or suite is the current task
// for the first time: a file is collected, then its hooks run.
function enter(suite) {
  const file = suite.file ?? suite;
  const over = file.collectDuration !== undefined;
  const known = over ? entered : collected;
  if (!known.has(suite)) report.phase(fw, over ? 'setup' : 'collection', file.filepath);
  known.add(suite);
}

function note(task) {
  finish();
  if (!task) return;
  if (task.type === 'suite') {
    enter(task);
    return;
  }
  const ours = describe(task);
  running.set(task, ours);
  report.start(ours);
}

function observe(state) {
  states.add(state);
  let { current } = state;
  Object.defineProperty(state, 'current', {
    configurable: true,
    enumerable: true,
    get: () => current,
    set(task) {
      current = task;
      try {
        note(task);
      } catch {}
    },
  });
}

// Every module of the user's is run by vm.runInThisContext, which vitest reads
// from the module's object: the test file's too, before its first test.
module.exports = () => {
  peek(vm, 'runInThisContext', () => {
    const state = globalThis.__vitest_worker__;
    if (!state || states.has(state)) return;
    if (!found) report.loaded(fw);
    found = true;
    observe(state);
  });
};

//# sourceURL=oom143:vitest.cjs
