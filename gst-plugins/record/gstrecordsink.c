/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * SECTION:element-recordsink
 *
 * Recordings in MP4, WebM or Matroska files, without encoding.
 *
 *     gst-launch-1.0 filesrc location=movie.mp4 ! qtdemux name=d \
 *         d.video_0 ! queue ! recordsink name=s location=copy.mp4 \
 *         d.audio_0 ! queue ! s.audio_0
 *
 * A bin: for each pad the parser that its caps need, if any, and an intake, which
 * hands the frames to the one session (record-session.h). While it is written a
 * file has the name NAME.part.
 *
 * States: never asynchronous. PAUSED->READY without EOS leaves NAME.part; it
 * waits for files that are being finished.
 *
 * Threads: frames are written by the threads that bring them, under one lock;
 * whole files are finished by a thread of their own, and EOS is told behind.
 */

#include <gst/gst.h>
#include <string.h>

#include "../common/gstpadnumbers.h"
#include "../common/gststates.h"
#include "gstrecordbranch.h"
#include "gstrecordsinkmessages.h"
#include "gstrecordsinksettings.h"
#include "gstrecordsinkstats.h"
#include "record-finish.h"

GST_DEBUG_CATEGORY_STATIC (recordsink_debug);
#define GST_CAT_DEFAULT recordsink_debug

enum
{
  PROP_STATS = GST_RECORD_SINK_SETTINGS_END,
};

#define GST_TYPE_RECORD_SINK (gst_record_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstRecordSink, gst_record_sink, GST, RECORD_SINK, GstBin)

struct _GstRecordSink
{
  GstBin parent;

  /* object lock */
  GstRecordSinkSettings settings;
  guint next_pad[2]; /* by MillCmafKind */

  GMutex lock; /* all up to stats */
  MillRecordSession *session; /* from READY->PAUSED to PAUSED->READY */
  GHashTable *tracks; /* GstRecordIntake, not held -> MillRecordTrack */
  guint n_finishing;
  gboolean is_over; /* EOS was told */
  guint64 n_files;
  guint64 n_errors;

  GstRecordSinkStats stats; /* its own lock */
  MillRecordFinish *finish; /* its own lock */
};

GST_ELEMENT_REGISTER_DECLARE (recordsink)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (recordsink, "recordsink", GST_RANK_NONE,
    GST_TYPE_RECORD_SINK,
    GST_DEBUG_CATEGORY_INIT (recordsink_debug, "recordsink", 0, "recordings"))

G_DEFINE_TYPE (GstRecordSink, gst_record_sink, GST_TYPE_BIN)

static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE ("video_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS ("video/x-h264; video/x-h265; video/x-av1; "
                         "video/x-vp9; video/x-vp8"));
static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS ("audio/mpeg, mpegversion = (int) { 1, 2, 4 }; "
                         "audio/x-ac3; audio/x-eac3; audio/x-opus; "
                         "audio/x-flac"));

/* ---- settings ---- */

static MillRecordContainer
choose_container (GstRecordSink *self)
{
  GST_OBJECT_LOCK (self);
  MillRecordContainer container =
      gst_record_sink_settings_choose_container (&self->settings);
  GST_OBJECT_UNLOCK (self);
  return container;
}

static gboolean
is_off (GstRecordSink *self)
{
  GST_OBJECT_LOCK (self);
  gboolean off = gst_record_sink_settings_is_off (&self->settings);
  GST_OBJECT_UNLOCK (self);
  return off;
}

static MillRecordOnError
get_on_error (GstRecordSink *self)
{
  GST_OBJECT_LOCK (self);
  MillRecordOnError on_error = self->settings.on_error;
  GST_OBJECT_UNLOCK (self);
  return on_error;
}

static gboolean
has_faststart (GstRecordSink *self)
{
  GST_OBJECT_LOCK (self);
  gboolean faststart = self->settings.faststart;
  GST_OBJECT_UNLOCK (self);
  return faststart;
}

/* ---- the end of a file, and of all ---- */

static void
post_trouble (GstRecordSink *self, const GError *error)
{
  gst_record_sink_messages_post_trouble (GST_ELEMENT (self),
      get_on_error (self) == MILL_RECORD_CONTINUE ? GST_MESSAGE_WARNING
                                                  : GST_MESSAGE_ERROR,
      error);
}

static void
note_stats_locked (GstRecordSink *self)
{
  const MillRecordTake *take = self->session != NULL
      ? mill_record_session_get_take (self->session)
      : NULL;
  gst_record_sink_stats_note (&self->stats, take, self->n_files,
      self->n_errors);
}

/* Once, when everything that came is in files that have their names. */
static gboolean
is_over_now_locked (GstRecordSink *self)
{
  if (self->is_over || self->n_finishing > 0 || self->session == NULL ||
      !mill_record_session_is_over (self->session))
    return FALSE;
  self->is_over = TRUE;
  return TRUE;
}

static void
post_eos (GstRecordSink *self)
{
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_eos (GST_OBJECT (self)));
}

/* On the thread of the file. */
static void
on_finished (gpointer owner, const MillRecordTake *take, const gchar *path,
    const GError *warning, const GError *error)
{
  GstRecordSink *self = owner;
  if (warning != NULL)
    GST_ELEMENT_WARNING (self, RESOURCE, WRITE, ("%s", warning->message),
        ("the index stays at the end"));
  if (path != NULL)
    gst_record_sink_messages_post_done (GST_ELEMENT (self), take, path);
  else
    post_trouble (self, error);
  g_mutex_lock (&self->lock);
  self->n_finishing--;
  self->n_files += path != NULL;
  self->n_errors += path == NULL;
  gboolean failed = path == NULL && get_on_error (self) == MILL_RECORD_STOP;
  gboolean is_over = !failed && is_over_now_locked (self);
  note_stats_locked (self);
  g_mutex_unlock (&self->lock);
  if (is_over)
    post_eos (self);
}

/* What the last call to the session has led to; unlocks. */
static void
settle_and_unlock (GstRecordSink *self)
{
  GSList *errors = NULL;
  GError *error;
  MillRecordTake *take;
  while ((take = mill_record_session_pop_take (self->session)) != NULL) {
    self->n_finishing++;
    mill_record_finish_begin (self->finish, take, has_faststart (self));
  }
  while ((error = mill_record_session_pop_error (self->session)) != NULL) {
    errors = g_slist_append (errors, error);
    self->n_errors++;
  }
  gboolean failed = self->n_errors > 0 &&
      get_on_error (self) == MILL_RECORD_STOP;
  gboolean is_over = !failed && is_over_now_locked (self);
  note_stats_locked (self);
  g_mutex_unlock (&self->lock);
  for (GSList *item = errors; item != NULL; item = item->next)
    post_trouble (self, item->data);
  g_slist_free_full (errors, (GDestroyNotify) g_error_free);
  if (is_over)
    post_eos (self);
}

/* ---- what intakes tell ---- */

/* Returns: (nullable): locks when there is one */
static MillRecordTrack *
lock_track (GstRecordSink *self, GstRecordIntake *intake)
{
  g_mutex_lock (&self->lock);
  MillRecordTrack *track =
      self->session != NULL ? g_hash_table_lookup (self->tracks, intake) : NULL;
  if (track == NULL)
    g_mutex_unlock (&self->lock);
  return track;
}

/* A picture that is to be mirrored has no place in Matroska. */
static void
check_orientation (GstRecordSink *self, const MillRecordFormat *format)
{
  if (format->orientation < MILL_BMFF_FLIP ||
      choose_container (self) == MILL_RECORD_MP4)
    return;
  gst_record_sink_messages_post_mirrored (GST_ELEMENT (self),
      choose_container (self));
}

/* Whether it comes when it is made, and not as fast as it is read. */
static gboolean
is_live (GstRecordIntake *intake)
{
  g_autoptr (GstPad) pad =
      gst_element_get_static_pad (GST_ELEMENT (intake), "sink");
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  gboolean live = TRUE;
  if (gst_pad_peer_query (pad, query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  return live;
}

static void
on_format (gpointer owner, GstRecordIntake *intake,
    const MillRecordFormat *format)
{
  GstRecordSink *self = owner;
  gboolean live = is_live (intake);
  check_orientation (self, format);
  MillRecordTrack *track = lock_track (self, intake);
  if (track == NULL)
    return;
  if (!live)
    mill_record_session_set_patient (self->session);
  mill_record_session_set_format (self->session, track, format);
  settle_and_unlock (self);
}

static void
on_end (gpointer owner, GstRecordIntake *intake)
{
  GstRecordSink *self = owner;
  MillRecordTrack *track = lock_track (self, intake);
  if (track == NULL)
    return;
  mill_record_session_end_track (self->session, track);
  settle_and_unlock (self);
}

static void
on_refuse (gpointer owner, GstRecordIntake *intake, const GError *error)
{
  GstRecordSink *self = owner;
  g_autofree gchar *name = gst_record_branch_dup_pad_name (intake);
  g_autoptr (GError) told = g_error_new (GST_STREAM_ERROR,
      GST_STREAM_ERROR_FORMAT,
      "codec of pad '%s': got %s, expected whole frames and their "
      "configuration",
      name, error->message);
  /* What records nothing misses nothing. */
  if (!is_off (self))
    post_trouble (self, told);
  on_end (owner, intake);
}

static GstFlowReturn
on_push (gpointer owner, GstRecordIntake *intake, const MillCmafInput *input,
    GstBuffer *buffer)
{
  GstRecordSink *self = owner;
  MillRecordTrack *track = lock_track (self, intake);
  if (track == NULL) {
    gst_buffer_unref (buffer);
    return GST_FLOW_FLUSHING;
  }
  gboolean ok = mill_record_session_push (self->session, track, input, buffer);
  settle_and_unlock (self);
  return ok ? GST_FLOW_OK : GST_FLOW_ERROR;
}

static void
on_flush (gpointer owner, GstRecordIntake *intake)
{
  GstRecordSink *self = owner;
  MillRecordTrack *track = lock_track (self, intake);
  if (track == NULL)
    return;
  self->is_over = FALSE;
  mill_record_session_flush (self->session, track);
  settle_and_unlock (self);
}

static const GstRecordIntakeCalls intake_calls = {
  .set_format = on_format,
  .refuse = on_refuse,
  .push = on_push,
  .flush = on_flush,
  .end = on_end,
};

/* ---- pads ---- */

static gchar *
refuse_caps (gpointer owner, const GstCaps *caps)
{
  if (is_off (owner))
    return NULL;
  return mill_record_format_refuse (choose_container (owner), caps);
}

static gboolean
goes_on (gpointer owner)
{
  return get_on_error (owner) == MILL_RECORD_CONTINUE;
}

static const GstRecordBranchCalls branch_calls = {
  .refuse_caps = refuse_caps,
  .goes_on = goes_on,
};

static gchar *
name_pad (GstRecordSink *self, MillCmafKind kind, const gchar *wanted)
{
  GST_OBJECT_LOCK (self);
  gchar *name = gst_pad_numbers_name (&self->next_pad[kind],
      kind == MILL_CMAF_VIDEO ? "video_" : "audio_", wanted);
  GST_OBJECT_UNLOCK (self);
  return name;
}

static void
add_track_locked (GstRecordSink *self, GstRecordIntake *intake)
{
  self->is_over = FALSE;
  g_hash_table_insert (self->tracks, intake,
      self->session != NULL ? mill_record_session_add_track (self->session,
                                  gst_record_intake_get_kind (intake))
                            : NULL);
}

static GstPad *
gst_record_sink_request_new_pad (GstElement *element, GstPadTemplate *template,
    const gchar *wanted, const GstCaps *caps)
{
  GstRecordSink *self = GST_RECORD_SINK (element);
  MillCmafKind kind =
      g_str_has_prefix (GST_PAD_TEMPLATE_NAME_TEMPLATE (template), "video")
      ? MILL_CMAF_VIDEO
      : MILL_CMAF_AUDIO;
  g_autofree gchar *name = name_pad (self, kind, wanted);
  GstElement *intake = gst_record_intake_new (kind, &intake_calls, self);
  g_mutex_lock (&self->lock);
  add_track_locked (self, GST_RECORD_INTAKE (intake));
  g_mutex_unlock (&self->lock);
  GstPad *pad = gst_record_branch_new (GST_BIN (self), template, name,
      GST_RECORD_INTAKE (intake), &branch_calls);
  gst_pad_set_active (pad, TRUE);
  gst_element_add_pad (element, pad);
  return pad;
}

static void
gst_record_sink_release_pad (GstElement *element, GstPad *pad)
{
  GstRecordSink *self = GST_RECORD_SINK (element);
  GstRecordIntake *intake = gst_record_branch_get_intake (pad);
  gst_pad_set_active (pad, FALSE);
  on_end (self, intake);
  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->tracks, intake);
  g_mutex_unlock (&self->lock);
  gst_record_branch_remove (pad);
  gst_element_remove_pad (element, pad);
}

/* A parser's error is one of the recording. */
static void
gst_record_sink_handle_message (GstBin *bin, GstMessage *message)
{
  GstRecordSink *self = GST_RECORD_SINK (bin);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR && goes_on (self)) {
    g_autoptr (GError) error = NULL;
    g_autofree gchar *debug = NULL;
    gst_message_parse_error (message, &error, &debug);
    gst_message_unref (message);
    g_prefix_error (&error, "a track of the recording is left out: ");
    GstMessage *warning =
        gst_message_new_warning (GST_OBJECT (self), error, debug);
    gst_element_post_message (GST_ELEMENT (self), warning);
    return;
  }
  GST_BIN_CLASS (gst_record_sink_parent_class)->handle_message (bin, message);
}

/* ---- states ---- */

/* Pictures first, then by number: the first sound of a file is what is played. */
static gint
compare_intakes (gconstpointer a, gconstpointer b)
{
  GstRecordIntake *first = (gpointer) a;
  GstRecordIntake *second = (gpointer) b;
  gint order = (gint) gst_record_intake_get_kind (first) -
      (gint) gst_record_intake_get_kind (second);
  g_autofree gchar *name = gst_record_branch_dup_pad_name (first);
  g_autofree gchar *other = gst_record_branch_dup_pad_name (second);
  if (order == 0 && name != NULL && other != NULL)
    order = (gint) strlen (name) - (gint) strlen (other);
  return order != 0 ? order : g_strcmp0 (name, other);
}

/* Before anything is made, and when a description is checked. The disk is asked
 * without the lock: it may take its time. */
static gboolean
is_fit (GstRecordSink *self)
{
  GST_OBJECT_LOCK (self);
  GstRecordSinkSettings settings = self->settings;
  g_autofree gchar *location = g_strdup (settings.location);
  GST_OBJECT_UNLOCK (self);
  settings.location = location;
  g_autofree gchar *wrong = gst_record_sink_settings_check (&settings);
  if (wrong != NULL)
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("%s", wrong), (NULL));
  return wrong == NULL;
}

static gboolean
start (GstElement *element)
{
  GstRecordSink *self = GST_RECORD_SINK (element);
  GST_OBJECT_LOCK (self);
  MillRecordSettings settings = gst_record_sink_settings_plan (&self->settings);
  g_autofree gchar *location = g_strdup (settings.location);
  GST_OBJECT_UNLOCK (self);
  settings.location = location;
  if (location == NULL) {
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("location: got none, expected the name of a file"), (NULL));
    return FALSE;
  }
  /* They can be set in READY, too. */
  if (!is_fit (self))
    return FALSE;
  if (*location != '\0')
    gst_record_sink_messages_post_left (element, location);
  g_mutex_lock (&self->lock);
  self->session = mill_record_session_new (&settings);
  self->n_files = 0;
  self->n_errors = 0;
  g_autoptr (GList) intakes =
      g_list_sort (g_hash_table_get_keys (self->tracks), compare_intakes);
  for (GList *item = intakes; item != NULL; item = item->next)
    add_track_locked (self, item->data);
  note_stats_locked (self);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static void
stop (GstElement *element)
{
  GstRecordSink *self = GST_RECORD_SINK (element);
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->session, mill_record_session_free);
  note_stats_locked (self);
  g_mutex_unlock (&self->lock);
  mill_record_finish_wait (self->finish);
}

static const GstStatesCalls states_calls = {
  .start = start,
  .stop = stop,
};

static GstStateChangeReturn
gst_record_sink_change_state (GstElement *element, GstStateChange transition)
{
  if (transition == GST_STATE_CHANGE_NULL_TO_READY &&
      !is_fit (GST_RECORD_SINK (element)))
    return GST_STATE_CHANGE_FAILURE;
  return gst_states_change (element, transition,
      GST_ELEMENT_CLASS (gst_record_sink_parent_class), &states_calls);
}

/* ---- properties ---- */

static void
gst_record_sink_set_property (GObject *object, guint id, const GValue *value,
    GParamSpec *pspec)
{
  GstRecordSink *self = GST_RECORD_SINK (object);
  GST_OBJECT_LOCK (self);
  gboolean known = gst_record_sink_settings_set (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_record_sink_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstRecordSink *self = GST_RECORD_SINK (object);
  if (id == PROP_STATS) {
    g_value_take_boxed (value, gst_record_sink_stats_make (&self->stats));
    return;
  }
  GST_OBJECT_LOCK (self);
  gboolean known = gst_record_sink_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_record_sink_finalize (GObject *object)
{
  GstRecordSink *self = GST_RECORD_SINK (object);
  g_mutex_clear (&self->lock);
  gst_record_sink_stats_clear (&self->stats);
  g_hash_table_unref (self->tracks);
  mill_record_finish_free (self->finish);
  gst_record_sink_settings_clear (&self->settings);
  G_OBJECT_CLASS (gst_record_sink_parent_class)->finalize (object);
}

static void
gst_record_sink_class_init (GstRecordSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  object_class->set_property = gst_record_sink_set_property;
  object_class->get_property = gst_record_sink_get_property;
  object_class->finalize = gst_record_sink_finalize;
  gst_record_sink_settings_install (object_class);
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "stats",
          "recording, location, bytes and duration of the file that is "
          "written; files that are whole, errors",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  GST_BIN_CLASS (klass)->handle_message = gst_record_sink_handle_message;
  element_class->request_new_pad = gst_record_sink_request_new_pad;
  element_class->release_pad = gst_record_sink_release_pad;
  element_class->change_state = gst_record_sink_change_state;
  gst_element_class_add_static_pad_template (element_class, &video_template);
  gst_element_class_add_static_pad_template (element_class, &audio_template);
  gst_element_class_set_static_metadata (element_class, "Recorder",
      "Sink/Muxer/File", "Records a stream in MP4, WebM or Matroska files",
      "The millrace authors");
}

static void
gst_record_sink_init (GstRecordSink *self)
{
  gst_record_sink_settings_init (&self->settings);
  gst_record_sink_stats_init (&self->stats);
  self->finish = mill_record_finish_new (on_finished, self);
  g_mutex_init (&self->lock);
  self->tracks = g_hash_table_new (NULL, NULL);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
}
