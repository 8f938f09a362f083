#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Checks a DASH presentation against ISO/IEC 23009-1, strictly, with its media.
//
//     check-dash URL|MPD|DIRECTORY [--follow SECONDS]
//
// --follow goes on loading a live presentation and holds it against what it said
// before. One line per broken rule; exit code 0 when there is none, 1 when there
// is, 64 for wrong use. Needs xmllint (libxml2-utils).
import { Presentation } from './check/dash-presentation.mjs';
import { Report } from './check/report.mjs';
import { locate } from './check/source.mjs';

const [name, option, seconds, ...rest] = process.argv.slice(2);
if (!name || rest.length || (option && (option !== '--follow' || !(Number(seconds) > 0)))) {
  process.stderr.write('usage: check-dash URL|MPD|DIRECTORY [--follow SECONDS]\n');
  process.exit(64);
}
const report = new Report();
const presentation = new Presentation(locate(name, 'manifest.mpd'), report);
await presentation.load();
if (option) {
  const end = Date.now() + Number(seconds) * 1000;
  await presentation.follow(() => Date.now() >= end);
}
const lines = [...new Set(report.lines)];
for (const line of lines) process.stdout.write(`${line}\n`);
process.stderr.write(`${lines.length ? `${lines.length} rules are broken` : 'no rule is broken'}: ${presentation.periods.size} Periods, ${presentation.segments.size} segments\n`);
process.exitCode = lines.length ? 1 : 0;
