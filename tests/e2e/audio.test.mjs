// SPDX-License-Identifier: MIT
// Sound: languages that a viewer chooses among, a variant without picture, a
// stream without picture.
// weight: 2
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { Presentation } from '../tools/check/hls-presentation.mjs';
import { Report } from '../tools/check/report.mjs';
import { CACHE, eventually, tool } from './lib/daemon.mjs';
import { movie, packetHashes } from './lib/movie.mjs';
import { assertIncreasing } from './lib/playlist.mjs';
import { serveDirectory } from './lib/static-server.mjs';

const run = promisify(execFile);
const SECONDS = 20;
const FPS = 30;
let dir; let server; let base; let source;

async function twoLanguages() {
  const single = await movie(CACHE, { seconds: SECONDS, fps: FPS });
  const file = path.join(CACHE, `${path.basename(single, '.mp4')}-eng-fra.mp4`);
  if (!fs.existsSync(file)) {
    await run('ffmpeg', ['-v', 'error', '-y', '-i', single, '-f', 'lavfi', '-i', `sine=frequency=880:sample_rate=48000:duration=${SECONDS}`, '-map', '0:v', '-map', '0:a', '-map', '1:a',
      '-c:v', 'copy', '-c:a:0', 'copy', '-c:a:1', 'aac', '-b:a:1', '64k', '-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=fra', '-f', 'mp4', `${file}.part`]);
    fs.renameSync(`${file}.part`, file);
  }
  return file;
}

const makeVod = (input, name) => run(tool('cli/millrace'), ['run', 'vod-package', '--quiet', '--set', `input=${input}`, '--set', `output=${dir}/${name}`, '--set', 'audio-variant=true'], { timeout: 60000 });

async function loadClean(name) {
  const report = new Report();
  const presentation = new Presentation(new URL(`file://${dir}/${name}/master.m3u8`), report);
  await presentation.load();
  assert.deepEqual(report.lines, []);
  return presentation.multivariant;
}

before(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-audio-'));
  source = await twoLanguages();
  await makeVod(source, 'two');
  server = await serveDirectory(dir);
  base = server.base;
});
after(() => {
  server.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

test('both languages are listed, and the sound alone', async () => {
  const { variants, renditions } = await loadClean('two');
  const audio = renditions.filter((r) => r.attributes.TYPE === 'AUDIO').map((r) => r.attributes);
  assert.deepEqual(audio.map((a) => a.LANGUAGE), ['en', 'fr']);
  assert.deepEqual(audio.map((a) => a.DEFAULT), ['YES', undefined]);
  assert.ok(variants[0].attributes.RESOLUTION, 'a player begins with a picture');
  const alone = variants.filter((v) => !v.attributes.RESOLUTION);
  assert.deepEqual(alone.map((v) => v.uri), [audio[0].URI]);
  assert.equal(alone[0].attributes.CODECS, 'mp4a.40.2');
  assert.match(fs.readFileSync(path.join(dir, 'two/manifest.mpd'), 'utf8'), /lang="en"[^]*lang="fr"/);
});

test('each language is the source\'s, frame by frame', async () => {
  const { renditions } = await loadClean('two');
  for (const [i, { attributes }] of renditions.filter((r) => r.attributes.TYPE === 'AUDIO').entries()) {
    const mine = await packetHashes(`${dir}/two/${attributes.URI}`, 'a:0');
    const theirs = await packetHashes(source, `a:${i}`);
    // GStreamer 1.22's demuxer of MP4 leaves frames out at the ends of an edit list.
    assert.ok(mine.length >= theirs.length - 2, `${mine.length} of ${theirs.length} frames`);
    const from = theirs.length - mine.length - (theirs.at(-1) === mine.at(-1) ? 0 : 1);
    assert.deepEqual(mine, theirs.slice(from, from + mine.length));
  }
});

/**
 * No picture twice. But shaka-player throws away what it has of the sound and, to have
 * that from the decoder too, goes back by a millisecond (flush() of its
 * media_source_engine.js: currentTime -= 0.001). A picture that begins within that has
 * its predecessor shown once more: that one and no other, and only there.
 */
function assertGoesOn({ frames, jumps }, player) {
  const back = jumps.filter(({ from, to }) => to < from);
  const again = frames.findIndex(([number], i) => i > 0 && number <= frames[i - 1][0]);
  if (player !== 'shaka' || again < 0) {
    assertIncreasing(frames, player);
    return;
  }
  assert.equal(back.length, 1, `${player} went back ${back.length} times`);
  const [{ from, to }] = back;
  assert.ok(from - to < 0.00101, `${player} went back from ${from} s to ${to} s`);
  assert.equal(frames[again][0], Math.floor(to * FPS), `${player}: the picture at ${to} s`);
  assertIncreasing(frames.slice(0, again), player);
  assertIncreasing(frames.slice(again), player);
}

for (const [player, file] of [['hls', 'master.m3u8'], ['shaka', 'master.m3u8'], ['dash', 'manifest.mpd']]) {
  test(`${player} plays the other language when it is asked to`, { skip: noBrowser }, async () => {
    const browser = await startBrowser();
    try {
      const before = server.requests.length;
      const viewer = await browser.open(player, `${base}/two/${file}`);
      await viewer.until('pictures', 60000, (s) => s.frames.length > 10);
      const { renditions } = await loadClean('two');
      const french = renditions.find((r) => r.attributes.LANGUAGE === 'fr').attributes.URI.split('/')[0];
      const asked = () => server.requests.slice(before).filter((url) => url.includes(`/${french}/`) && url.endsWith('.m4s')).length;
      assert.equal(asked(), 0, 'nobody has asked for it');
      const languages = await viewer.audio();
      assert.deepEqual([...languages].sort(), ['en', 'fr']);
      await viewer.selectAudio(languages.indexOf('fr'));
      await eventually('segments of the other language', 30000, () => asked() > 0);
      const seen = await viewer.until('the end', 90000, (s) => s.ended);
      assertGoesOn(seen, player);
      assert.equal(seen.frames.at(-1)[0], SECONDS * FPS - 1, 'the last picture');
      assert.deepEqual(seen.errors.filter((e) => e.fatal), []);
    } finally {
      await browser.close();
    }
  });
}

test('a stream without picture is one of variants', async () => {
  await run('ffmpeg', ['-v', 'error', '-y', '-i', source, '-map', '0:a:0', '-c', 'copy', path.join(dir, 'sound.mp4')]);
  await makeVod(path.join(dir, 'sound.mp4'), 'sound');
  const { variants, renditions } = await loadClean('sound');
  assert.equal(variants.length, 1);
  assert.equal(renditions.length, 0);
  assert.equal(variants[0].attributes.CODECS, 'mp4a.40.2');
});
