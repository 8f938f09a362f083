// SPDX-License-Identifier: MIT
// An RTMP publisher that sends what it is told, also what no encoder should:
// any time stamp, any order, any length.
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';

const AUDIO = 8;
const VIDEO = 9;
const COMMAND = 20;
const CHUNK = 65536;

/** A value as AMF0. */
export function amf(value) {
  if (value === null) return Buffer.from([5]);
  if (typeof value === 'number') {
    const out = Buffer.alloc(9);
    out.writeDoubleBE(value, 1);
    return out;
  }
  if (typeof value === 'string') {
    const text = Buffer.from(value);
    return Buffer.concat([Buffer.from([2, text.length >> 8, text.length & 255]), text]);
  }
  const fields = Object.entries(value).map(([k, v]) => Buffer.concat([amf(k).subarray(1), amf(v)]));
  return Buffer.concat([Buffer.from([3]), ...fields, Buffer.from([0, 0, 9])]);
}

/** One message in chunks of chunkSize, each with its own full header (RTMP 1.0 5.3.1). */
export function message(type, time, body, { stream = 1, chunkSize = CHUNK, chunkStream = type === AUDIO ? 4 : type === VIDEO ? 6 : 3 } = {}) {
  const clock = time >>> 0;
  const extended = clock >= 0xffffff;
  const tail = Buffer.alloc(extended ? 4 : 0);
  if (extended) tail.writeUInt32BE(clock);
  const head = Buffer.alloc(12);
  head[0] = chunkStream;
  head.writeUIntBE(extended ? 0xffffff : clock, 1, 3);
  head.writeUIntBE(body.length, 4, 3);
  head[7] = type;
  head.writeUInt32LE(stream, 8);
  const parts = [head, tail, body.subarray(0, chunkSize)];
  for (let at = chunkSize; at < body.length; at += chunkSize) parts.push(Buffer.from([0xc0 | chunkStream]), tail, body.subarray(at, at + chunkSize));
  return Buffer.concat(parts);
}

export class RtmpClient {
  /** Handshake and connect. */
  static async connect(port, app = 'live') {
    const client = new RtmpClient();
    client.socket = net.connect(port, '127.0.0.1');
    client.socket.setNoDelay(true);
    client.received = Buffer.alloc(0);
    client.closed = new Promise((resolve) => { client.socket.on('close', resolve); });
    client.socket.on('error', () => {});
    client.socket.on('data', (data) => {
      client.received = Buffer.concat([client.received, data]);
      client.socket.emit('more');
    });
    await once(client.socket, 'connect');
    const c1 = Buffer.alloc(1536, 5);
    c1.fill(0, 0, 8);
    client.socket.write(Buffer.concat([Buffer.from([3]), c1]));
    await client.until((bytes) => bytes.length >= 3073);
    client.socket.write(client.received.subarray(1, 1537));
    const size = Buffer.alloc(4);
    size.writeUInt32BE(CHUNK);
    client.send(1, 0, size, { stream: 0, chunkStream: 2 });
    client.command('connect', 1, { app, type: 'nonprivate', tcUrl: `rtmp://127.0.0.1:${port}/${app}` });
    await client.until((bytes) => bytes.includes('NetConnection.Connect.'));
    return client;
  }

  /** Waits for what the server sent so far to fit; fails when it hangs up. */
  async until(fits, timeoutMs = 10000) {
    const signal = AbortSignal.timeout(timeoutMs);
    while (!fits(this.received)) {
      if (this.socket.destroyed) throw new Error('the server hung up');
      await Promise.race([once(this.socket, 'more', { signal }), this.closed]);
    }
  }

  send(type, time, body, options) { return this.socket.write(message(type, time, body, options)); }

  command(...values) { this.send(COMMAND, 0, Buffer.concat(values.map(amf)), { stream: 0 }); }

  /** Resolves with the status code that answers. */
  async publish(name) {
    const before = this.received.length;
    this.command('releaseStream', 2, null, name);
    this.command('createStream', 4, null);
    this.send(COMMAND, 0, Buffer.concat(['publish', 5, null, name, 'live'].map(amf)));
    // The code ends where another byte stands: until then it may be there in part.
    const code = (bytes) => /NetStream\.Publish\.(\w+)\W/.exec(bytes.toString('latin1', before))?.[1];
    await this.until(code);
    return code(this.received);
  }

  unpublish(name) { this.command('FCUnpublish', 6, null, name); this.command('deleteStream', 7, null, 1); }

  /** Sends FLV tags in real time by their `at` (ms from the first), with the clock `clock(tag)`. Ends with the tags or by `stop()`. */
  async play(tags, { clock = (tag) => tag.time, speed = 1 } = {}) {
    const began = performance.now();
    for (const tag of tags) {
      const wait = (tag.at ?? tag.time) / speed - (performance.now() - began);
      if (wait > 1) await new Promise((resolve) => { setTimeout(resolve, wait); });
      if (this.socket.destroyed) return;
      if (!this.send(tag.type, clock(tag), tag.body)) await Promise.race([once(this.socket, 'drain'), this.closed]);
    }
  }

  close() { this.socket.destroy(); }
}

/** The tags of an FLV file: { type, time, body, video, audio, header, key }. */
export function flvTags(file) {
  const data = fs.readFileSync(file);
  const tags = [];
  for (let at = data.readUInt32BE(5) + 4; at + 11 <= data.length;) {
    const type = data[at] & 31;
    const size = data.readUIntBE(at + 1, 3);
    const time = (data.readUIntBE(at + 4, 3) | (data[at + 7] << 24)) >>> 0;
    const body = data.subarray(at + 11, at + 11 + size);
    tags.push({ type, time, body, video: type === VIDEO, audio: type === AUDIO, header: type !== 18 && body[1] === 0, key: type === VIDEO && body[0] >> 4 === 1 });
    at += 11 + size + 4;
  }
  return tags;
}
