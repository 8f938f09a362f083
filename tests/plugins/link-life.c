/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Who comes, goes, stands still and comes back on a link. A user would notice:
 * a hole after attaching, a stream held up by one viewer, a daemon that grows
 * or spins, a consumer that stays dead when its producer is back. */
#include "link-test.h"

#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "link-socket.h"
#include "link/link-message.h"

typedef struct
{
  GstElement *pipeline;
  guint from;
  guint to;
  guint key_interval;
} Feed;

static gpointer
feed (gpointer user_data)
{
  Feed *job = user_data;
  for (guint i = job->from; i < job->to; i++)
    link_push (job->pipeline, "video_0", i, i % job->key_interval == 0);
  return NULL;
}

/* Who attaches in a long GOP gets all of it and goes on without a hole. 700
 * frames are there and 1000 more may wait: none may be lost however slow. */
GST_START_TEST (test_attach_in_gop)
{
  GstElement *producer = link_open_producer (TRUE, "video_0");
  GstElement *consumers[4];
  Feed before = { producer, 0, 700, 100000 };
  Feed during = { producer, 700, 1700, 100000 };

  feed (&before);
  link_wait_stat (producer, "buffers", 700);
  GThread *thread = g_thread_new ("feed", feed, &during);
  for (guint i = 0; i < G_N_ELEMENTS (consumers); i++)
    consumers[i] = link_open_consumer (TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (consumers); i++)
    for (gint n = 0; n < 1700; n++)
      fail_unless_equals_int (link_pull (consumers[i], "video_0", NULL), n);
  g_thread_join (thread);
  fail_unless_equals_uint64 (link_get_stat (producer, "dropped"), 0);
  for (guint i = 0; i < G_N_ELEMENTS (consumers); i++)
    link_close (consumers[i]);
  link_close (producer);
}
GST_END_TEST;

/* Push-back: a slow consumer and a fast one get each frame. */
GST_START_TEST (test_two_in_file_graph)
{
  GstElement *producer = link_open_producer (FALSE, "video_0");
  GstElement *slow = link_open_consumer (FALSE);
  GstElement *fast = link_open_consumer (FALSE);
  Feed job = { producer, 0, 3000, 10 };

  link_wait_stat (producer, "consumers", 2);
  link_push (producer, "video_0", 0, TRUE);
  fail_unless_equals_int (link_pull (slow, "video_0", NULL), 0);
  fail_unless_equals_int (link_pull (fast, "video_0", NULL), 0);
  g_autoptr (GstElement) sink = link_get_output (slow, "video_0");
  g_object_set (sink, "max-buffers", 1, NULL);
  job.from = 1;
  GThread *thread = g_thread_new ("feed", feed, &job);
  /* until the slow one holds up both */
  link_wait_stat (fast, "buffers", 1001);
  for (gint n = 1; n < 3000; n++)
    fail_unless_equals_int (link_pull (slow, "video_0", NULL), n);
  for (gint n = 1; n < 3000; n++)
    fail_unless_equals_int (link_pull (fast, "video_0", NULL), n);
  g_thread_join (thread);
  link_push_eos (producer, "video_0");
  fail_unless_equals_int (link_wait_message (slow, GST_MESSAGE_EOS),
      GST_MESSAGE_EOS);
  fail_unless_equals_int (link_wait_message (fast, GST_MESSAGE_EOS),
      GST_MESSAGE_EOS);
  link_close (slow);
  link_close (fast);
  link_close (producer);
}
GST_END_TEST;

static gint
attach_silent (void)
{
  g_autoptr (GBytes) hello = mill_link_message_new_hello (FALSE);
  gsize size;
  gconstpointer data = g_bytes_get_data (hello, &size);
  gint fd = mill_link_socket_connect (link_path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (send (fd, data, size, 0), ==, (gint) size);
  return fd;
}

/* One that never reads costs a bounded amount and is sent away by what cannot
 * be left out; its neighbour notices nothing. */
GST_START_TEST (test_never_reads)
{
  GstElement *producer = link_open_producer (TRUE, "video_0");
  GstElement *good = link_open_consumer (TRUE);
  g_autoptr (GstElement) source =
      gst_bin_get_by_name (GST_BIN (producer), "video_0");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (source, "src");
  gint fd = attach_silent ();

  link_wait_stat (producer, "consumers", 2);
  for (guint i = 0; i < 2000; i++) {
    link_push_buffer (producer, "video_0",
        link_make_buffer (i, 20000, i % 10 == 0));
    fail_unless_equals_int (link_pull (good, "video_0", NULL), i);
  }
  fail_unless (link_get_stat (producer, "dropped") > 0);
  fail_unless (link_get_stat (producer, "queued-bytes") < 9 * 1024 * 1024);
  for (guint i = 0; i < 20000; i++)
    gst_pad_push_event (pad, gst_event_new_gap (i, 1));
  fail_unless (link_get_stat (producer, "queued-bytes") < 9 * 1024 * 1024);
  fail_unless_equals_uint64 (link_get_stat (producer, "consumers"), 2);
  for (guint i = 0; i < 20000; i++)
    gst_pad_push_event (pad,
        gst_event_new_tag (gst_tag_list_new (GST_TAG_BITRATE, i, NULL)));
  fail_unless_equals_int (link_wait_message (producer, GST_MESSAGE_WARNING),
      GST_MESSAGE_WARNING);
  link_push (producer, "video_0", 2000, TRUE);
  gint n;
  do
    n = link_pull (good, "video_0", NULL);
  while (n >= 0 && n < 2000);
  fail_unless_equals_int (n, 2000);
  close (fd);
  link_close (good);
  link_close (producer);
}
GST_END_TEST;

/* All places taken by peers that say nothing: a consumer comes in all the
 * same. */
GST_START_TEST (test_silent_peers)
{
  GstElement *producer = link_open_producer (TRUE, "video_0");
  gint fds[64];

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    /* the listener's backlog is short */
    gint64 deadline = g_get_monotonic_time () + LINK_WAIT / 1000;
    while ((fds[i] = mill_link_socket_connect (link_path, NULL)) < 0)
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
  GstElement *consumer = link_open_consumer (TRUE);
  link_push (producer, "video_0", 0, TRUE);
  fail_unless_equals_int (link_pull (consumer, "video_0", NULL), 0);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  link_close (consumer);
  link_close (producer);
}
GST_END_TEST;

static gint64
get_cpu_us (void)
{
  struct rusage usage;
  getrusage (RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC +
      usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

/* Without descriptors a consumer waits outside, and the I/O thread does not
 * spin; with descriptors again it gets in. */
GST_START_TEST (test_no_descriptors)
{
  GstElement *producer = link_open_producer (TRUE, "video_0");
  GstElement *consumer = link_open_consumer (TRUE);
  struct rlimit limit;
  struct rlimit low;

  link_push (producer, "video_0", 0, TRUE);
  fail_unless_equals_int (link_pull (consumer, "video_0", NULL), 0);
  gint probe = dup (0);
  close (probe);
  getrlimit (RLIMIT_NOFILE, &limit);
  low = (struct rlimit){ probe + 1, limit.rlim_max };
  setrlimit (RLIMIT_NOFILE, &low);
  gint fd = mill_link_socket_connect (link_path, NULL); /* the last one */
  fail_unless (fd >= 0);
  gint64 cpu = get_cpu_us ();
  gint64 start = g_get_monotonic_time ();
  guint n = 1;
  for (; g_get_monotonic_time () < start + G_USEC_PER_SEC / 2; n++) {
    link_push (producer, "video_0", n, FALSE);
    fail_unless_equals_int (link_pull (consumer, "video_0", NULL), n);
    g_usleep (10000);
  }
  gint64 spent = get_cpu_us () - cpu;
  setrlimit (RLIMIT_NOFILE, &limit);
  close (fd);
  fail_unless (spent < G_USEC_PER_SEC / 4);
  GstElement *late = link_open_consumer (TRUE);
  fail_unless_equals_int (link_pull (late, "video_0", NULL), 0);
  link_close (late);
  link_close (consumer);
  link_close (producer);
}
GST_END_TEST;

static void
expect_frames (guint begin, guint end)
{
  GstElement *consumer = link_open_consumer (TRUE);
  for (guint i = begin; i < end; i++)
    fail_unless_equals_int (link_pull (consumer, "video_0", NULL), i);
  link_close (consumer);
}

static GstElement *
open_opening (guint opening_ms)
{
  GstElement *producer = link_open_producer (TRUE, "");
  g_autoptr (GstElement) link =
      gst_bin_get_by_name (GST_BIN (producer), "link");

  gst_element_set_state (producer, GST_STATE_READY);
  g_object_set (link, "opening-ms", opening_ms, NULL);
  link_add_input (producer, "video_0", LINK_VIDEO_CAPS);
  gst_element_set_state (producer, GST_STATE_PLAYING);
  return producer;
}

/* A process that takes a while to start lacks nothing of the beginning of a
 * stream; who comes after it, or too late, begins at the last keyframe. */
GST_START_TEST (test_opening)
{
  GstElement *producer = open_opening (60000);
  for (guint i = 0; i < 10; i++)
    link_push (producer, "video_0", i, i % 4 == 0);
  link_wait_stat (producer, "buffers", 10);
  expect_frames (0, 10);
  expect_frames (8, 10);
  link_push (producer, "video_0", 10, FALSE);
  link_push (producer, "video_0", 11, TRUE);
  link_wait_stat (producer, "buffers", 12);
  expect_frames (11, 12);
  link_close (producer);

  producer = open_opening (1);
  for (guint i = 0; i < 6; i++)
    link_push (producer, "video_0", i, i % 4 == 0);
  link_wait_stat (producer, "buffers", 6);
  gint64 then = g_get_monotonic_time () + 2 * G_TIME_SPAN_MILLISECOND;
  while (g_get_monotonic_time () < then)
    g_thread_yield ();
  link_push (producer, "video_0", 6, FALSE);
  link_wait_stat (producer, "buffers", 7);
  expect_frames (4, 7);
  link_close (producer);

  producer = open_opening (60000); /* more than is kept at all */
  for (guint i = 0; i < 4010; i++)
    link_push (producer, "video_0", i, i % 1000 == 0);
  link_wait_stat (producer, "buffers", 4010);
  expect_frames (4000, 4010);
  link_close (producer);
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

static void
wait_detached (GstElement *producer)
{
  gint64 deadline = g_get_monotonic_time () + LINK_WAIT / 1000;
  while (link_get_stat (producer, "consumers") > 0) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (200);
  }
}

/* 500 consumers come and go: neither descriptors nor memory grow. */
GST_START_TEST (test_many_cycles)
{
  GstElement *producer = link_open_producer (TRUE, "video_0");
  guint n_fds = 0;
  guint n_grown = 0;
  gsize last = G_MAXSIZE;

  for (guint i = 0; i < 5; i++)
    link_push (producer, "video_0", i, i == 0);
  link_wait_stat (producer, "buffers", 5);
  for (guint i = 0; i < 500; i++) {
    GstElement *consumer = link_open_consumer (TRUE);
    for (gint n = 0; n < 5; n++)
      fail_unless_equals_int (link_pull (consumer, "video_0", NULL), n);
    link_close (consumer);
    wait_detached (producer);
    if (i % 50 != 0)
      continue;
    /* a hundred bytes that each leaves; once a table may double */
    gsize bytes = mallinfo2 ().uordblks;
    n_grown += i > 50 && bytes > last + 50 * 100;
    last = bytes;
    if (i == 100)
      n_fds = count_fds ();
  }
  fail_unless_equals_int (count_fds (), n_fds);
  fail_unless (n_grown < 4); /* of 8 */
  fail_unless_equals_uint64 (link_get_stat (producer, "attached"), 500);
  link_close (producer);
}
GST_END_TEST;

/* Either end restarted in any order, again and again. */
GST_START_TEST (test_any_order)
{
  static const gchar *orders[] = { "pcPC", "cpPC", "pcCP", "cpCP" };

  for (guint round = 0; round < 40; round++) {
    GstElement *producer = NULL;
    GstElement *consumer = NULL;
    for (const gchar *step = orders[round % 4]; *step; step++) {
      if (*step == 'p')
        producer = link_open_producer (TRUE, "video_0");
      else if (*step == 'c')
        consumer = link_open_consumer (TRUE);
      else if (*step == 'P')
        link_close (g_steal_pointer (&producer));
      else
        link_close (g_steal_pointer (&consumer));
      if (!producer || !consumer)
        continue;
      link_push (producer, "video_0", round, TRUE);
      fail_unless_equals_int (link_pull (consumer, "video_0", NULL), round);
    }
  }
}
GST_END_TEST;

/* Time as this process gets it: one that gets no processor does not count, so
 * that a bound holds on a busy machine too. */
typedef struct
{
  GThread *thread;
  gint n; /* atomic: naps of 100 ms, or longer ones, so far */
  gint stopped; /* atomic */
} Ticker;

static gpointer
count_naps (gpointer data)
{
  Ticker *ticker = data;
  while (!g_atomic_int_get (&ticker->stopped)) {
    g_usleep (100000);
    g_atomic_int_inc (&ticker->n);
  }
  return NULL;
}

/* A consumer whose producer is away sends neither EOS nor error, keeps its pad
 * and is soon back, with DISCONT. */
GST_START_TEST (test_producer_away)
{
  gboolean is_discont = FALSE;
  GstElement *producer = link_open_producer (TRUE, "video_0 audio_0");
  GstElement *consumer = link_open_consumer (TRUE);
  Ticker ticker = { 0 };

  ticker.thread = g_thread_new ("ticker", count_naps, &ticker);
  link_push (producer, "video_0", 0, TRUE);
  fail_unless_equals_int (link_pull (consumer, "video_0", NULL), 0);
  for (guint i = 1; i < 4; i++) {
    g_autoptr (GstElement) sink = link_get_output (consumer, "video_0");
    link_close (producer);
    /* How long it is away is what is tried here: twice just after a consumer
     * that doubled its pause each time would have looked. */
    g_usleep ((300 + i * 350) * 1000);
    link_assert_quiet (consumer, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    producer = link_open_producer (TRUE, "video_0");
    link_push (producer, "video_0", i, TRUE);
    gint start = g_atomic_int_get (&ticker.n);
    fail_unless_equals_int (link_pull (consumer, "video_0", &is_discont), i);
    /* it looks every 100 ms, and then has to connect and be greeted */
    fail_unless (g_atomic_int_get (&ticker.n) - start <= 4);
    fail_unless (is_discont);
    g_autoptr (GstElement) same = link_get_output (consumer, "video_0");
    fail_unless (same == sink);
  }
  g_atomic_int_set (&ticker.stopped, TRUE);
  g_thread_join (ticker.thread);
  /* the pad that only the first producer had does not keep the end away */
  link_push_eos (producer, "video_0");
  fail_unless_equals_int (link_wait_message (consumer, GST_MESSAGE_EOS),
      GST_MESSAGE_EOS);
  link_close (consumer);
  link_close (producer);
}
GST_END_TEST;

/* Somebody removes the socket and another producer takes its name: who was
 * attached stays until its producer goes, which leaves the other's alone. */
GST_START_TEST (test_rebound)
{
  GstElement *old = link_open_producer (TRUE, "video_0");
  GstElement *consumer = link_open_consumer (TRUE);

  link_push (old, "video_0", 0, TRUE);
  fail_unless_equals_int (link_pull (consumer, "video_0", NULL), 0);
  fail_unless_equals_int (unlink (link_path), 0);
  GstElement *new = link_open_producer (TRUE, "video_0");
  link_push (new, "video_0", 20, TRUE);
  link_push (old, "video_0", 1, FALSE);
  fail_unless_equals_int (link_pull (consumer, "video_0", NULL), 1);
  link_close (old);
  fail_unless (g_file_test (link_path, G_FILE_TEST_EXISTS));
  fail_unless_equals_int (link_pull (consumer, "video_0", NULL), 20);
  link_close (consumer);
  link_close (new);
}
GST_END_TEST;

/* A branch that is stopped, or taken away, leaves the other one going. */
GST_START_TEST (test_stopped_branch)
{
  GstElement *producer = link_open_producer (TRUE, "video_0 audio_0");
  GstElement *consumer = link_open_consumer (TRUE);

  link_push (producer, "video_0", 0, TRUE);
  link_push (producer, "audio_0", 0, TRUE);
  fail_unless_equals_int (link_pull (consumer, "video_0", NULL), 0);
  fail_unless_equals_int (link_pull (consumer, "audio_0", NULL), 0);
  g_autoptr (GstElement) sink = link_get_output (consumer, "audio_0");
  gst_element_set_locked_state (sink, TRUE);
  gst_element_set_state (sink, GST_STATE_READY);
  for (guint i = 1; i < 20; i++) {
    if (i == 10) {
      g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
      g_autoptr (GstPad) peer = gst_pad_get_peer (pad);
      gst_pad_unlink (peer, pad);
    }
    link_push (producer, "audio_0", i, TRUE);
    link_push (producer, "video_0", i, FALSE);
    fail_unless_equals_int (link_pull (consumer, "video_0", NULL), i);
  }
  link_assert_quiet (consumer, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  gst_element_set_locked_state (sink, FALSE);
  link_close (consumer);
  link_close (producer);
}
GST_END_TEST;

/* What may change while it plays does, the rest counts from READY on. */
GST_START_TEST (test_properties)
{
  GstElement *consumer = link_open_consumer (TRUE);
  g_autoptr (GstElement) link =
      gst_bin_get_by_name (GST_BIN (consumer), "link");

  g_object_set (link, "leaky", FALSE, NULL);
  fail_unless_equals_int (gst_element_set_state (link, GST_STATE_PAUSED),
      GST_STATE_CHANGE_NO_PREROLL);
  gst_element_set_state (link, GST_STATE_PLAYING);
  link_assert_quiet (consumer, GST_MESSAGE_ERROR);
  g_object_set (link, "reconnect-timeout-ms", 50, NULL);
  fail_unless_equals_int (link_wait_message (consumer, GST_MESSAGE_ERROR),
      GST_MESSAGE_ERROR);
  link_close (consumer);
}
GST_END_TEST;

/* A film of which nothing came has its end too, and nothing of it gets lost:
 * the producer waits with it until there is somebody to tell. */
GST_START_TEST (test_end_waits)
{
  GstElement *producer = link_open_producer (FALSE, "video_0");
  g_autoptr (GstBus) bus = gst_element_get_bus (producer);

  link_push_eos (producer, "video_0");
  g_autoptr (GstMessage) early =
      gst_bus_timed_pop_filtered (bus, GST_SECOND / 5, GST_MESSAGE_EOS);
  g_assert_null (early);
  GstElement *consumer = link_open_consumer (FALSE);
  fail_unless_equals_int (link_wait_message (consumer,
                              GST_MESSAGE_EOS | GST_MESSAGE_ERROR),
      GST_MESSAGE_EOS);
  fail_unless_equals_int (link_wait_message (producer,
                              GST_MESSAGE_EOS | GST_MESSAGE_ERROR),
      GST_MESSAGE_EOS);
  link_close (consumer);
  link_close (producer);
}
GST_END_TEST;

static Suite *
link_life_suite (void)
{
  Suite *suite = suite_create ("link-life");
  TCase *tcase = tcase_create ("life");

  suite_add_tcase (suite, tcase);
  tcase_set_timeout (tcase, 60);
  tcase_add_checked_fixture (tcase, link_setup, link_teardown);
  tcase_add_test (tcase, test_opening);
  tcase_add_test (tcase, test_attach_in_gop);
  tcase_add_test (tcase, test_two_in_file_graph);
  tcase_add_test (tcase, test_never_reads);
  tcase_add_test (tcase, test_silent_peers);
  tcase_add_test (tcase, test_no_descriptors);
  tcase_add_test (tcase, test_many_cycles);
  tcase_add_test (tcase, test_any_order);
  tcase_add_test (tcase, test_producer_away);
  tcase_add_test (tcase, test_rebound);
  tcase_add_test (tcase, test_stopped_branch);
  tcase_add_test (tcase, test_end_waits);
  tcase_add_test (tcase, test_properties);
  return suite;
}

GST_CHECK_MAIN (link_life)
