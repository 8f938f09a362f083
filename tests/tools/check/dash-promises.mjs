// SPDX-License-Identifier: MIT
// What attributes and descriptors promise of the media of a Representation, and of
// those of one set together (ISO/IEC 23009-1 §5.3.3, §5.3.7, §5.8.5).
import { dash } from './dash-mpd.mjs';
import { scaled } from './dash-media.mjs';

/* Stamps in whole milliseconds make 30.3 pictures a second of 30. */
const RATE_TOLERANCE = 0.02;
const CICP = { ColourPrimaries: 'primaries', TransferCharacteristics: 'transfer', MatrixCoefficients: 'matrix' };
/* Whose sample entry says how many there are. */
const COUNTED = new Set(['mp4a', 'Opus', 'fLaC']);
/* ISO/IEC 23091-3 table 8: channels of a layout, of those that are in use. */
const CHANNELS = { 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 8: 2, 9: 3, 10: 4, 11: 7, 12: 8, 13: 24, 14: 8 };

/** 5.8.4.8, 5.8.5.4: colours and channels against those of the header. */
export function checkDescriptors(r, header) {
  const elements = [r.set.element, r.element];
  for (const { attributes } of elements.flatMap((e) => [...e.all('EssentialProperty'), ...e.all('SupplementalProperty')])) {
    const name = CICP[/^urn:mpeg:mpegB:cicp:(\w+)$/.exec(attributes.schemeIdUri)?.[1]];
    if (name && header.colours) r.check(Number(attributes.value) === header.colours[name], '5.8.4.8', `${attributes.schemeIdUri} ${attributes.value}, the header has ${header.colours[name]}`);
  }
  if (header.kind !== 'soun' || !COUNTED.has(header.entry)) return;
  for (const { attributes } of elements.flatMap((e) => e.all('AudioChannelConfiguration'))) {
    if (!/^urn:mpeg:(dash:23003:3:audio_channel_configuration:2011|mpegB:cicp:ChannelConfiguration)$/.test(attributes.schemeIdUri)) continue;
    r.check((CHANNELS[attributes.value] ?? header.channels) === header.channels, '5.8.5.4', `AudioChannelConfiguration ${attributes.value}, the header has ${header.channels} channels`);
  }
}

/** 5.3.7.2 @frameRate: that of the pictures, on average where it varies. */
function checkFrameRate(r, segments) {
  const list = segments.filter((s) => s.media.samples > 1);
  const [n, d = 1] = (r.attributes.frameRate ?? '').split('/').map(Number);
  if (r.set.type !== 'video' || r.set.isTrick || !(n > 0) || !list.length) return;
  const highest = Math.max(...list.map((s) => (s.media.samples - 1) * s.timescale / s.media.duration));
  const fastest = Math.max(...list.map((s) => s.timescale / s.media.shortest));
  r.check(highest <= n / d * (1 + RATE_TOLERANCE) && fastest >= 0.9 * n / d, '5.3.7.2', `@frameRate ${r.attributes.frameRate}, its segments have ${highest.toFixed(3)} pictures a second, the shortest one of ${fastest.toFixed(3)}`);
}

/** 5.3.9.2.2 @eptDelta: from @presentationTimeOffset to what is presented first in the Period. */
function checkDelta(r, [first], mpd) {
  const delta = r.template.eptDelta;
  if (delta === undefined || !first || mpd.isDynamic) return;
  const found = scaled(r, first).time - r.offset;
  r.check(Math.abs(found - Number(delta)) <= 1, '5.3.9.2.2', `@eptDelta ${delta}, the first segment begins ${found} after @presentationTimeOffset`);
}

/** Of the segments that were loaded, in order. */
export function checkMedia(r, segments, mpd) {
  checkFrameRate(r, segments);
  checkDelta(r, segments, mpd);
}

/** ISO/IEC 14496-12 annex I: of SAP type 1 the first picture in decoding order is shown first. */
export function checkAccess(r, { media, number }) {
  if (r.attributes.startWithSAP !== '1') return;
  r.check(media.begins === media.earliest, '5.3.7.2 and ISO/IEC 14496-12 annex I', `@startWithSAP 1, and segment ${number} shows a picture at ${media.earliest}, before its first one at ${media.begins}`);
}

/**
 * 5.3.3.2 @segmentAlignment: what ends a segment of one is not behind what begins the
 * next of another. @loaded: Representation -> its segments
 */
export function checkAlignment(set, loaded, report) {
  if (set.isTrick || set.element.attributes.segmentAlignment !== 'true') return;
  const edges = set.representations.filter((r) => loaded.get(r)?.length).map((r) => ({ r, list: loaded.get(r).map((s) => ({ number: s.number, start: r.start({ time: scaled(r, s).time }), end: r.start({ time: scaled(r, s).time + scaled(r, s).duration }), slack: set.type === 'video' ? 0.002 : s.media.longest / s.timescale })) }));
  for (const one of edges) {
    const ends = new Map(one.list.map((s) => [s.number, s]));
    for (const other of edges) {
      if (other === one) continue;
      for (const next of other.list) {
        const before = ends.get(next.number - 1);
        if (before) report.check(next.start >= before.end - Math.max(before.slack, next.slack), other.r.where, dash('5.3.3.2'), `@segmentAlignment, and segment ${next.number} begins at ${next.start.toFixed(4)} s, the one before it of '${one.r.id}' ends at ${before.end.toFixed(4)} s`);
      }
    }
  }
}
