// SPDX-License-Identifier: MIT
// Who may publish, and who no longer may: real encoders against a real daemon.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CACHE, Daemon, Publisher, eventually } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';

const APPS = {
  live: { pipeline: 'live-passthrough', auth: 'keys' },
  strict: { pipeline: 'live-passthrough', auth: 'keys', on_expiry: 'end' },
};
let daemon; let source;
before(async () => {
  source = await movie(CACHE, { seconds: 60 });
  daemon = await Daemon.start({ apps: APPS });
});
after(() => daemon?.stop());

async function makeKey(name, settings = {}, app = 'live') {
  const { status, body } = await daemon.api('POST', '/api/v1/stream-keys', { name, app, ...settings });
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

const publish = (name, query = '', app = 'live') => Publisher.ffmpeg(source, daemon.rtmp(name, app) + query);

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
  // The movie is of some 500 kbit/s; the first window of 10 s shows it.
  await t.test('bit rate', (inner) => assertEnds(inner, 'thin', { settings: { max_bitrate_bps: 50000 }, change: () => {}, reason: 'bitrate', timeoutMs: 25000 }));
});

test('a key that expires ends its stream where the application says so, and only there', async (t) => {
  const soon = () => new Date(Date.now() + 4000).toISOString();
  const key = await makeKey('kept', { expires_at: soon() });
  const publisher = publish('kept', `?key=${key.key}`);
  t.after(() => publisher.kill());
  await daemon.live('kept');
  await t.test('end', (inner) => assertEnds(inner, 'strict', { app: 'strict', settings: { expires_at: soon() }, change: () => {}, reason: 'expired', refusal: /stream key is disabled or has expired/, timeoutMs: 8000 }));
  assert.ok(Date.parse(key.expires_at) < Date.now());
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

test('who tries too often is told so, whatever he shows, and then again let in', async (t) => {
  const own = await Daemon.start({ apps: APPS, publish_limits: { burst: 4, per_minute: 60, failure_cost: 2, exempt: [] } });
  t.after(() => own.stop());
  const { body: key } = await own.api('POST', '/api/v1/stream-keys', { name: 'mine', app: 'live' });
  const attempt = async (secret) => {
    const publisher = Publisher.ffmpeg(source, `${own.rtmp('mine')}?key=${secret}`);
    await publisher.ended();
    return publisher.errors;
  };
  const said = [];
  for (let i = 0; i < 4; i++) said.push(await attempt(`sk_${i}`));
  assert.match(said[0], /unknown stream key/);
  assert.match(said.at(-1), /too many attempts from this address/);
  const { body } = await own.api('GET', '/metrics');
  assert.match(body, /^millrace_publish_refused_total\{reason="rate"\} [1-9]/m);
  assert.match(own.readLog(), /refused \(rate\)/);
  // A token comes back every second; a right key needs one.
  const publisher = await eventually('let in', 15000, async () => {
    const next = Publisher.ffmpeg(source, `${own.rtmp('mine')}?key=${key.key}`);
    t.after(() => next.kill());
    return Promise.race([next.ended().then(() => undefined), own.live('mine', 5000).then(() => next, () => undefined)]);
  });
  await publisher.kill();
});
