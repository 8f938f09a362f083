// SPDX-License-Identifier: MIT
// Where a presentation is read from: a directory, or any HTTP server.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The URL of what a user names: a URL, a playlist, a directory with one. */
export function locate(name, usual) {
  if (/^https?:/.test(name)) return new URL(name);
  const isDirectory = fs.statSync(name).isDirectory();
  return pathToFileURL(path.resolve(isDirectory ? path.join(name, usual) : name));
}

/* For how long a server may be away: who follows a presentation over the restart of its
 * origin says so, and asks again as a player does. */
export const outage = { ms: 0 };

/** The body of an answer; undefined when it ends before it is whole. */
async function readBody(response) {
  try { return Buffer.from(await response.arrayBuffer()); } catch { return undefined; }
}

/** One request, its answer whole: { status, headers, bytes }; 'cut off' is the status of one that is not. Throws when there is none. */
export async function request(url, options) {
  const deadline = Date.now() + outage.ms;
  for (;;) {
    try {
      const response = await fetch(url, options);
      const bytes = await readBody(response);
      if (bytes) return { status: response.status, headers: response.headers, bytes };
      if (Date.now() >= deadline) return { status: 'cut off', headers: response.headers, bytes: Buffer.alloc(0) };
    } catch (error) {
      if (Date.now() >= deadline) throw new Error(`${url}: ${error.message}${error.cause ? ` (${error.cause.message})` : ''}`, { cause: error });
    }
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
}

/** The bytes of a URL, or @range { offset, length } of them; undefined when there is nothing, or not all: @onCut is told. */
export async function read(url, range, onCut) {
  if (url.protocol === 'file:') {
    const file = fileURLToPath(url);
    if (!fs.existsSync(file)) return undefined;
    const bytes = fs.readFileSync(file);
    return range ? bytes.subarray(range.offset, range.offset + range.length) : bytes;
  }
  const { status, bytes } = await request(url, range && { headers: { range: `bytes=${range.offset}-${range.offset + range.length - 1}` } });
  if (status === 'cut off' && onCut) onCut();
  return status === (range ? 206 : 200) ? bytes : undefined;
}

/** The time in ms that a URL tells: by its Date header, or else by its text. */
export async function fetchDate(url, isHead) {
  const { status, headers, bytes } = await request(url, { method: isHead ? 'HEAD' : 'GET', cache: 'no-store' });
  if (status !== 200) return NaN;
  return Date.parse(isHead ? headers.get('date') : bytes.toString().trim());
}
