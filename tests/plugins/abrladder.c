/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: wrong sizes, a ladder that stands still when it is
 * stopped, or that fails without saying why. */
#include "abrladder-test.h"

#include "ladder-rungs.h"

/* ---- contract ---- */

static void
test_contract (void)
{
  g_autoptr (GstElement) ladder = gst_element_factory_make ("abrladder", NULL);
  g_assert_nonnull (ladder);
  gst_object_ref_sink (ladder);
  g_autofree gchar *preset = NULL;
  g_autofree gchar *encoder = NULL;
  gint top;
  guint interval;
  g_object_get (ladder, "preset", &preset, "encoder", &encoder, "top", &top,
      "keyframe-interval-ms", &interval, NULL);
  g_assert_cmpstr (preset, ==, "standard");
  g_assert_cmpstr (encoder, ==, "auto");
  g_assert_cmpint (top, ==, 0);
  g_assert_cmpuint (interval, ==, 2000);
  static const gchar *const templates[] = { "video", "audio", "video_%u",
    "audio_%u" };
  for (guint i = 0; i < G_N_ELEMENTS (templates); i++)
    g_assert_nonnull (gst_element_get_pad_template (ladder, templates[i]));
  g_autoptr (GstPad) video = gst_element_request_pad_simple (ladder, "video");
  g_assert_nonnull (video);
  g_assert_null (gst_element_request_pad (ladder,
      gst_element_get_pad_template (ladder, "video"), NULL, NULL));
  gst_element_release_request_pad (ladder, video);
  g_autoptr (GstPad) again = gst_element_request_pad_simple (ladder, "video");
  g_assert_nonnull (again);
}

/* ---- which rungs, what sizes ---- */

static GArray *
make_rungs (void)
{
  static const MillLadderRung standard[] = { { 240, 400000 }, { 360, 800000 },
    { 480, 1400000 }, { 720, 2800000 }, { 1080, 5000000 }, { 2160, 16000000 } };
  GArray *rungs = g_array_new (FALSE, FALSE, sizeof (MillLadderRung));
  return g_array_append_vals (rungs, standard, G_N_ELEMENTS (standard));
}

static void
test_sizes (void)
{
  static const struct
  {
    MillLadderSize source;
    gboolean skip_top;
    const gchar *expected; /* widthxheight@kbit/s */
  } cases[] = {
    { { 1920, 1080, 1, 1 }, FALSE,
        "1920x1080@5000 1280x720@2800 854x480@1400 640x360@800 426x240@400" },
    { { 1920, 1080, 1, 1 }, TRUE,
        "1280x720@2800 854x480@1400 640x360@800 426x240@400" },
    { { 1920, 1088, 1, 1 }, TRUE,
        "1270x720@2800 848x480@1400 636x360@800 424x240@400" },
    { { 1280, 720, 1, 1 }, FALSE,
        "1280x720@2800 854x480@1400 640x360@800 426x240@400" },
    /* upright, wide, with other than square samples */
    { { 720, 1280, 1, 1 }, TRUE, "480x854@1400 360x640@800 240x426@400" },
    { { 1920, 800, 1, 1 }, TRUE,
        "1280x534@2800 854x356@1400 640x266@800 426x178@400" },
    { { 720, 576, 16, 15 }, TRUE, "600x480@1400 450x360@800 300x240@400" },
    /* between two rungs: the source's size, a bit rate between theirs */
    { { 1600, 900, 1, 1 }, FALSE,
        "1600x900@3790 1280x720@2800 854x480@1400 640x360@800 426x240@400" },
    /* within a tenth of a rung: not scaled */
    { { 1300, 732, 1, 1 }, FALSE,
        "1300x732@2800 852x480@1400 640x360@800 426x240@400" },
    { { 853, 479, 1, 1 }, FALSE, "852x478@1398 640x360@800 426x240@400" },
    { { 160, 120, 1, 1 }, FALSE, "160x120@100" },
    { { 160, 120, 1, 1 }, TRUE, "" },
  };
  g_autoptr (GArray) rungs = make_rungs ();
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GArray) outputs =
        mill_ladder_rungs_choose (rungs, &cases[i].source, cases[i].skip_top);
    g_autoptr (GString) text = g_string_new (NULL);
    for (guint k = 0; k < outputs->len; k++) {
      const MillLadderOutput *output =
          &g_array_index (outputs, MillLadderOutput, k);
      g_string_append_printf (text, "%s%ux%u@%u", k > 0 ? " " : "",
          output->width, output->height, output->rung.bitrate_bps / 1000);
      g_assert_cmpuint (output->width, <=, cases[i].source.width);
      g_assert_cmpuint (output->height, <=, cases[i].source.height);
    }
    g_assert_cmpstr (text->str, ==, cases[i].expected);
  }
}

static void
test_divisors (void)
{
  static const struct
  {
    gint max_n, fps_n, fps_d;
    guint divisor;
  } cases[] = { { 30, 60, 1, 2 }, { 30, 60000, 1001, 2 }, { 30, 30, 1, 1 },
    { 30, 3001, 100, 1 }, { 30, 50, 1, 2 }, { 30, 120, 1, 4 }, { 30, 25, 1, 1 },
    { 30, 0, 1, 1 }, { 0, 60, 1, 1 } };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MillLadderRung rung = { .max_fps_n = cases[i].max_n, .max_fps_d = 1 };
    g_assert_cmpuint (mill_ladder_rungs_divisor (&rung, cases[i].fps_n,
                          cases[i].fps_d),
        ==, cases[i].divisor);
  }
}

/* Low rungs are not blurred by several small steps. */
static void
test_parents (void)
{
  static const gint expected[] = { -1, -1, 0, 1, 2 }; /* 1080 720 480 360 240 */
  static const gint skipped[] = { -1, -1, 0, 1 }; /* 720 480 360 240 */
  g_autoptr (GArray) rungs = make_rungs ();
  MillLadderSize source = { 1920, 1080, 1, 1 };
  g_autoptr (GArray) all = mill_ladder_rungs_choose (rungs, &source, FALSE);
  g_autoptr (GArray) below = mill_ladder_rungs_choose (rungs, &source, TRUE);
  g_assert_cmpuint (all->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < all->len; i++)
    g_assert_cmpint (mill_ladder_rungs_parent (all, i), ==, expected[i]);
  g_assert_cmpuint (below->len, ==, G_N_ELEMENTS (skipped));
  for (guint i = 0; i < below->len; i++)
    g_assert_cmpint (mill_ladder_rungs_parent (below, i), ==, skipped[i]);
}

static void
test_threads (void)
{
  g_autoptr (GArray) rungs = make_rungs ();
  MillLadderSize source = { 3840, 2160, 1, 1 };
  g_autoptr (GArray) outputs = mill_ladder_rungs_choose (rungs, &source, FALSE);
  for (guint cores = 1; cores <= 64; cores *= 2) {
    guint sum = 0;
    for (guint i = 0; i < outputs->len; i++)
      sum += mill_ladder_rungs_threads (outputs, i, cores);
    g_assert_cmpuint (sum, >=, MIN (cores, 32));
    g_assert_cmpuint (sum, <=, cores + outputs->len);
  }
}

/* ---- top ---- */

static void
test_top_skip (void)
{
  g_autofree gchar *preset = write_preset ("ultrafast", "");
  Fixture f;
  fixture_init_movie (&f, "preset", preset, "top", "skip", NULL);
  fixture_run (&f);
  /* The source goes on by itself, its AAC too. */
  g_assert_cmpuint (f.outputs->len, ==, 1);
  const Recorded *output = output_named (&f, "video_0");
  g_assert_cmpint (output->height, ==, 180);
  assert_same_times (output->keyframes, f.source.keyframes);
  g_assert_cmpuint (f.no_more_pads, ==, 1);
  fixture_clear (&f);
}

static void
test_rungs_property (void)
{
  Fixture f;
  fixture_init_movie (&f, "preset", "test", "rungs",
      "<(structure)\"rung,height=(int)120,bitrate-bps=(int)150000;\","
      "(structure)\"rung,height=(int)240,bitrate-bps=(int)300000;\">",
      "top", "skip", NULL);
  fixture_run (&f);
  g_assert_cmpuint (f.outputs->len, ==, 2);
  g_assert_cmpint (output_named (&f, "video_0")->height, ==, 240);
  g_assert_cmpint (output_named (&f, "video_1")->height, ==, 120);
  fixture_clear (&f);
}

/* ---- states, latency ---- */

static void
test_states (void)
{
  Fixture f;
  fixture_init (&f,
      "videotestsrc num-buffers=12 ! "
      "video/x-raw,width=320,height=180,framerate=25/1 ! l.video",
      "preset", "test", NULL);
  for (guint i = 0; i < 3; i++) {
    fixture_run (&f);
    g_assert_cmpuint (f.outputs->len, ==, 1);
    g_assert_cmpuint (output_named (&f, "video_0")->frames->len, ==, 12);
    gst_element_set_state (f.pipeline,
        i == 1 ? GST_STATE_READY : GST_STATE_NULL);
    g_assert_cmpuint (f.ladder->numsrcpads, ==, 0);
    g_assert_cmpuint (GST_BIN_NUMCHILDREN (f.ladder), ==, 0);
    g_ptr_array_set_size (f.outputs, 0);
    g_atomic_int_set (&f.no_more_pads, 0);
  }
  fixture_clear (&f);
}

/* Stopped while every queue is full. */
static void
test_stop_blocked (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (
      "videotestsrc ! video/x-raw,width=640,height=360 ! identity name=in ! "
      "abrladder name=l preset=test l.video_0 ! fakesink l.video_1 ! fakesink "
      "l.video_2 ! fakesink",
      &error);
  g_assert_no_error (error);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  g_assert_cmpint (gst_element_get_state (pipeline, NULL, NULL,
                       20 * GST_SECOND),
      ==, GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_NULL), ==,
      GST_STATE_CHANGE_SUCCESS);
}

/* What the encoder holds back is told: two B-frames and a look-ahead. */
static void
test_latency (void)
{
  g_autofree gchar *preset = write_preset ("veryfast", "");
  Fixture f;
  fixture_init (&f,
      "videotestsrc is-live=true num-buffers=30 ! "
      "video/x-raw,width=320,height=180,framerate=25/1 ! l.video",
      "preset", preset, NULL);
  f.query_latency = TRUE;
  fixture_run (&f);
  g_assert_true (f.live);
  g_assert_cmpuint (f.latency, >=, 2 * GST_SECOND / 25);
  g_assert_cmpuint (f.latency, <=, 60 * GST_SECOND / 25);
  fixture_clear (&f);
}

/* ---- mistakes ---- */

static void
check_refused (const gchar *property, const gchar *value, GQuark domain,
    gint code, const gchar *expected)
{
  g_autoptr (GstElement) ladder = gst_element_factory_make ("abrladder", NULL);
  gst_object_ref_sink (ladder);
  g_autoptr (GstBus) bus = gst_bus_new ();
  gst_element_set_bus (ladder, bus);
  /* GStreamer 1.22 writes into the text of an array while it reads it. */
  g_autofree gchar *text = g_strdup (value);
  gst_util_set_object_arg (G_OBJECT (ladder), property, text);
  g_assert_cmpint (gst_element_set_state (ladder, GST_STATE_READY), ==,
      GST_STATE_CHANGE_FAILURE);
  g_autoptr (GstMessage) message =
      gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_autoptr (GError) error = NULL;
  gst_message_parse_error (message, &error, NULL);
  g_assert_cmpstr (error->message, ==, expected);
  g_assert_error (error, domain, code);
  g_autoptr (GstMessage) second = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_null (second);
  gst_element_set_bus (ladder, NULL);
  gst_element_set_state (ladder, GST_STATE_NULL);
}

static void
test_unknown_preset (void)
{
  check_refused ("preset", "nope", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND,
      "preset 'nope': got no such preset, expected one of gaming, sports, "
      "standard, talk, test, or a file");
  check_refused ("preset", "none/such.ini", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND,
      "preset file 'none/such.ini': got no such file, expected a file that "
      "exists");
}

static void
test_bad_settings (void)
{
  check_refused ("encoder", "foo", GST_LIBRARY_ERROR,
      GST_LIBRARY_ERROR_SETTINGS,
      "encoder: got 'foo', expected auto or x264enc");
  check_refused ("rungs",
      "<(structure)\"rung,height=(int)121,bitrate-bps=(int)150000;\">",
      GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
      "rungs[0] height: got 121, expected an even number from 16 to 8640");
}

static void
test_bad_presets (void)
{
#define HEAD "[ladder]\nformat=1\n"
#define RUNG "[rung a]\nheight=360\nbitrate-bps=800000\n"
  static const struct
  {
    const gchar *text;
    const gchar *expected; /* after the file's name */
  } cases[] = {
    { RUNG, "[ladder]: got no such group, expected it with format=1" },
    { "[ladder]\nformat=2\n" RUNG, "[ladder] format: got 2, expected 1" },
    { HEAD, "[rung NAME]: got no such group, expected one for each rung" },
    { HEAD RUNG "[rungs]\n",
        "[rungs]: got an unknown group, expected ladder, audio, x264enc or "
        "rung NAME" },
    { HEAD RUNG "bitrate=5\n",
        "[rung a] bitrate: got an unknown key, expected one of height, "
        "bitrate-bps, max-frame-rate" },
    { HEAD "[rung a]\nheight=360\n",
        "[rung a] bitrate-bps: got nothing, expected a number" },
    { HEAD "[rung a]\nheight=abc\nbitrate-bps=800000\n",
        "[rung a] height: got 'abc', expected a number from 1 to 2147483647" },
    { HEAD "[rung a]\nheight=361\nbitrate-bps=800000\n",
        "[rung a]: height: got 361, expected an even number from 16 to 8640" },
    { HEAD RUNG "max-frame-rate=fast\n",
        "[rung a] max-frame-rate: got 'fast', expected frames per second, as "
        "in 30 or 30000/1001" },
    { HEAD RUNG "[rung b]\nheight=360\nbitrate-bps=900000\n",
        "[rung b]: height: got a second rung of 360, expected one of each "
        "height" },
    { HEAD RUNG "[audio]\nbitrate-bps=5\n",
        "[audio] bitrate-bps: got 5, expected a number from 8000 to 512000" },
    { HEAD RUNG "[x264enc]\nspeed=fast\n",
        "[x264enc] speed: got no property of x264enc" },
    { HEAD RUNG "[x264enc]\nbframes=many\n",
        "[x264enc] bframes: got 'many', expected a value of type guint in its "
        "range" },
    { HEAD RUNG "[x264enc]\nkey-int-max=50\n",
        "[x264enc] key-int-max: got a key that the ladder sets by itself" },
    { HEAD RUNG "[x264enc]\noption-string=keyint=50\n",
        "[x264enc] option-string: got 'keyint=50', expected nothing about "
        "keyframes, which are the source's" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *path = write_file (cases[i].text);
    g_autofree gchar *expected =
        g_strdup_printf ("preset file '%s', %s", path, cases[i].expected);
    check_refused ("preset", path, GST_LIBRARY_ERROR,
        GST_LIBRARY_ERROR_SETTINGS, expected);
  }
}

/* Every beginning of a preset is refused or read, and never anything else. */
static void
test_truncated_preset (void)
{
  static const gchar *const none[] = { NULL };
  static const gchar text[] = HEAD "profile=main\n" RUNG
                                   "max-frame-rate=30000/1001\n[audio]\n"
                                   "bitrate-bps=96000\n[x264enc]\nbframes=2\n";
  for (gsize length = 0; length < sizeof (text); length++) {
    g_autofree gchar *part = g_strndup (text, length);
    g_autofree gchar *path = write_file (part);
    g_autoptr (GError) error = NULL;
    g_autoptr (MillLadderPreset) preset =
        mill_ladder_preset_load (path, none, &error);
    g_assert_true ((preset == NULL) == (error != NULL));
    if (preset != NULL)
      g_assert_cmpuint (preset->rungs->len, ==, 1);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  fixture_make_movie ();
  g_test_add_func ("/abrladder/contract", test_contract);
  g_test_add_func ("/abrladder/sizes", test_sizes);
  g_test_add_func ("/abrladder/divisors", test_divisors);
  g_test_add_func ("/abrladder/parents", test_parents);
  g_test_add_func ("/abrladder/threads", test_threads);
  g_test_add_func ("/abrladder/top-skip", test_top_skip);
  g_test_add_func ("/abrladder/rungs-property", test_rungs_property);
  g_test_add_func ("/abrladder/states", test_states);
  g_test_add_func ("/abrladder/stop-blocked", test_stop_blocked);
  g_test_add_func ("/abrladder/latency", test_latency);
  g_test_add_func ("/abrladder/unknown-preset", test_unknown_preset);
  g_test_add_func ("/abrladder/bad-settings", test_bad_settings);
  g_test_add_func ("/abrladder/bad-presets", test_bad_presets);
  g_test_add_func ("/abrladder/truncated-preset", test_truncated_preset);
  int result = g_test_run ();
  fixture_remove_movie ();
  gst_deinit ();
  return result;
}
