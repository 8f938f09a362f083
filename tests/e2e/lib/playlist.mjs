// SPDX-License-Identifier: MIT
// A small, strict HLS client: reads playlists, follows a live stream and keeps
// every segment, so that a test can look at each frame that was published.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { request } from '../../tools/check/source.mjs';
import { frameNumbers } from './movie.mjs';

const attributes = (text) => Object.fromEntries([...text.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g)].map(([, key, value]) => [key, value.replace(/^"|"$/g, '')]));

async function get(url) {
  const { status, bytes } = await request(url);
  assert.equal(status, 200, `GET ${url}`);
  return bytes;
}

/** { variants: [{ url, ...attributes }], media: [attributes] } */
export async function multivariant(url) {
  const lines = (await get(url)).toString().split('\n');
  assert.equal(lines[0], '#EXTM3U');
  const variants = [];
  lines.forEach((line, i) => {
    if (line.startsWith('#EXT-X-STREAM-INF:')) variants.push({ ...attributes(line.slice(18)), url: new URL(lines[i + 1], url).href });
  });
  const media = lines.filter((l) => l.startsWith('#EXT-X-MEDIA:')).map((l) => { const a = attributes(l.slice(13)); return { ...a, url: a.URI && new URL(a.URI, url).href }; });
  return { variants, media };
}

/** { sequence, target, ended, segments: [{ number, url, map, duration, discontinuity, gap }], discontinuitySequence } */
export async function mediaPlaylist(url) {
  const text = (await get(url)).toString();
  const playlist = { text, sequence: 0, discontinuitySequence: 0, target: 0, ended: false, segments: [] };
  let map; let duration; let discontinuity = false; let gap = false; let time;
  for (const line of text.split('\n')) {
    const [, tag, value] = /^#(EXT[A-Z0-9-]*):?(.*)$/.exec(line) ?? [];
    if (tag === 'EXT-X-MEDIA-SEQUENCE') playlist.sequence = Number(value);
    else if (tag === 'EXT-X-DISCONTINUITY-SEQUENCE') playlist.discontinuitySequence = Number(value);
    else if (tag === 'EXT-X-TARGETDURATION') playlist.target = Number(value);
    else if (tag === 'EXT-X-ENDLIST') playlist.ended = true;
    else if (tag === 'EXT-X-MAP') map = new URL(attributes(value).URI, url).href;
    else if (tag === 'EXT-X-DISCONTINUITY') discontinuity = true;
    else if (tag === 'EXT-X-PROGRAM-DATE-TIME') time = Date.parse(value);
    else if (tag === 'EXT-X-GAP') gap = true;
    else if (tag === 'EXTINF') duration = parseFloat(value);
    else if (line && !line.startsWith('#')) {
      playlist.segments.push({ number: playlist.sequence + playlist.segments.length, url: new URL(line, url).href, map, duration, discontinuity, gap, time });
      discontinuity = false; gap = false; time = undefined;
    }
  }
  return playlist;
}

/** Follows one media playlist (of the first variant, or what pick(variants, media) says) until stop() or its end, fetching every segment once. */
export class Recorder {
  constructor(url, directory, pick = (variants) => variants[0]) {
    this.url = url;
    this.pick = pick;
    this.directory = directory;
    this.segments = new Map();
    this.discontinuities = 0;
    this.lastSequence = -1;
    this.error = null;
    this.stopping = false;
    fs.mkdirSync(directory, { recursive: true });
    this.done = this.follow().catch((error) => { this.error = error; });
  }

  async follow() {
    const { variants, media: renditions } = await multivariant(this.url);
    const media = this.pick(variants, renditions).url;
    for (;;) {
      const last = this.stopping;
      const playlist = await mediaPlaylist(media);
      assert.ok(playlist.sequence >= this.lastSequence, `EXT-X-MEDIA-SEQUENCE went back from ${this.lastSequence} to ${playlist.sequence}`);
      this.lastSequence = playlist.sequence;
      this.target ??= playlist.target;
      assert.equal(playlist.target, this.target, 'EXT-X-TARGETDURATION changed');
      for (const segment of playlist.segments) await this.fetch(segment);
      if (playlist.ended || last) return;
      await new Promise((resolve) => { setTimeout(resolve, 300); });
    }
  }

  async fetch(segment) {
    const known = this.segments.get(segment.number);
    if (known) {
      assert.equal(segment.url, known.url, `segment ${segment.number} changed its URI`);
      return;
    }
    if (this.segments.size) assert.ok(this.segments.has(segment.number - 1), `segment ${segment.number - 1} was never listed`);
    const entry = { ...segment };
    // A gap that leads the list has no EXT-X-MAP: there is nothing to decode.
    if (!segment.gap) {
      entry.data = await get(segment.url);
      entry.init = await get(segment.map);
    }
    this.segments.set(segment.number, entry);
  }

  /** Reads what is listed once more, then ends. Returns this. */
  async stop() {
    this.stopping = true;
    await this.done;
    if (this.error) throw this.error;
    return this;
  }

  /** How many segments were listed after the first one that fits; fails when the recording has. */
  after(fits) {
    if (this.error) throw this.error;
    const all = this.ordered();
    const first = all.findIndex(fits);
    return first < 0 ? -1 : all.length - 1 - first;
  }

  ordered() { return [...this.segments.values()].sort((a, b) => a.number - b.number); }

  /** A file for each run of segments that follow each other without a discontinuity, with their header. */
  files() {
    const runs = [];
    for (const segment of this.ordered()) {
      if (!segment.data) continue;
      if (!runs.length || runs.at(-1).map !== segment.map || segment.discontinuity) runs.push({ map: segment.map, parts: [segment.init] });
      runs.at(-1).parts.push(segment.data);
    }
    return runs.map((run, i) => {
      const file = path.join(this.directory, `run-${i}.mp4`);
      fs.writeFileSync(file, Buffer.concat(run.parts));
      return file;
    });
  }

  /** The burnt-in numbers of every published frame, decoded init by init. */
  async frames() {
    const numbers = [];
    for (const file of this.files()) numbers.push(await frameNumbers(file));
    return numbers;
  }
}

/** Fails unless the numbers go up by exactly one. */
export function assertConsecutive(numbers, what) {
  assert.ok(numbers.length > 0, `${what}: no frames`);
  assert.ok(!numbers.includes(null), `${what}: a frame could not be read`);
  for (let i = 1; i < numbers.length; i++) assert.equal(numbers[i], numbers[i - 1] + 1, `${what}: frame after ${numbers[i - 1]}`);
}

/** Fails unless every presented frame is later than the one before. */
export function assertIncreasing(frames, what) {
  for (let i = 1; i < frames.length; i++) assert.ok(frames[i][0] > frames[i - 1][0], `${what}: frame ${frames[i][0]} was shown after ${frames[i - 1][0]}`);
}
