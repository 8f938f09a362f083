// SPDX-License-Identifier: MIT
// A movie file becomes VOD by one command.
// weight: 3
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { CACHE, tool } from './lib/daemon.mjs';
import { frameNumbers, movie, packetTimes } from './lib/movie.mjs';
import { assertConsecutive, assertIncreasing, mediaPlaylist, multivariant } from './lib/playlist.mjs';
import { serveDirectory } from './lib/static-server.mjs';

const run = promisify(execFile);
let browser; let server; let base; let dir;

before(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-vod-'));
  // The output must play from any static server.
  server = await serveDirectory(dir);
  base = server.base;
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  server.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

const sources = {
  'B-frames, regular GOP': { seconds: 12 },
  'irregular keyframes, 25 fps': { seconds: 12, fps: 25, keyframes: [0, 37, 90, 101, 180, 260], bframes: 3 },
  'no B-frames, one-second GOP': { seconds: 9, gop: 1, bframes: 0 },
};

for (const [name, options] of Object.entries(sources)) {
  test(`vod-package: ${name}`, { concurrency: 3 }, async (t) => {
    const source = await movie(CACHE, options);
    const output = path.join(dir, path.basename(source, '.mp4'));
    await run(tool('cli/millrace'), ['run', 'vod-package', '--set', `input=${source}`, '--set', `output=${output}`, '--quiet']);
    const url = `${base}/${path.basename(output)}`;
    const count = options.seconds * (options.fps ?? 30);

    await t.test('frames and timestamps equal the source', async () => {
      for (const file of ['master.m3u8', 'manifest.mpd']) {
        const numbers = await frameNumbers(`${url}/${file}`);
        assertConsecutive(numbers, file);
        assert.equal(numbers.length, count, file);
      }
      const { variants } = await multivariant(`${url}/master.m3u8`);
      const playlist = await mediaPlaylist(variants[0].url);
      assert.ok(playlist.ended);
      assert.match(playlist.text, /#EXT-X-PLAYLIST-TYPE:VOD/);
      const joined = path.join(dir, 'joined.mp4');
      const parts = await Promise.all([playlist.segments[0].map, ...playlist.segments.map((s) => s.url)].map(async (u) => Buffer.from(await (await fetch(u)).arrayBuffer())));
      fs.writeFileSync(joined, Buffer.concat(parts));
      const [mine, theirs] = [await packetTimes(joined), await packetTimes(source)];
      assert.equal(mine.length, theirs.length);
      // Microseconds; 90 kHz rounds by at most 11.
      mine.forEach((time, i) => assert.ok(Math.abs(time - theirs[i]) <= 12, `frame ${i}: ${time} µs, source ${theirs[i]} µs`));
      const sum = playlist.segments.reduce((total, s) => total + s.duration, 0);
      assert.ok(Math.abs(sum - options.seconds) < 0.05, `EXTINF adds up to ${sum} s of ${options.seconds} s`);
    });

    await Promise.all([['hls', 'master.m3u8'], ['shaka', 'manifest.mpd'], ['dash', 'manifest.mpd']].map(([player, file]) => t.test(`${player} plays it to its last frame`, { skip: noBrowser }, async () => {
      const viewer = await browser.open(player, `${url}/${file}`);
      const seen = await viewer.until('the end', (options.seconds + 15) * 1000, (s) => s.ended);
      assertIncreasing(seen.frames, player);
      assert.equal(seen.unread, 0);
      // A page that has just begun may not have had the time for the first pictures: the element knows where it began.
      const fps = options.fps ?? 30; const [[number, ms]] = seen.frames;
      const { played } = await viewer.played();
      assert.ok(played[0][0] <= 2 / fps, `played ${JSON.stringify(played)}`);
      assert.ok(Math.abs(number - (ms * fps) / 1000) <= 2, `picture ${number} was shown at ${ms} ms`);
      assert.equal(seen.frames.at(-1)[0], count - 1, 'the last picture');
      await viewer.close();
    })));
  });
}

test('a missing input file is told by name and with exit code 66', async () => {
  const missing = path.join(dir, 'no-such-movie.mp4');
  await assert.rejects(run(tool('cli/millrace'), ['run', 'vod-package', '--set', `input=${missing}`, '--set', `output=${dir}/none`]), (error) => {
    assert.equal(error.code, 66);
    assert.match(error.stderr, /no-such-movie\.mp4/);
    return true;
  });
});
