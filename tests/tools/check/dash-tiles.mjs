// SPDX-License-Identifier: MIT
// Sheets of thumbnails (DASH-IF IOP §6.2.6): pictures that are there, as large as it
// is said, in columns and rows of whole pixels.
import { dash } from './dash-mpd.mjs';
import { read } from './source.mjs';

const IOP = 'DASH-IF IOP §6.2.6';
const SCHEMES = ['http://dashif.org/guidelines/thumbnail_tile', 'http://dashif.org/thumbnail_tile'];

/** { width, height } of a whole JPEG (ITU-T T.81 annex B), or undefined. */
export function readJpeg(data) {
  if (data.length < 4 || data.readUInt16BE(0) !== 0xffd8 || data.readUInt16BE(data.length - 2) !== 0xffd9) return undefined;
  for (let at = 2; at + 9 < data.length && data[at] === 0xff;) {
    const marker = data[at + 1];
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return { height: data.readUInt16BE(at + 5), width: data.readUInt16BE(at + 7) };
    at += 2 + data.readUInt16BE(at + 2);
  }
  return undefined;
}

export const isTiled = (r) => r.set.type === 'image';

/** @r: a Representation of sheets; @presentation: to load with */
export async function checkTiles(r, presentation) {
  const { report } = presentation; const { attributes } = r;
  const check = (holds, clause, text) => report.check(holds, r.where, clause, text);
  const tile = [r.element, r.set.element].flatMap((e) => [...e.all('EssentialProperty'), ...e.all('SupplementalProperty')]).find((p) => SCHEMES.includes(p.attributes.schemeIdUri));
  const [, columns, rows] = /^([1-9]\d*)x([1-9]\d*)$/.exec(tile?.attributes.value ?? '') ?? [];
  if (!check(columns, IOP, `thumbnail_tile '${tile?.attributes.value}', expected columns and rows`)) return;
  const width = Number(attributes.width); const height = Number(attributes.height);
  check(width % columns === 0 && height % rows === 0, IOP, `@width x @height ${width} x ${height} are no whole pixels of ${columns} x ${rows} thumbnails`);
  for (const segment of r.segments) {
    const uri = r.uri(segment);
    if (presentation.segments.has(uri)) continue;
    const bytes = await read(new URL(uri, presentation.url));
    if (!check(bytes, dash('5.3.9.5.3'), `sheet '${uri}' is available and cannot be loaded`)) continue;
    const seconds = segment.duration / r.timescale; const size = readJpeg(bytes);
    presentation.segments.set(uri, { ...segment, media: undefined, isSheet: true });
    if (!check(attributes.mimeType !== 'image/jpeg' || size, dash('5.3.7.2'), `sheet '${uri}' is no whole JPEG, @mimeType is ${attributes.mimeType}`)) continue;
    if (size) check(size.width === width && size.height === height, IOP, `sheet '${uri}' has ${size.width} x ${size.height}, @width x @height is ${width} x ${height}`);
    check(bytes.length * 8 <= r.bandwidth * (seconds + presentation.minBuffer) * 1.001, dash('5.3.5.4'), `@bandwidth ${r.bandwidth}: sheet '${uri}' has ${bytes.length * 8} bits for ${seconds} s`);
  }
}
