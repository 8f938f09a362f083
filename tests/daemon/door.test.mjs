// SPDX-License-Identifier: MIT
// Strangers at the port of publishers: an operator sees in the metrics that they
// come, and which bound turned them away.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Daemon, eventually } from '../e2e/lib/daemon.mjs';

let daemon;
before(async () => { daemon = await Daemon.start({ listen: { rtmp: '127.0.0.1:0', origin: null, api: '127.0.0.1:0' } }); });
after(() => daemon?.stop());

/** The numbers of the listener; undefined before the worker has told them once. */
async function metrics() {
  const { body } = await daemon.api('GET', '/metrics');
  const read = (name) => new RegExp(`^millrace_rtmp_${name}\\{id="shared-1",listener="rtmp"\\} (\\d+)$`, 'm').exec(body)?.[1];
  if (read('connections_total') === undefined) return undefined;
  const closed = [...body.matchAll(/^millrace_rtmp_closed_total\{id="shared-1",listener="rtmp",reason="([a-z-]+)"\} (\d+)$/gm)];
  return { came: Number(read('connections_total')), pending: Number(read('pending_connections')), closed: Object.fromEntries(closed.map(([, reason, n]) => [reason, Number(n)])) };
}
const first = () => eventually('the first numbers', 20000, metrics);
const until = (what, holds) => eventually(what, 20000, async () => {
  const now = await metrics();
  return holds(now) ? now : Promise.reject(new Error(JSON.stringify(now)));
});
/** What a bound has closed since. */
function grown(before, now) {
  return Object.fromEntries(Object.keys(now.closed).map((reason) => [reason, now.closed[reason] - before.closed[reason]]).filter(([, n]) => n > 0));
}
function knock(t) {
  const [host, port] = daemon.addresses.rtmp.split(':');
  const socket = net.connect(port, host);
  socket.on('error', () => {}); // a reset is what some are to get
  t.after(() => socket.destroy());
  return socket;
}

test('metrics say who came to the listener, who waits, and whom a bound has closed', async (t) => {
  const before = await first();
  assert.equal(before.pending, 0);
  for (const reason of ['pending', 'pending-per-address', 'tls-handshakes', 'handshake-timeout', 'idle-timeout', 'message-bytes', 'protocol']) assert.equal(before.closed[reason], 0, reason);
  const waiting = knock(t);
  knock(t).end('GET / HTTP/1.1\r\n\r\n');
  const now = await until('one that waits and one that is no RTMP', ({ pending, closed }) => pending === 1 && closed.protocol === 1);
  assert.equal(now.came, before.came + 2);
  waiting.destroy();
  // whoever goes has met no bound
  assert.deepEqual(grown(before, await until('nobody', ({ pending }) => pending === 0)), { protocol: 1 });
});

test('the bounds of the configuration hold, and SIGHUP changes them for those to come', async (t) => {
  const inUse = () => daemon.readLog().split('pending_per_address are in use').length;
  const reload = async (limits) => {
    const file = path.join(daemon.dir, 'millraced.yaml');
    const seen = inUse();
    fs.writeFileSync(file, JSON.stringify({ ...daemon.config, publish_limits: limits }));
    daemon.process.kill('SIGHUP');
    await eventually('the bounds to be in use', 20000, () => inUse() > seen);
  };
  // of one address, while the listener is open
  const before = await first();
  await reload({ pending_per_address: 2 });
  for (let i = 0; i < 3; i++) knock(t);
  const now = await until('two that wait and one that was reset', ({ came, pending }) => came === before.came + 3 && pending === 2);
  assert.deepEqual(grown(before, now), { 'pending-per-address': 1 });
  // in all; the two that are in stay
  await reload({ pending: 1 });
  knock(t);
  const then = await until('the fourth', ({ came }) => came === before.came + 4);
  assert.equal(then.pending, 2);
  assert.deepEqual(grown(now, then), { pending: 1 });
  // the listener of a worker that is started anew has them from its first connection
  const [{ pid }] = await daemon.workers();
  process.kill(pid, 'SIGKILL');
  const anew = await eventually('the next worker', 30000, async () => {
    const [worker] = await daemon.workers();
    return worker.pid !== pid && worker.state === 'running' && metrics();
  });
  for (let i = 0; i < 2; i++) knock(t);
  const last = await until('one of two', ({ came }) => came === anew.came + 2);
  assert.deepEqual([last.pending, grown(anew, last)], [1, { pending: 1 }]);
});

// Each costs the server more than the stranger: forty at once are more than ten seconds' worth of two.
test('TLS handshakes of an address are bounded by what the configuration says', async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-door-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  const tls = { certificate: path.join(dir, 'cert.pem'), key: path.join(dir, 'key.pem') };
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', tls.key, '-out', tls.certificate,
    '-days', '2', '-subj', '/CN=door'], { stdio: 'ignore' });
  const secure = await Daemon.start({ listen: { rtmp: null, rtmps: '127.0.0.1:0', origin: null, api: '127.0.0.1:0' }, tls, publish_limits: { tls_handshakes_per_address: 2 } });
  t.after(() => secure.stop());
  const [host, port] = secure.addresses.rtmps.split(':');
  for (let i = 0; i < 40; i++) {
    const socket = net.connect(port, host);
    socket.on('error', () => {});
    t.after(() => socket.destroy());
  }
  await eventually('those that were refused', 20000, async () => {
    const { body } = await secure.api('GET', '/metrics');
    const came = /^millrace_rtmp_connections_total\{id="shared-1",listener="rtmps"\} (\d+)$/m.exec(body)?.[1];
    const refused = /^millrace_rtmp_closed_total\{id="shared-1",listener="rtmps",reason="tls-handshakes"\} (\d+)$/m.exec(body)?.[1];
    return Number(came) === 40 && Number(refused) > 0;
  });
});
