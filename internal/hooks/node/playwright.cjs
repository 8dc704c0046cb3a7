'use strict';
// Playwright Test 1.38 and later, in the worker that runs the tests: what it
// tells the runner of each test passes through process.send, at the moment that
// it starts and ends, and test.info() (playwright.dev/docs/api/class-testinfo)
// says which test it is.

const report = require('./report.cjs');

const fw = 'playwright';
const library = /\/(playwright|@playwright\/test)\/lib\/index\.js$/;
let api; // the library's test function
let current; // the running test

// info is what Playwright knows of the running test. The library is looked up
// among the modules that the test file has loaded.
function info() {
  api ??= Object.entries(require('module')._cache).find(([path]) => library.test(path))[1].exports.test;
  return api.info();
}

function begin() {
  const { titlePath, file, line, project } = info();
  const [, ...titles] = titlePath; // the first is the file
  const name = project.name ? `[${project.name}] > ` : '';
  current = { id: name + report.id(file, titles), fw, file, line };
  report.start(current);
}

function end({ status, expectedStatus }) {
  if (!current) return;
  const test = current;
  current = undefined;
  report.finish(test, status === 'skipped' ? 'skipped' : status === expectedStatus ? 'passed' : 'failed');
}

// A message is {method: '__dispatch__', params: {method: 'testBegin', params}}
// (playwright, common/process.ts).
function note({ method, params }) {
  if (method !== '__dispatch__') return;
  if (params.method === 'testBegin') begin();
  if (params.method === 'testEnd') end(params.params);
}

module.exports = () => {
  const { send } = process;
  if (typeof send !== 'function') return;
  process.send = function (message, ...rest) {
    try {
      note(message);
    } catch {}
    return send.call(this, message, ...rest);
  };
  report.loaded(fw);
};

//# sourceURL=oom143:playwright.cjs
