// SPDX-License-Identifier: MIT
// An encoder set up badly: whoever runs the service is told, in every place where
// they may look, and told when it is over.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { CACHE, Daemon, Publisher, eventually, tool } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';

let daemon; let rare;
before(async () => {
  rare = await movie(CACHE, { seconds: 40, gop: 8 });
  daemon = await Daemon.start();
});
after(() => daemon?.stop());

/** Follows the events from when it is there; first() resolves to the first one that fits. */
class Follower {
  static async start(query = '') {
    const follower = new Follower();
    follower.events = [];
    follower.abort = new AbortController();
    const response = await fetch(`http://${daemon.addresses.api}/api/v1/events${query}`, { headers: { 'x-api-key': daemon.key }, signal: follower.abort.signal });
    assert.equal(response.status, 200);
    follower.done = follower.read(response).catch((error) => { follower.error = error; });
    return follower;
  }

  async read(response) {
    let text = '';
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      text += part;
      const blocks = text.split('\n\n');
      text = blocks.pop();
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block);
        if (!data) continue;
        const event = JSON.parse(data[1]);
        assert.equal(/^id: (.*)$/m.exec(block)[1], event.id);
        assert.equal(/^event: (.*)$/m.exec(block)[1], event.type);
        this.events.push(event);
      }
    }
  }

  /** Fails with what ended the following, if that is why there is none. */
  first(what, timeoutMs, fits) {
    return eventually(what, timeoutMs, () => {
      const event = this.events.find(fits);
      if (!event && this.error) throw this.error;
      return event;
    });
  }

  async close() { this.abort.abort(); await this.done; }
}

async function metric(name, labels) {
  const text = (await daemon.api('GET', '/metrics')).body;
  const line = text.split('\n').find((l) => l.startsWith(`${name}{`) && labels.every((label) => l.includes(label)));
  return line && Number(line.split(' ').at(-1));
}

test('a keyframe every 8 s is a warning in events, REST, metrics, log and the command line', async (t) => {
  const follower = await Follower.start();
  t.after(() => follower.close());
  const cli = spawn(tool('cli/millrace'), ['events', '--server', `http://${daemon.addresses.api}`, '--key', daemon.key], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(cli, 'exit');
  let shown = '';
  cli.stdout.on('data', (data) => { shown += data; });
  t.after(async () => { cli.kill(); await exited; });
  const publisher = Publisher.ffmpeg(rare, daemon.rtmp('rare'));
  t.after(() => publisher.kill());

  await follower.first('stream.started', 10000, (e) => e.type === 'stream.started' && e.stream === 'rare');
  const warning = await follower.first('the warning', 15000, (e) => e.type === 'health.warning' && e.stream === 'rare');
  assert.equal(warning.warning, 'keyframe-interval-long');
  assert.equal(warning.app, 'live');
  assert.match(warning.message, /set the keyframe interval to 2 s/);

  const stream = await daemon.streamState('rare');
  assert.deepEqual(stream.warnings.map((w) => w.id), ['keyframe-interval-long']);
  assert.equal(stream.warnings[0].message, warning.message);
  assert.equal(stream.ingest.node, 'in');
  assert.ok(stream.ingest.bitrate_bps > 10000 && stream.ingest.fps > 5, JSON.stringify(stream.ingest));
  const top = execFileSync(tool('cli/millrace'), ['top', '--once', '--server', `http://${daemon.addresses.api}`, '--key', daemon.key], { encoding: 'utf8' });
  assert.match(top, /^rare +live .* [kM]b\/s +[\d.]+ .*keyframe-interval-long$/m);
  const { items } = (await daemon.api('GET', '/api/v1/streams')).body;
  assert.equal(items.find((s) => s.name === 'rare').warnings.length, 1);
  const log = (await daemon.api('GET', '/api/v1/streams/rare/logs')).body.items;
  assert.ok(log.some((line) => line.level === 'warning' && line.message.startsWith('keyframe-interval-long: ')));
  assert.equal(await metric('millrace_stream_warning', ['stream="rare"', 'warning="keyframe-interval-long"']), 1);
  await eventually('the line of the command line', 5000, () => /health\.warning +rare +keyframe-interval-long: A keyframe/.test(shown));

  // an encoder that goes takes its warnings along
  await publisher.kill();
  await follower.first('the end of the warning', 5000, (e) => e.type === 'health.cleared' && e.warning === 'keyframe-interval-long');
  await follower.first('stream.reconnecting', 5000, (e) => e.type === 'stream.reconnecting' && e.stream === 'rare');
  assert.deepEqual((await daemon.streamState('rare')).warnings, []);
  assert.equal(await metric('millrace_stream_warning', ['stream="rare"']), undefined);

  // who was away is told what he missed, and nothing twice
  const late = await Follower.start(`?last_event_id=${warning.id}`);
  t.after(() => late.close());
  await late.first('what was missed', 5000, (e) => e.type === 'stream.reconnecting');
  const missed = follower.events.slice(follower.events.indexOf(warning) + 1).map((e) => e.id);
  await late.first('all that was missed', 5000, () => late.events.length >= missed.length);
  assert.deepEqual(late.events.slice(0, missed.length).map((e) => e.id), missed);
});

test('the numbers of a healthy publisher are those that it was made with', async (t) => {
  const source = await movie(CACHE, { seconds: 60 });
  const publisher = Publisher.ffmpeg(source, daemon.rtmp('fine'));
  t.after(() => publisher.kill());
  await daemon.live('fine');
  const label = ['stream="fine"', 'app="live"'];
  // 13 s: ten whole seconds behind the burst of the start
  await eventually('fifteen seconds of media', 30000, async () => await metric('millrace_stream_frames_total', [...label, 'kind="video"']) > 450);
  // ffmpeg, too, may be held up by a third of a second at either end of ten.
  const isRight = (rate) => Math.abs(rate - 30) < 1;
  const stats = await eventually('ten seconds of 30 pictures each', 20000, async () => {
    const now = (await daemon.api('GET', '/api/v1/streams/fine/stats')).body.nodes.in;
    if (!isRight(now['fps-10s'])) throw new Error(`${now['fps-10s']} fps`);
    return now;
  });
  assert.equal(stats['keyframe-interval'], 2e9);
  assert.equal(stats['keyframe-interval-max'], 2e9);
  assert.ok(Math.abs(stats['audio-bitrate-10s'] - 96000) < 15000, `${stats['audio-bitrate-10s']} bit/s`);
  assert.ok(stats.rtt >= 0 && stats.rtt < 1e9, `rtt ${stats.rtt}`);
  assert.ok(Math.abs(stats['av-skew']) < 300e6, `skew ${stats['av-skew']}`);
  assert.deepEqual([stats.gaps, stats['missing-frames'], stats.jumps, stats.repairs], [0, 0, 0, 0]);
  assert.deepEqual(stats.warnings.filter((w) => w.id !== 'bitrate-swing'), []); // the movie is nearly a still
  await eventually('the rate as a metric', 20000, async () => isRight(await metric('millrace_stream_frames_per_second', label)));
  assert.equal(await metric('millrace_stream_keyframe_interval_seconds', label), 2);
  assert.ok(await metric('millrace_stream_rtt_seconds', label) < 1);
  assert.ok(await metric('millrace_stream_media_bytes_per_second', [...label, 'kind="audio"']) > 9000);
});

test('a refused publisher and a killed worker are events', async (t) => {
  const follower = await Follower.start();
  t.after(() => follower.close());
  const refused = Publisher.ffmpeg(rare, daemon.rtmp('x', 'nowhere'));
  assert.notEqual(await refused.ended(), 0);
  const event = await follower.first('publish.refused', 5000, (e) => e.type === 'publish.refused');
  assert.equal(event.app, 'nowhere');
  assert.equal(event.reason, 'unknown_app');
  assert.match(event.address, /^127\.0\.0\.1:/);
  assert.equal(JSON.stringify(event).includes('"name"'), false); // it may be a key
  const shared = (await daemon.workers()).find((w) => w.kind === 'shared');
  process.kill(shared.pid, 'SIGKILL');
  await follower.first('worker.crashed', 10000, (e) => e.type === 'worker.crashed' && e.worker === shared.id);
  await follower.first('worker.started', 10000, (e) => e.type === 'worker.started' && e.worker === shared.id);
});
