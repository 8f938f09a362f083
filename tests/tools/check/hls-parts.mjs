// SPDX-License-Identifier: MIT
// Partial segments by their media (§4.4.4.9, §3.1.2): each is whole CMAF chunks, as
// long as it is said, and with a picture to begin with where it says so.
import { checkHeader, checkSegment } from './cmaf.mjs';
import { all } from './hls-text.mjs';
import { request } from './source.mjs';

/* DURATION has microseconds at least; sound is counted by whole frames. */
const ROUNDING_S = 0.001;

/** The headers of a playlist, and what was said of its parts when they were seen. */
export class Parts {
  constructor(url, where, report) { Object.assign(this, { url, where, report, headers: new Map() }); }

  check(holds, clause, text) { return this.report.check(holds, this.where, clause, text); }

  async loadHeader(uri) {
    if (!this.headers.has(uri)) {
      const { status, bytes } = await request(new URL(uri, this.url));
      const isThere = this.check(status === 200, '4.4.4.5', `header '${uri}' is listed, and is answered ${status}`);
      this.headers.set(uri, isThere ? checkHeader(bytes, `${this.where} ${uri}`, this.report) : undefined);
    }
    return this.headers.get(uri);
  }

  /** Those that @media lists, as [{ part, map }]. */
  list(media) {
    const maps = all(media.playlist, 'EXT-X-MAP'); const open = media.segments.length;
    const listed = [...media.segments.map(({ parts, map }) => ({ parts, map })), { parts: media.openParts, map: maps.filter((m) => m.before <= open).at(-1)?.attributes.URI }];
    return listed.flatMap(({ parts, map }) => parts.filter((p) => p.GAP !== 'YES').map((part) => ({ part, map })));
  }

  /** @bytes: of the part */
  async checkMedia({ part, map }, bytes) {
    if (!this.check(map, '3.1.2', `part '${part.URI}' of fragmented MP4 has no EXT-X-MAP`)) return;
    const header = await this.loadHeader(map);
    if (!header) return;
    const media = checkSegment(bytes, header, `${this.where} ${part.URI}`, this.report);
    if (!media) return;
    const seconds = media.duration / header.timescale; const slack = header.kind === 'vide' ? ROUNDING_S : 2048 / header.timescale + ROUNDING_S;
    this.check(Math.abs(seconds - part.duration) <= slack, '4.4.4.9', `part '${part.URI}' has DURATION ${part.duration}, its media lasts ${seconds.toFixed(4)} s`);
    if (part.INDEPENDENT === 'YES') this.check(media.syncs > 0, '4.4.4.9', `part '${part.URI}' is INDEPENDENT, and has no picture that is`);
  }
}
