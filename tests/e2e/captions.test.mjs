// SPDX-License-Identifier: MIT
// Captions inside of the video (CEA-608): players offer them, they come with
// their pictures, and they can be turned to subtitles.
// weight: 3
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { noBrowser, startBrowser } from '../browser/watch.mjs';
import { captioned } from './lib/captions.mjs';
import { assertInTime, plain } from './lib/cues.mjs';
import { BUILD, CACHE, eventually, tool } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';
import { serveDirectory } from './lib/static-server.mjs';
import { Presentation } from '../tools/check/hls-presentation.mjs';
import { Report } from '../tools/check/report.mjs';
import { locate } from '../tools/check/source.mjs';

const run = promisify(execFile);
const SECONDS = 12; const FPS = 30;
const CAPTIONS = [[30, 75], [150, 210], [300, 340]];
const words = (from) => new RegExp(`^FRAME ${from}$`);

let browser; let server; let base; let dir; let input;

before(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-captions-'));
  input = await captioned(await movie(CACHE, { seconds: SECONDS, bframes: 0 }), FPS, CAPTIONS.map(([from, to]) => ({ from, to, text: `FRAME ${from}` })));
  server = await serveDirectory(dir);
  base = server.base;
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  server?.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

async function assertRules(output) {
  const report = new Report(); const presentation = new Presentation(locate(output, 'master.m3u8'), report);
  await presentation.load();
  assert.deepEqual(report.lines, []);
}

test('what goes through is told, and shown with its pictures', { concurrency: 3 }, async (t) => {
  const output = path.join(dir, 'film');
  await run(tool('cli/millrace'), ['run', 'vod-package', '--set', `input=${input}`, '--set', `output=${output}`, '--quiet']);
  await assertRules(output);
  assert.match(fs.readFileSync(path.join(output, 'master.m3u8'), 'utf8'), /TYPE=CLOSED-CAPTIONS,.*INSTREAM-ID="CC1"\n[^]*CLOSED-CAPTIONS="cc"/);
  assert.match(fs.readFileSync(path.join(output, 'manifest.mpd'), 'utf8'), /<Accessibility schemeIdUri="urn:scte:dash:cc:cea-608:2015"/);
  const shown = [['hls', 'master.m3u8'], ['shaka', 'master.m3u8'], ['shaka', 'manifest.mpd'], ['videojs', 'master.m3u8'], ['dash', 'manifest.mpd']];
  await Promise.all(shown.map(([player, file]) => t.test(`${player}: ${file}`, { skip: noBrowser }, async () => {
    const viewer = await browser.open(player, `${base}/film/${file}`);
    await viewer.until('a picture', 20000, (s) => s.frames.length > 0);
    // The others show what there is.
    if (player === 'videojs') await eventually('the menu of captions', 10000, async () => (await viewer.text()).length === 1);
    if (player === 'shaka' || player === 'videojs') await viewer.showText(0);
    const seen = await viewer.until('the end', (SECONDS + 20) * 1000, (s) => s.ended);
    const cues = (await viewer.cues()).filter((cue) => words(String.raw`\d+`).test(plain(cue.text)));
    assertInTime(cues, seen.frames, CAPTIONS, words, FPS);
    await viewer.close();
  })));
});

test('cctotext makes subtitles of them', async () => {
  const output = path.join(dir, 'subtitles');
  const env = { ...process.env, GST_PLUGIN_PATH_1_0: path.join(BUILD, 'gst-plugins'), GST_REGISTRY_1_0: path.join(dir, 'registry.bin') };
  const line = `-q filesrc location=${input} ! qtdemux name=d d.video_0 ! tee name=t t. ! queue ! cmafsink name=c location=${output} mode=vod text_0::language=en t. ! queue ! h264parse ! ccextractor name=x ! fakesink x. ! cctotext ! c.text_0`;
  await run('gst-launch-1.0', line.split(' '), { env, timeout: 60000 });
  await assertRules(output);
  // Over HTTP: of files, FFmpeg 6.1 opens no segment that is named .vtt ("not a common multimedia extension").
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'packet=pts_time,duration_time', '-of', 'csv=p=0', `${base}/subtitles/en/playlist.m3u8`]);
  const got = [...new Set(stdout.trim().split('\n'))].map((text) => text.split(',').map((value) => Math.round(Number(value) * FPS)));
  assert.deepEqual(got, CAPTIONS.map(([from, to]) => [from, to - from]));
  assert.match(fs.readFileSync(path.join(output, 'en/1-0.vtt'), 'utf8'), /\nFRAME 30\n/);
});
