// SPDX-License-Identifier: MIT
// The rules of I-frame playlists (§4.4.3.6, §4.4.6.3, and 6.x of Apple's HLS
// Authoring Specification), as they are at one moment, with their media.
import { checkHeader, readFirstSample } from './cmaf.mjs';
import { checkMedia, readRange } from './hls-media.mjs';
import { read } from './source.mjs';

/* EXTINF has microseconds at least. */
const ROUNDING_S = 0.0015;

const FORBIDDEN = ['FRAME-RATE', 'AUDIO', 'SUBTITLES', 'CLOSED-CAPTIONS'];

/** §4.4.6.3 of one EXT-X-I-FRAME-STREAM-INF; @variants: of the same playlist */
export function checkIFrameStream({ attributes, quoted, at }, variants, report) {
  const peak = Number(attributes.BANDWIDTH); const average = attributes['AVERAGE-BANDWIDTH'];
  report.check(peak > 0, at, '4.4.6.3', `BANDWIDTH ${attributes.BANDWIDTH}, expected bits per second`);
  if (average !== undefined) report.check(Number(average) > 0 && Number(average) <= peak, at, '4.4.6.3', `AVERAGE-BANDWIDTH ${average} above BANDWIDTH ${peak}`);
  for (const name of FORBIDDEN) report.check(!(name in attributes), at, '4.4.6.3', `${name} has no meaning for an I-frame playlist`);
  report.check(quoted.has('URI'), at, '4.4.6.3', 'URI is not a quoted string');
  report.check(attributes.CODECS && !/mp4a|Opus|fLaC|ac-3|ec-3/.test(attributes.CODECS), at, '4.4.6.3', `CODECS ${attributes.CODECS}, expected that of the pictures alone`);
  const like = variants.filter((v) => v.attributes.RESOLUTION === attributes.RESOLUTION);
  report.check(like.length > 0, at, 'Apple 6.x', `RESOLUTION ${attributes.RESOLUTION} is that of no variant`);
}

/** Each entry is one picture that can be decoded with its header alone, at the time that the list gives it. */
export class IFrames {
  constructor(url, report) {
    this.url = url;
    this.where = url.pathname.split('/').slice(-2).join('/');
    this.report = report;
    this.seen = new Map(); // number -> what was told
    this.headers = new Map();
  }

  async load() {
    const bytes = await read(this.url);
    if (!this.report.check(bytes, this.where, '6.2.1', 'is listed and cannot be loaded')) return;
    const media = checkMedia(bytes, this.where, this.report);
    this.report.check(media.playlist.byName.has('EXT-X-I-FRAMES-ONLY'), this.where, '4.4.3.6', 'has no EXT-X-I-FRAMES-ONLY');
    this.report.check(!media.segments.some((s) => s.parts.length) && !media.openParts.length, this.where, '4.4.4.9', 'an I-frame playlist has partial segments');
    this.media = media;
    for (const segment of media.segments) await this.checkEntry(segment);
    this.checkTimes();
  }

  async checkEntry(segment) {
    const known = this.seen.get(segment.number); const told = [segment.uri, segment.range, segment.duration, segment.gap].join(' ');
    if (known) this.report.check(known.told === told, segment.at, '6.2.1', `entry ${segment.number} changed from ${known.told} to ${told}`);
    if (known || segment.gap) return;
    const entry = { told, number: segment.number, duration: segment.duration, at: segment.at, begins: segment.begins };
    this.seen.set(segment.number, entry);
    const range = readRange(segment.range);
    if (!this.report.check(range, segment.at, '4.4.4.2', `'${segment.uri}' has no EXT-X-BYTERANGE: a whole segment is no picture`)) return;
    const bytes = await read(new URL(segment.uri, this.url), range);
    if (!this.report.check(bytes?.length === range.length, segment.at, '4.4.4.2', `bytes ${segment.range} of '${segment.uri}' are not all there`)) return;
    const header = await this.loadHeader(segment);
    if (!header) return;
    const sample = readFirstSample(bytes, header);
    if (!this.report.check(sample, segment.at, 'Apple 6.10', `bytes ${segment.range} of '${segment.uri}' do not begin with the moof of the picture`)) return;
    this.report.check(sample.sync, segment.at, '4.4.3.6', `bytes ${segment.range} of '${segment.uri}' are no I-frame`);
    this.report.check(sample.end <= bytes.length, segment.at, '4.4.3.6', `the picture ends at ${sample.end}, the range has ${bytes.length} bytes`);
    this.report.check(sample.end === bytes.length, segment.at, 'house rule', `the range has ${bytes.length} bytes, its picture ends at ${sample.end}`);
    Object.assign(entry, { time: sample.time, timescale: header.timescale });
  }

  async loadHeader(segment) {
    const key = `${segment.map} ${segment.mapTag?.attributes.BYTERANGE ?? ''}`;
    if (!this.report.check(segment.map, segment.at, '3.1.2', 'has no EXT-X-MAP')) return undefined;
    if (!this.headers.has(key)) {
      const bytes = await read(new URL(segment.map, this.url), readRange(segment.mapTag.attributes.BYTERANGE));
      this.headers.set(key, bytes && checkHeader(bytes, `${this.where} ${segment.map}`, this.report));
    }
    return this.headers.get(key);
  }

  /** §4.4.3.6: a picture lasts until the next one. */
  checkTimes() {
    const entries = [...this.seen.values()].sort((a, b) => a.number - b.number);
    entries.forEach((entry, i) => {
      const next = entries[i + 1];
      if (entry.checked || !next || next.begins || next.number !== entry.number + 1 || entry.time === undefined || next.time === undefined) return;
      entry.checked = true;
      const distance = (next.time - entry.time) / entry.timescale;
      this.report.check(Math.abs(distance - entry.duration) <= ROUNDING_S, entry.at, '4.4.3.6', `EXTINF ${entry.duration}, the next picture comes ${distance.toFixed(4)} s later`);
    });
  }
}
