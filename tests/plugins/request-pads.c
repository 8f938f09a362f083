/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Pads by request, of each element that has them, asked for by several threads
 * at once, as demuxers that are linked to one packager do: each gets its own. */
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
  g_autofree gchar *first = g_strconcat (cases[__i__].prefix, "0", NULL);
  g_autofree gchar *second = g_strconcat (cases[__i__].prefix, "1", NULL);
  g_autoptr (GstPad) by_name = gst_element_request_pad_simple (element, first);
  g_autoptr (GstPad) next = gst_element_request_pad_simple (element, pattern);

  g_assert_cmpstr (GST_PAD_NAME (by_name), ==, first);
  g_assert_cmpstr (GST_PAD_NAME (next), ==, second);
  gst_element_release_request_pad (element, by_name);
  gst_element_release_request_pad (element, next);
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
  return suite;
}

GST_CHECK_MAIN (request_pads);
