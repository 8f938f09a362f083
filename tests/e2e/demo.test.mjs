// SPDX-License-Identifier: MIT
// What `./bootstrap run` executes: URLs that play, and nothing left behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { BUILD, eventually } from './lib/daemon.mjs';

const SCRIPT = new URL('../../pipelines/demo/run', import.meta.url).pathname;

test('the demo prints URLs that answer, and ends everything it started', async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-demo-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const config = path.join(dir, 'demo.yaml');
  const shipped = fs.readFileSync(path.join(path.dirname(SCRIPT), 'millraced.yaml'), 'utf8');
  assert.equal(shipped.match(/^ {2}\w+: 127\.0\.0\.1:\d+$/gm).length, 3, 'the shipped configuration listens on loopback');
  fs.writeFileSync(config, shipped.replace(/^( {2}\w+: 127\.0\.0\.1):\d+$/gm, '$1:0'));

  const demo = spawn(SCRIPT, [BUILD, config], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: dir } });
  const exited = once(demo, 'exit');
  t.after(async () => { if (demo.exitCode === null) demo.kill('SIGTERM'); await exited; });
  let said = '';
  demo.stdout.on('data', (data) => { said += data; });
  demo.stderr.on('data', (data) => { said += data; });
  await eventually('the URLs', 60000, () => {
    if (demo.exitCode !== null) throw new Error(said);
    return /^ {2}logs /m.test(said);
  });
  assert.match(said, /play +http:\/\/127\.0\.0\.1:\d+\/play\/demo\n/, 'the page comes first');
  for (const kind of ['HLS', 'DASH', 'REST']) {
    const [, url] = new RegExp(`${kind} +(http\\S+)`).exec(said);
    await eventually(url, 10000, async () => (await fetch(url)).status === 200);
  }
  const [, api, key] = /REST +(http:\/\/[^/]+).*\n +key +(\S+)/.exec(said);
  const { items } = await (await fetch(`${api}/api/v1/workers`, { headers: { 'x-api-key': key } })).json();
  assert.deepEqual(items.map((w) => w.kind).sort(), ['isolated', 'origin', 'shared']);
  // The ladder is there: the picture that is published, and two below.
  const [, hls] = /HLS +(http\S+)/.exec(said);
  await eventually('three renditions', 20000, async () => (await (await fetch(hls)).text()).match(/^#EXT-X-STREAM-INF/gm)?.length === 3);

  demo.kill('SIGTERM');
  assert.equal((await exited)[0], 0, said);
  assert.deepEqual(fs.readdirSync(dir), ['demo.yaml']);
  for (const { id, pid } of items) {
    await eventually(`${id} is gone`, 5000, () => {
      try { return /^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8')); } catch { return true; }
    });
  }
});
