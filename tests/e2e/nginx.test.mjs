// SPDX-License-Identifier: MIT
// docs/examples/nginx.conf before a live stream of parts. Were it wrong, caches
// would keep halves of segments, players would wait half a second more for every
// part, or every viewer would reach the origin.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, freePort, tool } from './lib/daemon.mjs';

const CONFIG = new URL('../../docs/examples/nginx.conf', import.meta.url);
const RENDITION = '/stream/demo/v180';
const NGINX = ['/usr/sbin/nginx', '/usr/bin/nginx'].find((file) => fs.existsSync(file));

const children = [];
let dir; let media; let origin; let plain; let secure;

function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  child.log = '';
  child.stdout.on('data', (data) => { child.log += data; });
  child.stderr.on('data', (data) => { child.log += data; });
  child.exited = once(child, 'exit');
  children.push(child);
  return child;
}

/** The shipped file with this test's directories, ports and certificate in the place of those it names. */
async function startNginx() {
  [plain, secure] = [await freePort(), await freePort()];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-keyout', `${dir}/key.pem`, '-out', `${dir}/cert.pem`], { stdio: 'ignore' });
  let text = fs.readFileSync(CONFIG, 'utf8');
  const exchange = (from, to) => {
    assert.ok(text.includes(from), `the example has no '${from}'`);
    text = text.replaceAll(from, to);
  };
  exchange('127.0.0.1:8080', `127.0.0.1:${origin}`);
  exchange('/var/lib/millrace/media/', `${media}/`);
  exchange('/var/cache/nginx/millrace', `${dir}/cache`);
  exchange('listen 80;', `listen 127.0.0.1:${plain};`);
  exchange('listen 443 ', `listen 127.0.0.1:${secure} `);
  exchange('/etc/ssl/certs/media.example.org.pem', `${dir}/cert.pem`);
  exchange('/etc/ssl/private/media.example.org.key', `${dir}/key.pem`);
  fs.writeFileSync(`${dir}/nginx.conf`, `daemon off; worker_processes 1; ${process.getuid() === 0 ? 'user root;' : ''} pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 512; }
http { access_log off; client_body_temp_path ${dir}/a; proxy_temp_path ${dir}/b; fastcgi_temp_path ${dir}/c; uwsgi_temp_path ${dir}/d; scgi_temp_path ${dir}/e;
${text} }\n`);
  const nginx = start(NGINX, ['-p', dir, '-c', `${dir}/nginx.conf`, '-e', `${dir}/error.log`]);
  await eventually('nginx listens', 15000, () => new Promise((resolve, reject) => {
    if (nginx.exitCode !== null) reject(new Error(nginx.log + fs.readFileSync(`${dir}/error.log`)));
    const socket = net.connect(plain, '127.0.0.1', () => { socket.destroy(); resolve(true); }).on('error', () => resolve(false));
  }));
}

/** { status, headers, body } by nginx, or by another port of this machine. */
const get = (pathname, { port = plain, headers = {} } = {}) => new Promise((resolve, reject) => {
  http.get({ host: '127.0.0.1', port, path: pathname, headers }, (answer) => {
    const chunks = [];
    answer.on('data', (chunk) => chunks.push(chunk)).on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) })).on('error', reject);
  }).on('error', reject);
});

/** What the origin has answered: all, and by kind. */
async function counts() {
  const { body } = await get('/metrics', { port: origin });
  const found = {};
  for (const [, kind, value] of `${body}`.matchAll(/^millrace_origin_requests_total\{kind="(\w+)",class="\dxx"\} (\d+)$/gm)) found[kind] = (found[kind] ?? 0) + Number(value);
  return found;
}

const playlist = async () => `${(await get(`${RENDITION}/playlist.m3u8`)).body}`;
const segments = (text) => text.split('\n').filter((line) => /^\d+-\d+\.m4s$/.test(line));
const hint = (text) => text.match(/#EXT-X-PRELOAD-HINT:TYPE=PART,URI="((\d+)-(\d+)\.(\d+)\.m4s)"/);

before(async () => {
  if (!NGINX) return;
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-nginx-'));
  media = path.join(dir, 'media');
  fs.mkdirSync(media);
  const server = start(tool('daemon/millrace-origin'), ['--media-dir', media, '--listen', '127.0.0.1:0']);
  origin = Number((await eventually('the origin listens', 15000, () => server.log.match(/listening origin \S+:(\d+)/)))[1]);
  start('gst-launch-1.0', ['-q', 'videotestsrc', 'is-live=true', '!', 'video/x-raw,width=320,height=180,framerate=30/1', '!', 'x264enc', 'tune=zerolatency',
    'speed-preset=ultrafast', 'key-int-max=30', 'bitrate=500', '!', 'h264parse', '!', 'cmafsink', `location=${media}/demo`, 'part-duration-ms=333', 'segment-duration-ms=2000'],
  { env: { ...process.env, GST_PLUGIN_PATH: [tool('gst-plugins'), process.env.GST_PLUGIN_PATH ?? ''].join(':') } });
  await startNginx();
  await eventually('two segments are listed', 40000, async () => segments(await playlist()).length >= 2);
});

after(async () => {
  for (const child of children.reverse()) {
    child.kill('SIGTERM');
    await child.exited; // eslint-disable-line no-await-in-loop
  }
  if (dir) fs.rmSync(dir, { recursive: true, force: true });
});

const options = { skip: NGINX ? false : 'no nginx: install nginx-light', timeout: 60000 };

test('whole segments and headers come from nginx: the origin is asked once', options, async () => {
  const [name] = segments(await playlist());
  const file = fs.readFileSync(path.join(media, 'demo/v180', name));
  const first = await get(`${RENDITION}/${name}`);
  assert.deepEqual([first.status, first.headers['content-type'], first.headers['cache-control']], [200, 'video/mp4', 'public, max-age=86400, immutable']);
  assert.ok(first.body.equals(file));
  const from = await counts();
  for (let i = 0; i < 50; i += 1) {
    const query = i % 2 ? `?viewer=${i}` : '';
    const again = await get(`${RENDITION}/${name}${query}`); // eslint-disable-line no-await-in-loop
    assert.ok(again.body.equals(file));
  }
  const range = await get(`${RENDITION}/${name}`, { headers: { range: 'bytes=10-19' } });
  assert.deepEqual([range.status, range.body.length], [206, 10]);
  const header = await get(`${RENDITION}/init-1.mp4`);
  assert.deepEqual([header.status, header.headers['access-control-allow-origin']], [200, '*']);
  const to = await counts();
  // its own count of itself is all that has come
  assert.deepEqual({ ...to, other: 0 }, { ...from, other: 0 });
  assert.equal(to.other - from.other, 1);
});

test('playlists that nobody waits for reach it once per second', options, async () => {
  const from = await counts();
  const began = performance.now();
  for (let i = 0; i < 100; i += 1) assert.match(await playlist(), /#EXT-X-PRELOAD-HINT/); // eslint-disable-line no-await-in-loop
  const seconds = (performance.now() - began) / 1000;
  const n = (await counts()).playlist - from.playlist;
  assert.ok(n <= seconds + 2, `${n} in ${seconds} s`);
});

test('a player of low latency gets each part in its time, and blocking requests go through', options, async () => {
  const from = await counts();
  let [, uri, , number, part] = hint(await playlist());
  for (let i = 0; i < 8; i += 1) {
    // both at once, before the part is there
    const [list, media_] = await Promise.all([ // eslint-disable-line no-await-in-loop
      get(`${RENDITION}/playlist.m3u8?_HLS_msn=${number}&_HLS_part=${part}`), get(`${RENDITION}/${uri}`)]);
    assert.deepEqual([list.status, media_.status], [200, 200]);
    assert.ok(`${list.body}`.includes(`URI="${uri}"`), 'the part that was asked for is in the answer');
    assert.equal(media_.body.toString('latin1', 4, 8).replace('prft', 'moof').replace('styp', 'moof'), 'moof');
    [, uri, , number, part] = hint(`${list.body}`);
  }
  const to = await counts();
  assert.equal(to.part - from.part, 8);
  assert.ok(to.playlist - from.playlist >= 8);
});

test('a segment that grows is never sent as if it were whole', options, async () => {
  const [, , generation, number] = hint(await playlist());
  const name = `${generation}-${number}.m4s`;
  const growing = await get(`${RENDITION}/${name}`);
  assert.equal(growing.status, 200);
  // it was sent as it came, to its end
  const file = await eventually('it is listed', 20000, async () => segments(await playlist()).includes(name) && fs.readFileSync(path.join(media, 'demo/v180', name)));
  assert.ok(growing.body.equals(file), `got ${growing.body.length}, expected ${file.length} bytes`);
  const whole = await get(`${RENDITION}/${name}`);
  assert.equal(whole.headers['cache-control'], 'public, max-age=86400, immutable');
  assert.ok(whole.body.equals(file));
});

test('by HTTP/2 and TLS, too', options, async () => {
  const session = http2.connect(`https://127.0.0.1:${secure}`, { rejectUnauthorized: false });
  const request = session.request({ ':path': `${RENDITION}/playlist.m3u8` });
  const [headers] = await once(request, 'response');
  assert.equal(headers[':status'], 200);
  assert.equal(session.alpnProtocol, 'h2');
  request.resume();
  await once(request, 'end');
  session.close();
});

test('what is not for viewers stays inside, and no request is two', options, async () => {
  for (const pathname of ['/metrics', '/healthz', '/complete', '/.millrace-complete', '/stream/demo/live.index', '/stream/demo/.state',
    '/stream/demo/v180/..%2flive.index', '/stream/../etc/passwd']) {
    const { status } = await get(pathname); // eslint-disable-line no-await-in-loop
    assert.ok(status === 404 || status === 400, `${pathname}: ${status}`);
  }
  const from = await counts();
  await get(`${RENDITION}/1-0.m4s%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0aGET%20/metrics`);
  const to = await counts();
  assert.ok(to.other - from.other <= 2, 'one answer and our own count');
});

test('it goes on when the origin is gone: what was known to be whole', options, async () => {
  const [name] = segments(await playlist());
  assert.equal((await get(`${RENDITION}/${name}`)).status, 200);
  children[0].kill('SIGKILL');
  await children[0].exited;
  const file = fs.readFileSync(path.join(media, 'demo/v180', name));
  const { status, body } = await get(`${RENDITION}/${name}`);
  assert.deepEqual([status, body.equals(file)], [200, true]);
  assert.match(await playlist(), /#EXTM3U/);
});
