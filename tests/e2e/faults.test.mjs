// SPDX-License-Identifier: MIT
// Bad input gets one clear message, and disturbs nothing else.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CACHE, Daemon, Publisher, endProcessesOf, eventually, tool } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';
import { Recorder, assertConsecutive } from './lib/playlist.mjs';
import { RtmpClient } from './lib/rtmp.mjs';
import { REAL_TIME } from './lib/versions.mjs';

let daemon; let source; let witness; let recorder;
before(async () => {
  source = await movie(CACHE, { seconds: 60 });
  daemon = await Daemon.start({ apps: { live: { pipeline: 'live-passthrough', auth: 'none' }, closed: { pipeline: 'live-passthrough', auth: 'keys' } } });
  witness = Publisher.ffmpeg(await movie(CACHE, { seconds: 120 }), daemon.rtmp('witness')); // it outlasts all of this
  await daemon.live('witness');
  await eventually('master.m3u8', 8000, async () => (await fetch(daemon.stream('witness'))).status === 200);
  recorder = new Recorder(daemon.stream('witness'), path.join(daemon.dir, 'witness'));
});
after(async () => {
  await witness?.kill();
  await daemon?.stop();
});

const port = () => Number(daemon.addresses.rtmp.split(':')[1]);

test('garbage on the RTMP port is closed', async () => {
  for (const bytes of [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), Buffer.alloc(100000, 0xff), Buffer.concat([Buffer.from([3]), Buffer.alloc(1536, 7), Buffer.alloc(1536, 9), Buffer.alloc(50000, 0xc3)])]) {
    const socket = net.connect(port(), '127.0.0.1');
    socket.on('error', () => {}); // a reset is a close too
    socket.resume();
    socket.write(bytes);
    const timer = setTimeout(() => socket.destroy(new Error('not closed')), 15000);
    const hadError = await new Promise((resolve) => { socket.once('close', resolve); });
    clearTimeout(timer);
    assert.ok(socket.errored?.message !== 'not closed', `closed by the server (${hadError})`);
  }
});

test('a second publisher of a live name is refused, and told why', async (t) => {
  const second = Publisher.ffmpeg(source, daemon.rtmp('witness'));
  t.after(() => second.kill());
  assert.notEqual(await second.ended(), 0);
});

test('a publisher that mistypes the application reads which one', async (t) => {
  const lost = Publisher.ffmpeg(source, daemon.rtmp('demo', 'lvie'));
  t.after(() => lost.kill());
  assert.notEqual(await lost.ended(), 0);
  assert.match(lost.errors, /Server error: there is no application 'lvie'/);
});

test('a key is needed where keys are asked for', async (t) => {
  const refused = Publisher.ffmpeg(source, daemon.rtmp('secret', 'closed'));
  t.after(() => refused.kill());
  assert.notEqual(await refused.ended(), 0);
  const created = await daemon.api('POST', '/api/v1/stream-keys', { name: 'secret', app: 'closed' });
  assert.equal(created.status, 201);
  for (const url of [`${daemon.rtmp('secret', 'closed')}?key=${created.body.key}`, daemon.rtmp(created.body.key, 'closed')]) {
    const publisher = Publisher.ffmpeg(source, url);
    t.after(() => publisher.kill());
    await daemon.live('secret');
    for (const view of ['', '/stats', '/logs', '/graph.svg']) {
      const shown = await daemon.api('GET', `/api/v1/streams/secret${view}`);
      assert.ok(!JSON.stringify(shown.body).includes(created.body.key), `the secret is not in the stream${view}`);
    }
    await publisher.kill();
    await eventually('not live any more', 5000, async () => (await daemon.streamState('secret')).state === 'reconnecting');
  }
  assert.ok(!daemon.logs().includes(created.body.key), 'the secret is in no log');
  const list = await daemon.api('GET', '/api/v1/stream-keys');
  assert.ok(!JSON.stringify(list.body).includes(created.body.key), 'nor in the list');
});

test('a stream without video plays as audio', async (t) => {
  const radio = new Publisher('ffmpeg', ['-hide_banner', '-loglevel', 'warning', '-nostdin', ...REAL_TIME, '-i', source, '-vn', '-c', 'copy', '-f', 'flv', daemon.rtmp('radio')]);
  t.after(() => radio.kill());
  await eventually('master.m3u8', 12000, async () => (await fetch(daemon.stream('radio'))).status === 200);
  const probe = JSON.parse(execFileSync('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', daemon.stream('radio')]));
  assert.deepEqual(probe.streams.map((s) => s.codec_type), ['audio']);
});

test('an unknown codec is refused by name', async (t) => {
  const publisher = new Publisher('ffmpeg', ['-hide_banner', '-loglevel', 'warning', '-nostdin', ...REAL_TIME, '-i', source, '-an', '-c:v', 'flv1', '-b:v', '300k', '-f', 'flv', daemon.rtmp('sorenson')]);
  t.after(() => publisher.kill());
  assert.notEqual(await publisher.ended(), 0, 'ffmpeg ended with an error');
  await eventually('a message that names the codec', 5000, async () => /Sorenson|H\.263|FLV1|codec (id )?2/i.test(daemon.logs()));
});

test('an occupied port is named with what to do', async () => {
  for (const kind of ['api', 'origin', 'rtmp']) {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-port-'));
    const file = path.join(dir, 'c.yaml');
    const listen = { api: '127.0.0.1:0', origin: '127.0.0.1:0', rtmp: '127.0.0.1:0', [kind]: daemon.addresses[kind] };
    fs.writeFileSync(file, JSON.stringify({ ...daemon.config, listen: { ...daemon.config.listen, ...listen }, state_dir: `${dir}/s`, runtime_dir: `${dir}/r`, media_dir: `${dir}/m` }));
    const run = spawnSync(tool('daemon/millraced'), ['--config', file], { encoding: 'utf8', timeout: 20000 });
    await endProcessesOf(`${dir}/r`); // an origin serves on without its millraced
    assert.equal(run.status, 69, run.stderr);
    const line = run.stderr.split('\n').find((l) => l.includes(`'${daemon.addresses[kind]}'`));
    assert.match(line ?? run.stderr, /in use|another program/);
    assert.match(line, new RegExp(`; mill.* \\(process \\d+\\) has it: end that, or set another listen\\.${kind} in ${file}$`));
    fs.rmSync(dir, { recursive: true, force: true });
  }
});

/** Takes the port of a listener whose process is killed, while nobody can start its successor. Returns a function that frees it. */
async function occupy(processes, other, kind) {
  const { pid } = processes.find((w) => w.kind === (kind === 'rtmp' ? 'shared' : kind));
  const address = other.addresses[kind].split(':');
  const server = net.createServer((socket) => socket.destroy());
  other.process.kill('SIGSTOP');
  process.kill(pid, 'SIGKILL');
  await eventually(`the port of ${kind} taken`, 5000, () => new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(Number(address[1]), address[0], () => resolve(true));
  }));
  other.process.kill('SIGCONT');
  return () => new Promise((resolve) => { server.close(resolve); });
}

test('a port that is taken while its process is started again is asked for until it is free', async (t) => {
  const other = await Daemon.start();
  t.after(() => other.stop());
  const free = await occupy(await other.workers(), other, 'rtmp');
  await eventually('the worker says that it cannot listen', 10000, () => /another program uses/.test(other.readLog()));
  assert.equal((await other.api('GET', '/readyz')).status, 503);
  await free();
  await eventually('ready again', 20000, async () => (await other.api('GET', '/readyz')).status === 200);
  const publisher = Publisher.ffmpeg(source, other.rtmp('after'));
  t.after(() => publisher.kill());
  await other.live('after');
});

test('a millraced that cannot start leaves the streams of its predecessor alone', async (t) => {
  const other = await Daemon.start();
  t.after(() => other.stop());
  const publisher = Publisher.ffmpeg(source, other.rtmp('kept'));
  t.after(() => publisher.kill());
  await other.live('kept');
  const worker = (await other.workers()).find((w) => w.kind === 'shared').pid;
  other.config.listen = { ...other.addresses };
  const processes = await other.workers();
  await other.kill();
  const free = await occupy(processes, other, 'origin');
  await assert.rejects(other.launch(), /ended with 69/);
  await free();
  await other.launch();
  assert.equal((await other.workers()).find((w) => w.kind === 'shared').pid, worker);
  assert.equal((await other.streamState('kept')).state, 'live');
  assert.equal(publisher.process.exitCode, null, 'and its publisher connected');
});

test('a wrong description gets every error with its place', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-yaml-'));
  const file = path.join(dir, 'bad.yaml');
  fs.writeFileSync(file, `millrace: 1
name: bad
nodes:
  in: { element: videotestsrcc }
  sink: { element: fakesink, from: [inn], props: { synk: true, max-lateness: "soon" } }
  colour: { elment: identity }
`);
  const run = spawnSync(tool('cli/millrace'), ['validate', file], { encoding: 'utf8' });
  assert.equal(run.status, 65);
  for (const [line, text] of [[4, 'videotestsrc'], [5, "'in'"], [5, 'sync'], [5, 'max-lateness'], [6, 'element']]) {
    assert.ok(run.stderr.split('\n').some((l) => new RegExp(`bad\\.yaml:${line}:\\d+: error: `).test(l) && l.includes(text)), `line ${line} tells of ${text}:\n${run.stderr}`);
  }
  fs.rmSync(dir, { recursive: true, force: true });
});

test('all processes killed at once: millraced starts over what they left', async (t) => {
  const daemon = await Daemon.start();
  t.after(() => daemon.stop());
  for (let i = 0; i < 8; i++) {
    const pids = (await daemon.workers()).map((w) => w.pid);
    daemon.process.kill('SIGKILL');
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    // At once: some of them may still be dying, and answer a last time.
    await daemon.exited;
    await daemon.launch();
  }
});

test('a full disk is told once per stream and heals', { skip: process.getuid() !== 0 && 'needs root to mount a small tmpfs' }, async (t) => {
  const small = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small]);
  const full = await Daemon.start({}, { mediaDir: path.join(small, 'media') });
  t.after(async () => {
    await full.stop();
    execFileSync('umount', [small]);
    fs.rmdirSync(small);
  });
  // Eight pages: enough to begin in, too little for any segment. Every write of media
  // fails, which is one trouble, and so is the window that is made shorter for it.
  fs.writeFileSync(path.join(small, 'ballast'), Buffer.alloc((2 << 20) - (32 << 10)));
  const publisher = Publisher.ffmpeg(source, full.rtmp('tight'));
  t.after(() => publisher.kill());
  const warnings = () => full.logs().match(/WARNING.*stream=tight$/gm) ?? [];
  await eventually('a failed write and a shorter window are told', 30000, async () => warnings().length >= 2);
  assert.equal(publisher.process.exitCode, null, 'the publisher is not punished');
  fs.unlinkSync(path.join(small, 'ballast'));
  await eventually('segments again', 20000, async () => {
    const response = await fetch(full.stream('tight'));
    return response.status === 200;
  });
  const told = warnings();
  assert.match(told[0], /package: (putting|appending to) '[^']+': No space left on device/);
  assert.match(told[1], /package: room in '[^']+': got too little for what is to come/);
  assert.equal(told.length, 2, told.join('\n'));
});

test('publishers that gave up while millraced hung are no failures, and it admits the next', async (t) => {
  const knock = async (name) => {
    const client = await RtmpClient.connect(port());
    t.after(() => client.close());
    return client.publish(name);
  };
  daemon.process.kill('SIGSTOP');
  t.after(() => daemon.process.kill('SIGCONT'));
  const codes = await Promise.all(Array.from({ length: 50 }, (_, i) => knock(`storm-${i}`)));
  assert.deepEqual([...new Set(codes)], ['Denied'], 'nobody waits for ever');
  daemon.process.kill('SIGCONT');
  await eventually('the requests were looked at', 5000, async () => (await daemon.streamState('storm-49')).state);
  await eventually('no stream is shown as about to start', 5000, async () => (await daemon.api('GET', '/api/v1/streams?limit=200')).body.items.every((s) => s.state !== 'starting'));
  const { items } = (await daemon.api('GET', '/api/v1/streams?limit=200')).body;
  assert.deepEqual(items.filter((s) => /^storm-/.test(s.name) && s.state === 'failed'), []);
  assert.equal(await knock('storm-7'), 'Start');
});

test('all of that left the witness without a missing frame', async () => {
  await recorder.stop();
  const runs = await recorder.frames();
  assert.equal(runs.length, 1);
  assertConsecutive(runs[0], 'witness');
  assert.equal(witness.process.exitCode, null, 'and its publisher connected');
});
