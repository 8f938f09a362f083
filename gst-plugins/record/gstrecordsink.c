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

#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "gstrecordbranch.h"
#include "record-file.h"
#include "record-session.h"

GST_DEBUG_CATEGORY_STATIC (recordsink_debug);
#define GST_CAT_DEFAULT recordsink_debug

#define DEFAULT_FASTSTART TRUE
/* Of an MP4's index, which is in memory until the end, where it takes as much
 * again. A day of 30 pictures and 47 frames of sound a second is 46 MB. */
#define MAX_INDEX_BYTES (64u << 20)
#define DEFAULT_ON_ERROR MILL_RECORD_STOP

enum
{
  PROP_LOCATION = 1,
  PROP_FORMAT,
  PROP_FASTSTART,
  PROP_ON_ERROR,
  PROP_ROTATE_DURATION_MS,
  PROP_ROTATE_BYTES,
  PROP_STATS,
};

typedef enum
{
  FORMAT_AUTO,
  FORMAT_MP4,
  FORMAT_WEBM,
  FORMAT_MATROSKA,
} Format;

#define GST_TYPE_RECORD_SINK (gst_record_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstRecordSink, gst_record_sink, GST, RECORD_SINK, GstBin)

/** @location: (nullable): NULL when no file is open */
typedef struct
{
  gchar *location;
  guint64 bytes;
  GstClockTime duration;
  guint64 n_files;
  guint64 n_errors;
} Stats;

struct _GstRecordSink
{
  GstBin parent;

  /* object lock */
  gchar *location;
  Format format;
  gboolean faststart;
  MillRecordOnError on_error;
  guint rotate_duration_ms;
  guint64 rotate_bytes;
  guint next_pad[2]; /* by MillCmafKind */

  GMutex lock; /* all below */
  MillRecordSession *session; /* from READY->PAUSED to PAUSED->READY */
  GHashTable *tracks; /* GstRecordIntake, not held -> MillRecordTrack */
  GPtrArray *finishers; /* GThread */
  GPtrArray *finished; /* the same, to be joined: they hold nothing any more */
  guint n_finishing;
  gboolean is_over; /* EOS was told */
  guint64 n_files;
  guint64 n_errors;

  /* Taken under the other one or alone: who writes to a disk that stands still
   * has that. */
  GMutex stats_lock;
  Stats stats;
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

#define GST_TYPE_RECORD_SINK_FORMAT (gst_record_sink_format_get_type ())
static GType
gst_record_sink_format_get_type (void)
{
  static const GEnumValue values[] = {
    { FORMAT_AUTO, "By the extension of location, otherwise MP4", "auto" },
    { FORMAT_MP4, "MP4", "mp4" },
    { FORMAT_WEBM, "WebM", "webm" },
    { FORMAT_MATROSKA, "Matroska", "matroska" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstRecordSinkFormat", values));
  return type;
}

#define GST_TYPE_RECORD_SINK_ON_ERROR (gst_record_sink_on_error_get_type ())
static GType
gst_record_sink_on_error_get_type (void)
{
  static const GEnumValue values[] = {
    { MILL_RECORD_STOP, "An error, which ends the pipeline", "stop" },
    { MILL_RECORD_CONTINUE, "A warning, and a new file a while later",
        "continue" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstRecordSinkOnError", values));
  return type;
}

/* ---- settings ---- */

static MillRecordContainer
choose_container (GstRecordSink *self)
{
  GST_OBJECT_LOCK (self);
  Format format = self->format;
  const gchar *location = self->location != NULL ? self->location : "";
  if (format == FORMAT_AUTO)
    format = g_str_has_suffix (location, ".webm") ? FORMAT_WEBM
        : g_str_has_suffix (location, ".mkv")     ? FORMAT_MATROSKA
                                                  : FORMAT_MP4;
  GST_OBJECT_UNLOCK (self);
  return format == FORMAT_WEBM ? MILL_RECORD_WEBM
      : format == FORMAT_MP4   ? MILL_RECORD_MP4
                               : MILL_RECORD_MATROSKA;
}

static MillRecordOnError
get_on_error (GstRecordSink *self)
{
  GST_OBJECT_LOCK (self);
  MillRecordOnError on_error = self->on_error;
  GST_OBJECT_UNLOCK (self);
  return on_error;
}

/* ---- messages ---- */

static gint
to_resource_error (const GError *error)
{
  if (g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC))
    return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
  if (g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_ACCES))
    return GST_RESOURCE_ERROR_OPEN_WRITE;
  return GST_RESOURCE_ERROR_WRITE;
}

/* The one place where what went wrong becomes a message. */
static void
post_trouble (GstRecordSink *self, const GError *error, const gchar *details)
{
  gboolean goes_on = get_on_error (self) == MILL_RECORD_CONTINUE;
  gboolean is_gst = error->domain == GST_STREAM_ERROR;
  gst_element_message_full (GST_ELEMENT (self),
      goes_on ? GST_MESSAGE_WARNING : GST_MESSAGE_ERROR,
      is_gst ? GST_STREAM_ERROR : GST_RESOURCE_ERROR,
      is_gst ? error->code : to_resource_error (error),
      g_strdup (error->message), g_strdup (details), __FILE__, GST_FUNCTION,
      __LINE__);
}

static void
tell_done (GstRecordSink *self, const MillRecordTake *take, const gchar *path)
{
  GStatBuf about = { 0 };
  g_stat (path, &about);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("recording-done", "location", G_TYPE_STRING, path,
              "begin", G_TYPE_INT64, mill_record_take_get_begin (take),
              "duration", G_TYPE_UINT64, mill_record_take_get_duration (take),
              "bytes", G_TYPE_UINT64, (guint64) about.st_size, NULL)));
}

/* ---- what the stats are ---- */

static void
note_stats_locked (GstRecordSink *self)
{
  const MillRecordTake *take = self->session != NULL
      ? mill_record_session_get_take (self->session)
      : NULL;
  const gchar *location = take != NULL ? mill_record_take_get_path (take)
                                       : NULL;
  g_mutex_lock (&self->stats_lock);
  if (g_strcmp0 (location, self->stats.location) != 0) {
    g_free (self->stats.location);
    self->stats.location = g_strdup (location);
  }
  self->stats.bytes = take != NULL ? mill_record_take_get_bytes (take) : 0;
  self->stats.duration = take != NULL ? mill_record_take_get_duration (take)
                                      : 0;
  self->stats.n_files = self->n_files;
  self->stats.n_errors = self->n_errors;
  g_mutex_unlock (&self->stats_lock);
}

static GstStructure *
make_stats (GstRecordSink *self)
{
  g_mutex_lock (&self->stats_lock);
  const Stats *now = &self->stats;
  GstStructure *stats = gst_structure_new ("application/x-record-sink-stats",
      "recording", G_TYPE_BOOLEAN, now->location != NULL, "files",
      G_TYPE_UINT64, now->n_files, "errors", G_TYPE_UINT64, now->n_errors,
      "bytes", G_TYPE_UINT64, now->bytes, "duration", G_TYPE_UINT64,
      now->duration, NULL);
  if (now->location != NULL)
    gst_structure_set (stats, "location", G_TYPE_STRING, now->location, NULL);
  g_mutex_unlock (&self->stats_lock);
  return stats;
}

/* ---- the end of a file, and of all ---- */

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

typedef struct
{
  GstRecordSink *sink; /* joins the thread before it goes */
  MillRecordTake *take;
} Finish;

/* A thread that has ended keeps its stack until somebody joins it, and a stream
 * that is recorded for weeks has many files: the next one joins it.
 * Returns: (transfer full) (element-type GThread) */
static GPtrArray *
take_finished_locked (GstRecordSink *self)
{
  GPtrArray *finished = g_steal_pointer (&self->finished);
  self->finished = g_ptr_array_new ();
  return finished;
}

/* Not under the lock. */
static void
join (const GPtrArray *threads)
{
  for (guint i = 0; i < threads->len; i++)
    g_thread_join (g_ptr_array_index (threads, i));
}

static gpointer
finish (gpointer data)
{
  g_autofree Finish *job = data;
  GstRecordSink *self = job->sink;
  g_autoptr (MillRecordTake) take = job->take;
  g_autoptr (GError) warning = NULL;
  g_autoptr (GError) error = NULL;
  GST_OBJECT_LOCK (self);
  gboolean faststart = self->faststart;
  GST_OBJECT_UNLOCK (self);
  g_autofree gchar *path =
      mill_record_take_finish (take, faststart, &warning, &error);
  if (warning != NULL)
    GST_ELEMENT_WARNING (self, RESOURCE, WRITE, ("%s", warning->message),
        ("the index stays at the end"));
  if (path != NULL)
    tell_done (self, take, path);
  else
    post_trouble (self, error, NULL);
  g_mutex_lock (&self->lock);
  self->n_finishing--;
  g_autoptr (GPtrArray) others = take_finished_locked (self);
  /* Not when it is stop() that waits for this thread. */
  if (g_ptr_array_remove_fast (self->finishers, g_thread_self ()))
    g_ptr_array_add (self->finished, g_thread_self ());
  self->n_files += path != NULL;
  self->n_errors += path == NULL;
  gboolean failed = path == NULL && get_on_error (self) == MILL_RECORD_STOP;
  gboolean is_over = !failed && is_over_now_locked (self);
  note_stats_locked (self);
  g_mutex_unlock (&self->lock);
  join (others);
  if (is_over)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_eos (GST_OBJECT (self)));
  return NULL;
}

/* What the last call to the session has led to; unlocks. */
static void
settle_and_unlock (GstRecordSink *self)
{
  GSList *errors = NULL;
  GError *error;
  MillRecordTake *take;
  while ((take = mill_record_session_pop_take (self->session)) != NULL) {
    Finish *job = g_new (Finish, 1);
    *job = (Finish){ self, take };
    self->n_finishing++;
    g_ptr_array_add (self->finishers,
        g_thread_new ("record-finish", finish, job));
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
    post_trouble (self, item->data, NULL);
  g_slist_free_full (errors, (GDestroyNotify) g_error_free);
  if (is_over)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_eos (GST_OBJECT (self)));
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
  GST_ELEMENT_WARNING (self, STREAM, MUX,
      ("orientation of the picture: got a mirrored one, which %s does not "
       "hold, expected a rotation, or a location that ends in .mp4; it is "
       "recorded as it is encoded",
          mill_record_format_get_title (choose_container (self))),
      (NULL));
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

static gboolean
is_off (GstRecordSink *self)
{
  GST_OBJECT_LOCK (self);
  gboolean off = self->location != NULL && *self->location == '\0';
  GST_OBJECT_UNLOCK (self);
  return off;
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
    post_trouble (self, told, NULL);
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
  const gchar *prefix = kind == MILL_CMAF_VIDEO ? "video_" : "audio_";
  guint64 number;
  GST_OBJECT_LOCK (self);
  if (wanted == NULL || !g_str_has_prefix (wanted, prefix) ||
      !g_ascii_string_to_unsigned (wanted + strlen (prefix), 10, 0,
          G_MAXUINT - 1, &number, NULL))
    number = self->next_pad[kind];
  self->next_pad[kind] = MAX (self->next_pad[kind], (guint) number + 1);
  GST_OBJECT_UNLOCK (self);
  return g_strdup_printf ("%s%u", prefix, (guint) number);
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

static void
warn_of_left (GstRecordSink *self, const gchar *location)
{
  g_autoptr (GPtrArray) left = mill_record_file_find_left (location);
  for (guint i = 0; i < left->len; i++)
    GST_ELEMENT_WARNING (self, RESOURCE, FAILED,
        ("recording '%s': got no end of it, expected a renamed file; it is "
         "kept",
            (const gchar *) g_ptr_array_index (left, i)),
        (NULL));
}

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

static gboolean
start (GstRecordSink *self)
{
  MillRecordSettings settings = { .container = choose_container (self) };
  GST_OBJECT_LOCK (self);
  g_autofree gchar *location = g_strdup (self->location);
  settings.on_error = self->on_error;
  settings.rotate_duration = self->rotate_duration_ms * GST_MSECOND;
  settings.rotate_bytes = self->rotate_bytes;
  settings.max_index_bytes = MAX_INDEX_BYTES;
  GST_OBJECT_UNLOCK (self);
  settings.location = location;
  if (location == NULL) {
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("location: got none, expected the name of a file"), (NULL));
    return FALSE;
  }
  if (*location != '\0')
    warn_of_left (self, location);
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
stop (GstRecordSink *self)
{
  g_mutex_lock (&self->lock);
  g_autoptr (GPtrArray) finishers = g_steal_pointer (&self->finishers);
  g_autoptr (GPtrArray) finished = take_finished_locked (self);
  self->finishers = g_ptr_array_new ();
  g_clear_pointer (&self->session, mill_record_session_free);
  note_stats_locked (self);
  g_mutex_unlock (&self->lock);
  join (finishers);
  join (finished);
}

static GstStateChangeReturn
gst_record_sink_change_state (GstElement *element, GstStateChange transition)
{
  GstRecordSink *self = GST_RECORD_SINK (element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self))
    return GST_STATE_CHANGE_FAILURE;
  GstStateChangeReturn ret = GST_ELEMENT_CLASS (gst_record_sink_parent_class)
                                 ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
          ret == GST_STATE_CHANGE_FAILURE))
    stop (self);
  return ret;
}

/* ---- properties ---- */

static void
gst_record_sink_set_property (GObject *object, guint id, const GValue *value,
    GParamSpec *pspec)
{
  GstRecordSink *self = GST_RECORD_SINK (object);
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_LOCATION:
      g_free (self->location);
      self->location = g_value_dup_string (value);
      break;
    case PROP_FORMAT:
      self->format = (Format) g_value_get_enum (value);
      break;
    case PROP_FASTSTART:
      self->faststart = g_value_get_boolean (value);
      break;
    case PROP_ON_ERROR:
      self->on_error = (MillRecordOnError) g_value_get_enum (value);
      break;
    case PROP_ROTATE_DURATION_MS:
      self->rotate_duration_ms = g_value_get_uint (value);
      break;
    case PROP_ROTATE_BYTES:
      self->rotate_bytes = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_record_sink_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstRecordSink *self = GST_RECORD_SINK (object);
  if (id == PROP_STATS) {
    g_value_take_boxed (value, make_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_LOCATION:
      g_value_set_string (value, self->location);
      break;
    case PROP_FORMAT:
      g_value_set_enum (value, (gint) self->format);
      break;
    case PROP_FASTSTART:
      g_value_set_boolean (value, self->faststart);
      break;
    case PROP_ON_ERROR:
      g_value_set_enum (value, (gint) self->on_error);
      break;
    case PROP_ROTATE_DURATION_MS:
      g_value_set_uint (value, self->rotate_duration_ms);
      break;
    case PROP_ROTATE_BYTES:
      g_value_set_uint64 (value, self->rotate_bytes);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_record_sink_finalize (GObject *object)
{
  GstRecordSink *self = GST_RECORD_SINK (object);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->stats_lock);
  g_free (self->stats.location);
  g_hash_table_unref (self->tracks);
  g_ptr_array_unref (self->finishers);
  g_ptr_array_unref (self->finished);
  g_free (self->location);
  G_OBJECT_CLASS (gst_record_sink_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *klass)
{
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_READY;
  g_object_class_install_property (klass, PROP_LOCATION,
      g_param_spec_string ("location", "location",
          "The file; {date} and {time} (UTC) and {n}, the first free number, "
          "are filled in; empty records nothing",
          NULL, flags));
  g_object_class_install_property (klass, PROP_FORMAT,
      g_param_spec_enum ("format", "format", "What the file is",
          GST_TYPE_RECORD_SINK_FORMAT, FORMAT_AUTO, flags));
  g_object_class_install_property (klass, PROP_FASTSTART,
      g_param_spec_boolean ("faststart", "faststart",
          "The index of an MP4 is moved to the front at the end",
          DEFAULT_FASTSTART, flags));
  g_object_class_install_property (klass, PROP_ON_ERROR,
      g_param_spec_enum ("on-error", "on-error",
          "What a file that cannot be written is",
          GST_TYPE_RECORD_SINK_ON_ERROR, DEFAULT_ON_ERROR, flags));
  g_object_class_install_property (klass, PROP_ROTATE_DURATION_MS,
      g_param_spec_uint ("rotate-duration-ms", "rotate-duration-ms",
          "A new file begins at the first keyframe after so many ms; 0: never",
          0, G_MAXUINT, 0, flags));
  g_object_class_install_property (klass, PROP_ROTATE_BYTES,
      g_param_spec_uint64 ("rotate-bytes", "rotate-bytes",
          "A new file begins at the first keyframe after this many bytes; 0: "
          "never",
          0, G_MAXUINT64, 0, flags));
  g_object_class_install_property (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "stats",
          "recording, location, bytes and duration of the file that is "
          "written; files that are whole, errors",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
gst_record_sink_class_init (GstRecordSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  object_class->set_property = gst_record_sink_set_property;
  object_class->get_property = gst_record_sink_get_property;
  object_class->finalize = gst_record_sink_finalize;
  install_properties (object_class);
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
  self->faststart = DEFAULT_FASTSTART;
  self->on_error = DEFAULT_ON_ERROR;
  g_mutex_init (&self->lock);
  g_mutex_init (&self->stats_lock);
  self->tracks = g_hash_table_new (NULL, NULL);
  self->finishers = g_ptr_array_new ();
  self->finished = g_ptr_array_new ();
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
}
