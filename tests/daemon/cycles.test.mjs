// SPDX-License-Identifier: MIT
// Publishers that come and go all day, under the same names and under ever new
// ones: whoever runs this for months must not run out of descriptors or memory.
// MILL_CYCLES: of each kind, 300 by default; ./bootstrap soak runs 10,000.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Daemon, eventually, tool } from '../e2e/lib/daemon.mjs';

const run = promisify(execFile);
const CYCLES = Number(process.env.MILL_CYCLES ?? 300);
const BATCHES = 5;
const AT_ONCE = 8;
const isSoak = CYCLES >= 5000;
// AddressSanitizer keeps what was freed, and finds what was not by itself.
const judgesMemory = !process.env.MILL_SANITIZERS;
// Streams that are over are kept for 60 s and their window, and cost memory.
const LEAVE_MS = 180000;
// What may be more after the last batch than after the first, per cycle: of few cycles
// the first megabytes that malloc asks for are most of it. A pipeline
// that is left behind is 50 KB and five descriptors.
const MOST_BYTES_PER_CYCLE = isSoak ? 500 : 45000;

let daemon; let film; let mediaDir;
/** A pipeline that ends so long after its publisher. */
async function describe(name, reconnectMs) {
  const put = await daemon.api('PUT', `/api/v1/pipelines/${name}`, { text: `millrace: 1
name: ${name}
params:
  output: { type: string, required: true }
nodes:
  in: { element: rtmpserversrc, props: { reconnect-timeout-ms: ${reconnectMs} } }
  package: { element: cmafsink, from: [in], props: { location: "\${output}", mode: live } }
` });
  assert.ok(put.status < 300, JSON.stringify(put.body));
}

before(async () => {
  // On tmpfs: what waits for a disk is bounded, but much.
  mediaDir = fs.mkdtempSync('/dev/shm/mill-cycles-');
  daemon = await Daemon.start({ apps: { held: { pipeline: 'held', auth: 'none' }, brief: { pipeline: 'brief', auth: 'none' } } }, { mediaDir });
  // Longer than any machine takes until a publisher is back: who comes as his stream is given up is refused.
  await describe('held', 600000);
  await describe('brief', 0);
  film = path.join(daemon.dir, 'film.flv');
  await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=25:duration=2', '-f', 'lavfi', '-i', 'sine=r=48000:d=2',
    '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-c:a', 'aac', film]);
});
after(async () => {
  await daemon?.stop();
  fs.rmSync(mediaDir, { recursive: true, force: true });
});

async function cycle(name, count, ...options) {
  const { stdout } = await run(tool('tests/tools/rtmp-load'), ['--url', daemon.rtmp(name, options.includes('--new-names') ? 'brief' : 'held'),
    '--publishers', String(AT_ONCE), '--stagger-ms', '0', '--cycles', String(count), ...options, film]);
  const result = JSON.parse(stdout);
  assert.deepEqual([result.cycles, result.refused, result.disconnected], [count, 0, 0], stdout);
  return result;
}

const list = async () => (await daemon.api('GET', '/api/v1/streams?limit=500')).body.items;
const streams = async () => (await list()).map(({ state }) => state);

const kilobytes = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

/** Descriptors and resident kilobytes of each process of the installation. */
async function measure() {
  const pids = { millraced: daemon.process.pid, ...Object.fromEntries((await daemon.workers()).map(({ id, pid }) => [id, pid])) };
  return Object.fromEntries(Object.entries(pids).map(([id, pid]) => [id, { descriptors: fs.readdirSync(`/proc/${pid}/fd`).length, kilobytes: kilobytes(pid) }]));
}

// Our own requests keep their connections to millraced open for a while.
const REQUESTS = { millraced: 10 };

/** Descriptors are the same once graphs that are ending are over. */
async function settled(descriptors, slack = 0) {
  return eventually(`descriptors ${JSON.stringify(descriptors)}`, 20000, async () => {
    const now = await measure();
    return Object.entries(now).every(([id, { descriptors: n }]) => n <= descriptors[id] + slack + (REQUESTS[id] ?? 0)) ? now : undefined;
  });
}

function judge(t, measured) {
  const [first, last] = [measured[0], measured.at(-1)];
  for (const [id, { kilobytes: least }] of Object.entries(first)) {
    const grown = (last[id].kilobytes - least) * 1024 / (CYCLES * (BATCHES - 1) / BATCHES);
    t.diagnostic(`${id}: ${measured.map((m) => m[id].kilobytes).join(', ')} KB resident, ${first[id].descriptors} descriptors; ${grown.toFixed(0)} bytes per cycle`);
    if (judgesMemory) assert.ok(grown < MOST_BYTES_PER_CYCLE, `${id} grows by ${grown.toFixed(0)} bytes per cycle`);
  }
}

// A stream that is awaited has the segments of its tracks open, or not.
const OPEN_SEGMENTS = 2 * AT_ONCE;

const descriptorsOf = (measured) => Object.fromEntries(Object.entries(measured).map(([id, { descriptors }]) => [id, descriptors]));

test(`${CYCLES} publishers under the same names`, async (t) => {
  const measured = [];
  for (let i = 0; i < BATCHES; i++) {
    await cycle('same%d', CYCLES / BATCHES);
    await eventually('all of them awaited', 10000, async () => (await streams()).every((state) => state === 'reconnecting'));
    measured.push(i === 0 ? await measure() : await settled(descriptorsOf(measured[0]), OPEN_SEGMENTS));
  }
  judge(t, measured);
});

test(`${CYCLES} publishers under ever new names`, { timeout: 30 * 60000 }, async (t) => {
  for (const { name } of await list()) assert.equal((await daemon.api('DELETE', `/api/v1/streams/${name}`)).status, 200, name);
  await eventually('the others to be gone', 60000, async () => (await list()).length === 0);
  const before = descriptorsOf(await measure());
  const measured = [];
  for (let i = 0; i < BATCHES; i++) {
    await cycle(`new${i}-%d`, CYCLES / BATCHES, '--new-names');
    if (isSoak) await eventually('their streams to be gone', LEAVE_MS, async () => (await streams()).length === 0);
    measured.push(await settled(before));
  }
  judge(t, measured);
});
