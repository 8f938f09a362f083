// SPDX-License-Identifier: MIT
// A real millraced with directories of its own, and the publishers and requests
// that tests aim at it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { REAL_TIME } from './versions.mjs';

export const BUILD = path.resolve(process.env.MILL_BUILD_ROOT ?? new URL('../../../build', import.meta.url).pathname);
export const CACHE = path.join(BUILD, 'tests', 'movies');
export const tool = (name) => path.join(BUILD, name);
/** The environment of gst-launch-1.0, in which the elements of the build are found. */
export const LAUNCH = { ...process.env, GST_PLUGIN_PATH_1_0: path.join(BUILD, 'gst-plugins') };

const DEFAULT_CONFIG = {
  apps: { live: { pipeline: 'live-passthrough', auth: 'none' } },
};

/** Resolves when the condition returns something; fails after the deadline with what it last said. */
export async function eventually(what, timeoutMs, condition) {
  const deadline = Date.now() + timeoutMs;
  let last;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
      last = value;
    } catch (error) { last = error; }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms; last: ${last?.stack ?? JSON.stringify(last)}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

/**
 * For how long the main thread of a process has wanted a processor that others had, in ms: what
 * proc(5) calls /proc/PID/schedstat, 0 where a kernel does not count it.
 */
function waitedForProcessor(pid) {
  try { return Number(fs.readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6; } catch { return 0; }
}

/** Workers and origins of an installation: their sockets lie in its runtime directory. */
function processesOf(runtimeDir) {
  return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').some((argument) => argument.startsWith(`${runtimeDir}/`));
    } catch { return false; }
  });
}

/** Kills them. What dies may write until it is dead: directories go behind this. */
export async function endProcessesOf(runtimeDir) {
  await eventually('the end of its processes', 15000, () => {
    const left = processesOf(runtimeDir);
    for (const pid of left) try { process.kill(pid, 'SIGKILL'); } catch (error) { if (error.code !== 'ESRCH') throw error; }
    return left.length === 0;
  });
}

export class Daemon {
  /** config: merged over ports 0, own directories and one open application "live". */
  static async start(config = {}, { mediaDir } = {}) {
    const daemon = new Daemon();
    daemon.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-'));
    daemon.mediaDir = mediaDir ?? path.join(daemon.dir, 'media');
    daemon.config = {
      listen: { rtmp: '127.0.0.1:0', origin: '127.0.0.1:0', api: '127.0.0.1:0' },
      state_dir: path.join(daemon.dir, 'state'), runtime_dir: path.join(daemon.dir, 'run'), media_dir: daemon.mediaDir,
      ...DEFAULT_CONFIG, ...config,
    };
    try {
      await daemon.launch();
    } catch (error) {
      await daemon.stop();
      throw error;
    }
    return daemon;
  }

  /**
   * Starts the process (again) and waits for `ready`; keeps how long it took. For what others on a
   * busy machine had the processor meanwhile is no time that it, those it asks, or we have taken.
   */
  async launch() {
    const file = path.join(this.dir, 'millraced.yaml');
    fs.writeFileSync(file, JSON.stringify(this.config)); // JSON is YAML
    const others = [process.pid, ...this.children()].map((pid) => [pid, waitedForProcessor(pid)]);
    const began = performance.now();
    this.log = fs.openSync(path.join(this.dir, 'millraced.log'), 'a');
    this.process = spawn(tool('daemon/millraced'), ['--config', file], { stdio: ['ignore', 'pipe', this.log] });
    this.exited = once(this.process, 'exit');
    this.addresses = {};
    let text = '';
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`millraced was not ready within 20 s\n${this.readLog()}`)), 20000);
      this.process.stdout.on('data', (data) => {
        text += data;
        for (const [, kind, address] of text.matchAll(/^listening (\w+) (\S+)$/gm)) this.addresses[kind] = address;
        if (/^ready$/m.test(text)) { clearTimeout(timer); resolve(); }
      });
      this.exited.then(([code]) => { clearTimeout(timer); reject(new Error(`millraced ended with ${code}\n${this.readLog()}`)); });
    });
    // They wait beside each other: the longest of it at most was waited for.
    const waited = Math.max(...[[this.process.pid, 0], ...others].map(([pid, before]) => waitedForProcessor(pid) - before), 0);
    this.readyMs = performance.now() - began - waited;
    this.key = fs.readFileSync(path.join(this.config.state_dir, 'admin.key'), 'utf8').trim();
  }

  readLog() { return fs.readFileSync(path.join(this.dir, 'millraced.log'), 'utf8').slice(-4000); }

  /** Every log file of the installation, for messages of failed tests. */
  logs() {
    const dir = path.join(this.config.state_dir, 'logs');
    const files = fs.existsSync(dir) ? fs.readdirSync(dir) : [];
    return [this.readLog(), ...files.map((f) => `--- ${f}\n${fs.readFileSync(path.join(dir, f), 'utf8').slice(-4000)}`)].join('\n');
  }

  rtmp(name, app = 'live') { return `rtmp://${this.addresses.rtmp}/${app}/${name}`; }

  origin(pathname) { return `http://${this.addresses.origin}${pathname}`; }

  stream(name, file = 'master.m3u8') { return this.origin(`/stream/${name}/${file}`); }

  /** One REST request: { status, body } with JSON parsed. */
  async api(method, pathname, body, headers = { 'x-api-key': this.key }) {
    const response = await fetch(`http://${this.addresses.api}${pathname}`, {
      method, headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    let parsed = text;
    try { parsed = JSON.parse(text); } catch { /* not JSON */ }
    return { status: response.status, headers: response.headers, body: parsed };
  }

  async streamState(name) { return (await this.api('GET', `/api/v1/streams/${name}`)).body; }

  live(name, timeoutMs = 10000) {
    return eventually(`stream ${name} live`, timeoutMs, async () => {
      const stream = await this.streamState(name);
      return stream.state === 'live' ? stream : undefined;
    });
  }

  async workers() { return (await this.api('GET', '/api/v1/workers')).body.items; }

  /**
   * Resolves when a shared worker runs in the place of one that was killed, and a stream that
   * it had waits for its publisher. Until then the stream may be said to be live still, and
   * nobody listens for who comes back.
   */
  replaced(worker, stream, timeoutMs = 20000) {
    return eventually(`${stream} waits for its publisher`, timeoutMs, async () => (await this.streamState(stream)).state === 'reconnecting'
      && (await this.workers()).some((w) => w.kind === 'shared' && w.pid !== worker.pid && w.state === 'running'));
  }

  /** SIGKILL, as a crash or the OOM killer would. */
  async kill() {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  /** Workers and origins that serve this installation, whoever started them. */
  children() { return processesOf(this.config.runtime_dir); }

  /** Ends everything that this daemon started, and removes its directories. */
  async stop() {
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 15000);
    await this.exited;
    clearTimeout(timer);
    await endProcessesOf(this.config.runtime_dir);
    fs.closeSync(this.log);
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A millrace-origin for one directory of streams: { base, stop() }. */
export async function startOrigin(mediaDir) {
  const child = spawn(tool('daemon/millrace-origin'), ['--media-dir', mediaDir, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let said = '';
  for await (const data of child.stdout) { said += data; if (/\d\n/.test(said)) break; }
  assert.match(said, /:\d+\n/, 'millrace-origin listens');
  return { base: `http://127.0.0.1:${/:(\d+)\n/.exec(said)[1]}/stream`, async stop() { child.kill(); await exited; } };
}

/**
 * A free port for a program that cannot say which one it took: of those that the system gives
 * to nobody who asks for any, so that no test beside this one gets it before that program does.
 */
export async function freePort() {
  for (;;) {
    const port = crypto.randomInt(20000, 32768);
    const server = net.createServer();
    const error = await new Promise((resolve) => { server.once('error', resolve).listen(port, '127.0.0.1', () => resolve(undefined)); });
    if (error && error.code !== 'EADDRINUSE') throw error;
    if (error) continue;
    await new Promise((resolve) => { server.close(resolve); });
    return port;
  }
}

/** A publisher process; ended() resolves to its exit code when all of stderr was read, which is kept. */
export class Publisher {
  constructor(command, args) {
    this.process = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.errors = '';
    this.process.stderr.on('data', (data) => { this.errors += data; });
    this.exit = once(this.process, 'close');
  }

  static ffmpeg(file, url, options = []) {
    return new Publisher('ffmpeg', ['-hide_banner', '-loglevel', 'warning', '-nostdin', ...REAL_TIME, ...options, '-i', file, '-c', 'copy', '-f', 'flv', url]);
  }

  async ended() { return (await this.exit)[0]; }

  async kill(signal = 'SIGKILL') {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill(signal);
    await this.exit;
  }
}
