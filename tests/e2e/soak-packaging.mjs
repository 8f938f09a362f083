// SPDX-License-Identifier: MIT
// A low-latency stream over everything that can go away under it: publishers, the
// packager, the supervisor, the origin. From outside, over HTTP, the checkers of HLS
// and DASH look at it all the time; at the end every segment that was ever listed is
// decoded, and what is missing is what nobody had sent.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Presentation as Dash } from '../tools/check/dash-presentation.mjs';
import { followLowLatency } from '../tools/check/hls-follow.mjs';
import { Presentation as Hls } from '../tools/check/hls-presentation.mjs';
import { Report } from '../tools/check/report.mjs';
import { outage } from '../tools/check/source.mjs';
import { CACHE, Daemon, Publisher, eventually } from './lib/daemon.mjs';
import { frameNumbers, movie, packetTimes } from './lib/movie.mjs';
import { Recorder, assertConsecutive } from './lib/playlist.mjs';
import { REAL_TIME } from './lib/versions.mjs';

const run = promisify(execFile);
const SECONDS = Number(process.env.MILL_SOAK_SECONDS ?? 600);
const FPS = 30;
const PARAMS = { 'part-duration-ms': 333, 'segment-duration-ms': 2000 };
const FRAME_OF_AAC_US = 1024e6 / 48000;
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** One stay of a publisher: from a second of the film, for so many or until it is killed. */
class Stay {
  constructor(film, url, second, seconds) {
    this.first = second * FPS;
    this.count = seconds && seconds * FPS;
    this.publisher = new Publisher('ffmpeg', ['-hide_banner', '-loglevel', 'warning', '-nostdin', '-progress', 'pipe:2', '-stats_period', '0.1', ...REAL_TIME,
      '-ss', String(second), ...(seconds ? ['-t', String(seconds)] : []), '-i', film, '-c', 'copy', '-f', 'flv', url]);
  }

  /** How many pictures it has sent, at the least. */
  get sent() { return Number([...this.publisher.errors.matchAll(/^frame=\s*(\d+)/gm)].at(-1)?.[1] ?? 0); }
}

class Stage {
  constructor(daemon, film, each) { Object.assign(this, { daemon, film, each, stays: [], began: Date.now() }); }

  /** The film goes on with the clock, so that each picture has its number once. */
  publish(seconds) {
    this.stays.push(new Stay(this.film, this.daemon.rtmp('soak'), Math.ceil((Date.now() - this.began) / 1000), seconds));
  }

  get stay() { return this.stays.at(-1); }

  get seconds() { return Math.round((Date.now() - this.began) / 1000); }
}

const reconnecting = (daemon) => eventually('the stream waits for its publisher', 20000, async () => (await daemon.streamState('soak')).state === 'reconnecting');

/* What happens, one after the other. Where the stream is cut or nobody answers, a pause is no fault. */
const EVENTS = [
  ['the publisher ends, and another comes', true, async (stage) => {
    assert.equal(await stage.stay.publisher.ended(), 0, stage.stay.publisher.errors.slice(-400));
    await reconnecting(stage.daemon);
    stage.publish();
  }],
  ['kill -9 of the publisher', true, async (stage) => {
    await stage.stay.publisher.kill();
    await reconnecting(stage.daemon);
    stage.publish();
  }],
  ['kill -9 of millraced', false, async ({ daemon }) => {
    await daemon.kill();
    await daemon.launch();
  }],
  ['an upgrade of millraced', false, async ({ daemon }) => {
    daemon.process.kill('SIGUSR1');
    await daemon.exited;
    await daemon.launch();
  }],
  ['kill -9 of the origin', true, async ({ daemon }) => {
    const origin = (await daemon.workers()).find((w) => w.kind === 'origin');
    process.kill(origin.pid, 'SIGKILL');
    await eventually('another origin', 20000, async () => (await daemon.workers()).some((w) => w.kind === 'origin' && w.pid !== origin.pid && w.state === 'running'));
  }],
  ['kill -9 of the worker', true, async (stage) => {
    const { daemon, stay } = stage;
    const worker = (await daemon.workers()).find((w) => w.kind === 'shared');
    process.kill(worker.pid, 'SIGKILL');
    stay.cut = true;
    await stay.publisher.ended();
    await reconnecting(daemon);
    await eventually('another worker', 20000, async () => (await daemon.workers()).some((w) => w.kind === 'shared' && w.pid !== worker.pid && w.state === 'running'));
    stage.publish(stage.each);
  }],
];
/* How often all of that happens, and how long it is quiet before each: the rest is for what happens. */
const ROUNDS = SECONDS >= 240 ? 2 : 1;
const EACH = Math.max(6, Math.floor(SECONDS / (ROUNDS * EVENTS.length)) - 3);

/** Both checkers, and whoever reloads by parts, from now until stop(). */
class Watch {
  constructor(daemon) {
    this.options = { pauses: false };
    this.over = false;
    const until = () => this.over;
    this.hls = new Report(); this.byParts = new Report(); this.dash = new Report();
    this.playlists = new Hls(new URL(daemon.stream('soak')), this.hls);
    this.mpd = new Dash(new URL(daemon.stream('soak', 'manifest.mpd')), this.dash);
    this.following = [
      followLowLatency(new URL(daemon.stream('soak')), this.byParts, until, this.options).then((all) => { this.followers = all; }),
      this.playlists.load().then(() => this.playlists.follow(until, this.options)),
      this.mpd.load().then(() => this.mpd.follow(until, this.options)),
    ];
    this.done = Promise.all(this.following).catch((error) => { this.error = error; });
  }

  /** Every broken rule, once. */
  get found() { return [...new Set([this.hls, this.byParts, this.dash].flatMap((report) => report.lines))]; }

  /** Says what is new since the last time. It goes on all the same: there may be more. */
  tell(t, when) {
    if (this.error) throw this.error;
    for (const line of this.found.slice(this.told ?? 0)) t.diagnostic(`${when}: ${line}`);
    this.told = this.found.length;
  }

  sizes() { return [...this.playlists.renditions.values()].map((r) => r.segments.size); }

  /** Until each rendition lists so many more segments than now, and the MPD as many. */
  async more(count) {
    const sizes = this.sizes(); const listed = this.mpd.segments.size;
    await eventually(`${count} more segments`, 60000, () => this.error || (this.sizes().every((n, i) => n >= sizes[i] + count) && this.mpd.segments.size >= listed + count * sizes.length));
  }

  /** Until all have seen the end. */
  async ended() {
    await eventually('playlists and MPD end', 30000, () => this.error || (this.playlists.ended && this.mpd.ended));
    await this.stop();
  }

  async stop() { this.over = true; await this.done; }
}

/** What a viewer of the whole would have seen, against what each stay had sent. */
async function compare(t, stage, video, sound) {
  const files = video.files();
  assert.equal(files.length, stage.stays.length, 'a run of pictures for each stay of a publisher, a discontinuity between them');
  let lost = 0;
  for (const [i, stay] of stage.stays.entries()) {
    const numbers = await frameNumbers(files[i]);
    assertConsecutive(numbers, `stay ${i}`);
    assert.equal(numbers[0], stay.first, `stay ${i} begins with the first picture that was sent`);
    if (stay.count) assert.equal(numbers.length, stay.count, `stay ${i}: every picture`);
    else if (!stay.cut) assert.ok(numbers.length >= stay.sent, `stay ${i}: ${numbers.length} pictures, ${stay.sent} were sent`);
    else lost += Math.max(0, stay.sent - numbers.length);
  }
  t.diagnostic(`${stage.stays.length} stays of publishers; ${lost} pictures were sent, and told to nobody when a packager died`);
  const sounds = sound.files();
  assert.equal(sounds.length, files.length, 'runs of sound');
  for (const [i, file] of sounds.entries()) {
    const { stderr } = await run('ffmpeg', ['-v', 'warning', '-i', file, '-f', 'null', '-']);
    assert.equal(stderr, '', `sound of stay ${i} decodes`);
    const times = await packetTimes(file, 'a:0');
    times.forEach((time, k) => assert.ok(k === 0 || Math.abs(time - times[k - 1] - FRAME_OF_AAC_US) <= 1, `sound of stay ${i}: a hole after ${times[k - 1]} µs`));
    const pictures = await packetTimes(files[i], 'v:0');
    assert.ok(Math.abs(times[0] - pictures[0]) <= 2 * FRAME_OF_AAC_US, `stay ${i}: sound begins ${times[0] - pictures[0]} µs after the pictures`);
    if (!stage.stays[i].cut) assert.ok(Math.abs(times.at(-1) - pictures.at(-1)) <= 4 * FRAME_OF_AAC_US, `stay ${i}: sound ends ${times.at(-1) - pictures.at(-1)} µs after the pictures`);
  }
}

test(`${SECONDS} s of low latency over restarts of all its processes: no rule is broken`, async (t) => {
  const film = await movie(CACHE, { seconds: SECONDS + 120, width: 320, height: 180, gop: 1, bframes: 0, fps: FPS, bitrate: 250 });
  const daemon = await Daemon.start({ apps: { live: { pipeline: 'live-passthrough', auth: 'none', params: PARAMS } } });
  t.after(() => daemon.stop());
  const stage = new Stage(daemon, film, EACH);
  t.after(() => Promise.all(stage.stays.map(({ publisher }) => publisher.kill())));
  stage.publish(EACH);
  await eventually('a multivariant playlist', 20000, async () => (await fetch(daemon.stream('soak'))).status === 200);
  outage.ms = 20000;
  const watch = new Watch(daemon);
  t.after(() => watch.stop());
  const video = new Recorder(daemon.stream('soak'), path.join(daemon.dir, 'video'));
  const sound = new Recorder(daemon.stream('soak'), path.join(daemon.dir, 'sound'), (_, media) => media.find((m) => m.TYPE === 'AUDIO'));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [what, pauses, happen] of EVENTS) {
      if (!stage.stay.count) await sleep(EACH * 1000);
      watch.tell(t, 'before it');
      t.diagnostic(`${stage.seconds} s: ${what}`);
      watch.options.pauses = pauses;
      await happen(stage);
      await watch.more(2);
      watch.tell(t, `${stage.seconds} s, after it`);
      watch.options.pauses = false;
    }
  }
  assert.equal(await stage.stay.publisher.ended(), 0, stage.stay.publisher.errors.slice(-400));
  watch.options.pauses = true;
  await reconnecting(daemon);
  assert.equal((await daemon.api('POST', '/api/v1/streams/soak/stop')).status, 200);
  await watch.ended();
  watch.tell(t, 'at the end');
  await Promise.all([video.stop(), sound.stop()]);
  for (const { where, versions, whole, refused } of watch.followers) {
    t.diagnostic(`${where}: ${versions} versions by parts, ${whole} segments whole; not answered: ${refused.join(', ') || 'none'}`);
    assert.ok(versions > SECONDS && whole > SECONDS / 4, `${where}: ${versions} versions, ${whole} segments`);
  }
  t.diagnostic(`${watch.sizes()} segments of HLS, ${watch.mpd.segments.size} of DASH in ${watch.mpd.periods.size} Periods`);
  await compare(t, stage, video, sound);
  assert.deepEqual(watch.found, []);
});
