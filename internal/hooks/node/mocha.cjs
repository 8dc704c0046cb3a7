'use strict';
// mocha 8 and later: a runner emits events (mochajs.org/api/runner), in the
// process itself and in each worker of --parallel. A reporter or plugin could
// listen too, but the user chooses those.

const peek = require('./peek.cjs');
const report = require('./report.cjs');

const fw = 'mocha';

function phase(hook) {
  if (/^"(before|after) all"/.test(hook.title)) return hook.title.startsWith('"before') ? 'setup' : 'teardown';
  return undefined; // of a test, which is running already
}

function observe(runner) {
  const running = new Map();
  const start = (test) => {
    const titles = test.titlePath();
    const ours = { id: test.file ? report.id(test.file, titles) : titles.join(' > '), fw, file: test.file };
    running.set(test, ours);
    report.start(ours);
  };
  const finish = (test, outcome) => {
    const ours = running.get(test);
    if (!ours) return; // a test that was skipped never started
    running.delete(test);
    report.finish(ours, outcome);
  };
  const listen = (event, listener) => {
    if (runner.getMaxListeners() > 0) runner.setMaxListeners(runner.getMaxListeners() + 1);
    runner.prependListener(event, (...args) => {
      try {
        listener(...args);
      } catch {}
    });
  };
  listen('hook', (hook) => phase(hook) && report.phase(fw, phase(hook)));
  listen('test', start);
  listen('retry', (test) => finish(test, 'failed'));
  listen('test end', (test) => finish(test, test.isPending() ? 'skipped' : test.state));
  report.loaded(fw);
}

// The runner of --parallel has a run of its own, which this leaves alone.
module.exports = ({ exports: { Runner } }) => {
  const observed = new WeakSet();
  peek(Runner.prototype, 'run', (runner) => {
    if (!(runner instanceof Runner) || observed.has(runner)) return;
    observed.add(runner);
    observe(runner);
  });
};

//# sourceURL=oom143:mocha.cjs
