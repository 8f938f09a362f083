// SPDX-License-Identifier: MIT
// What a multivariant playlist says of its variants (§4.4.6.1, §4.4.6.2) against
// their media: rates of bits and pictures, codecs, sizes, colours, channels.
import { checkTransportCodecs } from './hls-ts.mjs';

const ENTRY_OF = { avc1: /^avc1/, hvc1: /^hvc1/, hev1: /^hev1/, av01: /^av01/, vp09: /^vp09/, mp4a: /^mp4a/, Opus: /^Opus$/, fLaC: /^fLaC$/, 'ac-3': /^ac-3$/, 'ec-3': /^ec-3$/, wvtt: /^wvtt$/, stpp: /^stpp/ };
/* Of Apple's HLS Authoring Specification: by how much a rate of bits may be off. */
const TOLERANCE = 0.1;
/* Of pictures: stamps in whole milliseconds make 30.3 of 30. */
const FRAMES_TOLERANCE = 0.02;
/* Above which a rate of pictures has to be told. */
const USUAL_RATE = 30;
/* In whose sample entry the count of channels is what it says. */
const COUNTED = new Set(['mp4a', 'Opus', 'fLaC']);

const clause = '4.4.6.2';

/** §3: of a media playlist the bit rates of all contiguous sets of half to one and a half target durations. */
function peakOf({ media, segments }) {
  const list = [...segments.values()].filter((s) => s.bits && !s.gap).sort((a, b) => a.number - b.number);
  let peak = 0;
  list.forEach((_, from) => {
    let bits = 0; let seconds = 0;
    for (let i = from; i < list.length && list[i].number === list[from].number + i - from; i++) {
      bits += list[i].bits; seconds += list[i].duration;
      if (seconds > 1.5 * media.target) break;
      if (seconds >= 0.5 * media.target) peak = Math.max(peak, bits / seconds);
    }
  });
  return peak;
}

function averageOf({ segments }) {
  const list = [...segments.values()].filter((s) => s.bits && !s.gap);
  return list.reduce((sum, s) => sum + s.bits, 0) / Math.max(list.reduce((sum, s) => sum + s.duration, 0), 1e-9);
}

/** The largest sum of any playable combination: the first, and one of the others. */
const largest = ([first, ...others]) => (first ?? 0) + Math.max(0, ...others);

function checkBits(members, attributes, at, report) {
  const peak = largest(members.map(peakOf)); const told = Number(attributes.BANDWIDTH);
  report.check(!(peak > told * (1 + TOLERANCE)), at, clause, `BANDWIDTH ${told}, and its segments reach ${Math.round(peak)} bit/s`);
  // Of what is still being made the rest may be another.
  const isKnown = members.every((r) => r.media.ended && r.media.first === 0 && r.media.segments.every((s) => s.gap || r.segments.get(s.number)?.bits));
  if (!isKnown || attributes['AVERAGE-BANDWIDTH'] === undefined) return;
  const average = largest(members.map(averageOf)); const said = Number(attributes['AVERAGE-BANDWIDTH']);
  report.check(Math.abs(said - average) <= TOLERANCE * average, at, clause, `AVERAGE-BANDWIDTH ${said}, and its segments have ${Math.round(average)} bit/s`);
}

function checkCodecs(members, codecs, at, report) {
  for (const member of members) checkTransportCodecs(member.inOrder(), codecs, at, report);
  for (const header of members.flatMap((r) => [...r.headers.values()]).filter(Boolean)) {
    const form = ENTRY_OF[header.entry];
    report.check(form && codecs.some((codec) => form.test(codec)), at, clause, `the media has sample entry '${header.entry}', CODECS has ${codecs}`);
    const told = codecs.map((codec) => codec.toLowerCase().replace(/^stpp\..*/, 'stpp'));
    report.check(header.codecs.some((codec) => told.includes(codec.toLowerCase())), at, 'RFC 6381', `the media is ${header.codecs.join(' or ')}, CODECS has ${codecs}`);
  }
}

/** Transfer characteristics (ISO/IEC 23091-2 table 3), and the size that is best to show it at: of its pixels, square or not, lying or not. */
function checkPicture(headers, attributes, at, report) {
  for (const { colours } of headers) {
    if (!colours) continue;
    const range = { 16: 'PQ', 18: 'HLG' }[colours.transfer] ?? 'SDR';
    report.check(range === (attributes['VIDEO-RANGE'] ?? 'SDR'), at, clause, `VIDEO-RANGE is ${attributes['VIDEO-RANGE'] ?? 'not told'}, the media is ${range}`);
  }
  if (!headers.length || !attributes.RESOLUTION) return;
  const [width, height] = attributes.RESOLUTION.split('x').map(Number);
  const isNear = (a, b) => Math.abs(a - b) <= 1;
  const fits = ({ width: w, height: h, sar: [n, d] }) => [[w, h], [w * n / d, h], [w, h * d / n]].some(([x, y]) => isNear(x, width) && isNear(y, height) || isNear(y, width) && isNear(x, height));
  report.check(headers.some(fits), at, clause, `RESOLUTION ${attributes.RESOLUTION}, the media has ${headers.map((h) => `${h.width}x${h.height} of ${h.sar.join(':')}`).join(', ')}`);
}

/** FRAME-RATE is the highest that there is: no segment has more, and frames are as short. */
function checkFrameRate({ media, segments }, attributes, at, report) {
  const list = [...segments.values()].filter((s) => s.media && s.kind === 'vide' && s.duration >= 0.5 * media.target);
  if (!list.length) return;
  const told = attributes['FRAME-RATE'] === undefined ? undefined : Number(attributes['FRAME-RATE']);
  const rate = Math.max(...list.map((s) => (s.media.samples - 1) * s.timescale / s.media.duration));
  if (told === undefined) { report.check(rate <= USUAL_RATE * (1 + FRAMES_TOLERANCE), at, clause, `has no FRAME-RATE, and ${rate.toFixed(3)} pictures per second: above ${USUAL_RATE} it has to be told`); return; }
  report.check(rate <= told * (1 + FRAMES_TOLERANCE), at, clause, `FRAME-RATE ${told}, and its segments reach ${rate.toFixed(3)}`);
  const fastest = Math.max(...list.map((s) => s.timescale / s.media.shortest));
  report.check(fastest >= told * 0.9, at, clause, `FRAME-RATE ${told}, and its shortest frame is of ${fastest.toFixed(3)} a second`);
}

/** §4.4.6.1: as many as there are. */
function checkChannels({ attributes, at }, rendition, report) {
  for (const header of [...rendition?.headers.values() ?? []].filter(Boolean)) {
    if (header.kind !== 'soun' || !COUNTED.has(header.entry) || attributes.CHANNELS === undefined) continue;
    report.check(parseInt(attributes.CHANNELS, 10) === header.channels, at, '4.4.6.1', `CHANNELS "${attributes.CHANNELS}", the media has ${header.channels}`);
  }
}

/** @all: EXT-X-MEDIA tags; @loaded: URI -> Rendition */
export function checkVariantMedia({ uri, at, attributes }, all, loaded, report) {
  const rendition = loaded.get(uri);
  const audio = all.filter((r) => r.attributes.TYPE === 'AUDIO' && r.attributes['GROUP-ID'] === attributes.AUDIO);
  const members = [rendition, ...audio.map((r) => loaded.get(r.attributes.URI))].filter((r) => r?.media);
  if (!members.length) return;
  checkBits([...new Set(members)], attributes, at, report);
  checkCodecs(members, (attributes.CODECS ?? '').split(','), at, report);
  for (const tag of audio) checkChannels(tag, loaded.get(tag.attributes.URI), report);
  if (!rendition?.media) return;
  checkPicture([...rendition.headers.values()].filter((h) => h?.kind === 'vide'), attributes, at, report);
  checkFrameRate(rendition, attributes, at, report);
}
