// SPDX-License-Identifier: MIT
//
// Plays /stream/{name}/master.m3u8 on the page /play/{name}. Waits for a stream
// that is not there yet, and comes back by itself when one goes away.

const RETRY_MS = 2000;
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

const byId = (id) => document.getElementById(id);
const video = byId('video');
const name = decodeURIComponent(location.pathname.split('/').pop());
const source = `/stream/${encodeURIComponent(name)}/master.m3u8`;

let hls = null;
let retry = 0;
let started = false;

function setState(state, text = state) {
  byId('state').dataset.state = state;
  byId('state').textContent = text;
}

function setNotice(text) {
  byId('notice').hidden = !text;
  byId('notice-text').textContent = text || '';
}

// ---- facts ----

function isLive() {
  return hls ? Boolean(hls.latestLevelDetails?.live ?? hls.levels?.[hls.currentLevel]?.details?.live)
    : video.duration === Infinity;
}

function showFacts() {
  const level = hls?.levels?.[hls.currentLevel];
  const latency = hls && isLive() ? hls.latency : NaN;
  byId('latency').textContent = latency > 0 ? `${latency.toFixed(1)} s` : '–';
  byId('picture').textContent = video.videoWidth ? `${video.videoWidth}×${video.videoHeight}` : '–';
  byId('bitrate').textContent = level?.bitrate ? `${(level.bitrate / 1e6).toFixed(2)} Mbit/s` : '–';
}

function showPlaying() {
  setNotice('');
  setState(isLive() ? 'live' : 'playing');
}

// ---- starting over ----

function stop() {
  clearTimeout(retry);
  hls?.destroy();
  hls = null;
}

function waitFor(text) {
  stop();
  setState('waiting');
  setNotice(text);
  retry = setTimeout(start, RETRY_MS);
}

// The version of the multivariant playlist: '' when there is none, null when
// there is no answer.
async function getVersion() {
  try {
    const answer = await fetch(source, { method: 'HEAD', cache: 'no-store' });
    return answer.ok ? answer.headers.get('ETag') || 'unknown' : '';
  } catch {
    return null;
  }
}

async function start() {
  const version = await getVersion();
  if (version === null) return waitFor('The server cannot be reached. Trying again…');
  if (!version) {
    return waitFor(started
      ? 'The stream is away. It goes on here when it is back.'
      : 'This stream has not started yet. It plays here as soon as it does.');
  }
  stop();
  setState('connecting');
  if (globalThis.Hls?.isSupported()) startHls();
  else if (video.canPlayType('application/vnd.apple.mpegurl')) startNative();
  else {
    setState('waiting', 'not supported');
    setNotice('This browser cannot play HLS.');
  }
}

// A stream that has ended may begin again under its name.
async function waitForNext(last) {
  const version = await getVersion();
  last ??= version;
  if (version && version !== last) return start();
  retry = setTimeout(waitForNext, RETRY_MS, version ? last : '');
}

function play() {
  video.play().catch(() => {
    // Autoplay is refused even without sound: the user's own click plays.
    setNotice('');
    setState('waiting', 'paused');
  });
}

// ---- hls.js ----

function fillQualities() {
  const select = byId('quality');
  select.replaceChildren(new Option('Auto', '-1'));
  hls.levels.forEach((level, i) => select.add(new Option(
    level.height ? `${level.height}p` : `${Math.round(level.bitrate / 1000)} kbit/s`, String(i))));
  select.disabled = hls.levels.length < 2;
}

function onError(event, data) {
  if (!data.fatal) return;
  if (data.type === Hls.ErrorTypes.MEDIA_ERROR && !hls.recovered) {
    hls.recovered = true;
    hls.recoverMediaError();
    return;
  }
  waitFor('The stream is away. It goes on here when it is back.');
}

// Low latency: after a stall a tenth of a second further from the live edge, not
// a whole one; and half as fast again where there is enough to catch up with.
const LOW_LATENCY = { lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.5, liveSyncOnStallIncrease: 0.1 };
const SETTLED_S = 2;

// hls.js begins late by what beginning takes, and catches up only with a second in
// its buffer, which at low latency it has not: the page goes to the live edge once.
function settle() {
  if (!hls || hls.settled) return;
  hls.began ??= video.currentTime;
  if (video.currentTime - hls.began < SETTLED_S) return;
  hls.settled = true;
  if (hls.latestLevelDetails?.partList && hls.latency > hls.targetLatency + 0.1) video.currentTime = hls.liveSyncPosition;
}

function startHls() {
  hls = new Hls({ backBufferLength: 30, ...LOW_LATENCY });
  hls.on(Hls.Events.ERROR, onError);
  hls.on(Hls.Events.MANIFEST_PARSED, () => { fillQualities(); play(); });
  hls.loadSource(source);
  hls.attachMedia(video);
}

function startNative() {
  video.src = source;
  video.addEventListener('error', () => waitFor('The stream is away. It goes on here when it is back.'), { once: true });
  play();
}

// ---- the page ----

function showMuted() {
  byId('unmute').hidden = !video.muted || !started;
}

video.addEventListener('playing', () => { started = true; showPlaying(); showMuted(); });
video.addEventListener('timeupdate', settle);
video.addEventListener('waiting', () => setState('buffering'));
video.addEventListener('ended', () => {
  setState('ended');
  setNotice('The stream has ended.');
  clearTimeout(retry);
  waitForNext();
});
video.addEventListener('volumechange', showMuted);
byId('unmute').addEventListener('click', () => { video.muted = false; });
byId('quality').addEventListener('change', (event) => { if (hls) hls.nextLevel = Number(event.target.value); });

byId('name').textContent = name;
document.title = `${name} – millrace`;
setInterval(showFacts, 500);
if (NAME.test(name)) start();
else {
  setState('waiting', 'no such stream');
  setNotice('This is not a name that a stream can have.');
}
