// SPDX-License-Identifier: MIT
// The rules of one media playlist, as it is at one moment.
import { checkDateRanges } from './hls-date-ranges.mjs';
import { all, first, readPlaylist } from './hls-text.mjs';
import { checkStart } from './hls-whole.mjs';

const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$/;
/* EXTINF has microseconds at least; a sum of rounded ones differs by as much. */
const ROUNDING_S = 0.0015;

/** §4.4.4.2: { offset, length } of n[@o]; undefined when there is none. */
export function readRange(text) {
  const match = /^(\d+)@(\d+)$/.exec(text ?? '');
  return match ? { length: Number(match[1]), offset: Number(match[2]) } : undefined;
}

/** §4.4.4.2: each range has an offset, or follows one of the same resource. */
function checkRanges(segments, report) {
  const ends = new Map();
  for (const segment of segments) {
    if (!segment.range) continue;
    const [, length, offset] = /^(\d+)(?:@(\d+))?$/.exec(segment.range) ?? [];
    if (!report.check(Number(length) > 0, segment.at, '4.4.4.2', `EXT-X-BYTERANGE ${segment.range}, expected n[@o]`)) continue;
    const start = offset === undefined ? ends.get(segment.uri) : Number(offset);
    if (!report.check(start !== undefined, segment.at, '4.4.4.2', `EXT-X-BYTERANGE ${segment.range} has no offset, and no range of '${segment.uri}' comes before it`)) continue;
    const before = ends.get(segment.uri);
    report.check(before === undefined || start >= before, segment.at, 'house rule', `bytes ${segment.range} of '${segment.uri}' overlap those of a segment before`);
    ends.set(segment.uri, start + Number(length));
    segment.range = `${length}@${start}`;
  }
}

function readSegments(playlist, report) {
  const { where } = playlist;
  let number = first(playlist, 'EXT-X-MEDIA-SEQUENCE')?.number ?? 0;
  let discontinuity = first(playlist, 'EXT-X-DISCONTINUITY-SEQUENCE')?.number ?? 0;
  number += Number(first(playlist, 'EXT-X-SKIP')?.attributes['SKIPPED-SEGMENTS'] ?? 0);
  const maps = all(playlist, 'EXT-X-MAP');
  const segments = playlist.uris.map(({ uri, at, tags }, index) => {
    const tag = (name) => tags.find((t) => t.name === name);
    const info = tag('EXTINF');
    report.check(info, at, '4.4.4.1', `segment '${uri}' has no EXTINF`);
    if (tag('EXT-X-DISCONTINUITY')) discontinuity += 1;
    const date = tag('EXT-X-PROGRAM-DATE-TIME');
    if (date) report.check(DATE.test(date.text), date.at, '4.4.4.6', `got date '${date.text}', expected ISO 8601 with a time zone`);
    const map = maps.filter((m) => m.before <= index).at(-1);
    return {
      uri, at, index, number: number + index, duration: info?.number ?? 0, isInteger: info?.isInteger, discontinuity,
      begins: Boolean(tag('EXT-X-DISCONTINUITY')), gap: Boolean(tag('EXT-X-GAP')), date: date && Date.parse(date.text),
      range: tag('EXT-X-BYTERANGE')?.text, map: map?.attributes.URI, mapTag: map,
      parts: tags.filter((t) => t.name === 'EXT-X-PART').map((t) => ({ ...t.attributes, at: t.at, duration: Number(t.attributes.DURATION) })),
    };
  });
  report.check(playlist.trailing.every((t) => t.name === 'EXT-X-PART' || t.name === 'EXT-X-DISCONTINUITY' || t.name === 'EXT-X-PROGRAM-DATE-TIME'),
    where, '4.4.4', 'tags of a segment stand behind the last one');
  return segments;
}

function checkHead(playlist, media, report) {
  const { where } = playlist;
  report.check(media.target > 0, where, '4.4.3.1', 'has no EXT-X-TARGETDURATION');
  for (const name of ['EXT-X-MEDIA-SEQUENCE', 'EXT-X-DISCONTINUITY-SEQUENCE']) {
    const tag = first(playlist, name);
    if (tag) report.check(tag.before === 0, tag.at, name === 'EXT-X-MEDIA-SEQUENCE' ? '4.4.3.2' : '4.4.3.3', `${name} stands behind a segment`);
  }
  const type = first(playlist, 'EXT-X-PLAYLIST-TYPE');
  if (type) report.check(['VOD', 'EVENT'].includes(type.text), type.at, '4.4.3.5', `got type '${type.text}', expected VOD or EVENT`);
  if (type?.text === 'VOD') report.check(media.ended, type.at, '6.2.1', 'a VOD playlist has no EXT-X-ENDLIST: it may not change any more');
}

/* From here on everybody plays fragmented MP4. */
const USUAL_VERSION = 6;

/** §8: what is used decides the version; a higher one locks clients out. */
function checkVersion(playlist, media, report) {
  const version = first(playlist, 'EXT-X-VERSION')?.number ?? 1;
  const iframes = Boolean(first(playlist, 'EXT-X-I-FRAMES-ONLY'));
  const floors = [
    [3, media.segments.some((s) => !s.isInteger), 'a duration with a fraction'],
    [4, iframes || media.segments.some((s) => s.range), 'a byte range or I-frames only'],
    [5, all(playlist, 'EXT-X-KEY').some((k) => k.attributes.KEYFORMAT), 'a KEYFORMAT'],
    [iframes ? 5 : 6, all(playlist, 'EXT-X-MAP').length > 0, 'an EXT-X-MAP'],
    [9, Boolean(first(playlist, 'EXT-X-SKIP')), 'an EXT-X-SKIP'],
    [10, first(playlist, 'EXT-X-SKIP')?.attributes['RECENTLY-REMOVED-DATERANGES'] !== undefined, 'skipped date ranges'],
  ];
  for (const [floor, used, what] of floors) if (used) report.check(version >= floor, playlist.where, '8', `is version ${version} and has ${what}, expected ${floor} or more`);
  const most = Math.max(USUAL_VERSION, ...floors.filter(([, used]) => used).map(([floor]) => floor));
  report.check(version <= most, playlist.where, 'house rule', `is version ${version}, and has nothing that needs more than ${most}`);
}

function checkSegments(media, report) {
  const uris = new Set();
  for (const segment of media.segments) {
    const { at, uri } = segment;
    report.check(Math.round(segment.duration) <= media.target, at, '4.4.3.1', `EXTINF ${segment.duration} rounds to more than the target duration ${media.target}`);
    report.check(!/^([a-z][a-z0-9+.-]*:|\/)/i.test(uri), at, 'house rule', `URI '${uri}' is not relative: a path before it (a token) would be lost`);
    if (!segment.range) report.check(!uris.has(uri), at, 'house rule', `URI '${uri}' is listed twice`);
    uris.add(uri);
    if (segment.begins && segment.map) report.check(segment.mapTag.before === segment.index || segment.gap, at, '4.4.4.5', 'a discontinuity without its own EXT-X-MAP: players miss the new one');
    if (/\.(m4s|mp4|cmf[avt])$/.test(uri) && !segment.gap) report.check(segment.map, at, '3.1.2', `fragmented MP4 '${uri}' has no EXT-X-MAP`);
  }
  checkMaps(media, report);
  checkDates(media, report);
}

/** §4.4.4.3: another header is another encoding, or other tracks. */
function checkMaps(media, report) {
  let before;
  for (const segment of media.segments.filter((s) => !s.gap && s.map)) {
    const map = [segment.map, segment.mapTag.attributes.BYTERANGE].join(' ');
    if (before && before.map !== map) report.check(segment.discontinuity !== before.discontinuity, segment.at, '4.4.4.3', `goes on with header '${segment.map}', and there is no EXT-X-DISCONTINUITY`);
    before = { map, discontinuity: segment.discontinuity };
  }
}

function checkDates(media, report) {
  const dated = media.segments.filter((s) => s.date !== undefined);
  media.dated = dated.length > 0;
  let expected; let from;
  for (const segment of media.segments) {
    if (segment.date !== undefined) {
      report.check(!Number.isNaN(segment.date), segment.at, '4.4.4.6', 'a date that is none');
      if (expected !== undefined && !segment.begins) {
        const off = Math.abs(segment.date / 1000 - expected);
        report.check(off <= ROUNDING_S * (segment.index - from + 1) + 0.001, segment.at, '4.4.4.6', `the date is ${off.toFixed(4)} s off what the durations since the last one give`);
      }
      expected = segment.date / 1000; from = segment.index;
    }
    if (expected !== undefined) expected += segment.duration;
  }
}

/* Of Apple's HLS Authoring Specification, for live playlists. */
const LIVE_SEGMENTS = 6;

/** §6.2.2 and §6.2.4 for what is still being made. */
function checkLive(media, report) {
  if (media.ended || media.type) return;
  const skipped = Number(first(media.playlist, 'EXT-X-SKIP')?.attributes['SKIPPED-SEGMENTS'] ?? 0);
  // A window that its operator made shorter has no server control: it is a store's, or a file's.
  if (media.first > 0 && media.control) report.check(skipped + media.segments.length >= LIVE_SEGMENTS, media.where, 'Apple, live playlists', `lists ${skipped + media.segments.length} segments after others were removed, expected ${LIVE_SEGMENTS} or more`);
  const length = media.segments.reduce((sum, s) => sum + s.duration, 0);
  if (media.first > 0) report.check(length >= 3 * media.target - ROUNDING_S, media.where, '6.2.2', `lists ${length.toFixed(3)} s after segments were removed, expected three target durations (${3 * media.target} s)`);
}

/** { where, target, first, ended, type, segments, control, partTarget, hints, reports, dateRanges, playlist } */
export function checkMedia(bytes, where, report) {
  const playlist = readPlaylist(bytes, where, report);
  report.check(playlist.kind !== 'multivariant playlist', where, '4.4', 'got a multivariant playlist, expected a media playlist');
  const media = {
    where, playlist,
    target: first(playlist, 'EXT-X-TARGETDURATION')?.number ?? 0,
    first: first(playlist, 'EXT-X-MEDIA-SEQUENCE')?.number ?? 0,
    firstDiscontinuity: first(playlist, 'EXT-X-DISCONTINUITY-SEQUENCE')?.number ?? 0,
    ended: Boolean(first(playlist, 'EXT-X-ENDLIST')),
    type: first(playlist, 'EXT-X-PLAYLIST-TYPE')?.text,
    independent: Boolean(first(playlist, 'EXT-X-INDEPENDENT-SEGMENTS')),
    control: first(playlist, 'EXT-X-SERVER-CONTROL')?.attributes,
    partTarget: Number(first(playlist, 'EXT-X-PART-INF')?.attributes['PART-TARGET'] ?? 0),
    hints: all(playlist, 'EXT-X-PRELOAD-HINT'), reports: all(playlist, 'EXT-X-RENDITION-REPORT'),
    openParts: playlist.trailing.filter((t) => t.name === 'EXT-X-PART').map((t) => ({ ...t.attributes, at: t.at, duration: Number(t.attributes.DURATION) })),
  };
  media.segments = readSegments(playlist, report);
  checkRanges(media.segments, report);
  checkStart(playlist, report);
  checkHead(playlist, media, report);
  checkVersion(playlist, media, report);
  checkSegments(media, report);
  media.dateRanges = checkDateRanges(playlist, media, report);
  checkLive(media, report);
  return media;
}
