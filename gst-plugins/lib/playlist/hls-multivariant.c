/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/hls-multivariant.h"

#include "playlist/hls-text-private.h"

#include <string.h>

/* No tag here has a floor of its own, but the version speaks for "its
 * associated media" too (clause 4.4.1.2): EXT-X-MAP needs 6. */
#define VERSION 6
/* Clause 8: INSTREAM-ID of "SERVICE" values. */
#define VERSION_OF_SERVICES 7

/* What a player of which nothing is known may begin with (HLS Authoring
 * Specification for Apple Devices, on the default variant: 2 Mbit/s). */
#define START_BANDWIDTH_BPS 2200000

static void
print_flags (GString *out, const MillHlsRendition *rendition)
{
  if (rendition->is_default)
    g_string_append (out, ",DEFAULT=YES");
  /* Clause 4.4.6.1: with DEFAULT=YES, AUTOSELECT must not be NO. */
  if (rendition->is_default || rendition->autoselect)
    g_string_append (out, ",AUTOSELECT=YES");
  if (rendition->forced && rendition->type == MILL_HLS_SUBTITLES)
    g_string_append (out, ",FORCED=YES");
}

static void
print_rendition (GString *out, const MillHlsRendition *rendition)
{
  static const gchar *const types[] = {
    [MILL_HLS_AUDIO] = "AUDIO",
    [MILL_HLS_SUBTITLES] = "SUBTITLES",
    [MILL_HLS_CLOSED_CAPTIONS] = "CLOSED-CAPTIONS",
  };
  g_string_append_printf (out, "#EXT-X-MEDIA:TYPE=%s", types[rendition->type]);
  mill_hls_text_append_quoted (out, "GROUP-ID", rendition->group);
  mill_hls_text_append_quoted (out, "NAME", rendition->name);
  if (rendition->language != NULL && rendition->language[0] != '\0')
    mill_hls_text_append_quoted (out, "LANGUAGE", rendition->language);
  print_flags (out, rendition);
  if (rendition->characteristics != NULL &&
      rendition->characteristics[0] != '\0')
    mill_hls_text_append_quoted (out, "CHARACTERISTICS",
        rendition->characteristics);
  if (rendition->channels > 0)
    g_string_append_printf (out, ",CHANNELS=\"%u\"", rendition->channels);
  if (rendition->instream_id != NULL)
    mill_hls_text_append_quoted (out, "INSTREAM-ID", rendition->instream_id);
  if (rendition->uri != NULL && rendition->is_absolute)
    mill_hls_text_append_quoted_absolute_uri (out, "URI", rendition->uri);
  else if (rendition->uri != NULL)
    mill_hls_text_append_quoted_uri (out, "URI", rendition->uri);
  g_string_append_c (out, '\n');
}

static gint
get_version (const MillHlsMultivariant *multivariant)
{
  for (gsize i = 0; i < multivariant->n_renditions; i++) {
    const gchar *id = multivariant->renditions[i].instream_id;
    if (id != NULL && g_str_has_prefix (id, "SERVICE"))
      return VERSION_OF_SERVICES;
  }
  return VERSION;
}

static void
print_frame_rate (GString *out, guint fps_n, guint fps_d)
{
  guint64 milli;

  if (fps_n == 0 || fps_d == 0)
    return;
  /* Clause 4.4.6.2: "rounded to three decimal places". */
  milli = gst_util_uint64_scale_round (fps_n, 1000, fps_d);
  g_string_append_printf (out,
      ",FRAME-RATE=%" G_GUINT64_FORMAT ".%03" G_GUINT64_FORMAT, milli / 1000,
      milli % 1000);
}

static gboolean
has_range (const MillHlsMultivariant *multivariant)
{
  for (gsize i = 0; i < multivariant->n_variants; i++)
    if (multivariant->variants[i].range != MILL_CODEC_SDR)
      return TRUE;
  return FALSE;
}

static void
print_range (GString *out, const MillHlsVariant *variant)
{
  static const gchar *const ranges[] = {
    [MILL_CODEC_SDR] = "SDR",
    [MILL_CODEC_HLG] = "HLG",
    [MILL_CODEC_PQ] = "PQ",
  };
  if (variant->width > 0)
    g_string_append_printf (out, ",VIDEO-RANGE=%s", ranges[variant->range]);
}

/* NONE is no quoted-string (clause 4.4.6.2). */
static void
print_captions (GString *out, const gchar *group)
{
  if (group != NULL && group[0] == '\0')
    g_string_append (out, ",CLOSED-CAPTIONS=NONE");
  else if (group != NULL)
    mill_hls_text_append_quoted (out, "CLOSED-CAPTIONS", group);
}

static void
print_stream (GString *out, guint64 peak_bps, guint64 average_bps,
    const gchar *codecs)
{
  g_string_append_printf (out, "BANDWIDTH=%" G_GUINT64_FORMAT,
      MAX (peak_bps, 1));
  if (average_bps > 0)
    g_string_append_printf (out, ",AVERAGE-BANDWIDTH=%" G_GUINT64_FORMAT,
        average_bps);
  if (codecs != NULL && codecs[0] != '\0')
    mill_hls_text_append_quoted (out, "CODECS", codecs);
}

static void
print_resolution (GString *out, const MillHlsVariant *variant)
{
  if (variant->width > 0 && variant->height > 0)
    g_string_append_printf (out, ",RESOLUTION=%ux%u", variant->width,
        variant->height);
}

static void
print_pathway (GString *out, const MillHlsVariant *variant)
{
  if (variant->pathway != NULL)
    mill_hls_text_append_quoted (out, "PATHWAY-ID", variant->pathway);
}

static void
print_variant (GString *out, const MillHlsVariant *variant, gboolean ranges)
{
  g_string_append (out, "#EXT-X-STREAM-INF:");
  print_stream (out, variant->bandwidth_bps, variant->average_bandwidth_bps,
      variant->codecs);
  print_resolution (out, variant);
  print_frame_rate (out, variant->fps_n, variant->fps_d);
  if (ranges)
    print_range (out, variant);
  if (variant->audio_group != NULL)
    mill_hls_text_append_quoted (out, "AUDIO", variant->audio_group);
  print_pathway (out, variant);
  if (variant->subtitles_group != NULL)
    mill_hls_text_append_quoted (out, "SUBTITLES", variant->subtitles_group);
  print_captions (out, variant->closed_captions);
  g_string_append_c (out, '\n');
  if (variant->is_absolute)
    mill_hls_text_append_absolute_uri (out, variant->uri);
  else
    mill_hls_text_append_uri (out, variant->uri);
  g_string_append_c (out, '\n');
}

/* Clause 4.4.6.3: without frame rate and audio. */
static void
print_i_frames (GString *out, const MillHlsVariant *variant, gboolean ranges)
{
  g_string_append (out, "#EXT-X-I-FRAME-STREAM-INF:");
  print_stream (out, variant->i_frames_bandwidth_bps,
      variant->i_frames_average_bps, variant->i_frames_codecs);
  print_resolution (out, variant);
  if (ranges)
    print_range (out, variant);
  print_pathway (out, variant);
  if (variant->is_absolute)
    mill_hls_text_append_quoted_absolute_uri (out, "URI",
        variant->i_frames_uri);
  else
    mill_hls_text_append_quoted_uri (out, "URI", variant->i_frames_uri);
  g_string_append_c (out, '\n');
}

/* A video that is listed with each of several groups of audio has one, in each
 * pathway: two of them may be at the same URI. */
static gboolean
is_first_of_its_i_frames (const MillHlsMultivariant *multivariant, gsize i)
{
  const MillHlsVariant *variant = &multivariant->variants[i];

  for (gsize k = 0; k < i; k++) {
    const MillHlsVariant *other = &multivariant->variants[k];

    if (g_strcmp0 (other->i_frames_uri, variant->i_frames_uri) == 0 &&
        g_strcmp0 (other->pathway, variant->pathway) == 0)
      return FALSE;
  }
  return variant->i_frames_uri != NULL;
}

static gint
compare_bandwidth (gconstpointer a, gconstpointer b, gpointer unused)
{
  const MillHlsVariant *first = a;
  const MillHlsVariant *second = b;

  return first->bandwidth_bps < second->bandwidth_bps
      ? -1
      : first->bandwidth_bps > second->bandwidth_bps;
}

void
mill_hls_multivariant_order (MillHlsVariant *variants, gsize n_variants)
{
  gsize start = 0;

  if (n_variants < 2)
    return;
  g_qsort_with_data (variants, (gint) n_variants, sizeof (MillHlsVariant),
      compare_bandwidth, NULL);
  while (start + 1 < n_variants &&
      variants[start + 1].bandwidth_bps <= START_BANDWIDTH_BPS)
    start++;
  MillHlsVariant best = variants[start];
  memmove (variants + 1, variants, start * sizeof (MillHlsVariant));
  variants[0] = best;
}

GBytes *
mill_hls_multivariant_print (const MillHlsMultivariant *multivariant)
{
  GString *out = g_string_sized_new (1024);

  g_string_append_printf (out, "#EXTM3U\n#EXT-X-VERSION:%d\n",
      get_version (multivariant));
  if (multivariant->independent_segments)
    g_string_append (out, "#EXT-X-INDEPENDENT-SEGMENTS\n");
  if (multivariant->start != NULL)
    mill_hls_presentation_append_start (out, multivariant->start);
  if (multivariant->steering != NULL)
    mill_hls_presentation_append_steering (out, multivariant->steering);
  for (gsize i = 0; i < multivariant->n_session_data; i++)
    mill_hls_presentation_append_session_data (out,
        &multivariant->session_data[i]);
  for (gsize i = 0; i < multivariant->n_renditions; i++)
    print_rendition (out, &multivariant->renditions[i]);
  for (gsize i = 0; i < multivariant->n_variants; i++)
    print_variant (out, &multivariant->variants[i], has_range (multivariant));
  for (gsize i = 0; i < multivariant->n_variants; i++)
    if (is_first_of_its_i_frames (multivariant, i))
      print_i_frames (out, &multivariant->variants[i],
          has_range (multivariant));
  return g_string_free_to_bytes (out);
}
