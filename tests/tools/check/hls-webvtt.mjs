// SPDX-License-Identifier: MIT
// The rules of segmented WebVTT (draft-pantos-hls-rfc8216bis 3.1.4 and 3.5, W3C
// WebVTT): each segment, and those of a rendition with each other.
const MPEG_WRAP = 2 ** 33;
const TIME = /^(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})$/;
const SETTING = /^(vertical:(rl|lr)|line:-?\d+(\.\d+)?%?(,(start|center|end))?|position:\d+(\.\d+)?%(,[a-z-]+)?|size:\d+(\.\d+)?%|align:(start|center|end|left|right)|region:\S+)$/;
const TAGS = ['b', 'i', 'u', 'c', 'v', 'lang', 'ruby', 'rt'];
/* Times in WebVTT are milliseconds, media has finer ones. */
const ROUNDING_S = 0.001;

/** Whether a playlist's segment is one, by its name. */
export const isWebvtt = (uri) => /\.(vtt|webvtt)$/.test(uri);

function readTime(text) {
  const [, hours = '0', minutes, seconds, ms] = TIME.exec(text) ?? [];
  return minutes === undefined ? undefined : Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(ms) / 1000;
}

/** { local: s, mpegts } of X-TIMESTAMP-MAP; the attributes come in any order. */
function readMap(line) {
  const [, local] = /LOCAL:([0-9:.]+)/.exec(line) ?? []; const [, mpegts] = /MPEGTS:(\d+)/.exec(line) ?? [];
  return { local: local && readTime(local), mpegts: mpegts === undefined ? undefined : Number(mpegts) };
}

function checkText(text, where, report) {
  report.check(!text.includes('-->'), where, 'WebVTT 4.1', 'cue text has an arrow');
  const open = [];
  for (const [, close, tag] of text.matchAll(/<(\/?)([a-z0-9:.]*)[^>]*>/gi)) {
    const name = tag.split('.')[0];
    if (/^\d/.test(name)) continue; // a timestamp
    report.check(TAGS.includes(name), where, 'WebVTT 4.2.2', `cue text has a tag <${tag}>`);
    if (!close) open.push(name);
    else report.check(open.pop() === name, where, 'WebVTT 4.2.2', `</${name}> closes what is not open`);
  }
  report.check(open.length === 0, where, 'WebVTT 4.2.2', `<${open.at(-1)}> is not closed`);
  report.check(!/&(?!(amp|lt|gt|nbsp|lrm|rlm|#\d+|#x[0-9a-f]+);)/i.test(text), where, 'WebVTT 4.2.2', 'cue text has an & that begins no reference');
}

function readCue(block, where, report) {
  const lines = block.split('\n'); const at = lines[0].includes('-->') ? 0 : 1;
  const [, start, end, settings = ''] = /^(\S+)[ \t]+-->[ \t]+(\S+)[ \t]*(.*)$/.exec(lines[at] ?? '') ?? [];
  const cue = { id: at ? lines[0] : '', start: readTime(start ?? ''), end: readTime(end ?? ''), text: lines.slice(at + 1).join('\n') };
  if (!report.check(cue.start !== undefined && cue.end !== undefined, where, 'WebVTT 4.1', `'${lines[at]}' are no cue timings`)) return undefined;
  report.check(cue.end > cue.start, where, 'WebVTT 4.1', `a cue ends at ${cue.end} and begins at ${cue.start}`);
  for (const setting of settings.split(/[ \t]+/).filter(Boolean)) report.check(SETTING.test(setting), where, 'WebVTT 4.4', `'${setting}' is no cue setting`);
  checkText(cue.text, where, report);
  return cue;
}

/** Returns { map, cues: [{ start, end, text }] }, times in s as they are in the file. */
export function checkWebvtt(bytes, where, report) {
  let text = '';
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    report.check(false, where, 'WebVTT 4.1', 'is not UTF-8');
  }
  const [head, ...blocks] = text.replace(/\r\n?/g, '\n').split(/\n{2,}/);
  const [magic, ...lines] = head.split('\n');
  report.check(/^WEBVTT([ \t].*)?$/.test(magic), where, 'WebVTT 4.1', `begins with '${magic.slice(0, 20)}', expected WEBVTT`);
  const maps = lines.filter((line) => line.startsWith('X-TIMESTAMP-MAP='));
  report.check(maps.length === 1, where, '3.1.4', `has ${maps.length} X-TIMESTAMP-MAP, expected one`);
  const map = readMap(maps[0] ?? '');
  report.check(!maps.length || map.local !== undefined, where, '3.1.4', 'X-TIMESTAMP-MAP has no LOCAL time');
  report.check(!maps.length || (map.mpegts !== undefined && map.mpegts < MPEG_WRAP), where, '3.1.4', `MPEGTS ${map.mpegts}, expected 33 bits`);
  const cues = blocks.map((block) => block.replace(/\n+$/, '')).filter((block) => block && !/^(NOTE|STYLE|REGION)\b/.test(block));
  return { map, cues: cues.map((block) => readCue(block, where, report)).filter(Boolean) };
}

/** Time of a cue on the media's timeline, s; that wraps, and is taken near @near. */
export function toMediaTime(time, map, near) {
  const ticks = (time - map.local) * 90000 + map.mpegts; const wrap = MPEG_WRAP / 90000;
  return ticks / 90000 + Math.round((near - ticks / 90000) / wrap) * wrap;
}

/**
 * Segments of a rendition in order, each { number, at, begins, gap, start, end, webvtt }, times
 * in s on the media's timeline: where the video of that number is. Undefined when nobody knows.
 */
export function checkCaptions(segments, report) {
  let before;
  for (const segment of segments) {
    const { webvtt, at, start, end } = segment;
    if (!webvtt || start === undefined || webvtt.map.local === undefined || webvtt.map.mpegts === undefined) { before = undefined; continue; }
    const cues = webvtt.cues.map((cue) => ({ ...cue, from: toMediaTime(cue.start, webvtt.map, start), to: toMediaTime(cue.end, webvtt.map, start) }));
    for (const cue of cues) report.check(cue.from < end + ROUNDING_S && cue.to > start - ROUNDING_S, at, '3.1.4', `a cue from ${cue.from.toFixed(3)} to ${cue.to.toFixed(3)} s is not shown in this segment, which is from ${start.toFixed(3)} to ${end.toFixed(3)} s`);
    /* What is still on at the end of a segment is in the next one too. */
    if (before && before.number === segment.number - 1 && !segment.begins)
      for (const cue of before.cues) if (cue.to > start + ROUNDING_S) report.check(cues.some((c) => c.text === cue.text && Math.abs(c.to - cue.to) <= ROUNDING_S), at, '3.1.4', `the cue that ends at ${cue.to.toFixed(3)} s is in the segment before, not in this one`);
    before = { number: segment.number, cues };
  }
}
