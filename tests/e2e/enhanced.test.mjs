// SPDX-License-Identifier: MIT
// Enhanced RTMP: other codecs than H.264 and AAC, and several tracks of one
// encoder, from the publisher to what a player reads.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { CACHE, Daemon, eventually, tool } from './lib/daemon.mjs';
import { movie, packetTimes } from './lib/movie.mjs';
import { Recorder, assertConsecutive, mediaPlaylist, multivariant } from './lib/playlist.mjs';

const run = promisify(execFile);
const SECONDS = 8;
const FPS = 30;
let daemon;

const encoders = {
  hevc: ['-c:v', 'libx265', '-preset', 'ultrafast', '-tag:v', 'hvc1', '-x265-params', 'log-level=none:keyint=60:min-keyint=60:scenecut=0:bframes=2:open-gop=0'],
  av1: ['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '6', '-g', '60', '-keyint_min', '60', '-b:v', '1500k'],
  aac: ['-c:a', 'aac', '-b:a', '96k'],
  opus: ['-c:a', 'libopus', '-b:a', '64k'],
};

/** One track of the test movie, encoded once: { file, times } */
async function track(codec, extension, size) {
  const source = await movie(CACHE, { seconds: SECONDS, ...size });
  const file = path.join(CACHE, `${path.basename(source, '.mp4')}-${codec}.${extension}`);
  const kind = encoders[codec]?.[0] === '-c:a' ? 'a' : 'v';
  const coder = encoders[codec] ?? ['-c:v', 'copy'];
  if (!fs.existsSync(file)) {
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', source, '-map', `0:${kind}:0`, ...coder, '-f', extension, `${file}.part`]);
    fs.renameSync(`${file}.part`, file);
  }
  return { file, times: await packetTimes(file, `${kind}:0`) };
}

function enhance(name, tracks, options = []) {
  const file = path.join(daemon.dir, `${name}.flv`);
  execFileSync(tool('tests/tools/flv-enhance'), [...options, file, ...tracks]);
  return file;
}

/** Publishes in real time, ends the stream, and returns what was recorded of the rungs that are picked. */
async function publish(name, file, picks = [undefined]) {
  const sending = run(tool('tests/tools/rtmp-load'), ['--url', `rtmp://${daemon.addresses.rtmp}/live/${name}`, '--publishers', '1', '--seconds', String(SECONDS - 0.01), file]); // before it begins anew
  await eventually(`${name}: master.m3u8`, 10000, async () => (await fetch(daemon.stream(name))).status === 200);
  const recorders = picks.map((pick, i) => new Recorder(daemon.stream(name), path.join(daemon.dir, `${name}-${i}`), pick));
  await sending;
  assert.equal((await daemon.api('POST', `/api/v1/streams/${name}/stop`)).status, 200);
  for (const recorder of recorders) {
    await eventually(`${name}: ENDLIST`, 10000, () => recorder.done.then(() => true));
    await recorder.stop();
  }
  return recorders;
}

/** Every picture once, in order, at the time it was encoded for. */
async function assertPictures(recorder, times, what) {
  const runs = await recorder.frames();
  assert.equal(runs.length, 1, `${what}: one run`);
  assertConsecutive(runs[0], what);
  assert.equal(runs[0].length, SECONDS * FPS, `${what}: every picture`);
  const got = await packetTimes(path.join(recorder.directory, 'run-0.mp4'));
  assert.equal(got.length, times.length, `${what}: every packet`);
  // RTMP counts in milliseconds, decoding and composition time apart.
  got.forEach((time, i) => assert.ok(Math.abs((time - got[0]) - (times[i] - times[0])) <= 2000, `${what}: picture ${i} at ${time - got[0]} µs, not ${times[i] - times[0]}`));
}

/** Packets of the sound that the playlist lists. */
async function soundPackets(url) {
  const playlist = await mediaPlaylist(url);
  assert.ok(playlist.ended, `${url}: ended`);
  const { stdout } = await run('ffprobe', ['-v', 'error', '-count_packets', '-show_entries', 'stream=codec_name,nb_read_packets', '-of', 'csv=p=0', url]);
  const [codec, count] = stdout.trim().split('\n')[0].split(',');
  return { codec, count: Number(count) };
}

before(async () => { daemon = await Daemon.start(); });
after(() => daemon?.stop());

test('HEVC with B-frames and Opus reach the player whole', async () => {
  const video = await track('hevc', 'mp4', { width: 320, height: 180 });
  const audio = await track('opus', 'ogg', { width: 320, height: 180 });
  const [recorder] = await publish('hevc', enhance('hevc', [video.file, audio.file], ['--nano']));
  await assertPictures(recorder, video.times, 'hevc');
  const { variants, media } = await multivariant(daemon.stream('hevc'));
  assert.match(variants[0].CODECS, /^hvc1\.1\.6\.L\d+\.\w+,Opus$/);
  const sound = await soundPackets(media[0].url);
  assert.equal(sound.codec, 'opus');
  // What is sent ends with the pictures, which begin a little earlier.
  assert.ok(sound.count * 0.02 > SECONDS - 0.1, `${sound.count} packets of sound of ${audio.times.length}`);
});

test('AV1 and AAC reach the player whole', async () => {
  const video = await track('av1', 'mp4', { width: 320, height: 180 });
  const audio = await track('aac', 'mp4', { width: 320, height: 180 });
  const [recorder] = await publish('av1', enhance('av1', [video.file, audio.file]));
  await assertPictures(recorder, video.times, 'av1');
  const { variants } = await multivariant(daemon.stream('av1'));
  assert.match(variants[0].CODECS, /^av01\.0\.\d\dM\.08.*,mp4a\.40\.2$/);
});

test('two rungs and two languages of one encoder are renditions of one stream', async () => {
  const high = await track('hevc', 'mp4', { width: 320, height: 180 });
  const low = await track('avc', 'mp4', { width: 160, height: 90 });
  const english = await track('aac', 'mp4', { width: 320, height: 180 });
  const french = await track('opus', 'ogg', { width: 320, height: 180 });
  const file = enhance('rungs', [high.file, low.file, `${english.file}@eng`, `${french.file}@fra`], ['--form', 'codecs']);
  const pick = (resolution) => (variants) => variants.find((v) => v.RESOLUTION === resolution);
  const recorders = await publish('rungs', file, [pick('320x180'), pick('160x90')]);
  await assertPictures(recorders[0], high.times, '320x180');
  await assertPictures(recorders[1], low.times, '160x90');
  // The same segments in both: a player may switch at each of them.
  assert.deepEqual(recorders[0].ordered().map((s) => s.number), recorders[1].ordered().map((s) => s.number));
  const { media } = await multivariant(daemon.stream('rungs'));
  assert.deepEqual(media.map((m) => m.LANGUAGE).sort(), ['eng', 'fra']);
  for (const m of media) assert.ok((await soundPackets(m.url)).count > 300, `${m.LANGUAGE}: sound`);
});
