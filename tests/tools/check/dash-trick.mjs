// SPDX-License-Identifier: MIT
// Sets of pictures to jump through (DASH-IF IOP §3.2.9): each entry of their list is
// one picture that its header alone decodes, at the time that the timeline says.
import { checkHeader, readFirstSample } from './cmaf.mjs';
import { dash } from './dash-mpd.mjs';
import { read } from './source.mjs';

const IOP = 'DASH-IF IOP §3.2.9';
const parse = (text) => { const [, from, to] = /^(\d+)-(\d+)$/.exec(text ?? '') ?? []; return from === undefined ? undefined : { offset: Number(from), length: Number(to) - Number(from) + 1 }; };

/** The times of a SegmentTimeline, one for each segment. */
function times(timeline) {
  const list = []; let at = 0;
  for (const s of timeline.all('S')) {
    at = s.number('t', at);
    for (let k = 0; k <= s.number('r', 0); k++, at += s.number('d')) list.push(at);
  }
  return list;
}

export async function checkTrick(r, presentation) {
  const { report } = presentation; const { set, list } = r;
  const target = set.element.all('EssentialProperty').find((p) => /trickmode/.test(p.attributes.schemeIdUri)).attributes.value;
  const check = (holds, clause, text) => report.check(holds, r.where, clause, text);
  check(r.period.sets.some((s) => s.element.attributes.id === target && !s.isTrick), IOP, `goes with set ${target}, which is not there`);
  check(Number(r.attributes.maxPlayoutRate) > 1, IOP, `@maxPlayoutRate ${r.attributes.maxPlayoutRate}, expected more than 1`);
  check(r.attributes.codingDependency === 'false', IOP, `@codingDependency ${r.attributes.codingDependency}, expected false`);
  const init = list.one('Initialization'); const urls = list.all('SegmentURL'); const told = times(list.one('SegmentTimeline'));
  check(urls.length === told.length, dash('5.3.9.3.2'), `${urls.length} SegmentURLs, the timeline has ${told.length} segments`);
  const bytes = await read(new URL(init.attributes.sourceURL, presentation.url), parse(init.attributes.range));
  const header = bytes && checkHeader(bytes, `${r.where} ${init.attributes.sourceURL}`, report);
  if (!check(header, dash('5.3.9.3.2'), `'${init.attributes.sourceURL}' is no header`)) return;
  for (const [i, { attributes: { media, mediaRange } }] of urls.entries()) {
    const range = parse(mediaRange);
    const data = range && await read(new URL(media, presentation.url), range);
    if (!check(data?.length === range?.length && range, dash('5.3.9.3.2'), `bytes ${mediaRange} of '${media}' are not all there`)) continue;
    const sample = readFirstSample(data, header);
    if (!check(sample, IOP, `bytes ${mediaRange} of '${media}' do not begin with the moof of a picture`)) continue;
    check(sample.sync && sample.end === data.length, IOP, `bytes ${mediaRange} of '${media}' are ${sample.sync ? '' : 'no I-frame'}${sample.end === data.length ? '' : `not the picture, which ends at ${sample.end}`}`);
    check(sample.time === told[i], dash('5.3.9.6'), `the picture in '${media}' is of ${sample.time}, the timeline says ${told[i]}`);
  }
}
