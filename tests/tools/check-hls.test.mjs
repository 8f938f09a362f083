// SPDX-License-Identifier: MIT
// check-hls finds what is wrong: a presentation of vod-package passes, and each
// way of breaking it is told with its clause.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { emsgBox, insertBox } from './check/emsg-box.mjs';
import { compareDateRanges } from './check/hls-date-ranges.mjs';
import { checkLowLatency } from './check/hls-low-latency.mjs';
import { checkMedia } from './check/hls-media.mjs';
import { Presentation } from './check/hls-presentation.mjs';
import { checkVariantMedia } from './check/hls-variant.mjs';
import { Report } from './check/report.mjs';

const CHECK = fileURLToPath(new URL('check-hls.mjs', import.meta.url));
const MILLRACE = path.join(process.env.MILL_BUILD_ROOT ?? 'build', 'cli/millrace');
const FILM = `millrace: 1
name: film
params: { output: { type: string, required: true } }
nodes:
  picture: { element: videotestsrc, props: { num-buffers: 240 } }
  size: { element: capsfilter, from: [picture], props: { caps: "video/x-raw,width=160,height=90,framerate=30/1" } }
  video: { element: x264enc, from: [size], props: { speed-preset: ultrafast, key-int-max: 60 } }
  tone: { element: audiotestsrc, props: { num-buffers: 375, samplesperbuffer: 1024 } }
  rate: { element: capsfilter, from: [tone], props: { caps: "audio/x-raw,rate=48000,channels=2" } }
  audio: { element: avenc_aac, from: [rate] }
  package: { element: cmafsink, from: [video, audio], props: { location: "\${output}", mode: vod } }
`;

let dir; let film; let video; let audio; const IFRAMES = () => `${video}/iframes.m3u8`;
before(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-check-'));
  film = path.join(dir, 'film');
  fs.writeFileSync(path.join(dir, 'film.yaml'), FILM);
  execFileSync(MILLRACE, ['run', path.join(dir, 'film.yaml'), '--set', `output=${film}`, '--quiet']);
  [audio, video] = fs.readdirSync(film).filter((name) => fs.existsSync(path.join(film, name, 'playlist.m3u8'))).sort();
});
after(() => fs.rmSync(dir, { recursive: true, force: true }));

const check = (place) => spawnSync(process.execPath, [CHECK, place], { encoding: 'utf8' });

test('what vod-package makes breaks no rule', () => {
  const { status, stdout, stderr } = check(film);
  assert.equal(stdout, '');
  assert.equal(status, 0, stderr);
  assert.match(stderr, /no rule is broken: 2 media playlists, 8 segments/);
});

/* Four segments of 2 s. What has left was there at 0, and has to be for 10 s from then on. */
test('a removed segment stays as long as who saw it may want it', async () => {
  const live = path.join(dir, 'live');
  fs.cpSync(film, live, { recursive: true });
  const rewrite = (change) => {
    for (const name of [audio, video]) {
      const file = path.join(live, name, 'playlist.m3u8');
      fs.writeFileSync(file, change(fs.readFileSync(file, 'utf8')));
    }
  };
  rewrite((text) => text.replace('#EXT-X-ENDLIST\n', '').replace('#EXT-X-PLAYLIST-TYPE:VOD\n', ''));
  const report = new Report(); const presentation = new Presentation(pathToFileURL(path.join(live, 'master.m3u8')), report);
  await presentation.load(0);
  rewrite((text) => text.replace(/(#EXT-X-MEDIA-SEQUENCE:)0\n/, '$11\n').replace(/#EXTINF[^\n]*\n(?:#[^\n]*\n)*[^#\n]+\n/, ''));
  await presentation.load(1000);
  const own = presentation.renditions.get(VIDEO());
  assert.equal(own.removed.length, 1);
  const before = report.lines.length;
  await own.checkRemoved(9900);
  assert.equal(report.lines.length, before, 'it is there');
  for (const { url } of own.removed) fs.rmSync(fileURLToPath(url));
  await own.checkRemoved(9900);
  assert.match(report.lines.at(-1), /6\.2\.2: removed segment '1-0\.m4s' is gone too early/);
  const told = report.lines.length;
  await own.checkRemoved(10100);
  assert.equal(report.lines.length, told, 'nobody may want it any more');
});

const replace = (from, to) => (text) => { assert.ok(from instanceof RegExp ? from.test(text) : text.includes(from), `${from} is there`); return text.replace(from, to); };
const MASTER = () => 'master.m3u8'; const VIDEO = () => `${video}/playlist.m3u8`; const AUDIO = () => `${audio}/playlist.m3u8`;

/** What is told of a second version of all media playlists, after a first one. */
async function twice(first, second) {
  const live = path.join(dir, 'twice'); const report = new Report();
  fs.cpSync(film, live, { recursive: true });
  const rewrite = (change) => { for (const name of [audio, video]) fs.writeFileSync(path.join(live, name, 'playlist.m3u8'), change(fs.readFileSync(path.join(film, name, 'playlist.m3u8'), 'utf8'))); };
  const presentation = new Presentation(pathToFileURL(path.join(live, 'master.m3u8')), report);
  for (const change of [first, second]) { rewrite(change); await presentation.load(0); }
  fs.rmSync(live, { recursive: true });
  return { presentation, lines: report.lines.join('\n') };
}

const OPEN = (text) => text.replace('#EXT-X-ENDLIST\n', '').replace('#EXT-X-PLAYLIST-TYPE:VOD\n', '');
const EVENT = (text) => OPEN(text).replace('#EXT-X-TARGETDURATION', '#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-TARGETDURATION');
const shorter = (text) => text.replace(/(#EXT-X-MEDIA-SEQUENCE:)0\n/, '$11\n').replace(/#EXTINF[^\n]*\n(?:#[^\n]*\n)*[^#\n]+\n/, '');
const broken = (number) => (text) => OPEN(text).replace('#EXT-X-MEDIA-SEQUENCE', `#EXT-X-DISCONTINUITY-SEQUENCE:${number}\n#EXT-X-MEDIA-SEQUENCE`);
for (const [what, first, second, clause] of [
  ['another target duration', OPEN, (text) => OPEN(text).replace('TARGETDURATION:2', 'TARGETDURATION:3'), /6\.2\.1: EXT-X-TARGETDURATION changed from 2 to 3/],
  ['a media sequence that goes back', (text) => shorter(OPEN(text)), OPEN, /6\.2\.2: EXT-X-MEDIA-SEQUENCE went back from 1 to 0/],
  ['a discontinuity sequence that goes back', broken(5), broken(4), /6\.2\.2: EXT-X-DISCONTINUITY-SEQUENCE went back from 5 to 4/],
  ['an event that loses a segment', EVENT, (text) => shorter(EVENT(text)), /6\.2\.1: segments 0 to 0 of an EVENT playlist were removed/],
  ['another duration of a segment', OPEN, (text) => OPEN(text).replace('#EXTINF:2.000000', '#EXTINF:1.900000'), /6\.2\.1: segment 0: duration changed from 2 to 1\.9/],
  ['a change behind the end', (text) => text, OPEN, /6\.2\.1: changed behind EXT-X-ENDLIST/],
]) test(`${what} is found`, async () => assert.match((await twice(first, second)).lines, clause));

test('a live playlist that gets nothing new is found, once', async () => {
  const { presentation } = await twice(OPEN, OPEN); const own = presentation.renditions.get(VIDEO()); const { report } = presentation;
  own.checkPause(3400, 500);
  assert.equal(report.lines.length, 0);
  for (const now of [3600, 4100]) own.checkPause(now, 500);
  assert.equal(report.lines.length, 1);
  assert.match(report.lines[0], /6\.2\.1: no new segment for 3600 ms, expected one within 1\.5 target durations/);
});

const breakages = [
  ['no #EXTM3U', MASTER, replace('#EXTM3U\n', ''), /4\.4\.1\.1/],
  ['a byte order mark', VIDEO, (text) => `\ufeff${text}`, /4\.1: begins with a byte order mark/],
  ['an attribute twice', MASTER, replace('BANDWIDTH=', 'BANDWIDTH=1,BANDWIDTH='), /4\.2: attribute BANDWIDTH appears twice/],
  ['a space behind a comma', MASTER, replace(/,CODECS/, ', CODECS'), /4\.2/],
  ['no BANDWIDTH', MASTER, replace(/:BANDWIDTH=\d+,/, ':'), /4\.4\.6\.2: EXT-X-STREAM-INF has no BANDWIDTH/],
  ['a BANDWIDTH that is too low', MASTER, replace(/BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+/, 'BANDWIDTH=1000'), /BANDWIDTH 1000, and its segments reach/],
  ['an average that is not the media\'s', MASTER, replace(/AVERAGE-BANDWIDTH=(\d+)/, (_, n) => `AVERAGE-BANDWIDTH=${Math.round(n / 2)}`), /4\.4\.6\.2: AVERAGE-BANDWIDTH \d+, and its segments have \d+ bit\/s/],
  ['more pictures than are told', MASTER, replace(/FRAME-RATE=30\.000/, 'FRAME-RATE=25.000'), /4\.4\.6\.2: FRAME-RATE 25, and its segments reach 29\.5/],
  ['fewer pictures than are told', MASTER, replace(/FRAME-RATE=30\.000/, 'FRAME-RATE=60.000'), /4\.4\.6\.2: FRAME-RATE 60, and its shortest frame is of 30\.000 a second/],
  ['a size that the pictures have not', MASTER, replace(/(STREAM-INF:[^\n]*RESOLUTION=)160x90/g, '$1320x90'), /4\.4\.6\.2: RESOLUTION 320x90, the media has 160x90 of 1:1/],
  ['channels that the sound has not', MASTER, replace(/CHANNELS="2"/, 'CHANNELS="6"'), /4\.4\.6\.1: CHANNELS "6", the media has 2/],
  ['a group that is not there', MASTER, replace(/,AUDIO="[^"]+"/, ',AUDIO="none"'), /4\.4\.6\.2: AUDIO "none" is no group/],
  ['a codec that the media has not', MASTER, replace(/avc1\.[0-9A-Fa-f]{6}/, 'hvc1.1.6.L93.B0'), /sample entry 'avc1'/],
  ['a malformed codec', MASTER, replace('mp4a.40.2', 'aac'), /RFC 6381: codec 'aac'/],
  ['a tag of the other kind', VIDEO, replace('#EXTM3U', '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a"'), /4\.4: .* is a tag of a/],
  ['no target duration', VIDEO, replace(/#EXT-X-TARGETDURATION:\d+\n/, ''), /4\.4\.3\.1: has no EXT-X-TARGETDURATION/],
  ['target durations that differ', AUDIO, replace(/#EXT-X-TARGETDURATION:2/, '#EXT-X-TARGETDURATION:3'), /6\.2\.4: EXT-X-TARGETDURATION/],
  ['a segment that is too long', VIDEO, replace('#EXTINF:2.000000', '#EXTINF:2.600000'), /4\.4\.3\.1: EXTINF 2.6 rounds to more/],
  ['a duration that is not the media\'s', VIDEO, replace('#EXTINF:2.000000', '#EXTINF:1.900000'), /4\.4\.4\.1: EXTINF 1\.9, the media lasts 2\.0000/],
  ['a version that is too low', VIDEO, replace('#EXT-X-VERSION:6', '#EXT-X-VERSION:3'), /§8: is version 3 and has an EXT-X-MAP/],
  ['no map', VIDEO, replace(/#EXT-X-MAP:.*\n/, ''), /3\.1\.2: fragmented MP4 .* has no EXT-X-MAP/],
  ['an absolute URI', VIDEO, replace(/\n([^#\n]+-0\.m4s)/, '\n/$1'), /is not relative/],
  ['a segment that is not there', VIDEO, replace(/-1\.m4s/, '-77.m4s'), /6\.2\.1: segment .*-77\.m4s' is listed and cannot be loaded/],
  ['a segment out of order', VIDEO, replace(/(-1\.m4s)([^]*)(-2\.m4s)/, '$3$2$1'), /4\.4\.4\.3: is decoded at/],
  ['a VOD playlist without an end', VIDEO, replace('#EXT-X-ENDLIST\n', ''), /6\.2\.1: a VOD playlist has no EXT-X-ENDLIST/],
  ['a discontinuity in one rendition only', VIDEO, replace(/#EXTINF:2.000000,\n([^#\n]+-1\.m4s)/, '#EXT-X-DISCONTINUITY\n#EXTINF:2.000000,\n$1'), /6\.2\.4: discontinuity sequence 0 of segment 1, .* has 1/],
  ['a date that does not fit', VIDEO, (text) => text.replace(/#EXTINF/, '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n#EXTINF').replace(/(-1\.m4s\n)/, '$1#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:09.000Z\n'), /4\.4\.4\.6: the date is 5\.0000 s off/],
  ['dates in one rendition only', VIDEO, replace(/#EXTINF/, '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n#EXTINF'), /6\.2\.4: whether there is EXT-X-PROGRAM-DATE-TIME/],
  ['an I-frame playlist without its tag', IFRAMES, replace('#EXT-X-I-FRAMES-ONLY\n', ''), /4\.4\.3\.6: has no EXT-X-I-FRAMES-ONLY/],
  ['an I-frame range that ends within its picture', IFRAMES, replace(/BYTERANGE:(\d+)@/, (_, n) => `BYTERANGE:${n - 1}@`), /4\.4\.3\.6: the picture ends at/],
  ['an I-frame range without its moof', IFRAMES, replace(/BYTERANGE:(\d+)@(\d+)/, (_, n, o) => `BYTERANGE:${n}@${Number(o) + 8}`), /Apple 6\.10: bytes/],
  ['an I-frame that is shown too long', IFRAMES, replace('#EXTINF:2.000000', '#EXTINF:1.500000'), /4\.4\.3\.6: EXTINF 1\.5, the next picture comes 2\.0000 s later/],
  ['an I-frame without a range', IFRAMES, replace(/#EXT-X-BYTERANGE:.*\n/, ''), /4\.4\.4\.2: .* a whole segment is no picture/],
  ['an I-frame list with dates where the others have none', IFRAMES, replace(/#EXTINF/, '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n#EXTINF'), /6\.2\.4: EXT-X-PROGRAM-DATE-TIME is in this playlist/],
  ['an I-frame stream with a frame rate', MASTER, replace('#EXT-X-I-FRAME-STREAM-INF:', '#EXT-X-I-FRAME-STREAM-INF:FRAME-RATE=30.000,'), /4\.4\.6\.3: FRAME-RATE has no meaning/],
  ['an I-frame stream with sound', MASTER, replace(/(I-FRAME-STREAM-INF.*CODECS="avc1[^"]*)"/, '$1,mp4a.40.2"'), /4\.4\.6\.3: CODECS/],
  ['an I-frame stream that is not there', MASTER, replace('iframes.m3u8', 'none.m3u8'), /6\.2\.1: is listed and cannot be loaded/],
  ['a start that is no number', MASTER, replace('#EXT-X-MEDIA', '#EXT-X-START:TIME-OFFSET=soon\n#EXT-X-MEDIA'), /4\.4\.2\.2: TIME-OFFSET soon/],
  ['a start behind the end', MASTER, replace('#EXT-X-MEDIA', '#EXT-X-START:TIME-OFFSET=60.000\n#EXT-X-MEDIA'), /4\.4\.2\.2: TIME-OFFSET 60 is outside/],
  ['session data without a value', MASTER, replace('#EXT-X-MEDIA', '#EXT-X-SESSION-DATA:DATA-ID="a"\n#EXT-X-MEDIA'), /4\.4\.6\.4: has neither VALUE nor URI/],
  ['session data with both', MASTER, replace('#EXT-X-MEDIA', '#EXT-X-SESSION-DATA:DATA-ID="a",VALUE="1",URI="b"\n#EXT-X-MEDIA'), /4\.4\.6\.4: has VALUE and URI/],
  ['session data twice', MASTER, replace('#EXT-X-MEDIA', '#EXT-X-SESSION-DATA:DATA-ID="a",VALUE="1"\n#EXT-X-SESSION-DATA:DATA-ID="a",VALUE="2"\n#EXT-X-MEDIA'), /4\.4\.6\.4: DATA-ID a appears twice/],
  ['session data of an unknown format', MASTER, replace('#EXT-X-MEDIA', '#EXT-X-SESSION-DATA:DATA-ID="a",URI="b",FORMAT=XML\n#EXT-X-MEDIA'), /4\.4\.6\.4: FORMAT=XML/],
  ['steering without a server', MASTER, replace('#EXT-X-MEDIA', '#EXT-X-CONTENT-STEERING:PATHWAY-ID="."\n#EXT-X-MEDIA'), /4\.4\.6\.6: EXT-X-CONTENT-STEERING has no SERVER-URI/],
  ['steering to a pathway that nobody has', MASTER, replace('#EXT-X-MEDIA', '#EXT-X-CONTENT-STEERING:SERVER-URI="s",PATHWAY-ID="b"\n#EXT-X-MEDIA'), /4\.4\.6\.6: PATHWAY-ID b is that of no variant/],
  ['a pathway with a name that is none', MASTER, replace(/(#EXT-X-STREAM-INF:)/, '$1PATHWAY-ID="a b",'), /7\.1: PATHWAY-ID a b/],
  ['a pathway that lacks variants', MASTER, (text) => `${text}#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.64001f",PATHWAY-ID="b"\nhttps://b.example/v.m3u8\n`, /7\.1: pathway b has other variants/],
  ['no average bandwidth', MASTER, replace(/,AVERAGE-BANDWIDTH=\d+/, ''), /Apple 9\.x: has no AVERAGE-BANDWIDTH/],
  ['a video without its size', MASTER, replace(/(#EXT-X-STREAM-INF:.*),RESOLUTION=\d+x\d+/, '$1'), /Apple 9\.x: has video and no RESOLUTION/],
  ['a profile that is not the media\'s', MASTER, replace(/avc1\.[0-9A-Fa-f]{6}/, 'avc1.4d001f'), /RFC 6381: the media is avc1\.[0-9A-F]{6}, CODECS has avc1\.4d001f/],
  ['a range that the pictures have not', MASTER, replace(/(#EXT-X-STREAM-INF:.*),RESOLUTION/, '$1,VIDEO-RANGE=PQ,RESOLUTION'), /4\.4\.6\.2: VIDEO-RANGE is PQ, the media is SDR/],
  ['captions of sound in version 6', MASTER, replace('TYPE=AUDIO,', 'TYPE=AUDIO,INSTREAM-ID="1",'), /§8: is version 6 and has INSTREAM-ID on a rendition of TYPE AUDIO/],
  ['a version that is higher than need be', VIDEO, replace('#EXT-X-VERSION:6', '#EXT-X-VERSION:9'), /house rule: is version 9, and has nothing that needs more than 6/],
  ['another header without a discontinuity', VIDEO, replace(/(-1\.m4s\n)/, '$1#EXT-X-MAP:URI="init-2.mp4"\n'), /4\.4\.4\.3: goes on with header 'init-2\.mp4', and there is no EXT-X-DISCONTINUITY/],
  ['parts of an I-frame playlist', IFRAMES, replace('#EXTINF', '#EXT-X-PART:URI="x.m4s",DURATION=1\n#EXTINF'), /4\.4\.4\.9: an I-frame playlist has partial segments/],
  ['a server control in one rendition only', VIDEO, replace('#EXTINF', '#EXT-X-SERVER-CONTROL:HOLD-BACK=6.0\n#EXTINF'), /6\.2\.4: EXT-X-SERVER-CONTROL is/],
  ['an unknown tag', VIDEO, replace('#EXT-X-ENDLIST', '#EXT-X-THE-END\n#EXT-X-ENDLIST'), /4\.1: unknown tag/],
];

for (const [what, name, change, clause] of breakages) {
  test(`${what} is found`, () => {
    const file = path.join(film, name()); const text = fs.readFileSync(file, 'utf8');
    fs.writeFileSync(file, change(text));
    try {
      const { status, stdout } = check(film);
      assert.match(stdout, clause);
      assert.equal(status, 1);
    } finally { fs.writeFileSync(file, text); }
  });
}

/** Changes bytes of a file that stand behind a four-character code. */
function patch(file, code, offset, bytes) {
  const data = fs.readFileSync(file); const at = data.indexOf(code);
  assert.ok(at > 0, `${code} in ${file}`);
  Buffer.from(bytes).copy(data, at + offset);
  fs.writeFileSync(file, data);
}

const segmentOf = (name, number) => path.join(film, name, fs.readdirSync(path.join(film, name)).find((f) => f.endsWith(`-${number}.m4s`)));
const headerOf = (name) => path.join(film, name, fs.readdirSync(path.join(film, name)).find((f) => f.startsWith('init-')));
const damages = [
  ['a decode time that leaves a hole', () => segmentOf(video, 1), 'tfdt', 12, [0, 0, 0, 1], /is decoded at 1/],
  ['a box that ends behind its file', () => segmentOf(video, 1), 'moof', -4, [0x7f, 0xff, 0xff, 0xff], /14496-12 §4\.2: box 'moof'/],
  ['sample data outside of the mdat', () => segmentOf(audio, 1), 'trun', 12, [0, 0, 0, 8], /8\.8\.8: samples at/],
  ['a header with a duration', () => headerOf(video), 'tkhd', 24, [0, 0, 1, 0], /3\.1\.2: tkhd has a duration/],
];
for (const [what, file, code, offset, bytes, clause] of damages) {
  test(`${what} is found`, () => {
    const name = file(); const data = fs.readFileSync(name);
    patch(name, code, offset, bytes);
    try {
      const { status, stdout } = check(film);
      assert.match(stdout, clause);
      assert.equal(status, 1);
    } finally { fs.writeFileSync(name, data); }
  });
}

/* ---- boxes in the wrong place ---- */

const boxAt = (data, type) => { const at = data.indexOf(type) - 4; assert.ok(at >= 0, `there is a ${type}`); return { at, end: at + data.readUInt32BE(at) }; };
/** The box before the one that it follows, in the same parent. */
function swap(data, type, before) {
  const { at, end } = boxAt(data, type); const to = boxAt(data, before).at;
  return Buffer.concat([data.subarray(0, to), data.subarray(at, end), data.subarray(to, at), data.subarray(end)]);
}
/** The box as the last one of its parents, the innermost last. */
function append(data, parents, box) {
  const { end } = boxAt(data, parents.at(-1)); const result = Buffer.concat([data.subarray(0, end), box, data.subarray(end)]);
  for (const { at } of parents.map((type) => boxAt(data, type))) result.writeUInt32BE(data.readUInt32BE(at) + box.length, at);
  return result;
}
const box = (type, ...content) => { const body = Buffer.concat(content); const head = Buffer.alloc(8); head.writeUInt32BE(8 + body.length); head.write(type, 4, 'latin1'); return Buffer.concat([head, body]); };
const edits = (...times) => { const list = Buffer.alloc(8 + 12 * times.length); list.writeUInt32BE(times.length, 4); times.forEach((time, i) => { list.writeInt32BE(time, 12 + 12 * i); list.writeUInt32BE(0x10000, 16 + 12 * i); }); return box('edts', box('elst', list)); };
const renamed = (from, to) => (data) => { const result = Buffer.from(data); result.write(to, boxAt(data, from).at + 4, 'latin1'); return result; };
const withBrand = (data) => { const result = Buffer.from(data); result.write('cmf2', data.indexOf('cmfc'), 'latin1'); return result; };

for (const [what, file, change, clause] of [
  ['what extends tracks before the tracks', () => headerOf(video), (data) => swap(data, 'mvex', 'trak'), /3\.1\.2: mvex stands before a trak/],
  ['a track without its media header', () => headerOf(video), renamed('vmhd', 'xmhd'), /14496-12 §8\.4\.5: a track of 'vide' without vmhd/],
  ['an edit list of two entries', () => headerOf(video), (data) => append(data, ['moov', 'trak'], edits(0, 0)), /23000-19 §7\.5\.13: an edit list of 2 entries/],
  ['an edit list that is empty', () => headerOf(video), (data) => append(data, ['moov', 'trak'], edits(-1)), /14496-12 §8\.6\.6: an edit list whose last entry is empty/],
  ['an edit list of video under brand cmf2', () => headerOf(video), (data) => append(withBrand(data), ['moov', 'trak'], edits(0)), /23000-19 §7\.7: brand cmf2 and an edit list/],
  ['a decode time before its track', () => segmentOf(video, 1), (data) => swap(data, 'tfdt', 'tfhd'), /14496-12 §8\.8\.12: expected tfdt behind tfhd/],
  ['a decode time of 32 bits', () => segmentOf(video, 1), (data) => { const result = Buffer.from(data); result[boxAt(data, 'tfdt').at + 8] = 0; return result; }, /house rule: tfdt of version 0/],
  ['flags of the first sample and of each', () => segmentOf(video, 1), (data) => { const result = Buffer.from(data); result.writeUIntBE(0x000f05, boxAt(data, 'trun').at + 9, 3); return result; }, /14496-12 §8\.8\.8: trun has flags of its first sample and of each/],
  ['a segment type in mid-segment', () => segmentOf(video, 1), (data) => insertBox(data, data.subarray(0, data.readUInt32BE(0))), /14496-12 §8\.16\.2: styp stands behind 'styp'/],
  ['a reference time behind its moof', () => segmentOf(video, 1), (data) => insertBox(data, box('prft', Buffer.alloc(24)), 'mdat'), /14496-12 §8\.16\.5: prft stands before 'mdat'/],
]) {
  test(`${what} is found`, () => {
    const name = file(); const data = fs.readFileSync(name);
    fs.writeFileSync(name, change(data));
    try {
      const { status, stdout } = check(film);
      assert.match(stdout, clause);
      assert.equal(status, 1);
    } finally { fs.writeFileSync(name, data); }
  });
}

/* ---- event messages: in a segment that has none by itself ---- */

for (const [what, box, type, clause] of [
  ['an event message before moof breaks no rule', {}, 'moof', /^$/],
  ['an event message between moof and mdat is found', {}, 'mdat', /ISO\/IEC 23000-19 §7\.3\.2/],
  ['an event message of version 0 is found', { version: 0 }, 'moof', /house rule: an emsg box of version 0/],
  ['an event message of another timescale is found', { timescale: 90000 }, 'moof', /ISO\/IEC 23009-1 §5\.10\.3\.3: an emsg box in ticks of 1\/90000 s, the track has 1\/48000/],
  ['an event message without a scheme is found', { scheme: '' }, 'moof', /an emsg box without scheme/],
]) {
  test(what, () => {
    const name = segmentOf(audio, 1); const data = fs.readFileSync(name);
    fs.writeFileSync(name, insertBox(data, emsgBox(box), type));
    try { assert.match(check(film).stdout, clause); } finally { fs.writeFileSync(name, data); }
  });
}

/* ---- byte ranges: the same film in one file of each ---- */

test('ranges that are not those of the media are found', () => {
  const single = path.join(dir, 'ranges'); const from = path.join(film, video); const to = path.join(single, video);
  fs.mkdirSync(to, { recursive: true });
  const [codec] = /avc1\.\w{6}/.exec(fs.readFileSync(path.join(film, 'master.m3u8'), 'utf8'));
  const names = fs.readdirSync(from).filter((f) => f.endsWith('.m4s')).sort();
  const header = fs.readFileSync(headerOf(video)); let at = header.length;
  const parts = [header]; let list = `#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI="1.mp4",BYTERANGE="${at}@0"\n`;
  for (const name of names) {
    const bytes = fs.readFileSync(path.join(from, name));
    list += `#EXTINF:2.000000,\n#EXT-X-BYTERANGE:${bytes.length}@${at}\n1.mp4\n`;
    at += bytes.length; parts.push(bytes);
  }
  fs.writeFileSync(path.join(to, '1.mp4'), Buffer.concat(parts));
  const average = Math.round(parts.slice(1).reduce((sum, bytes) => sum + bytes.length, 0) * 8 / (2 * names.length));
  fs.writeFileSync(path.join(single, 'master.m3u8'), `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9000000,AVERAGE-BANDWIDTH=${average},RESOLUTION=160x90,CODECS="${codec}"\n${video}/playlist.m3u8\n`);
  const run = (text) => { fs.writeFileSync(path.join(to, 'playlist.m3u8'), text); return check(single).stdout; };
  assert.equal(run(`${list}#EXT-X-ENDLIST\n`), '');
  const broken = (change, clause) => assert.match(run(`${change(list)}#EXT-X-ENDLIST\n`), clause);
  broken((t) => t.replace(/RANGE:(\d+)@(\d+)(?![^]*RANGE:)/, (_, n, o) => `RANGE:${Number(n) + 1}@${o}`), /4\.4\.4\.2: bytes .* are not all there/);
  broken((t) => t.replace(/RANGE:(\d+)@\d+/, 'RANGE:$1'), /4\.4\.4\.2: .* has no offset, and no range/);
  broken((t) => t.replace(/RANGE:(\d+)@(\d+)\n1.mp4\n#/, (_, n, o) => `RANGE:${Number(n) + 1}@${o}\n1.mp4\n#`), /overlap those of a segment before/);
  broken((t) => t.replace(/,BYTERANGE="(\d+)@0"/, (_, n) => `,BYTERANGE="${n - 1}@0"`), /14496-12/);
  broken((t) => t.replace(/RANGE:\d+@/, 'RANGE:many@'), /4\.4\.4\.2: EXT-X-BYTERANGE many@/);
  broken((t) => t.replace('VERSION:6', 'VERSION:3'), /§8: is version 3 and has a byte range/);
});

/* ---- date ranges: by text too ---- */

const OUT = '0xFC302000000000000000FFF00F05000000077F6FFE00000000000000000000'; // its CRC_32 follows
const crc32 = (hex) => {
  let sum = 0xffffffff;
  for (const byte of Buffer.from(hex.slice(2), 'hex')) { sum ^= byte << 24; for (let bit = 0; bit < 8; bit++) sum = sum & 0x80000000 ? (sum << 1) ^ 0x04c11db7 : sum << 1; }
  return (sum >>> 0).toString(16).toUpperCase().padStart(8, '0');
};
const SECTION = OUT + crc32(OUT);
const RANGES = `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-DATERANGE:ID="scte35-7-1",START-DATE="2026-01-01T00:00:01.000Z",PLANNED-DURATION=30.000,SCTE35-OUT=${SECTION}
#EXT-X-DATERANGE:ID="scte35-7-1",START-DATE="2026-01-01T00:00:01.000Z",DURATION=3.000,SCTE35-IN=${SECTION}
#EXT-X-MAP:URI="init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXTINF:2.0,
0.m4s
`;

function dateRanges(text) {
  const report = new Report();
  const media = checkMedia(Buffer.from(text), 'ranges.m3u8', report);
  return { media, text: report.lines.join('\n') };
}

test('date ranges that are right break no rule', () => assert.equal(dateRanges(RANGES).text, ''));

for (const [what, from, to, clause] of [
  ['a date range without dates of segments', /#EXT-X-PROGRAM-DATE-TIME:.*\n/, '', /4\.4\.5\.1: a date range in a playlist without EXT-X-PROGRAM-DATE-TIME/],
  ['a date range without a start', 'START-DATE="2026-01-01T00:00:01.000Z",PLANNED', 'PLANNED', /4\.4\.5\.1: date range 'scte35-7-1' has no START-DATE/],
  ['a start without a time zone', /01\.000Z",PLANNED/, '01.000",PLANNED', /4\.4\.5\.1: START-DATE '2026-01-01T00:00:01\.000', expected ISO 8601/],
  ['an end that has another start', /01\.000Z",DURATION/, '02.000Z",DURATION', /4\.4\.5\.1: START-DATE of 'scte35-7-1' is .* here and .* in another tag/],
  ['a negative duration', ',DURATION=3.000', ',DURATION=-3.000', /4\.4\.5\.1: DURATION '-3\.000'/],
  ['an end before the start', ',DURATION=3.000', ',END-DATE="2025-01-01T00:00:00.000Z"', /4\.4\.5\.1: ends at/],
  ['an end that is not start and duration', ',DURATION=3.000', ',DURATION=3.000,END-DATE="2026-01-01T00:00:09.000Z"', /4\.4\.5\.1: END-DATE is not START-DATE and 3/],
  ['an open end without a class', ',PLANNED-DURATION=30.000', ',END-ON-NEXT=YES', /4\.4\.5\.1: END-ON-NEXT wants a CLASS/],
  ['an in without its out', /SCTE35-OUT=/, 'SCTE35-CMD=', /4\.4\.5\.1\.1: SCTE35-IN of 'scte35-7-1', and no tag before it/],
  ['an in that does not say when', ',DURATION=3.000', '', /4\.4\.5\.1\.1: SCTE35-IN of 'scte35-7-1' without DURATION/],
  ['half a byte of a section', SECTION, SECTION.slice(0, -1), /4\.2: SCTE35-OUT: got/],
  ['a section that is none', 'SCTE35-OUT=0xFC', 'SCTE35-OUT=0xFD', /4\.4\.5\.1\.1: SCTE35-OUT is not one splice/],
  ['a damaged section', 'SCTE35-OUT=0xFC302000', 'SCTE35-OUT=0xFC302001', /SCTE 35 9\.6: SCTE35-OUT: CRC_32/],
  ['a date range behind a segment', /$/, '#EXT-X-DATERANGE:ID="b",START-DATE="2026-01-01T00:00:01.000Z"\n', /house rule: a date range behind a segment/],
]) test(`${what} is found`, () => assert.match(dateRanges(RANGES.replace(from, to)).text, clause));

for (const [what, from, to, clause] of [
  ['a range that changes', 'PLANNED-DURATION=30.000', 'PLANNED-DURATION=31.000', /4\.4\.5\.1: PLANNED-DURATION of date range 'scte35-7-1' changed/],
  ['a range that loses what was said', /#EXT-X-DATERANGE:.*SCTE35-IN.*\n/, '', /4\.4\.5\.1: DURATION of date range 'scte35-7-1' changed from 3\.000 to undefined/],
  ['a range that goes too early', /(#EXT-X-DATERANGE:.*\n){2}/, '', /house rule: date range 'scte35-7-1' is gone/],
]) {
  test(`${what} is found`, () => {
    const report = new Report(); const after = dateRanges(RANGES.replace(from, to)).media;
    compareDateRanges(dateRanges(RANGES).media.dateRanges, after.dateRanges, after, report);
    assert.match(report.lines.join('\n'), clause);
  });
}

/* ---- live: by text ---- */

const live = (count, first) => `#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:HOLD-BACK=6.0\n#EXT-X-MEDIA-SEQUENCE:${first}\n#EXT-X-MAP:URI="init.mp4"\n${Array.from({ length: count }, (_, i) => `#EXTINF:2.0,\n${first + i}.m4s\n`).join('')}`;
test('a live playlist of six segments, and one that begins, break no rule', () => assert.equal(dateRanges(live(6, 3)).text + dateRanges(live(2, 0)).text, ''));
test('a live playlist that keeps fewer than six segments is found', () => assert.match(dateRanges(live(5, 3)).text, /Apple, live playlists: lists 5 segments after others were removed, expected 6/));
test('pictures above 30 a second that are not told are found', () => {
  const report = new Report(); const variant = { uri: 'v', at: 'master', attributes: { BANDWIDTH: '9', CODECS: 'avc1.64001F' } };
  const rendition = { media: { target: 2, segments: [] }, headers: new Map(), inOrder: () => [], segments: new Map([[0, { number: 0, kind: 'vide', bits: 2, duration: 2, timescale: 90000, media: { samples: 120, duration: 180000, shortest: 1500 } }]]) };
  checkVariantMedia(variant, [], new Map([['v', rendition]]), report);
  assert.match(report.lines.join('\n'), /4\.4\.6\.2: has no FRAME-RATE, and 59\.500 pictures per second/);
});

/* ---- low latency: by text, as long as the text is what is wrong ---- */

const LOW = `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5,HOLD-BACK=6,CAN-SKIP-UNTIL=12
#EXT-X-PART-INF:PART-TARGET=0.5
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-MAP:URI="init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXT-X-PART:URI="0.0.m4s",DURATION=0.5,INDEPENDENT=YES
#EXT-X-PART:URI="0.1.m4s",DURATION=0.5
#EXT-X-PART:URI="0.2.m4s",DURATION=0.5
#EXT-X-PART:URI="0.3.m4s",DURATION=0.5
#EXTINF:2.0,
0.m4s
#EXT-X-PART:URI="1.0.m4s",DURATION=0.5,INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="1.1.m4s"
#EXT-X-RENDITION-REPORT:URI="../a/playlist.m3u8",LAST-MSN=1,LAST-PART=0
`;

function lowLatency(text) {
  const report = new Report();
  checkLowLatency(checkMedia(Buffer.from(text), 'low.m3u8', report), report);
  return report.lines.join('\n');
}

test('a low-latency playlist that is right breaks no rule', () => assert.equal(lowLatency(LOW), ''));

for (const [what, from, to, clause] of [
  ['a part that is too long', 'URI="0.1.m4s",DURATION=0.5', 'URI="0.1.m4s",DURATION=0.6', /4\.4\.4\.9: part of 0\.6 s/],
  ['a part that is too short', 'URI="0.1.m4s",DURATION=0.5', 'URI="0.1.m4s",DURATION=0.3', /4\.4\.4\.9: part of 0\.3 s/],
  ['parts that do not fill their segment', '#EXT-X-PART:URI="0.3.m4s",DURATION=0.5\n', '', /parts of 1\.5000 s in all/],
  ['a part before a picture that is independent, too short', /URI="0\.1\.m4s",DURATION=0\.5\n(#.*0\.2\.m4s",DURATION=0\.5)/, 'URI="0.1.m4s",DURATION=0.3\n$1,INDEPENDENT=YES', /4\.4\.4\.9: part of 0\.3 s, expected 85 %/],
  ['a part target above the target duration', 'PART-TARGET=0.5', 'PART-TARGET=2.5', /4\.4\.4\.9: PART-TARGET 2\.5, a whole segment has 2 s at most/],
  ['parts that are held back for longer than segments', 'PART-HOLD-BACK=1.5', 'PART-HOLD-BACK=6.5', /4\.4\.3\.8: PART-HOLD-BACK 6\.5 is farther from the end than HOLD-BACK 6/],
  ['a hold back that is too short', 'PART-HOLD-BACK=1.5', 'PART-HOLD-BACK=1.0', /PART-HOLD-BACK 1, expected/],
  ['a skip boundary that is too near', 'CAN-SKIP-UNTIL=12', 'CAN-SKIP-UNTIL=8', /CAN-SKIP-UNTIL 8/],
  ['two hints of one type', '#EXT-X-RENDITION', '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="x.m4s"\n#EXT-X-RENDITION', /6\.2\.6: several hints/],
  ['no hint of the next part', '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="1.1.m4s"\n', '', /B\.1: lists parts, and no EXT-X-PRELOAD-HINT/],
  ['a date behind the part that it is for', /(#EXT-X-PROGRAM-DATE-TIME:[^\n]*\n)(#EXT-X-PART:URI="0\.0[^\n]*\n)/, '$2$1', /4\.4\.4\.9: EXT-X-PROGRAM-DATE-TIME stands behind/],
  ['no part target', '#EXT-X-PART-INF:PART-TARGET=0.5\n', '', /4\.4\.3\.7/],
  ['a report without a number', ',LAST-MSN=1', '', /4\.4\.5\.4: report without LAST-MSN/],
  ['a header behind the part that it is for', /(#EXT-X-MAP:[^\n]*\n)([^]*?)(#EXT-X-PART:URI="0\.0[^\n]*\n)/, '$2$3$1', /4\.4\.4\.9: EXT-X-MAP stands behind a part/],
  ['a server that does not wait', 'CAN-BLOCK-RELOAD=YES,', '', /B\.1: has EXT-X-PART-INF and no CAN-BLOCK-RELOAD/],
  ['parts that are far from the end', /(0\.m4s\n)(?=#EXT-X-PART:URI="1)/, `$1${[2, 3, 4, 5].map((n) => `#EXTINF:2.0,\n${n}.m4s\n`).join('')}`, /6\.2\.2: lists parts more than three target durations from the end/],
  ['no date', /#EXT-X-PROGRAM-DATE-TIME:.*\n/, '', /B\.1/],
]) test(`${what} is found`, () => assert.match(lowLatency(LOW.replace(from, to)), clause));

test('wrong use has exit code 64', () => assert.equal(spawnSync(process.execPath, [CHECK]).status, 64));
