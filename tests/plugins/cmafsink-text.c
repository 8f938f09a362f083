/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: captions that are missing in one player or another, come
 * at the wrong picture, or hold a stream up because nobody speaks. */
#include "cmafsink-test.h"

#define GOP 25 /* of 1 s */

static GstHarness *
add_text (Fixture *f, const gchar *pad, const gchar *caps)
{
  GstHarness *text = fixture_add (f, pad, NULL);
  if (caps != NULL)
    gst_harness_set_src_caps (text, gst_caps_from_string (caps));
  return text;
}

/* Pads before data, as in a planned graph: a video and text. */
static GstHarness *
begin (Fixture *f, gint mode, const gchar *caps)
{
  fixture_init (f, make_dir (), "mode", mode, "segment-duration-ms", 1000u,
      NULL);
  f->video = fixture_add (f, "video_0", NULL);
  GstHarness *text = add_text (f, "text_0", NULL);
  gst_harness_set_src_caps (f->video, video_caps ());
  if (caps != NULL)
    gst_harness_set_src_caps (text, gst_caps_from_string (caps));
  return text;
}

static GstFlowReturn
push_text (GstHarness *text, guint start_ms, gint duration_ms,
    const gchar *words)
{
  GstBuffer *buffer = gst_buffer_new_memdup (words, strlen (words));
  GST_BUFFER_PTS (buffer) = start_ms * GST_MSECOND;
  if (duration_ms >= 0)
    GST_BUFFER_DURATION (buffer) = (guint) duration_ms * GST_MSECOND;
  return gst_harness_push (text, buffer);
}

static void
finish (Fixture *f, GstHarness *text)
{
  gst_harness_push_event (text, gst_event_new_eos ());
  push_eos (f);
  wait_eos (f);
}

static void
clear (Fixture *f, GstHarness *text)
{
  gst_element_set_state (f->sink, GST_STATE_NULL);
  gst_harness_teardown (text);
  fixture_clear (f);
}

static void
assert_file (Fixture *f, const gchar *name, const gchar *expected)
{
  g_autofree gchar *got = read_text (f, name);
  g_assert_cmpstr (got, ==, expected);
}

/* A segment in fMP4 is exactly as long as that of the video. */
static void
assert_aligned (Fixture *f, const gchar *name, guint64 time, guint samples)
{
  g_autoptr (MillBmffSegment) segment = read_segment (f, name);
  guint64 total = 0;
  g_assert_cmpuint (segment->samples->len, ==, samples);
  g_assert_cmpuint (sample_of (segment, 0).decode_time, ==, time);
  for (guint i = 0; i < segment->samples->len; i++)
    total += sample_of (segment, i).duration;
  g_assert_cmpuint (total, ==, 90000);
}

/* ---- what is written ---- */

static void
test_webvtt (void)
{
  Fixture f;
  GstHarness *text = begin (&f, 2, "text/x-raw, format=pango-markup");
  g_assert_cmpint (push_text (text, 800, 400, "<i>over</i> a border"), ==,
      GST_FLOW_OK);
  g_assert_cmpint (push_text (text, 2100, 500, "A --> B"), ==, GST_FLOW_OK);
  push_both (&f, 0, 0, 4 * GOP, GOP);
  finish (&f, text);
  assert_file (&f, "text/1-0.vtt",
      "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n"
      "00:00:00.800 --> 00:00:01.200\n<i>over</i> a border\n");
  assert_file (&f, "text/1-1.vtt",
      "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:01.000,MPEGTS:90000\n\n"
      "00:00:00.800 --> 00:00:01.200\n<i>over</i> a border\n");
  assert_file (&f, "text/1-2.vtt",
      "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:02.000,MPEGTS:180000\n\n"
      "00:00:02.100 --> 00:00:02.600\nA --&gt; B\n");
  assert_file (&f, "text/1-3.vtt",
      "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:03.000,MPEGTS:270000\n");
  assert_aligned (&f, "text/1-0.m4s", 0, 2);
  assert_aligned (&f, "text/1-1.m4s", 90000, 2);
  assert_aligned (&f, "text/1-2.m4s", 180000, 3);
  assert_aligned (&f, "text/1-3.m4s", 270000, 1);
  g_assert_true (exists (&f, "text/init-1.mp4"));
  g_assert_false (contains (&f, "text/playlist.m3u8", "EXT-X-MAP"));
  g_assert_cmpuint (count (&f, "text/playlist.m3u8", ".vtt"), ==, 4);
  g_assert_true (contains (&f, "manifest.mpd", "codecs=\"wvtt\""));
  clear (&f, text);
}

/* Properties of the pad, as a player's menu shows them. */
static void
test_properties (void)
{
  Fixture f;
  GstHarness *text = begin (&f, 2, NULL);
  GstHarness *other = add_text (&f, "text_1", NULL);
  gst_child_proxy_set (GST_CHILD_PROXY (f.sink), "text_0::language", "en",
      "text_0::default", TRUE, "text_0::hearing-impaired", TRUE,
      "text_1::language", "de", "text_1::name", "zwang", "text_1::forced", TRUE,
      NULL);
  gst_harness_set_src_caps (text,
      gst_caps_from_string ("text/x-raw, format=utf8"));
  gst_harness_set_src_caps (other, gst_caps_from_string ("application/x-ass"));
  g_assert_cmpint (push_text (other, 100, 500, "0,0,D,,0,0,0,,{\\b1}ja"), ==,
      GST_FLOW_OK);
  gst_harness_push_event (other, gst_event_new_eos ());
  push_both (&f, 0, 0, 2 * GOP, GOP);
  finish (&f, text);
  g_assert_true (contains (&f, "master.m3u8",
      "TYPE=SUBTITLES,GROUP-ID=\"subs\",NAME=\"en\",LANGUAGE=\"en\","
      "DEFAULT=YES,AUTOSELECT=YES,CHARACTERISTICS=\""
      "public.accessibility.transcribes-spoken-dialog,"
      "public.accessibility.describes-music-and-sound\","
      "URI=\"en/playlist.m3u8\"\n"));
  g_assert_true (contains (&f, "master.m3u8",
      "NAME=\"zwang\",LANGUAGE=\"de\",AUTOSELECT=YES,FORCED=YES,"
      "URI=\"zwang/playlist.m3u8\"\n"));
  g_assert_true (contains (&f, "master.m3u8", ",SUBTITLES=\"subs\""));
  g_assert_true (contains (&f, "manifest.mpd", "value=\"caption\""));
  g_assert_true (contains (&f, "manifest.mpd", "value=\"forced-subtitle\""));
  g_assert_true (contains (&f, "zwang/1-0.vtt", "\n<b>ja</b>\n"));
  gst_harness_teardown (other);
  clear (&f, text);
}

/* A file as bytes, in pieces: TTML is in fMP4 what it was, and WebVTT for HLS. */
static void
test_ttml_file (void)
{
  static const gchar document[] =
      "<tt xmlns=\"http://www.w3.org/ns/ttml\"><body><div>"
      "<p begin=\"1.5s\" end=\"2.5s\">Hallo</p></div></body></tt>";
  Fixture f;
  GstHarness *text = begin (&f, 2, "application/ttml+xml");
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  gst_harness_push_event (text, gst_event_new_segment (&segment));
  for (gsize i = 0; i < strlen (document); i += 40) {
    gsize size = MIN (40, strlen (document) - i);
    g_assert_cmpint (gst_harness_push (text,
                         gst_buffer_new_memdup (document + i, size)),
        ==, GST_FLOW_OK);
  }
  push_both (&f, 0, 0, 3 * GOP, GOP);
  finish (&f, text);
  g_assert_true (contains (&f, "text/1-2.vtt",
      "00:00:01.500 --> 00:00:02.500\nHallo\n"));
  g_assert_true (contains (&f, "manifest.mpd", "stpp.ttml.im1t"));
  assert_aligned (&f, "text/1-1.m4s", 90000, 1);
  clear (&f, text);
}

/* What cannot be read is said once, and costs nothing but itself. */
static void
test_bad_documents (void)
{
  Fixture f;
  GstHarness *text = begin (&f, 2, "application/ttml+xml");
  g_assert_cmpint (push_text (text, 0, 500, "<tt><broken"), ==, GST_FLOW_OK);
  g_assert_cmpint (push_text (text, 500, 500, "no xml"), ==, GST_FLOW_OK);
  g_autofree gchar *warning = pop_text (&f, GST_MESSAGE_WARNING);
  g_assert_nonnull (strstr (warning, "text of pad 'text_0'"));
  g_assert_null (gst_bus_pop_filtered (f.bus, GST_MESSAGE_WARNING));
  push_both (&f, 0, 0, 2 * GOP, GOP);
  finish (&f, text);
  g_assert_cmpuint (count (&f, "text/playlist.m3u8", ".vtt"), ==, 2);
  clear (&f, text);
}

static void
test_refused (void)
{
  Fixture f;
  GstHarness *text = begin (&f, 0, NULL);
  gst_harness_set_src_caps (text, gst_caps_from_string ("subpicture/x-dvd"));
  g_autofree gchar *error = pop_text (&f, GST_MESSAGE_ERROR);
  g_assert_nonnull (strstr (error, "text_0"));
  g_assert_nonnull (strstr (error, "WebVTT"));
  clear (&f, text);
}

/* The pads of a demuxer come while the packager runs already. */
static void
test_pads_later (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 2, "segment-duration-ms", 1000u, NULL);
  g_assert_cmpint (gst_element_set_state (f.sink, GST_STATE_PLAYING), ==,
      GST_STATE_CHANGE_SUCCESS);
  f.video = fixture_add (&f, "video_0", video_caps ());
  GstHarness *text = add_text (&f, "text_0", "text/x-raw, format=utf8");
  g_assert_cmpint (push_text (text, 100, 200, "hi"), ==, GST_FLOW_OK);
  push_both (&f, 0, 0, 2 * GOP, GOP);
  finish (&f, text);
  g_assert_true (contains (&f, "text/1-0.vtt", "\nhi\n"));
  clear (&f, text);
}

/* A file of subtitles is read before the demuxer of the film has shown a track:
 * with text_0 in the graph and the others to come, its end is not the end. */
static void
test_text_first (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 2, "segment-duration-ms", 1000u, NULL);
  g_assert_cmpint (gst_element_set_state (f.sink, GST_STATE_PLAYING), ==,
      GST_STATE_CHANGE_SUCCESS);
  GstHarness *text = add_text (&f, "text_0", "text/x-raw, format=utf8");
  g_assert_cmpint (push_text (text, 100, 200, "hi"), ==, GST_FLOW_OK);
  gst_harness_push_event (text, gst_event_new_eos ());
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_both (&f, 0, 0, 2 * GOP, GOP);
  push_eos (&f);
  wait_eos (&f);
  g_assert_true (contains (&f, "text/1-0.vtt", "\nhi\n"));
  g_assert_true (contains (&f, "master.m3u8", "TYPE=SUBTITLES"));
  clear (&f, text);
}

/* A film without captions, at the end of a line that would bring them, has its end
 * all the same. */
static void
test_never_fed (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 2, "segment-duration-ms", 1000u, NULL);
  f.video = fixture_add (&f, "video_0", NULL);
  GstElement *line = gst_element_factory_make ("identity", NULL);
  gst_object_ref_sink (line);
  g_assert_true (gst_element_link_pads (line, "src", f.sink, "text_0"));
  gst_harness_set_src_caps (f.video, video_caps ());
  push_both (&f, 0, 0, 2 * GOP, GOP);
  push_eos (&f);
  wait_eos (&f);
  g_assert_cmpuint (count (&f, "text/playlist.m3u8", ".vtt"), ==, 2);
  gst_element_set_state (f.sink, GST_STATE_NULL);
  gst_object_unref (line);
  fixture_clear (&f);
}

/* ---- live ---- */

/* Nobody speaks, not even caps come: the stream is listed as it is made, and
 * text with it. */
static void
test_silence (void)
{
  Fixture f;
  GstHarness *text = begin (&f, 0, NULL);
  push_both (&f, 0, 0, 3 * GOP + 1, GOP);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", ".m4s"), ==, 3);
  g_assert_cmpuint (count (&f, "text/playlist.m3u8", ".vtt"), ==, 3);
  g_assert_true (contains (&f, "master.m3u8", "SUBTITLES=\"subs\""));
  /* It is not waited for at the end either. */
  push_eos (&f);
  wait_eos (&f);
  g_assert_true (contains (&f, "text/playlist.m3u8", "EXT-X-ENDLIST"));
  clear (&f, text);
}

/* A caption of which nobody knows when it ends is in every segment until it
 * does, in pieces that follow each other; one that is too late is left out. */
static void
test_open_end (void)
{
  Fixture f;
  GstHarness *text = begin (&f, 0, "text/x-raw, format=utf8");
  push_both (&f, 0, 0, 5, GOP);
  g_assert_cmpint (push_text (text, 500, -1, "on"), ==, GST_FLOW_OK);
  push_both (&f, 0, 5, 2 * GOP + 1, GOP);
  g_assert_cmpint (push_text (text, 2200, -1, " "), ==, GST_FLOW_OK);
  g_assert_cmpint (push_text (text, 100, 200, "late"), ==, GST_FLOW_OK);
  push_both (&f, 0, 2 * GOP + 1, 4 * GOP + 1, GOP);
  g_assert_true (contains (&f, "text/1-0.vtt",
      "00:00:00.500 --> 00:00:01.000\non\n"));
  g_assert_true (contains (&f, "text/1-1.vtt",
      "00:00:01.000 --> 00:00:02.000\non\n"));
  g_assert_true (contains (&f, "text/1-2.vtt",
      "00:00:00.500 --> 00:00:02.200\non\n"));
  g_assert_false (contains (&f, "text/1-3.vtt", "-->"));
  g_assert_false (contains (&f, "text/1-2.vtt", "late"));
  clear (&f, text);
}

/* Segments that leave the window leave the disk, in both their forms, and the
 * next start goes on with what is there. */
static void
test_restart (void)
{
  Fixture f;
  GstHarness *text = begin (&f, 0, "text/x-raw, format=utf8");
  push_both (&f, 0, 0, 3 * GOP + 1, GOP);
  gst_element_set_state (f.sink, GST_STATE_NULL);
  gst_harness_teardown (text);
  g_autofree gchar *dir = g_strdup (f.dir);
  fixture_stop (&f);
  g_free (f.dir);

  fixture_init (&f, g_strdup (dir), "mode", 0, "segment-duration-ms", 1000u,
      NULL);
  f.video = fixture_add (&f, "video_0", NULL);
  text = add_text (&f, "text_0", NULL);
  gst_harness_set_src_caps (f.video, video_caps ());
  push_both (&f, 0, 0, 2 * GOP + 1, GOP);
  g_assert_true (contains (&f, "text/playlist.m3u8", "1-2.vtt"));
  g_assert_true (contains (&f, "text/playlist.m3u8", "#EXT-X-DISCONTINUITY\n"));
  g_assert_true (contains (&f, "text/playlist.m3u8", "2-4.vtt"));
  clear (&f, text);
}

/* ---- captions inside of the video ---- */

/* A frame with an SEI message before it that has one construct of cc_data. */
static GstFlowReturn
push_captioned (Fixture *f, guint frame, const guint8 *construct)
{
  guint8 sei[] = { 0, 0, 0, 17, 6, 4, 13, 0xb5, 0, 0x31, 'G', 'A', '9', '4', 3,
    0x41, 0xff, construct[0], construct[1], construct[2], 0x80 };
  GstBuffer *buffer = make_frame (frame % GOP == 0, 500);
  guint8 *copy = g_memdup2 (sei, sizeof sei);
  gst_buffer_prepend_memory (buffer,
      gst_memory_new_wrapped (0, copy, sizeof sei, 0, sizeof sei, copy,
          g_free));
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = frame * FRAME_NS;
  GST_BUFFER_DURATION (buffer) = FRAME_NS;
  return gst_harness_push (f->video, buffer);
}

static void
push_silent (Fixture *f, guint from, guint to)
{
  static const guint8 padding[] = { 0xfc, 0x80, 0x80 };
  for (guint i = from; i < to; i++)
    g_assert_cmpint (push_captioned (f, i, padding), ==, GST_FLOW_OK);
}

static void
begin_captions (Fixture *f, gint mode, const gchar *told)
{
  fixture_init (f, make_dir (), "mode", mode, "segment-duration-ms", 1000u,
      NULL);
  f->video = fixture_add (f, "video_0", NULL);
  gst_child_proxy_set (GST_CHILD_PROXY (f->sink), "video_0::closed-captions",
      told, NULL);
  gst_harness_set_src_caps (f->video, video_caps ());
}

static const guint8 cc1[] = { 0xfc, 0x94, 0x20 };
static const guint8 cc3[] = { 0xfd, 0x15, 0x20 };

/* Found in the pictures; one that begins later comes into the playlist later,
 * and a restart does not forget. */
static void
test_captions_found (void)
{
  Fixture f;
  begin_captions (&f, 0, NULL);
  g_assert_cmpint (push_captioned (&f, 0, cc1), ==, GST_FLOW_OK);
  push_silent (&f, 1, 3 * GOP + 1);
  g_assert_true (contains (&f, "master.m3u8",
      "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"CC1\","
      "AUTOSELECT=YES,INSTREAM-ID=\"CC1\"\n"));
  g_assert_true (contains (&f, "master.m3u8", ",CLOSED-CAPTIONS=\"cc\""));
  g_assert_true (contains (&f, "manifest.mpd",
      "<Accessibility schemeIdUri=\"urn:scte:dash:cc:cea-608:2015\"/>"));
  g_assert_false (contains (&f, "master.m3u8", "CC3"));
  g_assert_cmpint (push_captioned (&f, 3 * GOP + 1, cc3), ==, GST_FLOW_OK);
  push_silent (&f, 3 * GOP + 2, 4 * GOP + 1);
  g_assert_true (contains (&f, "master.m3u8", "INSTREAM-ID=\"CC3\""));

  g_autofree gchar *dir = g_strdup (f.dir);
  fixture_stop (&f);
  g_free (f.dir);
  fixture_init (&f, g_strdup (dir), "mode", 0, "segment-duration-ms", 1000u,
      NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_both (&f, 0, 0, 2 * GOP + 1, GOP);
  g_assert_true (contains (&f, "master.m3u8", "INSTREAM-ID=\"CC3\""));
  fixture_clear (&f);
}

static void
test_captions_told (void)
{
  static const struct
  {
    const gchar *told;
    const gchar *in_master;
    const gchar *in_mpd;
  } vectors[] = {
    { "CC1=en,SERVICE2=de",
        "LANGUAGE=\"de\",AUTOSELECT=YES,INSTREAM-ID=\"SERVICE2\"",
        "urn:scte:dash:cc:cea-708:2015\" value=\"2=lang:de\"" },
    { "CC1=en,CC3=es", "#EXT-X-VERSION:6", "value=\"CC1=en;CC3=es\"" },
    { "none", ",CLOSED-CAPTIONS=NONE\n", "</MPD>" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    Fixture f;
    begin_captions (&f, 2, vectors[i].told);
    /* What is in the pictures does not change what was told. */
    g_assert_cmpint (push_captioned (&f, 0, cc1), ==, GST_FLOW_OK);
    push_silent (&f, 1, 2 * GOP);
    push_eos (&f);
    wait_eos (&f);
    g_assert_true (contains (&f, "master.m3u8", vectors[i].in_master));
    g_assert_true (contains (&f, "manifest.mpd", vectors[i].in_mpd));
    fixture_clear (&f);
  }
}

static void
test_captions_refused (void)
{
  static const gchar *const wrong[] = { "", "CC5=en", "CC1=", "CC1,CC1",
    "SERVICE0", "SERVICE64", "yes", "CC1=e\"n", "CC1;CC2" };
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    Fixture f;
    begin_captions (&f, 0, wrong[i]);
    g_autofree gchar *error = pop_text (&f, GST_MESSAGE_ERROR);
    g_assert_nonnull (strstr (error, "closed-captions of pad 'video_0'"));
    fixture_clear (&f);
  }
}

/* Nothing is said of a stream that has none. */
static void
test_captions_absent (void)
{
  Fixture f;
  begin_captions (&f, 0, NULL);
  push_both (&f, 0, 0, 3 * GOP + 1, GOP);
  g_assert_false (contains (&f, "master.m3u8", "CLOSED-CAPTIONS"));
  g_assert_false (contains (&f, "manifest.mpd", "Accessibility"));
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink/text/webvtt", test_webvtt);
  g_test_add_func ("/cmafsink/text/properties", test_properties);
  g_test_add_func ("/cmafsink/text/ttml-file", test_ttml_file);
  g_test_add_func ("/cmafsink/text/bad-documents", test_bad_documents);
  g_test_add_func ("/cmafsink/text/refused", test_refused);
  g_test_add_func ("/cmafsink/text/pads-later", test_pads_later);
  g_test_add_func ("/cmafsink/text/text-first", test_text_first);
  g_test_add_func ("/cmafsink/text/never-fed", test_never_fed);
  g_test_add_func ("/cmafsink/text/silence", test_silence);
  g_test_add_func ("/cmafsink/text/open-end", test_open_end);
  g_test_add_func ("/cmafsink/text/restart", test_restart);
  g_test_add_func ("/cmafsink/captions/found", test_captions_found);
  g_test_add_func ("/cmafsink/captions/told", test_captions_told);
  g_test_add_func ("/cmafsink/captions/refused", test_captions_refused);
  g_test_add_func ("/cmafsink/captions/absent", test_captions_absent);
  return g_test_run ();
}
