// SPDX-License-Identifier: MIT
// What GStreamer's own elements make of a file or URL, buffer by buffer.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { LAUNCH } from './daemon.mjs';

const run = promisify(execFile);

/**
 * Prints time and MD5 of each buffer. Not fakesink's last-message: gst-launch-1.0 -v
 * prints that on notify, which GObject folds while another thread has notifications of
 * the sink frozen. On a busy machine it gave 346 to 363 lines for 360 pictures, all of
 * which the sink had rendered.
 */
const SINK = 'checksumsink hash=md5';

const LINE = /(\d+):(\d\d):(\d\d)\.(\d{9}) ([0-9a-f]{32})\b/g;
const buffersIn = (text) => [...text.matchAll(LINE)].map(([, h, m, s, ns, hash]) => ({ time: (Number(h) * 3600 + Number(m) * 60 + Number(s)) * 1e6 + Number(ns) / 1e3, hash }));
const player = (url) => ['-v', 'playbin3', `uri=${url}`, `video-sink=${SINK} sync=false`, 'audio-sink=fakesink sync=false'];

async function launch(args) {
  const { stdout, stderr } = await run('gst-launch-1.0', args, { env: LAUNCH, timeout: 60000, maxBuffer: 1 << 24 });
  return { said: stdout + stderr, buffers: buffersIn(stdout) };
}

/** What a pipeline's last element sends: { said, buffers: [{ time in µs, hash }] } in order. */
export const buffersOf = (...elements) => launch(['-q', ...elements, '!', ...SINK.split(' ')]);

/** What playbin3 shows of a URL: { said, buffers }, a buffer for each picture. */
export const play = (url) => launch(player(url));

/** The same of what does not end: so many pictures, or what there is after the deadline. */
export async function playSome(url, count, timeoutMs) {
  const child = spawn('gst-launch-1.0', player(url), { env: LAUNCH, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  let said = ''; let lines = 0;
  child.stdout.on('data', (data) => {
    said += data;
    lines += String(data).split('\n').length - 1;
    if (lines >= count && buffersIn(said).length >= count) child.kill('SIGKILL');
  });
  child.stderr.on('data', (data) => { said += data; });
  await once(child, 'close');
  clearTimeout(timer);
  return { said, buffers: buffersIn(said) };
}
