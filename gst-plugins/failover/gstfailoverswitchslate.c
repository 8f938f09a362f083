/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What is shown while nobody sends: on the ticker's thread. */
#include "failover-slate-file.h"
#include "gstfailoverswitch-private.h"

#define GST_CAT_DEFAULT gst_failover_switch_debug

/* Of a slate that comes before the first input. */
#define START_WIDTH 1280
#define START_HEIGHT 720
#define START_FPS 30
#define START_RATE 48000
#define START_CHANNELS 2
#define MAX_FPS 60

/* While no slate is on, only each so many-th tick is looked at. */
#define IDLE_TICKS 4

/* A file that was missing or wrong may be put right while the stream goes on;
 * each wait is twice as long as the one before. */
#define FIRST_WAIT_US (2 * G_USEC_PER_SEC)
#define MAX_WAIT_US (60 * G_USEC_PER_SEC)

static const guint slate_tracks[] = {
  [MILL_FAILOVER_SLATE_VIDEO] = 0,
  [MILL_FAILOVER_SLATE_AUDIO] = MILL_FAILOVER_AUDIO,
};

/* ---- what it is to be like ---- */

static guint
get_number (const GstStructure *structure, const gchar *name, guint fallback)
{
  gint number;

  return gst_structure_get_int (structure, name, &number) && number > 0
      ? (guint) number
      : fallback;
}

static void
read_video (const GstCaps *caps, MillFailoverSlateFormat *format)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  gint n;
  gint d;

  /* Chroma is halved: an odd line has none. */
  format->width = (get_number (structure, "width", START_WIDTH) + 1) & ~1u;
  format->height = (get_number (structure, "height", START_HEIGHT) + 1) & ~1u;
  format->fps_n = START_FPS;
  format->fps_d = 1;
  if (gst_structure_get_fraction (structure, "framerate", &n, &d) && n > 0 &&
      d > 0 && n >= d && n <= MAX_FPS * d) {
    format->fps_n = (guint) n;
    format->fps_d = (guint) d;
  }
  format->profile = gst_structure_get_string (structure, "profile");
}

static void
read_audio (const GstCaps *caps, MillFailoverSlateFormat *format)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);

  format->rate = get_number (structure, "rate", START_RATE);
  format->channels = get_number (structure, "channels", START_CHANNELS);
}

/* push_lock. FALSE: not known yet */
static gboolean
describe (GstFailoverSwitch *self, MillFailoverSlateFormat *format)
{
  GstCaps *video = mill_failover_output_get_caps (self->output, 0);
  GstCaps *audio =
      mill_failover_output_get_caps (self->output, MILL_FAILOVER_AUDIO);

  if (video)
    read_video (video, format);
  if (audio)
    read_audio (audio, format);
  return mill_failover_output_is_settled (self->output);
}

/* ---- preparing ---- */

void
gst_failover_switch_slate_forget_locked (GstFailoverSwitch *self)
{
  g_clear_pointer (&self->slate_error, g_free);
  g_clear_pointer (&self->slate_key, g_free);
  self->slate_retry_us = 0;
}

/* The same again is no news. Returns: (transfer full) (nullable): news */
static gchar *
note_error_locked (GstFailoverSwitch *self, const gchar *error)
{
  if (g_strcmp0 (error, self->slate_error) == 0)
    return NULL;
  g_free (self->slate_error);
  self->slate_error = g_strdup (error);
  return g_strdup (error);
}

static void
take_prepared_locked (GstFailoverSwitch *self, gint64 now_us, gchar **ret_error)
{
  if (!self->next_slate)
    return;
  switch (mill_failover_slate_get_state (self->next_slate)) {
    case MILL_FAILOVER_SLATE_PREPARING:
      return;
    case MILL_FAILOVER_SLATE_READY:
      g_clear_pointer (&self->slate, mill_failover_slate_unref);
      self->slate = g_steal_pointer (&self->next_slate);
      g_clear_pointer (&self->slate_error, g_free);
      self->slate_retry_us = 0;
      return;
    case MILL_FAILOVER_SLATE_FAILED:
      break;
  }
  *ret_error = note_error_locked (self,
      mill_failover_slate_get_error (self->next_slate));
  self->slate_wait_us = self->slate_retry_us == 0
      ? FIRST_WAIT_US
      : MIN (2 * self->slate_wait_us, MAX_WAIT_US);
  self->slate_retry_us = now_us + self->slate_wait_us;
  g_clear_pointer (&self->next_slate, mill_failover_slate_unref);
}

static gboolean
is_retry_due (const GstFailoverSwitch *self, gint64 now_us)
{
  return !self->next_slate && self->slate_retry_us > 0 &&
      now_us >= self->slate_retry_us;
}

/* Where what is shown has changed, and for the first time. The slate itself is
 * no reason for another one. */
static void
prepare_locked (GstFailoverSwitch *self, MillFailoverSlateFormat *format,
    gint64 now_us)
{
  g_autofree gchar *key = g_strdup_printf ("%s %ux%u %u/%u %s %u %u",
      self->settings.slate, format->width, format->height, format->fps_n,
      format->fps_d, format->profile ? format->profile : "", format->rate,
      format->channels);
  gboolean is_other = g_strcmp0 (key, self->slate_key) != 0;

  if (!is_other && !is_retry_due (self, now_us))
    return;
  if (is_other)
    self->slate_retry_us = 0;
  g_free (self->slate_key);
  self->slate_key = g_steal_pointer (&key);
  format->location = self->settings.slate;
  g_clear_pointer (&self->next_slate, mill_failover_slate_unref);
  self->next_slate = mill_failover_slate_get (format);
}

/* push_lock. Returns: (transfer full) (nullable): why there will be none */
static gchar *
prepare (GstFailoverSwitch *self, gint64 now_us)
{
  MillFailoverSlateFormat format = { 0 };
  gchar *error = NULL;
  gboolean known = describe (self, &format);

  g_mutex_lock (&self->lock);
  gboolean before = self->active == MILL_FAILOVER_NOTHING;
  if (!known && before && self->settings.slate_at_start) {
    format = (MillFailoverSlateFormat){ NULL, START_WIDTH, START_HEIGHT,
      START_FPS, 1, NULL, START_RATE, START_CHANNELS };
    known = TRUE;
  }
  if (!self->settings.slate) {
    g_clear_pointer (&self->slate, mill_failover_slate_unref);
    g_clear_pointer (&self->next_slate, mill_failover_slate_unref);
  } else if (known && self->active != MILL_FAILOVER_SLATE) {
    prepare_locked (self, &format, now_us);
  }
  take_prepared_locked (self, now_us, &error);
  g_mutex_unlock (&self->lock);
  return error;
}

/* ---- showing ---- */

static gint64
get_slate_delay (const MillFailoverSlateTrack *tracks)
{
  const GArray *frames = tracks[MILL_FAILOVER_SLATE_VIDEO].frames;
  const MillFailoverStamp *first =
      frames ? &g_array_index (frames, MillFailoverFrame, 0).stamp : NULL;

  return first && first->dts != MILL_FAILOVER_NO_TIME ? first->pts - first->dts
                                                      : 0;
}

static MillFailoverStamp
get_first_stamp (const MillFailoverSlateTrack *tracks)
{
  for (guint i = 0; i < MILL_FAILOVER_SLATE_N_TRACKS; i++)
    if (tracks[i].frames) {
      MillFailoverStamp stamp =
          g_array_index (tracks[i].frames, MillFailoverFrame, 0).stamp;
      stamp.track = slate_tracks[i];
      return stamp;
    }
  return (MillFailoverStamp){ .dts = MILL_FAILOVER_NO_TIME };
}

/* push_lock */
static guint
push_due (GstFailoverSwitch *self, gint64 now_us)
{
  const MillFailoverSlateTrack *tracks =
      mill_failover_slate_get_tracks (self->shown);
  gint64 until = (now_us - self->shown_since_us) * GST_USECOND -
      get_slate_delay (tracks);
  MillFailoverFrame frame;
  guint n = 0;

  while (mill_failover_loop_next (&self->loop, tracks, until, &frame)) {
    frame.stamp.track = slate_tracks[frame.stamp.track];
    gst_failover_switch_decide_push (self, &frame);
    n++;
  }
  return n;
}

/* What is to be said when no lock is held any more. */
typedef struct
{
  gchar *error; /* owned */
  gboolean is_empty;
  gboolean began;
  gint from;
  MillFailoverReason reason;
  gint64 gap;
} News;

/* The slate begins where what was shown has ended, and catches up with the
 * time since then: the stream has no gap, and is where it would be. push_lock. */
static void
begin (GstFailoverSwitch *self, gint64 now_us, News *news)
{
  g_mutex_lock (&self->lock);
  MillFailoverDecision decision =
      gst_failover_switch_decide_run_locked (self, now_us);
  news->began = decision.action == MILL_FAILOVER_SHOW_SLATE;
  news->reason = decision.reason;
  news->from =
      gst_failover_switch_decide_get_priority_locked (self, self->active);
  if (news->began) {
    self->active = MILL_FAILOVER_SLATE;
    self->n_switches++;
    self->last_reason = decision.reason;
    g_clear_pointer (&self->shown, mill_failover_slate_unref);
    self->shown = mill_failover_slate_ref (self->slate);
  }
  g_mutex_unlock (&self->lock);
  if (!news->began)
    return;
  const MillFailoverSlateTrack *tracks =
      mill_failover_slate_get_tracks (self->shown);
  MillFailoverStamp first = get_first_stamp (tracks);
  mill_failover_loop_init (&self->loop);
  self->shown_since_us = self->pushed_us > 0 ? self->pushed_us : now_us;
  news->gap = mill_failover_timeline_switch (&self->timeline, &first);
  self->is_break = TRUE;
  g_mutex_lock (&self->lock);
  self->last_gap = news->gap;
  self->lead = 0;
  g_mutex_unlock (&self->lock);
}

/* push_lock */
static void
go_on (GstFailoverSwitch *self, gint64 now_us)
{
  guint n = push_due (self, now_us);

  mill_failover_output_settle (self->output, now_us);
  g_mutex_lock (&self->lock);
  self->slate_frames += n;
  g_mutex_unlock (&self->lock);
}

/* push_lock */
static void
run (GstFailoverSwitch *self, gint64 now_us, News *news)
{
  news->error = prepare (self, now_us);
  g_mutex_lock (&self->lock);
  MillFailoverAction action =
      gst_failover_switch_decide_run_locked (self, now_us).action;
  g_mutex_unlock (&self->lock);
  if (action == MILL_FAILOVER_END)
    news->is_empty = !gst_failover_switch_decide_end_pushing (self);
  else if (action == MILL_FAILOVER_SHOW_SLATE)
    begin (self, now_us, news);
  if (self->shown)
    go_on (self, now_us);
}

/* Without locks. */
static void
tell_error (GstFailoverSwitch *self, const gchar *error)
{
  GST_ELEMENT_WARNING (self, RESOURCE, FAILED, ("%s", error),
      ("nothing is shown while no input sends"));
}

void
gst_failover_switch_slate_tick (gint64 now_us, gpointer element)
{
  GstFailoverSwitch *self = element;
  News news = { 0 };

  /* A push that is under way is no reason to let others wait. */
  if (!g_atomic_int_get (&self->playing) || !g_mutex_trylock (&self->push_lock))
    return;
  if (self->shown || self->n_ticks++ % IDLE_TICKS == 0)
    run (self, now_us, &news);
  g_mutex_unlock (&self->push_lock);
  if (news.began)
    gst_failover_switch_decide_tell (self, news.from, MILL_FAILOVER_SLATE,
        news.reason, news.gap);
  if (news.is_empty)
    gst_failover_switch_decide_tell_empty (self);
  if (news.error)
    tell_error (self, news.error);
  g_free (news.error);
}

void
gst_failover_switch_slate_check (GstFailoverSwitch *self)
{
  g_autoptr (GError) error = NULL;
  MillFailoverSlateFileKind kind;

  g_mutex_lock (&self->lock);
  g_autofree gchar *location = g_strdup (self->settings.slate);
  g_mutex_unlock (&self->lock);
  if (!location || mill_failover_slate_file_check (location, &kind, &error))
    return;
  g_mutex_lock (&self->lock);
  g_autofree gchar *news = note_error_locked (self, error->message);
  g_mutex_unlock (&self->lock);
  if (news)
    tell_error (self, news);
}

void
gst_failover_switch_slate_reset (GstFailoverSwitch *self)
{
  g_clear_pointer (&self->shown, mill_failover_slate_unref);
  g_clear_pointer (&self->slate, mill_failover_slate_unref);
  g_clear_pointer (&self->next_slate, mill_failover_slate_unref);
  gst_failover_switch_slate_forget_locked (self);
  self->slate_frames = 0;
  self->pushed_us = 0;
  self->n_ticks = 0;
}
