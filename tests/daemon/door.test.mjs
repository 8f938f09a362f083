// SPDX-License-Identifier: MIT
// Strangers at the port of publishers: an operator sees in the metrics that they
// come, and which bound turned them away.
import assert from 'node:assert/strict';
import net from 'node:net';
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
  for (const reason of ['pending', 'pending-per-address', 'handshake-timeout', 'idle-timeout', 'message-bytes', 'protocol']) assert.equal(before.closed[reason], 0, reason);
  const waiting = knock(t);
  knock(t).end('GET / HTTP/1.1\r\n\r\n');
  const now = await until('one that waits and one that is no RTMP', ({ pending, closed }) => pending === 1 && closed.protocol === 1);
  assert.equal(now.came, before.came + 2);
  waiting.destroy();
  // whoever goes has met no bound
  assert.deepEqual(grown(before, await until('nobody', ({ pending }) => pending === 0)), { protocol: 1 });
});
