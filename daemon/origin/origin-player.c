/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-player.h"

#include <gio/gio.h>

#include "daemon/origin/origin-response.h"

#define RESOURCES "/org/millrace/player/"

/* hls.js makes its worker and its media source from blobs, and the text track of
 * date ranges from an empty data: URL; nothing else may come from anywhere but
 * here. */
#define POLICY                                                               \
  "default-src 'none'; script-src 'self'; style-src 'self'; "                \
  "img-src 'self' data:; media-src 'self' blob: data:; connect-src 'self'; " \
  "worker-src 'self' blob:; base-uri 'none'; form-action 'none'"

#define POLICY_LINE "Content-Security-Policy: " POLICY "\r\n"

/* The files have no version in their names, so a page may be older than they
 * are for this long at most. */
#define CACHE_CONTROL "public, max-age=300"

static const gchar *
get_content_type (const gchar *name)
{
  if (g_str_has_suffix (name, ".html"))
    return "text/html; charset=utf-8";
  if (g_str_has_suffix (name, ".js"))
    return "text/javascript; charset=utf-8";
  if (g_str_has_suffix (name, ".css"))
    return "text/css; charset=utf-8";
  if (g_str_has_suffix (name, ".svg"))
    return "image/svg+xml";
  return "text/plain; charset=utf-8";
}

static void
set_resource (MillHttpExchange *exchange, const gchar *name, const gchar *lines)
{
  g_autofree gchar *path = g_strconcat (RESOURCES, name, NULL);
  g_autoptr (GBytes) content =
      g_resources_lookup_data (path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  g_autofree gchar *version = NULL;
  MillOriginMeta meta = { .cache_control = CACHE_CONTROL, .lines = lines };

  if (content == NULL) {
    mill_origin_response_set_error (exchange, 404,
        "the player has no such file, /play/{stream} is its page");
    return;
  }
  version = g_compute_checksum_for_bytes (G_CHECKSUM_SHA1, content);
  meta.content_type = get_content_type (name);
  meta.version = version;
  mill_origin_response_set_bytes (exchange, &meta, content);
}

void
mill_origin_player_set_page (MillHttpExchange *exchange)
{
  set_resource (exchange, "index.html",
      POLICY_LINE "Referrer-Policy: no-referrer\r\n");
}

void
mill_origin_player_set_file (MillHttpExchange *exchange, const gchar *name)
{
  set_resource (exchange, name, POLICY_LINE);
}
