// SPDX-License-Identifier: MIT
// The rules of parts and of the server control of a media playlist.

const ROUNDING_S = 0.0015;
const HELD = new Set(['EXT-X-DISCONTINUITY', 'EXT-X-KEY', 'EXT-X-MAP', 'EXT-X-PROGRAM-DATE-TIME']);

function checkControl(media, report) {
  const { control, where, target, partTarget } = media;
  const number = (name) => (control?.[name] === undefined ? undefined : Number(control[name]));
  const skip = number('CAN-SKIP-UNTIL'); const hold = number('HOLD-BACK'); const partHold = number('PART-HOLD-BACK');
  if (skip !== undefined) report.check(skip >= 6 * target, where, '4.4.3.8', `CAN-SKIP-UNTIL ${skip}, expected six target durations (${6 * target}) or more`);
  if (control?.['CAN-SKIP-DATERANGES']) report.check(skip !== undefined, where, '4.4.3.8', 'CAN-SKIP-DATERANGES without CAN-SKIP-UNTIL');
  if (hold !== undefined) report.check(hold >= 3 * target, where, '4.4.3.8', `HOLD-BACK ${hold}, expected three target durations (${3 * target}) or more`);
  if (partTarget) {
    report.check(control?.['CAN-BLOCK-RELOAD'] === 'YES', where, 'B.1', 'has EXT-X-PART-INF and no CAN-BLOCK-RELOAD=YES');
    report.check(partHold !== undefined, where, '4.4.3.8', 'has EXT-X-PART-INF and no PART-HOLD-BACK');
    report.check(partTarget <= target, where, '4.4.4.9', `PART-TARGET ${partTarget}, a whole segment has ${target} s at most`);
    report.check(!(partHold > (hold ?? 3 * target)), where, '4.4.3.8', `PART-HOLD-BACK ${partHold} is farther from the end than HOLD-BACK ${hold ?? 3 * target}: parts gain nothing`);
    report.check(partHold >= 3 * partTarget - ROUNDING_S, where, '4.4.3.8', `PART-HOLD-BACK ${partHold}, expected three part targets (${3 * partTarget}) or more`);
  }
}

/** The parts of one segment, in order; next: what follows each, for the rule of short ones. */
function checkParts(parts, media, report, segment) {
  parts.forEach((part, index) => {
    const last = segment && index === parts.length - 1;
    const beforeGap = parts[index + 1]?.GAP === 'YES';
    report.check(part.duration <= media.partTarget + ROUNDING_S, part.at, '4.4.4.9', `part of ${part.duration} s, expected the part target ${media.partTarget} at most`);
    report.check(last || !segment && index === parts.length - 1 || beforeGap || part.GAP === 'YES' || part.INDEPENDENT === 'YES' || part.duration >= 0.85 * media.partTarget - ROUNDING_S,
      part.at, '4.4.4.9', `part of ${part.duration} s, expected 85 % of the part target ${media.partTarget} or more`);
    report.check(part.INDEPENDENT === undefined || part.INDEPENDENT === 'YES', part.at, '4.4.4.9', `INDEPENDENT=${part.INDEPENDENT}, expected YES or nothing`);
  });
  if (!segment || !parts.length) return;
  const sum = parts.reduce((total, part) => total + part.duration, 0);
  report.check(Math.abs(sum - segment.duration) <= ROUNDING_S * (parts.length + 1), segment.at, '4.4.4.9', `parts of ${sum.toFixed(4)} s in all, the segment has ${segment.duration}`);
}

/** What holds for a segment holds for its parts: it stands before the first. */
function checkOrder({ playlist }, report) {
  let parted = -1; // index of the segment that had a part last
  for (const tag of playlist.tags) {
    if (tag.name === 'EXT-X-PART') parted = tag.before;
    else if (HELD.has(tag.name)) report.check(parted !== tag.before, tag.at, '4.4.4.9', `${tag.name} stands behind a part of its segment`);
  }
}

function checkHints(media, report) {
  const types = media.hints.map((h) => h.attributes.TYPE);
  for (const hint of media.hints) report.check(['PART', 'MAP'].includes(hint.attributes.TYPE), hint.at, '4.4.5.3', `hint of type ${hint.attributes.TYPE}, expected PART or MAP`);
  report.check(new Set(types).size === types.length, media.where, '6.2.6', `several hints of one type (${types})`);
  if (!media.ended && (media.openParts.length || media.segments.some((s) => s.parts.length))) report.check(types.includes('PART'), media.where, 'B.1', 'lists parts, and no EXT-X-PRELOAD-HINT of the next one');
  if (media.ended) report.check(!types.length, media.where, '6.2.6', 'has EXT-X-ENDLIST and an EXT-X-PRELOAD-HINT');
  for (const tag of media.reports) {
    report.check(!/^[a-z][a-z0-9+.-]*:/i.test(tag.attributes.URI), tag.at, '4.4.5.4', `report of '${tag.attributes.URI}', expected a relative URI`);
    if (!media.ended) report.check(/^\d+$/.test(tag.attributes['LAST-MSN'] ?? ''), tag.at, '4.4.5.4', 'report without LAST-MSN');
  }
}

/** Adds to what checkMedia() found. */
export function checkLowLatency(media, report) {
  const listed = media.segments.filter((s) => s.parts.length);
  checkControl(media, report);
  report.check(media.partTarget > 0 || (!listed.length && !media.openParts.length), media.where, '4.4.3.7', 'has EXT-X-PART and no EXT-X-PART-INF');
  if (!media.partTarget) return;
  for (const segment of listed) checkParts(segment.parts, media, report, segment);
  checkParts(media.openParts, media, report, null);
  checkHints(media, report);
  checkOrder(media, report);
  let behind = media.openParts.reduce((sum, part) => sum + part.duration, 0);
  for (const segment of [...media.segments].reverse()) {
    if (behind > 3 * media.target) report.check(!segment.parts.length, segment.at, '6.2.2', 'lists parts more than three target durations from the end');
    behind += segment.duration;
  }
  if (!media.ended) report.check(media.dated, media.where, 'B.1', 'low latency without EXT-X-PROGRAM-DATE-TIME');
}
