/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Pads by request, of each element that has them, asked for by several threads
 * at once, as demuxers that are linked to one packager do: each gets its own, at
 * whatever time. */
#include <gst/check/gstcheck.h>

#define N_THREADS 4
#define N_PADS 6 /* of each thread */

static const struct
{
  const gchar *element;
  const gchar *prefix;
} cases[] = {
  { "cmafsink", "video_" },
  { "cmafsink", "audio_" },
  { "cmafsink", "text_" },
  { "cmafsink", "image_" },
  { "cmafsink", "meta_" },
  { "failoverswitch", "sink_video_" },
  { "failoverswitch", "sink_audio_" },
  { "hlstssink", "video_" },
  { "millsink", "video_" },
  { "millsink", "audio_" },
  { "millsink", "text_" },
  { "recordsink", "video_" },
  { "recordsink", "audio_" },
};

typedef struct
{
  GstElement *element;
  gchar *pattern;
  gint *n_ready; /* atomic: threads that have begun */
  GstPad *pads[N_PADS];
} Asker;

static gpointer
ask (gpointer user_data)
{
  Asker *asker = user_data;

  g_atomic_int_inc (asker->n_ready);
  while (g_atomic_int_get (asker->n_ready) < N_THREADS)
    g_thread_yield ();
  for (guint i = 0; i < N_PADS; i++)
    asker->pads[i] =
        gst_element_request_pad_simple (asker->element, asker->pattern);
  return NULL;
}

static void
check_pads (Asker *asker, GHashTable *names)
{
  for (guint i = 0; i < N_PADS; i++) {
    g_assert_nonnull (asker->pads[i]);
    g_assert_true (g_hash_table_add (names, gst_pad_get_name (asker->pads[i])));
    gst_element_release_request_pad (asker->element, asker->pads[i]);
    gst_object_unref (asker->pads[i]);
  }
}

/* Two of the same name are a critical, which is fatal here. */
GST_START_TEST (at_once)
{
  g_autoptr (GstElement) element =
      gst_element_factory_make (cases[__i__].element, NULL);
  g_autofree gchar *pattern = g_strconcat (cases[__i__].prefix, "%u", NULL);
  g_autoptr (GHashTable) names =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Asker askers[N_THREADS];
  GThread *threads[N_THREADS];
  gint n_ready = 0;

  g_assert_nonnull (element);
  for (guint i = 0; i < N_THREADS; i++) {
    askers[i] =
        (Asker){ .element = element, .pattern = pattern, .n_ready = &n_ready };
    threads[i] = g_thread_new ("asker", ask, &askers[i]);
  }
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  for (guint i = 0; i < N_THREADS; i++)
    check_pads (&askers[i], names);
  g_assert_cmpuint (g_hash_table_size (names), ==, N_THREADS * N_PADS);
}

GST_END_TEST

/* One that was asked for by its name is nobody else's. */
GST_START_TEST (after_one_by_name)
{
  g_autoptr (GstElement) element =
      gst_element_factory_make (cases[__i__].element, NULL);
  g_autofree gchar *pattern = g_strconcat (cases[__i__].prefix, "%u", NULL);
  g_autofree gchar *zero = g_strconcat (cases[__i__].prefix, "0", NULL);
  g_autofree gchar *one = g_strconcat (cases[__i__].prefix, "1", NULL);
  g_autoptr (GstPad) by_name = gst_element_request_pad_simple (element, zero);
  g_autoptr (GstPad) next = gst_element_request_pad_simple (element, pattern);

  g_assert_cmpstr (GST_PAD_NAME (by_name), ==, zero);
  g_assert_cmpstr (GST_PAD_NAME (next), ==, one);
  gst_element_release_request_pad (element, by_name);
  gst_element_release_request_pad (element, next);
}

GST_END_TEST

/* ---- while the element opens, or is closed ---- */

#define H264                                                               \
  "video/x-h264, stream-format=avc, alignment=au, width=640, height=360, " \
  "framerate=30/1, codec_data=(buffer)"                                    \
  "0164001effe100196764001eacd940a02ff9610000030001000003003c0f162d9601"   \
  "000468efbcb0fdf8f800"

static const struct
{
  const gchar *element;
  const gchar *pad;
} packagers[] = {
  { "cmafsink", "video_0" },
  { "failoverswitch", "sink_video_0" },
  { "hlstssink", "video_0" },
  { "millsink", "video_0" },
  { "recordsink", "video_0" },
};

/* Returns: (transfer full): a source of the test's own, linked to @sink */
static GstPad *
link_source (GstPad *sink)
{
  GstPad *source = gst_pad_new ("src", GST_PAD_SRC);

  gst_pad_set_active (source, TRUE);
  g_assert_cmpint (gst_pad_link (source, sink), ==, GST_PAD_LINK_OK);
  return source;
}

/* Whatever becomes of the events is told by the flow. */
static GstFlowReturn
push_picture (GstPad *source)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (H264);
  GstBuffer *buffer = gst_buffer_new_and_alloc (64);
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (source, gst_event_new_stream_start ("picture"));
  gst_pad_push_event (source, gst_event_new_caps (caps));
  gst_pad_push_event (source, gst_event_new_segment (&segment));
  gst_buffer_memset (buffer, 0, 0, 64);
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = 0;
  GST_BUFFER_DURATION (buffer) = GST_SECOND / 25;
  return gst_pad_push (source, buffer);
}

/* Who stops goes from the sinks to the sources: a demuxer that is to stop yet
 * may get a pad of a packager that has, and that pad be active. */
GST_START_TEST (closed)
{
  g_autoptr (GstElement) element =
      gst_element_factory_make (packagers[__i__].element, NULL);
  g_autoptr (GstPad) sink =
      gst_element_request_pad_simple (element, packagers[__i__].pad);
  g_autoptr (GstPad) source = link_source (sink);

  gst_pad_set_active (sink, TRUE);
  g_assert_cmpint (push_picture (source), !=, GST_FLOW_OK);
  gst_pad_push_event (source, gst_event_new_eos ());
  gst_pad_set_active (sink, FALSE);
  gst_element_release_request_pad (element, sink);
}

GST_END_TEST

static struct
{
  GMutex lock;
  GCond changed;
  GThread *asker; /* lock: nullable: whose pad is held */
  gboolean is_held; /* lock */
  gboolean may_go; /* lock */
} door;

/* GStreamer tells of each pad before it adds it. */
static void
on_told (GstDebugCategory *category, GstDebugLevel level, const gchar *file,
    const gchar *function, gint line, GObject *object, GstDebugMessage *message,
    gpointer user_data)
{
  if (!g_str_has_prefix (gst_debug_message_get (message), "adding pad"))
    return;
  g_mutex_lock (&door.lock);
  if (door.asker == g_thread_self ()) {
    door.is_held = TRUE;
    g_cond_broadcast (&door.changed);
    while (!door.may_go)
      g_cond_wait (&door.changed, &door.lock);
  }
  g_mutex_unlock (&door.lock);
}

static gpointer
ask_one (gpointer element)
{
  g_mutex_lock (&door.lock);
  door.asker = g_thread_self ();
  g_mutex_unlock (&door.lock);
  return gst_element_request_pad_simple (element, "video_0");
}

static void
remove_tree (const gchar *directory)
{
  g_autofree gchar *command = g_strdup_printf ("rm -r '%s'", directory);

  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
}

/* Opened after the pad was asked for and before it was there, a packager takes
 * what comes to it. */
GST_START_TEST (opened_meanwhile)
{
  g_autofree gchar *directory = g_dir_make_tmp ("millrace-XXXXXX", NULL);
  g_autoptr (GstElement) element = gst_element_factory_make ("cmafsink", NULL);
  g_autoptr (GstPad) sink = NULL;
  g_autoptr (GstPad) source = NULL;

  g_object_set (element, "location", directory, NULL);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_READY), ==,
      GST_STATE_CHANGE_SUCCESS);
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (on_told, NULL, NULL);
  gst_debug_set_threshold_for_name ("GST_ELEMENT_PADS", GST_LEVEL_INFO);
  gst_debug_set_active (TRUE);
  GThread *thread = g_thread_new ("asker", ask_one, element);
  g_mutex_lock (&door.lock);
  while (!door.is_held)
    g_cond_wait (&door.changed, &door.lock);
  g_mutex_unlock (&door.lock);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PLAYING), ==,
      GST_STATE_CHANGE_SUCCESS);
  g_mutex_lock (&door.lock);
  door.may_go = TRUE;
  g_cond_broadcast (&door.changed);
  g_mutex_unlock (&door.lock);
  sink = g_thread_join (thread);
  source = link_source (sink);
  g_assert_cmpint (push_picture (source), ==, GST_FLOW_OK);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_release_request_pad (element, sink);
  gst_debug_remove_log_function (on_told);
  remove_tree (directory);
}

GST_END_TEST

static Suite *
request_pads_suite (void)
{
  Suite *suite = suite_create ("request-pads");
  TCase *tcase = tcase_create ("names");

  suite_add_tcase (suite, tcase);
  tcase_add_loop_test (tcase, at_once, 0, G_N_ELEMENTS (cases));
  tcase_add_loop_test (tcase, after_one_by_name, 0, G_N_ELEMENTS (cases));
  tcase_add_loop_test (tcase, closed, 0, G_N_ELEMENTS (packagers));
  tcase_add_test (tcase, opened_meanwhile);
  return suite;
}

GST_CHECK_MAIN (request_pads);
