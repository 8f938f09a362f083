// SPDX-License-Identifier: MIT
// Subtitles are on the screen with the picture that they belong to, in every
// player, whatever they were made from.
// weight: 3
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { assertInTime, plain } from './lib/cues.mjs';
import { CACHE, eventually, tool } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';
import { serveDirectory } from './lib/static-server.mjs';
import { Presentation } from '../tools/check/hls-presentation.mjs';
import { Report } from '../tools/check/report.mjs';
import { locate } from '../tools/check/source.mjs';

const run = promisify(execFile);
const SECONDS = 12; const FPS = 30;
/* Frames at which a caption comes and goes: within a segment, over a border of
 * two, at the very border, at the end. */
const CAPTIONS = [[15, 45], [50, 75], [120, 180], [300, 345]];
const DESCRIPTION = `millrace: 1
name: film-with-subtitles
params: { input: { type: string, required: true }, srt: { type: string, required: true }, ttml: { type: string, required: true }, output: { type: string, required: true } }
nodes:
  file: { element: filesrc, props: { location: "\${input}" } }
  demux: { element: qtdemux, from: [file] }
  english: { element: filesrc, props: { location: "\${srt}" } }
  words: { element: subparse, from: [english] }
  german: { element: filesrc, props: { location: "\${ttml}" } }
  document: { element: capsfilter, from: [german], props: { caps: application/ttml+xml } }
  package:
    element: cmafsink
    from:
      - demux
      - { node: words, as: text_0, props: { language: en, default: true } }
      - { node: document, as: text_1, props: { language: de } }
    props: { location: "\${output}", mode: vod }
`;

let browser; let server; let url; let dir; let output;

const seconds = (frame) => frame / FPS;
const stamp = (frame, comma) => new Date(Math.round(seconds(frame) * 1000)).toISOString().slice(11, 23).replace('.', comma);
const srt = () => CAPTIONS.map(([from, to], i) => `${i + 1}\n${stamp(from, ',')} --> ${stamp(to, ',')}\n<i>frame</i> ${from} & on\n`).join('\n');
const ttml = () => `<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="de"><body><div>${CAPTIONS.map(([from, to]) => `<p begin="${stamp(from, '.')}" end="${stamp(to, '.')}">Bild ${from}<br/>und mehr</p>`).join('')}</div></body></tt>`;

before(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-text-'));
  output = path.join(dir, 'film');
  const files = { 'film.yaml': DESCRIPTION, 'en.srt': srt(), 'de.ttml': ttml() };
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(dir, name), content);
  const input = await movie(CACHE, { seconds: SECONDS });
  await run(tool('cli/millrace'), ['run', path.join(dir, 'film.yaml'), '--set', `input=${input}`, '--set', `srt=${dir}/en.srt`, '--set', `ttml=${dir}/de.ttml`, '--set', `output=${output}`, '--quiet']);
  server = await serveDirectory(dir);
  url = `${server.base}/film`;
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  server?.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

test('no rule of HLS is broken', async () => {
  const report = new Report(); const presentation = new Presentation(locate(output, 'master.m3u8'), report);
  await presentation.load();
  assert.deepEqual(report.lines, []);
  assert.equal(presentation.renditions.size, 4);
});

test('FFmpeg reads each caption, with its times', async () => {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'packet=pts_time,duration_time', '-of', 'csv=p=0', `${url}/en/playlist.m3u8`]);
  const got = [...new Set(stdout.trim().split('\n'))].map((line) => line.split(',').map(Number));
  assert.equal(got.length, CAPTIONS.length);
  CAPTIONS.forEach(([from, to], i) => {
    assert.ok(Math.abs(got[i][0] - seconds(from)) < 0.001, `caption ${i} at ${got[i][0]} s`);
    assert.ok(Math.abs(got[i][1] - seconds(to - from)) < 0.002, `caption ${i} lasts ${got[i][1]} s`);
  });
});

test('vod-package takes the tracks of text that are in the movie, with their languages', async () => {
  const source = path.join(dir, 'tracks.mp4'); const packaged = path.join(dir, 'tracks');
  const input = await movie(CACHE, { seconds: SECONDS });
  await run('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-i', input, '-i', `${dir}/en.srt`, '-i', `${dir}/en.srt`, '-map', '0', '-map', '1', '-map', '2', '-c', 'copy', '-c:s', 'mov_text',
    '-metadata:s:s:0', 'language=eng', '-metadata:s:s:1', 'language=deu', source]);
  await run(tool('cli/millrace'), ['run', 'vod-package', '--set', `input=${source}`, '--set', `output=${packaged}`, '--quiet']);
  const report = new Report(); const presentation = new Presentation(locate(packaged, 'master.m3u8'), report);
  await presentation.load();
  assert.deepEqual(report.lines, []);
  const texts = presentation.multivariant.renditions.filter((r) => r.attributes.TYPE === 'SUBTITLES');
  assert.deepEqual(texts.map((r) => r.attributes.LANGUAGE).sort(), ['de', 'en']);
  for (const { attributes } of texts) {
    const cues = [...presentation.renditions.get(attributes.URI).segments.values()].flatMap((segment) => segment.webvtt.cues);
    const starts = [...new Set(cues.map((cue) => cue.start))];
    assert.equal(starts.length, CAPTIONS.length);
    CAPTIONS.forEach(([from], i) => assert.ok(Math.abs(starts[i] - seconds(from)) < 0.002, `caption ${i} at ${starts[i]} s`));
  }
});

const english = (from) => new RegExp(`^frame ${from} (&amp;|&) on$`);
const german = (from) => new RegExp(`^Bild ${from}\\s*und mehr$`);

const SHOWN = [
  ['hls', 'master.m3u8', 'en', english], ['hls', 'master.m3u8', 'de', german],
  ['shaka', 'master.m3u8', 'en', english], ['shaka', 'manifest.mpd', 'en', english], ['shaka', 'manifest.mpd', 'de', german],
  ['dash', 'manifest.mpd', 'en', english], ['dash', 'manifest.mpd', 'de', german],
];
describe('players', { concurrency: 3 }, () => {
  for (const [player, file, language, words] of SHOWN) test(`${player} shows ${language} of ${file} with its pictures`, { skip: noBrowser }, async () => {
    const viewer = await browser.open(player, `${url}/${file}`);
    await viewer.until('a picture', 20000, (s) => s.frames.length > 0);
    const menu = await viewer.text();
    assert.deepEqual(menu.map((t) => t.language).sort(), ['de', 'en']);
    await viewer.showText(menu.findIndex((t) => t.language === language));
    const cues = async () => (await viewer.cues()).filter((cue) => words(String.raw`\d+`).test(plain(cue.text)));
    await eventually('captions in that language', 10000, async () => (await cues()).length > 0);
    await viewer.seek(0); // it played on meanwhile, and fetches no text for what is over
    const seen = await viewer.until('the end', (SECONDS + 20) * 1000, (s) => s.ended);
    assertInTime(await cues(), seen.frames, CAPTIONS, words, FPS);
    await viewer.close();
  });
});

const LIVE = `millrace: 1
name: live-with-subtitles
params: { srt: { type: string, required: true }, output: { type: string, required: true } }
nodes:
  picture: { element: videotestsrc, props: { is-live: true } }
  size: { element: capsfilter, from: [picture], props: { caps: "video/x-raw,width=160,height=90,framerate=30/1" } }
  video: { element: x264enc, from: [size], props: { speed-preset: ultrafast, tune: zerolatency, key-int-max: 30 } }
  file: { element: filesrc, props: { location: "\${srt}" } }
  words: { element: subparse, from: [file] }
  package:
    element: cmafsink
    from: [video, { node: words, as: text_0, props: { language: en, default: true } }]
    props: { location: "\${output}", part-duration-ms: 500, segment-duration-ms: 2000 }
`;

test('beside low latency, text is listed as segments, and shown', async (t) => {
  const media = path.join(dir, 'media'); const children = [];
  const start = (name, args) => {
    const child = spawn(tool(name), args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push({ child, exited: once(child, 'exit') });
    return child;
  };
  t.after(async () => {
    for (const { child, exited } of children) { child.kill('SIGTERM'); await exited; }
  });
  fs.mkdirSync(media);
  fs.writeFileSync(path.join(dir, 'live.yaml'), LIVE);
  const cues = Array.from({ length: 90 }, (_, i) => `${i + 1}\n${stamp(i * FPS, ',')} --> ${stamp((i + 1) * FPS, ',')}\nsecond ${i}\n`);
  fs.writeFileSync(path.join(dir, 'live.srt'), cues.join('\n'));
  const origin = start('daemon/millrace-origin', ['--media-dir', media, '--listen', '127.0.0.1:0']);
  let told = '';
  const address = await new Promise((resolve, reject) => {
    origin.stdout.on('data', (data) => { told += data; const [, found] = /(127\.0\.0\.1:\d+)/.exec(told) ?? []; if (found) resolve(found); });
    origin.on('exit', () => reject(new Error('the origin has ended')));
  });
  start('cli/millrace', ['run', path.join(dir, 'live.yaml'), '--set', `srt=${dir}/live.srt`, '--set', `output=${media}/demo`, '--quiet']);
  const live = new URL(`http://${address}/stream/demo/master.m3u8`); const deadline = Date.now() + 40000;
  while ((await fetch(live)).status !== 200) {
    assert.ok(Date.now() < deadline, 'the stream has begun');
    await new Promise((resolve) => { setTimeout(resolve, 200); });
  }
  const report = new Report(); const presentation = new Presentation(live, report);
  await presentation.load();
  const over = Date.now() + 6000;
  await presentation.follow(() => Date.now() > over);
  assert.deepEqual([...new Set(report.lines)], []);
  const text = presentation.renditions.get('en/playlist.m3u8');
  assert.match(text.media.control?.text ?? JSON.stringify(text.media.control), /CAN-BLOCK-RELOAD/);
  assert.ok([...text.segments.values()].every((segment) => segment.webvtt.cues.length >= 2), 'each segment has its captions');
  if (noBrowser) return;
  const viewer = await browser.open('hls', live.href, { lowLatencyMode: true });
  await viewer.until('a picture', 20000, (s) => s.first !== null);
  for (let end = Date.now() + 20000; ;) {
    if ((await viewer.cues()).some((cue) => /^second \d+$/.test(plain(cue.text)))) break;
    assert.ok(Date.now() < end, 'a caption is there');
    await new Promise((resolve) => { setTimeout(resolve, 200); });
  }
  await viewer.close();
});
