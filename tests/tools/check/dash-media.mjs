// SPDX-License-Identifier: MIT
// What an MPD says of its media against the media: headers, times, durations,
// rates (ISO/IEC 23009-1, 23000-19).
import { dash, ROUNDING_S } from './dash-mpd.mjs';

/* Of a reference clock: what one chunk may be off the others. */
const REFERENCE_S = 1;

/** What @codecs, sizes and rates say against the header. */
export function checkInit(r, header) {
  const { attributes } = r; const { codecs } = header;
  r.check(codecs.some((c) => c.toUpperCase() === attributes.codecs?.toUpperCase() || c === 'stpp' && attributes.codecs?.startsWith('stpp')), '5.3.7.2', `@codecs '${attributes.codecs}', the header is of ${codecs.join(' or ')}`);
  r.check(header.brands.some((b) => /^(dash|cmf[c2]|iso[6-9a-c])$/.test(b)), '6.3.3', `header of brands ${header.brands}, expected cmfc`);
  const kind = { vide: 'video', soun: 'audio', text: 'text', subt: 'text', pict: 'image' }[header.kind];
  r.check(!r.set.type || kind === r.set.type || r.set.type === 'application' && kind === 'text', '5.3.3.2', `track of '${header.kind}' in a set of ${r.set.type}`);
  if (kind === 'audio' && attributes.audioSamplingRate && header.rate) r.check(header.rate > 0 && (Number(attributes.audioSamplingRate) === header.rate || Number(attributes.audioSamplingRate) === 2 * header.rate), '5.3.7.2', `@audioSamplingRate ${attributes.audioSamplingRate}, the header has ${header.rate}`);
  if (kind !== 'video' || !attributes.width) return;
  const [n, d] = (attributes.sar ?? '1:1').split(':').map(Number); const [hn, hd] = header.sar;
  const lies = Number(attributes.width) === header.height && Number(attributes.height) === header.width; // turned by the track's matrix
  r.check(lies || Number(attributes.width) === header.width && Number(attributes.height) === header.height, '5.3.7.2', `@width x @height ${attributes.width} x ${attributes.height}, the header has ${header.width} x ${header.height}`);
  r.check(n * hd === d * hn || lies && n * hn === d * hd, '5.3.7.2', `@sar ${attributes.sar ?? '1:1'}, the header has ${hn}:${hd}`);
}

/** Where the media of a segment begins and ends, in ticks of the Representation. */
export function scaled(r, segment) {
  const factor = r.timescale / segment.timescale;
  return { time: segment.media.earliest * factor, decode: segment.media.time * factor, duration: segment.media.duration * factor, sample: segment.media.longest * factor };
}

/** A segment that was loaded: @segment has { media, timescale, bits }. */
export function checkSegmentTimes(r, segment, isLast) {
  const { media, number } = segment; const { time, duration, sample } = scaled(r, segment);
  const isExact = r.timescale === segment.timescale; const at = isExact ? 0 : 1;
  if (segment.nominal) r.check(Math.abs(time - segment.time) <= 0.5 * segment.duration, '7.2.1', `segment ${number} begins at ${time} by its media, @duration puts it at ${segment.time}: more than half a segment off`);
  else {
    r.check(Math.abs(time - segment.time) <= at, '5.3.9.6', `segment ${number} begins at ${time} by its media (tfdt), the SegmentTimeline says ${segment.time}`);
    r.check(Math.abs(duration - segment.duration) <= (r.set.type === 'video' ? at : sample + at), '5.3.9.6', `segment ${number} lasts ${duration} by its media, the SegmentTimeline says ${segment.duration}`);
  }
  for (const brand of ['msdh', 'cmfs']) if (media.brands.length) r.check(media.brands.includes(brand), brand === 'msdh' ? '6.3.4.2' : '6.3.4.2 and ISO/IEC 23000-19 §7.3.3', `segment ${number} has brands ${media.brands}, expected '${brand}'`);
  r.check(!media.brands.includes('lmsg') || isLast, '6.3.4.2', `segment ${number} has brand 'lmsg', and others follow`);
  const sap = r.attributes.startWithSAP;
  if (sap === '1' || sap === '2') r.check(media.sync, '5.3.7.2', `@startWithSAP ${sap}, and segment ${number} does not begin with a sync sample`);
  if (media.index) r.check(media.index.time === media.earliest, '6.2.3.2', `segment ${number}: its sidx begins at ${media.index.time}, its media at ${media.earliest}`);
  if (!r.isWhole) checkChunks(r, segment);
}

/** Low latency: chunks as short as the MPD promises, each with its reference time. */
function checkChunks(r, segment) {
  const { media, number, timescale } = segment;
  const length = (r.nominal ?? segment.duration) / r.timescale; const most = length - r.early;
  const longest = Math.max(...media.chunks.map((c) => c.duration)) / timescale;
  r.check(longest <= most + media.longest / timescale + ROUNDING_S, '5.3.9.5.3', `segment ${number} has a chunk of ${longest.toFixed(4)} s, @availabilityTimeOffset promises ${most.toFixed(4)} s`);
  const resync = [r.element, r.set.element].flatMap((e) => e.all('Resync'))[0];
  if (resync?.attributes.dT) r.check(longest <= resync.number('dT') / r.timescale + media.longest / timescale + ROUNDING_S, '5.3.13', `segment ${number} has a chunk of ${longest.toFixed(4)} s, Resync@dT is ${resync.attributes.dT}`);
  const reference = [r.element, r.set.element].flatMap((e) => e.all('ProducerReferenceTime')).find((e) => e.attributes.inband === 'true');
  if (!reference) return;
  if (!r.check(media.references.length > 0, '5.12.3', `ProducerReferenceTime@inband, and segment ${number} has no prft box`)) return;
  const told = Date.parse(reference.attributes.wallClockTime) / 1000 - (Number(reference.attributes.presentationTime)) / r.timescale;
  for (const { ntp, time } of media.references) {
    const own = ntp - (time - segment.edit) / timescale; // media time is before the edit list
    r.check(Math.abs(own - told) <= REFERENCE_S, '5.12.3', `segment ${number}: a prft box is ${(own - told).toFixed(3)} s off the ProducerReferenceTime of the MPD`);
  }
}

/** Neighbours in decoding order: nothing missing, nothing twice (23000-19 §7.3.2.3). */
export function checkNeighbours(r, before, segment) {
  if (before.number !== segment.number - 1 || before.init !== segment.init) return;
  const end = before.media.time + before.media.duration;
  const isGap = !segment.nominal && segment.time > before.time + before.duration;
  r.check(segment.media.time === end || isGap && segment.media.time > end, '7.2.1 and ISO/IEC 23000-19 §7.3.2.3', `segment ${segment.number} is decoded at ${segment.media.time}, the one before ends at ${end}`);
}

/** 5.3.5.4: @bandwidth and @minBufferTime are enough for the segments, begun at any. */
export function checkBandwidth(r, segments, minBuffer) {
  for (let i = 0; i < segments.length; i++) {
    let bits = 0; let seconds = 0;
    for (let k = i; k < segments.length && (k === i || segments[k].number === segments[k - 1].number + 1); k++) {
      bits += segments[k].bits; seconds += segments[k].media.duration / segments[k].timescale;
      if (bits <= r.bandwidth * (seconds + minBuffer) * 1.001) continue;
      r.check(false, '5.3.5.4', `@bandwidth ${r.bandwidth}: segments ${segments[i].number} to ${segments[k].number} have ${bits} bits for ${seconds.toFixed(3)} s, and @minBufferTime is ${minBuffer} s`);
      return;
    }
  }
}
