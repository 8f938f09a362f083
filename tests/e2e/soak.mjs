// SPDX-License-Identifier: MIT
// A long publication: no stall, no gap in the frame numbers, no growth of memory.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { CACHE, Daemon, Publisher, eventually } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';
import { Recorder, assertConsecutive, assertIncreasing } from './lib/playlist.mjs';

const SECONDS = Number(process.env.MILL_SOAK_SECONDS ?? 600);
// One after another where the machine is too small to decode for three.
const PLAYERS = noBrowser ? [] : (process.env.MILL_SOAK_PLAYERS ?? 'hls,shaka,dash').split(',');

test(`${SECONDS} s of live playback`, async (t) => {
  const source = await movie(CACHE, { seconds: SECONDS + 20 });
  const daemon = await Daemon.start();
  t.after(() => daemon.stop());
  const browser = await startBrowser();
  t.after(() => browser?.close());
  if (noBrowser) await t.test('players in the browser', { skip: noBrowser });
  const publisher = Publisher.ffmpeg(source, daemon.rtmp('soak'));
  t.after(() => publisher.kill());
  await eventually('master.m3u8', 8000, async () => (await fetch(daemon.stream('soak'))).status === 200);
  const recorder = new Recorder(daemon.stream('soak'), path.join(daemon.dir, 'soak'));
  const viewers = {};
  for (const player of PLAYERS) {
    viewers[player] = await browser.open(player, daemon.stream('soak', player === 'hls' ? 'master.m3u8' : 'manifest.mpd'));
    await viewers[player].until(`${player}: the first picture`, 10000, (s) => s.frames.length > 0);
  }

  const memory = [];
  const began = Date.now();
  while (Date.now() - began < SECONDS * 1000) {
    await new Promise((resolve) => { setTimeout(resolve, 5000); });
    const workers = await daemon.workers();
    memory.push(Object.fromEntries(workers.map((w) => [w.kind, w.memory_bytes])));
    for (const viewer of Object.values(viewers)) {
      const fatal = (await viewer.seen()).errors.find((e) => e.fatal);
      assert.ok(!fatal, fatal?.text);
    }
    if (recorder.error) throw recorder.error;
  }

  for (const [player, viewer] of Object.entries(viewers)) {
    const seen = await viewer.seen();
    assertIncreasing(seen.frames, player);
    assert.deepEqual(seen.stalls, [], `${player}: no stall`);
    const shown = (seen.frames.at(-1)[0] - seen.frames[0][0]) / 30;
    assert.ok(shown > SECONDS - 15, `${player}: ${shown} s of pictures were shown in ${SECONDS} s`);
    t.diagnostic(`${player}: ${seen.frames.length} pictures seen, the first after ${Math.round(seen.first)} ms`);
  }
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
  t.diagnostic(`${runs[0].length} pictures published`);
});
