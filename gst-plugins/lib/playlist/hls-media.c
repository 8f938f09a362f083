/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/hls-media-private.h"

#include "playlist/hls-listing.h"
#include "playlist/hls-text-private.h"

/* Clause 8: the floors of EXT-X-MAP, in and outside of I-frame playlists, of
 * those themselves, and of EXTINF with a fraction. EXT-X-GAP and
 * EXT-X-PROGRAM-DATE-TIME have none; that of EXT-X-BYTERANGE is 4, below that of
 * the map, without which no segment here has one. */
#define VERSION_MAP 6
#define VERSION_I_FRAMES_MAP 5
#define VERSION_I_FRAMES 4
#define VERSION_DECIMAL 3

guint
mill_hls_media_round_duration (GstClockTime duration)
{
  guint64 seconds = (duration + GST_SECOND / 2) / GST_SECOND;

  return (guint) CLAMP (seconds, 1, G_MAXUINT);
}

static guint
choose_version (const MillHlsMedia *media, gboolean has_init)
{
  if (media->i_frames_only)
    return has_init ? VERSION_I_FRAMES_MAP : VERSION_I_FRAMES;
  return has_init ? VERSION_MAP : VERSION_DECIMAL;
}

void
mill_hls_media_append_head (GString *out, const MillHlsMedia *media,
    gboolean has_init)
{
  g_string_append_printf (out, "#EXTM3U\n#EXT-X-VERSION:%u\n",
      choose_version (media, has_init));
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
  if (media->i_frames_only)
    g_string_append (out, "#EXT-X-I-FRAMES-ONLY\n");
  if (media->independent_segments)
    g_string_append (out, "#EXT-X-INDEPENDENT-SEGMENTS\n");
  if (media->start != NULL)
    mill_hls_presentation_append_start (out, media->start);
  for (gsize i = 0; i < media->n_date_ranges; i++)
    mill_hls_date_range_print (&media->date_ranges[i], out);
}

static void
print_duration (GString *out, GstClockTime duration)
{
  g_string_append (out, "#EXTINF:");
  mill_hls_text_append_seconds (out, duration);
  g_string_append (out, ",\n");
}

void
mill_hls_media_append_map (GString *out, const MillHlsSegment *segment)
{
  const MillHlsRange *range = &segment->init_range;

  g_string_append (out, "#EXT-X-MAP:URI=\"");
  mill_hls_text_append_uri (out, segment->init_uri);
  g_string_append_c (out, '"');
  if (range->length > 0)
    g_string_append_printf (out,
        ",BYTERANGE=\"%" G_GUINT64_FORMAT "@%" G_GUINT64_FORMAT "\"",
        range->length, range->offset);
  g_string_append_c (out, '\n');
}

void
mill_hls_media_append_segment (GString *out, const MillHlsSegment *segment,
    gboolean with_map)
{
  if (segment->flags & MILL_HLS_SEGMENT_DISCONTINUITY)
    g_string_append (out, "#EXT-X-DISCONTINUITY\n");
  if (with_map)
    mill_hls_media_append_map (out, segment);
  if (segment->program_date_time_us >= 0)
    mill_hls_text_append_date_time (out, segment->program_date_time_us);
  if (segment->flags & MILL_HLS_SEGMENT_GAP)
    g_string_append (out, "#EXT-X-GAP\n");
  if (segment->cue != NULL)
    mill_hls_date_range_print_cue (segment->cue, out);
  print_duration (out, segment->duration);
  /* Clause 4.4.4.2: the offset may be left out after the range before it, but a
   * line that stands by itself can be kept when that one goes. */
  if (segment->range.length > 0)
    g_string_append_printf (out,
        "#EXT-X-BYTERANGE:%" G_GUINT64_FORMAT "@%" G_GUINT64_FORMAT "\n",
        segment->range.length, segment->range.offset);
  mill_hls_text_append_uri (out, segment->uri);
  g_string_append_c (out, '\n');
}

GBytes *
mill_hls_media_print (const MillHlsMedia *media)
{
  g_autoptr (MillHlsListing) listing = mill_hls_listing_new ();

  for (gsize i = 0; i < media->n_segments; i++)
    mill_hls_listing_append (listing, &media->segments[i]);
  return mill_hls_listing_print (listing, media);
}
