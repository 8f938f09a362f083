// SPDX-License-Identifier: MIT
// Several origins on one port: were one of them wrong, a crash of it would be an
// outage for its share of the viewers, and an upgrade one for all.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { Daemon, eventually } from '../e2e/lib/daemon.mjs';

const ORIGINS = 3;
const REQUESTS = 60;
const LISTEN = { rtmp: '127.0.0.1:0', origin: '127.0.0.1:0', api: '127.0.0.1:0' };

let daemon;
before(async () => { daemon = await Daemon.start({ listen: LISTEN, workers: { origins: ORIGINS } }); });
after(() => daemon?.stop());

const origins = async () => (await daemon.workers()).filter((worker) => worker.kind === 'origin' && worker.pid);
const ids = (workers) => workers.map((worker) => worker.id).sort();
const all = (n) => eventually(`${n} origins`, 15000, async () => {
  const found = await origins();
  return found.length === n ? found : undefined;
});

/** One request over a connection of its own, or the error's code. */
const ask = (pathname = '/healthz') => new Promise((resolve) => {
  http.get(daemon.origin(pathname), { agent: false }, (answer) => {
    answer.resume().on('end', () => resolve(answer.statusCode));
  }).on('error', (error) => resolve(error.code));
});

/** Ended with all its threads, which have the descriptors in common, and perhaps not yet noticed by its parent. */
const isOver = (pid) => {
  try {
    return fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].startsWith('Z') && fs.readdirSync(`/proc/${pid}/task`).length === 1;
  } catch { return true; }
};

/** { id: number } of a metric of the origins, as the API tells it. */
async function metric(name, labels = '') {
  const { body } = await daemon.api('GET', '/metrics');
  const found = [...body.matchAll(new RegExp(`^${name}\\{id="([^"]+)"${labels}\\} (\\d+)$`, 'gm'))];
  return Object.fromEntries(found.map(([, id, value]) => [id, Number(value)]));
}

test('each has a share of the connections, and the API tells of all of them', async () => {
  assert.deepEqual(ids(await all(ORIGINS)), ['origin', 'origin-2', 'origin-3']);
  const counts = await eventually('each answers', 15000, async () => {
    const answers = await Promise.all(Array.from({ length: REQUESTS }, () => ask()));
    assert.deepEqual(answers, Array(REQUESTS).fill(200));
    const found = await metric('millrace_origin_requests_total', ',kind="other",class="2xx"');
    return Object.values(found).filter((n) => n > 0).length === ORIGINS ? found : undefined;
  });
  assert.deepEqual(Object.keys(counts).sort(), ['origin', 'origin-2', 'origin-3']);
  const { body } = await daemon.api('GET', '/metrics');
  const heads = body.match(/^# TYPE millrace_origin_requests_total /gm);
  assert.equal(heads.length, 1, 'samples of a family stand together, under one head');
});

test('one that is killed comes back, and the others serve meanwhile', async () => {
  const before = await all(ORIGINS);
  const victim = before.find((worker) => worker.id === 'origin');
  const { addresses } = daemon;
  process.kill(victim.pid, 'SIGKILL');
  // what it had accepted is cut; what comes after its end is not
  await eventually('it has ended', 15000, () => isOver(victim.pid));
  for (let i = 0; i < REQUESTS; i += 1) assert.equal(await ask(), 200, `request ${i}`); // eslint-disable-line no-await-in-loop
  const now = await eventually('it is back', 15000, async () => {
    const found = await origins();
    return found.length === ORIGINS && found.every((worker) => worker.pid !== victim.pid) ? found : undefined;
  });
  assert.deepEqual(ids(now), ids(before));
  assert.deepEqual(daemon.addresses, addresses);
  const { status } = await daemon.api('GET', '/readyz');
  assert.equal(status, 200);
});

test('the next millraced finds them where they are, and ends those beyond its number', async () => {
  const before = await all(ORIGINS);
  const { origin } = daemon.addresses;
  daemon.process.kill('SIGUSR1');
  await daemon.exited;
  assert.equal(await ask(), 200);
  daemon.config.workers = { origins: 2 };
  await daemon.launch();
  assert.equal(daemon.addresses.origin, origin, 'port 0 is chosen once');
  const now = await all(2);
  for (const worker of now) assert.equal(worker.pid, before.find((one) => one.id === worker.id).pid, 'adopted');
  const third = before.find((worker) => worker.id === 'origin-3');
  await eventually('origin-3 has ended', 15000, () => isOver(third.pid));
  for (let i = 0; i < REQUESTS; i += 1) assert.equal(await ask(), 200, `request ${i}`); // eslint-disable-line no-await-in-loop
});

test('the address is the next one\'s too when the first has died unseen', async () => {
  const before = await all(2);
  const { origin } = daemon.addresses;
  await daemon.kill();
  const { pid } = before.find((worker) => worker.id === 'origin');
  process.kill(pid, 'SIGKILL');
  await eventually('it has ended', 15000, () => isOver(pid));
  await daemon.launch();
  assert.equal(daemon.addresses.origin, origin);
  await all(2);
  assert.equal(await ask(), 200);
});

test('another millraced is told that the address is taken', async () => {
  const [, port] = daemon.addresses.origin.split(':');
  await assert.rejects(Daemon.start({ listen: { ...LISTEN, origin: `127.0.0.1:${port}` }, workers: { origins: 2 } }),
    (error) => error.message.includes(`127.0.0.1:${port}`));
});

test('they end with millraced', async () => {
  const pids = (await all(2)).map((worker) => worker.pid);
  daemon.process.kill('SIGTERM');
  await daemon.exited;
  for (const pid of pids) await eventually(`${pid} is gone`, 15000, () => isOver(pid)); // eslint-disable-line no-await-in-loop
  await daemon.launch();
});
