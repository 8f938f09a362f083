// SPDX-License-Identifier: MIT
// What cmafmux makes of a movie is the movie: for FFmpeg, for GStreamer's own
// demuxer, and in a browser's MediaSource without any player's help.
// weight: 2
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { CACHE, LAUNCH } from './lib/daemon.mjs';
import { buffersOf } from './lib/gstreamer.mjs';
import { movie, packetHashes, packetTimes } from './lib/movie.mjs';
import { assertIncreasing } from './lib/playlist.mjs';
import { serveDirectory } from './lib/static-server.mjs';

const run = promisify(execFile);
const SECONDS = 6;
const FPS = 30;
let dir; let server; let base; let source;

before(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-cmafmux-'));
  source = await movie(CACHE, { seconds: SECONDS, fps: FPS });
  await run('gst-launch-1.0', ['-q', 'filesrc', `location=${source}`, '!', 'qtdemux', 'name=d',
    'd.video_0', '!', 'queue', 'max-size-time=0', '!', 'cmafmux', 'segment-duration-ms=2000', 'chunk-duration-ms=200', '!', 'filesink', `location=${dir}/video.mp4`,
    'd.audio_0', '!', 'queue', 'max-size-time=0', '!', 'cmafmux', '!', 'filesink', `location=${dir}/audio.mp4`], { env: LAUNCH, timeout: 60000 });
  server = await serveDirectory(dir);
  base = server.base;
});
after(() => {
  server.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

test('FFmpeg finds every packet with its time', async () => {
  const file = path.join(dir, 'video.mp4');
  assert.deepEqual(await packetHashes(file, 'v:0'), await packetHashes(source, 'v:0'));
  const [mine, theirs] = [await packetTimes(file), await packetTimes(source)];
  assert.equal(mine.length, SECONDS * FPS);
  mine.forEach((time, i) => assert.ok(Math.abs(time - theirs[i]) <= 12, `frame ${i}: ${time} \u00b5s, source ${theirs[i]} \u00b5s`));
});

test('qtdemux finds every frame', async () => {
  const { buffers } = await buffersOf('filesrc', `location=${dir}/video.mp4`, '!', 'qtdemux');
  assert.deepEqual(buffers.map((buffer) => buffer.hash), await packetHashes(source, 'v:0'));
});

test('a browser plays it to its last frame', { skip: noBrowser }, async () => {
  const browser = await startBrowser();
  try {
    const viewer = await browser.open('mse', base, {
      tracks: [{ url: `${base}/video.mp4`, type: 'video/mp4; codecs="avc1.64001F"' }, { url: `${base}/audio.mp4`, type: 'audio/mp4; codecs="mp4a.40.2"' }],
    });
    const seen = await viewer.until('the end', 60000, (s) => s.ended);
    assertIncreasing(seen.frames, 'mse');
    assert.equal(seen.unread, 0);
    assert.equal(seen.frames.at(-1)[0], SECONDS * FPS - 1, 'the last picture');
  } finally {
    await browser.close();
  }
});
