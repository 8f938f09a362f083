// SPDX-License-Identifier: MIT
// Publishers that stall, vanish, trickle, send noise, break off within a frame
// or reset, beside those that are honest and come back: whoever is honest must
// neither be refused nor cut off, and nobody who misbehaves may stay for ever.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Daemon, eventually, tool } from '../e2e/lib/daemon.mjs';

const run = promisify(execFile);
const HONEST = 6;
const SECONDS = 8;
const FAULTS = ['stall', 'half-open', 'slow-handshake', 'garbage', 'truncate', 'reset'];
const FPS = 25;

let daemon; let film;
before(async () => {
  daemon = await Daemon.start({ apps: { live: { pipeline: 'impatient', auth: 'none' } } });
  const put = await daemon.api('PUT', '/api/v1/pipelines/impatient', { text: `millrace: 1
name: impatient
params:
  output: { type: string, required: true }
nodes:
  in: { element: rtmpserversrc, props: { idle-timeout-ms: 2000, reconnect-timeout-ms: 3000 } }
  package: { element: cmafsink, from: [in], props: { location: "\${output}", mode: live, segment-duration-ms: 1000 } }
` });
  assert.ok(put.status < 300, JSON.stringify(put.body));
  film = path.join(daemon.dir, 'film.flv');
  await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', `testsrc=size=320x180:rate=${FPS}:duration=4`, '-f', 'lavfi', '-i', 'sine=r=48000:d=4',
    '-c:v', 'libx264', '-preset', 'ultrafast', '-g', String(FPS), '-c:a', 'aac', film]);
});
after(() => daemon?.stop());

test('honest publishers keep what they have', async (t) => {
  const { stdout } = await run(tool('tests/tools/rtmp-load'), ['--url', daemon.rtmp('load%d'), '--publishers', String(HONEST + FAULTS.length),
    ...FAULTS.flatMap((fault) => ['--fault', `${fault}=1`]), '--seconds', String(SECONDS), '--reconnect-every', '3', film]);
  const result = JSON.parse(stdout);
  t.diagnostic(stdout);
  assert.deepEqual([result.refused, result.disconnected], [0, 0]);
  assert.ok(result.reconnects >= HONEST * 2, 'each has gone and come back twice');
  assert.ok(result.frames.min > (SECONDS - 1) * FPS, 'each has sent its film');
  assert.ok(result.faults.stall.closed >= 1, 'who stalled was closed after idle-timeout-ms');
  assert.ok(result.faults.garbage.closed >= 2, 'noise is closed, again and again');
  await eventually('all streams to be over', 20000, async () => {
    const { body } = await daemon.api('GET', '/api/v1/streams?limit=100');
    return body.items.length > 0 && body.items.every(({ state }) => state === 'idle') ? body : undefined;
  });
});
