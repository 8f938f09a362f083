/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-manifest.h"

#include <string.h>

#include "bmff/bmff-init.h"
#include "playlist/hls-media.h"
#include "playlist/mpd.h"

gchar *
mill_cmaf_manifest_name_playlist (const gchar *rendition)
{
  return g_strdup_printf ("%s/playlist.m3u8", rendition);
}

gchar *
mill_cmaf_manifest_name_init (const gchar *rendition, guint64 generation)
{
  return g_strdup_printf ("%s/init-%" G_GUINT64_FORMAT ".mp4", rendition,
      generation);
}

gchar *
mill_cmaf_manifest_name_segment (const gchar *rendition, guint64 generation,
    guint64 number)
{
  return g_strdup_printf ("%s/%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".m4s",
      rendition, generation, number);
}

static const MillCmafCut *
cut_at (const MillCmafState *state, guint i)
{
  return &g_array_index (state->cuts, MillCmafCut, i);
}

static const MillCmafSegment *
segment_at (const MillCmafRendition *rendition, guint i)
{
  return &g_array_index (rendition->segments, MillCmafSegment, i);
}

static gboolean
is_gap (const MillCmafRendition *rendition, guint i)
{
  return (segment_at (rendition, i)->flags & MILL_CMAF_SEGMENT_GAP) != 0;
}

gboolean
mill_cmaf_manifest_lists (const MillCmafManifest *manifest, guint i)
{
  const MillCmafRendition *rendition =
      g_ptr_array_index (manifest->state->renditions, i);
  return !rendition->gone && manifest->bitrates[i].peak_bps > 0;
}

static gboolean
has_dependent_cut (const MillCmafManifest *manifest, guint from, guint to)
{
  for (guint k = from; k < to; k++)
    if (cut_at (manifest->state, k)->flags &
        (MILL_CMAF_CUT_DEPENDENT | MILL_CMAF_CUT_OPEN))
      return TRUE;
  return FALSE;
}

/* ---- HLS ---- */

/* Live, nobody knows what is still to come. */
gboolean
mill_cmaf_manifest_is_independent (const MillCmafManifest *manifest)
{
  if (manifest->mode != MILL_CMAF_VOD)
    return FALSE;
  return !has_dependent_cut (manifest, 0, manifest->state->cuts->len);
}

static gint64
wall_of (const MillCmafManifest *manifest, const MillCmafRendition *rendition,
    guint i)
{
  /* A file has no wall clock. */
  if (manifest->mode == MILL_CMAF_VOD)
    return -1;
  const MillCmafCut *cut = cut_at (manifest->state, i);
  if (is_gap (rendition, i))
    return cut->wall_us;
  GstClockTimeDiff start =
      mill_cmaf_timeline_to_ns (segment_at (rendition, i)->time,
          rendition->format.timescale);
  return cut->wall_us + (start - cut->media_start) / GST_USECOND;
}

GBytes *
mill_cmaf_manifest_print_media (const MillCmafManifest *manifest, guint i)
{
  static const MillHlsKind kinds[] = { MILL_HLS_LIVE, MILL_HLS_EVENT,
    MILL_HLS_VOD };
  const MillCmafState *state = manifest->state;
  const MillCmafRendition *rendition = g_ptr_array_index (state->renditions, i);
  g_autoptr (GStringChunk) strings = g_string_chunk_new (1024);
  guint n = state->cuts->len;
  /* A rendition of a file may end before the others: that is no gap. */
  while (manifest->mode == MILL_CMAF_VOD && n > 0 && is_gap (rendition, n - 1))
    n--;
  g_autofree MillHlsSegment *segments = g_new0 (MillHlsSegment, n);
  guint64 init_generation = MILL_CMAF_NONE;
  const gchar *init = NULL;
  gchar name[64];
  for (guint k = 0; k < n; k++) {
    const MillCmafCut *cut = cut_at (state, k);
    gboolean gap = is_gap (rendition, k);
    if (!gap && cut->generation != init_generation) {
      init_generation = cut->generation;
      g_snprintf (name, sizeof name, "init-%" G_GUINT64_FORMAT ".mp4",
          init_generation);
      init = g_string_chunk_insert (strings, name);
    }
    g_snprintf (name, sizeof name,
        "%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".m4s", cut->generation,
        cut->number);
    segments[k] = (MillHlsSegment){
      .uri = g_string_chunk_insert (strings, name),
      .init_uri = gap ? NULL : init,
      .duration = (GstClockTime)
          mill_cmaf_timeline_to_ns ((gint64) segment_at (rendition, k)
                                        ->duration,
              rendition->format.timescale),
      .program_date_time_us = wall_of (manifest, rendition, k),
      .flags = (gap ? MILL_HLS_SEGMENT_GAP : 0) |
          (cut->flags & MILL_CMAF_CUT_DISCONTINUITY
                  ? MILL_HLS_SEGMENT_DISCONTINUITY
                  : 0),
    };
  }
  MillHlsMedia media = {
    .kind = kinds[manifest->mode],
    .ended = state->ended,
    .independent_segments = mill_cmaf_manifest_is_independent (manifest),
    .target_duration_s = state->target_duration_s,
    .media_sequence = n > 0 ? cut_at (state, 0)->number : state->next_number,
    .discontinuity_sequence = state->discontinuity_sequence,
    .segments = segments,
    .n_segments = n,
  };
  return mill_hls_media_print (&media);
}

/* ---- DASH ---- */

/* Where a video is missing a Period begins without it: those that have it say
 * the truth, however long it has been away. */
static gboolean
is_in_mpd (const MillCmafManifest *manifest, guint i)
{
  const MillCmafRendition *rendition =
      g_ptr_array_index (manifest->state->renditions, i);
  return mill_cmaf_manifest_lists (manifest, i) ||
      (rendition->format.kind == MILL_CMAF_VIDEO &&
          manifest->bitrates[i].peak_bps > 0);
}

/* The segments of rendition @r in cuts [from, to), as S elements. */
static void
fill_segments (const MillCmafManifest *manifest,
    const MillCmafRendition *rendition, guint from, guint to,
    MillMpdRepresentation *representation, GArray *pool)
{
  gint64 earliest = (gint64) representation->presentation_time_offset;
  g_array_set_size (pool, 0);
  for (guint k = from; k < to; k++) {
    const MillCmafSegment *segment = segment_at (rendition, k);
    gint64 start = MAX (segment->time, earliest);
    gint64 end = segment->time + (gint64) segment->duration;
    if (is_gap (rendition, k) || end <= start)
      continue;
    if (pool->len > 0) {
      /* Two clocks may disagree by a tick; overlaps are not allowed. */
      MillMpdSegment *last =
          &g_array_index (pool, MillMpdSegment, pool->len - 1);
      if (start > (gint64) last->time)
        last->duration = MIN (last->duration, (guint64) start - last->time);
    }
    MillMpdSegment added = {
      .number = cut_at (manifest->state, k)->number,
      .time = (guint64) start,
      .duration = (guint64) (end - start),
    };
    g_array_append_val (pool, added);
    earliest = start + 1;
  }
  representation->n_segments = pool->len;
  representation->segments =
      g_memdup2 (pool->data, pool->len * sizeof (MillMpdSegment));
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

/* Whether a player may switch from one to the other in the midst: with audio,
 * and with another codec, range or orientation of the picture, it would have to
 * set up its decoder or screen anew. */
static gboolean
is_switchable (const MillCmafFormat *a, const MillCmafFormat *b)
{
  if (a->kind != b->kind)
    return FALSE;
  if (a->kind == MILL_CMAF_VIDEO)
    return mill_cmaf_manifest_is_one_codec (a->codec, b->codec) &&
        mill_codec_get_range (&a->colour) ==
        mill_codec_get_range (&b->colour) &&
        a->orientation == b->orientation;
  return g_strcmp0 (a->language, b->language) == 0 &&
      g_strcmp0 (a->group, b->group) == 0 &&
      g_strcmp0 (a->codec, b->codec) == 0 && a->sample_rate == b->sample_rate &&
      a->channels == b->channels;
}

static guint
set_of (const MillCmafManifest *manifest, guint i)
{
  const GPtrArray *renditions = manifest->state->renditions;
  const MillCmafRendition *own = g_ptr_array_index (renditions, i);
  gboolean is_first = TRUE;
  for (guint k = 0; k < i; k++) {
    const MillCmafRendition *other = g_ptr_array_index (renditions, k);
    if (is_switchable (&other->format, &own->format))
      return set_of (manifest, k);
    is_first &= other->format.kind != own->format.kind;
  }
  return own->format.kind == MILL_CMAF_VIDEO && is_first ? 1 : 2 + i;
}

/* The same in another coding, for players that cannot decode the one. */
static gboolean
is_same_content (const MillCmafFormat *a, const MillCmafFormat *b)
{
  return a->kind == MILL_CMAF_VIDEO ||
      (g_strcmp0 (a->language, b->language) == 0 &&
          g_strcmp0 (a->group, b->group) == 0 &&
          !mill_cmaf_manifest_is_one_codec (a->codec, b->codec));
}

/* Role of the set that rendition @i is in: of audio, the one that a player is
 * to take, if one was named; else the first. */
static gboolean
is_main (const MillCmafManifest *manifest, guint i)
{
  const GPtrArray *renditions = manifest->state->renditions;
  const MillCmafRendition *own = g_ptr_array_index (renditions, i);
  const MillCmafRendition *chosen = NULL;
  guint main_set = 0;
  gboolean named = FALSE;
  for (guint k = 0; k < renditions->len; k++) {
    const MillCmafRendition *other = g_ptr_array_index (renditions, k);
    if (other->format.kind != own->format.kind ||
        !mill_cmaf_manifest_lists (manifest, k))
      continue;
    if (chosen == NULL || (other->format.is_default && !named)) {
      main_set = set_of (manifest, k);
      chosen = other;
    }
    named |= other->format.is_default;
  }
  return chosen == NULL || main_set == set_of (manifest, i) ||
      is_same_content (&chosen->format, &own->format);
}

static gint
compare_sets (gconstpointer a, gconstpointer b)
{
  const MillMpdRepresentation *first = a;
  const MillMpdRepresentation *second = b;
  return first->set < second->set ? -1 : first->set > second->set;
}

/* The size that is seen: @width and @height are of the presentation (23009-1
 * 5.3.7.2), and a picture that lies on its side is turned by players. */
static void
turn (MillMpdRepresentation *representation, guint orientation)
{
  if (!mill_bmff_init_is_turned (orientation))
    return;
  MillMpdRepresentation lying = *representation;
  representation->width = lying.height;
  representation->height = lying.width;
  representation->par_n = lying.par_d;
  representation->par_d = lying.par_n;
}

static MillMpdRepresentation
describe (const MillCmafManifest *manifest, guint i, const MillCmafCut *cut,
    GStringChunk *strings)
{
  const MillCmafRendition *rendition =
      g_ptr_array_index (manifest->state->renditions, i);
  const MillCmafFormat *format = &rendition->format;
  g_autofree gchar *init =
      mill_cmaf_manifest_name_init (rendition->name, cut->generation);
  g_autofree gchar *media = g_strdup_printf ("%s/%" G_GUINT64_FORMAT
                                             "-$Number$.m4s",
      rendition->name, cut->generation);
  MillMpdRepresentation described = {
    .id = rendition->name,
    .set = set_of (manifest, i),
    .content = format->kind == MILL_CMAF_VIDEO ? MILL_MPD_VIDEO
                                               : MILL_MPD_AUDIO,
    .language = format->language,
    .is_main = is_main (manifest, i),
    .codecs = format->codec,
    .bandwidth_bps = manifest->bitrates[i].peak_bps,
    .width = format->width,
    .height = format->height,
    .fps_n = format->fps_n,
    .fps_d = format->fps_d,
    .par_n = format->par_n,
    .par_d = format->par_d,
    .colour = format->colour,
    .sample_rate = format->sample_rate,
    .channels = format->channels,
    .channel_configuration = format->channel_configuration,
    .dolby_channels = format->dolby_channels,
    .timescale = format->timescale,
    .presentation_time_offset =
        (guint64) mill_cmaf_timeline_to_ticks (cut->period_media,
            format->timescale),
    .init = g_string_chunk_insert (strings, init),
    .media = g_string_chunk_insert (strings, media),
  };
  turn (&described, format->orientation);
  return described;
}

static void
clear_representation (gpointer data)
{
  MillMpdRepresentation *representation = data;
  g_free ((gpointer) representation->segments);
}

static GArray *
describe_period (const MillCmafManifest *manifest, guint from, guint to,
    GStringChunk *strings, GArray *pool)
{
  GArray *list = g_array_new (FALSE, TRUE, sizeof (MillMpdRepresentation));
  g_array_set_clear_func (list, clear_representation);
  for (guint i = 0; i < manifest->state->renditions->len; i++) {
    if (!is_in_mpd (manifest, i))
      continue;
    const MillCmafRendition *rendition =
        g_ptr_array_index (manifest->state->renditions, i);
    MillMpdRepresentation representation =
        describe (manifest, i, cut_at (manifest->state, from), strings);
    representation.cut_without_sap = rendition->format.kind ==
            MILL_CMAF_VIDEO &&
        has_dependent_cut (manifest, from, to);
    fill_segments (manifest, rendition, from, to, &representation, pool);
    g_array_append_val (list, representation);
  }
  g_array_sort (list, compare_sets);
  return list;
}

static const gchar *
name_period (GStringChunk *strings, guint64 number)
{
  gchar name[32];
  g_snprintf (name, sizeof name, "p%" G_GUINT64_FORMAT, number);
  return g_string_chunk_insert_const (strings, name);
}

static GArray *
describe_periods (const MillCmafManifest *manifest, GStringChunk *strings,
    GPtrArray *lists)
{
  const MillCmafState *state = manifest->state;
  GArray *periods = g_array_new (FALSE, TRUE, sizeof (MillMpdPeriod));
  g_autoptr (GArray) pool = g_array_new (FALSE, TRUE, sizeof (MillMpdSegment));
  for (guint from = 0; from < state->cuts->len;) {
    const MillCmafCut *cut = cut_at (state, from);
    guint to = from + 1;
    while (to < state->cuts->len && cut_at (state, to)->period == cut->period)
      to++;
    GArray *list = describe_period (manifest, from, to, strings, pool);
    g_ptr_array_add (lists, list);
    gboolean runs_on = from > 0 && cut->number == cut->period &&
        !(cut->flags & MILL_CMAF_CUT_DISCONTINUITY);
    MillMpdPeriod period = {
      .id = name_period (strings, cut->period),
      .start = (GstClockTime) cut->period_start,
      .duration = GST_CLOCK_TIME_NONE,
      .continues = runs_on
          ? name_period (strings, cut_at (state, from - 1)->period)
          : NULL,
      .representations = (const MillMpdRepresentation *) list->data,
      .n_representations = list->len,
    };
    g_array_append_val (periods, period);
    from = to;
  }
  return periods;
}

/* The end on the MPD's timeline: of the rendition that lasts longest. */
static GstClockTime
find_end (const MillCmafManifest *manifest)
{
  const MillCmafState *state = manifest->state;
  if (state->cuts->len == 0)
    return 0;
  const MillCmafCut *last = cut_at (state, state->cuts->len - 1);
  GstClockTimeDiff end = last->media_start + (last->end - last->start);
  for (guint i = 0; i < state->renditions->len; i++) {
    const MillCmafRendition *rendition =
        g_ptr_array_index (state->renditions, i);
    const MillCmafSegment *segment =
        segment_at (rendition, state->cuts->len - 1);
    if (!(segment->flags & MILL_CMAF_SEGMENT_GAP))
      end = MAX (end,
          mill_cmaf_timeline_to_ns (segment->time + (gint64) segment->duration,
              rendition->format.timescale));
  }
  return (GstClockTime) MAX (last->period_start + end - last->period_media, 0);
}

static GstClockTime
find_window (const MillCmafState *state)
{
  GstClockTimeDiff window = 0;
  for (guint i = 0; i < state->cuts->len; i++)
    window += cut_at (state, i)->end - cut_at (state, i)->start;
  return (GstClockTime) window;
}

GBytes *
mill_cmaf_manifest_print_mpd (const MillCmafManifest *manifest, GError **error)
{
  const MillCmafState *state = manifest->state;
  g_autoptr (GStringChunk) strings = g_string_chunk_new (1024);
  g_autoptr (GPtrArray) lists =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  g_autoptr (GArray) periods = describe_periods (manifest, strings, lists);
  MillMpd mpd = {
    .kind = state->ended ? MILL_MPD_STATIC : MILL_MPD_DYNAMIC,
    .availability_start_us = state->availability_start_us,
    .publish_us = manifest->now_us,
    .minimum_update_period = manifest->segment_duration,
    .time_shift_buffer_depth = manifest->mode == MILL_CMAF_LIVE
        ? find_window (state)
        : GST_CLOCK_TIME_NONE,
    .suggested_presentation_delay = 3 * state->target_duration_s * GST_SECOND,
    .min_buffer_time = manifest->segment_duration,
    .max_segment_duration = state->target_duration_s * GST_SECOND,
    .duration = state->ended ? find_end (manifest) : GST_CLOCK_TIME_NONE,
    .utc_timing = state->ended ? NULL : "manifest.mpd",
    .periods = (const MillMpdPeriod *) periods->data,
    .n_periods = periods->len,
  };
  if (state->ended) {
    mpd.time_shift_buffer_depth = GST_CLOCK_TIME_NONE;
    mpd.suggested_presentation_delay = GST_CLOCK_TIME_NONE;
  }
  return mill_mpd_print (&mpd, error);
}
