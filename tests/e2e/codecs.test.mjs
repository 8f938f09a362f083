// SPDX-License-Identifier: MIT
// Movies in every codec become VOD: what comes out is what went in, and players
// find in the manifests what they need to know before they decode.
// weight: 3
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { CACHE, tool } from './lib/daemon.mjs';
import { codedMovie, packetHashes, packetTimes, pictureHash, streams } from './lib/movie.mjs';
import { assertIncreasing, mediaPlaylist, multivariant } from './lib/playlist.mjs';
import { serveDirectory } from './lib/static-server.mjs';

const run = promisify(execFile);
const SECONDS = 6;
const FPS = 30;
let browser; let server; let base; let dir;

before(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-codecs-'));
  server = await serveDirectory(dir);
  base = server.base;
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  server.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

const GOP = ['-g', String(2 * FPS)];
const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', ...GOP];
const x265 = (params, ...more) => ['-c:v', 'libx265', '-preset', 'ultrafast', '-tag:v', 'hvc1', '-x265-params', `log-level=none:keyint=${2 * FPS}:min-keyint=${2 * FPS}:${params}`, ...more];
const PQ = 'colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400';

/** hvc1 of Main and Main 10 as x265 writes it; the level is ffprobe's. */
const hevc = (profile, compatibility) => (stream) => `hvc1.${profile}.${compatibility}.L${stream.level}.90`;

const sources = {
  'HEVC and AC-3 5.1': {
    file: 'hevc-ac3.mp4', video: x265('open-gop=0'), audio: ['-c:a', 'ac3', '-ac', '6'],
    codecs: [hevc(1, 6), 'ac-3'], channels: '6', dash: /tag:dolby\.com,2014:dash:audio_channel_configuration:2011" value="F801"/, players: [],
  },
  'HEVC HDR10 in open GOPs and E-AC-3': {
    file: 'hevc-eac3.mp4', video: x265(`open-gop=1:bframes=3:${PQ}`, '-pix_fmt', 'yuv420p10le'), audio: ['-c:a', 'eac3', '-ac', '2'],
    codecs: [hevc(2, 4), 'ec-3'], channels: '2', range: 'PQ', open: true, players: [],
    dash: /EssentialProperty schemeIdUri="urn:mpeg:mpegB:cicp:TransferCharacteristics" value="16"/,
  },
  'HEVC HLG': {
    file: 'hevc-hlg.mp4', video: x265('open-gop=0:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc', '-pix_fmt', 'yuv420p10le'),
    codecs: [hevc(2, 4)], range: 'HLG', dash: /cicp:TransferCharacteristics" value="18"/, players: [],
  },
  'AV1 and Opus': {
    file: 'av1-opus.mp4', video: ['-c:v', 'libsvtav1', '-preset', '12', ...GOP], audio: ['-c:a', 'libopus'],
    codecs: [() => 'av01.0.01M.08', 'Opus'], channels: '1', players: ['hls', 'shaka', 'dash'],
  },
  'VP9 and FLAC': {
    file: 'vp9-flac.mp4', video: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-row-mt', '1', ...GOP], audio: ['-c:a', 'flac', '-strict', '-2', '-ac', '2'],
    codecs: [() => 'vp09.00.21.08.01.02.02.02.00', 'fLaC'], channels: '2', players: ['hls', 'shaka', 'dash'],
  },
  'H.264 and MP3': {
    file: 'h264-mp3.mp4', video: x264, audio: ['-c:a', 'libmp3lame'],
    // Chromium has no MP3 in its Media Source Extensions.
    codecs: [() => /^avc1\.42C0[0-9A-F]{2}$/, 'mp4a.6B'], channels: '1', players: [],
  },
  'H.264 and AAC 5.1': {
    file: 'h264-aac6.mp4', video: x264, audio: ['-c:a', 'aac', '-ac', '6'],
    codecs: [() => /^avc1\./, 'mp4a.40.2'], channels: '6', dash: /23003:3:audio_channel_configuration:2011" value="6"/, players: [],
  },
};

/** Packages a movie; returns the URL of its directory and that directory. */
async function packaged(source) {
  const output = path.join(dir, path.basename(source).replace(/\W/g, '-'));
  await run(tool('cli/millrace'), ['run', 'vod-package', '--set', `input=${source}`, '--set', `output=${output}`, '--quiet']);
  return { output, url: `${base}/${path.basename(output)}` };
}

/** A rendition in one file. */
async function joined(url, name) {
  const playlist = await mediaPlaylist(url);
  const file = path.join(dir, `${name}.mp4`);
  const parts = await Promise.all([playlist.segments[0].map, ...playlist.segments.map((s) => s.url)].map(async (u) => Buffer.from(await (await fetch(u)).arrayBuffer())));
  fs.writeFileSync(file, Buffer.concat(parts));
  return { file, playlist };
}

function assertTimes(mine, theirs, what) {
  assert.equal(mine.length, theirs.length, what);
  // Microseconds; 90 kHz rounds by at most 11.
  mine.forEach((time, i) => assert.ok(Math.abs(time - theirs[i]) <= 12, `${what} ${i}: ${time} µs, source ${theirs[i]} µs`));
}

for (const [name, expected] of Object.entries(sources)) {
  test(`vod-package: ${name}`, { concurrency: 3 }, async (t) => {
    const source = await codedMovie(CACHE, expected.file, { seconds: SECONDS, fps: FPS, ...expected });
    const { url, output } = await packaged(source);
    const probed = (await streams(source)).find((s) => s.codec_type === 'video');
    const { variants, media } = await multivariant(`${url}/master.m3u8`);
    const mpd = await (await fetch(`${url}/manifest.mpd`)).text();
    const [videoName, audioName] = variants[0].CODECS.split(',');

    await t.test('manifests name codecs, colours and channels', () => {
      const wanted = expected.codecs[0](probed);
      if (wanted instanceof RegExp) assert.match(videoName, wanted);
      else assert.equal(videoName, wanted);
      assert.equal(audioName, expected.codecs[1]);
      assert.equal(variants[0]['VIDEO-RANGE'], expected.range);
      assert.equal(variants[0].RESOLUTION, '640x360');
      assert.equal(media[0]?.CHANNELS, expected.channels);
      assert.ok(mpd.includes(`codecs="${videoName}"`) && (!audioName || mpd.includes(`codecs="${audioName}"`)), mpd);
      if (expected.dash) assert.match(mpd, expected.dash);
      // What follows an open GOP's keyframe may need what was before it.
      assert.equal(/startWithSAP/.test(mpd.match(/<AdaptationSet[^>]*video[^>]*>/)[0]), !expected.open);
    });

    if (expected.range === 'PQ') await t.test('the header has the mastering display that is in the stream only', async () => {
      const [{ side_data_list: found }] = await streams(path.join(output, 'v360', 'init-1.mp4'));
      assert.equal(found.find((s) => /Mastering/.test(s.side_data_type))?.max_luminance, '10000000/10000');
      assert.equal(found.find((s) => /light level/.test(s.side_data_type))?.max_content, 1000);
    });

    await t.test('pictures and their times equal the source', async () => {
      const theirs = await pictureHash(source);
      for (const file of ['master.m3u8', 'manifest.mpd']) assert.equal(await pictureHash(`${url}/${file}`), theirs, file);
      const { file, playlist } = await joined(variants[0].url, `${expected.file}-v`);
      assertTimes(await packetTimes(file), await packetTimes(source), 'picture');
      assert.ok(playlist.segments.length >= 3, `${playlist.segments.length} segments: keyframes every 2 s`);
      const sum = playlist.segments.reduce((total, s) => total + s.duration, 0);
      assert.ok(Math.abs(sum - SECONDS) < 0.05, `EXTINF adds up to ${sum} s`);
    });

    if (expected.audio) await t.test('sound equals the source', async () => {
      const { file } = await joined(media[0].url, `${expected.file}-a`);
      const [mine, theirs] = [await packetHashes(file, 'a:0'), await packetHashes(source, 'a:0')];
      // GStreamer's MP4 demuxer leaves out a frame of priming, and one at the end of an edit list.
      const first = theirs.indexOf(mine[0]);
      assert.ok(first >= 0 && first <= 1, `begins with frame ${first} of the source`);
      assert.ok(theirs.length - first - mine.length <= 1, `${mine.length} of ${theirs.length} frames`);
      assert.deepEqual(mine, theirs.slice(first, first + mine.length));
      const [times, sourceTimes] = [await packetTimes(file, 'a:0'), await packetTimes(source, 'a:0')];
      times.forEach((time, i) => assert.ok(Math.abs(time - sourceTimes[first + i]) <= 25, `frame ${i}: ${time} µs, source ${sourceTimes[first + i]} µs`));
    });

    await Promise.all(expected.players.map((player) => t.test(`${player} plays it to its last frame`, { skip: noBrowser }, async () => {
      const viewer = await browser.open(player, `${url}/${player === 'hls' ? 'master.m3u8' : 'manifest.mpd'}`);
      const seen = await viewer.until('the end', (SECONDS + 20) * 1000, (s) => s.ended);
      assertIncreasing(seen.frames, player);
      assert.equal(seen.unread, 0);
      assert.equal(seen.frames.at(-1)[0], SECONDS * FPS - 1, 'the last picture');
      await viewer.close();
    })));
  });
}

test('two codecs of picture and of sound: sets of their own, and variants that ask for one decoder each', async () => {
  const source = await codedMovie(CACHE, 'two-codecs.mp4', {
    seconds: SECONDS, fps: FPS,
    video: ['-map', '0:v', '-map', '0:v', '-map', '1:a', '-map', '1:a', '-c:v:0', 'libx264', '-preset', 'ultrafast', ...GOP, '-bf', '0', '-c:v:1', 'libx265', '-tag:v:1', 'hvc1',
      '-x265-params', `log-level=none:keyint=${2 * FPS}:min-keyint=${2 * FPS}:open-gop=0:bframes=0:scenecut=0`, '-sc_threshold', '0'],
    audio: ['-c:a:0', 'aac', '-c:a:1', 'ac3'],
  });
  const { url } = await packaged(source);
  const { variants, media } = await multivariant(`${url}/master.m3u8`);
  assert.deepEqual(variants.map((v) => v.CODECS.replace(/\.[^,]*/g, '')).sort(), ['avc1,ac-3', 'avc1,mp4a', 'hvc1,ac-3', 'hvc1,mp4a']);
  const groups = Object.fromEntries(media.map((m) => [m['GROUP-ID'], m.DEFAULT]));
  assert.deepEqual(groups, { audio: 'YES', 'audio-ac-3': 'YES' });
  for (const variant of variants) assert.equal(variant.AUDIO, variant.CODECS.includes('ac-3') ? 'audio-ac-3' : 'audio');
  const mpd = await (await fetch(`${url}/manifest.mpd`)).text();
  const sets = mpd.split('<AdaptationSet').slice(1);
  assert.equal(sets.length, 4, mpd);
  for (const set of sets) {
    assert.equal(new Set([...set.matchAll(/codecs="(....)/g)].map(([, codec]) => codec)).size, 1, set);
    assert.match(set, /Role schemeIdUri="[^"]*" value="main"/);
  }
});

// A quarter turn in the matrix of the first track's tkhd (version 0, ISO/IEC
// 14496-12, 8.3.2): no option of ffmpeg's says it in all versions from 5 to 6.
function turned(movie) {
  const matrix = [0, -0x10000, 0, 0x10000, 0, 0, 0, 0, 0x40000000];
  const header = movie.indexOf('tkhd') + 4;
  assert.equal(movie[header], 0, 'the version of tkhd');
  matrix.forEach((value, i) => movie.writeInt32BE(value, header + 40 + 4 * i));
  return movie;
}

test('a picture that lies on its side, with pixels that are not square, is said to be', async () => {
  const upright = await codedMovie(CACHE, 'anamorphic.mp4', { seconds: 3, fps: FPS, video: [...x264, '-vf', 'setsar=4/3'] });
  const source = path.join(dir, 'turned.mp4');
  fs.writeFileSync(source, turned(fs.readFileSync(upright)));
  const { url, output } = await packaged(source);
  const { variants } = await multivariant(`${url}/master.m3u8`);
  assert.equal(variants[0].RESOLUTION, '360x640');
  const mpd = await (await fetch(`${url}/manifest.mpd`)).text();
  assert.match(mpd, /width="360" height="640" frameRate="30" sar="3:4"/);
  const [theirs] = await streams(source);
  const [mine] = await streams(path.join(output, 'v360', 'init-1.mp4'));
  assert.equal(mine.sample_aspect_ratio, '4:3');
  const rotation = (stream) => stream.side_data_list?.find((s) => 'rotation' in s)?.rotation;
  assert.ok(rotation(theirs), 'the source is turned');
  assert.equal(rotation(mine), rotation(theirs));
});
