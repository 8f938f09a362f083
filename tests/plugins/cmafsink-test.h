/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib/gstdio.h>
#include <gst/check/gstharness.h>
#include <gst/check/gsttestclock.h>
#include <string.h>

#include "bmff/bmff-reader.h"
#include "bmff/bmff-segment.h"

/*
 * A cmafsink with a harness on each pad, a directory of its own, and readers
 * for what it writes there.
 */

#define FRAME_NS (GST_SECOND / 25)
#define AAC_NS (1024 * GST_SECOND / 48000)

typedef struct
{
  gchar *dir;
  GstElement *sink;
  GstBus *bus;
  GstHarness *video;
  GstHarness *audio;
} Fixture;

static const guint8 avcc[] = { 0x01, 0x64, 0x00, 0x1e, 0xff, 0xe1, 0x00, 0x1d,
  0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xb4, 0x24, 0xd8, 0x23, 0x50, 0x50,
  0x60, 0x54, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x7c,
  0x50, 0xa6, 0x58, 0x01, 0x00, 0x04, 0x68, 0xfe, 0x8f, 0xcb, 0xfd, 0xf8, 0xf8,
  0x00 };
static const guint8 asc[] = { 0x11, 0x90 }; /* AAC-LC, 48 kHz, stereo */

static inline gchar *
make_disk_dir (void)
{
  g_autoptr (GError) error = NULL;
  gchar *dir = g_dir_make_tmp ("mill-cmafsink-XXXXXX", &error);
  g_assert_no_error (error);
  return dir;
}

/* On tmpfs, where everything is written when a push returns. */
static inline gchar *
make_dir (void)
{
  gchar *dir = g_strdup ("/dev/shm/mill-cmafsink-XXXXXX");
  g_assert_nonnull (g_mkdtemp (dir));
  return dir;
}

static inline void
remove_tree (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *child = g_build_filename (path, name, NULL);
    if (g_file_test (child, G_FILE_TEST_IS_DIR))
      remove_tree (child);
    else
      g_unlink (child);
  }
  g_rmdir (path);
}

static inline GstCaps *
make_caps (const gchar *text, const guint8 *data, gsize size)
{
  GstCaps *caps = gst_caps_from_string (text);
  g_autoptr (GstBuffer) buffer = gst_buffer_new_memdup (data, size);
  gst_caps_set_simple (caps, "codec_data", GST_TYPE_BUFFER, buffer, NULL);
  return caps;
}

static inline GstCaps *
video_caps (void)
{
  return make_caps ("video/x-h264, stream-format=avc, alignment=au, "
                    "framerate=25/1",
      avcc, sizeof avcc);
}

static inline GstCaps *
audio_caps (void)
{
  return make_caps ("audio/mpeg, mpegversion=4, stream-format=raw, "
                    "rate=48000, channels=2",
      asc, sizeof asc);
}

/* @dir: taken over by the fixture */
static inline void
fixture_init (Fixture *self, gchar *dir, const gchar *first_property, ...)
{
  va_list args;
  memset (self, 0, sizeof *self);
  self->dir = dir;
  self->sink = gst_element_factory_make ("cmafsink", NULL);
  g_assert_nonnull (self->sink);
  gst_object_ref_sink (self->sink);
  self->bus = gst_bus_new ();
  gst_element_set_bus (self->sink, self->bus);
  g_object_set (self->sink, "location", dir, NULL);
  va_start (args, first_property);
  g_object_set_valist (G_OBJECT (self->sink), first_property, args);
  va_end (args);
}

static inline GstHarness *
fixture_add (Fixture *self, const gchar *pad, GstCaps *caps)
{
  GstHarness *harness = gst_harness_new_with_element (self->sink, pad, NULL);
  if (caps != NULL)
    gst_harness_set_src_caps (harness, caps);
  return harness;
}

static inline void
fixture_add_both (Fixture *self)
{
  /* Both pads are there before either has data, as in a planned graph. */
  self->video = fixture_add (self, "video_0", NULL);
  self->audio = fixture_add (self, "audio_0", NULL);
  gst_harness_set_src_caps (self->video, video_caps ());
  gst_harness_set_src_caps (self->audio, audio_caps ());
}

/* Without EOS, as when the process were gone. */
static inline void
fixture_stop (Fixture *self)
{
  gst_element_set_state (self->sink, GST_STATE_NULL);
  g_clear_pointer (&self->video, gst_harness_teardown);
  g_clear_pointer (&self->audio, gst_harness_teardown);
  gst_element_set_bus (self->sink, NULL);
  gst_clear_object (&self->sink);
  gst_clear_object (&self->bus);
}

static inline void
fixture_clear (Fixture *self)
{
  fixture_stop (self);
  remove_tree (self->dir);
  g_clear_pointer (&self->dir, g_free);
}

static inline GstBuffer *
make_frame (gboolean idr, gsize size)
{
  g_autofree guint8 *data = g_malloc0 (size);
  GST_WRITE_UINT32_BE (data, (guint32) size - 4);
  data[4] = idr ? 0x65 : 0x41;
  memset (data + 5, 0x5a, size - 5);
  GstBuffer *buffer = gst_buffer_new_memdup (data, size);
  if (!idr)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

/* Media comes when it is made: none before @time. */
static inline void
wait_for (GstHarness *harness, GstClockTime time)
{
  g_autoptr (GstClock) clock = gst_element_get_clock (harness->element);
  if (gst_clock_get_time (clock) < time)
    gst_test_clock_set_time (GST_TEST_CLOCK (clock), time);
}

static inline GstFlowReturn
push_video (Fixture *self, GstClockTime pts, GstClockTime dts, gboolean idr)
{
  GstBuffer *buffer = make_frame (idr, idr ? 2000 : 500);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DTS (buffer) = dts;
  GST_BUFFER_DURATION (buffer) = FRAME_NS;
  wait_for (self->video, dts);
  return gst_harness_push (self->video, buffer);
}

static inline GstFlowReturn
push_audio (Fixture *self, GstClockTime pts)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 300, NULL);
  gst_buffer_memset (buffer, 0, 0x21, 300);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = AAC_NS;
  wait_for (self->audio, pts);
  return gst_harness_push (self->audio, buffer);
}

/* Frames @from up to @to at 25 fps with an IDR every @gop, and the audio that
 * goes with them; @zero: time of frame 0. */
static inline void
push_both (Fixture *self, GstClockTime zero, guint from, guint to, guint gop)
{
  guint64 next_audio =
      gst_util_uint64_scale_ceil (from * FRAME_NS, 48000, 1024 * GST_SECOND);
  for (guint i = from; i < to; i++) {
    GstClockTime time = i * FRAME_NS;
    if (self->video != NULL)
      g_assert_cmpint (push_video (self, zero + time, zero + time,
                           i % gop == 0),
          ==, GST_FLOW_OK);
    while (self->audio != NULL &&
        gst_util_uint64_scale (next_audio, 1024 * GST_SECOND, 48000) <
            time + FRAME_NS) {
      g_assert_cmpint (push_audio (self,
                           zero +
                               gst_util_uint64_scale (next_audio,
                                   1024 * GST_SECOND, 48000)),
          ==, GST_FLOW_OK);
      next_audio++;
    }
  }
}

static inline void
push_eos (Fixture *self)
{
  if (self->video != NULL)
    g_assert_true (gst_harness_push_event (self->video, gst_event_new_eos ()));
  if (self->audio != NULL)
    g_assert_true (gst_harness_push_event (self->audio, gst_event_new_eos ()));
}

/* Fails when the bus has an error, or no EOS within 10 s. */
static inline void
wait_eos (Fixture *self)
{
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (self->bus,
      10 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
}

/* (transfer full) text of the next message of @type within 5 s. */
static inline gchar *
pop_text (Fixture *self, GstMessageType type)
{
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (self->bus, 5 * GST_SECOND, type);
  g_assert_nonnull (message);
  g_autoptr (GError) error = NULL;
  if (type == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else
    gst_message_parse_warning (message, &error, NULL);
  return g_strdup (error->message);
}

static inline gchar *
path_of (Fixture *self, const gchar *name)
{
  return g_build_filename (self->dir, name, NULL);
}

static inline gboolean
exists (Fixture *self, const gchar *name)
{
  g_autofree gchar *path = path_of (self, name);
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static inline gchar *
read_text (Fixture *self, const gchar *name)
{
  g_autofree gchar *path = path_of (self, name);
  gchar *text = NULL;
  g_autoptr (GError) error = NULL;
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

/* How often @needle is in the file @name. */
static inline guint
count (Fixture *self, const gchar *name, const gchar *needle)
{
  g_autofree gchar *text = read_text (self, name);
  guint n = 0;
  for (const gchar *at = text; (at = strstr (at, needle)) != NULL; at++)
    n++;
  return n;
}

static inline gboolean
contains (Fixture *self, const gchar *name, const gchar *needle)
{
  return count (self, name, needle) > 0;
}

/* (transfer full) all of the file @name. @ret_size: (nullable) */
static inline gchar *
read_bytes (Fixture *self, const gchar *name, gsize *ret_size)
{
  g_autofree gchar *path = path_of (self, name);
  gchar *data = NULL;
  g_autoptr (GError) error = NULL;
  g_file_get_contents (path, &data, ret_size, &error);
  g_assert_no_error (error);
  return data;
}

/* (transfer full) what the CMAF header @name says. */
static inline MillBmffInit *
read_init (Fixture *self, const gchar *name)
{
  gsize size;
  g_autofree gchar *data = read_bytes (self, name, &size);
  g_autoptr (GError) error = NULL;
  MillBmffInit *init =
      mill_bmff_reader_parse_init ((const guint8 *) data, size, &error);
  g_assert_no_error (error);
  return init;
}

static inline MillBmffSegment *
read_segment (Fixture *self, const gchar *name)
{
  gsize size;
  g_autofree gchar *data = read_bytes (self, name, &size);
  MillBmffSegment *segment =
      mill_bmff_segment_parse ((const guint8 *) data, size, NULL);
  g_assert_no_error (segment->rest_error);
  g_assert_cmpuint (segment->complete_size, ==, size);
  return segment;
}

static inline MillBmffSegmentSample
sample_of (const MillBmffSegment *segment, guint i)
{
  return g_array_index (segment->samples, MillBmffSegmentSample, i);
}

/* ---- dates ---- */

/* @text: begins with a date of UTC, up to its Z. Returns: µs since 1970 */
static inline gint64
parse_date (const gchar *text)
{
  g_autofree gchar *date = g_strndup (text, strcspn (text, "Z"));
  g_autofree gchar *zulu = g_strconcat (date, "Z", NULL);
  g_autoptr (GDateTime) parsed = g_date_time_new_from_iso8601 (zulu, NULL);
  g_assert_nonnull (parsed);
  return g_date_time_to_unix (parsed) * G_USEC_PER_SEC +
      g_date_time_get_microsecond (parsed);
}

/* The date that follows the @k-th @key in the file @name. */
static inline gint64
date_after (Fixture *self, const gchar *name, const gchar *key, guint k)
{
  g_autofree gchar *text = read_text (self, name);
  g_auto (GStrv) pieces = g_strsplit (text, key, -1);
  g_assert_cmpuint (g_strv_length (pieces), >, k + 1);
  return parse_date (pieces[k + 1]);
}

/* Of the @k-th segment that has one in the playlist @name. */
static inline gint64
segment_date (Fixture *self, const gchar *name, guint k)
{
  return date_after (self, name, "#EXT-X-PROGRAM-DATE-TIME:", k);
}
