// SPDX-License-Identifier: MIT
// GStreamer's dashdemux2 shows the pictures that were published, each of them, where
// its own faults let it (docs/packaging.md, "GStreamer's dashdemux2").
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { CACHE, Daemon, Publisher, eventually, startOrigin, tool } from './lib/daemon.mjs';
import { play, playSome } from './lib/gstreamer.mjs';
import { movie, pictureHashes } from './lib/movie.mjs';
import { assertConsecutive } from './lib/playlist.mjs';

const run = promisify(execFile);
const FPS = 30; const GOP_S = 2;
const skip = spawnSync('gst-inspect-1.0', ['--exists', 'dashdemux2']).status !== 0 && 'no dashdemux2';

const assertClean = (said) => {
  assert.match(said, /GstDashDemux2/);
  assert.doesNotMatch(said, /ERROR|WARNING/);
};

/* Windows that begin where their Period does, and segments that are counted by the clock. */
const LASTING = {
  'live with a DVR window': { params: { 'dvr-window-ms': 600000 }, ready: /<SegmentTimeline>/ },
  'low latency': { params: { 'part-duration-ms': 333 }, ready: /availabilityTimeComplete="false"/ },
};

/* It begins when 30 s are buffered, which at the live edge takes as long: both at once. */
test('what lasts: every picture from where it joins', { skip, concurrency: 2 }, async (t) => {
  const film = await movie(CACHE, { seconds: 90, gop: 1, bframes: 0, width: 320, height: 180, bitrate: 250 });
  const hashes = await pictureHashes(film);
  await Promise.all(Object.entries(LASTING).map(([mode, { params, ready }]) => t.test(mode, async (one) => {
    const daemon = await Daemon.start({ apps: { live: { pipeline: 'live-passthrough', auth: 'none', params } } });
    one.after(() => daemon.stop());
    const publisher = Publisher.ffmpeg(film, daemon.rtmp('on'));
    one.after(() => publisher.kill());
    const url = daemon.stream('on', 'manifest.mpd');
    await eventually('its MPD', 30000, async () => ready.test(await (await fetch(url)).text()));
    const { said, buffers } = await playSome(url, 12 * FPS, 85000);
    assertClean(said);
    assertConsecutive(buffers.map(({ hash }) => hashes.indexOf(hash)), mode);
    assert.ok(buffers.length >= 12 * FPS, `${buffers.length} pictures`);
  })));
});

test('VOD, to its end', { skip }, async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-dash-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const source = await movie(CACHE, { seconds: 12 });
  const pack = (name, ...more) => run(tool('cli/millrace'), ['run', 'vod-package', '--set', `input=${source}`, '--set', `output=${dir}/${name}`, ...more, '--quiet']);
  await pack('film');
  await pack('one', '--set', 'single-file=true');
  const origin = await startOrigin(dir);
  t.after(() => origin.stop());
  const hashes = await pictureHashes(source);
  await t.test('every picture', async () => {
    const { said, buffers } = await play(`${origin.base}/film/manifest.mpd`);
    assertClean(said);
    assert.deepEqual(buffers.map(({ hash }) => hash), hashes);
  });
  await t.test('in one file: every picture but, where it has that fault, those of the last subsegment', async () => {
    const { said, buffers } = await play(`${origin.base}/one/manifest.mpd`);
    assertClean(said);
    assert.ok([hashes.length, hashes.length - GOP_S * FPS].includes(buffers.length), `${buffers.length} of ${hashes.length} pictures`);
    assert.deepEqual(buffers.map(({ hash }) => hash), hashes.slice(0, buffers.length));
  });
});
