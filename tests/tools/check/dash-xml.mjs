// SPDX-License-Identifier: MIT
// An MPD as a tree, held against the schema (mpd.rng) by xmllint; and the types
// of its attributes.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCHEMA = fileURLToPath(new URL('mpd.rng', import.meta.url));
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const TAG = /<(?:\?[^]*?\?|!--[^]*?--|(\/?)([\w:.-]+)((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?))>|([^<]+)/g;

const plain = (text) => text.replace(/&(#x?[0-9a-f]+|\w+);/gi, (_, name) => (name[0] === '#' ? String.fromCodePoint(name[1] === 'x' ? parseInt(name.slice(2), 16) : Number(name.slice(1))) : ENTITIES[name] ?? ''));

/** One element: attributes by name, children in order. */
class Element {
  constructor(name, parent) { Object.assign(this, { name, parent, attributes: {}, children: [], text: '' }); }

  all(name) { return this.children.filter((c) => c.name === name); }

  one(name) { return this.children.find((c) => c.name === name); }

  number(name, otherwise) { return this.attributes[name] === undefined ? otherwise : Number(this.attributes[name]); }

  seconds(name) { return seconds(this.attributes[name]); }

  date(name) { return this.attributes[name] === undefined ? undefined : Date.parse(this.attributes[name]) / 1000; }
}

/** An xs:duration; years and months have no place in an MPD. */
export function seconds(text) {
  const parts = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(text ?? '');
  return parts ? Number(parts[1] ?? 0) * 86400 + Number(parts[2] ?? 0) * 3600 + Number(parts[3] ?? 0) * 60 + Number(parts[4] ?? 0) : undefined;
}

function parse(text) {
  const root = new Element('', undefined); let open = root;
  for (const [, closes, name, attributes, empty, characters] of text.matchAll(TAG)) {
    if (characters) { open.text += plain(characters).trim(); continue; }
    if (!name) continue;
    if (closes) { open = open.parent ?? root; continue; }
    const element = new Element(name.replace(/^.*:/, ''), open);
    for (const [, key, double, single] of attributes.matchAll(/([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) element.attributes[key] = plain(double ?? single);
    open.children.push(element);
    if (!empty) open = element;
  }
  return root.one('MPD');
}

/** The MPD element, or undefined when it is none. */
export function readMpd(bytes, where, report) {
  const { status, stderr, error } = spawnSync('xmllint', ['--noout', '--nonet', '--relaxng', SCHEMA, '-'], { input: bytes, encoding: 'utf8' });
  if (error) throw new Error(`xmllint (of libxml2-utils): ${error.message}`);
  const lines = stderr.split('\n').filter((line) => /error/.test(line)).map((line) => line.replace(/^-:/, 'line '));
  report.check(status === 0, where, 'ISO/IEC 23009-1 §5.2.3', `is not valid by the schema: ${[...new Set(lines)].slice(0, 4).join('; ') || stderr.trim()}`);
  return parse(bytes.toString('utf8'));
}
