// SPDX-License-Identifier: MIT
// Where the time of a part goes between its last picture and the buffer of the player:
// the lines of live.index as they are written, and what the page says it has.
import fs from 'node:fs';
import path from 'node:path';

/** Follows live.index of a stream directory: parts are { number, part, time, duration, at }, in ms. */
export class IndexFollower {
  constructor(directory, rendition) {
    this.file = path.join(directory, 'live.index');
    this.rendition = rendition;
    this.parts = new Map();
    this.rest = '';
    this.read();
    this.watch = fs.watch(directory, (_, name) => { if (name === 'live.index') this.read(); });
  }

  /** What was added; all of it when the file was replaced. */
  read() {
    if (!fs.existsSync(this.file)) return;
    const { ino, size } = fs.statSync(this.file);
    if (ino !== this.inode) Object.assign(this, { inode: ino, offset: 0, rest: '' });
    const text = fs.readFileSync(this.file).subarray(this.offset, size).toString('latin1');
    this.offset += text.length;
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop();
    for (const line of lines) this.add(line.split(' '), Date.now());
  }

  add([rendition, , number, part, , , time, duration], at) {
    const key = `${number}.${part}`;
    if (rendition !== this.rendition || this.parts.has(key)) return;
    this.parts.set(key, { key, time: Number(time) / 1e6, duration: Number(duration) / 1e6, at });
  }

  close() { this.watch.close(); }
}

const spread = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (p) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))]);
  return sorted.length > 0 ? { p50_ms: at(0.5), p95_ms: at(0.95) } : null;
};

/**
 * told: from the time at which the last picture of a part was over to the line of that
 * part; loaded, buffered: from there until the player has it. began: when the first
 * picture was due; loads: of the page, [event, time, number, part]; [from, to) in ms
 * since 1970.
 */
export function summariseStages(follower, began, loads, [from, to]) {
  const parts = [...follower.parts.values()];
  const zero = parts[0]?.time;
  const inside = (at) => at >= from && at < to;
  const since = (name) => loads.filter(([event, at, number, part]) => event === name && inside(at) && follower.parts.has(`${number}.${part}`))
    .map(([, at, number, part]) => at - follower.parts.get(`${number}.${part}`).at);
  return {
    told: spread(parts.filter((p) => inside(p.at)).map((p) => p.at - (began + p.time - zero + p.duration))),
    loaded: spread(since('loaded')), buffered: spread(since('buffered')),
  };
}
