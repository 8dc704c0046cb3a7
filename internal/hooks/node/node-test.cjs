'use strict';
// node:test, under `node --test` and in a test file that is run by itself.
//
// Its documented doors can be seen: hooks and subscribers of the channel
// node.test change the stack traces of failing tests, and a hook makes an
// empty file report an empty plan. But a Test is an AsyncResource (nodejs,
// lib/internal/test_runner/test.js): it reads its runInAsyncScope to run the
// test's function and its postRun when it is over. Accessors in their place
// tell of both and return before the function is called.

const { AsyncResource } = require('async_hooks');
const peek = require('./peek.cjs');
const report = require('./report.cjs');

const fw = 'node:test';
const phases = { before: 'setup', beforeEach: 'setup', after: 'teardown', afterEach: 'teardown' };
const running = new Map(); // from node's tests to ours
let found = false;

// isSource tells whether the running code, which node takes a test's position
// from, is the source: a loader may change it on the way, but then
// --enable-source-maps leads back.
function isSource() {
  const ours = /--require[= ]\S*\/node\/preload\.cjs/g; // node 24 has it among the arguments too
  const options = [...process.execArgv, process.env.NODE_OPTIONS].join(' ').replace(ours, '');
  return options.includes('--enable-source-maps') || !/(^|\s|")(-r|--require|--import|--loader|--experimental-loader)\b/.test(options);
}

const source = isSource();

function describe(test) {
  const titles = [];
  for (let t = test; t.parent; t = t.parent) titles.unshift(t.name);
  const file = test.entryFile ?? process.argv[1];
  return {
    id: report.id(file, titles),
    fw,
    file: test.loc?.file ?? file,
    line: source && test.loc ? test.loc.line : undefined,
  };
}

function started(test) {
  if (test.constructor.name === 'TestHook') {
    if (phases[test.hookType]) report.phase(fw, phases[test.hookType]);
    return;
  }
  if (test.constructor.name !== 'Test' || !test.parent) return; // a suite, a file, the root
  if (!found) {
    found = true;
    peek(test.constructor.prototype, 'postRun', finished);
    report.loaded(fw);
  }
  const ours = describe(test);
  running.set(test, ours);
  report.start(ours);
}

function finished(test) {
  const ours = running.get(test);
  if (!ours) return;
  running.delete(test);
  // Whether subtests let their parent fail is decided later.
  report.finish(ours, test.skipped ? 'skipped' : test.subtests.length ? undefined : test.passed ? 'passed' : 'failed');
}

module.exports = () => {
  peek(AsyncResource.prototype, 'runInAsyncScope', (resource) => {
    if (typeof resource.nesting === 'number') started(resource);
  });
};

//# sourceURL=oom143:node-test.cjs
