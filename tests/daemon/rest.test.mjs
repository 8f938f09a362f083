// SPDX-License-Identifier: MIT
// millraced as its users meet it: the real process with a real worker, over HTTP.
// No media here: streams are test sources into a fakesink.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Daemon, eventually, tool } from '../e2e/lib/daemon.mjs';

const LISTEN = { rtmp: null, origin: null, api: '127.0.0.1:0' };
const PULSE = `millrace: 1
name: pulse
nodes:
  in: { element: fakesrc, props: { is-live: true, do-timestamp: true, sizetype: fixed, sizemax: 16, datarate: 1600 } }
  out: { element: fakesink, from: [in], props: { sync: true } }
`;
const SHORT = PULSE.replace('name: pulse', 'name: short').replace('is-live: true', 'num-buffers: 3, is-live: true');
const HUSH = `millrace: 1
name: hush
params:
  word: { type: string, secret: true, required: true }
  open: { type: string, default: "" }
nodes:
  in: { element: fakesrc, props: { is-live: true, do-timestamp: true, sizetype: fixed, sizemax: 16, datarate: 1600 } }
  caps: { element: capsfilter, from: [in], props: { caps: "application/x-hush, word=(string)\${word}" } }
  out: { element: fakesink, from: [caps], props: { sync: true } }
`;
const BROKEN = `millrace: 1
name: broken
nodes:
  in: { element: fakesrc, props: { num-bufers: 3 } }
  out: { element: fakesimk, from: [inn] }
`;

test('millraced --check tells what publishers would be refused for, and where', (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-check-'));
  const config = path.join(dir, 'check.yaml');
  const check = (app) => {
    fs.writeFileSync(config, `apps:\n  live: { auth: none, ${app} }\n`);
    const { status, stderr } = spawnSync(tool('daemon/millraced'), ['--config', config, '--check'], { encoding: 'utf8' });
    return [status, stderr];
  };
  try {
    if (/ is missing, expected a build of millrace/.test(check('pipeline: live-failover')[1])) return t.skip('a build without these elements');
    assert.deepEqual(check('pipeline: live-passthrough, takeover: backup'), [65,
      `${config}:2:61: error: app 'live' refuses every second publisher: takeover is backup, and pipeline 'live-passthrough' has one place for a publisher, expected one with two, as live-failover has, or takeover replace\n`]);
    const [status, stderr] = check('pipeline: live-passthrough, params: { part-duration-ms: 3000 }');
    assert.equal(status, 65);
    assert.match(stderr, /^.*check\.yaml:2:33: error: app 'live' refuses its publishers: pipeline 'live-passthrough' cannot run: .*live-passthrough\.yaml:\d+:\d+: error: .*part-duration-ms: got more than segment-duration-ms, expected /);
    assert.deepEqual(check('pipeline: live-passthrough, takeover: replace'), [0, '']);
    assert.deepEqual(check('pipeline: live-failover, takeover: backup'), [0, '']);
    // Kept by REST, perhaps: that is the running daemon's to say.
    assert.deepEqual(check('pipeline: live-lader, takeover: backup'), [0,
      `${config}:2:33: warning: app 'live': pipeline 'live-lader' did not come with millrace, expected one that is kept by PUT /api/v1/pipelines/live-lader, did you mean 'live-ladder'?\n`]);
    // What it would go on without, and every mistake in one go.
    assert.deepEqual(check('pipeline: live-failover, params: { slate: /no/such.png }'), [0,
      `${config}:2:33: warning: app 'live': pipeline 'live-failover': node 'switch' (failoverswitch): slate '/no/such.png': got no such file, expected a PNG, JPEG or MP4 file\n`]);
    const [both, mistakes] = check('pipeline: live-passthrough, takeover: backup }\n  Wrong one: { pipeline: live-passthrough');
    assert.equal(both, 65);
    assert.match(mistakes, /:2:61: error: app 'live' refuses every second publisher: .*\n.*:3:3: error: app 'Wrong one': expected a name /);
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
});

let daemon;
before(async () => { daemon = await Daemon.start({ listen: LISTEN }); });
after(() => daemon?.stop());

const json = { 'content-type': 'application/json' };
const url = (pathname) => `http://${daemon.addresses.api}${pathname}`;
const withKey = (headers = {}) => ({ 'x-api-key': daemon.key, ...headers });

function putPipeline(name, text, on = daemon) {
  return fetch(`http://${on.addresses.api}/api/v1/pipelines/${name}`, { method: 'PUT', body: text, headers: { 'x-api-key': on.key, 'content-type': 'application/yaml' } });
}

async function assertProblem(response, status) {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  const problem = JSON.parse(text);
  assert.deepEqual(Object.keys(problem).sort(), ['detail', 'errors', 'status', 'title', 'type']);
  assert.equal(problem.status, status);
  assert.ok(Array.isArray(problem.errors));
  return problem;
}

/** A zombie that its parent has not waited for yet has ended all the same. */
function isAlive(pid) {
  try { return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8')); } catch { return false; }
}

const rendered = async (name, on = daemon) => (await on.api('GET', `/api/v1/streams/${name}/stats`)).body.nodes?.out?.rendered ?? 0;

test('standard output has listening lines and ready, nothing else', () => {
  assert.match(daemon.addresses.api, /^127\.0\.0\.1:\d+$/);
  assert.deepEqual(Object.keys(daemon.addresses), ['api']);
});

test('the admin key is private and needed, in either header', async () => {
  const file = path.join(daemon.config.state_dir, 'admin.key');
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  const list = '/api/v1/streams';
  assert.equal((await fetch(url(list), { headers: { 'x-api-key': daemon.key } })).status, 200);
  assert.equal((await fetch(url(list), { headers: { authorization: `Bearer ${daemon.key}` } })).status, 200);
  for (const headers of [{}, { 'x-api-key': '' }, { 'x-api-key': `${daemon.key}x` }, { authorization: 'Bearer wrong' }, { authorization: `Basic ${daemon.key}` }, { authorization: daemon.key }]) {
    const response = await fetch(url(list), { headers });
    assert.match(response.headers.get('www-authenticate'), /^Bearer/);
    await assertProblem(response, 401);
  }
  // nor does a stranger learn which paths there are
  await assertProblem(await fetch(url('/no/such/path')), 401);
  await assertProblem(await fetch(url('/no/such/path'), { headers: withKey() }), 404);
  for (const open of ['/healthz', '/readyz', '/api/v1/openapi.json']) assert.equal((await fetch(url(open))).status, 200, open);
});

test('openapi.json names the routes that are there, and they ask for the key it says', async () => {
  const { paths } = await (await fetch(url('/api/v1/openapi.json'))).json();
  const verbs = ['get', 'put', 'post', 'delete', 'patch'];
  for (const [template, item] of Object.entries(paths)) {
    const pathname = template.replace(/\{(\w+)\}/g, 'nothing-of-this-name');
    const there = verbs.filter((verb) => item[verb]);
    // What is in the document is served, and a method that is not is refused with the list of those that are.
    const response = await fetch(url(pathname), { method: 'PROPFIND', headers: withKey() });
    await assertProblem(response, 405);
    const allowed = response.headers.get('allow').split(', ').filter((m) => m !== 'HEAD').map((m) => m.toLowerCase());
    assert.deepEqual(allowed.sort(), there.sort(), template);
    for (const verb of there) {
      const anonymous = await fetch(url(pathname), { method: verb });
      if (item[verb].security?.length === 0) assert.equal(anonymous.status, 200, `${verb} ${template}`);
      else await assertProblem(anonymous, 401);
      await anonymous.body?.cancel().catch(() => {});
    }
  }
});

test('HEAD is GET without the body, and the connection lives on after an empty answer', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (method, pathname) => new Promise((resolve, reject) => {
    const request = http.request(url(pathname), { method, agent, headers: withKey() }, (response) => {
      let body = '';
      response.on('data', (data) => { body += data; });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body, port: request.socket.localPort }));
    });
    request.on('error', reject);
    request.end();
  });
  const got = await ask('GET', '/healthz');
  const head = await ask('HEAD', '/healthz');
  assert.equal(head.status, 200);
  assert.equal(head.body, '');
  assert.equal(head.headers['content-length'], got.headers['content-length']);
  const key = await daemon.api('POST', '/api/v1/stream-keys', { app: 'live', name: 'gone' });
  const deleted = await ask('DELETE', `/api/v1/stream-keys/${key.body.id}`);
  assert.deepEqual([deleted.status, deleted.headers['content-length'], deleted.body], [200, '0', '']);
  assert.equal((await ask('GET', '/healthz')).port, deleted.port);
  agent.destroy();
});

test('every mistake in a body is told at once, and nothing is changed', async () => {
  const response = await fetch(url('/api/v1/streams/bad'), { method: 'PUT', headers: withKey(json), body: JSON.stringify({ pipline: 'x', params: { a: 1 }, desired: 'maybe' }) });
  const problem = await assertProblem(response, 400);
  assert.deepEqual(problem.errors.map((e) => e.pointer).sort(), ['/desired', '/params/a', '/pipeline', '/pipline']);
  await assertProblem(await fetch(url('/api/v1/streams/bad'), { headers: withKey() }), 404);
});

// Values of the wrong type or size for every field of every body, from the document itself.
test('a stream key with mistakes is told all of them, formats among them', async () => {
  const wrong = { app: 'live', name: 'a b', expires_at: 'tomorrow', allowed_addresses: ['10.0.0.0/8', '10.0.0.0/33'], max_bitrate_bps: 0, enabld: true };
  const problem = await assertProblem(await fetch(url('/api/v1/stream-keys'), { method: 'POST', headers: withKey(json), body: JSON.stringify(wrong) }), 400);
  assert.deepEqual(problem.errors.map((e) => e.pointer).sort(), ['/allowed_addresses/1', '/enabld', '/expires_at', '/max_bitrate_bps', '/name']);
  const said = Object.fromEntries(problem.errors.map((e) => [e.pointer, e.detail]));
  assert.match(said['/expires_at'], /^got 'tomorrow', expected a date and time with its zone as in RFC 3339/);
  assert.match(said['/allowed_addresses/1'], /^got '10\.0\.0\.0\/33', expected a network like /);
  assert.match(said['/enabld'], /did you mean 'enabled'\?$/);
  assert.match(problem.detail, /^body: 5 mistakes, the first: \//);
  const nowhere = await assertProblem(await fetch(url('/api/v1/stream-keys'), { method: 'POST', headers: withKey(json), body: '{"app":"nowhere","name":"x"}' }), 409);
  assert.deepEqual(nowhere.errors.map((e) => e.pointer), ['/app']);
  assert.match(nowhere.detail, /there is no application 'nowhere' .*, expected one of its apps: live$/);
});

test('parameters of a stream are told by name, a description by its place, neither by line 0', async () => {
  const put = (body) => fetch(url('/api/v1/streams/wrong'), { method: 'PUT', headers: withKey(json), body: JSON.stringify(body) });
  assert.equal((await putPipeline('asks', `millrace: 1
name: asks
params:
  n: { type: integer, default: 3 }
  word: { type: string, required: true }
nodes:
  in: { element: fakesrc, props: { num-buffers: "\${n}", filltype: "\${word}" } }
  out: { element: fakesink, from: [in] }
`)).status, 201);
  assert.equal((await putPipeline('unread', `millrace: 1
name: unread
restart: { policy: never }
nodes:
  in: { element: filesrc, props: { location: /no/such.film } }
  out: { element: fakesink, from: [in] }
`)).status, 201);
  const problem = await assertProblem(await put({ pipeline: 'asks', params: { n: 'soon', 'a/b': '1' } }), 422);
  assert.deepEqual(problem.errors.map(({ detail, ...place }) => place), [{ pointer: '/params/a~1b' }, { pointer: '/params/n' }, { pointer: '/params/word' }], JSON.stringify(problem.errors));
  const value = await assertProblem(await put({ pipeline: 'asks', params: { word: 'no such fill' } }), 422);
  assert.deepEqual(value.errors.map(({ detail, ...place }) => place), [{ line: 7, column: 67 }], JSON.stringify(value.errors));
  // A value that only the start can judge: it is wanted all the same, and the answer says why it is not there.
  const unread = await daemon.api('PUT', '/api/v1/streams/unread', { pipeline: 'unread' });
  assert.deepEqual([unread.status, unread.body.state], [201, 'failed']);
  assert.match(unread.body.last_error, /\/no\/such\.film/);
  assert.equal((await daemon.api('DELETE', '/api/v1/streams/unread')).status, 200);
  assert.equal((await daemon.api('DELETE', '/api/v1/pipelines/unread')).status, 200);
  const unknown = await assertProblem(await put({ pipeline: 'askes' }), 409);
  assert.deepEqual(unknown.errors.map((e) => e.pointer), ['/pipeline']);
  assert.match(unknown.detail, /there is no pipeline 'askes', .*did you mean 'asks'\?/);
  assert.equal((await daemon.api('DELETE', '/api/v1/pipelines/asks')).status, 200);
});

test('what is asked in another way than it can be is told how it can', async () => {
  const method = await assertProblem(await fetch(url('/api/v1/streams'), { method: 'POST', headers: withKey() }), 405);
  assert.equal(method.detail, 'got POST, expected GET, HEAD');
  const nothing = await assertProblem(await fetch(url('/api/v1/stream'), { headers: withKey() }), 404);
  assert.match(nothing.detail, /^there is nothing at '\/api\/v1\/stream', /);
  const type = await assertProblem(await fetch(url('/api/v1/pipelines/x'), { method: 'PUT', headers: withKey({ 'content-type': 'text/plain' }), body: PULSE }), 415);
  assert.equal(type.detail, "header Content-Type: got 'text/plain', expected application/yaml or application/json");
  const query = await assertProblem(await fetch(url('/api/v1/streams?limit=0&curser=x'), { headers: withKey() }), 400);
  assert.deepEqual(query.errors, [{ parameter: 'limit', detail: 'expected a whole number from 1 to 1000' }, { parameter: 'curser', detail: 'unknown parameter, expected one of limit, cursor' }]);
  const grace = await assertProblem(await fetch(url('/api/v1/stream-keys/x/rotate?grace_seconds=-1'), { method: 'POST', headers: withKey() }), 400);
  assert.deepEqual(grace.errors.map((e) => e.parameter), ['grace_seconds']);
});

// What stands first, or last, must not be what counts: who reads along may see the other one.
test('a body of several values, or with comments, is refused and does nothing', async () => {
  const post = (body) => fetch(url('/api/v1/stream-keys'), { method: 'POST', headers: withKey(json), body });
  const one = JSON.stringify({ app: 'live', name: 'double' });
  for (const [body, said] of [[`${one}${one}`, /^body: got more than one value, expected an object of JSON$/], [`${one} null`, /more than one value/], [`/* x */${one}`, /expected an object of JSON$/],
    [`${one}// x`, /more than one value/], ["{'app':'live','name':'double'}", /no JSON/], ['', /^body: got nothing, expected an object of JSON$/], ['{"app":"live",}', /expected an object of JSON$/]]) {
    const problem = await assertProblem(await post(body), 400);
    assert.match(problem.detail, said, body);
  }
  const { items } = (await daemon.api('GET', '/api/v1/stream-keys')).body;
  assert.deepEqual(items.filter(({ name }) => name === 'double'), []);
});

test('whatever is sent for a body, the answer is a 4xx problem', async () => {
  const { paths, components } = await (await fetch(url('/api/v1/openapi.json'))).json();
  const wrong = [null, true, 5, -1, 1e300, 'x'.repeat(5000), '', 'ümläut\u0000', [], [[]], {}, { a: { b: [] } }];
  const send = async (verb, pathname, body, headers = withKey(json)) => {
    const response = await fetch(url(pathname), { method: verb, headers, body });
    const text = await response.text();
    const said = `${verb} ${pathname} ${String(body).slice(0, 80)}: ${response.status} ${text.slice(0, 200)}`;
    if (response.status >= 400) {
      assert.ok(response.status < 500, said);
      assert.equal(response.headers.get('content-type'), 'application/problem+json', said);
      assert.equal(JSON.parse(text).status, response.status);
    }
    return { status: response.status, said };
  };
  let count = 0;
  for (const [template, item] of Object.entries(paths)) {
    for (const verb of ['put', 'post', 'patch']) {
      const content = item[verb]?.requestBody?.content;
      if (!content) continue;
      const schema = components.schemas[content['application/json'].schema.$ref.split('/').at(-1)];
      const pathname = template.replace(/\{\w+\}/g, 'swept');
      const method = verb.toUpperCase();
      const good = Object.fromEntries(Object.keys(schema.properties).map((name) => [name, name === 'enabled' ? true : name === 'params' ? {} : name === 'desired' ? 'stopped' : null]));
      for (const field of Object.keys(schema.properties)) {
        for (const value of wrong) {
          const { status, said } = await send(method, pathname, JSON.stringify({ ...good, [field]: value }));
          assert.ok(status >= 400, said); // `good` lacks what is required: never accepted
          count++;
        }
      }
      for (const body of ['', 'null', '[]', '5', '"x"', '{', '{"a":', '[1,', `${'['.repeat(100000)}`, `{"a":${'['.repeat(20)}${']'.repeat(20)}}`, '\ufffe', '{"unknown":1}', '{} trailing']) {
        const { status, said } = await send(method, pathname, body);
        assert.ok(status >= 400, said);
        count++;
      }
      for (const headers of [withKey({ 'content-type': 'text/plain' }), withKey({ 'content-type': 'multipart/form-data' })]) {
        assert.equal((await send(method, pathname, '{}', headers)).status, 415);
      }
      assert.equal((await send(method, pathname, Buffer.from([0x7b, 0xff, 0xfe, 0x7d]))).status, 400);
    }
  }
  assert.ok(count > 100);
});

test('whatever is in a path or a query, the answer is no 5xx', async () => {
  const { paths } = await (await fetch(url('/api/v1/openapi.json'))).json();
  const names = ['..', '%2e%2e', '%2F', 'a%00b', '%ff', 'x'.repeat(300), '%7Bname%7D', "'; DROP TABLE streams; --", ' ', '*', '%'];
  const queries = ['limit=0', 'limit=-1', 'limit=x', 'limit=1001', 'limit=99999999999999999999', `cursor=${'x'.repeat(200)}`, 'cursor=%ff', 'unknown=1', '%', '&&&', 'limit=1&limit=x'];
  const ask = (method, pathname) => new Promise((resolve, reject) => { // fetch would tidy the path up
    const [hostname, port] = daemon.addresses.api.split(':');
    const request = http.request({ hostname, port, method, path: pathname, headers: withKey(), agent: false }, (response) => {
      if (response.headers['content-type'] === 'text/event-stream') { resolve(response); response.destroy(); return; } // has no end
      response.resume();
      response.on('end', () => resolve(response));
    });
    request.on('error', reject);
    request.end();
  });
  for (const template of Object.keys(paths)) {
    if (template.includes('{')) {
      for (const name of names) {
        const pathname = template.replace(/\{\w+\}/, name.replace(/ /g, '%20'));
        for (const method of ['GET', 'DELETE', 'PUT', 'POST']) {
          const { statusCode } = await ask(method, pathname);
          assert.ok(statusCode >= 400 && statusCode < 500, `${method} ${pathname}: ${statusCode}`);
        }
      }
    } else {
      for (const query of queries) {
        const { statusCode } = await ask('GET', `${template}?${query}`);
        assert.ok(statusCode < 500, `${template}?${query}: ${statusCode}`);
        if (query !== '&&&') assert.equal(statusCode, 400, `${template}?${query}`);
      }
    }
  }
  await daemon.api('GET', '/healthz').then(({ status }) => assert.equal(status, 200));
});

test('a body that is too large, or of no known length, is refused and not kept', async () => {
  const rss = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${daemon.process.pid}/status`, 'utf8'))[1]);
  const before = rss();
  const large = new Uint8Array(64 * 1024 * 1024).fill(0x20);
  await assertProblem(await fetch(url('/api/v1/streams/x'), { method: 'PUT', headers: withKey(json), body: large }), 413);
  const stream = new Blob([large]).stream();
  await assertProblem(await fetch(url('/api/v1/streams/x'), { method: 'PUT', headers: withKey(json), body: stream, duplex: 'half' }), 411);
  // AddressSanitizer keeps what was freed for a while, so there the memory says nothing.
  const sanitized = fs.readFileSync(`/proc/${daemon.process.pid}/maps`, 'utf8').includes('libasan');
  assert.ok(sanitized || rss() - before < 16 * 1024, `${before} kB before, ${rss()} kB after`);
});

test('a description is kept, checked completely, and deleted when nobody uses it', async () => {
  const broken = await assertProblem(await putPipeline('broken', BROKEN), 422);
  assert.deepEqual(broken.errors.map((e) => e.line).sort(), [4, 5, 5], JSON.stringify(broken.errors));
  // What cannot be read and what cannot be planned, in one answer: as `millrace validate` tells them.
  const many = BROKEN.replace('millrace: 1', 'millrace: 2').replace('nodes:', 'parms: {}\nnodes:');
  const all = await assertProblem(await putPipeline('many', many), 422);
  assert.deepEqual(all.errors.map((e) => [e.line, e.column]), [[1, 11], [2, 7], [3, 1], [5, 36], [6, 19], [6, 36]], JSON.stringify(all.errors));
  assert.match(all.detail, /^many: 6 mistakes, the first: line 1, column 11: format version '2', expected 1$/);
  const other = await assertProblem(await putPipeline('other-name', PULSE), 422);
  assert.deepEqual(other.errors, [{ line: 2, column: 7, detail: "name: got 'pulse', expected 'other-name' as in the path" }]);
  assert.equal((await putPipeline('pulse', PULSE)).status, 201);
  assert.equal((await putPipeline('pulse', PULSE)).status, 200);
  const { body } = await daemon.api('GET', '/api/v1/pipelines/pulse');
  assert.deepEqual([body.name, body.source, body.generation, body.text], ['pulse', 'stored', 2, PULSE]);
  const names = (await daemon.api('GET', '/api/v1/pipelines')).body.items.map((p) => p.name);
  assert.ok(names.includes('pulse') && names.includes('live-passthrough'), names.join());
  assert.equal((await daemon.api('DELETE', '/api/v1/pipelines/live-passthrough')).status, 409);
  assert.equal((await daemon.api('PUT', '/api/v1/streams/user', { pipeline: 'pulse', desired: 'stopped' })).status, 201);
  assert.equal((await daemon.api('DELETE', '/api/v1/pipelines/pulse')).status, 409);
  assert.equal((await daemon.api('DELETE', '/api/v1/streams/user')).status, 200);
  assert.equal((await daemon.api('DELETE', '/api/v1/pipelines/pulse')).status, 200);
  assert.equal((await daemon.api('GET', '/api/v1/pipelines/pulse')).status, 404);
});

test('a stream that needs no publisher runs, stops, starts, and goes', async () => {
  await putPipeline('pulse', PULSE);
  const created = await daemon.api('PUT', '/api/v1/streams/beat', { pipeline: 'pulse' });
  assert.equal(created.status, 201);
  for (const field of ['name', 'app', 'pipeline', 'node', 'state', 'since', 'publisher', 'renditions', 'restarts', 'last_error']) assert.ok(field in created.body, field);
  await eventually('buffers', 5000, async () => await rendered('beat') > 2);
  fs.mkdirSync(path.join(daemon.mediaDir, 'beat'), { recursive: true });
  fs.writeFileSync(path.join(daemon.mediaDir, 'beat', 'left-over'), 'x');

  assert.equal((await daemon.api('POST', '/api/v1/streams/beat/stop')).status, 200);
  await eventually('stopped', 5000, async () => (await daemon.streamState('beat')).state === 'stopped');
  assert.equal((await daemon.api('GET', '/api/v1/streams/beat/stats')).status, 409);
  const before = (await daemon.streamState('beat')).generation;
  assert.equal((await daemon.api('POST', '/api/v1/streams/beat/start')).status, 200);
  await eventually('buffers again', 5000, async () => await rendered('beat') > 2);
  assert.ok((await daemon.streamState('beat')).generation > before);
  assert.equal((await daemon.api('POST', '/api/v1/streams/beat/restart')).status, 200);
  await eventually('another generation', 5000, async () => (await daemon.streamState('beat')).generation > before + 1 && await rendered('beat') > 2);

  const logs = (await daemon.api('GET', '/api/v1/streams/beat/logs')).body.items;
  assert.ok(logs.some((line) => line.message.endsWith('-> stopped')), JSON.stringify(logs));
  const drawn = await fetch(url('/api/v1/streams/beat/graph.svg'), { headers: withKey() });
  if (spawnSync('dot', ['-V']).error) await assertProblem(drawn, 501);
  else assert.match(await drawn.text(), /<svg/);

  assert.equal((await daemon.api('DELETE', '/api/v1/streams/beat')).status, 200);
  assert.equal((await daemon.api('GET', '/api/v1/streams/beat')).status, 404);
  await eventually('its directory is gone', 5000, () => !fs.existsSync(path.join(daemon.mediaDir, 'beat')));
  assert.equal((await daemon.api('POST', '/api/v1/streams/beat/start')).status, 404);
});

test('a stream that comes to its end is idle, and a changed one runs anew', async () => {
  await putPipeline('pulse', PULSE);
  await putPipeline('short', SHORT);
  await daemon.api('PUT', '/api/v1/streams/once', { pipeline: 'short' });
  const ended = await eventually('idle', 5000, async () => { const s = await daemon.streamState('once'); return s.state === 'idle' && s; });
  assert.equal(ended.restarts, 0);
  assert.equal((await daemon.api('PUT', '/api/v1/streams/once', { pipeline: 'pulse' })).status, 200);
  await eventually('buffers', 5000, async () => await rendered('once') > 4);
  const { generation } = await daemon.streamState('once');
  await daemon.api('PUT', '/api/v1/streams/once', { pipeline: 'pulse' });
  assert.equal((await daemon.streamState('once')).generation, generation, 'the same PUT touches nothing');
  await daemon.api('DELETE', '/api/v1/streams/once');
});

test('a secret parameter goes in and never comes out', async () => {
  const secret = 'whisper-0123456789';
  assert.equal((await putPipeline('hush', HUSH)).status, 201);
  const declared = (await daemon.api('GET', '/api/v1/pipelines/hush')).body.params;
  assert.deepEqual(declared.map((p) => [p.name, p.secret]), [['word', true], ['open', false]]);
  const put = await daemon.api('PUT', '/api/v1/streams/hush', { pipeline: 'hush', params: { word: secret, open: 'seen' } });
  assert.equal(put.status, 201, JSON.stringify(put.body));
  await eventually('it runs', 5000, async () => (await daemon.streamState('hush')).state === 'live');
  for (const view of ['', '/stats', '/logs', '/graph.svg']) {
    const { body } = await daemon.api('GET', `/api/v1/streams/hush${view}`);
    assert.ok(!JSON.stringify(body).includes(secret), `${view || '/'} shows it: ${JSON.stringify(body).slice(0, 2000)}`);
  }
  const { params, generation } = await daemon.streamState('hush');
  assert.deepEqual(params, { word: '***', open: 'seen' });
  // What was read may be sent back: nothing has changed.
  assert.equal((await daemon.api('PUT', '/api/v1/streams/hush', { pipeline: 'hush', params })).status, 200);
  assert.equal((await daemon.streamState('hush')).generation, generation);
  assert.ok(!daemon.logs().includes(secret), 'a log shows it');
  assert.equal((await daemon.api('DELETE', '/api/v1/streams/hush')).status, 200);
});

test('an operator chooses which input is shown, and takes it back', async (t) => {
  const camera = '{ element: videotestsrc, props: { is-live: true } }';
  const code = (from) => `{ element: x264enc, from: [${from}], props: { tune: zerolatency, key-int-max: 5, threads: 1, speed-preset: ultrafast } }`;
  const kept = await putPipeline('two', `millrace: 1
name: two
nodes:
  one: ${camera}
  other: ${camera}
  primary: ${code('one')}
  backup: ${code('other')}
  switch:
    element: failoverswitch
    from: [{ node: primary, props: { priority: 0 } }, { node: backup, props: { priority: 1 } }]
    props: { recovery-ms: 0, stall-timeout-ms: 20000, min-framerate-percent: 0 }
  out: { element: fakesink, from: [switch.video_0], props: { async: false } }
`);
  const mistakes = await kept.text();
  if (/failoverswitch.* is missing/.test(mistakes)) return t.skip('a build without failoverswitch');
  assert.equal(kept.status, 201, mistakes);
  const choose = (input, name = 'two') => fetch(url(`/api/v1/streams/${name}/input`), { method: 'POST', headers: withKey(json), body: JSON.stringify({ input }) });
  const chosen = async (text) => { const answer = await choose(text); return [answer.status, (await answer.json()).input?.chosen]; };
  await assertProblem(await choose('backup'), 404);
  assert.equal((await daemon.api('PUT', '/api/v1/streams/two', { pipeline: 'two' })).status, 201);
  const input = async () => (await daemon.streamState('two')).input;
  const healthy = async () => (await daemon.api('GET', '/api/v1/streams/two/stats')).body.nodes.switch.inputs.filter((i) => i.state === 'healthy').length;
  await eventually('both send', 20000, async () => (await input())?.shown === 'primary' && await healthy() === 2);
  assert.deepEqual(await input(), { shown: 'primary', chosen: 'automatic', choices: ['primary', 'backup'] });

  assert.deepEqual(await chosen('backup'), [200, 'backup']);
  await eventually('the backup is shown', 10000, async () => (await input()).shown === 'backup');
  const wrong = await assertProblem(await choose('bakcup'), 400);
  assert.match(wrong.detail, /got 'bakcup', expected one of primary, backup, automatic/);
  assert.equal((await input()).chosen, 'backup', 'a mistake changes nothing');
  assert.deepEqual(await chosen('automatic'), [200, 'automatic']);
  await eventually('the primary is shown', 10000, async () => (await input()).shown === 'primary');
  const lines = (await daemon.api('GET', '/api/v1/streams/two/logs')).body.items.map((line) => line.message);
  for (const line of ['an operator has chosen backup', 'backup is shown: operator', 'an operator has chosen automatic', 'primary is shown: recovery']) assert.ok(lines.includes(line), `${line}: ${lines.join(' | ')}`);

  assert.equal((await daemon.api('POST', '/api/v1/streams/two/stop')).status, 200);
  await eventually('stopped', 5000, async () => (await daemon.streamState('two')).state === 'stopped');
  assert.equal(await input(), null);
  await assertProblem(await choose('backup'), 409);
  await putPipeline('pulse', PULSE);
  await daemon.api('PUT', '/api/v1/streams/plain', { pipeline: 'pulse' });
  await eventually('it runs', 5000, async () => (await daemon.streamState('plain')).state === 'live');
  assert.match((await assertProblem(await choose('backup', 'plain'), 409)).detail, /has no choice, expected a failoverswitch/);
  for (const name of ['plain', 'two']) assert.equal((await daemon.api('DELETE', `/api/v1/streams/${name}`)).status, 200);
});

test('lists come in pages', async () => {
  const ids = [];
  for (let i = 0; i < 5; i++) ids.push((await daemon.api('POST', '/api/v1/stream-keys', { app: 'live', name: `paged${i}` })).body.id);
  const seen = [];
  let cursor;
  do {
    const { body } = await daemon.api('GET', `/api/v1/stream-keys?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
    assert.ok(body.items.length <= 2);
    seen.push(...body.items.map((key) => key.id));
    cursor = body.next;
  } while (cursor);
  assert.deepEqual(seen, [...ids].sort());
  for (const id of ids) await daemon.api('DELETE', `/api/v1/stream-keys/${id}`);
});

test('a stream key shows its secret once, and never in the store or the logs', async () => {
  const expires = '2099-01-02T03:04:05Z';
  const made = await daemon.api('POST', '/api/v1/stream-keys', { app: 'live', name: 'secretive', expires_at: expires });
  assert.equal(made.status, 201);
  assert.match(made.body.key, /^[A-Za-z0-9_-]{20,64}$/);
  const { key, ...rest } = made.body;
  assert.deepEqual((await daemon.api('GET', `/api/v1/stream-keys/${rest.id}`)).body, rest);
  assert.equal(rest.expires_at, expires);
  const rotated = await daemon.api('POST', `/api/v1/stream-keys/${rest.id}/rotate`);
  assert.equal(rotated.body.id, rest.id);
  assert.notEqual(rotated.body.key, key);
  for (const file of ['millrace.db', 'millrace.db-wal']) {
    const bytes = fs.readFileSync(path.join(daemon.config.state_dir, file));
    for (const secret of [key, rotated.body.key, daemon.key]) assert.equal(bytes.includes(secret), false, file);
  }
  for (const secret of [key, rotated.body.key, daemon.key]) assert.equal(daemon.logs().includes(secret), false);
  assert.equal((await daemon.api('POST', '/api/v1/stream-keys', { app: 'nowhere', name: 'x' })).status, 409);
  assert.equal((await daemon.api('POST', '/api/v1/stream-keys', { app: 'live', name: 'x', expires_at: 'tomorrow' })).status, 400);
  await daemon.api('DELETE', `/api/v1/stream-keys/${rest.id}`);
});

test('PATCH changes what it names of a stream key, and nothing else', async () => {
  const made = (await daemon.api('POST', '/api/v1/stream-keys', { app: 'live', name: 'patched', allowed_addresses: ['192.0.2.0/24', '2001:db8::/32'], max_bitrate_bps: 8000000 })).body;
  const { key, ...row } = made;
  assert.deepEqual([row.allowed_addresses, row.max_bitrate_bps, row.max_duration_seconds, row.previous_expires_at], [['192.0.2.0/24', '2001:db8::/32'], 8000000, null, null]);
  const pathname = `/api/v1/stream-keys/${row.id}`;
  const patch = (body) => daemon.api('PATCH', pathname, body);
  assert.deepEqual((await patch({})).body, row);
  assert.deepEqual((await patch({ max_duration_seconds: 60 })).body, { ...row, max_duration_seconds: 60 });
  assert.deepEqual((await patch({ enabled: false, expires_at: '2099-01-02T03:04:05Z' })).body, { ...row, max_duration_seconds: 60, enabled: false, expires_at: '2099-01-02T03:04:05Z' });
  const cleared = { ...row, enabled: false, allowed_addresses: [], max_bitrate_bps: null };
  assert.deepEqual((await patch({ allowed_addresses: [], max_bitrate_bps: null, max_duration_seconds: null, expires_at: null })).body, cleared);
  assert.deepEqual((await daemon.api('GET', pathname)).body, cleared);
  for (const wrong of [{ name: 'x' }, { app: 'x' }, { key: 'x' }, { allowed_addresses: ['10.0.0.1/8'] }, { allowed_addresses: ['10.0.0.0/33'] }, { allowed_addresses: ['x'] }, { allowed_addresses: [5] }, { allowed_addresses: null }, { allowed_addresses: Array(65).fill('10.0.0.1') },
    { max_bitrate_bps: 0 }, { max_bitrate_bps: -1 }, { max_bitrate_bps: 1.5 }, { max_duration_seconds: 1e12 }, { enabled: null }, { expires_at: 'soon' }]) assert.equal((await patch(wrong)).status, 400, JSON.stringify(wrong));
  assert.deepEqual((await daemon.api('GET', pathname)).body, cleared);
  const rotate = (grace) => daemon.api('POST', `${pathname}/rotate?grace_seconds=${grace}`);
  for (const wrong of ['-1', 'x', '', '99999999', '1.5']) assert.equal((await rotate(wrong)).status, 400, wrong);
  const asked = Date.now();
  const rotated = (await rotate(60)).body;
  const expires = Date.parse(rotated.previous_expires_at) - 60000; // in whole seconds
  assert.ok(expires > asked - 1000 && expires <= Date.now(), rotated.previous_expires_at);
  assert.equal((await daemon.api('POST', `${pathname}/rotate`)).body.previous_expires_at, null);
  assert.equal((await daemon.api('DELETE', pathname)).status, 200);
  assert.equal((await patch({ enabled: true })).status, 404);
  assert.equal((await daemon.api('DELETE', pathname)).status, 404);
});

test('metrics have one HELP and TYPE per family, and say what is', async () => {
  const text = (await daemon.api('GET', '/metrics')).body;
  const families = new Map();
  for (const line of text.trimEnd().split('\n')) {
    const head = /^# (HELP|TYPE) (\w+) (.+)$/.exec(line);
    if (head) { families.set(head[2], { ...families.get(head[2]), [head[1]]: head[3] }); continue; }
    const sample = /^(\w+)(\{(\w+="[^"\\\n]*",?)+\})? -?[\d.]+(e[+-]?\d+)?$/.exec(line);
    assert.ok(sample, line);
    const family = families.get(sample[1]);
    assert.ok(family?.HELP && family?.TYPE, line);
    if (family.TYPE === 'counter') assert.ok(sample[1].endsWith('_total'), line);
  }
  for (const name of ['millrace_streams', 'millrace_publish_requests_total', 'millrace_process_resident_memory_bytes', 'millrace_build_info']) assert.ok(families.has(name), name);
  assert.match(text, /^millrace_ready 1$/m);
});

test('workers and nodes are listed', async () => {
  const workers = await daemon.workers();
  assert.equal(workers.length, 1);
  assert.deepEqual([workers[0].id, workers[0].kind], ['shared-1', 'shared']);
  assert.ok(isAlive(workers[0].pid));
  const nodes = (await daemon.api('GET', '/api/v1/nodes')).body.items;
  assert.equal(nodes.length, 1);
  assert.equal(nodes[0].pid, daemon.process.pid);
});

test('presets are listed, and one is shown by name only', async () => {
  const { items } = (await daemon.api('GET', '/api/v1/presets')).body;
  assert.deepEqual(items.map((p) => p.name), ['gaming', 'sports', 'standard', 'talk', 'test']);
  const one = await daemon.api('GET', '/api/v1/presets/standard');
  assert.deepEqual(one.body, items[2]);
  assert.deepEqual(one.body.rungs[0], { height: 240, bitrate_bps: 400000, max_frame_rate: 30 });
  for (const name of ['none', 'test.ini']) {
    const missing = await daemon.api('GET', `/api/v1/presets/${name}`);
    assert.equal(missing.status, 404, name);
    assert.match(missing.body.detail, /expected one of gaming, .*standard/);
  }
  assert.ok([400, 404].includes((await daemon.api('GET', '/api/v1/presets/..%2Fladders%2Ftest.ini')).status));
});

test('SIGHUP takes over a new application, and keeps what runs on a mistake', async () => {
  const file = path.join(daemon.dir, 'millraced.yaml');
  const apps = { live: daemon.config.apps.live, extra: { pipeline: 'live-passthrough', auth: 'keys' } };
  assert.equal((await daemon.api('POST', '/api/v1/stream-keys', { app: 'extra', name: 'x' })).status, 409);
  fs.writeFileSync(file, '{ "lisen": 1 }');
  daemon.process.kill('SIGHUP');
  await eventually('the mistake in the log', 5000, () => daemon.readLog().includes("did you mean 'listen'"));
  fs.writeFileSync(file, JSON.stringify({ ...daemon.config, apps, media_dir: '/elsewhere' }));
  daemon.process.kill('SIGHUP');
  await eventually('the new application', 5000, async () => (await daemon.api('POST', '/api/v1/stream-keys', { app: 'extra', name: 'x' })).status === 201);
  assert.match(daemon.readLog(), /media_dir take effect at the next start/);
  assert.equal((await daemon.api('GET', '/readyz')).status, 200);
});

test('kill -9: the stream runs on, and the next millraced shows it within a second', async (t) => {
  const own = await Daemon.start({ listen: LISTEN });
  t.after(() => own.stop());
  await putPipeline('pulse', PULSE, own);
  await own.api('PUT', '/api/v1/streams/beat', { pipeline: 'pulse' });
  await eventually('buffers', 5000, async () => await rendered('beat', own) > 2);
  const before = { stream: await own.streamState('beat'), workers: await own.workers(), rendered: await rendered('beat', own) };
  await own.kill();
  await own.launch();
  assert.ok(own.readyMs < 1000, `ready after ${own.readyMs} ms`);
  const stream = await own.streamState('beat');
  assert.equal(stream.state, before.stream.state);
  assert.equal(stream.generation, before.stream.generation, 'the same run');
  assert.deepEqual((await own.workers()).map((w) => w.pid), before.workers.map((w) => w.pid));
  await eventually('more buffers', 5000, async () => await rendered('beat', own) > before.rendered);

  // A worker that dies is started again, and the stream with it.
  process.kill(before.workers[0].pid, 'SIGKILL');
  await eventually('a new worker with the stream', 10000, async () => {
    const now = await own.streamState('beat');
    return now.generation > stream.generation && await rendered('beat', own) > 2;
  });
  assert.notEqual((await own.workers())[0].pid, before.workers[0].pid);
  const after = await own.streamState('beat');
  assert.equal(after.restarts, 1);
  assert.equal(after.last_error, 'process shared-1 ended unexpectedly');
});

test('SIGTERM ends streams, worker and millraced; SIGUSR1 leaves them', async (t) => {
  const own = await Daemon.start({ listen: LISTEN });
  t.after(() => own.stop());
  await putPipeline('pulse', PULSE, own);
  await own.api('PUT', '/api/v1/streams/beat', { pipeline: 'pulse' });
  await eventually('buffers', 5000, async () => await rendered('beat', own) > 2);
  const [worker] = await own.workers();
  own.process.kill('SIGUSR1');
  assert.equal((await own.exited)[0], 0);
  assert.ok(isAlive(worker.pid));
  await own.launch();
  assert.equal((await own.workers())[0].pid, worker.pid);
  own.process.kill('SIGTERM');
  assert.equal((await own.exited)[0], 0);
  await eventually('the worker is gone', 5000, () => !isAlive(worker.pid));
  // and what is wanted runs again after the next start
  await own.launch();
  await eventually('buffers again', 5000, async () => await rendered('beat', own) > 2);
});

test('what cannot start says why, once, and leaves nothing behind', async (t) => {
  const own = await Daemon.start({ listen: LISTEN });
  t.after(() => own.stop());
  const run = (config) => {
    const file = path.join(own.dir, 'second.yaml');
    fs.writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
    return spawnSync(tool('daemon/millraced'), ['--config', file], { encoding: 'utf8', timeout: 20000 });
  };
  const second = run(own.config);
  assert.equal(second.status, 69);
  assert.match(second.stderr, /another millraced uses it/);
  assert.equal(second.stdout, '');

  const dirs = { state_dir: path.join(own.dir, 's2'), runtime_dir: path.join(own.dir, 'r2'), media_dir: path.join(own.dir, 'm2') };
  const occupied = run({ ...dirs, listen: { ...LISTEN, api: own.addresses.api } });
  assert.equal(occupied.status, 69);
  assert.match(occupied.stderr, new RegExp(`listen on '${own.addresses.api}'.*in use`));

  fs.mkdirSync(dirs.state_dir, { recursive: true });
  fs.writeFileSync(path.join(dirs.state_dir, 'millrace.db'), 'this is no database'.repeat(100));
  const corrupt = run({ ...dirs, listen: LISTEN });
  assert.equal(corrupt.status, 69);
  assert.match(corrupt.stderr, /millrace\.db.*expected an SQLite database/);

  const wrong = run('listen: { api: 5 }\nlogg: {}\n');
  assert.equal(wrong.status, 65);
  assert.match(wrong.stderr, /second\.yaml:1:16: error: .*\n.*second\.yaml:2:1: error: unknown key 'logg', did you mean 'log'\?/);
  assert.equal(spawnSync(tool('daemon/millraced'), ['--config', '/nonexistent']).status, 66);
  assert.equal(spawnSync(tool('daemon/millraced'), ['--no-such-option']).status, 64);
  assert.deepEqual(fs.existsSync(path.join(dirs.runtime_dir, 'workers')) ? fs.readdirSync(path.join(dirs.runtime_dir, 'workers')) : [], []);
});
