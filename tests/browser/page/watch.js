// SPDX-License-Identifier: MIT
// Plays one URL and keeps what a viewer would have seen: the number burnt into
// every presented frame, stalls of the clock, errors of the player.
import { CELLS, STRIP, read } from './barcode.js';
import { players } from './players.js';

const video = document.getElementById('video');
const canvas = new OffscreenCanvas(CELLS, 1);
const context = canvas.getContext('2d', { willReadFrequently: true });
const seen = { frames: [], unread: 0, errors: [], sizes: [], stalls: [], ended: false, loaded: performance.now(), first: null };
window.seen = seen;

function report(fatal, text) {
  seen.errors.push({ fatal: !!fatal, text: String(text).slice(0, 400), at: Math.round(performance.now() - seen.loaded) });
}

// One sample from the middle of each cell: scaling would blend neighbours.
function frameNumber(picture) {
  const strip = picture.displayHeight * STRIP;
  const cell = picture.displayWidth / CELLS;
  for (let i = 0; i < CELLS; i++) {
    context.drawImage(picture, (i + 0.35) * cell, strip * 0.3, cell * 0.3, strip * 0.4, i, 0, 1, 1);
  }
  const { data } = context.getImageData(0, 0, CELLS, 1);
  return read(Array.from({ length: CELLS }, (_, i) => 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]));
}

let lastTime = null;
function onFrame(now, frame) {
  seen.first ??= now - seen.loaded;
  const size = `${frame.width}x${frame.height}`;
  if (seen.sizes.at(-1) !== size) seen.sizes.push(size);
  // The callback may run late, when the next picture is on already: the number
  // belongs to the time of the picture that was read, and counts once.
  const picture = new VideoFrame(video);
  if (picture.timestamp !== lastTime) {
    const number = frameNumber(picture);
    if (number === null) seen.unread++;
    else seen.frames.push([number, Math.round(picture.timestamp / 1000), Math.round(now - seen.loaded), frame.height]);
  }
  lastTime = picture.timestamp;
  picture.close();
  video.requestVideoFrameCallback(onFrame);
}

// A stall is a clock that stands for over 250 ms after playback began because
// the element had nothing more to play, or for over a second for any reason: a
// busy machine stops the clock for a few frames with all data there.
let clock = { at: 0, since: performance.now(), playing: false, starved: false };
function watchClock() {
  const now = performance.now();
  clock.starved ||= video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
  if (video.currentTime !== clock.at) {
    const ms = Math.round(now - clock.since);
    if (clock.playing && (ms > 1000 || (ms > 250 && clock.starved))) seen.stalls.push({ at: Math.round(clock.since - seen.loaded), ms, starved: clock.starved });
    clock = { at: video.currentTime, since: now, playing: seen.first !== null, starved: false };
  }
  seen.ended = video.ended;
  if (!video.ended) setTimeout(watchClock, 50);
}

window.watch = async (name, url, config) => {
  video.requestVideoFrameCallback(onFrame);
  video.addEventListener('error', () => report(true, `video: MediaError ${video.error?.code} ${video.error?.message}`));
  try {
    window.player = await players[name](video, url, report, config);
    await window.player.load();
  } catch (error) {
    report(true, error?.stack ?? error);
  }
  watchClock();
};
