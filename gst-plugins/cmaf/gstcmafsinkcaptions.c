/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "gstcmafsinkcaptions.h"

#include "cmaf-captions.h"

/* Captions that begin with a programme are found before a player has asked for
 * the first playlist, and others within a keyframe interval. */
#define EVERY_PICTURE_NS (10 * (GstClockTimeDiff) GST_SECOND)

gchar *
gst_cmaf_sink_captions_look (GstCmafSinkCaptions *self,
    const MillCodecInfo *codec, const MillCmafInput *input, GstBuffer *buffer)
{
  GstMapInfo map;
  if (!GST_CLOCK_STIME_IS_VALID (self->until))
    self->until = input->pts + EVERY_PICTURE_NS;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return NULL;
  gboolean news = mill_cea_scan (&self->found, codec->codec,
      codec->nal_length_size, map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  return news
      ? mill_cmaf_captions_describe (self->found.channels, self->found.services)
      : NULL;
}
