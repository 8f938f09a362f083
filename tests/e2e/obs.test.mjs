// SPDX-License-Identifier: MIT
// OBS Studio publishes: the encoder that most people come with. Its movie beeps
// whenever the picture's number is a multiple of 60.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CACHE, Daemon, eventually } from './lib/daemon.mjs';
import { frameNumbers, movie, packetTimes } from './lib/movie.mjs';
import { Obs, obsMissing } from './lib/obs.mjs';
import { Recorder, multivariant } from './lib/playlist.mjs';

const RATE = 48000;
const BEEP_EVERY = 60;
const skip = obsMissing() ?? false;

/** The movie of numbered pictures with beeps of 100 ms instead of its tone. */
async function beepingMovie() {
  const file = path.join(CACHE, 'movie-beep.mp4');
  if (fs.existsSync(file)) return file;
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', await movie(CACHE, { seconds: 60, audio: false }), '-f', 'lavfi', '-i', `aevalsrc='if(lt(mod(t,2),0.1),0.5*sin(2*PI*1000*t),0)':s=${RATE}:d=60`,
    '-map', '0:v', '-map', '1:a', '-c:v', 'copy', '-c:a', 'aac', '-f', 'mp4', `${file}.part`]);
  fs.renameSync(`${file}.part`, file);
  return file;
}

/** Seconds at which a beep begins, each after 50 ms of silence. */
async function beeps(file) {
  const began = (await packetTimes(file, 'a:0'))[0] / 1e6;
  const { stdout } = spawnSync('ffmpeg', ['-v', 'error', '-i', file, '-map', '0:a', '-ac', '1', '-ar', String(RATE), '-f', 's16le', 'pipe:1'], { maxBuffer: 1 << 28 });
  const found = [];
  let silence = 0;
  for (let i = 0; i * 2 < stdout.length; i++) {
    const loud = Math.abs(stdout.readInt16LE(i * 2)) > 3000;
    if (loud && silence > RATE / 20) found.push(began + i / RATE);
    silence = loud ? 0 : silence + 1;
  }
  return found;
}

const SIGNING_KEY = crypto.randomBytes(40).toString('hex');
let daemon; let source; let obs; let number = 0; let dir;
before(async () => {
  if (skip) return;
  source = await beepingMovie();
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-obs-'));
  fs.writeFileSync(path.join(dir, 'secret'), SIGNING_KEY, { mode: 0o600 });
  daemon = await Daemon.start({
    apps: {
      live: { pipeline: 'live-passthrough', auth: 'none' },
      closed: { pipeline: 'live-passthrough', auth: ['keys', 'jwt'], jwt: { secret_file: path.join(dir, 'secret') } },
    },
  });
});
after(async () => {
  await obs?.stop();
  await daemon?.stop();
  if (dir) fs.rmSync(dir, { recursive: true });
});

/** A token for a stream, as a login service would give it to who streams. */
function sign(claims) {
  const text = [{ alg: 'HS256', typ: 'JWT' }, claims].map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')).join('.');
  return `${text}.${crypto.createHmac('sha256', SIGNING_KEY).update(text).digest('base64url')}`;
}

/** OBS as a person left it who set this server and key. */
async function open(key, app = 'live') {
  await obs?.stop();
  number += 1;
  const directory = path.join(daemon.dir, `obs-${number}`);
  fs.mkdirSync(directory, { mode: 0o700 });
  obs = await Obs.start(directory, { server: `rtmp://${daemon.addresses.rtmp}/${app}`, key, movie: source });
}

const playlist = async (name) => (await fetch(daemon.stream(name))).status === 200;

test('OBS publishes, and what it sent is what plays', { skip }, async () => {
  await open('studio');
  await obs.stream();
  await eventually('master.m3u8', 8000, () => playlist('studio'));
  const { variants: [variant] } = await multivariant(daemon.stream('studio'));
  assert.equal(variant.RESOLUTION, '640x360');
  assert.match(variant.CODECS, /^avc1\.64001[eE],mp4a\.40\.2$/);
  assert.equal(Number(variant['FRAME-RATE']), 30);

  const recorder = new Recorder(daemon.stream('studio'), path.join(daemon.dir, 'studio'));
  await eventually('five segments', 20000, () => recorder.segments.size >= 5);
  await recorder.stop();
  for (const { number: n, duration } of recorder.ordered()) assert.ok(Math.abs(duration - 2) < 0.005, `segment ${n} of ${duration} s: OBS was told 2 s`);
  const probe = JSON.parse(execFileSync('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', daemon.stream('studio')]));
  assert.deepEqual(probe.streams.map((s) => s.codec_name).sort(), ['aac', 'h264']);

  // As one file: picture numbers, their times, and the beeps between them.
  const file = path.join(daemon.dir, 'studio.mp4');
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', daemon.stream('studio'), '-t', '6', '-c', 'copy', file]);
  const times = await packetTimes(file);
  const numbers = await frameNumbers(file);
  assert.equal(numbers.length, times.length);
  assert.ok(numbers.length > 120 && !numbers.includes(null), `${numbers.length} pictures, all readable`);
  // OBS cuts both clocks to milliseconds, so that each time is up to 2 ms off. At
  // the cut, by decoding time, B-pictures are missing.
  times.slice(0, -5).forEach((time, i) => assert.ok(i === 0 || Math.abs(time - times[i - 1] - 1e6 / 30) <= 2500, `picture ${i} ${time - times[i - 1]} us after the last one`));
  const heard = await beeps(file);
  const marks = times.filter((_, i) => numbers[i] % BEEP_EVERY === 0 && numbers[i] !== numbers[i - 1]).map((t) => t / 1e6);
  const offsets = marks.map((at) => heard.map((beep) => beep - at).reduce((a, b) => (Math.abs(a) < Math.abs(b) ? a : b)));
  assert.ok(marks.length >= 1 && offsets.every((o) => Math.abs(o) < 0.08), `sound to picture: ${offsets.map((o) => `${Math.round(o * 1000)} ms`)}`);
});

test('Stop and Start within the hold are one discontinuity, and so is another OBS', { skip }, async () => {
  const recorder = new Recorder(daemon.stream('studio'), path.join(daemon.dir, 'again'));
  const discontinuities = () => recorder.ordered().filter((s) => s.discontinuity).length;
  const settled = (count) => eventually(`${count} discontinuities and two segments behind the last`, 20000, () => {
    if (recorder.error) throw recorder.error;
    const all = recorder.ordered();
    return discontinuities() === count && all.length - 1 - all.findLastIndex((s) => s.discontinuity) >= 2;
  });
  await obs.endStream();
  // OBS says goodbye: no waiting for a silence to be noticed.
  await eventually('reconnecting', 3000, async () => (await daemon.streamState('studio')).state === 'reconnecting');
  await obs.stream();
  await daemon.live('studio');
  await settled(1);
  await open('studio'); // the one before is killed
  await obs.stream();
  await daemon.live('studio');
  await settled(2);
  await obs.endStream();
  await eventually('reconnecting', 3000, async () => (await daemon.streamState('studio')).state === 'reconnecting');
  assert.equal((await daemon.api('POST', '/api/v1/streams/studio/stop')).status, 200);
  await eventually('ENDLIST', 10000, () => recorder.done.then(() => true));
  await recorder.stop();
  assert.equal(discontinuities(), 2);
  const runs = await recorder.frames();
  assert.equal(runs.length, 3);
  for (const run of runs) assert.ok(run.length > 30 && !run.includes(null), `${run.length} pictures, all readable`);
});

test('a stream key, or a token, in the field of that name opens its stream', { skip }, async () => {
  const { body, status } = await daemon.api('POST', '/api/v1/stream-keys', { name: 'secret', app: 'closed' });
  assert.equal(status, 201);
  const token = sign({ exp: Math.floor(Date.now() / 1000) + 600, stream: 'secret' });
  for (const key of [body.key, `secret?key=${body.key}`, token]) {
    await open(key, 'closed');
    await obs.stream();
    assert.equal((await daemon.live('secret')).app, 'closed');
    await obs.endStream();
    await eventually('reconnecting', 3000, async () => (await daemon.streamState('secret')).state === 'reconnecting');
  }
  for (const key of [body.key, token]) assert.ok(!daemon.logs().includes(key), 'the secret is in no log of ours');
});

test('OBS reads why it is refused', { skip }, async () => {
  for (const [key, app, reason] of [
    [`sk_${'x'.repeat(32)}`, 'closed', /NetStream\.Publish\.Denied \(unknown stream key\)/],
    [sign({ exp: 1000000000, stream: 'secret' }), 'closed', /NetStream\.Publish\.Denied \(the token has expired\)/],
    [`${sign({ exp: 4000000000, stream: 'secret' })}x`, 'closed', /NetStream\.Publish\.Denied \(the token is not valid\)/],
    ['secret', 'closed', /NetStream\.Publish\.Denied \(a stream key is required\)/],
    ['studio', 'lvie', /NetStream\.Publish\.Denied \(there is no application 'lvie'/],
  ]) {
    await open(key, app);
    await obs.call('StartStream');
    await eventually(`${reason} in the log of OBS`, 10000, () => reason.test(obs.log()));
    await eventually('OBS gave up', 10000, () => /==== Streaming Stop ====/.test(obs.log()));
  }
});
