/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a stream of 1970, once in a thousand starts, because one
 * pad's sample was packaged while another one's, which came first, was still
 * telling the packager what time it is. The packager here is one that takes so
 * long to be told that the other pad comes meanwhile. */
#include <gst/gst.h>

#include "gstcmafsinkdates.h"

typedef struct
{
  GstCmafSinkDates dates;
  GstElement *element;
  GstBuffer *buffer;
  guint n_told;
} Fixture;

/* The test is one at a time, and so are these calls. */
static Fixture *current;

static gpointer
note (gpointer data)
{
  Fixture *f = data;
  MillCmafInput input = { .pts = 0 };
  gst_cmaf_sink_dates_note (&f->dates, f->element, NULL, f->buffer, &input);
  return NULL;
}

/* Both pads have a first sample: the second one comes while the first tells. */
static void
tell (void)
{
  if (current->n_told++ > 0)
    return;
  g_autoptr (GThread) other = g_thread_new ("other-pad", note, current);
  g_thread_join (g_steal_pointer (&other));
  /* It has told the packager too before it went on. */
  g_assert_cmpuint (current->n_told, ==, 2);
}

void
mill_cmaf_packager_set_wall (MillCmafPackager *self, MillCmafDating dating,
    gint64 wall_us, GstClockTimeDiff start)
{
  g_assert_cmpint (wall_us, >, 0);
  tell ();
}

void
mill_cmaf_packager_note_reference (MillCmafPackager *self,
    GstClockTimeDiff time, gint64 wall_us)
{
  g_assert_cmpint (wall_us, ==, G_USEC_PER_SEC);
  tell ();
}

static void
test_first (gconstpointer data)
{
  Fixture f = { 0 };
  g_autoptr (GstCaps) unix_time = gst_caps_from_string ("timestamp/x-unix");
  GstCmafSinkTimeSource source = GPOINTER_TO_INT (data);
  f.element = gst_object_ref_sink (gst_bin_new (NULL));
  f.buffer = gst_buffer_new ();
  if (source == GST_CMAF_SINK_REFERENCE_TIMESTAMP)
    gst_buffer_add_reference_timestamp_meta (f.buffer, unix_time, GST_SECOND,
        GST_CLOCK_TIME_NONE);
  gst_cmaf_sink_dates_begin (&f.dates, source, G_USEC_PER_SEC);
  current = &f;
  note (&f);
  /* Once it knows, nobody needs to tell it again, but for what the source says. */
  guint told = f.n_told;
  note (&f);
  if (source != GST_CMAF_SINK_REFERENCE_TIMESTAMP)
    g_assert_cmpuint (f.n_told, ==, told);
  gst_buffer_unref (f.buffer);
  gst_object_unref (f.element);
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/cmafsink/first-date/wall-clock",
      GINT_TO_POINTER (GST_CMAF_SINK_WALL_CLOCK), test_first);
  g_test_add_data_func ("/cmafsink/first-date/media",
      GINT_TO_POINTER (GST_CMAF_SINK_MEDIA), test_first);
  g_test_add_data_func ("/cmafsink/first-date/reference",
      GINT_TO_POINTER (GST_CMAF_SINK_REFERENCE_TIMESTAMP), test_first);
  return g_test_run ();
}
