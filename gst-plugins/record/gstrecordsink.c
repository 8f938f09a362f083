/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * SECTION:element-recordsink
 *
 * A recording in one MP4, WebM or Matroska file, without encoding.
 *
 *     gst-launch-1.0 filesrc location=movie.mp4 ! qtdemux name=d \
 *         d.video_0 ! queue ! recordsink name=s location=copy.mp4 \
 *         d.audio_0 ! queue ! s.audio_0
 *
 * A bin: parsers, which are chosen by caps, a queue for each pad, a muxer and
 * filesink. While it is written the file has the name NAME.part; it is renamed
 * after EOS, in a thread of its own, and only then EOS is told.
 *
 * States: never asynchronous. A name is taken in READY->PAUSED. PAUSED->READY
 * without EOS leaves NAME.part; it waits for a rename that has begun.
 */

#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "record-file.h"
#include "../common/gstparsers.h"

GST_DEBUG_CATEGORY_STATIC (recordsink_debug);
#define GST_CAT_DEFAULT recordsink_debug

#define DEFAULT_FASTSTART TRUE
/* What kill -9 takes away, at most. */
#define FRAGMENT_MS 1000
/* A muxer takes what is oldest of all its pads: the others wait here. */
#define QUEUE_NS (10 * GST_SECOND)

enum
{
  PROP_LOCATION = 1,
  PROP_FORMAT,
  PROP_FASTSTART,
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

struct _GstRecordSink
{
  GstBin parent;

  /* object lock */
  gchar *location;
  Format format;
  gboolean faststart;
  guint next_pad[2]; /* audio, video */
  gboolean failed;
  guint64 duration; /* ns: end of the last frame of any pad */

  GMutex build_lock;
  GstElement *mux; /* (nullable): from the first pad on */
  Format muxed; /* what mux makes */
  GstElement *file_sink;

  MillRecordFile *file; /* from READY->PAUSED to PAUSED->READY */
  GThread *finisher;
};

/** One pad; freed with its ghost pad. */
typedef struct
{
  GstRecordSink *sink; /* not held */
  GstElement *queue; /* not held */
  gboolean is_video;
  gboolean built;
  gboolean begun; /* a keyframe has come */
  GstSegment segment;
} Branch;

/** How a codec gets into a file. */
typedef struct
{
  const gchar *caps;
  const gchar *fit; /* (nullable): needs no parser */
  const gchar *parser;
} Way;

static const Way ways[] = {
  { "video/x-h264", "video/x-h264, stream-format=avc, alignment=au",
      "h264parse ! capsfilter "
      "caps=\"video/x-h264, stream-format=avc, alignment=au\"" },
  { "video/x-h265", "video/x-h265, stream-format=hvc1, alignment=au",
      "h265parse ! capsfilter "
      "caps=\"video/x-h265, stream-format=hvc1, alignment=au\"" },
  { "video/x-av1", NULL,
      "av1parse ! capsfilter "
      "caps=\"video/x-av1, stream-format=obu-stream, alignment=tu\"" },
  { "video/x-vp9", NULL,
      "vp9parse ! capsfilter "
      "caps=\"video/x-vp9, alignment=super-frame\"" },
  { "video/x-vp8", "video/x-vp8", NULL },
  { "audio/mpeg, mpegversion={ 2, 4 }",
      "audio/mpeg, mpegversion=4, stream-format=raw",
      "aacparse ! capsfilter "
      "caps=\"audio/mpeg, mpegversion=4, stream-format=raw, framed=true\"" },
  { "audio/mpeg, mpegversion=1", NULL, "mpegaudioparse" },
  { "audio/x-ac3", NULL, "ac3parse" },
  { "audio/x-opus", "audio/x-opus, channel-mapping-family=(int)[ 0, 255 ]",
      "opusparse" },
  { "audio/x-flac", NULL, "flacparse" },
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
                         "audio/x-ac3; audio/x-opus; audio/x-flac"));

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

/* ---- muxer ---- */

static Format
choose_format (GstRecordSink *self)
{
  GST_OBJECT_LOCK (self);
  Format format = self->format;
  const gchar *location = self->location != NULL ? self->location : "";
  if (format == FORMAT_AUTO)
    format = g_str_has_suffix (location, ".webm") ? FORMAT_WEBM
        : g_str_has_suffix (location, ".mkv")     ? FORMAT_MATROSKA
                                                  : FORMAT_MP4;
  GST_OBJECT_UNLOCK (self);
  return format;
}

static gboolean
ensure_mux (GstRecordSink *self)
{
  static const gchar *const names[] = { NULL, "mp4mux", "webmmux",
    "matroskamux" };
  if (self->mux != NULL)
    return TRUE;
  self->muxed = choose_format (self);
  GstElement *mux = gst_element_factory_make (names[self->muxed], NULL);
  if (mux == NULL) {
    GST_ELEMENT_ERROR (self, CORE, MISSING_PLUGIN,
        ("muxer: got none, expected %s (gst-plugins-good)", names[self->muxed]),
        (NULL));
    return FALSE;
  }
  if (self->muxed == FORMAT_MP4) {
    g_object_set (mux, "fragment-duration", FRAGMENT_MS, NULL);
    gst_util_set_object_arg (G_OBJECT (mux), "fragment-mode",
        "first-moov-then-finalise");
  }
  gst_bin_add (GST_BIN (self), mux);
  gst_element_link (mux, self->file_sink);
  gst_element_sync_state_with_parent (mux);
  self->mux = mux;
  return TRUE;
}

/* ---- pads ---- */

static const Way *
find_way (gboolean is_video, const GstCaps *caps)
{
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    if (gst_parsers_takes (ways[i].caps, is_video, caps))
      return &ways[i];
  return NULL;
}

static void
refuse (const Branch *self, GstPad *ghost, const GstCaps *caps)
{
  static const gchar *const names[] = { "", "MP4", "WebM", "Matroska" };
  GST_ELEMENT_ERROR (self->sink, STREAM, FORMAT,
      ("codec of pad '%s': got %s, expected one that %s has",
          GST_PAD_NAME (ghost),
          gst_structure_get_name (gst_caps_get_structure (caps, 0)),
          names[self->sink->muxed]),
      ("%" GST_PTR_FORMAT, caps));
}

/* Whether the muxer has a pad for the codec, in whatever form. */
static gboolean
mux_takes (const Branch *self, const GstCaps *caps)
{
  GstPadTemplate *template = gst_element_get_pad_template (self->sink->mux,
      self->is_video ? "video_%u" : "audio_%u");
  g_autoptr (GstCaps) has = gst_pad_template_get_caps (template);
  const gchar *name = gst_structure_get_name (gst_caps_get_structure (caps, 0));
  for (guint i = 0; i < gst_caps_get_size (has); i++)
    if (gst_structure_has_name (gst_caps_get_structure (has, i), name))
      return TRUE;
  return FALSE;
}

static gboolean
build (Branch *self, GstPad *ghost, const GstCaps *caps)
{
  const Way *way = find_way (self->is_video, caps);
  if (way == NULL || !mux_takes (self, caps)) {
    refuse (self, ghost, caps);
    return FALSE;
  }
  g_autoptr (GstCaps) fit = way->fit != NULL ? gst_caps_from_string (way->fit)
                                             : NULL;
  GstElement *first = self->queue;
  if (fit == NULL || !gst_caps_is_subset (caps, fit)) {
    first = gst_parsers_add (GST_BIN (self->sink), ghost, way->parser);
    if (first == NULL)
      return FALSE;
    gst_element_link (first, self->queue);
    gst_element_sync_state_with_parent (first);
  }
  g_autoptr (GstPad) sink = gst_element_get_static_pad (first, "sink");
  self->built = gst_ghost_pad_set_target (GST_GHOST_PAD (ghost), sink);
  return self->built;
}

static void
count (Branch *self, GstBuffer *buffer)
{
  guint64 time = gst_segment_to_running_time (&self->segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (buffer));
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return;
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    time += GST_BUFFER_DURATION (buffer);
  GST_OBJECT_LOCK (self->sink);
  self->sink->duration = MAX (self->sink->duration, time);
  GST_OBJECT_UNLOCK (self->sink);
}

/* On the ghost pad: the first caps choose a parser, the first keyframe begins. */
static GstPadProbeReturn
on_arrived (GstPad *ghost, GstPadProbeInfo *info, gpointer user_data)
{
  Branch *self = user_data;
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
    self->begun |= !self->is_video ||
        !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    if (!self->begun)
      return GST_PAD_PROBE_DROP;
    count (self, buffer);
    return GST_PAD_PROBE_OK;
  }
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  GstCaps *caps;
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
    gst_event_copy_segment (event, &self->segment);
  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS && !self->built) {
    gst_event_parse_caps (event, &caps);
    build (self, ghost, caps);
  }
  return GST_PAD_PROBE_OK;
}

static gchar *
name_pad (GstRecordSink *self, gboolean is_video, const gchar *wanted)
{
  const gchar *prefix = is_video ? "video_" : "audio_";
  guint64 number;
  GST_OBJECT_LOCK (self);
  if (wanted == NULL || !g_str_has_prefix (wanted, prefix) ||
      !g_ascii_string_to_unsigned (wanted + strlen (prefix), 10, 0,
          G_MAXUINT - 1, &number, NULL))
    number = self->next_pad[is_video];
  self->next_pad[is_video] = MAX (self->next_pad[is_video], (guint) number + 1);
  GST_OBJECT_UNLOCK (self);
  return g_strdup_printf ("%s%u", prefix, (guint) number);
}

static gboolean
add_branch (GstRecordSink *self, GstPad *ghost, gboolean is_video)
{
  g_autoptr (GstPad) muxed = gst_element_request_pad_simple (self->mux,
      is_video ? "video_%u" : "audio_%u");
  if (muxed == NULL)
    return FALSE;
  Branch *branch = g_new0 (Branch, 1);
  branch->sink = self;
  branch->is_video = is_video;
  branch->queue = gst_element_factory_make ("queue", NULL);
  gst_segment_init (&branch->segment, GST_FORMAT_TIME);
  g_object_set (branch->queue, "max-size-buffers", 0, "max-size-bytes", 0,
      "max-size-time", QUEUE_NS, NULL);
  gst_bin_add (GST_BIN (self), branch->queue);
  g_autoptr (GstPad) src = gst_element_get_static_pad (branch->queue, "src");
  gst_pad_link (src, muxed);
  gst_element_sync_state_with_parent (branch->queue);
  gst_pad_add_probe (ghost,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      on_arrived, branch, g_free);
  return TRUE;
}

static GstPad *
gst_record_sink_request_new_pad (GstElement *element, GstPadTemplate *template,
    const gchar *wanted, const GstCaps *caps)
{
  GstRecordSink *self = GST_RECORD_SINK (element);
  gboolean is_video =
      g_str_has_prefix (GST_PAD_TEMPLATE_NAME_TEMPLATE (template), "video");
  g_autofree gchar *name = name_pad (self, is_video, wanted);
  GstPad *pad = gst_ghost_pad_new_no_target_from_template (name, template);
  g_mutex_lock (&self->build_lock);
  gboolean ok = ensure_mux (self) && add_branch (self, pad, is_video);
  g_mutex_unlock (&self->build_lock);
  if (!ok) {
    gst_object_unref (gst_object_ref_sink (pad));
    return NULL;
  }
  gst_pad_set_active (pad, TRUE);
  gst_element_add_pad (element, pad);
  return pad;
}

static void
gst_record_sink_release_pad (GstElement *element, GstPad *pad)
{
  g_autoptr (GstPad) target = gst_ghost_pad_get_target (GST_GHOST_PAD (pad));
  gst_pad_set_active (pad, FALSE);
  if (target != NULL) {
    gst_ghost_pad_set_target (GST_GHOST_PAD (pad), NULL);
    gst_pad_send_event (target, gst_event_new_eos ());
  }
  gst_element_remove_pad (element, pad);
}

/* ---- the end ---- */

static void
tell_done (GstRecordSink *self, const gchar *path)
{
  GStatBuf about = { 0 };
  g_stat (path, &about);
  GST_OBJECT_LOCK (self);
  guint64 duration = self->duration;
  GST_OBJECT_UNLOCK (self);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("recording-done", "location", G_TYPE_STRING, path,
              "duration", G_TYPE_UINT64, duration, "bytes", G_TYPE_UINT64,
              (guint64) about.st_size, NULL)));
}

typedef struct
{
  GstRecordSink *sink;
  GstMessage *eos;
} Finish;

static gpointer
finish (gpointer data)
{
  g_autofree Finish *job = data;
  GstRecordSink *self = job->sink;
  GST_OBJECT_LOCK (self);
  gboolean faststart = self->faststart && self->muxed == FORMAT_MP4;
  GST_OBJECT_UNLOCK (self);
  g_autoptr (GError) warning = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *path =
      mill_record_file_finish (self->file, faststart, &warning, &error);
  if (warning != NULL)
    GST_ELEMENT_WARNING (self, RESOURCE, WRITE, ("%s", warning->message),
        ("the index stays at the end"));
  if (path == NULL)
    GST_ELEMENT_ERROR (self, RESOURCE, WRITE, ("%s", error->message), (NULL));
  else
    tell_done (self, path);
  GST_BIN_CLASS (gst_record_sink_parent_class)
      ->handle_message (GST_BIN (self), job->eos);
  return NULL;
}

static void
take_error (GstRecordSink *self, GstMessage *message)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *debug = NULL;
  gst_message_parse_error (message, &error, &debug);
  gst_message_unref (message);
  gst_element_message_full (GST_ELEMENT (self), GST_MESSAGE_ERROR,
      error->domain, error->code,
      g_strdup_printf ("recording '%s': got '%s', expected it to be written; "
                       "what was written is kept",
          mill_record_file_get_part (self->file), error->message),
      g_strdup (debug), __FILE__, GST_FUNCTION, __LINE__);
}

static void
gst_record_sink_handle_message (GstBin *bin, GstMessage *message)
{
  GstRecordSink *self = GST_RECORD_SINK (bin);
  gboolean is_file = GST_MESSAGE_SRC (message) == GST_OBJECT (self->file_sink);
  GstMessageType type = GST_MESSAGE_TYPE (message);
  GST_OBJECT_LOCK (self);
  self->failed |= type == GST_MESSAGE_ERROR;
  gboolean failed = self->failed;
  GST_OBJECT_UNLOCK (self);
  if (is_file && type == GST_MESSAGE_ERROR && self->file != NULL &&
      mill_record_file_get_part (self->file) != NULL) {
    take_error (self, message);
    return;
  }
  if (is_file && type == GST_MESSAGE_EOS && !failed && self->file != NULL &&
      self->finisher == NULL) {
    Finish *job = g_new (Finish, 1);
    *job = (Finish){ self, message };
    self->finisher = g_thread_new ("record-finish", finish, job);
    return;
  }
  GST_BIN_CLASS (gst_record_sink_parent_class)->handle_message (bin, message);
}

/* ---- states ---- */

static gboolean
start (GstRecordSink *self)
{
  GST_OBJECT_LOCK (self);
  g_autofree gchar *location = g_strdup (self->location);
  self->failed = FALSE;
  self->duration = 0;
  GST_OBJECT_UNLOCK (self);
  if (location == NULL || *location == '\0') {
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("location: got none, expected the name of a file"), (NULL));
    return FALSE;
  }
  if (self->mux != NULL && choose_format (self) != self->muxed) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS,
        ("format: got a change behind the first pad, expected none"), (NULL));
    return FALSE;
  }
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) left = NULL;
  self->file = mill_record_file_new (location, &left, &error);
  if (self->file == NULL) {
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_WRITE, ("%s", error->message),
        (NULL));
    return FALSE;
  }
  for (guint i = 0; i < left->len; i++)
    GST_ELEMENT_WARNING (self, RESOURCE, FAILED,
        ("recording '%s': got no end of it, expected a renamed file; it is "
         "kept",
            (const gchar *) g_ptr_array_index (left, i)),
        (NULL));
  g_object_set (self->file_sink, "location",
      mill_record_file_get_part (self->file), NULL);
  gst_element_set_locked_state (self->file_sink, FALSE);
  return gst_element_set_state (self->file_sink, GST_STATE_READY) !=
      GST_STATE_CHANGE_FAILURE;
}

static void
stop (GstRecordSink *self)
{
  g_clear_pointer (&self->finisher, g_thread_join);
  gst_element_set_locked_state (self->file_sink, TRUE);
  gst_element_set_state (self->file_sink, GST_STATE_NULL);
  g_clear_pointer (&self->file, mill_record_file_free);
}

static GstStateChangeReturn
gst_record_sink_change_state (GstElement *element, GstStateChange transition)
{
  GstRecordSink *self = GST_RECORD_SINK (element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self)) {
    stop (self);
    return GST_STATE_CHANGE_FAILURE;
  }
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
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_record_sink_finalize (GObject *object)
{
  GstRecordSink *self = GST_RECORD_SINK (object);
  g_mutex_clear (&self->build_lock);
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
          "are filled in",
          NULL, flags));
  g_object_class_install_property (klass, PROP_FORMAT,
      g_param_spec_enum ("format", "format",
          "What the file is; set before the first pad is requested",
          GST_TYPE_RECORD_SINK_FORMAT, FORMAT_AUTO, flags));
  g_object_class_install_property (klass, PROP_FASTSTART,
      g_param_spec_boolean ("faststart", "faststart",
          "The index of an MP4 is moved to the front at the end",
          DEFAULT_FASTSTART, flags));
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
      "Sink/Muxer/File", "Records a stream in an MP4, WebM or Matroska file",
      "The millrace authors");
}

static void
gst_record_sink_init (GstRecordSink *self)
{
  self->faststart = DEFAULT_FASTSTART;
  g_mutex_init (&self->build_lock);
  self->file_sink = gst_element_factory_make ("filesink", NULL);
  /* Each fragment is in the file when it is written: a kill -9 leaves it. */
  g_object_set (self->file_sink, "async", FALSE, "sync", FALSE, NULL);
  gst_util_set_object_arg (G_OBJECT (self->file_sink), "buffer-mode",
      "unbuffered");
  gst_bin_add (GST_BIN (self), self->file_sink);
  /* It opens its file in NULL->READY: only start() takes it there. */
  gst_element_set_locked_state (self->file_sink, TRUE);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
}
