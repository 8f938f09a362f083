// SPDX-License-Identifier: MIT
// One file of a Representation with its index (ISO/IEC 23009-1 §5.3.9.2, §6.3.5,
// §8.3): what the index says against what is in the file.
import { checkHeader, checkSegment } from './cmaf.mjs';
import { dash } from './dash-mpd.mjs';
import { read } from './source.mjs';

const BOX = 'ISO/IEC 14496-12 §8.16.3';
const parse = (text) => { const [from, to] = text.split('-').map(Number); return { offset: from, length: to - from + 1 }; };

/** { timescale, time, first, references: [{ size, duration, sap }] }, or undefined when it is no index alone. */
export function readIndex(data) {
  if (data.length < 32 || data.toString('latin1', 4, 8) !== 'sidx' || data.readUInt32BE(0) !== data.length) return undefined;
  const wide = data[8] === 1; let at = 16;
  const next = () => { at += wide ? 8 : 4; return wide ? Number(data.readBigUInt64BE(at - 8)) : data.readUInt32BE(at - 4); };
  const timescale = data.readUInt32BE(at); at += 4;
  const time = next(); const first = next(); const count = data.readUInt16BE(at + 2);
  if (at + 4 + 12 * count !== data.length) return undefined;
  const references = Array.from({ length: count }, (_, i) => {
    const row = at + 4 + 12 * i;
    return { isIndex: data[row] >> 7, size: data.readUInt32BE(row) & 0x7fffffff, duration: data.readUInt32BE(row + 4), sap: data[row + 8] >> 7 ? (data[row + 8] >> 4) & 7 : 0 };
  });
  return { timescale, time, first, references };
}

/** @r: a Representation with a SegmentBase; @presentation: to load with, and to keep headers in */
export async function checkIndexed(r, presentation) {
  const { report } = presentation;
  const url = new URL(r.file, presentation.url);
  const file = await read(url);
  if (!r.check(file, '5.6.4', `'${r.file}' is listed and cannot be loaded`)) return;
  const range = parse(r.headerRange); const indexRange = parse(r.indexRange);
  const header = checkHeader(file.subarray(range.offset, range.offset + range.length), `${r.where} ${r.file}`, report);
  const index = readIndex(file.subarray(indexRange.offset, indexRange.offset + indexRange.length));
  presentation.headers.set(r.file, header);
  if (!header || !r.check(index, '5.3.9.2.2', `@indexRange ${r.indexRange} of '${r.file}' is not a segment index alone`)) return;
  const check = (holds, clause, text) => report.check(holds, r.where, clause, text);
  check(index.timescale === r.timescale && index.timescale === header.timescale, BOX, `timescale ${index.timescale}, the MPD says ${r.timescale}, the header ${header.timescale}`);
  let at = indexRange.offset + indexRange.length + index.first; let time = index.time;
  index.references.forEach((reference, i) => {
    const where = `${r.where} ${r.file} subsegment ${i}`; const problems = report.problems.length;
    check(reference.size > 0 && at + reference.size <= file.length, BOX, `subsegment ${i} of ${reference.size} bytes at ${at} is not all in the file of ${file.length}`);
    const bytes = file.subarray(at, at + reference.size);
    check(!reference.isIndex && /moof|styp/.test(bytes.toString('latin1', 4, 8)), BOX, `subsegment ${i} does not begin with a movie fragment`);
    const media = report.problems.length === problems && checkSegment(bytes, header, where, report);
    if (media) {
      check(Math.abs(media.time - time) <= (header.kind === 'vide' ? 0 : 2048), BOX, `subsegment ${i} is decoded at ${media.time}, the index says ${time}`);
      check(reference.sap === 0 || media.sync, BOX, `subsegment ${i} begins with a SAP of type ${reference.sap}, and with no sync sample`);
      if (header.kind === 'vide' && r.attributes.subsegmentStartsWithSAP) check(reference.sap > 0 && reference.sap <= Number(r.attributes.subsegmentStartsWithSAP), dash('5.3.3.2'), `@subsegmentStartsWithSAP, and subsegment ${i} has ${reference.sap}`);
      presentation.segments.set(`${r.file}#${i}`, { time, duration: reference.duration });
    }
    at += reference.size; time += reference.duration;
  });
  check(at === file.length, BOX, `the index ends at ${at}, the file at ${file.length}`);
}
