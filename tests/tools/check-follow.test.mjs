// SPDX-License-Identifier: MIT
// The follower of low-latency playlists finds what is wrong: a server that does
// all right passes, and each way of breaking it is told with its clause.
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { followLowLatency } from './check/hls-follow.mjs';
import { Report } from './check/report.mjs';
import { tinyChunk, tinyHeader } from './check/tiny-cmaf.mjs';

const PARTS = 4;
const WINDOW = 10;

/** A stream that is as far as it is asked for: each blocking request makes its part. */
class Server {
  constructor(faults) { Object.assign(this, { faults, at: 11 * PARTS + 1 }); } // segments 0 to 10, one part of 11

  part(n, k) {
    const { faults } = this; const duration = faults.shorterMedia ? 40000 : 45000;
    return tinyChunk({ time: 180000 * n + duration * k, durations: [duration], sync: k === 0 && !faults.notIndependent, begins: k === 0, text: `${n}.${k} `.repeat(10 + k) });
  }

  line(n, k) {
    const duration = this.faults.changesPart && n * PARTS + k === 44 && this.at > 46 ? 0.49 : 0.5;
    return `#EXT-X-PART:DURATION=${duration},URI="${n}.${k}.m4s"${k ? '' : ',INDEPENDENT=YES'}\n`;
  }

  /** One date range in every third segment, of which v2 tells those of the last six. */
  ranges(open, first, isNew) {
    const least = isNew && !this.faults.repeatsRanges ? open - 6 : 0; const end = isNew && this.faults.losesRange ? open : open + 1;
    return Array.from({ length: end }, (_, n) => n).filter((n) => n % 3 === 0 && n >= Math.max(first, least))
      .map((n) => `#EXT-X-DATERANGE:ID="r${n}",START-DATE="${new Date(Date.UTC(2026, 0, 1) + n * 2000).toISOString()}",DURATION=1.0\n`).join('');
  }

  removed(first) { return Array.from({ length: first }, (_, n) => n).filter((n) => n % 3 === 0 && n >= first - 6).map((n) => `r${n}`).join('\t'); }

  /** How far it is, as reports tell it: part of all that there are. */
  tip() {
    const { faults } = this; const at = this.at - 1 - (faults.oldReport ?? 0) + (faults.newReport ?? 0);
    return `LAST-MSN=${Math.floor(at / PARTS)}${faults.noLastPart ? '' : `,LAST-PART=${at % PARTS}`}`;
  }

  /** Of any segment: true when it can be answered, false when it is refused. */
  takes(query) {
    const msn = query.get('_HLS_msn'); const part = query.get('_HLS_part');
    if (msn === null) return part === null;
    const open = Math.floor(this.at / PARTS);
    return Number(msn) <= open + 1 && Number(part ?? 0) < 20;
  }

  playlist(query, rendition) {
    const { faults } = this;
    const open = Math.floor(this.at / PARTS);
    const first = Math.max(0, open - WINDOW);
    const asked = query.get('_HLS_skip'); const isV2 = asked === 'v2';
    const skip = asked && !faults.noDelta ? open - (faults.skipsNear ? 4 : 6) - first : 0;
    const target = faults.changesTarget && this.at > 46 ? 0.6 : 0.5;
    let text = `#EXTM3U\n#EXT-X-VERSION:${skip > 0 ? (isV2 && !faults.lowVersion ? 10 : 9) : 6}\n#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,${faults.noSkipRanges ? '' : 'CAN-SKIP-DATERANGES=YES,'}PART-HOLD-BACK=1.8\n`
      + `#EXT-X-PART-INF:PART-TARGET=${target}\n#EXT-X-MEDIA-SEQUENCE:${first + (skip > 0 ? faults.deltaShift ?? 0 : 0)}\n`;
    text += this.ranges(open, first, skip > 0 && isV2);
    if (skip > 0) text += `#EXT-X-SKIP:SKIPPED-SEGMENTS=${skip + (faults.skipsTooMany ? 1 : 0)}${isV2 && !faults.noRemoved ? `,RECENTLY-REMOVED-DATERANGES="${faults.forgetsRemoved ? '' : this.removed(first)}"` : ''}\n`;
    for (let n = first + Math.max(skip, 0); n <= open; n++) {
      if (n === first + Math.max(skip, 0)) text += '#EXT-X-MAP:URI="init.mp4"\n';
      if (n < open || this.at % PARTS) text += `#EXT-X-PROGRAM-DATE-TIME:${new Date(Date.UTC(2026, 0, 1) + n * 2000).toISOString()}\n`;
      const count = n < open ? PARTS : this.at % PARTS;
      for (let k = 0; k < count && n > open - 3; k++) text += this.line(n, k);
      const length = faults.deltaDiffers && skip > 0 && n === open - 1 ? '1.9' : '2.0';
      if (n < open) text += `#EXTINF:${length},\n${n}.m4s\n`;
    }
    text += `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${open}.${this.at % PARTS}.m4s"\n`;
    if (!faults.noReport) text += `#EXT-X-RENDITION-REPORT:URI="../${rendition === 'a' ? 'b' : 'a'}/p.m3u8",${this.tip()}\n`;
    return text;
  }

  answer(url) {
    const [, rendition, name] = url.pathname.split('/');
    if (rendition === 'master.m3u8') return ['a', 'b'].reduce((text, name) => `${text}#EXT-X-STREAM-INF:BANDWIDTH=2,AVERAGE-BANDWIDTH=1,CODECS="avc1.64001f",RESOLUTION=2x2\n${name}/p.m3u8\n`, '#EXTM3U\n');
    if (name === 'p.m3u8') {
      const msn = url.searchParams.get('_HLS_msn');
      if (!this.takes(url.searchParams)) return this.faults.refusesNothing ? this.playlist(url.searchParams, rendition) : undefined;
      if (msn !== null && msn < this.at / PARTS - WINDOW && this.faults.refusesOld) return undefined;
      if (msn !== null && !this.faults.tooEarly) this.at = Math.max(this.at, Number(msn) * PARTS + Number(url.searchParams.get('_HLS_part')) + 1);
      if (msn !== null && this.faults.refuses) return undefined;
      return this.playlist(url.searchParams, rendition);
    }
    const part = /^(\d+)\.(\d+)\.m4s$/.exec(name);
    if (name === 'init.mp4') return this.faults.noHeader ? undefined : tinyHeader();
    if (part && this.faults.dropsHints) return undefined;
    if (part && this.faults.dropsParts && Number(part[1]) < Math.floor(this.at / PARTS) - 2) return undefined;
    if (part) return this.part(Number(part[1]), Number(part[2]));
    const n = Number(/^(\d+)\.m4s$/.exec(name)?.[1]);
    const whole = Array.from({ length: PARTS }, (_, k) => this.part(n, k));
    return Buffer.concat(this.faults.otherBytes ? whole.reverse() : whole);
  }
}

async function follow(faults, options = {}, versions = 12) {
  const server = new Server(faults);
  const listener = http.createServer((request, response) => {
    const url = new URL(request.url, 'http://x'); const body = server.answer(url); const text = typeof body === 'string' && !faults.noGzip;
    const waited = url.searchParams.has('_HLS_msn'); const isMedia = url.pathname.endsWith('.m4s');
    const seconds = body === undefined ? faults.refusalKeptFor ?? 8 : isMedia ? faults.partKeptFor ?? 12 : waited ? faults.keptFor ?? 12 : faults.plainKeptFor ?? 1;
    response.writeHead(body === undefined ? faults.status ?? (url.search ? 400 : 404) : 200, { 'cache-control': `max-age=${seconds}`, ...text && { 'content-encoding': 'gzip' }, ...faults.age && { age: faults.age } });
    response.end(text ? zlib.gzipSync(body) : body);
  });
  await new Promise((resolve) => { listener.listen(0, '127.0.0.1', resolve); });
  const report = new Report();
  try {
    const followers = await followLowLatency(new URL(`http://127.0.0.1:${listener.address().port}/master.m3u8`), report, (all) => all.every((f) => f.versions > versions) || report.problems.length > 0, { now: () => server.at * 500, ...options });
    return { lines: report.lines.join('\n'), followers };
  } finally {
    listener.closeAllConnections();
    listener.close();
  }
}

test('a stream that is right breaks no rule, and all of it was looked at', async () => {
  const { lines, followers } = await follow({});
  assert.equal(lines, '');
  assert.equal(followers.length, 2);
  for (const { whole, skipped, skippedRanges, refused } of followers) assert.ok(whole >= 3 && skipped && skippedRanges && refused.length === 0);
});

test('a server that skips no date ranges breaks no rule', async () => assert.equal((await follow({ noSkipRanges: true })).lines, ''));
test('an age that a cache tells breaks no rule', async () => assert.equal((await follow({ age: '1' })).lines, ''));

test('parts that come too late are found where it is asked for', async () => {
  let turns = 0;
  assert.match((await follow({}, { inTime: true, now: () => { turns += 1; return turns * 400; } })).lines, /6\.2\.1: no new part for \d+\.\d s, expected one within 0\.5 s/);
});

for (const [what, faults, clause, versions] of [
  ['a part whose duration changes', { changesPart: true }, /6\.2\.1: part 0 of segment 11 changed/],
  ['a part target that changes', { changesTarget: true }, /6\.2\.1: target duration, part target or server control changed/],
  ['an answer that comes before its part', { tooEarly: true }, /6\.2\.5\.2: was to come with part/],
  ['a request for the next part that is refused', { refuses: true }, /6\.2\.5\.2: answered 400/],
  ['a request too far ahead that is answered', { refusesNothing: true }, /6\.2\.5\.2: answered 200 to {"_HLS_msn":111}, a segment that is more than two ahead, expected 400/],
  ['a part without a segment that is answered', { refusesNothing: true }, /6\.2\.5\.2: answered 200 to {"_HLS_part":0}/],
  ['a part too far ahead that is not called a bad request', { status: 404 }, /6\.2\.5\.2: answered 404 to {"_HLS_msn":11,"_HLS_part":10000}/],
  ['a request for what is over that is refused', { refusesOld: true }, /6\.2\.5\.2: answered 400 to {"_HLS_msn":0}, the first segment of all, expected 200/],
  ['a playlist that was waited for and may not be kept', { keptFor: 2 }, /B\.1: Cache-Control is 'max-age=2', expected max-age=12/],
  ['a playlist that is kept for longer than it is true', { plainKeptFor: 6 }, /B\.1: Cache-Control is 'max-age=6', expected max-age=1/],
  ['a playlist that is not compressed', { noGzip: true }, /B\.1: a playlist of \d+ bytes comes without gzip/],
  ['a part that is gone when it is not listed', { dropsParts: true }, /6\.2\.2: part '\d+\.0\.m4s' was listed a moment ago, and is answered 404/],
  ['a delta that skips what is near', { skipsNear: true }, /6\.2\.5\.1: skips \d+ segments up to \d+\.\d+ s from the end, the Skip Boundary is 12 s/],
  ['a report without its part', { noLastPart: true }, /4\.4\.5\.4: report of '[^']+', which has parts, without LAST-PART/],
  ['a delta that skips too much', { skipsTooMany: true }, /6\.2\.5\.1/],
  ['a delta that says something else', { deltaDiffers: true }, /6\.2\.[15]/],
  ['a delta of a later media sequence', { deltaShift: 1 }, /6\.2\.5\.1: EXT-X-MEDIA-SEQUENCE is \d+ in the delta update, and then \d+ in the playlist/],
  ['a delta of an older media sequence', { deltaShift: -1 }, /6\.2\.5\.1: EXT-X-MEDIA-SEQUENCE is \d+ in the playlist, and then \d+ in the delta update/],
  ['parts that are not the segment', { otherBytes: true }, /3\.2: the parts of '\d+\.m4s' are not its bytes/],
  ['a hint that is listed and was not there', { dropsHints: true }, /6\.2\.6: the hinted part/],
  ['a report that is behind', { oldReport: 3 }, /4\.4\.5\.4: reports part \d of segment \d+ of '[^']+', which had part \d of segment \d+ and more already/],
  ['a report that is ahead', { newReport: 2 }, /4\.4\.5\.4: ends at part \d of segment \d+, and a report of it has told part \d of segment \d+ before/],
  ['a v2 delta of a version before it', { lowVersion: true }, /§8: is version 9 and has skipped date ranges, expected 10/],
  ['a v2 delta that does not tell what has left', { noRemoved: true }, /4\.4\.5\.2: EXT-X-SKIP without RECENTLY-REMOVED-DATERANGES, and _HLS_skip is v2/],
  ['a v2 delta that forgets what has left', { forgetsRemoved: true }, /6\.2\.5\.1: the delta update \(v2\) is not the playlist/],
  ['a v2 delta that lacks a new date range', { losesRange: true }, /6\.2\.5\.1: the delta update \(v2\) is not the playlist/],
  ['a v2 delta that repeats old date ranges', { repeatsRanges: true }, /6\.2\.5\.1: the delta update \(v2\) has a date range that was there 1[4-9]\.\d s before, the Skip Boundary is 12 s/, 60],
  ['an age that is no number', { age: 'old' }, /RFC 9111 §5\.1: Age is 'old'/],
  ['an age that is over', { age: '99' }, /RFC 9111 §4\.2: Age is 99, and Cache-Control lets it be kept for/],
  ['a part that may not be kept', { partKeptFor: 2 }, /B\.1: Cache-Control of part '\d+\.\d\.m4s' is 'max-age=2', expected max-age=12 or more/],
  ['a refusal that is kept for too long', { refusalKeptFor: 60 }, /B\.1: Cache-Control of a 400 is 'max-age=60'/],
  ['a part whose media is shorter', { shorterMedia: true }, /4\.4\.4\.9: part '\d+\.\d\.m4s' has DURATION 0\.5, its media lasts 0\.4444 s/],
  ['a part that is not independent', { notIndependent: true }, /4\.4\.4\.9: part '\d+\.0\.m4s' is INDEPENDENT, and has no picture that is/],
  ['a header that is not there', { noHeader: true }, /4\.4\.4\.5: header 'init\.mp4' is listed, and is answered 404/],
  ['a missing report', { noReport: true }, /B\.1: has no EXT-X-RENDITION-REPORT/],
]) test(`${what} is found`, async () => assert.match((await follow(faults, {}, versions)).lines, clause));
