// SPDX-License-Identifier: MIT
// Low-latency HLS from the publisher to the glass: a viewer is a second or two
// behind and not six, stays there without an error, and keeps watching when the
// packager dies.
// weight: 2
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { followLowLatency } from '../tools/check/hls-follow.mjs';
import { Report } from '../tools/check/report.mjs';
import { CACHE, Daemon, Publisher, eventually } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';
import { assertIncreasing } from './lib/playlist.mjs';

const PARAMS = { 'part-duration-ms': 333, 'segment-duration-ms': 1000 };
/* What a viewer of the same stream without parts is behind, at the least: three target durations. */
const PLAIN_S = 3;

let browser; let source;
before(async () => {
  source = await movie(CACHE, { seconds: 90, gop: 1, bframes: 0 });
  browser = await startBrowser();
});
after(() => browser?.close());

async function publishing(t, name, pipeline = 'live-passthrough') {
  const daemon = await Daemon.start({ apps: { live: { pipeline, auth: 'none', params: PARAMS } } });
  t.after(() => daemon.stop());
  const publisher = Publisher.ffmpeg(source, daemon.rtmp(name));
  t.after(() => publisher.kill());
  await eventually('a multivariant playlist', 20000, async () => (await fetch(daemon.stream(name))).status === 200);
  return { daemon, publisher };
}

/** Opens a player, and keeps what it asked for: { viewer, requests: [{ url, status }] }. */
async function open(player, url, config) {
  const viewer = await browser.open(player, url, config);
  const requests = [];
  viewer.page.on('response', (response) => requests.push({ url: response.url(), status: response.status() }));
  return { viewer, requests };
}

const percentile = (values, p) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))];

/** How far behind the packager the picture is, over a while. */
async function measure(viewer, n) {
  const samples = [];
  while (samples.length < n) {
    const { behind } = await viewer.latency();
    if (behind !== null) samples.push(behind);
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  return samples;
}

for (const [player, config] of [['hls', { lowLatencyMode: true }], ['shaka', { streaming: { lowLatencyMode: true } }]]) {
  test(`${player} plays by parts, nearer to live than without them, and is refused nothing`, { skip: noBrowser }, async (t) => {
    const { daemon } = await publishing(t, player);
    // shaka-player 5.2 looks for captions in three segments; of a playlist of three, one is
    // the one that grows, which it asks for by no URL at all.
    await eventually('six segments', 20000, async () => (await (await fetch(daemon.stream(player, 'v360/playlist.m3u8'))).text()).split('#EXTINF').length > 6);
    const { viewer, requests } = await open(player, daemon.stream(player), config);
    const first = await viewer.until('the first picture', 20000, (s) => s.frames.length > 0);
    await viewer.until('four seconds of pictures', 30000, (s) => s.frames.at(-1)[1] - first.frames[0][1] > 4000);
    const samples = await measure(viewer, 60);
    const seen = await viewer.until('ten seconds of pictures', 30000, (s) => s.frames.at(-1)[1] - first.frames[0][1] > 10000);
    t.diagnostic(`${player}: behind the packager by ${percentile(samples, 0.5).toFixed(2)} s (P50), ${percentile(samples, 0.95).toFixed(2)} s (P95); ${seen.stalls.length} stalls`);
    assertIncreasing(seen.frames, player);
    assert.ok(percentile(samples, 0.5) < PLAIN_S, `half of the time within ${PLAIN_S} s, got ${percentile(samples, 0.5)} s`);
    assert.ok(requests.some((r) => /\/\d+-\d+\.\d+\.m4s$/.test(r.url)), 'parts are what it plays');
    assert.ok(requests.some((r) => /_HLS_msn=\d+&_HLS_part=\d+/.test(r.url)), 'it waits for what is next');
    assert.deepEqual(requests.filter((r) => r.status >= 400), [], 'nothing is refused');
    await viewer.close();
  });
}

test('a ladder: rungs that are behind the source are told by parts, and refuse nothing', async (t) => {
  const { daemon } = await publishing(t, 'ladder', 'live-ladder');
  const report = new Report();
  const followers = await followLowLatency(new URL(daemon.stream('ladder')), report, (all) => all.every((f) => f.whole >= 8));
  assert.deepEqual(report.lines, []);
  assert.deepEqual(followers.map((f) => f.where).sort(), ['a96/playlist.m3u8', 'v240/playlist.m3u8', 'v360/playlist.m3u8']);
  for (const { where, skipped, refused } of followers) {
    assert.ok(skipped, `${where}: a delta update was among them`);
    assert.deepEqual(refused, [], where);
  }
});

test('kill -9 of the worker: playlists take nothing back, and the viewer goes on', async (t) => {
  const { daemon, publisher } = await publishing(t, 'killed');
  const report = new Report();
  let done = false;
  const options = { pauses: false };
  const following = followLowLatency(new URL(daemon.stream('killed')), report, () => done, options);
  const opened = noBrowser ? undefined : await open('hls', daemon.stream('killed'), { lowLatencyMode: true });
  await opened?.viewer.until('three seconds of pictures', 30000, (s) => s.frames.length > 90);

  const worker = (await daemon.workers()).find((w) => w.kind === 'shared');
  const away = performance.now();
  options.pauses = true;
  process.kill(worker.pid, 'SIGKILL');
  await publisher.exit;
  await daemon.replaced(worker, 'killed');
  const again = Publisher.ffmpeg(source, daemon.rtmp('killed'));
  t.after(() => again.kill());
  const playlist = () => fetch(daemon.stream('killed', 'v360/playlist.m3u8')).then((r) => r.text());
  await eventually('the second generation with its discontinuity', 30000, async () => /#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="init-2\.mp4"/.test(await playlist()));
  // Who waits is refused after three target durations, and the part that it was told is next, too; and asks again.
  const refusals = 2 * (1 + Math.floor((performance.now() - away) / (3 * PARAMS['segment-duration-ms'])));
  const atKill = (await opened?.viewer.seen())?.frames.length;
  await opened?.viewer.until('five more seconds of pictures', 60000, (s) => s.frames.length > atKill + 150);
  await eventually('three more segments', 30000, async () => /\n2-\d+\.m4s\n(#[^\n]*\n)*2-\d+\.m4s\n(#[^\n]*\n)*2-\d+\.m4s\n/.test(await playlist()));
  done = true;
  const followers = await following;
  assert.deepEqual(report.lines, []);
  for (const { where, versions, whole, refused } of followers) {
    t.diagnostic(`${where}: ${versions} versions, ${whole} segments by parts, refused: ${refused.join(', ') || 'nothing'}`);
    assert.ok(versions > 10 && whole > 3);
    assert.ok(refused.length <= Math.max(4, refusals), `${refusals}: ${refused.join(', ')}`);
  }
});
