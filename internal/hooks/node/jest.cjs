'use strict';
// jest 27 and later with its default runner, jest-circus: every test
// environment may have a handleTestEvent (jestjs.io/docs/configuration,
// testEnvironment), which is told of each test before its hooks run.

const report = require('./report.cjs');

const fw = 'jest';
const phases = { beforeAll: 'setup', afterAll: 'teardown' };

// declared finds the line of a test in the stack that jest keeps of its
// declaration. Where a transform gave no source map the line would be one of
// the generated code.
function declared(test, { runtime, config, testPath }) {
  const mapped = runtime.getSourceMaps().has(testPath) || config.transform.length === 0;
  const stack = mapped && test.asyncError?.stack;
  if (!stack) return undefined;
  for (const frame of stack.split('\n')) {
    const at = frame.indexOf(testPath + ':');
    // A frame has the path behind a blank, a bracket or file://.
    if (at > 0 && ' (/'.includes(frame[at - 1])) return parseInt(frame.slice(at + testPath.length + 1), 10) || undefined;
  }
  return undefined;
}

function outcome(test) {
  return test.errors.length > 0 ? 'failed' : 'passed';
}

// Reporter reports the tests of one file.
class Reporter {
  constructor(context) {
    this.context = context;
    this.running = new Map(); // from jest's tests to ours
    this.concurrent = new Map(); // from jest's tests to their functions as declared
    this.begun = false;
  }

  start(test) {
    const titles = [test.name];
    for (let block = test.parent; block?.parent; block = block.parent) titles.unshift(block.name);
    const file = this.context.testPath;
    const ours = { id: report.id(file, titles), fw, file, line: declared(test, this.context) };
    this.running.set(test, ours);
    report.start(ours);
  }

  finish(test, result) {
    const ours = this.running.get(test);
    if (!ours) return;
    this.running.delete(test);
    report.finish(ours, result);
  }

  // watchConcurrent follows tests that jest started ahead of their events:
  // jest 28 and 29 start all of test.concurrent at once, through a limiter in
  // the order of the file, and put a function that returns the promise in the
  // place of the test's own.
  watchConcurrent(limit) {
    const queue = [];
    for (const [test, fn] of this.concurrent) {
      if (test.fn === fn) this.concurrent.delete(test);
      else queue.push(test);
    }
    const next = () => {
      const test = queue.shift();
      if (!test) return;
      this.start(test);
      const settle = () => {
        this.finish(test);
        next();
      };
      test.fn().then(settle, settle);
    };
    for (let i = 0; i < limit; i++) next();
  }

  noteConcurrent(block) {
    for (const child of block.children) {
      if (child.type === 'describeBlock') this.noteConcurrent(child);
      else if (child.concurrent) this.concurrent.set(child, child.fn);
    }
  }

  handle(event, state) {
    switch (event.name) {
      case 'run_start':
        this.noteConcurrent(state.rootDescribeBlock);
        break;
      case 'hook_start':
        if (phases[event.hook.type]) report.phase(fw, phases[event.hook.type], this.context.testPath);
        break;
      case 'test_start':
        if (!this.begun) this.watchConcurrent(state.maxConcurrency);
        this.begun = true;
        if (!this.concurrent.has(event.test)) this.start(event.test);
        break;
      case 'test_skip':
      case 'test_todo':
        this.finish(event.test, 'skipped');
        break;
      case 'test_done':
        if (!this.concurrent.has(event.test)) this.finish(event.test, outcome(event.test));
    }
  }
}

function observe(environment, reporter) {
  const { handleTestEvent } = environment;
  environment.handleTestEvent = function (event, state) {
    try {
      reporter.handle(event, state);
    } catch {}
    return handleTestEvent?.call(this, event, state);
  };
}

// wrap gives jest's runner of one test file with our observer in the
// environment. It is no async function: it would be seen in stack traces.
function wrap(adapter) {
  return function (globalConfig, config, environment, runtime, testPath, ...rest) {
    try {
      report.phase(fw, 'collection', testPath);
      observe(environment, new Reporter({ runtime, config, testPath }));
    } catch {}
    return adapter.call(this, globalConfig, config, environment, runtime, testPath, ...rest);
  };
}

// The runner is the module itself in jest 27, its default export later.
module.exports = (module) => {
  const adapter = module.exports.default ?? module.exports;
  if (typeof adapter !== 'function' || adapter.length < 5) return;
  if (module.exports.default) module.exports.default = wrap(adapter);
  else module.exports = wrap(adapter);
  report.loaded(fw);
};

//# sourceURL=oom143:jest.cjs
