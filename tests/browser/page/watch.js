// SPDX-License-Identifier: MIT
// Plays one URL and keeps what a viewer would have seen: the number burnt into
// every presented frame, stalls of the clock, errors of the player.
import { CELLS, STRIP, read } from './barcode.js';
import { players } from './players.js';

const video = document.getElementById('video');
const seen = { frames: [], unread: 0, errors: [], sizes: [], stalls: [], starved: [], jumps: [], ended: false, events: [], loaded: performance.now(), first: null };
window.seen = seen;

function report(fatal, text) {
  seen.errors.push({ fatal: !!fatal, text: String(text).slice(0, 400), at: Math.round(performance.now() - seen.loaded) });
}

// The luma of one row through the strip: no conversion of the picture, which
// would cost a small machine more than decoding it.
async function frameNumber(picture) {
  if (!/^(I4|NV12)/.test(picture.format)) throw new Error(`a picture of format ${picture.format}, expected planes with luma first`);
  const { x, y, width, height } = picture.visibleRect;
  const row = y + 2 * Math.floor(height * STRIP / 4);
  const rect = { x, y: row, width, height: 2 };
  const bytes = new Uint8Array(picture.allocationSize({ rect }));
  const [luma] = await picture.copyTo(bytes, { rect });
  const cell = width / CELLS;
  return read(Array.from({ length: CELLS }, (_, i) => bytes[luma.offset + Math.floor((i + 0.5) * cell)]));
}

let lastTime = null; let reading = Promise.resolve();

// Where the viewer was when he went elsewhere, until a picture of there is on; in s.
// 'seeked' does not tell that: the new picture goes to the compositor by another
// thread, so the one of before may be on after it, and the new one before it. But the
// clock stands where it was sent until it plays from there: what is nearer to where
// it was is of before.
let left = null;
function isOfBefore(time) {
  if (left !== null && Math.abs(time - video.currentTime) < Math.abs(time - left)) left = null;
  return left !== null;
}

// The callback may run late, when the next picture is on already: the number
// belongs to the time of the picture that was read, and counts once.
async function readPicture(now, height) {
  const frames = seen.frames; // a picture that is read while the viewer seeks is of before
  const picture = new VideoFrame(video);
  const time = picture.timestamp;
  if (time !== lastTime && !isOfBefore(time / 1e6)) {
    lastTime = time;
    const number = await frameNumber(picture).catch((e) => { report(true, e); return null; });
    if (number === null) seen.unread++;
    else frames.push([number, Math.round(time / 1000), Math.round(now - seen.loaded), height]);
  }
  picture.close();
}

function onFrame(now, frame) {
  video.requestVideoFrameCallback(onFrame);
  seen.first ??= now - seen.loaded;
  const size = `${frame.width}x${frame.height}`;
  if (seen.sizes.at(-1) !== size) seen.sizes.push(size);
  reading = readPicture(now, frame.height);
}

// A stall is a clock that stands for over 250 ms after playback began because
// the element had nothing more to play, or for over a second for any reason: a
// busy machine stops the clock for a few frames with all data there. `starved` is
// where it stood, or was about to, for want of something to play, and how long; in ms.
let clock = { at: 0, since: performance.now(), playing: false, starved: false };
function watchClock() {
  const now = performance.now();
  clock.starved ||= video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
  if (video.currentTime !== clock.at) {
    const ms = Math.round(now - clock.since);
    if (clock.playing && clock.starved) seen.starved.push([Math.round(clock.at * 1000), ms]);
    if (clock.playing && (ms > 1000 || (ms > 250 && clock.starved))) seen.stalls.push({ at: Math.round(clock.since - seen.loaded), ms, starved: clock.starved });
    clock = { at: video.currentTime, since: now, playing: seen.first !== null, starved: false };
  }
  if (!video.ended) setTimeout(watchClock, 50);
  // On a busy machine the end comes before the callback of the last picture.
  else reading.catch(() => {}).then(() => video.videoWidth && readPicture(now, video.videoHeight)).then(() => { seen.ended = true; });
}

// Whoever sets the element's time, player or viewer: where it was, and where it is sent.
const position = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'currentTime');
Object.defineProperty(video, 'currentTime', {
  get: () => position.get.call(video),
  set(to) { seen.jumps.push({ from: position.get.call(video), to }); position.set.call(video, to); },
});

// The element itself is asked: video.js gives its id to what it puts around it.
window.hasBegun = () => seen.errors.length > 0 || video.currentTime > 0;

// Every cue that the player has given the element, of all its tracks: what is on
// the screen while currentTime is in it.
window.cues = () => window.player.cues?.() ?? [...video.textTracks].flatMap((track) => [...track.cues ?? []]
  .map((cue) => ({ start: cue.startTime, end: cue.endTime, text: cue.text, mode: track.mode })));

// What a viewer does with the slider.
window.range = () => window.player.range?.() ?? { start: video.seekable.start(0), end: video.seekable.end(video.seekable.length - 1) };
window.seek = (time) => { seen.frames = []; left = video.currentTime; lastTime = null; video.currentTime = time; };

window.watch = async (name, url, config) => {
  video.requestVideoFrameCallback(onFrame);
  video.addEventListener('error', () => report(true, `video: MediaError ${video.error?.code} ${video.error?.message}`));
  try {
    window.player = await players[name](video, url, report, config, (event) => seen.events.push(event));
    await window.player.load();
  } catch (error) {
    report(true, error?.stack ?? error);
  }
  watchClock();
};
