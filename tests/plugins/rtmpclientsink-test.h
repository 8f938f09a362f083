/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <string.h>

#include <gst/check/gstcheck.h>

#include "rtmp-target.h"

#define AVCC                                                                   \
  "0164001effe100196764001eacd940a02ff9610000030001000003003c0f162d9601000468" \
  "efbcb0fdf8f800"
#define VIDEO_CAPS                                                         \
  "video/x-h264, stream-format=avc, alignment=au, width=640, height=360, " \
  "framerate=30/1, codec_data=(buffer)" AVCC
#define AUDIO_CAPS                                                         \
  "audio/mpeg, mpegversion=4, stream-format=raw, rate=48000, channels=2, " \
  "codec_data=(buffer)1190"

#define DEADLINE_US (20 * G_USEC_PER_SEC)
#define FRAME_MS 33
#define GOP 10

/* ---- an element with a source pad of the test on each of its pads ---- */

typedef struct
{
  GstElement *element;
  GstBus *bus;
  GstPad *sources[2]; /* video, audio */
  GPtrArray *news; /* of gchar: "state reason", as they came */
} Relay;

static inline GstPad *
add_source (GstElement *element, const gchar *name, const gchar *caps_text)
{
  g_autoptr (GstPad) sink = gst_element_request_pad_simple (element, name);
  GstPad *source = gst_pad_new (name, GST_PAD_SRC);
  g_autoptr (GstCaps) caps = gst_caps_from_string (caps_text);
  GstSegment segment;

  g_assert_nonnull (sink);
  gst_pad_set_active (source, TRUE);
  g_assert_cmpint (gst_pad_link (source, sink), ==, GST_PAD_LINK_OK);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  g_assert_true (gst_pad_push_event (source,
      gst_event_new_stream_start (name)));
  g_assert_true (gst_pad_push_event (source, gst_event_new_caps (caps)));
  g_assert_true (gst_pad_push_event (source, gst_event_new_segment (&segment)));
  return source;
}

/* To PLAYING; time-outs are those of a test. @properties: "name=value ..." */
static inline Relay *
relay_new (const gchar *location, const gchar *properties)
{
  Relay *self = g_new0 (Relay, 1);
  g_autofree gchar *text =
      g_strdup_printf ("rtmpclientsink name=relay reconnect-backoff-min-ms=20 "
                       "reconnect-backoff-max-ms=100 %s",
          properties);

  self->element = gst_parse_launch (text, NULL);
  g_assert_nonnull (self->element);
  g_object_set (self->element, "location", location, NULL);
  self->bus = gst_bus_new ();
  self->news = g_ptr_array_new_with_free_func (g_free);
  gst_element_set_bus (self->element, self->bus);
  g_assert_cmpint (gst_element_set_state (self->element, GST_STATE_PLAYING), ==,
      GST_STATE_CHANGE_SUCCESS);
  self->sources[0] = add_source (self->element, "video_0", VIDEO_CAPS);
  self->sources[1] = add_source (self->element, "audio_0", AUDIO_CAPS);
  return self;
}

/* Of a target, with its own name for the stream. */
static inline Relay *
relay_to (Target *target, const gchar *properties)
{
  g_autofree gchar *location =
      g_strdup_printf ("rtmp://%s/live/demo", target_get_address (target));

  return relay_new (location, properties);
}

static inline void
relay_free (Relay *self)
{
  gst_element_set_state (self->element, GST_STATE_NULL);
  for (guint i = 0; i < 2; i++) {
    gst_pad_set_active (self->sources[i], FALSE);
    gst_object_unref (self->sources[i]);
  }
  gst_element_set_bus (self->element, NULL);
  gst_object_unref (self->element);
  gst_object_unref (self->bus);
  g_ptr_array_unref (self->news);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Relay, relay_free)

static inline GstFlowReturn
push (GstPad *source, guint64 ms, gboolean is_key, gsize size, guint8 number)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (buffer, 0, number, size);
  GST_BUFFER_DTS (buffer) = ms * GST_MSECOND;
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer);
  if (!is_key)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return gst_pad_push (source, buffer);
}

/* The nth picture and a sound of the same time. Nothing may hold this up. */
static inline void
relay_push (Relay *self, guint n, gsize size)
{
  gint64 start_us = g_get_monotonic_time ();

  g_assert_cmpint (push (self->sources[0], 5000 + n * FRAME_MS, n % GOP == 0,
                       size, n),
      ==, GST_FLOW_OK);
  g_assert_cmpint (push (self->sources[1], 5000 + n * FRAME_MS, TRUE, 200, n),
      ==, GST_FLOW_OK);
  g_assert_cmpint (g_get_monotonic_time () - start_us, <, DEADLINE_US);
}

static inline GstStructure *
get_stats (Relay *self)
{
  GstStructure *stats;

  g_object_get (self->element, "stats", &stats, NULL);
  return stats;
}

static inline guint64
get_stat (Relay *self, const gchar *name)
{
  g_autoptr (GstStructure) stats = get_stats (self);
  guint64 number = 0;
  guint small;

  if (gst_structure_get_uint (stats, name, &small))
    return small;
  g_assert_true (gst_structure_get_uint64 (stats, name, &number));
  return number;
}

static inline void
wait_stat (Relay *self, const gchar *name, guint64 at_least)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  while (get_stat (self, name) < at_least) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_thread_yield ();
  }
}

static inline gchar *
dup_stat (Relay *self, const gchar *name)
{
  g_autoptr (GstStructure) stats = get_stats (self);

  return g_strdup (gst_structure_get_string (stats, name));
}

/* Waits for the element's message of that state. Returns: its reason */
static inline gchar *
relay_wait_state (Relay *self, const gchar *state)
{
  for (;;) {
    g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (self->bus,
        20 * GST_SECOND, GST_MESSAGE_ELEMENT);
    if (!message)
      g_error ("the relay has not become '%s'", state);
    const GstStructure *news = gst_message_get_structure (message);
    if (!gst_structure_has_name (news, "rtmp-client-state"))
      continue;
    const gchar *now = gst_structure_get_string (news, "state");
    g_ptr_array_add (self->news, g_strdup (now));
    if (g_str_equal (now, state))
      return g_strdup (gst_structure_get_string (news, "reason"));
  }
}

/* Nothing but news of its state has come to the bus. */
static inline void
assert_no_error (Relay *self)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (self->bus,
      GST_MESSAGE_ERROR | GST_MESSAGE_WARNING | GST_MESSAGE_EOS);

  if (message)
    g_error ("got %" GST_PTR_FORMAT, message);
}

/* ---- what a target must have got ---- */

/* Every frame arrived once, in order, from a keyframe on, never going back, and
 * after what tells of the codec. */
static inline void
assert_whole (Target *target, guint n_frames)
{
  g_autoptr (GArray) messages = target_copy_messages (target);
  guint next[2] = { 0, 0 };
  guint32 last_ms[2] = { 0, 0 };
  gboolean has_config[2] = { FALSE, FALSE };

  for (guint i = 0; i < messages->len; i++) {
    const TargetMessage *message = &g_array_index (messages, TargetMessage, i);
    guint kind = message->is_video ? 0 : 1;
    has_config[kind] |= message->is_config;
    if (message->is_config)
      continue;
    g_assert_true (has_config[kind]);
    g_assert_cmpuint (message->number, ==, next[kind] & 0xff);
    g_assert_cmpuint (message->timestamp_ms, ==, next[kind] * FRAME_MS);
    g_assert_cmpuint (message->timestamp_ms, >=, last_ms[kind]);
    if (kind == 0)
      g_assert_cmpint (message->is_keyframe, ==, next[0] % GOP == 0);
    last_ms[kind] = message->timestamp_ms;
    next[kind]++;
  }
  g_assert_cmpuint (next[0], ==, n_frames);
  g_assert_cmpuint (next[1], ==, n_frames);
}

/* On each connection: configuration and keyframe first; over all of them time
 * stamps do not go back. */
static inline void
assert_clean_starts (Target *target)
{
  g_autoptr (GArray) messages = target_copy_messages (target);
  guint connection = 0;
  gboolean has_config = FALSE;
  gboolean has_keyframe = FALSE;
  guint32 last_ms = 0;

  for (guint i = 0; i < messages->len; i++) {
    const TargetMessage *message = &g_array_index (messages, TargetMessage, i);
    if (message->connection != connection)
      has_config = has_keyframe = FALSE;
    connection = message->connection;
    if (!message->is_video)
      continue;
    has_config |= message->is_config;
    has_keyframe |= !message->is_config && message->is_keyframe;
    g_assert_true (has_config);
    g_assert_true (has_keyframe || message->is_config);
    g_assert_cmpuint (message->timestamp_ms, >=, last_ms);
    last_ms = message->timestamp_ms;
  }
}
