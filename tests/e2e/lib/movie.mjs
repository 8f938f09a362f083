// SPDX-License-Identifier: MIT
// Test movies whose every picture carries its number (tests/browser/page/barcode.js).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { CELLS, STRIP, cells, read } from '../../browser/page/barcode.js';

/** Makes raw yuv420p pictures: the bar code of a number over a box that moves from step to step. */
export class Painter {
  constructor(width, height) {
    const luma = width * height;
    this.width = width;
    this.height = height;
    this.strip = Math.round((height * STRIP) / 2) * 2;
    this.background = Buffer.alloc(luma * 1.5, 128);
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) this.background[y * width + x] = 40 + (x * 120) / width + (y * 60) / height;
    this.row = Buffer.alloc(width);
  }

  paint(number, step) {
    const { width, height, strip, row } = this;
    const picture = Buffer.from(this.background);
    const box = Math.floor(height / 6);
    cells(number).forEach((bit, i) => row.fill(bit ? 235 : 16, Math.round((i * width) / CELLS), Math.round(((i + 1) * width) / CELLS)));
    for (let y = 0; y < strip; y++) row.copy(picture, y * width);
    const x = (step * 8) % (width - box);
    const top = strip + ((step * 3) % (height - strip - box));
    for (let y = top; y < top + box; y++) picture.fill(220, y * width + x, y * width + x + box);
    return picture;
  }
}

function* pictures(width, height, count) {
  const painter = new Painter(width, height);
  for (let n = 0; n < count; n++) yield painter.paint(n, n);
}

/** A name of its own for what is being made: files of tests run beside each other, and want the same movies. */
export const partOf = (file) => path.join(path.dirname(file), `part-${process.pid}-${path.basename(file)}`);

const made = new Map();
/** Makes a file once; make(part) writes it. Resolves to the path. */
function cached(file, make) {
  if (fs.existsSync(file)) return file;
  if (!made.has(file)) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    made.set(file, make(partOf(file)).then(() => fs.promises.rename(partOf(file), file)).then(() => file));
  }
  return made.get(file);
}

async function run(command, args, feed) {
  const child = spawn(command, args, { stdio: [feed ? 'pipe' : 'ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (data) => { errors += data; });
  const exit = once(child, 'exit');
  if (feed) {
    child.stdin.on('error', () => {});
    for (const chunk of feed) if (!child.stdin.write(chunk)) await Promise.race([once(child.stdin, 'drain'), exit]);
    child.stdin.end();
  }
  const [code] = await exit;
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${errors.slice(-800)}`);
}

/**
 * Makes (once) and returns the path of an MP4: H.264 with B-frames and AAC.
 * keyframes: 'regular' (every gop seconds) or a list of frame numbers.
 * audio: false for none.
 */
export async function movie(directory, { seconds = 20, width = 640, height = 360, fps = 30, gop = 2, keyframes = 'regular', bframes = 2, bitrate = 800, audio = true } = {}) {
  const kind = keyframes === 'regular' ? `g${gop}` : `k${keyframes.length}`;
  const file = path.join(directory, `movie-${width}x${height}-${fps}-${seconds}s-${kind}-b${bframes}${audio ? '' : '-mute'}.mp4`);
  const count = seconds * fps;
  const force = keyframes === 'regular' ? [] : ['-force_key_frames', keyframes.map((n) => (n / fps).toFixed(6)).join(',')];
  const g = String(keyframes === 'regular' ? gop * fps : count);
  return cached(file, (part) => run('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', `${width}x${height}`, '-r', String(fps), '-i', 'pipe:0',
    ...(audio ? ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${seconds}`] : []), '-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high', '-bf', String(bframes),
    '-g', g, '-keyint_min', g, '-sc_threshold', '0', ...force, '-b:v', `${bitrate}k`, '-maxrate', `${bitrate}k`, '-bufsize', `${bitrate}k`, ...(audio ? ['-c:a', 'aac', '-b:a', '96k', '-ac', '2'] : []),
    '-f', 'mp4', part], pictures(width, height, count)));
}

/**
 * Makes (once) and returns the path of a movie in other codecs: what ffmpeg is
 * told of the tracks is in video and audio (undefined: none). The name has to
 * tell one from another.
 */
export async function codedMovie(directory, name, { seconds = 6, width = 640, height = 360, fps = 30, video, audio, sound = 'sine=frequency=440:sample_rate=48000' }) {
  const file = path.join(directory, name);
  return cached(file, (part) => run('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', `${width}x${height}`, '-r', String(fps), '-i', 'pipe:0',
    ...(audio ? ['-f', 'lavfi', '-i', `${sound}:duration=${seconds}`] : []), ...video, ...(audio ?? []), part], pictures(width, height, seconds * fps)));
}

async function output(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  let text = '';
  child.stderr.on('data', (data) => { errors += data; });
  child.stdout.on('data', (data) => { text += data; });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${errors.slice(-800)}`);
  return text.trim();
}

/** MD5 of all pictures of a stream, decoded and in order. */
export const pictureHash = (input, stream = 'v:0') => output('ffmpeg', ['-v', 'error', '-i', input, '-map', `0:${stream}`, '-fps_mode', 'passthrough', '-f', 'md5', '-']);

async function frameHashes(input, stream, ...options) {
  const text = await output('ffmpeg', ['-v', 'error', '-i', input, '-map', `0:${stream}`, ...options, '-f', 'framemd5', '-']);
  return text.split('\n').filter((line) => !line.startsWith('#')).map((line) => line.split(',')[5].trim());
}

/** MD5 of each packet of a stream, as it is in the container. */
export const packetHashes = (input, stream) => frameHashes(input, stream, '-c', 'copy');

/** MD5 of each picture of a stream, decoded and in order. */
export const pictureHashes = (input, stream = 'v:0') => frameHashes(input, stream, '-fps_mode', 'passthrough');

/** What ffprobe says of the streams of a file or URL. */
export const streams = async (input) => JSON.parse(await output('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', input])).streams;

/** The numbers of all frames that ffmpeg decodes from a file or URL, in order; null where unreadable. */
export async function frameNumbers(input, options = []) {
  const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', ...options, '-i', input, '-map', '0:v:0', '-fps_mode', 'passthrough',
    '-vf', `crop=iw:ih*${STRIP}:0:0,scale=${CELLS * 8}:8:flags=area,format=gray`, '-f', 'rawvideo', 'pipe:1'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (data) => { errors += data; });
  const chunks = [];
  child.stdout.on('data', (data) => chunks.push(data));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`ffmpeg could not decode ${input}: ${errors.slice(-800)}`);
  const data = Buffer.concat(chunks);
  const width = CELLS * 8;
  const numbers = [];
  for (let frame = 0; (frame + 1) * width * 8 <= data.length; frame++) {
    const row = frame * width * 8 + 4 * width;
    numbers.push(read(Array.from({ length: CELLS }, (_, i) => data[row + i * 8 + 4])));
  }
  return numbers;
}

/** Presentation times (µs, integers) and count of the packets of one stream, sorted. */
export async function packetTimes(input, stream = 'v:0') {
  const child = spawn('ffprobe', ['-v', 'error', '-select_streams', stream, '-show_entries', 'packet=pts_time,flags', '-of', 'csv=p=0', input], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (data) => { text += data; });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`ffprobe could not read ${input}`);
  // Side data make lines of their own.
  return text.trim().split('\n').filter((line) => /^-?\d/.test(line)).map((line) => Math.round(Number(line.split(',')[0]) * 1e6)).sort((a, b) => a - b);
}
