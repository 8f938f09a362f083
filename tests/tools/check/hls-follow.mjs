// SPDX-License-Identifier: MIT
// Follows low-latency playlists as a player does, by blocking reloads, and holds
// each version against those before (§6.2.1, §6.2.5, §6.2.6): nothing that was
// told is taken back, a delta update is the whole playlist, hints come true, and
// the parts of a segment are the segment.
import { canonical, dateRanges, endOf, mergeDateRanges, mergeDelta, sequence, splitSegments } from './hls-delta.mjs';
import { checkPartAnswer, checkPlaylistAnswer, checkRefusal } from './hls-delivery.mjs';
import { checkLowLatency } from './hls-low-latency.mjs';
import { checkMedia } from './hls-media.mjs';
import { checkMultivariant } from './hls-multivariant.mjs';
import { Parts } from './hls-parts.mjs';
import { Reported } from './hls-reports.mjs';
import { request } from './source.mjs';

const withQuery = (url, query) => new URL(`?${new URLSearchParams(query)}`, url);

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
    this.reported = new Reported();
    this.others = new Map(); // URL -> Follower, of those that reports are of
    this.parts = new Parts(url, this.where, report);
    this.bytes = new Map(); // URI of a part -> its bytes
    this.seenParts = new Set(); // URIs of parts whose media was looked at
    this.checked = new Set(); // segments whose parts were compared
    this.ranges = []; // lines of date ranges, as told last
    this.rangesSeen = new Map(); // line of a date range -> when it was first there
    this.refused = [];
    this.versions = 0;
    this.whole = 0;
  }

  check(holds, clause, text) { return this.report.check(holds, this.where, clause, text); }

  now() { return (this.options.now ?? (() => performance.now()))(); }

  /** One answer to a request that was sent when things were as told() said. */
  read(text, { told, least }) {
    const media = checkMedia(Buffer.from(text), this.where, this.report);
    checkLowLatency(media, this.report);
    this.known.compare(media, text);
    this.reported.read(media, told, this.where, this.report);
    for (const report of media.reports) {
      const url = new URL(report.attributes.URI, this.url).href;
      if (!media.ended) this.others.get(url)?.reported.check(report, least.get(url), this.where, this.report);
    }
    this.media = media;
    this.seenAt = this.now();
    this.ranges = dateRanges(text);
    for (const line of this.ranges) if (!this.rangesSeen.has(line)) this.rangesSeen.set(line, this.seenAt);
    this.versions += 1;
    return media;
  }

  /** What is known of all playlists before a request is sent: its answer cannot be older. */
  told() { return { told: this.reported.told, least: new Map([...this.others].map(([url, other]) => [url, other.reported.before])) }; }

  /** The part after the last one, as a player asks for it. */
  next() {
    return { _HLS_msn: this.media.first + this.media.segments.length, _HLS_part: this.media.openParts.length };
  }

  async load() {
    const told = this.told();
    const answer = await request(this.url);
    if (!this.check(answer.status === 200, '6.2.1', `is listed, and cannot be loaded: ${answer.status}`)) return false;
    this.read(answer.bytes.toString(), told);
    this.checkAnswer(answer, false);
    return true;
  }

  checkAnswer(answer, hasWaited) {
    if (!this.media.ended) checkPlaylistAnswer(answer, { target: this.media.target, hasWaited }, this.where, this.report);
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
      // A part past the last one of a segment that has ended meanwhile is the first of the next one.
      const hasEnded = answer.status === 200 && endOf(answer.bytes.toString()) > query._HLS_msn;
      this.check(answer.status === status || query._HLS_part > 0 && hasEnded, '6.2.5.2', `answered ${answer.status} to ${JSON.stringify(query)}, ${what}, expected ${status}`);
      if (answer.status >= 400) checkRefusal(answer, { target: media.target, what }, this.where, this.report);
      if (status === 200 && answer.status === 200) this.check(sequence(answer.bytes.toString()) >= media.first, '6.2.5.2', `was older when asked for ${what}`);
    }
  }

  /** What a client may ask of a server with these EXT-X-SERVER-CONTROL attributes (§4.4.3.8). */
  skips() { const { control } = this.media; return control['CAN-SKIP-UNTIL'] === undefined ? [] : ['YES', ...control['CAN-SKIP-DATERANGES'] === 'YES' ? ['v2'] : []]; }

  /** One blocking reload, whole and as deltas; and the hinted part meanwhile. */
  async step() {
    const wanted = this.next(); const told = this.told(); const skips = this.skips();
    const hints = this.media.hints.map((h) => h.attributes);
    const hint = hints.find((h) => h.TYPE === 'PART');
    this.check(hint || this.media.ended, 'B.1', 'lists parts and hints no next one');
    const asked = this.now();
    const hinted = hint && request(new URL(hint.URI, this.url)).then((answer) => this.takeHint(hint.URI, answer));
    const [whole, ...deltas] = await Promise.all([
      request(withQuery(this.url, wanted)), ...skips.map((skip) => request(withQuery(this.url, { ...wanted, _HLS_skip: skip }))), hinted,
    ]);
    if (hinted) deltas.pop();
    const refused = [whole, ...deltas].filter((answer) => answer.status !== 200);
    if (refused.length) return this.takeRefusal(refused, wanted, this.now() - asked);
    const text = whole.bytes.toString();
    const known = new Map(this.known.lines); const { ranges } = this;
    const before = this.media; const seen = this.seenAt;
    this.read(text, told);
    this.checkAnswer(whole, true);
    this.checkPause(seen);
    if (this.now() - seen < 1000 * this.media.target) await this.checkDropped(before);
    for (const [i, delta] of deltas.entries()) await this.checkDelta(text, delta.bytes.toString(), { known, ranges, skip: skips[i], asked });
    this.checkProgress(before, wanted);
    await this.fetchParts();
    return true;
  }

  takeRefusal(refused, wanted, waited) {
    const { target } = this.media; const statuses = refused.map((answer) => answer.status).join(' and ');
    this.refused.push(`${statuses} for ${JSON.stringify(wanted)}`);
    // Whoever sends is away: it has waited three target durations, as it should.
    const gaveUp = this.options.pauses && refused.every((a) => a.status === 503) && waited >= 3000 * target;
    this.check(gaveUp, '6.2.5.2', `answered ${statuses} to ${JSON.stringify(wanted)}, the part after the last one`);
    for (const answer of refused) checkRefusal(answer, { target, what: JSON.stringify(wanted) }, this.where, this.report);
    return this.load();
  }

  /**
   * §6.2.1 has a part follow within one part target. That is judged for who asks for
   * it (options.inTime), and by the target duration: an answer has its way, too.
   */
  checkPause(seen) {
    const waited = (this.now() - seen) / 1000;
    if (this.options.inTime && !this.options.pauses) this.check(waited <= this.media.target, '6.2.1', `no new part for ${waited.toFixed(1)} s, expected one within ${this.media.partTarget} s`);
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

  /** @said: what was known before: lines of segments, date ranges; what was asked for, and when */
  async checkDelta(text, delta, said) {
    if (sequence(delta) !== sequence(text)) { await this.checkSequences(text, delta); return; }
    checkMedia(Buffer.from(delta), `${this.where}?_HLS_skip=${said.skip}`, this.report);
    this.checkBoundary(delta);
    this.checkSkippedRanges(delta, said);
    const merged = mergeDelta(delta, said.known, this.where, this.report);
    const last = (t) => [...t.matchAll(/^#EXT-X-(?:PART|PRELOAD-HINT):.*$/gm)].at(-1)?.[0];
    if (last(text) !== last(delta)) return; // another version by now
    const [a, b] = [canonical(text), canonical(merged, { dateRanges: mergeDateRanges(delta, said.ranges) })];
    const at = a.split('\n').findIndex((line, i) => line !== b.split('\n')[i]);
    this.check(a === b, '6.2.5.1', `the delta update (${said.skip}) is not the playlist: line ${at + 1} is '${b.split('\n')[at]}', expected '${a.split('\n')[at]}'`);
    if (delta.includes('#EXT-X-SKIP')) this.skipped = true;
    if (/^#EXT-X-SKIP:.*RECENTLY-REMOVED-DATERANGES/m.test(delta)) this.skippedRanges = true;
  }

  /** A segment has left between the two answers: then it has for all who ask now. */
  async checkSequences(text, delta) {
    const most = Math.max(sequence(delta), sequence(text)); const isDelta = sequence(delta) < most;
    const { status, bytes } = await request(isDelta ? withQuery(this.url, { _HLS_skip: 'YES' }) : this.url);
    const now = sequence(bytes.toString());
    this.check(status !== 200 || now >= most, '6.2.5.1', `EXT-X-MEDIA-SEQUENCE is ${most} in the ${isDelta ? 'playlist' : 'delta update'}, and then ${now} in the ${isDelta ? 'delta update' : 'playlist'}`);
  }

  /** §4.4.5.2, §6.2.5.1: what v2 adds to a delta, and takes from it. */
  checkSkippedRanges(delta, { skip, asked }) {
    const [tag] = /^#EXT-X-SKIP:.*$/m.exec(delta) ?? [];
    if (!tag) return;
    const hasRemoved = tag.includes('RECENTLY-REMOVED-DATERANGES="');
    this.check(hasRemoved === (skip === 'v2'), '4.4.5.2', `EXT-X-SKIP ${hasRemoved ? 'with' : 'without'} RECENTLY-REMOVED-DATERANGES, and _HLS_skip is ${skip}`);
    if (skip !== 'v2') return;
    const boundary = 1000 * Number(this.media.control['CAN-SKIP-UNTIL']);
    const slack = 1000 * this.media.target; // until the next version
    for (const line of dateRanges(delta)) this.check(!(asked - this.rangesSeen.get(line) > boundary + slack), '6.2.5.1', `the delta update (v2) has a date range that was there ${((asked - this.rangesSeen.get(line)) / 1000).toFixed(1)} s before, the Skip Boundary is ${boundary / 1000} s: ${line}`);
  }

  checkProgress(before, wanted) {
    const { media } = this;
    if (media.ended) return;
    const open = media.first + media.segments.length;
    this.check(open > wanted._HLS_msn || media.openParts.length > wanted._HLS_part, '6.2.5.2', `was to come with part ${wanted._HLS_part} of segment ${wanted._HLS_msn}, ends at part ${media.openParts.length - 1} of ${open}`);
    this.check(media.first >= before.first, '6.2.2', `EXT-X-MEDIA-SEQUENCE went back from ${before.first} to ${media.first}`);
  }

  takeHint(uri, answer) {
    const { status } = answer; const { target } = this.media;
    if (status === 200) { this.bytes.set(uri, answer.bytes); checkPartAnswer(answer, { target, uri }, this.where, this.report); return; }
    this.refused.push(`${status} for ${uri}`);
    this.dropped = { uri, status };
  }

  async fetchParts() {
    const { media } = this; const { dropped } = this;
    this.dropped = undefined;
    const listed = this.parts.list(media);
    if (dropped) this.check(!listed.some(({ part }) => part.URI === dropped.uri), '6.2.6', `the hinted part '${dropped.uri}' is listed, and was answered ${dropped.status}`);
    for (const one of listed) await this.fetchPart(one);
    for (const segment of media.segments) await this.checkWhole(segment);
  }

  /** Each part once, its media too; who hinted it has it already. */
  async fetchPart(one) {
    const { URI } = one.part;
    if (this.seenParts.has(URI)) return;
    if (!this.bytes.has(URI)) {
      const answer = await request(new URL(URI, this.url));
      if (!this.check(answer.status === 200, '6.2.1', `part '${URI}' is listed, and cannot be loaded: ${answer.status}`)) return;
      checkPartAnswer(answer, { target: this.media.target, uri: URI }, this.where, this.report);
      this.bytes.set(URI, answer.bytes);
    }
    this.seenParts.add(URI);
    await this.parts.checkMedia(one, this.bytes.get(URI));
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
 * options.inTime: that parts come in time is a rule, too; options.now: the clock, in ms.
 */
export async function followLowLatency(url, report, until, options = {}) {
  const { bytes } = await request(url);
  const { uris } = checkMultivariant(bytes, 'master.m3u8', report);
  const all = uris.map((uri) => new Follower(new URL(uri, url), report, options));
  const loaded = await Promise.all(all.map((f) => f.load()));
  const followers = all.filter((f, i) => loaded[i] && f.media.partTarget > 0);
  report.check(followers.length > 0, 'master.m3u8', '4.4.3.7', 'no playlist has parts');
  for (const one of followers) for (const other of followers) if (one !== other) one.others.set(other.url.href, other);
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

