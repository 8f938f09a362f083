// SPDX-License-Identifier: MIT
// An object store over HTTP, into a directory: PUT, DELETE, GET. With credentials
// it lets nobody write whose AWS Signature Version 4 is wrong, computed here after
// "Authenticating Requests: Using the Authorization Header" of the S3 API Reference.
// It judges what is put: `complaints` names each playlist that listed what was not
// there, and each deletion of what was listed.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const TYPES = { '.m3u8': 'application/vnd.apple.mpegurl', '.mpd': 'application/dash+xml', '.mp4': 'video/mp4', '.m4s': 'video/mp4' };
const sha256 = (data) => crypto.createHash('sha256').update(data).digest('hex');
const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();

/** Returns: why the request is not signed as it should be; undefined when it is */
function judgeSignature(request, body, { accessKey, secretKey, region }) {
  const match = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/.exec(request.headers.authorization ?? '');
  if (!match) return 'AccessDenied';
  const [, key, day, scopeRegion, names, signature] = match;
  if (key !== accessKey || scopeRegion !== region) return 'InvalidAccessKeyId';
  const stamp = request.headers['x-amz-date'];
  const at = Date.UTC(stamp.slice(0, 4), stamp.slice(4, 6) - 1, stamp.slice(6, 8), stamp.slice(9, 11), stamp.slice(11, 13), stamp.slice(13, 15));
  if (!stamp.startsWith(day) || Math.abs(Date.now() - at) > 15 * 60 * 1000) return 'RequestTimeTooSkewed';
  const payload = request.headers['x-amz-content-sha256'];
  if (payload !== 'UNSIGNED-PAYLOAD' && payload !== sha256(body)) return 'XAmzContentSHA256Mismatch';
  const signed = names.split(';');
  for (const name of ['host', 'x-amz-date', 'x-amz-content-sha256']) if (!signed.includes(name)) return 'AccessDenied';
  const url = new URL(request.url, 'http://x');
  const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const canonical = [request.method,
    url.pathname.split('/').map((part) => encode(decodeURIComponent(part))).join('/'),
    [...url.searchParams].map(([k, v]) => `${encode(k)}=${encode(v)}`).sort().join('&'),
    ...signed.map((name) => `${name}:${request.headers[name].trim().replace(/ +/g, ' ')}`), '', names, payload].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n');
  const signing = [region, 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${secretKey}`, day));
  return hmac(signing, toSign).toString('hex') === signature ? undefined : 'SignatureDoesNotMatch';
}

export class ObjectStore {
  /** credentials: {accessKey, secretKey, region}; without them anybody may write */
  static async start(directory, { credentials } = {}) {
    const store = new ObjectStore();
    Object.assign(store, { directory, credentials, complaints: [], puts: 0, deletes: 0, away: false });
    store.server = http.createServer((request, response) => store.answer(request, response));
    await new Promise((resolve) => { store.server.listen(0, '127.0.0.1', resolve); });
    store.url = `http://127.0.0.1:${store.server.address().port}`;
    return store;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }

  async answer(request, response) {
    if (this.away) { request.socket.destroy(); return; }
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const body = Buffer.concat(pieces);
    const name = decodeURIComponent(new URL(request.url, 'http://x').pathname);
    const file = path.join(this.directory, path.normalize(name));
    if (request.method === 'GET') { this.give(file, request.headers.range, response); return; }
    const wrong = this.credentials && judgeSignature(request, body, this.credentials);
    if (wrong) {
      this.complaints.push(`${request.method} ${name}: ${wrong}`);
      response.writeHead(403, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?><Error><Code>${wrong}</Code></Error>`);
    } else if (request.method === 'PUT') this.take(name, file, body, response);
    else if (request.method === 'DELETE') this.remove(name, file, response);
    else response.writeHead(405).end();
  }

  give(file, range, response) {
    const headers = { 'access-control-allow-origin': '*', 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream' };
    if (!fs.existsSync(file)) { response.writeHead(404, headers).end(); return; }
    const content = fs.readFileSync(file);
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
    if (first === undefined) { response.writeHead(200, headers).end(content); return; }
    const end = Math.min(last === '' ? Infinity : Number(last), content.length - 1);
    response.writeHead(206, { ...headers, 'content-range': `bytes ${first}-${end}/${content.length}` }).end(content.subarray(Number(first), end + 1));
  }

  take(name, file, body, response) {
    this.puts++;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(`${file}.part`, body);
    fs.renameSync(`${file}.part`, file);
    if (name.endsWith('.m3u8'))
      for (const uri of listed(body.toString()))
        if (!fs.existsSync(path.join(path.dirname(file), uri))) this.complaints.push(`${name} lists ${uri}, which is not there`);
    response.writeHead(200).end();
  }

  remove(name, file, response) {
    this.deletes++;
    const playlist = path.join(path.dirname(file), 'playlist.m3u8');
    if (fs.existsSync(playlist) && listed(fs.readFileSync(playlist, 'utf8')).includes(path.basename(file))) this.complaints.push(`${name} goes, but is listed`);
    fs.rmSync(file, { force: true });
    response.writeHead(204).end();
  }
}

/** URIs of what a playlist says is there: segments that are no gaps, headers, playlists. */
function listed(text) {
  const uris = [...text.matchAll(/URI="([^"]+)"/g)].map((m) => m[1]);
  let gap = false;
  for (const line of text.split('\n')) {
    if (line === '#EXT-X-GAP') gap = true;
    if (!line || line.startsWith('#')) continue;
    if (!gap) uris.push(line);
    gap = false;
  }
  return uris.filter((uri) => !uri.includes(':'));
}
