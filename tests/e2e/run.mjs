#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Runs end-to-end tests, files beside each other: nearly all their time is that of
// media which are played as they come, with the machine idle. A file says what it
// takes of the four slots of two cores in a line `// weight: N`; without one it is 1.
// usage: tests/e2e/run.mjs [FILE...]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SLOTS = 4;
const HERE = path.dirname(fileURLToPath(import.meta.url));
const all = () => fs.readdirSync(HERE).filter((name) => name.endsWith('.test.mjs')).map((name) => path.join(HERE, name));

const weigh = (file) => {
  const weight = Number(/^\/\/ weight: (\d+)$/m.exec(fs.readFileSync(file, 'utf8'))?.[1] ?? 1);
  if (weight < 1 || weight > SLOTS) throw new Error(`${file}: weight ${weight}, expected 1 to ${SLOTS}`);
  return { file, name: path.basename(file, '.test.mjs'), weight };
};

/** Runs one file; its output is printed in one piece when it ends. */
async function runFile(job) {
  const began = performance.now();
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', job.file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => output.push(data));
  const [code, signal] = await once(child, 'close');
  const seconds = Math.round((performance.now() - began) / 1000);
  process.stdout.write(Buffer.concat([...output, Buffer.from(`-- e2e ${job.name} ${code === 0 ? 'passed' : `FAILED (${code ?? signal})`} in ${seconds} s\n`)]));
  return { ...job, passed: code === 0 };
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
  if (!done.passed) failed.push(done.name);
}
if (failed.length) console.log(`-- e2e: failed: ${failed.join(', ')}`);
process.exitCode = failed.length ? 1 : 0;
