// SPDX-License-Identifier: MIT
// Every way of packaging is looked at by both checkers, from outside, as a viewer gets
// it; what lasts while it grows, with the players that no other test shows it to.
// weight: 2
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { Presentation as Dash } from '../tools/check/dash-presentation.mjs';
import { Presentation as Hls } from '../tools/check/hls-presentation.mjs';
import { Report } from '../tools/check/report.mjs';
import { captioned } from './lib/captions.mjs';
import { CACHE, Daemon, Publisher, eventually, startOrigin, tool } from './lib/daemon.mjs';
import { frameNumbers, movie } from './lib/movie.mjs';
import { assertConsecutive, assertIncreasing } from './lib/playlist.mjs';

const run = promisify(execFile);
const SECONDS = 8; const FPS = 30;
const SRT = '1\n00:00:01,000 --> 00:00:02,000\nfirst\n\n2\n00:00:05,000 --> 00:00:06,500\nsecond\n';
const TTML = '<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="de"><body><div><p begin="00:00:01.000" end="00:00:02.000">erstens</p></div></body></tt>';

let dir; let film; let origin; let browser;
before(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-modes-'));
  film = await movie(CACHE, { seconds: SECONDS });
  fs.writeFileSync(path.join(dir, 'en.srt'), SRT);
  fs.writeFileSync(path.join(dir, 'de.ttml'), TTML);
  await run('ffmpeg', ['-v', 'error', '-i', film, '-vn', '-c', 'copy', path.join(dir, 'sound.m4a')]);
  origin = await startOrigin(dir);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await origin?.stop();
  fs.rmSync(dir, { recursive: true, force: true });
});

const PLACES = '<(structure)"p,id=(string)a;",(structure)"p,id=(string)b,uri=(string)https://b.example/film/;">';
/** Properties of the packager; what else there is to package; how many renditions the playlists list. */
const FINITE = {
  vod: { renditions: 2 },
  'vod in one file': { props: { 'single-file': true }, renditions: 2 },
  'vod to jump through': { props: { 'trick-mode-sets': true }, renditions: 2 },
  'event that has ended': { props: { mode: 'event' }, renditions: 2 },
  'sound alone': { source: 'sound.m4a', renditions: 1 },
  'sound as a variant': { props: { 'audio-variant': true }, renditions: 2 },
  'subtitles of two kinds': { texts: { 'en.srt': 'subparse', 'de.ttml': 'capsfilter' }, renditions: 4 },
  'captions inside': { captions: true, renditions: 2 },
  'several places': { props: { pathways: PLACES }, renditions: 2 },
};

async function pack(mode, { props, source, texts, captions }) {
  const name = mode.replaceAll(' ', '-');
  let input = source ? path.join(dir, source) : film;
  if (captions) input = await captioned(await movie(CACHE, { seconds: SECONDS, bframes: 0 }), FPS, [{ from: 30, to: 75, text: 'FRAME 30' }]);
  const nodes = {
    file: { element: 'filesrc', props: { location: input } },
    demux: { element: 'qtdemux', from: ['file'] },
    package: { element: 'cmafsink', from: ['demux'], props: { location: path.join(dir, name), mode: 'vod', ...props } },
  };
  for (const [file, parser] of Object.entries(texts ?? {})) {
    const language = file.slice(0, 2);
    nodes[`${language}-file`] = { element: 'filesrc', props: { location: path.join(dir, file) } };
    nodes[language] = { element: parser, from: [`${language}-file`], ...(parser === 'capsfilter' ? { props: { caps: 'application/ttml+xml' } } : {}) };
    nodes.package.from.push({ node: language, as: `text_${nodes.package.from.length - 1}`, props: { language } });
  }
  fs.writeFileSync(path.join(dir, `${name}.yaml`), JSON.stringify({ millrace: 1, name, nodes }));
  await run(tool('cli/millrace'), ['run', path.join(dir, `${name}.yaml`), '--quiet'], { timeout: 60000 });
  return `${origin.base}/${name}`;
}

for (const [mode, how] of Object.entries(FINITE)) {
  test(`${mode}: no rule of HLS and DASH is broken`, async () => {
    const base = await pack(mode, how);
    const report = new Report();
    const hls = new Hls(new URL(`${base}/master.m3u8`), report); const dash = new Dash(new URL(`${base}/manifest.mpd`), report);
    await hls.load();
    await dash.load();
    assert.deepEqual([...new Set(report.lines)], []);
    assert.equal(hls.renditions.size, how.renditions);
    assert.ok(hls.ended && dash.ended);
    assert.ok(dash.mpd.representations.length >= how.renditions, `${dash.mpd.representations.length} Representations`);
  });
}

/* A publisher, and a packager of that mode, in the daemon; who is not seen with it elsewhere. */
const LASTING = {
  event: { props: { mode: 'event' }, players: [['hls', 'master.m3u8'], ['shaka', 'manifest.mpd']] },
  DVR: { props: { 'dvr-window-ms': 600000 }, players: [] },
};

for (const [mode, { props, players }] of Object.entries(LASTING)) {
  test(`${mode}: while it grows`, { concurrency: 4 }, async (t) => {
    const daemon = await Daemon.start({ apps: { live: { pipeline: 'lasting', auth: 'none' } } });
    t.after(() => daemon.stop());
    const nodes = { in: { element: 'rtmpserversrc' }, package: { element: 'cmafsink', from: ['in'], props: { location: '${output}', 'segment-duration-ms': 1000, ...props } } };
    const text = JSON.stringify({ millrace: 1, name: 'lasting', params: { output: { type: 'string', required: true } }, nodes });
    const put = await daemon.api('PUT', '/api/v1/pipelines/lasting', { text });
    assert.ok(put.status < 300, JSON.stringify(put.body));
    const publisher = Publisher.ffmpeg(await movie(CACHE, { seconds: 90, gop: 1, bframes: 0, width: 320, height: 180, bitrate: 250 }), daemon.rtmp('on'));
    t.after(() => publisher.kill());
    await eventually('three segments', 30000, async () => ((await (await fetch(daemon.stream('on', 'v180/playlist.m3u8'))).text()).match(/#EXTINF/g) ?? []).length >= 3);
    const report = new Report(); let over = false;
    const hls = new Hls(new URL(daemon.stream('on')), report); const dash = new Dash(new URL(daemon.stream('on', 'manifest.mpd')), report);
    const following = [hls, dash].map((one) => one.load().then(() => one.follow(() => over, { pauses: true })));
    await Promise.all([
      t.test('FFmpeg, from its start', async () => {
        const numbers = await frameNumbers(daemon.stream('on'), ['-live_start_index', '0', '-t', '4']);
        assertConsecutive(numbers, mode);
        assert.equal(numbers[0], 0);
      }),
      ...players.map(([player, file]) => t.test(`${player}: ${file}, rewound to its start`, { skip: noBrowser }, async () => {
        const viewer = await browser.open(player, daemon.stream('on', file));
        await viewer.until('a picture that is not of the start', 60000, (s) => s.frames.some(([n]) => n > 2 * FPS));
        await viewer.seek((await viewer.range()).start + 0.1);
        const seen = await viewer.until('pictures from the start', 60000, (s) => s.frames.length > FPS);
        assert.ok(seen.frames[0][0] < 2 * FPS, `the first picture was number ${seen.frames[0][0]}`);
        assertIncreasing(seen.frames, player);
        assert.deepEqual(seen.errors.filter((e) => e.fatal), []);
        await viewer.close();
      })),
    ]);
    await daemon.api('POST', '/api/v1/streams/on/stop');
    await eventually('both end', 30000, () => hls.ended && dash.ended);
    over = true;
    await Promise.all(following);
    assert.deepEqual([...new Set(report.lines)], []);
    if (mode === 'event') assert.match((await (await fetch(daemon.stream('on', 'v180/playlist.m3u8'))).text()), /#EXT-X-PLAYLIST-TYPE:EVENT\n[^]*\n1-0\.m4s\n/);
  });
}
