// SPDX-License-Identifier: MIT
// How late a viewer is, from glass to glass: usage: node latency.mjs SECONDS [--settle S]
// [--only NAME], results as JSON on stdout. MILL_BUILD_ROOT is the build.
//
// A camera of 30 pictures a second has the time at which a picture was due in its bar
// code, and a tone that is as old. ffmpeg encodes them while they come (x264,
// zerolatency) and publishes by RTMP; a player in Chromium shows them, and the page
// reads the code when a picture is presented. Everything is on one machine and by one
// clock: what encoder, network, packager, origin, player and decoder take is all in it.
// The sound comes from the camera too: with a source of its own it would begin when
// ffmpeg does, and FFmpeg's muxer holds all pictures back for as long as that is later.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { startBrowser } from '../browser/watch.mjs';
import { Daemon, eventually } from '../e2e/lib/daemon.mjs';
import { Painter } from '../e2e/lib/movie.mjs';
import { IndexFollower, summariseStages } from './stages.mjs';

const FPS = 30; const WIDTH = 640; const HEIGHT = 360; const RATE = 48000; const START_MS = 60000;

const CASES = [
  { name: 'hls-333', player: 'hls', file: 'master.m3u8', partMs: 333, segmentMs: 2000, aimMs: 2000 },
  { name: 'hls-200', player: 'hls', file: 'master.m3u8', partMs: 200, segmentMs: 1000, aimMs: 1200 },
  { name: 'dash-333', player: 'dash', file: 'manifest.mpd', partMs: 333, segmentMs: 2000, aimMs: 2000 },
];

/* What a page that wants low latency sets (docs/packaging.md), as the page of the origin
 * does (player.js); all else is the player's own. hls.js starts late by what starting
 * takes, and catches up only with a second in its buffer: the page takes it to the live
 * edge once (toLive), as a button "live" does. */
const CONFIG = {
  hls: { lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.5, liveSyncOnStallIncrease: 0.1 },
  dash: { streaming: { delay: { applyServiceDescription: true }, liveCatchup: { enabled: true } } },
};

/* Low latency of what is ours to choose: neither muxer nor socket keeps anything. */
const publishCommand = (url, segmentMs) => ['-hide_banner', '-loglevel', 'error', '-nostdin',
  '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', `${WIDTH}x${HEIGHT}`, '-r', String(FPS), '-i', 'pipe:0',
  '-f', 's16le', '-ar', String(RATE), '-ac', '1', '-i', 'pipe:3', '-map', '0:v', '-map', '1:a',
  '-c:v', 'libx264', '-preset', 'superfast', '-tune', 'zerolatency', '-g', String(FPS * segmentMs / 1000), '-sc_threshold', '0',
  '-b:v', '1500k', '-maxrate', '1500k', '-bufsize', '500k', '-c:a', 'aac', '-b:a', '96k', '-flush_packets', '1', '-f', 'flv', url];

class Camera {
  constructor(url, segmentMs) {
    this.command = publishCommand(url, segmentMs);
    this.process = spawn('ffmpeg', this.command, { stdio: ['pipe', 'ignore', 'pipe', 'pipe'] });
    this.errors = '';
    this.process.stderr.on('data', (data) => { this.errors += data; });
    for (const pipe of [this.process.stdin, this.process.stdio[3]]) pipe.on('error', () => {});
    this.exit = once(this.process, 'exit');
    this.painter = new Painter(WIDTH, HEIGHT);
    this.began = Date.now();
    this.count = 0;
    this.heard = 0;
    this.tick();
  }

  /** Every picture that is due, each with the time at which it was. */
  tick() {
    for (let due = this.due(); due <= Date.now(); due = this.due()) {
      this.process.stdin.write(this.painter.paint(Math.round(due - this.began), this.count));
      this.count += 1;
    }
    this.sound();
    this.timer = setTimeout(() => this.tick(), Math.max(0, this.due() - Date.now()));
  }

  /** A tone, up to now. */
  sound() {
    const samples = Math.floor((Date.now() - this.began) * RATE / 1000) - this.heard;
    const wave = Buffer.alloc(2 * Math.max(samples, 0));
    for (let i = 0; i < samples; i++) wave.writeInt16LE(Math.round(8000 * Math.sin((this.heard + i) * 440 * 2 * Math.PI / RATE)), 2 * i);
    this.heard += wave.length / 2;
    this.process.stdio[3].write(wave);
  }

  due() { return this.began + this.count * 1000 / FPS; }

  async stop() {
    clearTimeout(this.timer);
    this.process.kill('SIGKILL');
    await this.exit;
  }
}

const percentile = (sorted, p) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))]);

/** A plain answer with low latency in it: the first segments of a presentation have none in DASH. */
async function isLow(url, file) {
  if (file.endsWith('.mpd')) return /availabilityTimeComplete="false"/.test(await (await fetch(url)).text());
  const answer = await fetch(url);
  const [media] = answer.status === 200 ? /^v[^#\n]*$/m.exec(await answer.text()) ?? [] : [];
  return media && /EXT-X-PRELOAD-HINT/.test(await (await fetch(new URL(media, url))).text());
}

/** How late dates are: what a presentation says of when pictures were taken, less when they were. Of DASH,
 * where a player's time is that since the availability start time. */
async function summariseDates(seen, camera, url, [from, to]) {
  const [, zero] = /availabilityStartTime="([^"]+)"/.exec(url.endsWith('.mpd') ? await (await fetch(url)).text() : '') ?? [];
  const late = !zero ? [] : seen.frames.filter(([, , wall]) => wall >= from && wall < to).map(([number, media]) => Date.parse(zero) + media - (camera.began + number)).sort((a, b) => a - b);
  return late.length ? { p50_ms: percentile(late, 0.5), p95_ms: percentile(late, 0.95) } : null;
}

/** What was seen in a window of the page's time, [from, to) in ms since it loaded. */
function summarise(seen, timeZero, began, [from, to]) {
  const shown = seen.frames.filter(([, , wall]) => wall >= from && wall < to);
  const late = shown.map(([number, , wall]) => timeZero + wall - (began + number)).sort((a, b) => a - b);
  const refused = seen.refused.map((line) => line.replace(/http:\/\/[^/]+/, ''));
  return {
    pictures: late.length, missing: Math.round((to - from) * FPS / 1000) - late.length,
    p50_ms: percentile(late, 0.5), p95_ms: percentile(late, 0.95), min_ms: Math.round(late[0]), max_ms: Math.round(late.at(-1)),
    stalls: seen.stalls.filter((s) => s.at >= from && s.at < to), stalls_before: seen.stalls.filter((s) => s.at < from).length,
    refused: refused.length, refused_lines: refused.slice(0, 5),
  };
}

async function measure(browser, wanted, seconds, settle) {
  const daemon = await Daemon.start({
    apps: { live: { pipeline: 'live-passthrough', auth: 'none', params: { 'part-duration-ms': wanted.partMs, 'segment-duration-ms': wanted.segmentMs } } },
  });
  const directory = path.join(daemon.mediaDir, 'glass');
  const camera = new Camera(daemon.rtmp('glass'), wanted.segmentMs);
  let follower;
  try {
    await eventually('what is told of parts', START_MS, () => fs.existsSync(path.join(directory, 'live.index')));
    follower = new IndexFollower(directory, `v${HEIGHT}`);
    const url = daemon.stream('glass', wanted.file);
    await eventually('a stream with low latency', START_MS, () => isLow(url, wanted.file));
    const viewer = await browser.open(wanted.player, url, CONFIG[wanted.player]);
    const first = await viewer.until('the first picture', START_MS, (s) => s.frames.length > 0);
    const window = [first.frames[0][2] + settle * 1000, first.frames[0][2] + (settle + seconds) * 1000];
    await viewer.page.waitForTimeout(settle * 500);
    await viewer.page.evaluate(() => window.player.toLive?.());
    const seen = await viewer.until('the whole time', (settle + seconds) * 1000 + START_MS, (s) => s.frames.at(-1)[2] >= window[1]);
    const timeZero = await viewer.page.evaluate(() => Date.now() - performance.now() + window.seen.loaded);
    const loads = await viewer.page.evaluate(() => window.player.parts?.() ?? []);
    const said = await viewer.page.evaluate(() => {
      const video = document.querySelector('video');
      return { ...window.player.latency?.(), ahead: video.buffered.length ? video.buffered.end(video.buffered.length - 1) - video.currentTime : 0, rate: video.playbackRate };
    });
    const dates = await summariseDates(seen, camera, url, window);
    const result = { ...wanted, said, dates, seconds, ...summarise(seen, timeZero, camera.began, window), stages: summariseStages(follower, camera.began, loads, window.map((at) => timeZero + at)), player: wanted.player, config: CONFIG[wanted.player], publisher: ['ffmpeg', ...camera.command] };
    await viewer.close();
    return result;
  } catch (error) {
    throw new Error(`${wanted.name}: ${error.message}; publisher: ${camera.errors.slice(-400)}`);
  } finally {
    follower?.close();
    await camera.stop();
    await daemon.stop();
  }
}

const option = (name, otherwise) => { const at = process.argv.indexOf(name); return at < 0 ? otherwise : process.argv[at + 1]; };
const seconds = Number(process.argv[2]);
const only = option('--only', null);
const browser = await startBrowser();
try {
  for (const wanted of CASES) {
    if (!only || wanted.name === only) process.stdout.write(`${JSON.stringify(await measure(browser, wanted, seconds, Number(option('--settle', 15))))}\n`);
  }
} finally {
  await browser.close();
}
