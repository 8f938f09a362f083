/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * SECTION:element-hlstssink
 *
 * HLS in MPEG transport streams, for players that know no fMP4.
 *
 *     gst-launch-1.0 filesrc location=movie.mp4 ! qtdemux name=d \
 *         d.video_0 ! queue ! hlstssink name=s location=ts mode=vod \
 *         d.audio_0 ! queue ! s.
 *
 * A bin: parsers, which are chosen by caps, a queue for each pad, mpegtsmux for
 * each transport stream, and an output that hands what that makes to the
 * packager (ts-packager.c), which has the one lock. Window, state and playlists
 * are those of cmafsink's publisher.
 *
 * States: never asynchronous. The directory is taken in READY->PAUSED and given
 * up in PAUSED->READY; without EOS before, the next start continues its
 * playlists.
 *
 * Threads: a thread for each pad and for each muxer. A pad waits when its
 * queue is full: from a source that must not wait, a leaky queue goes before it.
 */

#include "../cmaf/gstcmafreport.h"
#include "../common/gstpadnumbers.h"
#include "../common/gststates.h"
#include "gsthlstsbranch.h"

GST_DEBUG_CATEGORY_STATIC (hlstssink_debug);
#define GST_CAT_DEFAULT hlstssink_debug

#define DEFAULT_MODE MILL_CMAF_LIVE
#define DEFAULT_SEGMENT_DURATION_MS 6000
#define DEFAULT_WINDOW_SEGMENTS 6
/* PAT and PMT inside of segments, for who tunes in elsewhere; 90 kHz. */
#define TABLES_INTERVAL 45000

enum
{
  PROP_LOCATION = 1,
  PROP_MODE,
  PROP_SEGMENT_DURATION_MS,
  PROP_WINDOW_SEGMENTS,
  PROP_DVR_WINDOW_MS,
  PROP_MUXED,
  PROP_STATS,
};

#define GST_TYPE_HLS_TS_SINK (gst_hls_ts_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstHlsTsSink, gst_hls_ts_sink, GST, HLS_TS_SINK, GstBin)

/** A transport stream: its muxer and what ends it. */
typedef struct
{
  GstElement *mux;
  GstHlsTsOutput *output;
} Stream;

struct _GstHlsTsSink
{
  GstBin parent;

  /* object lock */
  gchar *location;
  MillCmafMode mode;
  guint segment_duration_ms;
  guint window_segments;
  guint dvr_window_ms;
  gboolean muxed;
  guint next_pad[2]; /* by MillCmafKind */

  GMutex build_lock; /* pads and states: the two below */
  GPtrArray *branches; /* GstHlsTsBranch */
  GArray *streams; /* Stream */

  /* From READY->PAUSED to PAUSED->READY. Who changes it has both locks: pads
   * may wait for the disk with the other one. */
  GMutex packager_lock;
  MillTsPackager *packager;
};

GST_ELEMENT_REGISTER_DECLARE (hlstssink)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (hlstssink, "hlstssink", GST_RANK_NONE,
    GST_TYPE_HLS_TS_SINK,
    GST_DEBUG_CATEGORY_INIT (hlstssink_debug, "hlstssink", 0, "HLS in MPEG-TS"))

G_DEFINE_TYPE (GstHlsTsSink, gst_hls_ts_sink, GST_TYPE_BIN)

/* What has no place in a transport stream is let in, too, to be refused with a
 * word on what to do: GStreamer says of caps that do not fit only that they do
 * not. A description knows of it before anything runs, by the element's metadata
 * "millrace-refuses". */
#define REFUSED_VIDEO "video/x-av1; video/x-vp9"
#define REFUSED_AUDIO "audio/x-eac3; audio/x-flac; audio/x-opus"

static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE ("video_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS ("video/x-h264; video/x-h265; " REFUSED_VIDEO));
static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS ("audio/mpeg, mpegversion = (int) { 1, 2, 4 }; "
                         "audio/x-ac3; " REFUSED_AUDIO));

#define GST_TYPE_HLS_TS_SINK_MODE (gst_hls_ts_sink_mode_get_type ())
static GType
gst_hls_ts_sink_mode_get_type (void)
{
  static const GEnumValue values[] = {
    { MILL_CMAF_LIVE, "Live: a window of segments", "live" },
    { MILL_CMAF_EVENT, "Live, and nothing is ever removed", "event" },
    { MILL_CMAF_VOD, "Playlists at the end, as fast as the source", "vod" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstHlsTsSinkMode", values));
  return type;
}

/* ---- errors ---- */

static void
on_report (MillCmafReportKind kind, const GError *error, GObject *owner)
{
  gst_cmaf_report_post (GST_ELEMENT (owner), kind, error);
}

/* ---- transport streams ---- */

static GstHlsTsBranch *
branch_at (const GstHlsTsSink *self, guint i)
{
  return g_ptr_array_index (self->branches, i);
}

static GstHlsTsBranch *
find_audio (const GstHlsTsSink *self)
{
  for (guint i = 0; i < self->branches->len; i++)
    if (gst_hls_ts_branch_get_kind (branch_at (self, i)) == MILL_CMAF_AUDIO)
      return branch_at (self, i);
  return NULL;
}

static gboolean
is_muxed (GstHlsTsSink *self)
{
  GST_OBJECT_LOCK (self);
  gboolean muxed = self->muxed;
  GST_OBJECT_UNLOCK (self);
  return muxed;
}

/* A transport stream that begins with @branch, named after @pad. */
static gboolean
add_stream (GstHlsTsSink *self, GstHlsTsBranch *branch, const gchar *pad)
{
  Stream stream = {
    .mux = gst_element_factory_make ("mpegtsmux", NULL),
    .output = GST_HLS_TS_OUTPUT (gst_hls_ts_output_new (pad,
        gst_hls_ts_branch_get_kind (branch))),
  };
  if (stream.mux == NULL) {
    gst_object_unref (gst_object_ref_sink (stream.output));
    GST_ELEMENT_ERROR (self, CORE, MISSING_PLUGIN,
        ("muxer: got none, expected mpegtsmux (gst-plugins-bad)"), (NULL));
    return FALSE;
  }
  g_object_set (stream.mux, "pat-interval", TABLES_INTERVAL, "pmt-interval",
      TABLES_INTERVAL, "si-interval", TABLES_INTERVAL, NULL);
  gst_bin_add_many (GST_BIN (self), stream.mux, GST_ELEMENT (stream.output),
      NULL);
  gst_element_link (stream.mux, GST_ELEMENT (stream.output));
  if (self->packager != NULL)
    gst_hls_ts_output_set_packager (stream.output, self->packager);
  gst_element_sync_state_with_parent (GST_ELEMENT (stream.output));
  gst_element_sync_state_with_parent (stream.mux);
  g_array_append_val (self->streams, stream);
  return gst_hls_ts_branch_link (branch, stream.mux, stream.output);
}

static void
link_video (GstHlsTsSink *self, GstHlsTsBranch *branch, const gchar *pad)
{
  GstHlsTsBranch *audio = is_muxed (self) ? find_audio (self) : NULL;
  if (!add_stream (self, branch, pad) || audio == NULL)
    return;
  const Stream *stream =
      &g_array_index (self->streams, Stream, self->streams->len - 1);
  gst_hls_ts_branch_link (audio, stream->mux, stream->output);
}

static void
link_audio (GstHlsTsSink *self, GstHlsTsBranch *branch, const gchar *pad)
{
  if (!is_muxed (self)) {
    add_stream (self, branch, pad);
    return;
  }
  for (guint i = 0; i < self->streams->len; i++) {
    const Stream *stream = &g_array_index (self->streams, Stream, i);
    gst_hls_ts_branch_link (branch, stream->mux, stream->output);
  }
}

/* ---- pads ---- */

static gchar *
name_pad (GstHlsTsSink *self, MillCmafKind kind, const gchar *wanted)
{
  GST_OBJECT_LOCK (self);
  gchar *name = gst_pad_numbers_name (&self->next_pad[kind],
      kind == MILL_CMAF_VIDEO ? "video_" : "audio_", wanted);
  GST_OBJECT_UNLOCK (self);
  return name;
}

static GstPad *
gst_hls_ts_sink_request_new_pad (GstElement *element, GstPadTemplate *template,
    const gchar *wanted, const GstCaps *caps)
{
  GstHlsTsSink *self = GST_HLS_TS_SINK (element);
  MillCmafKind kind =
      g_str_has_prefix (GST_PAD_TEMPLATE_NAME_TEMPLATE (template), "audio")
      ? MILL_CMAF_AUDIO
      : MILL_CMAF_VIDEO;
  g_mutex_lock (&self->build_lock);
  if (kind == MILL_CMAF_AUDIO && is_muxed (self) && find_audio (self) != NULL) {
    g_mutex_unlock (&self->build_lock);
    GST_ELEMENT_WARNING (self, LIBRARY, SETTINGS,
        ("audio pads: got two, expected one where muxed=true"), (NULL));
    return NULL;
  }
  g_autofree gchar *name = name_pad (self, kind, wanted);
  GstPad *pad = gst_ghost_pad_new_no_target_from_template (name, template);
  GstHlsTsBranch *branch = gst_hls_ts_branch_new (GST_BIN (self), pad, kind);
  if (kind == MILL_CMAF_VIDEO)
    link_video (self, branch, name);
  else
    link_audio (self, branch, name);
  g_ptr_array_add (self->branches, branch);
  g_mutex_unlock (&self->build_lock);
  gst_pad_set_active (pad, TRUE);
  gst_element_add_pad (element, pad);
  return pad;
}

static void
gst_hls_ts_sink_release_pad (GstElement *element, GstPad *pad)
{
  GstHlsTsSink *self = GST_HLS_TS_SINK (element);
  gst_pad_set_active (pad, FALSE);
  g_mutex_lock (&self->build_lock);
  /* Pads are released once more when all has gone. */
  for (guint i = 0; self->branches != NULL && i < self->branches->len; i++)
    if (gst_hls_ts_branch_get_ghost (branch_at (self, i)) == pad)
      gst_hls_ts_branch_end (branch_at (self, i));
  g_mutex_unlock (&self->build_lock);
  gst_element_remove_pad (element, pad);
}

/* ---- states ---- */

static gchar *
get_path (GstHlsTsSink *self, MillCmafPublisherOptions *options)
{
  GST_OBJECT_LOCK (self);
  *options = (MillCmafPublisherOptions){
    .mode = self->mode,
    .segment_duration = self->segment_duration_ms * GST_MSECOND,
    .window_segments = self->window_segments,
    .dvr_window = self->dvr_window_ms * GST_MSECOND,
  };
  gchar *path = g_strdup (self->location);
  GST_OBJECT_UNLOCK (self);
  if (path != NULL && g_str_has_prefix (path, "file://")) {
    g_autofree gchar *uri = path;
    path = g_filename_from_uri (uri, NULL, NULL);
  }
  return path;
}

/* A stream of audio alone, which no video has come for. */
static void
complete_streams (GstHlsTsSink *self)
{
  GstHlsTsBranch *audio = find_audio (self);
  if (self->streams->len > 0 || audio == NULL)
    return;
  g_autofree gchar *name =
      gst_pad_get_name (gst_hls_ts_branch_get_ghost (audio));
  add_stream (self, audio, name);
}

static gboolean
start (GstElement *element)
{
  GstHlsTsSink *self = GST_HLS_TS_SINK (element);
  MillCmafPublisherOptions options;
  g_autofree gchar *path = get_path (self, &options);
  g_autoptr (GError) error = NULL;
  if (path == NULL || *path == '\0') {
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("location: got none, expected a directory or a file:// URL"), (NULL));
    return FALSE;
  }
  g_autoptr (MillTsPackager) packager =
      mill_ts_packager_new (&options, on_report, G_OBJECT (self));
  if (!mill_ts_packager_open (packager, path, &error)) {
    gst_cmaf_report_post (element, MILL_CMAF_FAILED, error);
    return FALSE;
  }
  g_mutex_lock (&self->build_lock);
  complete_streams (self);
  for (guint i = 0; i < self->branches->len; i++)
    gst_hls_ts_branch_reset (branch_at (self, i));
  g_mutex_lock (&self->packager_lock);
  self->packager = g_steal_pointer (&packager);
  g_mutex_unlock (&self->packager_lock);
  for (guint i = 0; i < self->streams->len; i++)
    gst_hls_ts_output_set_packager (g_array_index (self->streams, Stream, i)
                                        .output,
        self->packager);
  g_mutex_unlock (&self->build_lock);
  return TRUE;
}

static void
stop (GstElement *element)
{
  GstHlsTsSink *self = GST_HLS_TS_SINK (element);
  g_mutex_lock (&self->build_lock);
  for (guint i = 0; i < self->streams->len; i++)
    gst_hls_ts_output_set_packager (g_array_index (self->streams, Stream, i)
                                        .output,
        NULL);
  g_mutex_lock (&self->packager_lock);
  g_autoptr (MillTsPackager) packager = g_steal_pointer (&self->packager);
  g_mutex_unlock (&self->packager_lock);
  g_mutex_unlock (&self->build_lock);
}

static const GstStatesCalls states_calls = {
  .start = start,
  .stop = stop,
};

static GstStateChangeReturn
gst_hls_ts_sink_change_state (GstElement *element, GstStateChange transition)
{
  return gst_states_change (element, transition,
      GST_ELEMENT_CLASS (gst_hls_ts_sink_parent_class), &states_calls);
}

/* ---- properties ---- */

static GstStructure *
make_stats (GstHlsTsSink *self)
{
  MillTsStats stats = { 0 };
  g_mutex_lock (&self->packager_lock);
  if (self->packager != NULL)
    mill_ts_packager_get_stats (self->packager, &stats);
  g_mutex_unlock (&self->packager_lock);
  return gst_structure_new ("stats", "generation", G_TYPE_UINT64,
      stats.generation, "segments", G_TYPE_UINT64, stats.segments, "bytes",
      G_TYPE_UINT64, stats.bytes, "gaps", G_TYPE_UINT64, stats.gaps,
      "target-duration", G_TYPE_UINT, stats.target_duration_s, NULL);
}

static void
gst_hls_ts_sink_set_property (GObject *object, guint id, const GValue *value,
    GParamSpec *pspec)
{
  GstHlsTsSink *self = GST_HLS_TS_SINK (object);
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_LOCATION:
      g_free (self->location);
      self->location = g_value_dup_string (value);
      break;
    case PROP_MODE:
      self->mode = (MillCmafMode) g_value_get_enum (value);
      break;
    case PROP_SEGMENT_DURATION_MS:
      self->segment_duration_ms = g_value_get_uint (value);
      break;
    case PROP_WINDOW_SEGMENTS:
      self->window_segments = g_value_get_uint (value);
      break;
    case PROP_DVR_WINDOW_MS:
      self->dvr_window_ms = g_value_get_uint (value);
      break;
    case PROP_MUXED:
      self->muxed = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_hls_ts_sink_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstHlsTsSink *self = GST_HLS_TS_SINK (object);
  if (id == PROP_STATS) {
    g_value_take_boxed (value, make_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_LOCATION:
      g_value_set_string (value, self->location);
      break;
    case PROP_MODE:
      g_value_set_enum (value, (gint) self->mode);
      break;
    case PROP_SEGMENT_DURATION_MS:
      g_value_set_uint (value, self->segment_duration_ms);
      break;
    case PROP_WINDOW_SEGMENTS:
      g_value_set_uint (value, self->window_segments);
      break;
    case PROP_DVR_WINDOW_MS:
      g_value_set_uint (value, self->dvr_window_ms);
      break;
    case PROP_MUXED:
      g_value_set_boolean (value, self->muxed);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_hls_ts_sink_dispose (GObject *object)
{
  GstHlsTsSink *self = GST_HLS_TS_SINK (object);
  for (guint i = 0; self->branches != NULL && i < self->branches->len; i++)
    gst_hls_ts_branch_free (branch_at (self, i));
  g_clear_pointer (&self->branches, g_ptr_array_unref);
  G_OBJECT_CLASS (gst_hls_ts_sink_parent_class)->dispose (object);
}

static void
gst_hls_ts_sink_finalize (GObject *object)
{
  GstHlsTsSink *self = GST_HLS_TS_SINK (object);
  g_array_unref (self->streams);
  g_mutex_clear (&self->build_lock);
  g_mutex_clear (&self->packager_lock);
  g_free (self->location);
  G_OBJECT_CLASS (gst_hls_ts_sink_parent_class)->finalize (object);
}

static void
install_uint (GObjectClass *klass, guint id, const gchar *name,
    const gchar *blurb, guint least, guint value)
{
  g_object_class_install_property (klass, id,
      g_param_spec_uint (name, name, blurb, least, G_MAXINT, value,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
              GST_PARAM_MUTABLE_READY));
}

static void
install_properties (GObjectClass *klass)
{
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_READY;
  g_object_class_install_property (klass, PROP_LOCATION,
      g_param_spec_string ("location", "location",
          "Directory of the stream, or its file:// URL", NULL, flags));
  g_object_class_install_property (klass, PROP_MODE,
      g_param_spec_enum ("mode", "mode", "What the playlists keep",
          GST_TYPE_HLS_TS_SINK_MODE, DEFAULT_MODE, flags));
  install_uint (klass, PROP_SEGMENT_DURATION_MS, "segment-duration-ms",
      "A segment ends at the first keyframe after so many ms (5 % less counts)",
      100, DEFAULT_SEGMENT_DURATION_MS);
  install_uint (klass, PROP_WINDOW_SEGMENTS, "window-segments",
      "Least number of segments that a live playlist keeps", 3,
      DEFAULT_WINDOW_SEGMENTS);
  install_uint (klass, PROP_DVR_WINDOW_MS, "dvr-window-ms",
      "Least duration that a live playlist keeps, in ms; 0: none", 0, 0);
  g_object_class_install_property (klass, PROP_MUXED,
      g_param_spec_boolean ("muxed", "muxed",
          "The audio is in the transport stream of each video; otherwise each "
          "pad has one of its own",
          TRUE, flags));
  g_object_class_install_property (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "stats",
          "generation, segments, bytes, gaps, target-duration (s)",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
gst_hls_ts_sink_class_init (GstHlsTsSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  object_class->set_property = gst_hls_ts_sink_set_property;
  object_class->get_property = gst_hls_ts_sink_get_property;
  object_class->dispose = gst_hls_ts_sink_dispose;
  object_class->finalize = gst_hls_ts_sink_finalize;
  install_properties (object_class);
  element_class->request_new_pad = gst_hls_ts_sink_request_new_pad;
  element_class->release_pad = gst_hls_ts_sink_release_pad;
  element_class->change_state = gst_hls_ts_sink_change_state;
  gst_element_class_add_static_pad_template (element_class, &video_template);
  gst_element_class_add_static_pad_template (element_class, &audio_template);
  gst_element_class_add_static_metadata (element_class, "millrace-refuses",
      REFUSED_VIDEO "; " REFUSED_AUDIO);
  gst_element_class_set_static_metadata (element_class, "HLS in MPEG-TS",
      "Sink/Muxer", "Packages a stream as HLS in MPEG transport streams",
      "The millrace authors");
}

static void
gst_hls_ts_sink_init (GstHlsTsSink *self)
{
  self->mode = DEFAULT_MODE;
  self->segment_duration_ms = DEFAULT_SEGMENT_DURATION_MS;
  self->window_segments = DEFAULT_WINDOW_SEGMENTS;
  self->muxed = TRUE;
  self->branches = g_ptr_array_new ();
  self->streams = g_array_new (FALSE, FALSE, sizeof (Stream));
  g_mutex_init (&self->build_lock);
  g_mutex_init (&self->packager_lock);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
}
