// SPDX-License-Identifier: MIT
// When segments can be loaded (ISO/IEC 23009-1 §5.3.9.5.3): the oldest of the time
// shift buffer is there, and one that grows is sent as it grows.

/* Of each Representation, as many growing segments are looked at. */
const GROWING = 4;
/* And as many tell whether they are sent in parts: one may be late by chance. */
const ENOUGH = 3;

/** One GET, its body piece by piece: { status, spread: seconds from the first piece to the last }; status: text when there is none, or no end. */
async function watch(url, { fetch, now }) {
  let first; let last; let pieces = 0;
  try {
    const response = await fetch(url);
    for await (const piece of response.body ?? []) if (piece.length) { last = now(); first ??= last; pieces += 1; }
    return { status: response.status, spread: first === undefined ? 0 : (last - first) / 1000 };
  } catch (error) { return { status: `cut off behind ${pieces} pieces (${error.cause?.message ?? error.message})` }; }
}

/** Of one presentation over HTTP. */
export class Arrivals {
  constructor(url, read, web = { fetch, now: () => performance.now() }) { Object.assign(this, { url, read, web, oldest: new Map(), growing: new Map(), pending: [] }); }

  key(r) { return `${r.period.id}/${r.id}`; }

  /** Of segments that are counted: the first of the buffer, each time that it is another. */
  async checkOldest(r, mpd, now) {
    if (r.nominal === undefined || mpd.depth === undefined) return;
    const [first] = r.numbered(mpd, now); const key = this.key(r);
    if (!first || this.oldest.get(key) === first.number) return;
    this.oldest.set(key, first.number);
    r.check(await this.read(new URL(r.uri(first), this.url)), '5.3.9.5.3', `segment ${first.number} is the oldest of the ${mpd.depth} s of @timeShiftBufferDepth, and cannot be loaded`);
  }

  /** Asks for the segment of which, by the clock, the first chunk is there. Its answer ends with the segment. */
  ask(r, mpd, now) {
    if (r.nominal === undefined || r.isWhole || !(r.early > 0)) return;
    const length = r.nominal / r.timescale; const index = Math.floor((now - mpd.availabilityStart - r.period.start) / length);
    const segment = { number: r.first + index, time: r.offset + index * r.nominal, duration: r.nominal };
    const seen = this.growing.get(this.key(r)) ?? { numbers: new Set(), spreads: [] };
    this.growing.set(this.key(r), seen);
    if (index < 0 || now < r.availableAt(segment, mpd) || seen.numbers.has(segment.number) || seen.numbers.size >= GROWING) return;
    seen.numbers.add(segment.number);
    Object.assign(seen, { r, least: length - r.early });
    this.pending.push(watch(new URL(r.uri(segment), this.url), this.web).then(({ status, spread }) => {
      if (r.check(status === 200, '5.3.9.5.3', `segment ${segment.number} is available by @availabilityTimeOffset ${r.early}, and is answered ${status}`)) seen.spreads.push(spread);
    }));
  }

  /** Waits for what was asked for, and judges it. */
  async finish() {
    await Promise.all(this.pending.splice(0));
    for (const { r, least, spreads } of this.growing.values()) {
      if (!r || spreads.length < ENOUGH) continue;
      r.check(spreads.some((spread) => spread >= least), '5.3.9.5.3', `@availabilityTimeComplete false, and of ${spreads.length} growing segments none came in parts: at most ${Math.max(...spreads).toFixed(3)} s from its first byte to its last`);
    }
  }
}
