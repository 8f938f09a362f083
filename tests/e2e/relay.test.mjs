// SPDX-License-Identifier: MIT
// A stream goes on to other servers, and comes from them: every picture is there
// at both ends, and what a target does is nobody else's trouble.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CACHE, Daemon, Publisher, eventually, freePort } from './lib/daemon.mjs';
import { frameNumbers, movie } from './lib/movie.mjs';
import { Recorder, assertConsecutive } from './lib/playlist.mjs';
import { REAL_TIME } from './lib/versions.mjs';

const SECRET = 'sk-of-the-target-1234';

// Takes from another stream's link and sends on; trusts one authority.
const ATTACH = `millrace: 1
name: attach
params:
  from: { type: string, required: true }
  target: { type: string, required: true }
  target-key: { type: string, secret: true, default: "" }
  ca: { type: string, default: "" }
nodes:
  relay:
    element: rtmpclientsink
    from: ["stream:\${from}/in.video_0", "stream:\${from}/in.audio_0"]
    props: { location: "\${target}", stream-key: "\${target-key}", tls-ca-file: "\${ca}" }
`;

// Publishes what comes, so that it can be attached to.
const OPEN = `millrace: 1
name: open
params:
  stream: { type: string, required: true }
  output: { type: string, required: true }
nodes:
  in: { element: rtmpserversrc, publish: true }
  package: { element: cmafsink, from: [in], props: { location: "\${output}", mode: live } }
`;

const PULL = `millrace: 1
name: pull
params:
  output: { type: string, required: true }
  source: { type: string, required: true }
nodes:
  in: { element: rtmpclientsrc, props: { location: "\${source}" } }
  package: { element: cmafsink, from: [in], props: { location: "\${output}", mode: live } }
`;

let source; let tls; let target;

async function keep(daemon, ...texts) {
  for (const text of texts) {
    const name = /^name: (\S+)$/m.exec(text)[1];
    const { status, body } = await daemon.api('PUT', `/api/v1/pipelines/${name}`, { text });
    assert.ok(status < 300, JSON.stringify(body));
  }
}

const record = (daemon, name) => new Recorder(daemon.stream(name), path.join(daemon.dir, `record-${name}`));
const hasPlaylist = (daemon, name, timeoutMs = 20000) => eventually(`${name} has a playlist`, timeoutMs, async () => (await fetch(daemon.stream(name))).status === 200);

/** The numbers of the pictures that viewers got, of all runs of the stream. */
async function seen(recorder) {
  await recorder.stop();
  return recorder.frames();
}

before(async () => {
  source = await movie(CACHE, { seconds: 60 });
  tls = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-tls-'));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', path.join(tls, 'key.pem'), '-out', path.join(tls, 'cert.pem'),
    '-days', '2', '-subj', '/CN=target', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
  target = await Daemon.start({
    listen: { rtmp: '127.0.0.1:0', rtmps: '127.0.0.1:0', origin: '127.0.0.1:0', api: '127.0.0.1:0' },
    tls: { certificate: path.join(tls, 'cert.pem'), key: path.join(tls, 'key.pem') },
  });
});
after(async () => {
  await target?.stop();
  fs.rmSync(tls, { recursive: true, force: true });
});

test('live-relay: both origins have every picture, and the target may break', async (t) => {
  const silent = net.createServer(() => {}).listen(0, '127.0.0.1'); // takes connections and says nothing
  await once(silent, 'listening');
  t.after(() => silent.close());
  const params = { target: `rtmp://${target.addresses.rtmp}/live`, 'target-key': SECRET, 'target-2': `rtmp://127.0.0.1:${silent.address().port}/live/x` };
  const daemon = await Daemon.start({ apps: { live: { pipeline: 'live-relay', auth: 'none', params } } });
  t.after(() => daemon.stop());
  const publisher = Publisher.ffmpeg(source, daemon.rtmp('studio'));
  t.after(() => publisher.kill());
  await hasPlaylist(daemon, 'studio');
  await hasPlaylist(target, SECRET);
  const here = record(daemon, 'studio');
  const there = record(target, SECRET);
  await eventually('four segments at both', 20000, () => here.after(() => true) >= 3 && there.after(() => true) >= 3);

  const stats = async () => (await daemon.api('GET', '/api/v1/streams/studio/stats')).body.nodes;
  const nodes = await stats();
  assert.deepEqual([nodes.relay.state, nodes.relay['dropped-frames']], ['live', 0], JSON.stringify(nodes.relay));
  assert.notEqual(nodes['relay-2'].state, 'live');

  // Whoever is woken up by Prometheus knows which target it is.
  const metrics = (await daemon.api('GET', '/metrics')).body;
  const sample = (name, node) => Number(new RegExp(`^millrace_relay_${name}\\{stream="studio",app="live",node="${node}"\\} (\\S+)$`, 'm').exec(metrics)?.[1]);
  assert.deepEqual(['relay', 'relay-2'].map((node) => sample('connected', node)), [1, 0]);
  assert.ok(sample('sent_bytes_total', 'relay') > 1000, 'bytes sent');
  assert.equal(sample('sent_bytes_total', 'relay') <= (await stats()).relay.bytes, true, 'not more than its statistics say later');
  assert.deepEqual(['reconnects_total', 'dropped_frames_total'].map((name) => sample(name, 'relay')), [0, 0]);
  assert.ok(sample('attempts_total', 'relay-2') >= 1, 'attempts');
  assert.match(metrics, /^millrace_relay_metrics_omitted 0$/m);
  assert.ok(!metrics.includes(SECRET), 'the key is in the metrics');

  // Nobody who looks at the stream learns the key.
  for (const view of ['', '/stats', '/logs', '/graph.svg']) {
    const { body } = await daemon.api('GET', `/api/v1/streams/studio${view}`);
    assert.ok(!JSON.stringify(body).includes(SECRET), `the key is in ${view || 'the stream'}`);
  }
  assert.equal((await daemon.streamState('studio')).params['target-key'], '***');
  assert.ok(!daemon.logs().includes(SECRET), 'the key is in a log');

  // The target's worker dies: the relay comes back, and the stream here has not noticed.
  const [worker] = (await target.workers()).filter((w) => w.kind === 'shared');
  process.kill(worker.pid, 'SIGKILL');
  await eventually('live again', 20000, async () => {
    const { relay } = await stats();
    return relay.connections >= 2 && relay.state === 'live';
  });
  const count = there.after(() => true);
  await eventually('more segments at the target', 20000, () => there.after(() => true) > count + 1);
  assert.equal(publisher.process.exitCode, null, publisher.errors);

  const [ours, ...others] = await seen(here);
  assert.deepEqual(others, [], 'one run here');
  assertConsecutive(ours, 'here');
  assert.equal(ours[0], 0);
  const theirs = await seen(there);
  assertConsecutive(theirs[0], 'at the target, before its end');
  assert.equal(theirs[0][0], 0, 'the relay begins with the first picture');
  for (const run of theirs.slice(1)) assertConsecutive(run, 'at the target, afterwards');
});

test('a relay is attached to a running stream by a link, also over TLS, and detached', async (t) => {
  const daemon = await Daemon.start({ apps: { live: { pipeline: 'open', auth: 'none' } } });
  t.after(() => daemon.stop());
  await keep(daemon, OPEN, ATTACH);
  const publisher = Publisher.ffmpeg(source, daemon.rtmp('studio'));
  t.after(() => publisher.kill());
  await hasPlaylist(daemon, 'studio');
  const here = record(daemon, 'studio');

  const variants = { plain: { target: `rtmp://${target.addresses.rtmp}/live/plain` }, secure: { target: `rtmps://${target.addresses.rtmps}/live`, 'target-key': 'secure', ca: path.join(tls, 'cert.pem') } };
  for (const [name, params] of Object.entries(variants)) {
    const { status, body } = await daemon.api('PUT', `/api/v1/streams/to-${name}`, { pipeline: 'attach', params: { from: 'studio', ...params } });
    assert.equal(status, 201, JSON.stringify(body));
    await hasPlaylist(target, name);
  }
  const recorders = Object.keys(variants).map((name) => [name, record(target, name)]);
  for (const [name, recorder] of recorders) await eventually(`three segments of ${name}`, 20000, () => recorder.after(() => true) >= 2);
  // A certificate that nobody vouches for is refused, and only that.
  assert.equal((await daemon.api('PUT', '/api/v1/streams/to-strange', { pipeline: 'attach', params: { from: 'studio', target: `rtmps://${target.addresses.rtmps}/live/strange` } })).status, 201);
  await eventually('the strange certificate is refused', 10000, async () => /certificate/i.test((await daemon.api('GET', '/api/v1/streams/to-strange/stats')).body.nodes?.relay?.['last-error'] ?? ''));
  for (const name of ['plain', 'secure', 'strange']) assert.equal((await daemon.api('DELETE', `/api/v1/streams/to-${name}`)).status, 200);

  for (const [name, recorder] of recorders) for (const run of await seen(recorder)) assertConsecutive(run, name);
  const runs = await seen(here);
  assert.equal(runs.length, 1);
  assertConsecutive(runs[0], 'the stream that was relayed');
  assert.equal(publisher.process.exitCode, null, publisher.errors);
});

test('pull: what another server plays is packaged', async (t) => {
  const daemon = await Daemon.start({});
  t.after(() => daemon.stop());
  await keep(daemon, PULL);
  const url = `rtmp://127.0.0.1:${await freePort()}/live/film`;
  // It is not there yet: it is waited for.
  assert.equal((await daemon.api('PUT', '/api/v1/streams/film', { pipeline: 'pull', params: { source: url } })).status, 201);
  await eventually('why it is not live', 10000, async () => /^in: .*refused/.test((await daemon.streamState('film')).last_error ?? ''));
  assert.equal((await daemon.streamState('film')).state, 'starting');
  const server = new Publisher('ffmpeg', ['-v', 'error', '-nostdin', ...REAL_TIME, '-i', source, '-c', 'copy', '-f', 'flv', '-listen', '1', url]);
  t.after(() => server.kill());
  await hasPlaylist(daemon, 'film');
  assert.equal((await daemon.streamState('film')).state, 'live');
  const recorder = record(daemon, 'film');
  await eventually('three segments', 20000, () => recorder.after(() => true) >= 2);
  const [run] = await seen(recorder);
  assertConsecutive(run, 'pulled');
  assert.equal(run[0], 0);
  // It goes away: it is waited for again.
  server.kill();
  await eventually('what a lost server is', 10000, async () => (await daemon.streamState('film')).state === 'reconnecting');
  assert.match((await daemon.streamState('film')).last_error, /^in: .+/);
});

const nginxModule = ['/usr/lib/nginx/modules/ngx_rtmp_module.so'].find((file) => fs.existsSync(file));
test('nginx-rtmp as a target, and as what is pulled from', { skip: !nginxModule || spawnSync('nginx', ['-v']).error ? 'nginx with its RTMP module is not installed' : false }, async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-nginx-'));
  fs.chmodSync(dir, 0o777); // its worker is another user when we are root
  const port = await freePort();
  fs.writeFileSync(path.join(dir, 'nginx.conf'), `load_module ${nginxModule};
daemon off; pid ${dir}/pid; error_log ${dir}/error.log; worker_processes 1;
events {}
rtmp { server { listen 127.0.0.1:${port}; application live { live on; record all; record_path ${dir}; record_unique off; } } }
`);
  const nginx = spawn('nginx', ['-p', dir, '-e', path.join(dir, 'error.log'), '-c', path.join(dir, 'nginx.conf')], { stdio: 'ignore' });
  const exited = once(nginx, 'exit');
  t.after(async () => {
    nginx.kill('SIGTERM');
    await exited;
    fs.rmSync(dir, { recursive: true, force: true });
  });
  const daemon = await Daemon.start({ apps: { live: { pipeline: 'live-relay', auth: 'none', params: { target: `rtmp://127.0.0.1:${port}/live/relayed` } } } });
  t.after(() => daemon.stop());
  await keep(daemon, PULL);
  // Its end is wherever the signal meets it: behind a B-frame's reference and before that itself, if it had any.
  const publisher = Publisher.ffmpeg(await movie(CACHE, { seconds: 60, bframes: 0 }), daemon.rtmp('studio'));
  t.after(() => publisher.kill());
  await hasPlaylist(daemon, 'studio');
  assert.equal((await daemon.api('PUT', '/api/v1/streams/back', { pipeline: 'pull', params: { source: `rtmp://127.0.0.1:${port}/live/relayed` } })).status, 201);
  await hasPlaylist(daemon, 'back');
  const back = record(daemon, 'back');
  await eventually('three segments that went through nginx', 20000, () => back.after(() => true) >= 2);
  assertConsecutive((await seen(back))[0], 'through nginx');
  await publisher.kill('SIGINT');
  assert.equal((await daemon.api('POST', '/api/v1/streams/studio/stop')).status, 200);
  const file = path.join(dir, 'relayed.flv');
  // Until nginx has closed it, its last frame may be there in part.
  await eventually('what nginx recorded', 10000, async () => {
    const numbers = await frameNumbers(file);
    assertConsecutive(numbers, 'recorded by nginx');
    assert.equal(numbers[0], 0);
    return true;
  });
});
