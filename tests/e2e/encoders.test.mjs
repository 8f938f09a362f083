// SPDX-License-Identifier: MIT
// Clumsy encoders: what their media lacks, the playlists must not.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CACHE, Daemon, eventually } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';
import { Recorder, assertConsecutive, mediaPlaylist, multivariant } from './lib/playlist.mjs';
import { RtmpClient, flvTags } from './lib/rtmp.mjs';

const SECONDS = 9;
const WRAP = 2 ** 32;
let daemon; let tags; let small;

async function film(options) {
  const source = await movie(CACHE, { seconds: 20, ...options });
  const file = path.join(daemon.dir, `${path.basename(source, '.mp4')}.flv`);
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', source, '-c', 'copy', file]);
  return flvTags(file).filter((tag) => tag.time < SECONDS * 1000);
}

before(async () => {
  daemon = await Daemon.start();
  tags = await film();
  small = await film({ width: 320, height: 180 });
});
after(() => daemon?.stop());

/** Publishes in real time, ends the stream and returns what a viewer got; every playlist was checked on the way. */
async function publish(name, media, options) {
  const client = await RtmpClient.connect(Number(daemon.addresses.rtmp.split(':')[1]));
  try {
    assert.equal(await client.publish(name), 'Start');
    const playing = client.play(media, options);
    await eventually(`${name}: master.m3u8`, 8000, async () => (await fetch(daemon.stream(name))).status === 200);
    const recorder = new Recorder(daemon.stream(name), path.join(daemon.dir, name));
    await playing;
    client.unpublish(name);
    await client.closed;
    assert.equal((await daemon.api('POST', `/api/v1/streams/${name}/stop`)).status, 200);
    await eventually(`${name}: ENDLIST`, 10000, () => recorder.done.then(() => true));
    await recorder.stop();
    // RFC 8216 4.3.3.1: EXTINF, rounded, is never above EXT-X-TARGETDURATION.
    for (const s of recorder.ordered()) assert.ok(Math.round(s.duration) <= recorder.target, `${name}: segment ${s.number} lasts ${s.duration} s, target ${recorder.target}`);
    return { runs: await recorder.frames(), segments: recorder.ordered() };
  } finally {
    client.close();
  }
}

async function playsThrough(name, media, options) {
  const { runs, segments } = await publish(name, media, options);
  assert.equal(runs.length, 1, `${name}: one run`);
  assertConsecutive(runs[0], name);
  assert.deepEqual([runs[0][0], runs[0].length], [0, SECONDS * 30], `${name}: every frame`);
  assert.ok(segments.every((s) => !s.discontinuity && !s.gap), `${name}: no discontinuity, no gap`);
}

test('what an encoder may do to its clock and headers costs no frame', { concurrency: true }, async (t) => {
  const headers = tags.filter((tag) => tag.header);
  const clumsy = {
    'the clock wraps at 2^32': [tags, { clock: (tag) => (tag.time + WRAP - 4000) % WRAP }],
    'the clock jumps ahead': [tags, { clock: (tag) => tag.time + (tag.time < 4000 ? 0 : 100000) }],
    'the clock jumps back': [tags, { clock: (tag) => tag.time + (tag.time < 4000 ? 60000 : 0) }],
    'stamps jitter by 40 ms': [tags, { clock: (tag) => Math.max(0, tag.time + (tag.time % 2 ? 40 : -40)) }],
    'headers before every keyframe': [tags.flatMap((tag) => (tag.key && !tag.header ? [...headers.map((h) => ({ ...h, time: tag.time })), tag] : [tag]))],
    'no metadata': [tags.filter((tag) => tag.type !== 18)],
    'empty messages': [tags.flatMap((tag, i) => (i % 20 || tag.header ? [tag] : [tag, { ...tag, body: Buffer.alloc(0) }]))],
  };
  await Promise.all(Object.entries(clumsy).map(([what, [media, options]], i) => t.test(what, () => playsThrough(`clumsy-${i}`, media, options))));
});

test('pictures that were left out make no segment too long', async () => {
  const { runs } = await publish('hole', tags, { clock: (tag) => tag.time + (tag.time < 4000 ? 0 : 2000) });
  assert.equal(runs.length, 1);
  assertConsecutive(runs[0], 'hole');
  assert.equal(runs[0].length, SECONDS * 30);
});

test('video that is sent three seconds after its sound is whole', async () => {
  // By order of sending: the clock says that they belong together.
  const media = tags.map((tag) => ({ ...tag, at: tag.time + (tag.video ? 3000 : 0) })).sort((a, b) => a.at - b.at);
  const { runs } = await publish('behind', media);
  assert.equal(runs.length, 1);
  assertConsecutive(runs[0], 'behind');
  assert.equal(runs[0].length, SECONDS * 30);
});

test('another resolution in mid-stream is one discontinuity and one more Period', async () => {
  const media = [...tags.filter((tag) => tag.time < 4000),
    ...small.filter((tag) => tag.video && (tag.header || tag.time >= 4000) || tag.audio && !tag.header && tag.time >= 4000).map((tag) => ({ ...tag, time: Math.max(tag.time, 4000) }))];
  const { runs, segments } = await publish('resize', media);
  assert.equal(segments.filter((s) => s.discontinuity).length, 1);
  assert.deepEqual(runs.map((run) => [run[0], run.length]), [[0, 120], [120, SECONDS * 30 - 120]]);
  runs.forEach((run, i) => assertConsecutive(run, `run ${i}`));
  const mpd = await (await fetch(daemon.stream('resize', 'manifest.mpd'))).text();
  assert.equal(mpd.match(/<Period/g).length, 2);
});

test('sound that begins three seconds late is heard from there on', async () => {
  // Nothing tells of it before: no metadata, no header. By then the first playlist may be out.
  const media = tags.filter((tag) => tag.type !== 18 && (tag.video || tag.time >= 3000))
    .flatMap((tag, i, all) => (tag.audio && all.findIndex((t) => t.audio) === i ? [{ ...tags.find((t) => t.audio && t.header), time: tag.time }, tag] : [tag]));
  const { runs } = await publish('late-sound', media);
  assert.equal(runs.length, 1, 'the picture goes on');
  assertConsecutive(runs[0], 'late-sound');
  const { media: sounds } = await multivariant(daemon.stream('late-sound'));
  assert.equal(sounds.length, 1, 'the sound is a rendition');
  const playlist = await mediaPlaylist(sounds[0].url);
  const seconds = playlist.segments.filter((s) => !s.gap).reduce((sum, s) => sum + s.duration, 0);
  assert.ok(seconds > SECONDS - 3 - 0.2, `${seconds} s of sound`);
});
