// SPDX-License-Identifier: MIT
// Opens a URL in a real player in headless Chromium and lets a test ask what a
// viewer has seen so far.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const TYPES = { '.html': 'text/html', '.js': 'text/javascript' };
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required',
];

/** What `./bootstrap test` says where no browser can be had: the reason of a skip, or false. */
export const noBrowser = process.env.MILL_NO_BROWSER || false;

/** The first browser that starts: Ubuntu's chromium-browser without its snap is there, but does not. */
function browserPath() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const found = names.flatMap((name) => (process.env.PATH ?? '').split(':').map((dir) => path.join(dir, name)))
    .find((file) => fs.existsSync(file) && spawnSync(file, ['--version'], { stdio: 'ignore' }).status === 0);
  if (!found) throw new Error(`no browser: none of ${names.join(', ')} starts; ./bootstrap deps installs what the tests need`);
  return found;
}

/** The pages come from another origin than the media, so that CORS is exercised. */
async function servePages() {
  const roots = { page: path.join(HERE, 'page'), modules: path.join(HERE, '../node_modules') };
  const server = http.createServer((request, response) => {
    const [, area, ...rest] = new URL(request.url, 'http://x').pathname.split('/');
    const file = roots[area] && path.join(roots[area], path.normalize(`/${rest.join('/')}`));
    const data = file && fs.existsSync(file) && fs.readFileSync(file);
    if (!data) { response.writeHead(404).end(); return; }
    response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream' }).end(data);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => { server.closeAllConnections(); server.close(); } };
}

/**
 * Starts a browser. Returns { open(player, url, config), newPage(), close() }; open()
 * resolves to a viewer once the player was told to load. Undefined where noBrowser says why.
 */
export async function startBrowser() {
  if (noBrowser) return undefined;
  const executablePath = browserPath();
  const pages = await servePages();
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-browser-'));
  // A start takes the machine for itself: who is opened meanwhile waits for his turn.
  let turn = Promise.resolve();
  const context = await chromium.launchPersistentContext(profile, {
    executablePath, headless: true, args: FLAGS, viewport: { width: 1280, height: 720 },
  });
  return {
    async open(player, url, config) {
      const before = turn; let started;
      turn = new Promise((resolve) => { started = resolve; });
      await before;
      const page = await context.newPage();
      const console = [];
      page.on('console', (m) => { if (m.type() === 'error') console.push(m.text()); });
      const refused = [];
      page.on('response', (r) => { if (r.status() >= 400 && !r.url().startsWith(pages.origin)) refused.push(`${r.status()} ${r.url()}`); });
      await page.goto(`${pages.origin}/page/index.html`);
      await page.waitForFunction(() => window.watch);
      await page.evaluate(([p, u, c]) => window.watch(p, u, c), [player, url, config]);
      page.waitForFunction(() => window.hasBegun(), null, { timeout: 10000 }).then(started, started);
      return new Viewer(page, console, refused);
    },
    newPage: () => context.newPage(),
    async close() {
      await context.close();
      pages.close();
      fs.rmSync(profile, { recursive: true, force: true });
    },
  };
}

class Viewer {
  constructor(page, console, refused) { Object.assign(this, { page, console, refused }); }

  /** { frames: [[number, media time ms, wall ms, height]], unread, errors, stalls, starved: [[media time ms, ms]], jumps: [{ from, to } in s], sizes, ended, first, console, refused } so far. */
  async seen() { return { ...await this.page.evaluate(() => window.seen), console: this.console, refused: this.refused }; }

  /** Waits until the condition on seen() holds; fails with what was seen instead. */
  async until(what, timeoutMs, condition) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const seen = await this.seen();
      const fatal = seen.errors.find((e) => e.fatal);
      if (fatal) throw new Error(`${what}: the player failed: ${fatal.text}`);
      if (condition(seen)) return seen;
      if (Date.now() > deadline) {
        throw new Error(`${what}: not within ${timeoutMs} ms; ${JSON.stringify({ ...seen, frames: seen.frames.slice(-3), n: seen.frames.length })}`);
      }
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
  }

  levels() { return this.page.evaluate(() => window.player.levels()); }

  select(index) { return this.page.evaluate((i) => window.player.select(i), index); }

  /** The picture over the seek bar at a time in s: { url, x, y, width, height }. */
  thumbnail(time) { return this.page.evaluate((t) => window.player.thumbnail(t), time); }
  /** { start, end } of what can be sought, in s. */
  range() { return this.page.evaluate(() => window.range()); }

  /** { decoded: pictures, seen by the page or not, played: [[from, to] in s] } of the element. */
  played() {
    return this.page.evaluate(() => {
      const video = document.querySelector('video'); const ranges = video.played;
      return { decoded: video.getVideoPlaybackQuality().totalVideoFrames, played: Array.from(ranges, (_, i) => [ranges.start(i), ranges.end(i)]) };
    });
  }

  /** Goes there; frames seen before are forgotten. */
  seek(time) { return this.page.evaluate((t) => window.seek(t), time); }

  /** Plays at a rate by I-frames, 1: as before. */
  trick(rate) { return this.page.evaluate((r) => window.player.trick(r), rate); }

  /** What the menu of captions lists: [{ language, forced }]. */
  text() { return this.page.evaluate(() => window.player.text()); }

  showText(index) { return this.page.evaluate((i) => window.player.showText(i), index); }

  /** The captions that were fetched so far: [{ start, end, text, mode }], times in s of the element's clock. */
  cues() { return this.page.evaluate(() => window.cues()); }

  /** { latency, behind }: what the player itself says, and how long ago what is on was at the packager; in s. */
  latency() { return this.page.evaluate(() => window.player.latency()); }

  audio() { return this.page.evaluate(() => window.player.audio()); }

  selectAudio(index) { return this.page.evaluate((i) => { window.player.selectAudio(i); }, index); }

  close() { return this.page.close(); }
}
