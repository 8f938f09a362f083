// SPDX-License-Identifier: MIT
// A whole HLS presentation: its playlists against each other, and against the
// media that they list; and, looked at again and again, against what they said
// before.
import { checkHeader, checkSegment } from './cmaf.mjs';
import { compareDateRanges } from './hls-date-ranges.mjs';
import { checkLowLatency } from './hls-low-latency.mjs';
import { IFrames } from './hls-i-frames.mjs';
import { checkMedia, readRange } from './hls-media.mjs';
import { checkMultivariant } from './hls-multivariant.mjs';
import { checkCaptions, checkWebvtt, isWebvtt } from './hls-webvtt.mjs';
import { checkTransport, checkTransports, isTransport } from './hls-ts.mjs';
import { checkVariantMedia } from './hls-variant.mjs';
import { checkStartWithin } from './hls-whole.mjs';
import { read } from './source.mjs';

/* EXTINF has microseconds at least. */
const ROUNDING_S = 0.001;

/** Follows one media playlist through its loads. */
class Rendition {
  constructor(url, report) {
    this.url = url;
    this.where = url.pathname.split('/').slice(-2).join('/');
    this.report = report;
    this.segments = new Map(); // number -> { uri, duration, ... }
    this.headers = new Map(); // URI -> header
    this.removed = []; // { url, until }
  }

  check(holds, clause, text) { return this.report.check(holds, this.where, clause, text); }

  async load(now) {
    const bytes = await read(this.url);
    if (!this.check(bytes, '6.2.1', 'is listed and cannot be loaded')) return;
    const media = checkMedia(bytes, this.where, this.report);
    checkLowLatency(media, this.report);
    if (this.media) this.compare(media);
    this.media = media;
    this.seenAt = now;
    for (const segment of media.segments) {
      if (this.segments.has(segment.number)) continue;
      this.segments.set(segment.number, segment);
      this.loaded = now;
      if (!segment.gap) await this.checkContent(segment);
    }
    this.checkClock();
  }

  /** §6.2.1, §6.2.2: what may change between two loads. What is there no more left at the earliest when it was seen last. */
  compare(media) {
    const before = this.media;
    this.check(media.target === before.target, '6.2.1', `EXT-X-TARGETDURATION changed from ${before.target} to ${media.target}`);
    this.check(media.partTarget === before.partTarget, '4.4.3.7', `PART-TARGET changed from ${before.partTarget} to ${media.partTarget}`);
    this.check(media.first >= before.first, '6.2.2', `EXT-X-MEDIA-SEQUENCE went back from ${before.first} to ${media.first}`);
    this.check(media.firstDiscontinuity >= before.firstDiscontinuity, '6.2.2', `EXT-X-DISCONTINUITY-SEQUENCE went back from ${before.firstDiscontinuity} to ${media.firstDiscontinuity}`);
    this.check(!before.type || media.first === before.first, '6.2.1', `segments ${before.first} to ${media.first - 1} of an ${before.type} playlist were removed`);
    this.check(!before.ended || (media.ended && media.segments.length === before.segments.length), '6.2.1', 'changed behind EXT-X-ENDLIST');
    compareDateRanges(before.dateRanges, media.dateRanges, media, this.report);
    for (const segment of media.segments) {
      const known = this.segments.get(segment.number);
      if (!known) continue;
      for (const what of ['uri', 'duration', 'discontinuity', 'gap', 'map'])
        this.check(known[what] === segment[what], '6.2.1', `segment ${segment.number}: ${what} changed from ${known[what]} to ${segment[what]}`);
    }
    for (const segment of before.segments) {
      if (segment.number >= media.first || segment.gap) continue;
      const length = before.segments.reduce((sum, s) => sum + s.duration, 0);
      this.removed.push({ url: new URL(segment.uri, this.url), until: this.seenAt + (segment.duration + length) * 1000 });
    }
  }

  async checkContent(segment) {
    const { uri } = segment;
    const range = readRange(segment.range);
    const bytes = await read(new URL(uri, this.url), range);
    if (bytes && range) this.report.check(bytes.length === range.length, segment.at, '4.4.4.2', `bytes ${segment.range} of '${uri}' are not all there`);
    if (!this.report.check(bytes, segment.at, '6.2.1', `segment '${uri}' is listed and cannot be loaded`)) return;
    if (isTransport(uri)) {
      segment.bits = bytes.length * 8;
      segment.transport = checkTransport(bytes, `${this.where} ${uri}`, this.report);
      return;
    }
    if (isWebvtt(uri)) segment.webvtt = checkWebvtt(bytes, `${this.where} ${uri}`, this.report);
    if (!segment.map) return;
    segment.bits = bytes.length * 8;
    const mapRange = segment.mapTag.attributes.BYTERANGE;
    const map = mapRange ? `${segment.map} ${mapRange}` : segment.map;
    if (!this.headers.has(map)) {
      const header = await read(new URL(segment.map, this.url), readRange(mapRange));
      if (mapRange) this.check(header?.length === readRange(mapRange)?.length, '4.4.4.5', `BYTERANGE ${mapRange} of '${segment.map}' is not all there`);
      this.headers.set(map, header && checkHeader(header, `${this.where} ${segment.map}`, this.report));
      this.check(header, '4.4.4.5', `header '${segment.map}' is listed and cannot be loaded`);
    }
    const header = this.headers.get(map);
    if (!header) return;
    segment.media = checkSegment(bytes, header, `${this.where} ${uri}`, this.report);
    segment.timescale = header.timescale;
    segment.kind = header.kind;
  }

  inOrder() { return [...this.segments.values()].sort((a, b) => a.number - b.number); }

  /** The clock of the media against the durations told, and without holes. */
  checkClock() {
    checkTransports(this.inOrder(), this.report);
    let before; let off = 0;
    for (const segment of this.inOrder()) {
      const { media, timescale, duration, at } = segment;
      if (!media || segment.seen) { before = segment; continue; }
      segment.seen = true;
      off = media.duration / timescale - duration;
      const slack = segment.kind === 'vide' ? ROUNDING_S : 2048 / timescale + ROUNDING_S; // sound is not cut within a frame
      this.report.check(Math.abs(off) <= slack, at, '4.4.4.1', `EXTINF ${duration}, the media lasts ${(media.duration / timescale).toFixed(4)} s`);
      if (this.media.independent && segment.kind === 'vide') this.report.check(media.sync, at, '4.4.2.1', 'EXT-X-INDEPENDENT-SEGMENTS, and it does not begin with a sync sample');
      if (before?.media && !segment.begins && before.number === segment.number - 1) {
        const end = before.media.time + before.media.duration;
        this.report.check(media.time === end, at, '4.4.4.3', `is decoded at ${media.time}, the one before ends at ${end}, and there is no EXT-X-DISCONTINUITY`);
      }
      before = segment;
    }
  }

  /** Something new within 1.5 target durations; told once per pause. */
  checkPause(now, periodMs) {
    const { media, loaded } = this;
    if (!media || media.ended) return;
    const isLate = now - loaded > media.target * 1500 + periodMs;
    this.check(!isLate || this.isLate, '6.2.1', `no new segment for ${now - loaded} ms, expected one within 1.5 target durations`);
    this.isLate = isLate;
  }

  /** What left the playlist must stay as long as a client may still want it. */
  async checkRemoved(now) {
    for (const { url, until } of this.removed) if (now < until) this.check(await read(url), '6.2.2', `removed segment '${url.pathname.split('/').at(-1)}' is gone too early`);
    this.removed = this.removed.filter((r) => r.until > now);
  }
}

export class Presentation {
  constructor(url, report) {
    this.url = url;
    this.report = report;
    this.where = url.pathname.split('/').at(-1);
    this.renditions = new Map();
    this.iFrames = new Map();
  }

  get ended() { return [...this.renditions.values()].every((r) => r.media?.ended); }

  async load(now = Date.now()) {
    const bytes = await read(this.url);
    if (!this.report.check(bytes, this.where, '6.2.1', `cannot be loaded from ${this.url}`)) return;
    this.multivariant = checkMultivariant(bytes, this.where, this.report);
    const loaded = [];
    for (const uri of this.multivariant.uris) {
      if (!this.renditions.has(uri)) this.renditions.set(uri, new Rendition(new URL(uri, this.url), this.report));
      await this.renditions.get(uri).load(now);
      loaded.push(this.renditions.get(uri));
    }
    for (const uri of this.multivariant.iFrameUris) {
      if (!this.iFrames.has(uri)) this.iFrames.set(uri, new IFrames(new URL(uri, this.url), this.report));
      await this.iFrames.get(uri).load();
    }
    this.compare(loaded.filter((r) => r.media));
    this.checkText(loaded.filter((r) => r.media));
    for (const { media } of loaded) if (media) checkStartWithin(media, this.multivariant.start, this.report);
    for (const variant of this.multivariant.variants) checkVariantMedia(variant, this.multivariant.renditions, this.renditions, this.report);
  }

  /** §6.2.4: what must be the same in all. */
  compare(renditions) {
    const [head] = renditions;
    if (!head) return;
    const same = (what, clause, of) => {
      for (const r of renditions) this.report.check(JSON.stringify(of(r.media)) === JSON.stringify(of(head.media)), r.where, clause, `${what} is ${JSON.stringify(of(r.media))}, ${head.where} has ${JSON.stringify(of(head.media))}`);
    };
    same('EXT-X-TARGETDURATION', '6.2.4', (m) => m.target);
    same('EXT-X-PLAYLIST-TYPE', '6.2.4', (m) => m.type);
    same('whether there is EXT-X-PROGRAM-DATE-TIME', '6.2.4', (m) => m.dated);
    same('EXT-X-DATERANGE', 'house rule', (m) => [...m.dateRanges]);
    same('EXT-X-SERVER-CONTROL', '6.2.4', (m) => m.control);
    // §4.4.3.8: part targets may differ; the hold back is of the longest, and in all the same.
    for (const { media, where } of this.iFrames.values()) {
      if (!media) continue;
      this.report.check(JSON.stringify(media.control) === JSON.stringify(head.media.control), where, '6.2.4', `EXT-X-SERVER-CONTROL is ${JSON.stringify(media.control)}, ${head.where} has ${JSON.stringify(head.media.control)}`);
      this.report.check(media.dated === head.media.dated || !media.segments.length, where, '6.2.4', 'EXT-X-PROGRAM-DATE-TIME is in this playlist or in the others only');
      this.report.check(media.ended === head.media.ended || !head.media.ended, where, '6.2.1', 'has no EXT-X-ENDLIST, the others have');
    }
    for (const r of renditions) {
      for (const segment of r.media.segments) {
        const theirs = head.segments.get(segment.number);
        if (!theirs) continue;
        this.report.check(theirs.discontinuity === segment.discontinuity, segment.at, '6.2.4', `discontinuity sequence ${segment.discontinuity} of segment ${segment.number}, ${head.where} has ${theirs.discontinuity}`);
        if (segment.date !== undefined && theirs.date !== undefined) this.report.check(Math.abs(segment.date - theirs.date) <= theirs.duration * 500, segment.at, '6.2.4', `segment ${segment.number} is dated ${segment.date - theirs.date} ms off ${head.where}`);
      }
    }
  }

  /** §3.1.4: text against the media that it is shown with, of the same numbers. */
  checkText(renditions) {
    const timing = renditions.find((r) => [...r.segments.values()].some((s) => s.media && s.kind === 'vide')) ?? renditions.find((r) => [...r.segments.values()].some((s) => s.media));
    for (const rendition of renditions) {
      const segments = [...rendition.segments.values()].filter((s) => s.webvtt).sort((a, b) => a.number - b.number);
      for (const segment of segments) {
        const theirs = timing?.segments.get(segment.number);
        if (!theirs?.media) continue;
        segment.start = theirs.media.time / theirs.timescale;
        segment.end = segment.start + theirs.media.duration / theirs.timescale;
      }
      checkCaptions(segments, this.report);
    }
  }

  /** Loads again and again until @isOver() or all has ended. @options.pauses, looked at with each load: nothing new is expected, whoever sends is away. */
  async follow(isOver, options = {}) {
    const { periodMs = 500 } = options;
    while (!isOver() && !this.ended) {
      await new Promise((resolve) => { setTimeout(resolve, periodMs); });
      const now = Date.now();
      await this.load(now);
      for (const rendition of this.renditions.values()) {
        await rendition.checkRemoved(now);
        if (!options.pauses) rendition.checkPause(now, periodMs);
      }
    }
  }
}
