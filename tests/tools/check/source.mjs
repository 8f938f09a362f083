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

/** The bytes of a URL, or @range { offset, length } of them; undefined when there is nothing. */
export async function read(url, range) {
  if (url.protocol === 'file:') {
    const file = fileURLToPath(url);
    if (!fs.existsSync(file)) return undefined;
    const bytes = fs.readFileSync(file);
    return range ? bytes.subarray(range.offset, range.offset + range.length) : bytes;
  }
  const response = await fetch(url, range && { headers: { range: `bytes=${range.offset}-${range.offset + range.length - 1}` } });
  const bytes = Buffer.from(await response.arrayBuffer());
  return response.status === (range ? 206 : 200) ? bytes : undefined;
}

/** The time in ms that a URL tells: by its Date header, or else by its text. */
export async function fetchDate(url, isHead) {
  const response = await fetch(url, { method: isHead ? 'HEAD' : 'GET', cache: 'no-store' });
  const text = await response.text();
  if (response.status !== 200) return NaN;
  return Date.parse(isHead ? response.headers.get('date') : text.trim());
}
