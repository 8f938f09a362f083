// SPDX-License-Identifier: MIT
// The rules of MPEG transport stream segments (draft-pantos-hls-rfc8216bis 3.1.1,
// ISO/IEC 13818-1): each segment, and those of a rendition with each other.
const PACKET = 188;
const CLOCK = 90000;
const WRAP = 2 ** 33;
/* A picture or a frame of sound that a muxer has put into the next segment. */
const SLACK_S = 0.25;
const ROUNDING_S = 0.0015;
/** §2.4.4.9 table 2-34, and what ATSC A/53 adds. */
const TYPES = { 0x1b: ['video', /^avc[13]\./], 0x24: ['video', /^(hvc1|hev1)\./], 0x0f: ['audio', /^mp4a\.40\.(2|5|29)$/], 0x03: ['audio', /^mp4a\.(40\.34|6B|69)$/], 0x04: ['audio', /^mp4a\.(40\.34|6B|69)$/], 0x81: ['audio', /^ac-3$/], 0x87: ['audio', /^ec-3$/] };

/** Whether a playlist's segment is one, by its name. */
export const isTransport = (uri) => /\.ts$/.test(uri);

const stampAt = (b, at) => ((b[at] >> 1) & 7) * 2 ** 30 + ((b.readUInt16BE(at + 1) >> 1) * 2 ** 15) + (b.readUInt16BE(at + 3) >> 1);

/** §2.4.3.2: { pid, begins, counter, random, payload } of a packet. */
function readPacket(bytes, at) {
  const control = bytes[at + 3] >> 4 & 3;
  const field = control & 2 ? bytes[at + 4] : 0;
  return {
    pid: bytes.readUInt16BE(at + 1) & 0x1fff, begins: Boolean(bytes[at + 1] & 0x40), counter: bytes[at + 3] & 0xf,
    random: field > 0 && Boolean(bytes[at + 5] & 0x40),
    payload: control & 1 ? bytes.subarray(at + 4 + (control & 2 ? 1 + field : 0), at + PACKET) : undefined,
  };
}

const section = (payload) => payload.subarray(1 + payload[0]);
const sectionEnd = (table) => 3 + (table.readUInt16BE(1) & 0xfff) - 4;

function readPrograms(payload) {
  const table = section(payload); const programs = [];
  for (let at = 8; at + 4 <= sectionEnd(table); at += 4) if (table.readUInt16BE(at) !== 0) programs.push(table.readUInt16BE(at + 2) & 0x1fff);
  return programs;
}

function readStreams(payload) {
  const table = section(payload); const streams = new Map();
  let at = 12 + (table.readUInt16BE(10) & 0xfff);
  while (at + 5 <= sectionEnd(table)) {
    streams.set(table.readUInt16BE(at + 1) & 0x1fff, { type: table[at], times: [] });
    at += 5 + (table.readUInt16BE(at + 3) & 0xfff);
  }
  return streams;
}

/** §2.4.3.6: the stamps of a PES packet; its decoding time, or else the one it is shown at. */
function readTimes(payload) {
  if (payload.length < 14 || payload.readUIntBE(0, 3) !== 1 || !(payload[7] & 0x80)) return undefined;
  const pts = stampAt(payload, 9);
  return { pts, dts: payload[7] & 0x40 ? stampAt(payload, 14) : pts };
}

/** Types of the NAL units that the access unit which @payloads begin has. */
function nalTypes(payloads, isHevc) {
  const data = Buffer.concat(payloads); const types = [];
  for (let at = data.indexOf('000001', 9, 'hex'); at >= 0 && at + 3 < data.length; at = data.indexOf('000001', at + 3, 'hex')) types.push(isHevc ? data[at + 3] >> 1 & 0x3f : data[at + 3] & 0x1f);
  return types;
}

function checkFirstPicture(stream, where, report) {
  const isHevc = stream.type === 0x24; const types = nalTypes(stream.first ?? [], isHevc);
  const isIdr = types.some((t) => (isHevc ? t >= 16 && t <= 21 : t === 5)); const hasSets = isHevc ? types.includes(33) && types.includes(34) : types.includes(7) && types.includes(8);
  report.check(isIdr, where, '4.4.2.1', `does not begin with a picture that decoding can begin at: NAL units ${types.slice(0, 6)}`);
  report.check(hasSets, where, '3.1.1', `its first picture comes without parameter sets: NAL units ${types.slice(0, 6)}`);
}

function checkTables(packets, where, report) {
  const [first, second] = packets;
  if (!report.check(first?.pid === 0 && first.begins, where, '3.1.1', `begins with PID ${first?.pid}, expected a PAT`)) return undefined;
  const programs = readPrograms(first.payload);
  report.check(programs.length === 1, where, '3.1.1', `has ${programs.length} programs, expected one`);
  if (!report.check(second?.pid === programs[0] && second.begins, where, '3.1.1', `PID ${second?.pid} stands behind the PAT, expected the PMT of PID ${programs[0]}`)) return undefined;
  return { pmt: programs[0], streams: readStreams(second.payload) };
}

/** Returns { streams: pid -> { type, kind, times, first }, counters: pid -> [first, last] }. */
export function checkTransport(bytes, where, report) {
  report.check(bytes.length > 0 && bytes.length % PACKET === 0, where, '13818-1 2.4.3.2', `has ${bytes.length} bytes, expected whole packets of ${PACKET}`);
  const packets = [];
  for (let at = 0; at + PACKET <= bytes.length; at += PACKET) {
    if (!report.check(bytes[at] === 0x47, where, '13818-1 2.4.3.2', `byte ${at} is no sync byte`)) return undefined;
    packets.push(readPacket(bytes, at));
  }
  const tables = checkTables(packets, where, report);
  if (!tables) return undefined;
  const counters = new Map();
  for (const packet of packets) {
    if (!packet.payload || packet.pid === 0x1fff) continue;
    const seen = counters.get(packet.pid);
    if (seen) report.check(packet.counter === (seen[1] + 1) % 16, where, '13818-1 2.4.3.3', `continuity_counter of PID ${packet.pid} goes from ${seen[1]} to ${packet.counter}`);
    counters.set(packet.pid, [seen ? seen[0] : packet.counter, packet.counter]);
    const stream = tables.streams.get(packet.pid);
    if (!stream) continue;
    stream.kind = TYPES[stream.type]?.[0];
    const times = packet.begins ? readTimes(packet.payload) : undefined;
    if (!stream.times.length) report.check(times, where, '3.1.1', `PID ${packet.pid} does not begin with a frame that has a time`);
    if (times) stream.times.push(times);
    if (stream.times.length === 1) (stream.first ??= []).push(packet.payload);
  }
  for (const stream of tables.streams.values()) if (stream.kind === 'video' && stream.times.length) checkFirstPicture(stream, where, report);
  return { streams: tables.streams, counters };
}

const after = (a, b) => ((b - a + WRAP * 1.5) % WRAP) - WRAP / 2;

function checkNext(before, segment, report) {
  const { at } = segment;
  for (const [pid, [first]] of segment.transport.counters) {
    const last = before.transport.counters.get(pid)?.[1];
    if (last !== undefined) report.check(first === (last + 1) % 16, at, '13818-1 2.4.3.3', `continuity_counter of PID ${pid} goes from ${last} to ${first}, and there is no EXT-X-DISCONTINUITY`);
  }
  for (const [pid, stream] of segment.transport.streams) {
    const theirs = before.transport.streams.get(pid);
    if (!theirs?.times.length || !stream.times.length) continue;
    const step = after(theirs.times.at(-1).dts, stream.times[0].dts) / CLOCK;
    report.check(step > 0 && step <= SLACK_S, at, '4.4.4.3', `PID ${pid} goes on ${step.toFixed(3)} s after the segment before, and there is no EXT-X-DISCONTINUITY`);
  }
}

const timing = (transport) => [...transport.streams.values()].find((s) => s.kind === 'video') ?? [...transport.streams.values()][0];

/** Segments of a rendition in order, each { number, at, begins, gap, duration, transport }. */
export function checkTransports(segments, report) {
  segments.forEach((segment, i) => {
    const before = segments[i - 1];
    const [here, there] = [segment, before].map((s) => s?.transport && timing(s.transport)?.times[0]?.pts);
    if (!before || here === undefined || there === undefined || before.number !== segment.number - 1 || segment.begins) return;
    checkNext(before, segment, report);
    const length = after(there, here) / CLOCK;
    report.check(Math.abs(length - before.duration) <= ROUNDING_S, before.at, '4.4.4.1', `EXTINF ${before.duration}, the media lasts ${length.toFixed(4)} s`);
  });
}

/** RFC 8216bis 4.4.6.2: each stream is named in CODECS. */
export function checkTransportCodecs(segments, codecs, at, report) {
  for (const stream of segments.find((s) => s.transport)?.transport.streams.values() ?? []) {
    const form = TYPES[stream.type]?.[1];
    report.check(form && codecs.some((codec) => form.test(codec)), at, '4.4.6.2', `the media has stream type 0x${stream.type.toString(16)}, CODECS has ${codecs}`);
  }
}
