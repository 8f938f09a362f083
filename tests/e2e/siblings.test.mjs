// SPDX-License-Identifier: MIT
// Streams of one worker share its threads: none may hold up another.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CACHE, LAUNCH, Daemon, Publisher, eventually, freePort } from './lib/daemon.mjs';
import { frameNumbers, movie } from './lib/movie.mjs';
import { Recorder, assertConsecutive } from './lib/playlist.mjs';

// A sink on the clock that shows everything a minute late: it waits with its
// first buffer for as long as this test lasts.
const BLOCKING = `millrace: 1
name: blocking
params:
  stream: { type: string, required: true }
  output: { type: string, required: true }
nodes:
  in: { element: rtmpserversrc }
  late: { element: fakesink, from: [in.video_0], props: { sync: true, ts-offset: 60000000000 } }
`;

let daemon; let source;
before(async () => {
  source = await movie(CACHE, { seconds: 60 });
  daemon = await Daemon.start({ apps: { live: { pipeline: 'live-passthrough', auth: 'none' }, slow: { pipeline: 'blocking', auth: 'none' } } });
  const put = await daemon.api('PUT', '/api/v1/pipelines/blocking', { text: BLOCKING });
  assert.ok(put.status < 300, JSON.stringify(put.body));
});
after(() => daemon?.stop());

test('a stream whose sink blocks does not hold up its neighbours', async (t) => {
  const blocked = [];
  for (let i = 0; i < 4; i++) { // more than one for each pool thread
    const publisher = Publisher.ffmpeg(source, daemon.rtmp(`slow${i}`, 'slow'));
    t.after(() => publisher.kill());
    blocked.push(publisher);
  }
  const witness = Publisher.ffmpeg(source, daemon.rtmp('witness'));
  t.after(() => witness.kill());
  await daemon.live('witness');
  await eventually('master.m3u8', 8000, async () => (await fetch(daemon.stream('witness'))).status === 200);
  const recorder = new Recorder(daemon.stream('witness'), path.join(daemon.dir, 'witness'));
  await eventually('five segments', 20000, () => recorder.after(() => true) >= 4);
  await recorder.stop();
  assertConsecutive((await recorder.frames())[0], 'witness');
  for (const publisher of blocked) assert.equal(publisher.process.exitCode, null, `a blocked stream keeps its publisher: ${publisher.errors}`);
});

test('gst-launch-1.0 -e: ^C ends the recording with a file that plays', async (t) => {
  const port = await freePort();
  const file = path.join(daemon.dir, 'recording.mp4');
  const launch = spawn('gst-launch-1.0', ['-q', '-e', 'rtmpserversrc', `location=rtmp://127.0.0.1:${port}/live/record`, 'name=s', 's.video_0', '!', 'queue', '!', 'm.video_0',
    's.audio_0', '!', 'queue', '!', 'm.audio_0', 'mp4mux', 'name=m', '!', 'filesink', `location=${file}`], { stdio: 'inherit', env: LAUNCH });
  const exited = once(launch, 'exit');
  t.after(() => launch.kill('SIGKILL'));
  await eventually('the listener', 10000, () => new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
  }));
  const publisher = Publisher.ffmpeg(source, `rtmp://127.0.0.1:${port}/live/record`);
  t.after(() => publisher.kill());
  await eventually('some recording', 15000, () => fs.existsSync(file) && fs.statSync(file).size > 100000);
  launch.kill('SIGINT');
  const [code] = await exited;
  assert.equal(code, 0);
  const numbers = await frameNumbers(file);
  assertConsecutive(numbers, 'recording');
  assert.equal(numbers[0], 0, 'from its first frame');
  assert.ok(execFileSync('ffprobe', ['-v', 'error', '-select_streams', 'a', '-count_packets', '-show_entries', 'stream=nb_read_packets', '-of', 'csv=p=0', file]).length > 0);
});
