// SPDX-License-Identifier: MIT
// An event message box for the checkers' own tests.

/** ISO/IEC 23009-1 §5.10.3.3, version 1. */
export function emsgBox({ version = 1, timescale = 48000, time = 0, duration = 0xffffffff, id = 1, scheme = 'urn:scte:scte35:2013:bin', message = 'x' } = {}) {
  const head = Buffer.alloc(32);
  const text = Buffer.from(`${scheme}\0\0${message}`);
  head.writeUInt32BE(head.length + text.length, 0);
  head.write('emsg', 4, 'latin1');
  head.writeUInt8(version, 8);
  head.writeUInt32BE(timescale, 12);
  head.writeBigUInt64BE(BigInt(time), 16);
  head.writeUInt32BE(duration, 24);
  head.writeUInt32BE(id, 28);
  return Buffer.concat([head, text]);
}

/** The segment with the box before the first box of that type. */
export function insertBox(segment, box, type = 'moof') {
  for (let at = 0; at < segment.length; at += segment.readUInt32BE(at))
    if (segment.toString('latin1', at + 4, at + 8) === type) return Buffer.concat([segment.subarray(0, at), box, segment.subarray(at)]);
  throw new Error(`no ${type} box`);
}
