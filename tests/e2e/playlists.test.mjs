// SPDX-License-Identifier: MIT
// What playlists can do beside playing from the beginning: one file by byte
// ranges, fast forward by I-frames, rewinding a live stream, a start of their own,
// steering among places. Each in the players that have it.
// weight: 2
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { CACHE, Daemon, Publisher, eventually, tool } from './lib/daemon.mjs';
import { frameNumbers, movie } from './lib/movie.mjs';
import { assertConsecutive, assertIncreasing } from './lib/playlist.mjs';

const run = promisify(execFile);
const SECONDS = 20; const FPS = 30; const GOP = 2 * FPS;
let browser; let server; let base; let dir; let source;
let requests = []; // { url, range }
let priority = []; // what the steering server says

const HEADERS = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*', 'access-control-expose-headers': '*', 'accept-ranges': 'bytes' };
function serve(request, response) {
  const { pathname, search } = new URL(request.url, 'http://x'); const { range } = request.headers;
  if (request.method === 'OPTIONS') { response.writeHead(200, HEADERS).end(); return; }
  requests.push({ url: pathname, range, search });
  if (pathname === '/steer') {
    response.writeHead(200, { ...HEADERS, 'content-type': 'application/json' }).end(JSON.stringify({ VERSION: 1, TTL: 10, 'PATHWAY-PRIORITY': priority }));
    return;
  }
  // Two places with the same: /a/ and /b/.
  const file = path.join(dir, path.normalize(pathname).replace(/^\/[ab]\//, '/'));
  if (!fs.existsSync(file)) { response.writeHead(404, HEADERS).end(); return; }
  const data = fs.readFileSync(file); const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  if (from === undefined) { response.writeHead(200, HEADERS).end(data); return; }
  const last = to ? Math.min(Number(to), data.length - 1) : data.length - 1;
  response.writeHead(206, { ...HEADERS, 'content-range': `bytes ${from}-${last}/${data.length}` }).end(data.subarray(Number(from), last + 1));
}

before(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-playlists-'));
  server = http.createServer(serve);
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  base = `http://127.0.0.1:${server.address().port}`;
  source = await movie(CACHE, { seconds: SECONDS });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  server.closeAllConnections();
  server.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

/** A description that packages the movie with these properties. */
function describe(name, props) {
  const file = path.join(dir, `${name}.yaml`);
  fs.writeFileSync(file, `millrace: 1
name: ${name}
nodes:
  file: { element: filesrc, props: { location: "${source}" } }
  demux: { element: qtdemux, from: [file] }
  package: { element: cmafsink, from: [demux], props: ${JSON.stringify({ location: path.join(dir, name), ...props })} }
`);
  return file;
}
async function pack(name, props) {
  await run(tool('cli/millrace'), ['run', describe(name, { mode: 'vod', ...props }), '--quiet']);
  return path.join(dir, name);
}
async function check(what, place) {
  const { stdout } = await run(process.execPath, [new URL(`../tools/check-${what}.mjs`, import.meta.url).pathname, place]).catch((error) => error);
  assert.equal(stdout, '', `check-${what} ${place}`);
}
const videoRequests = () => requests.filter((r) => /\/v360\/.*\.(m4s|mp4)$/.test(r.url));

test('one file for each rendition', async (t) => {
  const output = await pack('single', { 'single-file': true });

  await t.test('has every frame, over HLS and DASH, and breaks no rule', async () => {
    for (const file of ['master.m3u8', 'manifest.mpd']) {
      const numbers = await frameNumbers(`${base}/single/${file}`);
      assertConsecutive(numbers, file);
      assert.equal(numbers.length, SECONDS * FPS, file);
    }
    await check('hls', output);
    await check('dash', output);
    assert.deepEqual(fs.readdirSync(path.join(output, 'v360')).sort(), ['1.mp4', 'iframes.m3u8', 'playlist.m3u8']);
  });

  for (const [player, file] of [['hls', 'master.m3u8'], ['shaka', 'master.m3u8'], ['shaka', 'manifest.mpd'], ['dash', 'manifest.mpd']]) {
    await t.test(`${player} plays ${file} to its last frame, by ranges`, { skip: noBrowser }, async () => {
      requests = [];
      const viewer = await browser.open(player, `${base}/single/${file}`);
      await viewer.until('playing', 30000, (s) => s.frames.length > 10);
      await viewer.seek(SECONDS - 3);
      const seen = await viewer.until('the end', 60000, (s) => s.ended);
      assertIncreasing(seen.frames, player);
      assert.ok(seen.frames.at(-1)[0] >= SECONDS * FPS - 3, `the last picture was number ${seen.frames.at(-1)[0]}`);
      assert.deepEqual(seen.errors, []);
      assert.ok(videoRequests().length > 2 && videoRequests().every((r) => r.range), 'every request of media has a range');
      await viewer.close();
    });
  }
});

test('fast forward by I-frames', async (t) => {
  for (const [name, props] of [['segments', {}], ['one-file', { 'single-file': true }]]) {
    const output = await pack(name, { 'trick-mode-sets': true, ...props });
    await check('hls', output);
    for (const file of ['master.m3u8', 'manifest.mpd']) {
      await t.test(`shaka goes through ${name} at four times the speed by ${file}`, { skip: noBrowser }, async () => {
        const viewer = await browser.open('shaka', `${base}/${name}/${file}`, { streaming: { bufferingGoal: 3 } });
        await viewer.until('playing', 30000, (s) => s.frames.length > 10);
        await viewer.trick(4);
        const last = GOP * (SECONDS / 2 - 2);
        const seen = await viewer.until('the last pictures', 60000, (s) => s.frames.some(([n]) => n >= last));
        const jumps = seen.frames.map(([n]) => n).filter((n) => n >= 4 * GOP);
        assert.ok(jumps.length >= 3, `pictures ${jumps}`);
        for (const n of jumps) assert.equal(n % GOP, 0, `picture ${n} of ${jumps} is no I-frame`);
        assert.deepEqual(seen.errors, []);
        // Back at its speed every picture is there again.
        await viewer.trick(1);
        await viewer.seek(2);
        const normal = await viewer.until('playing on', 60000, (s) => s.frames.filter(([n]) => n % GOP !== 0 && n > 2 * FPS).length > 10);
        assert.deepEqual(normal.errors, []);
        await viewer.close();
      });
    }
  }
});

test('a live stream is rewound to the start of its window', { skip: noBrowser }, async () => {
  const input = await movie(CACHE, { seconds: 90 });
  const daemon = await Daemon.start({ apps: { live: { pipeline: 'live-passthrough', auth: 'none', params: { 'dvr-window-ms': 60000 } } } });
  const publisher = Publisher.ffmpeg(input, daemon.rtmp('film'));
  try {
    // Twice what a window without it keeps.
    await eventually('40 s of it', 60000, async () => {
      const response = await fetch(daemon.stream('film', 'v360/playlist.m3u8'));
      return response.status === 200 && ((await response.text()).match(/#EXTINF/g)?.length ?? 0) >= 20;
    });
    for (const [player, file] of [['hls', 'master.m3u8'], ['shaka', 'manifest.mpd']]) {
      const viewer = await browser.open(player, daemon.stream('film', file));
      const edge = await viewer.until('the live edge', 30000, (s) => s.frames.length > 10);
      // By the player's own clock: a window moves on while a player takes its time.
      const [[joined, at]] = edge.frames;
      const { start } = await viewer.range();
      const first = Math.round(joined - (at / 1000 - start) * FPS);
      assert.ok(joined - first > 20 * FPS, `${player} began at picture ${joined}, not near the end: the window begins with ${first}`);
      await viewer.seek(start + 0.1);
      const seen = await viewer.until('the start', 30000, (s) => s.frames.length > 40);
      assert.ok(seen.frames[0][0] >= first && seen.frames[0][0] < first + GOP, `${player} went to picture ${seen.frames[0][0]}, the window began with ${first}`);
      assertIncreasing(seen.frames, player);
      // Each picture is at its own time: the clock did not jump.
      const [[number, time]] = seen.frames;
      for (const [n, ms] of seen.frames) assert.ok(Math.abs((n - number) * 1000 / FPS - (ms - time)) <= 3, `${player}: picture ${n} at ${ms} ms, ${number} was at ${time} ms`);
      assert.deepEqual(seen.errors.filter((e) => e.fatal), []);
      await viewer.close();
    }
    await check('hls', daemon.stream('film'));
  } finally {
    publisher.kill();
    await daemon.stop();
  }
});

test('a stream tells where it begins, and carries data', { skip: noBrowser }, async () => {
  const output = await pack('start', { 'start-offset-ms': 9000, 'start-precise': true, 'session-data': '<(structure)"d,id=(string)org.example.title,value=(string)Film;">' });
  await check('hls', output);
  const viewer = await browser.open('hls', `${base}/start/master.m3u8`);
  const seen = await viewer.until('playing', 30000, (s) => s.frames.length > 10);
  assert.ok(seen.frames[0][0] >= 8 * FPS, `the first picture was number ${seen.frames[0][0]}, expected about ${9 * FPS}`);
  assert.match(fs.readFileSync(path.join(output, 'master.m3u8'), 'utf8'), /#EXT-X-SESSION-DATA:DATA-ID="org.example.title",VALUE="Film"/);
  await viewer.close();
});

test('players are steered to another place', { skip: noBrowser }, async (t) => {
  const pathways = `<(structure)"p,id=(string)a,uri=(string)${base}/a/steered;",(structure)"p,id=(string)b,uri=(string)${base}/b/steered;">`;
  const output = await pack('steered', { pathways, 'steering-uri': `${base}/steer` });
  await check('hls', output);
  for (const [player, file] of [['hls', 'master.m3u8'], ['shaka', 'master.m3u8'], ['dash', 'manifest.mpd']]) {
    await t.test(`${player} goes where the server says`, async () => {
      requests = []; priority = ['b', 'a'];
      const viewer = await browser.open(player, `${base}/steered/${file}`);
      const seen = await viewer.until('playing', 30000, (s) => s.frames.length > 30 && requests.some((r) => /^\/b\/steered\/v360\/.*m4s$/.test(r.url)));
      assertIncreasing(seen.frames, player);
      assert.ok(requests.some((r) => r.url === '/steer'), 'the steering server was asked');
      assert.deepEqual(seen.errors, []);
      await viewer.close();
    });
  }

  await t.test('without a server the order is in a file', async () => {
    const own = await pack('ordered', { pathways });
    assert.deepEqual(JSON.parse(fs.readFileSync(path.join(own, 'steering.json'), 'utf8')), { VERSION: 1, TTL: 300, 'PATHWAY-PRIORITY': ['a', 'b'] });
    requests = [];
    const viewer = await browser.open('hls', `${base}/ordered/master.m3u8`, {});
    await viewer.until('playing', 30000, (s) => s.frames.length > 30);
    assert.ok(requests.some((r) => r.url === '/ordered/steering.json'));
    await viewer.close();
  });
});
