// SPDX-License-Identifier: MIT
// A real OBS Studio on an X server of its own, with a profile and a scene that
// play a movie; its buttons are pressed over obs-websocket.
import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { eventually, freePort } from './daemon.mjs';

/** Why OBS cannot run here; undefined when it can. */
export function obsMissing() {
  for (const [command, args] of [['obs', ['--version']], ['Xvfb', ['-help']]]) {
    if (spawnSync(command, args, { timeout: 20000 }).error) return `${command} is not installed (Debian: obs-studio, xvfb)`;
  }
  return undefined;
}

const ini = (sections) => Object.entries(sections).map(([name, values]) => `[${name}]\n${Object.entries(values).map(([k, v]) => `${k}=${v}\n`).join('')}`).join('\n');

/** What a person sets in Settings, as the files that OBS keeps it in. */
function writeSettings(directory, port, { server, key, movie }) {
  const write = (file, text) => {
    const target = path.join(directory, 'obs-studio', file);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, typeof text === 'string' ? text : JSON.stringify(text));
  };
  write('global.ini', ini({
    General: { FirstRun: true, LastVersion: (29 << 24) | 2, EnableAutoUpdates: false },
    Basic: { Profile: 'Test', ProfileDir: 'Test', SceneCollection: 'Test', SceneCollectionFile: 'Test' },
    OBSWebSocket: { FirstLoad: false, ServerEnabled: true, ServerPort: port, AuthRequired: false, AlertsEnabled: false },
  }));
  write('basic/profiles/Test/basic.ini', ini({
    General: { Name: 'Test' },
    Video: { BaseCX: 640, BaseCY: 360, OutputCX: 640, OutputCY: 360, FPSType: 0, FPSCommon: 30 },
    Audio: { SampleRate: 48000, ChannelSetup: 'Stereo' },
    Output: { Mode: 'Advanced', Reconnect: true, RetryDelay: 2, MaxRetries: 25 },
    AdvOut: { Encoder: 'obs_x264', AudioEncoder: 'ffmpeg_aac', Track1Bitrate: 128 },
  }));
  write('basic/profiles/Test/streamEncoder.json', { rate_control: 'CBR', bitrate: 800, keyint_sec: 2, preset: 'veryfast', profile: 'high', x264opts: 'scenecut=0' });
  write('basic/profiles/Test/service.json', { type: 'rtmp_custom', settings: { server, key, use_auth: false, bwtest: false } });
  const source = (id, name, settings) => ({ id, versioned_id: id, name, settings, mixers: 255, volume: 1, enabled: true });
  write('basic/scenes/Test.json', {
    name: 'Test', current_scene: 'Scene', current_program_scene: 'Scene', scene_order: [{ name: 'Scene' }],
    sources: [
      source('ffmpeg_source', 'Movie', { is_local_file: true, local_file: movie, looping: true, hw_decode: false }),
      source('scene', 'Scene', { id_counter: 1, items: [{ name: 'Movie', id: 1, visible: true, align: 5, pos: { x: 0, y: 0 }, scale: { x: 1, y: 1 } }] }),
    ],
  });
}

/** A text frame, masked as clients must (RFC 6455 section 5.2). */
function frame(text) {
  const body = Buffer.from(text);
  const mask = crypto.randomBytes(4);
  if (body.length > 125) throw new Error(`a frame of ${body.length} bytes, expected at most 125`);
  return Buffer.concat([Buffer.from([0x81, 0x80 | body.length]), mask, body.map((byte, i) => byte ^ mask[i % 4])]);
}

/** Enough of obs-websocket 5 to press buttons: requests without authentication, no events. */
class Remote {
  static async connect(port) {
    const request = http.get({ port, host: '127.0.0.1', headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': 13, 'sec-websocket-key': crypto.randomBytes(16).toString('base64') } });
    const [, socket, head] = await once(request, 'upgrade');
    const remote = new Remote();
    remote.socket = socket;
    remote.received = head;
    socket.on('error', () => {});
    socket.on('data', (data) => { remote.received = Buffer.concat([remote.received, data]); });
    await remote.message(0);
    remote.send(1, { rpcVersion: 1, eventSubscriptions: 0 });
    await remote.message(2);
    return remote;
  }

  send(op, d) { this.socket.write(frame(JSON.stringify({ op, d }))); }

  take() {
    const bytes = this.received;
    if (bytes.length < 2) return undefined;
    const short = bytes[1] & 127;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start) return undefined;
    const size = short < 126 ? short : bytes.readUIntBE(start === 4 ? 2 : 4, start === 4 ? 2 : 6);
    if (bytes.length < start + size) return undefined;
    this.received = bytes.subarray(start + size);
    return (bytes[0] & 15) === 1 ? JSON.parse(bytes.subarray(start, start + size).toString()) : this.take();
  }

  async message(op) {
    const message = await eventually(`obs-websocket op ${op}`, 10000, () => this.take());
    if (message.op !== op) throw new Error(`obs-websocket: got op ${message.op}, expected ${op}`);
    return message.d;
  }

  /** Resolves with the response's data. */
  async call(requestType) {
    this.send(6, { requestType, requestId: requestType });
    const { requestStatus, responseData } = await this.message(7);
    if (!requestStatus.result) throw new Error(`${requestType}: ${requestStatus.code} ${requestStatus.comment}`);
    return responseData;
  }
}

export class Obs {
  /** settings: { server, key, movie }: the first two as Settings has them. */
  static async start(directory, settings) {
    const obs = new Obs();
    obs.directory = directory;
    try {
      await obs.launch(settings);
    } catch (error) {
      await obs.stop();
      throw new Error(`${error.message}\n${obs.log().slice(-4000)}`);
    }
    return obs;
  }

  async launch(settings) {
    const port = await freePort();
    writeSettings(this.directory, port, settings);
    this.logFile = path.join(this.directory, `obs-${port}.log`);
    const log = fs.openSync(this.logFile, 'a');
    this.screen = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', log, 'pipe'] });
    const [number] = await Promise.race([once(this.screen.stdio[3], 'data'), once(this.screen, 'exit').then(([code]) => { throw new Error(`Xvfb ended with ${code}`); })]);
    const env = {
      ...process.env, DISPLAY: `:${String(number).trim()}`, HOME: this.directory, XDG_CONFIG_HOME: this.directory, XDG_RUNTIME_DIR: this.directory,
      https_proxy: 'http://127.0.0.1:9', // it asks for a newer list of services
      LIBGL_ALWAYS_SOFTWARE: '1', QT_QPA_PLATFORM: 'xcb', DBUS_SESSION_BUS_ADDRESS: 'disabled:', LC_ALL: 'C.UTF-8',
    };
    this.process = spawn('obs', ['--multi', '--minimize-to-tray', '--disable-missing-files-check'], { env, stdio: ['ignore', log, log] });
    fs.closeSync(log);
    this.remote = await eventually('obs-websocket', 60000, () => {
      if (this.process.exitCode !== null) throw new Error(`OBS ended with ${this.process.exitCode}`);
      return Remote.connect(port).catch(() => undefined);
    });
  }

  log() { return fs.existsSync(this.logFile ?? '') ? fs.readFileSync(this.logFile, 'utf8') : ''; }

  call(requestType) { return this.remote.call(requestType); }

  /** Start Streaming, until OBS says that it does. */
  async stream() {
    await this.call('StartStream');
    await eventually('OBS streams', 10000, async () => (await this.call('GetStreamStatus')).outputActive);
  }

  async endStream() {
    await this.call('StopStream');
    await eventually('OBS does not stream', 10000, async () => !(await this.call('GetStreamStatus')).outputActive);
  }

  /** Ends OBS as a crash would, and its screen. */
  async stop() {
    this.remote?.socket.destroy();
    for (const child of [this.process, this.screen]) {
      if (!child || child.exitCode !== null || child.signalCode !== null) continue;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    }
  }
}
