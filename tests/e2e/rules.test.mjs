// SPDX-License-Identifier: MIT
// A live stream breaks no rule of HLS while its publisher, and the process that
// packages it, come and go: what Apple's players give up on, none of the lenient
// ones would show.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Presentation } from '../tools/check/hls-presentation.mjs';
import { Report } from '../tools/check/report.mjs';
import { CACHE, Daemon, Publisher, eventually } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';

let film;
before(async () => { film = await movie(CACHE, { seconds: 90, gop: 1 }); });

async function open(daemon, name) {
  const url = daemon.stream(name); const report = new Report();
  await eventually(`${name} is listed`, 20000, async () => (await fetch(url)).status === 200);
  return { report, presentation: new Presentation(new URL(url), report) };
}

/** Until each rendition lists so many more segments than now. */
async function followMore({ presentation }, count, options) {
  await presentation.load();
  const sizes = new Map([...presentation.renditions.values()].map((r) => [r, r.segments.size]));
  const deadline = Date.now() + 60000;
  await presentation.follow(() => Date.now() > deadline || [...presentation.renditions.values()].every((r) => r.segments.size >= (sizes.get(r) ?? 0) + count), options);
  assert.ok(Date.now() <= deadline, `${count} more segments`);
}

const stays = (report) => assert.deepEqual([...new Set(report.lines)], []);

test('live-passthrough: window, reconnect, kill -9 of the packager, end', async (t) => {
  const daemon = await Daemon.start();
  t.after(() => daemon.stop());
  const publish = () => { const publisher = Publisher.ffmpeg(film, daemon.rtmp('through')); t.after(() => publisher.kill()); return publisher; };
  let publisher = publish();
  const watched = await open(daemon, 'through');
  await followMore(watched, 4);
  await publisher.kill();
  await eventually('its loss is noticed', 10000, async () => (await daemon.streamState('through')).state === 'reconnecting');
  publisher = publish();
  await followMore(watched, 3, { pauses: true });
  const shared = (await daemon.workers()).find((w) => w.kind === 'shared');
  process.kill(shared.pid, 'SIGKILL');
  await publisher.kill();
  await daemon.replaced(shared, 'through', 10000);
  publisher = publish();
  await followMore(watched, 4, { pauses: true });
  assert.equal((await daemon.api('POST', '/api/v1/streams/through/stop')).status, 200);
  const deadline = Date.now() + 20000;
  await watched.presentation.follow(() => Date.now() > deadline, { pauses: true });
  assert.ok(watched.presentation.ended, 'all playlists end');
  stays(watched.report);
});

test('live-ladder: encoded rungs beside the publisher\'s own picture', async (t) => {
  const daemon = await Daemon.start({ apps: { live: { pipeline: 'live-ladder', auth: 'none', params: { ladder: 'test' } } } });
  t.after(() => daemon.stop());
  const publisher = Publisher.ffmpeg(film, daemon.rtmp('ladder'));
  t.after(() => publisher.kill());
  const watched = await open(daemon, 'ladder');
  await followMore(watched, 8);
  assert.equal(watched.presentation.renditions.size, 4, 'three pictures and the sound');
  stays(watched.report);
});
