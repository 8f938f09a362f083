/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "ladder-video.h"

#include "codec/avc.h"
#include "ladder-dropper.h"
#include "ladder-encoder.h"
#include "ladder-rungs.h"

#include <gst/video/video.h>

/* Enough to keep a rung busy while its neighbour waits for x264, little enough
 * that 1080p stays below 25 MB. */
#define QUEUE_FRAMES 6

GstElement *
mill_ladder_video_add_element (GstBin *bin, const gchar *factory,
    GError **error)
{
  GstElement *element = gst_element_factory_make (factory, NULL);
  if (element == NULL) {
    g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_MISSING,
        "element '%s': got no such element, expected it to be installed",
        factory);
    return NULL;
  }
  gst_bin_add (bin, element);
  return element;
}

static gboolean
join (GstElement *from, GstElement *to, GError **error)
{
  if (gst_element_link (from, to))
    return TRUE;
  g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_FAILED,
      "link of '%s' to '%s': got a refusal, expected it to work",
      GST_OBJECT_NAME (from), GST_OBJECT_NAME (to));
  return FALSE;
}

/* ---- stamps of an encoded source ---- */

/* Of pictures that are stamped alike, as a publisher on a busy machine does, the
 * parser keeps the stamp of the first one alone (GstBaseParse takes a time once) and
 * makes up those of the others, each later by what a picture lasts: beyond the
 * keyframe after them, if that comes soon, so that rungs would pass a segment's
 * end before they have its keyframe. */
typedef struct
{
  GstClockTime last;
  guint n_same;
} Stamp;

/* Streaming thread. */
typedef struct
{
  gboolean are_pictures; /* each buffer is one */
  Stamp pts;
  Stamp dts;
} Stamps;

static void
stamps_read_caps (Stamps *self, GstEvent *event)
{
  GstCaps *caps;
  gst_event_parse_caps (event, &caps);
  self->are_pictures =
      g_strcmp0 (gst_structure_get_string (gst_caps_get_structure (caps, 0),
                     "alignment"),
          "au") == 0;
}

/* Returns: @time, a microsecond after the one before where that is the same:
 * nobody stamps by less than that */
static GstClockTime
stamp_part (Stamp *self, GstClockTime time)
{
  gboolean is_same = GST_CLOCK_TIME_IS_VALID (time) && time == self->last;
  self->last = time;
  self->n_same = is_same ? self->n_same + 1 : 0;
  return time + self->n_same * GST_USECOND;
}

static void
stamps_part (Stamps *self, GstPadProbeInfo *info)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GstClockTime pts = stamp_part (&self->pts, GST_BUFFER_PTS (buffer));
  GstClockTime dts = stamp_part (&self->dts, GST_BUFFER_DTS (buffer));
  if (!self->are_pictures ||
      (pts == GST_BUFFER_PTS (buffer) && dts == GST_BUFFER_DTS (buffer)))
    return;
  buffer = gst_buffer_make_writable (buffer);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DTS (buffer) = dts;
  info->data = buffer;
}

static GstPadProbeReturn
on_stamped (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Stamps *self = user_data;
  if (GST_IS_BUFFER (info->data))
    stamps_part (self, info);
  else if (GST_EVENT_TYPE (info->data) == GST_EVENT_CAPS)
    stamps_read_caps (self, info->data);
  else if (GST_EVENT_TYPE (info->data) == GST_EVENT_FLUSH_STOP)
    self->pts.last = self->dts.last = GST_CLOCK_TIME_NONE;
  return GST_PAD_PROBE_OK;
}

static void
part_stamps (GstPad *pad)
{
  Stamps *stamps = g_new0 (Stamps, 1);
  stamps->pts.last = stamps->dts.last = GST_CLOCK_TIME_NONE;
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
          GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      on_stamped, stamps, g_free);
}

/* ---- keyframes of an encoded source ---- */

typedef struct
{
  MillLadderKeyframes *keyframes;
  guint nal_length_size; /* streaming thread */
} Watch;

static void
watch_free (gpointer data)
{
  Watch *watch = data;
  mill_ladder_keyframes_unref (watch->keyframes);
  g_free (watch);
}

static void
watch_caps (Watch *watch, GstEvent *event)
{
  GstCaps *caps;
  gst_event_parse_caps (event, &caps);
  const GValue *value =
      gst_structure_get_value (gst_caps_get_structure (caps, 0), "codec_data");
  GstBuffer *config = value != NULL ? gst_value_get_buffer (value) : NULL;
  guint8 byte;
  /* ISO/IEC 14496-15 §5.3.3.1.2: lengthSizeMinusOne is in the fifth byte. */
  if (config != NULL && gst_buffer_extract (config, 4, &byte, 1) == 1)
    watch->nal_length_size = (byte & 3) + 1;
}

/* Only an IDR counts, as for the packager: the frames after a recovery point
 * may need what was before it. */
static void
watch_buffer (Watch *watch, GstPad *pad, GstBuffer *buffer)
{
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT) ||
      watch->nal_length_size == 0)
    return;
  GstMapInfo map;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return;
  gboolean is_idr =
      mill_avc_has_idr (map.data, map.size, watch->nal_length_size);
  gst_buffer_unmap (buffer, &map);
  g_autoptr (GstEvent) event =
      is_idr ? gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0) : NULL;
  if (event == NULL)
    return;
  const GstSegment *segment;
  gst_event_parse_segment (event, &segment);
  mill_ladder_keyframes_add (watch->keyframes,
      gst_segment_to_running_time (segment, GST_FORMAT_TIME,
          GST_BUFFER_PTS (buffer)));
}

static GstPadProbeReturn
on_encoded (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Watch *watch = user_data;
  if (GST_IS_BUFFER (info->data)) {
    watch_buffer (watch, pad, info->data);
    return GST_PAD_PROBE_OK;
  }
  GstEvent *event = info->data;
  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS)
    watch_caps (watch, event);
  else if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    mill_ladder_keyframes_clear (watch->keyframes);
  return GST_PAD_PROBE_OK;
}

GstPad *
mill_ladder_video_add_decoder (GstBin *bin, MillLadderKeyframes *keyframes,
    GstPad **ret_src, GError **error)
{
  GstElement *parse = mill_ladder_video_add_element (bin, "h264parse", error);
  GstElement *pin =
      parse ? mill_ladder_video_add_element (bin, "capsfilter", error) : NULL;
  GstElement *decoder =
      pin ? mill_ladder_video_add_element (bin, "avdec_h264", error) : NULL;
  if (decoder == NULL)
    return NULL;
  g_autoptr (GstCaps) caps =
      gst_caps_from_string ("video/x-h264, stream-format=avc, alignment=au");
  g_object_set (pin, "caps", caps, NULL);
  /* Every frame counts: no quality of service at the cost of frames. */
  g_object_set (decoder, "qos", FALSE, NULL);
  if (!join (parse, pin, error) || !join (pin, decoder, error))
    return NULL;
  Watch *watch = g_new0 (Watch, 1);
  watch->keyframes = mill_ladder_keyframes_ref (keyframes);
  g_autoptr (GstPad) watched = gst_element_get_static_pad (pin, "src");
  gst_pad_add_probe (watched,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
          GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      on_encoded, watch, watch_free);
  gst_element_sync_state_with_parent (decoder);
  gst_element_sync_state_with_parent (pin);
  gst_element_sync_state_with_parent (parse);
  GstPad *sink = gst_element_get_static_pad (parse, "sink");
  part_stamps (sink);
  *ret_src = gst_element_get_static_pad (decoder, "src");
  return sink;
}

/* ---- one rung ---- */

typedef struct
{
  GstElement *pin; /* not owned: both are in the bin */
  MillLadderOutput output;
  MillLadderSize source; /* what output's size was made for */
} Scaling;

static gboolean
parse_size (const GstCaps *caps, GstVideoInfo *ret_info,
    MillLadderSize *ret_size)
{
  if (!gst_video_info_from_caps (ret_info, caps) || ret_info->width <= 0 ||
      ret_info->height <= 0)
    return FALSE;
  *ret_size = (MillLadderSize){ .width = (guint) ret_info->width,
    .height = (guint) ret_info->height,
    .par_n = (guint) MAX (ret_info->par_n, 1),
    .par_d = (guint) MAX (ret_info->par_d, 1) };
  return TRUE;
}

/* Of a picture of @height that is made of one of @info. */
static GstVideoColorimetry
get_colours (const GstVideoInfo *info, guint height)
{
  GstVideoColorimetry colours = info->colorimetry;
  if (GST_VIDEO_INFO_IS_RGB (info))
    gst_video_colorimetry_from_string (&colours,
        height > 576 ? GST_VIDEO_COLORIMETRY_BT709
                     : GST_VIDEO_COLORIMETRY_BT601);
  return colours;
}

/* Size, format and colours, all said: what is left open here, the scaler
 * guesses from the size of the picture, and small pictures change colour. */
static GstCaps *
make_pin (const GstVideoInfo *info, guint width, guint height)
{
  GstVideoColorimetry colours = get_colours (info, height);
  g_autofree gchar *text = gst_video_colorimetry_to_string (&colours);
  GstCaps *caps = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING,
      "I420", "width", G_TYPE_INT, (gint) width, "height", G_TYPE_INT,
      (gint) height, "pixel-aspect-ratio", GST_TYPE_FRACTION,
      MAX (info->par_n, 1), MAX (info->par_d, 1), NULL);
  if (text != NULL)
    gst_caps_set_simple (caps, "colorimetry", G_TYPE_STRING, text, NULL);
  return caps;
}

static void
set_pin (Scaling *scaling, const GstVideoInfo *info, const MillLadderSize *size)
{
  guint width = scaling->output.width;
  guint height = scaling->output.height;
  const MillLadderSize *known = &scaling->source;
  if (known->width != size->width || known->height != size->height ||
      known->par_n != size->par_n || known->par_d != size->par_d)
    mill_ladder_rungs_fit (size, scaling->output.rung.height, &width, &height);
  g_autoptr (GstCaps) caps = make_pin (info, width, height);
  g_autoptr (GstCaps) old = NULL;
  g_object_get (scaling->pin, "caps", &old, NULL);
  /* Setting it makes everything above negotiate anew. */
  if (!gst_caps_is_equal (old, caps))
    g_object_set (scaling->pin, "caps", caps, NULL);
}

/* A source that changes its size in mid-stream keeps its rungs; each fits the
 * new picture into its box. */
static GstPadProbeReturn
on_scaler_event (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  GstCaps *caps;
  gst_event_parse_caps (event, &caps);
  GstVideoInfo video;
  MillLadderSize size;
  if (parse_size (caps, &video, &size))
    set_pin (user_data, &video, &size);
  return GST_PAD_PROBE_OK;
}

typedef struct
{
  GstElement *queue;
  GstElement *pin;
  GstElement *tee;
  GstElement *dropper;
  GstElement *encoder;
  GstElement *profile;
} Rung;

static gboolean
make_rung (GstBin *bin, const MillLadderPlan *plan,
    MillLadderKeyframes *keyframes, const MillLadderOutput *output, Rung *rung,
    GError **error)
{
  rung->queue = mill_ladder_video_add_element (bin, "queue", error);
  rung->encoder =
      mill_ladder_encoder_new (plan->encoder, plan->preset, keyframes, error);
  if (rung->encoder == NULL)
    return FALSE;
  gst_bin_add (bin, rung->encoder);
  rung->dropper = mill_ladder_dropper_new (keyframes, &output->rung);
  gst_bin_add (bin, rung->dropper);
  rung->profile = mill_ladder_video_add_element (bin, "capsfilter", error);
  if (rung->queue == NULL || rung->profile == NULL)
    return FALSE;
  g_object_set (rung->queue, "max-size-buffers", QUEUE_FRAMES, "max-size-bytes",
      0, "max-size-time", (guint64) 0, NULL);
  g_autoptr (GstCaps) caps = gst_caps_new_simple ("video/x-h264",
      "stream-format", G_TYPE_STRING, "avc", "alignment", G_TYPE_STRING, "au",
      "profile", G_TYPE_STRING, plan->preset->profile, NULL);
  g_object_set (rung->profile, "caps", caps, NULL);
  return TRUE;
}

/* queue -> scaler -> pin */
static gboolean
link_scaler (GstBin *bin, Rung *rung, const GstVideoInfo *info,
    const MillLadderSize *source, const MillLadderOutput *output,
    GError **error)
{
  GstElement *scaler =
      mill_ladder_video_add_element (bin, "videoconvertscale", error);
  rung->pin = mill_ladder_video_add_element (bin, "capsfilter", error);
  if (scaler == NULL || rung->pin == NULL)
    return FALSE;
  /* bilinear2 has as many taps as the factor needs; the default has two, and
   * aliases. */
  gst_util_set_object_arg (G_OBJECT (scaler), "method", "bilinear2");
  g_object_set (scaler, "qos", FALSE, NULL);
  Scaling *scaling = g_new0 (Scaling, 1);
  scaling->pin = rung->pin;
  scaling->output = *output;
  scaling->source = *source;
  set_pin (scaling, info, source);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (scaler, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_scaler_event,
      scaling, g_free);
  return join (rung->queue, scaler, error) && join (scaler, rung->pin, error);
}

/* A question about buffers would wait in the tee until the queue below is
 * empty: for ever, when a sink there holds its first frame in PAUSED. */
static GstPadProbeReturn
on_query (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  return GST_QUERY_TYPE (GST_PAD_PROBE_INFO_QUERY (info)) ==
          GST_QUERY_ALLOCATION
      ? GST_PAD_PROBE_DROP
      : GST_PAD_PROBE_OK;
}

/* The same of the source's pictures, which scalers and encoders take with any
 * strides: a decoder that knows that does not copy them. */
static GstPadProbeReturn
on_source_query (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);
  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return GST_PAD_PROBE_OK;
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return GST_PAD_PROBE_HANDLED;
}

/* pin -> tee -> dropper -> encoder; the tee's first branches are the rungs that
 * are made of this one. */
static gboolean
link_encoder (GstBin *bin, const GArray *chosen, Rung *rungs, guint index,
    GError **error)
{
  Rung *rung = &rungs[index];
  rung->tee = mill_ladder_video_add_element (bin, "tee", error);
  if (rung->tee == NULL || !join (rung->pin, rung->tee, error))
    return FALSE;
  for (guint i = index + 1; i < chosen->len; i++)
    if (mill_ladder_rungs_parent (chosen, i) == (gint) index &&
        !join (rung->tee, rungs[i].queue, error))
      return FALSE;
  /* A rung that nobody has linked is no error of the others. */
  g_object_set (rung->tee, "allow-not-linked", TRUE, NULL);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (rung->tee, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, on_query, NULL,
      NULL);
  return join (rung->tee, rung->dropper, error) &&
      join (rung->dropper, rung->encoder, error) &&
      join (rung->encoder, rung->profile, error);
}

/* ---- all rungs ---- */

/* What the rung above hands down: its picture, with the colours of its pin.
 * Said wrong here, the pin below would change when the first picture comes, and
 * a source that asks for caps just then is told that nothing fits. */
static void
describe_picture (const MillLadderOutput *output, GstVideoInfo *info,
    MillLadderSize *size)
{
  GstVideoColorimetry colours = get_colours (info, output->height);
  gint par_n = info->par_n;
  gint par_d = info->par_d;
  gst_video_info_set_format (info, GST_VIDEO_FORMAT_I420, output->width,
      output->height);
  info->colorimetry = colours;
  info->par_n = par_n;
  info->par_d = par_d;
  size->width = output->width;
  size->height = output->height;
}

typedef struct
{
  GstVideoInfo info;
  MillLadderSize size;
} Picture;

/* @source: what comes in */
static gboolean
link_rungs (GstBin *bin, GArray *chosen, Rung *rungs, const Picture *source,
    GError **error)
{
  g_autofree Picture *pictures = g_new (Picture, chosen->len);
  for (guint i = 0; i < chosen->len; i++) {
    const MillLadderOutput *output =
        &g_array_index (chosen, MillLadderOutput, i);
    gint parent = mill_ladder_rungs_parent (chosen, i);
    pictures[i] = parent < 0 ? *source : pictures[parent];
    if (!link_scaler (bin, &rungs[i], &pictures[i].info, &pictures[i].size,
            output, error) ||
        !link_encoder (bin, chosen, rungs, i, error))
      return FALSE;
    describe_picture (output, &pictures[i].info, &pictures[i].size);
    mill_ladder_encoder_set_bitrate (rungs[i].encoder, output->rung.bitrate_bps,
        mill_ladder_rungs_threads (chosen, i, g_get_num_processors ()));
  }
  return TRUE;
}

/* Hands the source's pictures to all rungs that are made of them.
 * Returns: (transfer full) (nullable) */
static GstPad *
link_source (GstBin *bin, const GArray *chosen, const Rung *rungs,
    GError **error)
{
  GstElement *tee = mill_ladder_video_add_element (bin, "tee", error);
  if (tee == NULL)
    return NULL;
  for (guint i = 0; i < chosen->len; i++)
    if (mill_ladder_rungs_parent (chosen, i) < 0 &&
        !join (tee, rungs[i].queue, error))
      return NULL;
  GstPad *entry = gst_element_get_static_pad (tee, "sink");
  gst_pad_add_probe (entry, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM,
      on_source_query, NULL, NULL);
  return entry;
}

gboolean
mill_ladder_video_add_rungs (GstBin *bin, const MillLadderPlan *plan,
    MillLadderKeyframes *keyframes, const GstCaps *caps, GPtrArray *outputs,
    GstPad **ret_entry, GError **error)
{
  Picture source;
  if (!parse_size (caps, &source.info, &source.size)) {
    g_autofree gchar *text = gst_caps_to_string (caps);
    g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_INVALID,
        "caps of pad 'video': got '%s', expected a format, width and height",
        text);
    return FALSE;
  }
  g_autoptr (GArray) chosen =
      mill_ladder_rungs_choose (plan->rungs, &source.size, plan->skip_top);
  if (chosen->len == 0)
    return TRUE;
  g_autofree Rung *rungs = g_new0 (Rung, chosen->len);
  for (guint i = 0; i < chosen->len; i++) {
    if (!make_rung (bin, plan, keyframes,
            &g_array_index (chosen, MillLadderOutput, i), &rungs[i], error))
      return FALSE;
  }
  g_autoptr (GstPad) entry = NULL;
  if (!link_rungs (bin, chosen, rungs, &source, error) ||
      (entry = link_source (bin, chosen, rungs, error)) == NULL)
    return FALSE;
  for (guint i = 0; i < chosen->len; i++)
    g_ptr_array_add (outputs,
        gst_element_get_static_pad (rungs[i].profile, "src"));
  *ret_entry = g_steal_pointer (&entry);
  return TRUE;
}
