// SPDX-License-Identifier: MIT
// Recordings beside a stream, and files of movies: what is in them is what came,
// whatever happens to who writes them, and a recording never harms its stream.
// weight: 2
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { CACHE, Daemon, Publisher, eventually, tool } from './lib/daemon.mjs';
import { codedMovie, frameNumbers, movie, packetHashes, packetTimes, streams } from './lib/movie.mjs';
import { Recorder, assertConsecutive, assertIncreasing } from './lib/playlist.mjs';
import { serveDirectory } from './lib/static-server.mjs';

const run = promisify(execFile);
const FPS = 30;
let browser; let dir; let server;

before(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-record-'));
  server = await serveDirectory(dir);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  server.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

const recording = (recordings, params = {}) => Daemon.start({ apps: { live: { pipeline: 'live-record', auth: 'none', params: { recordings, ...params } } } });
const list = (directory) => (fs.existsSync(directory) ? fs.readdirSync(directory).sort() : []);
const parts = (directory) => list(directory).filter((name) => name.endsWith('.part'));
const wholes = (directory) => list(directory).filter((name) => /\.(mp4|webm|mkv)$/.test(name));

/** Types of the boxes of an MP4, in order. */
function boxes(file) {
  const data = fs.readFileSync(file);
  const types = [];
  for (let at = 0; at + 8 <= data.length;) {
    const size = data.readUInt32BE(at) === 1 ? Number(data.readBigUInt64BE(at + 8)) : data.readUInt32BE(at);
    types.push(data.toString('latin1', at + 4, at + 8));
    assert.ok(size >= 8, `a box of ${size} bytes at ${at} of ${file}`);
    at += size;
  }
  return types;
}

/** The same times, each list from its own first one; µs. */
function assertTimes(mine, theirs, what, tolerance) {
  assert.equal(mine.length, theirs.length, `${what}: frames`);
  mine.forEach((time, i) => {
    const [is, was] = [time - mine[0], theirs[i] - theirs[0]];
    assert.ok(Math.abs(is - was) <= tolerance, `${what}: frame ${i} at ${is} µs, came at ${was} µs`);
  });
}

async function plays(t, url, count, first = 0) {
  await t.test(`Chromium plays ${path.extname(url)} as a plain file`, { skip: noBrowser }, async () => {
    const viewer = await browser.open('file', url);
    const seen = await viewer.until('the end', 60000, (s) => s.ended);
    assertIncreasing(seen.frames, 'video');
    assert.equal(seen.unread, 0);
    assert.equal(seen.frames.at(-1)[0], first + count - 1, 'the last picture');
    // Which ones a page sees is a matter of the machine's time: the element has had them all.
    const { decoded, played } = await viewer.played();
    assert.equal(decoded, count, 'pictures');
    assert.ok(played.length === 1 && played[0][0] < 0.1, `played ${JSON.stringify(played)}`);
    await viewer.close();
  });
}

test('live-record: every frame is in one of its files, at its time', async (t) => {
  const seconds = 10;
  const source = await movie(CACHE, { seconds });
  const recordings = path.join(dir, 'live');
  const daemon = await recording(recordings, { 'rotate-duration-ms': 4000 });
  t.after(() => daemon.stop());
  const publisher = Publisher.ffmpeg(source, daemon.rtmp('studio'));
  t.after(() => publisher.kill());
  await eventually('a file that grows', 15000, () => parts(recordings).length > 0);
  assert.match(parts(recordings)[0], /^studio-\d{8}-\d{6}\.mp4\.part$/);
  assert.equal(await publisher.ended(), 0);
  assert.equal((await daemon.api('POST', '/api/v1/streams/studio/stop')).status, 200);
  await eventually('three whole files', 20000, () => wholes(recordings).length === 3 && parts(recordings).length === 0);

  // FLV has milliseconds.
  const came = await packetTimes(source);
  let frame = 0;
  for (const [i, length] of [4, 4, 2].entries()) {
    const file = path.join(recordings, wholes(recordings)[i]);
    const numbers = await frameNumbers(file);
    assertConsecutive(numbers, file);
    assert.equal(numbers[0], frame, 'goes on where the one before has ended');
    assert.equal(numbers.length, length * FPS);
    assertTimes(await packetTimes(file), came.slice(frame, frame + numbers.length), file, 1000);
    frame += numbers.length;
    const types = boxes(file);
    assert.ok(types.indexOf('moov') < types.indexOf('mdat'), types.join(' '));
    assert.ok(!types.includes('moof'), types.join(' '));
    const sound = await packetTimes(file, 'a:0');
    assert.ok(Math.abs((sound.at(-1) - sound[0]) / 1e6 - length) < 0.1, `sound of ${(sound.at(-1) - sound[0]) / 1e6} s beside ${length} s of pictures`);
  }
  assert.equal(frame, seconds * FPS);
  // Sound is in one file or in the next: none is lost or there twice.
  const hashes = (await Promise.all(wholes(recordings).map((name) => packetHashes(path.join(recordings, name), 'a:0')))).flat();
  const published = await packetHashes(source, 'a:0');
  assert.deepEqual(hashes, published.slice(published.length - hashes.length));
  assert.ok(published.length - hashes.length <= 2, 'but what comes before the first picture');
  await plays(t, `${server.base}/live/${wholes(recordings)[0]}`, 4 * FPS);
});

test('live-record: after a kill -9 what was written plays, and the next run begins another file', async (t) => {
  const source = await movie(CACHE, { seconds: 20 });
  const recordings = path.join(dir, 'killed');
  const daemon = await recording(recordings);
  t.after(() => daemon.stop());
  const first = Publisher.ffmpeg(source, daemon.rtmp('studio'));
  t.after(() => first.kill());
  const part = await eventually('a file', 15000, () => parts(recordings)[0]);
  const file = path.join(recordings, part);
  await eventually('four fragments', 20000, () => boxes(file).filter((type) => type === 'moof').length >= 8);
  const before = (await frameNumbers(file)).length;
  const worker = (await daemon.workers()).find((w) => w.kind === 'shared');
  process.kill(worker.pid, 'SIGKILL');
  await first.kill();
  const numbers = await frameNumbers(file);
  assertConsecutive(numbers, 'what was written');
  assert.equal(numbers[0], 0);
  assert.ok(numbers.length >= before && before >= 3 * FPS, `${numbers.length} frames, ${before} before the kill`);
  assertTimes(await packetTimes(file), (await packetTimes(source)).slice(0, numbers.length), part, 1000);

  const kept = fs.readFileSync(file);
  await daemon.replaced(worker, 'studio');
  const second = Publisher.ffmpeg(await movie(CACHE, { seconds: 10 }), daemon.rtmp('studio'));
  t.after(() => second.kill());
  assert.equal(await second.ended(), 0, second.errors);
  assert.equal((await daemon.api('POST', '/api/v1/streams/studio/stop')).status, 200);
  const [whole] = await eventually('a whole file', 20000, () => wholes(recordings).length === 1 && wholes(recordings));
  assert.deepEqual(parts(recordings), [part]);
  assert.ok(kept.equals(fs.readFileSync(file)), 'what was left is as it was');
  assert.equal((await frameNumbers(path.join(recordings, whole))).length, 10 * FPS);
});

test('live-record: a full disk of the recordings does not harm the stream', { skip: process.getuid() !== 0 && 'needs root to mount a small tmpfs' }, async (t) => {
  const source = await movie(CACHE, { seconds: 60 });
  const small = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-record-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
  const daemon = await recording(small);
  t.after(async () => {
    await daemon.stop();
    execFileSync('umount', [small]);
    fs.rmdirSync(small);
  });
  fs.writeFileSync(path.join(small, 'ballast'), Buffer.alloc(0.9e6));
  const publisher = Publisher.ffmpeg(source, daemon.rtmp('studio'));
  t.after(() => publisher.kill());
  await eventually('the stream', 15000, async () => (await fetch(daemon.stream('studio'))).status === 200);
  const viewer = new Recorder(daemon.stream('studio'), path.join(dir, 'viewer'));
  const told = /new file after 10 s.*studio-\d+-\d+\.mp4\.part': got No space left on device.*what was written is kept/;
  await eventually('what happened, in the log of the worker', 20000, () => told.test(daemon.logs()));
  const [full] = parts(small);
  assertConsecutive(await frameNumbers(path.join(small, full)), 'what had room');
  fs.unlinkSync(path.join(small, 'ballast'));
  await eventually('a new file', 30000, () => parts(small).some((name) => name !== full));
  const stream = await daemon.streamState('studio');
  assert.equal(stream.state, 'live');
  assert.equal(stream.restarts, 0);
  assert.equal(publisher.process.exitCode, null, 'the publisher is still connected');
  await viewer.stop();
  const runs = await viewer.frames();
  assert.equal(runs.length, 1, 'no discontinuity');
  assertConsecutive(runs[0], 'what viewers saw');
});

const GOP = ['-g', String(FPS)];
const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', ...GOP];
const HDR10 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-tag:v', 'hvc1', '-pix_fmt', 'yuv420p10le', '-x265-params',
  `log-level=none:keyint=${FPS}:open-gop=0:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400`];
const vp9 = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', ...GOP];
const movies = {
  'H.264 and MP3': { file: 'record-h264-mp3.mp4', video: x264, audio: ['-c:a', 'libmp3lame'], codecs: ['h264', 'mp3'], to: ['mp4', 'mkv'] },
  'H.264 and AC-3': { file: 'record-h264-ac3.mp4', video: x264, audio: ['-c:a', 'ac3'], codecs: ['h264', 'ac3'], to: ['mp4', 'mkv'] },
  'HEVC HDR10 and E-AC-3': { file: 'record-hdr10-eac3.mp4', video: HDR10, audio: ['-c:a', 'eac3'], codecs: ['hevc', 'eac3'], to: ['mp4', 'mkv'], hdr: true },
  'AV1 and FLAC': { file: 'record-av1-flac.mp4', video: ['-c:v', 'libsvtav1', '-preset', '12', ...GOP], audio: ['-c:a', 'flac', '-strict', '-2'], codecs: ['av1', 'flac'], to: ['mp4', 'mkv'], player: 'mp4' },
  'VP9 and Opus': { file: 'record-vp9-opus.webm', video: vp9, audio: ['-c:a', 'libopus'], codecs: ['vp9', 'opus'], to: ['webm', 'mp4'], player: 'webm' },
  'VP8 and Opus': { file: 'record-vp8-opus.webm', video: ['-c:v', 'libvpx', '-deadline', 'realtime', ...GOP], audio: ['-c:a', 'libopus'], codecs: ['vp8', 'opus'], to: ['webm', 'mkv'], player: 'webm' },
  'H.264 and AAC': { file: 'record-h264-aac.mp4', video: x264, audio: ['-c:a', 'aac'], codecs: ['h264', 'aac'], to: ['mkv', 'mp4'], player: 'mp4' },
};

function assertHdr(stream) {
  assert.deepEqual([stream.color_primaries, stream.color_transfer, stream.color_space], ['bt2020', 'smpte2084', 'bt2020nc']);
  const data = Object.assign({}, ...stream.side_data_list);
  const value = (text) => text.split('/').reduce((a, b) => a / b);
  assert.ok(Math.abs(value(data.red_x) - 0.68) < 1e-4 && Math.abs(value(data.green_y) - 0.69) < 1e-4 && Math.abs(value(data.blue_x) - 0.15) < 1e-4, JSON.stringify(data));
  assert.ok(Math.abs(value(data.max_luminance) - 1000) < 0.1 && Math.abs(value(data.min_luminance) - 0.005) < 1e-4, JSON.stringify(data));
  assert.deepEqual([data.max_content, data.max_average], [1000, 400]);
}

for (const [name, { file, video, audio, codecs, to, hdr, player }] of Object.entries(movies)) {
  test(`vod-file: ${name} to ${to.join(' and ')}`, async (t) => {
    const source = await codedMovie(CACHE, file, { seconds: 3, fps: FPS, video, audio });
    const outputs = to.map((kind) => path.join(dir, `${path.parse(file).name}.${kind}`));
    await run(tool('cli/millrace'), ['run', 'vod-file', '--quiet', '--set', `input=${source}`, '--set', `output=${outputs[0]}`, '--set', `output-2=${outputs[1]}`]);
    const came = await packetTimes(source);
    const numbers = await frameNumbers(source);
    for (const output of outputs) {
      const shown = await streams(output);
      assert.deepEqual(shown.map((s) => s.codec_name).sort(), [...codecs].sort());
      assert.deepEqual(await frameNumbers(output), numbers, output);
      // Milliseconds in Matroska, also of the source.
      assertTimes(await packetTimes(output), came, output, 1000);
      if (hdr) assertHdr(shown.find((s) => s.codec_type === 'video'));
      if (output.endsWith('.mp4')) assert.ok(boxes(output).indexOf('moov') < boxes(output).indexOf('mdat'));
    }
    const played = outputs.find((output) => path.extname(output) === `.${player}`);
    if (played) await plays(t, `${server.base}/${path.basename(played)}`, 3 * FPS);
  });
}

test('vod-file: what a file has no place for is refused, and what has is named', async () => {
  const source = await codedMovie(CACHE, 'record-h264-aac.mp4', { seconds: 3, fps: FPS, video: x264, audio: ['-c:a', 'aac'] });
  const output = path.join(dir, 'refused.webm');
  await assert.rejects(run(tool('cli/millrace'), ['run', 'vod-file', '--quiet', '--set', `input=${source}`, '--set', `output=${output}`]), (error) => {
    assert.match(error.stderr, /got (H\.264, which WebM does not hold, expected AV1, VP9 or VP8|AAC, which WebM does not hold, expected Opus), or a location that ends in \.mp4 or \.mkv/);
    assert.equal(error.code, 65);
    return true;
  });
  assert.deepEqual(list(dir).filter((name) => name.startsWith('refused')), []);
});

/** Turns the picture of an MP4 a quarter to the left. */
function turned(data) {
  const header = data.indexOf('tkhd') + 4;
  [0, -0x10000, 0, 0x10000, 0, 0, 0, 0, 0x40000000].forEach((value, i) => data.writeInt32BE(value, header + 40 + 4 * i));
  return data;
}

test('vod-file: a picture that lies on its side, with pixels that are not square, is said to be', async () => {
  const upright = await codedMovie(CACHE, 'record-anamorphic.mp4', { seconds: 3, fps: FPS, video: [...x264, '-vf', 'setsar=4/3'] });
  const source = path.join(dir, 'turned-source.mp4');
  fs.writeFileSync(source, turned(fs.readFileSync(upright)));
  const outputs = ['mp4', 'mkv'].map((kind) => path.join(dir, `turned.${kind}`));
  await run(tool('cli/millrace'), ['run', 'vod-file', '--quiet', '--set', `input=${source}`, '--set', `output=${outputs[0]}`, '--set', `output-2=${outputs[1]}`]);
  const rotation = (stream) => stream.side_data_list?.find((s) => 'rotation' in s)?.rotation;
  const [theirs] = await streams(source);
  const [mine] = await streams(outputs[0]);
  assert.ok(rotation(theirs), 'the source is turned');
  assert.equal(rotation(mine), rotation(theirs));
  for (const output of outputs) assert.equal((await streams(output))[0].sample_aspect_ratio, '4:3', output);
  // RFC 9559, 5.1.4.1.28.45: ProjectionPoseRoll, a float of eight bytes, degrees to the left.
  const at = fs.readFileSync(outputs[1]).indexOf(Buffer.from([0x76, 0x75, 0x88]));
  assert.ok(at > 0, 'Matroska says it, too');
  assert.equal(fs.readFileSync(outputs[1]).readDoubleBE(at + 3), 90);
});
