// SPDX-License-Identifier: MIT
// The verbs that speak to a server, against one that answers as told.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, test } from 'node:test';
import { dir, file, fakeServer, millrace } from './lib.mjs';

const STREAM = { name: 'demo', app: 'live', pipeline: 'live-passthrough', node: 'n1', state: 'live', since: '2026-01-01T00:00:00Z', restarts: 0, last_error: null, publisher: { address: '127.0.0.1', tls: false }, renditions: [{ name: 'v360', height: 360 }] };
const KEY = { id: 'key_1', name: 'studio', app: 'live', enabled: true, created_at: '2026-01-01T00:00:00Z', expires_at: null };
const server = await fakeServer({
  'GET /api/v1/streams?limit=100': [200, { items: [STREAM], next: 'c/1' }],
  'GET /api/v1/streams?limit=100&cursor=c%2F1': [200, { items: [{ ...STREAM, name: 'störe', state: 'failed' }, { name: 'evil\u001b[2J' }], next: null }],
  'GET /api/v1/streams/demo': [200, STREAM],
  'GET /api/v1/workers?limit=100': [200, { items: [{ id: 'w1', pid: 7, kind: 'shared', streams: ['demo', 'b'], cpu: 0.05123456, memory_bytes: 1234567, since: 'x' }], next: null }],
  'POST /api/v1/streams/demo/stop': [200],
  'POST /api/v1/streams/demo/input': [200, STREAM],
  'POST /api/v1/streams/other/input': [400, { title: 'Bad Request', status: 400, detail: "input: got 'bakcup', expected one of primary, backup, automatic" }],
  'POST /api/v1/streams/demo/cues': [200, {}],
  'POST /api/v1/streams/other/cues': [409, { title: 'Conflict', status: 409, detail: "break '7': got its end, expected a break of that id that has not ended" }],
  'POST /api/v1/streams/demo/start': [409, { type: 'about:blank', title: 'Conflict', status: 409, detail: "stream 'demo' has no description, expected one" }],
  'DELETE /api/v1/pipelines/a%2Fb': [422, { title: 'Unprocessable', status: 422, detail: 'the description has mistakes', errors: [{ pointer: '/nodes/in', detail: "unknown element 'x'" }, 'plain text', { odd: 1 }] }],
  'DELETE /api/v1/stream-keys/key_1': [200],
  'POST /api/v1/stream-keys': [201, { ...KEY, key: 'sk_secret' }],
  'POST /api/v1/stream-keys/key_1/rotate': [200, { ...KEY, key: 'sk_other' }],
  'POST /api/v1/stream-keys/key_1/rotate?grace_seconds=600': [200, { ...KEY, key: 'sk_third' }],
  'PATCH /api/v1/stream-keys/key_1': [200, KEY],
  'GET /api/v1/stream-keys/key_1': [200, KEY],
  'GET /api/v1/stream-keys?limit=100': [200, { items: [KEY], next: null }],
  'DELETE /api/v1/pipelines/one': [422, { title: 'Unprocessable', status: 422, detail: 'body: /nodes/in: unknown element', errors: [{ pointer: '/nodes/in', detail: 'unknown element' }] }],
  'DELETE /api/v1/pipelines/three': [422, { title: 'Unprocessable', status: 422, detail: 'description: 3 mistakes, the first: line 4, column 9: evil\u001b[2J',
    errors: [{ line: 4, column: 9, detail: 'evil\u001b[2J' }, { line: 5, column: 1, detail: 'more\u0007' }, { parameter: 'limit', detail: 'too much' }] }],
  'GET /api/v1/pipelines?limit=100': [401, { title: 'Unauthorized', status: 401, detail: 'no API key, expected X-API-Key' }],
  'GET /api/v1/nodes?limit=100': [503, 'not json at all'],
  'GET /api/v1/pipelines/p': [200, { text: 'a: 1\n\n  b: "x"\n', lines: ['no\nend', ' space\nfirst', 'tab\there'], empty: {}, none: [], list: [[1, { a: 'yes', '': 0.1 }]] }],
  'GET /api/v1/streams/html': [200, '<html>'],
  'GET /api/v1/streams/moved': [302, undefined, { location: 'http://127.0.0.1:1/elsewhere' }],
});
after(() => server.close());
const call = (args, options) => millrace([...args, '--server', server.url], options);
const last = () => server.requests.at(-1);

/** A stream of events that hangs up after each answer; what was asked comes back. */
async function eventServer(answers) {
  const asked = [];
  const events = http.createServer((request, response) => {
    asked.push(request.url);
    const answer = answers[asked.length - 1];
    if (!answer) { response.writeHead(401, { 'content-type': 'application/problem+json' }).end('{"title":"Unauthorized","status":401,"detail":"no key"}'); return; }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(answer.map((event) => (typeof event === 'string' ? event : `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)).join(''));
  });
  await new Promise((resolve) => { events.listen(0, '127.0.0.1', resolve); });
  return { url: `http://127.0.0.1:${events.address().port}`, asked, close: () => { events.closeAllConnections(); events.close(); } };
}

const STARTED = { id: 'a-1', type: 'stream.started', time: '2026-01-01T00:00:00.000Z', stream: 'demo', app: 'live', state: 'live', previous: 'starting' };
const WARNING = { id: 'a-2', type: 'health.warning', time: '2026-01-01T00:00:01.000Z', stream: 'demo', warning: 'stalled', message: 'evil\u001b[2J' };

test('events: a line each, over a connection that ends', async (t) => {
  const events = await eventServer([['retry: 2000\n\n', ':\n\n', STARTED], [WARNING]]);
  t.after(() => events.close());
  const { code, stdout, stderr } = await millrace(['events', '--count', '2', '--server', events.url]);
  assert.equal(code, 0, stderr);
  const lines = stdout.trimEnd().split('\n');
  assert.match(lines[0], /^2026-01-01T00:00:00\.000Z +stream\.started +demo +starting -> live$/);
  assert.match(lines[1], /health\.warning +demo +stalled: evil\?\[2J$/);
  assert.equal(lines.length, 2);
  assert.match(stderr, /trying again/);
  assert.deepEqual(events.asked, ['/api/v1/events', '/api/v1/events?last_event_id=a-1']);
});

test('events: JSON is an object per line, and begins where it is told', async (t) => {
  const events = await eventServer([[STARTED, WARNING]]);
  t.after(() => events.close());
  const { code, stdout } = await millrace(['events', '-n', '2', '--after', 'x-0', '-o', 'json', '--server', events.url]);
  assert.equal(code, 0);
  assert.deepEqual(stdout.trimEnd().split('\n').map(JSON.parse), [STARTED, WARNING]);
  assert.deepEqual(events.asked, ['/api/v1/events?last_event_id=x-0']);
});

test('events: no server and no key end it at once', async (t) => {
  const events = await eventServer([]);
  t.after(() => events.close());
  assert.equal((await millrace(['events', '--server', events.url])).code, 77);
  assert.equal((await millrace(['events', '--server', 'http://127.0.0.1:1'])).code, 69);
});

/** A server of streams with logs that change between two looks: the last answer of each stays. */
async function logServer(answers) {
  const asked = {};
  const logs = http.createServer((request, response) => {
    asked[request.url] = (asked[request.url] ?? 0) + 1;
    const all = answers[request.url];
    const items = all?.[Math.min(asked[request.url], all.length) - 1];
    response.writeHead(items ? 200 : 404, { 'content-type': items ? 'application/json' : 'application/problem+json' });
    response.end(JSON.stringify(items ? { items, next: null } : { title: 'Not Found', status: 404, detail: `there is no ${request.url}` }));
  });
  await new Promise((resolve) => { logs.listen(0, '127.0.0.1', resolve); });
  return { url: `http://127.0.0.1:${logs.address().port}`, asked, close: () => { logs.closeAllConnections(); logs.close(); } };
}
const entry = (second, message, level = 'info') => ({ time: `2026-01-01T00:00:0${second}Z`, level, message });

test('logs: a line each of a stream, and of all in the order of time', async (t) => {
  const logs = await logServer({
    '/api/v1/streams?limit=100': [[{ name: 'a' }, { name: 'b' }]],
    '/api/v1/streams/a/logs': [[entry(1, 'starting'), entry(3, 'evil\u001b[2J', 'warning')]],
    '/api/v1/streams/b/logs': [[entry(2, 'between')]],
  });
  t.after(() => logs.close());
  const one = await millrace(['logs', 'a', '--server', logs.url]);
  assert.deepEqual([one.code, one.stdout], [0, '2026-01-01T00:00:01Z  info     starting\n2026-01-01T00:00:03Z  warning  evil?[2J\n'], one.stderr);
  const all = await millrace(['logs', '--server', logs.url]);
  assert.deepEqual(all.stdout.trimEnd().split('\n').map((line) => line.split(/ {2,}/).slice(2)), [['a', 'starting'], ['b', 'between'], ['a', 'evil?[2J']]);
  const json = await millrace(['logs', 'b', '-o', 'json', '--server', logs.url]);
  assert.deepEqual(JSON.parse(json.stdout), [{ stream: 'b', ...entry(2, 'between') }]);
  const nothing = await millrace(['logs', 'c', '--server', logs.url]);
  assert.deepEqual([nothing.code, nothing.stdout], [66, '']);
  assert.match(nothing.stderr, /there is no .*\/c\/logs/);
});

test('logs: --follow shows each entry once, whatever the server forgets, until the stream is gone', async (t) => {
  const logs = await logServer({
    '/api/v1/streams/a/logs': [
      [entry(1, 'one'), entry(1, 'one')],
      [entry(1, 'one'), entry(1, 'one'), entry(1, 'one')], // the same again
      [entry(1, 'one'), entry(2, 'two')], // the oldest are forgotten
      [entry(3, 'anew')], // another server
      undefined,
    ],
  });
  t.after(() => logs.close());
  const { code, stdout } = await millrace(['logs', 'a', '-f', '-o', 'json', '--server', logs.url]);
  assert.equal(code, 66);
  assert.deepEqual(stdout.trimEnd().split('\n').map((line) => JSON.parse(line).message), ['one', 'one', 'one', 'two', 'anew']);
});

test('get: a table of all pages, whatever the names contain', async () => {
  const { code, stdout } = await call(['get', 'streams']);
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split('\n');
  assert.deepEqual(lines[0].split(/\s+/), ['NAME', 'STATE', 'APP', 'PIPELINE', 'NODE', 'SINCE', 'RESTARTS']);
  assert.match(lines[1], /^demo +live +live +live-passthrough +n1 +2026-01-01T00:00:00Z +0$/);
  // Columns stand under each other by characters, not bytes.
  assert.equal(lines[1].indexOf('live '), lines[2].indexOf('failed'));
  assert.match(lines[3], /^evil\?\[2J +- +-/);
});

test('get: JSON and YAML carry every field', async () => {
  const json = JSON.parse((await call(['get', 'streams', '-o', 'json'])).stdout);
  assert.equal(json.length, 3);
  assert.deepEqual(json[0], STREAM);
  const yaml = (await call(['get', 'stream', 'demo', '-o', 'yaml'])).stdout;
  assert.equal(yaml, `name: demo
app: live
pipeline: live-passthrough
node: n1
state: live
since: "2026-01-01T00:00:00Z"
restarts: 0
last_error: null
publisher:
  address: "127.0.0.1"
  tls: false
renditions:
  - name: v360
    height: 360
`);
  assert.equal((await call(['describe', 'stream', 'demo'])).stdout, yaml);
});

test('YAML: what is read back is what was sent, and lines stay lines', async () => {
  const { stdout } = await call(['describe', 'pipeline', 'p']);
  assert.ok(stdout.startsWith('text: |\n  a: 1\n\n    b: "x"\nlines:\n  - |-\n    no\n    end\n'), stdout);
  const read = spawnSync('python3', ['-c', 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)'], { input: stdout, encoding: 'utf8' });
  assert.equal(read.status, 0, read.stderr);
  const sent = JSON.parse((await call(['describe', 'pipeline', 'p', '-o', 'json'])).stdout);
  assert.deepEqual(JSON.parse(read.stdout), sent);
});

test('get: lists inside a row are counted, sizes and shares are readable', async () => {
  const { stdout } = await call(['get', 'workers']);
  assert.match(stdout.split('\n')[1], /^w1 +shared +7 +2 +0\.051 +1\.2\sMB +x$/);
});

test('start, stop and delete ask for just that', async () => {
  const stop = await call(['stop', 'stream', 'demo']);
  assert.deepEqual([stop.code, stop.stdout, stop.stderr], [0, '', '']);
  assert.equal(last().asked, 'POST /api/v1/streams/demo/stop');
  assert.equal((await call(['delete', 'stream-keys', 'key_1'])).code, 0);
  assert.equal(last().asked, 'DELETE /api/v1/stream-keys/key_1');
});

test('switch names a stream and an input', async () => {
  const { code, stdout, stderr } = await call(['switch', 'demo', 'backup']);
  assert.deepEqual([code, stdout, stderr], [0, '', '']);
  assert.equal(last().asked, 'POST /api/v1/streams/demo/input');
  assert.deepEqual(last().body, { input: 'backup' });
  const refused = await call(['switch', 'other', 'bakcup']);
  assert.deepEqual([refused.code, /expected one of primary, backup, automatic/.test(refused.stderr)], [65, true]);
  assert.equal((await call(['switch', 'demo'])).code, 64);
});

test('cue says what its options say, and nothing else', async () => {
  const bodies = [
    [['cue', 'out', 'demo', '--id', '7', '--duration', '30'], { type: 'out', id: 7, duration: 30 }],
    [['cue', 'out', 'demo', '--id', '0', '--duration', '30', '--no-return', '--at', '2026-01-01T00:00:00Z'], { type: 'out', id: 0, duration: 30, auto_return: false, at: '2026-01-01T00:00:00Z' }],
    [['cue', 'in', 'demo', '--id', '7'], { type: 'in', id: 7 }],
    [['cue', 'metadata', 'demo', '--field', 'title', '--value', 'störe'], { type: 'metadata', key: 'title', value: 'störe' }],
    [['cue', 'metadata', 'demo', '--id3', file('tag', 'ID3 tag')], { type: 'metadata', id3: Buffer.from('ID3 tag').toString('base64') }],
  ];
  for (const [args, body] of bodies) {
    const { code, stderr } = await call(args);
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(last().asked, 'POST /api/v1/streams/demo/cues');
    assert.deepEqual(last().body, body);
  }
  const refused = await call(['cue', 'in', 'other', '--id', '7']);
  assert.deepEqual([refused.code, /got its end, expected a break/.test(refused.stderr)], [65, true]);
  assert.equal((await call(['cue', 'sideways', 'demo'])).code, 64);
  assert.equal((await call(['cue', 'metadata', 'demo', '--id3', '/nonexistent'])).code, 66);
});

test('what the server refuses is told in its words', async () => {
  const { code, stderr } = await call(['start', 'stream', 'demo']);
  assert.deepEqual([code, stderr], [65, `millrace start: error: stream 'demo' has no description, expected one (${server.url}, HTTP 409)\n`]);
  const several = await call(['delete', 'pipeline', 'a/b']);
  assert.equal(several.code, 65);
  assert.deepEqual(several.stderr.trimEnd().split('\n').slice(1), ["  /nodes/in: unknown element 'x'", '  plain text', '  {"odd":1}']);
});

test('a mistake is told once, and as text', async () => {
  const one = await call(['delete', 'pipeline', 'one']);
  assert.equal(one.stderr, `millrace delete: error: body: /nodes/in: unknown element (${server.url}, HTTP 422)\n`);
  const three = await call(['delete', 'pipeline', 'three']);
  assert.equal(three.stderr, `millrace delete: error: description: 3 mistakes, the first: line 4, column 9: evil?[2J (${server.url}, HTTP 422)\n  line 5, column 1: more?\n  limit: too much\n`);
});

test('exit codes tell causes apart', async () => {
  assert.equal((await call(['get', 'stream', 'no-such'])).code, 66);
  assert.equal((await call(['get', 'nodes'])).code, 69);
  const html = await call(['get', 'stream', 'html']);
  assert.equal(html.code, 69);
  assert.match(html.stderr, /no JSON, expected the REST API of millraced/);
  const refused = await millrace(['get', 'streams', '--server', 'http://127.0.0.1:1']);
  assert.equal(refused.code, 69);
  assert.match(refused.stderr, /http:\/\/127\.0\.0\.1:1.*is millraced running there\?/);
  assert.equal((await millrace(['get', 'streams', '--server', 'nonsense'])).code, 64);
  const kind = await call(['get', 'steams']);
  assert.deepEqual([kind.code, /did you mean 'streams'/.test(kind.stderr)], [64, true]);
  assert.equal((await call(['delete', 'workers', 'w1'])).code, 64);
  assert.equal((await call(['restart', 'worker', 'w1'])).code, 64);
});

test('the key: option, environment, file; and none of them to a stranger', async () => {
  const denied = await call(['get', 'pipelines']);
  assert.equal(denied.code, 77);
  // On a host with an installed millraced that we may read, its key was found.
  let installed = true;
  try { fs.accessSync('/var/lib/millrace/admin.key', fs.constants.R_OK); } catch { installed = false; }
  if (!installed) {
    assert.match(denied.stderr, /no key was sent: give --key or MILLRACE_KEY, or be a user who can read .*state\/millrace\/admin\.key/);
    assert.equal(last().headers['x-api-key'], undefined);
  }

  const key = file('state/millrace/admin.key', 'from-file\n');
  await call(['get', 'stream', 'demo']);
  assert.equal(last().headers['x-api-key'], 'from-file');
  await call(['get', 'stream', 'demo'], { env: { MILLRACE_KEY: 'from-environment' } });
  assert.equal(last().headers['x-api-key'], 'from-environment');
  await call(['get', 'stream', 'demo', '--key', 'from-option'], { env: { MILLRACE_KEY: 'from-environment' } });
  assert.equal(last().headers['x-api-key'], 'from-option');

  // A server that sends us elsewhere does not get the key carried there.
  const before = server.requests.length;
  const moved = await call(['get', 'stream', 'moved']);
  assert.notEqual(moved.code, 0);
  assert.equal(server.requests.length, before + 1);
  fs.rmSync(key);
});

test('MILLRACE_SERVER names the server', async () => {
  const { code } = await millrace(['get', 'stream', 'demo'], { env: { MILLRACE_SERVER: `${server.url}/` } });
  assert.equal(code, 0);
  assert.equal(last().asked, 'GET /api/v1/streams/demo');
});

test('stream-keys: create and rotate show the secret, the others cannot', async () => {
  const created = await call(['stream-keys', 'create', 'studio', '--app', 'live', '--expires', '2027-01-01T00:00:00Z']);
  assert.equal(created.code, 0);
  assert.match(created.stdout, /^key: sk_secret$/m);
  assert.deepEqual(last().body, { name: 'studio', app: 'live', expires_at: '2027-01-01T00:00:00Z' });
  const rotated = await call(['stream-keys', 'rotate', 'key_1', '-o', 'json']);
  assert.equal(JSON.parse(rotated.stdout).key, 'sk_other');
  assert.match((await call(['stream-keys', 'get', 'key_1'])).stdout, /^id: key_1$/m);
  assert.match((await call(['stream-keys', 'list'])).stdout, /^ID +NAME +APP +ENABLED +CREATED +EXPIRES\nkey_1 +studio +live +true +2026-01-01T00:00:00Z +-\n$/);
  assert.equal((await call(['stream-keys', 'delete', 'key_1'])).code, 0);
  assert.equal((await call(['stream-keys', 'create'])).code, 64);
  assert.equal((await call(['stream-keys', 'invent', 'x'])).code, 64);
});

test('stream-keys: options become the fields of a key', async () => {
  const before = Date.now();
  assert.equal((await call(['stream-keys', 'create', 'studio', '--app', 'live', '--expires', '24h', '--allow', '10.0.0.0/8', '--allow', '2001:db8::/32', '--max-bitrate', '6000k', '--max-duration', '4h'])).code, 0);
  const { expires_at: expires, ...rest } = last().body;
  assert.deepEqual(rest, { name: 'studio', app: 'live', allowed_addresses: ['10.0.0.0/8', '2001:db8::/32'], max_bitrate_bps: 6000000, max_duration_seconds: 14400 });
  assert.ok(Math.abs(Date.parse(expires) - before - 24 * 3600 * 1000) < 60000, expires);
  const tomorrow = await call(['stream-keys', 'set', 'key_1', '--expires', 'tomorrow']);
  assert.deepEqual([tomorrow.code, tomorrow.stderr], [64, "millrace stream-keys: error: option '--expires': got 'tomorrow', expected how long from now (90s, 45m, 24h, 30d), a time with its zone (2030-01-31T18:00:00Z), or never\n"]);
  assert.equal((await call(['stream-keys', 'set', 'key_1', '--expires', 'never', '--allow', 'anywhere', '--max-bitrate', 'none', '--max-duration', 'none'])).code, 0);
  assert.equal(last().asked, 'PATCH /api/v1/stream-keys/key_1');
  assert.deepEqual(last().body, { expires_at: null, allowed_addresses: [], max_bitrate_bps: null, max_duration_seconds: null });
  assert.equal((await call(['stream-keys', 'disable', 'key_1'])).code, 0);
  assert.deepEqual(last().body, { enabled: false });
  assert.equal((await call(['stream-keys', 'enable', 'key_1'])).code, 0);
  assert.deepEqual(last().body, { enabled: true });
  assert.match((await call(['stream-keys', 'rotate', 'key_1', '--grace', '10m'])).stdout, /^key: sk_third$/m);
  for (const wrong of [['set', 'key_1'], ['rotate', 'key_1', '--grace', '10'], ['rotate', 'key_1', '--grace', '-1h'], ['create', 'x', '--max-bitrate', '6x'], ['create', 'x', '--max-bitrate', '0'], ['create', 'x', '--max-duration', '1w'], ['create', 'x', '--max-duration', '99999999999999d']]) {
    const asked = server.requests.length;
    assert.equal((await call(['stream-keys', ...wrong])).code, 64, wrong.join(' '));
    assert.equal(server.requests.length, asked, 'nothing was asked');
  }
});

test('a name is one part of the path, whatever it contains', async () => {
  await call(['get', 'stream', '../workers?x#y']);
  assert.equal(last().asked, 'GET /api/v1/streams/..%2Fworkers%3Fx%23y');
});
