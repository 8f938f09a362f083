// SPDX-License-Identifier: MIT
// How playlists and what they list come over HTTP: for how long caches may keep
// them, how old they are, and compressed (B.1, appendix C, RFC 9111). Nothing here
// depends on the version of HTTP: a proxy in front may speak another one.

/* Shorter texts gain nothing by it. */
const GZIP_BYTES = 1024;
/* Of B.1, in target durations: for how long is kept what was waited for, and what was not. */
const BLOCKED_TARGETS = 6;
const PLAIN_TARGETS = 0.5;
const FAILED_TARGETS = 4;

const lifetime = (headers) => Number(/\bmax-age=(\d+)/.exec(headers.get('cache-control') ?? '')?.[1] ?? NaN);

/** RFC 9111 §5.1, §4.2: seconds, and what a cache still answers with is no older than it may be. */
function checkAge({ headers }, where, report) {
  const age = headers.get('age');
  if (age === null) return;
  if (!report.check(/^\d+$/.test(age), where, 'RFC 9111 §5.1', `Age is '${age}', expected whole seconds`)) return;
  const most = lifetime(headers);
  report.check(!(Number(age) > most), where, 'RFC 9111 §4.2', `Age is ${age}, and Cache-Control lets it be kept for ${most} s`);
}

/** The answer to a request of a live playlist; @target: its target duration. */
export function checkPlaylistAnswer(answer, { target, hasWaited }, where, report) {
  const { headers, bytes } = answer; const age = lifetime(headers);
  const wanted = (hasWaited ? BLOCKED_TARGETS : PLAIN_TARGETS) * target;
  const isKept = hasWaited ? age === wanted : age <= Math.max(1, wanted);
  report.check(isKept, where, 'B.1', `Cache-Control is '${headers.get('cache-control') ?? ''}', expected max-age=${wanted} of a playlist that was ${hasWaited ? '' : 'not '}waited for`);
  if (bytes.length >= GZIP_BYTES) report.check(headers.get('content-encoding') === 'gzip', where, 'B.1', `a playlist of ${bytes.length} bytes comes without gzip`);
  checkAge(answer, where, report);
}

/** A part that was there, or has come: it never changes. */
export function checkPartAnswer(answer, { target, uri }, where, report) {
  const age = lifetime(answer.headers);
  report.check(age >= BLOCKED_TARGETS * target, where, 'B.1', `Cache-Control of part '${uri}' is '${answer.headers.get('cache-control') ?? ''}', expected max-age=${BLOCKED_TARGETS * target} or more`);
  checkAge(answer, where, report);
}

/** What was refused: it may be there a moment later, and caches forget it by then. */
export function checkRefusal({ headers, status }, { target, what }, where, report) {
  report.check(!(lifetime(headers) > FAILED_TARGETS * target), where, 'B.1', `Cache-Control of a ${status} is '${headers.get('cache-control')}' for ${what}, expected max-age=${FAILED_TARGETS * target} at most`);
}
