/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What manifests say of breaks and signals. */

#include "cmaf-manifest-private.h"

/* A cut may be stamped this much before the break that it was made for. */
#define TOLERANCE_US 5000

/* The id of a splice event may be used again, that of a date range not. */
static const gchar *
name_marker (const MillCmafMarker *marker, GStringChunk *strings)
{
  gchar name[64];
  g_snprintf (name, sizeof name, "scte35-%u-%" G_GUINT64_FORMAT,
      marker->event_id, marker->serial);
  return g_string_chunk_insert (strings, name);
}

static void
add_ranges (GArray *ranges, const MillCmafMarker *marker, GStringChunk *strings)
{
  gboolean is_break = marker->kind == MILL_CMAF_MARKER_BREAK;
  MillHlsDateRange range = {
    .id = name_marker (marker, strings),
    .start_us = marker->start_us,
    .duration_us = is_break ? -1 : marker->planned_us,
    .planned_duration_us = is_break ? marker->planned_us : -1,
    .scte35_out = is_break ? marker->message : NULL,
    .scte35_cmd = is_break ? NULL : marker->message,
  };
  if (marker->start_date != MILL_CMAF_DATE_SETTLED)
    return;
  g_array_append_val (ranges, range);
  if (!is_break || marker->end_us < 0 ||
      marker->end_date != MILL_CMAF_DATE_SETTLED)
    return;
  /* RFC 8216bis 4.4.5.1.1: a second tag, so that the first stays what it was. */
  range.duration_us = marker->end_us - marker->start_us;
  range.planned_duration_us = -1;
  range.scte35_out = NULL;
  range.scte35_in = marker->end_message;
  g_array_append_val (ranges, range);
}

GArray *
mill_cmaf_manifest_marker_list_ranges (const MillCmafManifest *manifest,
    GStringChunk *strings)
{
  const MillCmafMarkers *markers = manifest->state->markers;
  GArray *ranges = g_array_new (FALSE, FALSE, sizeof (MillHlsDateRange));
  for (guint i = 0; markers != NULL && i < markers->list->len; i++)
    add_ranges (ranges, mill_cmaf_marker_at (markers, i), strings);
  return ranges;
}

gboolean
mill_cmaf_manifest_marker_find_cue (const MillCmafManifest *manifest,
    const MillCmafCut *cut, MillHlsCue *ret_cue)
{
  const MillCmafMarkers *markers = manifest->state->markers;
  gint64 until = cut->wall_us + (cut->end - cut->start) / GST_USECOND;
  *ret_cue = (MillHlsCue){ .duration_us = -1 };
  if (!manifest->cue_tags || markers == NULL)
    return FALSE;
  for (guint i = 0; i < markers->list->len; i++) {
    const MillCmafMarker *marker = mill_cmaf_marker_at (markers, i);
    gint64 from = cut->wall_us - TOLERANCE_US;
    gint64 to = until - TOLERANCE_US;
    gint64 end = mill_cmaf_marker_get_end (marker);
    if (marker->kind != MILL_CMAF_MARKER_BREAK)
      continue;
    if (marker->start_us > from && marker->start_us <= to) {
      ret_cue->begins = TRUE;
      ret_cue->duration_us = marker->planned_us;
    } else if (marker->start_us <= from && end > to && !ret_cue->begins) {
      ret_cue->goes_on = TRUE;
      ret_cue->duration_us = marker->planned_us;
      ret_cue->elapsed_us = cut->wall_us - marker->start_us;
    }
    ret_cue->ends |= end > from && end <= to;
  }
  return ret_cue->begins || ret_cue->ends || ret_cue->goes_on;
}

/* @us: not negative; from a state that anybody may have written */
static guint64
to_ticks (gint64 us)
{
  return gst_util_uint64_scale_round ((guint64) us, MILL_MPD_EVENT_TIMESCALE,
      G_USEC_PER_SEC);
}

/* Wall clock at which the Period of @cut starts; @cut itself may be later. */
static gint64
get_period_wall (const MillCmafCut *cut)
{
  return cut->wall_us - (cut->media_start - cut->period_media) / GST_USECOND;
}

static void
add_event (GArray *events, guint64 id, gint64 time_us, gint64 duration_us,
    GBytes *section)
{
  MillMpdEvent event = {
    .id = id,
    .time = to_ticks (MAX (time_us, 0)),
    .duration = duration_us >= 0 ? to_ticks (duration_us)
                                 : MILL_MPD_EVENT_NO_DURATION,
    .section = section,
  };
  g_array_append_val (events, event);
}

static gint
compare_events (gconstpointer a, gconstpointer b)
{
  const MillMpdEvent *first = a;
  const MillMpdEvent *second = b;
  if (first->time != second->time)
    return first->time < second->time ? -1 : 1;
  return first->id < second->id ? -1 : first->id > second->id;
}

GArray *
mill_cmaf_manifest_marker_list_events (const MillCmafManifest *manifest,
    guint from, guint to)
{
  const MillCmafState *state = manifest->state;
  GArray *events = g_array_new (FALSE, FALSE, sizeof (MillMpdEvent));
  if (state->markers == NULL)
    return events;
  gint64 begin = get_period_wall (mill_cmaf_manifest_cut_at (state, from));
  gint64 least = from > 0 ? begin - TOLERANCE_US : G_MININT64;
  gint64 most = to < state->cuts->len
      ? get_period_wall (mill_cmaf_manifest_cut_at (state, to)) - TOLERANCE_US
      : G_MAXINT64;
  for (guint i = 0; i < state->markers->list->len; i++) {
    const MillCmafMarker *marker = mill_cmaf_marker_at (state->markers, i);
    gint64 start = marker->start_us;
    if (marker->start_date != MILL_CMAF_DATE_SETTLED)
      continue;
    if (start > least && start <= most && marker->message != NULL)
      add_event (events, 2 * marker->serial, start - begin, marker->planned_us,
          marker->message);
    gint64 end = marker->end_us;
    if (end >= 0 && end > least && end <= most && marker->end_message != NULL &&
        marker->end_date == MILL_CMAF_DATE_SETTLED)
      add_event (events, 2 * marker->serial + 1, end - begin, -1,
          marker->end_message);
  }
  g_array_sort (events, compare_events);
  return events;
}

const gchar *const *
mill_cmaf_manifest_marker_get_schemes (const MillCmafManifest *manifest,
    guint i)
{
  static const gchar *const lists[][3] = {
    { NULL },
    { MILL_CMAF_SCHEME_URI_SCTE35, NULL },
    { MILL_CMAF_SCHEME_URI_ID3, NULL },
    { MILL_CMAF_SCHEME_URI_SCTE35, MILL_CMAF_SCHEME_URI_ID3, NULL },
  };
  const MillCmafState *state = manifest->state;
  const MillCmafRendition *own = g_ptr_array_index (state->renditions, i);
  gboolean has_video = FALSE;
  MillCmafSchemes schemes = state->markers ? state->markers->schemes : 0;
  if (own->format.kind > MILL_CMAF_AUDIO)
    return NULL;
  /* What may come is told before it does: shaka-player reads it once for each
   * Representation, and with low latency nobody loads the MPD again. */
  if (manifest->mode != MILL_CMAF_VOD)
    schemes = MILL_CMAF_SCHEME_SCTE35 | MILL_CMAF_SCHEME_ID3;
  for (guint k = 0; k < state->renditions->len; k++) {
    const MillCmafRendition *other = g_ptr_array_index (state->renditions, k);
    has_video |= other->format.kind == MILL_CMAF_VIDEO;
  }
  if (has_video && own->format.kind != MILL_CMAF_VIDEO)
    return NULL;
  return lists[schemes];
}
