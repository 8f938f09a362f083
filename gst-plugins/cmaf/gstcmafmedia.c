/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafmedia.h"

#include "codec/av1.h"
#include "gstcmafsinkcaps.h"

void
gst_cmaf_media_init (GstCmafMedia *self, MillCmafKind kind)
{
  *self = (GstCmafMedia){ .kind = kind, .incomplete = TRUE };
  gst_cmaf_media_set_segment (self, NULL);
}

void
gst_cmaf_media_set_segment (GstCmafMedia *self, const GstSegment *segment)
{
  if (segment != NULL)
    gst_segment_copy_into (segment, &self->segment);
  else
    gst_segment_init (&self->segment, GST_FORMAT_TIME);
  self->is_identity = self->segment.rate == 1.0 && self->segment.base == 0 &&
      self->segment.start == 0 && self->segment.offset == 0 &&
      !GST_CLOCK_TIME_IS_VALID (self->segment.stop);
}

void
gst_cmaf_media_set_codec (GstCmafMedia *self, const MillCodecInfo *codec)
{
  self->codec = *codec;
  self->incomplete = FALSE;
  self->usable = TRUE;
}

void
gst_cmaf_media_expect_codec (GstCmafMedia *self, MillCodec codec)
{
  self->incomplete = TRUE;
  self->usable &= self->codec.codec == codec;
}

/* The values of the tag, in the order of MillBmffOrientation. */
static MillBmffOrientation
parse_orientation (const gchar *text)
{
  static const gchar *const names[] = { "rotate-0", "rotate-90", "rotate-180",
    "rotate-270", "flip-rotate-0", "flip-rotate-90", "flip-rotate-180",
    "flip-rotate-270" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (text, names[i]))
      return (MillBmffOrientation) i;
  return MILL_BMFF_UPRIGHT;
}

gboolean
gst_cmaf_media_set_tags (GstCmafMedia *self, const GstTagList *tags)
{
  g_autofree gchar *text = NULL;
  if (!gst_tag_list_get_string (tags, GST_TAG_IMAGE_ORIENTATION, &text))
    return FALSE;
  MillBmffOrientation orientation = parse_orientation (text);
  gboolean changed = self->orientation != orientation;
  self->orientation = orientation;
  return changed;
}

/* What has no place in a sample is left out: AV1's temporal delimiter. */
GstBuffer *
gst_cmaf_media_strip_buffer (GstCmafMedia *self, GstBuffer *buffer)
{
  GstMapInfo map;
  if (self->codec.codec != MILL_CODEC_AV1 || self->kind != MILL_CMAF_VIDEO ||
      !gst_buffer_map (buffer, &map, GST_MAP_READ))
    return buffer;
  gsize size = mill_av1_get_delimiter_size (map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  if (size == 0)
    return buffer;
  buffer = gst_buffer_make_writable (buffer);
  gst_buffer_resize (buffer, (gssize) size, -1);
  return buffer;
}

static void
look_into (const GstCmafMedia *self, GstBuffer *buffer, MillCmafInput *input)
{
  gboolean is_video = self->kind == MILL_CMAF_VIDEO;
  GstMapInfo map;
  input->sync = !is_video;
  if (is_video ? GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT)
               : !mill_codec_varies (self->codec.codec))
    return;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return;
  if (is_video) {
    GstCmafSinkCapsAccess access =
        gst_cmaf_sink_caps_get_access (&self->codec, map.data, map.size);
    input->sync = access != GST_CMAF_SINK_CAPS_NO_ACCESS;
    input->open = access == GST_CMAF_SINK_CAPS_OPEN_ACCESS;
  } else {
    input->frame_length =
        mill_codec_get_frame_length (&self->codec, map.data, map.size);
  }
  gst_buffer_unmap (buffer, &map);
}

GstClockTimeDiff
gst_cmaf_media_to_running_time (const GstCmafMedia *self, GstClockTime time)
{
  guint64 running;
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return GST_CLOCK_STIME_NONE;
  if (self->is_identity)
    return (GstClockTimeDiff) time;
  gint sign = gst_segment_to_running_time_full (&self->segment, GST_FORMAT_TIME,
      time, &running);
  if (sign == 0)
    return GST_CLOCK_STIME_NONE;
  return sign > 0 ? (GstClockTimeDiff) running : -(GstClockTimeDiff) running;
}

gboolean
gst_cmaf_media_describe_buffer (GstCmafMedia *self, GstBuffer *buffer,
    MillCmafInput *ret_input)
{
  GstClockTime pts = GST_BUFFER_PTS_IS_VALID (buffer) ? GST_BUFFER_PTS (buffer)
                                                      : GST_BUFFER_DTS (buffer);
  GstClockTimeDiff time = gst_cmaf_media_to_running_time (self, pts);
  gsize size = gst_buffer_get_size (buffer);
  if (!GST_CLOCK_STIME_IS_VALID (time) || size == 0)
    return FALSE;
  *ret_input = (MillCmafInput){
    .pts = time,
    .dts = gst_cmaf_media_to_running_time (self, GST_BUFFER_DTS (buffer)),
    .duration = GST_BUFFER_DURATION (buffer),
    .size = size,
    .discont = GST_BUFFER_IS_DISCONT (buffer),
    .arrival = GST_CLOCK_STIME_NONE,
  };
  look_into (self, buffer, ret_input);
  return TRUE;
}
