// SPDX-License-Identifier: MIT
// A run goes on as it began: whoever changes its description meanwhile must not
// lose a part of it when millraced starts anew.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Daemon, eventually } from '../e2e/lib/daemon.mjs';

const IN_TWO = `millrace: 1
name: in-two
nodes:
  src: { element: videotestsrc, props: { is-live: true } }
  code: { element: x264enc, from: [src], props: { tune: zerolatency, key-int-max: 30 } }
  part: { element: h264parse, from: [code], isolate: true }
  out: { element: fakesink, from: [part] }
`;
const IN_ONE = 'millrace: 1\nname: in-two\nnodes:\n  src: { element: videotestsrc, props: { is-live: true } }\n  out: { element: fakesink, from: [src] }\n';

let daemon;
before(async () => { daemon = await Daemon.start({ listen: { rtmp: '127.0.0.1:0', origin: null, api: '127.0.0.1:0' } }); });
after(() => daemon?.stop());

const isolated = async () => (await daemon.workers()).find((w) => w.kind === 'isolated' && w.pid);

test('its description is changed while a stream runs: the next millraced has its parts still', async () => {
  assert.ok((await daemon.api('PUT', '/api/v1/pipelines/in-two', { text: IN_TWO })).status < 300);
  const put = await daemon.api('PUT', '/api/v1/streams/runs', { pipeline: 'in-two' });
  assert.ok(put.status < 300, JSON.stringify(put.body));
  await daemon.live('runs', 15000);
  assert.ok((await daemon.api('PUT', '/api/v1/pipelines/in-two', { text: IN_ONE })).status < 300);

  await daemon.kill();
  await daemon.launch();
  const first = await eventually('the part is taken over', 10000, isolated);
  process.kill(first.pid, 'SIGKILL');
  const second = await eventually('the part has a new process', 15000, async () => {
    const worker = await isolated();
    return worker && worker.pid !== first.pid ? worker : undefined;
  });
  assert.equal(second.stream, 'runs');
  await daemon.live('runs', 15000);
  assert.ok((await daemon.api('DELETE', '/api/v1/streams/runs')).status < 300);
  await eventually('no part is left', 15000, async () => !(await isolated()));
});
