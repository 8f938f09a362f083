/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-manifest.h"

#include "playlist/hls-media.h"
#include "playlist/hls-multivariant.h"
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

/* All segments begin with an IDR. Live, nobody knows what is still to come. */
static gboolean
is_independent (const MillCmafManifest *manifest)
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
    .independent_segments = is_independent (manifest),
    .target_duration_s = state->target_duration_s,
    .media_sequence = n > 0 ? cut_at (state, 0)->number : state->next_number,
    .discontinuity_sequence = state->discontinuity_sequence,
    .segments = segments,
    .n_segments = n,
  };
  return mill_hls_media_print (&media);
}

/** What the audio renditions of a group add to a variant. */
typedef struct
{
  const gchar *group;
  const gchar *codec;
  guint64 peak_bps;
  guint64 average_bps;
} AudioGroup;

static AudioGroup *
find_group (GArray *groups, const gchar *name)
{
  for (guint i = 0; i < groups->len; i++) {
    AudioGroup *group = &g_array_index (groups, AudioGroup, i);
    if (g_str_equal (group->group, name))
      return group;
  }
  AudioGroup added = { .group = name };
  g_array_append_val (groups, added);
  return &g_array_index (groups, AudioGroup, groups->len - 1);
}

static gboolean
has_video (const MillCmafManifest *manifest)
{
  for (guint i = 0; i < manifest->state->renditions->len; i++) {
    const MillCmafRendition *rendition =
        g_ptr_array_index (manifest->state->renditions, i);
    if (rendition->format.kind == MILL_CMAF_VIDEO &&
        mill_cmaf_manifest_lists (manifest, i))
      return TRUE;
  }
  return FALSE;
}

/* EXT-X-MEDIA for each rendition of audio, and the groups they make. */
static void
collect_audio (const MillCmafManifest *manifest, GStringChunk *strings,
    GArray *renditions, GArray *groups)
{
  for (guint i = 0; i < manifest->state->renditions->len; i++) {
    const MillCmafRendition *rendition =
        g_ptr_array_index (manifest->state->renditions, i);
    const MillCmafFormat *format = &rendition->format;
    if (format->kind != MILL_CMAF_AUDIO ||
        !mill_cmaf_manifest_lists (manifest, i))
      continue;
    guint n_groups = groups->len;
    AudioGroup *group = find_group (groups, format->group);
    g_autofree gchar *uri = mill_cmaf_manifest_name_playlist (rendition->name);
    MillHlsRendition media = {
      .group = format->group,
      .name = rendition->name,
      .language = format->language,
      .uri = g_string_chunk_insert (strings, uri),
      .is_default = format->is_default || groups->len > n_groups,
      .autoselect = TRUE,
      .channels = format->channels,
    };
    g_array_append_val (renditions, media);
    group->codec = format->codec;
    group->peak_bps = MAX (group->peak_bps, manifest->bitrates[i].peak_bps);
    group->average_bps =
        MAX (group->average_bps, manifest->bitrates[i].average_bps);
  }
}

/* At most one default per group: the first that was asked for, or the first. */
static void
settle_defaults (GArray *renditions, const MillCmafManifest *manifest)
{
  for (guint i = 0; i < renditions->len; i++) {
    MillHlsRendition *media = &g_array_index (renditions, MillHlsRendition, i);
    const MillCmafRendition *own =
        mill_cmaf_state_find_rendition (manifest->state, media->name);
    for (guint k = 0; k < i && media->is_default; k++) {
      MillHlsRendition *other =
          &g_array_index (renditions, MillHlsRendition, k);
      if (!other->is_default || !g_str_equal (other->group, media->group))
        continue;
      const MillCmafRendition *before =
          mill_cmaf_state_find_rendition (manifest->state, other->name);
      if (own->format.is_default && !before->format.is_default)
        other->is_default = FALSE;
      else
        media->is_default = FALSE;
    }
  }
}

static void
add_variants (const MillCmafManifest *manifest, guint i, GStringChunk *strings,
    GArray *groups, GArray *variants)
{
  const MillCmafRendition *rendition =
      g_ptr_array_index (manifest->state->renditions, i);
  const MillCmafFormat *format = &rendition->format;
  g_autofree gchar *uri = mill_cmaf_manifest_name_playlist (rendition->name);
  MillHlsVariant variant = {
    .uri = g_string_chunk_insert (strings, uri),
    .bandwidth_bps = manifest->bitrates[i].peak_bps,
    .average_bandwidth_bps = manifest->bitrates[i].average_bps,
    .codecs = format->codec,
    .width = format->width,
    .height = format->height,
    .fps_n = format->fps_n,
    .fps_d = format->fps_d,
  };
  if (format->kind == MILL_CMAF_AUDIO || groups->len == 0) {
    g_array_append_val (variants, variant);
    return;
  }
  for (guint k = 0; k < groups->len; k++) {
    const AudioGroup *group = &g_array_index (groups, AudioGroup, k);
    MillHlsVariant with = variant;
    g_autofree gchar *codecs =
        g_strdup_printf ("%s,%s", format->codec, group->codec);
    with.codecs = g_string_chunk_insert (strings, codecs);
    with.bandwidth_bps += group->peak_bps;
    with.average_bandwidth_bps += group->average_bps;
    with.audio_group = group->group;
    g_array_append_val (variants, with);
  }
}

GBytes *
mill_cmaf_manifest_print_multivariant (const MillCmafManifest *manifest)
{
  g_autoptr (GStringChunk) strings = g_string_chunk_new (1024);
  g_autoptr (GArray) renditions =
      g_array_new (FALSE, TRUE, sizeof (MillHlsRendition));
  g_autoptr (GArray) groups = g_array_new (FALSE, TRUE, sizeof (AudioGroup));
  g_autoptr (GArray) variants =
      g_array_new (FALSE, TRUE, sizeof (MillHlsVariant));
  MillCmafKind kind = has_video (manifest) ? MILL_CMAF_VIDEO : MILL_CMAF_AUDIO;
  if (kind == MILL_CMAF_VIDEO)
    collect_audio (manifest, strings, renditions, groups);
  settle_defaults (renditions, manifest);
  for (guint i = 0; i < manifest->state->renditions->len; i++) {
    const MillCmafRendition *rendition =
        g_ptr_array_index (manifest->state->renditions, i);
    if (rendition->format.kind == kind &&
        mill_cmaf_manifest_lists (manifest, i))
      add_variants (manifest, i, strings, groups, variants);
  }
  mill_hls_multivariant_order ((MillHlsVariant *) variants->data,
      variants->len);
  MillHlsMultivariant multivariant = {
    .independent_segments = is_independent (manifest),
    .renditions = (const MillHlsRendition *) renditions->data,
    .n_renditions = renditions->len,
    .variants = (const MillHlsVariant *) variants->data,
    .n_variants = variants->len,
  };
  return mill_hls_multivariant_print (&multivariant);
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

static guint
set_of (const MillCmafManifest *manifest, guint i)
{
  const MillCmafRendition *rendition =
      g_ptr_array_index (manifest->state->renditions, i);
  if (rendition->format.kind == MILL_CMAF_VIDEO)
    return 1;
  /* Audio that differs in language, group or coding is not to be switched
   * between: the decoder would have to be set up anew. */
  for (guint k = 0; k < i; k++) {
    const MillCmafRendition *other =
        g_ptr_array_index (manifest->state->renditions, k);
    if (other->format.kind == MILL_CMAF_AUDIO &&
        g_strcmp0 (other->format.language, rendition->format.language) == 0 &&
        g_strcmp0 (other->format.group, rendition->format.group) == 0 &&
        g_strcmp0 (other->format.codec, rendition->format.codec) == 0 &&
        other->format.sample_rate == rendition->format.sample_rate &&
        other->format.channels == rendition->format.channels)
      return set_of (manifest, k);
  }
  return 2 + i;
}

/* Role of the set that rendition @i is in: of audio, the one that a player is
 * to take, if one was named; else the first. */
static gboolean
is_main (const MillCmafManifest *manifest, guint i)
{
  const GPtrArray *renditions = manifest->state->renditions;
  const MillCmafRendition *own = g_ptr_array_index (renditions, i);
  gint main_set = -1;
  gboolean named = FALSE;
  for (guint k = 0; k < renditions->len; k++) {
    const MillCmafRendition *other = g_ptr_array_index (renditions, k);
    if (other->format.kind != own->format.kind ||
        !mill_cmaf_manifest_lists (manifest, k))
      continue;
    if (main_set < 0 || (other->format.is_default && !named))
      main_set = (gint) set_of (manifest, k);
    named |= other->format.is_default;
  }
  return main_set < 0 || (guint) main_set == set_of (manifest, i);
}

static gint
compare_sets (gconstpointer a, gconstpointer b)
{
  const MillMpdRepresentation *first = a;
  const MillMpdRepresentation *second = b;
  return first->set < second->set ? -1 : first->set > second->set;
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
  return (MillMpdRepresentation){
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
    .sample_rate = format->sample_rate,
    .channels = format->channels,
    .timescale = format->timescale,
    .presentation_time_offset =
        (guint64) mill_cmaf_timeline_to_ticks (cut->period_media,
            format->timescale),
    .init = g_string_chunk_insert (strings, init),
    .media = g_string_chunk_insert (strings, media),
  };
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
