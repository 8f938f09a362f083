/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* recordsink: its files and their names, and what is refused. */

#include "recordsink-test.h"

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

/* Of threads that run, that nobody has joined yet, and a few that the C library
 * keeps: the page below each, which nobody may touch. Libraries and heaps have
 * mappings too, how many depends on the machine. */
static guint
count_stacks (void)
{
  g_autofree gchar *maps = NULL;
  g_assert_true (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  g_auto (GStrv) lines = g_strsplit (maps, "\n", -1);
  guint64 page = (guint64) sysconf (_SC_PAGESIZE);
  guint n = 0;
  for (guint i = 0; lines[i]; i++) {
    gchar *at = lines[i];
    guint64 begin = g_ascii_strtoull (at, &at, 16);
    guint64 end = *at == '-' ? g_ascii_strtoull (at + 1, &at, 16) : 0;
    n += end - begin == page && g_str_has_prefix (at, " ---p");
  }
  return n;
}

/* A recording of weeks would be out of address space, or of mappings: each file
 * that was finished must give back the stack of its thread, while the recording
 * goes on. */
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
  guint before = count_stacks ();
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, &error);
  g_assert_no_error (error);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_eos (pipeline);
  g_autoptr (GPtrArray) names = list (dir, ".mp4");
  g_assert_cmpuint (names->len, ==, 100);
  /* Those of the last files may be on their way to their end. */
  gint64 deadline = g_get_monotonic_time () + 30 * G_TIME_SPAN_SECOND;
  guint after = count_stacks ();
  for (; after >= before + 50; after = count_stacks ()) {
    if (g_get_monotonic_time () > deadline)
      g_error ("%u stacks, %u after 100 files", before, after);
    g_thread_yield ();
  }
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
  wait_eos (pipeline);
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
  wait_eos (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  clear_dir (dir);
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recordsink/mp4", test_mp4);
  g_test_add_func ("/recordsink/names", test_names);
  g_test_add_func ("/recordsink/rotate/duration", test_rotate_duration);
  g_test_add_func ("/recordsink/rotate/bytes", test_rotate_bytes);
  g_test_add_func ("/recordsink/many-files", test_many_files);
  g_test_add_func ("/recordsink/order", test_order);
  g_test_add_func ("/recordsink/cues", test_cues);
  g_test_add_func ("/recordsink/refused", test_refused);
  g_test_add_func ("/recordsink/suffixes", test_suffixes);
  g_test_add_func ("/recordsink/named-late", test_named_late);
  g_test_add_func ("/recordsink/off", test_off);
  return g_test_run ();
}
