/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/origin/live-stream.h"
#include "daemon/origin/origin-files.h"
#include "playlist/hls-low-latency.h"

G_BEGIN_DECLS

/* The low-latency versions of playlists, each made once for all who ask for it
 * before there is another. Main thread. */
typedef struct _MillLiveTexts MillLiveTexts;

/** A media playlist of a live stream. */
typedef struct _MillLivePlaylist MillLivePlaylist;

/** One version of it; belongs to the playlist. */
typedef struct
{
  GBytes *text;
  gchar *etag; /* without quotes */
  gchar *name; /* of this text, in the cache of compressed ones */
} MillLiveText;

/** @files: outlives it. Returns: (transfer full) */
MillLiveTexts *mill_live_texts_new (MillOriginFiles *files);
void mill_live_texts_free (MillLiveTexts *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillLiveTexts, mill_live_texts_free)

/** @file: {rendition}/{name}.m3u8. As new as @stream.
 * Returns: (transfer none)(nullable): valid until the main loop goes on; NULL
 * when there is no such media playlist */
MillLivePlaylist *mill_live_texts_look_up (MillLiveTexts *self,
    MillLiveStream *stream, const gchar *file);

/** Returns: whether it has EXT-X-ENDLIST: it does not change any more */
gboolean mill_live_texts_is_ended (MillLivePlaylist *playlist);
guint mill_live_texts_get_target_duration (MillLivePlaylist *playlist);

/** Returns: (nullable): the rendition that its parts are of; NULL: it has none
 */
MillLiveRendition *mill_live_texts_get_rendition (MillLivePlaylist *playlist);

/** Returns: (transfer none): valid until the main loop goes on */
const MillLiveText *mill_live_texts_print (MillLivePlaylist *playlist,
    MillHlsSkip skip);

G_END_DECLS
