#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Runs end-to-end tests, files beside each other: nearly all their time is that of
// media which are played as they come, with the machine idle. A file says what it
// takes of the four slots of two cores in a line `// weight: N`; without one it is 1.
// usage: tests/e2e/run.mjs [FILE...]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SLOTS = 4;
/* No test says nothing for so long: they have deadlines of their own. */
const SILENCE_MS = Number(process.env.MILL_SILENCE_MS ?? 600000);
const HERE = path.dirname(fileURLToPath(import.meta.url));
const all = () => fs.readdirSync(HERE).filter((name) => name.endsWith('.test.mjs')).map((name) => path.join(HERE, name));

const weigh = (file) => {
  const weight = Number(/^\/\/ weight: (\d+)$/m.exec(fs.readFileSync(file, 'utf8'))?.[1] ?? 1);
  if (weight < 1 || weight > SLOTS) throw new Error(`${file}: weight ${weight}, expected 1 to ${SLOTS}`);
  return { file, name: path.basename(file, '.test.mjs'), weight };
};

const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const read = (file) => { try { return fs.readFileSync(file, 'utf8'); } catch { return ''; } };

/** Processes that a process started, and those that they did: [{ pid, args }]. */
function descendants(pid) {
  const children = fs.readdirSync('/proc').filter((name) => Number(/^\d+ \(.*\) \S (\d+)/.exec(read(`/proc/${name}/stat`))?.[1]) === pid).map(Number);
  return children.flatMap((child) => [{ pid: child, args: read(`/proc/${child}/cmdline`).split('\0').join(' ').trim() }, ...descendants(child)]);
}

/** What Node waits for in a process, by its own report of it; it says nothing when that is written. */
async function heldBy(pid, reports) {
  process.kill(pid, 'SIGUSR2');
  for (const deadline = Date.now() + 10000; Date.now() < deadline; await wait(100)) {
    const name = fs.readdirSync(reports).find((file) => file.includes(`.${pid}.`));
    try { return JSON.parse(read(path.join(reports, name))).libuv.filter((handle) => handle.is_active && handle.is_referenced); } catch { /* not yet */ }
  }
  return [];
}

const place = ({ host, port }) => `${host}:${port}`;
const named = ({ type, fd, pid, localEndpoint: from, remoteEndpoint: to }) => [type, fd !== undefined && `fd ${fd}`, pid && `process ${pid}`, from && place(from), to && `to ${place(to)}`].filter(Boolean).join(', ');

/** Ends a file whose process does not end, all tests passed or not, and what it started. Returns what kept it. */
async function breakOff(child, reports) {
  const all = descendants(child.pid);
  const held = all.length ? await heldBy(all[0].pid, reports).catch(() => []) : []; // it may end meanwhile
  for (const { pid } of [...all, child]) try { process.kill(pid, 'SIGKILL'); } catch { /* it has ended */ }
  return [`not ok - nothing was heard of it for ${SILENCE_MS / 1000} s, and its process does not end`,
    '# what Node waits for:', ...held.map((handle) => `#   ${named(handle)}`),
    '# its processes:', ...all.map(({ pid, args }) => `#   ${pid} ${args}`), ''].join('\n');
}

/** Runs one file; its output is printed in one piece when it ends. */
async function runFile(job) {
  const began = performance.now();
  const reports = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-e2e-'));
  const options = `${process.env.NODE_OPTIONS ?? ''} --report-on-signal --report-signal=SIGUSR2 --report-directory=${reports}`;
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', job.file], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: options } });
  const output = [];
  const timer = setTimeout(() => breakOff(child, reports).catch(String).then((text) => output.push(Buffer.from(text))), SILENCE_MS);
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { output.push(data); timer.refresh(); });
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  fs.rmSync(reports, { recursive: true, force: true });
  const seconds = Math.round((performance.now() - began) / 1000);
  const said = Buffer.concat(output);
  process.stdout.write(Buffer.concat([said, Buffer.from(`-- e2e ${job.name} ${code === 0 ? 'passed' : `FAILED (${code ?? signal})`} in ${seconds} s\n`)]));
  return { ...job, passed: code === 0, said };
}

/** What a file that failed said of it: its tests that did, not those that only hold them; of a crash, the end. */
function failures(tap) {
  const lines = tap.split('\n');
  const told = [];
  for (let i = 0; i < lines.length; i++) {
    if (!/^ *not ok /.test(lines[i])) continue;
    const end = lines.findIndex((line, k) => k > i && /^ *(\.\.\.$|not ok |ok |# Subtest)/.test(line));
    const block = lines.slice(i, end < 0 ? undefined : end);
    if (!block.some((line) => line.includes('subtestsFailed'))) told.push(...block);
  }
  return (told.length ? told : lines.slice(-40)).join('\n');
}

// The heavy ones first: what is light fills the room that they leave.
const waiting = (process.argv.length > 2 ? process.argv.slice(2) : all()).map(weigh).sort((a, b) => b.weight - a.weight);
const running = new Map();
const failed = [];
let room = SLOTS;
while (waiting.length || running.size) {
  for (let i; (i = waiting.findIndex((job) => job.weight <= room)) >= 0;) {
    const [job] = waiting.splice(i, 1);
    room -= job.weight;
    running.set(job.name, runFile(job));
  }
  const done = await Promise.race(running.values());
  running.delete(done.name);
  room += done.weight;
  if (!done.passed) failed.push(done);
}
for (const { name, said } of failed) console.log(`\n-- e2e ${name}, once more what failed:\n${failures(said.toString())}`);
if (failed.length) console.log(`-- e2e: failed: ${failed.map(({ name }) => name).join(', ')}`);
process.exitCode = failed.length ? 1 : 0;
