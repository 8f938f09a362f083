// SPDX-License-Identifier: MIT
// RTMP in, an adaptive ladder out, by the real daemon: renditions are aligned to
// the tick, lack no frame, and players go from one to another unnoticed.
// weight: 2
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { assertAligned, idrTimes, readDirectory } from './lib/cmaf.mjs';
import { CACHE, Daemon, Publisher, eventually } from './lib/daemon.mjs';
import { preset } from './lib/ladder.mjs';
import { frameNumbers, movie } from './lib/movie.mjs';
import { assertConsecutive, multivariant } from './lib/playlist.mjs';

let dir; let daemon; let browser;
before(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-ladder-'));
  const app = (ladder) => ({ pipeline: 'live-ladder', auth: 'none', params: { ladder } });
  daemon = await Daemon.start({
    apps: {
      veryfast: app(preset(dir, 'veryfast', [[270, 400, 0], [180, 200, 25]])),
      slow: app(preset(dir, 'slow', [[270, 400, 0], [180, 200, 25]])),
      // Bit rates far below the source's: dash.js stops when an MPD that it reads again has them in another order.
      live: app(preset(dir, 'ultrafast', [[270, 120, 0], [180, 60, 0]])),
    },
  });
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
  fs.rmSync(dir, { recursive: true, force: true });
});

// The keyframe before last is no cut: a rung must not make one of it.
const irregular = { seconds: 10, fps: 50, keyframes: [0, 13, 126, 127, 170, 250, 381, 480], bframes: 3 };

for (const app of ['veryfast', 'slow']) {
  test(`live-ladder, ${app}: every frame in every rendition, IDR pictures at the same ticks`, async (t) => {
    const source = await movie(CACHE, irregular);
    const publisher = Publisher.ffmpeg(source, daemon.rtmp(`all-${app}`, app));
    t.after(() => publisher.kill());
    assert.equal(await publisher.ended(), 0, publisher.errors);
    // All was read; a stop ends it in good order, without the hold for a publisher who comes back.
    await eventually('the publisher gone', 5000, async () => (await daemon.streamState(`all-${app}`)).state === 'reconnecting');
    assert.equal((await daemon.api('POST', `/api/v1/streams/all-${app}/stop`)).status, 200);
    const directory = path.join(daemon.mediaDir, `all-${app}`);
    await eventually('the end', 15000, async () => {
      const { variants } = await multivariant(daemon.stream(`all-${app}`));
      const texts = await Promise.all(variants.map(async ({ url }) => (await fetch(url)).text()));
      return texts.every((text) => text.includes('#EXT-X-ENDLIST'));
    }).catch((error) => { throw new Error(`${error.message}\n${daemon.logs()}`); });
    const renditions = readDirectory(directory, dir);
    assert.deepEqual(Object.keys(renditions), ['a96', 'v180', 'v270', 'v360']);
    assertAligned(renditions);
    const times = idrTimes(renditions.v360);
    const { timescale } = renditions.v360;
    // RTMP counts in milliseconds.
    times.forEach((time, i) => assert.ok(Math.abs(((time - times[0]) * 1000) / timescale - irregular.keyframes[i] * 20) <= 1, `keyframe ${i}`));
    assert.equal(times.length, irregular.keyframes.length);
    for (const name of ['v360', 'v270']) {
      const numbers = await frameNumbers(renditions[name].file);
      assertConsecutive(numbers, name);
      assert.deepEqual([numbers.length, renditions[name].gaps], [500, 0], name);
    }
    const half = await frameNumbers(renditions.v180.file);
    const { keyframes } = irregular;
    assert.deepEqual(half, keyframes.flatMap((from, i) => Array.from({ length: Math.ceil(((keyframes[i + 1] ?? 500) - from) / 2) }, (_, k) => from + 2 * k)));
  });
}

/** Fails on a stall, or where number, media time and the wall clock come apart by more than 2 frames. */
function assertSmooth(seen, fps, what) {
  assert.deepEqual(seen.stalls, [], what);
  assert.equal(seen.unread, 0, what);
  const offsets = seen.frames.map(([number, time]) => number - (time * fps) / 1000);
  const middle = [...offsets].sort((a, b) => a - b)[offsets.length >> 1];
  seen.frames.forEach(([number], i) => {
    assert.ok(Math.abs(offsets[i] - middle) <= 2, `${what}: frame ${number} came ${(offsets[i] - middle).toFixed(1)} frames beside its time`);
    if (i > 0) assert.ok(number >= seen.frames[i - 1][0] - 2, `${what}: ${number} after ${seen.frames[i - 1][0]}`);
  });
}

test('players switch between renditions without a stall or a jump', { skip: noBrowser }, async (t) => {
  const source = await movie(CACHE, { seconds: 120 });
  browser = await startBrowser();
  for (const [player, file] of [['hls', 'master.m3u8'], ['shaka', 'manifest.mpd'], ['dash', 'manifest.mpd']]) {
    await t.test(player, async (sub) => {
      const name = `switch-${player}`;
      const publisher = Publisher.ffmpeg(source, daemon.rtmp(name));
      sub.after(() => publisher.kill());
      await eventually('three renditions', 15000, async () => {
        const { variants } = await multivariant(daemon.stream(name));
        return variants.length === 3;
      });
      const viewer = await browser.open(player, daemon.stream(name, file));
      sub.after(() => viewer.close());
      await viewer.until('a second of pictures', 15000, (s) => s.frames.length > 25);
      const levels = await viewer.levels();
      assert.deepEqual(levels.map((l) => l.height).sort((a, b) => a - b), [180, 270, 360]);
      // down, up, in the middle: each is on the screen before the next
      for (const height of [180, 360, 270]) {
        await viewer.select(levels.findIndex((l) => l.height === height));
        const from = (await viewer.seen()).frames.length;
        await viewer.until(`${height}p for a second`, 20000, (s) => s.frames.slice(from).filter((f) => f[3] === height).length > 25);
      }
      const seen = await viewer.seen();
      assertSmooth(seen, 30, player);
      assert.deepEqual(seen.errors.filter((e) => e.fatal), []);
    });
  }
});
