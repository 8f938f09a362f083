// SPDX-License-Identifier: MIT
// Breaks and timed metadata: from a call of the API to what players hand to their
// applications, and to what an ad server reads.
// weight: 2
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { CACHE, Daemon, Publisher, eventually, tool } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';
import { assertIncreasing } from './lib/playlist.mjs';
import { RtmpClient, amf, flvTags } from './lib/rtmp.mjs';

const CHECK = new URL('../tools/check-hls.mjs', import.meta.url).pathname;
const CHECK_DASH = new URL('../tools/check-dash.mjs', import.meta.url).pathname;

let browser; let source;
before(async () => {
  source = await movie(CACHE, { seconds: 60 });
  browser = await startBrowser();
});
after(() => browser?.close());

async function publishing(t, name) {
  const daemon = await Daemon.start();
  t.after(() => daemon.stop());
  const publisher = Publisher.ffmpeg(source, daemon.rtmp(name));
  t.after(() => publisher.kill());
  await eventually('master.m3u8', 10000, async () => (await fetch(daemon.stream(name))).status === 200);
  return daemon;
}

const text = async (url) => (await fetch(url)).text();
const ranges = async (daemon, name, rendition = 'v360') => (await text(daemon.stream(name, `${rendition}/playlist.m3u8`))).split('\n').filter((line) => line.startsWith('#EXT-X-DATERANGE'));
const cue = (daemon, name, body) => daemon.api('POST', `/api/v1/streams/${name}/cues`, body);

test('a break begun by the API is in playlists, MPD and players; a segment begins with it', async (t) => {
  const daemon = await publishing(t, 'ads');
  const viewers = {};
  if (noBrowser) await t.test('in the browser', { skip: noBrowser });
  else {
    viewers.hls = await browser.open('hls', daemon.stream('ads'));
    viewers.shaka = await browser.open('shaka', daemon.stream('ads', 'manifest.mpd'));
    viewers.dash = await browser.open('dash', daemon.stream('ads', 'manifest.mpd'));
  }
  for (const viewer of Object.values(viewers)) await viewer.until('pictures', 30000, (s) => s.frames.length > 15);

  const taken = await cue(daemon, 'ads', { type: 'out', id: 7, duration: 6 });
  assert.deepEqual([taken.status, taken.body], [200, { type: 'out', id: 7, duration: 6 }]);
  assert.equal((await cue(daemon, 'ads', { type: 'metadata', key: 'title', value: 'Schön' })).status, 200);
  await eventually('the end of the break', 30000, async () => (await ranges(daemon, 'ads')).length === 2);
  const lines = await ranges(daemon, 'ads');
  assert.match(lines[0], /^#EXT-X-DATERANGE:ID="scte35-7-\d+",START-DATE="[^"]+",PLANNED-DURATION=6\.000,SCTE35-OUT=0xFC30[0-9A-F]+$/);
  assert.match(lines[1], /,DURATION=6\.\d{3},SCTE35-IN=0xFC30[0-9A-F]+$/);
  // Playlists are written one after another.
  const sound = (await text(daemon.stream('ads'))).match(/a\d+(?=\/playlist)/)[0];
  await eventually('the end of the break in the sound', 5000, async () => (await ranges(daemon, 'ads', sound)).length === 2);
  assert.deepEqual(await ranges(daemon, 'ads', sound), lines, 'the same in the sound');
  const [, start] = lines[0].match(/START-DATE="([^"]+)"/);
  assert.ok((await text(daemon.stream('ads', 'v360/playlist.m3u8'))).includes(`#EXT-X-PROGRAM-DATE-TIME:${start}\n`), 'a segment begins where the break does');
  const mpd = await text(daemon.stream('ads', 'manifest.mpd'));
  assert.match(mpd, /<EventStream schemeIdUri="urn:scte:scte35:2014:xml\+bin" timescale="90000">/);
  assert.match(mpd, /<Event presentationTime="\d+" duration="540000" id="\d+">\s*<Signal xmlns="http:\/\/www\.scte\.org\/schemas\/35\/2016">\s*<Binary>\/DA[A-Za-z0-9+/=]+<\/Binary>/);
  for (const scheme of ['urn:scte:scte35:2013:bin', 'https://aomedia.org/emsg/ID3']) assert.ok(mpd.includes(`<InbandEventStream schemeIdUri="${scheme}"/>`), scheme);

  await t.test('the checkers find nothing', () => {
    execFileSync('node', [CHECK, daemon.stream('ads')], { stdio: 'pipe' });
    execFileSync('node', [CHECK_DASH, daemon.stream('ads', 'manifest.mpd')], { stdio: 'pipe' });
  });
  await t.test('hls.js', { skip: noBrowser }, async () => {
    const seen = await viewers.hls.until('the break and the metadata', 40000, (s) => s.events.some((e) => e.source === 'daterange' && e.keys.includes('SCTE35-IN')) && s.events.some((e) => e.scheme === 'https://aomedia.org/emsg/ID3'));
    const range = seen.events.find((e) => e.source === 'daterange');
    assert.equal(range.duration, 6);
    assert.equal(Math.round(seen.events.find((e) => e.keys?.includes('SCTE35-IN')).ended), 6);
    assert.ok(seen.events.some((e) => e.source === 'emsg' && e.text.includes('title\0Schön')), JSON.stringify(seen.events));
    // Keyframes are 60 pictures apart: on the player's own clock the break begins with one of them,
    // but for the two pictures that hls.js takes a segment to begin before its first one is shown.
    const [number, time] = seen.frames[0];
    const first = number + (range.time - time / 1000) * 30;
    assert.ok(Math.abs(first - Math.round(first / 60) * 60) < 2.5, `the break begins with picture ${first}`);
    assertIncreasing(seen.frames, 'hls');
  });
  // In the media, for who watched already when it was not known that any would come.
  const schemes = ['urn:scte:scte35:2013:bin', 'https://aomedia.org/emsg/ID3'];
  for (const [player, how] of [['shaka', 'emsg'], ['dash', 'timeline']]) {
    await t.test(player, { skip: noBrowser }, async () => {
      const seen = await viewers[player].until('the break, and what is in the media', 40000, (s) => s.events.some((e) => e.source === 'timeline' && e.scheme === 'urn:scte:scte35:2014:xml+bin')
        && schemes.every((scheme) => s.events.some((e) => e.source === how && e.scheme === scheme)));
      const begins = seen.events.find((e) => e.source === 'timeline' && e.scheme === 'urn:scte:scte35:2014:xml+bin');
      assert.equal(Math.round(begins.duration), 6);
      const inMedia = seen.events.find((e) => e.source === how && e.scheme === schemes[0]);
      assert.ok(Math.abs(inMedia.time - begins.time) < 0.001, `the break is at ${begins.time} s in the MPD, at ${inMedia.time} s in the media`);
      if (player === 'shaka') assert.ok(seen.events.some((e) => e.source === 'metadata' && e.scheme === 'org.id3' && e.id === 'TXXX'), JSON.stringify(seen.events));
      assertIncreasing(seen.frames, player);
    });
  }
});

test('what cannot be is refused, and says why', async (t) => {
  const daemon = await publishing(t, 'refused');
  const cases = [
    ['nobody', { type: 'out', id: 1 }, 404, /no stream/],
    ['refused', { type: 'in', id: 1 }, 409, /expected a break of that id/],
    ['refused', { type: 'out' }, 400, /^body: \/id: got none/],
    ['refused', { type: 'out', id: 1, duration: 0 }, 400, /./],
    ['refused', { type: 'out', id: 1, duration: 86401 }, 400, /./],
    ['refused', { type: 'out', id: 4294967296 }, 400, /./],
    ['refused', { type: 'sideways', id: 1 }, 400, /./],
    ['refused', { type: 'out', id: 1, at: 'soon enough for all of us' }, 400, /^body: \/at: got 'soon enough for all of us', expected a date and time/],
    ['refused', { type: 'metadata' }, 400, /'id3' or 'value'/],
    ['refused', { type: 'metadata', id3: Buffer.from('no tag at all, but text').toString('base64') }, 400, /ID3v2/],
    ['refused', { type: 'out', id: 1, value: 'x' }, 400, /with metadata/],
    ['refused', { type: 'out', id: 1, more: 1 }, 400, /./],
  ];
  for (const [name, body, status, detail] of cases) {
    const answer = await cue(daemon, name, body);
    assert.equal(answer.status, status, JSON.stringify([body, answer.body]));
    assert.match(answer.body.detail, detail);
  }
  assert.equal((await cue(daemon, 'refused', { type: 'out', id: 1 })).status, 200);
  assert.equal((await cue(daemon, 'refused', { type: 'out', id: 1 })).status, 409);
  await daemon.api('POST', '/api/v1/streams/refused/stop');
  await eventually('ENDLIST', 20000, async () => /ENDLIST/.test(await text(daemon.stream('refused', 'v360/playlist.m3u8'))));
  assert.equal((await cue(daemon, 'refused', { type: 'in', id: 1 })).status, 409);
});

test('kill -9 of the packager in a break: the break is what it was, and the command line ends it', async (t) => {
  const daemon = await publishing(t, 'survivor');
  assert.equal((await cue(daemon, 'survivor', { type: 'out', id: 9, duration: 600 })).status, 200);
  await eventually('the break', 20000, async () => (await ranges(daemon, 'survivor')).length === 1);
  const [line] = await ranges(daemon, 'survivor');
  const worker = (await daemon.workers()).find((w) => w.kind === 'shared');
  process.kill(worker.pid, 'SIGKILL');
  await daemon.replaced(worker, 'survivor');
  const publisher = Publisher.ffmpeg(source, daemon.rtmp('survivor'));
  t.after(() => publisher.kill());
  await daemon.live('survivor');
  await eventually('a segment of the successor', 30000, async () => /#EXT-X-DISCONTINUITY\n/.test(await text(daemon.stream('survivor', 'v360/playlist.m3u8'))));
  assert.deepEqual(await ranges(daemon, 'survivor'), [line]);
  const key = { MILLRACE_KEY: daemon.key, MILLRACE_SERVER: `http://${daemon.addresses.api}` };
  execFileSync(tool('cli/millrace'), ['cue', 'in', 'survivor', '--id', '9'], { env: { ...process.env, ...key } });
  await eventually('its end', 30000, async () => (await ranges(daemon, 'survivor')).length === 2);
  assert.equal((await ranges(daemon, 'survivor'))[0], line);
  execFileSync('node', [CHECK, daemon.stream('survivor')], { stdio: 'pipe' });
  publisher.kill();
});

test('a low-latency playlist has the break too, and so has a delta of it', async (t) => {
  const daemon = await Daemon.start({ apps: { live: { pipeline: 'live-passthrough', auth: 'none', params: { 'part-duration-ms': 500 } } } });
  t.after(() => daemon.stop());
  const publisher = Publisher.ffmpeg(source, daemon.rtmp('low'));
  t.after(() => publisher.kill());
  await eventually('parts', 20000, async () => /#EXT-X-PART:/.test(await text(daemon.stream('low', 'v360/playlist.m3u8'))));
  assert.equal((await cue(daemon, 'low', { type: 'out', id: 3, duration: 600 })).status, 200);
  await eventually('the break', 20000, async () => (await ranges(daemon, 'low')).length === 1);
  const [line] = await ranges(daemon, 'low');
  const [, start] = line.match(/START-DATE="([^"]+)"/);
  const playlist = await eventually('the segment that the break begins with', 10000, async () => {
    const now = await text(daemon.stream('low', 'v360/playlist.m3u8'));
    return now.includes(`#EXT-X-PROGRAM-DATE-TIME:${start}`) && now;
  });
  // Nothing from before the break is in it: its parts begin anew.
  const after = playlist.slice(playlist.indexOf(`#EXT-X-PROGRAM-DATE-TIME:${start}`));
  assert.match(after, /^[^\n]+\n(#EXT-X-[^\n]+\n)*?#EXT-X-(PART|PRELOAD-HINT):[^\n]*\.0\.m4s"/);
  await eventually('segments to leave out', 30000, async () => /#EXT-X-SKIP:/.test(await text(daemon.stream('low', 'v360/playlist.m3u8?_HLS_skip=YES'))));
  const delta = await text(daemon.stream('low', 'v360/playlist.m3u8?_HLS_skip=YES'));
  assert.ok(delta.includes(`${line}\n`), delta);
  assert.equal((await cue(daemon, 'low', { type: 'in', id: 3 })).status, 200);
  await eventually('its end', 20000, async () => (await ranges(daemon, 'low')).length === 2);
  execFileSync('node', [CHECK, daemon.stream('low')], { stdio: 'pipe' });
});

test('cue points of an RTMP encoder are breaks', async (t) => {
  const daemon = await Daemon.start();
  t.after(() => daemon.stop());
  const flv = path.join(daemon.dir, 'movie.flv');
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', source, '-t', '20', '-c', 'copy', flv]);
  const data = (time, name, object) => ({ type: 18, time, body: Buffer.concat([amf(name), amf(object)]) });
  // The samples of SCTE 35 clause 14: a splice_insert of 60 s, and the start and end of a placement opportunity.
  const INSERT = '/DAvAAAAAAAA///wFAVIAACPf+/+c2nALv4AUsz1AAAAAAAKAAhDVUVJAAABNWLbowo=';
  const START = '/DA0AAAAAAAA///wBQb+cr0AUAAeAhxDVUVJSAAAjn/PAAGlmbAICAAAAAAsoKGKNAIAmsnRfg==';
  const END = '/DAvAAAAAAAA///wBQb+dGKQoAAZAhdDVUVJSAAAjn+fCAgAAAAALKChijUCAKnMZ1g=';
  const tags = [...flvTags(flv),
    data(5000, 'onAdCue', { type: 'SCTE-35', id: '1', duration: 60.293, elapsed: 0, time: 5, cue: INSERT }),
    data(7000, 'onCuePoint', { name: 'scte35', time: 7, type: 'event', parameters: { scte35: START } }),
    data(11000, 'onCuePoint', { name: 'scte35', time: 11, type: 'event', parameters: { scte35: END } }),
    data(12000, 'onCuePoint', { type: 'com.example.cuepoint', version: '0.1' }),
  ].sort((a, b) => a.time - b.time);
  const client = await RtmpClient.connect(Number(daemon.addresses.rtmp.split(':')[1]));
  t.after(() => client.close());
  assert.equal(await client.publish('encoder'), 'Start');
  const played = client.play(tags);
  await eventually('three ranges', 40000, async () => (await ranges(daemon, 'encoder').catch(() => [])).length === 3);
  const lines = await ranges(daemon, 'encoder');
  assert.match(lines[0], new RegExp(`ID="scte35-${0x4800008f}-\\d+",.*PLANNED-DURATION=60\\.293,SCTE35-OUT=0xFC302F`));
  assert.match(lines[1], new RegExp(`ID="scte35-${0x4800008e}-\\d+",.*PLANNED-DURATION=307\\.000,SCTE35-OUT=0xFC3034`));
  assert.match(lines[2], new RegExp(`ID="scte35-${0x4800008e}-\\d+",.*DURATION=4\\.\\d{3},SCTE35-IN=0xFC302F`));
  execFileSync('node', [CHECK, daemon.stream('encoder')], { stdio: 'pipe' });
  await played;
});
