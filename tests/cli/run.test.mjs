// SPDX-License-Identifier: MIT
// run, validate, explain, elements: the engine from the command line.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { BUILD, dir, file, millrace, sees, start } from './lib.mjs';
import { PARSEBIN_PARSES_TEXT } from '../e2e/lib/versions.mjs';

const PICTURES = file('pictures.yaml', `millrace: 1
name: pictures
params:
  n: { type: integer, default: 30 }
nodes:
  in: { element: videotestsrc, props: { num-buffers: "\${n}" } }
  grey: { element: capsfilter, from: [in], props: { caps: "video/x-raw,format=GRAY8,width=80,height=60,framerate=30/1" } }
  out: { element: fakesink, from: [grey], props: { sync: false } }
`);
const MUXED = file('muxed.yaml', `millrace: 1
name: muxed
params: { file: { type: string, required: true } }
nodes:
  in: { element: videotestsrc, props: { num-buffers: 30 } }
  code: { element: x264enc, from: [in], props: { tune: zerolatency } }
  mux: { element: mp4mux, from: [code] }
  out: { element: filesink, from: [mux], props: { location: "\${file}" } }
`);
const ENDLESS = file('endless.yaml', `millrace: 1
name: endless
nodes:
  in: { element: videotestsrc, props: { is-live: true } }
  out: { element: fakesink, from: [in] }
`);
const BAD = file('bad.yaml', `millrace: 1
name: bad
nodez: 3
nodes:
  in: { element: videotestsrcx }
  out: { element: fakesink, from: [in], props: { sync: maybe } }
`);

test('run ends with the stream, says so once, and prints nothing on standard output', async () => {
  const { code, stdout, stderr } = await millrace(['run', PICTURES]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '');
  // 30 pictures at 30/s of 80x60 grey bytes.
  assert.match(stderr, /^millrace run: ended: 1\.0 s of media in \d+\.\d\d s \([\d.]+x real time\), 0\.1 MB, 1\.15 Mbit\/s\n$/);
});

test('run tells no length of what has no time stamps', async () => {
  const { code, stderr } = await millrace(['run', MUXED, '--set', `file=${file('muxed.mp4', '')}`]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^millrace run: ended: \d+\.\d\d s, 0\.[1-9] MB\n$/);
});

test('run --quiet says nothing', async () => {
  const { code, stdout, stderr } = await millrace(['run', '--quiet', PICTURES]);
  assert.deepEqual([code, stdout, stderr], [0, '', '']);
});

test('run --set gives a parameter its value', async () => {
  const { code, stderr } = await millrace(['run', PICTURES, '--set', 'n=60']);
  assert.equal(code, 0);
  assert.match(stderr, /ended: 2\.0 s of media/);
});

test('run --set refuses what is no NAME=VALUE, an unknown name and a wrong type', async () => {
  assert.deepEqual(await millrace(['run', PICTURES, '--set', 'n']).then((r) => [r.code, r.stderr]),
    [64, "millrace run: error: option '--set': got 'n', expected NAME=VALUE\n"]);
  const unknown = await millrace(['run', PICTURES, '--set', 'm=1']);
  assert.equal(unknown.code, 65);
  assert.match(unknown.stderr, /'m'/);
  const wrong = await millrace(['run', PICTURES, '--set', 'n=many']);
  assert.equal(wrong.code, 65);
  assert.match(wrong.stderr, /integer/);
});

test('run packages a film with the plugins that it takes: what else is installed is not looked at', async () => {
  const film = path.join(dir, 'film.mp4');
  assert.equal((await millrace(['run', '--quiet', MUXED, '--set', `file=${film}`])).code, 0);
  const output = (name) => path.join(dir, name);
  const pack = (name, env) => millrace(['run', '--quiet', 'vod-package', '--set', `input=${film}`, '--set', `output=${output(name)}`], { env });
  // The environment of a user, who has told GStreamer nothing.
  const plain = Object.fromEntries(Object.keys(process.env).filter((name) => name.startsWith('GST_')).map((name) => [name, undefined]));
  const few = await pack('few', { ...plain, XDG_CACHE_HOME: output('cache-of-few'), XDG_DATA_HOME: output('data') });
  assert.equal(few.code, 0, few.stderr);
  assert.equal(fs.existsSync(output('cache-of-few')), false, 'a registry of all plugins was made');
  assert.deepEqual(few, await pack('all', {}));
  const files = fs.readdirSync(output('all'), { recursive: true }).sort();
  assert.deepEqual(fs.readdirSync(output('few'), { recursive: true }).sort(), files);
  for (const name of files.filter((name) => /\.(m4s|mp4|m3u8)$/.test(name)))
    assert.deepEqual(fs.readFileSync(path.join(output('few'), name)), fs.readFileSync(path.join(output('all'), name)), name);
  assert.ok(files.some((name) => name.endsWith('.m4s')));
});

test('a wrong description: every mistake with its place, exit code 65, nothing runs', async () => {
  for (const verb of ['run', 'validate', 'explain']) {
    const { code, stdout, stderr } = await millrace([verb, BAD]);
    assert.equal(code, 65, verb);
    assert.equal(stdout, '');
    const lines = stderr.trimEnd().split('\n');
    assert.equal(lines.length, 3, stderr);
    for (const line of lines) assert.match(line, /^.*bad\.yaml:\d+:\d+: error: .+/);
    assert.match(lines[0], /:3:1: .*nodez.*'nodes'/);
    assert.match(lines[1], /:5:\d+: .*videotestsrcx.*'videotestsrc'/);
    assert.match(lines[2], /:6:\d+: .*sync.*maybe/);
  }
});

test('validate takes several files and needs no values', async () => {
  const required = file('required.yaml', `millrace: 1
name: required
params:
  to: { type: string, required: true }
nodes:
  in: { element: videotestsrc }
  out: { element: filesink, from: [in], props: { location: "\${to}" } }
`);
  assert.deepEqual(await millrace(['validate', PICTURES, required]).then((r) => [r.code, r.stdout, r.stderr]), [0, '', '']);
  assert.equal((await millrace(['validate', PICTURES, BAD, required])).code, 65);
  const run = await millrace(['run', required]);
  assert.equal(run.code, 65);
  assert.match(run.stderr, /'to'/);
});

test('validate tells a directory for what it is, and what no run could come to an end with', async () => {
  const one = await millrace(['validate', dir]);
  assert.deepEqual([one.code, one.stderr], [66, `${dir}: error: got a directory, expected a description: name its files, ${dir}/*.yaml\n`]);
  const loose = file('loose.yaml', `millrace: 1
name: loose
nodes:
  in: { element: videotestsrc }
  other: { element: videotestsrc }
  out: { element: fakesink, from: [in] }
  alone: { element: fakesink }
`);
  for (const verb of ['validate', 'run']) {
    const { code, stderr } = await millrace([verb, loose]);
    assert.equal(code, 65, verb);
    assert.equal(stderr, `${loose}:5:3: error: the output of node 'other' (videotestsrc) is not used, expected a node with it in its from\n${loose}:7:3: error: node 'alone' (fakesink) gets no input, expected from: [NODE]\n`);
  }
});

test('a preset that nobody ships is a mistake with its place', async (t) => {
  if ((await millrace(['elements', 'abrladder'])).code) return t.skip('this build has no abrladder');
  const ladder = file('preset.yaml', `millrace: 1
name: preset
nodes:
  in: { element: videotestsrc }
  ladder: { element: abrladder, from: [in], props: { preset: standart } }
  out: { element: fakesink, from: [ladder] }
`);
  const { code, stderr } = await millrace(['validate', ladder]);
  assert.equal(code, 65);
  assert.match(stderr, /preset\.yaml:5:\d+: error: node 'ladder' \(abrladder\): preset 'standart': .*expected one of .*standard/);
});

test('settings that leave each other no meaning are a mistake with its place', async (t) => {
  if ((await millrace(['elements', 'cmafsink'])).code) return t.skip('this build has no cmafsink');
  // Where it goes is not known yet; the rest is.
  const clash = file('clash.yaml', `millrace: 1
name: clash
params: { output: { type: string, required: true }, window: { type: integer, default: 60000 } }
nodes:
  in: { element: videotestsrc }
  code: { element: x264enc, from: [in] }
  package:
    element: cmafsink
    from: [code]
    props:
      location: "\${output}"
      mode: vod
      dvr-window-ms: "\${window}"
`);
  const { code, stderr } = await millrace(['validate', clash]);
  assert.equal(code, 65);
  assert.match(stderr, /^.*clash\.yaml:13:22: error: node 'package' \(cmafsink\): dvr-window-ms: got a window in a mode that keeps all segments, expected 0, or mode live\n$/);
  fs.writeFileSync(clash, fs.readFileSync(clash, 'utf8').replace('mode: vod', 'mode: live'));
  assert.deepEqual(await millrace(['validate', clash]).then((r) => [r.code, r.stderr]), [0, '']);
});

test('a slate that cannot be shown is a warning with its place, and the rest runs', async (t) => {
  if ((await millrace(['elements', 'failoverswitch'])).code) return t.skip('this build has no failoverswitch');
  const missing = path.join(dir, 'no-slate.png');
  const slate = file('slate.yaml', `millrace: 1
name: slate
params: { slate: { type: string, default: "${missing}" } }
nodes:
  in: { element: videotestsrc, props: { num-buffers: 30 } }
  code: { element: x264enc, from: [in], props: { tune: zerolatency } }
  switch: { element: failoverswitch, from: [code], props: { slate: "\${slate}" } }
  out: { element: fakesink, from: [switch.video_0], props: { sync: false } }
`);
  const told = `slate '${missing}': got no such file, expected a PNG, JPEG or MP4 file`;
  const { code, stderr } = await millrace(['validate', slate]);
  assert.deepEqual([code, stderr], [0, `${slate}:7:68: warning: node 'switch' (failoverswitch): ${told}\n`]);
  const run = await millrace(['run', slate]);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stderr, /ended: 1\.0 s of media/);
  assert.equal((await millrace(['validate', file('none.yaml', fs.readFileSync(slate, 'utf8').replace(missing, ''))])).stderr, '', 'none is none');
});

test('a description that is not there has exit code 66', async () => {
  for (const verb of ['run', 'validate', 'explain']) {
    const { code, stderr } = await millrace([verb, 'no-such']);
    assert.equal(code, 66, verb);
    assert.match(stderr, /no-such/);
  }
});

test('the shipped descriptions are named where one is asked for', async () => {
  const shipped = fs.readdirSync(new URL('../../pipelines', import.meta.url)).filter((f) => f.endsWith('.yaml')).map((f) => f.replace('.yaml', '')).sort();
  assert.ok(shipped.includes('vod-package'));
  const unknown = await millrace(['run', 'vod-packge']);
  assert.equal(unknown.stderr, `vod-packge: error: no such file and no shipped description, expected a path or one of ${shipped.join(', ')}, did you mean 'vod-package'?\n`);
  for (const args of [['help', 'run'], ['run', '--help']]) {
    const { stdout } = await millrace(args);
    for (const name of shipped) assert.match(stdout, new RegExp(`^  ${name} +\\S.+$`, 'm'), name);
  }
});

test('a missing input file has exit code 66 and is told by name, once', async () => {
  const reader = file('reader.yaml', `millrace: 1
name: reader
params:
  input: { type: string, required: true }
nodes:
  in: { element: filesrc, props: { location: "\${input}" } }
  out: { element: fakesink, from: [in], props: { sync: false } }
`);
  const missing = path.join(dir, 'no-such-movie.mp4');
  const { code, stderr } = await millrace(['run', reader, '--set', `input=${missing}`]);
  assert.equal(code, 66);
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  assert.equal(stderr, `millrace run: error: node 'in': file '${missing}': there is none, expected one to read\n`);
  // In the same words whichever element reads it, and of a directory too.
  const film = await millrace(['run', 'vod-file', '--set', `input=${missing}`, '--set', `output=${path.join(dir, 'none.mp4')}`]);
  assert.deepEqual([film.code, film.stderr], [66, `millrace run: error: node 'file': file '${missing}': there is none, expected one to read\n`]);
  const directory = await millrace(['run', 'vod-package', '--set', `input=${dir}`, '--set', `output=${path.join(dir, 'none')}`]);
  assert.deepEqual([directory.code, directory.stderr], [66, `millrace run: error: node 'file': file '${dir}': got a directory, expected a file\n`]);
});

test('what this user may not read has exit code 66, what it may not write 69, whoever reads or writes', async (t) => {
  const film = path.join(dir, 'open.mp4');
  await millrace(['run', MUXED, '--set', `file=${film}`]);
  const secret = path.join(dir, 'secret.mp4');
  fs.copyFileSync(film, secret);
  fs.chmodSync(secret, 0);
  const locked = path.join(dir, 'locked');
  fs.mkdirSync(locked, { mode: 0o500 });
  t.after(() => fs.chmodSync(locked, 0o700));
  for (const [name, output] of [['vod-file', 'film.mp4'], ['vod-package', 'film']]) {
    const run = (input, where) => millrace(['run', name, '--set', `input=${input}`, '--set', `output=${path.join(where, output)}`], { powerless: true });
    const unread = await run(secret, dir);
    assert.equal(unread.code, 66, unread.stderr);
    assert.match(unread.stderr, /^millrace run: error: node 'file': file '.*\/secret\.mp4': Permission denied, expected one that user '.+' may read: change its owner or mode, .*\n$/);
    const unwritten = await run(film, locked);
    assert.equal(unwritten.code, 69, unwritten.stderr);
    assert.match(unwritten.stderr, /^millrace run: error: node '(first|package)': .*Permission denied.*; user '.+' may not write at '.*\/locked\/film.*': name another place, or change its owner or mode, .*\n$/);
  }
  const yaml = file('locked.yaml', fs.readFileSync(PICTURES));
  fs.chmodSync(yaml, 0);
  const unread = await millrace(['validate', yaml], { powerless: true });
  assert.equal(unread.code, 66);
  assert.match(unread.stderr, /locked\.yaml: error: cannot be read, expected a description that user '.+' may read: .*Permission denied\n$/);
});

test('vod-file: how the output ends is what it becomes, and a name that is taken is told', async () => {
  const film = path.join(dir, 'named.mp4');
  await millrace(['run', MUXED, '--set', `file=${film}`]);
  const run = (output) => millrace(['run', 'vod-file', '--set', `input=${film}`, '--set', `output=${output}`]);
  const wrong = await run(path.join(dir, 'named.avi'));
  assert.equal(wrong.code, 65);
  assert.match(wrong.stderr, /vod-file\.yaml:\d+:\d+: error: node 'first' \(recordsink\): location: got '.*\/named\.avi', which ends in '\.avi', expected \.mp4, .*\.webm.*\.mkv/);
  assert.deepEqual(fs.readdirSync(dir).filter((name) => name.startsWith('named')), ['named.mp4']);
  const again = await run(film);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stderr, /^millrace run: node 'first': its name was taken, so the file is '.*\/named-1\.mp4'\nmillrace run: ended: /);
  assert.ok(fs.existsSync(path.join(dir, 'named-1.mp4')));
  const fresh = await run(path.join(dir, 'NAMED.MKV'));
  assert.match(fresh.stderr, /^millrace run: ended: /);
  assert.equal(fs.readFileSync(path.join(dir, 'NAMED.MKV')).readUInt32BE(0), 0x1a45dfa3);
});

test('a film with its index in front that lacks its end is copied as far as it goes, and told', async () => {
  const front = file('front.yaml', fs.readFileSync(MUXED, 'utf8').replace('mp4mux, from: [code]', 'mp4mux, from: [code], props: { faststart: true }'));
  const whole = path.join(dir, 'front.mp4');
  await millrace(['run', front, '--set', `file=${whole}`]);
  const bytes = fs.readFileSync(whole);
  const input = file('front-cut.mp4', bytes.subarray(0, Math.floor(bytes.length / 2)));
  const output = path.join(dir, 'front-copy.mp4');
  const { code, stderr } = await millrace(['run', 'vod-file', '--set', `input=${input}`, '--set', `output=${output}`]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, new RegExp(`^millrace run: warning: node 'file': file '${input}': got ${Math.floor(bytes.length / 2)} bytes, expected ${bytes.length}: its end is missing, also of what is made of it; copy it again from where it came\nmillrace run: ended: `));
  const [, copied] = (await millrace(['run', 'vod-package', '--set', `input=${output}`, '--set', `output=${path.join(dir, 'front.vod')}`])).stderr.match(/ended: ([\d.]+) s of media/);
  assert.ok(copied > 0.1 && copied < 1, copied); // of 1 s
});

const INPUT = 'an MP4 or MOV file with H.264, HEVC, AV1 or VP9 video and AAC, Opus, FLAC, AC-3, E-AC-3 or MP3 audio, and any subtitles';

test('an input of another container is told by name, and nothing is made', async () => {
  const ts = Buffer.alloc(188 * 40, 0xff);
  for (let i = 0; i < 40; i++) ts.set([0x47, 0x1f, 0xff, 0x10], i * 188);
  const inputs = {
    'film.mkv': [Buffer.from('1a45dfa3a34286810142f7810142f2810442f381084282886d6174726f736b614287810442858102' + '1853806701ffffffffffffff' + '00'.repeat(100), 'hex'), 'Matroska (MKV)'],
    'film.ts': [ts, 'MPEG transport stream (TS)'],
    'film.txt': [Buffer.from('a film in words, '.repeat(20)), 'plain text'],
    'film.mp4': [Buffer.alloc(0), '0 bytes'],
  };
  for (const [name, [bytes, got]] of Object.entries(inputs)) {
    const input = file(name, bytes);
    const output = path.join(dir, `${name}.vod`);
    const { code, stderr } = await millrace(['run', 'vod-package', '--set', `input=${input}`, '--set', `output=${output}`]);
    assert.equal(code, 65, stderr);
    const next = /MKV|TS/.test(got) ? `\`millrace run vod-file --set input='${input}' --set output=film.mp4\` copies a film into MP4` : 'name a film';
    assert.equal(stderr, `millrace run: error: node 'demux': file '${input}': got ${got}, expected MP4 or MOV, Motion JPEG 2000, M4A or 3GP; parameter 'input' is ${INPUT}; ${next}\n`);
    assert.ok(!fs.existsSync(output), 'no directory was made');
  }
});

test('a film that is broken before its media is told by name and leaves nothing', async () => {
  // ftyp, and a moov without any track.
  const input = file('broken.mp4', Buffer.from('0000001066747970' + '69736f6d00000001' + '000000086d6f6f76', 'hex'));
  const output = path.join(dir, 'broken.vod');
  const { code, stderr } = await millrace(['run', 'vod-package', '--set', `input=${input}`, '--set', `output=${output}`]);
  assert.equal(code, 65, stderr);
  assert.match(stderr, /^millrace run: error: node 'demux': file '.*\/broken\.mp4': .+\n$/);
  assert.ok(!fs.existsSync(output), 'the directory that was made is gone');
});

test('a film that lacks its end is told, with what to do', async () => {
  const whole = path.join(dir, 'whole.mp4');
  await millrace(['run', MUXED, '--set', `file=${whole}`]);
  const bytes = fs.readFileSync(whole);
  const input = file('cut.mp4', bytes.subarray(0, bytes.length / 2));
  const { code, stderr } = await millrace(['run', 'vod-package', '--set', `input=${input}`, '--set', `output=${path.join(dir, 'cut.vod')}`]);
  assert.equal(code, 65, stderr);
  const [warning, error, ...more] = stderr.trimEnd().split('\n');
  assert.match(warning, /warning: node 'file': file '.*cut\.mp4': got \d+ bytes, expected \d+: its end is missing/);
  const [, got, expected] = warning.match(/got (\d+) bytes, expected (\d+)/).map(Number);
  assert.equal(got, fs.statSync(input).size);
  assert.ok(expected > got && expected <= bytes.length, warning);
  assert.match(error, /error: node 'demux': file '.*cut\.mp4': .*got MP4 or MOV, expected for 'input' an MP4 or MOV file with .*; it may be damaged or cut off: copy it again/);
  assert.deepEqual(more, []);
  // Whole again, nothing is said.
  assert.match((await millrace(['run', 'vod-package', '--set', `input=${whole}`, '--set', `output=${path.join(dir, 'whole.vod')}`])).stderr, /^millrace run: (warning: node 'demux': planned pad 'audio_%u'.*\nmillrace run: )?ended: /);
});

test('a codec that is not packaged is told, with what to do', async () => {
  const jpeg = file('jpeg.yaml', fs.readFileSync(MUXED, 'utf8').replace('x264enc, from: [in], props: { tune: zerolatency }', 'jpegenc, from: [in]').replace('mp4mux', 'qtmux'));
  const input = path.join(dir, 'jpeg.mov');
  await millrace(['run', jpeg, '--set', `file=${input}`]);
  for (const [name, node] of [['vod-package', 'demux'], ['vod-file', 'parse']]) {
    const { code, stderr } = await millrace(['run', name, '--set', `input=${input}`, '--set', `output=${path.join(dir, 'jpeg.mp4')}`]);
    assert.equal(code, 65, stderr);
    assert.match(stderr, new RegExp(`error: node '${node}': file '.*jpeg\\.mov': .*got image/jpeg, expected video/x-h264, .*; parameter 'input' is .*; encode it anew, as by \`ffmpeg -i '.*jpeg\\.mov' -c:v libx264`));
  }
});

const SRT = Array.from({ length: 20 }, (_, i) => `${i + 1}\n00:00:${10 + i},000 --> 00:00:${10 + i},900\nLine ${i} of the words\n\n`).join('');

test('text alone is no film, and ends by itself', async () => {
  const input = file('words.srt', SRT);
  const { code, stderr } = await millrace(['run', 'vod-file', '--set', `input=${input}`, '--set', `output=${path.join(dir, 'words.mp4')}`]);
  assert.equal(code, 65, stderr);
  const got = PARSEBIN_PARSES_TEXT ? 'text/x-raw' : 'application/x-subtitle';
  assert.match(stderr, new RegExp(`error: node 'parse': file '.*words\\.srt': nothing in the input can be used: got ${got}, expected video or audio; parameter 'input' is a file that GStreamer demuxes, with .*; name a film\n$`));
});

test('a file of subtitles that is none is told by name, with what was expected', async () => {
  const subtitles = file('subtitles.yaml', `millrace: 1
name: subtitles
params: { file: { type: string, required: true } }
nodes:
  words: { element: filesrc, props: { location: "\${file}" } }
  text: { element: subparse, from: [words] }
  out: { element: fakesink, from: [text], props: { sync: false } }
`);
  const run = (name, bytes) => millrace(['run', subtitles, '--set', `file=${file(name, bytes)}`]);
  const good = await run('good.srt', SRT);
  assert.equal(good.code, 0, good.stderr);
  assert.doesNotMatch(good.stderr, /warning/);
  const refused = {
    'empty.srt': [Buffer.alloc(0), /got 0 bytes/],
    'film.srt': [Buffer.from('0000001066747970' + '69736f6d00000001' + '000001006d6f6f76' + '00'.repeat(248), 'hex'), /got MP4 or MOV/],
    'utf16.srt': [Buffer.from(SRT, 'utf16le'), /got what is of no known type/],
    'prose.srt': [Buffer.from('no subtitles, just words '.repeat(20)), /got (plain text|what is of no known type)/],
  };
  for (const [name, [bytes, got]] of Object.entries(refused)) {
    const { code, stderr } = await run(name, bytes);
    assert.equal(code, 65, stderr);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    assert.match(stderr, new RegExp(`error: node '\\w+': file '.*${name}': .*${got.source}, expected subtitles .*; name a file of subtitles, .*UTF-8`));
  }
  // One without a caption in it may be meant: its track is there, and empty.
  const none = await run('none.vtt', 'WEBVTT\n\n');
  assert.equal(none.code, 0, none.stderr);
  assert.match(none.stderr, /warning: node 'text': file '.*none\.vtt': got nothing in it for 'out\.sink', expected a sample at least; that track is empty\n/);
});

test('the summary of several outputs tells what each of them got', async () => {
  const film = path.join(dir, 'twice.mp4');
  await millrace(['run', MUXED, '--set', `file=${film}`]);
  const outputs = [path.join(dir, 'one.mp4'), path.join(dir, 'two.mkv')];
  const once = await millrace(['run', 'vod-file', '--set', `input=${film}`, '--set', `output=${path.join(dir, 'once.mp4')}`]);
  const [, megabytes] = once.stderr.match(/ended: .*, (\d\.\d) MB, [\d.]+ Mbit\/s\n$/);
  const both = await millrace(['run', 'vod-file', '--set', `input=${film}`, '--set', `output=${outputs[0]}`, '--set', `output-2=${outputs[1]}`]);
  assert.equal(both.code, 0, both.stderr);
  assert.ok(both.stderr.endsWith(`, ${megabytes} MB to ${outputs[0]}, ${megabytes} MB to ${outputs[1]}\n`) || both.stderr.endsWith(`, ${megabytes} MB to ${outputs[1]}, ${megabytes} MB to ${outputs[0]}\n`), both.stderr);
});

test('a place that cannot be written has exit code 69', async () => {
  const writer = file('writer.yaml', `millrace: 1
name: writer
nodes:
  in: { element: videotestsrc, props: { num-buffers: 1 } }
  out: { element: filesink, from: [in], props: { location: /proc/no-such/file } }
`);
  const { code, stderr } = await millrace(['run', writer]);
  assert.equal(code, 69, stderr);
  assert.match(stderr, /out/);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  test(`${signal} ends in good order`, async () => {
    const running = start(['run', ENDLESS, '--progress']);
    await sees(running, 'stderr', /real time/);
    running.child.kill(signal);
    const { code, stderr } = await running.done;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /millrace run: ended: /);
  });
}

test('a second signal stops at once where the end does not come', async () => {
  // The end of stream cannot pass an element that sleeps: for an hour, as long as the end may take
  // here. Whoever waited for either of them would be waited for in vain.
  const stuck = file('stuck.yaml', `millrace: 1
name: stuck
nodes:
  in: { element: videotestsrc, props: { is-live: true } }
  hold: { element: identity, from: [in], props: { sleep-time: 3600000000 } }
  out: { element: fakesink, from: [hold], props: { sync: false } }
`);
  const running = start(['run', stuck, '--progress', '--end-timeout', '3600']);
  await sees(running, 'stderr', /real time/);
  running.child.kill('SIGINT');
  const lines = running.seen.stderr.split('\n').length;
  await sees(running, 'stderr', new RegExp(`(real time[^]*){${lines + 1}}`));
  running.child.kill('SIGINT');
  const { code, stderr } = await running.done;
  assert.equal(code, 130, stderr);
  assert.match(stderr, /stopped at once/);
});

test('an end that takes long is not stopped while it writes', async () => {
  const output = path.join(dir, 'slow.raw');
  const slow = file('slow.yaml', `millrace: 1
name: slow
nodes:
  in: { element: videotestsrc, props: { is-live: true } }
  waiting: { element: queue, from: [in], props: { max-size-buffers: 8, max-size-bytes: 0, max-size-time: 0 } }
  hold: { element: identity, from: [waiting], props: { sleep-time: 300000 } }
  out: { element: filesink, from: [hold], props: { location: ${output}, sync: false } }
`);
  const running = start(['run', slow, '--progress', '--end-timeout', '1']);
  await sees(running, 'stderr', /real time/);
  running.child.kill('SIGTERM');
  const { code, stderr } = await running.done;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^millrace run: ending: .*a second signal stops at once$/m);
});

test('the first signal ends what does not end by itself, in time', async () => {
  const held = file('held.yaml', `millrace: 1
name: held
nodes:
  in: { element: videotestsrc, props: { is-live: true } }
  hold: { element: identity, from: [in], props: { sleep-time: 20000000 } }
  out: { element: fakesink, from: [hold], props: { sync: false } }
`);
  for (const [signal, ...options] of [['SIGTERM'], ['SIGINT'], [null, '--duration', '0.1']]) {
    const running = start(['run', held, '--progress', '--end-timeout', '1', ...options]);
    if (signal) {
      await sees(running, 'stderr', /real time/);
      running.child.kill(signal);
    }
    const { code, stderr } = await running.done;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /^millrace run: error: stopped after 1 s, in which the end did not come and nothing was written; output may be incomplete$/m);
  }
  assert.equal((await millrace(['run', held, '--end-timeout', '0'])).code, 64);
});

test('a signal ends a start that waits for its input', async () => {
  const pipe = path.join(dir, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const waiting = file('waiting.yaml', `millrace: 1
name: waiting
nodes:
  in: { element: filesrc, props: { location: ${pipe} } }
  out: { element: fakesink, from: [in], props: { sync: false } }
`);
  const running = start(['run', waiting], { env: { GST_DEBUG: 'filesrc:5' } });
  await sees(running, 'stderr', /opening file/);
  running.child.kill('SIGTERM');
  const { signal } = await running.done;
  assert.equal(signal, 'SIGTERM');
});

test('run --duration ends in good order', async () => {
  const { code, stderr } = await millrace(['run', ENDLESS, '--duration', '0.5']);
  assert.equal(code, 0, stderr);
  const [, seconds] = stderr.match(/ in (\d+\.\d+) s/);
  assert.ok(seconds >= 0.5 && seconds < 5, stderr);
});

test('a progress line tells position, speed and bit rate, and only when asked where there is no terminal', async () => {
  const { stderr } = await millrace(['run', ENDLESS, '--duration', '1.2', '--progress']);
  assert.match(stderr, /^00:00:00\.\d, [\d.]+x real time, [\d.]+ Mbit\/s\n/);
  const without = await millrace(['run', ENDLESS, '--duration', '0.7']);
  assert.doesNotMatch(without.stderr, /^00:/);
});

test('explain: words, Graphviz, gst-launch-1.0', async () => {
  const words = await millrace(['explain', PICTURES]);
  assert.equal(words.code, 0);
  assert.match(words.stdout, /in\.src +-> grey\.sink/);
  const dot = await millrace(['explain', '--dot', PICTURES]);
  assert.match(dot.stdout, /^digraph /);
  const launch = await millrace(['explain', '--gst-launch', PICTURES, '--set', 'n=7']);
  assert.match(launch.stdout, /^gst-launch-1\.0 /);
  assert.match(launch.stdout, /num-buffers=7/);
  assert.equal((await millrace(['explain', '--dot', '--gst-launch', PICTURES])).code, 64);
});

const recording = (name, other) => file(`${name}.yaml`, `millrace: 1
name: ${name}
nodes:
  picture: { element: videotestsrc, props: { num-buffers: 60 } }
  video: { element: x264enc, from: [picture], props: { speed-preset: ultrafast, key-int-max: 10 } }
  record: { element: recordsink, from: [video], props: { location: "/proc/none/film-{date}-{time}.mp4", on-error: continue } }
${other}`);

test('a recording that finished no file is told as such, not by the pattern of its name', async () => {
  const { code, stderr } = await millrace(['run', recording('unwritten', '  out: { element: fakesink, from: [video] }\n')]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /warning: node 'record': .*\/proc\/none/);
  assert.match(stderr, /\nmillrace run: ended: .* MB to 'record', which finished no file \(what it left may end in \.part\)/);
  assert.doesNotMatch(stderr, /\{date\}/);
});

test('a recording that finished no file is told as such where nothing else is written', async () => {
  const { code, stderr } = await millrace(['run', recording('unwritten-alone', '')]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /\nmillrace run: ended: .* MB to 'record', which finished no file \(/);
});

test('a file with a brace in its name is no recording', async () => {
  const out = path.join(dir, 'a{b}.raw');
  const { code, stderr } = await millrace(['run', file('brace.yaml', `millrace: 1
name: brace
nodes:
  in: { element: videotestsrc, props: { num-buffers: 3 } }
  out: { element: filesink, from: [in], props: { location: "${out}" } }
  other: { element: fakesink, from: [in] }
`)]);
  assert.equal(code, 0, stderr);
  assert.ok(stderr.includes(` MB to ${out}`), stderr);
  assert.doesNotMatch(stderr, /finished no file/);
});

test('explain: which parameters there are', async () => {
  const { code, stdout, stderr } = await millrace(['explain', 'live-relay']);
  assert.equal(code, 0, stderr);
  const [, list] = /\nparameters \(--set NAME=VALUE\)\n(.*?)\n\n/s.exec(stdout);
  for (const line of [/^ {2}stream +string +empty by default\n {6}the stream's name/m, /^ {2}output +string +required$/m, /^ {2}segment-duration-ms +integer +default 2000$/m,
    /^ {2}target +string +required, secret$/m, /^ {2}target-key +string +secret$/m]) assert.match(list, line);
});

test('isolate: explain tells the processes of a server, run ignores it', async () => {
  const isolated = file('isolated.yaml', `millrace: 1
name: isolated
nodes:
  picture: { element: videotestsrc, props: { num-buffers: 5 } }
  in: { element: x264enc, from: [picture] }
  out: { element: fakesink, from: [in], isolate: true, props: { sync: false } }
`);
  const explained = await millrace(['explain', isolated]);
  assert.equal(explained.code, 0, explained.stderr);
  assert.match(explained.stdout, /process 1 \(isolated\)/);
  assert.match(explained.stdout, /\n {2}in +process 0 -> 1 +\/.*\/links\/isolated\.in\n/);
  const lines = await millrace(['explain', '--gst-launch', isolated]);
  assert.equal(lines.stdout.match(/^gst-launch-1\.0/gm).length, 2);
  assert.match(explained.stdout, /`millrace run` ignores isolate/);
  assert.equal((await millrace(['run', '--quiet', isolated])).code, 0);
});

test('run: a node of another stream that nobody publishes', async () => {
  const taker = file('taker.yaml', `millrace: 1
name: taker
nodes:
  out: { element: fakesink, from: ["stream:nobody/in.video_0"] }
`);
  const result = await millrace(['run', taker], { env: { MILLRACE_RUNTIME_DIR: dir } });
  assert.equal(result.code, 66);
  assert.equal(result.stderr, `millrace run: error: node 'stream:nobody/in': Nobody publishes on '${dir}/links/nobody.in'.\n`);
});

test('explain --svg draws with dot, or says that it is missing', async () => {
  const bin = path.join(dir, 'bin');
  const svg = path.join(dir, 'graph.svg');
  fs.mkdirSync(bin);
  const missing = await millrace(['explain', '--svg', svg, PICTURES], { env: { PATH: bin } });
  assert.equal(missing.code, 69);
  assert.match(missing.stderr, /'dot' is not installed/);
  fs.writeFileSync(path.join(bin, 'dot'), '#!/bin/sh\n[ "$1" = -Tsvg ] && [ "$2" = -o ] && { echo "<svg/>"; /bin/cat; } > "$3"\n', { mode: 0o755 });
  assert.equal((await millrace(['explain', '--svg', svg, PICTURES], { env: { PATH: bin } })).code, 0);
  assert.match(fs.readFileSync(svg, 'utf8'), /^<svg\/>\ndigraph /);
});

test('elements: list, one, one that is not there', async () => {
  const list = await millrace(['elements', '-o', 'json']);
  assert.ok(JSON.parse(list.stdout).some((item) => item.name === 'videotestsrc' && item.summary));
  const one = JSON.parse((await millrace(['elements', 'videotestsrc', '-o', 'json'])).stdout);
  assert.ok(one.properties.some((p) => p.name === 'num-buffers' && p.default === '-1' && p.change === 'restart'));
  assert.ok(one.pads.some((p) => p.name === 'src' && p.presence === 'always'));
  const none = await millrace(['elements', 'videotestsr']);
  assert.deepEqual([none.code, none.stderr], [66, "millrace elements: error: no element 'videotestsr', did you mean 'videotestsrc'?\n"]);
});

test('elements: any of them can be shown, whatever its properties are', async () => {
  const list = JSON.parse((await millrace(['elements', '-o', 'json'])).stdout);
  const some = list.filter((item) => ['coreelements', 'millrtmp', 'millcmaf'].includes(item.plugin));
  assert.ok(some.length > 10);
  for (const { name } of some) {
    const { code, stdout, stderr } = await millrace(['elements', name, '-o', 'json']);
    assert.deepEqual([code, stderr, JSON.parse(stdout).name], [0, '', name]);
  }
});

test('every option and verb of --help is in the manual page and in the completion', async () => {
  // roff writes a minus as \-
  const manual = fs.readFileSync(path.join(BUILD, 'docs/millrace.1'), 'utf8').replaceAll('\\-', '-');
  const completion = fs.readFileSync(path.join(BUILD, 'cli/millrace.bash'), 'utf8');
  const overview = (await millrace(['--help'])).stdout;
  const verbs = [...overview.matchAll(/^ {2}([a-z][a-z-]*) {2,}/gm)].map((match) => match[1]);
  assert.ok(verbs.length >= 5);
  let options = 0;
  for (const verb of verbs) {
    const { code, stdout } = await millrace([verb, '--help']);
    assert.equal(code, 0);
    assert.ok(manual.includes(`.SS ${verb}`), verb);
    assert.match(completion, new RegExp(`^ +${verb}\\) words=`, 'm'));
    for (const [option] of stdout.matchAll(/(?<=\s)--[a-z-]+/g)) {
      options++;
      assert.ok(manual.includes(`${option}`), `${verb} ${option}`);
      assert.ok(completion.includes(option), `${verb} ${option}`);
    }
  }
  assert.ok(options > 20);
});

test('a wrong command line has exit code 64 and names what was probably meant', async () => {
  const cases = [
    [['vaildate'], /unknown verb 'vaildate', did you mean 'validate'\?/],
    [['xyzzyxyzzy'], /unknown verb 'xyzzyxyzzy', expected one of `millrace help`/],
    [[], /got no verb/],
    [['run'], /got 0 arguments, expected FILE\|NAME/],
    [['run', 'a', 'b'], /got 2 arguments/],
    [['run', '--nonsense', PICTURES], /--nonsense; see `millrace help run`/],
    [['run', '--duration', '-1', PICTURES], /'--duration': got -1/],
    [['run', '--quiet', '--progress', PICTURES], /expected one of them/],
    [['elements', '-o', 'xml'], /'-o': got 'xml', expected table, json or yaml/],
    [['help', 'nonsense'], /unknown verb 'nonsense'/],
  ];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await millrace(args);
    assert.equal(code, 64, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, expected);
  }
});
