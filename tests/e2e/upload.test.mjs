// SPDX-License-Identifier: MIT
// Streams that are sent to a server instead of a directory: S3, WebDAV.
import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { BUILD, CACHE, Daemon, Publisher, eventually, freePort, tool } from './lib/daemon.mjs';
import { frameNumbers, movie } from './lib/movie.mjs';
import { ObjectStore } from './lib/object-store.mjs';
import { assertConsecutive, mediaPlaylist } from './lib/playlist.mjs';

const run = promisify(execFile);
const checker = new URL('../tools/check-hls.mjs', import.meta.url).pathname;
const credentials = { accessKey: 'AKIATEST', secretKey: 'se/cr+et', region: 'eu-central-1' };
let dir; let env; let keys;

before(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-upload-'));
  fs.chmodSync(dir, 0o777); // nginx' worker is another user when we are root
  keys = path.join(dir, 'keys.ini');
  fs.writeFileSync(keys, `[default]\naws_access_key_id = ${credentials.accessKey}\naws_secret_access_key = ${credentials.secretKey}\nbearer_token = tell-nobody\n`);
  env = { ...process.env, GST_PLUGIN_PATH_1_0: path.join(BUILD, 'gst-plugins'), XDG_STATE_HOME: path.join(dir, 'state') };
});
after(() => fs.rmSync(dir, { recursive: true, force: true }));

/** Broken rules of what is at a URL or in a directory. */
async function check(place, ...options) {
  const { stdout } = await run(process.execPath, [checker, place, ...options]).catch((error) => error);
  return stdout;
}

/** A live stream of one-second segments to @location. */
function live(location, ...properties) {
  const child = spawn('gst-launch-1.0', ['-e', ...'videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=25/1 ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25'.split(' '),
    '!', 'cmafsink', 'name=c', `location=${location}`, 'segment-duration-ms=1000', 'window-segments=4', ...properties,
    ...'audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! c.'.split(' ')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { child.text += data; });
  child.ended = once(child, 'close'); // all that it wrote is read
  return child;
}

const lastNumber = async (url) => (await mediaPlaylist(url)).segments.at(-1).number;

test('a live stream in S3: signed, over kill -9, a server that goes away, and expired segments', async (t) => {
  const store = await ObjectStore.start(path.join(dir, 's3'), { credentials });
  t.after(() => store.stop());
  const properties = [`endpoint=${store.url}`, 'region=eu-central-1', `credentials=${keys}`, 'upload-timeout-ms=20000'];
  const playlist = `${store.url}/bucket/live/v180/playlist.m3u8`;
  const first = live('s3://bucket/live', ...properties);
  t.after(() => first.kill('SIGKILL'));
  await eventually('four segments', 30000, async () => (await mediaPlaylist(playlist)).segments.length >= 4 && (await fetch(`${store.url}/bucket/live/master.m3u8`)).ok);
  assert.equal(await check(`${store.url}/bucket/live/master.m3u8`), '');
  first.kill('SIGKILL');
  await first.ended;
  const stopped = await lastNumber(playlist);
  const second = live('s3://bucket/live', ...properties);
  t.after(() => second.kill('SIGKILL'));
  await eventually('it goes on', 30000, async () => await lastNumber(playlist) >= stopped + 3);
  assert.match(await (await fetch(playlist)).text(), /#EXT-X-DISCONTINUITY\n/);
  assert.equal(await check(`${store.url}/bucket/live/master.m3u8`), '');
  store.away = true;
  store.server.closeAllConnections();
  await new Promise((resolve) => { setTimeout(resolve, 5000); }); // how long it is away
  store.away = false;
  const back = await eventually('the server is used again', 30000, () => lastNumber(playlist));
  await eventually('and in time', 30000, async () => await lastNumber(playlist) >= back + 6);
  assert.equal(await check(`${store.url}/bucket/live/master.m3u8`), '');
  await eventually('expired segments are deleted', 30000, () => store.deletes > 4);
  second.kill('SIGINT');
  await second.ended;
  assert.match(await (await fetch(playlist)).text(), /#EXT-X-ENDLIST/);
  assert.equal(await check(path.join(dir, 's3', 'bucket', 'live')), '');
  assert.deepEqual(store.complaints, []);
  assert.doesNotMatch(first.text + second.text, /se\/cr\+et|ERROR/);
});

test('wrong keys are told with what the server said, and not themselves', async (t) => {
  const store = await ObjectStore.start(path.join(dir, 'refused'), { credentials: { ...credentials, secretKey: 'another' } });
  t.after(() => store.stop());
  const source = await movie(CACHE, { seconds: 9, gop: 1, bframes: 0 });
  const failed = await run('gst-launch-1.0', [...`filesrc location=${source} ! qtdemux name=d d.video_0 ! cmafsink location=s3://bucket/film endpoint=${store.url} region=eu-central-1 credentials=${keys} mode=vod`.split(' ')], { env }).catch((error) => error);
  const text = failed.stdout + failed.stderr;
  assert.match(text, /putting 'http:\/\/127\.0\.0\.1:\d+\/bucket\/film\/[^']+': got 403 Forbidden \(SignatureDoesNotMatch\), expected 200, 201 or 204; check credentials/);
  assert.doesNotMatch(text, /se\/cr\+et/);
  assert.equal(store.puts, 0);
});

test('a movie to nginx (WebDAV): all frames play from there', { skip: spawnSync('nginx', ['-v']).error ? 'nginx is not installed' : false }, async (t) => {
  const root = path.join(dir, 'nginx');
  fs.mkdirSync(path.join(root, 'files'), { recursive: true });
  for (const name of [root, path.join(root, 'files')]) fs.chmodSync(name, 0o777);
  const port = await freePort();
  fs.writeFileSync(path.join(root, 'nginx.conf'), `daemon off; pid ${root}/pid; error_log ${root}/error.log; worker_processes 1;
events {}
http {
  access_log off; types { application/vnd.apple.mpegurl m3u8; application/dash+xml mpd; video/mp4 mp4 m4s; }
  client_body_temp_path ${root}/body; proxy_temp_path ${root}/proxy; fastcgi_temp_path ${root}/fastcgi; uwsgi_temp_path ${root}/uwsgi; scgi_temp_path ${root}/scgi;
  client_max_body_size 64m;
  server { listen 127.0.0.1:${port}; root ${root}/files; dav_methods PUT DELETE; create_full_put_path on; }
}
`);
  const nginx = spawn('nginx', ['-p', root, '-e', path.join(root, 'error.log'), '-c', path.join(root, 'nginx.conf')], { stdio: 'ignore' });
  const exited = once(nginx, 'exit');
  t.after(async () => { nginx.kill('SIGTERM'); await exited; });
  const url = `http://127.0.0.1:${port}/films/one`;
  await eventually('nginx', 10000, async () => (await fetch(`http://127.0.0.1:${port}/`)).status);
  const source = await movie(CACHE, { seconds: 12 });
  const options = ['run', 'vod-package', '--set', `input=${source}`, '--set', `output=${url}`, '--quiet'];
  for (const round of ['at first', 'again, over what is there']) {
    await run(tool('cli/millrace'), options, { env });
    assert.equal(await check(`${url}/master.m3u8`), '', round);
    const numbers = await frameNumbers(`${url}/master.m3u8`);
    assertConsecutive(numbers, round);
    assert.equal(numbers.length, 360, round);
  }
  const video = path.join(root, 'files', 'films', 'one', 'v360');
  assert.equal(fs.readdirSync(video).filter((name) => /^init-/.test(name)).length, 1, 'nothing of the first round is left');
});

test('a daemon serves a stream and sends it to a store', async (t) => {
  const store = await ObjectStore.start(path.join(dir, 'daemon'));
  t.after(() => store.stop());
  process.env.XDG_STATE_HOME = path.join(dir, 'daemon-state');
  const guide = fs.readFileSync(new URL('../../docs/packaging.md', import.meta.url), 'utf8');
  const text = /^ {4}millrace: 1\n {4}name: live-store\n(?: {4}.*\n)+/m.exec(guide)[0].replace(/^ {4}/gm, '');
  const daemon = await Daemon.start({ apps: { live: { pipeline: 'live-store', auth: 'none', params: { store: `${store.url}/live`, credentials: keys } } } });
  t.after(() => daemon.stop());
  const put = await daemon.api('PUT', '/api/v1/pipelines/live-store', { text });
  assert.ok(put.status < 300, JSON.stringify(put.body));
  const publisher = Publisher.ffmpeg(await movie(CACHE, {}), daemon.rtmp('studio'));
  t.after(() => publisher.kill());
  const sent = `${store.url}/live/studio/master.m3u8`;
  await eventually('it is in the store', 30000, async () => (await fetch(sent)).status === 200);
  await eventually('and served', 30000, async () => (await fetch(daemon.stream('studio'))).status === 200);
  /* Where no state is, numbers begin at the seconds since 1970: from outside that looks as if segments had left, after which three target durations are to be there. */
  const listed = async () => (await (await fetch(`${store.url}/live/studio/v360/playlist.m3u8`)).text()).match(/^#EXTINF/gm)?.length;
  await eventually('three target durations in the store', 30000, async () => await listed() >= 3);
  assert.equal(await check(sent), '');
  assert.deepEqual(store.complaints, []);
  assert.doesNotMatch(daemon.logs(), /tell-nobody/);
});
