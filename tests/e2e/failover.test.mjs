// SPDX-License-Identifier: MIT
// Two publishers of one stream: what a viewer sees when the primary is killed,
// when it stands still, when it is back, and when neither is there. Each
// publisher sends its own part of one film, so that a picture's number tells
// who sent it.
// weight: 2
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CELLS, STRIP, cells } from '../browser/page/barcode.js';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { CACHE, Daemon, Publisher, eventually } from './lib/daemon.mjs';
import { frameNumbers, movie, packetTimes } from './lib/movie.mjs';
import { Recorder } from './lib/playlist.mjs';

const FPS = 30;
const WIDTH = 320;
const HEIGHT = 180;
const SLATE = 777777;
// Where each publisher begins in the film, s; each sends less than a minute of it.
const PARTS = { primary: 0, backup: 60, return: 120 };

let browser; let source; let slate; let daemon;
before(async () => {
  source = await movie(CACHE, { seconds: 180, width: WIDTH, height: HEIGHT });
  slate = path.join(CACHE, 'slate.png');
  makeSlate(slate);
  daemon = await Daemon.start({
    apps: {
      live: { pipeline: 'live-failover', auth: 'none', takeover: 'backup', params: { slate, 'recovery-ms': 3000 } },
      single: { pipeline: 'live-passthrough', auth: 'none', takeover: 'replace' },
    },
  });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
});

/** A picture with a number of its own. */
function makeSlate(file) {
  const luma = Buffer.alloc(WIDTH * HEIGHT, 90);
  cells(SLATE).forEach((bit, i) => {
    for (let y = 0; y < HEIGHT * STRIP; y++) luma.fill(bit ? 235 : 16, y * WIDTH + Math.round((i * WIDTH) / CELLS), y * WIDTH + Math.round(((i + 1) * WIDTH) / CELLS));
  });
  execFileSync('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', '-f', 'rawvideo', '-pix_fmt', 'gray', '-s', `${WIDTH}x${HEIGHT}`, '-i', 'pipe:0', '-frames:v', '1', file], { input: luma });
}

/** Who sent a picture. */
function sender(number) {
  if (number === SLATE) return 'slate';
  return Object.entries(PARTS).findLast(([, from]) => number >= from * FPS)[0];
}

function publish(t, name, part, app) {
  const publisher = Publisher.ffmpeg(source, daemon.rtmp(name, app), ['-ss', String(PARTS[part])]);
  t.after(async () => {
    publisher.process.kill('SIGCONT');
    await publisher.kill();
  });
  return publisher;
}

const inputs = async (name) => (await daemon.streamState(name)).inputs?.map((i) => `${i.node}:${i.state}${i.active ? '*' : ''}`).join(' ');
const places = (name, wanted, timeoutMs = 10000) => eventually(`${name}: ${wanted}`, timeoutMs, async () => {
  const last = await inputs(name);
  if (last !== wanted) throw new Error(`got ${last}`);
  return true;
});

/** Two publishers, a viewer and a recording of what they make. */
async function twoPublishers(t, name) {
  const primary = publish(t, name, 'primary');
  await places(name, 'primary:live* backup:waiting');
  const backup = publish(t, name, 'backup');
  await eventually('master.m3u8', 10000, async () => (await fetch(daemon.stream(name))).status === 200);
  await places(name, 'primary:live* backup:live');
  const { input, ingest } = await daemon.streamState(name);
  assert.deepEqual([input, ingest.node], [{ shown: 'primary', chosen: 'automatic', choices: ['primary', 'backup'] }, 'primary']);
  const recorder = new Recorder(daemon.stream(name), path.join(daemon.dir, name));
  const viewer = browser && await browser.open('hls', daemon.stream(name));
  if (!viewer) await t.test('a viewer in the browser', { skip: noBrowser });
  await viewer?.until('pictures of the primary', 20000, (s) => s.frames.filter(([n]) => sender(n) === 'primary').length > 2 * FPS);
  return { primary, backup, recorder, viewer };
}

const shows = (part, frames = FPS) => (s) => s.frames.slice(-frames).length === frames && s.frames.slice(-frames).every(([n]) => sender(n) === part);

/** Each change of the sender: { from, to, at, mediaMs }, media time of the last picture of one, and from that to the first of the other. */
function changes(frames) {
  const list = [];
  for (let i = 1; i < frames.length; i++) {
    const [from, to] = [sender(frames[i - 1][0]), sender(frames[i][0])];
    if (from !== to) list.push({ from, to, at: frames[i - 1][1], mediaMs: Math.round(frames[i][1] - frames[i - 1][1]) });
  }
  return list;
}

/** Every picture that was published: [number, media time in ms]. */
async function published(recorder) {
  const pictures = [];
  for (const file of recorder.files()) {
    const [numbers, times] = [await frameNumbers(file), await packetTimes(file)];
    assert.ok(!numbers.includes(null), `${file}: every picture can be read`);
    assert.equal(numbers.length, times.length, file);
    numbers.forEach((number, i) => pictures.push([number, times[i] / 1000]));
  }
  return pictures;
}

/**
 * Fails when a viewer's picture stood for a second anywhere, or was of anything but these senders
 * one after another. How long it stands between two of them is told by the pictures that were
 * published, all of them, and by the player's clock, which stands where there is nothing to play: a
 * page sees as many pictures, and as soon, as the machine has time for.
 */
async function assertPlayedOn(t, recorder, seen, senders) {
  const made = changes(await published(recorder));
  const shown = seen && changes(seen.frames);
  for (const list of shown ? [made, shown] : [made]) assert.deepEqual([senders[0], ...list.map((c) => c.to)], senders);
  made.forEach(({ from, to, mediaMs }, i) => {
    const { at, mediaMs: seenMs } = shown?.[i] ?? {};
    const stood = (seen?.starved ?? []).filter(([time]) => time >= at && time <= at + seenMs).reduce((sum, [, ms]) => sum + ms, 0);
    t.diagnostic(`${from} -> ${to}: ${mediaMs} ms of media time between their pictures, ${seenMs} ms between those seen, where the clock stood for ${stood} ms`);
    assert.ok(mediaMs + stood < 1000, `${from} -> ${to}: ${mediaMs} ms of media time, and the clock stood for ${stood} ms`);
  });
  assert.deepEqual(seen?.stalls ?? [], []);
  assert.deepEqual(seen?.errors.filter((e) => e.fatal) ?? [], []);
}

test('the primary is killed and comes back; both go, and the slate is shown until one is back', async (t) => {
  const { primary, backup, recorder, viewer } = await twoPublishers(t, 'kill');
  const killed = Date.now();
  await primary.kill();
  await places('kill', 'primary:away backup:live*');
  t.diagnostic(`the backup is shown ${Date.now() - killed} ms after the kill, as the API tells`);
  assert.equal((await daemon.streamState('kill')).state, 'live');
  await viewer?.until('the backup', 25000, shows('backup', 2 * FPS));

  const back = publish(t, 'kill', 'return');
  await places('kill', 'primary:live* backup:live', 20000);
  await viewer?.until('the primary again', 25000, shows('return', 2 * FPS));
  assert.equal(recorder.ordered().filter((s) => s.discontinuity).length, 0, 'no discontinuity: the encoders are alike');

  await Promise.all([back.kill(), backup.kill()]);
  await places('kill', 'primary:away backup:away');
  await viewer?.until('the slate', 25000, shows('slate', 2 * FPS));
  const last = publish(t, 'kill', 'backup');
  await eventually('somebody is shown', 10000, async () => (await inputs('kill')).includes('*'));
  await viewer?.until('the publisher after the slate', 25000, shows('backup', 2 * FPS));
  const seen = await viewer?.seen();
  await viewer?.close();
  await eventually('two segments after the slate', 20000, () => recorder.after((s) => s.discontinuity) >= 4);
  await last.kill();
  await recorder.stop();
  await assertPlayedOn(t, recorder, seen, ['primary', 'backup', 'return', 'slate', 'backup']);
  assert.equal(recorder.ordered().filter((s) => s.discontinuity).length, 2, 'one into the slate, one out of it');
});

test('the primary stands still with its connection open, and goes on', async (t) => {
  const { primary, recorder, viewer } = await twoPublishers(t, 'stall');
  const stopped = Date.now();
  primary.process.kill('SIGSTOP');
  await places('stall', 'primary:live backup:live*', 5000);
  const took = Date.now() - stopped;
  t.diagnostic(`the backup is shown ${took} ms after the stop, as the API tells`);
  assert.ok(took < 1500, `${took} ms`);
  // Who is silent for ten seconds is sent away, which is as long as a viewer may be behind.
  const listed = recorder.segments.size;
  await eventually('two segments more', 8000, () => recorder.after(() => true) + 1 >= listed + 2);
  primary.process.kill('SIGCONT');
  await places('stall', 'primary:live* backup:live', 20000);
  await viewer?.until('the backup, and the primary again', 25000, (s) => changes(s.frames).length > 1 && shows('primary', 2 * FPS)(s));
  const seen = await viewer?.seen();
  await viewer?.close();
  await recorder.stop();
  await assertPlayedOn(t, recorder, seen, ['primary', 'backup', 'primary']);
});

test('a publisher takes over a stream, and its viewers play on', async (t) => {
  const first = publish(t, 'over', 'primary', 'single');
  await eventually('master.m3u8', 10000, async () => (await fetch(daemon.stream('over'))).status === 200);
  const recorder = new Recorder(daemon.stream('over'), path.join(daemon.dir, 'over'));
  await eventually('a recording', 10000, () => recorder.segments.size >= 1);
  const second = publish(t, 'over', 'backup', 'single');
  assert.notEqual(await first.ended(), 0, 'the first one is sent away');
  await eventually('two segments of the second', 15000, () => recorder.after((s) => s.discontinuity) >= 2);
  assert.equal(second.process.exitCode, null);
  await recorder.stop();
  assert.equal(recorder.ordered().filter((s) => s.discontinuity).length, 1);
  const runs = await recorder.frames();
  assert.deepEqual(runs.map((run) => sender(run[0])), ['primary', 'backup']);
});

test('kill -9 of millraced: the next one knows the places, and who may take them', async (t) => {
  const primary = publish(t, 'adopted', 'primary');
  await places('adopted', 'primary:live* backup:waiting');
  publish(t, 'adopted', 'backup');
  await places('adopted', 'primary:live* backup:live');
  await daemon.kill();
  await daemon.launch();
  await places('adopted', 'primary:live* backup:live');
  const third = publish(t, 'adopted', 'return');
  assert.notEqual(await third.ended(), 0);
  assert.match(third.errors, /Server error: stream 'adopted' has all the publishers it has room for already/);
  await primary.kill();
  await places('adopted', 'primary:away backup:live*');
  publish(t, 'adopted', 'return');
  await places('adopted', 'primary:live* backup:live', 20000);
});
