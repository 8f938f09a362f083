// SPDX-License-Identifier: MIT
// millrace top, against a REST API of the test's own.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { BUILD, fakeServer, millrace } from './lib.mjs';

const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();
const stream = (name, state, ingest = null, warnings = [], since = ago(3723)) => ({ name, state, app: 'live', pipeline: 'p', since, ingest, warnings: warnings.map((id) => ({ id, message: `${id} it is`, since })) });
const sends = (bitrate, fps, interval) => ({ node: 'in', bitrate_bps: bitrate, fps, keyframe_interval_seconds: interval });
const STREAMS = [
  stream('alpha', 'live', sends(2412000, 29.97, 2)),
  stream('beta', 'idle', null, [], null),
  stream('gamma', 'live', sends(640400, 25, 8.34), ['keyframe-interval-long', 'fps-drop'], ago(3 * 86400 + 4 * 3600 + 60)),
  stream('delta', 'failed'),
  stream('evil\u001b[2J', 'reconnecting', sends(0, 0, 0)),
];
const WORKERS = [
  { id: 'w0', kind: 'shared', stream: null, cpu: 0.25, memory_bytes: 80e6 },
  { id: 'gamma.1', kind: 'isolated', stream: 'gamma', cpu: 0.75, memory_bytes: 120e6 },
  { id: 'gamma.2', kind: 'isolated', stream: 'gamma', cpu: 0.5, memory_bytes: 20e6 },
  { id: 'o0', kind: 'origin', stream: null, cpu: 0.125, memory_bytes: 30e6 },
];
const ASKED = ['GET /api/v1/streams?limit=100', 'GET /api/v1/workers?limit=100'];

async function serve(t, answers = {}) {
  const server = await fakeServer({ [ASKED[0]]: [200, { items: STREAMS, next: null }], [ASKED[1]]: [200, { items: WORKERS, next: null }], ...answers });
  t.after(() => server.close());
  return { server, top: (...args) => millrace(['top', '--server', server.url, ...args]) };
}

/** What '1:02:03' may be of something that began then, when it was looked at between two times. */
function assertAge(shown, since, asked) {
  const [hours, minutes, seconds] = shown.split(':').map(Number);
  const age = (now) => Math.floor(now / 1000) - Math.floor(Date.parse(since) / 1000);
  const got = hours * 3600 + minutes * 60 + seconds;
  assert.ok(got >= age(asked) && got <= age(Date.now()), `${shown} since ${since}`);
}

const names = (table) => table.trimEnd().split('\n').slice(2).map((line) => line.split(' ')[0]);

test('top --once: what needs a look comes first, and what all of it costs', async (t) => {
  const { server, top } = await serve(t);
  const asked = Date.now();
  const { code, stdout, stderr } = await top('--once');
  assert.deepEqual([code, stderr], [0, '']);
  const lines = stdout.trimEnd().split('\n');
  assert.match(lines[0], /^\d\d:\d\d:\d\d {2}5 streams: 1 failed, 1 reconnecting, 2 live, 1 idle; workers 1\.50 cores 220 MB, origins 0\.12 cores 30 MB$/);
  assert.match(lines[1], /^NAME +STATE +FOR +BITRATE +FPS +KEYFRAME +CPU +WARNINGS$/);
  assert.match(lines[2], /^delta +failed +1:\d\d:\d\d +- +- +- +- +-$/);
  assert.match(lines[3], /^evil\?\[2J +reconnecting +1:\d\d:\d\d +0 kb\/s +- +- +- +-$/);
  assert.match(lines[4], /^alpha +live +1:\d\d:\d\d +2\.41 Mb\/s +30\.0 +2\.0 s +- +-$/);
  for (const line of lines.slice(2, 5)) assertAge(/ (1:\d\d:\d\d) /.exec(line)[1], STREAMS[0].since, asked);
  assert.match(lines[5], /^gamma +live +3d04h +640 kb\/s +25\.0 +8\.3 s +1\.25 +keyframe-interval-long,fps-drop$/);
  assert.match(lines[6], /^beta +idle +- +- +- +- +- +-$/);
  assert.equal(lines.length, 7);
  assert.deepEqual(server.requests.map((r) => r.asked), ASKED);
});

test('top --sort: the largest first, names from a to z', async (t) => {
  const { top } = await serve(t);
  const order = async (by) => names((await top('--once', '--sort', by)).stdout).map((n) => n[0]).join('');
  assert.equal(await order('name'), 'abdeg');
  assert.equal(await order('state'), 'deagb');
  assert.equal(await order('bitrate'), 'agbde');
  assert.equal(await order('fps'), 'agbde');
  assert.equal(await order('cpu'), 'gabde');
  assert.equal(await order('warnings'), 'gabde');
});

test('top --json: an object per look, with numbers', async (t) => {
  const { top } = await serve(t);
  const { code, stdout } = await top('--json', '-n', '2', '--interval', '0.1');
  assert.equal(code, 0);
  const looks = stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.equal(looks.length, 2);
  assert.ok(Math.abs(Date.parse(looks[0].time) - Date.now()) < 60000, looks[0].time);
  const gamma = looks[0].streams.find((s) => s.name === 'gamma');
  assert.deepEqual(gamma, { name: 'gamma', state: 'live', app: 'live', since: STREAMS[2].since, bitrate_bps: 640400, fps: 25, keyframe_interval_seconds: 8.34, warnings: ['keyframe-interval-long', 'fps-drop'], cpu: 1.25 });
  const delta = looks[0].streams.find((s) => s.name === 'delta');
  assert.deepEqual([delta.bitrate_bps, delta.fps, delta.cpu, delta.warnings], [null, null, null, []]);
  assert.deepEqual(looks[0].processes, WORKERS);
  assert.deepEqual(JSON.parse((await top('--once', '-o', 'json')).stdout).streams, looks[0].streams);
  assert.match((await top('--once', '-o', 'yaml')).stdout, /^---\ntime: .*\nstreams:\n {2}- name: delta\n/);
});

test('where no terminal is, one table follows the other, and nothing else', async (t) => {
  const { server, top } = await serve(t);
  const { code, stdout } = await top('--interval', '0.1', '--count', '3');
  assert.equal(code, 0);
  assert.equal(stdout.split('\n\n').length, 3, stdout);
  assert.ok(!stdout.includes('\u001b'), JSON.stringify(stdout));
  assert.equal(server.requests.length, 6);
});

test('on a terminal it is drawn in its place, and cut to its size', async (t) => {
  if (spawnSync('script', ['--version']).error) return t.skip('no script(1)');
  const { server } = await serve(t);
  const command = `stty rows 6 cols 30; exec ${path.join(BUILD, 'cli/millrace')} top -n 2 --interval 0.1 --server ${server.url}`;
  const shown = await new Promise((resolve, reject) => {
    execFile('script', ['-qec', command, '/dev/null'], { env: { ...process.env, TERM: 'xterm', SHELL: '/bin/sh', MILLRACE_KEY: 'x' } }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });
  // The screen is cleared once; then each look begins at its top.
  const looks = shown.split('\u001b[H');
  assert.deepEqual([looks.length, looks[0]], [3, '\u001b[2J'], JSON.stringify(shown));
  for (const look of looks.slice(1)) {
    const lines = look.split('\r\n').map((line) => line.replaceAll(/\u001b\[[KJ]/g, ''));
    assert.equal(lines.length, 6, JSON.stringify(look));
    assert.deepEqual(lines.slice(4), ['3 more', '']);
    for (const line of lines) assert.ok(line.length <= 30, line);
    assert.match(lines[1], /^NAME +STATE/);
  }
});

test('a server that was there may come back; one that never was does not', async (t) => {
  const { server, top } = await serve(t);
  let n = 0;
  const real = [200, { items: STREAMS, next: null }];
  const flaky = await fakeServer({
    get [ASKED[0]]() { n += 1; return n === 2 ? [503, { title: 'Unavailable', status: 503, detail: 'the store\u001b[2J is\u009b0m away' }] : real; },
    [ASKED[1]]: [200, { items: WORKERS, next: null }],
  });
  t.after(() => flaky.close());
  const { code, stdout, stderr } = await millrace(['top', '--server', flaky.url, '-n', '2', '--interval', '0.1']);
  assert.deepEqual([code, n, stdout.split('\n\n').length], [0, 3, 2]);
  assert.match(stderr, /^millrace top: error: the store\?\[2J is\?0m away .*HTTP 503\)\n$/, 'what a server says writes over no terminal');

  server.close();
  const gone = await top('-n', '2');
  assert.deepEqual([gone.code, gone.stdout], [69, '']);
  assert.match(gone.stderr, /is millraced running there/);
});

test('an order or a time that makes no sense is refused before anything is asked', async (t) => {
  const { server, top } = await serve(t);
  const order = await top('--sort', 'bitrat');
  assert.deepEqual([order.code, order.stderr], [64, "millrace top: error: option '--sort': got 'bitrat', expected one of state, name, bitrate, fps, cpu, warnings; did you mean 'bitrate'?\n"]);
  for (const wrong of ['0', '-1', 'nan', '1e9']) {
    const { code, stderr } = await top('--interval', wrong);
    assert.equal(code, 64, wrong);
    assert.match(stderr, /expected 0\.1 to 3600 seconds/);
  }
  assert.equal(server.requests.length, 0);
});

test('top takes any answer of a list for what it is', async (t) => {
  const { top } = await serve(t, {
    [ASKED[0]]: [200, { items: [{}, 7, null, { name: 5, state: {}, ingest: [], warnings: 'x', since: 'yesterday' }, { name: 'ok', state: 'odd', warnings: [null, {}], ingest: { bitrate_bps: 'x' } }], next: null }],
    [ASKED[1]]: [200, { items: [null, { kind: 3, cpu: 'x', stream: 'ok' }], next: null }],
  });
  const { code, stdout, stderr } = await top('--once');
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^ok +odd +- +0 kb\/s +- +- +0\.00 +-,-$/m);
  assert.match(stdout, /^- +- +- +- +- +- +- +-$/m);
});
