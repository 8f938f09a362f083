/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* millsink and millsrc together. A user would notice: frames lost or at other
 * times behind a link, a late consumer without a picture, a publisher held up
 * by a consumer that stands still, or a link that does not come back. */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/check/gstcheck.h>
#include <gst/video/video.h>

#include "link-socket.h"
#include "link/link-event.h"

#define WAIT (10 * GST_SECOND)

static gchar *directory;
static gchar *path;

static void
setup (void)
{
  directory = g_dir_make_tmp ("millink-XXXXXX", NULL);
  path = g_build_filename (directory, "s", NULL);
}

static void
teardown (void)
{
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  rmdir (directory);
  g_free (path);
  g_free (directory);
}

typedef struct
{
  GstElement *pipeline;
  GstElement *end; /* appsrc or appsink */
  GstElement *link;
} Side;

static Side
open_side (const gchar *description)
{
  Side side;
  side.pipeline = gst_parse_launch (description, NULL);
  g_assert_nonnull (side.pipeline);
  side.end = gst_bin_get_by_name (GST_BIN (side.pipeline), "end");
  side.link = gst_bin_get_by_name (GST_BIN (side.pipeline), "link");
  return side;
}

static void
close_side (Side *side)
{
  gst_element_set_state (side->pipeline, GST_STATE_NULL);
  gst_object_unref (side->end);
  gst_object_unref (side->link);
  gst_object_unref (side->pipeline);
}

static Side
open_producer (gboolean leaky)
{
  g_autofree gchar *text = g_strdup_printf (
      "appsrc name=end format=time block=true max-bytes=100000 "
      "caps=video/x-h264,stream-format=avc,alignment=au,width=64,height=64,"
      "codec_data=(buffer)0142c01e "
      "! millsink name=link location=%s leaky=%d",
      path, leaky);
  Side side = open_side (text);
  gst_element_set_state (side.pipeline, GST_STATE_PLAYING);
  return side;
}

static Side
open_consumer (gboolean leaky)
{
  g_autofree gchar *text = g_strdup_printf (
      "millsrc name=link location=%s leaky=%d ! appsink name=end sync=false",
      path, leaky);
  Side side = open_side (text);
  gst_element_set_state (side.pipeline, GST_STATE_PLAYING);
  return side;
}

static void
push (Side *side, guint n, gsize size, gboolean is_key)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (buffer, 0, n & 0xff, size);
  GST_BUFFER_PTS (buffer) = n * 40 * GST_MSECOND + 7;
  GST_BUFFER_DTS (buffer) = n * 40 * GST_MSECOND;
  GST_BUFFER_DURATION (buffer) = 40 * GST_MSECOND;
  if (!is_key)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  g_assert_cmpint (gst_app_src_push_buffer (GST_APP_SRC (side->end), buffer),
      ==, GST_FLOW_OK);
}

/* The number of the next frame, whose bytes and times are checked. */
static gint
pull (Side *side, gsize size, gboolean *ret_is_discont)
{
  g_autoptr (GstSample) sample =
      gst_app_sink_try_pull_sample (GST_APP_SINK (side->end), WAIT);
  if (!sample)
    return -1;
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  guint n = GST_BUFFER_DTS (buffer) / (40 * GST_MSECOND);
  GstMapInfo map;

  g_assert_cmpuint (GST_BUFFER_PTS (buffer), ==, n * 40 * GST_MSECOND + 7);
  g_assert_cmpuint (
      gst_segment_to_running_time (gst_sample_get_segment (sample),
          GST_FORMAT_TIME, GST_BUFFER_PTS (buffer)),
      ==, GST_BUFFER_PTS (buffer));
  gst_buffer_map (buffer, &map, GST_MAP_READ);
  g_assert_cmpuint (map.size, ==, size);
  g_assert_cmpuint (map.data[0], ==, n & 0xff);
  g_assert_cmpuint (map.data[size - 1], ==, n & 0xff);
  gst_buffer_unmap (buffer, &map);
  if (ret_is_discont)
    *ret_is_discont = GST_BUFFER_IS_DISCONT (buffer);
  return n;
}

static guint64
get_stat (Side *side, const gchar *name)
{
  g_autoptr (GstStructure) stats = NULL;
  g_object_get (side->link, "stats", &stats, NULL);
  const GValue *value = gst_structure_get_value (stats, name);
  return G_VALUE_HOLDS_UINT (value) ? g_value_get_uint (value)
                                    : g_value_get_uint64 (value);
}

static void
wait_stat (Side *side, const gchar *name, guint64 wanted)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
  while (get_stat (side, name) < wanted) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (1000);
  }
}

static void
wait_eos (Side *side)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (side->pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus, WAIT,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
}

typedef struct
{
  Side *side;
  guint n;
  gsize size;
} Feed;

static gpointer
feed (gpointer user_data)
{
  Feed *job = user_data;
  for (guint i = 0; i < job->n; i++)
    push (job->side, i, job->size, i % 10 == 0);
  gst_app_src_end_of_stream (GST_APP_SRC (job->side->end));
  return NULL;
}

/* Without leaks each frame arrives, whoever starts first, by socket and memfd. */
GST_START_TEST (test_push_back)
{
  gboolean consumer_first = __i__ & 1;
  gsize size = __i__ & 2 ? 100000 : 20000;
  Side consumer = { 0 };
  if (consumer_first)
    consumer = open_consumer (FALSE);
  Side producer = open_producer (FALSE);
  Feed job = { &producer, 1500, size };
  GThread *thread = g_thread_new ("feed", feed, &job);
  if (!consumer_first)
    consumer = open_consumer (FALSE);

  for (guint i = 0; i < job.n; i++)
    fail_unless_equals_int (pull (&consumer, size, NULL), i);
  wait_eos (&consumer);
  g_thread_join (thread);
  wait_eos (&producer);
  fail_unless_equals_uint64 (get_stat (&producer, "dropped"), 0);
  close_side (&consumer);
  close_side (&producer);
}
GST_END_TEST;

/* A bin forgets in PAUSED who has ended, and a pipeline that is resumed waits for
 * it to be told again. */
GST_START_TEST (test_end_again)
{
  Side producer = open_producer (TRUE);
  push (&producer, 0, 1000, TRUE);
  gst_app_src_end_of_stream (GST_APP_SRC (producer.end));
  wait_eos (&producer);
  gst_element_set_state (producer.pipeline, GST_STATE_PAUSED);
  gst_element_get_state (producer.pipeline, NULL, NULL, WAIT);
  gst_element_set_state (producer.pipeline, GST_STATE_PLAYING);
  wait_eos (&producer);
  close_side (&producer);
}
GST_END_TEST;

/* Who comes late gets what came since the last keyframe, marked DISCONT. */
GST_START_TEST (test_late)
{
  gboolean is_discont;
  Side producer = open_producer (TRUE);
  for (guint i = 0; i < 25; i++)
    push (&producer, i, 1000, i % 10 == 0);
  wait_stat (&producer, "buffers", 25);

  Side consumer = open_consumer (TRUE);
  fail_unless_equals_int (pull (&consumer, 1000, &is_discont), 20);
  fail_unless (is_discont);
  for (guint i = 21; i < 25; i++)
    fail_unless_equals_int (pull (&consumer, 1000, &is_discont), i);
  fail_if (is_discont);
  push (&producer, 25, 1000, FALSE);
  fail_unless_equals_int (pull (&consumer, 1000, NULL), 25);

  struct stat info;
  fail_unless_equals_int (lstat (path, &info), 0);
  fail_unless_equals_int (info.st_mode & 0777, 0600);
  close_side (&consumer);
  close_side (&producer);
}
GST_END_TEST;

/* One that stands still holds up neither the producer nor its neighbour, and
 * goes on at a keyframe. */
GST_START_TEST (test_leaky)
{
  gboolean is_discont;
  gint last = -1;
  gint n;
  Side producer = open_producer (TRUE);
  Side good = open_consumer (TRUE);
  Side slow = open_consumer (TRUE);
  wait_stat (&producer, "consumers", 2);
  g_object_set (slow.end, "max-buffers", 1, NULL);

  for (guint i = 0; i < 3000; i++) {
    push (&producer, i, 20000, i % 10 == 0);
    fail_unless_equals_int (pull (&good, 20000, NULL), i);
  }
  wait_stat (&producer, "dropped", 1);
  for (;;) {
    n = pull (&slow, 20000, &is_discont);
    if (n != last + 1)
      break;
    last = n;
  }
  fail_unless (n > last + 1);
  fail_unless_equals_int (n % 10, 0);
  fail_unless (is_discont);
  close_side (&slow);
  close_side (&good);
  close_side (&producer);
}
GST_END_TEST;

/* The producer goes without EOS and comes back. */
GST_START_TEST (test_restart)
{
  gboolean is_discont;
  Side consumer = open_consumer (TRUE);
  for (guint round = 0; round < 3; round++) {
    Side producer = open_producer (TRUE);
    for (guint i = 0; i < 5; i++)
      push (&producer, i, 1000, i == 0);
    for (guint i = 0; i < 5; i++) {
      fail_unless_equals_int (pull (&consumer, 1000, &is_discont), i);
      fail_unless_equals_int (is_discont, i == 0);
    }
    close_side (&producer);
  }
  close_side (&consumer);
}
GST_END_TEST;

static GstPadProbeReturn
on_upstream (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  GstClockTime time;
  if (gst_video_event_is_force_key_unit (event) &&
      gst_video_event_parse_upstream_force_key_unit (event, &time, NULL, NULL))
    g_async_queue_push (user_data, GSIZE_TO_POINTER ((gsize) time));
  return GST_PAD_PROBE_OK;
}

GST_START_TEST (test_force_key_unit)
{
  g_autoptr (GAsyncQueue) times = g_async_queue_new ();
  Side producer = open_producer (TRUE);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (producer.end, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, on_upstream, times,
      NULL);
  Side consumer = open_consumer (TRUE);
  push (&producer, 0, 1000, TRUE);
  fail_unless_equals_int (pull (&consumer, 1000, NULL), 0);
  fail_unless (gst_element_send_event (consumer.end,
      gst_video_event_new_upstream_force_key_unit (4711, TRUE, 1)));
  gpointer time = g_async_queue_timeout_pop (times, 10 * G_USEC_PER_SEC);
  fail_unless_equals_int (GPOINTER_TO_SIZE (time), 4711);
  close_side (&consumer);
  close_side (&producer);
}
GST_END_TEST;

typedef struct
{
  GAsyncQueue *arrived;
  GAsyncQueue *released;
} Door;

static GstPadProbeReturn
on_upstream_wait (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Door *door = user_data;
  if (!gst_video_event_is_force_key_unit (GST_PAD_PROBE_INFO_EVENT (info)))
    return GST_PAD_PROBE_OK;
  g_async_queue_push (door->arrived, pad);
  g_async_queue_pop (door->released);
  return GST_PAD_PROBE_OK;
}

static void
write_bytes (gint fd, GBytes *bytes)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);
  g_assert_cmpint (write (fd, data, size), ==, size);
}

/* However many keyframes a consumer wants while the encoder is busy with the
 * first: no thread waits for each of them. */
GST_START_TEST (test_force_key_unit_flood)
{
  g_autoptr (GAsyncQueue) arrived = g_async_queue_new ();
  g_autoptr (GAsyncQueue) released = g_async_queue_new ();
  g_autoptr (GBytes) hello = mill_link_message_new_hello (TRUE);
  g_autoptr (GstEvent) event =
      gst_video_event_new_upstream_force_key_unit (4711, TRUE, 1);
  g_autoptr (GBytes) wish = mill_link_event_write (event, 1, NULL);
  Door door = { arrived, released };
  Side producer = open_producer (TRUE);
  g_autoptr (GstBus) bus = gst_element_get_bus (producer.pipeline);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (producer.end, "src");
  gulong probe = gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM,
      on_upstream_wait, &door, NULL);
  gint fd = mill_link_socket_connect (path, NULL);

  write_bytes (fd, hello);
  for (guint i = 0; i < 100; i++)
    write_bytes (fd, wish);
  /* Refused when all before it was read. */
  g_assert_cmpint (write (fd, "GET / HTTP/1.1\r\n", 16), ==, 16);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, WAIT, GST_MESSAGE_WARNING);
  g_assert_nonnull (message);
  close (fd);
  g_assert_nonnull (g_async_queue_timeout_pop (arrived, WAIT / GST_USECOND));
  g_assert_null (g_async_queue_timeout_pop (arrived, G_USEC_PER_SEC / 10));
  g_async_queue_push (released, pad);
  gst_pad_remove_probe (pad, probe);
  close_side (&producer);
}
GST_END_TEST;

static guint
count_fds (void)
{
  guint n = 0;
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  while (g_dir_read_name (dir))
    n++;
  return n;
}

/* Attach, garbage, detach: a warning each time, no descriptor left. */
GST_START_TEST (test_hostile)
{
  Side producer = open_producer (TRUE);
  g_autoptr (GstBus) bus = gst_element_get_bus (producer.pipeline);
  guint before = 0;

  /* Its threads have begun: none opens a file for a moment any more. */
  push (&producer, 0, 1000, TRUE);
  wait_stat (&producer, "buffers", 1);
  for (guint i = 0; i < 501; i++) {
    gint fd = mill_link_socket_connect (path, NULL);
    g_assert_cmpint (fd, >=, 0);
    g_assert_cmpint (write (fd, "GET / HTTP/1.1\r\n", 16), ==, 16);
    g_autoptr (GstMessage) message =
        gst_bus_timed_pop_filtered (bus, WAIT, GST_MESSAGE_WARNING);
    g_assert_nonnull (message);
    close (fd);
    if (i == 0)
      before = count_fds ();
  }
  fail_unless_equals_int (count_fds (), before);
  close_side (&producer);
}
GST_END_TEST;

/* A push that waits for a consumer ends with the state, twice. */
GST_START_TEST (test_stop_while_blocked)
{
  Side producer = open_producer (FALSE);
  for (guint i = 0; i < 2; i++) {
    push (&producer, 0, 1000, TRUE);
    gst_element_set_state (producer.pipeline, GST_STATE_NULL);
    gst_element_set_state (producer.pipeline, GST_STATE_PLAYING);
  }
  close_side (&producer);
  Side consumer = open_consumer (TRUE);
  gst_element_set_state (consumer.pipeline, GST_STATE_READY);
  gst_element_set_state (consumer.pipeline, GST_STATE_PLAYING);
  close_side (&consumer);
}
GST_END_TEST;

static Suite *
millsink_suite (void)
{
  Suite *suite = suite_create ("millsink");
  TCase *tcase = tcase_create ("link");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_loop_test (tcase, test_push_back, 0, 4);
  tcase_add_test (tcase, test_end_again);
  tcase_add_test (tcase, test_late);
  tcase_add_test (tcase, test_leaky);
  tcase_add_test (tcase, test_restart);
  tcase_add_test (tcase, test_force_key_unit);
  tcase_add_test (tcase, test_force_key_unit_flood);
  tcase_add_test (tcase, test_hostile);
  tcase_add_test (tcase, test_stop_while_blocked);
  return suite;
}

GST_CHECK_MAIN (millsink)
