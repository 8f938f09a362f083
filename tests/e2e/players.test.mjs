// SPDX-License-Identifier: MIT
// Each way of packaging in the players that no other test has: video.js, GStreamer's
// hlsdemux2 and dashdemux2, FFmpeg's demuxers. What ends is shown to its last picture,
// and each picture once; what lasts is followed for a while.
// weight: 2
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { CELLS, STRIP, read } from '../browser/page/barcode.js';
import { join, plain } from './lib/cues.mjs';
import { CACHE, Daemon, Publisher, eventually, startOrigin, tool } from './lib/daemon.mjs';
import { frameNumbers, movie, packetTimes } from './lib/movie.mjs';
import { assertConsecutive, assertIncreasing } from './lib/playlist.mjs';
import { LAST_FRAME_OF_EDIT } from './lib/versions.mjs';

const run = promisify(execFile);
/*
 * Longer than the 30 s that hlsdemux2 fetches ahead of what it has shown. 1.24 ends with "Couldn't
 * download fragments" where all is fetched before its first pad is there ("Can't push EOS on
 * non-exposed pad"): with films of 8 s that was so now and then. Browsers, which play by the clock,
 * get the beginning of it.
 */
const SECONDS = 40; const FILM_FPS = 6; const COUNT = SECONDS * FILM_FPS;
const BROWSER_SECONDS = 10;
const FPS = 30;
/* The frames of AAC that reach the packager, without the one that the encoder was primed with. */
const SOUND_FRAMES = SECONDS * 48000 / 1024 - (LAST_FRAME_OF_EDIT ? 0 : 1);
const LIVE_PICTURES = 4 * FPS;
const DEADLINE_MS = 90000;
const CAPTIONS = [[1, 2, 'first'], [5, 6.5, 'second']];
const stamp = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 23).replace('.', ',');

let dir; let origin; let base; let browser;

/** Everything that ends: properties of the packager, what players open, what is in it. */
const FINITE = {
  vod: { props: { mode: 'vod' }, files: ['master.m3u8', 'manifest.mpd'] },
  'vod in one file': { props: { mode: 'vod', 'single-file': true }, files: ['master.m3u8', 'manifest.mpd'] },
  'event that has ended': { props: { mode: 'event' }, files: ['master.m3u8', 'manifest.mpd'] },
  subtitles: { props: { mode: 'vod' }, files: ['master.m3u8', 'manifest.mpd'], subtitles: true },
  'sound alone': { props: { mode: 'vod' }, files: ['master.m3u8', 'manifest.mpd'], soundOnly: true },
  'MPEG-TS': { element: 'hlstssink', props: { mode: 'vod' }, files: ['master.m3u8'] },
};
const directoryOf = (mode, seconds = SECONDS) => `${mode.replaceAll(' ', '-').toLowerCase()}-${seconds}`;

async function pack(mode, seconds, { element = 'cmafsink', props, subtitles, soundOnly }) {
  const location = path.join(dir, directoryOf(mode, seconds));
  const film = await movie(CACHE, { seconds, fps: FILM_FPS });
  const sound = path.join(dir, `${path.basename(film, '.mp4')}.m4a`);
  if (soundOnly) await run('ffmpeg', ['-v', 'error', '-y', '-i', film, '-vn', '-c', 'copy', sound]);
  const nodes = {
    file: { element: 'filesrc', props: { location: soundOnly ? sound : film } },
    demux: { element: 'qtdemux', from: ['file'] },
    package: { element, from: ['demux'], props: { location, ...props } },
  };
  if (subtitles) {
    nodes.words = { element: 'filesrc', props: { location: path.join(dir, 'en.srt') } };
    nodes.captions = { element: 'subparse', from: ['words'] };
    nodes.package.from.push({ node: 'captions', as: 'text_0', props: { language: 'en', default: true } });
  }
  const file = `${location}.yaml`;
  fs.writeFileSync(file, JSON.stringify({ millrace: 1, name: directoryOf(mode, seconds), nodes }));
  await run(tool('cli/millrace'), ['run', file, '--quiet'], { timeout: DEADLINE_MS });
}

before(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-players-'));
  fs.writeFileSync(path.join(dir, 'en.srt'), CAPTIONS.map(([from, to, text], i) => `${i + 1}\n${stamp(from)} --> ${stamp(to)}\n${text}\n`).join('\n'));
  for (const seconds of [SECONDS, BROWSER_SECONDS]) for (const [mode, how] of Object.entries(FINITE)) await pack(mode, seconds, how);
  origin = await startOrigin(dir);
  base = origin.base;
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await origin?.stop();
  fs.rmSync(dir, { recursive: true, force: true });
});

/* What reaches the sinks, small: the strip with the numbers, and sound as 16 bits of one channel. */
const STRIP_WIDTH = CELLS * 8; const STRIP_HEIGHT = 4; const RATE = 48000;
const sinks = (sync) => [
  `video-sink=videoconvert ! videocrop bottom=${360 * (1 - STRIP)} ! videoscale method=nearest-neighbour ! video/x-raw,format=GRAY8,width=${STRIP_WIDTH},height=${STRIP_HEIGHT} ! fdsink fd=3 sync=${sync}`,
  `audio-sink=audioconvert ! audioresample ! audio/x-raw,format=S16LE,channels=1,rate=${RATE} ! fdsink fd=4 sync=${sync}`,
];

/**
 * What GStreamer's player decodes, until its end or enough: { numbers, sound }, numbers of pictures,
 * s of sound. What lasts it shows as a viewer does, by the clock: a sink that takes what comes has
 * the demuxer at the live edge ask for a pause to buffer again and again (1.24, which fetches parts,
 * 17 times in 22 s), and gst-launch-1.0, which pauses for that, was then seen not to go on any more.
 */
async function gstreamer(url, enough) {
  const lasts = enough !== undefined;
  const child = spawn('gst-launch-1.0', ['-v', 'playbin3', `uri=${url}`, 'flags=video+audio+text', ...sinks(lasts), 'text-sink=fakesink sync=false'], { stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const seen = { numbers: [], sound: 0 };
  let text = ''; let rest = Buffer.alloc(0);
  child.stdio[3].on('data', (data) => {
    rest = Buffer.concat([rest, data]);
    for (; rest.length >= STRIP_WIDTH * STRIP_HEIGHT; rest = rest.subarray(STRIP_WIDTH * STRIP_HEIGHT)) {
      seen.numbers.push(read(Array.from({ length: CELLS }, (_, i) => rest[2 * STRIP_WIDTH + i * 8 + 4])));
    }
    if (enough?.(seen)) child.kill('SIGTERM');
  });
  child.stdio[4].on('data', (data) => { seen.sound += data.length / 2 / RATE; if (enough?.(seen)) child.kill('SIGTERM'); });
  child.stdout.on('data', (data) => { text += data; });
  child.stderr.on('data', (data) => { text += data; });
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  assert.ok(code === 0 || (signal !== 'SIGKILL' && enough?.(seen)), `gst-launch-1.0 playbin3 ${url}: ended with ${code ?? signal}, ${seen.numbers.length} pictures, ${seen.sound} s of sound\n${text.split('\n').filter((line) => /ERROR|WARN|debug/.test(line)).join('\n')}`);
  assert.match(text, url.endsWith('.mpd') ? /GstDashDemux2/ : /GstHLSDemux2/);
  return seen;
}

async function ffmpegToTheEnd(url, { element, props, soundOnly }) {
  // What is before the first picture only a film of CMAF has a place for: before its edit list.
  const primed = !element && props.mode === 'vod' ? 1 : 0;
  assert.equal((await packetTimes(url, 'a:0')).length, SOUND_FRAMES + primed, 'frames of sound');
  if (soundOnly) return;
  const numbers = await frameNumbers(url);
  assertConsecutive(numbers, url);
  assert.equal(numbers.length, COUNT);
}

async function gstreamerToTheEnd(url, { soundOnly }) {
  const seen = await gstreamer(url);
  if (!soundOnly) assertConsecutive(seen.numbers, url);
  assert.equal(seen.numbers.length, soundOnly ? 0 : COUNT);
  assert.ok(Math.abs(seen.sound - SECONDS) < 0.1, `${seen.sound} s of sound`);
}

/**
 * video.js, or the element alone (file): Chromium's own HLS. Many at once: each page sees as many
 * pictures as the machine has time for, of those that its element has decoded, which are all.
 */
async function browserToTheEnd(player, mode, file, { subtitles, soundOnly }) {
  const url = `${base}/${directoryOf(mode, BROWSER_SECONDS)}/${file}`;
  const viewer = await browser.open(player, url, subtitles && { text: 0 });
  try {
    const seen = await viewer.until('the end', DEADLINE_MS, (s) => s.ended);
    assert.deepEqual([seen.errors, seen.refused], [[], []]);
    const { end } = await viewer.range();
    assert.ok(Math.abs(end - BROWSER_SECONDS) < 0.2, `${end} s`);
    if (soundOnly) return;
    assertIncreasing(seen.frames, player);
    assert.equal(seen.unread, 0);
    assert.equal(seen.frames.at(-1)[0], BROWSER_SECONDS * FILM_FPS - 1, 'the last picture');
    const { decoded, played } = await viewer.played();
    assert.equal(decoded, BROWSER_SECONDS * FILM_FPS, 'pictures');
    assert.ok(played.length === 1 && played[0][0] < 0.1 && played[0][1] > BROWSER_SECONDS - 0.1, `played ${JSON.stringify(played)}`);
    if (subtitles) {
      assert.deepEqual((await viewer.text()).map((text) => text.language), ['en']);
      assert.deepEqual(join(await viewer.cues()).map(({ start, end, text }) => [start, end, plain(text)]), CAPTIONS);
    }
  } finally {
    await viewer.close();
  }
}

for (const [mode, how] of Object.entries(FINITE)) {
  for (const file of how.files) {
    const url = () => `${base}/${directoryOf(mode)}/${file}`;
    test(`${mode}, ${file}: FFmpeg`, () => ffmpegToTheEnd(url(), how));
    // What it shows of that is in dashdemux2.test.mjs.
    const skip = mode === 'vod in one file' && file === 'manifest.mpd' && 'dashdemux2 leaves out the last subsegment (docs/packaging.md)';
    test(`${mode}, ${file}: GStreamer`, { skip }, () => gstreamerToTheEnd(url(), how));
  }
}

test('video.js, what ends', { skip: noBrowser, concurrency: 12 }, async (t) => {
  const all = Object.entries(FINITE).flatMap(([mode, how]) => how.files.map((file) => [mode, how, file]));
  await Promise.all(all.map(([mode, how, file]) => t.test(`${mode}, ${file}`, () => browserToTheEnd('videojs', mode, file, how))));
});

test("Chromium's own HLS, what ends", { skip: noBrowser, concurrency: 12 }, async (t) => {
  await Promise.all(Object.entries(FINITE).filter(([, how]) => !how.subtitles).map(([mode, how]) => t.test(mode, () => browserToTheEnd('file', mode, 'master.m3u8', how))));
});

/* Everything that lasts: parameters of live-passthrough. */
const LASTING = {
  live: {},
  'low latency': { 'part-duration-ms': 333 },
  DVR: { 'dvr-window-ms': 600000 },
};
const skipped = (player, file) => (player === 'videojs' && noBrowser)
  || (player === 'gstreamer' && file === 'manifest.mpd' && 'dashdemux2 loses a timeline whose window moves (docs/packaging.md); others: dashdemux2.test.mjs');

async function follow(player, url, rewind) {
  if (player === 'ffmpeg') {
    const numbers = await frameNumbers(url, [...(rewind ? ['-live_start_index', '0'] : []), '-t', '4']);
    assertConsecutive(numbers, url);
    assert.ok(numbers.length >= LIVE_PICTURES - 3, `${numbers.length} pictures`);
    if (rewind) assert.equal(numbers[0], 0, 'from the start of the window');
  } else if (player === 'gstreamer') {
    const seen = await gstreamer(url, (s) => s.numbers.length >= LIVE_PICTURES && s.sound > 3);
    assertConsecutive(seen.numbers, url);
  } else {
    const viewer = await browser.open('videojs', url);
    try {
      let seen = await viewer.until('pictures', DEADLINE_MS, (s) => s.frames.length >= LIVE_PICTURES * 0.8);
      if (rewind) {
        assertIncreasing(seen.frames, 'video.js');
        await viewer.seek((await viewer.range()).start);
        seen = await viewer.until('pictures from the start of the window', DEADLINE_MS, (s) => s.frames.length >= LIVE_PICTURES / 2);
        assert.ok(seen.frames[0][0] <= 2 * FPS, `the first picture was number ${seen.frames[0][0]}`);
      }
      assertIncreasing(seen.frames, 'video.js');
      assert.deepEqual([seen.errors.filter((e) => e.fatal), seen.refused], [[], []]);
    } finally {
      await viewer.close();
    }
  }
}

for (const [mode, params] of Object.entries(LASTING)) {
  test(mode, { concurrency: 6 }, async (t) => {
    const daemon = await Daemon.start({ apps: { live: { pipeline: 'live-passthrough', auth: 'none', params } } });
    t.after(() => daemon.stop());
    const publisher = Publisher.ffmpeg(await movie(CACHE, { seconds: 60, gop: 1, bframes: 0, fps: FPS }), daemon.rtmp('on'));
    t.after(() => publisher.kill());
    const mpd = daemon.stream('on', 'manifest.mpd');
    const ready = mode === 'low latency' ? /availabilityTimeComplete="false"/ : /<S |<SegmentTimeline>/;
    await eventually('three segments, and a plain MPD or one of low latency', DEADLINE_MS, async () => ready.test(await (await fetch(mpd)).text())
      && ((await (await fetch(daemon.stream('on', 'v360/playlist.m3u8'))).text()).match(/#EXTINF/g) ?? []).length >= 3);
    await Promise.all(['ffmpeg', 'gstreamer', 'videojs'].flatMap((player) => ['master.m3u8', 'manifest.mpd'].map((file) => t.test(
      `${player}, ${file}`, { skip: skipped(player, file) }, () => follow(player, daemon.stream('on', file), mode === 'DVR' && file === 'master.m3u8' && player !== 'gstreamer')))));
  });
}
