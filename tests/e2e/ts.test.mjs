// SPDX-License-Identifier: MIT
// HLS in MPEG transport streams: what comes out is what went in, in players that
// take nothing else, and over a kill -9.
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
import { Presentation } from '../tools/check/hls-presentation.mjs';
import { Report } from '../tools/check/report.mjs';
import { CACHE, LAUNCH, Daemon, Publisher, eventually } from './lib/daemon.mjs';
import { play } from './lib/gstreamer.mjs';
import { movie, packetTimes, pictureHashes } from './lib/movie.mjs';
import { assertIncreasing, mediaPlaylist, multivariant } from './lib/playlist.mjs';
import { serveDirectory } from './lib/static-server.mjs';

const run = promisify(execFile);
const SECONDS = 12;
const FPS = 30;
let dir; let server; let base; let source;

before(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-ts-'));
  source = await movie(CACHE, { seconds: SECONDS, fps: FPS });
  server = await serveDirectory(dir);
  base = server.base;
});
after(() => {
  server.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

const launch = (name, ...props) => ['-q', 'filesrc', `location=${source}`, '!', 'qtdemux', 'name=d',
  'd.video_0', '!', 'queue', '!', 'hlstssink', 'name=s', `location=${dir}/${name}`, 'segment-duration-ms=2000', ...props, 'd.audio_0', '!', 'queue', '!', 's.audio_0'];

async function check(name) {
  const report = new Report();
  const presentation = new Presentation(new URL(`file://${dir}/${name}/master.m3u8`), report);
  await presentation.load();
  return { lines: report.lines, presentation };
}

for (const [name, muxed] of [['muxed', true], ['separate', false]]) {
  test(`a file, ${name}`, async (t) => {
    await run('gst-launch-1.0', launch(name, 'mode=vod', `muxed=${muxed}`), { env: LAUNCH, timeout: 60000 });

    await t.test('breaks no rule', async () => {
      const { lines, presentation } = await check(name);
      assert.deepEqual(lines, []);
      assert.equal(presentation.renditions.size, muxed ? 1 : 2);
    });

    await t.test('FFmpeg finds every picture at its time', async () => {
      const [mine, theirs] = [await packetTimes(`${dir}/${name}/v360/playlist.m3u8`), await packetTimes(source)];
      assert.equal(mine.length, SECONDS * FPS);
      // Microseconds; 90 kHz rounds by at most 11.
      mine.forEach((time, i) => assert.ok(Math.abs(time - mine[0] - (theirs[i] - theirs[0])) <= 24, `frame ${i}: ${time - mine[0]} µs, source ${theirs[i] - theirs[0]} µs`));
    });

    await t.test('hlsdemux2 shows every picture of the source at its time', async () => {
      const { said, buffers } = await play(`${base}/${name}/master.m3u8`);
      assert.match(said, /GstHLSDemux2/);
      assert.deepEqual(buffers.map((buffer) => buffer.hash), await pictureHashes(source));
      const theirs = await packetTimes(source);
      buffers.forEach(({ time }, i) => assert.ok(Math.abs(time - buffers[0].time - (theirs[i] - theirs[0])) <= 24, `picture ${i}: ${time - buffers[0].time} µs, source ${theirs[i] - theirs[0]} µs`));
    });

    await t.test('hls.js plays it to its last picture', { skip: noBrowser }, async () => {
      const browser = await startBrowser();
      try {
        const viewer = await browser.open('hls', `${base}/${name}/master.m3u8`);
        const seen = await viewer.until('the end', 90000, (s) => s.ended);
        assertIncreasing(seen.frames, 'hls.js');
        assert.equal(seen.unread, 0);
        assert.equal(seen.frames.at(-1)[0], SECONDS * FPS - 1, 'the last picture');
      } finally {
        await browser.close();
      }
    });
  });
}

test('what is broken on purpose is found', async (t) => {
  const file = (n) => path.join(dir, 'muxed/v360', `1-${n}.ts`);
  const edit = (data, at, value) => { const copy = Buffer.from(data); copy[at] = value; return copy; };
  const find = (data, pid, begins) => { for (let at = 0; at < data.length; at += 188) if ((data.readUInt16BE(at + 1) & 0x1fff) === pid && (!begins || data[at + 1] & 0x40)) return at; return -1; };
  const VIDEO = 0x41;
  const cases = [
    ['no PAT', (data) => data.subarray(188), /3\.1\.1: begins with PID/],
    ['no PMT', (data) => Buffer.concat([data.subarray(0, 188), data.subarray(376)]), /3\.1\.1: PID \d+ stands behind the PAT/],
    ['half a packet', (data) => data.subarray(0, data.length - 100), /2\.4\.3\.2: has \d+ bytes/],
    ['a sync byte that is none', (data) => edit(data, 188 * 5, 0), /2\.4\.3\.2: byte 940/],
    ['a packet that is missing', (data) => { const at = find(data, VIDEO, false) + 188 * 20; return Buffer.concat([data.subarray(0, at), data.subarray(at + 188)]); }, /2\.4\.3\.3: continuity_counter/],
    ['the segment of before once more', () => fs.readFileSync(file(0)), /2\.4\.3\.3|4\.4\.4\.3/],
    ['no keyframe', (data) => { const idr = Buffer.from(data); for (let at = idr.indexOf('00000165', 0, 'hex'); at >= 0; at = idr.indexOf('00000165', at + 4, 'hex')) idr[at + 3] = 0x41; return idr; }, /4\.4\.2\.1: does not begin with a picture/],
    ['another codec', (data) => { const at = data.indexOf(Buffer.from([0x1b, 0xe0 | VIDEO >> 8, VIDEO & 0xff])); assert.ok(at > 0); return edit(data, at, 0x24); }, /stream type 0x24, CODECS has|4\.4\.2\.1/],
  ];
  for (const [what, change, clause] of cases) {
    await t.test(what, async () => {
      const data = fs.readFileSync(file(1));
      fs.writeFileSync(file(1), change(data));
      try {
        assert.match((await check('muxed')).lines.join('\n'), clause);
      } finally {
        fs.writeFileSync(file(1), data);
      }
    });
  }
});

const LIVE = (location, frames) => ['-q', 'videotestsrc', 'is-live=true', ...frames, '!', 'video/x-raw,width=320,height=180,framerate=30/1', '!', 'x264enc', 'tune=zerolatency', 'speed-preset=ultrafast', 'key-int-max=30', '!',
  'hlstssink', 'name=s', `location=${location}`, 'segment-duration-ms=1000', 'window-segments=4', 'audiotestsrc', 'is-live=true', ...(frames.length ? ['num-buffers=280'] : []), '!', 'audio/x-raw,rate=48000', '!', 'avenc_aac', '!', 's.audio_0'];

test('after a kill -9 the playlist goes on, and a player with it', async () => {
  const location = path.join(dir, 'live'); const playlist = path.join(location, 'v180/playlist.m3u8');
  const read = () => (fs.existsSync(playlist) ? fs.readFileSync(playlist, 'utf8') : '');
  const sequence = (text) => Number(/EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1] ?? -1);
  const first = spawn('gst-launch-1.0', LIVE(location, []), { env: LAUNCH, stdio: 'ignore' });
  await eventually('segments of the first run', 60000, () => /1-3\.ts/.test(read()));
  first.kill('SIGKILL');
  await once(first, 'exit');
  const before = read();
  const second = spawn('gst-launch-1.0', ['-e', ...LIVE(location, ['num-buffers=180'])], { env: LAUNCH, stdio: 'ignore' });
  await eventually('segments of both runs', 60000, () => /1-\d+\.ts[^]*2-\d+\.ts/.test(read()));
  const both = read();
  assert.match(both, /#EXT-X-DISCONTINUITY\n(#EXT-X-PROGRAM-DATE-TIME[^\n]*\n)?#EXTINF[^\n]*\n2-/);
  assert.ok(sequence(both) >= sequence(before), `media sequence ${sequence(both)}, before ${sequence(before)}`);
  const report = new Report();
  const presentation = new Presentation(new URL(`file://${location}/master.m3u8`), report);
  await presentation.load();
  await presentation.follow(() => false, { pauses: true });
  const [code] = second.exitCode === null ? await once(second, 'exit') : [second.exitCode];
  assert.equal(code, 0);
  assert.deepEqual(report.lines, []);
  assert.match(read(), /#EXT-X-ENDLIST/);
  const numbers = [...read().matchAll(/^\d+-(\d+)\.ts$/gm)].map((m) => Number(m[1]));
  numbers.forEach((n, i) => assert.equal(n, numbers[0] + i, 'numbers go on'));
});

const BOTH = `millrace: 1
name: both
params:
  stream: { type: string, required: true }
  output: { type: string, required: true }
nodes:
  in:      { element: rtmpserversrc }
  package: { element: cmafsink, from: [in], props: { location: "\${output}", mode: live, segment-duration-ms: 2000 } }
  old:     { element: hlstssink, from: [in], props: { location: "\${output}/ts", mode: live, segment-duration-ms: 2000 } }
`;

test('a daemon serves the same stream as CMAF and as MPEG-TS', async (t) => {
  const daemon = await Daemon.start({ apps: { live: { pipeline: 'both', auth: 'none' } } });
  t.after(() => daemon.stop());
  const put = await daemon.api('PUT', '/api/v1/pipelines/both', { text: BOTH });
  assert.ok(put.status < 300, JSON.stringify(put.body));
  const publisher = Publisher.ffmpeg(source, daemon.rtmp('studio'));
  t.after(() => publisher.kill());
  const old = daemon.stream('studio', 'ts/master.m3u8');
  for (const url of [daemon.stream('studio'), old]) await eventually(url, 60000, async () => (await fetch(url)).status === 200);
  const report = new Report();
  const presentation = new Presentation(new URL(old), report);
  await presentation.load();
  const [uri] = presentation.multivariant.uris;
  const segment = new URL(presentation.renditions.get(uri).media.segments[0].uri, new URL(uri, old));
  const response = await fetch(segment);
  assert.equal(response.headers.get('content-type'), 'video/mp2t');
  assert.match(response.headers.get('cache-control'), /max-age=\d{3,}/, 'what is listed never changes');
  assert.equal(await publisher.ended(), 0);
  assert.equal((await daemon.api('POST', '/api/v1/streams/studio/stop')).status, 200);
  await eventually('its end', 60000, async () => /ENDLIST/.test(await (await fetch(new URL(uri, old))).text()));
  await presentation.load();
  assert.deepEqual(report.lines, []);
  const cut = async (url) => (await mediaPlaylist(url)).segments.map((s) => s.duration.toFixed(2)).slice(0, -1);
  const { variants } = await multivariant(daemon.stream('studio'));
  assert.deepEqual(await cut(new URL(uri, old).href), await cut(variants[0].url), 'both are cut alike');
});
