// SPDX-License-Identifier: MIT
// Low-latency HLS of the origin, with a packager that writes one line after the
// other: what a player is told, when, and what it is refused (RFC 8216bis 6.2.5,
// 6.2.6, B.1).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';

const BUILD = process.env.MILL_BUILD_ROOT ?? process.env.MILL_BUILD ?? path.resolve('build');
const WALL = Date.UTC(2026, 0, 1) * 1000;
const PART_NS = 500_000_000;
const TARGET = 2;

let media;
let origin;
let host;

async function startOrigin() {
  origin = spawn(path.join(BUILD, 'daemon/millrace-origin'), ['--media-dir', media, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  host = await new Promise((resolve, reject) => {
    let text = '';
    origin.stdout.on('data', (data) => {
      text += data;
      const match = /listening origin (\S+)\n/.exec(text);
      if (match) resolve(match[1]);
    });
    origin.on('exit', (code) => reject(new Error(`the origin ended with ${code}`)));
  });
}

before(async () => {
  media = fs.mkdtempSync(path.join(os.tmpdir(), 'origin-live-'));
  await startOrigin();
});
after(async () => {
  if (origin.exitCode === null) {
    origin.removeAllListeners('exit');
    const gone = new Promise((resolve) => { origin.on('exit', resolve); });
    origin.kill('SIGTERM');
    await gone;
  }
  fs.rmSync(media, { recursive: true, force: true });
});

/** One request: { status, headers, body (decoded), ms }. */
function get(url, { method = 'GET', headers = {} } = {}) {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.request(`http://${host}/stream/${url}`, { method, headers, agent: false }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const raw = Buffer.concat(chunks);
        const bytes = response.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
        resolve({ status: response.statusCode, headers: response.headers, bytes, text: bytes.toString(), ms: performance.now() - began });
      });
    });
    request.on('error', reject);
    request.end();
    get.last = request;
  });
}

/** Resolves when @promise is still open after the origin has answered others:
 * what it waits for is not a matter of time. */
async function assertWaiting(promise, what) {
  let done = false;
  promise.then(() => { done = true; }, () => { done = true; });
  for (let i = 0; i < 5; i++) await metrics();
  assert.equal(done, false, `${what} was answered at once`);
}

async function metrics() {
  const text = await new Promise((resolve, reject) => http.get(`http://${host}/metrics`, { agent: false }, (response) => {
    let all = '';
    response.on('data', (data) => { all += data; });
    response.on('end', () => resolve(all));
  }).on('error', reject));
  return Object.fromEntries([...text.matchAll(/^(\w+) (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]));
}

async function until(what, holds) {
  const end = Date.now() + 20000;
  for (;;) {
    const value = await holds();
    if (value) return value;
    if (Date.now() > end) assert.fail(`waited 20 s for ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
}

const FACTS = { v360: { bytes: 1000 }, a128: { bytes: 100 } };

/** A packager of two renditions, 2 s segments of four parts. */
class Packager {
  constructor(name, { generation = 1, target = PART_NS, targetDuration = TARGET, renditions = ['v360', 'a128'] } = {}) {
    Object.assign(this, { name, generation, target, targetDuration, renditions, dir: path.join(media, name), cuts: [], open: {}, dateRanges: [] });
    for (const rendition of renditions) {
      fs.mkdirSync(path.join(this.dir, rendition), { recursive: true });
      fs.writeFileSync(path.join(this.dir, rendition, `init-${generation}.mp4`), `init ${rendition} ${generation}`);
    }
    this.put('live.index', `millrace-live 2\n${target ? `#stream ${target}\n` : ''}`);
  }
  put(name, text) {
    fs.writeFileSync(path.join(this.dir, '.tmp'), text);
    fs.renameSync(path.join(this.dir, '.tmp'), path.join(this.dir, name));
  }
  line(text) { fs.appendFileSync(path.join(this.dir, 'live.index'), `${text}\n`); }
  content(rendition, n, part) {
    return Buffer.alloc(FACTS[rendition].bytes, `${rendition} ${this.generation}-${n}.${part} `);
  }
  /** The next part of @rendition in segment @n. */
  part(rendition, n, { part, last = false, duration = PART_NS, discontinuity = false } = {}) {
    const bytes = this.content(rendition, n, part);
    fs.appendFileSync(path.join(this.dir, rendition, `${this.generation}-${n}.m4s`), bytes);
    const independent = part === 0 || rendition.startsWith('a');
    const flags = `${independent ? 'I' : ''}${last ? 'L' : ''}${discontinuity ? 'D' : ''}` || '-';
    const time = n * 4 * PART_NS + part * PART_NS;
    this.line(`${rendition} ${this.generation} ${n} ${part} ${part * bytes.length} ${bytes.length} ${time} ${duration} ${flags} ${WALL + time / 1000}`);
  }
  parts(n, from = 0, to = 4, options = {}) {
    for (let part = from; part < to; part++)
      for (const rendition of this.renditions) this.part(rendition, n, { ...options, part, last: part === 3, discontinuity: part === 0 && options.discontinuity });
  }
  playlist(rendition, { first, last, ended = false }) {
    let text = `#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:${this.targetDuration}\n#EXT-X-MEDIA-SEQUENCE:${first}\n`;
    for (const range of this.dateRanges) text += `#EXT-X-DATERANGE:ID="${range}",START-DATE="2026-01-01T00:00:00.000Z"\n`;
    let map = null;
    for (let n = first; n <= last; n++) {
      const { generation, gap, discontinuity } = this.cuts.find((cut) => cut.n === n);
      if (discontinuity) text += '#EXT-X-DISCONTINUITY\n';
      if (map !== generation || discontinuity) text += `#EXT-X-MAP:URI="init-${generation}.mp4"\n`;
      map = generation;
      text += `#EXT-X-PROGRAM-DATE-TIME:${new Date((WALL + n * 2_000_000) / 1000).toISOString()}\n`;
      if (gap === rendition) text += '#EXT-X-GAP\n';
      text += `#EXTINF:2.000000,\n${generation}-${n}.m4s\n`;
    }
    return `${text}${ended ? '#EXT-X-ENDLIST\n' : ''}`;
  }
  /** The plain playlists list all up to @n. */
  list(n, { gap = null, discontinuity = false, window = 10, ended = false } = {}) {
    if (!this.cuts.some((cut) => cut.n === n)) this.cuts.push({ n, generation: this.generation, gap, discontinuity });
    const first = Math.max(this.cuts[0].n, n - window + 1);
    for (const rendition of this.renditions) this.put(`${rendition}/playlist.m3u8`, this.playlist(rendition, { first, last: n, ended }));
    this.put('master.m3u8', `#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="a",URI="a128/playlist.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="audio"\nv360/playlist.m3u8\n`);
    if (gap) this.line(`${gap} ${this.generation} ${n} 0 0 0 ${n * 4 * PART_NS} ${4 * PART_NS} LG ${WALL + n * 2_000_000}`);
    this.line(`#listed ${this.generation} ${n} ${this.targetDuration}`);
    if (ended) this.line('#end');
  }
  whole(n, options = {}) { this.parts(n, 0, 4, options); this.list(n, options); }
}

const playlistOf = (name, query = '') => get(`${name}/v360/playlist.m3u8${query}`);
const withParts = (text) => [...text.matchAll(/^#EXT-X-PART:.*URI="([^"]+)"/gm)].map(([, uri]) => uri);

/** A stream with segments 0 to 3 listed and two parts of 4. */
function started(name, options) {
  const packager = new Packager(name, options);
  for (let n = 0; n < 4; n++) packager.whole(n);
  packager.parts(4, 0, 2);
  return packager;
}

test('the playlist is the plain one and what parts, hint and report add', async () => {
  started('text');
  const { status, headers, text } = await playlistOf('text');
  assert.equal(status, 200);
  const part = (n, k, extra = '') => `#EXT-X-PART:DURATION=0.500000,URI="1-${n}.${k}.m4s"${extra}\n`;
  const four = (n) => part(n, 0, ',INDEPENDENT=YES') + part(n, 1) + part(n, 2) + part(n, 3);
  const date = (n) => `#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:0${2 * n}.000Z\n`;
  assert.equal(text, `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,CAN-SKIP-DATERANGES=YES,HOLD-BACK=6.0,PART-HOLD-BACK=1.500000
#EXT-X-PART-INF:PART-TARGET=0.500000
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-MAP:URI="init-1.mp4"
${date(0)}#EXTINF:2.000000,
1-0.m4s
${date(1)}#EXTINF:2.000000,
1-1.m4s
${date(2)}${four(2)}#EXTINF:2.000000,
1-2.m4s
${date(3)}${four(3)}#EXTINF:2.000000,
1-3.m4s
${date(4)}${part(4, 0, ',INDEPENDENT=YES')}${part(4, 1)}#EXT-X-PRELOAD-HINT:TYPE=PART,URI="1-4.2.m4s"
#EXT-X-RENDITION-REPORT:URI="../a128/playlist.m3u8",LAST-MSN=4,LAST-PART=1
`);
  // B.1: half a target duration; gzip, CORS, a version of its own
  assert.equal(headers['cache-control'], 'public, max-age=1');
  assert.equal(headers['access-control-allow-origin'], '*');
  const gzipped = await get('text/v360/playlist.m3u8', { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(gzipped.headers['content-encoding'], 'gzip');
  assert.equal(gzipped.text, text);
  assert.equal((await get('text/v360/playlist.m3u8', { headers: { 'if-none-match': headers.etag } })).status, 304);
  const head = await get('text/v360/playlist.m3u8', { method: 'HEAD' });
  assert.deepEqual([head.status, head.bytes.length, Number(head.headers['content-length'])], [200, 0, Buffer.byteLength(text)]);
  // what is not a directive is nobody's business
  assert.equal((await playlistOf('text', '?token=1&_HLS_later=x')).text, text);
});

test('sound has a part target of its own, and the hold back is of the longest', async () => {
  const packager = new Packager('longer');
  packager.line(`#rendition v360 ${PART_NS}`);
  packager.line('#rendition a128 512000000');
  for (let n = 0; n < 3; n++) packager.whole(n);
  for (const [rendition, target] of [['v360', '0.500000'], ['a128', '0.512000']]) {
    const { text } = await get(`longer/${rendition}/playlist.m3u8`);
    assert.match(text, new RegExp(`PART-TARGET=${target}\\n`), rendition);
    assert.match(text, /PART-HOLD-BACK=1\.536000\n/, rendition); // 4.4.3.8: three; 6.2.4: in all the same
  }
});

test('a stream without parts is served as its files are', async () => {
  const packager = started('plain', { target: 0 });
  const { text } = await playlistOf('plain', '?_HLS_msn=99');
  assert.equal(text, packager.playlist('v360', { first: 0, last: 3 }));
});

test('what cannot be waited for is refused at once', async () => {
  started('refused');
  const table = [
    ['_HLS_part=0', 400, undefined, /_HLS_part: got it alone, expected _HLS_msn with it \(RFC 8216bis 6\.2\.5\.2\)$/],
    ['_HLS_msn=', 400, undefined, /_HLS_msn: expected a decimal-integer .*6\.2\.5\.2/],
    ['_HLS_msn=%22%3Cb%3E', 400, undefined, /_HLS_msn: expected a decimal-integer [^"<]*$/],
    ['_HLS_msn=-1', 400],
    ['_HLS_msn=4x', 400],
    ['_HLS_msn=0x4', 400],
    ['_HLS_msn=18446744073709551616', 400],
    ['_HLS_msn=4&_HLS_part=', 400, undefined, /_HLS_part: expected a decimal-integer/],
    ['_HLS_msn=4&_HLS_part=4294967295', 400],
    ['_HLS_msn=4&_HLS_msn=4', 400, undefined, /_HLS_msn: got it twice/],
    // What may be asked for in a moment must not be refused by a cache then.
    ['_HLS_msn=6', 400, 'no-store', /got more than two segments, .*6\.2\.5\.2/], // the last whole one is 3: 5 is the last that may be asked for
    ['_HLS_msn=6&_HLS_part=0', 400, 'no-store'],
    ['_HLS_msn=4&_HLS_part=8', 400, 'no-store'], // 3 s of parts beyond part 1 is part 7
    ['_HLS_msn=5&_HLS_part=7', 400, 'no-store'],
    ['_HLS_msn=4&_HLS_part=1', 200],
    ['_HLS_msn=4&_HLS_part=0', 200],
    ['_HLS_msn=3', 200],
    ['_HLS_msn=0&_HLS_part=999', 200], // long gone by
    ['_HLS%5Fmsn=3&_HLS_skip=maybe', 200],
  ];
  for (const [query, status, caching, detail] of table) {
    const answer = await playlistOf('refused', `?${query}`);
    assert.equal(answer.status, status, query);
    if (status === 400) assert.match(JSON.parse(answer.text).detail, /^\/stream\/refused\/v360\/playlist\.m3u8: _HLS_/, query);
    if (detail) assert.match(JSON.parse(answer.text).detail, detail, query);
    // B.1: four target durations; six when it was a blocking request
    assert.equal(answer.headers['cache-control'], caching ?? (status === 400 ? 'public, max-age=8' : 'public, max-age=12'), query);
  }
});

test('a request waits for exactly its part, and all who wait get the same text', async () => {
  // Who waits for three target durations is refused: so long that no machine is too slow.
  const packager = started('block', { targetDuration: 60 });
  const next = playlistOf('block', '?_HLS_msn=4&_HLS_part=2');
  const after = playlistOf('block', '?_HLS_msn=4&_HLS_part=3');
  const whole = playlistOf('block', '?_HLS_msn=4'); // without a part: the whole segment
  const past = playlistOf('block', '?_HLS_msn=4&_HLS_part=4'); // is part 0 of the next
  const head = get('block/v360/playlist.m3u8?_HLS_msn=4&_HLS_part=2', { method: 'HEAD' });
  const crowd = Array.from({ length: 50 }, () => playlistOf('block', '?_HLS_msn=4&_HLS_part=2&viewer=1'));
  await until('all to wait', async () => (await metrics()).millrace_origin_requests_waiting >= 55);
  packager.part('a128', 4, { part: 2 });
  await assertWaiting(next, 'the part of another rendition');
  const before = (await metrics()).millrace_origin_wake_ups_total;
  packager.part('v360', 4, { part: 2 });
  const first = await next;
  assert.equal(first.status, 200);
  assert.equal(first.headers['cache-control'], 'public, max-age=360');
  assert.equal(withParts(first.text).at(-1), '1-4.2.m4s');
  assert.match(first.text, /LAST-MSN=4,LAST-PART=2$/m);
  for (const answer of await Promise.all(crowd)) assert.equal(answer.text, first.text);
  assert.equal((await head).headers['content-length'], String(first.bytes.length));
  assert.equal((await metrics()).millrace_origin_wake_ups_total - before, 1, 'more than one wake-up for one part');
  assert.ok((await metrics()).millrace_origin_part_delay_seconds_count >= 50, 'the delay of each is noted');
  await assertWaiting(after, 'part 3');
  packager.part('v360', 4, { part: 3, last: true });
  const last = await after;
  // this rendition has the segment whole: it is listed, though the plain one waits for all
  assert.match(last.text, /1-4\.3\.m4s"\n#EXTINF:2\.000000,\n1-4\.m4s\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="1-5\.0\.m4s"\n/);
  assert.equal((await whole).text, last.text);
  assert.equal((await get('block/v360/1-4.m4s')).status, 200);
  await assertWaiting(past, 'part 0 of the next segment');
  packager.part('a128', 4, { part: 3, last: true });
  packager.list(4);
  const listed = await playlistOf('block');
  assert.equal(listed.text.slice(0, listed.text.indexOf('#EXT-X-RENDITION')), last.text.slice(0, last.text.indexOf('#EXT-X-RENDITION')), 'the listing changes nothing that was told');
  packager.parts(5, 0, 1);
  assert.equal(withParts((await past).text).at(-1), '1-5.0.m4s');
});

test('a hinted part comes when it is whole; what is not hinted is not there', async () => {
  const packager = started('hint');
  const hinted = get('hint/v360/1-4.2.m4s');
  for (const name of ['1-4.3.m4s', '1-5.0.m4s', '2-4.2.m4s', '1-9.0.m4s', '1-3.4.m4s']) {
    const answer = await get(`hint/v360/${name}`);
    assert.deepEqual([answer.status, answer.headers['cache-control']], [404, 'public, max-age=2'], name);
  }
  await assertWaiting(hinted, 'the hinted part');
  // its bytes are there, but nobody has said so: none of them goes out
  const bytes = packager.content('v360', 4, 2);
  fs.appendFileSync(path.join(packager.dir, 'v360/1-4.m4s'), bytes.subarray(0, 500));
  await assertWaiting(hinted, 'half a part');
  fs.truncateSync(path.join(packager.dir, 'v360/1-4.m4s'), 2000);
  packager.part('v360', 4, { part: 2 });
  const answer = await hinted;
  assert.equal(answer.status, 200);
  assert.ok(answer.bytes.equals(bytes));
  assert.equal(answer.headers['cache-control'], 'public, max-age=12, immutable');
  const range = await get('hint/v360/1-4.2.m4s', { headers: { range: 'bytes=10-19' } });
  assert.deepEqual([range.status, range.headers['content-range'], range.text], [206, 'bytes 10-19/1000', bytes.subarray(10, 20).toString()]);
  // the parts are the segment
  packager.parts(4, 3, 4);
  const all = [];
  for (let k = 0; k < 4; k++) all.push((await get(`hint/v360/1-4.${k}.m4s`)).bytes);
  assert.ok(Buffer.concat(all).equals((await get('hint/v360/1-4.m4s')).bytes));
});

test('a delta update leaves out what is beyond the skip boundary, and nothing else', async () => {
  const packager = new Packager('skip');
  packager.dateRanges = ['one'];
  for (let n = 0; n < 10; n++) packager.whole(n);
  const full = (await playlistOf('skip')).text;
  const { text } = await playlistOf('skip', '?_HLS_skip=YES');
  // six target durations are six segments; a seventh ends just there and stays
  assert.match(text, /^#EXT-X-VERSION:9$/m);
  assert.match(text, /^#EXT-X-SKIP:SKIPPED-SEGMENTS=3$/m);
  const cut = (playlist) => playlist.slice(playlist.indexOf('#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:06'));
  assert.equal(cut(text), cut(full));
  assert.match(text, /^#EXT-X-DATERANGE:ID="one"/m);
  assert.match(text, /SKIPPED-SEGMENTS=3\n#EXT-X-MAP:URI="init-1\.mp4"\n#EXT-X-PROGRAM/);
  // v2 tells what went lately
  packager.dateRanges = ['two'];
  packager.whole(10, { window: 11 });
  const second = (await playlistOf('skip', '?_HLS_msn=10&_HLS_skip=v2')).text;
  assert.match(second, /^#EXT-X-VERSION:10$/m);
  assert.match(second, /^#EXT-X-SKIP:SKIPPED-SEGMENTS=4,RECENTLY-REMOVED-DATERANGES="one"$/m);
  assert.match(second, /^#EXT-X-DATERANGE:ID="two"/m);
});

test('who does not know what went before it looked leaves nothing out where that would have to be told', async () => {
  const packager = new Packager('unknown');
  packager.dateRanges = ['gone'];
  for (let n = 0; n < 10; n++) packager.whole(n);
  packager.dateRanges = [];
  // An origin that starts now, or was not asked for long, has never seen it.
  packager.whole(10, { window: 10 });
  const { status, text } = await playlistOf('unknown', '?_HLS_skip=v2');
  assert.equal(status, 200);
  assert.doesNotMatch(text, /#EXT-X-SKIP/);
  assert.match(text, /#EXT-X-MEDIA-SEQUENCE:1\n/);
  // date ranges are all there in this one, so it knows enough for it
  assert.match((await playlistOf('unknown', '?_HLS_skip=YES')).text, /^#EXT-X-SKIP:SKIPPED-SEGMENTS=3$/m);
});

test('of a rendition that misses a segment the gap is told in parts', async () => {
  const packager = started('gap');
  const waiting = playlistOf('gap', '?_HLS_msn=4&_HLS_part=3');
  await until('it to wait', async () => (await metrics()).millrace_origin_requests_waiting >= 1);
  packager.part('a128', 4, { part: 2 });
  packager.part('a128', 4, { part: 3, last: true });
  packager.list(4, { gap: 'v360' });
  const { text } = await waiting;
  assert.match(text, /URI="1-4\.1\.m4s"\n#EXT-X-PART:DURATION=0\.500000,URI="1-4\.2\.m4s",GAP=YES\n#EXT-X-PART:DURATION=0\.500000,URI="1-4\.3\.m4s",GAP=YES\n#EXT-X-GAP\n#EXTINF:2\.000000,\n1-4\.m4s\n/);
  assert.equal((await get('gap/v360/1-4.1.m4s')).status, 200);
  assert.equal((await get('gap/v360/1-4.2.m4s')).status, 404);
});

test('another packager goes on: the hint that falls is 404, its own has a new header', async () => {
  const packager = started('restart');
  const dropped = get('restart/v360/1-4.2.m4s');
  const waiting = playlistOf('restart', '?_HLS_msn=4&_HLS_part=2');
  await until('both to wait', async () => (await metrics()).millrace_origin_requests_waiting >= 2);
  const text = fs.readFileSync(path.join(packager.dir, 'live.index'), 'utf8');
  // its successor knows what was listed, and announces what it will make
  packager.put('live.index', `${text.split('\n').filter((line) => !/ 1 4 /.test(line)).join('\n')}#next 2 4\n`);
  const announced = await until('the hint', async () => {
    const { text: now } = await playlistOf('restart');
    return now.includes('init-2.mp4') && now;
  });
  assert.match(announced, /1-3\.m4s\n#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="init-2\.mp4"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="2-4\.0\.m4s"\n/);
  const init = get('restart/v360/init-2.mp4');
  await assertWaiting(init, 'the hinted header');
  packager.generation = 2;
  for (const rendition of packager.renditions) fs.writeFileSync(path.join(packager.dir, rendition, 'init-2.mp4'), 'second');
  packager.parts(4, 0, 1, { discontinuity: true });
  assert.equal((await init).text, 'second');
  assert.equal((await dropped).status, 404);
  await assertWaiting(waiting, 'part 2 of the new segment');
  packager.parts(4, 1, 3);
  assert.match((await waiting).text, /1-3\.m4s\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="init-2\.mp4"\n#EXT-X-PROGRAM-DATE-TIME:[^\n]*\n#EXT-X-PART:DURATION=0\.500000,URI="2-4\.0\.m4s",INDEPENDENT=YES\n/);
});

test('after the end nothing waits and nothing is hinted', async () => {
  const packager = started('end');
  const waiting = playlistOf('end', '?_HLS_msn=5&_HLS_part=0');
  const part = get('end/v360/1-4.2.m4s');
  await until('both to wait', async () => (await metrics()).millrace_origin_requests_waiting >= 2);
  packager.parts(4, 2, 4);
  packager.list(4, { ended: true });
  const { status, text } = await waiting;
  assert.equal(status, 200);
  assert.match(text, /#EXT-X-ENDLIST\n$/);
  assert.doesNotMatch(text, /PRELOAD-HINT/);
  assert.equal((await part).status, 200);
  for (const query of ['?_HLS_msn=99', '?_HLS_part=1', '?_HLS_skip=YES']) assert.equal((await playlistOf('end', query)).text, text, query);
});

test('a packager that is silent is 503 after three target durations, a stream that goes is 404', async () => {
  const packager = started('silent');
  const late = playlistOf('silent', '?_HLS_msn=4&_HLS_part=2');
  const part = get('silent/v360/1-4.2.m4s');
  const answer = await late;
  assert.deepEqual([answer.status, answer.headers['cache-control']], [503, 'public, max-age=8']);
  assert.ok(answer.ms >= 3 * TARGET * 1000, `503 after ${answer.ms} ms`);
  assert.equal((await part).status, 503);
  const gone = playlistOf('silent', '?_HLS_msn=4&_HLS_part=2');
  await until('it to wait', async () => (await metrics()).millrace_origin_requests_waiting >= 1);
  fs.rmSync(packager.dir, { recursive: true });
  assert.equal((await gone).status, 404);
  assert.equal((await playlistOf('silent')).status, 404);
});

test('who goes while waiting is forgotten; who waits when the origin drains is told', async () => {
  started('drain');
  const left = playlistOf('drain', '?_HLS_msn=4&_HLS_part=2').catch((error) => error.code);
  const request = get.last;
  await until('it to wait', async () => (await metrics()).millrace_origin_requests_waiting === 1);
  request.destroy();
  assert.equal(await left, 'ECONNRESET');
  await until('nobody to wait', async () => (await metrics()).millrace_origin_requests_waiting === 0);
  const waiting = playlistOf('drain', '?_HLS_msn=4&_HLS_part=2');
  await until('it to wait', async () => (await metrics()).millrace_origin_requests_waiting === 1);
  origin.removeAllListeners('exit');
  const gone = new Promise((resolve) => { origin.on('exit', resolve); });
  origin.kill('SIGTERM');
  const answer = await waiting;
  assert.deepEqual([answer.status, answer.headers['retry-after'], answer.headers['cache-control']], [503, '1', 'no-store']);
  assert.equal(await gone, 0);
});
