// SPDX-License-Identifier: MIT
// Low-latency DASH from a real publisher to real players: how far behind a viewer
// is, and that nothing is missing. Each picture has its number in it, so the time
// from the packager to the screen is measured on one clock.
// weight: 2
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { Presentation } from '../tools/check/dash-presentation.mjs';
import { Report } from '../tools/check/report.mjs';
import { CACHE, Daemon, Publisher, eventually } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';

const FPS = 30;
/* What is asserted; what is measured is printed. Machines that run tests are busy. */
const LATENCY_MS = 4000;

let browser; let film;
before(async () => {
  film = await movie(CACHE, { seconds: 90, gop: 1, bframes: 0, fps: FPS });
  browser = await startBrowser();
});
after(() => browser?.close());

async function publishing(t, partMs, pipeline = 'live-passthrough') {
  const daemon = await Daemon.start({ apps: { live: { pipeline, auth: 'none', params: { 'part-duration-ms': partMs } } } });
  t.after(() => daemon.stop());
  const publish = () => { const publisher = Publisher.ffmpeg(film, daemon.rtmp('ll')); t.after(() => publisher.kill()); return publisher; };
  const publisher = publish();
  const url = daemon.stream('ll', 'manifest.mpd');
  await eventually('a low-latency MPD', 30000, async () => /availabilityTimeComplete="false"/.test(await (await fetch(url)).text()));
  return { daemon, publish, publisher, url };
}

/** Milliseconds from the packager to the screen, of the pictures seen: by the wall clock of the MPD's timeline. */
async function latencies(viewer, url) {
  const mpd = await (await fetch(url)).text();
  const zero = Date.parse(/availabilityStartTime="([^"]+)"/.exec(mpd)[1]);
  const { loaded } = await viewer.seen();
  const origin = await viewer.page.evaluate(() => performance.timeOrigin);
  // Media time in players of DASH is that since the availability start time.
  return (await viewer.seen()).frames.map(([, media, wall]) => origin + loaded + wall - (zero + media));
}

const percentile = (values, p) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))];

const modes = {
  dash: { streaming: { delay: { applyServiceDescription: true }, liveCatchup: { enabled: true } } },
  shaka: { streaming: { lowLatencyMode: true, liveSync: { enabled: true } } },
};

for (const [player, config] of Object.entries(modes)) {
  for (const partMs of [200, 333]) {
    test(`${player} in low-latency mode, parts of ${partMs} ms`, { skip: noBrowser }, async (t) => {
      const { url } = await publishing(t, partMs);
      const viewer = await browser.open(player, url, config);
      const seen = await viewer.until('20 s of pictures', 60000, (s) => s.frames.length > 20 * FPS * 0.9);
      const numbers = seen.frames.map(([number]) => number);
      numbers.forEach((n, i) => assert.ok(i === 0 || n > numbers[i - 1], `picture ${n} after ${numbers[i - 1]}`));
      // The first seconds go into finding the live edge.
      const late = (await latencies(viewer, url)).slice(Math.floor(numbers.length / 2));
      const p50 = percentile(late, 0.5); const p95 = percentile(late, 0.95);
      t.diagnostic(`${player}, parts of ${partMs} ms: ${Math.round(p50)} ms behind the packager, P95 ${Math.round(p95)} ms; ${seen.stalls.length} stalls`);
      assert.ok(p50 > 0 && p50 < LATENCY_MS, `${Math.round(p50)} ms behind`);
      await viewer.close();
    });
  }
}

/** Until the newest segment that was loaded is so many further than now. */
async function followMore(presentation, count, options) {
  await presentation.load();
  const size = presentation.segments.size;
  const deadline = Date.now() + 60000;
  await presentation.follow(() => Date.now() > deadline || presentation.segments.size >= size + count, options);
  assert.ok(Date.now() <= deadline, `${count} more segments`);
}

test('breaks no rule of low-latency DASH while it runs', async (t) => {
  const { url } = await publishing(t, 200);
  const report = new Report(); const presentation = new Presentation(new URL(url), report);
  await followMore(presentation, 16);
  assert.deepEqual([...new Set(report.lines)], []);
  assert.ok([...presentation.segments.values()].some((s) => s.media.chunks.length >= 5 && s.media.references.length >= 5), 'segments have parts, each with its reference time');
});

test('the segment that grows arrives in parts, long before its end', async (t) => {
  const { daemon, url } = await publishing(t, 200);
  const text = await (await fetch(url)).text();
  const [, timescale] = /timescale="(\d+)"/.exec(text);
  const [, media, first, duration] = /media="(v\d+\/\d+-\$Number\$\.m4s)" startNumber="(\d+)" duration="(\d+)"/.exec(text);
  const start = Date.parse(/availabilityStartTime="([^"]+)"/.exec(text)[1]);
  // The one that begins next, by the clock of the MPD.
  const number = Number(first) + Math.floor((Date.now() - start) / (1000 * duration / timescale)) + 1;
  const response = await fetch(daemon.stream('ll', media.replace('$Number$', number)));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('cache-control'), 'public, max-age=1');
  const arrivals = []; let bytes = 0;
  for await (const chunk of response.body) { arrivals.push(performance.now()); bytes += chunk.length; }
  assert.ok(arrivals.length >= 4, `${arrivals.length} chunks`);
  assert.ok(arrivals.at(-1) - arrivals[0] > 400, `all in ${arrivals.at(-1) - arrivals[0]} ms`);
  const whole = await fetch(daemon.stream('ll', media.replace('$Number$', number)));
  assert.equal(Number(whole.headers.get('content-length')), bytes, 'the same bytes, then as a file');
  assert.match(whole.headers.get('cache-control'), /immutable/);
});
