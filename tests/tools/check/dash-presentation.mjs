// SPDX-License-Identifier: MIT
// A whole DASH presentation: its MPD, the media it lists, its clock; and, looked
// at again and again, against what it said before (ISO/IEC 23009-1 §5.4).
import { checkHeader, checkSegment } from './cmaf.mjs';
import { Arrivals } from './dash-arrival.mjs';
import { checkBandwidth, checkInit, checkNeighbours, checkSegmentTimes } from './dash-media.mjs';
import { checkIndexed } from './dash-index.mjs';
import { checkMessages, compareEvents } from './dash-messages.mjs';
import { dash, Mpd, ROUNDING_S } from './dash-mpd.mjs';
import { checkAccess, checkAlignment, checkDescriptors, checkMedia } from './dash-promises.mjs';
import { checkTiles, isTiled } from './dash-tiles.mjs';
import { checkTrick } from './dash-trick.mjs';
import { readMpd } from './dash-xml.mjs';
import { fetchDate, read } from './source.mjs';

/* How far clocks of one machine are apart, a turn of a main loop included. */
const CLOCK_S = 1.5;

export class Presentation {
  constructor(url, report) {
    this.url = url; this.report = report;
    this.where = url.pathname.split('/').at(-1);
    this.isRemote = url.protocol !== 'file:';
    this.headers = new Map(); // URI -> header
    this.segments = new Map(); // URI -> segment
    this.listed = new Map(); // Period and Representation -> Map of number -> { time, duration, uri }
    this.periods = new Map(); // id -> what must not change
    this.removed = []; // { url, until }
    this.cut = new Set(); // URIs of segments that ended before they were whole, once
    this.events = new Map(); // id of a Period -> what its EventStreams said
    this.arrivals = new Arrivals(url, read);
  }

  check(holds, clause, text) { return this.report.check(holds, this.where, dash(clause), text); }

  get minBuffer() { return this.mpd.root.seconds('minBufferTime'); }

  get ended() { return this.mpd !== undefined && !this.mpd.isDynamic; }

  async load(asked = Date.now() / 1000) {
    const began = performance.now();
    const bytes = await read(this.url);
    const now = asked + (performance.now() - began) / 1000; // when the answer was there
    if (!this.check(bytes, '5.2.1', `cannot be loaded from ${this.url}`)) return;
    if (this.bytes && bytes.equals(this.bytes)) { await this.loadMedia(this.mpd, now); return; }
    const root = readMpd(bytes, this.where, this.report);
    if (!this.check(root, '5.3.1.1', 'has no MPD element')) return;
    const mpd = new Mpd(root, this.where, this.report);
    if (mpd.isDynamic) this.checkNow(mpd, now);
    if (this.mpd) this.compare(mpd);
    this.remember(mpd, now);
    this.compareEvents(mpd);
    this.mpd = mpd; this.bytes = bytes; this.changed = now;
    await this.checkTiming(mpd, now);
    await this.loadMedia(mpd, now);
  }

  /** By the wall clock: nothing is told before it can be true (5.3.9.5.3). */
  checkNow(mpd, now) {
    if (!this.isRemote) return;
    this.check(mpd.published <= now + CLOCK_S, '5.3.1.2', `@publishTime is ${(mpd.published - now).toFixed(3)} s from now`);
    for (const r of mpd.representations) for (const s of r.segments) r.check(r.availableAt(s, mpd) <= now + CLOCK_S + s.duration / r.timescale, '5.3.9.5.3', `segment ${s.number} is listed ${(r.availableAt(s, mpd) - now).toFixed(3)} s before it is available`);
  }

  /** 5.4: what an update may not change. */
  compare(mpd) {
    const before = this.mpd;
    this.check(before.isDynamic || !mpd.isDynamic, '5.4.1', 'was static and is dynamic');
    if (mpd.isDynamic) {
      this.check(mpd.availabilityStart === before.availabilityStart, '5.4.1', `@availabilityStartTime changed from ${before.root.attributes.availabilityStartTime} to ${mpd.root.attributes.availabilityStartTime}`);
      this.check(mpd.published > before.published, '5.4.1', `changed, and @publishTime went from ${before.root.attributes.publishTime} to ${mpd.root.attributes.publishTime}`);
    }
    this.check(mpd.root.attributes.profiles === before.root.attributes.profiles, '5.4.1', '@profiles changed');
    const ids = mpd.periods.map((p) => p.id); const kept = before.periods.map((p) => p.id).filter((id) => ids.includes(id));
    this.check(kept.join() === ids.slice(0, kept.length).join(), '5.4.1', `Periods were ${before.periods.map((p) => p.id)} and are ${ids}`);
    for (const period of mpd.periods) this.comparePeriod(period, mpd);
  }

  comparePeriod(period, mpd) {
    const known = this.periods.get(period.id);
    if (!known) {
      this.report.check(![...this.periods.values()].some((p) => p.start > period.start + ROUNDING_S), period.where, dash('5.4.1'), 'is new, and not behind those that were there');
      return;
    }
    // A static MPD begins at 0, and with it its first Period; what is in it stays where it was.
    this.report.check(Math.abs(known.start - period.start) <= ROUNDING_S || !mpd.isDynamic && period === mpd.periods[0], period.where, dash('5.4.1'), `start changed from ${known.start} to ${period.start} s`);
    for (const r of period.representations) {
      const was = known.representations.get(r.id);
      if (was) {
        for (const what of ['init', 'timescale', 'set', 'codecs']) r.check(was[what] === this.traits(r)[what], '5.4.1', `${what} changed from ${was[what]} to ${this.traits(r)[what]}`);
        if (r.nominal !== undefined && was.nominal !== undefined) for (const what of ['nominal', 'first', 'offset']) r.check(was[what] === this.traits(r)[what], '5.4.1', `${{ nominal: '@duration', first: '@startNumber', offset: '@presentationTimeOffset' }[what]} changed from ${was[what]} to ${this.traits(r)[what]}`);
      }
      const listed = this.listed.get(`${period.id}/${r.id}`);
      if (r.segments.length === 0 || !listed) continue;
      const last = Math.max(...listed.keys());
      for (const s of r.segments) {
        const theirs = listed.get(s.number);
        if (theirs) r.check(Math.abs(theirs.shown - r.start(s)) <= ROUNDING_S + 1 / r.timescale, '5.4.1', `segment ${s.number} was shown at ${theirs.shown} s, and is at ${r.start(s)} s`);
        if (theirs) for (const what of ['time', 'duration']) r.check(theirs[what] === s[what], '5.4.1', `segment ${s.number}: ${what} changed from ${theirs[what]} to ${s[what]}`);
        else r.check(s.number > last, '5.4.1', `segment ${s.number} is new, and ${last} was the last`);
      }
    }
  }

  compareEvents(mpd) {
    for (const period of mpd.periods) {
      if (!this.events.has(period.id)) this.events.set(period.id, new Map());
      compareEvents(this.events.get(period.id), period, this.report);
    }
  }

  traits(r) { return { init: r.init, timescale: r.timescale, set: r.set.id, codecs: r.attributes.codecs, nominal: r.nominal, first: r.first, offset: r.offset }; }

  remember(mpd, now) {
    const there = new Set(mpd.representations.flatMap((r) => r.segments.map((s) => r.uri(s))));
    for (const period of mpd.periods) {
      const known = this.periods.get(period.id) ?? { start: period.start, representations: new Map() };
      this.periods.set(period.id, known);
      for (const r of period.representations) {
        known.representations.set(r.id, this.traits(r));
        const key = `${period.id}/${r.id}`; const listed = this.listed.get(key) ?? new Map();
        this.listed.set(key, listed);
        for (const s of r.segments) listed.set(s.number, { time: s.time, duration: s.duration, shown: r.start(s) });
      }
    }
    // 5.3.9.5.3: there until its availability end time, which moves with the time shift buffer.
    for (const r of this.mpd?.representations ?? []) {
      for (const s of r.segments) {
        if (there.has(r.uri(s)) || !this.mpd.isDynamic || this.mpd.depth === undefined) continue;
        this.removed.push({ url: new URL(r.uri(s), this.url), until: this.mpd.availabilityStart + r.end(s) + this.mpd.depth });
      }
    }
    this.removed = this.removed.filter((r) => r.until > now);
  }

  /** A clock that the MPD names tells the time (5.8.5.7). */
  async checkTiming(mpd, now) {
    if (this.clocked || !this.isRemote) return;
    this.clocked = true;
    for (const { attributes } of mpd.root.all('UTCTiming')) {
      const [, kind] = /^urn:mpeg:dash:utc:([\w-]+):2014$/.exec(attributes.schemeIdUri) ?? [];
      if (!['http-head', 'http-iso', 'http-xsdate'].includes(kind)) continue;
      const told = await fetchDate(new URL(attributes.value.split(' ')[0], this.url), kind === 'http-head').catch(() => NaN);
      const slack = kind === 'http-head' ? CLOCK_S + 1 : CLOCK_S; // Date has seconds
      this.check(Math.abs(told / 1000 - Date.now() / 1000) <= slack, '5.8.5.7', `UTCTiming ${kind} '${attributes.value}' says ${told}, the time is ${Math.round(now * 1000)}`);
    }
  }

  async loadMedia(mpd, now) {
    for (const r of mpd.representations.filter((one) => one.list && one.set.isTrick)) await checkTrick(r, this);
    for (const r of mpd.representations.filter((one) => one.index && one.file && one.indexRange && one.headerRange)) await checkIndexed(r, this);
    for (const r of mpd.representations.filter((one) => one.hasTemplate && isTiled(one))) await checkTiles(r, this);
    const all = new Map();
    for (const r of mpd.representations.filter((one) => one.hasTemplate && one.init && !isTiled(one))) {
      const header = await this.loadHeader(r);
      if (!header) continue;
      const whole = mpd.isDynamic ? r.numbered(mpd, Math.min(now, this.isRemote ? now : mpd.published)) : r.numbered(mpd, now);
      const loaded = [];
      if (mpd.isDynamic && this.isRemote) await this.arrivals.checkOldest(r, mpd, now);
      for (const segment of whole) { const own = await this.loadSegment(r, segment, header); if (own) loaded.push(own); }
      loaded.forEach((s, i) => {
        if (s.seen) return;
        s.seen = true;
        const isLast = !mpd.isDynamic && r.period === mpd.periods.at(-1) && i === loaded.length - 1;
        checkSegmentTimes(r, s, isLast || mpd.isDynamic && i === loaded.length - 1);
        checkMessages(r, s);
        checkAccess(r, s);
        if (i > 0) checkNeighbours(r, loaded[i - 1], s);
      });
      checkBandwidth(r, loaded, this.minBuffer);
      checkMedia(r, loaded, mpd);
      all.set(r, loaded);
    }
    for (const set of mpd.periods.flatMap((p) => p.sets)) checkAlignment(set, all, this.report);
  }

  async loadHeader(r) {
    if (!this.headers.has(r.init)) {
      const bytes = await read(new URL(r.init, this.url));
      r.check(bytes, '5.3.9.5.2', `header '${r.init}' is listed and cannot be loaded`);
      this.headers.set(r.init, bytes && checkHeader(bytes, `${r.where} ${r.init}`, this.report));
    }
    const header = this.headers.get(r.init);
    if (header && !header.checked) { header.checked = true; checkInit(r, header); checkDescriptors(r, header); }
    return header;
  }

  async loadSegment(r, listed, header) {
    const uri = r.uri(listed);
    if (this.segments.has(uri)) return this.segments.get(uri);
    let isCut = false;
    const bytes = await read(new URL(uri, this.url), undefined, () => { isCut = true; });
    // Its packager died while it grew: the next version of the MPD does not have it.
    if (isCut && !this.cut.has(uri)) { this.cut.add(uri); return undefined; }
    if (!r.check(bytes, '5.3.9.5.3', `segment '${uri}' is available and cannot be loaded`)) return undefined;
    const media = checkSegment(bytes, header, `${r.where} ${uri}`, this.report);
    const segment = media && { ...listed, media, timescale: header.timescale, edit: header.edit, bits: bytes.length * 8, init: r.init };
    this.segments.set(uri, segment);
    return segment;
  }

  /** What left the MPD stays until its availability end time. */
  async checkRemoved(now) {
    for (const { url, until } of this.removed) if (now < until) this.check(await read(url), '5.3.9.5.3', `segment '${url.pathname.split('/').at(-1)}' is gone before its availability end time`);
    this.removed = this.removed.filter((r) => r.until > now);
  }

  /** Something new within an update period and a segment; told once per pause. */
  checkPause(now) {
    if (!this.mpd?.isDynamic || this.mpd.representations.some((r) => r.nominal !== undefined)) return;
    const isLate = now - this.changed > this.mpd.updatePeriod + 1.5 * (this.mpd.longest ?? 0) + 1;
    this.check(!isLate || this.isLate, '5.4.1', `no update for ${(now - this.changed).toFixed(1)} s, @minimumUpdatePeriod is ${this.mpd.updatePeriod} s`);
    this.isLate = isLate;
  }

  /** Loads again and again until @isOver() or the presentation has ended. @options.pauses, looked at with each load: nothing new is expected, whoever sends is away. */
  async follow(isOver, options = {}) {
    const { periodMs = 500 } = options;
    while (!isOver() && !this.ended) {
      await new Promise((resolve) => { setTimeout(resolve, periodMs); });
      const now = Date.now() / 1000;
      await this.load(now);
      await this.checkRemoved(now);
      if (options.pauses) continue;
      this.checkPause(now);
      if (this.isRemote && this.mpd?.isDynamic) for (const r of this.mpd.periods.at(-1).representations) this.arrivals.ask(r, this.mpd, Date.now() / 1000);
    }
    await this.arrivals.finish();
  }
}
