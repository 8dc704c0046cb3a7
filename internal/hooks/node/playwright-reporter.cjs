'use strict';
// For Playwright Test where NODE_OPTIONS did not arrive, say because a script
// sets it to something else: a reporter (playwright.dev/docs/api/class-reporter)
// that PW_TEST_REPORTER adds to the user's. It runs beside the workers and
// knows neither their process nor their memory, so it is silent where the
// plugin in the workers speaks.

const path = require('path');

const fw = 'playwright';
const preloaded = (process.env.NODE_OPTIONS ?? '').includes(path.join(__dirname, 'preload.cjs'));
const report = process.env.OOM143_EVENTS && !preloaded ? require('./report.cjs') : undefined;

function describe(test) {
  const [, project, , ...titles] = test.titlePath(); // root, project, file
  const { file, line } = test.location;
  const id = (project ? `[${project}] > ` : '') + report.id(file, titles);
  return { id, fw, file, line, pid: undefined, rss: undefined };
}

function outcome(test, { status }) {
  return status === 'skipped' ? 'skipped' : status === test.expectedStatus ? 'passed' : 'failed';
}

module.exports = class {
  printsToStdio() {
    return false;
  }

  onTestBegin(test) {
    try {
      report?.start(describe(test));
    } catch {}
  }

  onTestEnd(test, result) {
    try {
      report?.finish(describe(test), outcome(test, result));
    } catch {}
  }
};

//# sourceURL=oom143:playwright-reporter.cjs
