// SPDX-License-Identifier: MIT
// Follows low-latency playlists as a player does, by blocking reloads, and holds
// each version against those before (§6.2.1, §6.2.5, §6.2.6): nothing that was
// told is taken back, a delta update is the whole playlist, hints come true, and
// the parts of a segment are the segment.
import { checkLowLatency } from './hls-low-latency.mjs';
import { checkMedia } from './hls-media.mjs';
import { checkMultivariant } from './hls-multivariant.mjs';
import { request } from './source.mjs';

const withQuery = (url, query) => new URL(`?${new URLSearchParams(query)}`, url);

/** The lines of each segment, its URI last; what stands before, and behind. */
function splitSegments(text) {
  const head = []; const segments = []; let open = [];
  const begins = /^#EXT(INF|-X-(DISCONTINUITY$|MAP|KEY|PROGRAM-DATE-TIME|GAP|PART:|BYTERANGE|BITRATE))/;
  for (const line of text.split('\n')) {
    if (!open.length && !segments.length && !begins.test(line)) { head.push(line); continue; }
    open.push(line);
    if (line && !line.startsWith('#')) { segments.push(open); open = []; }
  }
  return { head, segments, tail: open };
}

/* Shorter texts gain nothing by it. */
const GZIP_BYTES = 1024;
/* Of B.1, in target durations: how long what was waited for may be kept, and what was not. */
const BLOCKED_TARGETS = 6;
const PLAIN_TARGETS = 0.5;

const sequence = (text) => Number(/^#EXT-X-MEDIA-SEQUENCE:(\d+)/m.exec(text)?.[1] ?? 0);

/** §6.2.5.1: what a client that has @known { number: lines } makes of a delta update. */
export function mergeDelta(text, known, where, report) {
  const { head, segments, tail } = splitSegments(text);
  const at = head.findIndex((line) => line.startsWith('#EXT-X-SKIP:'));
  if (at < 0) return text;
  const skipped = Number(/SKIPPED-SEGMENTS=(\d+)/.exec(head[at])?.[1]);
  const first = sequence(text);
  const old = Array.from({ length: skipped }, (_, i) => known.get(first + i));
  report.check(old.every(Boolean), where, '6.2.5.1', `skips segments ${first} to ${first + skipped - 1}, and not all of them were told before`);
  head.splice(at, 1);
  return [...head, ...old.filter(Boolean).flat(), ...segments.flat(), ...tail].join('\n');
}

/** The text without what two versions of one playlist may differ in: reports,
 * EXT-X-VERSION, a header told again, parts that are far from the end. */
export function canonical(text) {
  const { head, segments, tail } = splitSegments(text);
  let map;
  const body = segments.map((lines, index) => lines.filter((line) => {
    if (line.startsWith('#EXT-X-PART:')) return index >= segments.length - 1;
    if (!line.startsWith('#EXT-X-MAP')) return true;
    const again = line === map && !lines.includes('#EXT-X-DISCONTINUITY');
    map = line;
    return !again;
  }));
  return [...head.filter((l) => !/^#EXT-X-(VERSION|SERVER-CONTROL)/.test(l)), ...body.flat(), ...tail.filter((l) => !l.startsWith('#EXT-X-RENDITION-REPORT'))].join('\n');
}

/** What each version has to agree with: numbers, parts, what never changes. */
class Known {
  constructor(where, report) { Object.assign(this, { where, report, segments: new Map(), parts: new Map(), lines: new Map(), fixed: null }); }

  check(holds, clause, text) { return this.report.check(holds, this.where, clause, text); }

  compare(media, text) {
    const fixed = JSON.stringify([media.target, media.partTarget, media.control]);
    this.fixed ??= fixed;
    this.check(fixed === this.fixed, '6.2.1', `target duration, part target or server control changed from ${this.fixed} to ${fixed}`);
    const open = media.first + media.segments.length;
    for (const segment of media.segments) {
      const { uri, duration, discontinuity, gap, map, date } = segment;
      this.same(this.segments, segment.number, JSON.stringify({ uri, duration, discontinuity, gap, map, date }), `segment ${segment.number}`);
      this.compareParts(segment.number, segment.parts);
    }
    this.compareParts(open, media.openParts);
    const { segments } = splitSegments(text);
    let map = [];
    segments.forEach((lines, i) => {
      const own = lines.filter((l) => l.startsWith('#EXT-X-MAP'));
      const inherited = own.length ? [] : map; // §4.4.4.5: it holds until the next
      if (own.length) map = own;
      this.lines.set(media.first + i, [...inherited, ...lines.filter((l) => !l.startsWith('#EXT-X-PART:'))]);
    });
  }

  same(map, key, value, what) {
    this.check((map.get(key) ?? value) === value, '6.2.1', `${what} changed from ${map.get(key)} to ${value}`);
    map.set(key, value);
  }

  compareParts(number, parts) {
    parts.forEach((part, index) => {
      const { URI, DURATION, INDEPENDENT, GAP } = part;
      this.same(this.parts, `${number}.${index}`, JSON.stringify({ URI, DURATION, INDEPENDENT, GAP }), `part ${index} of segment ${number}`);
    });
  }
}

class Follower {
  constructor(url, report, options) {
    this.url = url;
    this.options = options;
    this.where = url.pathname.split('/').slice(-2).join('/');
    this.report = report;
    this.known = new Known(this.where, report);
    this.bytes = new Map(); // URI of a part -> its bytes
    this.checked = new Set(); // segments whose parts were compared
    this.refused = [];
    this.versions = 0;
    this.whole = 0;
  }

  check(holds, clause, text) { return this.report.check(holds, this.where, clause, text); }

  read(text) {
    const media = checkMedia(Buffer.from(text), this.where, this.report);
    checkLowLatency(media, this.report);
    this.known.compare(media, text);
    this.media = media;
    this.seenAt = performance.now();
    this.versions += 1;
    return media;
  }

  /** The part after the last one, as a player asks for it. */
  next() {
    return { _HLS_msn: this.media.first + this.media.segments.length, _HLS_part: this.media.openParts.length };
  }

  async load() {
    const answer = await request(this.url);
    if (!this.check(answer.status === 200, '6.2.1', `is listed, and cannot be loaded: ${answer.status}`)) return false;
    this.read(answer.bytes.toString());
    this.checkHeaders(answer, PLAIN_TARGETS);
    return true;
  }

  /** B.1: how long caches may keep a playlist, and that it comes compressed. */
  checkHeaders({ headers, bytes }, targets) {
    const { media } = this;
    if (media.ended) return;
    const control = headers.get('cache-control') ?? ''; const age = Number(/\bmax-age=(\d+)/.exec(control)?.[1] ?? NaN);
    const isKept = targets < 1 ? age <= Math.max(1, targets * media.target) : age === targets * media.target;
    this.check(isKept, 'B.1', `Cache-Control is '${control}', expected max-age=${targets * media.target} of a playlist that was ${targets < 1 ? 'not ' : ''}waited for`);
    if (bytes.length >= GZIP_BYTES) this.check(headers.get('content-encoding') === 'gzip', 'B.1', `a playlist of ${bytes.length} bytes comes without gzip`);
  }

  /** §6.2.5.2: what is refused at once, and what is answered at once though it is over. */
  async checkDirectives() {
    const { media } = this;
    if (media.ended) return;
    const open = media.first + media.segments.length;
    for (const [query, status, what] of [
      [{ _HLS_msn: open + 100 }, 400, 'a segment that is more than two ahead'],
      [{ _HLS_msn: open, _HLS_part: 10000 }, 400, 'a part that is too far ahead'],
      [{ _HLS_part: 0 }, 400, 'a part without a segment'],
      [{ _HLS_msn: 0 }, 200, 'the first segment of all'],
    ]) {
      const answer = await request(withQuery(this.url, query));
      this.check(answer.status === status, '6.2.5.2', `answered ${answer.status} to ${JSON.stringify(query)}, ${what}, expected ${status}`);
      if (status === 200 && answer.status === 200) this.check(sequence(answer.bytes.toString()) >= media.first, '6.2.5.2', `was older when asked for ${what}`);
    }
  }

  /** One blocking reload, whole and as a delta; and the hinted part meanwhile. */
  async step() {
    const wanted = this.next();
    const hints = this.media.hints.map((h) => h.attributes);
    const hint = hints.find((h) => h.TYPE === 'PART');
    this.check(hint || this.media.ended, 'B.1', 'lists parts and hints no next one');
    const asked = performance.now();
    const hinted = hint && request(new URL(hint.URI, this.url)).then((answer) => this.takeHint(hint.URI, answer));
    const [whole, delta] = await Promise.all([
      request(withQuery(this.url, wanted)), request(withQuery(this.url, { ...wanted, _HLS_skip: 'YES' })), hinted,
    ]);
    if (whole.status !== 200 || delta.status !== 200) {
      this.refused.push(`${whole.status}/${delta.status} for ${JSON.stringify(wanted)}`);
      // Whoever sends is away: it has waited three target durations, as it should.
      const gaveUp = this.options.pauses && [whole, delta].every((a) => a.status === 503) && performance.now() - asked >= 3000 * this.media.target;
      this.check(gaveUp, '6.2.5.2', `answered ${whole.status} and ${delta.status} to ${JSON.stringify(wanted)}, the part after the last one`);
      return this.load();
    }
    const text = whole.bytes.toString();
    const known = new Map(this.known.lines);
    const before = this.media; const seen = this.seenAt;
    this.read(text);
    this.checkHeaders(whole, BLOCKED_TARGETS);
    if (performance.now() - seen < 1000 * this.media.target) await this.checkDropped(before);
    await this.checkDelta(text, delta.bytes.toString(), known);
    this.checkProgress(before, wanted);
    await this.fetchParts();
    return true;
  }

  /** §6.2.2: parts that are not listed any more can be had for three target durations. */
  async checkDropped(before) {
    const kept = new Set(this.media.segments.filter((s) => s.parts.length).map((s) => s.number));
    for (const segment of before.segments) {
      const [part] = segment.parts.filter((p) => p.GAP !== 'YES');
      if (!part || kept.has(segment.number)) continue;
      const { status } = await request(new URL(part.URI, this.url));
      this.check(status === 200, '6.2.2', `part '${part.URI}' was listed a moment ago, and is answered ${status}`);
    }
  }

  /** §6.2.5.1: what is nearer to the end than the Skip Boundary stays. */
  checkBoundary(delta) {
    const skipped = Number(/^#EXT-X-SKIP:.*SKIPPED-SEGMENTS=(\d+)/m.exec(delta)?.[1] ?? 0); const { media } = this;
    const left = [...media.segments.slice(skipped), ...media.openParts].reduce((sum, s) => sum + s.duration, 0);
    const boundary = Number(media.control['CAN-SKIP-UNTIL']);
    this.check(!skipped || left >= boundary - 0.01, '6.2.5.1', `skips ${skipped} segments up to ${left.toFixed(3)} s from the end, the Skip Boundary is ${boundary} s`);
  }

  async checkDelta(text, delta, known) {
    if (sequence(delta) !== sequence(text)) { // a segment has left between the two answers: then it has for all who ask now
      const most = Math.max(sequence(delta), sequence(text)); const isDelta = sequence(delta) < most;
      const { status, bytes } = await request(isDelta ? withQuery(this.url, { _HLS_skip: 'YES' }) : this.url);
      const now = sequence(bytes.toString());
      this.check(status !== 200 || now >= most, '6.2.5.1', `EXT-X-MEDIA-SEQUENCE is ${most} in the ${isDelta ? 'playlist' : 'delta update'}, and then ${now} in the ${isDelta ? 'delta update' : 'playlist'}`);
      return;
    }
    this.checkBoundary(delta);
    const merged = mergeDelta(delta, known, this.where, this.report);
    const last = (t) => [...t.matchAll(/^#EXT-X-(?:PART|PRELOAD-HINT):.*$/gm)].at(-1)?.[0];
    if (last(text) !== last(delta)) return; // another version by now
    const [a, b] = [canonical(text), canonical(merged)];
    const at = a.split('\n').findIndex((line, i) => line !== b.split('\n')[i]);
    this.check(a === b, '6.2.5.1', `the delta update is not the playlist: line ${at + 1} is '${b.split('\n')[at]}', expected '${a.split('\n')[at]}'`);
    if (delta.includes('#EXT-X-SKIP')) this.skipped = true;
  }

  checkProgress(before, wanted) {
    const { media } = this;
    if (media.ended) return;
    const open = media.first + media.segments.length;
    this.check(open > wanted._HLS_msn || media.openParts.length > wanted._HLS_part, '6.2.5.2', `was to come with part ${wanted._HLS_part} of segment ${wanted._HLS_msn}, ends at part ${media.openParts.length - 1} of ${open}`);
    this.check(media.first >= before.first, '6.2.2', `EXT-X-MEDIA-SEQUENCE went back from ${before.first} to ${media.first}`);
  }

  takeHint(uri, { status, bytes }) {
    if (status === 200) this.bytes.set(uri, bytes);
    else { this.refused.push(`${status} for ${uri}`); this.dropped = { uri, status }; }
  }

  async fetchParts() {
    const { media } = this;
    const { dropped } = this;
    this.dropped = undefined;
    const listed = [...media.segments.flatMap((s) => s.parts), ...media.openParts].filter((p) => p.GAP !== 'YES');
    if (dropped) this.check(!listed.some((p) => p.URI === dropped.uri), '6.2.6', `the hinted part '${dropped.uri}' is listed, and was answered ${dropped.status}`);
    for (const { URI } of listed) {
      if (this.bytes.has(URI)) continue;
      const { status, bytes } = await request(new URL(URI, this.url));
      if (this.check(status === 200, '6.2.1', `part '${URI}' is listed, and cannot be loaded: ${status}`)) this.bytes.set(URI, bytes);
    }
    for (const segment of media.segments) await this.checkWhole(segment);
  }

  /** A client may play one or the other: they are the same bytes. */
  async checkWhole(segment) {
    const uris = segment.parts.map((p) => p.URI);
    if (segment.gap || this.checked.has(segment.uri) || !uris.length || !uris.every((uri) => this.bytes.has(uri))) return;
    const { status, bytes } = await request(new URL(segment.uri, this.url));
    if (!this.check(status === 200, '6.2.1', `segment '${segment.uri}' is listed, and cannot be loaded: ${status}`)) return;
    this.check(Buffer.concat(uris.map((uri) => this.bytes.get(uri))).equals(bytes), '3.2', `the parts of '${segment.uri}' are not its bytes`);
    this.whole += 1;
    this.checked.add(segment.uri);
    for (const uri of uris) this.bytes.set(uri, null); // seen; its bytes are not needed any more
  }
}

/**
 * Follows every media playlist of a presentation with parts until @until({ followers })
 * says so, or all have ended. Returns the followers: { where, versions, whole, skipped, refused }.
 * options.pauses, looked at with each load: nothing new is expected, whoever sends is away.
 */
export async function followLowLatency(url, report, until, options = {}) {
  const { bytes } = await request(url);
  const { uris } = checkMultivariant(bytes, 'master.m3u8', report);
  const all = uris.map((uri) => new Follower(new URL(uri, url), report, options));
  const loaded = await Promise.all(all.map((f) => f.load()));
  const followers = all.filter((f, i) => loaded[i] && f.media.partTarget > 0);
  report.check(followers.length > 0, 'master.m3u8', '4.4.3.7', 'no playlist has parts');
  for (const follower of followers) {
    const others = uris.filter((uri) => !follower.url.pathname.endsWith(`/${uri}`)).map((uri) => new URL(uri, url).href).sort();
    const told = follower.media.reports.map((r) => new URL(r.attributes.URI, follower.url).href);
    const parted = new Set(followers.map((f) => f.url.href));
    for (const { attributes } of follower.media.reports) follower.check(follower.media.ended || !parted.has(new URL(attributes.URI, follower.url).href) || /^\d+$/.test(attributes['LAST-PART'] ?? ''), '4.4.5.4', `report of '${attributes.URI}', which has parts, without LAST-PART`);
    if (!follower.media.ended) for (const other of others) follower.check(told.filter((uri) => uri === other).length === 1, 'B.1', `has no EXT-X-RENDITION-REPORT of ${other}, or several`);
  }
  if (!options.pauses) await Promise.all(followers.map((follower) => follower.checkDirectives()));
  let stop = false;
  await Promise.all(followers.map(async (follower) => {
    while (!stop && !follower.media.ended && await follower.step()) stop ||= until(followers);
  }));
  return followers;
}

