// SPDX-License-Identifier: MIT
// What the tools that tests lean on do otherwise from one version to the next: Debian 12 has
// FFmpeg 5.1 and GStreamer 1.22, Ubuntu 24.04 has FFmpeg 6.1 and GStreamer 1.24.
import { execFileSync } from 'node:child_process';

/** Whether a version that a tool prints, the first number with a point in it, is this one or later. */
function isAtLeast(command, option, major, minor) {
  const [, ...found] = /(\d+)\.(\d+)/.exec(execFileSync(command, [option], { encoding: 'utf8' }));
  return Number(found[0]) * 1000 + Number(found[1]) >= major * 1000 + minor;
}

/**
 * Reads an input as fast as it is to be shown. From 6.1 on FFmpeg first reads half a second
 * at once, so that all it sends is from then on half a second early, and what tests compare
 * with the clock is not what was captured then. It takes 0 for "not said": as good as none.
 */
export const REAL_TIME = ['-re', ...(isAtLeast('ffmpeg', '-version', 6, 1) ? ['-readrate_initial_burst', '0.001'] : [])];

/**
 * Whether qtdemux gives the last frame of a sound that its encoder was primed for. 1.22
 * compares that frame's time before the edit list with the length of what the list keeps,
 * and takes the file to have ended.
 */
export const LAST_FRAME_OF_EDIT = isAtLeast('gst-launch-1.0', '--gst-version', 1, 24);

/** Whether parsebin puts subparse behind text of its own; 1.24 hands it on as it was. */
export const PARSEBIN_PARSES_TEXT = !isAtLeast('gst-launch-1.0', '--gst-version', 1, 24);
