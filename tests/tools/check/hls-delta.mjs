// SPDX-License-Identifier: MIT
// Playlist Delta Updates (§6.2.5.1): what a client makes of one, and what two
// texts of one version have to agree in.

/** The lines of each segment, its URI last; what stands before, and behind. */
export function splitSegments(text) {
  const head = []; const segments = []; let open = [];
  const begins = /^#EXT(INF|-X-(DISCONTINUITY$|MAP|KEY|PROGRAM-DATE-TIME|GAP|PART:|BYTERANGE|BITRATE))/;
  for (const line of text.split('\n')) {
    if (!open.length && !segments.length && !begins.test(line)) { head.push(line); continue; }
    open.push(line);
    if (line && !line.startsWith('#')) { segments.push(open); open = []; }
  }
  return { head, segments, tail: open };
}

export const sequence = (text) => Number(/^#EXT-X-MEDIA-SEQUENCE:(\d+)/m.exec(text)?.[1] ?? 0);
/** The number behind the last whole segment. */
export const endOf = (text) => sequence(text) + (text.match(/^#EXTINF:/gm) ?? []).length;
export const dateRanges = (text) => text.split('\n').filter((line) => line.startsWith('#EXT-X-DATERANGE:'));
const idOf = (line) => /[:,]ID="([^"]*)"/.exec(line)?.[1];

/** §6.2.5.1: what a client that has @known { number: lines } makes of a delta update. */
export function mergeDelta(text, known, where, report) {
  const { head, segments, tail } = splitSegments(text);
  const at = head.findIndex((line) => line.startsWith('#EXT-X-SKIP:'));
  if (at < 0) return text;
  const skipped = Number(/SKIPPED-SEGMENTS=(\d+)/.exec(head[at])?.[1]);
  const first = sequence(text);
  const old = Array.from({ length: skipped }, (_, i) => known.get(first + i));
  report.check(old.every(Boolean), where, '6.2.5.1', `skips segments ${first} to ${first + skipped - 1}, and not all of them were told before`);
  head.splice(at, 1);
  return [...head, ...old.filter(Boolean).flat(), ...segments.flat(), ...tail].join('\n');
}

/** The same of date ranges: what there was, without what has left, and what is told anew (§4.4.5.2). */
export function mergeDateRanges(text, known) {
  const [, list] = /^#EXT-X-SKIP:.*RECENTLY-REMOVED-DATERANGES="([^"]*)"/m.exec(text) ?? [];
  if (list === undefined) return dateRanges(text);
  const removed = new Set(list.split('\t').filter(Boolean));
  return [...new Set([...known.filter((line) => !removed.has(idOf(line))), ...dateRanges(text)])];
}

/** The text without what two versions of one playlist may differ in: reports,
 * EXT-X-VERSION, a header told again, parts that are far from the end; and without
 * date ranges, which @options.dateRanges stands for. */
export function canonical(text, { dateRanges: ranges = dateRanges(text) } = {}) {
  const { head, segments, tail } = splitSegments(text);
  let map;
  const body = segments.map((lines, index) => lines.filter((line) => {
    if (line.startsWith('#EXT-X-PART:')) return index >= segments.length - 1;
    if (!line.startsWith('#EXT-X-MAP')) return true;
    const again = line === map && !lines.includes('#EXT-X-DISCONTINUITY');
    map = line;
    return !again;
  }));
  const isAlike = (line) => !/^#EXT-X-(VERSION|SERVER-CONTROL|RENDITION-REPORT|DATERANGE)/.test(line);
  return [...head, ...body.flat(), ...tail].filter(isAlike).concat([...ranges].sort()).join('\n');
}
