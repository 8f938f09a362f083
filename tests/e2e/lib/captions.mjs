// SPDX-License-Identifier: MIT
// Puts CEA-608 captions into a movie's pictures (CC1, pop-on), as SEI messages.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';
import { partOf } from './movie.mjs';

const run = promisify(execFile);

/** CTA-608-E: odd parity in the topmost bit. */
const withParity = (byte) => (byte.toString(2).replaceAll('0', '').length % 2 ? byte : byte | 0x80);

/** The pair of each frame of CC1: what loads a caption ends just before the frame at which it comes. */
function pairs(captions, count) {
  const line = new Array(count).fill([0, 0]);
  for (const { from, to, text } of captions) {
    const letters = [...text].map((letter) => letter.charCodeAt(0));
    const load = [[0x14, 0x20], [0x14, 0x20], [0x14, 0x2e], [0x14, 0x2e], [0x14, 0x70], [0x14, 0x70]];
    for (let i = 0; i < letters.length; i += 2) load.push([letters[i], letters[i + 1] ?? 0]);
    if (from - load.length < 0) throw new Error(`caption at frame ${from} has no room before it`);
    load.forEach((pair, i) => { line[from - load.length + i] = pair; });
    line[from] = [0x14, 0x2f];
    line[to] = [0x14, 0x2c];
  }
  return line;
}

/** ANSI/SCTE 128-1: user_data_registered_itu_t_t35 with cc_data of one construct in a NAL unit. */
function sei([first, second]) {
  const data = [0xb5, 0x00, 0x31, ...Buffer.from('GA94'), 0x03, 0xc1, 0xff, 0xfc, withParity(first), withParity(second), 0xff];
  return Buffer.from([0, 0, 0, 1, 6, 4, data.length, ...data, 0x80]);
}

/** Yields { start, end, type } of the NAL units of a byte stream. */
function* units(stream) {
  const starts = [];
  for (let at = stream.indexOf('000001', 0, 'hex'); at >= 0; at = stream.indexOf('000001', at + 3, 'hex')) starts.push(at);
  for (let i = 0; i < starts.length; i++) {
    const zero = starts[i] > 0 && stream[starts[i] - 1] === 0 ? 1 : 0;
    yield { start: starts[i] - zero, end: i + 1 < starts.length ? starts[i + 1] - (stream[starts[i + 1] - 1] === 0 ? 1 : 0) : stream.length, type: stream[starts[i] + 3] & 0x1f, first: (stream[starts[i] + 4] & 0x80) !== 0 };
  }
}

/**
 * Makes (once) and returns a copy of @movie, an MP4 of H.264 without B-frames, with
 * captions: [{ from, to, text }], times in frames.
 */
export async function captioned(movie, fps, captions) {
  const file = movie.replace(/\.mp4$/, `-cc${captions.length}.mp4`);
  if (fs.existsSync(file)) return file;
  const part = partOf(file);
  const raw = `${part}.h264`;
  await run('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', '-i', movie, '-c', 'copy', '-an', '-bsf:v', 'h264_mp4toannexb', '-f', 'h264', raw]);
  const stream = fs.readFileSync(raw);
  const pictures = [...units(stream)].filter((u) => u.type === 1 || u.type === 5).filter((u) => u.first).length;
  const line = pairs(captions, pictures);
  const parts = []; let frame = 0;
  for (const { start, end, type, first } of units(stream)) {
    if ((type === 1 || type === 5) && first) parts.push(sei(line[frame++]));
    parts.push(stream.subarray(start, end));
  }
  fs.writeFileSync(raw, Buffer.concat(parts));
  await run('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', '-r', String(fps), '-i', raw, '-i', movie, '-map', '0:v', '-map', '1:a?', '-c', 'copy', part]);
  fs.renameSync(part, file);
  fs.rmSync(raw);
  return file;
}
