// SPDX-License-Identifier: MIT
// The rules of CMAF headers and segments (ISO/IEC 14496-12, 23000-19, and §3.1.2
// of HLS), and the clock that the durations of a playlist must agree with.
import { readEntry } from './codecs.mjs';

const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'mvex', 'moof', 'traf', 'edts']);

/** The boxes of data as a tree: { type, start, end, children }; start is behind the header. */
function readBoxes(data, where, report, from = 0, to = data.length) {
  const boxes = [];
  for (let at = from; at < to;) {
    if (!report.check(at + 8 <= to, where, 'ISO/IEC 14496-12 §4.2', `${to - at} bytes at ${at} are no box`)) break;
    let size = data.readUInt32BE(at); let header = 8;
    const type = data.toString('latin1', at + 4, at + 8);
    if (size === 1 && at + 16 <= to) { size = Number(data.readBigUInt64BE(at + 8)); header = 16; }
    if (!report.check(size >= header && at + size <= to, where, 'ISO/IEC 14496-12 §4.2', `box '${type}' at ${at} has size ${size}, ${to - at} are left`)) break;
    const box = { type, at, start: at + header, end: at + size };
    if (CONTAINERS.has(type)) box.children = readBoxes(data, where, report, box.start, box.end);
    boxes.push(box);
    at += size;
  }
  return boxes;
}

const find = (boxes, ...types) => types.reduce((box, type) => (box?.children ?? box)?.find?.((b) => b.type === type), boxes);
const field = (data, box, at32, at64) => (data[box.start] === 1 ? Number(data.readBigUInt64BE(box.start + at64)) : data.readUInt32BE(box.start + at32));

/** What the edit list takes off, in ticks: a CMAF header has none, or one entry that skips media (ISO/IEC 23000-19 §7.5.13). */
function readEdit(data, trak, where, report) {
  const elst = find(trak, 'edts', 'elst');
  if (!elst) return 0;
  const count = data.readUInt32BE(elst.start + 4); const wide = data[elst.start] === 1;
  if (!report.check(count === 1, where, 'ISO/IEC 23000-19 §7.5.13', `an edit list of ${count} entries, expected one that skips media`)) return 0;
  const time = wide ? Number(data.readBigInt64BE(elst.start + 16)) : data.readInt32BE(elst.start + 12);
  report.check(time >= 0, where, 'ISO/IEC 14496-12 §8.6.6', 'an edit list whose last entry is empty');
  return Math.max(time, 0);
}

/** What stands in a header in an order, and what only some tracks have. */
function checkPlaces(data, moov, trak, header, where, report) {
  const at = (type) => moov.children.findLastIndex((b) => b.type === type);
  report.check(at('mvex') > at('trak'), where, '3.1.2', 'mvex stands before a trak, expected it behind the last');
  const media = { vide: 'vmhd', soun: 'smhd', text: 'nmhd', subt: 'sthd' }[header.kind];
  if (media) report.check(find(trak, 'mdia', 'minf', media), where, 'ISO/IEC 14496-12 §8.4.5', `a track of '${header.kind}' without ${media}`);
  if (header.brands.includes('cmf2') && header.kind === 'vide') report.check(!find(trak, 'edts', 'elst'), where, 'ISO/IEC 23000-19 §7.7', 'brand cmf2 and an edit list of video');
}

/** { timescale, entry, kind, trex, edit, brands, codecs, width, height, sar, rate } of a CMAF header, or undefined. */
export function checkHeader(data, where, report) {
  const boxes = readBoxes(data, where, report);
  const [ftyp] = boxes; const moov = find(boxes, 'moov'); const traks = moov?.children.filter((b) => b.type === 'trak') ?? [];
  if (!report.check(ftyp?.type === 'ftyp' && moov, where, '3.1.2', 'expected a ftyp box, then a moov box')) return undefined;
  const brands = []; for (let at = ftyp.start; at + 4 <= ftyp.end; at += 4) if (at !== ftyp.start + 4) brands.push(data.toString('latin1', at, at + 4));
  report.check(brands.some((b) => /^iso[6-9a-c]$/.test(b)), where, '3.1.2', `brands ${brands}, expected one of iso6 or later`);
  report.check(brands.some((b) => b === 'cmfc' || b === 'cmf2'), where, 'ISO/IEC 23000-19 §7.2', `brands ${brands}, expected cmfc or cmf2`);
  if (!report.check(traks.length === 1, where, 'ISO/IEC 23000-19 §7.3', `${traks.length} tracks, expected one`)) return undefined;
  const mvhd = find(moov, 'mvhd'); const tkhd = find(traks[0], 'tkhd'); const trex = find(moov, 'mvex', 'trex');
  report.check(mvhd && field(data, mvhd, 16, 24) === 0, where, '3.1.2', 'mvhd has a duration, expected 0');
  report.check(tkhd && field(data, tkhd, 20, 28) === 0, where, '3.1.2', 'tkhd has a duration, expected 0');
  const mdhd = find(traks[0], 'mdia', 'mdhd'); const hdlr = find(traks[0], 'mdia', 'hdlr'); const stsd = find(traks[0], 'mdia', 'minf', 'stbl', 'stsd');
  if (!report.check(trex && mdhd && hdlr && stsd, where, 'ISO/IEC 14496-12 §8', 'expected mdhd, hdlr, stsd and trex')) return undefined;
  const sttsCount = find(traks[0], 'mdia', 'minf', 'stbl', 'stts');
  report.check(!sttsCount || data.readUInt32BE(sttsCount.start + 4) === 0, where, '3.1.2', 'the moov has samples, expected none');
  const entry = data.toString('latin1', stsd.start + 12, stsd.start + 16);
  const header = {
    ...readEntry(data, entry, stsd.start + 16, stsd.start + 8 + data.readUInt32BE(stsd.start + 8), data.toString('latin1', hdlr.start + 8, hdlr.start + 12)),
    brands, edit: readEdit(data, traks[0], where, report),
    timescale: field(data, mdhd, 12, 20), kind: data.toString('latin1', hdlr.start + 8, hdlr.start + 12),
    entry, trex: { duration: data.readUInt32BE(trex.start + 12), size: data.readUInt32BE(trex.start + 16), flags: data.readUInt32BE(trex.start + 20) },
  };
  checkPlaces(data, moov, traks[0], header, where, report);
  return header;
}

function readRun(data, run, head, moof, mdat, where, report) {
  const flags = data.readUIntBE(run.start + 1, 3); const count = data.readUInt32BE(run.start + 4);
  const row = [0x100, 0x200, 0x400, 0x800].filter((bit) => flags & bit).length * 4;
  let at = run.start + 8 + (flags & 1 ? 4 : 0) + (flags & 4 ? 4 : 0);
  report.check(!(flags & 4 && flags & 0x400), where, 'ISO/IEC 14496-12 §8.8.8', 'trun has flags of its first sample and of each');
  if (!report.check(at + row * count === run.end, where, 'ISO/IEC 14496-12 §8.8.8', `trun of ${count} samples does not fill its box`)) return undefined;
  const offset = flags & 1 ? moof.at + data.readInt32BE(run.start + 8) : NaN;
  report.check(flags & 1, where, 'ISO/IEC 23000-19 §7.3.2', 'trun has no data offset');
  const result = { duration: 0, size: 0, count, sync: true, syncs: 0, earliest: Infinity };
  const firstFlags = flags & 4 ? data.readUInt32BE(run.start + 8 + (flags & 1 ? 4 : 0)) : undefined;
  for (let i = 0; i < count; i++) {
    const next = (bit, otherwise) => { if (!(flags & bit)) return otherwise; at += 4; return data.readUInt32BE(at - 4); };
    const begins = result.duration;
    result.duration += next(0x100, head.duration);
    result.shortest = Math.min(result.shortest ?? Infinity, result.duration - begins);
    const size = next(0x200, head.size);
    result.size += size;
    result.firstSize ??= size;
    const sampleFlags = next(0x400, i === 0 && firstFlags !== undefined ? firstFlags : head.flags);
    const offsetBits = next(0x800, 0); const shift = data[run.start] === 0 ? offsetBits : offsetBits | 0;
    result.earliest = Math.min(result.earliest, begins + shift);
    result.longest = Math.max(result.longest ?? 0, result.duration - begins);
    if (!(sampleFlags & 0x10000)) result.syncs += 1;
    if (i === 0) Object.assign(result, { sync: !(sampleFlags & 0x10000), firstShift: shift });
  }
  report.check(offset >= mdat.start && offset + result.size <= mdat.end, where, 'ISO/IEC 14496-12 §8.8.8', `samples at ${offset} to ${offset + result.size}, the mdat has ${mdat.start} to ${mdat.end}`);
  return result;
}

function readFragment(data, moof, mdat, header, where, report) {
  const trafs = moof.children.filter((b) => b.type === 'traf');
  if (!report.check(trafs.length === 1, where, 'ISO/IEC 23000-19 §7.3.2', `${trafs.length} traf boxes, expected one`)) return undefined;
  const tfhd = find(trafs[0], 'tfhd'); const tfdt = find(trafs[0], 'tfdt'); const runs = trafs[0].children.filter((b) => b.type === 'trun');
  if (!report.check(tfhd && tfdt && runs.length === 1, where, '3.1.2', 'expected tfhd, tfdt and one trun')) return undefined;
  report.check(tfhd.at < tfdt.at && tfdt.at < runs[0].at, where, 'ISO/IEC 14496-12 §8.8.12', 'expected tfdt behind tfhd and before trun');
  report.check(data[tfdt.start] === 1, where, 'house rule', 'tfdt of version 0: its 32 bits wrap within a day');
  const flags = data.readUIntBE(tfhd.start + 1, 3);
  report.check(flags & 0x20000 && !(flags & 1), where, '3.1.2', 'addresses are not relative to the moof (default-base-is-moof)');
  let at = tfhd.start + 8 + (flags & 1 ? 8 : 0) + (flags & 2 ? 4 : 0);
  const next = (bit, otherwise) => { if (!(flags & bit)) return otherwise; at += 4; return data.readUInt32BE(at - 4); };
  const head = { duration: next(8, header.trex.duration), size: next(16, header.trex.size), flags: next(32, header.trex.flags) };
  const run = readRun(data, runs[0], head, moof, mdat, where, report);
  return run && { ...run, time: field(data, tfdt, 4, 4) };
}

/** A prft box: { ntp, time, flags }; ntp in s since 1970 (ISO/IEC 14496-12 §8.16.5). */
function readReference(data, box) {
  const ntp = data.readUInt32BE(box.start + 8) - 2208988800 + data.readUInt32BE(box.start + 12) / 2 ** 32;
  return { ntp, time: data[box.start] === 0 ? data.readUInt32BE(box.start + 16) : Number(data.readBigUInt64BE(box.start + 16)), flags: data.readUIntBE(box.start + 1, 3) };
}

/** Of a sidx box its earliest presentation time (§8.16.3). */
const readIndex = (data, box) => box && { time: data[box.start] === 0 ? data.readUInt32BE(box.start + 12) : Number(data.readBigUInt64BE(box.start + 12)) };

/** What lies before the beginning of the edit is not presented (§8.6.6). */
const present = (time, edit) => (edit > 0 ? Math.max(time - edit, 0) : time);

const brandsOf = (data, box) => { const found = []; for (let at = box.start; at + 4 <= box.end; at += 4) if (at !== box.start + 4) found.push(data.toString('latin1', at, at + 4)); return found; };

/** Of an emsg box { scheme, value, id, time, duration, message }; where it stands and how it counts (23009-1 §5.10.3.3). */
function readMessage(data, boxes, index, header, where, report) {
  const box = boxes[index]; const version = data[box.start];
  const before = boxes[index - 1]?.type;
  report.check(before === undefined || ['styp', 'prft', 'emsg', 'sidx', 'mdat'].includes(before), where, 'ISO/IEC 23000-19 §7.3.2', `an emsg box behind '${before}', expected it before a moof`);
  report.check(boxes.slice(index).some((b) => b.type === 'moof'), where, 'ISO/IEC 23000-19 §7.3.2', 'an emsg box behind the last moof');
  if (!report.check(version === 1, where, 'house rule', `an emsg box of version ${version}, expected 1: its time does not depend on where it stands`)) return undefined;
  const timescale = data.readUInt32BE(box.start + 4);
  report.check(timescale === header.timescale, where, 'ISO/IEC 23009-1 §5.10.3.3', `an emsg box in ticks of 1/${timescale} s, the track has 1/${header.timescale} s`);
  const schemeEnd = data.indexOf(0, box.start + 24); const valueEnd = data.indexOf(0, schemeEnd + 1);
  if (!report.check(schemeEnd > box.start + 24 && valueEnd > 0 && valueEnd < box.end, where, 'ISO/IEC 23009-1 §5.10.3.3', 'an emsg box without scheme or value')) return undefined;
  return {
    time: Number(data.readBigUInt64BE(box.start + 8)), duration: data.readUInt32BE(box.start + 16), id: data.readUInt32BE(box.start + 20),
    scheme: data.toString('utf8', box.start + 24, schemeEnd), value: data.toString('utf8', schemeEnd + 1, valueEnd), message: data.subarray(valueEnd + 1, box.end),
  };
}

/**
 * In ticks of the header, or undefined: { time, duration, sync, syncs, samples, begins, earliest, longest,
 * chunks, brands, references, messages }. begins: presentation time of the first sample, syncs: how many there are, earliest: presentation time of what is shown first, longest:
 * a sample's duration, shortest: too, chunks: [{ time, duration }].
 */
export function checkSegment(data, header, where, report) {
  const boxes = readBoxes(data, where, report);
  const fragments = [];
  boxes.forEach((box, index) => {
    if (box.type !== 'moof') return;
    const mdat = boxes[index + 1];
    if (!report.check(mdat?.type === 'mdat', where, 'ISO/IEC 23000-19 §7.3.2', 'a moof without its mdat behind it')) return;
    const fragment = readFragment(data, box, mdat, header, where, report);
    if (fragment) fragments.push(fragment);
  });
  boxes.forEach((box, index) => {
    const next = boxes.slice(index + 1).find((b) => b.type !== 'emsg' && b.type !== 'prft');
    if (box.type === 'styp') report.check(index === 0, where, 'ISO/IEC 14496-12 §8.16.2', `styp stands behind '${boxes[index - 1]?.type}', expected it first`);
    if (box.type === 'prft') report.check(next?.type === 'moof', where, 'ISO/IEC 14496-12 §8.16.5', `prft stands before '${next?.type}', expected a moof`);
  });
  if (!report.check(fragments.length > 0, where, '3.1.2', 'has no movie fragment')) return undefined;
  fragments.forEach((fragment, i) => {
    const before = fragments[i - 1];
    if (before) report.check(fragment.time === before.time + before.duration, where, 'ISO/IEC 14496-12 §8.8.12', `fragment ${i} is decoded at ${fragment.time}, the one before ends at ${before.time + before.duration}`);
  });
  const styp = boxes.find((box) => box.type === 'styp');
  return {
    time: fragments[0].time, duration: fragments.reduce((sum, f) => sum + f.duration, 0), sync: fragments[0].sync, syncs: fragments.reduce((sum, f) => sum + f.syncs, 0), samples: fragments.reduce((sum, f) => sum + f.count, 0),
    begins: present(fragments[0].time + fragments[0].firstShift, header.edit), earliest: present(Math.min(...fragments.map((f) => f.time + f.earliest)), header.edit), longest: Math.max(...fragments.map((f) => f.longest)), shortest: Math.min(...fragments.map((f) => f.shortest)),
    chunks: fragments.map(({ time, duration }) => ({ time, duration })), brands: styp ? brandsOf(data, styp) : [],
    index: readIndex(data, boxes.find((box) => box.type === 'sidx')),
    references: boxes.filter((box) => box.type === 'prft').map((box) => readReference(data, box)),
    messages: boxes.flatMap((box, i) => (box.type === 'emsg' ? readMessage(data, boxes, i, header, where, report) ?? [] : [])),
  };
}

/** The first sample of a range that begins with its moof and may end before the mdat does: { time, sync, end }. */
export function readFirstSample(data, header) {
  if (data.length < 16 || data.toString('latin1', 4, 8) !== 'moof') return undefined;
  const size = data.readUInt32BE(0);
  if (size + 8 > data.length || data.toString('latin1', size + 4, size + 8) !== 'mdat') return undefined;
  const quiet = { check: (holds) => Boolean(holds) };
  const [moof] = readBoxes(data, '', quiet, 0, size);
  const whole = { start: size + 8, end: size + data.readUInt32BE(size) };
  const first = readFragment(data, moof, whole, header, '', quiet);
  return first && { time: first.time, sync: first.sync, end: size + 8 + first.firstSize };
}
