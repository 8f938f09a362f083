/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* millsrc against other processes and against peers that mean no good. A user
 * would notice: a consumer that stays dead after the producer was killed, a
 * producer that a stopped process holds up, a crash by a stranger's bytes. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gst/check/gstcheck.h>

#include "link-socket.h"
#include "link/link-message.h"

#define WAIT (10 * GST_SECOND)
#define CAPS \
  "video/x-h264,stream-format=avc,alignment=au,codec_data=(buffer)0142c01e"

static const gchar *program;
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
  unlink (path);
  rmdir (directory);
  g_free (path);
  g_free (directory);
}

/* A pipeline of this description in a process of its own. */
static GPid
spawn (const gchar *description)
{
  const gchar *argv[] = { program, "--run", description, NULL };
  GPid pid;
  g_autoptr (GError) error = NULL;
  g_spawn_async (NULL, (gchar **) argv, NULL,
      G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, NULL, NULL, &pid,
      &error);
  g_assert_no_error (error);
  return pid;
}

static void
end_process (GPid pid)
{
  gint status;
  kill (pid, SIGKILL);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_spawn_close_pid (pid);
}

static GstElement *
play (const gchar *description)
{
  g_auto (GStrv) parts = g_strsplit (description, "%s", 2);
  g_autofree gchar *text = g_strjoinv (path, parts);
  GstElement *pipeline = gst_parse_launch (text, NULL);
  g_assert_nonnull (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  return pipeline;
}

static guint64
get_stat (GstElement *pipeline, const gchar *name)
{
  g_autoptr (GstElement) link = gst_bin_get_by_name (GST_BIN (pipeline), "l");
  g_autoptr (GstStructure) stats = NULL;
  g_object_get (link, "stats", &stats, NULL);
  const GValue *value = gst_structure_get_value (stats, name);
  return G_VALUE_HOLDS_UINT (value) ? g_value_get_uint (value)
                                    : g_value_get_uint64 (value);
}

static void
wait_stat (GstElement *pipeline, const gchar *name, guint64 wanted)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  while (get_stat (pipeline, name) < wanted) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (1000);
  }
}

static void
stop (GstElement *pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

static GstMessageType
wait_message (GstElement *pipeline, GstMessageType types)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, WAIT, types);
  return message ? GST_MESSAGE_TYPE (message) : GST_MESSAGE_UNKNOWN;
}

#define PRODUCER                                                       \
  "fakesrc sizetype=fixed sizemax=20000 format=time datarate=2000000 " \
  "is-live=true do-timestamp=true ! " CAPS " ! millsink name=l location=%s"

/* kill -9 of the producer, twice: the consumer goes on, on the same pad. */
GST_START_TEST (test_producer_killed)
{
  g_autofree gchar *producer = g_strdup_printf (PRODUCER, path);
  GstElement *consumer =
      play ("millsrc name=l location=%s ! fakesink sync=false");
  guint64 seen = 0;
  for (guint i = 0; i < 3; i++) {
    GPid pid = spawn (producer);
    wait_stat (consumer, "buffers", seen + 10);
    end_process (pid);
    seen = get_stat (consumer, "buffers") + 200;
  }
  fail_unless (get_stat (consumer, "connections") >= 3);
  g_autoptr (GstBus) bus = gst_element_get_bus (consumer);
  fail_unless (gst_bus_pop_filtered (bus,
                   GST_MESSAGE_EOS | GST_MESSAGE_ERROR) == NULL);
  stop (consumer);
}
GST_END_TEST;

/* A consumer that is stopped, then killed: the producer goes on throughout. */
GST_START_TEST (test_consumer_stopped)
{
  g_autofree gchar *text =
      g_strdup_printf ("millsrc location=%s ! fakesink sync=false", path);
  GstElement *producer =
      play ("fakesrc sizetype=fixed sizemax=20000 format=time "
            "datarate=20000000 do-timestamp=true ! " CAPS
            " ! millsink name=l location=%s");
  GPid pid = spawn (text);
  wait_stat (producer, "consumers", 1);
  kill (pid, SIGSTOP);
  wait_stat (producer, "dropped", 1);
  wait_stat (producer, "buffers", get_stat (producer, "buffers") + 500);
  end_process (pid);
  pid = spawn (text);
  wait_stat (producer, "attached", 2);
  end_process (pid);
  stop (producer);
}
GST_END_TEST;

/* Bytes that are no link: one warning, then the next try. */
GST_START_TEST (test_hostile_producer)
{
  static const gchar *bytes[] = { "HTTP/1.1 200 OK\r\n\r\n",
    "\0\0\0\7\1\0\0\0MRLK\0\1\1\0\0\0\0\x0b\0\0\1",
    "\0\0\0\7\1\0\0\0MRLK\0\1\1\0\0\0\0\x0e\0\0\1" };
  static const gsize sizes[] = { 19, 23, 23 };
  gint listener = mill_link_socket_listen (path, NULL);
  GstElement *consumer =
      play ("millsrc name=l location=%s ! fakesink sync=false");

  g_assert_cmpint (listener, >=, 0);
  for (guint i = 0; i < 3; i++) {
    gint64 deadline = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
    gint fd = -1;
    while (fd < 0 && g_get_monotonic_time () < deadline) {
      fd = mill_link_socket_accept (listener, NULL);
      g_usleep (1000);
    }
    g_assert_cmpint (fd, >=, 0);
    g_assert_cmpint (write (fd, bytes[i], sizes[i]), ==, (gint) sizes[i]);
    fail_unless_equals_int (wait_message (consumer,
                                GST_MESSAGE_WARNING | GST_MESSAGE_ERROR),
        GST_MESSAGE_WARNING);
    close (fd);
  }
  stop (consumer);
  close (listener);
}
GST_END_TEST;

GST_START_TEST (test_timeout)
{
  GstElement *consumer = play ("millsrc name=l location=%s "
                               "reconnect-timeout-ms=100 ! fakesink");
  fail_unless_equals_int (wait_message (consumer,
                              GST_MESSAGE_EOS | GST_MESSAGE_ERROR),
      GST_MESSAGE_ERROR);
  stop (consumer);
}
GST_END_TEST;

GST_START_TEST (test_timeout_eos)
{
  GstElement *producer = play (PRODUCER);
  GstElement *consumer =
      play ("millsrc name=l location=%s reconnect-timeout-ms=100 "
            "eos-on-timeout=true ! fakesink async=false sync=false");
  wait_stat (consumer, "buffers", 1);
  stop (producer);
  fail_unless_equals_int (wait_message (consumer,
                              GST_MESSAGE_EOS | GST_MESSAGE_ERROR),
      GST_MESSAGE_EOS);
  stop (consumer);
}
GST_END_TEST;

/* Live or not is as the property says; the states can be gone through twice. */
GST_START_TEST (test_states)
{
  for (guint i = 0; i < 4; i++) {
    g_autoptr (GstElement) source = gst_element_factory_make ("millsrc", NULL);
    gst_object_ref_sink (source);
    fail_unless_equals_int (gst_element_set_state (source, GST_STATE_PAUSED),
        GST_STATE_CHANGE_FAILURE);
    gst_element_set_state (source, GST_STATE_NULL);
    g_object_set (source, "location", path, "leaky", i & 1, NULL);
    fail_unless_equals_int (gst_element_set_state (source, GST_STATE_PAUSED),
        i & 1 ? GST_STATE_CHANGE_NO_PREROLL : GST_STATE_CHANGE_SUCCESS);
    gst_element_set_state (source, GST_STATE_PLAYING);
    gst_element_set_state (source, GST_STATE_READY);
    gst_element_set_state (source, GST_STATE_PLAYING);
    gst_element_set_state (source, GST_STATE_NULL);
  }
}
GST_END_TEST;

static Suite *
millsrc_suite (void)
{
  Suite *suite = suite_create ("millsrc");
  TCase *tcase = tcase_create ("link");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_test (tcase, test_producer_killed);
  tcase_add_test (tcase, test_consumer_stopped);
  tcase_add_test (tcase, test_hostile_producer);
  tcase_add_test (tcase, test_timeout);
  tcase_add_test (tcase, test_timeout_eos);
  tcase_add_test (tcase, test_states);
  return suite;
}

gint
main (gint argc, gchar **argv)
{
  program = argv[0];
  if (argc == 3 && g_str_equal (argv[1], "--run")) {
    gst_init (NULL, NULL);
    GstElement *pipeline = gst_parse_launch (argv[2], NULL);
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    g_main_loop_run (g_main_loop_new (NULL, FALSE));
  }
  gst_check_init (&argc, &argv);
  return gst_check_run_suite (millsrc_suite (), "millsrc", __FILE__);
}
