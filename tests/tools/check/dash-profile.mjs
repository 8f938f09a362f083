// SPDX-License-Identifier: MIT
// What the profiles of an MPD want of it (ISO/IEC 23009-1 §8.3, §8.4).
import { dash } from './dash-mpd.mjs';

const LIVE = /^urn:mpeg:dash:profile:isoff-(ext-)?live:/;
const ON_DEMAND = /^urn:mpeg:dash:profile:isoff-(ext-)?on-demand:/;

/* Sets that nobody needs to play may be of another profile: who knows none ignores them. */
const isPlayed = (set) => !set.isTrick && set.type !== 'image';

/** Of an Mpd by itself. */
export function checkProfiles(mpd, report) {
  const profiles = (mpd.root.attributes.profiles ?? '').split(',');
  const sets = mpd.periods.flatMap((p) => p.sets).filter(isPlayed);
  if (profiles.some((p) => ON_DEMAND.test(p))) {
    report.check(!mpd.isDynamic, mpd.where, dash('8.3.2'), 'of the on-demand profile, and dynamic');
    for (const set of sets) {
      for (const r of set.representations) r.check(r.index && r.file, '8.3.3', 'of the on-demand profile, and not one file with its index');
      if (set.representations.length > 1) set.check(set.element.attributes.subsegmentAlignment === 'true', '8.3.2', 'of the on-demand profile, and several Representations without @subsegmentAlignment');
    }
  }
  if (profiles.some((p) => LIVE.test(p))) for (const r of sets.flatMap((s) => s.representations)) r.check(r.hasTemplate, '8.4.2', 'of the live profile, and without a SegmentTemplate');
}
