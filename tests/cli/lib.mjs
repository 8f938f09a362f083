// SPDX-License-Identifier: MIT
// Runs build/cli/millrace as a user does, with a home of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

export const BUILD = path.resolve(process.env.MILL_BUILD_ROOT ?? new URL('../../build', import.meta.url).pathname);
const MILLRACE = path.join(BUILD, 'cli/millrace');

export const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-cli-'));
process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));

// No key, no server and no state of whoever runs the tests.
const { MILLRACE_KEY, MILLRACE_SERVER, ...inherited } = process.env;
const ENV = { ...inherited, HOME: dir, XDG_STATE_HOME: path.join(dir, 'state'), XDG_CACHE_HOME: path.join(dir, 'cache'), LC_ALL: 'C.UTF-8' };

export function file(name, text) {
  const at = path.join(dir, name);
  fs.mkdirSync(path.dirname(at), { recursive: true });
  fs.writeFileSync(at, text);
  return at;
}

/** Starts it; `done` resolves to {code, signal, stdout, stderr}. */
export function start(args, { env = {}, powerless = false } = {}) {
  // Who runs the tests as root may write and read everywhere: unless that power is left.
  const before = powerless && process.getuid() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all'] : [];
  const [program, ...rest] = [...before, MILLRACE, ...args];
  const child = spawn(program, rest, { cwd: dir, env: { ...ENV, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const seen = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8');
    child[name].on('data', (text) => { seen[name] += text; });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), 30000);
  const done = once(child, 'close').then(([code, signal]) => { clearTimeout(timer); return { code, signal, ...seen }; });
  return { child, done, seen };
}

export const millrace = (args, options) => start(args, options).done;

/** Resolves when the text appears on a stream of a running millrace. */
export function sees(running, name, pattern) {
  return new Promise((resolve, reject) => {
    const look = () => { if (pattern.test(running.seen[name])) resolve(); };
    running.child[name].on('data', look);
    running.done.then((end) => reject(new Error(`ended without ${pattern}: ${JSON.stringify(end)}`)));
    look();
  });
}

/** A REST API that answers as told and keeps what it was asked. */
export async function fakeServer(answers) {
  const requests = [];
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    const asked = `${request.method} ${request.url}`;
    requests.push({ asked, headers: request.headers, body: body ? JSON.parse(body) : undefined });
    const [status, answer, headers = {}] = answers[asked] ?? [404, { title: 'Not Found', status: 404, detail: `fake: nothing at ${asked}` }];
    const text = answer === undefined ? '' : typeof answer === 'string' ? answer : JSON.stringify(answer);
    response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json', 'content-length': Buffer.byteLength(text), ...headers });
    response.end(text);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    close: () => { server.closeAllConnections(); server.close(); },
  };
}
