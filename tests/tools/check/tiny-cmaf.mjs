// SPDX-License-Identifier: MIT
// The smallest CMAF header and chunks, for the checkers' own tests.

const u32 = (...numbers) => { const data = Buffer.alloc(4 * numbers.length); numbers.forEach((n, i) => data.writeUInt32BE(n >>> 0, 4 * i)); return data; };
const u64 = (number) => { const data = Buffer.alloc(8); data.writeBigUInt64BE(BigInt(number)); return data; };

/** A box with its content. */
export function box(type, ...content) {
  const body = Buffer.concat(content.map((c) => (typeof c === 'string' ? Buffer.from(c, 'latin1') : c)));
  return Buffer.concat([u32(8 + body.length), Buffer.from(type, 'latin1'), body]);
}

/** A header of video, 2x2 pixels of AVC. */
export function tinyHeader({ timescale = 90000, width = 2, height = 2 } = {}) {
  const entry = Buffer.alloc(78);
  entry.writeUInt16BE(width, 24); entry.writeUInt16BE(height, 26);
  const stsd = box('stsd', u32(0, 1), box('avc1', entry, box('avcC', Buffer.from([1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 0, 0]))));
  const stbl = box('stbl', stsd, box('stts', u32(0, 0)));
  const minf = box('minf', box('vmhd', u32(1, 0, 0)), stbl);
  const mdia = box('mdia', box('mdhd', u32(0, 0, 0, timescale, 0, 0)), box('hdlr', u32(0, 0), 'vide', u32(0, 0, 0), '\0'), minf);
  const trak = box('trak', box('tkhd', u32(3, 0, 0, 1, 0, 0), Buffer.alloc(60)), mdia);
  const mvex = box('mvex', box('trex', u32(0, 1, 1, 0, 0, 0)));
  return Buffer.concat([box('ftyp', 'cmfc', u32(0), 'iso6', 'cmfc'), box('moov', box('mvhd', u32(0, 0, 0, 1000, 0), Buffer.alloc(80)), trak, mvex)]);
}

/** One chunk of one sample for each of @durations; the first is a sync sample where @sync says so. */
export function tinyChunk({ time, durations, sync = true, begins = false, text = 'x', shifts = [] }) {
  const rows = durations.flatMap((duration, i) => [duration, text.length, i === 0 && sync ? 0x02000000 : 0x01010000, shifts[i] ?? 0]);
  const make = (offset) => box('moof', box('mfhd', u32(0, 1)), box('traf', box('tfhd', u32(0x020000, 1)), box('tfdt', u32(0x01000000), u64(time)), box('trun', u32(0x01000f01, durations.length, offset, ...rows))));
  const moof = make(make(0).length + 8);
  return Buffer.concat([...begins ? [box('styp', 'msdh', u32(0), 'msdh', 'cmfs')] : [], moof, box('mdat', text.repeat(durations.length))]);
}
