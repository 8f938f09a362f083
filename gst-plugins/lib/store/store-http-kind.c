/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "store/store-http-kind.h"

#include <string.h>

/* What is in it changes with every segment; media never change. */
#define TEXT_CACHING "public, max-age=1"
#define MEDIA_CACHING "public, max-age=86400, immutable"

const MillStoreHttpKind *
mill_store_http_kind_find (const gchar *name)
{
  /* The first that fits. */
  static const MillStoreHttpKind kinds[] = {
    { ".m3u8", MILL_STORE_HTTP_PLAYLIST, "application/vnd.apple.mpegurl",
        TEXT_CACHING },
    { ".mpd", MILL_STORE_HTTP_TOP, "application/dash+xml", TEXT_CACHING },
    { "thumbnails.vtt", MILL_STORE_HTTP_PICTURES, "text/vtt", TEXT_CACHING },
    { "poster.jpg", MILL_STORE_HTTP_PICTURES, "image/jpeg", TEXT_CACHING },
    { "steering.json", MILL_STORE_HTTP_MEDIA, "application/json",
        TEXT_CACHING },
    { ".m4s", MILL_STORE_HTTP_MEDIA, "video/mp4", MEDIA_CACHING },
    { ".mp4", MILL_STORE_HTTP_MEDIA, "video/mp4", MEDIA_CACHING },
    { ".ts", MILL_STORE_HTTP_MEDIA, "video/mp2t", MEDIA_CACHING },
    { ".vtt", MILL_STORE_HTTP_MEDIA, "text/vtt", MEDIA_CACHING },
    { ".webm", MILL_STORE_HTTP_MEDIA, "video/webm", MEDIA_CACHING },
    { ".jpg", MILL_STORE_HTTP_MEDIA, "image/jpeg", MEDIA_CACHING },
    { "", MILL_STORE_HTTP_MEDIA, "application/octet-stream", NULL },
  };
  guint i = 0;

  while (!g_str_has_suffix (name, kinds[i].suffix))
    i++;
  return &kinds[i];
}

MillStoreHttpRank
mill_store_http_kind_get_rank (const gchar *name)
{
  MillStoreHttpRank rank = mill_store_http_kind_find (name)->rank;

  /* The playlist in the stream's directory itself names the others. */
  return rank == MILL_STORE_HTTP_PLAYLIST && strchr (name, '/') == NULL
      ? MILL_STORE_HTTP_TOP
      : rank;
}
