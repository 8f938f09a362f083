/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * From cues to markers and borders; cmaf-events.c has the messages. A cue whose time is known
 * becomes a marker of the state at once, so that playlists announce it; one that
 * is to happen now does with the next cut at a keyframe, which it makes come as
 * soon as there is one. A stream without cues has nothing of this in memory.
 *
 * Markers tell wall clock, the timeline running time: what lies between is asked
 * of the last cut, which has both.
 */

#include "cmaf-cues-private.h"
#include "scte35/scte35.h"

/* A keyframe may be stamped a little before the time that was asked for: time
 * stamps are rounded, of a transport stream to 90 kHz. Less than a picture. */
#define TOLERANCE_US 5000

G_DEFINE_QUARK (mill_cmaf_cue_error, mill_cmaf_cue_error)

static void
clear_cue (gpointer data)
{
  g_clear_pointer (&((MillCmafCue *) data)->message, g_bytes_unref);
}

static MillCmafCues *
new_cues (void)
{
  MillCmafCues *self = g_new0 (MillCmafCues, 1);
  self->waiting = g_array_new (FALSE, FALSE, sizeof (MillCmafCue));
  g_array_set_clear_func (self->waiting, clear_cue);
  self->events = mill_cmaf_events_new ();
  self->boxes = g_array_new (FALSE, FALSE, sizeof (MillBmffEvent));
  return self;
}

void
mill_cmaf_cues_free (MillCmafCues *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->waiting);
  g_array_unref (self->events);
  g_array_unref (self->boxes);
  g_free (self);
}

void
mill_cmaf_cues_resume_locked (MillCmafPackager *self)
{
  if (mill_cmaf_publisher_get_state (self->publisher)->markers != NULL)
    self->cues = new_cues ();
}

/* ---- clocks ---- */

/* As the timeline computes the wall clock of a cut, to the microsecond. */
static gint64
to_wall (const MillCmafCut *cut, GstClockTimeDiff time)
{
  return cut->wall_us - cut->start / (GstClockTimeDiff) GST_USECOND +
      time / (GstClockTimeDiff) GST_USECOND;
}

/* Markers come from a file too, cues from anybody: a century is far enough. */
static GstClockTimeDiff
from_wall (const MillCmafCut *cut, gint64 wall_us)
{
  const gint64 most = G_GINT64_CONSTANT (1) << 52;
  gint64 distance = CLAMP (wall_us - cut->wall_us, -most, most);
  return cut->start + distance * (GstClockTimeDiff) GST_USECOND;
}

/* A time that was given as wall clock. */
static void
convert_wall_locked (const MillCmafPackager *self, MillCmafCue *cue)
{
  const MillCmafCut *last = mill_cmaf_timeline_last (self->timeline);
  if (cue->wall_us < 0 || last == NULL)
    return;
  cue->time = (GstClockTime) MAX (from_wall (last, cue->wall_us), 0);
}

/* ---- borders ---- */

/* Of a cancellation nobody tells the type. */
static guint8
get_type (const MillCmafCue *cue)
{
  return cue->kind == MILL_CMAF_CUE_CANCEL ? MILL_CMAF_MARKER_ANY_TYPE
                                           : cue->type_id;
}

static gboolean
is_spliced (const MillCmafCue *cue)
{
  return cue->kind == MILL_CMAF_CUE_OUT || cue->kind == MILL_CMAF_CUE_IN;
}

/* Where the timeline has to cut next, for the sake of a break. */
static void
update_border_locked (MillCmafPackager *self)
{
  const MillCmafCut *last = mill_cmaf_timeline_last (self->timeline);
  GstClockTimeDiff border = G_MAXINT64;
  for (guint i = 0; i < self->cues->waiting->len; i++)
    if (is_spliced (&g_array_index (self->cues->waiting, MillCmafCue, i)))
      border = G_MININT64;
  if (border == G_MAXINT64 && last != NULL) {
    gint64 next = mill_cmaf_marker_next_border (
        mill_cmaf_publisher_get_markers (self->publisher),
        last->wall_us + TOLERANCE_US);
    if (next != G_MAXINT64)
      border = from_wall (last, next - TOLERANCE_US);
  }
  if (border == mill_cmaf_timeline_get_border (self->timeline))
    return;
  mill_cmaf_timeline_set_border (self->timeline, border);
  if (border != G_MAXINT64)
    mill_cmaf_packager_say_locked (self, MILL_CMAF_WANTS_KEYFRAME, NULL);
}

/* ---- cues with a time ---- */

static GBytes *
make_section_locked (MillCmafPackager *self, const MillCmafCue *cue,
    GstClockTimeDiff time)
{
  guint64 pts = mill_cmaf_events_to_pts_locked (self, time);
  if (cue->message != NULL)
    return mill_scte35_writer_restamp (cue->message, pts);
  MillScte35Insert insert = {
    .event_id = cue->event_id,
    .is_out = cue->kind == MILL_CMAF_CUE_OUT,
    .pts = pts,
    .auto_return = cue->auto_return,
  };
  if (GST_CLOCK_TIME_IS_VALID (cue->duration))
    insert.duration =
        (guint64) mill_cmaf_timeline_to_ticks ((GstClockTimeDiff) cue->duration,
            MILL_CMAF_SCTE35_TICKS);
  return mill_scte35_writer_print (&insert);
}

/* Of the date that @cue gets, which is placed at @time: that was asked for by its
 * date, or not. */
static MillCmafMarkerDate
get_date (const MillCmafPackager *self, const MillCmafCue *cue,
    GstClockTimeDiff time)
{
  if (!mill_cmaf_wall_is_open (self->wall))
    return MILL_CMAF_DATE_SETTLED;
  return cue->wall_us >= 0 && GST_CLOCK_TIME_IS_VALID (cue->time) &&
          (GstClockTimeDiff) cue->time == time
      ? MILL_CMAF_DATE_ASKED
      : MILL_CMAF_DATE_MOVES;
}

static void
begin_marker_locked (MillCmafPackager *self, const MillCmafCue *cue,
    const MillCmafCut *cut, GstClockTimeDiff time)
{
  g_autoptr (GBytes) section = make_section_locked (self, cue, time);
  MillCmafMarker *marker =
      mill_cmaf_marker_add (mill_cmaf_publisher_get_markers (self->publisher),
          cue->kind == MILL_CMAF_CUE_SIGNAL ? MILL_CMAF_MARKER_SIGNAL
                                            : MILL_CMAF_MARKER_BREAK,
          to_wall (cut, time));
  if (marker == NULL)
    return;
  marker->event_id = cue->event_id;
  marker->type_id = cue->type_id;
  marker->message = g_bytes_ref (section);
  marker->start_date = get_date (self, cue, time);
  if (GST_CLOCK_TIME_IS_VALID (cue->duration)) {
    marker->planned_us = (gint64) (cue->duration / GST_USECOND);
    marker->auto_return = cue->auto_return;
  }
  mill_cmaf_events_add_locked (self, MILL_CMAF_SCHEME_SCTE35, time,
      cue->duration, section)
      ->is_asked = marker->start_date == MILL_CMAF_DATE_ASKED;
}

static void
end_marker_locked (MillCmafPackager *self, MillCmafMarker *marker,
    const MillCmafCue *cue, const MillCmafCut *cut, GstClockTimeDiff time)
{
  g_autoptr (GBytes) section = make_section_locked (self, cue, time);
  marker->end_us = MAX (to_wall (cut, time), marker->start_us);
  marker->end_date = get_date (self, cue, time);
  mill_cmaf_events_add_locked (self, MILL_CMAF_SCHEME_SCTE35, time, 0, section)
      ->is_asked = marker->end_date == MILL_CMAF_DATE_ASKED;
  if (cue->kind == MILL_CMAF_CUE_CANCEL) {
    marker->end_us = marker->start_us;
    marker->end_date = marker->start_date;
  } else {
    marker->end_message = g_bytes_ref (section);
  }
}

/* @time: of the cue, which may be later than @cut, the last one
 * Returns: FALSE when it has to wait for a later one */
static gboolean
place_locked (MillCmafPackager *self, const MillCmafCue *cue,
    const MillCmafCut *cut, GstClockTimeDiff time)
{
  MillCmafMarker *marker = NULL;
  switch (cue->kind) {
    case MILL_CMAF_CUE_METADATA:
      mill_cmaf_events_add_locked (self, MILL_CMAF_SCHEME_ID3, time,
          cue->duration, cue->message)
          ->is_asked = get_date (self, cue, time) == MILL_CMAF_DATE_ASKED;
      return TRUE;
    case MILL_CMAF_CUE_OUT:
    case MILL_CMAF_CUE_SIGNAL:
      begin_marker_locked (self, cue, cut, time);
      return TRUE;
    default:
      marker = mill_cmaf_marker_find_open (
          mill_cmaf_publisher_get_markers (self->publisher), cue->event_id,
          get_type (cue));
  }
  if (marker == NULL)
    return TRUE;
  /* A break of no duration is none: it ends with the next cut. */
  if (cue->kind == MILL_CMAF_CUE_IN && to_wall (cut, time) <= marker->start_us)
    return FALSE;
  end_marker_locked (self, marker, cue, cut, time);
  return TRUE;
}

/* A date of this take that was asked for is that of other media now. */
static void
shift_asked_locked (MillCmafPackager *self)
{
  const MillCmafMarkers *markers =
      mill_cmaf_publisher_get_markers (self->publisher);
  gint64 zero_us = mill_cmaf_timeline_get_wall (self->timeline);
  for (guint i = 0; i < markers->list->len; i++) {
    MillCmafMarker *marker = mill_cmaf_marker_at (markers, i);
    if (marker->start_date == MILL_CMAF_DATE_ASKED)
      mill_cmaf_events_restamp_locked (self, &marker->message,
          (marker->start_us - zero_us) * (GstClockTimeDiff) GST_USECOND);
    if (marker->end_date == MILL_CMAF_DATE_ASKED && marker->end_message != NULL)
      mill_cmaf_events_restamp_locked (self, &marker->end_message,
          (marker->end_us - zero_us) * (GstClockTimeDiff) GST_USECOND);
  }
}

void
mill_cmaf_cues_shift_locked (MillCmafPackager *self, gint64 from_us, gint64 us)
{
  const MillCmafMarkers *markers =
      mill_cmaf_publisher_get_markers (self->publisher);
  for (guint i = 0; i < markers->list->len; i++) {
    MillCmafMarker *marker = mill_cmaf_marker_at (markers, i);
    if (marker->start_date == MILL_CMAF_DATE_MOVES &&
        marker->start_us >= from_us)
      marker->start_us += us;
    if (marker->end_date == MILL_CMAF_DATE_MOVES && marker->end_us >= from_us)
      marker->end_us += us;
    if (marker->end_us >= 0)
      marker->end_us = MAX (marker->end_us, marker->start_us);
  }
  shift_asked_locked (self);
  mill_cmaf_events_shift_locked (self, us);
  update_border_locked (self);
}

static gboolean
settle_date (MillCmafMarkerDate *date, gint64 us, gint64 until_us)
{
  if (*date == MILL_CMAF_DATE_SETTLED || us >= until_us)
    return FALSE;
  *date = MILL_CMAF_DATE_SETTLED;
  return TRUE;
}

void
mill_cmaf_cues_settle_locked (MillCmafPackager *self, gint64 until_us)
{
  const MillCmafMarkers *markers =
      mill_cmaf_publisher_get_markers (self->publisher);
  for (guint i = 0; i < markers->list->len; i++) {
    MillCmafMarker *marker = mill_cmaf_marker_at (markers, i);
    gboolean start =
        settle_date (&marker->start_date, marker->start_us, until_us);
    gboolean end = settle_date (&marker->end_date, marker->end_us, until_us);
    self->markers_due |= start || end;
  }
}

/* ---- at a cut ---- */

/* Breaks that end by themselves: nobody else will say so. */
static void
return_locked (MillCmafPackager *self, const MillCmafCut *cut)
{
  const MillCmafMarkers *markers =
      mill_cmaf_publisher_get_markers (self->publisher);
  for (guint i = 0; i < markers->list->len; i++) {
    MillCmafMarker *marker = mill_cmaf_marker_at (markers, i);
    if (marker->kind != MILL_CMAF_MARKER_BREAK || marker->end_us >= 0 ||
        mill_cmaf_marker_get_end (marker) > cut->wall_us + TOLERANCE_US)
      continue;
    MillCmafCue back = {
      .kind = MILL_CMAF_CUE_IN,
      .event_id = marker->event_id,
      .type_id = marker->type_id,
      .wall_us = -1,
      .duration = GST_CLOCK_TIME_NONE,
    };
    end_marker_locked (self, marker, &back, cut, cut->start);
  }
}

MillCmafCutFlags
mill_cmaf_cues_get_flags_locked (const MillCmafPackager *self,
    GstClockTimeDiff start)
{
  gboolean is_border = start >= mill_cmaf_timeline_get_border (self->timeline);
  return is_border && self->options.break_periods ? MILL_CMAF_CUT_PERIOD
                                                  : MILL_CMAF_CUT_NONE;
}

void
mill_cmaf_cues_cut_locked (MillCmafPackager *self, const MillCmafCut *cut)
{
  GArray *waiting = self->cues->waiting;
  /* Where no decoder can begin nothing can be spliced in. */
  if (!(cut->flags & MILL_CMAF_CUT_DEPENDENT)) {
    for (guint i = 0; i < waiting->len;) {
      MillCmafCue *cue = &g_array_index (waiting, MillCmafCue, i);
      convert_wall_locked (self, cue);
      GstClockTimeDiff time = GST_CLOCK_TIME_IS_VALID (cue->time)
          ? MAX ((GstClockTimeDiff) cue->time, cut->start)
          : cut->start;
      if (place_locked (self, cue, cut, time))
        g_array_remove_index (waiting, i);
      else
        i++;
    }
    return_locked (self, cut);
  }
  update_border_locked (self);
}

/* ---- taking one ---- */

static gboolean
refuse (GError **error, MillCmafCueError code, const gchar *what,
    const gchar *expected, const MillCmafCue *cue)
{
  g_set_error (error, MILL_CMAF_CUE_ERROR, code,
      "break '%u': got %s, expected %s", cue->event_id, what, expected);
  return FALSE;
}

/* Whether a cue of @kind waits that is about the same break as @other. */
static gboolean
is_waiting (const MillCmafPackager *self, MillCmafCueKind kind,
    const MillCmafCue *other)
{
  for (guint i = 0; i < self->cues->waiting->len; i++) {
    const MillCmafCue *cue =
        &g_array_index (self->cues->waiting, MillCmafCue, i);
    if (cue->kind == kind && cue->event_id == other->event_id &&
        (other->kind == MILL_CMAF_CUE_CANCEL ||
            MILL_CMAF_MARKER_PAIR (cue->type_id) ==
                MILL_CMAF_MARKER_PAIR (other->type_id)))
      return TRUE;
  }
  return FALSE;
}

static gboolean
check_locked (const MillCmafPackager *self, const MillCmafCue *cue,
    GError **error)
{
  const MillCmafMarkers *markers =
      mill_cmaf_publisher_get_markers (self->publisher);
  gboolean is_open = is_waiting (self, MILL_CMAF_CUE_OUT, cue) ||
      mill_cmaf_marker_find_open (markers, cue->event_id, get_type (cue)) !=
          NULL;
  if (cue->kind == MILL_CMAF_CUE_OUT && is_open)
    return refuse (error, MILL_CMAF_CUE_ERROR_EXISTS, "its beginning again",
        "its end", cue);
  if ((cue->kind == MILL_CMAF_CUE_IN || cue->kind == MILL_CMAF_CUE_CANCEL) &&
      (!is_open || is_waiting (self, MILL_CMAF_CUE_IN, cue)))
    return refuse (error, MILL_CMAF_CUE_ERROR_NO_BREAK, "its end",
        "a break of that id that has not ended", cue);
  if (self->cues->waiting->len + markers->list->len >= MILL_CMAF_MARKERS_MAX)
    return refuse (error, MILL_CMAF_CUE_ERROR_FULL, "one more",
        "at most 256 of them in the playlists", cue);
  return TRUE;
}

/* What comes too late for the time that it names happens now. */
static gboolean
is_now (const MillCmafPackager *self, const MillCmafCue *cue)
{
  return !GST_CLOCK_TIME_IS_VALID (cue->time) ||
      (GstClockTimeDiff) cue->time <= self->position;
}

/* Returns: what was the time of, now that it is known; NONE: at the next cut */
static GstClockTimeDiff
resolve_locked (const MillCmafPackager *self, const MillCmafCue *cue)
{
  if (!is_now (self, cue))
    return (GstClockTimeDiff) cue->time;
  if (is_spliced (cue))
    return GST_CLOCK_STIME_NONE;
  return GST_CLOCK_TIME_IS_VALID (cue->time) ? (GstClockTimeDiff) cue->time
                                             : self->position;
}

gboolean
mill_cmaf_cues_take_locked (MillCmafPackager *self, const MillCmafCue *asked,
    GError **error)
{
  MillCmafCue given = *asked;
  const MillCmafCue *cue = &given;
  convert_wall_locked (self, &given);
  if (self->finishing || self->ended || self->failed || self->closed ||
      !GST_CLOCK_STIME_IS_VALID (self->position)) {
    g_set_error_literal (error, MILL_CMAF_CUE_ERROR,
        MILL_CMAF_CUE_ERROR_NOT_LIVE,
        "cue: got one without media, expected a stream that is live");
    return FALSE;
  }
  if (self->cues == NULL)
    self->cues = new_cues ();
  if (cue->kind != MILL_CMAF_CUE_METADATA && !check_locked (self, cue, error))
    return FALSE;
  const MillCmafCut *last = mill_cmaf_timeline_last (self->timeline);
  GstClockTimeDiff time = resolve_locked (self, cue);
  if (last == NULL || !GST_CLOCK_STIME_IS_VALID (time) ||
      !place_locked (self, cue, last, time)) {
    MillCmafCue waiting = *cue;
    if (is_now (self, cue))
      waiting.time = GST_CLOCK_TIME_NONE;
    if (waiting.message != NULL)
      g_bytes_ref (waiting.message);
    g_array_append_val (self->cues->waiting, waiting);
  }
  update_border_locked (self);
  return TRUE;
}
