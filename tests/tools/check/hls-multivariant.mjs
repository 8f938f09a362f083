// SPDX-License-Identifier: MIT
// The rules of a multivariant playlist.
import { checkIFrameStream } from './hls-i-frames.mjs';
import { all, first, readPlaylist } from './hls-text.mjs';
import { checkSessionData, checkStart, checkSteering } from './hls-whole.mjs';

/* RFC 6381 and the codecs' own texts; Safari refuses `opus` and `flac`. */
const CODECS = [/^avc[13]\.[0-9a-f]{6}$/i, /^h[ve][vc]1\.[ABC]?\d+\.[0-9A-F]+\.[LH]\d+(\.[0-9A-F]{1,2}){0,6}$/, /^av01\.\d\.\d\d[MH]\.\d\d(\.\d\.\d{3}\.\d\d\.\d\d\.\d\d\.\d)?$/,
  /^vp09\.\d\d\.\d\d\.\d\d(\.\d\d){0,5}$/, /^mp4a\.(40\.\d+|6B|69)$/, /^(Opus|fLaC|ac-3|ec-3|wvtt|stpp(\.ttml\.im1t)?)$/];
const VIDEO = /^(avc|h[ve][vc]1|av01|vp09)/;
const GROUPS = { AUDIO: 'AUDIO', VIDEO: 'VIDEO', SUBTITLES: 'SUBTITLES', 'CLOSED-CAPTIONS': 'CLOSED-CAPTIONS' };
const YES_NO = ['DEFAULT', 'AUTOSELECT', 'FORCED'];

/** What only some types have (§4.4.6.1), and from which version on (§8). */
function checkText({ attributes, quoted, at }, version, report) {
  const { TYPE } = attributes; const id = attributes['INSTREAM-ID'];
  report.check(attributes.FORCED === undefined || TYPE === 'SUBTITLES', at, '4.4.6.1', `FORCED on a rendition of TYPE ${TYPE}`);
  report.check(attributes.CHARACTERISTICS === undefined || quoted.has('CHARACTERISTICS'), at, '4.4.6.1', 'CHARACTERISTICS is not a quoted string');
  report.check(!/^SERVICE/.test(id ?? '') || version >= 7, at, '8', `is version ${version} and has INSTREAM-ID ${id}`);
  report.check(id === undefined || TYPE === 'CLOSED-CAPTIONS' || version >= 13, at, '8', `is version ${version} and has INSTREAM-ID on a rendition of TYPE ${TYPE}`);
}

function checkRenditions(renditions, version, report) {
  const groups = new Map();
  for (const rendition of renditions) {
    const { attributes, at } = rendition;
    checkText(rendition, version, report);
    const { TYPE, NAME, URI } = attributes; const id = `${TYPE} ${attributes['GROUP-ID']}`;
    report.check(TYPE in GROUPS, at, '4.4.6.1', `got TYPE ${TYPE}, expected one of ${Object.keys(GROUPS)}`);
    for (const name of YES_NO) report.check([undefined, 'YES', 'NO'].includes(attributes[name]), at, '4.4.6.1', `${name}=${attributes[name]}, expected YES or NO`);
    report.check(TYPE !== 'CLOSED-CAPTIONS' || !URI, at, '4.4.6.1', 'CLOSED-CAPTIONS with a URI: they are inside the video');
    report.check(TYPE !== 'CLOSED-CAPTIONS' || /^(CC[1-4]|SERVICE([1-9]|[1-5]\d|6[0-3]))$/.test(attributes['INSTREAM-ID'] ?? ''), at, '4.4.6.1', `INSTREAM-ID ${attributes['INSTREAM-ID']}, expected CC1 to CC4 or SERVICE1 to SERVICE63`);
    report.check(TYPE !== 'SUBTITLES' || URI, at, '4.4.6.1', 'SUBTITLES without a URI');
    report.check(attributes.DEFAULT !== 'YES' || attributes.AUTOSELECT !== 'NO', at, '4.4.6.1', 'DEFAULT=YES with AUTOSELECT=NO');
    const group = groups.get(id) ?? { at, names: [], defaults: 0, used: false };
    report.check(!group.names.includes(NAME), at, '4.4.6.1.1', `two renditions '${NAME}' in group '${id}'`);
    group.names.push(NAME);
    group.defaults += attributes.DEFAULT === 'YES' ? 1 : 0;
    report.check(group.defaults <= 1, at, '4.4.6.1.1', `several defaults in group '${id}'`);
    groups.set(id, group);
  }
  return groups;
}

function checkVariant({ attributes, quoted, at }, groups, report) {
  const peak = Number(attributes.BANDWIDTH); const average = attributes['AVERAGE-BANDWIDTH'];
  report.check(peak > 0, at, '4.4.6.2', `BANDWIDTH ${attributes.BANDWIDTH}, expected bits per second`);
  report.check(average !== undefined, at, 'Apple 9.x', 'has no AVERAGE-BANDWIDTH');
  if (average !== undefined) report.check(Number(average) > 0 && Number(average) <= peak, at, '4.4.6.2', `AVERAGE-BANDWIDTH ${average} above BANDWIDTH ${peak}`);
  report.check(attributes.CODECS, at, '4.4.6.2', 'has no CODECS');
  report.check(attributes.RESOLUTION || !VIDEO.test(attributes.CODECS ?? ''), at, 'Apple 9.x', 'has video and no RESOLUTION');
  report.check(!attributes.CODECS || quoted.has('CODECS'), at, '4.4.6.2', 'CODECS is not a quoted string');
  for (const codec of (attributes.CODECS ?? '').split(',').filter(Boolean)) report.check(CODECS.some((form) => form.test(codec)), at, 'RFC 6381', `codec '${codec}' has a form that players do not know`);
  if (attributes.RESOLUTION) report.check(/^[1-9]\d*x[1-9]\d*$/.test(attributes.RESOLUTION), at, '4.4.6.2', `RESOLUTION ${attributes.RESOLUTION}, expected WIDTHxHEIGHT`);
  if (attributes['FRAME-RATE']) report.check(/^\d+(\.\d{1,3})?$/.test(attributes['FRAME-RATE']) && Number(attributes['FRAME-RATE']) > 0, at, '4.4.6.2', `FRAME-RATE ${attributes['FRAME-RATE']}, expected three decimals at most`);
  if (attributes['VIDEO-RANGE']) report.check(['SDR', 'HLG', 'PQ'].includes(attributes['VIDEO-RANGE']), at, '4.4.6.2', `VIDEO-RANGE ${attributes['VIDEO-RANGE']}, expected SDR, HLG or PQ`);
  for (const [name, type] of Object.entries(GROUPS)) {
    const id = attributes[name];
    if (id === undefined || (name === 'CLOSED-CAPTIONS' && id === 'NONE' && !quoted.has(name))) continue;
    const group = groups.get(`${type} ${id}`);
    if (report.check(group, at, '4.4.6.2', `${name} "${id}" is no group of EXT-X-MEDIA`)) group.used = true;
  }
}

/** Alike in all variants or in none. */
function checkAlike(variants, where, report) {
  const none = variants.filter((v) => v.attributes['CLOSED-CAPTIONS'] === 'NONE' && !v.quoted.has('CLOSED-CAPTIONS')).length;
  report.check(none === 0 || none === variants.length, where, '4.4.6.2', 'CLOSED-CAPTIONS=NONE on some variants only');
  const ranged = variants.filter((v) => v.attributes['VIDEO-RANGE']).length; const videos = variants.filter((v) => v.attributes.RESOLUTION).length;
  report.check(ranged === 0 || ranged === videos, where, 'Apple 9.x', 'VIDEO-RANGE on some variants only');
  const sets = new Set(variants.map((v) => JSON.stringify([v.uri, v.attributes.AUDIO, v.attributes.SUBTITLES, v.attributes['PATHWAY-ID']])));
  report.check(sets.size === variants.length, where, '4.4.6.2', 'the same variant is listed twice');
}

/** { where, variants: [{ attributes, uri }], renditions: [{ attributes }], uris } */
export function checkMultivariant(bytes, where, report) {
  const playlist = readPlaylist(bytes, where, report);
  report.check(playlist.kind !== 'media playlist', where, '4.4', 'got a media playlist, expected a multivariant playlist');
  const renditions = all(playlist, 'EXT-X-MEDIA');
  const version = first(playlist, 'EXT-X-VERSION')?.number ?? 1;
  const groups = checkRenditions(renditions, version, report);
  const variants = playlist.uris.map(({ uri, at, tags }) => {
    const tag = tags.find((t) => t.name === 'EXT-X-STREAM-INF');
    report.check(tag, at, '4.4.6.2', `'${uri}' has no EXT-X-STREAM-INF`);
    return { uri, at, attributes: tag?.attributes ?? {}, quoted: tag?.quoted ?? new Set() };
  });
  report.check(variants.length > 0, where, '4.4.6.2', 'lists no variant');
  for (const variant of variants) checkVariant(variant, groups, report);
  const iframes = all(playlist, 'EXT-X-I-FRAME-STREAM-INF');
  for (const stream of iframes) checkIFrameStream(stream, variants, report);
  checkAlike(variants, where, report);
  checkStart(playlist, report);
  checkSessionData(playlist, report);
  checkSteering(playlist, variants, iframes, report);
  for (const [id, group] of groups) report.check(group.used, group.at, '4.4.6.1.1', `no variant uses group '${id}'`);
  /* What other pathways have is somewhere else, and the same. */
  const pathways = variants.map((v) => v.attributes['PATHWAY-ID']).filter((id) => id !== undefined);
  const isAbsolute = (uri) => /^([a-z][a-z0-9+.-]*:|\/)/i.test(uri);
  const isElsewhere = (uri) => pathways.length > 0 && isAbsolute(uri);
  const listed = [...new Set([...variants.map((v) => v.uri), ...renditions.map((r) => r.attributes.URI).filter(Boolean)])];
  const uris = listed.filter((uri) => !isElsewhere(uri));
  const iFrameUris = [...new Set(iframes.map((i) => i.attributes.URI))].filter((uri) => !isElsewhere(uri));
  for (const uri of [...uris, ...iFrameUris]) report.check(!isAbsolute(uri), where, 'house rule', `URI '${uri}' is not relative`);
  return { where, playlist, variants: variants.filter((v) => !isElsewhere(v.uri)), renditions: renditions.filter((r) => !isElsewhere(r.attributes.URI ?? '')), uris, iFrameUris, start: first(playlist, 'EXT-X-START') };
}
