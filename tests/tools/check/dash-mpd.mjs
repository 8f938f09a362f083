// SPDX-License-Identifier: MIT
// The rules of one MPD by itself (ISO/IEC 23009-1), without its media: what is in
// it as plain objects, and whether that fits together.
import { checkLatency } from './dash-latency.mjs';
import { checkProfiles } from './dash-profile.mjs';

export const dash = (clause) => `ISO/IEC 23009-1 §${clause}`;
/* MPDs have microseconds. */
export const ROUNDING_S = 0.000_002;

const ROLES = new Set(['caption', 'subtitle', 'main', 'alternate', 'supplementary', 'commentary', 'dub', 'description', 'sign', 'metadata', 'enhanced-audio-intelligibility', 'emergency', 'forced-subtitle', 'easyreader', 'karaoke']);
const PROFILES = /^urn:mpeg:dash:profile:(full|isoff-(on-demand|live|main|ext-live|ext-on-demand|broadcast)|cmaf|[\w-]+):\d{4}$/;
const TIMING = new Set(['ntp', 'sntp', 'http-head', 'http-xsdate', 'http-iso', 'http-ntp', 'direct'].map((name) => `urn:mpeg:dash:utc:${name}:2014`));
const CONTENT = { video: /^(video|image)\//, audio: /^audio\//, text: /^(text|application)\//, image: /^image\//, application: /^application\// };

/** The S elements as segments { number, time, duration }, in ticks (5.3.9.6). */
function expand(timeline, first, end, where, report) {
  const segments = []; let number = first; let at = 0;
  const rows = timeline.all('S');
  rows.forEach((row, i) => {
    const d = row.number('d'); const repeat = row.number('r', 0); const begins = row.number('t', at);
    report.check(d > 0, where, dash('5.3.9.6'), 'an S element with @d 0');
    report.check(begins >= at, where, dash('5.3.9.6'), `an S element begins at ${begins}, the one before ends at ${at}: segments overlap`);
    report.check(repeat >= -1, where, dash('5.3.9.6'), `an S element with @r ${repeat}`);
    number = row.number('n', number);
    const until = repeat < 0 ? rows[i + 1]?.number('t') ?? end : undefined;
    if (!(d > 0) || !report.check(repeat >= 0 || until !== undefined, where, dash('5.3.9.6'), 'an S element repeats without end, and the Period has none')) return;
    at = begins;
    for (let k = 0; repeat < 0 ? at < until : k <= repeat; k++, at += d) segments.push({ number: number++, time: at, duration: d });
  });
  return segments;
}

const fill = (template, id, bandwidth, segment) => template.replace(/\$(RepresentationID|Number|Bandwidth|Time|)(?:%0(\d+)d)?\$/g, (_, name, width) => {
  const value = { '': '$', RepresentationID: id, Bandwidth: bandwidth, Number: segment?.number, Time: segment?.time }[name];
  return String(value).padStart(Number(width ?? 0), '0');
});

/** 5.3.9.4.4: which identifiers a template may have. */
function checkTemplate(text, isMedia, where, report) {
  const rest = text.replace(/\$(RepresentationID|((Number|Bandwidth|Time)(%0\d+d)?)|)\$/g, '');
  report.check(!rest.includes('$'), where, dash('5.3.9.4.4'), `template '${text}' has an unknown identifier`);
  const names = [...text.matchAll(/\$(Number|Time)/g)].map((m) => m[1]);
  report.check(!isMedia || new Set(names).size === 1, where, dash('5.3.9.4.4'), `media template '${text}', expected one of $Number$ and $Time$`);
  report.check(isMedia || !names.length, where, dash('5.3.9.4.2'), `initialization template '${text}' has $Number$ or $Time$`);
  report.check(!/^([a-z][a-z0-9+.-]*:|\/)/i.test(text), where, 'RFC 3986 §4.2', `'${text}' is not relative: another server cannot take the presentation over`);
}

/** Attributes of SegmentTemplate, from the Period down (5.3.9.1). */
function inherit(elements, name) { return Object.assign({}, ...elements.map((e) => e.one(name)?.attributes ?? {})); }

class Representation {
  constructor(element, set, period, mpd, report) {
    const { attributes } = element; const { where } = mpd;
    this.element = element; this.set = set; this.period = period;
    this.id = attributes.id; this.where = `${where} Period '${period.id}' Representation '${this.id}'`;
    this.report = report;
    this.bandwidth = Number(attributes.bandwidth);
    this.attributes = { ...set.element.attributes, ...attributes };
    const template = inherit([period.element, set.element, element], 'SegmentTemplate');
    this.timeline = [element, set.element, period.element].map((e) => e.one('SegmentTemplate')?.one('SegmentTimeline')).find(Boolean);
    this.template = template; this.hasTemplate = Boolean(template.media);
    this.timescale = Number(template.timescale ?? 1); this.offset = Number(template.presentationTimeOffset ?? 0);
    this.early = template.availabilityTimeOffset === 'INF' ? Infinity : Number(template.availabilityTimeOffset ?? 0);
    this.isWhole = template.availabilityTimeComplete !== 'false';
    this.nominal = template.duration === undefined ? undefined : Number(template.duration);
    this.first = Number(template.startNumber ?? 1);
    this.segments = [];
    this.check(this.bandwidth > 0, '5.3.5.2', `@bandwidth ${attributes.bandwidth}`);
    this.index = element.one('SegmentBase');
    if (this.index) this.readIndexed(element);
    this.list = element.one('SegmentList');
    if (this.list) this.timescale = this.list.number('timescale', 1);
    if (this.hasTemplate) this.readTemplate(report);
    else this.check(element.one('SegmentBase') || element.one('SegmentList') || element.one('BaseURL'), '5.3.9.1', 'has no segments');
  }

  check(holds, clause, text) { return this.report.check(holds, this.where, dash(clause), text); }

  /** 5.3.9.2, 8.3: one file with its index. */
  readIndexed(element) {
    this.file = element.one('BaseURL')?.text?.trim();
    this.timescale = this.index.number('timescale', 1); this.offset = this.index.number('presentationTimeOffset', 0);
    this.indexRange = this.index.attributes.indexRange; this.headerRange = this.index.one('Initialization')?.attributes.range;
    this.check(this.file, '5.6.4', 'a SegmentBase without a BaseURL of its own');
    this.check(/^\d+-\d+$/.test(this.indexRange ?? ''), '5.3.9.2.2', `SegmentBase@indexRange ${this.indexRange}`);
    this.check(/^\d+-\d+$/.test(this.headerRange ?? ''), '5.3.9.2.2', `Initialization@range ${this.headerRange}`);
  }

  readTemplate(report) {
    const { template } = this;
    this.check((this.nominal === undefined) !== (this.timeline === undefined), '5.3.9.2.1', 'expected either SegmentTemplate@duration or a SegmentTimeline');
    this.check(this.timescale > 0, '5.3.9.2.2', `@timescale ${template.timescale}`);
    checkTemplate(template.media, true, this.where, report);
    const isImage = this.set.element.attributes.contentType === 'image'; // each is whole by itself
    if (!isImage && this.check(template.initialization, '5.3.9.4.2', 'has no initialization')) {
      checkTemplate(template.initialization, false, this.where, report);
      this.init = fill(template.initialization, this.id, this.bandwidth);
    }
    if (this.timeline) this.segments = expand(this.timeline, this.first, undefined, this.where, report);
    this.uri = (segment) => fill(template.media, this.id, this.bandwidth, segment);
  }

  /** On the timeline of the MPD, in s. */
  start(segment) { return this.period.start + (segment.time - this.offset) / this.timescale; }

  end(segment) { return this.period.start + (segment.time + segment.duration - this.offset) / this.timescale; }

  /** Wall clock of 5.3.9.5.3, in s since 1970, from which a segment can be loaded (in part, where it is not whole). */
  availableAt(segment, mpd) { return mpd.availabilityStart + this.end(segment) - this.early; }

  /** Those of a template with @duration that are there at a wall clock, in the time shift buffer. */
  numbered(mpd, now) {
    if (this.nominal === undefined) return this.segments;
    const length = this.nominal / this.timescale; const elapsed = now - mpd.availabilityStart - this.period.start;
    const over = mpd.isDynamic ? Math.floor((Math.min(elapsed, this.period.end - this.period.start) + 1e-6) / length) : Math.ceil((this.period.end - this.period.start) / length - 1e-6);
    const begin = mpd.isDynamic ? Math.max(0, Math.ceil((elapsed - (mpd.depth ?? elapsed)) / length)) : 0;
    return Array.from({ length: Math.max(0, over - begin) }, (_, i) => ({ number: this.first + begin + i, time: this.offset + (begin + i) * this.nominal, duration: this.nominal, nominal: true }));
  }
}

class AdaptationSet {
  constructor(element, period, mpd, report) {
    const { attributes } = element;
    this.element = element; this.id = attributes.id; this.period = period;
    this.where = `${mpd.where} Period '${period.id}' AdaptationSet '${this.id ?? period.sets.length}'`;
    this.report = report;
    this.representations = element.all('Representation').map((e) => new Representation(e, this, period, mpd, report));
    this.isTrick = element.all('EssentialProperty').some((p) => p.attributes.schemeIdUri === 'http://dashif.org/guidelines/trickmode');
    this.check(this.representations.length > 0, '5.3.3.1', 'has no Representation');
    this.checkAttributes();
    this.checkRepresentations();
    if (!this.isTrick) this.checkAlignment();
  }

  check(holds, clause, text) { return this.report.check(holds, this.where, dash(clause), text); }

  checkAttributes() {
    const { attributes } = this.element; const type = attributes.contentType;
    for (const { where, attributes: own } of this.representations) {
      if (this.report.check(own.mimeType, where, dash('5.3.7.2'), 'has no @mimeType, nor has its set') && type) this.report.check(CONTENT[type]?.test(own.mimeType), where, dash('5.3.3.2'), `@mimeType '${own.mimeType}' in a set of @contentType '${type}'`);
      if (/^(video|audio)\//.test(own.mimeType)) this.report.check(own.codecs, where, dash('5.3.7.2'), 'has no @codecs');
    }
    this.type = type ?? this.representations[0]?.attributes.mimeType?.split('/')[0];
    for (const role of this.element.all('Role')) if (role.attributes.schemeIdUri === 'urn:mpeg:dash:role:2011') this.check(ROLES.has(role.attributes.value), '5.8.5.5', `Role '${role.attributes.value}' is none`);
    if (attributes.lang) this.check(/^[a-z]{2,8}(-[a-z0-9]{1,8})*$/i.test(attributes.lang), '5.3.3.2', `@lang '${attributes.lang}' is no language tag (RFC 5646)`);
    if (this.type === 'audio') for (const r of this.representations) this.report.check(r.element.one('AudioChannelConfiguration') ?? this.element.one('AudioChannelConfiguration'), r.where, dash('5.8.5.4'), 'audio without AudioChannelConfiguration');
  }

  /** What is switched between must be alike, and within the bounds of its set (5.3.3.2). */
  checkRepresentations() {
    const { attributes } = this.element; const [head] = this.representations;
    const rate = (text) => { const [n, d] = (text ?? '').split('/'); return Number(n) / Number(d ?? 1); };
    for (const r of this.representations) {
      const family = (codecs) => (codecs ?? '').split('.')[0].replace(/^avc[13]$/, 'avc').replace(/^h[ev][cv]1$/, 'hevc');
      this.report.check(family(r.attributes.codecs) === family(head.attributes.codecs), r.where, dash('5.3.3.1'), `codec '${r.attributes.codecs}' in a set with '${head.attributes.codecs}': players cannot switch`);
      for (const [own, most] of [['width', 'maxWidth'], ['height', 'maxHeight']]) if (attributes[most] && r.attributes[own]) this.report.check(Number(r.attributes[own]) <= Number(attributes[most]), r.where, dash('5.3.3.2'), `@${own} ${r.attributes[own]}, the set has @${most} ${attributes[most]}`);
      if (attributes.maxFrameRate && r.attributes.frameRate) this.report.check(rate(r.attributes.frameRate) <= rate(attributes.maxFrameRate) + 1e-9, r.where, dash('5.3.3.2'), `@frameRate ${r.attributes.frameRate}, the set has @maxFrameRate ${attributes.maxFrameRate}`);
      if (this.type === 'video' && !this.isTrick) for (const name of ['width', 'height']) this.report.check(Number(r.attributes[name]) > 0, r.where, dash('5.3.7.2'), `video without @${name}`);
    }
    const best = (name) => Math.max(0, ...this.representations.map((r) => Number(r.attributes[name] ?? 0)));
    for (const [own, most] of [['width', 'maxWidth'], ['height', 'maxHeight']]) if (attributes[most] && best(own)) this.check(best(own) === Number(attributes[most]), '5.3.3.2', `@${most} ${attributes[most]}, the largest is ${best(own)}`);
  }

  /** 5.3.3.2 @segmentAlignment: no segment of one overlaps two of another. */
  checkAlignment() {
    const aligned = this.element.attributes.segmentAlignment; const [head] = this.representations;
    if (aligned === undefined || aligned === 'false' || !head) return;
    const edges = (r) => new Map(r.segments.map((s) => [s.number, r.start(s)]));
    const theirs = edges(head);
    for (const r of this.representations.slice(1)) {
      this.report.check((r.nominal ?? 0) * head.timescale === (head.nominal ?? 0) * r.timescale, r.where, dash('5.3.3.2'), '@segmentAlignment, and its segment duration is another');
      for (const [number, start] of edges(r)) if (theirs.has(number)) this.report.check(Math.abs(start - theirs.get(number)) < 0.5 / Math.min(r.timescale, head.timescale) + ROUNDING_S, r.where, dash('5.3.3.2'), `@segmentAlignment, and segment ${number} begins at ${start} s, in '${head.id}' at ${theirs.get(number)} s`);
    }
  }
}

class Period {
  constructor(element, mpd, report) {
    this.element = element; this.id = element.attributes.id; this.start = element.seconds('start'); this.sets = [];
    this.where = `${mpd.where} Period '${this.id}'`;
    for (const set of element.all('AdaptationSet')) this.sets.push(new AdaptationSet(set, this, mpd, report));
  }

  get representations() { return this.sets.flatMap((set) => set.representations); }
}

export class Mpd {
  constructor(root, where, report) {
    this.root = root; this.where = where; this.report = report;
    this.isDynamic = root.attributes.type === 'dynamic';
    this.availabilityStart = root.date('availabilityStartTime'); this.published = root.date('publishTime');
    this.depth = root.seconds('timeShiftBufferDepth'); this.updatePeriod = root.seconds('minimumUpdatePeriod');
    this.duration = root.seconds('mediaPresentationDuration'); this.longest = root.seconds('maxSegmentDuration');
    this.checkAttributes();
    this.readPeriods();
    this.checkPeriods();
    this.checkSegments();
    for (const timing of root.all('UTCTiming')) this.check(TIMING.has(timing.attributes.schemeIdUri), '5.8.5.7', `UTCTiming of scheme '${timing.attributes.schemeIdUri}', which is none`);
    checkLatency(this, report);
    checkProfiles(this, report);
  }

  check(holds, clause, text) { return this.report.check(holds, this.where, dash(clause), text); }

  get representations() { return this.periods.flatMap((p) => p.representations); }

  checkAttributes() {
    const { attributes } = this.root;
    for (const profile of (attributes.profiles ?? '').split(',')) this.check(PROFILES.test(profile) || /^http:|^urn:(?!mpeg:dash)/.test(profile), '8.1', `profile '${profile}' is none`);
    if (this.isDynamic) {
      this.check(this.availabilityStart !== undefined, '5.3.1.2', 'dynamic without @availabilityStartTime');
      this.check(this.published !== undefined, '5.3.1.2', 'dynamic without @publishTime');
      this.check(this.updatePeriod !== undefined || this.duration !== undefined, '5.3.1.2', 'has neither @minimumUpdatePeriod nor @mediaPresentationDuration');
      for (const name of ['availabilityStartTime', 'publishTime']) if (attributes[name]) this.check(/(Z|[+-]\d\d:\d\d)$/.test(attributes[name]), '5.3.1.2', `@${name} '${attributes[name]}' has no time zone`);
      this.check(!(this.published < this.availabilityStart - 1), '5.3.1.2', '@publishTime is before @availabilityStartTime');
    } else {
      for (const name of ['minimumUpdatePeriod', 'timeShiftBufferDepth', 'suggestedPresentationDelay']) this.check(attributes[name] === undefined, '5.3.1.2', `static with @${name}`);
      this.check(this.duration > 0 || this.root.all('Period').at(-1)?.attributes.duration, '5.3.1.2', 'static without @mediaPresentationDuration');
    }
    this.check(this.root.seconds('minBufferTime') > 0, '5.3.1.2', `@minBufferTime '${attributes.minBufferTime}'`);
    this.check(this.root.seconds('suggestedPresentationDelay') === undefined || this.depth === undefined || this.root.seconds('suggestedPresentationDelay') <= this.depth + (this.longest ?? 0), '5.3.1.2', '@suggestedPresentationDelay is more than @timeShiftBufferDepth');
  }

  readPeriods() {
    this.periods = [];
    let start = this.isDynamic ? undefined : 0; let length;
    for (const element of this.root.all('Period')) {
      // 5.3.2.1: by itself, or behind the one before when that tells how long it is.
      if (element.attributes.start === undefined && (length !== undefined || !this.periods.length) && start !== undefined) element.attributes.start = `PT${start + (length ?? 0)}S`;
      this.check(element.attributes.start !== undefined, '5.3.2.1', `Period '${element.attributes.id}' has no start`);
      const period = new Period(element, this, this.report);
      this.periods.push(period);
      start = period.start; length = element.seconds('duration');
    }
    this.periods.forEach((period, i) => {
      const told = period.element.seconds('duration');
      period.end = this.periods[i + 1]?.start ?? (told !== undefined ? period.start + told : this.duration ?? Infinity);
      if (told !== undefined && this.periods[i + 1]) this.report.check(period.start + told <= period.end + ROUNDING_S, period.where, dash('5.3.2.1'), 'lasts longer than until the next one');
    });
  }

  checkPeriods() {
    const ids = this.periods.map((p) => p.id);
    if (this.isDynamic) for (const p of this.periods) this.report.check(p.id !== undefined, p.where, dash('5.3.2.2'), 'dynamic, and a Period has no @id');
    this.check(new Set(ids).size === ids.length, '5.3.2.2', `Periods share an @id (${ids})`);
    if (!this.isDynamic) this.check(this.periods[0]?.start === 0, '5.3.2.2', `static, and the first Period starts at ${this.periods[0]?.start} s`);
    this.periods.forEach((period, i) => {
      this.report.check(i === 0 || period.start > this.periods[i - 1].start, period.where, dash('5.3.2.1'), 'starts before the one before it, or with it');
      this.report.check(period.sets.length > 0 || period.element.seconds('duration') === 0 || this.isDynamic && i === this.periods.length - 1, period.where, dash('5.3.2.2'), 'has no AdaptationSet');
      const names = period.representations.map((r) => r.id);
      this.report.check(new Set(names).size === names.length, period.where, dash('5.3.5.2'), `Representations share an @id (${names})`);
      const sets = period.sets.map((s) => s.id).filter(Boolean);
      this.report.check(new Set(sets).size === sets.length, period.where, dash('5.3.3.2'), `AdaptationSets share an @id (${sets})`);
      for (const set of period.sets) this.checkContinuity(set, i);
    });
  }

  /** 5.3.2.4: what continues another Period has its headers, and its media time runs on. */
  checkContinuity(set, index) {
    for (const property of set.element.all('SupplementalProperty')) {
      const { schemeIdUri, value } = property.attributes;
      if (!/^urn:mpeg:dash:period-(continuity|connectivity):2015$/.test(schemeIdUri)) continue;
      const before = this.periods.slice(0, index).find((p) => p.id === value);
      // The Period that is meant may have left the window.
      if (!before) { set.check(index === 0, '5.3.2.4', `continues Period '${value}', which is not there`); continue; }
      const other = before.sets.find((s) => s.id === set.id);
      if (!other) continue;
      set.check(other.type === set.type && other.element.attributes.lang === set.element.attributes.lang, '5.3.2.4', `is other content than set '${set.id}' of Period '${value}', which it continues`);
      for (const r of set.representations) {
        const theirs = other.representations.find((o) => o.id === r.id);
        if (!theirs || !r.hasTemplate) continue;
        const shift = r.offset / r.timescale - theirs.offset / theirs.timescale - (set.period.start - before.start);
        if (schemeIdUri.includes('continuity')) r.check(Math.abs(shift) <= 1 / r.timescale + ROUNDING_S, '5.3.2.4', `continues Period '${value}', and its media time is ${shift.toFixed(6)} s off`);
        r.check(r.init === theirs.init, '5.3.2.4', `continues Period '${value}' with another header`);
      }
    }
  }

  /** Where its segments lie: in their Period, in the time shift buffer, not before their time. */
  checkSegments() {
    for (const r of this.representations) {
      // Sheets of thumbnails do not count (nor do they in DASH-IF's own): players take @maxSegmentDuration off the live edge.
      if (this.longest !== undefined && r.set.type !== 'image') for (const s of r.segments) r.check(s.duration / r.timescale <= this.longest + 0.5 + ROUNDING_S, '5.3.1.2', `segment ${s.number} lasts ${s.duration / r.timescale} s, @maxSegmentDuration is ${this.longest} s`);
      for (const s of r.segments) {
        r.check(r.start(s) < r.period.end, '5.3.2.1', `segment ${s.number} begins at ${r.start(s)} s, the Period ends at ${r.period.end} s`);
        r.check(r.end(s) > r.period.start, '5.3.2.1', `segment ${s.number} ends at ${r.end(s)} s, the Period begins at ${r.period.start} s`);
      }
    }
    const all = this.representations.flatMap((r) => r.segments.map((s) => ({ start: r.start(s), end: r.end(s), r })));
    if (!all.length) return;
    const end = Math.max(...all.map((s) => s.end)); const start = Math.min(...all.map((s) => s.start));
    if (!this.isDynamic && this.duration !== undefined) this.check(Math.abs(end - this.duration) < 1.5, '5.3.1.2', `@mediaPresentationDuration ${this.duration} s, the media ends at ${end.toFixed(3)} s`);
    if (!this.isDynamic || this.depth === undefined || start <= 0.5 || !this.periods[0].representations.every((r) => r.timeline)) return;
    // What a last Period counts by the clock is there up to now.
    const edge = this.periods.at(-1).representations.some((r) => r.nominal !== undefined) ? this.published - this.availabilityStart : end;
    this.check(edge - start >= this.depth - (this.longest ?? 0) - 0.5, '5.3.1.2', `@timeShiftBufferDepth ${this.depth} s, and only ${(edge - start).toFixed(3)} s are listed`);
  }
}
