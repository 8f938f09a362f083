// SPDX-License-Identifier: MIT
// One function per player: (video, url, report, config, tell) => { load(), levels(), select(index) }.
// select() changes the rendition as the player's own adaptation does: what is
// in the buffer is played, what is fetched from then on is the other one.
// audio() are the languages of the sound, selectAudio(index) takes one.
// mse has no manifest: config.tracks are { url, type } of whole tracks.
// thumbnail(time) is the picture over the seek bar: { url, x, y, width, height }.
// trick() plays faster by I-frames where the player can; range() is what it offers
// to be sought, { start, end } in s, where that is not what the element says.
// text() lists what the menu of captions has, showText(index) takes one.
// cues() are the captions where the player does not give them to the element.
// report(fatal, text) is called for every error the player tells, tell({ source, scheme,
// time }) for every break or piece of timed metadata that it hands to an application.

const script = (src) => new Promise((resolve, reject) => {
  const element = document.createElement('script');
  element.src = src;
  element.onload = resolve;
  element.onerror = () => reject(new Error(`cannot load ${src}`));
  document.head.append(element);
});

export const players = {
  async hls(video, url, report, config, tell) {
    await script('/modules/hls.js/dist/hls.js');
    const hls = new Hls(config);
    hls.on(Hls.Events.ERROR, (_, data) => report(data.fatal, `hls.js ${data.details} ${data.error?.message ?? ''} ${data.response?.code ?? ''}`));
    const parts = [];
    for (const [name, event] of [['loaded', Hls.Events.FRAG_LOADED], ['buffered', Hls.Events.FRAG_BUFFERED]]) {
      hls.on(event, (_, { frag, part }) => { if (part && frag.type === 'main') parts.push([name, Date.now(), frag.sn, part.index]); });
    }
    const told = new Set();
    hls.on(Hls.Events.FRAG_PARSING_METADATA, (_, data) => {
      for (const sample of data.samples) tell({ source: 'emsg', scheme: sample.type, time: sample.pts, text: new TextDecoder().decode(sample.data) });
    });
    hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => {
      for (const range of Object.values(details.dateRanges)) {
        const event = { source: 'daterange', id: range.id, time: range.startTime, duration: range.plannedDuration, ended: range.duration, keys: Object.keys(range.attr) };
        const key = JSON.stringify(event.keys) + event.id;
        if (!told.has(key)) tell(event);
        told.add(key);
      }
    });
    return {
      load() { hls.attachMedia(video); hls.loadSource(url); video.play().catch(() => {}); },
      levels: () => hls.levels.map((l) => ({ width: l.width, height: l.height, bandwidth: l.bitrate })),
      select: (index) => { hls.nextLevel = index; },
      audio: () => hls.audioTracks.map((a) => a.lang),
      selectAudio: (index) => { hls.audioTrack = index; },
      text: () => hls.subtitleTracks.map((t) => ({ language: t.lang, forced: t.forced })),
      showText: (index) => { hls.subtitleDisplay = true; hls.subtitleTrack = index; },
      parts: () => parts, // of the video: [what, ms since 1970, segment, part]
      toLive: () => { if (hls.latency > hls.targetLatency + 0.1) video.currentTime = hls.liveSyncPosition; },
      latency: () => ({ latency: hls.latency, target: hls.targetLatency, behind: hls.playingDate ? (Date.now() - hls.playingDate) / 1000 : null }),
    };
  },

  async shaka(video, url, report, config, tell) {
    await script('/modules/shaka-player/dist/shaka-player.compiled.js');
    shaka.polyfill.installAll();
    const player = new shaka.Player();
    await player.attach(video);
    player.addEventListener('error', (e) => report(e.detail.severity === 2, `shaka ${e.detail.code} ${JSON.stringify(e.detail.data)?.slice(0, 200)}`));
    player.addEventListener('timelineregionadded', ({ detail }) => tell({ source: 'timeline', scheme: detail.schemeIdUri, time: detail.startTime, duration: detail.endTime - detail.startTime }));
    player.addEventListener('emsg', ({ detail }) => tell({ source: 'emsg', scheme: detail.schemeIdUri, time: detail.startTime }));
    player.addEventListener('metadata', (e) => tell({ source: 'metadata', scheme: e.metadataType, time: e.startTime, id: e.payload?.key }));
    if (config) player.configure(config);
    return {
      load: () => player.load(url).then(
        () => { video.play().catch(() => {}); },
        (e) => report(true, `shaka load ${e.code ?? e.stack} ${JSON.stringify(e.data)?.slice(0, 200)}`)),
      levels: () => player.getVariantTracks().map((t) => ({ width: t.width, height: t.height, bandwidth: t.bandwidth })),
      select: (index) => {
        player.configure({ abr: { enabled: false } });
        player.selectVariantTrack(player.getVariantTracks()[index], false);
      },
      audio: () => player.getAudioTracks().map((a) => a.language),
      selectAudio: (index) => player.selectAudioTrack(player.getAudioTracks()[index]),
      text: () => player.getTextTracks().map((t) => ({ language: t.language, forced: t.forced })),
      showText: (index) => player.selectTextTrack(player.getTextTracks()[index]),
      async thumbnail(time) {
        const got = await player.getThumbnails(player.getImageTracks()[0].id, time);
        return got && { url: got.uris[0], x: got.positionX, y: got.positionY, width: got.width, height: got.height };
      },
      trick: (rate) => { if (rate === 1) player.cancelTrickPlay(); else player.trickPlay(rate); },
      range: () => player.seekRange(),
      latency: () => ({ latency: player.getStats().liveLatency, behind: player.getPlayheadTimeAsDate() ? (Date.now() - player.getPlayheadTimeAsDate()) / 1000 : null }),
    };
  },

  async dash(video, url, report, config, tell) {
    await script('/modules/dashjs/dist/modern/umd/dash.all.min.js');
    const player = dashjs.MediaPlayer().create();
    player.initialize(video, undefined, true);
    player.updateSettings({ debug: { logLevel: dashjs.Debug.LOG_LEVEL_NONE } });
    if (config) player.updateSettings(config);
    const events = dashjs.MediaPlayer.events;
    // 25 to 34 are failed downloads, which the player retries by itself.
    player.on(events.ERROR, (e) => report(!/^(2[5678]|3[0-4])$/.test(String(e.error?.code)), `dash.js ${e.error?.code} ${e.error?.message}`));
    player.on(events.PLAYBACK_ERROR, (e) => report(true, `dash.js playback ${e.error?.message ?? e.error}`));
    for (const scheme of ['urn:scte:scte35:2014:xml+bin', 'urn:scte:scte35:2013:bin', 'https://aomedia.org/emsg/ID3']) {
      player.on(scheme, ({ event }) => tell({ source: event.eventStream?.adaptationSet ? 'emsg' : 'timeline', scheme, time: event.calculatedPresentationTime, duration: event.duration }), null, { mode: events.EVENT_MODE_ON_RECEIVE });
    }
    const representations = () => player.getRepresentationsByType('video') ?? [];
    // TTML is drawn over the picture: what is seen there, with the times of the cue that is on.
    const overlay = document.body.appendChild(document.createElement('div'));
    // CEA-608 is drawn from an element that the cue has.
    const native = () => [...video.textTracks].flatMap((track) => [...track.cues ?? []].map((cue) => ({ start: cue.startTime, end: cue.endTime, text: cue.text || (!cue.isd && cue.cueHTMLElement?.textContent), mode: track.mode })));
    const drawn = new Map();
    new MutationObserver(() => {
      const cue = [...video.textTracks].flatMap((track) => [...track.activeCues ?? []]).find((c) => c.isd);
      const text = overlay.textContent.trim();
      if (cue && text) drawn.set(cue.startTime, { start: cue.startTime, end: cue.endTime, text, mode: 'showing' });
    }).observe(overlay, { childList: true, subtree: true });
    return {
      load: () => { player.attachTTMLRenderingDiv(overlay); player.attachSource(url); },
      cues: () => [...native().filter((cue) => cue.text), ...drawn.values()],
      levels: () => representations().map((r) => ({ width: r.width, height: r.height, bandwidth: r.bandwidth })),
      select: (index) => {
        player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false } } } });
        player.setRepresentationForTypeByIndex('video', index, false);
      },
      audio: () => player.getTracksFor('audio').map((a) => a.lang),
      selectAudio: (index) => player.setCurrentTrack(player.getTracksFor('audio')[index]),
      latency: () => ({ latency: player.getCurrentLiveLatency(), target: player.getTargetLiveDelay() }),
      text: () => player.getTracksFor('text').map((t) => ({ language: t.lang, forced: false })),
      showText: (index) => { player.enableText(true); player.setTextTrack(index); },
      thumbnail: (time) => new Promise((resolve) => {
        player.provideThumbnail(time, (got) => resolve(got && { url: got.url, x: got.x, y: got.y, width: got.width, height: got.height }));
      }),
    };
  },

  // config.text: the caption of the menu that is on before anything plays, as a viewer has set it:
  // the player fetches captions from where it plays on.
  async videojs(video, url, report, { text, ...config } = {}) {
    await script('/modules/video.js/dist/video.min.js');
    const player = videojs(video, { html5: { vhs: { overrideNative: true, ...config } }, liveui: true });
    player.on('error', () => report(true, `video.js ${player.error()?.code} ${player.error()?.message}`));
    const subtitles = () => Array.from(player.textTracks()).filter((t) => /^(subtitles|captions)$/.test(t.kind));
    return {
      load() {
        player.src({ src: url, type: url.endsWith('.mpd') ? 'application/dash+xml' : 'application/x-mpegURL' });
        if (text !== undefined) player.one('loadedmetadata', () => { subtitles()[text].mode = 'showing'; player.play()?.catch(() => {}); });
        else player.play()?.catch(() => {});
      },
      levels: () => player.qualityLevels().levels_.map((l) => ({ width: l.width, height: l.height, bandwidth: l.bitrate })),
      select: (index) => { player.qualityLevels().levels_.forEach((level, i) => { level.enabled = i === index; }); },
      text: () => subtitles().map((t) => ({ language: t.language, forced: false })),
      showText: (index) => { subtitles()[index].mode = 'showing'; },
      cues: () => subtitles().flatMap((track) => Array.from(track.cues ?? []).map((cue) => ({ start: cue.startTime, end: cue.endTime, text: cue.text, mode: track.mode }))),
    };
  },

  // A plain file: the element alone, which tells its own errors.
  async file(video, url) {
    return { load() { video.src = url; video.play().catch(() => {}); }, levels: () => [], select() {} };
  },

  async mse(video, url, report, { tracks }) {
    const source = new MediaSource();
    const opened = new Promise((resolve) => { source.addEventListener('sourceopen', resolve, { once: true }); });
    const append = async ({ url: track, type }) => {
      const buffer = source.addSourceBuffer(type);
      const data = await (await fetch(track)).arrayBuffer();
      await new Promise((resolve, reject) => {
        buffer.addEventListener('updateend', resolve, { once: true });
        buffer.addEventListener('error', () => reject(new Error(`${track}: not taken as ${type}`)), { once: true });
        buffer.appendBuffer(data);
      });
    };
    return {
      async load() {
        video.src = URL.createObjectURL(source);
        await opened;
        await Promise.all(tracks.map(append));
        source.endOfStream();
        video.play().catch(() => {});
      },
      levels: () => [],
      select: () => {},
    };
  },
};
