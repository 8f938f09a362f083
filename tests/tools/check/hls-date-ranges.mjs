// SPDX-License-Identifier: MIT
// The rules of EXT-X-DATERANGE (§4.4.5.1), of those with sections of SCTE 35
// (§4.4.5.1.1), and of what may become of them.
import { all } from './hls-text.mjs';

const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$/;
const SECTIONS = ['SCTE35-CMD', 'SCTE35-OUT', 'SCTE35-IN'];
const QUOTED = ['ID', 'CLASS', 'START-DATE', 'END-DATE'];

/** CRC_32 over a whole section is 0 (ISO/IEC 13818-1 annex A). */
function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) sum = sum & 0x80000000 ? (sum << 1) ^ 0x04c11db7 : sum << 1;
  }
  return sum >>> 0;
}

function checkSection(name, text, at, report) {
  if (!report.check(/^0[xX]([0-9A-F]{2})+$/.test(text), at, '4.2', `${name}: got '${text.slice(0, 20)}', expected a hexadecimal sequence of whole bytes`)) return;
  const bytes = Buffer.from(text.slice(2), 'hex');
  report.check(bytes[0] === 0xfc && bytes.length >= 3 && bytes.length === 3 + (bytes.readUInt16BE(1) & 0xfff), at, '4.4.5.1.1', `${name} is not one splice information section`);
  report.check(crc(bytes) === 0, at, 'SCTE 35 9.6', `${name}: CRC_32 does not fit`);
}

function checkOne({ attributes, quoted, at }, report) {
  const { CLASS: kind, DURATION: duration } = attributes; const start = attributes['START-DATE']; const end = attributes['END-DATE'];
  for (const name of QUOTED) report.check(!(name in attributes) || quoted.has(name), at, '4.4.5.1', `${name} is not a quoted string`);
  for (const name of ['START-DATE', 'END-DATE']) if (attributes[name] !== undefined) report.check(DATE.test(attributes[name]), at, '4.4.5.1', `${name} '${attributes[name]}', expected ISO 8601 with a time zone`);
  for (const name of ['DURATION', 'PLANNED-DURATION']) if (attributes[name] !== undefined) report.check(/^\d+(\.\d+)?$/.test(attributes[name]), at, '4.4.5.1', `${name} '${attributes[name]}', expected seconds that are not negative`);
  if (start && end) report.check(Date.parse(end) >= Date.parse(start), at, '4.4.5.1', `ends at ${end}, before it starts`);
  if (start && end && duration !== undefined) report.check(Math.abs(Date.parse(end) - Date.parse(start) - duration * 1000) <= 1, at, '4.4.5.1', `END-DATE is not START-DATE and ${duration} s`);
  if ('END-ON-NEXT' in attributes) {
    report.check(attributes['END-ON-NEXT'] === 'YES', at, '4.4.5.1', `END-ON-NEXT=${attributes['END-ON-NEXT']}, expected YES`);
    report.check(kind !== undefined && duration === undefined && end === undefined, at, '4.4.5.1', 'END-ON-NEXT wants a CLASS, and neither DURATION nor END-DATE');
  }
  for (const name of SECTIONS) if (attributes[name] !== undefined) checkSection(name, attributes[name], at, report);
}

/** { id: attributes of all its tags } of a media playlist, as it is at one moment. */
export function checkDateRanges(playlist, media, report) {
  const ranges = new Map();
  for (const tag of all(playlist, 'EXT-X-DATERANGE')) {
    const { attributes, at } = tag; const id = attributes.ID;
    checkOne(tag, report);
    report.check(media.dated || !media.segments.length, at, '4.4.5.1', 'a date range in a playlist without EXT-X-PROGRAM-DATE-TIME');
    report.check(tag.before === 0, at, 'house rule', 'a date range behind a segment: a delta update that skips it would lose the range');
    const known = ranges.get(id);
    if (known) for (const [name, value] of Object.entries(attributes)) report.check(!(name in known) || known[name] === value, at, '4.4.5.1', `${name} of '${id}' is ${value} here and ${known[name]} in another tag`);
    else report.check('START-DATE' in attributes, at, '4.4.5.1', `date range '${id}' has no START-DATE`);
    if ('SCTE35-IN' in attributes) report.check(known && 'SCTE35-OUT' in known, at, '4.4.5.1.1', `SCTE35-IN of '${id}', and no tag before it has its SCTE35-OUT`);
    ranges.set(id, { ...known, ...attributes });
    if ('SCTE35-IN' in attributes) report.check('DURATION' in attributes || 'END-DATE' in attributes, at, '4.4.5.1.1', `SCTE35-IN of '${id}' without DURATION: nobody knows when it ended`);
  }
  return ranges;
}

/** Between two loads: what was said stays, as long as it is about what is listed. */
export function compareDateRanges(before, after, media, report) {
  const [dated] = media.segments.filter((s) => s.date !== undefined);
  for (const [id, known] of before) {
    const now = after.get(id); const duration = Number(known.DURATION ?? known['PLANNED-DURATION'] ?? 0);
    const end = Date.parse(known['START-DATE']) + duration * 1000;
    if (!now) {
      report.check(!dated || end <= dated.date, media.where, 'house rule', `date range '${id}' is gone, and it lasts until ${new Date(end).toISOString()}, within what is listed`);
      continue;
    }
    for (const [name, value] of Object.entries(known)) report.check(now[name] === value, media.where, '4.4.5.1', `${name} of date range '${id}' changed from ${value} to ${now[name]}`);
  }
}
