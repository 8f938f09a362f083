// SPDX-License-Identifier: MIT
// The rules of what a multivariant playlist says of the presentation as a whole:
// EXT-X-SESSION-DATA (§4.4.6.4), EXT-X-CONTENT-STEERING (§4.4.6.6, §7); and of
// EXT-X-START (§4.4.2.2), which either kind of playlist may have.
import { all, first } from './hls-text.mjs';

const PATHWAY = /^[A-Za-z0-9._-]+$/;

export function checkStart(playlist, report) {
  const tag = first(playlist, 'EXT-X-START');
  if (!tag) return;
  const { 'TIME-OFFSET': offset, PRECISE } = tag.attributes;
  report.check(/^-?\d+(\.\d+)?$/.test(offset), tag.at, '4.4.2.2', `TIME-OFFSET ${offset}, expected a signed number of seconds`);
  report.check([undefined, 'YES', 'NO'].includes(PRECISE), tag.at, '4.4.2.2', `PRECISE=${PRECISE}, expected YES or NO`);
}

/** @media: a media playlist, whose length bounds where it can begin. */
export function checkStartWithin(media, tag, report) {
  if (!tag) return;
  const offset = Number(tag.attributes['TIME-OFFSET']); const length = media.segments.reduce((sum, s) => sum + s.duration, 0);
  report.check(!media.ended || Math.abs(offset) <= length + 0.0015, tag.at, '4.4.2.2', `TIME-OFFSET ${offset} is outside of the ${length.toFixed(3)} s of ${media.where}`);
  report.check(media.ended || offset >= 0 || -offset >= 3 * media.target, tag.at, '4.4.2.2', `TIME-OFFSET ${offset} is within three target durations (${3 * media.target} s) of the end of a live playlist`);
}

export function checkSessionData(playlist, report) {
  const seen = new Set();
  for (const { attributes, quoted, at } of all(playlist, 'EXT-X-SESSION-DATA')) {
    const { VALUE, URI, FORMAT, LANGUAGE } = attributes; const id = attributes['DATA-ID'];
    report.check(('VALUE' in attributes) !== ('URI' in attributes), at, '4.4.6.4', `has ${VALUE === undefined ? 'neither VALUE nor URI' : URI === undefined ? 'VALUE' : 'VALUE and URI'}, expected one of them`);
    for (const name of ['DATA-ID', 'VALUE', 'URI', 'LANGUAGE']) report.check(!(name in attributes) || quoted.has(name), at, '4.4.6.4', `${name} is not a quoted string`);
    report.check(FORMAT === undefined || (URI !== undefined && ['JSON', 'RAW'].includes(FORMAT)), at, '4.4.6.4', `FORMAT=${FORMAT}, expected JSON or RAW, and a URI`);
    report.check(!seen.has(`${id} ${LANGUAGE}`), at, '4.4.6.4', `DATA-ID ${id} appears twice in one language`);
    seen.add(`${id} ${LANGUAGE}`);
  }
}

/** Every pathway has what the others have, by other URIs and other groups. */
export function checkSteering(playlist, variants, iframes, report) {
  const tag = first(playlist, 'EXT-X-CONTENT-STEERING');
  const pathways = new Map();
  for (const { attributes, at } of [...variants, ...iframes]) {
    const id = attributes['PATHWAY-ID'];
    if (id !== undefined) report.check(PATHWAY.test(id), at, '7.1', `PATHWAY-ID ${id}, expected letters, digits, '.', '-' and '_'`);
  }
  for (const { attributes, uri } of variants) {
    const id = attributes['PATHWAY-ID'] ?? '.';
    pathways.set(id, [...pathways.get(id) ?? [], { attributes, uri }]);
  }
  const shape = (list) => JSON.stringify(list.map(({ attributes: a }) => [a.BANDWIDTH, a.CODECS, a.RESOLUTION].join(' ')).sort());
  const [[, head] = [null, []], ...others] = pathways;
  for (const [id, list] of others) {
    report.check(shape(list) === shape(head), playlist.where, '7.1', `pathway ${id} has other variants than the first`);
    for (const { attributes } of list)
      report.check(!attributes.AUDIO || !head.some((v) => v.attributes.AUDIO === attributes.AUDIO), playlist.where, '7.1', `pathway ${id} shares the group "${attributes.AUDIO}" with another`);
  }
  if (!tag) return;
  const id = tag.attributes['PATHWAY-ID'];
  report.check(tag.quoted.has('SERVER-URI') && tag.attributes['SERVER-URI'] !== '', tag.at, '4.4.6.6', 'SERVER-URI is no quoted URI');
  if (id !== undefined) report.check(pathways.has(id), tag.at, '4.4.6.6', `PATHWAY-ID ${id} is that of no variant`);
}
