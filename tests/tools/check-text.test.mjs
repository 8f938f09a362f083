// SPDX-License-Identifier: MIT
// check-hls finds what is wrong with subtitles and captions: a film with a file
// of subtitles beside it passes, and each way of breaking it is told.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkMultivariant } from './check/hls-multivariant.mjs';
import { Report } from './check/report.mjs';
import { checkCaptions, checkWebvtt, toMediaTime } from './check/hls-webvtt.mjs';

const CHECK = fileURLToPath(new URL('check-hls.mjs', import.meta.url));
const MILLRACE = path.join(process.env.MILL_BUILD_ROOT ?? 'build', 'cli/millrace');
const FILM = `millrace: 1
name: film
params: { output: { type: string, required: true }, subtitles: { type: string, required: true } }
nodes:
  picture: { element: videotestsrc, props: { num-buffers: 240 } }
  size: { element: capsfilter, from: [picture], props: { caps: "video/x-raw,width=160,height=90,framerate=30/1" } }
  video: { element: x264enc, from: [size], props: { speed-preset: ultrafast, key-int-max: 60 } }
  file: { element: filesrc, props: { location: "\${subtitles}" } }
  words: { element: subparse, from: [file] }
  package:
    element: cmafsink
    from: [video, { node: words, as: text_0, props: { language: en, default: true } }]
    props: { location: "\${output}", mode: vod }
`;
const SRT = `1
00:00:00,500 --> 00:00:02,500
Hello <i>world</i>

2
00:00:05,000 --> 00:00:06,000
A & B --> C
`;

let dir; let film;
before(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-check-text-'));
  film = path.join(dir, 'film');
  fs.writeFileSync(path.join(dir, 'film.yaml'), FILM);
  fs.writeFileSync(path.join(dir, 'en.srt'), SRT);
  execFileSync(MILLRACE, ['run', path.join(dir, 'film.yaml'), '--set', `output=${film}`, '--set', `subtitles=${dir}/en.srt`, '--quiet']);
});
after(() => fs.rmSync(dir, { recursive: true, force: true }));

const check = (place) => spawnSync(process.execPath, [CHECK, place], { encoding: 'utf8' });

test('a film with subtitles breaks no rule', () => {
  const { status, stdout, stderr } = check(film);
  assert.equal(stdout, '');
  assert.equal(status, 0, stderr);
  assert.match(stderr, /no rule is broken: 2 media playlists, 8 segments/);
  assert.match(fs.readFileSync(path.join(film, 'en/1-1.vtt'), 'utf8'), /Hello <i>world<\/i>/);
});

const replace = (from, to) => (text) => { assert.ok(from instanceof RegExp ? from.test(text) : text.includes(from), `${from} is there`); return text.replace(from, to); };
const FIRST = 'en/1-0.vtt'; const SECOND = 'en/1-1.vtt'; const MASTER = 'master.m3u8';

for (const [what, file, change, clause] of [
  ['no WEBVTT', FIRST, replace('WEBVTT\n', 'WEBVT\n'), /WebVTT 4\.1: begins with 'WEBVT'/],
  ['no map', FIRST, replace(/X-TIMESTAMP-MAP.*\n/, ''), /3\.1\.4: has 0 X-TIMESTAMP-MAP/],
  ['a map of more than 33 bits', FIRST, replace('MPEGTS:0', 'MPEGTS:8589934592'), /3\.1\.4: MPEGTS 8589934592/],
  ['a map that is off', SECOND, replace('MPEGTS:180000', 'MPEGTS:360000'), /3\.1\.4: a cue from 2\.500 to 4\.500 s .*|the cue that ends at 2\.500/],
  ['a cue that is missing where it goes on', SECOND, replace(/\n00:[^]*/, ''), /3\.1\.4: the cue that ends at 2\.500 s is in the segment before/],
  ['a cue in a segment where it is not shown', 'en/1-3.vtt', (text) => `${text}\n00:00:00.500 --> 00:00:01.000\nlost\n`, /3\.1\.4: a cue from 0\.500 to 1\.000 s is not shown in this segment/],
  ['timings backwards', FIRST, replace('00:00:00.500 --> 00:00:02.500', '00:00:02.500 --> 00:00:00.500'), /WebVTT 4\.1: a cue ends at 0\.5/],
  ['timings of SRT', FIRST, replace('00:00:00.500', '00:00:00,500'), /are no cue timings/],
  ['an arrow in the text', 'en/1-2.vtt', replace('--&gt;', '-->'), /cue text has an arrow/],
  ['an ampersand in the text', 'en/1-2.vtt', replace('&amp;', '&'), /an & that begins no reference/],
  ['a tag that is not closed', FIRST, replace('</i>', ''), /<i> is not closed/],
  ['a tag that is none', FIRST, replace('<i>world</i>', '<font>world</font>'), /has a tag <font>/],
  ['a setting that is none', FIRST, replace('02.500\n', '02.500 color:red\n'), /'color:red' is no cue setting/],
  ['a segment that is not there', 'en/playlist.m3u8', replace('1-1.vtt', '1-9.vtt'), /6\.2\.1: segment '1-9\.vtt' is listed and cannot be loaded/],
  ['subtitles without a URI', MASTER, replace(/,URI="en\/playlist.m3u8"/, ''), /4\.4\.6\.1: SUBTITLES without a URI/],
  ['a group that no variant has', MASTER, replace(',SUBTITLES="subs"', ''), /no variant uses group 'SUBTITLES subs'/],
  ['FORCED on sound', MASTER, replace('TYPE=SUBTITLES,', 'TYPE=AUDIO,FORCED=YES,'), /4\.4\.6\.1: FORCED/],
  ['characteristics without their quotes', MASTER, replace(',AUTOSELECT=YES', ',AUTOSELECT=YES,CHARACTERISTICS=public.easy-to-read'), /CHARACTERISTICS is not a quoted string/],
  ['captions of version 7 in version 6', MASTER, replace('#EXT-X-STREAM-INF:', '#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="x",INSTREAM-ID="SERVICE1"\n#EXT-X-STREAM-INF:CLOSED-CAPTIONS="cc",'), /§8: is version 6 and has INSTREAM-ID SERVICE1/],
]) {
  test(`${what} is found`, () => {
    const broken = path.join(dir, 'broken');
    fs.cpSync(film, broken, { recursive: true });
    const name = path.join(broken, file);
    fs.writeFileSync(name, change(fs.readFileSync(name, 'utf8')));
    const { status, stdout } = check(broken);
    fs.rmSync(broken, { recursive: true });
    assert.match(stdout, clause);
    assert.equal(status, 1);
  });
}

test('the clock of 33 bits is followed over its wrap', () => {
  const report = new Report(); const wrap = 2 ** 33 / 90000;
  const map = { local: 95443.8, mpegts: Math.round(95443.8 * 90000) % 2 ** 33 };
  assert.ok(Math.abs(toMediaTime(95444, map, 95444) - 95444) < 0.001);
  assert.ok(95443.8 > wrap);
  const webvtt = checkWebvtt(Buffer.from('WEBVTT\nX-TIMESTAMP-MAP=LOCAL:26:30:43.800,MPEGTS:' + map.mpegts + '\n\n26:30:44.000 --> 26:30:45.000\nx\n'), 'x', report);
  checkCaptions([{ number: 1, at: 'x', start: 95443.8, end: 95445.8, webvtt }], report);
  assert.deepEqual(report.lines, []);
});

test('captions inside of the video are told as RFC 8216bis wants them', () => {
  const lines = (text) => { const report = new Report(); checkMultivariant(Buffer.from(text), 'm', report); return report.lines.join('\n'); };
  const right = '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="en",LANGUAGE="en",INSTREAM-ID="CC1"\n#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="s",INSTREAM-ID="SERVICE1"\n#EXT-X-STREAM-INF:BANDWIDTH=9,AVERAGE-BANDWIDTH=9,CODECS="avc1.42c01e",RESOLUTION=2x2,CLOSED-CAPTIONS="cc"\nv/p.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=8,AVERAGE-BANDWIDTH=8,CODECS="avc1.42c01e",RESOLUTION=2x2,CLOSED-CAPTIONS="cc"\nw/p.m3u8\n';
  assert.equal(lines(right), '');
  assert.match(lines(right.replace('CC1', 'CC5')), /INSTREAM-ID CC5/);
  assert.match(lines(right.replace('CLOSED-CAPTIONS="cc"', 'CLOSED-CAPTIONS=NONE')), /NONE on some variants only/);
  assert.match(lines(right.replace('INSTREAM-ID="CC1"', 'INSTREAM-ID="CC1",URI="x.m3u8"')), /with a URI/);
});
