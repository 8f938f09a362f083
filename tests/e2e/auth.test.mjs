// SPDX-License-Identifier: MIT
// Who may publish, and who no longer may: real encoders against a real daemon.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CACHE, Daemon, Publisher, eventually, tool } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';

const APPS = {
  live: { pipeline: 'live-passthrough', auth: 'keys' },
  strict: { pipeline: 'live-passthrough', auth: 'keys', on_expiry: 'end' },
  twice: { pipeline: 'live-failover', auth: 'keys', takeover: 'backup' },
};
let daemon; let source;
before(async () => {
  source = await movie(CACHE, { seconds: 60 });
  daemon = await Daemon.start({ apps: APPS });
});
after(() => daemon?.stop());

/** A service of the operator's: its answer to a path is what `routes` has, or makes. */
async function serve(routes, tls) {
  const asked = [];
  const handle = (request, response) => {
    let body = '';
    request.on('data', (data) => { body += data; });
    request.on('end', () => {
      asked.push({ path: request.url, headers: request.headers, body });
      const answer = routes[request.url];
      const value = typeof answer === 'function' ? answer(request, body) : answer;
      response.writeHead(value === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(value ?? {}));
    });
  };
  const server = tls ? https.createServer(tls, handle) : http.createServer(handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { asked, url: `http${tls ? 's' : ''}://127.0.0.1:${server.address().port}`, close: () => { server.closeAllConnections(); server.close(); } };
}

/** A file that goes with the test. */
function secretFile(t, text) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-auth-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  const file = path.join(dir, 'secret');
  fs.writeFileSync(file, text, { mode: 0o600 });
  return file;
}

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const inOneHour = () => Math.floor(Date.now() / 1000) + 3600;

/** A JSON Web Token, made by Node's own cryptography. */
function sign(claims, { alg, key, kid }) {
  const text = `${part({ alg, typ: 'JWT', ...(kid && { kid }) })}.${part(claims)}`;
  if (alg === 'HS256') return `${text}.${crypto.createHmac('sha256', key).update(text).digest('base64url')}`;
  return `${text}.${crypto.sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

async function makeKey(name, settings = {}, app = 'live') {
  const { status, body } = await daemon.api('POST', '/api/v1/stream-keys', { name, app, ...settings });
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

const publish = (name, query = '', app = 'live') => Publisher.ffmpeg(source, daemon.rtmp(name, app) + query);

/** Reads the daemon's events from now on. */
async function followEvents(t, of) {
  const abort = new AbortController();
  t.after(() => abort.abort());
  const followed = { text: '' };
  const response = await fetch(`http://${of.addresses.api}/api/v1/events`, { headers: { 'x-api-key': of.key }, signal: abort.signal });
  (async () => {
    try {
      for await (const chunk of response.body) followed.text += Buffer.from(chunk).toString('latin1');
    } catch { /* the daemon, or the test, is over; what was read counts */ }
  })();
  return followed;
}

/** ffmpeg is refused, and shows why. */
async function assertRefused(url, reason) {
  const publisher = Publisher.ffmpeg(source, url);
  assert.notEqual(await publisher.ended(), 0);
  assert.match(publisher.errors, reason);
}

async function metric(name, reason) {
  const { body } = await daemon.api('GET', '/metrics');
  return Number(new RegExp(`^${name}\\{reason="${reason}"\\} (\\d+)$`, 'm').exec(body)[1]);
}

/** The stream of a connected publisher ends in good order, and it cannot come back. */
async function assertEnds(t, name, { change, reason, refusal, app = 'live', settings = {}, timeoutMs = 5000 }) {
  const before = await metric('millrace_publish_ended_total', reason);
  const key = await makeKey(name, settings, app);
  const publisher = publish(name, `?key=${key.key}`, app);
  t.after(() => publisher.kill());
  await daemon.live(name);
  await eventually('master.m3u8', 8000, async () => (await fetch(daemon.stream(name))).status === 200);
  const began = performance.now();
  await change(key);
  await eventually('idle', timeoutMs, async () => (await daemon.streamState(name)).state === 'idle');
  t.diagnostic(`${name}: ended after ${Math.round(performance.now() - began)} ms`);
  assert.match(await (await fetch(daemon.stream(name, 'v360/playlist.m3u8'))).text(), /#EXT-X-ENDLIST/);
  assert.notEqual(await publisher.ended(), 0, 'ffmpeg lost its connection');
  assert.equal(await metric('millrace_publish_ended_total', reason), before + 1);
  const log = (await daemon.api('GET', `/api/v1/streams/${name}/logs`)).body.items;
  assert.ok(log.some((line) => line.message.startsWith('ended: ')), JSON.stringify(log));
  if (refusal) await assertRefused(`${daemon.rtmp(name, app)}?key=${key.key}`, refusal);
}

const patch = (key, body) => daemon.api('PATCH', `/api/v1/stream-keys/${key.id}`, body);

test('a publisher whose key is deleted, disabled, rotated or narrowed is sent away at once', async (t) => {
  for (const [name, change, refusal] of [
    ['deleted', (key) => daemon.api('DELETE', `/api/v1/stream-keys/${key.id}`), /unknown stream key/],
    ['disabled', (key) => patch(key, { enabled: false }), /stream key is disabled or has expired/],
    ['rotated', (key) => daemon.api('POST', `/api/v1/stream-keys/${key.id}/rotate`), /unknown stream key/],
    ['narrowed', (key) => patch(key, { allowed_addresses: ['192.0.2.0/24'] }), /stream key is not allowed from this address/],
  ]) {
    await t.test(name, (inner) => assertEnds(inner, name, { change, reason: 'revoked', refusal }));
  }
});

test('a key that may publish less has its stream ended when that is over', async (t) => {
  await t.test('duration', (inner) => assertEnds(inner, 'short', { settings: { max_duration_seconds: 3 }, change: () => {}, reason: 'duration' }));
  // The movie is of some 500 kbit/s; the first window of 10 s shows it. What it sent in that is as much as it may in a minute.
  await t.test('bit rate', (inner) => assertEnds(inner, 'thin', { settings: { max_bitrate_bps: 50000 }, change: () => {}, reason: 'bitrate', refusal: /more was sent than is allowed \(50000 bit\/s\), wait \d+ s/, timeoutMs: 25000 }));
});

test('a key that expires ends its stream where the application says so, and only there', async (t) => {
  // It expires when its stream runs, however long a publisher takes to start.
  const settings = { expires_at: new Date(Date.now() + 3600000).toISOString() };
  const expires = async (key) => {
    const { status, body } = await patch(key, { expires_at: new Date(Date.now() + 2000).toISOString() });
    assert.equal(status, 200, JSON.stringify(body));
    return Date.parse(body.expires_at);
  };
  const key = await makeKey('kept', settings);
  const publisher = publish('kept', `?key=${key.key}`);
  t.after(() => publisher.kill());
  await daemon.live('kept');
  const at = await expires(key);
  await t.test('end', (inner) => assertEnds(inner, 'strict', { app: 'strict', settings, change: expires, reason: 'expired', refusal: /stream key is disabled or has expired/ }));
  assert.ok(at < Date.now());
  assert.equal((await daemon.streamState('kept')).state, 'live');
  await publisher.kill();
  await assertRefused(`${daemon.rtmp('kept')}?key=${key.key}`, /stream key is disabled or has expired/);
});

test('rotation with grace leaves the publisher, and both secrets get in', async (t) => {
  const key = await makeKey('grace');
  const publisher = publish('grace', `?key=${key.key}`);
  t.after(() => publisher.kill());
  await daemon.live('grace');
  const rotated = await daemon.api('POST', `/api/v1/stream-keys/${key.id}/rotate?grace_seconds=600`);
  assert.equal(rotated.status, 200);
  assert.ok(Date.parse(rotated.body.previous_expires_at) > Date.now() + 500000);
  for (const secret of [key.key, rotated.body.key]) {
    await assertRefused(`${daemon.rtmp('grace')}?key=${secret}`, /stream 'grace' has a publisher already/);
  }
  assert.equal((await daemon.streamState('grace')).state, 'live');
});

test('of two publishers the one whose key is revoked goes, and the stream only with the last', async (t) => {
  const keys = [await makeKey('pair', {}, 'twice'), await makeKey('pair', {}, 'twice')];
  const publishers = [];
  t.after(() => Promise.all(publishers.map((publisher) => publisher.kill())));
  const live = async () => ((await daemon.streamState('pair')).inputs ?? []).filter((input) => input.state === 'live').length;
  for (const key of keys) {
    publishers.push(publish('pair', `?key=${key.key}`, 'twice'));
    await eventually(`${publishers.length} publishers`, 10000, async () => await live() === publishers.length);
  }
  assert.equal((await patch(keys[1], { enabled: false })).status, 200);
  await eventually('one publisher', 5000, async () => await live() === 1);
  assert.notEqual(await publishers[1].ended(), 0);
  assert.equal(publishers[0].process.exitCode, null, 'the other one goes on');
  assert.equal((await daemon.streamState('pair')).state, 'live');
  assert.match(daemon.readLog(), /publisher 127\.0\.0\.1:\d+ sent away \(revoked\): its stream key was disabled/);
  await assertRefused(`${daemon.rtmp('pair', 'twice')}?key=${keys[1].key}`, /stream key is disabled or has expired/);
  assert.equal((await daemon.api('DELETE', `/api/v1/stream-keys/${keys[0].id}`)).status, 200);
  await eventually('idle', 15000, async () => (await daemon.streamState('pair')).state === 'idle');
  assert.notEqual(await publishers[0].ended(), 0);
});

test('revoking ends what was let in before a restart of millraced', async (t) => {
  const key = await makeKey('adopted');
  const publisher = publish('adopted', `?key=${key.key}`);
  t.after(() => publisher.kill());
  await daemon.live('adopted');
  await daemon.kill();
  await daemon.launch();
  await daemon.live('adopted');
  assert.equal((await patch(key, { enabled: false })).status, 200);
  await eventually('idle', 5000, async () => (await daemon.streamState('adopted')).state === 'idle');
});

test('a token that is signed for a stream lets its publisher in, whoever signed', async (t) => {
  const rsa = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const stranger = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const secret = crypto.randomBytes(40).toString('hex');
  const jwk = (pair, kid) => ({ ...pair.publicKey.export({ format: 'jwk' }), kid, use: 'sig' });
  const keys = await serve({ '/jwks.json': { keys: [jwk(rsa, 'r1'), jwk(ec, 'e1')] } });
  t.after(() => keys.close());
  const own = await Daemon.start({
    apps: {
      live: { pipeline: 'live-passthrough', auth: ['keys', 'jwt'], jwt: { jwks: `${keys.url}/jwks.json`, issuer: 'https://id.example', audience: 'millrace' } },
      shared: { pipeline: 'live-passthrough', auth: 'jwt', on_expiry: 'end', jwt: { secret_file: secretFile(t, `${secret}\n`), leeway_seconds: 0 } },
    },
  });
  t.after(() => own.stop());
  const claims = { iss: 'https://id.example', aud: ['millrace'], exp: inOneHour(), stream: 'cam' };
  const byRsa = { alg: 'RS256', key: rsa.privateKey, kid: 'r1' };
  const tokens = [];
  const token = (...args) => { tokens.push(sign(...args)); return tokens.at(-1); };
  const isLetIn = async (url, name) => {
    const publisher = Publisher.ffmpeg(source, url);
    await own.live(name);
    await publisher.kill();
    await own.api('DELETE', `/api/v1/streams/${name}`);
  };

  await t.test('RS256, ES256, HS256; in the query and as the name', async () => {
    await isLetIn(`${own.rtmp('cam')}?token=${token(claims, byRsa)}`, 'cam');
    await isLetIn(`${own.rtmp('cam')}?jwt=${token(claims, { alg: 'ES256', key: ec.privateKey, kid: 'e1' })}`, 'cam');
    await isLetIn(own.rtmp(token(claims, byRsa)), 'cam');
    await isLetIn(`${own.rtmp('any-1')}?token=${token({ ...claims, stream: 'any-*' }, byRsa)}`, 'any-1');
    await isLetIn(`${own.rtmp('mine', 'shared')}?token=${token({ exp: inOneHour(), sub: 'mine' }, { alg: 'HS256', key: secret })}`, 'mine');
  });
  await t.test('a stream key of the same application still does', async () => {
    const { body } = await own.api('POST', '/api/v1/stream-keys', { name: 'keyed', app: 'live' });
    await isLetIn(`${own.rtmp('keyed')}?key=${body.key}`, 'keyed');
  });
  await t.test('ffmpeg shows why not', async () => {
    const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
    for (const [made, reason] of [
      [token({ ...claims, exp: 1000000000 }, byRsa), /the token has expired/],
      [token({ ...claims, stream: 'other' }, byRsa), /the token is not for this/],
      [token({ ...claims, aud: 'else' }, byRsa), /the token is not for this/],
      [token({ ...claims, app: 'else' }, byRsa), /the token is not for this/],
      [token(claims, { ...byRsa, key: stranger.privateKey }), /the token is not valid/],
      [token(claims, { ...byRsa, kid: 'r2' }), /the token is not valid/],
      [token(claims, { alg: 'HS256', key: pem, kid: 'r1' }), /the token is not valid/],
      [`${part({ alg: 'none' })}.${part(claims)}.`, /the token is not valid/],
    ]) await assertRefused(`${own.rtmp('cam')}?token=${made}`, reason);
    await assertRefused(own.rtmp('cam', 'shared'), /a token is required/);
    const { body } = await own.api('GET', '/metrics');
    assert.match(body, /^millrace_publish_refused_total\{reason="token_invalid"\} 4$/m);
    assert.match(body, /^millrace_publish_refused_total\{reason="token_expired"\} 1$/m);
    assert.match(body, /^millrace_publish_refused_total\{reason="token_mismatch"\} 3$/m);
    assert.match(own.readLog(), /refused \(token_mismatch\): the token is not for this \(is for another audience \('aud'\)\)/);
  });
  await t.test('a stream ends with its token where the application says so', async () => {
    const soon = Math.floor(Date.now() / 1000) + 8; // a publisher has to start before
    const publisher = Publisher.ffmpeg(source, `${own.rtmp('ends', 'shared')}?token=${token({ exp: soon, stream: 'ends' }, { alg: 'HS256', key: secret })}`);
    await own.live('ends');
    await eventually('idle', soon * 1000 - Date.now() + 5000, async () => (await own.streamState('ends')).state === 'idle');
    assert.ok(Date.now() >= soon * 1000, 'not before it has expired');
    assert.notEqual(await publisher.ended(), 0);
  });
  await t.test('no token is in a log', () => {
    for (const made of tokens) assert.ok(!everyLog(own).includes(made));
  });
  assert.ok(keys.asked.length <= 2, `the keys were asked for ${keys.asked.length} times`);
});

/** All that the processes wrote, not only its end. */
function everyLog(of) {
  const dir = path.join(of.config.state_dir, 'logs');
  return [path.join(of.dir, 'millraced.log'), ...fs.readdirSync(dir).map((file) => path.join(dir, file))].map((file) => fs.readFileSync(file, 'latin1')).join('\n');
}

test('a webhook lets in whom it allows, is asked once for a reconnect, and its silence is a no', async (t) => {
  const secret = crypto.randomBytes(32);
  let answer = () => ({ allow: true });
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-auth-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', `${dir}/key.pem`, '-out', `${dir}/cert.pem`], { stdio: 'ignore' });
  const tls = { key: fs.readFileSync(`${dir}/key.pem`), cert: fs.readFileSync(`${dir}/cert.pem`) };
  const hook = await serve({ '/hook': (request, body) => answer(JSON.parse(body)) }, tls);
  t.after(() => hook.close());
  const settings = { url: `${hook.url}/hook`, secret_file: secretFile(t, `whsec_${secret.toString('base64')}`), timeout_ms: 4000, cache_seconds: 60 };
  const own = await Daemon.start({
    apps: {
      live: { pipeline: 'live-passthrough', auth: 'webhook', webhook: { ...settings, ca_file: `${dir}/cert.pem` } },
      untrusted: { pipeline: 'live-passthrough', auth: 'webhook', webhook: settings },
    },
  });
  t.after(() => own.stop());

  answer = (asked) => ({ allow: asked.query === 'pass=geheim-1', stream: 'renamed', reason: 'pay first' });
  const first = Publisher.ffmpeg(source, `${own.rtmp('cam')}?pass=geheim-1`);
  await own.live('renamed');
  const [{ headers, body }] = hook.asked;
  const signed = `v1,${crypto.createHmac('sha256', secret).update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`).digest('base64')}`;
  assert.equal(headers['webhook-signature'], signed);
  const { app, name, address } = JSON.parse(body);
  assert.deepEqual([app, name, address], ['live', 'cam', '127.0.0.1']);

  await first.kill();
  await eventually('reconnecting', 5000, async () => (await own.streamState('renamed')).state === 'reconnecting');
  const second = Publisher.ffmpeg(source, `${own.rtmp('cam')}?pass=geheim-1`);
  t.after(() => second.kill());
  await own.live('renamed');
  assert.equal(hook.asked.length, 1, 'a reconnect is not asked about');

  await assertRefused(`${own.rtmp('cam')}?pass=geheim-2`, /pay first/);
  answer = () => undefined;
  await assertRefused(`${own.rtmp('other')}?pass=geheim-1`, /the daemon cannot check publishers just now/);
  await assertRefused(own.rtmp('cam', 'untrusted'), /the daemon cannot check publishers just now/);
  assert.match(own.readLog(), /refused \(unavailable\): .*(certificate|TLS)/i);
  assert.ok(!/geheim/.test(everyLog(own)));
});

test('librtmp is refused without its key, and gets in with it', async (t) => {
  const flv = path.join(daemon.dir, 'movie.flv');
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', source, '-t', '20', '-c', 'copy', flv]);
  const key = await makeKey('librtmp');
  const refused = new Publisher(tool('tests/tools/librtmp-publish'), [flv, `${daemon.rtmp('librtmp')}?key=sk_wrong`]);
  assert.notEqual(await refused.ended(), 0);
  assert.match(refused.errors, /NetStream\.Publish\.Denied/); // it shows no more
  const publisher = new Publisher(tool('tests/tools/librtmp-publish'), [flv, `${daemon.rtmp('librtmp')}?key=${key.key}`]);
  t.after(() => publisher.kill());
  await daemon.live('librtmp');
});

test('no secret is in a log, an answer, a picture, a list of processes or a file', async (t) => {
  const token = sign({ exp: inOneHour(), stream: 'jot' }, { alg: 'HS256', key: 'x'.repeat(40) });
  const own = await Daemon.start({
    apps: { live: { pipeline: 'live-passthrough', auth: ['keys', 'jwt'], jwt: { secret_file: secretFile(t, 'x'.repeat(40)) } }, open: { pipeline: 'live-passthrough', auth: 'none' } },
    log: { level: 'debug' },
  });
  t.after(() => own.stop());
  const events = await followEvents(t, own);
  const made = [];
  for (const name of ['queried', 'named']) made.push((await own.api('POST', '/api/v1/stream-keys', { name, app: 'live' })).body);
  const rotated = (await own.api('POST', `/api/v1/stream-keys/${made[0].id}/rotate?grace_seconds=60`)).body;
  const secrets = [...made.map((key) => key.key), rotated.key, token, own.key, 'x'.repeat(40), 'hunter22'];
  const publishers = [
    Publisher.ffmpeg(source, `${own.rtmp('queried')}?key=${made[0].key}`),
    Publisher.ffmpeg(source, own.rtmp(made[1].key)),
    Publisher.ffmpeg(source, own.rtmp(token)),
    Publisher.ffmpeg(source, `${own.rtmp('open', 'open')}?password=hunter22`),
  ];
  t.after(() => Promise.all(publishers.map((publisher) => publisher.kill())));
  for (const name of ['queried', 'named', 'jot', 'open']) await own.live(name);
  await assertRefused(`${own.rtmp('queried')}?key=${rotated.key}`, /has a publisher already/);
  await assertRefused(`${own.rtmp('elsewhere')}?key=${rotated.key}`, /for another name/);
  await assertRefused(`${own.rtmp('elsewhere')}?token=${token}`, /not for this/);

  const seen = { logs: everyLog(own), events: await eventually('the events', 5000, () => events.text.includes('token_mismatch') && events.text) };
  for (const name of ['queried', 'named', 'jot', 'open']) {
    for (const view of ['', '/stats', '/logs', '/graph.svg']) seen[name + view] = JSON.stringify((await own.api('GET', `/api/v1/streams/${name}${view}`)).body);
  }
  for (const pathname of ['/metrics', '/api/v1/streams', '/api/v1/stream-keys', '/api/v1/workers', `/api/v1/stream-keys/${made[0].id}`]) seen[pathname] = JSON.stringify((await own.api('GET', pathname)).body);
  for (const pid of [own.process.pid, ...own.children()]) {
    seen[`cmdline of ${pid}`] = fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    seen[`environ of ${pid}`] = fs.readFileSync(`/proc/${pid}/environ`, 'latin1');
  }
  // What streams write is renamed and deleted meanwhile; what has gone is nowhere to be found.
  const read = (file) => { try { return fs.readFileSync(file, 'latin1'); } catch (error) { if (error.code === 'ENOENT') return ''; throw error; } };
  const walk = (dir) => fs.readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? walk(path.join(dir, entry.name)) : entry.isFile() ? [path.join(dir, entry.name)] : []));
  for (const dir of [own.config.state_dir, own.config.runtime_dir, own.mediaDir]) {
    for (const file of walk(dir)) if (path.basename(file) !== 'admin.key') seen[file] = read(file);
  }
  assert.ok(Object.keys(seen).length > 30);
  for (const [where, text] of Object.entries(seen)) {
    secrets.forEach((secret, i) => assert.ok(!text.includes(secret), `secret ${i} is in ${where}`));
  }
});

test('who tries too often is told so, whatever he shows, and then again let in', async (t) => {
  const own = await Daemon.start({ apps: APPS, publish_limits: { burst: 4, per_minute: 30, failure_cost: 2, exempt: [] } });
  t.after(() => own.stop());
  const { body: key } = await own.api('POST', '/api/v1/stream-keys', { name: 'mine', app: 'live' });
  const attempt = async (secret) => {
    const publisher = Publisher.ffmpeg(source, `${own.rtmp('mine')}?key=${secret}`);
    await publisher.ended();
    return publisher.errors;
  };
  // Two seconds pay for half of a failure: which attempt is the one too many
  // depends on how long each takes, and the next may be let in again.
  const tooMany = /too many attempts from this address/;
  const said = [await attempt('sk_0')];
  assert.match(said[0], /unknown stream key/);
  while (said.length < 8 && !tooMany.test(said.at(-1))) said.push(await attempt(`sk_${said.length}`));
  assert.match(said.at(-1), tooMany);
  const { body } = await own.api('GET', '/metrics');
  assert.match(body, /^millrace_publish_refused_total\{reason="rate"\} [1-9]/m);
  assert.match(own.readLog(), /refused \(rate\)/);
  // A token comes back every two seconds; a right key needs one.
  const publisher = await eventually('let in', 15000, async () => {
    const next = Publisher.ffmpeg(source, `${own.rtmp('mine')}?key=${key.key}`);
    t.after(() => next.kill());
    return Promise.race([next.ended().then(() => undefined), own.live('mine', 5000).then(() => next, () => undefined)]);
  });
  await publisher.kill();
});
