/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafsinkcues.h"

#include <gst/mpegts/mpegts.h>
#include <gst/video/video.h>

#include "codec/id3.h"
#include "scte35/scte35.h"
#include "source/source-event.h"

GST_DEBUG_CATEGORY_STATIC (cues_debug);
#define GST_CAT_DEFAULT cues_debug

/* Of PTS in 90 kHz of 33 bits: the nearest that there can be. */
#define PTS_MODULO (G_GINT64_CONSTANT (1) << 33)
#define TICKS_PER_SECOND 90000
/* The same section again within this time is a repetition. */
#define REPEAT_NS (10 * (GstClockTimeDiff) GST_SECOND)

void
gst_cmaf_sink_cues_init (GstCmafSinkCues *self)
{
  GST_DEBUG_CATEGORY_INIT (cues_debug, "cmafsink-cues", 0,
      "cues of the CMAF packager");
  *self = (GstCmafSinkCues){ 0 };
  g_mutex_init (&self->lock);
}

void
gst_cmaf_sink_cues_reset (GstCmafSinkCues *self)
{
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->last, g_bytes_unref);
  self->has_offset = FALSE;
  g_mutex_unlock (&self->lock);
}

void
gst_cmaf_sink_cues_clear (GstCmafSinkCues *self)
{
  g_clear_pointer (&self->last, g_bytes_unref);
  g_mutex_clear (&self->lock);
}

/* ---- from applications ---- */

static const gchar *
name_error (const GError *error)
{
  static const gchar *const names[] = {
    [MILL_CMAF_CUE_ERROR_NOT_LIVE] = "not-live",
    [MILL_CMAF_CUE_ERROR_NO_BREAK] = "no-break",
    [MILL_CMAF_CUE_ERROR_EXISTS] = "exists",
    [MILL_CMAF_CUE_ERROR_FULL] = "full",
    [MILL_CMAF_CUE_ERROR_INVALID] = "invalid",
  };
  return names[error->code];
}

static gboolean
refuse (GError **error, const gchar *field, const gchar *expected)
{
  g_set_error (error, MILL_CMAF_CUE_ERROR, MILL_CMAF_CUE_ERROR_INVALID,
      "cue '%s': got none that can be used, expected %s", field, expected);
  return FALSE;
}

static gboolean
read_kind (const GstStructure *from, MillCmafCueKind *ret_kind, GError **error)
{
  static const struct
  {
    const gchar *name;
    MillCmafCueKind kind;
  } kinds[] = {
    { "out", MILL_CMAF_CUE_OUT },
    { "in", MILL_CMAF_CUE_IN },
    { "cancel", MILL_CMAF_CUE_CANCEL },
    { "metadata", MILL_CMAF_CUE_METADATA },
  };
  const gchar *type = gst_structure_get_string (from, "type");
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_strcmp0 (type, kinds[i].name) == 0) {
      *ret_kind = kinds[i].kind;
      return TRUE;
    }
  return refuse (error, "type", "out, in, cancel or metadata");
}

/* Metadata: a whole tag, or what one is to say. */
static GBytes *
read_tag (const GstStructure *from, GError **error)
{
  g_autoptr (GBytes) tag = NULL;
  gst_structure_get (from, "id3", G_TYPE_BYTES, &tag, NULL);
  const gchar *value = gst_structure_get_string (from, "value");
  const gchar *key = gst_structure_get_string (from, "key");
  if (tag == NULL && value != NULL)
    tag = mill_id3_new_text (key ? key : "", value);
  gsize size = 0;
  const guint8 *data = tag != NULL ? g_bytes_get_data (tag, &size) : NULL;
  if (data == NULL || size > MILL_ID3_SIZE_MAX ||
      !mill_id3_is_tag (data, size)) {
    refuse (error, "id3",
        "an ID3v2 tag of at most 4096 bytes, or key and value");
    return NULL;
  }
  return g_steal_pointer (&tag);
}

static gboolean
read_cue (const GstStructure *from, MillCmafCue *cue, GError **error)
{
  *cue = (MillCmafCue){
    .time = GST_CLOCK_TIME_NONE,
    .wall_us = -1,
    .duration = GST_CLOCK_TIME_NONE,
  };
  if (!read_kind (from, &cue->kind, error))
    return FALSE;
  gst_structure_get_uint (from, "id", &cue->event_id);
  gst_structure_get_clock_time (from, "time", &cue->time);
  gst_structure_get_int64 (from, "wall-time", &cue->wall_us);
  gst_structure_get_clock_time (from, "duration", &cue->duration);
  /* 33 bits of 90 kHz. */
  if (GST_CLOCK_TIME_IS_VALID (cue->duration) &&
      (cue->duration == 0 || cue->duration > 86400 * GST_SECOND))
    return refuse (error, "duration", "more than 0 and at most a day");
  cue->auto_return = GST_CLOCK_TIME_IS_VALID (cue->duration);
  gst_structure_get_boolean (from, "auto-return", &cue->auto_return);
  if (cue->kind == MILL_CMAF_CUE_METADATA)
    cue->message = read_tag (from, error);
  return cue->kind != MILL_CMAF_CUE_METADATA || cue->message != NULL;
}

GstStructure *
gst_cmaf_sink_cues_take (MillCmafPackager *packager, const GstStructure *from)
{
  g_autoptr (GError) error = NULL;
  MillCmafCue cue;
  gboolean taken = read_cue (from, &cue, &error);
  g_autoptr (GBytes) message = cue.message;
  if (taken && packager == NULL) {
    taken = FALSE;
    g_set_error_literal (&error, MILL_CMAF_CUE_ERROR,
        MILL_CMAF_CUE_ERROR_NOT_LIVE,
        "cue: got one without media, expected a stream that is live");
  }
  taken = taken && mill_cmaf_packager_cue (packager, &cue, &error);
  GstStructure *answer =
      gst_structure_new ("cue-answer", "taken", G_TYPE_BOOLEAN, taken, NULL);
  if (!taken)
    gst_structure_set (answer, "code", G_TYPE_STRING, name_error (error),
        "message", G_TYPE_STRING, error->message, NULL);
  return answer;
}

/* ---- from transport streams ---- */

static GstClockTimeDiff
ticks_to_ns (gint64 ticks)
{
  return ticks * (GstClockTimeDiff) (GST_SECOND / 10000) / 9;
}

/* tsdemux tells the running time of a splice_insert; how PTS and running time
 * lie to each other is the same for what it tells nothing of. */
static GstClockTime
find_time (GstCmafSinkCues *self, const MillScte35 *section, GstEvent *event)
{
  const GstStructure *structure = gst_event_get_structure (event);
  g_autoptr (GstStructure) map = NULL;
  guint64 time = GST_CLOCK_TIME_NONE;
  gchar name[48];
  if (!section->has_pts)
    return GST_CLOCK_TIME_NONE;
  gst_structure_get (structure, "running-time-map", GST_TYPE_STRUCTURE, &map,
      NULL);
  g_snprintf (name, sizeof name, "event-%u-splice-time", section->events[0].id);
  gint64 pts = (gint64) section->pts;
  if (map != NULL && gst_structure_get_uint64 (map, name, &time) &&
      GST_CLOCK_TIME_IS_VALID (time)) {
    self->offset = (GstClockTimeDiff) time - ticks_to_ns (pts);
    self->has_offset = TRUE;
  } else if (self->has_offset) {
    GstClockTimeDiff round = ticks_to_ns (PTS_MODULO);
    GstClockTimeDiff nearest = ticks_to_ns (pts) + self->offset;
    while (nearest < self->last_time - round / 2)
      nearest += round;
    time = (GstClockTime) MAX (nearest, 0);
  }
  if (GST_CLOCK_TIME_IS_VALID (time))
    time += (guint64) gst_event_get_running_time_offset (event);
  return time;
}

static gboolean
is_repeated (GstCmafSinkCues *self, GBytes *section, GstClockTimeDiff now)
{
  gboolean is_same = self->last != NULL &&
      g_bytes_equal (self->last, section) &&
      ABS (now - self->last_time) < REPEAT_NS;
  if (is_same)
    return TRUE;
  g_clear_pointer (&self->last, g_bytes_unref);
  self->last = g_bytes_ref (section);
  self->last_time = now;
  return FALSE;
}

static void
take_event (GstElement *element, MillCmafPackager *packager,
    const MillScte35Event *event, GstClockTime time, GBytes *message)
{
  static const MillCmafCueKind kinds[] = {
    [MILL_SCTE35_SIGNAL] = MILL_CMAF_CUE_SIGNAL,
    [MILL_SCTE35_OUT] = MILL_CMAF_CUE_OUT,
    [MILL_SCTE35_IN] = MILL_CMAF_CUE_IN,
    [MILL_SCTE35_CANCEL] = MILL_CMAF_CUE_CANCEL,
  };
  MillCmafCue cue = {
    .kind = kinds[event->role],
    .event_id = event->id,
    .type_id = event->type_id,
    .auto_return = event->auto_return,
    .time = time,
    .wall_us = -1,
    .duration = event->has_duration
        ? (GstClockTime) ticks_to_ns ((gint64) event->duration)
        : GST_CLOCK_TIME_NONE,
    .message = message,
  };
  g_autoptr (GError) error = NULL;
  /* Encoders repeat what they tell, and may tell the end of what was told before
   * anybody listened. */
  if (!mill_cmaf_packager_cue (packager, &cue, &error))
    GST_DEBUG_OBJECT (element, "%s: ignoring", error->message);
}

/* Returns: (transfer full)(nullable): the section that @event brings */
static GBytes *
read_event (GstEvent *event)
{
  GBytes *bytes = mill_source_event_get_splice (event);
  GstMpegtsSection *section =
      bytes == NULL ? gst_event_parse_mpegts_section (event) : NULL;
  if (section == NULL)
    return bytes;
  if (GST_MPEGTS_SECTION_TYPE (section) == GST_MPEGTS_SECTION_SCTE_SIT &&
      section->data != NULL)
    bytes = g_bytes_new (section->data, section->section_length);
  gst_mpegts_section_unref (section);
  return bytes;
}

void
gst_cmaf_sink_cues_handle_event (GstCmafSinkCues *self, GstElement *element,
    MillCmafPackager *packager, GstEvent *event)
{
  g_autoptr (GBytes) bytes = read_event (event);
  g_autoptr (GError) error = NULL;
  MillScte35 parsed;
  if (bytes == NULL)
    return;
  if (!mill_scte35_parse (g_bytes_get_data (bytes, NULL),
          g_bytes_get_size (bytes), &parsed, &error)) {
    GST_WARNING_OBJECT (element, "%s, ignoring", error->message);
    return;
  }
  if (parsed.n_events == 0)
    return;
  GstClockTimeDiff now = mill_cmaf_packager_get_position (packager);
  g_mutex_lock (&self->lock);
  GstClockTime time = find_time (self, &parsed, event);
  gboolean is_old = is_repeated (self, bytes, now);
  g_mutex_unlock (&self->lock);
  for (guint i = 0; !is_old && i < parsed.n_events; i++)
    take_event (element, packager, &parsed.events[i], time, bytes);
}

/* ---- from demuxers ---- */

void
gst_cmaf_sink_cues_handle_tag (GstElement *element, MillCmafPackager *packager,
    GstClockTimeDiff time, GstBuffer *buffer)
{
  GstMapInfo map;
  g_autoptr (GBytes) tag = NULL;
  g_autoptr (GError) error = NULL;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return;
  if (map.size <= MILL_ID3_SIZE_MAX && mill_id3_is_tag (map.data, map.size))
    tag = g_bytes_new (map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  if (tag == NULL) {
    GST_WARNING_OBJECT (element,
        "got %" G_GSIZE_FORMAT " bytes, expected one ID3v2 tag of at most %d, "
        "ignoring",
        gst_buffer_get_size (buffer), MILL_ID3_SIZE_MAX);
    return;
  }
  MillCmafCue cue = {
    .kind = MILL_CMAF_CUE_METADATA,
    .time = time >= 0 ? (GstClockTime) time : GST_CLOCK_TIME_NONE,
    .wall_us = -1,
    .duration = GST_BUFFER_DURATION (buffer),
    .message = tag,
  };
  if (!mill_cmaf_packager_cue (packager, &cue, &error))
    GST_DEBUG_OBJECT (element, "%s: ignoring", error->message);
}

/* ---- to the source ---- */

void
gst_cmaf_sink_cues_request_keyframe (GstElement *element,
    MillCmafPackager *packager)
{
  GstClockTime time;
  g_autofree gchar *name =
      mill_cmaf_packager_get_wanted_keyframe (packager, &time);
  g_autoptr (GstPad) pad =
      name != NULL ? gst_element_get_static_pad (element, name) : NULL;
  if (pad == NULL)
    return;
  GST_DEBUG_OBJECT (pad, "asking for a keyframe at %" GST_TIME_FORMAT,
      GST_TIME_ARGS (time));
  gst_pad_push_event (pad,
      gst_video_event_new_upstream_force_key_unit (time, TRUE, 0));
}
