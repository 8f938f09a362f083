// SPDX-License-Identifier: MIT
// Captions as players give them, against the pictures that were seen.
import assert from 'node:assert/strict';

/** The words of a cue without its markup. */
export const plain = (text) => text.replace(/<[^>]+>/g, '').trim();

/** Cues in order, each once: a player may give it in pieces that follow each other, by segments, by samples. */
export function join(cues) {
  const joined = [];
  for (const cue of cues.sort((a, b) => a.start - b.start)) {
    const before = joined.find((c) => c.text === cue.text && cue.start - c.end < 0.002 && cue.end >= c.end - 0.002);
    if (before) before.end = Math.max(before.end, cue.end);
    else joined.push({ ...cue });
  }
  return joined;
}

/**
 * Each caption comes with its picture: the frame of that number is shown at the cue's time. A busy
 * machine drops pictures: when one is on is told by those that were seen, which all have to agree.
 */
export function assertInTime(cues, frames, captions, words, fps) {
  const frameMs = 1000 / fps;
  const zeros = frames.map(([number, ms]) => ms - number * frameMs).sort((a, b) => a - b);
  assert.ok(zeros.length > 0 && zeros.at(-1) - zeros[0] <= 5, `times fit numbers: picture 0 is at ${zeros[0]} to ${zeros.at(-1)} ms`);
  const zero = zeros[zeros.length >> 1];
  const joined = join(cues);
  assert.equal(joined.length, captions.length, JSON.stringify(joined));
  captions.forEach(([from, to], i) => {
    const cue = joined[i];
    assert.match(plain(cue.text), words(from));
    for (const [frame, time] of [[from, cue.start], [to, cue.end]]) {
      const expected = zero + frame * frameMs;
      assert.ok(Math.abs(time * 1000 - expected) < frameMs / 2, `frame ${frame} is shown at ${expected} ms, the caption's border is at ${time * 1000} ms`);
    }
  });
}
