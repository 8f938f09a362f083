// SPDX-License-Identifier: MIT
// The picture over the seek bar is the one that a click leads to, in every player
// that has a seek bar for it; of a stream, too, and while it lasts.
// weight: 2
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { CELLS, STRIP, read } from '../browser/page/barcode.js';
import { CACHE, Daemon, Publisher, eventually, tool } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';
import { serveDirectory } from './lib/static-server.mjs';

const run = promisify(execFile);
const SECONDS = 12; const FPS = 30; const INTERVAL = 2;
const TILE = 640; // wide enough for the bar code
const DESCRIPTION = `millrace: 1
name: film-with-large-thumbnails
params: { input: { type: string, required: true }, output: { type: string, required: true } }
nodes:
  file: { element: blockfilesrc, props: { location: "\${input}" } }
  demux: { element: qtdemux, from: [file] }
  thumbs: { element: thumbnailer, from: ["demux.video_0"], props: { interval-ms: ${INTERVAL * 1000}, columns: 2, rows: 2, tile-width: ${TILE}, quality: 95 } }
  package: { element: cmafsink, from: [demux, thumbs.sheets, thumbs.poster], props: { location: "\${output}", mode: vod } }
`;
let dir; let server; let url; let browser;

before(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-thumbnails-'));
  const description = path.join(dir, 'film.yaml');
  fs.writeFileSync(description, DESCRIPTION);
  const input = await movie(CACHE, { seconds: SECONDS });
  await run(tool('cli/millrace'), ['run', description, '--set', `input=${input}`, '--set', `output=${dir}/film`, '--quiet']);
  await run(tool('cli/millrace'), ['run', 'vod-thumbnails', '--set', `input=${input}`, '--set', `output=${dir}/shipped`, '--quiet']);
  server = await serveDirectory(dir);
  url = `${server.base}/film`;
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  server?.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

async function fetchPicture(from) {
  const file = path.join(dir, 'picture.jpg');
  fs.writeFileSync(file, Buffer.from(await (await fetch(from)).arrayBuffer()));
  return file;
}

/** The frame number that is in a tile. */
async function frameOf({ url: from, x, y, width, height }) {
  const sheet = await fetchPicture(from);
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', sheet, '-vf', `crop=${width}:${height}:${x}:${y}`, '-f', 'rawvideo', '-pix_fmt', 'gray', '-'], { encoding: 'buffer', maxBuffer: 1 << 24 });
  const row = Math.round((height * STRIP) / 2);
  return read(Array.from({ length: CELLS }, (_, i) => stdout[row * width + Math.round(((i + 0.5) * width) / CELLS)]));
}

/** The first keyframe of the interval that a time is in: every second there is one. */
const expectedAt = (time) => Math.floor(time / INTERVAL) * INTERVAL * FPS;
const TIMES = [0, 1.9, 3, 6.5, 8, 11.9];

test('thumbnails.vtt names the tile of each time', async () => {
  const text = await (await fetch(`${url}/thumbnails.vtt`)).text();
  const seconds = (stamp) => stamp.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  const cues = [...text.matchAll(/^(\S+) --> (\S+)\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$/gm)]
    .map(([, from, to, file, x, y, width, height]) => ({ from: seconds(from), to: seconds(to), url: `${url}/${file}`, x, y, width: Number(width), height: Number(height) }));
  assert.equal(cues.length, SECONDS / INTERVAL);
  for (const time of TIMES) {
    const cue = cues.find((c) => c.from <= time && time < c.to);
    assert.equal(await frameOf(cue), expectedAt(time), `at ${time} s`);
  }
});

test('the poster is a picture of the film', async () => {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_name,width,height', '-of', 'csv=p=0', await fetchPicture(`${url}/poster.jpg`)]);
  assert.equal(stdout.trim(), 'mjpeg,640,360');
  assert.equal(await frameOf({ url: `${url}/poster.jpg`, x: 0, y: 0, width: 640, height: 360 }), 0);
});

for (const player of ['shaka', 'dash']) {
  test(`${player} shows them`, { skip: noBrowser }, async () => {
    const viewer = await browser.open(player, `${url}/manifest.mpd`);
    await viewer.until('a picture', 20000, (s) => s.frames.length > 0);
    for (const time of TIMES) {
      const tile = await viewer.thumbnail(time);
      assert.ok(tile, `no thumbnail at ${time} s`);
      assert.equal(tile.width, TILE);
      assert.equal(await frameOf(tile), expectedAt(time), `at ${time} s`);
    }
    await viewer.close();
  });
}

test('vod-thumbnails makes them of any film', () => {
  for (const file of ['master.m3u8', 'manifest.mpd', 'thumbnails.vtt', 'poster.jpg', 'thumbnails/1-0.jpg'])
    assert.ok(fs.existsSync(path.join(dir, 'shipped', file)), file);
});

test('a live stream has them of what can be gone back to, by a process of its own', async (t) => {
  const daemon = await Daemon.start({ apps: { live: { pipeline: 'live-thumbnails', auth: 'none', params: { 'interval-ms': 1000 } } } });
  t.after(() => daemon.stop());
  const publisher = Publisher.ffmpeg(await movie(CACHE, { seconds: 60 }), daemon.rtmp('pictures'));
  t.after(() => publisher.kill());
  await daemon.live('pictures', 15000);
  const base = daemon.stream('pictures').replace('master.m3u8', '');
  await eventually('a sheet', 40000, async () => (await fetch(`${base}thumbnails.vtt`)).ok);
  const text = await (await fetch(`${base}thumbnails.vtt`)).text();
  const [, sheet] = /^(thumbnails\/\S+)#xywh=0,0,160,90$/m.exec(text);
  const answer = await fetch(base + sheet);
  assert.equal(answer.headers.get('content-type'), 'image/jpeg');
  assert.match(answer.headers.get('cache-control'), /immutable/);
  assert.equal((await fetch(`${base}poster.jpg`)).headers.get('content-type'), 'image/jpeg');
  await eventually('the sheet in the MPD', 10000, async () => (await (await fetch(`${base}manifest.mpd`)).text()).includes('thumbnail_tile'));
  const workers = await daemon.workers();
  assert.equal(workers.filter((w) => w.kind === 'isolated' && w.stream === 'pictures').length, 1);
});
