// SPDX-License-Identifier: MIT
// Rendition reports by their values (§4.4.5.4): they say how far the other
// playlists are, as up to date as the one that they stand in. What they say is
// held against what those playlists said before the request, and say after it.

/* Of a segment without parts (a gap) nobody knows how many it had: that is no proof. */
const isBefore = (a, b) => a.msn < b.msn || a.msn === b.msn && a.part < b.part;
const print = ({ msn, part }) => (part === undefined ? `segment ${msn}` : `part ${part} of segment ${msn}`);

/** The last part that a playlist lists: { msn, part }. */
function tipOf(media) {
  const open = media.first + media.segments.length;
  if (media.openParts.length) return { msn: open, part: media.openParts.length - 1 };
  return { msn: open - 1, part: media.segments.at(-1)?.parts.length ? media.segments.at(-1).parts.length - 1 : undefined };
}

/** One playlist as the reports of others see it. */
export class Reported {
  constructor() { this.before = undefined; this.now = undefined; this.told = undefined; }

  /** A version of it was read; @asked: what others had told of it when it was asked for. */
  read(media, asked, where, report) {
    const tip = tipOf(media);
    if (!media.ended && asked) report.check(!isBefore(tip, asked), where, '4.4.5.4', `ends at ${print(tip)}, and a report of it has told ${print(asked)} before`);
    this.before = this.now ?? tip;
    this.now = tip;
  }

  /**
   * What a report tells of it. @least: its `before` when the playlist with the report
   * was asked for. That one may be a version behind: renditions are in step within
   * one part target (B.1).
   */
  check({ attributes }, least, where, report) {
    const tip = { msn: Number(attributes['LAST-MSN']), part: attributes['LAST-PART'] === undefined ? undefined : Number(attributes['LAST-PART']) };
    if (least) report.check(!isBefore(tip, least), where, '4.4.5.4', `reports ${print(tip)} of '${attributes.URI}', which had ${print(least)} and more already`);
    if (!this.told || isBefore(this.told, tip)) this.told = tip;
  }
}
