// SPDX-License-Identifier: MIT
// RTMPS: what encoders send encrypted plays like the rest, and a renewed
// certificate disturbs nobody.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { CACHE, Daemon, Publisher, eventually, tool } from './lib/daemon.mjs';
import { movie } from './lib/movie.mjs';

let daemon; let source; let files;

/** A new pair in the place of the old one, each file replaced by rename. */
function renew(name) {
  const made = { key: path.join(files.dir, 'new-key.pem'), certificate: path.join(files.dir, 'new-cert.pem') };
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', made.key, '-out', made.certificate,
    '-days', '2', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
  fs.renameSync(made.key, files.key);
  fs.renameSync(made.certificate, files.certificate);
}

/** Whom the listener shows itself as, and how. */
function shown() {
  const [host, port] = daemon.addresses.rtmps.split(':');
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host, port, rejectUnauthorized: false }, () => {
      resolve({ name: socket.getPeerCertificate().subject.CN, protocol: socket.getProtocol(), alpn: socket.alpnProtocol });
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

const rtmps = (name) => `rtmps://${daemon.addresses.rtmps}/live/${name}`;

before(async () => {
  source = await movie(CACHE, { seconds: 60 });
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mill-tls-'));
  files = { dir, key: path.join(dir, 'key.pem'), certificate: path.join(dir, 'cert.pem') };
  renew('first');
  daemon = await Daemon.start({
    listen: { rtmp: '127.0.0.1:0', rtmps: '127.0.0.1:0', origin: '127.0.0.1:0', api: '127.0.0.1:0' },
    tls: { certificate: files.certificate, key: files.key },
  });
});
after(async () => {
  await daemon?.stop();
  fs.rmSync(files.dir, { recursive: true, force: true });
});

async function expectStream(name) {
  await eventually(`${name} has a playlist`, 15000, async () => (await fetch(daemon.stream(name))).status === 200);
  const stream = await daemon.live(name);
  assert.deepEqual(stream.renditions.map((r) => r.kind).sort(), ['audio', 'video']);
}

test('ffmpeg, GStreamer and librtmp publish by rtmps', async (t) => {
  const flv = path.join(CACHE, 'rtmps.flv');
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', source, '-c', 'copy', '-f', 'flv', flv]);
  const librtmp = tool('tests/tools/librtmp-publish');
  const clients = [
    ['ffmpeg', () => Publisher.ffmpeg(source, rtmps('ffmpeg'))],
    ['gstreamer', () => new Publisher('gst-launch-1.0', ['-q', 'filesrc', `location=${source}`, '!', 'qtdemux', 'name=d', 'flvmux', 'name=m', 'streamable=true', '!', 'rtmp2sink', 'sync=true',
      'tls-validation-flags=no-flags', `location=${rtmps('gstreamer')}`, 'd.video_0', '!', 'queue', '!', 'h264parse', '!', 'm.', 'd.audio_0', '!', 'queue', '!', 'aacparse', '!', 'm.'])],
    ['librtmp', () => new Publisher(librtmp, [flv, rtmps('librtmp')])],
  ];
  for (const [name, start] of clients) {
    await t.test(name, { skip: name === 'librtmp' && !fs.existsSync(librtmp) }, async () => {
      const publisher = start();
      try {
        await expectStream(name);
      } catch (error) {
        throw new Error(`${error.message}\n${publisher.errors}\n${daemon.logs()}`);
      } finally {
        await publisher.kill();
      }
    });
  }
});

test('TLS 1.3 without ALPN, and plain RTMP beside it', async (t) => {
  assert.deepEqual(await shown(), { name: 'first', protocol: 'TLSv1.3', alpn: false });
  const publisher = Publisher.ffmpeg(source, daemon.rtmp('plain'));
  t.after(() => publisher.kill());
  await expectStream('plain');
});

test('whoever sends plain RTMP to the port of RTMPS finds the reason in the log', async () => {
  const publisher = Publisher.ffmpeg(source, `rtmp://${daemon.addresses.rtmps}/live/wrong`);
  assert.notEqual(await publisher.ended(), 0);
  await eventually('the reason in the log', 5000, () => /got RTMP without TLS.*rtmps:\/\//.test(daemon.logs()) || Promise.reject(new Error(daemon.logs())));
});

test('whoever sends RTMPS to the port of plain RTMP finds the reason in the log', async () => {
  const publisher = Publisher.ffmpeg(source, `rtmps://${daemon.addresses.rtmp}/live/wrong`);
  assert.notEqual(await publisher.ended(), 0);
  await eventually('the reason in the log', 5000, () => /got 22 \(TLS: .*expected 3/.test(daemon.logs()) || Promise.reject(new Error(daemon.logs())));
});

test('a renewed certificate is shown to those who come, and disturbs nobody', async (t) => {
  const publisher = Publisher.ffmpeg(source, rtmps('stays'));
  t.after(() => publisher.kill());
  await expectStream('stays');
  const before = await daemon.streamState('stays');
  // by itself, as after certbot
  renew('second');
  await eventually('the second certificate', 10000, async () => (await shown()).name === 'second');
  // one that is broken, by SIGHUP: nothing changes but the log
  fs.writeFileSync(files.certificate, 'broken\n');
  daemon.process.kill('SIGHUP');
  await eventually('the mistake in the log', 10000, () => /millraced\.yaml:1:\d+: error: certificate '.*cert\.pem'.*BEGIN CERTIFICATE/.test(daemon.readLog()));
  assert.equal((await shown()).name, 'second');
  // and in order again
  renew('third');
  daemon.process.kill('SIGHUP');
  await eventually('the third certificate', 10000, async () => (await shown()).name === 'third');
  await eventually('the reload in the log', 10000, () => /certificate '.*cert\.pem' is in use/.test(daemon.readLog()));
  const after = await daemon.streamState('stays');
  assert.equal(after.state, 'live');
  assert.equal(after.publisher.since, before.publisher.since);
  const stats = (await daemon.api('GET', '/api/v1/streams/stays/stats')).body;
  assert.equal(stats.nodes.in.reconnects, 0);
  assert.ok(after.publisher.bytes > before.publisher.bytes);
});

test('the end of the certificate is a metric', async () => {
  const expiry = await eventually('the metric', 15000, async () => /^millrace_tls_certificate_expiry_timestamp_seconds\{id="shared-1"\} (\d+)$/m.exec((await daemon.api('GET', '/metrics')).body));
  const days = (Number(expiry[1]) - Date.now() / 1000) / 86400;
  assert.ok(days > 1.9 && days < 2.1, `${days} days`);
});

test('millraced --check names what is wrong with a certificate, and where', () => {
  const config = path.join(files.dir, 'check.yaml');
  const check = () => spawnSync(tool('daemon/millraced'), ['--config', config, '--check'], { encoding: 'utf8' });
  const other = path.join(files.dir, 'other.pem');
  execFileSync('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-out', other], { stdio: 'ignore' });
  for (const [text, message] of [
    ['listen: { rtmps: "127.0.0.1:0" }\n', /check\.yaml:1:18: error: 'rtmps': got no certificate for it, expected tls:/],
    [`tls:\n  certificate: ${files.certificate}\n  key: ${other}\n`, /check\.yaml:3:8: error: key '.*other\.pem': got the key of another certificate/],
    [`tls:\n  certificate: ${other}\n`, /check\.yaml:2:16: error: certificate '.*other\.pem': .*BEGIN CERTIFICATE/],
    ['tls: { certificate: cert.pem }\n', /check\.yaml:1:21: error: 'certificate': got 'cert\.pem', expected an absolute path/],
  ]) {
    fs.writeFileSync(config, text);
    const result = check();
    assert.equal(result.status, 65, result.stderr);
    assert.match(result.stderr, message);
  }
  fs.writeFileSync(config, `listen: { rtmps: "127.0.0.1:0" }\ntls: { certificate: ${files.certificate}, key: ${files.key} }\n`);
  fs.chmodSync(files.key, 0o644);
  const result = check();
  assert.equal(result.status, 0, result.stderr);
  assert.match(result.stderr, /warning: key '.*key\.pem': everybody on this machine may read it/);
});
