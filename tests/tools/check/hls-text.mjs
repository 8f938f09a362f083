// SPDX-License-Identifier: MIT
// The text of a playlist to tags and URIs, strictly (§4.1 to §4.4): what a
// lenient player would forgive is a problem here.

const MEDIA = 'media playlist'; const MULTIVARIANT = 'multivariant playlist'; const BOTH = 'either';

/** in: the kind of playlist; value: its form; segment: belongs to the URI that follows; many: may be repeated */
const TAGS = {
  EXTM3U: { in: BOTH, value: 'none', clause: '4.4.1.1' },
  'EXT-X-VERSION': { in: BOTH, value: 'integer', clause: '4.4.1.2' },
  'EXT-X-INDEPENDENT-SEGMENTS': { in: BOTH, value: 'none', clause: '4.4.2.1' },
  'EXT-X-START': { in: BOTH, value: 'attributes', clause: '4.4.2.2', required: ['TIME-OFFSET'] },
  'EXT-X-DEFINE': { in: BOTH, value: 'attributes', clause: '4.4.2.3', many: true },
  'EXT-X-TARGETDURATION': { in: MEDIA, value: 'integer', clause: '4.4.3.1' },
  'EXT-X-MEDIA-SEQUENCE': { in: MEDIA, value: 'integer', clause: '4.4.3.2' },
  'EXT-X-DISCONTINUITY-SEQUENCE': { in: MEDIA, value: 'integer', clause: '4.4.3.3' },
  'EXT-X-ENDLIST': { in: MEDIA, value: 'none', clause: '4.4.3.4' },
  'EXT-X-PLAYLIST-TYPE': { in: MEDIA, value: 'text', clause: '4.4.3.5' },
  'EXT-X-I-FRAMES-ONLY': { in: MEDIA, value: 'none', clause: '4.4.3.6' },
  'EXT-X-PART-INF': { in: MEDIA, value: 'attributes', clause: '4.4.3.7', required: ['PART-TARGET'] },
  'EXT-X-SERVER-CONTROL': { in: MEDIA, value: 'attributes', clause: '4.4.3.8' },
  EXTINF: { in: MEDIA, value: 'duration', clause: '4.4.4.1', segment: true },
  'EXT-X-BYTERANGE': { in: MEDIA, value: 'text', clause: '4.4.4.2', segment: true },
  'EXT-X-DISCONTINUITY': { in: MEDIA, value: 'none', clause: '4.4.4.3', segment: true },
  'EXT-X-KEY': { in: MEDIA, value: 'attributes', clause: '4.4.4.4', many: true, required: ['METHOD'] },
  'EXT-X-MAP': { in: MEDIA, value: 'attributes', clause: '4.4.4.5', many: true, required: ['URI'] },
  'EXT-X-PROGRAM-DATE-TIME': { in: MEDIA, value: 'text', clause: '4.4.4.6', segment: true },
  'EXT-X-GAP': { in: MEDIA, value: 'none', clause: '4.4.4.7', segment: true },
  'EXT-X-BITRATE': { in: MEDIA, value: 'integer', clause: '4.4.4.8', many: true },
  'EXT-X-PART': { in: MEDIA, value: 'attributes', clause: '4.4.4.9', many: true, required: ['URI', 'DURATION'] },
  'EXT-X-DATERANGE': { in: MEDIA, value: 'attributes', clause: '4.4.5.1', many: true, required: ['ID'] },
  'EXT-X-SKIP': { in: MEDIA, value: 'attributes', clause: '4.4.5.2', required: ['SKIPPED-SEGMENTS'] },
  'EXT-X-PRELOAD-HINT': { in: MEDIA, value: 'attributes', clause: '4.4.5.3', many: true, required: ['TYPE', 'URI'] },
  'EXT-X-RENDITION-REPORT': { in: MEDIA, value: 'attributes', clause: '4.4.5.4', many: true, required: ['URI'] },
  'EXT-X-MEDIA': { in: MULTIVARIANT, value: 'attributes', clause: '4.4.6.1', many: true, required: ['TYPE', 'GROUP-ID', 'NAME'] },
  'EXT-X-STREAM-INF': { in: MULTIVARIANT, value: 'attributes', clause: '4.4.6.2', segment: true, required: ['BANDWIDTH'] },
  'EXT-X-I-FRAME-STREAM-INF': { in: MULTIVARIANT, value: 'attributes', clause: '4.4.6.3', many: true, required: ['BANDWIDTH', 'URI'] },
  'EXT-X-SESSION-DATA': { in: MULTIVARIANT, value: 'attributes', clause: '4.4.6.4', many: true, required: ['DATA-ID'] },
  'EXT-X-SESSION-KEY': { in: MULTIVARIANT, value: 'attributes', clause: '4.4.6.5', many: true, required: ['METHOD'] },
  'EXT-X-CONTENT-STEERING': { in: MULTIVARIANT, value: 'attributes', clause: '4.4.6.6', required: ['SERVER-URI'] },
};

const ATTRIBUTE = /^([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(?:,(?=[A-Z0-9-]+=)|$)/;

/** §4.2: { NAME: value }, quoted: names of those that were quoted strings. */
function readAttributes(text, where, report) {
  const attributes = {}; const quoted = new Set();
  let rest = text;
  while (rest) {
    const match = ATTRIBUTE.exec(rest);
    if (!report.check(match, where, '4.2', `got attributes '${rest.slice(0, 60)}', expected NAME=value, separated by commas without spaces`)) break;
    const [whole, name, value] = match;
    report.check(!(name in attributes), where, '4.2', `attribute ${name} appears twice`);
    if (value.startsWith('"')) quoted.add(name);
    attributes[name] = value.replace(/^"|"$/g, '');
    rest = rest.slice(whole.length);
  }
  return { attributes, quoted };
}

function readValue(tag, spec, text, where, report) {
  if (spec.value === 'none') report.check(text === undefined, where, spec.clause, `${tag} takes no value, got '${text}'`);
  else if (!report.check(text !== undefined && text !== '', where, spec.clause, `${tag} needs a value`)) return {};
  if (spec.value === 'integer') {
    report.check(/^\d{1,20}$/.test(text), where, spec.clause, `${tag}: got '${text}', expected a decimal integer`);
    return { number: Number(text) };
  }
  if (spec.value === 'duration') {
    const match = /^(\d+(?:\.\d+)?),(.*)$/.exec(text);
    report.check(match, where, spec.clause, `EXTINF: got '${text}', expected a duration and a comma`);
    return { number: match ? Number(match[1]) : NaN, isInteger: match ? !match[1].includes('.') : true };
  }
  if (spec.value !== 'attributes') return { text };
  const read = readAttributes(text, where, report);
  for (const name of spec.required ?? []) report.check(name in read.attributes, where, spec.clause, `${tag} has no ${name}`);
  return read;
}

function checkLine(line, where, report) {
  // §4.4.5.2 separates IDs by tabs, which no other text may have.
  const text = line.startsWith('#EXT-X-SKIP:') ? line.replaceAll('\t', '') : line;
  // eslint-disable-next-line no-control-regex
  report.check(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(text), where, '4.1', 'a control character, expected none but line ends');
  report.check(line === line.normalize('NFC'), where, '4.1', 'text that is not of Unicode form NFC');
  if (!line.startsWith('#')) report.check(!/\s/.test(line), where, '4.1', `got URI '${line}' with white space`);
}

/**
 * { kind, tags: [{ name, line, attributes, number, text }], uris: [{ uri, line, tags }], byName }
 * The tags of a URI are those that stand before it and belong to it.
 */
export function readPlaylist(bytes, where, report) {
  const text = bytes.toString('utf8');
  report.check(!text.startsWith('\ufeff'), where, '4.1', 'begins with a byte order mark');
  report.check(!text.includes('\ufffd'), where, '4.1', 'is not UTF-8');
  const lines = text.split(/\r?\n/);
  report.check(lines[0] === '#EXTM3U', `${where}:1`, '4.4.1.1', `got '${lines[0].slice(0, 20)}', expected #EXTM3U`);
  const playlist = { where, kind: null, tags: [], uris: [], byName: new Map() };
  let waiting = [];
  lines.forEach((line, index) => {
    const at = `${where}:${index + 1}`;
    checkLine(line, at, report);
    if (line === '' || (line.startsWith('#') && !line.startsWith('#EXT'))) return;
    if (!line.startsWith('#')) {
      playlist.uris.push({ uri: line, at, tags: waiting });
      waiting = [];
      return;
    }
    const [, name, value] = /^#([^:]+)(?::(.*))?$/.exec(line) ?? [];
    const spec = TAGS[name];
    if (!report.check(spec, at, '4.1', `unknown tag #${name}`)) return;
    const tag = { name, at, ...readValue(name, spec, value, at, report), before: playlist.uris.length };
    if (spec.in !== BOTH) {
      report.check(!playlist.kind || playlist.kind === spec.in, at, '4.4', `${name} is a tag of a ${spec.in}, this is a ${playlist.kind}`);
      playlist.kind ??= spec.in;
    }
    const same = playlist.byName.get(name) ?? [];
    if (spec.segment) report.check(!waiting.some((t) => t.name === name), at, spec.clause, `${name} appears twice for one URI`);
    else report.check(spec.many || same.length === 0, at, spec.clause, `${name} appears twice`);
    playlist.byName.set(name, [...same, tag]);
    playlist.tags.push(tag);
    if (spec.segment || name === 'EXT-X-PART') waiting.push(tag);
  });
  playlist.trailing = waiting;
  return playlist;
}

export const first = (playlist, name) => playlist.byName.get(name)?.[0];
export const all = (playlist, name) => playlist.byName.get(name) ?? [];
