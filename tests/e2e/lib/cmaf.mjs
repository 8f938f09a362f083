// SPDX-License-Identifier: MIT
// Reads CMAF tracks from their bytes (ISO/IEC 14496-12): what is decoded when,
// shown when, and begins with an IDR picture. Made for tests: anything that is
// not as it should be throws.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

/** Yields { type, start, end } of the boxes in data[start, end); start is behind the header. */
function* boxes(data, start = 0, end = data.length) {
  for (let at = start; at < end;) {
    let size = data.readUInt32BE(at);
    const type = data.toString('latin1', at + 4, at + 8);
    let header = 8;
    if (size === 1) { size = Number(data.readBigUInt64BE(at + 8)); header = 16; }
    assert.ok(size >= header && at + size <= end, `box '${type}' at ${at}: size ${size}`);
    yield { type, at, start: at + header, end: at + size };
    at += size;
  }
}

function find(data, parent, ...types) {
  let box = parent;
  for (const type of types) {
    box = [...boxes(data, box.start, box.end)].find((b) => b.type === type);
    if (!box) return undefined;
  }
  return box;
}

/** A CMAF header: { timescale, kind, nalLength, width, height, trex, shift }; shift: of the edit list, in ticks. */
export function readInit(data) {
  const moov = [...boxes(data)].find((b) => b.type === 'moov');
  const traks = [...boxes(data, moov.start, moov.end)].filter((b) => b.type === 'trak');
  assert.equal(traks.length, 1, 'tracks in a CMAF header');
  const mdhd = find(data, traks[0], 'mdia', 'mdhd');
  const hdlr = find(data, traks[0], 'mdia', 'hdlr');
  const stsd = find(data, traks[0], 'mdia', 'minf', 'stbl', 'stsd');
  const elst = find(data, traks[0], 'edts', 'elst');
  const trex = find(data, moov, 'mvex', 'trex');
  const kind = data.toString('latin1', hdlr.start + 8, hdlr.start + 12) === 'vide' ? 'video' : 'audio';
  const track = {
    kind,
    timescale: data.readUInt32BE(mdhd.start + (data[mdhd.start] === 1 ? 20 : 12)),
    trex: { duration: data.readUInt32BE(trex.start + 12), size: data.readUInt32BE(trex.start + 16), flags: data.readUInt32BE(trex.start + 20) },
    shift: 0,
  };
  if (elst) track.shift = data[elst.start] === 1 ? Number(data.readBigInt64BE(elst.start + 16)) : data.readInt32BE(elst.start + 12);
  if (kind === 'video') {
    const entry = stsd.start + 8;
    track.width = data.readUInt16BE(entry + 32);
    track.height = data.readUInt16BE(entry + 34);
    const avcC = [...boxes(data, entry + 86, stsd.end)].find((b) => b.type === 'avcC');
    track.nalLength = (data[avcC.start + 4] & 3) + 1;
  }
  return track;
}

/** Whether an access unit has an IDR slice (ISO/IEC 14496-10 table 7-1, type 5). */
function hasIdr(data, start, size, nalLength) {
  for (let at = start; at + nalLength < start + size;) {
    if ((data[at + nalLength] & 31) === 5) return true;
    at += nalLength + data.readUIntBE(at, nalLength);
  }
  return false;
}

function readTrun(data, box, tfhd, clock, moof, track) {
  const flags = data.readUIntBE(box.start + 1, 3);
  const count = data.readUInt32BE(box.start + 4);
  let at = box.start + 8;
  assert.ok(flags & 1, 'trun has a data offset');
  let offset = moof.at + data.readInt32BE(at);
  at += 4;
  let first;
  if (flags & 4) { first = data.readUInt32BE(at); at += 4; }
  const next = (bit, read = 'readUInt32BE') => {
    if (!(flags & bit)) return undefined;
    at += 4;
    return data[read](at - 4);
  };
  const samples = [];
  let dts = clock;
  for (let i = 0; i < count; i++) {
    const duration = next(0x100) ?? tfhd.duration;
    const size = next(0x200) ?? tfhd.size;
    const sampleFlags = next(0x400) ?? (i === 0 && first !== undefined ? first : tfhd.flags);
    const composition = next(0x800, data[box.start] === 0 ? 'readUInt32BE' : 'readInt32BE') ?? 0;
    assert.ok(offset + size <= data.length, 'sample data lies in the segment');
    samples.push({
      dts, duration, pts: dts + composition - track.shift, size,
      sync: !(sampleFlags & 0x10000), idr: track.kind === 'video' && hasIdr(data, offset, size, track.nalLength),
    });
    dts += duration;
    offset += size;
  }
  return samples;
}

/** The samples of a segment's bytes, in decoding order: { dts, pts, duration, size, sync, idr }, in ticks. */
export function readSegment(data, track) {
  const samples = [];
  for (const moof of boxes(data)) {
    if (moof.type !== 'moof') continue;
    const traf = find(data, moof, 'traf');
    const head = find(data, traf, 'tfhd');
    const flags = data.readUIntBE(head.start + 1, 3);
    let at = head.start + 8 + (flags & 1 ? 8 : 0) + (flags & 2 ? 4 : 0);
    const next = (bit, otherwise) => {
      if (!(flags & bit)) return otherwise;
      at += 4;
      return data.readUInt32BE(at - 4);
    };
    const tfhd = { duration: next(8, track.trex.duration), size: next(16, track.trex.size), flags: next(32, track.trex.flags) };
    const tfdt = find(data, traf, 'tfdt');
    let clock = data[tfdt.start] === 1 ? Number(data.readBigUInt64BE(tfdt.start + 4)) : data.readUInt32BE(tfdt.start + 4);
    for (const trun of boxes(data, traf.start, traf.end)) {
      if (trun.type !== 'trun') continue;
      const run = readTrun(data, trun, tfhd, clock, moof, track);
      samples.push(...run);
      clock = run.at(-1).dts + run.at(-1).duration;
    }
  }
  return samples;
}

/**
 * The renditions of a stream directory, by what its playlists list:
 * { name: { ...track, target, ended, gaps, segments: [{ number, samples }], file } }.
 * joined: a directory where each becomes one MP4 (`file`), for decoders.
 */
export function readDirectory(directory, joined) {
  const renditions = {};
  for (const name of fs.readdirSync(directory).sort()) {
    const playlist = path.join(directory, name, 'playlist.m3u8');
    if (!fs.existsSync(playlist)) continue;
    const lines = fs.readFileSync(playlist, 'utf8').split('\n');
    const maps = lines.filter((l) => l.startsWith('#EXT-X-MAP:')).map((l) => /URI="([^"]+)"/.exec(l)[1]);
    assert.equal(new Set(maps).size, 1, `${name}: one CMAF header`);
    const init = fs.readFileSync(path.join(directory, name, maps[0]));
    const rendition = { ...readInit(init), segments: [], ended: lines.includes('#EXT-X-ENDLIST'), gaps: lines.filter((l) => l === '#EXT-X-GAP').length };
    const parts = [init];
    let gap = false;
    for (const line of lines) {
      gap ||= line === '#EXT-X-GAP';
      if (!line || line.startsWith('#')) continue;
      if (!gap) {
        parts.push(fs.readFileSync(path.join(directory, name, line)));
        rendition.segments.push({ number: Number(/-(\d+)\.m4s$/.exec(line)[1]), samples: readSegment(parts.at(-1), rendition) });
      }
      gap = false;
    }
    if (joined) {
      rendition.file = path.join(joined, `${name}.mp4`);
      fs.writeFileSync(rendition.file, Buffer.concat(parts));
    }
    renditions[name] = rendition;
  }
  return renditions;
}

export const samplesOf = (rendition) => rendition.segments.flatMap((s) => s.samples);

/** Presentation times of the IDR pictures, in ticks. */
export const idrTimes = (rendition) => samplesOf(rendition).filter((s) => s.idr).map((s) => s.pts);

/** Fails unless all videos have IDR pictures at the same ticks, and each segment begins with one. */
export function assertAligned(renditions) {
  const videos = Object.entries(renditions).filter(([, r]) => r.kind === 'video');
  const [firstName, first] = videos[0];
  for (const [name, video] of videos) {
    assert.equal(video.timescale, first.timescale, `${name}: timescale as ${firstName}'s`);
    assert.deepEqual(idrTimes(video), idrTimes(first), `${name}: IDR times as ${firstName}'s`);
    assert.deepEqual(video.segments.map((s) => s.number), first.segments.map((s) => s.number), `${name}: segments as ${firstName}'s`);
    for (const { number, samples } of video.segments) {
      assert.ok(samples[0].idr && samples[0].sync, `${name}: segment ${number} begins with an IDR picture`);
      assert.equal(samples[0].pts, samples[0].dts, `${name}: segment ${number} begins when it is decoded`);
      for (const sample of samples) assert.equal(sample.sync, sample.idr, `${name}: at ${sample.dts} the flag says what the bytes say`);
    }
    samplesOf(video).forEach((s, i, all) => { if (i > 0) assert.equal(s.dts, all[i - 1].dts + all[i - 1].duration, `${name}: no hole before ${s.dts}`); });
  }
}
