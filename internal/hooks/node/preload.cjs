'use strict';
// Loaded into every node process by NODE_OPTIONS=--require. It looks whether
// the process runs tests and loads the plugin of the framework it finds; in any
// other process it leaves one accessor behind, on Module.prototype. It keeps to
// the syntax of Node 8, because an error of syntax would end the process.
//
// The sourceURL at the end of each file keeps it out of coverage, which is of
// the scripts whose URL is a file.

const folder = __dirname;

// Modules that a framework loads into the process that runs its tests.
const doors = new Map([
  ['jestAdapter.js', { path: '/jest-circus/build/legacy-code-todo-rewrite/jestAdapter.js', plugin: 'jest' }], // jest 27 to 29
  ['runner.js', { path: '/jest-circus/build/runner.js', plugin: 'jest' }], // jest 30
  ['mocha.js', { path: '/mocha/lib/mocha.js', plugin: 'mocha' }], // mocha 8 to 11
  ['mocha.cjs', { path: '/mocha/lib/mocha.cjs', plugin: 'mocha' }], // mocha 12
]);

const vitestFork = /\/(vitest\/dist\/workers\/forks|tinypool\/dist\/(esm\/)?entry\/process)\.js$/;
const vitestThread = /\/(vitest\/dist\/workers\/threads|tinypool\/dist\/(esm\/)?entry\/worker)\.js$/;
const playwrightWorker = /\/(playwright|@playwright\/test)\/lib\/(worker\/workerProcessEntry|common\/process)\.js$/;

// What `node --test` takes for a test file (nodejs.org/api/test.html, "Running
// tests from the command line"), for files that are run without it.
const testFile = /(^|\/)test\/.*\.[cm]?[jt]s$|(^|\/)(test|test-[^/]+|[^/]+[._-]test)\.[cm]?[jt]s$/;

// plugin gives a plugin's exports and leaves no trace in require.cache, which
// programs list.
function plugin(name) {
  const exports = require('./' + name + '.cjs');
  for (const path of Object.keys(require.cache)) {
    if (path.startsWith(folder)) delete require.cache[path];
  }
  return exports;
}

// watchModules calls a plugin when one of its doors has been loaded. The
// constructor of Module sets "loaded" to false and the loader sets it to true
// when the module has run, so an accessor sees both, and unlike a wrapped
// loader it is on nobody's stack trace.
function watchModules({ prototype }) {
  const own = (module, value) => Object.defineProperty(module, 'loaded', { value, writable: true, enumerable: true, configurable: true });
  const onLoad = (module, door) => Object.defineProperty(module, 'loaded', {
    enumerable: true,
    configurable: true,
    get: () => false,
    set(value) {
      own(module, value);
      try {
        if (value) plugin(door.plugin)(module);
      } catch (_) {} // a version that looks different inside
    },
  });
  Object.defineProperty(prototype, 'loaded', {
    configurable: true,
    set(value) {
      const id = String(this.id);
      const door = doors.get(id.slice(id.lastIndexOf('/') + 1));
      if (door && !value && id.endsWith(door.path)) onLoad(this, door);
      else own(this, value);
    },
  });
}

function runsNodeTests(script) {
  const options = process.execArgv.concat(process.env.NODE_OPTIONS || '').join(' ');
  return process.env.NODE_TEST_CONTEXT || /(^|\s)--test\b/.test(options) || testFile.test(script);
}

function start() {
  const Module = require('module');
  // node --test hands NODE_OPTIONS on as arguments too, since node 24.
  if (Object.prototype.hasOwnProperty.call(Module.prototype, 'loaded')) return;
  watchModules(Module);
  const script = process.argv[1] || '';
  if (runsNodeTests(script)) plugin('node-test')();
  if (playwrightWorker.test(script)) plugin('playwright')();
  if (!process.env.VITEST) return;
  if (require('worker_threads').isMainThread) {
    if (vitestFork.test(script)) plugin('vitest')();
    return;
  }
  // A thread learns the name of its script right after the preloaded modules.
  queueMicrotask(() => {
    try {
      if (vitestThread.test(process.argv[1])) plugin('vitest')();
    } catch (_) {}
  });
}

try {
  delete require.cache[__filename];
  if (process.env.OOM143_EVENTS) start();
} catch (_) {} // whatever is missing here, the process goes on without it

//# sourceURL=oom143:preload.cjs
