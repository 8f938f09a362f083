// SPDX-License-Identifier: MIT
// What viewers keep when something dies: the supervisor, the publisher, a sibling.
// weight: 2
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { CACHE, Daemon, Publisher, eventually } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';
import { Recorder, assertConsecutive, assertIncreasing, mediaPlaylist, multivariant } from './lib/playlist.mjs';

let browser; let source; let plain;
before(async () => {
  source = await movie(CACHE, { seconds: 60 });
  // Without B-frames: a publisher that is killed between a P picture and the B
  // pictures before it leaves a hole that nobody could fill.
  plain = await movie(CACHE, { seconds: 60, bframes: 0 });
  browser = await startBrowser();
});
after(() => browser?.close());

async function publishing(t, name, film = source) {
  const daemon = await Daemon.start();
  t.after(() => daemon.stop());
  const publisher = Publisher.ffmpeg(film, daemon.rtmp(name));
  t.after(() => publisher.kill());
  await daemon.live(name);
  await eventually('master.m3u8', 8000, async () => (await fetch(daemon.stream(name))).status === 200);
  return { daemon, publisher };
}

/** A viewer in the browser; where there is none a skipped subtest says so, and the recording is what is looked at. */
async function watching(t, url) {
  if (!noBrowser) return browser.open('hls', url);
  await t.test('a viewer in the browser', { skip: noBrowser });
  return undefined;
}

test('kill -9 of millraced: the stream plays on without a missing frame, and is back in the API', async (t) => {
  const { daemon, publisher } = await publishing(t, 'kill');
  const recorder = new Recorder(daemon.stream('kill'), path.join(daemon.dir, 'kill'));
  const viewer = await watching(t, daemon.stream('kill'));
  await viewer?.until('pictures', 10000, (s) => s.frames.length > 30);
  await eventually('a recording', 10000, () => recorder.segments.size >= 1);
  const before = await daemon.workers();
  const rtmp = daemon.addresses.rtmp;

  await daemon.kill();
  const listed = recorder.segments.size;
  const atKill = (await viewer?.seen())?.frames.at(-1)[0];
  await viewer?.until('six more seconds without a supervisor', 15000, (s) => s.frames.at(-1)[0] > atKill + 180);
  await eventually('three more segments without a supervisor', 15000, () => recorder.segments.size >= listed + 3);
  assert.equal(publisher.process.exitCode, null, 'the publisher is still connected');

  await daemon.launch();
  t.diagnostic(`ready ${Math.round(daemon.readyMs)} ms after the start`);
  assert.ok(daemon.readyMs < 1000, `ready after ${Math.round(daemon.readyMs)} ms`);
  const stream = await daemon.streamState('kill');
  assert.equal(stream.state, 'live');
  assert.deepEqual((await daemon.workers()).map((w) => w.pid).sort(), before.map((w) => w.pid).sort(), 'the same processes');
  assert.equal(daemon.addresses.rtmp, rtmp, 'the same RTMP address');

  const atStart = recorder.segments.size;
  if (viewer) {
    const afterStart = (await viewer.seen()).frames.at(-1)[0];
    const seen = await viewer.until('pictures after the restart', 15000, (s) => s.frames.at(-1)[0] > afterStart + 90);
    assertIncreasing(seen.frames, 'viewer');
    assert.deepEqual(seen.stalls, []);
    await viewer.close();
  }
  await eventually('two segments after the restart', 15000, () => recorder.segments.size >= atStart + 2);
  await recorder.stop();
  const runs = await recorder.frames();
  assert.equal(runs.length, 1, 'no discontinuity');
  assertConsecutive(runs[0], 'published frames');

  // The new supervisor is a whole one: it takes another publisher.
  const second = Publisher.ffmpeg(source, daemon.rtmp('second'));
  t.after(() => second.kill());
  await daemon.live('second');
});

test('a publisher that reconnects within the hold continues the playlists with one discontinuity', async (t) => {
  const { daemon, publisher } = await publishing(t, 'again', plain);
  const recorder = new Recorder(daemon.stream('again'), path.join(daemon.dir, 'again'));
  const viewer = await watching(t, daemon.stream('again'));
  await viewer?.until('pictures', 10000, (s) => s.frames.length > 90);
  await eventually('a recording', 10000, () => recorder.segments.size >= 1);
  await publisher.kill();
  await eventually('state reconnecting', 5000, async () => (await daemon.streamState('again')).state === 'reconnecting');
  const next = Publisher.ffmpeg(plain, daemon.rtmp('again'));
  t.after(() => next.kill());
  await daemon.live('again');
  await eventually('two segments after a discontinuity', 15000, () => recorder.after((s) => s.discontinuity) >= 2);
  const pictures = (await viewer?.seen())?.frames.length;
  await viewer?.until('the viewer goes on', 20000, (s) => s.frames.length > pictures + 90);
  await viewer?.close();
  await recorder.stop();
  assert.equal(recorder.ordered().filter((s) => s.discontinuity).length, 1);
  const runs = await recorder.frames();
  runs.forEach((run, i) => assertConsecutive(run, `run ${i}`));
  const { variants } = await multivariant(daemon.stream('again'));
  assert.ok((await mediaPlaylist(variants[0].url)).sequence >= 0);
});

test('kill -9 of the worker: the publisher can come back and the playlists go on', async (t) => {
  const { daemon, publisher } = await publishing(t, 'crash');
  const recorder = new Recorder(daemon.stream('crash'), path.join(daemon.dir, 'crash'));
  await eventually('three segments', 15000, () => recorder.segments.size >= 3);
  const worker = (await daemon.workers()).find((w) => w.kind === 'shared');
  process.kill(worker.pid, 'SIGKILL');
  await publisher.ended();
  await daemon.replaced(worker, 'crash', 10000);
  assert.equal((await daemon.streamState('crash')).last_error, 'process shared-1 ended unexpectedly', 'what happened, and not that millraced has just started');
  const next = Publisher.ffmpeg(source, daemon.rtmp('crash'));
  t.after(() => next.kill());
  await daemon.live('crash', 15000);
  await eventually('a segment after the crash', 20000, () => recorder.after((s) => s.discontinuity) >= 1);
  await recorder.stop();
  assert.equal(recorder.ordered().filter((s) => s.discontinuity).length, 1);
  (await recorder.frames()).forEach((run, i) => assertConsecutive(run, `run ${i}`));
});
