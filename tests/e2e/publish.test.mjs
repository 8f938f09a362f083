// SPDX-License-Identifier: MIT
// RTMP in, HLS and DASH out: what a person with ffmpeg and a browser does first.
// weight: 2
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { CACHE, Daemon, Publisher, eventually, tool } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';
import { Recorder, assertConsecutive, assertIncreasing, mediaPlaylist, multivariant } from './lib/playlist.mjs';

let daemon; let browser; let source;
before(async () => {
  source = await movie(CACHE, { seconds: 60 });
  daemon = await Daemon.start();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
});

test('a published movie plays within 8 s in hls.js, shaka-player and dash.js', async (t) => {
  const began = performance.now();
  const publisher = Publisher.ffmpeg(source, daemon.rtmp('demo'));
  t.after(() => publisher.kill());
  await daemon.live('demo');
  t.diagnostic(`live ${Math.round(performance.now() - began)} ms after ffmpeg was started`);
  await eventually('master.m3u8', 8000, async () => (await fetch(daemon.stream('demo'))).status === 200);
  for (const [player, file] of [['hls', 'master.m3u8'], ['shaka', 'manifest.mpd'], ['dash', 'manifest.mpd'], ['shaka', 'master.m3u8']]) {
    await t.test(`${player} ${file}`, { skip: noBrowser }, async () => {
      const viewer = await browser.open(player, daemon.stream('demo', file));
      const first = await viewer.until('the first picture', 8000, (s) => s.frames.length > 0);
      if (player === 'hls') {
        const took = Math.round(performance.now() - began);
        t.diagnostic(`the first picture ${took} ms after ffmpeg was started`);
        assert.ok(took < 8000, `the first picture came ${took} ms after the publisher began`);
      }
      const seen = await viewer.until('six seconds of pictures', 15000, (s) => s.frames.at(-1)[1] - first.frames[0][1] > 6000);
      assertIncreasing(seen.frames, player);
      assert.equal(seen.unread, 0, 'every picture was readable');
      // How many of them a page sees is a matter of the machine's time: the element has had them. A player may begin
      // by going to where it wants to be, so that six seconds of media have fewer.
      const { decoded } = await viewer.played();
      assert.ok(decoded > 100, `${decoded} pictures in six seconds of 30 a second`);
      // The burnt-in number and the media time go together: no frame got another's time.
      const offsets = seen.frames.map(([n, time]) => Math.round(time - (n * 1000) / 30));
      assert.ok(Math.max(...offsets) - Math.min(...offsets) <= 5, `times fit numbers, offsets ${Math.min(...offsets)}..${Math.max(...offsets)} ms`);
      await viewer.close();
    });
  }
  await t.test('ffprobe', () => {
    for (const file of ['master.m3u8', 'manifest.mpd']) {
      const probe = JSON.parse(execFileSync('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', daemon.stream('demo', file)]));
      const kinds = Object.fromEntries(probe.streams.map((s) => [s.codec_type, s]));
      assert.equal(kinds.video.codec_name, 'h264');
      assert.equal(`${kinds.video.width}x${kinds.video.height}`, '640x360');
      assert.equal(kinds.audio.codec_name, 'aac');
    }
  });
  await t.test('the API shows it live with its renditions', async () => {
    const stream = await daemon.live('demo');
    assert.equal(stream.app, 'live');
    assert.deepEqual(stream.renditions.map((r) => r.kind).sort(), ['audio', 'video']);
    const video = stream.renditions.find((r) => r.kind === 'video');
    assert.equal(video.name, 'v360');
    assert.equal(video.width, 640);
    assert.match(video.codec, /^avc1\.64/);
  });
  await t.test('the multivariant playlist tells the truth about the media', async () => {
    const { variants, media } = await multivariant(daemon.stream('demo'));
    assert.equal(variants.length, 1);
    assert.equal(variants[0].RESOLUTION, '640x360');
    assert.match(variants[0].CODECS, /^avc1\.64[0-9a-fA-F]{4},mp4a\.40\.2$/);
    assert.equal(Number(variants[0]['FRAME-RATE']), 30);
    assert.equal(media.length, 1);
    const sizes = [];
    const playlist = await mediaPlaylist(variants[0].url);
    for (const s of playlist.segments) sizes.push([(await (await fetch(s.url)).arrayBuffer()).byteLength * 8, s.duration]);
    const average = sizes.reduce((a, [bits]) => a + bits, 0) / sizes.reduce((a, [, d]) => a + d, 0);
    const sum = Number(variants[0]['AVERAGE-BANDWIDTH']);
    assert.ok(sum > average && sum < average * 1.5 + 200000, `AVERAGE-BANDWIDTH ${sum}, video measured ${Math.round(average)}`);
    assert.ok(Number(variants[0].BANDWIDTH) >= sum, 'BANDWIDTH is the peak');
  });
});

test('every frame of a whole publication is in the playlist, and it ends with ENDLIST', async (t) => {
  const short = await movie(CACHE, { seconds: 12 });
  const publisher = Publisher.ffmpeg(short, daemon.rtmp('whole'));
  t.after(() => publisher.kill());
  await daemon.live('whole');
  await eventually('master.m3u8', 8000, async () => (await fetch(daemon.stream('whole'))).status === 200);
  const recorder = new Recorder(daemon.stream('whole'), path.join(daemon.dir, 'whole'));
  assert.equal(await publisher.ended(), 0);
  // ffmpeg unpublishes in good order; the stream then waits for a reconnect until it is told to end.
  assert.equal((await daemon.api('POST', '/api/v1/streams/whole/stop')).status, 200);
  await eventually('ENDLIST', 10000, () => recorder.done.then(() => true));
  await recorder.stop();
  const runs = await recorder.frames();
  assert.equal(runs.length, 1);
  assertConsecutive(runs[0], 'whole');
  assert.deepEqual([runs[0][0], runs[0].length], [0, 360]);
  const mpd = await (await fetch(daemon.stream('whole', 'manifest.mpd'))).text();
  assert.match(mpd, /type="static"/);
});

test('librtmp publishes and it plays', async (t) => {
  const flv = path.join(daemon.dir, 'movie.flv');
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', await movie(CACHE, { seconds: 20 }), '-c', 'copy', flv]);
  const publisher = new Publisher(tool('tests/tools/librtmp-publish'), [flv, daemon.rtmp('librtmp')]);
  t.after(() => publisher.kill());
  await daemon.live('librtmp');
  await eventually('master.m3u8', 8000, async () => (await fetch(daemon.stream('librtmp'))).status === 200);
  const recorder = new Recorder(daemon.stream('librtmp'), path.join(daemon.dir, 'librtmp'));
  await t.test('in the browser', { skip: noBrowser }, async () => {
    const viewer = await browser.open('hls', daemon.stream('librtmp'));
    const seen = await viewer.until('pictures', 15000, (s) => s.frames.length > 60);
    assertIncreasing(seen.frames, 'librtmp');
    await viewer.close();
  });
  await eventually('three segments', 10000, () => recorder.segments.size >= 3);
  await recorder.stop();
  assertConsecutive((await recorder.frames())[0], 'librtmp');
});

test('/play shows the stream without anything from outside', { skip: noBrowser }, async (t) => {
  const publisher = Publisher.ffmpeg(source, daemon.rtmp('page'));
  t.after(() => publisher.kill());
  const page = await browser.newPage();
  const foreign = [];
  page.on('request', (request) => { if (!/^(http:\/\/127\.0\.0\.1:|blob:|data:)/.test(request.url())) foreign.push(request.url()); });
  await page.goto(daemon.origin('/play/page'));
  // Asked from outside: the page's own policy forbids eval(), which waiting within it takes.
  await eventually('a second of playback', 20000, () => page.evaluate(() => document.querySelector('video')?.currentTime > 1));
  assert.deepEqual(foreign, []);
  for (const [width, height] of [[1920, 1080], [390, 844], [1280, 720]]) {
    await page.setViewportSize({ width, height });
    // All that a viewer reads is on the screen, and nothing lies on the picture.
    const boxes = await page.evaluate(() => Object.fromEntries(['video', 'name', 'state', 'unmute', 'facts'].map((id) => [id, document.getElementById(id).getBoundingClientRect().toJSON()])));
    for (const [id, box] of Object.entries(boxes)) {
      const text = `${id} at ${width}x${height}: ${JSON.stringify(box)}`;
      assert.ok(box.width > 0 && box.height > 0 && box.top >= 0 && box.left >= 0 && box.right <= width && box.bottom <= height, text);
      assert.ok(id === 'video' || box.bottom <= boxes.video.top || box.top >= boxes.video.bottom, text);
    }
    assert.ok(boxes.video.width >= 0.7 * Math.min(width, 1280), `the picture is large: ${boxes.video.width} of ${width}`);
    if (process.env.MILL_SCREENSHOTS) await page.screenshot({ path: path.join(process.env.MILL_SCREENSHOTS, `play-${width}x${height}.png`) });
  }
  await page.close();
});

test('GStreamer publishes by rtmp2sink', async (t) => {
  const publisher = new Publisher('gst-launch-1.0', ['-q', 'filesrc', `location=${source}`, '!', 'qtdemux', 'name=d', 'd.video_0', '!', 'queue', '!', 'h264parse', '!', 'flvmux', 'name=m', 'streamable=true', '!',
    'rtmp2sink', `location=${daemon.rtmp('gst')}`, 'sync=true', 'd.audio_0', '!', 'queue', '!', 'aacparse', '!', 'm.']);
  t.after(() => publisher.kill());
  await eventually('master.m3u8', 10000, async () => (await fetch(daemon.stream('gst'))).status === 200);
  const recorder = new Recorder(daemon.stream('gst'), path.join(daemon.dir, 'gst'));
  await eventually('three segments', 10000, () => recorder.segments.size >= 3);
  await recorder.stop();
  assertConsecutive((await recorder.frames())[0], 'gst');
});
