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

/** Each caption comes with its picture: the frame of that number is shown at the cue's time. */
export function assertInTime(cues, frames, captions, words, fps) {
  const frameMs = 1000 / fps;
  const timeOf = new Map(frames.map(([number, ms]) => [number, ms]));
  const joined = join(cues);
  assert.equal(joined.length, captions.length, JSON.stringify(joined));
  captions.forEach(([from, to], i) => {
    const cue = joined[i];
    assert.match(plain(cue.text), words(from));
    for (const [frame, time] of [[from, cue.start], [to, cue.end]]) {
      /* A busy machine drops pictures: what is on is between two that were seen. */
      const near = [...timeOf.keys()].filter((n) => Math.abs(n - frame) <= 15).sort((a, b) => Math.abs(a - frame) - Math.abs(b - frame))[0];
      assert.notEqual(near, undefined, `no picture near ${frame} was seen`);
      const expected = timeOf.get(near) + (frame - near) * frameMs;
      assert.ok(Math.abs(time * 1000 - expected) < frameMs / 2, `frame ${frame} is shown at ${expected} ms, the caption's border is at ${time * 1000} ms`);
    }
  });
}
