// SPDX-License-Identifier: MIT
// A long publication: no stall, no gap in the frame numbers, no growth of memory.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { startBrowser } from '../browser/watch.mjs';
import { CACHE, Daemon, Publisher, eventually } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';
import { Recorder, assertConsecutive, assertIncreasing } from './lib/playlist.mjs';

const SECONDS = Number(process.env.MILL_SOAK_SECONDS ?? 600);

test(`${SECONDS} s of live playback`, async (t) => {
  const source = await movie(CACHE, { seconds: SECONDS + 20 });
  const daemon = await Daemon.start();
  t.after(() => daemon.stop());
  const browser = await startBrowser();
  t.after(() => browser.close());
  const publisher = Publisher.ffmpeg(source, daemon.rtmp('soak'));
  t.after(() => publisher.kill());
  await eventually('master.m3u8', 8000, async () => (await fetch(daemon.stream('soak'))).status === 200);
  const recorder = new Recorder(daemon.stream('soak'), path.join(daemon.dir, 'soak'));
  const viewers = { hls: await browser.open('hls', daemon.stream('soak')) };

  const memory = [];
  const began = Date.now();
  while (Date.now() - began < SECONDS * 1000) {
    await new Promise((resolve) => { setTimeout(resolve, 5000); });
    const workers = await daemon.workers();
    memory.push(Object.fromEntries(workers.map((w) => [w.kind, w.memory_bytes])));
    const fatal = (await viewers.hls.seen()).errors.find((e) => e.fatal);
    assert.ok(!fatal, fatal?.text);
    if (recorder.error) throw recorder.error;
  }

  const seen = await viewers.hls.seen();
  assertIncreasing(seen.frames, 'hls.js');
  assert.deepEqual(seen.stalls, [], 'no stall');
  const shown = (seen.frames.at(-1)[0] - seen.frames[0][0]) / 30;
  assert.ok(shown > SECONDS - 15, `${shown} s of pictures were shown in ${SECONDS} s`);
  await recorder.stop();
  const runs = await recorder.frames();
  assert.equal(runs.length, 1, 'no discontinuity');
  assertConsecutive(runs[0], 'published frames');
  for (const kind of Object.keys(memory[0])) {
    const early = Math.max(...memory.slice(0, Math.ceil(memory.length / 5)).map((m) => m[kind]));
    const late = Math.max(...memory.slice(-Math.ceil(memory.length / 5)).map((m) => m[kind]));
    t.diagnostic(`${kind}: ${(early / 1e6).toFixed(1)} MB in the first fifth, ${(late / 1e6).toFixed(1)} MB in the last`);
    assert.ok(late < early * 1.1 + 4e6, `memory of ${kind} grew from ${early} to ${late}`);
  }
  t.diagnostic(`${seen.frames.length} pictures shown, ${runs[0].length} published, first after ${Math.round(seen.first)} ms`);
});
