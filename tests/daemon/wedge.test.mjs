// SPDX-License-Identifier: MIT
// A media thread that stands still takes the streams beside it along: whoever
// looks at the workers, the metrics or the log must see which thread it is.
// usage: STALL_PLUGIN_DIR=DIR node --test wedge.test.mjs
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Daemon, Publisher, eventually, tool } from '../e2e/lib/daemon.mjs';
import { REAL_TIME } from '../e2e/lib/versions.mjs';

let daemon; let gate;
before(async () => {
  process.env.GST_PLUGIN_PATH_1_0 = `${process.env.STALL_PLUGIN_DIR}:${process.env.GST_PLUGIN_PATH_1_0}`;
  // All installed plugins are looked at once for this registry: that is no part of a start, whose time is limited.
  execFileSync(tool('cli/millrace'), ['elements', 'capssetter'], { stdio: 'ignore' });
  daemon = await Daemon.start({ listen: { rtmp: '127.0.0.1:0', origin: null, api: '127.0.0.1:0' }, apps: { live: { pipeline: 'stalling', auth: 'none' } } });
  gate = path.join(daemon.dir, 'gate');
  const put = await daemon.api('PUT', '/api/v1/pipelines/stalling', { text: `millrace: 1
name: stalling
nodes:
  in: { element: rtmpserversrc }
  stall: { element: capssetter, from: [in.video_0], props: { until: ${gate} } }
  out: { element: fakesink, from: [stall] }
` });
  assert.ok(put.status < 300, JSON.stringify(put.body));
});
after(() => daemon?.stop());

const worker = async () => (await daemon.workers())[0];
async function turns() {
  const { body } = await daemon.api('GET', '/metrics');
  return [...body.matchAll(/^millrace_thread_turn_seconds\{id="shared-1",kind="shared",thread="([^"]+)"\} (\S+)$/gm)].map(([, thread, seconds]) => ({ thread, seconds: Number(seconds) }));
}

test('a thread that stands still is named until it goes on', async (t) => {
  assert.deepEqual([(await worker()).state, (await worker()).stalled_threads], ['running', []]);
  const publisher = new Publisher('ffmpeg', ['-hide_banner', '-loglevel', 'warning', '-nostdin', ...REAL_TIME, '-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=10', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-f', 'flv', daemon.rtmp('stuck')]);
  t.after(() => publisher.kill());
  const degraded = await eventually('a degraded worker', 20000, async () => ((await worker()).state === 'degraded' ? worker() : undefined));
  assert.equal(degraded.stalled_threads.length, 1);
  const [name] = degraded.stalled_threads;
  assert.match(name, /^mill-rtmp-\d+$/);
  assert.ok((await turns()).find(({ thread, seconds }) => thread === name && seconds > 2), 'the metric says so');
  const messages = () => daemon.readLog().split('\n').filter((line) => line.includes(`thread ${name} stands still`));
  assert.equal(messages().length, 1);

  fs.writeFileSync(gate, '');
  await eventually('the worker to be well again', 20000, async () => (await worker()).state === 'running');
  assert.deepEqual((await worker()).stalled_threads, []);
  assert.ok((await turns()).every(({ seconds }) => seconds < 2));
  assert.equal(messages().length, 1, 'once, not with every heartbeat');
});
