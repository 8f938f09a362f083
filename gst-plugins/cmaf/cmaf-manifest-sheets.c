/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Sheets of thumbnails as a Representation of the MPD. */

#include "cmaf-manifest-private.h"

#include <string.h>

/* Behind all renditions. */
#define SET (MILL_CMAF_RENDITIONS_MAX + 2)

#define TIMESCALE 1000

/* Where the media of cuts [from, to) end in the media's time of their
 * generation, ms. */
static guint64
find_end_ms (const MillCmafState *state, guint to)
{
  const MillCmafCut *last = mill_cmaf_manifest_cut_at (state, to - 1);
  return (guint64) (last->media_start + (last->end - last->start)) /
      GST_MSECOND;
}

/* One Representation has sheets of one layout; players get the first's. */
static gboolean
belongs (const MillCmafSheet *sheet, const MillCmafSheet *first,
    const MillCmafCut *cut, guint64 end_ms)
{
  if (sheet->generation != cut->generation || sheet->start_ms >= end_ms ||
      mill_cmaf_thumbnails_get_end (sheet) <=
          (guint64) cut->period_media / GST_MSECOND)
    return FALSE;
  return first == NULL ||
      memcmp (&sheet->layout, &first->layout, sizeof sheet->layout) == 0;
}

static const MillCmafSheet *
collect (const MillCmafManifest *manifest, guint from, guint to, GArray *list,
    guint64 *ret_peak_bytes)
{
  const GArray *sheets = manifest->state->thumbnails->sheets;
  const MillCmafCut *cut = mill_cmaf_manifest_cut_at (manifest->state, from);
  guint64 end_ms = find_end_ms (manifest->state, to);
  const MillCmafSheet *first = NULL;
  for (guint i = 0; i < sheets->len; i++) {
    const MillCmafSheet *sheet = &g_array_index (sheets, MillCmafSheet, i);
    if (sheet->pending)
      break;
    if (!belongs (sheet, first, cut, end_ms))
      continue;
    MillMpdSegment segment = {
      .number = list->len,
      .time = sheet->start_ms,
      .duration = mill_cmaf_thumbnails_get_end (sheet) - sheet->start_ms,
    };
    g_array_append_val (list, segment);
    first = first ? first : sheet;
    *ret_peak_bytes = MAX (*ret_peak_bytes, sheet->bytes);
  }
  return first;
}

gboolean
mill_cmaf_manifest_sheets_describe (const MillCmafManifest *manifest,
    guint from, guint to, GStringChunk *strings, MillMpdRepresentation *ret)
{
  guint64 peak_bytes = 0;
  if (manifest->state->thumbnails == NULL)
    return FALSE;
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (MillMpdSegment));
  const MillCmafSheet *first = collect (manifest, from, to, list, &peak_bytes);
  if (first == NULL)
    return FALSE;
  const MillCmafCut *cut = mill_cmaf_manifest_cut_at (manifest->state, from);
  guint64 duration_ms = mill_cmaf_thumbnails_get_end (first) - first->start_ms;
  g_autofree gchar *media = g_strdup_printf (MILL_CMAF_THUMBNAILS_NAME
      "/%" G_GUINT64_FORMAT "-$Time$.jpg",
      first->generation);
  gsize n = list->len;
  *ret = (MillMpdRepresentation){
    .id = MILL_CMAF_THUMBNAILS_NAME,
    .set = SET,
    .content = MILL_MPD_IMAGE,
    .bandwidth_bps = peak_bytes * 8 * 1000 / duration_ms,
    .width = first->layout.width,
    .height = first->layout.height,
    .tile_columns = first->layout.columns,
    .tile_rows = first->layout.rows,
    .timescale = TIMESCALE,
    .presentation_time_offset = (guint64) cut->period_media / GST_MSECOND,
    .media = g_string_chunk_insert (strings, media),
    .segments =
        (const MillMpdSegment *) g_array_free (g_steal_pointer (&list), FALSE),
    .n_segments = n,
  };
  return TRUE;
}
