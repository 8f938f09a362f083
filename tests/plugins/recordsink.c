/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* recordsink: the files that recordings leave, at their end and without one. */

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <gst/check/gstcheck.h>

#define VIDEO(n)                                      \
  "videotestsrc num-buffers=" #n " ! "                \
  "video/x-raw,width=160,height=90,framerate=25/1 ! " \
  "x264enc speed-preset=ultrafast bframes=2 key-int-max=25 ! "
#define FRAMES 100

/* Fields of boxes lie at any address. */
static guint32
read_32 (gconstpointer at)
{
  guint32 value;
  memcpy (&value, at, sizeof value);
  return GUINT32_FROM_BE (value);
}

static guint64
read_64 (gconstpointer at)
{
  guint64 value;
  memcpy (&value, at, sizeof value);
  return GUINT64_FROM_BE (value);
}

static gchar *
make_dir (void)
{
  gchar *dir = g_dir_make_tmp ("mill-record-XXXXXX", NULL);
  g_assert_nonnull (dir);
  return dir;
}

static void
clear_dir (gchar *dir)
{
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  const gchar *name;
  while ((name = g_dir_read_name (entries)) != NULL) {
    g_autofree gchar *path = g_build_filename (dir, name, NULL);
    g_assert_cmpint (g_unlink (path), ==, 0);
  }
  g_assert_cmpint (g_rmdir (dir), ==, 0);
  g_free (dir);
}

static gboolean
is_there (const gchar *dir, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (dir, name, NULL);
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* Returns: (transfer full): EOS or the error */
static GstMessage *
run (const gchar *launch, const gchar *dir, const gchar *name, guint *warnings)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (launch, &error);
  g_assert_no_error (error);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "s");
  g_autofree gchar *location = g_build_filename (dir, name, NULL);
  g_object_set (sink, "location", location, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  for (*warnings = 0;; gst_message_unref (message)) {
    message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
    g_assert_nonnull (message);
    if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_WARNING)
      break;
    *warnings += 1;
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return message;
}

static void
run_whole (const gchar *launch, const gchar *dir, const gchar *name)
{
  guint warnings;
  g_autoptr (GstMessage) message = run (launch, dir, name, &warnings);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  g_assert_cmpuint (warnings, ==, 0);
}

static GstPadProbeReturn
on_frame (GstPad *pad, GstPadProbeInfo *info, gpointer times)
{
  g_autoptr (GstEvent) event =
      gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment;
  gst_event_parse_segment (event, &segment);
  GstClockTime time = gst_segment_to_stream_time (segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)));
  g_array_append_val ((GArray *) times, time);
  return GST_PAD_PROBE_OK;
}

/* The times of the frames that @track of @demux gives, in the order of decoding. */
static GArray *
read_track (const gchar *dir, const gchar *name, const gchar *demux,
    const gchar *track)
{
  GArray *times = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  g_autofree gchar *launch = g_strdup_printf (
      "filesrc location=%s/%s ! %s name=d d.%s ! fakesink name=f "
      "sync=false async=false",
      dir, name, demux, track);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstElement) end = gst_bin_get_by_name (GST_BIN (pipeline), "f");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (end, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_frame, times, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
      60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) error = NULL;
    g_autofree gchar *debug = NULL;
    gst_message_parse_error (message, &error, &debug);
    g_error ("%s: %s (%s)", name, error->message, debug);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return times;
}

static GArray *
read_times (const gchar *dir, const gchar *name, const gchar *demux)
{
  return read_track (dir, name, demux, "video_0");
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const gchar *const *) a, *(const gchar *const *) b);
}

/* Names in @dir that end in @suffix, in order. */
static GPtrArray *
list (const gchar *dir, const gchar *suffix)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  const gchar *name;
  while ((name = g_dir_read_name (entries)) != NULL)
    if (g_str_has_suffix (name, suffix))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  return names;
}

static goffset
find (const gchar *dir, const gchar *name, const gchar *type)
{
  g_autofree gchar *path = g_build_filename (dir, name, NULL);
  g_autofree gchar *data = NULL;
  gsize size;
  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  for (gsize at = 0; at + 8 <= size;) {
    if (memcmp (data + at + 4, type, 4) == 0)
      return (goffset) at;
    guint64 length = read_32 (data + at);
    at += length == 1 ? read_64 (data + at + 8) : MAX (length, 8);
  }
  return -1;
}

static void
test_mp4 (void)
{
  gchar *dir = make_dir ();
  run_whole (VIDEO (100) "recordsink name=s "
                         "audiotestsrc num-buffers=187 samplesperbuffer=1024 ! "
                         "audio/x-raw,rate=48000 ! avenc_aac ! s.audio_0",
      dir, "a.mp4");
  g_assert_cmpint (find (dir, "a.mp4", "moov"), >, 0);
  g_assert_cmpint (find (dir, "a.mp4", "moov"), <, find (dir, "a.mp4", "mdat"));
  g_assert_cmpint (find (dir, "a.mp4", "moof"), ==, -1);
  g_autoptr (GArray) times = read_times (dir, "a.mp4", "qtdemux");
  g_assert_cmpuint (times->len, ==, FRAMES);
  guint64 sum = 0;
  for (guint i = 0; i < times->len; i++)
    sum += g_array_index (times, GstClockTime, i);
  /* B-frames are in their order; together the times are those of 25 fps. */
  g_assert_cmpuint (sum / GST_MSECOND, ==, 40u * FRAMES * (FRAMES - 1) / 2);
  g_assert_false (is_there (dir, "a.mp4.part"));
  clear_dir (dir);
}

static void
test_names (void)
{
  gchar *dir = make_dir ();
  for (guint i = 0; i < 2; i++)
    run_whole (VIDEO (30) "recordsink name=s", dir, "a.mp4");
  g_assert_true (is_there (dir, "a.mp4") && is_there (dir, "a-1.mp4"));
  for (guint i = 0; i < 2; i++)
    run_whole (VIDEO (30) "recordsink name=s format=matroska", dir, "b{n}.mkv");
  g_assert_true (is_there (dir, "b1.mkv") && is_there (dir, "b2.mkv"));
  g_autoptr (GArray) times = read_times (dir, "b2.mkv", "matroskademux");
  g_assert_cmpuint (times->len, ==, 30);
  clear_dir (dir);
}

/* Not a test by itself: records until it is killed. */
static gint
record_forever (const gchar *path)
{
  g_autofree gchar *launch =
      g_strdup_printf (VIDEO (100000) "recordsink name=s location=%s", path);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_main_loop_run (g_main_loop_new (NULL, FALSE));
  return 0;
}

static gchar *program;

static void
test_killed (void)
{
  gchar *dir = make_dir ();
  g_autofree gchar *path = g_build_filename (dir, "a.mp4", NULL);
  g_autofree gchar *part = g_strconcat (path, ".part", NULL);
  gchar *args[] = { program, (gchar *) "--record", path, NULL };
  GPid pid;
  g_assert_true (g_spawn_async (NULL, args, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
      NULL, NULL, &pid, NULL));
  gint64 deadline = g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND;
  GStatBuf about = { 0 };
  while (g_stat (part, &about) != 0 || about.st_size < 200000) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (10000);
  }
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  g_autoptr (GArray) times = read_times (dir, "a.mp4.part", "qtdemux");
  g_assert_cmpuint (times->len, >=, 25);
  guint warnings;
  g_autoptr (GstMessage) message =
      run (VIDEO (30) "recordsink name=s", dir, "a.mp4", &warnings);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  g_assert_cmpuint (warnings, ==, 1);
  g_assert_true (is_there (dir, "a.mp4.part") && is_there (dir, "a-1.mp4"));
  clear_dir (dir);
}

static void
test_full (void)
{
  gchar *dir = make_dir ();
  struct rlimit before;
  getrlimit (RLIMIT_FSIZE, &before);
  struct rlimit small = { 150000, before.rlim_max };
  signal (SIGXFSZ, SIG_IGN);
  setrlimit (RLIMIT_FSIZE, &small);
  guint warnings;
  g_autoptr (GstMessage) message =
      run (VIDEO (1000) "recordsink name=s", dir, "a.mp4", &warnings);
  setrlimit (RLIMIT_FSIZE, &before);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "error");
  g_autoptr (GError) error = NULL;
  gst_message_parse_error (message, &error, NULL);
  g_assert_nonnull (strstr (error->message, "a.mp4.part"));
  g_assert_false (is_there (dir, "a.mp4"));
  g_autoptr (GArray) times = read_times (dir, "a.mp4.part", "qtdemux");
  g_assert_cmpuint (times->len, >=, 25);
  clear_dir (dir);
}

/* A new file by time: each begins with a keyframe, and no frame is lost. */
static void
test_rotate_duration (void)
{
  gchar *dir = make_dir ();
  run_whole (VIDEO (250) "recordsink name=s rotate-duration-ms=2000 "
                         "audiotestsrc num-buffers=469 samplesperbuffer=1024 ! "
                         "audio/x-raw,rate=48000 ! avenc_aac ! s.audio_0",
      dir, "a{n}.mp4");
  guint frames = 0;
  for (guint i = 1; i <= 5; i++) {
    g_autofree gchar *name = g_strdup_printf ("a%u.mp4", i);
    g_autoptr (GArray) times = read_times (dir, name, "qtdemux");
    g_assert_cmpuint (times->len, ==, 50);
    /* At the first one's speed, from its own beginning. */
    g_assert_cmpuint (g_array_index (times, GstClockTime, 0), <,
        50 * GST_MSECOND);
    frames += times->len;
  }
  g_assert_cmpuint (frames, ==, 250);
  g_assert_false (is_there (dir, "a6.mp4"));
  clear_dir (dir);
}

static void
test_rotate_bytes (void)
{
  gchar *dir = make_dir ();
  run_whole (VIDEO (200) "recordsink name=s rotate-bytes=20000", dir,
      "a{n}.mkv");
  g_autoptr (GPtrArray) names = list (dir, ".mkv");
  g_assert_cmpuint (names->len, >, 1);
  guint frames = 0;
  for (guint i = 0; i < names->len; i++) {
    const gchar *name = g_ptr_array_index (names, i);
    g_autoptr (GArray) times = read_times (dir, name, "matroskademux");
    /* Whole GOPs, and enough of them. */
    g_assert_cmpuint (times->len % 25, ==, 0);
    g_autofree gchar *path = g_build_filename (dir, name, NULL);
    GStatBuf about;
    g_stat (path, &about);
    if (i + 1 < names->len)
      g_assert_cmpint (about.st_size, >=, 20000);
    frames += times->len;
  }
  g_assert_cmpuint (frames, ==, 200);
  clear_dir (dir);
}

static guint
count_mappings (void)
{
  g_autofree gchar *maps = NULL;
  g_assert_true (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  guint n = 0;
  for (const gchar *at = maps; (at = strchr (at, '\n')) != NULL; at++)
    n++;
  return n;
}

/* A recording of weeks would be out of address space, or of mappings: each file
 * that was finished must give back the stack of its thread, which is two. */
static void
test_many_files (void)
{
  gchar *dir = make_dir ();
  g_autofree gchar *launch = g_strdup_printf (
      "videotestsrc num-buffers=100 ! "
      "video/x-raw,width=64,height=64,framerate=25/1 ! "
      "x264enc speed-preset=ultrafast key-int-max=1 ! recordsink "
      "rotate-duration-ms=1 faststart=false location=%s/a{n}.mp4",
      dir);
  g_autoptr (GError) error = NULL;
  guint before = count_mappings ();
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, &error);
  g_assert_no_error (error);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
      60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  g_autoptr (GPtrArray) names = list (dir, ".mp4");
  g_assert_cmpuint (names->len, ==, 100);
  guint after = count_mappings ();
  g_test_message ("%u mappings, %u after 100 files", before, after);
  g_assert_cmpuint (after, <, before + 100);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  clear_dir (dir);
}

/* Where there are several sounds players take the first: that of the first pad,
 * wherever its structure lies in memory. They are told apart by their sample
 * rates. */
static void
test_order (void)
{
  gchar *dir = make_dir ();
  run_whole ("audiotestsrc num-buffers=20 ! audio/x-raw,rate=48000 ! "
             "avenc_aac ! recordsink name=s "
             "audiotestsrc num-buffers=20 ! audio/x-raw,rate=44100 ! "
             "avenc_aac ! s.audio_1 "
             "audiotestsrc num-buffers=20 ! audio/x-raw,rate=32000 ! "
             "avenc_aac ! s.audio_2 "
             "audiotestsrc num-buffers=20 ! audio/x-raw,rate=24000 ! "
             "avenc_aac ! s.audio_10 " VIDEO (30) "s.video_0",
      dir, "a.mp4");
  static const guint32 wanted[] = { 90000, 48000, 44100, 32000, 24000 };
  g_autofree gchar *path = g_build_filename (dir, "a.mp4", NULL);
  g_autofree gchar *data = NULL;
  gsize size;
  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  const gchar *at = data;
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++) {
    at = memmem (at, size - (gsize) (at - data), "mdhd\1\0\0\0", 8);
    g_assert_nonnull (at);
    at += 8;
    /* ISO/IEC 14496-12, 8.4.2.2: two times of 64 bits are before it. */
    g_assert_cmpuint (read_32 (at + 16), ==, wanted[i]);
  }
  clear_dir (dir);
}

/* Returns: (transfer none): @description in @pipeline, linked to @pad of @sink */
static GstElement *
add_source (GstElement *pipeline, const gchar *description, GstElement *sink,
    const gchar *pad)
{
  g_autoptr (GError) error = NULL;
  GstElement *source =
      gst_parse_bin_from_description (description, TRUE, &error);
  g_assert_no_error (error);
  gst_bin_add (GST_BIN (pipeline), source);
  g_assert_true (gst_element_link_pads (source, "src", sink, pad));
  return source;
}

/* The sink runs when its pads come, that of the sound before the other. */
static void
run_sound_first (const gchar *location)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *sink = gst_element_factory_make ("recordsink", NULL);
  g_object_set (sink, "location", location, NULL);
  gst_bin_add (GST_BIN (pipeline), sink);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  GstElement *sound = add_source (pipeline,
      "audiotestsrc num-buffers=187 samplesperbuffer=1024 ! "
      "audio/x-raw,rate=48000 ! avenc_aac",
      sink, "audio_0");
  GstElement *pictures =
      add_source (pipeline, VIDEO (100) "identity", sink, "video_0");
  gst_element_sync_state_with_parent (sound);
  gst_element_sync_state_with_parent (pictures);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
      60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

/* Seeking in the picture needs an index of its keyframes (RFC 9559, 5.1.5), also
 * where sound was there first. */
static void
test_cues (void)
{
  /* CueTrack, then CueClusterPosition. */
  static const gchar of_sound[] = { '\xf7', '\x81', 1, '\xf1' };
  static const gchar of_video[] = { '\xf7', '\x81', 2, '\xf1' };
  gchar *dir = make_dir ();
  g_autofree gchar *path = g_build_filename (dir, "a.mkv", NULL);
  run_sound_first (path);
  g_autofree gchar *data = NULL;
  gsize size;
  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  g_assert_true ((gchar *) memmem (data, size, "A_AAC", 5) <
      (gchar *) memmem (data, size, "V_MPEG4/ISO/AVC", 15));
  guint n = 0;
  for (const gchar *at = data;
       (at = memmem (at, size - (gsize) (at - data), of_video, 4)) != NULL;
       at += 4)
    n++;
  g_assert_cmpuint (n, ==, 4);
  g_assert_null (memmem (data, size, of_sound, 4));
  clear_dir (dir);
}

typedef struct
{
  gchar *dir;
  GstElement *pipeline;
  GstPad *source;
  GstPad *end;
} Seconds;

/* A file is no live source. */
static gboolean
answer_file (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  gst_query_set_latency (query, FALSE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

/* @query: (nullable): what answers at its source
 * Returns: (transfer full): a source of VP8, which needs no encoder, linked to @end */
static GstPad *
new_source (GstPad *end, GstPadQueryFunction query)
{
  g_autoptr (GstCaps) caps =
      gst_caps_from_string ("video/x-vp8, width=16, height=16, framerate=1/1");
  GstPad *source = gst_pad_new ("src", GST_PAD_SRC);
  if (query != NULL)
    gst_pad_set_query_function (source, query);
  gst_pad_set_active (source, TRUE);
  g_assert_cmpint (gst_pad_link (source, end), ==, GST_PAD_LINK_OK);
  gst_pad_push_event (source, gst_event_new_stream_start ("a"));
  gst_pad_push_event (source, gst_event_new_caps (caps));
  return source;
}

/* A recording to a{n}.mkv. */
static void
begin_seconds (Seconds *self, GstPadQueryFunction query)
{
  self->dir = make_dir ();
  g_autofree gchar *location = g_build_filename (self->dir, "a{n}.mkv", NULL);
  GstElement *sink = gst_element_factory_make ("recordsink", NULL);
  g_object_set (sink, "location", location, NULL);
  self->pipeline = gst_pipeline_new (NULL);
  gst_bin_add (GST_BIN (self->pipeline), sink);
  self->end = gst_element_request_pad_simple (sink, "video_0");
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  self->source = new_source (self->end, query);
}

/* A segment, and a keyframe a second, from @from on. */
static void
push_seconds (Seconds *self, guint from, guint n)
{
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (self->source, gst_event_new_segment (&segment));
  for (guint i = 0; i < n; i++) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, 64, NULL);
    gst_buffer_memset (buffer, 0, 0, 64);
    GST_BUFFER_PTS (buffer) = (from + i) * GST_SECOND;
    GST_BUFFER_DURATION (buffer) = GST_SECOND;
    g_assert_cmpint (gst_pad_push (self->source, buffer), ==, GST_FLOW_OK);
  }
}

static void
finish_seconds (Seconds *self)
{
  gst_pad_push_event (self->source, gst_event_new_eos ());
  g_autoptr (GstBus) bus = gst_element_get_bus (self->pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
      60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_pad_unlink (self->source, self->end);
  gst_object_unref (self->source);
  gst_object_unref (self->end);
  gst_object_unref (self->pipeline);
}

/* Two files are there, of so many frames. */
static void
end_seconds (Seconds *self, guint first, guint second)
{
  finish_seconds (self);
  g_autoptr (GPtrArray) names = list (self->dir, ".mkv");
  g_assert_cmpuint (names->len, ==, 2);
  g_autoptr (GArray) a = read_times (self->dir, "a1.mkv", "matroskademux");
  g_autoptr (GArray) b = read_times (self->dir, "a2.mkv", "matroskademux");
  g_assert_cmpuint (a->len, ==, first);
  g_assert_cmpuint (b->len, ==, second);
  clear_dir (self->dir);
}

/* What comes after a seek has running times from 0 again: a file of its own, or
 * all of it would be too late for the one that is open. */
static void
test_flush (void)
{
  Seconds seconds;
  begin_seconds (&seconds, NULL);
  push_seconds (&seconds, 0, 20);
  gst_pad_push_event (seconds.source, gst_event_new_flush_start ());
  gst_pad_push_event (seconds.source, gst_event_new_flush_stop (TRUE));
  push_seconds (&seconds, 0, 10);
  end_seconds (&seconds, 20, 10);
}

/* The threads of a film's tracks begin when they like: one that is read 20 s
 * before the other is in the same file with it. */
static void
test_film (void)
{
  Seconds picture;
  begin_seconds (&picture, answer_file);
  g_autoptr (GstElement) sink = gst_pad_get_parent_element (picture.end);
  g_autoptr (GstPad) end = gst_element_request_pad_simple (sink, "video_1");
  push_seconds (&picture, 0, 20);
  g_autoptr (GstPad) source = new_source (end, answer_file);
  Seconds late = { .source = source };
  push_seconds (&late, 0, 20);
  gst_pad_push_event (source, gst_event_new_eos ());
  finish_seconds (&picture);
  gst_pad_unlink (source, end);
  g_autoptr (GPtrArray) names = list (picture.dir, ".mkv");
  g_assert_cmpuint (names->len, ==, 1);
  g_autoptr (GArray) first =
      read_track (picture.dir, "a1.mkv", "matroskademux", "video_0");
  g_autoptr (GArray) second =
      read_track (picture.dir, "a1.mkv", "matroskademux", "video_1");
  g_assert_cmpuint (first->len, ==, 20);
  g_assert_cmpuint (second->len, ==, 20);
  clear_dir (picture.dir);
}

/* So has what comes after a seek back from the end. */
static void
test_flush_after_end (void)
{
  Seconds seconds;
  begin_seconds (&seconds, NULL);
  push_seconds (&seconds, 0, 20);
  gst_pad_push_event (seconds.source, gst_event_new_eos ());
  g_autoptr (GstBus) bus = gst_element_get_bus (seconds.pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
      60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  gst_pad_push_event (seconds.source, gst_event_new_flush_start ());
  gst_pad_push_event (seconds.source, gst_event_new_flush_stop (TRUE));
  push_seconds (&seconds, 0, 10);
  end_seconds (&seconds, 20, 10);
}

/* A publisher that was away for a night: pictures would come hours before their
 * sound, where an index has no number for so long a frame. */
static void
test_night (void)
{
  Seconds seconds;
  begin_seconds (&seconds, NULL);
  push_seconds (&seconds, 0, 20);
  push_seconds (&seconds, 8 * 3600, 10);
  end_seconds (&seconds, 20, 10);
}

/* A frame that cannot be read before @is_free: what writes it stands still, as on
 * a disk that does. */
typedef GstAllocator Holder;
typedef GstAllocatorClass HolderClass;
GType holder_get_type (void);
G_DEFINE_TYPE (Holder, holder, GST_TYPE_ALLOCATOR)

static struct
{
  GMutex lock;
  GCond cond;
  gboolean is_held;
  gboolean is_free;
} hold;

static gpointer
holder_map (GstMemory *memory, gsize size, GstMapFlags flags)
{
  static guint8 data[64];
  g_mutex_lock (&hold.lock);
  hold.is_held = TRUE;
  g_cond_broadcast (&hold.cond);
  while (!hold.is_free)
    g_cond_wait (&hold.cond, &hold.lock);
  g_mutex_unlock (&hold.lock);
  return data;
}

static void
holder_unmap (GstMemory *memory)
{
}

static void
holder_free (GstAllocator *allocator, GstMemory *memory)
{
  g_free (memory);
}

static void
holder_class_init (HolderClass *klass)
{
  klass->free = holder_free;
}

static void
holder_init (Holder *self)
{
  self->mem_map = holder_map;
  self->mem_unmap = holder_unmap;
}

static gpointer
push_held (gpointer seconds)
{
  g_autoptr (GstAllocator) holder =
      gst_object_ref_sink (g_object_new (holder_get_type (), NULL));
  GstMemory *memory = g_new0 (GstMemory, 1);
  GstBuffer *buffer = gst_buffer_new ();
  gst_memory_init (memory, 0, holder, NULL, 64, 0, 0, 64);
  gst_buffer_append_memory (buffer, memory);
  GST_BUFFER_PTS (buffer) = 20 * GST_SECOND;
  GST_BUFFER_DURATION (buffer) = GST_SECOND;
  gst_pad_push (((Seconds *) seconds)->source, buffer);
  push_seconds (seconds, 21, 1);
  return NULL;
}

static gpointer
read_stats (gpointer end)
{
  g_autoptr (GstElement) sink = gst_pad_get_parent_element (end);
  GstStructure *stats;
  g_object_get (sink, "stats", &stats, NULL);
  return stats;
}

static void
on_stats (gpointer data, gpointer queue)
{
  g_async_queue_push (queue, read_stats (data));
}

/* Whoever looks at the stats does not stand still with the disk: in a worker that
 * is the main loop, and all its streams with it. */
static void
test_stalled (void)
{
  Seconds seconds;
  begin_seconds (&seconds, NULL);
  push_seconds (&seconds, 0, 20);
  GThread *pusher = g_thread_new ("pusher", push_held, &seconds);
  g_mutex_lock (&hold.lock);
  while (!hold.is_held)
    g_cond_wait (&hold.cond, &hold.lock);
  g_mutex_unlock (&hold.lock);
  g_autoptr (GAsyncQueue) queue = g_async_queue_new ();
  GThreadPool *pool = g_thread_pool_new (on_stats, queue, 1, FALSE, NULL);
  g_thread_pool_push (pool, seconds.end, NULL);
  g_autoptr (GstStructure) stats =
      g_async_queue_timeout_pop (queue, 30 * G_USEC_PER_SEC);
  g_assert_nonnull (stats);
  gboolean recording = FALSE;
  g_assert_true (gst_structure_get_boolean (stats, "recording", &recording));
  g_assert_true (recording);
  g_assert_true (g_str_has_suffix (gst_structure_get_string (stats, "location"),
      "/a1.mkv.part"));
  g_mutex_lock (&hold.lock);
  hold.is_free = TRUE;
  g_cond_broadcast (&hold.cond);
  g_mutex_unlock (&hold.lock);
  g_thread_join (pusher);
  g_thread_pool_free (pool, FALSE, TRUE);
  push_seconds (&seconds, 8 * 3600, 10);
  end_seconds (&seconds, 22, 10);
}

/* A disk that is full is a warning, which names the file, and frames go on to
 * be taken; with room again there is a new file 10 s later. */
static void
test_continues (void)
{
  gchar *dir = make_dir ();
  struct rlimit before;
  getrlimit (RLIMIT_FSIZE, &before);
  struct rlimit small = { 150000, before.rlim_max };
  signal (SIGXFSZ, SIG_IGN);
  setrlimit (RLIMIT_FSIZE, &small);
  guint warnings;
  g_autoptr (GstMessage) message =
      run (VIDEO (1000) "recordsink name=s on-error=continue", dir, "a{n}.mp4",
          &warnings);
  setrlimit (RLIMIT_FSIZE, &before);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  g_autoptr (GPtrArray) names = list (dir, ".part");
  /* 40 s: one file at once, and one after each 10 s at the most. */
  g_assert_cmpuint (names->len, >=, 2);
  g_assert_cmpuint (names->len, <=, 4);
  g_assert_cmpuint (warnings, >=, names->len - 1);
  for (guint i = 0; i < names->len; i++) {
    g_autoptr (GArray) times =
        read_times (dir, g_ptr_array_index (names, i), "qtdemux");
    g_assert_cmpuint (times->len, >=, 25);
  }
  clear_dir (dir);
}

/* What a file has no place for is refused when its caps come. */
static void
test_refused (void)
{
  static const gchar launch[] = VIDEO (50) "recordsink name=s on-error=%s "
                                           "audiotestsrc num-buffers=100 ! "
                                           "audio/x-raw,rate=48000 ! opusenc ! "
                                           "s.audio_0";
  gchar *dir = make_dir ();
  guint warnings;
  g_autofree gchar *stops = g_strdup_printf (launch, "stop");
  g_autoptr (GstMessage) message = run (stops, dir, "a.webm", &warnings);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "error");
  g_autoptr (GError) error = NULL;
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  g_assert_cmpstr (error->message, ==,
      "codec of pad 'video_0': got H.264, which WebM does not hold, expected "
      "AV1, VP9 or VP8, or a location that ends in .mp4 or .mkv");
  g_autoptr (GPtrArray) left = list (dir, ".part");
  g_assert_cmpuint (left->len, <=, 1);
  /* The other track is recorded. */
  g_autofree gchar *goes_on = g_strdup_printf (launch, "continue");
  g_autoptr (GstMessage) second = run (goes_on, dir, "b.webm", &warnings);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (second), ==, "eos");
  g_assert_cmpuint (warnings, ==, 1);
  g_assert_true (is_there (dir, "b.webm"));
  clear_dir (dir);
}

/* A name that says another container than is written, or none that can be a
 * file's, is refused before anything is made; how it ends decides, in letters of
 * any case. */
static void
test_suffixes (void)
{
  static const struct
  {
    const gchar *name;
    const gchar *set; /* nullable */
    const gchar *says; /* nullable: it is taken */
  } cases[] = {
    { "a.avi", NULL,
        "which ends in '.avi', expected .mp4, .m4v or .m4a (MP4), "
        ".webm (WebM), .mkv or .mka (Matroska), or a format" },
    { "a.mov", NULL, "which ends in '.mov', expected .mp4" },
    { "a.avi", "format=mp4", NULL },
    { "A.MKV", NULL, NULL },
    { "take.1", NULL, NULL },
    { "take", NULL, NULL },
    { "a.b-{n}", NULL, NULL },
    { "sub/", NULL, "got the directory '" },
    { ".", NULL, "got the directory '" },
  };
  gchar *dir = make_dir ();
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    guint warnings;
    g_autofree gchar *launch =
        g_strdup_printf (VIDEO (5) "recordsink name=s %s",
            cases[i].set != NULL ? cases[i].set : "");
    g_test_message ("%s", cases[i].name);
    g_autoptr (GstMessage) message =
        run (launch, dir, cases[i].name, &warnings);
    g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==,
        cases[i].says != NULL ? "error" : "eos");
    if (cases[i].says == NULL)
      continue;
    g_autoptr (GError) error = NULL;
    gst_message_parse_error (message, &error, NULL);
    g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
    g_assert_nonnull (strstr (error->message, cases[i].says));
  }
  g_assert_false (is_there (dir, "a.mov"));
  g_assert_false (is_there (dir, "sub"));
  g_autoptr (GArray) times = read_times (dir, "A.MKV", "matroskademux");
  g_assert_cmpuint (times->len, ==, 5);
  g_assert_cmpint (find (dir, "take.1", "moov"), >, 0);
  clear_dir (dir);
}

/* It can be named in READY, after what is checked when descriptions are. */
static void
test_named_late (void)
{
  g_autoptr (GstElement) sink = gst_element_factory_make ("recordsink", NULL);
  gst_object_ref_sink (sink);
  g_object_set (sink, "location", "a.mp4", NULL);
  g_assert_cmpint (gst_element_set_state (sink, GST_STATE_READY), ==,
      GST_STATE_CHANGE_SUCCESS);
  g_object_set (sink, "location", "a.avi", NULL);
  g_assert_cmpint (gst_element_set_state (sink, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (sink, GST_STATE_NULL);
}

/* What records nothing takes everything, also what no file holds. */
static void
test_off (void)
{
  gchar *dir = make_dir ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (
      VIDEO (50) "recordsink name=s location=\"\" "
                 "fakesrc num-buffers=3 format=time do-timestamp=true "
                 "sizetype=fixed sizemax=96 ! "
                 "audio/mpeg,mpegversion=(int)1,layer=(int)2,parsed=(boolean)"
                 "true,rate=(int)48000,channels=(int)2 ! s.audio_0",
      &error);
  g_assert_no_error (error);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
      60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  gst_element_set_state (pipeline, GST_STATE_NULL);
  clear_dir (dir);
}

gint
main (gint argc, gchar **argv)
{
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", NULL);
  program = self;
  gst_init (&argc, &argv);
  if (argc == 3 && g_str_equal (argv[1], "--record"))
    return record_forever (argv[2]);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recordsink/mp4", test_mp4);
  g_test_add_func ("/recordsink/names", test_names);
  g_test_add_func ("/recordsink/killed", test_killed);
  g_test_add_func ("/recordsink/full", test_full);
  g_test_add_func ("/recordsink/rotate/duration", test_rotate_duration);
  g_test_add_func ("/recordsink/rotate/bytes", test_rotate_bytes);
  g_test_add_func ("/recordsink/many-files", test_many_files);
  g_test_add_func ("/recordsink/order", test_order);
  g_test_add_func ("/recordsink/cues", test_cues);
  g_test_add_func ("/recordsink/flush", test_flush);
  g_test_add_func ("/recordsink/film", test_film);
  g_test_add_func ("/recordsink/flush-after-end", test_flush_after_end);
  g_test_add_func ("/recordsink/night", test_night);
  g_test_add_func ("/recordsink/stalled", test_stalled);
  g_test_add_func ("/recordsink/continues", test_continues);
  g_test_add_func ("/recordsink/refused", test_refused);
  g_test_add_func ("/recordsink/suffixes", test_suffixes);
  g_test_add_func ("/recordsink/named-late", test_named_late);
  g_test_add_func ("/recordsink/off", test_off);
  return g_test_run ();
}
