// SPDX-License-Identifier: MIT
// A movie file becomes an adaptive ladder by one command: every frame in every
// rendition, IDR pictures at the same ticks, nothing larger than the source.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { assertAligned, idrTimes, readDirectory, samplesOf } from './lib/cmaf.mjs';
import { CACHE, tool } from './lib/daemon.mjs';
import { preset } from './lib/ladder.mjs';
import { frameNumbers, movie, packetTimes } from './lib/movie.mjs';
import { assertConsecutive } from './lib/playlist.mjs';

const run = promisify(execFile);
let dir;
before(() => { dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-ladder-')); });
after(() => fs.rmSync(dir, { recursive: true, force: true }));

async function ladder(name, source, params) {
  const output = path.join(dir, name);
  const settings = Object.entries({ input: source, output, ...params }).flatMap(([k, v]) => ['--set', `${k}=${v}`]);
  const { stderr } = await run(tool('cli/millrace'), ['run', 'vod-ladder', ...settings, '--progress'], { timeout: 60000 });
  return { output, stderr, renditions: readDirectory(output, dir) };
}

const irregular = { seconds: 6, fps: 50, keyframes: [0, 13, 37, 48, 126, 127, 211], bframes: 3 };
const sources = {
  'irregular keyframes, B-frames, veryfast': { movie: irregular, rungs: [[270, 400, 0], [180, 200, 0]], speed: 'veryfast' },
  'irregular keyframes, B-frames, slow, half rate below': { movie: irregular, rungs: [[270, 400, 0], [180, 200, 25]], speed: 'slow' },
  'no sound': { movie: { seconds: 4, audio: false }, rungs: [[270, 400, 0], [180, 200, 0]], speed: 'veryfast' },
  'an upright picture, no B-frames': { movie: { seconds: 4, width: 360, height: 640, bframes: 0 }, rungs: [[720, 2800, 0], [180, 200, 0]], speed: 'ultrafast' },
};

for (const [name, { movie: options, rungs, speed }] of Object.entries(sources)) {
  test(`vod-ladder: ${name}`, async () => {
    const source = await movie(CACHE, options);
    const fps = options.fps ?? 30;
    const { output, stderr, renditions } = await ladder(name.replaceAll(/\W+/g, '-'), source, { ladder: preset(dir, speed, rungs) });
    const videos = Object.values(renditions).filter((r) => r.kind === 'video');
    const kept = rungs.filter(([height]) => height < Math.min(options.width ?? 640, options.height ?? 360));
    assert.equal(videos.length, kept.length + 1, Object.keys(renditions).join());
    assert.equal(Object.values(renditions).filter((r) => r.kind === 'audio').length, options.audio === false ? 0 : 1);
    assertAligned(renditions);

    const own = videos.reduce((a, b) => (a.height > b.height ? a : b));
    assert.deepEqual([own.width, own.height], [options.width ?? 640, options.height ?? 360]);
    const expected = options.keyframes ?? Array.from({ length: options.seconds / 2 }, (_, i) => i * 2 * fps);
    assert.deepEqual(idrTimes(own), expected.map((n) => (n * own.timescale) / fps), 'IDR times are those of the source');
    const times = await packetTimes(source);
    const numbers = await frameNumbers(own.file);
    assert.equal(numbers.length, times.length);

    for (const video of videos) {
      const what = `${video.height}p`;
      assert.equal(video.gaps, 0, what);
      assert.ok(video.ended, what);
      assert.ok(video.width <= own.width && video.height <= own.height, what);
      const [, , limit] = rungs.find(([height]) => video !== own && height === Math.min(video.width, video.height)) ?? [0, 0, 0];
      const seen = await frameNumbers(video.file);
      if (!limit) {
        assertConsecutive(seen, what);
        assert.equal(seen.length, times.length, what);
      } else {
        // Every second frame, counted anew from each keyframe.
        const half = expected.flatMap((from, i) => Array.from({ length: Math.ceil(((expected[i + 1] ?? times.length) - from) / 2) }, (_, k) => from + 2 * k));
        assert.deepEqual(seen, half, what);
      }
      assert.equal(samplesOf(video).length, seen.length, what);
    }
    const master = fs.readFileSync(path.join(output, 'master.m3u8'), 'utf8');
    assert.equal(master.match(/^#EXT-X-STREAM-INF:/gm).length, videos.length);
    assertSane(stderr, options.seconds);
  });
}

function assertSane(stderr, seconds) {
  assert.doesNotMatch(stderr.replace(/.*planned pad 'audio_%u'.*\n/, ''), /warning|error|CRITICAL/i);
  const [, media] = /ended: ([\d.]+) s of media/.exec(stderr) ?? [];
  assert.ok(Math.abs(media - seconds) < 0.3, `progress: ${stderr}`);
}

test('vod-ladder: a source smaller than every rung goes out alone', async () => {
  const source = await movie(CACHE, { seconds: 2, width: 192, height: 108 });
  const { renditions, stderr } = await ladder('small', source, { ladder: 'standard' });
  assert.match(stderr, /planned pad 'video_%u' for 'package' has not appeared/);
  assert.deepEqual(Object.keys(renditions), ['a96', 'v108']);
  assertConsecutive(await frameNumbers(renditions.v108.file), 'v108');
});

test('vod-ladder, vod-thumbnails: a film without pictures ends, with its sound alone', async () => {
  const sound = path.join(dir, 'sound.m4a');
  await run('ffmpeg', ['-v', 'error', '-i', await movie(CACHE, { seconds: 2, width: 192, height: 108 }), '-vn', '-c', 'copy', sound]);
  for (const description of ['vod-ladder', 'vod-thumbnails']) {
    const output = path.join(dir, `sound-${description}`);
    const { stderr } = await run(tool('cli/millrace'), ['run', description, '--set', `input=${sound}`, '--set', `output=${output}`], { timeout: 60000 });
    assert.match(stderr, /planned pad 'video_.*' for '(ladder|thumbs)' has not appeared/);
    assert.deepEqual(Object.keys(readDirectory(output, dir)), ['a96']);
  }
});

test('vod-ladder: an unknown preset is told with the names there are', async () => {
  const source = await movie(CACHE, { seconds: 2, width: 192, height: 108 });
  await assert.rejects(ladder('none', source, { ladder: 'standart' }), (error) => {
    assert.match(error.stderr, /preset 'standart': got no such preset, .*standard/);
    return true;
  });
});

// A demuxer that starts before what follows it is active, a queue that is asked
// for buffers while it is full: either stands still, now and then.
test('vod-ladder: twenty runs end', async () => {
  const source = await movie(CACHE, { seconds: 2, fps: 10 });
  const file = preset(dir, 'ultrafast', [[180, 200, 0]]);
  for (let i = 0; i < 20; i++) {
    const { renditions } = await ladder(`run-${i}`, source, { ladder: file });
    assert.equal(samplesOf(renditions.v180).length, 20);
    assert.equal(samplesOf(renditions.v360).length, 20);
  }
});
