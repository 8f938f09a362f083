/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What crosses the link besides frames. A user would notice: no picture after
 * an encoder changed its size, sound that never comes back, captions or HDR
 * lost, frames of before a seek, sound and picture apart by the latency. */
#include "link-test.h"

#include <gst/video/video.h>

#define OTHER_CAPS                                                    \
  "video/x-h264,stream-format=avc,alignment=au,width=128,height=128," \
  "codec_data=(buffer)0142c01f"

static gint
get_width (GstSample *sample)
{
  gint width = 0;
  gst_structure_get_int (gst_caps_get_structure (gst_sample_get_caps (sample),
                             0),
      "width", &width);
  return width;
}

/* New caps while it runs: each frame has its own; who comes late gets none of
 * the old ones. */
GST_START_TEST (test_new_caps)
{
  GstElement *producer = link_open_producer (TRUE, "video_0");
  GstElement *early = link_open_consumer (TRUE);
  g_autoptr (GstElement) source =
      gst_bin_get_by_name (GST_BIN (producer), "video_0");
  g_autoptr (GstCaps) caps = gst_caps_from_string (OTHER_CAPS);

  link_wait_stat (producer, "consumers", 1);
  for (guint i = 0; i < 5; i++)
    link_push (producer, "video_0", i, i == 0);
  gst_app_src_set_caps (GST_APP_SRC (source), caps);
  for (guint i = 5; i < 10; i++)
    link_push (producer, "video_0", i, i == 7);
  for (guint i = 0; i < 10; i++) {
    g_autoptr (GstSample) sample = link_pull_sample (early, "video_0");
    fail_unless (sample != NULL);
    fail_unless_equals_int (get_width (sample), i < 5 ? 64 : 128);
    fail_unless_equals_uint64 (GST_BUFFER_DTS (gst_sample_get_buffer (sample)),
        i * LINK_FRAME);
  }

  GstElement *late = link_open_consumer (TRUE);
  fail_unless_equals_int (link_pull (late, "video_0", NULL), 7);
  link_close (late);
  link_close (early);
  link_close (producer);
}
GST_END_TEST;

/* A new segment in a GOP: what was kept under the old one would come at the
 * wrong time. */
GST_START_TEST (test_new_segment)
{
  GstElement *producer = link_open_producer (TRUE, "video_0");
  g_autoptr (GstElement) source =
      gst_bin_get_by_name (GST_BIN (producer), "video_0");
  GstSegment segment;

  for (guint i = 0; i < 3; i++)
    link_push (producer, "video_0", i, i == 0);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.base = 3600 * GST_SECOND;
  for (guint i = 3; i < 6; i++) {
    g_autoptr (GstBuffer) buffer = link_make_buffer (i, 1000, i == 5);
    g_autoptr (GstSample) sample =
        gst_sample_new (buffer, NULL, &segment, NULL);
    gst_app_src_push_sample (GST_APP_SRC (source), sample);
  }
  link_wait_stat (producer, "buffers", 6);
  GstElement *late = link_open_consumer (TRUE);
  g_autoptr (GstSample) sample = link_pull_sample (late, "video_0");
  fail_unless (sample != NULL);
  GstClockTime pts = GST_BUFFER_PTS (gst_sample_get_buffer (sample));
  fail_unless_equals_uint64 (pts, 5 * LINK_FRAME + 7);
  fail_unless_equals_uint64 (
      gst_segment_to_running_time (gst_sample_get_segment (sample),
          GST_FORMAT_TIME, pts),
      3600 * GST_SECOND + pts);
  link_close (late);
  link_close (producer);
}
GST_END_TEST;

/* Three pads, a fourth later, and one that goes and comes back. */
GST_START_TEST (test_pads_come_and_go)
{
  GstElement *producer = link_open_producer (TRUE, "video_0 audio_0 text_0");
  GstElement *consumer = link_open_consumer (TRUE);
  static const gchar *names[] = { "video_0", "audio_0", "text_0", "audio_1" };

  for (guint i = 0; i < 3; i++) {
    link_push (producer, names[i], 0, TRUE);
    fail_unless_equals_int (link_pull (consumer, names[i], NULL), 0);
  }
  link_add_input (producer, names[3], LINK_AUDIO_CAPS);
  for (guint i = 0; i < 4; i++) {
    link_push (producer, names[i], 1, TRUE);
    fail_unless_equals_int (link_pull (consumer, names[i], NULL), 1);
  }
  for (guint round = 0; round < 3; round++) {
    gint64 deadline = g_get_monotonic_time () + LINK_WAIT / 1000;
    link_remove_input (producer, "audio_0");
    for (gboolean gone = FALSE; !gone;) {
      g_autoptr (GstElement) sink =
          gst_bin_get_by_name (GST_BIN (consumer), "audio_0");
      gone = sink == NULL;
      fail_unless (g_get_monotonic_time () < deadline);
    }
    link_push (producer, "video_0", 2 + round, FALSE);
    fail_unless_equals_int (link_pull (consumer, "video_0", NULL), 2 + round);
    link_add_input (producer, "audio_0", LINK_AUDIO_CAPS);
    link_push (producer, "audio_0", 2 + round, TRUE);
    fail_unless_equals_int (link_pull (consumer, "audio_0", NULL), 2 + round);
  }
  link_assert_quiet (consumer, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  link_close (consumer);
  link_close (producer);
}
GST_END_TEST;

static void
add_metas (GstBuffer *buffer)
{
  static const guint8 cea608[] = { 0x80, 0x94, 0x20 };
  g_autoptr (GstCaps) ntp = gst_caps_new_empty_simple ("timestamp/x-ntp");

  gst_buffer_add_video_caption_meta (buffer,
      GST_VIDEO_CAPTION_TYPE_CEA608_S334_1A, cea608, sizeof cea608);
  gst_buffer_add_video_time_code_meta_full (buffer, 30000, 1001, NULL,
      GST_VIDEO_TIME_CODE_FLAGS_DROP_FRAME, 1, 2, 3, 4, 0);
  gst_buffer_add_reference_timestamp_meta (buffer, ntp, 12345, 678);
}

static void
check_metas (GstBuffer *buffer)
{
  GstVideoCaptionMeta *caption = gst_buffer_get_video_caption_meta (buffer);
  fail_unless (caption != NULL);
  g_assert_cmpmem (caption->data, caption->size, "\x80\x94\x20", 3);
  GstVideoTimeCodeMeta *tc = gst_buffer_get_video_time_code_meta (buffer);
  fail_unless (tc != NULL);
  g_autofree gchar *text = gst_video_time_code_to_string (&tc->tc);
  fail_unless_equals_string (text, "01:02:03;04");
  GstReferenceTimestampMeta *reference =
      gst_buffer_get_reference_timestamp_meta (buffer, NULL);
  fail_unless (reference != NULL);
  fail_unless_equals_uint64 (reference->timestamp, 12345);
  fail_unless_equals_uint64 (reference->duration, 678);
}

/* Captions, time code, reference time and what the caps say of HDR, through
 * the socket and through a memfd. */
GST_START_TEST (test_metas)
{
  static const gsize sizes[] = { 1000, 200000 };
  GstElement *producer = link_open_producer (TRUE, "video_0");
  GstElement *consumer = link_open_consumer (TRUE);
  g_autoptr (GstCaps) wanted = gst_caps_from_string (LINK_VIDEO_CAPS);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    GstBuffer *buffer = link_make_buffer (i, sizes[i], TRUE);
    add_metas (buffer);
    link_push_buffer (producer, "video_0", buffer);
    g_autoptr (GstSample) sample = link_pull_sample (consumer, "video_0");
    fail_unless (sample != NULL);
    fail_unless_equals_uint64 (
        gst_buffer_get_size (gst_sample_get_buffer (sample)), sizes[i]);
    check_metas (gst_sample_get_buffer (sample));
    fail_unless (gst_caps_is_equal (gst_sample_get_caps (sample), wanted));
  }
  link_close (consumer);
  link_close (producer);
}
GST_END_TEST;

typedef struct
{
  GAsyncQueue *frames; /* of Shown */
  GAsyncQueue *turns;
} Show;

typedef struct
{
  GstClockTime stream_time;
  GstClockTime running_time;
  gboolean is_discont;
} Shown;

/* Tells of a frame and waits for its turn, as a sink does. */
static GstPadProbeReturn
on_show (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Show *show = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  g_autoptr (GstEvent) event =
      gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment;
  Shown *shown = g_new (Shown, 1);

  gst_event_parse_segment (event, &segment);
  shown->stream_time = gst_segment_to_stream_time (segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (buffer));
  shown->running_time = gst_segment_to_running_time (segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (buffer));
  shown->is_discont = GST_BUFFER_IS_DISCONT (buffer);
  g_async_queue_push (show->frames, shown);
  g_async_queue_timeout_pop (show->turns, LINK_WAIT / 1000);
  return GST_PAD_PROBE_OK;
}

static Shown
show_next (Show *show)
{
  g_autofree Shown *shown =
      g_async_queue_timeout_pop (show->frames, LINK_WAIT / 1000);
  g_assert_nonnull (shown);
  g_async_queue_push (show->turns, show);
  return *shown;
}

/* A file's graph, and a consumer that shows a frame when it is told to. */
static void
open_show (Show *show, GstElement **ret_producer, GstElement **ret_consumer)
{
  g_autofree gchar *text = g_strdup_printf (
      "videotestsrc pattern=snow ! video/x-raw,width=160,height=120,"
      "framerate=25/1 ! x264enc tune=zerolatency speed-preset=ultrafast "
      "! millsink name=link location=%s leaky=false",
      link_path);
  g_autofree gchar *other = g_strdup_printf (
      "millsrc location=%s leaky=false ! fakesink name=end sync=false",
      link_path);

  show->frames = g_async_queue_new_full (g_free);
  show->turns = g_async_queue_new ();
  *ret_producer = gst_parse_launch (text, NULL);
  *ret_consumer = gst_parse_launch (other, NULL);
  g_autoptr (GstElement) sink =
      gst_bin_get_by_name (GST_BIN (*ret_consumer), "end");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_show, show, NULL);
  gst_element_set_state (*ret_producer, GST_STATE_PLAYING);
  gst_element_set_state (*ret_consumer, GST_STATE_PLAYING);
}

/* A seek in a file's graph: what had not been shown is not shown any more, and
 * the first frame of the new place comes as such. */
GST_START_TEST (test_seek)
{
  Show show;
  GstElement *producer;
  GstElement *consumer;
  guint n_old = 0;

  open_show (&show, &producer, &consumer);
  link_wait_stat (producer, "queued-bytes", 7 * 1024 * 1024); /* of 8 */
  guint n_sent = link_get_stat (producer, "buffers");
  fail_unless (gst_element_seek_simple (producer, GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH, 100 * GST_SECOND));
  Shown shown = show_next (&show);
  /* what was in the socket, not all there was */
  for (; shown.stream_time < 100 * GST_SECOND; shown = show_next (&show))
    fail_unless (n_old++ < n_sent / 2);
  fail_unless (shown.is_discont);
  for (guint i = 0; i < 200; i++, shown = show_next (&show)) {
    fail_unless_equals_uint64 (shown.running_time, i * LINK_FRAME);
    fail_unless_equals_uint64 (shown.stream_time,
        100 * GST_SECOND + i * LINK_FRAME);
  }
  for (guint i = 0; i < 1000; i++)
    g_async_queue_push (show.turns, &show);
  link_close (consumer);
  link_close (producer);
  g_async_queue_unref (show.frames);
  g_async_queue_unref (show.turns);
}
GST_END_TEST;

static void
wait_latency (GstElement *producer, GstElement *consumer, GstClockTime wanted)
{
  gint64 deadline = g_get_monotonic_time () + LINK_WAIT / 1000;
  g_autoptr (GstBus) bus = gst_element_get_bus (producer);
  g_autoptr (GstElement) sink = link_get_output (consumer, "video_0");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  GstClockTime min = GST_CLOCK_TIME_NONE;
  gboolean is_live = FALSE;

  while (min != wanted) {
    g_autoptr (GstQuery) query = gst_query_new_latency ();
    g_autoptr (GstMessage) message =
        gst_bus_pop_filtered (bus, GST_MESSAGE_LATENCY);
    if (message)
      gst_bin_recalculate_latency (GST_BIN (producer));
    /* The sink is there before it is linked. */
    if (gst_pad_peer_query (pad, query)) {
      gst_query_parse_latency (query, &is_live, &min, NULL);
      fail_unless (is_live);
    }
    fail_unless (g_get_monotonic_time () < deadline);
    g_usleep (1000);
  }
}

/* The producer's latency, of its slowest pad, counts for the consumer's sinks;
 * when it grows they hear of it. */
GST_START_TEST (test_latency)
{
  GstElement *producer = link_open_producer (TRUE, "video_0 audio_0");
  g_autoptr (GstElement) video =
      gst_bin_get_by_name (GST_BIN (producer), "video_0");
  g_autoptr (GstElement) audio =
      gst_bin_get_by_name (GST_BIN (producer), "audio_0");

  g_object_set (video, "min-latency", (gint64) 40 * GST_MSECOND, NULL);
  g_object_set (audio, "min-latency", (gint64) 10 * GST_MSECOND, NULL);
  GstElement *consumer = link_open_consumer (TRUE);
  link_push (producer, "video_0", 0, TRUE);
  wait_latency (producer, consumer, 40 * GST_MSECOND);
  g_object_set (audio, "min-latency", (gint64) 90 * GST_MSECOND, NULL);
  wait_latency (producer, consumer, 90 * GST_MSECOND);
  fail_unless_equals_int (link_wait_message (consumer, GST_MESSAGE_LATENCY),
      GST_MESSAGE_LATENCY);
  link_close (consumer);
  link_close (producer);
}
GST_END_TEST;

static GstPadProbeReturn
on_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer queue)
{
  g_autoptr (GstEvent) event =
      gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  GstClockTime *times = g_new (GstClockTime, 2);
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  times[0] = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));
  times[1] = gst_segment_to_running_time (segment, GST_FORMAT_TIME, times[0]);
  g_async_queue_push (queue, times);
  return GST_PAD_PROBE_OK;
}

static void
watch_pad (GstElement *pipeline, const gchar *element, const gchar *name,
    GAsyncQueue *queue)
{
  g_autoptr (GstElement) found =
      gst_bin_get_by_name (GST_BIN (pipeline), element);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (found, name);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, queue, NULL);
}

/* Running times are the same on both sides, also of x264enc, which moves times
 * and segment by 1000 hours. */
GST_START_TEST (test_running_time)
{
  g_autofree gchar *text = g_strdup_printf (
      "videotestsrc is-live=true ! video/x-raw,width=64,height=64,"
      "framerate=100/1 ! x264enc tune=zerolatency key-int-max=5 "
      "! h264parse ! millsink name=link location=%s",
      link_path);
  g_autoptr (GAsyncQueue) before = g_async_queue_new_full (g_free);
  g_autoptr (GAsyncQueue) after = g_async_queue_new_full (g_free);
  GstElement *producer = gst_parse_launch (text, NULL);
  GstElement *consumer = link_open_consumer (TRUE);
  GstClockTime *sent = NULL;

  watch_pad (producer, "link", "video_0", before);
  gst_element_set_state (producer, GST_STATE_PLAYING);
  g_autoptr (GstElement) sink = link_get_output (consumer, "video_0");
  watch_pad (consumer, "video_0", "sink", after);
  for (guint i = 0; i < 30; i++) {
    g_autofree GstClockTime *got =
        g_async_queue_timeout_pop (after, LINK_WAIT / 1000);
    fail_unless (got != NULL);
    /* the first ones may have come before the pad was watched */
    do {
      g_free (sent);
      sent = g_async_queue_timeout_pop (before, LINK_WAIT / 1000);
      fail_unless (sent != NULL);
    } while (i == 0 && sent[0] < got[0]);
    fail_unless (got[0] >= 1000 * 3600 * GST_SECOND);
    fail_unless (got[1] < 3600 * GST_SECOND);
    fail_unless_equals_uint64 (got[0], sent[0]);
    fail_unless_equals_uint64 (got[1], sent[1]);
  }
  g_free (sent);
  link_close (consumer);
  link_close (producer);
}
GST_END_TEST;

/* One pad ends, the other goes on; who comes then finds it ended too. */
GST_START_TEST (test_eos_of_one_pad)
{
  GstElement *producer = link_open_producer (TRUE, "video_0 audio_0");
  GstElement *consumer = link_open_consumer (TRUE);

  link_wait_stat (producer, "consumers", 1);
  link_push (producer, "video_0", 0, TRUE);
  link_push (producer, "audio_0", 0, TRUE);
  link_push_eos (producer, "video_0");
  fail_unless_equals_int (link_pull (consumer, "video_0", NULL), 0);
  fail_unless_equals_int (link_pull (consumer, "video_0", NULL), -1);
  link_push (producer, "audio_0", 1, TRUE);
  GstElement *late = link_open_consumer (TRUE);
  fail_unless_equals_int (link_pull (late, "video_0", NULL), 0);
  fail_unless_equals_int (link_pull (late, "video_0", NULL), -1);
  link_push (producer, "audio_0", 2, TRUE);
  for (gint n = 0; n < 3; n++)
    fail_unless_equals_int (link_pull (consumer, "audio_0", NULL), n);
  for (gint n = -1; n < 2;)
    fail_unless ((n = link_pull (late, "audio_0", NULL)) >= 0);
  link_assert_quiet (consumer, GST_MESSAGE_EOS);
  link_push_eos (producer, "audio_0");
  fail_unless_equals_int (link_wait_message (consumer, GST_MESSAGE_EOS),
      GST_MESSAGE_EOS);
  fail_unless_equals_int (link_wait_message (late, GST_MESSAGE_EOS),
      GST_MESSAGE_EOS);
  fail_unless_equals_int (link_wait_message (producer, GST_MESSAGE_EOS),
      GST_MESSAGE_EOS);
  link_close (late);
  link_close (consumer);
  link_close (producer);
}
GST_END_TEST;

/* EOS sent to a consumer, as gst-launch-1.0 -e does, ends that one only. */
GST_START_TEST (test_eos_of_a_consumer)
{
  GstElement *producer = link_open_producer (TRUE, "video_0");
  GstElement *ended = link_open_consumer (TRUE);
  GstElement *other = link_open_consumer (TRUE);

  link_push (producer, "video_0", 0, TRUE);
  fail_unless_equals_int (link_pull (ended, "video_0", NULL), 0);
  fail_unless_equals_int (link_pull (other, "video_0", NULL), 0);
  gst_element_send_event (ended, gst_event_new_eos ());
  fail_unless_equals_int (link_wait_message (ended, GST_MESSAGE_EOS),
      GST_MESSAGE_EOS);
  link_push (producer, "video_0", 1, FALSE);
  fail_unless_equals_int (link_pull (other, "video_0", NULL), 1);
  link_assert_quiet (other, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  link_close (ended);
  link_close (other);
  link_close (producer);
}
GST_END_TEST;

static Suite *
link_streams_suite (void)
{
  Suite *suite = suite_create ("link-streams");
  TCase *tcase = tcase_create ("streams");

  suite_add_tcase (suite, tcase);
  tcase_set_timeout (tcase, 60);
  tcase_add_checked_fixture (tcase, link_setup, link_teardown);
  tcase_add_test (tcase, test_new_caps);
  tcase_add_test (tcase, test_new_segment);
  tcase_add_test (tcase, test_pads_come_and_go);
  tcase_add_test (tcase, test_metas);
  tcase_add_test (tcase, test_seek);
  tcase_add_test (tcase, test_latency);
  tcase_add_test (tcase, test_running_time);
  tcase_add_test (tcase, test_eos_of_one_pad);
  tcase_add_test (tcase, test_eos_of_a_consumer);
  return suite;
}

GST_CHECK_MAIN (link_streams)
