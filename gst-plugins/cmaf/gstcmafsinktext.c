/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "gstcmafsinktext.h"

#include "text/text-ass.h"
#include "text/text-markup.h"
#include "text/text-ttml.h"

/* As of video, so that borders of segments are the same numbers. */
#define TIMESCALE 90000

void
gst_cmaf_sink_text_flush (GstCmafSinkText *self)
{
  g_clear_pointer (&self->file, g_byte_array_unref);
}

void
gst_cmaf_sink_text_clear (GstCmafSinkText *self)
{
  gst_cmaf_sink_text_flush (self);
  self->format = GST_CMAF_SINK_TEXT_NONE;
}

gboolean
gst_cmaf_sink_text_set_caps (GstCmafSinkText *self, const GstCaps *caps)
{
  static const struct
  {
    const gchar *name;
    GstCmafSinkTextFormat format;
  } names[] = {
    { "application/x-subtitle-vtt", GST_CMAF_SINK_TEXT_WEBVTT },
    { "text/vtt", GST_CMAF_SINK_TEXT_WEBVTT },
    { "application/ttml+xml", GST_CMAF_SINK_TEXT_TTML },
    { "application/x-ass", GST_CMAF_SINK_TEXT_ASS },
    { "application/x-ssa", GST_CMAF_SINK_TEXT_ASS },
  };
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  if (gst_structure_has_name (structure, "text/x-raw")) {
    const gchar *format = gst_structure_get_string (structure, "format");
    self->format = g_strcmp0 (format, "pango-markup") == 0
        ? GST_CMAF_SINK_TEXT_PANGO
        : GST_CMAF_SINK_TEXT_PLAIN;
    return format == NULL || self->format == GST_CMAF_SINK_TEXT_PANGO ||
        g_str_equal (format, "utf8");
  }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (gst_structure_has_name (structure, names[i].name)) {
      self->format = names[i].format;
      return TRUE;
    }
  return FALSE;
}

void
gst_cmaf_sink_text_describe (const GstCmafSinkText *self,
    MillCmafLaneFormat *ret_format)
{
  MillCodec codec = self->format == GST_CMAF_SINK_TEXT_TTML ? MILL_CODEC_STPP
                                                            : MILL_CODEC_WVTT;
  *ret_format = (MillCmafLaneFormat){ 0 };
  ret_format->codec_data = mill_codec_init_text (codec, &ret_format->codec);
  ret_format->format.kind = MILL_CMAF_TEXT;
  ret_format->format.timescale = TIMESCALE;
  ret_format->format.codec = g_strdup (ret_format->codec.name);
}

/* ---- cues ---- */

static GstClockTimeDiff
to_running_time (const GstCmafSinkTextTarget *target, GstClockTimeDiff time)
{
  if (!GST_CLOCK_STIME_IS_VALID (time) || time < 0)
    return GST_CLOCK_STIME_NONE;
  return gst_cmaf_media_to_running_time (target->media, (GstClockTime) time);
}

/* @cue: (transfer full): its times are those of the pad's segment */
static GstFlowReturn
push_cue (const GstCmafSinkTextTarget *target, MillTextCue *cue)
{
  cue->start = to_running_time (target, cue->start);
  cue->end = to_running_time (target, cue->end);
  if (!GST_CLOCK_STIME_IS_VALID (cue->start)) {
    mill_text_cue_free (cue);
    return GST_FLOW_OK;
  }
  return mill_cmaf_packager_push_cue (target->packager, target->lane, cue);
}

static GstFlowReturn
push_cues (const GstCmafSinkTextTarget *target, GPtrArray *cues)
{
  GstFlowReturn ret = GST_FLOW_OK;
  while (cues->len > 0 && ret == GST_FLOW_OK)
    ret = push_cue (target, g_ptr_array_steal_index (cues, 0));
  return ret;
}

static GstClockTimeDiff
get_end (GstBuffer *buffer)
{
  if (!GST_BUFFER_PTS_IS_VALID (buffer) ||
      !GST_BUFFER_DURATION_IS_VALID (buffer))
    return GST_CLOCK_STIME_NONE;
  return (GstClockTimeDiff) (GST_BUFFER_PTS (buffer) +
      GST_BUFFER_DURATION (buffer));
}

/* @text: (transfer full)(nullable): nothing is on the screen from now on */
static GstFlowReturn
push_text (const GstCmafSinkTextTarget *target, GstBuffer *buffer, gchar *text)
{
  GstClockTimeDiff start = (GstClockTimeDiff) GST_BUFFER_PTS (buffer);
  if (text != NULL)
    return push_cue (target, mill_text_cue_new (start, get_end (buffer), text));
  GstClockTimeDiff time = to_running_time (target, start);
  if (GST_CLOCK_STIME_IS_VALID (time))
    mill_cmaf_packager_clear_cues (target->packager, target->lane, time);
  return GST_FLOW_OK;
}

/* A sample's document is on for as long as the sample (14496-30 §5.2). */
static void
clip_cues (GPtrArray *cues, GstBuffer *buffer)
{
  GstClockTimeDiff start = (GstClockTimeDiff) GST_BUFFER_PTS (buffer);
  GstClockTimeDiff end = get_end (buffer);
  for (guint i = cues->len; i > 0; i--) {
    MillTextCue *cue = g_ptr_array_index (cues, i - 1);
    cue->start = MAX (cue->start, start);
    if (GST_CLOCK_STIME_IS_VALID (end) &&
        (!GST_CLOCK_STIME_IS_VALID (cue->end) || cue->end > end))
      cue->end = end;
    if (GST_CLOCK_STIME_IS_VALID (cue->end) && cue->end <= cue->start)
      g_ptr_array_remove_index (cues, i - 1);
  }
}

static GstFlowReturn
push_document (const GstCmafSinkText *self, const GstCmafSinkTextTarget *target,
    GstBuffer *buffer, const GstMapInfo *map, GError **error)
{
  const gchar *data = (const gchar *) map->data;
  g_autoptr (GPtrArray) cues = mill_text_cue_list_new ();
  if (self->format == GST_CMAF_SINK_TEXT_TTML) {
    mill_text_ttml_parse (data, map->size, cues, error);
    clip_cues (cues, buffer);
    return push_cues (target, cues);
  }
  if (!mill_text_webvtt_has_timings (data, map->size))
    return push_text (target, buffer, mill_text_webvtt_clean (data, map->size));
  mill_text_webvtt_parse (data, map->size, cues);
  return push_cues (target, cues);
}

/* ---- files ---- */

static GstFlowReturn
append_to_file (GstCmafSinkText *self, const GstMapInfo *map, GError **error)
{
  if (self->file == NULL)
    self->file = g_byte_array_new ();
  if (map->size >
      MILL_TEXT_TTML_MAX - MIN (self->file->len, MILL_TEXT_TTML_MAX)) {
    g_set_error (error, MILL_TEXT_TTML_ERROR, MILL_TEXT_TTML_ERROR_TOO_BIG,
        "file of text: got more than %d bytes, expected at most that",
        MILL_TEXT_TTML_MAX);
    return GST_FLOW_ERROR;
  }
  g_byte_array_append (self->file, map->data, (guint) map->size);
  return GST_FLOW_OK;
}

gboolean
gst_cmaf_sink_text_end (GstCmafSinkText *self,
    const GstCmafSinkTextTarget *target, GError **error)
{
  if (self->file == NULL)
    return TRUE;
  g_autoptr (GByteArray) file = g_steal_pointer (&self->file);
  g_autoptr (GPtrArray) cues = mill_text_cue_list_new ();
  const gchar *data = (const gchar *) file->data;
  gboolean ok = TRUE;
  if (self->format == GST_CMAF_SINK_TEXT_TTML)
    ok = mill_text_ttml_parse (data, file->len, cues, error);
  else
    mill_text_webvtt_parse (data, file->len, cues);
  push_cues (target, cues);
  return ok;
}

/* ---- buffers ---- */

static GstFlowReturn
push_mapped (GstCmafSinkText *self, const GstCmafSinkTextTarget *target,
    GstBuffer *buffer, const GstMapInfo *map, GError **error)
{
  const gchar *data = (const gchar *) map->data;
  gboolean is_document = self->format == GST_CMAF_SINK_TEXT_WEBVTT ||
      self->format == GST_CMAF_SINK_TEXT_TTML;
  if (is_document && (self->is_file || !GST_BUFFER_PTS_IS_VALID (buffer)))
    return append_to_file (self, map, error);
  if (!GST_BUFFER_PTS_IS_VALID (buffer))
    return GST_FLOW_OK;
  switch (self->format) {
    case GST_CMAF_SINK_TEXT_PANGO:
      return push_text (target, buffer,
          mill_text_markup_from_pango (data, map->size));
    case GST_CMAF_SINK_TEXT_PLAIN:
      return push_text (target, buffer,
          mill_text_markup_from_plain (data, map->size));
    case GST_CMAF_SINK_TEXT_ASS:
      return push_text (target, buffer, mill_text_ass_clean (data, map->size));
    case GST_CMAF_SINK_TEXT_NONE:
      return GST_FLOW_NOT_NEGOTIATED;
    default:
      return push_document (self, target, buffer, map, error);
  }
}

GstFlowReturn
gst_cmaf_sink_text_push (GstCmafSinkText *self,
    const GstCmafSinkTextTarget *target, GstBuffer *buffer, GError **error)
{
  GstMapInfo map;
  GstFlowReturn ret = GST_FLOW_OK;
  if (gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    ret = push_mapped (self, target, buffer, &map, error);
    gst_buffer_unmap (buffer, &map);
  }
  gst_buffer_unref (buffer);
  return ret;
}

/* ---- who brings it ---- */

/* No line of elements is longer. */
#define ELEMENTS_MAX 64

/* Returns: (transfer full)(nullable): the pad that @element gets its data by;
 * @ret_is_source: it needs none */
static GstPad *
get_input (GstElement *element, gboolean *ret_is_source)
{
  GstPad *input = NULL;
  GST_OBJECT_LOCK (element);
  *ret_is_source = element->sinkpads == NULL;
  for (GList *item = element->sinkpads; item != NULL && input == NULL;
       item = item->next)
    if (gst_pad_is_linked (item->data))
      input = gst_object_ref (item->data);
  GST_OBJECT_UNLOCK (element);
  return input;
}

gboolean
gst_cmaf_sink_text_is_fed (GstPad *pad)
{
  g_autoptr (GstEvent) started =
      gst_pad_get_sticky_event (pad, GST_EVENT_STREAM_START, 0);
  g_autoptr (GstPad) at = gst_object_ref (pad);
  for (guint i = 0; i < ELEMENTS_MAX && started == NULL && at != NULL; i++) {
    gboolean is_source = FALSE;
    g_autoptr (GstPad) peer = gst_pad_get_peer (at);
    g_autoptr (GstElement) element =
        peer != NULL ? gst_pad_get_parent_element (peer) : NULL;
    g_clear_pointer (&at, gst_object_unref);
    /* A pad of nobody is somebody's who pushes by himself. */
    if (peer != NULL && element == NULL)
      return TRUE;
    if (element != NULL)
      at = get_input (element, &is_source);
    if (is_source)
      return TRUE;
  }
  return started != NULL;
}
