// SPDX-License-Identifier: MIT
// The rules of low latency in an MPD: ISO/IEC 23009-1 (availability time offset,
// producer reference time, resync points, annex K) and DASH-IF's "Low-latency
// Modes for DASH".
const dash = (clause) => `ISO/IEC 23009-1 §${clause}`;
const IOP = 'DASH-IF Low-latency Modes §9.X.4';

function checkDescription(description, mpd, report) {
  const references = new Set(mpd.root.all('Period').flatMap((p) => p.all('AdaptationSet')).flatMap((set) => [set, ...set.all('Representation')]).flatMap((e) => e.all('ProducerReferenceTime')).map((e) => e.attributes.id));
  for (const latency of description.all('Latency')) {
    const [target, min, max] = ['target', 'min', 'max'].map((name) => latency.number(name));
    report.check(target > 0, mpd.where, dash('K.3.2'), 'Latency without @target');
    report.check(!(min > target) && !(target > max), mpd.where, dash('K.3.2'), `Latency of @min ${min}, @target ${target}, @max ${max}`);
    if (mpd.depth !== undefined) report.check(!(target / 1000 > mpd.depth), mpd.where, dash('K.3.2'), `Latency@target ${target} ms is farther from live than the ${mpd.depth} s of @timeShiftBufferDepth`);
    const { referenceId } = latency.attributes;
    if (referenceId !== undefined) report.check(references.has(referenceId), mpd.where, dash('K.3.2'), `Latency@referenceId ${referenceId} is no ProducerReferenceTime`);
  }
  for (const rate of description.all('PlaybackRate')) report.check(!(rate.number('min') > 1) && !(rate.number('max') < 1), mpd.where, dash('K.3.3'), `PlaybackRate from ${rate.attributes.min} to ${rate.attributes.max}`);
}

function checkReference(reference, set, mpd, report) {
  const { attributes } = reference; const wall = Date.parse(attributes.wallClockTime) / 1000;
  report.check(!Number.isNaN(wall), set.where, dash('5.12.2'), `ProducerReferenceTime@wallClockTime '${attributes.wallClockTime}' is no xs:dateTime`);
  const [r] = set.representations;
  if (!r || attributes.type === 'application') return;
  const told = mpd.availabilityStart + r.period.start + (Number(attributes.presentationTime) - r.offset) / r.timescale;
  // A segment that is coded when it is available was captured before.
  report.check(wall <= told + 1, set.where, dash('5.12.2'), `ProducerReferenceTime says ${(wall - told).toFixed(3)} s after the media is available`);
}

/** Of an Mpd; its media comes later. */
export function checkLatency(mpd, report) {
  const { root } = mpd;
  for (const description of [root, ...root.all('Period')].flatMap((e) => e.all('ServiceDescription'))) checkDescription(description, mpd, report);
  for (const set of mpd.periods.flatMap((p) => p.sets)) for (const e of [set.element, ...set.element.all('Representation')]) for (const reference of e.all('ProducerReferenceTime')) checkReference(reference, set, mpd, report);
  const early = mpd.representations.filter((r) => r.early > 0 && r.early < Infinity);
  for (const r of mpd.representations) {
    r.check(r.isWhole || r.early > 0, '5.3.9.5.3', '@availabilityTimeComplete false without @availabilityTimeOffset');
    r.check(!(r.early < 0), '5.3.9.5.3', `@availabilityTimeOffset ${r.early}`);
    const length = r.nominal === undefined ? Math.max(0, ...r.segments.map((s) => s.duration)) : r.nominal;
    if (!r.isWhole && length) r.check(r.early < length / r.timescale, '5.3.9.5.3', `@availabilityTimeOffset ${r.early}, a segment lasts ${length / r.timescale} s: nothing of it is there yet`);
    for (const resync of [r.set.element, r.element].flatMap((e) => e.all('Resync'))) {
      report.check(resync.number('type', 0) <= 6, r.where, dash('5.3.13'), `Resync@type ${resync.attributes.type}`);
      if (resync.attributes.dT !== undefined && length) report.check(resync.number('dT') <= length * 1.5, r.where, dash('5.3.13'), `Resync@dT ${resync.attributes.dT} is longer than a segment of ${length}`);
    }
  }
  if (!early.some((r) => !r.isWhole)) return;
  report.check(mpd.isDynamic, mpd.where, IOP, 'segments are available before they are whole, and the MPD is not dynamic');
  report.check(root.one('UTCTiming'), mpd.where, IOP, 'low latency without UTCTiming');
  report.check(root.one('ServiceDescription')?.one('Latency'), mpd.where, IOP, 'low latency without ServiceDescription/Latency');
  for (const r of early) report.check([r.set.element, r.element].some((e) => e.one('ProducerReferenceTime')), r.where, IOP, 'low latency without ProducerReferenceTime');
}
