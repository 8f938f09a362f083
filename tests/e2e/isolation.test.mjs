// SPDX-License-Identifier: MIT
// A ladder in a process of its own: what happens to that process costs only what
// it makes. The publisher's own picture and sound, and the publisher, notice
// nothing, whatever dies.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { readInit, readSegment } from './lib/cmaf.mjs';
import { CACHE, LAUNCH, Daemon, Publisher, eventually } from './lib/daemon.mjs';
import { frameNumbers, movie } from './lib/movie.mjs';
import { Recorder, assertConsecutive, multivariant } from './lib/playlist.mjs';

const GOP = 1;
const SOURCE = '360p';
const RUNG = '180p';

let film;
before(async () => { film = await movie(CACHE, { seconds: 90, gop: GOP }); });

const heightOf = (variant) => `${variant.RESOLUTION.split('x')[1]}p`;
/* One that has ended is there until somebody asks how: of an orphan whoever is process 1, when it comes to it. */
const isAlive = (pid) => { try { return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8')); } catch { return false; } };

/** A daemon, a publisher and a recorder of the publisher's own rendition and of one that is encoded. */
async function publishing(t, name) {
  const daemon = await Daemon.start({ apps: { live: { pipeline: 'live-ladder', auth: 'none', params: { ladder: 'test' } } } });
  t.after(() => daemon.stop());
  const publisher = Publisher.ffmpeg(film, daemon.rtmp(name));
  t.after(() => publisher.kill());
  await daemon.live(name, 15000);
  const master = daemon.stream(name);
  await eventually('all renditions in master.m3u8', 15000, async () => (await multivariant(master)).variants.length === 3);
  const record = (height) => new Recorder(master, path.join(daemon.dir, height), (variants) => variants.find((v) => heightOf(v) === height));
  const run = { daemon, publisher, name, master, source: record(SOURCE), rung: record(RUNG) };
  run.uris = (await multivariant(master)).variants.map((v) => v.url);
  run.workers = await workersOf(run);
  await eventually('two segments of each', 20000, () => run.source.segments.size >= 2 && run.rung.segments.size >= 2);
  return run;
}

async function workersOf({ daemon, name }) {
  const workers = await daemon.workers();
  const [shared] = workers.filter((w) => w.kind === 'shared');
  const isolated = workers.filter((w) => w.kind === 'isolated' && w.stream === name);
  assert.equal(isolated.length, 1, JSON.stringify(workers));
  assert.notEqual(isolated[0].pid, shared.pid);
  return { shared, ladder: isolated[0] };
}

const states = async ({ daemon, name }) => (await daemon.api('GET', `/api/v1/streams/${name}/logs`)).body.items.map((i) => i.message).filter((m) => /^\w+ -> \w+$/.test(m));

/**
 * Waits for two segments of the rung after those that were being written at a
 * time. Returns the first that is there again: a ladder that is back at once
 * gets the last GOP once more and misses nothing.
 */
async function comesBack({ source, rung }, at, timeoutMs) {
  const later = () => rung.ordered().filter((s) => s.data && source.segments.has(s.number) && source.segments.get(s.number).time + s.duration * 1000 > at);
  await eventually(`two segments of ${RUNG} after it`, timeoutMs, () => {
    if (rung.error) throw rung.error;
    return later().length >= 2 && later().at(-1).number > later()[0].number;
  });
  return later()[0];
}

/** The publisher's own rendition misses nothing; the rung has its IDRs, and its pictures, where that has them. */
async function compare(t, { source, rung, uris, master, publisher }) {
  await source.stop();
  await rung.stop();
  assert.equal(publisher.process.exitCode, null, 'the publisher is still connected');
  assert.deepEqual((await multivariant(master)).variants.map((v) => v.url), uris, 'the same renditions in the same playlists');

  assert.ok(source.ordered().every((s) => !s.gap && !s.discontinuity), `${SOURCE}: no gap, no discontinuity`);
  const runs = await source.frames();
  assert.equal(runs.length, 1, `${SOURCE}: one generation`);
  assertConsecutive(runs[0], `${SOURCE}: frames`);

  const there = rung.ordered().filter((s) => s.data && source.segments.has(s.number));
  assert.ok(there.length >= 4, `${there.length} segments of ${RUNG} to compare`);
  for (const mine of there) {
    const theirs = source.segments.get(mine.number);
    const [a, b] = [mine, theirs].map((s) => ({ track: readInit(s.init), segment: s }));
    assert.equal(a.track.timescale, b.track.timescale);
    const idrs = ({ track, segment }) => readSegment(segment.data, track).filter((s) => s.idr).map((s) => s.pts);
    assert.deepEqual(idrs(a), idrs(b), `${RUNG}: IDR times of segment ${mine.number}`);
    assert.equal(readSegment(mine.data, a.track).length, readSegment(theirs.data, b.track).length, `${RUNG}: frames of segment ${mine.number}`);
    assert.equal(readSegment(a.segment.data, a.track)[0].idr, true, `${RUNG}: segment ${mine.number} begins with an IDR picture`);
  }
  const last = there.at(-1).number;
  const pictures = async (segment, file) => {
    fs.writeFileSync(file, Buffer.concat([segment.init, segment.data]));
    return frameNumbers(file);
  };
  assert.deepEqual(await pictures(rung.segments.get(last), path.join(rung.directory, 'last.mp4')),
    await pictures(source.segments.get(last), path.join(source.directory, 'last.mp4')), `the pictures of segment ${last}`);
  t.diagnostic(`${runs[0].length} frames of ${SOURCE}, ${there.length} segments of ${RUNG} compared, ${rung.ordered().filter((s) => s.gap).length} gaps`);
}

/** How much of the rung is missing after an event, from the times in the playlists. */
function assertBackWithin(t, run, first, at, limitMs) {
  const missing = Math.max(0, run.source.segments.get(first.number).time - at);
  t.diagnostic(`${RUNG} is back with what was captured ${Math.round(missing)} ms after it`);
  assert.ok(missing <= limitMs, `back after ${Math.round(missing)} ms, expected ${limitMs} ms`);
}

for (const [signal, limitMs] of [['SIGKILL', 2000 + GOP * 1000], ['SIGSTOP', 2500 + 2000 + GOP * 1000]]) {
  test(`${signal} of the ladder's process: only the encoded renditions may have a gap`, async (t) => {
    const run = await publishing(t, signal.toLowerCase());
    const { shared, ladder } = run.workers;
    const at = Date.now();
    process.kill(ladder.pid, signal);
    const first = await comesBack(run, at, 20000);
    await compare(t, run);
    assertBackWithin(t, run, first, at, limitMs);

    const now = await workersOf(run);
    assert.equal(now.shared.pid, shared.pid, 'the shared worker is the same');
    assert.notEqual(now.ladder.pid, ladder.pid, 'the ladder has a new process');
    assert.equal(isAlive(ladder.pid), false, 'the old one is gone');
    const stream = await run.daemon.streamState(run.name);
    assert.equal(stream.state, 'live');
    assert.equal(stream.restarts, 0);
    assert.equal(stream.processes.length, 1);
    assert.equal(stream.processes[0].worker, ladder.id);
    assert.equal(stream.processes[0].restarts, 1);
    assert.match(stream.processes[0].last_error, signal === 'SIGSTOP' ? /SIGABRT/ : /ended unexpectedly/);
    assert.deepEqual((await states(run)).slice(-2), ['live -> degraded', 'degraded -> live']);
  });
}

test('kill -9 of millraced: the ladder runs on, is taken over, and is still watched', async (t) => {
  const run = await publishing(t, 'orphan');
  const { daemon, name, workers } = run;
  await daemon.kill();
  const listed = run.rung.segments.size;
  await eventually('two segments without a supervisor', 15000, () => run.rung.segments.size >= listed + 2);
  await daemon.launch();
  assert.equal((await daemon.streamState(name)).state, 'live');
  await eventually('the ladder in /api/v1/workers', 2000, async () => (await daemon.workers()).some((w) => w.kind === 'isolated'));
  assert.equal((await workersOf(run)).ladder.pid, workers.ladder.pid, 'the same process');
  assert.ok(run.rung.ordered().every((s) => !s.gap), 'nothing is missing so far');

  const at = Date.now();
  process.kill(workers.ladder.pid, 'SIGKILL');
  const first = await comesBack(run, at, 20000);
  await compare(t, run);
  assertBackWithin(t, run, first, at, 2000 + GOP * 1000);
});

test('the ladder ends with its stream: stop, delete, a shared worker that dies, the end of the daemon', async (t) => {
  const daemon = await Daemon.start({ apps: { live: { pipeline: 'live-ladder', auth: 'none', params: { ladder: 'test' } } } });
  t.after(() => daemon.stop());
  const publish = async (name) => {
    const publisher = Publisher.ffmpeg(film, daemon.rtmp(name));
    t.after(() => publisher.kill());
    await daemon.live(name, 15000);
    return (await workersOf({ daemon, name })).ladder.pid;
  };
  const gone = (pid, why) => eventually(`the ladder's end after ${why}`, 8000, async () => !isAlive(pid) && !(await daemon.workers()).some((w) => w.pid === pid));

  const [stopped, deleted] = [await publish('stopped'), await publish('deleted')];
  assert.equal((await daemon.api('POST', '/api/v1/streams/stopped/stop')).status, 200);
  await gone(stopped, 'stop');
  assert.equal((await daemon.streamState('deleted')).state, 'live', 'another stream goes on');
  await daemon.api('DELETE', '/api/v1/streams/deleted');
  await gone(deleted, 'DELETE');

  // An orphan: its stream died while nobody looked.
  const orphan = await publish('orphan');
  const { shared } = await workersOf({ daemon, name: 'orphan' });
  await daemon.kill();
  process.kill(shared.pid, 'SIGKILL');
  await daemon.launch();
  await gone(orphan, 'its stream was gone');

  // A new publisher gets a new one, which goes with the shared worker too.
  const next = await publish('orphan');
  process.kill((await workersOf({ daemon, name: 'orphan' })).shared.pid, 'SIGKILL');
  await gone(next, 'the shared worker died');

  await eventually('a new shared worker', 10000, async () => (await daemon.api('GET', '/readyz')).status === 200);
  const last = await publish('last');
  daemon.process.kill('SIGTERM');
  await daemon.exited;
  await eventually('no process is left', 3000, () => daemon.children().length === 0 && !isAlive(last));
});

test('a reader of the publisher that stands still: its socket fills, it loses frames, nobody else does', async (t) => {
  const run = await publishing(t, 'stuck');
  const { daemon, name } = run;
  const link = async () => (await daemon.api('GET', `/api/v1/streams/${name}/stats`)).body.nodes['link:in'];
  const before = await link();
  const reader = spawn('gst-launch-1.0', ['-q', 'millsrc', `location=${path.join(daemon.config.runtime_dir, 'links', `${name}.in`)}`, 'name=s', 's.video_0', '!', 'fakesink', 'sync=false', 's.audio_0', '!', 'fakesink', 'sync=false'],
    { stdio: 'ignore', env: LAUNCH });
  t.after(() => reader.kill('SIGKILL'));
  await eventually('the reader attached', 10000, async () => (await link()).consumers === before.consumers + 1);
  process.kill(reader.pid, 'SIGSTOP');
  const at = Date.now();
  await eventually('frames dropped for it', 40000, async () => (await link()).dropped > before.dropped);
  await comesBack(run, at, 20000);
  await compare(t, run);
  assert.equal(run.rung.ordered().filter((s) => s.gap).length, 0, `${RUNG}: no gap`);
  assert.equal((await workersOf(run)).ladder.pid, run.workers.ladder.pid, 'the ladder is the same process');
  assert.equal((await daemon.streamState(name)).state, 'live');
  t.diagnostic(`dropped for the reader: ${(await link()).dropped}`);
});
