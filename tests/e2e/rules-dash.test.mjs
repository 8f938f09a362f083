// SPDX-License-Identifier: MIT
// Streams break no rule of DASH while publishers, and the process that packages
// them, come and go; and what reads MPDs beside browsers plays them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Presentation } from '../tools/check/dash-presentation.mjs';
import { Report } from '../tools/check/report.mjs';
import { CACHE, Daemon, Publisher, eventually, tool } from './lib/daemon.mjs';
import { frameNumbers, movie } from './lib/movie.mjs';
import { assertConsecutive } from './lib/playlist.mjs';

const run = promisify(execFile);
let film;
before(async () => { film = await movie(CACHE, { seconds: 90, gop: 1 }); });

async function open(daemon, name) {
  const url = daemon.stream(name, 'manifest.mpd'); const report = new Report();
  await eventually(`${name} is there`, 20000, async () => (await fetch(url)).status === 200);
  return { report, presentation: new Presentation(new URL(url), report) };
}

/** Until so many more segments are there, of all together. */
async function followMore({ presentation }, count, options) {
  await presentation.load();
  const size = presentation.segments.size; const deadline = Date.now() + 60000;
  await presentation.follow(() => Date.now() > deadline || presentation.segments.size >= size + count, options);
  assert.ok(Date.now() <= deadline, `${count} more segments`);
}

/** Until a Period that was not there before has segments of each kind. */
async function followPeriod({ presentation }, count) {
  const deadline = Date.now() + 60000;
  const loaded = () => { const last = presentation.mpd.periods.at(-1); return last.representations.every((r) => [...presentation.segments].filter(([uri, s]) => s && uri.startsWith(r.uri({ number: '' }).replace('.m4s', '')) && s.number >= r.first).length >= 2); };
  await presentation.follow(() => Date.now() > deadline || (presentation.periods.size >= count && loaded()), { pauses: true });
  assert.ok(Date.now() <= deadline, `Period ${count} has segments; there are ${[...presentation.periods.keys()]}`);
}

const stays = (report) => assert.deepEqual([...new Set(report.lines)], []);

/** Publishers and packagers die; then the stream ends. */
async function goThrough(t, config, parts) {
  const daemon = await Daemon.start(config);
  t.after(() => daemon.stop());
  const publish = () => { const publisher = Publisher.ffmpeg(film, daemon.rtmp('through')); t.after(() => publisher.kill()); return publisher; };
  let publisher = publish();
  const watched = await open(daemon, 'through');
  await followMore(watched, 8);
  await publisher.kill();
  // Away for longer than a stumble, which is no discontinuity.
  await new Promise((resolve) => { setTimeout(resolve, 1500); });
  publisher = publish();
  await followPeriod(watched, 2);
  const shared = (await daemon.workers()).find((w) => w.kind === 'shared');
  process.kill(shared.pid, 'SIGKILL');
  await publisher.kill();
  await daemon.replaced(shared, 'through', 10000);
  publisher = publish();
  await followPeriod(watched, 3);
  assert.equal((await daemon.api('POST', '/api/v1/streams/through/stop')).status, 200);
  const deadline = Date.now() + 20000;
  await watched.presentation.follow(() => Date.now() > deadline, { pauses: true });
  assert.ok(watched.presentation.ended, 'the MPD is static at the end');
  stays(watched.report);
  if (parts) assert.ok([...watched.presentation.segments.values()].some((s) => s?.media.references.length > 1), 'it was of low latency');
}

test('live-passthrough: reconnect, kill -9 of the packager, end', (t) => goThrough(t, {}));

test('the same with low latency', (t) => goThrough(t, { apps: { live: { pipeline: 'live-passthrough', auth: 'none', params: { 'part-duration-ms': 200 } } } }, true));

test('live-ladder: encoded rungs beside the publisher\'s own picture', async (t) => {
  const daemon = await Daemon.start({ apps: { live: { pipeline: 'live-ladder', auth: 'none', params: { ladder: 'test' } } } });
  t.after(() => daemon.stop());
  const publisher = Publisher.ffmpeg(film, daemon.rtmp('ladder'));
  t.after(() => publisher.kill());
  const watched = await open(daemon, 'ladder');
  await followMore(watched, 24);
  assert.equal(new Set(watched.presentation.mpd.representations.map((r) => r.id)).size, 4, 'three pictures and the sound');
  stays(watched.report);
});

test('vod: no rule is broken', async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-dash-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const source = await movie(CACHE, { seconds: 12 });
  await run(tool('cli/millrace'), ['run', 'vod-package', '--set', `input=${source}`, '--set', `output=${dir}/film`, '--quiet']);
  const report = new Report(); const presentation = new Presentation(pathToFileURL(path.join(dir, 'film/manifest.mpd')), report);
  await presentation.load();
  assert.ok(presentation.segments.size >= 12);
  stays(report);
});

/* ---- what reads MPDs beside browsers ---- */

test('FFmpeg plays a live MPD from where it joins, without a hole', async (t) => {
  const daemon = await Daemon.start();
  t.after(() => daemon.stop());
  const publisher = Publisher.ffmpeg(film, daemon.rtmp('plain'));
  t.after(() => publisher.kill());
  const watched = await open(daemon, 'plain');
  await followMore(watched, 6);
  const numbers = await frameNumbers(daemon.stream('plain', 'manifest.mpd'), ['-t', '6']);
  assert.ok(numbers.length > 120, `${numbers.length} pictures`);
  assertConsecutive(numbers, 'FFmpeg');
});
