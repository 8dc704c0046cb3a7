'use strict';
// Appends events to the event file. Tests replace fs, Date and process with
// doubles of their own, so everything that an event needs is taken at once.

const { openSync, closeSync, readSync, writeSync, fstatSync, constants } = require('fs');
const { byteLength } = Buffer;
const { stringify } = JSON;
const { now } = Date;
const residentSet = process.memoryUsage.rss;
const { pid } = process;
const eventFile = process.env.OOM143_EVENTS;
const folder = process.cwd().replace(/\/?$/, '/');

// Of the event file's format: a line with its newline, and an id as it stands
// in the line, in bytes.
const maxLine = 4096;
const maxID = 3000;

let fd = -1;
let file; // what fd is: a test may close all descriptors and open others

function opened() {
  try {
    const now = fstatSync(fd);
    if (now.ino === file.ino && now.dev === file.dev) return true;
  } catch {}
  return false;
}

// open opens the event file without creating it: when it is gone, so is the
// run that wanted to read it.
function open() {
  const next = openSync(eventFile, constants.O_WRONLY | constants.O_APPEND);
  const stat = fstatSync(next);
  if (file && (stat.ino !== file.ino || stat.dev !== file.dev)) {
    closeSync(next); // the path leads elsewhere now, say into a mocked file system
    throw new Error('another file');
  }
  fd = next;
  file = stat;
}

const buffer = Buffer.alloc(128);
let pageSize;

// rss reads /proc/self/statm (proc_pid_statm(5)), which takes a fifth of the
// time of process.memoryUsage.rss().
function rss() {
  let statm;
  try {
    statm = openSync('/proc/self/statm', 'r');
    const pages = Number(buffer.latin1Slice(0, readSync(statm, buffer, 0, buffer.length, 0)).split(' ')[1]);
    pageSize ??= 2 ** Math.round(Math.log2(residentSet() / pages));
    return pages * pageSize || undefined;
  } catch {
    return undefined;
  } finally {
    if (statm !== undefined) closeSync(statm);
  }
}

// cut shortens an id to what a line has room for.
function cut(id) {
  let size = 0;
  let end = 0;
  for (const character of id) {
    size += byteLength(stringify(character)) - 2;
    if (size > maxID) return id.slice(0, end);
    end += character.length;
  }
  return id;
}

function line(event) {
  const text = stringify(event) + '\n';
  if (text.length * 3 < maxLine || byteLength(text) <= maxLine) return text;
  const short = stringify({ ...event, id: event.id && cut(event.id) }) + '\n';
  if (byteLength(short) <= maxLine) return short;
  return stringify({ ...event, id: event.id && cut(event.id), file: undefined }) + '\n';
}

function write(e, event) {
  try {
    const text = line({ e, pid, rss: rss(), ...event, t: now() });
    if (!opened()) open();
    writeSync(fd, text);
  } catch {} // an event less
}

// id names a test by its file, relative to where the framework was started,
// its suites and its title.
exports.id = (file, titles) => [file.startsWith(folder) ? file.slice(folder.length) : file, ...titles].join(' > ');

// A test is {id, fw, file, line}; what is not known is undefined. A plugin that
// speaks of another process adds its pid and rss.
exports.start = (test) => write('start', test);
exports.finish = (test, outcome) => write('finish', { ...test, file: undefined, line: undefined, outcome });
exports.phase = (fw, phase, file) => write('phase', { fw, phase, file });
exports.loaded = (fw) => write('loaded', { fw });

//# sourceURL=oom143:report.cjs
