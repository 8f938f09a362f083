/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gsthlstsbranch.h"

#include <gst/video/video.h>

#include "../cmaf/gstcmafsinkcaps.h"
#include "../common/gstparsers.h"
#include "../common/gstrunningclock.h"

/* More than this between two pictures, where the source says that it was away,
 * is a hole. */
#define HOLE_NS (500 * (GstClockTimeDiff) GST_MSECOND)
/* A muxer takes what is oldest of all its pads: the others wait here. */
#define QUEUE_NS (10 * GST_SECOND)

struct _GstHlsTsBranch
{
  GstBin *bin; /* not held */
  GstPad *ghost; /* not held */
  MillCmafKind kind;
  GPtrArray *parsers; /* GstElement, of the bin */
  gchar *media; /* (nullable): name of the caps that they are for */
  GstElement *queue;
  GstElement *tee;

  GMutex lock; /* the next three: a muxer may come while media flows */
  GPtrArray *outputs; /* GstHlsTsOutput, not held */
  MillCmafFormat format;
  gboolean described;

  /* streaming thread of the queue's sink */
  GstSegment segment;
  GstCaps *caps; /* (nullable): not described yet */
  gchar *language; /* (nullable) */
  gboolean jumps; /* the next picture is of another encoding */
  gboolean has_wall;
  GstClockTimeDiff end; /* of the last picture */
};

/** How a codec gets into a transport stream. */
typedef struct
{
  const gchar *caps;
  const gchar *parser;
  const gchar *whole; /* caps with codec_data; NULL: they tell all */
  const gchar *muxed; /* caps that the muxer takes */
} Way;

static const Way ways[] = {
  { "video/x-h264", "h264parse config-interval=-1",
      "video/x-h264, stream-format=avc, alignment=au",
      "video/x-h264, stream-format=byte-stream, alignment=au" },
  { "video/x-h265", "h265parse config-interval=-1",
      "video/x-h265, stream-format=hvc1, alignment=au",
      "video/x-h265, stream-format=byte-stream, alignment=au" },
  { "audio/mpeg, mpegversion=4", "aacparse", NULL,
      "audio/mpeg, mpegversion=4, stream-format=raw, framed=true" },
  { "audio/mpeg, mpegversion=2", "aacparse", NULL,
      "audio/mpeg, stream-format=raw, framed=true" },
  { "audio/mpeg, mpegversion=1", "mpegaudioparse", NULL,
      "audio/mpeg, mpegversion=1, parsed=true" },
  { "audio/x-ac3", "ac3parse", NULL, "audio/x-ac3, framed=true" },
};

static const Way *
find_way (MillCmafKind kind, const GstCaps *caps)
{
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    if (gst_parsers_takes (ways[i].caps, kind == MILL_CMAF_VIDEO, caps))
      return &ways[i];
  return NULL;
}

/* Returns: (nullable): how people call what @caps are, which cmafsink takes. */
static const gchar *
name_other_codec (const GstCaps *caps)
{
  static const gchar *const names[][2] = {
    { "video/x-av1", "AV1" },
    { "video/x-vp9", "VP9" },
    { "audio/x-eac3", "E-AC-3" },
    { "audio/x-flac", "FLAC" },
    { "audio/x-opus", "Opus" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (gst_structure_has_name (gst_caps_get_structure (caps, 0), names[i][0]))
      return names[i][1];
  return NULL;
}

static void
refuse (GstHlsTsBranch *self, const GstCaps *caps, const gchar *why)
{
  const gchar *other = name_other_codec (caps);
  GST_ELEMENT_ERROR (self->bin, STREAM, FORMAT,
      ("codec of pad '%s': got %s, expected what HLS in MPEG-TS has a place "
       "for here: H.264 and HEVC, AAC, AC-3 and MP3%s%s",
          GST_PAD_NAME (self->ghost),
          other ? other
                : gst_structure_get_name (gst_caps_get_structure (caps, 0)),
          other ? "; cmafsink takes " : "", other ? other : ""),
      ("%s: %" GST_PTR_FORMAT, why, caps));
}

/* ---- description ---- */

static void
tell_output_locked (GstHlsTsBranch *self, GstHlsTsOutput *output)
{
  MillTsPackager *packager = gst_hls_ts_output_get_packager (output);
  if (packager != NULL && self->described)
    mill_ts_packager_describe (packager, gst_hls_ts_output_get_lane (output),
        &self->format);
}

static GstHlsTsOutput *
get_output (GstHlsTsBranch *self)
{
  g_mutex_lock (&self->lock);
  GstHlsTsOutput *output =
      self->outputs->len > 0 ? g_ptr_array_index (self->outputs, 0) : NULL;
  g_mutex_unlock (&self->lock);
  return output;
}

static void
describe (GstHlsTsBranch *self, GstBuffer *buffer)
{
  MillCmafLaneFormat format;
  g_autoptr (GError) error = NULL;
  switch (gst_cmaf_sink_caps_describe (self->kind, self->caps, buffer, &format,
      &error)) {
    case GST_CMAF_SINK_CAPS_REFUSED:
      refuse (self, self->caps, error->message);
      gst_clear_caps (&self->caps);
      return;
    case GST_CMAF_SINK_CAPS_INCOMPLETE:
      return;
    default:
      break;
  }
  format.format.language = g_strdup (self->language);
  format.format.group = g_strdup ("audio");
  g_mutex_lock (&self->lock);
  mill_cmaf_state_copy_format (&self->format, &format.format);
  self->jumps |= self->described;
  self->described = TRUE;
  for (guint i = 0; i < self->outputs->len; i++)
    tell_output_locked (self, g_ptr_array_index (self->outputs, i));
  g_mutex_unlock (&self->lock);
  gst_cmaf_sink_caps_clear_format (&format);
  gst_clear_caps (&self->caps);
}

/* On the pad that has the caps with all that is to be known. */
static GstPadProbeReturn
on_described (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstHlsTsBranch *self = user_data;
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    if (self->caps != NULL)
      describe (self, GST_PAD_PROBE_INFO_BUFFER (info));
    return GST_PAD_PROBE_OK;
  }
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  GstTagList *tags;
  GstCaps *caps;
  if (GST_EVENT_TYPE (event) == GST_EVENT_TAG) {
    gst_event_parse_tag (event, &tags);
    g_autofree gchar *language = NULL;
    if (gst_tag_list_get_string (tags, GST_TAG_LANGUAGE_CODE, &language)) {
      g_free (self->language);
      self->language = g_steal_pointer (&language);
    }
  } else if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    gst_event_parse_caps (event, &caps);
    gst_caps_replace (&self->caps, caps);
    describe (self, NULL);
  }
  return GST_PAD_PROBE_OK;
}

/* ---- cuts ---- */

/* As cmafsink: from the pipeline's clock when there is one, else as if this
 * buffer were from now. */
static void
set_wall (GstHlsTsBranch *self, MillTsPackager *packager, GstClockTimeDiff time)
{
  GstClockTimeDiff now = gst_running_clock_ask (GST_ELEMENT (self->bin));
  if (GST_CLOCK_STIME_IS_VALID (now))
    time = now;
  mill_ts_packager_set_wall (packager,
      g_get_real_time () - time / (GstClockTimeDiff) GST_USECOND);
  self->has_wall = TRUE;
}

static GstClockTimeDiff
to_running_time (const GstHlsTsBranch *self, GstClockTime time)
{
  guint64 running;
  gint sign = GST_CLOCK_TIME_IS_VALID (time)
      ? gst_segment_to_running_time_full (&self->segment, GST_FORMAT_TIME, time,
            &running)
      : 0;
  return sign > 0 ? (GstClockTimeDiff) running
      : sign < 0  ? -(GstClockTimeDiff) running
                  : GST_CLOCK_STIME_NONE;
}

/* The muxer writes PAT and PMT at this event and lets it pass, between the
 * packets of before and the keyframe's. */
static void
mark_cut (GstPad *pad, guint64 number)
{
  gst_pad_send_event (pad,
      gst_video_event_new_downstream_force_key_unit (GST_CLOCK_TIME_NONE,
          GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, TRUE, (guint) number));
}

static void
offer (GstHlsTsBranch *self, GstPad *pad, GstBuffer *buffer)
{
  GstHlsTsOutput *output = get_output (self);
  if (output == NULL)
    return;
  MillTsPackager *packager = gst_hls_ts_output_get_packager (output);
  GstClockTimeDiff time = to_running_time (self, GST_BUFFER_PTS (buffer));
  if (!GST_CLOCK_STIME_IS_VALID (time))
    return;
  if (!self->has_wall)
    set_wall (self, packager, time);
  if (self->kind != MILL_CMAF_VIDEO)
    return;
  GstClockTimeDiff duration = GST_BUFFER_DURATION_IS_VALID (buffer)
      ? (GstClockTimeDiff) GST_BUFFER_DURATION (buffer)
      : 0;
  MillTsPicture picture = {
    .time = time,
    .end = time + duration,
    .is_keyframe = !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT),
  };
  picture.jumps = self->jumps ||
      (GST_BUFFER_IS_DISCONT (buffer) && self->end > 0 &&
          ABS (time - self->end) > HOLE_NS);
  guint64 number = mill_ts_packager_offer (packager,
      gst_hls_ts_output_get_lane (output), &picture);
  self->jumps = FALSE;
  self->end = MAX (self->end, picture.end);
  if (number != MILL_CMAF_NONE)
    mark_cut (pad, number);
}

static GstPadProbeReturn
on_queued (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstHlsTsBranch *self = user_data;
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    offer (self, pad, GST_PAD_PROBE_INFO_BUFFER (info));
    return GST_PAD_PROBE_OK;
  }
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
    gst_event_copy_segment (event, &self->segment);
  return GST_PAD_PROBE_OK;
}

/* ---- parsers ---- */

static GstElement *
add_element (GstHlsTsBranch *self, const gchar *description)
{
  GstElement *element = gst_parsers_add (self->bin, self->ghost, description);
  if (element == NULL)
    return NULL;
  g_ptr_array_add (self->parsers, element);
  return element;
}

static void
watch (GstHlsTsBranch *self, GstElement *element, const gchar *name,
    GstPadProbeCallback callback)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, name);
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, callback,
      self, NULL);
}

static gboolean
add_parsers (GstHlsTsBranch *self, const Way *way)
{
  g_autofree gchar *first = way->whole
      ? g_strdup_printf ("%s ! capsfilter caps=\"%s\"", way->parser, way->whole)
      : NULL;
  g_autofree gchar *second =
      g_strdup_printf ("%s ! capsfilter caps=\"%s\"", way->parser, way->muxed);
  /* Also where codec_data is there: an encoder may leave it out of the next
   * caps, when it has seen that a parser takes them without. */
  if (first != NULL && add_element (self, first) == NULL)
    return FALSE;
  GstElement *last = add_element (self, second);
  if (last == NULL)
    return FALSE;
  if (way->whole != NULL)
    watch (self, last, "sink", on_described);
  else
    watch (self, last, "src", on_described);
  for (guint i = 0; i < self->parsers->len; i++) {
    GstElement *next = i + 1 < self->parsers->len
        ? g_ptr_array_index (self->parsers, i + 1)
        : self->queue;
    gst_element_link_pads (g_ptr_array_index (self->parsers, i), "src", next,
        "sink");
  }
  return TRUE;
}

static gboolean
build (GstHlsTsBranch *self, const GstCaps *caps)
{
  const Way *way = find_way (self->kind, caps);
  if (way == NULL) {
    refuse (self, caps, "no place in a transport stream");
    return FALSE;
  }
  if (!add_parsers (self, way))
    return FALSE;
  self->media = g_strdup (way->caps);
  for (guint i = self->parsers->len; i > 0; i--)
    gst_element_sync_state_with_parent (g_ptr_array_index (self->parsers,
        i - 1));
  g_autoptr (GstPad) sink =
      gst_element_get_static_pad (g_ptr_array_index (self->parsers, 0), "sink");
  return gst_ghost_pad_set_target (GST_GHOST_PAD (self->ghost), sink);
}

/* On the ghost pad: the first caps choose parsers. */
static GstPadProbeReturn
on_arrived (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstHlsTsBranch *self = user_data;
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  GstCaps *caps;
  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  gst_event_parse_caps (event, &caps);
  if (self->media == NULL) {
    build (self, caps);
    return GST_PAD_PROBE_OK;
  }
  const Way *way = find_way (self->kind, caps);
  if (way == NULL || !g_str_equal (way->caps, self->media))
    refuse (self, caps, "another codec in mid-stream");
  return GST_PAD_PROBE_OK;
}

/* ---- life ---- */

GstHlsTsBranch *
gst_hls_ts_branch_new (GstBin *bin, GstPad *ghost, MillCmafKind kind)
{
  GstHlsTsBranch *self = g_new0 (GstHlsTsBranch, 1);
  self->bin = bin;
  self->ghost = ghost;
  self->kind = kind;
  self->parsers = g_ptr_array_new ();
  self->outputs = g_ptr_array_new ();
  g_mutex_init (&self->lock);
  self->queue = gst_element_factory_make ("queue", NULL);
  self->tee = gst_element_factory_make ("tee", NULL);
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  g_object_set (self->queue, "max-size-buffers", 0, "max-size-bytes", 0,
      "max-size-time", QUEUE_NS, NULL);
  g_object_set (self->tee, "allow-not-linked", TRUE, NULL);
  gst_bin_add_many (bin, self->queue, self->tee, NULL);
  gst_element_link (self->queue, self->tee);
  watch (self, self->queue, "sink", on_queued);
  gst_pad_add_probe (ghost, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_arrived,
      self, NULL);
  gst_element_sync_state_with_parent (self->tee);
  gst_element_sync_state_with_parent (self->queue);
  return self;
}

static void
remove_element (GstHlsTsBranch *self, GstElement *element)
{
  gst_element_set_locked_state (element, TRUE);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_bin_remove (self->bin, element);
}

void
gst_hls_ts_branch_free (GstHlsTsBranch *self)
{
  for (guint i = 0; i < self->parsers->len; i++)
    remove_element (self, g_ptr_array_index (self->parsers, i));
  remove_element (self, self->queue);
  remove_element (self, self->tee);
  gst_clear_caps (&self->caps);
  g_ptr_array_unref (self->parsers);
  g_ptr_array_unref (self->outputs);
  mill_cmaf_state_clear_format (&self->format);
  g_mutex_clear (&self->lock);
  g_free (self->language);
  g_free (self->media);
  g_free (self);
}

GstPad *
gst_hls_ts_branch_get_ghost (const GstHlsTsBranch *self)
{
  return self->ghost;
}

MillCmafKind
gst_hls_ts_branch_get_kind (const GstHlsTsBranch *self)
{
  return self->kind;
}

gboolean
gst_hls_ts_branch_link (GstHlsTsBranch *self, GstElement *mux,
    GstHlsTsOutput *output)
{
  g_autoptr (GstPad) from =
      gst_element_request_pad_simple (self->tee, "src_%u");
  g_autoptr (GstPad) to = gst_element_request_pad_simple (mux, "sink_%d");
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->outputs, output);
  tell_output_locked (self, output);
  g_mutex_unlock (&self->lock);
  GstPadLinkReturn linked = gst_pad_link (from, to);
  if (linked != GST_PAD_LINK_OK)
    GST_ELEMENT_ERROR (self->bin, CORE, NEGOTIATION,
        ("pad '%s': got %s, expected to be linked to its muxer",
            GST_PAD_NAME (self->ghost), gst_pad_link_get_name (linked)),
        (NULL));
  return linked == GST_PAD_LINK_OK;
}

void
gst_hls_ts_branch_reset (GstHlsTsBranch *self)
{
  self->described = FALSE;
  self->jumps = FALSE;
  self->has_wall = FALSE;
  self->end = 0;
}

void
gst_hls_ts_branch_end (GstHlsTsBranch *self)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (self->queue, "sink");
  gst_ghost_pad_set_target (GST_GHOST_PAD (self->ghost), NULL);
  self->ghost = NULL;
  gst_pad_send_event (pad, gst_event_new_eos ());
}
