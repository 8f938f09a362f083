#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Checks an HLS presentation against draft-pantos-hls-rfc8216bis, strictly, with
// its media.
//
//     check-hls URL|PLAYLIST|DIRECTORY [--follow SECONDS]
//
// --follow goes on loading a live presentation and holds it against what it said
// before; one of low latency also by blocking reloads. One line per broken rule; exit code 0 when there is none, 1 when there
// is, 64 for wrong use.
import { followLowLatency } from './check/hls-follow.mjs';
import { Presentation } from './check/hls-presentation.mjs';
import { Report } from './check/report.mjs';
import { locate } from './check/source.mjs';

const [name, option, seconds, ...rest] = process.argv.slice(2);
if (!name || rest.length || (option && (option !== '--follow' || !(Number(seconds) > 0)))) {
  process.stderr.write('usage: check-hls URL|PLAYLIST|DIRECTORY [--follow SECONDS]\n');
  process.exit(64);
}
const report = new Report();
const presentation = new Presentation(locate(name, 'master.m3u8'), report);
await presentation.load();
if (option) {
  const end = Date.now() + Number(seconds) * 1000; const isOver = () => Date.now() >= end;
  const hasParts = presentation.url.protocol !== 'file:' && [...presentation.renditions.values()].some((r) => r.media?.partTarget && !r.media.ended);
  await Promise.all([presentation.follow(isOver), hasParts && followLowLatency(presentation.url, report, isOver, { inTime: true })]);
}
const lines = [...new Set(report.lines)];
for (const line of lines) process.stdout.write(`${line}\n`);
const segments = [...presentation.renditions.values()].reduce((sum, r) => sum + r.segments.size, 0);
process.stderr.write(`${lines.length ? `${lines.length} rules are broken` : 'no rule is broken'}: ${presentation.renditions.size} media playlists, ${segments} segments\n`);
process.exitCode = lines.length ? 1 : 0;
