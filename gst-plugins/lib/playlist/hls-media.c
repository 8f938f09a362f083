/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/hls-media.h"

#include "playlist/hls-text-private.h"

/* Clause 8: the floor of EXT-X-MAP outside of I-frame playlists, and that of
 * EXTINF with a fraction. EXT-X-GAP and EXT-X-PROGRAM-DATE-TIME have none. */
#define VERSION_MAP 6
#define VERSION_DECIMAL 3

guint
mill_hls_media_round_duration (GstClockTime duration)
{
  guint64 seconds = (duration + GST_SECOND / 2) / GST_SECOND;

  return (guint) CLAMP (seconds, 1, G_MAXUINT);
}

static gboolean
has_init (const MillHlsMedia *media)
{
  for (gsize i = 0; i < media->n_segments; i++) {
    if (media->segments[i].init_uri != NULL)
      return TRUE;
  }
  return FALSE;
}

static void
print_head (GString *out, const MillHlsMedia *media)
{
  g_string_append_printf (out, "#EXTM3U\n#EXT-X-VERSION:%d\n",
      has_init (media) ? VERSION_MAP : VERSION_DECIMAL);
  g_string_append_printf (out, "#EXT-X-TARGETDURATION:%u\n",
      MAX (media->target_duration_s, 1));
  g_string_append_printf (out, "#EXT-X-MEDIA-SEQUENCE:%" G_GUINT64_FORMAT "\n",
      media->media_sequence);
  /* Clause 4.4.3.3: absent means 0. */
  if (media->discontinuity_sequence > 0)
    g_string_append_printf (out,
        "#EXT-X-DISCONTINUITY-SEQUENCE:%" G_GUINT64_FORMAT "\n",
        media->discontinuity_sequence);
  if (media->kind == MILL_HLS_EVENT)
    g_string_append (out, "#EXT-X-PLAYLIST-TYPE:EVENT\n");
  else if (media->kind == MILL_HLS_VOD)
    g_string_append (out, "#EXT-X-PLAYLIST-TYPE:VOD\n");
  if (media->independent_segments)
    g_string_append (out, "#EXT-X-INDEPENDENT-SEGMENTS\n");
}

static void
print_program_date_time (GString *out, gint64 time_us)
{
  g_autoptr (GDateTime) seconds =
      g_date_time_new_from_unix_utc (time_us / G_USEC_PER_SEC);
  g_autofree gchar *text = NULL;

  if (seconds == NULL) /* beyond the year 9999 */
    return;
  text = g_date_time_format (seconds, "%Y-%m-%dT%H:%M:%S");
  g_string_append_printf (out, "#EXT-X-PROGRAM-DATE-TIME:%s.%03dZ\n", text,
      (gint) (time_us % G_USEC_PER_SEC / 1000));
}

static void
print_duration (GString *out, GstClockTime duration)
{
  /* Microseconds: printed from integers, because a decimal comma of the
   * process' locale has no place here. */
  guint64 us = (duration + 500) / 1000;

  g_string_append_printf (out,
      "#EXTINF:%" G_GUINT64_FORMAT ".%06" G_GUINT64_FORMAT ",\n",
      us / G_USEC_PER_SEC, us % G_USEC_PER_SEC);
}

/* @init is the EXT-X-MAP that applies so far. Returns the one after. */
static const gchar *
print_segment (GString *out, const MillHlsSegment *segment, const gchar *init)
{
  gboolean broken = segment->flags & MILL_HLS_SEGMENT_DISCONTINUITY;

  if (broken)
    g_string_append (out, "#EXT-X-DISCONTINUITY\n");
  /* Clause 4.4.4.5 lets a map apply until the next one; it is repeated after a
   * discontinuity because players forget it there. */
  if (segment->init_uri != NULL &&
      (broken || g_strcmp0 (segment->init_uri, init) != 0)) {
    g_string_append (out, "#EXT-X-MAP:URI=\"");
    mill_hls_text_append_uri (out, segment->init_uri);
    g_string_append (out, "\"\n");
    init = segment->init_uri;
  }
  if (segment->program_date_time_us >= 0)
    print_program_date_time (out, segment->program_date_time_us);
  if (segment->flags & MILL_HLS_SEGMENT_GAP)
    g_string_append (out, "#EXT-X-GAP\n");
  print_duration (out, segment->duration);
  mill_hls_text_append_uri (out, segment->uri);
  g_string_append_c (out, '\n');
  return init;
}

GBytes *
mill_hls_media_print (const MillHlsMedia *media)
{
  GString *out = g_string_sized_new (256 + media->n_segments * 128);
  const gchar *init = NULL;

  print_head (out, media);
  for (gsize i = 0; i < media->n_segments; i++)
    init = print_segment (out, &media->segments[i], init);
  if (media->ended || media->kind == MILL_HLS_VOD)
    g_string_append (out, "#EXT-X-ENDLIST\n");
  return g_string_free_to_bytes (out);
}
