/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What playlists say of a presentation as a whole. Were these wrong, players
 * would begin elsewhere, or fetch what a name told them to. */

#include <string.h>

#include "playlist/hls-multivariant.h"

static void
test_start (void)
{
  static const struct
  {
    MillHlsStart start;
    const gchar *text;
  } cases[] = {
    { { 0, FALSE }, "#EXT-X-START:TIME-OFFSET=0.000\n" },
    { { 12345, TRUE }, "#EXT-X-START:TIME-OFFSET=12.345,PRECISE=YES\n" },
    { { -6050, FALSE }, "#EXT-X-START:TIME-OFFSET=-6.050\n" },
    { { -1, FALSE }, "#EXT-X-START:TIME-OFFSET=-0.001\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GString) out = g_string_new (NULL);

    mill_hls_presentation_append_start (out, &cases[i].start);
    g_assert_cmpstr (out->str, ==, cases[i].text);
  }
}

/* Clause 4.4.6.4; and no value can end its line or its quotes. */
static void
test_session_data (void)
{
  static const struct
  {
    MillHlsSessionData data;
    const gchar *text;
  } cases[] = {
    { { "org.example.title", "A \"title\"\n#EXT", NULL, FALSE, "en" },
        "#EXT-X-SESSION-DATA:DATA-ID=\"org.example.title\","
        "VALUE=\"A 'title' #EXT\",LANGUAGE=\"en\"\n" },
    { { "org.example.more", NULL, "https://a.example/b c.json", FALSE, NULL },
        "#EXT-X-SESSION-DATA:DATA-ID=\"org.example.more\","
        "URI=\"https://a.example/b%20c.json\"\n" },
    { { "org.example.raw", NULL, "art/\"x\".png", TRUE, NULL },
        "#EXT-X-SESSION-DATA:DATA-ID=\"org.example.raw\","
        "URI=\"art/%22x%22.png\",FORMAT=RAW\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GString) out = g_string_new (NULL);

    mill_hls_presentation_append_session_data (out, &cases[i].data);
    g_assert_cmpstr (out->str, ==, cases[i].text);
  }
}

static void
test_pathways (void)
{
  static const gchar *const good[] = { ".", "CDN-a_1.b" };
  static const gchar *const bad[] = { "", "a b", "a\"", "\xc3\xa4", "a/b" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (mill_hls_presentation_is_pathway (good[i]));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (mill_hls_presentation_is_pathway (bad[i]));
}

/* A video with two groups of audio has one I-frame playlist, whose line has
 * neither frame rate nor audio (clause 4.4.6.3). */
static void
test_multivariant (void)
{
  const MillHlsStart start = { -12000, TRUE };
  const MillHlsSteering steering = { "https://s.example/steer?x=1", "a" };
  const MillHlsSessionData data = { "org.example.id", "7", NULL, FALSE, NULL };
  const MillHlsRendition rendition = {
    .group = "audio",
    .name = "a64",
    .uri = "https://a.example/s/a64/playlist.m3u8",
    .is_absolute = TRUE,
  };
  MillHlsVariant variants[2] = { {
      .uri = "https://a.example/s/v360/playlist.m3u8",
      .bandwidth_bps = 900000,
      .codecs = "avc1.64001E,mp4a.40.2",
      .width = 640,
      .height = 360,
      .fps_n = 30,
      .fps_d = 1,
      .audio_group = "audio",
      .i_frames_uri = "https://a.example/s/v360/iframes.m3u8",
      .i_frames_bandwidth_bps = 90000,
      .i_frames_average_bps = 80000,
      .i_frames_codecs = "avc1.64001E",
      .pathway = "a",
      .is_absolute = TRUE,
  } };
  const MillHlsMultivariant multivariant = {
    .start = &start,
    .steering = &steering,
    .session_data = &data,
    .n_session_data = 1,
    .renditions = &rendition,
    .n_renditions = 1,
    .variants = variants,
    .n_variants = G_N_ELEMENTS (variants),
  };
  g_autoptr (GBytes) bytes = NULL;

  variants[1] = variants[0];
  variants[1].audio_group = "audio-ac-3";
  bytes = mill_hls_multivariant_print (&multivariant);
  g_assert_cmpstr (g_bytes_get_data (bytes, NULL), ==,
      "#EXTM3U\n#EXT-X-VERSION:6\n"
      "#EXT-X-START:TIME-OFFSET=-12.000,PRECISE=YES\n"
      "#EXT-X-CONTENT-STEERING:SERVER-URI=\"https://s.example/steer?x=1\","
      "PATHWAY-ID=\"a\"\n"
      "#EXT-X-SESSION-DATA:DATA-ID=\"org.example.id\",VALUE=\"7\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"a64\","
      "URI=\"https://a.example/s/a64/playlist.m3u8\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS=\"avc1.64001E,mp4a.40.2\","
      "RESOLUTION=640x360,FRAME-RATE=30.000,AUDIO=\"audio\","
      "PATHWAY-ID=\"a\"\n"
      "https://a.example/s/v360/playlist.m3u8\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS=\"avc1.64001E,mp4a.40.2\","
      "RESOLUTION=640x360,FRAME-RATE=30.000,AUDIO=\"audio-ac-3\","
      "PATHWAY-ID=\"a\"\n"
      "https://a.example/s/v360/playlist.m3u8\n"
      "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,AVERAGE-BANDWIDTH=80000,"
      "CODECS=\"avc1.64001E\",RESOLUTION=640x360,PATHWAY-ID=\"a\","
      "URI=\"https://a.example/s/v360/iframes.m3u8\"\n");
}

/* Players look for pictures of the pathway that they are on: each has its own
 * tag, also where two of them lead to the same place. */
static void
test_i_frames_of_pathways (void)
{
  static const gchar *const pathways[] = { "a", "a", "b" };
  MillHlsVariant variants[G_N_ELEMENTS (pathways)];
  const MillHlsMultivariant multivariant = {
    .variants = variants,
    .n_variants = G_N_ELEMENTS (variants),
  };
  g_autoptr (GBytes) bytes = NULL;
  const gchar *text;

  for (guint i = 0; i < G_N_ELEMENTS (variants); i++)
    variants[i] = (MillHlsVariant){
      .uri = "v360/playlist.m3u8",
      .bandwidth_bps = 900000 + i,
      .codecs = "avc1.64001E",
      .i_frames_uri = "v360/iframes.m3u8",
      .i_frames_bandwidth_bps = 90000,
      .i_frames_codecs = "avc1.64001E",
      .pathway = pathways[i],
    };
  bytes = mill_hls_multivariant_print (&multivariant);
  text = strstr (g_bytes_get_data (bytes, NULL), "#EXT-X-I-FRAME");
  g_assert_cmpstr (text, ==,
      "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,CODECS=\"avc1.64001E\","
      "PATHWAY-ID=\"a\",URI=\"v360/iframes.m3u8\"\n"
      "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,CODECS=\"avc1.64001E\","
      "PATHWAY-ID=\"b\",URI=\"v360/iframes.m3u8\"\n");
}

gint
main (gint argc, gchar **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hls/presentation/start", test_start);
  g_test_add_func ("/hls/presentation/session-data", test_session_data);
  g_test_add_func ("/hls/presentation/pathways", test_pathways);
  g_test_add_func ("/hls/presentation/multivariant", test_multivariant);
  g_test_add_func ("/hls/presentation/i-frames-of-pathways",
      test_i_frames_of_pathways);
  return g_test_run ();
}
