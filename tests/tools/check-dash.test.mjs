// SPDX-License-Identifier: MIT
// check-dash finds what is wrong: a presentation of cmafsink passes, and each way
// of breaking it is told with its clause.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { emsgBox, insertBox } from './check/emsg-box.mjs';
import { Mpd } from './check/dash-mpd.mjs';
import { Presentation } from './check/dash-presentation.mjs';
import { readMpd } from './check/dash-xml.mjs';
import { Report } from './check/report.mjs';

const CHECK = fileURLToPath(new URL('check-dash.mjs', import.meta.url));
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

let dir; let film; let video; let audio; let mpd;
before(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-check-'));
  film = path.join(dir, 'film');
  fs.writeFileSync(path.join(dir, 'film.yaml'), FILM);
  execFileSync(MILLRACE, ['run', path.join(dir, 'film.yaml'), '--set', `output=${film}`, '--quiet']);
  [audio, video] = fs.readdirSync(film).filter((name) => fs.existsSync(path.join(film, name, 'playlist.m3u8'))).sort();
  mpd = path.join(film, 'manifest.mpd');
});
after(() => fs.rmSync(dir, { recursive: true, force: true }));

const check = (place) => spawnSync(process.execPath, [CHECK, place], { encoding: 'utf8' });

test('what cmafsink makes breaks no rule', () => {
  const { status, stdout, stderr } = check(film);
  assert.equal(stdout, '');
  assert.equal(status, 0, stderr);
  assert.match(stderr, /no rule is broken: 1 Periods, 8 segments/);
});

test('one file with its index breaks no rule, and what is wrong with it is found', () => {
  const single = path.join(dir, 'single'); const text = FILM.replace('mode: vod', 'mode: vod, single-file: true');
  fs.writeFileSync(path.join(dir, 'single.yaml'), text);
  execFileSync(MILLRACE, ['run', path.join(dir, 'single.yaml'), '--set', `output=${single}`, '--quiet']);
  const { status, stdout, stderr } = check(single);
  assert.equal(stdout, '');
  assert.equal(status, 0, stderr);
  assert.match(stderr, /no rule is broken: 1 Periods, 8 segments/);
  const manifest = path.join(single, 'manifest.mpd'); const told = fs.readFileSync(manifest, 'utf8');
  const [media] = fs.readdirSync(path.join(single, video)).filter((f) => f.endsWith('.mp4')).map((f) => path.join(single, video, f));
  const kept = fs.readFileSync(media); const sidx = kept.indexOf('sidx');
  const patch = (offset, bytes) => () => { const data = Buffer.from(kept); Buffer.from(bytes).copy(data, sidx + offset); fs.writeFileSync(media, data); };
  const rewrite = (from, to) => () => { assert.match(told, from); fs.writeFileSync(manifest, told.replace(from, to)); };
  for (const [what, change, clause] of [
    ['an index range that ends too early', rewrite(/indexRange="(\d+)-(\d+)"/, (_, a, b) => `indexRange="${a}-${b - 12}"`), /5\.3\.9\.2\.2: @indexRange .* is not a segment index alone/],
    ['a header range that is the index', rewrite(/range="0-\d+"/, 'range="700-760"'), /14496-12|3\.1\.2/],
    ['no header range', rewrite(/<Initialization[^]*?\/>/, ''), /5\.3\.9\.2\.2: Initialization@range/],
    ['a file that is not there', rewrite(/\/1\.mp4/, '/7.mp4'), /5\.6\.4: .* cannot be loaded/],
    ['another timescale', rewrite(/SegmentBase timescale="\d+"/, 'SegmentBase timescale="1000"'), /8\.16\.3: timescale \d+, the MPD says 1000/],
    ['a profile of segments', rewrite(/isoff-on-demand/, 'isoff-live'), /8\.4\.2: of the live profile, and without a SegmentTemplate/],
    ['another time', patch(16, [0, 0, 0, 0, 0, 0, 1, 0]), /8\.16\.3: subsegment 0 is decoded at 0, the index says 256/],
    ['a subsegment that is too short', patch(36, [0, 0, 0, 99]), /8\.16\.3: subsegment 1 does not begin with a movie fragment/],
    ['a subsegment behind the end', patch(36, [0x7f, 0, 0, 0]), /8\.16\.3: subsegment 0 of \d+ bytes at \d+ is not all in the file/],
    ['a subsegment that lasts longer', patch(40, [0, 9, 0, 0]), /8\.16\.3: subsegment 1 is decoded at/],
  ]) {
    change();
    const found = check(single);
    assert.match(found.stdout, clause, what);
    assert.equal(found.status, 1, what);
    fs.writeFileSync(manifest, told); fs.writeFileSync(media, kept);
  }
});

test('sets to jump through break no rule, and what is wrong with them is found', () => {
  const trick = path.join(dir, 'trick');
  fs.writeFileSync(path.join(dir, 'trick.yaml'), FILM.replace('mode: vod', 'mode: vod, trick-mode-sets: true'));
  execFileSync(MILLRACE, ['run', path.join(dir, 'trick.yaml'), '--set', `output=${trick}`, '--quiet']);
  const { status, stdout, stderr } = check(trick);
  assert.equal(stdout, '');
  assert.equal(status, 0, stderr);
  const manifest = path.join(trick, 'manifest.mpd'); const told = fs.readFileSync(manifest, 'utf8');
  for (const [what, from, to, clause] of [
    ['a set that is not there', /(trickmode" value=")1/, '$19', /§3\.2\.9: goes with set 9, which is not there/],
    ['no faster than others', /maxPlayoutRate="\d+"/, 'maxPlayoutRate="1"', /§3\.2\.9: @maxPlayoutRate 1/],
    ['pictures that need others', 'codingDependency="false"', 'codingDependency="true"', /§3\.2\.9: @codingDependency true/],
    ['a range that is too short', /mediaRange="(\d+)-(\d+)"/, (_, a, b) => `mediaRange="${a}-${b - 1}"`, /not the picture, which ends at/],
    ['a range without its moof', /mediaRange="(\d+)-/, (_, a) => `mediaRange="${Number(a) + 8}-`, /do not begin with the moof/],
    ['a range behind the end', /mediaRange="(\d+)-(\d+)"/, 'mediaRange="$1-99999999"', /5\.3\.9\.3\.2: bytes .* are not all there/],
    ['a picture that is missing', /<SegmentURL [^>]*\/>/, '', /5\.3\.9\.3\.2: 3 SegmentURLs, the timeline has 4/],
    ['a picture of another time', /(<SegmentList[^]*?<S t="0" d=")(\d+)/, '$1500', /5\.3\.9\.6: the picture in/],
  ]) {
    assert.ok(from instanceof RegExp ? from.test(told) : told.includes(from), what);
    fs.writeFileSync(manifest, told.replace(from, to));
    const found = check(trick);
    assert.match(found.stdout, clause, what);
    assert.equal(found.status, 1, what);
  }
});

const replace = (from, to) => (text) => { assert.ok(from instanceof RegExp ? from.test(text) : text.includes(from), `${from} is in\n${text}`); return text.replace(from, to); };
const S = /<S [^]*?\/>/;
const ofVideo = (change) => (text) => text.replace(/<Representation id="v[^]*?<\/Representation>/, (part) => change(part));
const ofAudio = (change) => (text) => text.replace(/<Representation id="a[^]*?<\/Representation>/, (part) => change(part));

const breakages = [
  ['text that is no XML', replace('</MPD>', ''), /5\.2\.3: is not valid by the schema/],
  ['an attribute that is none', replace('<Period ', '<Period begin="1" '), /5\.2\.3: .*Period/],
  ['elements out of order', replace(/(<Role [^]*?\/>)/, '$1<Label>a</Label>'), /5\.2\.3: /],
  ['a Representation without @bandwidth', replace(/ bandwidth="\d+"/, ''), /5\.2\.3: .*Representation/],
  ['a profile that is none', replace('profile:isoff-live:2011', 'profiles'), /8\.1: profile 'urn:mpeg:dash:profiles'/],
  ['no duration', replace(/ mediaPresentationDuration="[^"]*"/, ''), /5\.3\.1\.2: static without @mediaPresentationDuration/],
  ['a duration that is not the media\'s', replace(/mediaPresentationDuration="[^"]*"/, 'mediaPresentationDuration="PT20S"'), /5\.3\.1\.2: @mediaPresentationDuration 20 s, the media ends at/],
  ['updates of a static MPD', replace('type="static"', 'type="static" minimumUpdatePeriod="PT2S"'), /5\.3\.1\.2: static with @minimumUpdatePeriod/],
  ['a segment longer than the longest', replace(/maxSegmentDuration="[^"]*"/, 'maxSegmentDuration="PT1S"'), /@maxSegmentDuration is 1 s/],
  ['a static MPD that starts late', replace(/start="PT0[^"]*"/, 'start="PT5S"'), /5\.3\.2\.2: static, and the first Period starts at 5 s/],
  ['Periods of one id', (text) => text.replace(/( <Period [^]*<\/Period>)/, (part) => `${part}${part.replace(/start="[^"]*"/, 'start="PT20S"')}`), /5\.3\.2\.2: Periods share an @id/],
  ['Periods out of order', (text) => text.replace(/( <Period [^]*<\/Period>)/, (part) => `${part}${part.replace(/id="p\d+"/, 'id="x"')}`), /5\.3\.2\.1: starts before the one before it/],
  ['Representations of one id', replace('Representation id="a', 'Representation id="v90"><SegmentTemplate media="$Number$" initialization="i" duration="1"/></Representation><Representation id="v90" title="'), /5\.2\.3|5\.3\.5\.2: Representations share/],
  ['a type that is another', replace('mimeType="video/mp4"', 'mimeType="audio/mp4"'), /5\.3\.3\.2: @mimeType 'audio\/mp4' in a set of @contentType 'video'/],
  ['no codecs', replace(/ codecs="avc1[^"]*"/, ''), /5\.3\.7\.2: has no @codecs/],
  ['a codec that the media has not', replace(/avc1\.[0-9A-Fa-f]{6}/, 'avc1.64001F'), /5\.3\.7\.2: @codecs 'avc1\.64001F', the header is of avc1/],
  ['a role that is none', replace('value="main"', 'value="first"'), /5\.8\.5\.5: Role 'first'/],
  ['a size that the media has not', ofVideo(replace('width="160"', 'width="150"')), /5\.3\.7\.2: @width x @height 150 x 90, the header has 160 x 90/],
  ['a set that is larger than what is in it', replace('maxWidth="160"', 'maxWidth="320"'), /5\.3\.3\.2: @maxWidth 320, the largest is 160/],
  ['pixels that the media has not', replace('sar="1:1"', 'sar="4:3"'), /5\.3\.7\.2: @sar 4:3, the header has 1:1/],
  ['a sampling rate that the media has not', replace('audioSamplingRate="48000"', 'audioSamplingRate="44100"'), /5\.3\.7\.2: @audioSamplingRate 44100/],
  ['more pictures than are told', ofVideo(replace('frameRate="30"', 'frameRate="25"')), /5\.3\.7\.2: @frameRate 25, its segments have 29\.5/],
  ['fewer pictures than are told', ofVideo(replace('frameRate="30"', 'frameRate="60"')), /5\.3\.7\.2: @frameRate 60, its segments have .* the shortest one of 30\.000/],
  ['channels that the sound has not', replace(/(AudioChannelConfiguration [^>]*value=)"2"/, '$1"6"'), /5\.8\.5\.4: AudioChannelConfiguration 6, the header has 2 channels/],
  ['a first picture that is elsewhere', ofVideo(replace('startNumber', 'eptDelta="4500" startNumber')), /5\.3\.9\.2\.2: @eptDelta 4500, the first segment begins 0 after/],
  ['segments of a profile of whole files', replace('profile:isoff-live:2011', 'profile:isoff-on-demand:2011'), /8\.3\.3: of the on-demand profile, and not one file/],
  ['no channels', replace(/<AudioChannelConfiguration[^]*?\/>/, ''), /5\.8\.5\.4: audio without AudioChannelConfiguration/],
  ['a bandwidth that is too low', ofVideo(replace(/bandwidth="\d+"/, 'bandwidth="1000"')), /5\.3\.5\.4: @bandwidth 1000: segments/],
  ['a template without a number', replace(/\$Number\$/, '1'), /5\.3\.9\.4\.4: media template .*, expected one of/],
  ['a template of an unknown identifier', replace(/\$Number\$/, '$Number$$Width$'), /5\.3\.9\.4\.4: template .* has an unknown identifier/],
  ['a template that is not relative', replace(/media="/, 'media="/'), /is not relative/],
  ['a template of both kinds', replace(/startNumber/, 'duration="180000" startNumber'), /5\.3\.9\.2\.1: expected either/],
  ['segments that overlap', ofVideo(replace(S, '<S t="0" d="180000"/><S t="170000" d="180000"/>')), /5\.3\.9\.6: an S element begins at 170000, the one before ends at 180000/],
  ['a time that is not the media\'s', ofVideo(replace(S, '<S t="3000" d="180000" r="3"/>')), /5\.3\.9\.6: segment 0 begins at 0 by its media \(tfdt\), the SegmentTimeline says 3000/],
  ['a duration that is not the media\'s', ofVideo(replace(S, '<S t="0" d="181000" r="3"/>')), /5\.3\.9\.6: segment 0 lasts 180000 by its media, the SegmentTimeline says 181000/],
  ['a duration of sound that is not the media\'s', ofAudio(replace(/<S [^>]*\/>/, (s) => s.replace(/d="\d+"/, 'd="90000"'))), /5\.3\.9\.6: segment 0 lasts \d+ by its media, the SegmentTimeline says 90000/],
  ['one segment too many', ofVideo(replace('r="3"', 'r="4"')), /5\.3\.9\.5\.3: segment '.*-4\.m4s' is available and cannot be loaded/],
  ['a repeat without end', ofVideo(replace('r="3"', 'r="-1"')), /5\.3\.9\.6: an S element repeats without end/],
  ['a number that is not the segment\'s', ofVideo(replace(/startNumber="0"/, 'startNumber="1"')), /5\.3\.9\.6: segment 1 begins at 180000 by its media/],
  ['a header that is not there', ofVideo(replace(/init-\d+/, 'init-77')), /5\.3\.9\.5\.2: header '.*init-77\.mp4' is listed and cannot be loaded/],
  ['media of another Period', (text) => replace(/(<MPD [^>]*)mediaPresentationDuration="[^"]*"/, '$1mediaPresentationDuration="PT6S"')(text), /5\.3\.2\.1: segment 3 begins at 6 s, the Period ends at 6 s/],
  ['numbers by a duration that drifts', ofVideo((part) => part.replace(/ startNumber/, ' duration="90000" startNumber').replace(/<SegmentTimeline>[^]*<\/SegmentTimeline>/, '')), /7\.2\.1: segment 1 begins at 180000 by its media, @duration puts it at 90000/],
  ['low latency of what is static', ofVideo(replace('startNumber', 'availabilityTimeOffset="1.8" availabilityTimeComplete="false" startNumber')), /DASH-IF Low-latency Modes §9\.X\.4: segments are available before they are whole, and the MPD is not dynamic/],
  ['an offset without incomplete segments to go with it', ofVideo(replace('startNumber', 'availabilityTimeComplete="false" startNumber')), /5\.3\.9\.5\.3: @availabilityTimeComplete false without @availabilityTimeOffset/],
  ['an offset of more than a segment', ofVideo(replace('startNumber', 'availabilityTimeOffset="2.5" availabilityTimeComplete="false" startNumber')), /5\.3\.9\.5\.3: @availabilityTimeOffset 2\.5, a segment lasts 2 s/],
  ['chunks longer than promised', ofVideo(replace('startNumber', 'availabilityTimeOffset="1.5" availabilityTimeComplete="false" startNumber')), /5\.3\.9\.5\.3: segment 0 has a chunk of 2\.0000 s, @availabilityTimeOffset promises 0\.5000 s/],
  ['a latency of no reference', replace('<Period', '<ServiceDescription id="0"><Latency referenceId="7" target="1500"/></ServiceDescription><Period'), /K\.3\.2: Latency@referenceId 7 is no ProducerReferenceTime/],
  ['a latency that contradicts itself', replace('<Period', '<ServiceDescription id="0"><Latency target="1500" min="2000"/></ServiceDescription><Period'), /K\.3\.2: Latency of @min 2000, @target 1500/],
];

for (const [what, change, clause] of breakages) {
  test(`${what} is found`, () => {
    const text = fs.readFileSync(mpd, 'utf8'); const broken = change(text);
    assert.notEqual(broken, text, 'something is broken');
    fs.writeFileSync(mpd, broken);
    try {
      const { status, stdout, stderr } = check(film);
      assert.match(stdout, clause, stderr);
      assert.equal(status, 1);
    } finally { fs.writeFileSync(mpd, text); }
  });
}

/** Changes bytes of a file that stand behind a four-character code. */
function patch(file, code, offset, bytes) {
  const data = fs.readFileSync(file); const at = data.indexOf(code);
  assert.ok(at > 0, `${code} in ${file}`);
  Buffer.from(bytes).copy(data, at + offset);
  fs.writeFileSync(file, data);
}

const fileOf = (name, form) => path.join(film, name, fs.readdirSync(path.join(film, name)).find((f) => form.test(f)));
const damages = [
  ['a decode time that leaves a hole', () => fileOf(video, /-1\.m4s$/), 'tfdt', 12, [0, 3, 0, 0], /§7\.2\.1 and ISO\/IEC 23000-19 §7\.3\.2\.3: segment 1 is decoded at 196608/],
  ['a segment without its brand', () => fileOf(video, /-1\.m4s$/), 'cmfs', 0, [...Buffer.from('xxxx')], /23000-19 §7\.3\.3: segment 1 has brands .*, expected 'cmfs'/],
  ['a last segment that is not the last', () => fileOf(video, /-1\.m4s$/), 'cmfl', 0, [...Buffer.from('lmsg')], /6\.3\.4\.2: segment 1 has brand 'lmsg', and others follow/],
  ['a header of no brand', () => fileOf(video, /^init/), 'ftyp', 4, [...Buffer.from('x'.repeat(20))], /6\.3\.3: header of brands xxxx,/],
  ['a header of another profile', () => fileOf(video, /^init/), 'avcC', 5, [66], /5\.3\.7\.2: @codecs 'avc1\.[0-9A-F]+', the header is of avc1\.42/],
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

/* ---- live: by text ---- */

/* ---- event messages ---- */

const INBAND = (text) => text.replace(/(<AdaptationSet [^>]*contentType="audio"[^>]*>)/, '$1<InbandEventStream schemeIdUri="urn:scte:scte35:2013:bin"/>');
for (const [what, change, boxes, clause] of [
  ['event messages that are announced break no rule', INBAND, [{}, {}], /^$/],
  ['event messages that nobody announces are found', (text) => text, [{}, {}], /5\.10\.3\.2: segment \d+ has an emsg box of 'urn:scte:scte35:2013:bin', and no InbandEventStream/],
  ['event messages of another value than is announced are found', (text) => INBAND(text).replace('scte35:2013:bin"/>', 'scte35:2013:bin" value="9"/>'), [{}, {}], /5\.10\.3\.2: segment \d+ has an emsg box of 'urn:scte:scte35:2013:bin' with value '', InbandEventStream has '9'/],
  ['two event messages of one id are found', INBAND, [{}, { time: 5 }], /5\.10\.3\.3\.4: segment \d+ has another message/],
]) {
  test(what, () => {
    const text = fs.readFileSync(mpd, 'utf8'); const names = [fileOf(audio, /-1\.m4s$/), fileOf(audio, /-2\.m4s$/)];
    const before = names.map((name) => fs.readFileSync(name));
    fs.writeFileSync(mpd, change(text));
    names.forEach((name, i) => fs.writeFileSync(name, insertBox(before[i], emsgBox(boxes[i]))));
    try { assert.match(check(film).stdout, clause); } finally {
      fs.writeFileSync(mpd, text);
      names.forEach((name, i) => fs.writeFileSync(name, before[i]));
    }
  });
}

const LIVE = `<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic" availabilityStartTime="2026-01-01T00:00:00Z" publishTime="2026-01-01T00:00:10Z" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT8S" suggestedPresentationDelay="PT6S" maxSegmentDuration="PT2S" minBufferTime="PT2S">
 <ServiceDescription id="0"><Latency referenceId="1" target="1500" min="750" max="6000"/><PlaybackRate min="0.95" max="1.05"/></ServiceDescription>
 <Period id="p0" start="PT0S">
  <AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true">
   <ProducerReferenceTime id="1" inband="true" wallClockTime="2026-01-01T00:00:00Z" presentationTime="0"/>
   <Resync type="1" dT="18000"/>
   <Representation id="v" bandwidth="1000" codecs="avc1.64001F" width="2" height="2">
    <SegmentTemplate timescale="90000" initialization="i.mp4" media="$Number$.m4s" startNumber="3" availabilityTimeOffset="1.8" availabilityTimeComplete="false"><SegmentTimeline><S t="180000" d="180000" r="3"/></SegmentTimeline></SegmentTemplate>
   </Representation>
  </AdaptationSet>
 </Period>
 <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="time"/>
</MPD>`;

function judge(text) {
  const report = new Report();
  const mpdOf = new Mpd(readMpd(Buffer.from(text), 'live.mpd', report), 'live.mpd', report);
  return { lines: report.lines.join('\n'), mpd: mpdOf };
}

test('a live MPD of low latency breaks no rule', () => assert.equal(judge(LIVE).lines, ''));

/* The publisher came again: a Period of before, and one of which segments are counted by the clock. */
const AGAIN = LIVE.replace('00:00:10Z', '00:00:18Z').replace('PT8S', 'PT16S').replace(/( <Period [^]*<\/Period>)/, (part) => part + part.replace('id="p0" start="PT0S"', 'id="p1" start="PT10S"')
  .replace('startNumber="3"', 'startNumber="7" duration="180000"').replace(/<SegmentTimeline>[^]*<\/SegmentTimeline>/, ''));
test('a live MPD of two Periods, of low latency the last, breaks no rule', () => assert.equal(judge(AGAIN).lines, ''));
test('a time shift buffer that both Periods do not fill is found', () => assert.match(judge(AGAIN.replace('PT16S', 'PT60S')).lines, /@timeShiftBufferDepth 60 s, and only 16\.000 s are listed/));

const lives = [
  ['no availability start', replace(/ availabilityStartTime="[^"]*"/, ''), /5\.3\.1\.2: dynamic without @availabilityStartTime/],
  ['no time of publication', replace(/ publishTime="[^"]*"/, ''), /5\.3\.1\.2: dynamic without @publishTime/],
  ['a time without a zone', replace('00:00:10Z', '00:00:10'), /@publishTime '2026-01-01T00:00:10' has no time zone/],
  ['no update and no end', replace(/ minimumUpdatePeriod="[^"]*"/, ''), /has neither @minimumUpdatePeriod nor/],
  ['a Period without an id', replace('Period id="p0"', 'Period'), /5\.3\.2\.2: dynamic, and a Period has no @id/],
  ['a time shift buffer that is not listed', replace('PT8S', 'PT60S'), /@timeShiftBufferDepth 60 s, and only 8\.000 s are listed/],
  ['a clock of no scheme', replace('utc:http-iso', 'utc:sundial'), /5\.8\.5\.7: UTCTiming of scheme/],
  ['low latency without a clock', replace(/<UTCTiming[^]*?\/>/, ''), /low latency without UTCTiming/],
  ['low latency without a target', replace(/<ServiceDescription[^]*<\/ServiceDescription>/, ''), /low latency without ServiceDescription/],
  ['low latency without a reference', replace(/<ProducerReferenceTime[^]*?\/>/, ''), /low latency without ProducerReferenceTime[^]*|K\.3\.2/],
  ['a target behind the time shift buffer', replace('target="1500" min="750" max="6000"', 'target="9500"'), /K\.3\.2: Latency@target 9500 ms is farther from live than the 8 s/],
  ['a reference that is ahead of the media', replace('wallClockTime="2026-01-01T00:00:00Z"', 'wallClockTime="2026-01-01T00:01:00Z"'), /5\.12\.2: ProducerReferenceTime says 60\.000 s after/],
  ['a resync point longer than a segment', replace('dT="18000"', 'dT="900000"'), /5\.3\.13: Resync@dT 900000/],
  ['a rate that is no catching up', replace('max="1.05"', 'max="0.97"'), /K\.3\.3: PlaybackRate/],
  ['a Period that continues what is not there', (text) => text.replace(/( <Period [^]*<\/Period>)/, (part) => part + part.replace('id="p0" start="PT0S"', 'id="p9" start="PT10S"').replace('t="180000"', 't="0"').replace('<ProducerReferenceTime', '<SupplementalProperty schemeIdUri="urn:mpeg:dash:period-continuity:2015" value="p8"/><ProducerReferenceTime')), /5\.3\.2\.4: continues Period 'p8', which is not there/],
  ['a Period whose media time does not run on', (text) => text.replace(/( <Period [^]*<\/Period>)/, (part) => part + part.replace('id="p0" start="PT0S"', 'id="p9" start="PT10S"').replace('t="180000"', 't="0"').replace('<ProducerReferenceTime', '<SupplementalProperty schemeIdUri="urn:mpeg:dash:period-continuity:2015" value="p0"/><ProducerReferenceTime')), /5\.3\.2\.4: continues Period 'p0', and its media time is -10\.000000 s off/],
];
for (const [what, change, clause] of lives) test(`live: ${what} is found`, () => assert.match(judge(change(LIVE)).lines, clause));

/** Holds one version against the one before it. */
function update(change, before = (text) => text) {
  const report = new Report(); const presentation = new Presentation(pathToFileURL('/live.mpd'), report);
  const of = (text) => new Mpd(readMpd(Buffer.from(text), 'live.mpd', report), 'live.mpd', report);
  const first = of(before(LIVE));
  presentation.remember(first, 0); presentation.mpd = first;
  presentation.compare(of(change(LIVE)));
  return report.lines.join('\n');
}

/* A publisher that sent four segments and is away: who counts on by the clock names what is not there. */
{
  const live = (template, published) => `<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic" availabilityStartTime="2026-01-01T00:00:00Z" publishTime="2026-01-01T00:00:${published}Z" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT8S" maxSegmentDuration="PT2S" minBufferTime="PT2S">
 <Period id="p0" start="PT0S">
  <AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true">
   ${/<Representation id="v[^]*?>/.exec(fs.readFileSync(mpd, 'utf8'))[0]}
    <SegmentTemplate timescale="90000" initialization="${video}/init-1.mp4" media="${video}/1-$Number$.m4s" startNumber="0" ${template}</SegmentTemplate>
   </Representation>
  </AdaptationSet>
 </Period>
 <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-head:2014" value="live.mpd"/>
</MPD>`;
  const counted = 'duration="180000">'; const listed = '><SegmentTimeline><S t="0" d="180000" r="3"/></SegmentTimeline>';
  /* Loads each version in turn, as one who follows. */
  const follow = async (...versions) => {
    const report = new Report(); const place = path.join(film, 'live.mpd'); const presentation = new Presentation(pathToFileURL(place), report);
    try {
      for (const version of versions) { fs.writeFileSync(place, live(...version)); await presentation.load(); }
    } finally { fs.rmSync(place); }
    return { lines: report.lines.join('\n'), loaded: presentation.segments.size };
  };

  test('a hole: who says what there is, in a version after that by the clock, breaks no rule', async () => assert.deepEqual(await follow([counted, '08'], [listed, '08.001'], [listed, '12']), { lines: '', loaded: 4 }));
  test('a hole: a version that counts on is found', async () => assert.match((await follow([counted, '08'], [counted, '10'])).lines, /Period 'p0' Representation 'v90': ISO\/IEC 23009-1 §5\.3\.9\.5\.3: segment 'v90\/1-4\.m4s' is available and cannot be loaded/));
  test('a hole: another version of the same time is found', async () => assert.match((await follow([counted, '08'], [listed, '08'])).lines, /5\.4\.1: changed, and @publishTime went from/));
  test('a hole: what comes under a number that was counted on to, and is of another time, is found', async () => {
    const foreign = path.join(film, video, '1-4.m4s');
    fs.copyFileSync(path.join(film, video, '1-1.m4s'), foreign);
    try {
      assert.match((await follow([counted, '08'], [counted, '10'])).lines, /7\.2\.1: segment 4 begins at 180000 by its media, @duration puts it at 720000: more than half a segment off/);
    } finally { fs.rmSync(foreign); }
  });
}

const slide = (text) => text.replace('00:00:10Z', '00:00:12Z').replace('startNumber="3"', 'startNumber="4"').replace('t="180000"', 't="360000"');
/* How a stream ends: its first Period reaches back to 0, its media stay. */
const LATE = (text) => text.replace('start="PT0S"', 'start="PT100S"').replace('timescale="90000" init', 'timescale="90000" presentationTimeOffset="9000000" init').replace('t="180000"', 't="9180000"').replace('00:00:10Z', '00:01:50Z');
const end = (text) => LATE(text).replace('type="dynamic"', 'type="static" mediaPresentationDuration="PT110S"').replace('start="PT100S"', 'start="PT0S"').replace(' presentationTimeOffset="9000000"', '')
  .replace(/ (availabilityStartTime|publishTime|minimumUpdatePeriod|timeShiftBufferDepth|suggestedPresentationDelay|availabilityTimeOffset|availabilityTimeComplete)="[^"]*"/g, '')
  .replace(/<(ServiceDescription)[^]*<\/\1>|<(UTCTiming|ProducerReferenceTime|Resync)[^]*?\/>/g, '');
test('the end of a stream breaks no rule', () => assert.equal(update(end, LATE), ''));
test('an end that shows its media at other times is found', () => assert.match(update((text) => end(text).replace('timescale="90000" init', 'timescale="90000" presentationTimeOffset="90000" init'), LATE), /5\.4\.1: segment 3 was shown at 102 s, and is at 101 s/));
test('an update that slides on breaks no rule', () => assert.equal(update(slide), ''));
const updates = [
  ['another availability start', (text) => slide(text).replace('2026-01-01T00:00:00Z" publish', '2026-01-01T00:00:01Z" publish'), /5\.4\.1: @availabilityStartTime changed/],
  ['an older publication', (text) => slide(text).replace('00:00:12Z', '00:00:09Z'), /5\.4\.1: changed, and @publishTime went from/],
  ['another start of a Period', (text) => slide(text).replace('start="PT0S"', 'start="PT1S"'), /5\.4\.1: start changed from 0 to 1 s/],
  ['another name of a Period', (text) => slide(text).replace('id="p0" start="PT0S"', 'id="p1" start="PT0S"').replace('PT0S', 'PT-1S'), /5\.2\.3|5\.4\.1/],
  ['a Period that is new in front of others', (text) => slide(text).replace(/( <Period [^]*<\/Period>)/, (part) => part.replace('id="p0" start="PT0S"', 'id="px" start="PT0S"').replace(/r="3"/, 'r="0"') + part.replace('start="PT0S"', 'start="PT10S"').replace('t="360000"', 't="0"')), /5\.4\.1: Periods were p0 and are px,p0/],
  ['another time of a segment', (text) => slide(text).replace('t="360000"', 't="360001"'), /5\.4\.1: segment 4: time changed from 360000 to 360001/],
  ['another duration of a segment', (text) => slide(text).replace('d="180000" r="3"', 'd="180000" r="1"/><S d="170000"/><S d="180000"'), /5\.4\.1: segment 6: duration changed from 180000 to 170000/],
  ['another number of a segment', (text) => slide(text).replace('startNumber="4"', 'startNumber="5"'), /5\.4\.1: segment 5: time changed/],
  ['another header', (text) => slide(text).replace('i.mp4', 'j.mp4'), /5\.4\.1: init changed from i\.mp4 to j\.mp4/],
  ['another set', (text) => slide(text).replace('AdaptationSet id="1"', 'AdaptationSet id="2"'), /5\.4\.1: set changed from 1 to 2/],
];
for (const [what, change, clause] of updates) test(`update: ${what} is found`, () => assert.match(update(change), clause));
