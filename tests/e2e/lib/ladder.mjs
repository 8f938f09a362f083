// SPDX-License-Identifier: MIT
// Ladder presets for tests.
import fs from 'node:fs';
import path from 'node:path';

/** Writes a preset file and returns its path. rungs: [[height, kbit/s, frames per second at most (0: any)]]. */
export function preset(directory, speed, rungs) {
  const file = path.join(directory, `${speed}-${rungs.map((r) => r.join('x')).join('-')}.ini`);
  const lines = ['[ladder]', 'format=1', '[x264enc]', `speed-preset=${speed}`, 'bframes=2'];
  for (const [height, kbps, fps] of rungs) {
    lines.push(`[rung ${height}p]`, `height=${height}`, `bitrate-bps=${kbps * 1000}`);
    if (fps) lines.push(`max-frame-rate=${fps}`);
  }
  fs.writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}
