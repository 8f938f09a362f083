/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-manifest-private.h"

#include <string.h>

gchar *
mill_cmaf_manifest_name_playlist (const gchar *rendition,
    MillCmafPlaylist which)
{
  return g_strdup_printf ("%s/%s.m3u8", rendition,
      which == MILL_CMAF_PLAYLIST_I_FRAMES ? "iframes" : "playlist");
}

gchar *
mill_cmaf_manifest_name_init (const gchar *rendition, guint64 generation)
{
  return g_strdup_printf ("%s/init-%" G_GUINT64_FORMAT ".mp4", rendition,
      generation);
}

gchar *
mill_cmaf_manifest_name_file (const gchar *rendition, guint64 generation)
{
  return g_strdup_printf ("%s/%" G_GUINT64_FORMAT ".mp4", rendition,
      generation);
}

gchar *
mill_cmaf_manifest_name_segment (const gchar *rendition,
    MillCmafContainer container, guint64 generation, guint64 number)
{
  return g_strdup_printf ("%s/%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".%s",
      rendition, generation, number, container == MILL_CMAF_TS ? "ts" : "m4s");
}

gchar *
mill_cmaf_manifest_name_text (const gchar *rendition, guint64 generation,
    guint64 number)
{
  return g_strdup_printf ("%s/%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".vtt",
      rendition, generation, number);
}

gboolean
mill_cmaf_manifest_lists (const MillCmafManifest *manifest, guint i)
{
  const MillCmafRendition *rendition =
      g_ptr_array_index (manifest->state->renditions, i);
  return !rendition->gone && manifest->bitrates[i].peak_bps > 0;
}

gboolean
mill_cmaf_manifest_has_dependent_cut (const MillCmafManifest *manifest,
    guint from, guint to)
{
  for (guint k = from; k < to; k++)
    if (mill_cmaf_manifest_cut_at (manifest->state, k)->flags &
        (MILL_CMAF_CUT_DEPENDENT | MILL_CMAF_CUT_OPEN))
      return TRUE;
  return FALSE;
}

/* Live, nobody knows what is still to come. */
gboolean
mill_cmaf_manifest_is_independent (const MillCmafManifest *manifest)
{
  if (manifest->mode != MILL_CMAF_VOD)
    return FALSE;
  return !mill_cmaf_manifest_has_dependent_cut (manifest, 0,
      manifest->state->cuts->len);
}

/* What a decoder is chosen by: the sample entry, and of "mp4a" also which MPEG
 * audio it is. */
gboolean
mill_cmaf_manifest_is_one_codec (const gchar *a, const gchar *b)
{
  gsize length = g_str_has_prefix (a, "mp4a") ? strlen ("mp4a.40")
                                              : strlen ("avc1");
  return strncmp (a, b, length) == 0;
}
