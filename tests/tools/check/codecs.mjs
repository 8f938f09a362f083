// SPDX-License-Identifier: MIT
// The codecs string of RFC 6381 that a sample entry stands for: what a manifest
// must say of it. Each codec's own text tells how its string is made.

const hex = (number, digits) => number.toString(16).toUpperCase().padStart(digits, '0');
const dec = (number) => String(number).padStart(2, '0');

/** The boxes inside of a sample entry, which begin behind its fixed fields. */
function* inside(data, from, to) {
  for (let at = from; at + 8 <= to;) {
    const size = data.readUInt32BE(at);
    if (size < 8 || at + size > to) return;
    yield { type: data.toString('latin1', at + 4, at + 8), start: at + 8, end: at + size };
    at += size;
  }
}

/** ISO/IEC 14496-15 §E.2: what profile, compatibility, level and constraints make. */
function hevc(entry, data, at) {
  const profile = data[at + 1]; let compatibility = 0;
  for (let i = 0; i < 32; i++) if (data.readUInt32BE(at + 2) & (1 << i)) compatibility = (compatibility | (1 << (31 - i))) >>> 0;
  const constraints = [...data.subarray(at + 6, at + 12)];
  while (constraints.length && constraints.at(-1) === 0) constraints.pop();
  return [entry, `${['', 'A', 'B', 'C'][profile >> 6]}${profile & 31}`, hex(compatibility, 1), `${profile & 32 ? 'H' : 'L'}${data[at + 12]}`, ...constraints.map((c) => hex(c, 1))].join('.');
}

/** AV1 in ISOBMFF §5; the optional fields only where one is not the default. */
function av1(data, at, colours) {
  const [, second, third] = data.subarray(at, at + 4);
  const depth = third & 0x40 ? (third & 0x20 ? 12 : 10) : 8;
  const short = `av01.${second >> 5}.${dec(second & 31)}${third & 0x80 ? 'H' : 'M'}.${dec(depth)}`;
  const colour = colours ?? { primaries: 1, transfer: 1, matrix: 1, full: 0 };
  const rest = [third >> 4 & 1, `${third >> 3 & 1}${third >> 2 & 1}${third & 3}`, dec(colour.primaries), dec(colour.transfer), dec(colour.matrix), colour.full].join('.');
  return rest === '0.110.01.01.01.0' ? [short, `${short}.${rest}`] : [`${short}.${rest}`];
}

function vp9(data, at) {
  const [profile, level, packed, primaries, transfer, matrix] = data.subarray(at + 4, at + 10);
  return `vp09.${[profile, level, packed >> 4, packed >> 1 & 7, primaries, transfer, matrix, packed & 1].map(dec).join('.')}`;
}

/** A descriptor of ISO/IEC 14496-1 §8.3.3: its tag, and where its content begins and ends. */
function descriptor(data, at) {
  let size = 0; let next = at + 1; let byte;
  do { byte = data[next++]; size = size << 7 | byte & 127; } while (byte & 128);
  return { tag: data[at], start: next, end: next + size };
}

/** 'mp4a', the object type indication, and of MPEG-4 audio the object type of its configuration. */
function mp4a(data, at) {
  const es = descriptor(data, at + 4); const config = descriptor(data, es.start + 3); const type = data[config.start];
  if (type !== 0x40) return [`mp4a.${hex(type, 2)}`, `mp4a.40.34`];
  const specific = descriptor(data, config.start + 13); const object = data[specific.start] >> 3;
  if (object === 31) return [`mp4a.40.${32 + ((data[specific.start] & 7) << 3 | data[specific.start + 1] >> 5)}`];
  // Behind the core's configuration, by its sync word, may be that of HE-AAC (14496-3 §1.6.6).
  const tail = data.subarray(specific.start, specific.end); const sync = tail.findIndex((b, i) => b === 0x56 && (tail[i + 1] & 0xe0) === 0xe0);
  const extended = sync > 0 ? (tail[sync + 1] & 31) : object;
  return [...new Set([object, extended])].flatMap((o) => (o === 5 && sync > 0 ? ['mp4a.40.5', 'mp4a.40.29'] : [`mp4a.40.${o}`]));
}

const VISUAL = 78; const AUDIO = 28;

function coloursOf(data, boxes) {
  const colr = boxes.find((b) => b.type === 'colr' && data.toString('latin1', b.start, b.start + 4) === 'nclx');
  return colr && { primaries: data.readUInt16BE(colr.start + 4), transfer: data.readUInt16BE(colr.start + 6), matrix: data.readUInt16BE(colr.start + 8), full: data[colr.start + 10] >> 7 };
}

/** What a sample entry says, @start behind its box header: { codecs: strings that name it, width, height, sar, colours, rate, channels }. */
export function readEntry(data, entry, start, end, kind) {
  if (kind !== 'vide' && kind !== 'soun') return { codecs: [entry] };
  const boxes = [...inside(data, start + (kind === 'vide' ? VISUAL : AUDIO), end)];
  const box = (type) => boxes.find((b) => b.type === type);
  const result = kind === 'vide' ? { width: data.readUInt16BE(start + 24), height: data.readUInt16BE(start + 26) } : { rate: data.readUInt16BE(start + 24), channels: data.readUInt16BE(start + 16) };
  const pasp = box('pasp');
  if (kind === 'vide') result.colours = coloursOf(data, boxes);
  if (kind === 'vide') result.sar = pasp ? [data.readUInt32BE(pasp.start), data.readUInt32BE(pasp.start + 4)] : [1, 1];
  const made = {
    avcC: (at) => [`${entry}.${hex(data.readUIntBE(at + 1, 3), 6)}`],
    hvcC: (at) => [hevc(entry, data, at)],
    av1C: (at) => av1(data, at, coloursOf(data, boxes)),
    vpcC: (at) => [vp9(data, at)],
    esds: (at) => mp4a(data, at),
  };
  const config = boxes.find((b) => made[b.type]);
  result.codecs = config ? made[config.type](config.start) : [entry];
  return result;
}
