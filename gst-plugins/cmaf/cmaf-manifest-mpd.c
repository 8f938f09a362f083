/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "bmff/bmff-init.h"
#include "cmaf-captions.h"
#include "cmaf-manifest-private.h"
#include "playlist/mpd.h"

/* Numbers of sets to jump through: above those of any rendition. */
#define TRICK_SETS 1000

/* A Period. */
typedef struct
{
  guint from; /* cuts [from, to) of the state */
  guint to;
  const MillCmafPeriod *kept; /* (nullable) */
} Span;

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
    const MillCmafSegment *segment =
        mill_cmaf_manifest_segment_at (rendition, k);
    gint64 start = MAX (segment->time, earliest);
    gint64 end = segment->time + (gint64) segment->duration;
    if (mill_cmaf_manifest_is_gap (rendition, k) || end <= start)
      continue;
    if (pool->len > 0) {
      /* Two clocks may disagree by a tick; overlaps are not allowed. */
      MillMpdSegment *last =
          &g_array_index (pool, MillMpdSegment, pool->len - 1);
      if (start > (gint64) last->time)
        last->duration = MIN (last->duration, (guint64) start - last->time);
    }
    MillMpdSegment added = {
      .number = mill_cmaf_manifest_cut_at (manifest->state, k)->number,
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

/* Whether a player may switch from one to the other in the midst: with audio,
 * and with another codec, range or orientation of the picture, it would have to
 * set up its decoder or screen anew. */
static gboolean
is_switchable (const MillCmafFormat *a, const MillCmafFormat *b)
{
  if (a->kind != b->kind || a->kind == MILL_CMAF_TEXT)
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
  /* No text is on unless somebody wants it. */
  if (own->format.kind == MILL_CMAF_TEXT)
    return own->format.is_default;
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

static MillMpdTextRole
get_text_role (const MillCmafFormat *format)
{
  if (format->text_role & MILL_CMAF_TEXT_FORCED)
    return MILL_MPD_FORCED_SUBTITLE;
  return format->text_role & MILL_CMAF_TEXT_HEARING_IMPAIRED
      ? MILL_MPD_CAPTION
      : MILL_MPD_SUBTITLE;
}

static const gchar *
keep (GStringChunk *strings, gchar *text)
{
  g_autofree gchar *owned = text;
  return owned != NULL ? g_string_chunk_insert_const (strings, owned) : NULL;
}

static void
add_captions (const gchar *captions, MillMpdRepresentation *described,
    GStringChunk *strings)
{
  if (captions == NULL)
    return;
  described->captions_608 =
      keep (strings, mill_cmaf_captions_print_608 (captions));
  described->captions_708 =
      keep (strings, mill_cmaf_captions_print_708 (captions));
}

static MillMpdRepresentation
describe (const MillCmafManifest *manifest, guint i, const MillCmafCut *cut,
    GStringChunk *strings)
{
  const MillCmafRendition *rendition =
      g_ptr_array_index (manifest->state->renditions, i);
  const MillCmafFormat *format = &rendition->format;
  static const MillMpdContent contents[] = {
    [MILL_CMAF_VIDEO] = MILL_MPD_VIDEO,
    [MILL_CMAF_AUDIO] = MILL_MPD_AUDIO,
    [MILL_CMAF_TEXT] = MILL_MPD_TEXT,
  };
  g_autofree gchar *init =
      mill_cmaf_manifest_name_init (rendition->name, cut->generation);
  g_autofree gchar *media = g_strdup_printf ("%s/%" G_GUINT64_FORMAT
                                             "-$Number$.m4s",
      rendition->name, cut->generation);
  MillMpdRepresentation described = {
    .id = rendition->name,
    .set = set_of (manifest, i),
    .content = contents[format->kind],
    .text_role = get_text_role (format),
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
    .event_schemes = mill_cmaf_manifest_marker_get_schemes (manifest, i),
  };
  const MillCmafFile *file =
      mill_cmaf_manifest_find_file (rendition, cut->generation);
  if (file != NULL && file->index_bytes > 0) {
    g_autofree gchar *name =
        mill_cmaf_manifest_name_file (rendition->name, cut->generation);
    described.file = g_string_chunk_insert (strings, name);
    described.header = (MillMpdRange){ 0, file->header_bytes };
    described.index = (MillMpdRange){ file->header_bytes, file->index_bytes };
  }
  turn (&described, format->orientation);
  if (format->kind == MILL_CMAF_VIDEO)
    add_captions (manifest->state->captions, &described, strings);
  return described;
}

static void
clear_representation (gpointer data)
{
  MillMpdRepresentation *representation = data;
  g_free ((gpointer) representation->segments);
  g_free ((gpointer) representation->ranges);
}

/* The same pictures that the I-frame playlist has, of a video that has one at the
 * beginning of every segment. In an MPD that is written again and again it would
 * be a line for each segment of the window. */
static void
add_trick_mode (const MillCmafManifest *manifest, guint i, guint from,
    GStringChunk *strings, GArray *list)
{
  const MillCmafRendition *rendition =
      g_ptr_array_index (manifest->state->renditions, i);
  guint64 first = mill_cmaf_manifest_cut_at (manifest->state, from)->number;
  MillMpdRepresentation trick =
      g_array_index (list, MillMpdRepresentation, list->len - 1);
  if (!manifest->trick_sets || !manifest->state->ended ||
      rendition->format.kind != MILL_CMAF_VIDEO || trick.n_segments == 0)
    return;
  g_autofree MillMpdRange *ranges = g_new (MillMpdRange, trick.n_segments);
  for (gsize n = 0; n < trick.n_segments; n++) {
    const MillCmafSegment *segment = mill_cmaf_manifest_segment_at (rendition,
        from + (guint) (trick.segments[n].number - first));
    if (segment->i_frame_bytes == 0)
      return;
    ranges[n] = (MillMpdRange){ segment->offset + segment->i_frame_offset,
      segment->i_frame_bytes };
  }
  g_autofree gchar *id = g_strconcat (rendition->name, "-trick", NULL);
  trick.id = g_string_chunk_insert (strings, id);
  trick.trick_set = trick.set;
  trick.set += TRICK_SETS;
  trick.bandwidth_bps = manifest->bitrates[i].i_frames_peak_bps;
  trick.event_schemes = NULL;
  trick.segments =
      g_memdup2 (trick.segments, trick.n_segments * sizeof (MillMpdSegment));
  trick.ranges = g_steal_pointer (&ranges);
  g_array_append_val (list, trick);
}

/* Of a Period that is kept, or of cuts [from, to). */
static void
describe_segments (const MillCmafManifest *manifest, const Span *span, guint i,
    MillMpdRepresentation *representation, GArray *pool)
{
  const MillCmafRendition *rendition =
      g_ptr_array_index (manifest->state->renditions, i);
  gboolean is_video = rendition->format.kind == MILL_CMAF_VIDEO;
  if (span->kept == NULL) {
    representation->cut_without_sap = is_video &&
        mill_cmaf_manifest_has_dependent_cut (manifest, span->from, span->to);
    fill_segments (manifest, rendition, span->from, span->to, representation,
        pool);
    return;
  }
  representation->cut_without_sap = is_video && span->kept->n_dependent > 0;
  representation->timeline = mill_cmaf_periods_get_timeline (span->kept, i);
  if (representation->timeline != NULL)
    representation->n_segments =
        mill_mpd_timeline_get_length (representation->timeline);
}

static GArray *
describe_period (const MillCmafManifest *manifest, const Span *span,
    GStringChunk *strings, GArray *pool)
{
  GArray *list = g_array_new (FALSE, TRUE, sizeof (MillMpdRepresentation));
  g_array_set_clear_func (list, clear_representation);
  for (guint i = 0; i < manifest->state->renditions->len; i++) {
    if (!is_in_mpd (manifest, i))
      continue;
    MillMpdRepresentation representation = describe (manifest, i,
        mill_cmaf_manifest_cut_at (manifest->state, span->from), strings);
    describe_segments (manifest, span, i, &representation, pool);
    g_array_append_val (list, representation);
    add_trick_mode (manifest, i, span->from, strings, list);
  }
  g_array_sort (list, compare_sets);
  MillMpdRepresentation sheets;
  if (mill_cmaf_manifest_sheets_describe (manifest, span->from, span->to,
          strings, &sheets))
    g_array_append_val (list, sheets);
  return list;
}

/* What was kept of a Period tells of segments alone: not of their bytes, which
 * are listed when nothing changes any more. */
static Span
find_span (const MillCmafManifest *manifest, guint i, guint from)
{
  const MillCmafState *state = manifest->state;
  guint64 period = mill_cmaf_manifest_cut_at (state, from)->period;
  Span span = { .from = from, .to = from + 1 };
  if (manifest->periods != NULL && !state->ended)
    span.kept = mill_cmaf_periods_get (manifest->periods, i);
  if (span.kept != NULL) {
    span.to = from + span.kept->n_cuts;
    return span;
  }
  while (span.to < state->cuts->len &&
      mill_cmaf_manifest_cut_at (state, span.to)->period == period)
    span.to++;
  return span;
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
    const MillCmafCut *cut = mill_cmaf_manifest_cut_at (state, from);
    Span span = find_span (manifest, periods->len, from);
    GArray *list = describe_period (manifest, &span, strings, pool);
    g_ptr_array_add (lists, list);
    GArray *events =
        mill_cmaf_manifest_marker_list_events (manifest, from, span.to);
    g_ptr_array_add (lists, events);
    gboolean runs_on = from > 0 && cut->number == cut->period &&
        !(cut->flags & MILL_CMAF_CUT_DISCONTINUITY);
    MillMpdPeriod period = {
      .id = name_period (strings, cut->period),
      .start = (GstClockTime) cut->period_start,
      .duration = GST_CLOCK_TIME_NONE,
      .continues = runs_on
          ? name_period (strings,
                mill_cmaf_manifest_cut_at (state, from - 1)->period)
          : NULL,
      .representations = (const MillMpdRepresentation *) list->data,
      .n_representations = list->len,
      .events = (const MillMpdEvent *) events->data,
      .n_events = events->len,
    };
    g_array_append_val (periods, period);
    from = span.to;
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
  const MillCmafCut *last =
      mill_cmaf_manifest_cut_at (state, state->cuts->len - 1);
  GstClockTimeDiff end = last->media_start + (last->end - last->start);
  for (guint i = 0; i < state->renditions->len; i++) {
    const MillCmafRendition *rendition =
        g_ptr_array_index (state->renditions, i);
    const MillCmafSegment *segment =
        mill_cmaf_manifest_segment_at (rendition, state->cuts->len - 1);
    if (!(segment->flags & MILL_CMAF_SEGMENT_GAP))
      end = MAX (end,
          mill_cmaf_timeline_to_ns (segment->time + (gint64) segment->duration,
              rendition->format.timescale));
  }
  return (GstClockTime) MAX (last->period_start + end - last->period_media, 0);
}

static GstClockTime
find_window (const MillCmafManifest *manifest)
{
  const MillCmafState *state = manifest->state;
  GstClockTimeDiff window = 0;
  if (manifest->periods != NULL)
    return (GstClockTime) mill_cmaf_periods_get_duration (manifest->periods);
  for (guint i = 0; i < state->cuts->len; i++)
    window += mill_cmaf_manifest_cut_at (state, i)->end -
        mill_cmaf_manifest_cut_at (state, i)->start;
  return (GstClockTime) window;
}

static GArray *
describe_bases (const MillCmafPresentation *presentation)
{
  GArray *bases = g_array_new (FALSE, TRUE, sizeof (MillMpdBase));
  for (guint i = 0; presentation != NULL && i < presentation->pathways->len;
       i++) {
    const MillCmafPathway *pathway =
        &g_array_index (presentation->pathways, MillCmafPathway, i);
    MillMpdBase base = { .location = pathway->id, .uri = pathway->base };
    g_array_append_val (bases, base);
  }
  return bases;
}

GBytes *
mill_cmaf_manifest_mpd_print (const MillCmafManifest *manifest, GError **error)
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
        ? find_window (manifest)
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
  g_autoptr (GArray) bases = describe_bases (manifest->presentation);
  mpd.bases = (const MillMpdBase *) bases->data;
  mpd.n_bases = bases->len;
  mpd.steering_uri = manifest->presentation != NULL
      ? manifest->presentation->steering_uri
      : NULL;
  return mill_mpd_print (&mpd, error);
}
