/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* failoverswitch between inputs of the test's own. A viewer would notice: a
 * picture that stands still while another input is there, one that cannot be
 * decoded after a change, time that jumps, or a stream that ends too early. */
#include <unistd.h>

#include <gst/check/gstcheck.h>

#include "source/source-event.h"

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

static GstFlowReturn
on_buffer (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  g_async_queue_push (g_object_get_data (G_OBJECT (pad), "items"), buffer);
  return GST_FLOW_OK;
}

static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  g_async_queue_push (g_object_get_data (G_OBJECT (pad), "items"), event);
  return TRUE;
}

static void
open_out (Out *out, const gchar *name)
{
  out->items = g_async_queue_new_full ((GDestroyNotify) gst_mini_object_unref);
  out->pad = gst_pad_new_from_static_template (&any_template, name);
  g_object_set_data (G_OBJECT (out->pad), "items", out->items);
  gst_pad_set_chain_function (out->pad, on_buffer);
  gst_pad_set_event_function (out->pad, on_event);
  gst_pad_set_active (out->pad, TRUE);
}

static void
on_pad_added (GstElement *element, GstPad *pad, Bench *bench)
{
  Out *out = g_str_has_prefix (GST_PAD_NAME (pad), "video") ? &bench->video
                                                            : &bench->audio;

  if (GST_PAD_IS_SINK (pad))
    return;
  fail_unless_equals_int (gst_pad_link (pad, out->pad), GST_PAD_LINK_OK);
}

static void
on_no_more_pads (GstElement *element, Bench *bench)
{
  g_atomic_int_inc (&bench->no_more_pads);
}

static void
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

static void
bench_play (Bench *bench)
{
  fail_unless (gst_element_set_state (bench->element, GST_STATE_PLAYING) !=
      GST_STATE_CHANGE_FAILURE);
}

static void
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
static GstBuffer *
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

static void
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
static void
expect_frame (Out *out, guint ms, guint at_ms, gboolean is_discont)
{
  g_autoptr (GstBuffer) buffer = take (out, NULL);

  fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), ms);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), at_ms * MS);
  fail_unless_equals_int (GST_BUFFER_IS_DISCONT (buffer), is_discont);
}

static void
expect_nothing (Out *out)
{
  fail_unless_equals_int (g_async_queue_length (out->items), 0);
}

static gint
get_active (Bench *bench)
{
  gint active;

  g_object_get (bench->element, "active", &active, NULL);
  return active;
}

/* The next message of a change. */
static void
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

static GstPad *
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

static Input
input_open (Bench *bench, guint priority, const gchar *video,
    const gchar *audio)
{
  return (Input){
    .video = video ? open_in (bench, "sink_video_%u", priority, video) : NULL,
    .audio = audio ? open_in (bench, "sink_audio_%u", priority, audio) : NULL,
  };
}

static void
close_in (Bench *bench, GstPad *pad)
{
  if (!pad)
    return;
  g_autoptr (GstPad) sink = gst_pad_get_peer (pad);
  gst_pad_unlink (pad, sink);
  gst_element_release_request_pad (bench->element, sink);
  gst_object_unref (pad);
}

static void
input_close (Bench *bench, Input *input)
{
  close_in (bench, input->video);
  close_in (bench, input->audio);
}

static GstFlowReturn
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

static void
push_video (Input *input, guint ms, gboolean key)
{
  fail_unless_equals_int (push_frame (input->video, ms, 40, key), GST_FLOW_OK);
}

static void
push_audio (Input *input, guint ms)
{
  fail_unless_equals_int (push_frame (input->audio, ms, 20, TRUE), GST_FLOW_OK);
}

static void
lose (Input *input)
{
  gst_pad_push_event (input->video, mill_source_event_new_lost ("gone"));
  if (input->audio)
    gst_pad_push_event (input->audio, mill_source_event_new_lost ("gone"));
}

static void
end (Input *input)
{
  if (input->video)
    gst_pad_push_event (input->video, gst_event_new_eos ());
  if (input->audio)
    gst_pad_push_event (input->audio, gst_event_new_eos ());
}

/* ---- changes ---- */

GST_START_TEST (test_loss)
{
  Bench bench;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);
  Input b = input_open (&bench, 1, VIDEO_A, NULL);

  push_video (&a, 1000, TRUE);
  push_video (&b, 1000, TRUE);
  push_video (&a, 1040, FALSE);
  push_video (&b, 1040, FALSE);
  expect_video (&bench, 1000, 1000, TRUE);
  expect_video (&bench, 1040, 1040, FALSE);
  fail_unless_equals_int (get_active (&bench), 0);
  lose (&a);
  /* What was under way when it went: not shown, nor what it is shown from. */
  push_video (&a, 1080, FALSE);
  expect_nothing (&bench.video);
  /* At once, from the keyframe on that it has kept, right after the end. */
  push_video (&b, 1080, FALSE);
  expect_video (&bench, 1000, 1080, FALSE);
  expect_video (&bench, 1040, 1120, FALSE);
  expect_video (&bench, 1080, 1160, FALSE);
  push_video (&b, 1120, FALSE);
  expect_video (&bench, 1120, 1200, FALSE);
  expect_switch (&bench, -2, 0, "start");
  expect_switch (&bench, 0, 1, "loss");
  fail_unless_equals_int (get_active (&bench), 1);

  /* Back at a keyframe of the better one, not before, and without a gap: to
   * whoever decodes, two encoders that are set alike are one. */
  push_video (&a, 1160, TRUE);
  expect_video (&bench, 1160, 1240, FALSE);
  push_video (&b, 1160, FALSE);
  push_video (&a, 1200, FALSE);
  expect_video (&bench, 1200, 1280, FALSE);
  expect_switch (&bench, 1, 0, "recovery");
  expect_nothing (&bench.video);
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

GST_START_TEST (test_recovery_waits_for_keyframe)
{
  Bench bench;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);
  Input b = input_open (&bench, 1, VIDEO_A, NULL);

  push_video (&b, 1000, TRUE);
  expect_video (&bench, 1000, 1000, TRUE);
  g_object_set (bench.element, "recovery-ms", 60000, NULL);
  push_video (&a, 1000, TRUE);
  push_video (&a, 1040, TRUE);
  g_object_set (bench.element, "recovery-ms", 0, NULL);
  push_video (&a, 1080, FALSE);
  push_video (&b, 1040, FALSE);
  expect_video (&bench, 1040, 1040, FALSE);
  expect_nothing (&bench.video);
  push_video (&a, 1120, TRUE);
  expect_video (&bench, 1120, 1120, FALSE);
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

/* The socket stays open, and nothing comes. */
GST_START_TEST (test_stall)
{
  Bench bench;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, AUDIO);
  Input b = input_open (&bench, 1, VIDEO_A, AUDIO);
  guint ms = 2000;
  guint64 last_video = 0;
  guint64 last_audio = 0;

  push_video (&a, ms, TRUE);
  push_audio (&a, ms);
  push_video (&b, ms, TRUE);
  push_audio (&b, ms);
  gint64 began_us = g_get_monotonic_time ();
  while (get_active (&bench) != 1) {
    ms += 10;
    fail_unless (ms < 2000 + 10 * 1000);
    push_audio (&b, ms);
    push_video (&b, ms, FALSE);
    g_usleep (5000);
  }
  gint64 took_ms = (g_get_monotonic_time () - began_us) / 1000;
  fail_unless (took_ms >= 195, "switched after %d ms", (gint) took_ms);
  fail_unless (took_ms < 1000, "switched after %d ms", (gint) took_ms);
  expect_switch (&bench, -2, 0, "start");
  expect_switch (&bench, 0, 1, "stall");
  /* Both tracks go on without going back, and together. */
  while (g_async_queue_length (bench.video.items) > 0) {
    g_autoptr (GstBuffer) buffer = take (&bench.video, NULL);
    fail_unless (GST_BUFFER_DTS (buffer) > last_video);
    last_video = GST_BUFFER_DTS (buffer);
  }
  while (g_async_queue_length (bench.audio.items) > 0) {
    g_autoptr (GstBuffer) buffer = take (&bench.audio, NULL);
    fail_unless (GST_BUFFER_PTS (buffer) > last_audio);
    last_audio = GST_BUFFER_PTS (buffer);
  }
  fail_unless_equals_uint64 (last_video, last_audio);
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

/* A fifth of the pictures, sent in time with those of the backup. */
GST_START_TEST (test_low_framerate)
{
  Bench bench;
  bench_open (&bench);
  g_object_set (bench.element, "min-framerate-percent", 50,
      "framerate-window-ms", 600, "stall-timeout-ms", 5000, "recovery-ms",
      60000, NULL);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);
  Input b = input_open (&bench, 1, VIDEO_A, NULL);
  gint64 began_us = g_get_monotonic_time ();
  gint64 slow_us = 0;
  guint n = 0;

  while (get_active (&bench) != 1) {
    gint64 now_us = g_get_monotonic_time ();
    guint ms = (guint) ((now_us - began_us) / 1000);
    fail_unless (ms < 15000, "a slow input was never left");
    if (ms > 1500 && slow_us == 0)
      slow_us = now_us;
    if (slow_us == 0 || n % 5 == 0)
      push_video (&a, 1000 + ms, n % 5 == 0);
    push_video (&b, 1000 + ms, n % 25 == 0);
    n++;
    g_usleep (40000);
  }
  fail_unless (slow_us > 0, "left while it was not slow");
  expect_switch (&bench, -2, 0, "start");
  expect_switch (&bench, 0, 1, "framerate");
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

/* One that comes and goes is not shown before it has been there for a while. */
GST_START_TEST (test_flapping)
{
  Bench bench;
  bench_open (&bench);
  g_object_set (bench.element, "recovery-ms", 60000, NULL);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);
  Input b = input_open (&bench, 1, VIDEO_A, NULL);

  push_video (&a, 1000, TRUE);
  for (guint i = 0; i < 20; i++) {
    lose (&a);
    push_video (&b, 1040 + i * 40, i % 5 == 0);
    push_video (&a, 1040 + i * 40, TRUE);
  }
  fail_unless_equals_int (get_active (&bench), 1);
  expect_switch (&bench, -2, 0, "start");
  expect_switch (&bench, 0, 1, "loss");
  fail_if (gst_bus_have_pending (bench.bus));
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

/* New caps where they differ, before the first frame they are for; none where
 * they do not. */
GST_START_TEST (test_caps)
{
  Bench bench;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);
  Input b = input_open (&bench, 1, VIDEO_B, NULL);
  g_autofree gchar *caps = NULL;

  push_video (&a, 1000, TRUE);
  gst_buffer_unref (take (&bench.video, &caps));
  fail_unless (strstr (caps, "width=(int)320") != NULL, "%s", caps);
  end (&a);
  push_video (&b, 1040, TRUE);
  g_autoptr (GstBuffer) other = take (&bench.video, &caps);
  fail_unless (strstr (caps, "width=(int)640") != NULL, "%s", caps);
  fail_unless (GST_BUFFER_IS_DISCONT (other));
  push_video (&b, 1080, FALSE);
  g_clear_pointer (&caps, g_free);
  gst_buffer_unref (take (&bench.video, &caps));
  fail_unless (caps == NULL);
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

GST_START_TEST (test_audio_only)
{
  Bench bench;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, NULL, AUDIO);
  Input b = input_open (&bench, 1, NULL, AUDIO);

  push_audio (&a, 1000);
  push_audio (&b, 1000);
  push_audio (&b, 1020);
  expect_frame (&bench.audio, 1000, 1000, TRUE);
  end (&a);
  push_audio (&b, 1040);
  expect_frame (&bench.audio, 1040, 1040, FALSE);
  push_audio (&b, 1060);
  expect_frame (&bench.audio, 1060, 1060, FALSE);
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

GST_START_TEST (test_operator)
{
  Bench bench;
  gboolean done;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);
  Input b = input_open (&bench, 1, VIDEO_A, NULL);

  push_video (&a, 1000, TRUE);
  g_signal_emit_by_name (bench.element, "switch", 7, &done);
  fail_if (done);
  push_video (&b, 1000, TRUE);
  g_signal_emit_by_name (bench.element, "switch", 1, &done);
  fail_unless (done);
  push_video (&b, 1040, FALSE);
  fail_unless_equals_int (get_active (&bench), 0);
  push_video (&b, 1080, TRUE);
  fail_unless_equals_int (get_active (&bench), 1);
  /* It stays, until it is let go. */
  push_video (&a, 1120, TRUE);
  fail_unless_equals_int (get_active (&bench), 1);
  g_signal_emit_by_name (bench.element, "switch", -1, &done);
  fail_unless (done);
  push_video (&a, 1160, TRUE);
  fail_unless_equals_int (get_active (&bench), 0);
  expect_switch (&bench, -2, 0, "start");
  expect_switch (&bench, 0, 1, "operator");
  expect_switch (&bench, 1, 0, "recovery");
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

/* ---- the end ---- */

GST_START_TEST (test_end)
{
  Bench bench;
  bench_open (&bench);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, AUDIO);
  Input b = input_open (&bench, 1, VIDEO_A, AUDIO);

  push_video (&a, 1000, TRUE);
  push_audio (&a, 1000);
  push_video (&b, 1000, TRUE);
  end (&a);
  fail_if (GST_PAD_IS_EOS (bench.video.pad));
  end (&b);
  wait_eos (&bench.video);
  wait_eos (&bench.audio);
  fail_unless_equals_int (push_frame (b.video, 1040, 40, TRUE), GST_FLOW_EOS);
  input_close (&bench, &a);
  input_close (&bench, &b);
  bench_close (&bench);
}
GST_END_TEST;

/* Without a slate, a stream whose inputs are away waits, and ends in time. */
GST_START_TEST (test_timeout)
{
  Bench bench;
  bench_open (&bench);
  g_object_set (bench.element, "slate-timeout-ms", 300, NULL);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, NULL);

  push_video (&a, 1000, TRUE);
  wait_eos (&bench.video);
  input_close (&bench, &a);
  bench_close (&bench);
}
GST_END_TEST;

/* ---- slate ---- */

static gchar *
make_file (const gchar *chain)
{
  g_autofree gchar *path = NULL;
  gint fd = g_file_open_tmp ("millslate-XXXXXX", &path, NULL);
  g_autofree gchar *text = g_strdup_printf (
      "videotestsrc pattern=smpte num-buffers=%s ! filesink location=%s", chain,
      path);
  g_autoptr (GstElement) pipeline = gst_parse_launch (text, NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  close (fd);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
      WAIT_US * GST_USECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return g_steal_pointer (&path);
}

static void
wait_slate (Bench *bench, const gchar *state, Input *keep, guint *ms)
{
  for (guint i = 0; i < 2000; i++) {
    g_autoptr (GstStructure) stats = NULL;
    g_object_get (bench->element, "stats", &stats, NULL);
    if (g_strcmp0 (gst_structure_get_string (stats, "slate"), state) == 0)
      return;
    *ms += 10;
    push_video (keep, *ms, *ms % 500 == 0);
    push_audio (keep, *ms);
    g_usleep (10000);
  }
  fail ("the slate is not %s", state);
}

/* Pictures of a slate follow each other at the frame rate of the input, from
 * the end of what was shown on, each second round with an IDR at its start. */
static guint64
check_slate_video (Bench *bench, guint64 end, guint n_frames)
{
  guint n_keys = 0;

  for (guint i = 0; i < n_frames; i++) {
    g_autoptr (GstBuffer) buffer = take (&bench->video, NULL);
    GstClockTimeDiff apart = GST_BUFFER_PTS (buffer) - end;
    fail_unless (ABS (apart) <= (GstClockTimeDiff) MS,
        "%" GST_STIME_FORMAT " apart at %u", GST_STIME_ARGS (apart), i);
    n_keys += !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    end = GST_BUFFER_PTS (buffer) + 40 * MS;
  }
  fail_unless_equals_int (n_keys, (n_frames + 49) / 50);
  return end;
}

static void
run_slate (const gchar *chain)
{
  Bench bench;
  g_autofree gchar *path = make_file (chain);
  guint ms = 1000;
  g_autofree gchar *caps = NULL;

  bench_open (&bench);
  g_object_set (bench.element, "slate", path, "slate-timeout-ms", 3000, NULL);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, AUDIO);
  push_video (&a, ms, TRUE);
  push_audio (&a, ms);
  wait_slate (&bench, "ready", &a, &ms);
  fail_unless_equals_int (g_atomic_int_get (&bench.no_more_pads), 1);
  expect_switch (&bench, -2, 0, "start");
  lose (&a);
  expect_switch (&bench, 0, -1, "loss");
  fail_unless_equals_int (get_active (&bench), -1);
  /* The last of the input: what follows is the slate. */
  guint64 video_end = 0;
  for (;;) {
    g_autoptr (GstBuffer) buffer = take (&bench.video, &caps);
    if (GST_BUFFER_PTS (buffer) != ms * MS &&
        gst_buffer_get_size (buffer) == 16)
      continue;
    if (gst_buffer_get_size (buffer) == 16) {
      video_end = GST_BUFFER_PTS (buffer) + 40 * MS;
      break;
    }
  }
  guint64 slate_end = check_slate_video (&bench, video_end, 55);

  /* Somebody is back: at once, after the slate. */
  push_video (&a, ms + 5000, TRUE);
  push_audio (&a, ms + 5000);
  expect_switch (&bench, -1, 0, "recovery");
  guint64 last = slate_end - 40 * MS;
  for (gboolean is_back = FALSE; !is_back;) {
    g_autoptr (GstBuffer) buffer = take (&bench.video, NULL);
    fail_unless (GST_BUFFER_PTS (buffer) > last);
    last = GST_BUFFER_PTS (buffer);
    is_back = gst_buffer_get_size (buffer) == 16;
  }
  lose (&a);
  expect_switch (&bench, 0, -1, "loss");
  wait_eos (&bench.video);
  wait_eos (&bench.audio);
  input_close (&bench, &a);
  bench_close (&bench);
  unlink (path);
}

GST_START_TEST (test_slate_png)
{
  run_slate ("1 ! video/x-raw,width=400,height=300 ! pngenc");
}
GST_END_TEST;

GST_START_TEST (test_slate_jpeg)
{
  run_slate ("1 ! video/x-raw,width=401,height=99 ! jpegenc");
}
GST_END_TEST;

/* A film of 1 s with B-frames, looped: in its own caps; decoding never goes
 * back. */
GST_START_TEST (test_slate_film)
{
  Bench bench;
  g_autofree gchar *path = make_file (
      "30 ! video/x-raw,width=64,height=64 ! x264enc ! mp4mux name=m "
      "audiotestsrc num-buffers=47 samplesperbuffer=1024 ! avenc_aac ! m. "
      "m.");
  g_autofree gchar *caps = NULL;
  guint ms = 1000;
  guint64 last = 0;

  bench_open (&bench);
  g_object_set (bench.element, "slate", path, NULL);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, AUDIO);
  push_video (&a, ms, TRUE);
  push_audio (&a, ms);
  wait_slate (&bench, "ready", &a, &ms);
  lose (&a);
  expect_switch (&bench, -2, 0, "start");
  expect_switch (&bench, 0, -1, "loss");
  for (guint n = 0; n < 65;) {
    g_autoptr (GstBuffer) buffer = take (&bench.video, &caps);
    fail_unless (GST_BUFFER_DTS (buffer) > last);
    last = GST_BUFFER_DTS (buffer);
    n += gst_buffer_get_size (buffer) != 16;
  }
  fail_unless (strstr (caps, "width=(int)64") != NULL, "%s", caps);
  input_close (&bench, &a);
  bench_close (&bench);
  unlink (path);
}
GST_END_TEST;

/* Before the first input only where it is wanted so. */
GST_START_TEST (test_slate_at_start)
{
  Bench bench;
  g_autofree gchar *path =
      make_file ("1 ! video/x-raw,width=400,height=300 ! pngenc");
  g_autofree gchar *caps = NULL;

  bench_open (&bench);
  g_object_set (bench.element, "slate", path, "slate-at-start", TRUE, NULL);
  bench_play (&bench);
  gst_buffer_unref (take (&bench.video, &caps));
  fail_unless (strstr (caps, "width=(int)1280") != NULL, "%s", caps);
  gst_buffer_unref (take (&bench.audio, NULL));
  bench_close (&bench);
  unlink (path);
}
GST_END_TEST;

/* A slate that cannot be shown is told once, and costs nothing else. */
GST_START_TEST (test_slate_missing)
{
  Bench bench;
  guint ms = 1000;
  g_autoptr (GError) error = NULL;

  bench_open (&bench);
  g_object_set (bench.element, "slate", "/nonexistent/slate.png", NULL);
  bench_play (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, AUDIO);
  push_video (&a, ms, TRUE);
  push_audio (&a, ms);
  wait_slate (&bench, "failed", &a, &ms);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bench.bus,
      WAIT_US * GST_USECOND, GST_MESSAGE_WARNING);
  fail_unless (message != NULL);
  gst_message_parse_warning (message, &error, NULL);
  fail_unless (g_str_has_prefix (error->message,
                   "slate '/nonexistent/slate.png': "),
      "%s", error->message);
  input_close (&bench, &a);
  bench_close (&bench);
}
GST_END_TEST;

/* ---- life ---- */

GST_START_TEST (test_states)
{
  Bench bench;
  bench_open (&bench);
  Input a = input_open (&bench, 0, VIDEO_A, AUDIO);

  for (guint i = 0; i < 2; i++) {
    bench_play (&bench);
    gst_pad_push_event (a.video, gst_event_new_flush_start ());
    gst_pad_push_event (a.video, gst_event_new_flush_stop (TRUE));
    g_autoptr (GstCaps) caps = gst_caps_from_string (VIDEO_A);
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_pad_push_event (a.video, gst_event_new_stream_start ("x"));
    gst_pad_push_event (a.video, gst_event_new_caps (caps));
    gst_pad_push_event (a.video, gst_event_new_segment (&segment));
    push_video (&a, 1000, TRUE);
    gst_buffer_unref (take (&bench.video, NULL));
    gst_element_set_state (bench.element, GST_STATE_NULL);
    fail_unless_equals_int (bench.element->numsrcpads, 0);
    fail_unless_equals_int (get_active (&bench), -2);
  }
  input_close (&bench, &a);
  bench_close (&bench);
}
GST_END_TEST;

GST_START_TEST (test_contract)
{
  Bench bench;
  guint number;
  gchar *slate;
  bench_open (&bench);
  g_autoptr (GstElement) fresh =
      gst_element_factory_make ("failoverswitch", NULL);
  gst_object_ref_sink (fresh);

  g_object_get (fresh, "stall-timeout-ms", &number, NULL);
  fail_unless_equals_int (number, 700);
  g_object_get (fresh, "min-framerate-percent", &number, NULL);
  fail_unless_equals_int (number, 50);
  g_object_get (fresh, "recovery-ms", &number, NULL);
  fail_unless_equals_int (number, 5000);
  g_object_get (fresh, "slate-timeout-ms", &number, NULL);
  fail_unless_equals_int (number, 300000);
  g_object_get (fresh, "slate", &slate, NULL);
  fail_unless (slate == NULL);
  g_autoptr (GstPad) pad_a =
      gst_element_request_pad_simple (bench.element, "sink_video_%u");
  g_autoptr (GstPad) pad_b =
      gst_element_request_pad_simple (bench.element, "sink_video_%u");
  fail_unless_equals_string (GST_PAD_NAME (pad_a), "sink_video_0");
  fail_unless_equals_string (GST_PAD_NAME (pad_b), "sink_video_1");
  gst_element_release_request_pad (bench.element, pad_a);
  gst_element_release_request_pad (bench.element, pad_b);
  bench_close (&bench);
}
GST_END_TEST;

static Suite *
failoverswitch_suite (void)
{
  Suite *suite = suite_create ("failoverswitch");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_contract);
  tcase_add_test (tcase, test_loss);
  tcase_add_test (tcase, test_recovery_waits_for_keyframe);
  tcase_add_test (tcase, test_stall);
  tcase_add_test (tcase, test_low_framerate);
  tcase_add_test (tcase, test_flapping);
  tcase_add_test (tcase, test_caps);
  tcase_add_test (tcase, test_audio_only);
  tcase_add_test (tcase, test_operator);
  tcase_add_test (tcase, test_end);
  tcase_add_test (tcase, test_timeout);
  tcase_add_test (tcase, test_slate_png);
  tcase_add_test (tcase, test_slate_jpeg);
  tcase_add_test (tcase, test_slate_film);
  tcase_add_test (tcase, test_slate_at_start);
  tcase_add_test (tcase, test_slate_missing);
  tcase_add_test (tcase, test_states);
  return suite;
}

GST_CHECK_MAIN (failoverswitch);
