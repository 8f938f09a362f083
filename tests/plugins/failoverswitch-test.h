/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/check/gstcheck.h>

#include "source/source-event.h"

/* A failoverswitch between inputs of the test's own, and what comes out of it. */

#define WAIT_US (20 * G_TIME_SPAN_SECOND)
#define MS GST_MSECOND

#define VIDEO_A                                                            \
  "video/x-h264, stream-format=avc, alignment=au, width=320, height=180, " \
  "framerate=25/1, profile=high, codec_data=(buffer)01640014"
#define VIDEO_B                                                            \
  "video/x-h264, stream-format=avc, alignment=au, width=640, height=360, " \
  "framerate=25/1, profile=high, codec_data=(buffer)01640015"
#define AUDIO                                                               \
  "audio/mpeg, mpegversion=4, stream-format=raw, framed=true, rate=48000, " \
  "channels=2, codec_data=(buffer)1190"

/* What came out of one pad, in order. */
typedef struct
{
  GstPad *pad;
  GAsyncQueue *items; /* (element-type GstMiniObject) */
  guint64 start; /* of the segment */
} Out;

typedef struct
{
  GstElement *element;
  GstBus *bus;
  Out video;
  Out audio;
  gint no_more_pads; /* atomic */
} Bench;

typedef struct
{
  GstPad *video; /* nullable */
  GstPad *audio; /* nullable */
} Input;

static GstStaticPadTemplate any_template = GST_STATIC_PAD_TEMPLATE ("any",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

/* ---- what comes out ---- */

G_GNUC_UNUSED static GstFlowReturn
on_buffer (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  g_async_queue_push (g_object_get_data (G_OBJECT (pad), "items"), buffer);
  return GST_FLOW_OK;
}

G_GNUC_UNUSED static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  g_async_queue_push (g_object_get_data (G_OBJECT (pad), "items"), event);
  return TRUE;
}

G_GNUC_UNUSED static void
open_out (Out *out, const gchar *name)
{
  out->items = g_async_queue_new_full ((GDestroyNotify) gst_mini_object_unref);
  out->pad = gst_pad_new_from_static_template (&any_template, name);
  g_object_set_data (G_OBJECT (out->pad), "items", out->items);
  gst_pad_set_chain_function (out->pad, on_buffer);
  gst_pad_set_event_function (out->pad, on_event);
  gst_pad_set_active (out->pad, TRUE);
}

G_GNUC_UNUSED static void
on_pad_added (GstElement *element, GstPad *pad, Bench *bench)
{
  Out *out = g_str_has_prefix (GST_PAD_NAME (pad), "video") ? &bench->video
                                                            : &bench->audio;

  if (GST_PAD_IS_SINK (pad))
    return;
  fail_unless_equals_int (gst_pad_link (pad, out->pad), GST_PAD_LINK_OK);
}

G_GNUC_UNUSED static void
on_no_more_pads (GstElement *element, Bench *bench)
{
  g_atomic_int_inc (&bench->no_more_pads);
}

G_GNUC_UNUSED static void
bench_open (Bench *bench)
{
  *bench =
      (Bench){ .element = gst_element_factory_make ("failoverswitch", NULL) };
  fail_unless (bench->element);
  gst_object_ref_sink (bench->element);
  bench->bus = gst_bus_new ();
  gst_element_set_bus (bench->element, bench->bus);
  open_out (&bench->video, "video");
  open_out (&bench->audio, "audio");
  g_signal_connect (bench->element, "pad-added", G_CALLBACK (on_pad_added),
      bench);
  g_signal_connect (bench->element, "no-more-pads",
      G_CALLBACK (on_no_more_pads), bench);
  g_object_set (bench->element, "stall-timeout-ms", 200, "recovery-ms", 0,
      "min-framerate-percent", 0, NULL);
}

G_GNUC_UNUSED static void
bench_play (Bench *bench)
{
  fail_unless (gst_element_set_state (bench->element, GST_STATE_PLAYING) !=
      GST_STATE_CHANGE_FAILURE);
}

G_GNUC_UNUSED static void
bench_close (Bench *bench)
{
  gst_element_set_bus (bench->element, NULL);
  gst_element_set_state (bench->element, GST_STATE_NULL);
  g_async_queue_unref (bench->video.items);
  g_async_queue_unref (bench->audio.items);
  gst_object_unref (bench->video.pad);
  gst_object_unref (bench->audio.pad);
  gst_object_unref (bench->bus);
  gst_object_unref (bench->element);
}

/* Returns: (transfer full): the next buffer; events before it are passed over,
 * the last caps of which are kept in @ret_caps */
G_GNUC_UNUSED static GstBuffer *
take (Out *out, gchar **ret_caps)
{
  for (;;) {
    GstMiniObject *item = g_async_queue_timeout_pop (out->items, WAIT_US);
    fail_unless (item != NULL, "nothing came out in time");
    if (GST_IS_BUFFER (item)) {
      GstBuffer *buffer = gst_buffer_make_writable (GST_BUFFER (item));
      /* To running time. */
      GST_BUFFER_PTS (buffer) -= out->start;
      if (GST_BUFFER_DTS_IS_VALID (buffer))
        GST_BUFFER_DTS (buffer) -= out->start;
      return buffer;
    }
    if (GST_EVENT_TYPE (item) == GST_EVENT_SEGMENT) {
      const GstSegment *segment;
      gst_event_parse_segment (GST_EVENT (item), &segment);
      out->start = segment->start;
    }
    if (ret_caps && GST_EVENT_TYPE (item) == GST_EVENT_CAPS) {
      GstCaps *caps;
      gst_event_parse_caps (GST_EVENT (item), &caps);
      g_free (*ret_caps);
      *ret_caps = gst_caps_to_string (caps);
    }
    gst_mini_object_unref (item);
  }
}

G_GNUC_UNUSED static void
wait_eos (Out *out)
{
  gboolean found = FALSE;

  while (!found) {
    GstMiniObject *item = g_async_queue_timeout_pop (out->items, WAIT_US);
    fail_unless (item != NULL, "no end of stream came in time");
    found = GST_IS_EVENT (item) && GST_EVENT_TYPE (item) == GST_EVENT_EOS;
    gst_mini_object_unref (item);
  }
}

/* The next picture is that of @ms of its input, shown at @at_ms. */
#define expect_video(bench, ms, at_ms, discont) \
  expect_frame (&(bench)->video, ms, at_ms, discont)
G_GNUC_UNUSED static void
expect_frame (Out *out, guint ms, guint at_ms, gboolean is_discont)
{
  g_autoptr (GstBuffer) buffer = take (out, NULL);

  fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), ms);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), at_ms * MS);
  fail_unless_equals_int (GST_BUFFER_IS_DISCONT (buffer), is_discont);
}

G_GNUC_UNUSED static void
expect_nothing (Out *out)
{
  fail_unless_equals_int (g_async_queue_length (out->items), 0);
}

G_GNUC_UNUSED static gint
get_active (Bench *bench)
{
  gint active;

  g_object_get (bench->element, "active", &active, NULL);
  return active;
}

/* The next message of a change. */
G_GNUC_UNUSED static void
expect_switch (Bench *bench, gint from, gint to, const gchar *reason)
{
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bench->bus,
      WAIT_US * GST_USECOND, GST_MESSAGE_ELEMENT);
  gint got_from;
  gint got_to;

  fail_unless (message != NULL);
  const GstStructure *structure = gst_message_get_structure (message);
  fail_unless (gst_structure_has_name (structure, "failover-switch"));
  fail_unless (gst_structure_get_int (structure, "from", &got_from));
  fail_unless (gst_structure_get_int (structure, "to", &got_to));
  fail_unless_equals_int (got_from, from);
  fail_unless_equals_int (got_to, to);
  fail_unless_equals_string (gst_structure_get_string (structure, "reason"),
      reason);
}

/* ---- what goes in ---- */

G_GNUC_UNUSED static GstPad *
open_in (Bench *bench, const gchar *template, guint priority,
    const gchar *caps_text)
{
  g_autoptr (GstPad) sink =
      gst_element_request_pad_simple (bench->element, template);
  g_autoptr (GstCaps) caps = gst_caps_from_string (caps_text);
  GstPad *pad = gst_pad_new (NULL, GST_PAD_SRC);
  GstSegment segment;

  fail_unless (sink != NULL);
  g_object_set (sink, "priority", priority, NULL);
  gst_pad_set_active (pad, TRUE);
  fail_unless_equals_int (gst_pad_link (pad, sink), GST_PAD_LINK_OK);
  gst_pad_push_event (pad, gst_event_new_stream_start (GST_PAD_NAME (pad)));
  gst_pad_push_event (pad, gst_event_new_caps (caps));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
  return pad;
}

G_GNUC_UNUSED static Input
input_open (Bench *bench, guint priority, const gchar *video,
    const gchar *audio)
{
  return (Input){
    .video = video ? open_in (bench, "sink_video_%u", priority, video) : NULL,
    .audio = audio ? open_in (bench, "sink_audio_%u", priority, audio) : NULL,
  };
}

G_GNUC_UNUSED static void
close_in (Bench *bench, GstPad *pad)
{
  if (!pad)
    return;
  g_autoptr (GstPad) sink = gst_pad_get_peer (pad);
  gst_pad_unlink (pad, sink);
  gst_element_release_request_pad (bench->element, sink);
  gst_object_unref (pad);
}

G_GNUC_UNUSED static void
input_close (Bench *bench, Input *input)
{
  close_in (bench, input->video);
  close_in (bench, input->audio);
}

G_GNUC_UNUSED static GstFlowReturn
push_frame (GstPad *pad, guint ms, guint duration_ms, gboolean key)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 16, NULL);

  GST_BUFFER_PTS (buffer) = ms * MS;
  GST_BUFFER_DTS (buffer) = ms * MS;
  GST_BUFFER_DURATION (buffer) = duration_ms * MS;
  GST_BUFFER_OFFSET (buffer) = ms;
  if (!key)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return gst_pad_push (pad, buffer);
}

G_GNUC_UNUSED static void
push_video (Input *input, guint ms, gboolean key)
{
  fail_unless_equals_int (push_frame (input->video, ms, 40, key), GST_FLOW_OK);
}

G_GNUC_UNUSED static void
push_audio (Input *input, guint ms)
{
  fail_unless_equals_int (push_frame (input->audio, ms, 20, TRUE), GST_FLOW_OK);
}

G_GNUC_UNUSED static void
lose (Input *input)
{
  gst_pad_push_event (input->video, mill_source_event_new_lost ("gone"));
  if (input->audio)
    gst_pad_push_event (input->audio, mill_source_event_new_lost ("gone"));
}

G_GNUC_UNUSED static void
end (Input *input)
{
  if (input->video)
    gst_pad_push_event (input->video, gst_event_new_eos ());
  if (input->audio)
    gst_pad_push_event (input->audio, gst_event_new_eos ());
}
