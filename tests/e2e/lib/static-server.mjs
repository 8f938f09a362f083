// SPDX-License-Identifier: MIT
// Any static server, as one has it: what is written must play from it.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const TYPES = { '.m3u8': 'application/vnd.apple.mpegurl', '.mpd': 'application/dash+xml', '.mp4': 'video/mp4', '.webm': 'video/webm', '.mkv': 'video/x-matroska', '.m4s': 'video/mp4', '.ts': 'video/mp2t', '.vtt': 'text/vtt', '.jpg': 'image/jpeg' };

/** Serves a directory to pages of any origin. Resolves to { base, requests: paths asked for so far, close() }. */
export async function serveDirectory(dir) {
  const requests = [];
  const server = http.createServer((request, response) => {
    const file = path.join(dir, path.normalize(new URL(request.url, 'http://x').pathname));
    const headers = { 'access-control-allow-origin': '*' };
    requests.push(request.url);
    if (!fs.existsSync(file)) response.writeHead(404, headers).end();
    else response.writeHead(200, { ...headers, 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream' }).end(fs.readFileSync(file));
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { base: `http://127.0.0.1:${server.address().port}`, requests, close() { server.closeAllConnections(); server.close(); } };
}
