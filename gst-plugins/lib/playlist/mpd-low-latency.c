/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/mpd-low-latency.h"

#include <gst/gst.h>

#include "playlist/mpd-tree-private.h"

#define SCHEME_TRICK "http://dashif.org/guidelines/trickmode"
#define SCHEME_CLOCK "urn:mpeg:dash:utc:http-iso:2014"

/* A player needs two parts, and time to ask for them. */
#define LATENCY_BASE_MS 1000
/* Catching up by more than this is heard. */
#define RATE_MIN "0.96"
#define RATE_MAX "1.04"

/* Stamps of RTMP are in ms, so segments of one length differ by that. */
#define JITTER_S 0.002
#define MAX_TIMESCALE G_GUINT64_CONSTANT (10000000)
/* Versions of an MPD are told apart by the time they were made (5.4.1); players
 * read that in ms. */
#define VERSION_US 1000
/* Of 1 s, a window of a month. */
#define MAX_SEGMENTS 3000000

G_DEFINE_QUARK (mill_mpd_low_latency_error, mill_mpd_low_latency_error)

/* One that grows: @template of a video or audio in the last Period. */
typedef struct
{
  MillMpdNode *template;
  guint64 timescale;
  guint64 offset; /* presentationTimeOffset */
  guint64 first; /* number of the first segment */
  GArray *segments; /* of Segment */
} Track;

typedef struct
{
  guint64 number;
  guint64 time;
  guint64 duration;
} Segment;

/* Length of a segment: @duration ticks of 1/@timescale s. */
typedef struct
{
  guint64 duration;
  guint64 timescale;
  guint64 first_number; /* of the Period */
} Nominal;

static void
clear_track (gpointer data)
{
  g_array_unref (((Track *) data)->segments);
}

static gboolean
fail (GError **error, MillMpdLowLatencyError code, const gchar *text)
{
  g_set_error (error, MILL_MPD_LOW_LATENCY_ERROR, (gint) code,
      "low-latency MPD: %s", text);
  return FALSE;
}

/* ---- what there is ---- */

static gboolean
read_timeline (const MillMpdNode *timeline, guint64 number, GArray *segments)
{
  guint64 at = 0;

  for (guint i = 0; i < timeline->children->len; i++) {
    const MillMpdNode *row = mill_mpd_tree_child (timeline, i);
    guint64 duration;
    guint64 repeat = 0;

    mill_mpd_tree_get_number (row, "t", &at);
    mill_mpd_tree_get_number (row, "r", &repeat);
    if (!mill_mpd_tree_get_number (row, "d", &duration) || duration == 0 ||
        at > G_MAXINT64 || duration > G_MAXUINT32 ||
        repeat >= MAX_SEGMENTS - segments->len)
      return FALSE;
    for (guint64 k = 0; k <= repeat; k++) {
      Segment segment = { number++, at, duration };

      g_array_append_val (segments, segment);
      at += duration;
    }
  }
  return segments->len > 0;
}

static gboolean
read_track (MillMpdNode *template, GArray *tracks, GError **error)
{
  MillMpdNode *timeline = mill_mpd_tree_find (template, "SegmentTimeline");
  Track track = { .template = template, .timescale = 1, .first = 1 };
  gboolean fits;

  if (timeline == NULL)
    return fail (error, MILL_MPD_LOW_LATENCY_ERROR_INVALID,
        "got a SegmentTemplate without a timeline, expected one");
  mill_mpd_tree_get_number (template, "timescale", &track.timescale);
  mill_mpd_tree_get_number (template, "presentationTimeOffset", &track.offset);
  mill_mpd_tree_get_number (template, "startNumber", &track.first);
  track.segments = g_array_new (FALSE, FALSE, sizeof (Segment));
  fits = track.timescale > 0 && track.timescale <= MAX_TIMESCALE &&
      track.first <= G_MAXUINT32 && track.offset <= G_MAXINT64 &&
      read_timeline (timeline, track.first, track.segments);
  g_array_append_val (tracks, track);
  return fits ||
      fail (error, MILL_MPD_LOW_LATENCY_ERROR_INVALID,
          "got a SegmentTimeline that is none");
}

/* Sets that grow by parts: no pictures for trick modes, no text. */
static gboolean
is_growing (const MillMpdNode *set)
{
  const gchar *content = mill_mpd_tree_get (set, "contentType");

  if (!g_str_equal (set->name, "AdaptationSet") ||
      (g_strcmp0 (content, "video") != 0 && g_strcmp0 (content, "audio") != 0))
    return FALSE;
  for (guint i = 0; i < set->children->len; i++) {
    const MillMpdNode *child = mill_mpd_tree_child (set, i);

    if (g_str_equal (child->name, "EssentialProperty") &&
        g_strcmp0 (mill_mpd_tree_get (child, "schemeIdUri"), SCHEME_TRICK) == 0)
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_tracks (MillMpdNode *period, GArray *tracks, GError **error)
{
  for (guint i = 0; i < period->children->len; i++) {
    MillMpdNode *set = mill_mpd_tree_child (period, i);

    for (guint k = 0; is_growing (set) && k < set->children->len; k++) {
      MillMpdNode *template =
          mill_mpd_tree_find (mill_mpd_tree_child (set, k), "SegmentTemplate");

      if (template != NULL && !read_track (template, tracks, error))
        return FALSE;
    }
  }
  return tracks->len > 0 ||
      fail (error, MILL_MPD_LOW_LATENCY_ERROR_FIT,
          "got a Period without video and audio");
}

/* ---- one length for all ---- */

static gdouble
to_seconds (guint64 ticks, guint64 timescale)
{
  return (gdouble) ticks / (gdouble) timescale;
}

/* Stamps in whole milliseconds hide what the length is: a whole number of
 * frames of the rate that is told. */
static void
count_frames (const MillMpdNode *representation, Nominal *nominal)
{
  const gchar *text = mill_mpd_tree_get (representation, "frameRate");
  guint64 n = 0;
  guint64 d = 1;
  gchar *end = NULL;
  guint64 timescale;
  guint64 frames;

  if (text != NULL)
    n = g_ascii_strtoull (text, &end, 10);
  if (end != NULL && *end == '/')
    d = g_ascii_strtoull (end + 1, NULL, 10);
  if (n == 0 || n > G_MAXUINT16 || d == 0 || d > G_MAXUINT16)
    return;
  timescale = n * nominal->timescale /
      gst_util_greatest_common_divisor_int64 ((gint64) n,
          (gint64) nominal->timescale);
  if (timescale > MAX_TIMESCALE)
    return;
  frames = gst_util_uint64_scale_round (nominal->duration, n,
      d * nominal->timescale);
  if (frames == 0 ||
      ABS (to_seconds (frames * d, n) -
          to_seconds (nominal->duration, nominal->timescale)) > JITTER_S)
    return;
  nominal->duration = frames * d * (timescale / n);
  nominal->timescale = timescale;
}

static gboolean
choose_length (const Track *track, const MillMpdNode *representation,
    Nominal *nominal)
{
  guint n = track->segments->len;
  const Segment *last = &g_array_index (track->segments, Segment, n - 1);
  guint same = 0;
  guint alike = 0;

  for (guint i = 0; i < n; i++) {
    guint64 duration = g_array_index (track->segments, Segment, i).duration;

    same += duration == last->duration;
    alike += ABS (to_seconds (duration, track->timescale) -
                 to_seconds (last->duration, track->timescale)) <= JITTER_S;
  }
  nominal->duration = last->duration;
  nominal->timescale = track->timescale;
  if (same < n)
    count_frames (representation, nominal);
  return n >= 2 && 2 * alike > n && nominal->duration <= G_MAXUINT32;
}

/* Segments are where counting puts them, give or take a quarter. */
static gboolean
fits (const Track *track, const Nominal *nominal)
{
  gdouble length = to_seconds (nominal->duration, nominal->timescale);

  for (guint i = 0; i < track->segments->len; i++) {
    const Segment *segment = &g_array_index (track->segments, Segment, i);
    gdouble at = to_seconds (segment->time, track->timescale) -
        to_seconds (track->offset, track->timescale);
    gdouble counted =
        ((gdouble) segment->number - (gdouble) nominal->first_number) * length;

    if (ABS (at - counted) > length / 4)
      return FALSE;
  }
  return TRUE;
}

/* The number that the Period began with, had it always been so. */
static gboolean
count_back (const Track *track, Nominal *nominal)
{
  const Segment *first = &g_array_index (track->segments, Segment, 0);
  gdouble at = to_seconds (first->time, track->timescale) -
      to_seconds (track->offset, track->timescale);
  gdouble counted = at / to_seconds (nominal->duration, nominal->timescale) +
      0.5;

  if (counted < 0 || counted >= (gdouble) first->number + 1)
    return FALSE;
  nominal->first_number = first->number - (guint64) counted;
  return TRUE;
}

static gboolean
choose_nominal (const GArray *tracks, const MillMpdNode *representation,
    Nominal *nominal, GError **error)
{
  const Track *leader = &g_array_index (tracks, Track, 0);
  gboolean all = choose_length (leader, representation, nominal) &&
      count_back (leader, nominal);

  for (guint i = 0; all && i < tracks->len; i++)
    all = fits (&g_array_index (tracks, Track, i), nominal);
  return all ||
      fail (error, MILL_MPD_LOW_LATENCY_ERROR_FIT,
          "got segments of several lengths, expected two or more of one");
}

/* ---- what is written ---- */

static void
set_seconds (MillMpdNode *node, const gchar *name, const gchar *before,
    guint64 time_ns, const gchar *behind)
{
  g_autofree gchar *text = g_strdup_printf ("%s%" G_GUINT64_FORMAT
                                            ".%06" G_GUINT64_FORMAT "%s",
      before, time_ns / GST_SECOND, time_ns % GST_SECOND / GST_USECOND, behind);

  mill_mpd_tree_set (node, name, text);
}

static void
write_template (const Track *track, const Nominal *nominal, guint64 early_ns)
{
  MillMpdNode *template = track->template;
  gboolean is_exact =
      nominal->duration * track->timescale % nominal->timescale == 0;
  guint64 timescale = is_exact ? track->timescale : nominal->timescale;

  mill_mpd_tree_set_number (template, "timescale", timescale);
  if (track->offset > 0)
    mill_mpd_tree_set_number (template, "presentationTimeOffset",
        gst_util_uint64_scale_round (track->offset, timescale,
            track->timescale));
  mill_mpd_tree_set_number (template, "duration",
      gst_util_uint64_scale_round (nominal->duration, timescale,
          nominal->timescale));
  mill_mpd_tree_set_number (template, "startNumber", nominal->first_number);
  set_seconds (template, "availabilityTimeOffset", "", early_ns, "");
  mill_mpd_tree_set (template, "availabilityTimeComplete", "false");
  g_ptr_array_remove (template->children,
      mill_mpd_tree_find (template, "SegmentTimeline"));
}

/* Returns: (transfer full)(nullable) */
static gchar *
print_date (GDateTime *date)
{
  g_autofree gchar *text =
      date != NULL ? g_date_time_format (date, "%Y-%m-%dT%H:%M:%S") : NULL;

  return text != NULL
      ? g_strdup_printf ("%s.%06dZ", text, g_date_time_get_microsecond (date))
      : NULL;
}

/* Wall clock of the start of a Period. Returns: (transfer full)(nullable) */
static gchar *
read_wall_clock (const MillMpdNode *mpd, const MillMpdNode *period)
{
  const gchar *zero = mill_mpd_tree_get (mpd, "availabilityStartTime");
  const gchar *start = mill_mpd_tree_get (period, "start");
  g_autoptr (GDateTime) date =
      zero != NULL ? g_date_time_new_from_iso8601 (zero, NULL) : NULL;
  g_autoptr (GDateTime) wall = NULL;
  gchar *end;
  gdouble seconds;

  if (date == NULL || start == NULL || !g_str_has_prefix (start, "PT"))
    return NULL;
  seconds = g_ascii_strtod (start + 2, &end);
  if (end == start + 2 || !g_str_equal (end, "S") || !(seconds < 1e10))
    return NULL;
  wall = g_date_time_add (date, (GTimeSpan) (seconds * G_USEC_PER_SEC + 0.5));
  return print_date (wall);
}

/* Where a set says when its media was made, and where one can begin in the
 * midst of its segments: at every part. */
static void
write_references (MillMpdNode *set, const gchar *wall_clock,
    const MillMpdLowLatency *options)
{
  guint at = mill_mpd_tree_find_after (set,
      "FramePacking AudioChannelConfiguration ContentProtection "
      "OutputProtection EssentialProperty SupplementalProperty "
      "InbandEventStream Switching RandomAccess GroupLabel Label "
      "ProducerReferenceTime ContentPopularityRate");
  MillMpdNode *template = NULL;
  MillMpdNode *node;
  guint64 timescale = 1;
  guint64 offset = 0;

  for (guint i = 0; i < set->children->len && template == NULL; i++)
    template =
        mill_mpd_tree_find (mill_mpd_tree_child (set, i), "SegmentTemplate");
  if (template == NULL)
    return;
  mill_mpd_tree_get_number (template, "timescale", &timescale);
  mill_mpd_tree_get_number (template, "presentationTimeOffset", &offset);
  node = mill_mpd_tree_insert (set, at, "ProducerReferenceTime");
  mill_mpd_tree_set (node, "id", "0");
  mill_mpd_tree_set (node, "inband", "true");
  mill_mpd_tree_set (node, "type", "encoder");
  mill_mpd_tree_set (node, "wallClockTime", wall_clock);
  mill_mpd_tree_set_number (node, "presentationTime", offset);
  node = mill_mpd_tree_insert (set, at + 1, "Resync");
  mill_mpd_tree_set (node, "type", "0");
  mill_mpd_tree_set_number (node, "dT",
      gst_util_uint64_scale_ceil (MAX (options->part_target_ns,
                                      options->longest_part_ns),
          timescale, GST_SECOND));
}

guint
mill_mpd_low_latency_get_target_ms (guint64 part_target_ns)
{
  return LATENCY_BASE_MS +
      (guint) MIN (part_target_ns * 3 / 2 / GST_MSECOND, G_MAXUINT16);
}

/* @profiles stays what it was: an update may not change it (5.4), and this MPD
 * and the plain one follow each other. @minBufferTime does, because a segment
 * that was cut short has its large first picture all the same. */
static void
write_service (MillMpdNode *mpd, const MillMpdLowLatency *options)
{
  guint target = mill_mpd_low_latency_get_target_ms (options->part_target_ns);
  MillMpdNode *node = mill_mpd_tree_insert (mpd,
      mill_mpd_tree_find_after (mpd,
          "ProgramInformation BaseURL Location PatchLocation"),
      "ServiceDescription");
  MillMpdNode *latency = mill_mpd_tree_insert (node, 0, "Latency");
  MillMpdNode *rate = mill_mpd_tree_insert (node, 1, "PlaybackRate");

  mill_mpd_tree_set (node, "id", "0");
  mill_mpd_tree_set (latency, "referenceId", "0");
  mill_mpd_tree_set_number (latency, "target", target);
  mill_mpd_tree_set_number (latency, "max", 4 * target);
  mill_mpd_tree_set_number (latency, "min", target / 2);
  mill_mpd_tree_set (rate, "max", RATE_MAX);
  mill_mpd_tree_set (rate, "min", RATE_MIN);
  set_seconds (mpd, "suggestedPresentationDelay", "PT", target * GST_MSECOND,
      "S");
}

/* In front of the clock that the plain MPD has: it has milliseconds. */
static void
write_clock (MillMpdNode *mpd, const gchar *clock)
{
  guint at = 0;
  MillMpdNode *node;

  while (at < mpd->children->len &&
      !g_str_equal (mill_mpd_tree_child (mpd, at)->name, "UTCTiming") &&
      !g_str_equal (mill_mpd_tree_child (mpd, at)->name,
          "LeapSecondInformation"))
    at++;
  node = mill_mpd_tree_insert (mpd, at, "UTCTiming");
  mill_mpd_tree_set (node, "schemeIdUri", SCHEME_CLOCK);
  mill_mpd_tree_set (node, "value", clock);
}

/* ---- the whole ---- */

static MillMpdNode *
find_last_period (MillMpdNode *mpd)
{
  MillMpdNode *last = NULL;

  for (guint i = 0; i < mpd->children->len; i++) {
    MillMpdNode *child = mill_mpd_tree_child (mpd, i);

    if (g_str_equal (child->name, "Period"))
      last = child;
  }
  return last;
}

/* The first Representation that grows: of a set in front, that is the video. */
static const MillMpdNode *
find_leader (const MillMpdNode *period)
{
  for (guint i = 0; i < period->children->len; i++) {
    const MillMpdNode *set = mill_mpd_tree_child (period, i);

    for (guint k = 0; is_growing (set) && k < set->children->len; k++) {
      const MillMpdNode *child = mill_mpd_tree_child (set, k);

      if (mill_mpd_tree_find (child, "SegmentTemplate") != NULL)
        return child;
    }
  }
  return NULL;
}

/* Whether it has nothing behind what is listed, as far as anybody knows. */
static gboolean
is_over (const GArray *tracks, const MillMpdLowLatency *options)
{
  gboolean over = options->stands;

  for (guint i = 0; !over && i < tracks->len; i++) {
    const GArray *segments = g_array_index (tracks, Track, i).segments;

    over = options->next_period >
        g_array_index (segments, Segment, segments->len - 1).number;
  }
  return over;
}

/* The plain one again, as the version after it, the same whoever makes it and
 * whenever: an origin has several processes. The next one that the packager writes
 * is later by a segment. */
static GBytes *
print_standing (GBytes *plain)
{
  g_autoptr (MillMpdNode) mpd = mill_mpd_tree_read (plain, NULL);
  const gchar *told = mill_mpd_tree_get (mpd, "publishTime");
  g_autoptr (GDateTime) before =
      told != NULL ? g_date_time_new_from_iso8601 (told, NULL) : NULL;
  g_autoptr (GDateTime) date =
      before != NULL ? g_date_time_add (before, VERSION_US) : NULL;
  g_autofree gchar *text = print_date (date);

  if (text != NULL)
    mill_mpd_tree_set (mpd, "publishTime", text);
  return mill_mpd_tree_print (mpd);
}

static gboolean
change (MillMpdNode *mpd, MillMpdNode *period, const MillMpdLowLatency *options,
    MillMpdLowLatencyKind *ret_kind, GError **error)
{
  g_autoptr (GArray) tracks = g_array_new (FALSE, FALSE, sizeof (Track));
  g_autofree gchar *wall_clock = read_wall_clock (mpd, period);
  Nominal nominal = { 0 };
  guint64 length_ns;

  g_array_set_clear_func (tracks, clear_track);
  if (wall_clock == NULL)
    return fail (error, MILL_MPD_LOW_LATENCY_ERROR_INVALID,
        "got no wall clock of its last Period, expected one");
  if (!read_tracks (period, tracks, error) ||
      !choose_nominal (tracks, find_leader (period), &nominal, error))
    return FALSE;
  length_ns =
      gst_util_uint64_scale (nominal.duration, GST_SECOND, nominal.timescale);
  if (length_ns <= options->part_target_ns)
    return fail (error, MILL_MPD_LOW_LATENCY_ERROR_FIT,
        "got segments as short as parts, expected longer ones");
  *ret_kind = is_over (tracks, options) ? MILL_MPD_LOW_LATENCY_STANDS
                                        : MILL_MPD_LOW_LATENCY_COUNTS;
  for (guint i = 0; i < tracks->len; i++)
    write_template (&g_array_index (tracks, Track, i), &nominal,
        length_ns - options->part_target_ns);
  for (guint i = 0; i < period->children->len; i++) {
    if (is_growing (mill_mpd_tree_child (period, i)))
      write_references (mill_mpd_tree_child (period, i), wall_clock, options);
  }
  return TRUE;
}

GBytes *
mill_mpd_low_latency_make (GBytes *plain, const MillMpdLowLatency *options,
    MillMpdLowLatencyKind *ret_kind, GError **error)
{
  g_autoptr (MillMpdNode) mpd = mill_mpd_tree_read (plain, error);
  MillMpdLowLatencyKind kind;
  MillMpdNode *period;

  g_return_val_if_fail (options->part_target_ns > 0, NULL);
  if (mpd == NULL)
    return NULL;
  period = find_last_period (mpd);
  if (period == NULL ||
      g_strcmp0 (mill_mpd_tree_get (mpd, "type"), "dynamic") != 0) {
    fail (error, MILL_MPD_LOW_LATENCY_ERROR_INVALID,
        "got an MPD that is static or has no Period, expected a dynamic one");
    return NULL;
  }
  if (!change (mpd, period, options, &kind, error))
    return NULL;
  if (ret_kind != NULL)
    *ret_kind = kind;
  if (kind == MILL_MPD_LOW_LATENCY_STANDS)
    return print_standing (plain);
  write_service (mpd, options);
  if (options->clock != NULL)
    write_clock (mpd, options->clock);
  return mill_mpd_tree_print (mpd);
}
