/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * SECTION:element-cmafsink
 *
 * Packages one stream, all its renditions, as CMAF segments with HLS playlists
 * and an MPD in a directory.
 *
 *     gst-launch-1.0 filesrc location=movie.mp4 ! qtdemux name=d \
 *         d.video_0 ! cmafsink name=c location=out mode=vod \
 *         d.audio_0 ! c.
 *
 * States: never asynchronous, needs no preroll and no clock. The directory is
 * taken in READY->PAUSED and given up in PAUSED->READY; without EOS before,
 * the next start continues its playlists.
 *
 * Threads: pads may be fed from one thread or several. In mode vod one that is
 * far ahead of the others waits for them; in the other modes none ever waits.
 * cmaf-packager.c has the one lock.
 */

#include "../common/gststates.h"
#include "../common/gstupstream.h"
#include "gstcmafreport.h"
#include "gstcmafsink-private.h"
#include "gstcmafsinkpad.h"
#include "gstcmafsinkstats.h"

GST_DEBUG_CATEGORY (gst_cmaf_sink_debug);
#define GST_CAT_DEFAULT gst_cmaf_sink_debug

GST_ELEMENT_REGISTER_DECLARE (cmafsink)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (cmafsink, "cmafsink", GST_RANK_NONE,
    GST_TYPE_CMAF_SINK,
    GST_DEBUG_CATEGORY_INIT (gst_cmaf_sink_debug, "cmafsink", 0,
        "CMAF packager"))

G_DEFINE_TYPE_WITH_CODE (GstCmafSink, gst_cmaf_sink, GST_TYPE_ELEMENT,
    G_IMPLEMENT_INTERFACE (GST_TYPE_CHILD_PROXY,
        gst_cmaf_sink_pad_init_child_proxy))

/* ---- errors and the end ---- */

/* EOS of a sink counts in PLAYING only; before, it waits for that. */
static void
post_eos_once (GstCmafSink *self)
{
  GST_OBJECT_LOCK (self);
  gboolean due = self->ended && !self->eos_posted &&
      GST_STATE (self) == GST_STATE_PLAYING;
  guint32 seqnum = self->eos_seqnum;
  self->eos_posted |= due;
  GST_OBJECT_UNLOCK (self);
  if (!due)
    return;
  GstMessage *message = gst_message_new_eos (GST_OBJECT (self));
  if (seqnum != GST_SEQNUM_INVALID)
    gst_message_set_seqnum (message, seqnum);
  gst_element_post_message (GST_ELEMENT (self), message);
}

static void
on_report (MillCmafReportKind kind, const GError *error, GObject *owner)
{
  GstCmafSink *self = GST_CMAF_SINK (owner);
  if (kind == MILL_CMAF_WANTS_KEYFRAME) {
    g_autoptr (MillCmafPackager) packager =
        gst_cmaf_sink_ref_packager (GST_ELEMENT (self));
    if (packager != NULL)
      gst_cmaf_sink_cues_request_keyframe (GST_ELEMENT (self), packager);
    return;
  }
  if (kind != MILL_CMAF_ENDED) {
    gst_cmaf_report_post (GST_ELEMENT (self), kind, error);
    return;
  }
  GST_INFO_OBJECT (self, "the stream has ended and is written");
  GST_OBJECT_LOCK (self);
  self->ended = TRUE;
  GST_OBJECT_UNLOCK (self);
  post_eos_once (self);
}

/* ---- queries ---- */

static gboolean
query_position (GstCmafSink *self, GstQuery *query)
{
  GstFormat format;
  gst_query_parse_position (query, &format, NULL);
  g_autoptr (MillCmafPackager) packager =
      gst_cmaf_sink_ref_packager (GST_ELEMENT (self));
  if (format != GST_FORMAT_TIME || packager == NULL)
    return FALSE;
  GstClockTimeDiff position = mill_cmaf_packager_get_position (packager);
  if (!GST_CLOCK_STIME_IS_VALID (position))
    return FALSE;
  gst_query_set_position (query, format, MAX (position, 0));
  return TRUE;
}

static gboolean
gst_cmaf_sink_query (GstElement *element, GstQuery *query)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_LATENCY:
      return gst_cmaf_sink_pads_query_latency (self, query);
    case GST_QUERY_POSITION:
      return query_position (self, query);
    default:
      return GST_ELEMENT_CLASS (gst_cmaf_sink_parent_class)
          ->query (element, query);
  }
}

/* ---- events from the pipeline ---- */

/* What goes upstream goes up all pads, where GstElement would take any one.
 * A latency is set even where nobody above wants it: nothing waits here. */
static gboolean
gst_cmaf_sink_send_event (GstElement *element, GstEvent *event)
{
  if (GST_EVENT_IS_DOWNSTREAM (event))
    return GST_ELEMENT_CLASS (gst_cmaf_sink_parent_class)
        ->send_event (element, event);
  return gst_upstream_send (element, event);
}

/* ---- states ---- */

static gboolean
start (GstElement *element)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  MillCmafPackagerOptions options = { 0 };
  g_auto (GstCmafSinkStorage) storage = { 0 };
  g_autoptr (GError) error = NULL;
  GST_OBJECT_LOCK (self);
  gboolean is_valid =
      gst_cmaf_sink_settings_fill (&self->settings, &options, &error);
  gst_cmaf_sink_storage_copy (&self->settings.storage, &storage);
  g_autofree gchar *location = g_strdup (self->settings.location);
  gst_cmaf_sink_dates_begin (&self->dates, self->settings.program_date_time,
      self->settings.epoch_us);
  self->ended = FALSE;
  self->eos_posted = FALSE;
  GST_OBJECT_UNLOCK (self);
  gst_cmaf_sink_cues_reset (&self->cues);
  g_autoptr (MillStore) store = is_valid
      ? gst_cmaf_sink_storage_open (&storage, GST_ELEMENT (self), location,
            !options.publisher.may_wait, &error)
      : NULL;
  if (store == NULL) {
    gst_cmaf_sink_settings_clear_options (&options);
    gst_cmaf_report_post (GST_ELEMENT (self), MILL_CMAF_FAILED, error);
    return FALSE;
  }
  g_autoptr (MillCmafPackager) packager =
      mill_cmaf_packager_new (&options, on_report, G_OBJECT (self));
  gboolean is_open = mill_cmaf_packager_open_store (packager, store, &error);
  gst_cmaf_sink_settings_clear_options (&options);
  if (!is_open) {
    gst_cmaf_report_post (GST_ELEMENT (self), MILL_CMAF_FAILED, error);
    return FALSE;
  }
  gst_cmaf_sink_pads_expect (self, packager);
  return TRUE;
}

/* As early as READY, where settings can be tried without a directory. */
static gboolean
check (GstCmafSink *self)
{
  g_autoptr (GError) error = NULL;
  GST_OBJECT_LOCK (self);
  gboolean is_valid = gst_cmaf_sink_settings_check (&self->settings, &error);
  GST_OBJECT_UNLOCK (self);
  if (!is_valid)
    gst_cmaf_report_post (GST_ELEMENT (self), MILL_CMAF_FAILED, error);
  return is_valid;
}

/* Waits for what is pushed: nothing comes after it. */
static gboolean
leave_pad (GstElement *element, GstPad *pad, gpointer user_data)
{
  gst_pad_set_active (pad, FALSE);
  return TRUE;
}

static void
stop (GstElement *element)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  GST_OBJECT_LOCK (self);
  g_autoptr (MillCmafPackager) packager = g_steal_pointer (&self->packager);
  GST_OBJECT_UNLOCK (self);
  if (packager == NULL)
    return;
  /* A pad that was requested while the element went down may be in it. */
  gst_element_foreach_sink_pad (element, leave_pad, NULL);
  mill_cmaf_packager_close (packager);
}

static const GstStatesCalls states_calls = {
  .start = start,
  .stop = stop,
};

static GstStateChangeReturn
gst_cmaf_sink_change_state (GstElement *element, GstStateChange transition)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !check (self))
    return GST_STATE_CHANGE_FAILURE;
  /* What waits for other pads has to return before pads can be deactivated. */
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    mill_cmaf_packager_set_flushing (self->packager, NULL, TRUE);
  return gst_states_change (element, transition,
      GST_ELEMENT_CLASS (gst_cmaf_sink_parent_class), &states_calls);
}

/* GST_STATE is PLAYING only after change_state() has returned. A bin forgets
 * who has ended when it goes to PAUSED, and asks again. */
static void
gst_cmaf_sink_state_changed (GstElement *element, GstState old, GstState new,
    GstState pending)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  GST_OBJECT_LOCK (self);
  self->eos_posted &= new == GST_STATE_PLAYING;
  GST_OBJECT_UNLOCK (self);
  post_eos_once (self);
}

/* ---- cues ---- */

static GstStructure *
on_cue (GstCmafSink *self, const GstStructure *cue)
{
  g_autoptr (MillCmafPackager) packager =
      gst_cmaf_sink_ref_packager (GST_ELEMENT (self));
  return gst_cmaf_sink_cues_take (packager, cue);
}

/* ---- properties ---- */

enum
{
  PROP_STATS = GST_CMAF_SINK_SETTINGS_END,
};

static void
gst_cmaf_sink_set_property (GObject *object, guint id, const GValue *value,
    GParamSpec *pspec)
{
  GstCmafSink *self = GST_CMAF_SINK (object);
  GST_OBJECT_LOCK (self);
  gboolean known = gst_cmaf_sink_settings_set (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_cmaf_sink_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstCmafSink *self = GST_CMAF_SINK (object);
  if (id == PROP_STATS) {
    g_autoptr (MillCmafPackager) packager =
        gst_cmaf_sink_ref_packager (GST_ELEMENT (self));
    g_value_take_boxed (value, gst_cmaf_sink_stats_new (packager));
    return;
  }
  GST_OBJECT_LOCK (self);
  gboolean known = gst_cmaf_sink_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_cmaf_sink_finalize (GObject *object)
{
  gst_cmaf_sink_settings_clear (&GST_CMAF_SINK (object)->settings);
  gst_cmaf_sink_cues_clear (&GST_CMAF_SINK (object)->cues);
  G_OBJECT_CLASS (gst_cmaf_sink_parent_class)->finalize (object);
}

static void
gst_cmaf_sink_class_init (GstCmafSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_cmaf_sink_set_property;
  object_class->get_property = gst_cmaf_sink_get_property;
  object_class->finalize = gst_cmaf_sink_finalize;
  gst_cmaf_sink_settings_install (object_class);
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "stats",
          "generation, segments, bytes, gaps, target-duration (s), "
          "retention-ms, window-shrunk (segments), renditions (array of structures), upload (structure, "
          "of a URL)",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  /**
   * GstCmafSink::cue:
   * @cue: type (string): out, in, cancel: of the break id (uint), or metadata:
   *   id3 (GBytes) a tag, or key and value (string); time (guint64, running
   *   time) or wall-time (gint64, µs since 1970): when, else now; duration
   *   (guint64, ns); auto-return (boolean): the break ends after it by itself,
   *   as it does unless this is FALSE
   *
   * Says that a break begins or ends, or hands players something.
   *
   * Returns: (transfer full): taken (boolean); if not, code (string): not-live,
   * no-break, exists, full, invalid; and message (string)
   */
  g_signal_new_class_handler ("cue", G_TYPE_FROM_CLASS (klass),
      G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION, G_CALLBACK (on_cue), NULL, NULL,
      NULL, GST_TYPE_STRUCTURE, 1, GST_TYPE_STRUCTURE);

  element_class->request_new_pad = gst_cmaf_sink_pads_request;
  element_class->release_pad = gst_cmaf_sink_pads_release;
  element_class->change_state = gst_cmaf_sink_change_state;
  element_class->state_changed = gst_cmaf_sink_state_changed;
  element_class->query = gst_cmaf_sink_query;
  element_class->send_event = gst_cmaf_sink_send_event;
  gst_cmaf_sink_pads_install (element_class);
  gst_element_class_set_static_metadata (element_class, "CMAF packager",
      "Sink/Muxer", "Packages a stream as CMAF for HLS and DASH",
      "The millrace authors");
}

static void
gst_cmaf_sink_init (GstCmafSink *self)
{
  gst_cmaf_sink_settings_init (&self->settings);
  gst_cmaf_sink_cues_init (&self->cues);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
}
