// SPDX-License-Identifier: MIT
// check-dash holds what an MPD promises against what is there: pictures and their
// sets, events, sheets of thumbnails, and when segments arrive. What is right breaks
// no rule, and each way of breaking it is told with its clause.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Arrivals } from './check/dash-arrival.mjs';
import { compareEvents } from './check/dash-messages.mjs';
import { Mpd } from './check/dash-mpd.mjs';
import { checkAccess, checkAlignment, checkDescriptors } from './check/dash-promises.mjs';
import { Presentation } from './check/dash-presentation.mjs';
import { readMpd } from './check/dash-xml.mjs';
import { checkHeader, checkSegment } from './check/cmaf.mjs';
import { Report } from './check/report.mjs';
import { read } from './check/source.mjs';
import { tinyChunk, tinyHeader } from './check/tiny-cmaf.mjs';

const MPD = ({ set = '', template = '<SegmentTimeline><S t="0" d="180000" r="3"/></SegmentTimeline>', attributes = '', period = '', published = '10' } = {}) => `<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic" availabilityStartTime="2026-01-01T00:00:00Z" publishTime="2026-01-01T00:00:${published}Z" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT8S" maxSegmentDuration="PT2S" minBufferTime="PT2S">
 <Period id="p0" start="PT0S">${period}
  <AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">${set}
   ${['a', 'b'].map((id) => `<Representation id="${id}" bandwidth="90000" codecs="avc1.64001F" width="2" height="2"><SegmentTemplate timescale="90000" initialization="${id}/i.mp4" media="${id}/$Number$.m4s" startNumber="0"${attributes}>${template}</SegmentTemplate></Representation>`).join('\n   ')}
  </AdaptationSet>
 </Period>
 <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="time"/>
</MPD>`;

function judge(options) {
  const report = new Report();
  const mpd = new Mpd(readMpd(Buffer.from(MPD(options)), 'live.mpd', report), 'live.mpd', report);
  return { report, mpd, representations: mpd.representations, lines: () => report.lines.join('\n') };
}

test('an MPD of two Representations breaks no rule', () => assert.equal(judge().lines(), ''));

/* ---- pictures and their sets ---- */

/** Segment @number of a Representation, whose media is that of a chunk. */
function segment(number, chunk) {
  const report = new Report(); const header = checkHeader(tinyHeader(), 'header', report);
  const media = checkSegment(tinyChunk({ begins: true, ...chunk }), header, 'segment', report);
  assert.deepEqual(report.lines, []);
  return { number, media, timescale: header.timescale };
}

const pair = (from) => [0, 1].map((n) => segment(n, { time: from + 180000 * n, durations: [90000, 90000] }));

test('sets whose segments are cut alike break no rule', () => {
  const { representations: [a, b], report, mpd } = judge();
  checkAlignment(mpd.periods[0].sets[0], new Map([[a, pair(0)], [b, pair(0)]]), report);
  assert.deepEqual(report.lines, []);
});

test('segments of one that reach into the next one of another are found', () => {
  const { representations: [a, b], report, mpd, lines } = judge();
  checkAlignment(mpd.periods[0].sets[0], new Map([[a, pair(9000)], [b, pair(0)]]), report);
  assert.match(lines(), /Representation 'b': ISO\/IEC 23009-1 §5\.3\.3\.2: @segmentAlignment, and segment 1 begins at 2\.0000 s, the one before it of 'a' ends at 2\.1000 s/);
});

for (const [what, shifts, clause] of [
  ['a first picture that is shown first breaks no rule', [0, 9000], /^$/],
  ['pictures that are shown before the first one are found', [180000, 0], /annex I: @startWithSAP 1, and segment 0 shows a picture at 90000, before its first one at 180000/],
]) {
  test(what, () => {
    const { representations: [a], lines } = judge();
    checkAccess(a, segment(0, { time: 0, durations: [90000, 90000], shifts }));
    assert.match(lines(), clause);
  });
}

for (const [what, value, clause] of [
  ['colours of the header break no rule', 16, /^$/],
  ['colours that the header has not are found', 18, /5\.8\.4\.8: urn:mpeg:mpegB:cicp:TransferCharacteristics 18, the header has 16/],
]) {
  test(what, () => {
    const { representations: [a], lines } = judge({ set: `<EssentialProperty schemeIdUri="urn:mpeg:mpegB:cicp:TransferCharacteristics" value="${value}"/>` });
    checkDescriptors(a, { kind: 'vide', colours: { primaries: 9, transfer: 16, matrix: 9 } });
    assert.match(lines(), clause);
  });
}

/* ---- events of the MPD ---- */

const events = (...list) => `<EventStream schemeIdUri="urn:x" timescale="1000">${list.map(([time, id, text]) => `<Event presentationTime="${time}" id="${id}">${text}</Event>`).join('')}</EventStream>`;
for (const [what, first, second, clause] of [
  ['events in order, of which more come, break no rule', [[1000, 1, 'x'], [2000, 2, 'y']], [[1000, 1, 'x'], [2000, 2, 'y'], [3000, 3, 'z']], /^$/],
  ['events out of order are found', [[2000, 2, 'y'], [1000, 1, 'x']], [], /5\.10\.2\.1: an Event of 'urn:x' at 1000, the one before it is at 2000/],
  ['two events of one id are found', [[1000, 1, 'x'], [2000, 1, 'x']], [], /5\.10\.2\.2: two Events of 'urn:x' with id 1/],
  ['an event that moves is found', [[1000, 1, 'x']], [[1500, 1, 'x']], /5\.10\.2\.2: the Event .*"1"\] changed/],
  ['an event of which the message changes is found', [[1000, 1, 'x']], [[1000, 1, 'y']], /5\.10\.2\.2: the Event .*"1"\] changed/],
]) {
  test(what, () => {
    const known = new Map(); const found = [];
    for (const list of [first, second]) {
      const { mpd, report, lines } = judge({ period: events(...list) });
      compareEvents(known, mpd.periods[0], report);
      found.push(lines());
    }
    assert.match(found.filter(Boolean).join('\n'), clause);
  });
}

/* ---- when segments arrive ---- */

const LOW = { template: '', attributes: ' duration="180000" availabilityTimeOffset="1.95" availabilityTimeComplete="false"', set: '<ProducerReferenceTime id="0" type="encoder" wallClockTime="2026-01-01T00:00:00Z" presentationTime="0"/>' };

/** Asks for three segments that grow; @answer: URL -> status, and pieces as [ms, text]. */
async function arrive(answer, times = [8.5, 10.5, 12.5]) {
  let clock = 0;
  async function* body(pieces) { for (const [at, text] of pieces) { clock = at; yield Buffer.from(text); } }
  const fetchPieces = async (url) => { const [status, ...pieces] = answer(url.pathname); return { status, body: body(pieces) }; };
  const readWhole = async (url) => (answer(url.pathname)[0] === 200 ? Buffer.from('ab') : undefined);
  const { mpd, representations: [a], report } = judge(LOW); const kept = report.problems.length;
  const arrivals = new Arrivals(new URL('http://server/live.mpd'), readWhole, { fetch: fetchPieces, now: () => clock });
  await arrivals.checkOldest(a, mpd, mpd.availabilityStart + times[0]);
  for (const time of times) {
    arrivals.ask(a, mpd, mpd.availabilityStart + time);
    await arrivals.finish();
  }
  return report.lines.slice(kept).join('\n');
}

const inParts = () => [200, [0, 'a'], [1900, 'b']];
const atOnce = () => [200, [0, 'a'], [10, 'b']];
const broken = () => { throw new Error('reset'); };
const only = (form) => (name) => (form.test(name) ? inParts() : [404]);

test('segments that come while they grow break no rule', async () => assert.equal(await arrive(inParts), ''));
test('segments that come at once when they are whole are found', async () => assert.match(await arrive(atOnce), /5\.3\.9\.5\.3: @availabilityTimeComplete false, and of 3 growing segments none came in parts: at most 0\.010 s/));
test('segments that do not come before they are whole are found', async () => assert.match(await arrive(only(/\/[0-3]\.m4s/)), /5\.3\.9\.5\.3: segment 4 is available by @availabilityTimeOffset 1\.95, and is answered 404/));
test('segments that are cut off while they grow are found', async () => assert.match(await arrive((name) => (/\/[01]\.m4s/.test(name) ? inParts() : broken())), /5\.3\.9\.5\.3: segment 4 .* is answered cut off behind 0 pieces \(reset\)/));
test('an oldest segment that is gone before its time is found', async () => assert.match(await arrive(only(/\/[3-9]\.m4s/), [10.5]), /5\.3\.9\.5\.3: segment 2 is the oldest of the 8 s of @timeShiftBufferDepth, and cannot be loaded/));

/* A segment that a packager left unfinished: its answer has no end, its MPD goes on. */
test('a segment that is cut off breaks no rule as long as the next MPD does not have it', async () => {
  let version = 0;
  const server = http.createServer((request, response) => {
    const [, number] = /\/(\d+)\.m4s$/.exec(request.url) ?? [];
    if (request.url === '/live.mpd') response.end(MPD({ template: `<SegmentTimeline><S t="0" d="180000" r="${[1, 0, 1][version]}"/></SegmentTimeline>`, published: `0${6 + version++}` }));
    else if (request.url.endsWith('i.mp4')) response.end(tinyHeader());
    else if (number === '0') response.end(tinyChunk({ time: 0, durations: [90000, 90000], begins: true }));
    else if (number === '1') { response.writeHead(200, { 'content-length': 9 }); response.write('a', () => response.destroy()); } else response.writeHead(404).end();
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  try {
    const report = new Report(); const presentation = new Presentation(new URL(`http://127.0.0.1:${server.address().port}/live.mpd`), report);
    const now = Date.parse('2026-01-01T00:00:09Z') / 1000; const loads = (lines) => lines.filter((line) => /cannot be loaded/.test(line));
    await presentation.load(now);
    await presentation.load(now);
    assert.deepEqual(loads(report.lines), []);
    await presentation.load(now);
    assert.match(loads(report.lines).join('\n'), /5\.3\.9\.5\.3: segment 'a\/1\.m4s' is available and cannot be loaded/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

/* ---- sheets of thumbnails ---- */

const CHECK = fileURLToPath(new URL('check-dash.mjs', import.meta.url));
const MILLRACE = path.join(process.env.MILL_BUILD_ROOT ?? 'build', 'cli/millrace');
const FILM = `millrace: 1
name: film
params: { output: { type: string, required: true } }
nodes:
  picture: { element: videotestsrc, props: { num-buffers: 240 } }
  size: { element: capsfilter, from: [picture], props: { caps: "video/x-raw,width=160,height=90,framerate=30/1" } }
  video: { element: x264enc, from: [size], props: { speed-preset: ultrafast, key-int-max: 60 } }
  form: { element: h264parse, from: [video] }
  thumbs: { element: thumbnailer, from: [form], props: { interval-ms: 2000, columns: 2, rows: 1, tile-width: 64 } }
  package: { element: cmafsink, from: [form, thumbs.sheets], props: { location: "\${output}", mode: vod } }
`;

let dir; let film;
before(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-check-'));
  film = path.join(dir, 'film');
  fs.writeFileSync(path.join(dir, 'film.yaml'), FILM);
  execFileSync(MILLRACE, ['run', path.join(dir, 'film.yaml'), '--set', `output=${film}`, '--quiet']);
});
after(() => fs.rmSync(dir, { recursive: true, force: true }));

const check = () => spawnSync(process.execPath, [CHECK, film], { encoding: 'utf8' });

test('sheets that cmafsink lists break no rule, and what is wrong with them is found', () => {
  assert.equal(check().stdout, '');
  const manifest = path.join(film, 'manifest.mpd'); const told = fs.readFileSync(manifest, 'utf8');
  const sheets = fs.readdirSync(path.join(film, 'thumbnails')).filter((f) => f.endsWith('.jpg')).map((f) => path.join(film, 'thumbnails', f));
  assert.ok(sheets.length >= 2 && told.includes('thumbnail_tile'));
  const kept = fs.readFileSync(sheets[0]);
  const rewrite = (from, to) => () => { assert.match(told, from); fs.writeFileSync(manifest, told.replace(from, to)); };
  for (const [what, change, clause] of [
    ['no columns', rewrite(/(thumbnail_tile" value=)"2x1"/, '$1"2"'), /DASH-IF IOP §6\.2\.6: thumbnail_tile '2', expected columns and rows/],
    ['columns that divide pixels', rewrite(/(thumbnail_tile" value=)"2x1"/, '$1"3x1"'), /DASH-IF IOP §6\.2\.6: @width x @height 128 x \d+ are no whole pixels of 3 x 1/],
    ['another size', rewrite(/width="128"/, 'width="256"'), /DASH-IF IOP §6\.2\.6: sheet '.*' has 128 x \d+, @width x @height is 256 x/],
    ['a rate that is too low', rewrite(/(<Representation id="thumbnails?[^>]*bandwidth=)"\d+"/, '$1"10"'), /5\.3\.5\.4: @bandwidth 10: sheet '/],
    ['a sheet that is cut off', () => fs.writeFileSync(sheets[0], kept.subarray(0, kept.length / 2)), /5\.3\.7\.2: sheet '.*' is no whole JPEG/],
    ['a sheet that is not there', () => fs.rmSync(sheets[0]), /5\.3\.9\.5\.3: sheet '.*' is available and cannot be loaded/],
  ]) {
    change();
    const { stdout, status } = check();
    assert.match(stdout, clause, what);
    assert.equal(status, 1, what);
    fs.writeFileSync(manifest, told); fs.writeFileSync(sheets[0], kept);
  }
});
