/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What is said of a stream as a whole. A user would notice: players that refuse
 * a playlist, or load from a place that nobody named. */
#include "cmaf-pathways.h"

static void
test_data (void)
{
  static const struct
  {
    MillHlsSessionData data;
    gboolean taken;
  } cases[] = {
    { { "a", "1", NULL, FALSE, NULL }, TRUE },
    { { "a", "2", NULL, FALSE, NULL }, FALSE }, /* twice */
    { { "a", "2", NULL, FALSE, "de" }, TRUE },
    { { "b", NULL, "x.json", FALSE, NULL }, TRUE },
    { { "c", NULL, "x.png", TRUE, NULL }, TRUE },
    { { "d", "", NULL, FALSE, NULL }, TRUE },
    { { "e", "1", "x.json", FALSE, NULL }, FALSE },
    { { "e", NULL, NULL, FALSE, NULL }, FALSE },
    { { "e", "1", NULL, TRUE, NULL }, FALSE },
    { { NULL, "1", NULL, FALSE, NULL }, FALSE },
    { { "", "1", NULL, FALSE, NULL }, FALSE },
  };
  g_autoptr (MillCmafPresentation) presentation = mill_cmaf_presentation_new ();
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    gboolean taken =
        mill_cmaf_presentation_add_data (presentation, &cases[i].data, &error);
    g_assert_cmpint (taken, ==, cases[i].taken);
    g_assert_true (taken ||
        g_error_matches (error, MILL_CMAF_PRESENTATION_ERROR,
            MILL_CMAF_PRESENTATION_ERROR_INVALID));
  }
  g_assert_cmpuint (presentation->data->len, ==, 5);
}

static void
test_pathways (void)
{
  static const struct
  {
    const gchar *id;
    const gchar *base;
    const gchar *placed; /* NULL: refused */
  } cases[] = {
    { "a", NULL, "" },
    { "a", "https://a.example/", NULL }, /* twice */
    { "b", "https://b.example/x", "https://b.example/x/" },
    { "c", "http://c.example:8080/x y%20z/",
        "http://c.example:8080/x%20y%20z/" },
    { "d", "ftp://d.example/", NULL },
    { "d", "d.example/x", NULL },
    { "d", "https://d.example/?q=1", NULL },
    { "d", "javascript:alert(1)", NULL },
    { "d e", "https://d.example/", NULL },
    { "", "https://d.example/", NULL },
    { NULL, "https://d.example/", NULL },
  };
  g_autoptr (MillCmafPresentation) presentation = mill_cmaf_presentation_new ();
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    gboolean taken = mill_cmaf_presentation_add_pathway (presentation,
        cases[i].id, cases[i].base, &error);
    g_assert_cmpint (taken, ==, cases[i].placed != NULL);
    g_assert_true (taken == (error == NULL));
    if (!taken)
      continue;
    const MillCmafPathway *pathway = &g_array_index (presentation->pathways,
        MillCmafPathway, presentation->pathways->len - 1);
    g_assert_cmpstr (pathway->base ? pathway->base : "", ==, cases[i].placed);
  }
}

static void
test_steering (void)
{
  g_autoptr (MillCmafPresentation) presentation = mill_cmaf_presentation_new ();
  g_autoptr (GError) error = NULL;
  g_assert_true (mill_cmaf_presentation_steer (presentation, NULL, &error));
  g_assert_null (presentation->steering_uri);
  g_assert_false (mill_cmaf_presentation_steer (presentation,
      "https://s.example", &error));
  g_clear_error (&error);
  mill_cmaf_presentation_add_pathway (presentation, "here", NULL, NULL);
  /* One place needs no choice, but somebody may clone it. */
  g_assert_true (mill_cmaf_presentation_steer (presentation, NULL, &error));
  g_assert_null (presentation->steering_uri);
  mill_cmaf_presentation_add_pathway (presentation, "there",
      "https://there.example/", NULL);
  g_assert_true (mill_cmaf_presentation_steer (presentation, NULL, &error));
  g_assert_true (presentation->steers);
  g_assert_cmpstr (presentation->steering_uri, ==, "steering.json");
  g_autoptr (GBytes) manifest =
      mill_cmaf_presentation_print_steering (presentation);
  g_assert_cmpstr (g_bytes_get_data (manifest, NULL), ==,
      "{\"VERSION\":1,\"TTL\":300,\"PATHWAY-PRIORITY\":[\"here\",\"there\"]}\n");
  g_assert_true (mill_cmaf_presentation_steer (presentation,
      "https://s.example", &error));
  g_assert_false (presentation->steers);
}

/* Each pathway has everything, and groups of its own. */
static void
test_spread (void)
{
  g_autoptr (MillCmafPresentation) presentation = mill_cmaf_presentation_new ();
  g_autoptr (GStringChunk) strings = g_string_chunk_new (64);
  g_autoptr (GArray) renditions =
      g_array_new (FALSE, TRUE, sizeof (MillHlsRendition));
  g_autoptr (GArray) variants =
      g_array_new (FALSE, TRUE, sizeof (MillHlsVariant));
  MillHlsRendition audio = { .group = "audio", .uri = "a64/playlist.m3u8" };
  MillHlsVariant video = {
    .uri = "v360/playlist.m3u8",
    .i_frames_uri = "v360/iframes.m3u8",
    .audio_group = "audio",
    .subtitles_group = "subs",
    .closed_captions = MILL_HLS_NO_CAPTIONS,
  };
  g_array_append_val (renditions, audio);
  g_array_append_val (variants, video);
  mill_cmaf_pathways_spread (presentation, strings, renditions, variants);
  g_assert_cmpuint (variants->len, ==, 1);
  g_assert_null (g_array_index (variants, MillHlsVariant, 0).pathway);

  mill_cmaf_presentation_add_pathway (presentation, "a", "https://a/x", NULL);
  mill_cmaf_presentation_add_pathway (presentation, "b", NULL, NULL);
  mill_cmaf_pathways_spread (presentation, strings, renditions, variants);
  g_assert_cmpuint (renditions->len, ==, 2);
  g_assert_cmpuint (variants->len, ==, 2);
  const MillHlsVariant *first = &g_array_index (variants, MillHlsVariant, 0);
  const MillHlsVariant *second = &g_array_index (variants, MillHlsVariant, 1);
  g_assert_cmpstr (first->uri, ==, "https://a/x/v360/playlist.m3u8");
  g_assert_cmpstr (first->i_frames_uri, ==, "https://a/x/v360/iframes.m3u8");
  g_assert_true (first->is_absolute);
  g_assert_cmpstr (first->audio_group, ==, "audio");
  g_assert_cmpstr (first->pathway, ==, "a");
  g_assert_cmpstr (second->uri, ==, "v360/playlist.m3u8");
  g_assert_false (second->is_absolute);
  g_assert_cmpstr (second->audio_group, ==, "audio-b");
  g_assert_cmpstr (second->subtitles_group, ==, "subs-b");
  g_assert_cmpstr (second->closed_captions, ==, MILL_HLS_NO_CAPTIONS);
  g_assert_cmpstr (second->pathway, ==, "b");
  g_assert_cmpstr (g_array_index (renditions, MillHlsRendition, 1).group, ==,
      "audio-b");
}

gint
main (gint argc, gchar **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmaf/presentation/data", test_data);
  g_test_add_func ("/cmaf/presentation/pathways", test_pathways);
  g_test_add_func ("/cmaf/presentation/steering", test_steering);
  g_test_add_func ("/cmaf/presentation/spread", test_spread);
  return g_test_run ();
}
