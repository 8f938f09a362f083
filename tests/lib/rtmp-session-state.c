/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A session that another process goes on with: a fault here means that a
 * publisher is cut off, or loses pictures, when its server is replaced. */
#include "rtmp/rtmp-session.h"

#include "rtmp-session-test.h"

/* Replaces @session by its saved and loaded self wherever that is possible. */
static guint
hand_over (MillRtmpSession **session, Server *server)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) variant = mill_rtmp_session_save (*session, &error);
  if (variant == NULL) {
    g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_STATE);
    return 0;
  }
  g_autoptr (GBytes) serialised = g_variant_get_data_as_bytes (variant);
  g_autoptr (GVariant) received = g_variant_ref_sink (g_variant_new_from_bytes (
      g_variant_get_type (variant), serialised, FALSE));
  mill_rtmp_session_free (*session);
  *session = mill_rtmp_session_load (received, NULL, &events, server, &error);
  g_assert_no_error (error);
  return 1;
}

/* A publisher whose server is replaced at every message notices nothing, and
 * the stream misses nothing. */
static void
test_save_load (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (captures); i++) {
    g_autoptr (GByteArray) bytes = bytes_from_data_file (captures[i].file);
    g_auto (Server) whole = { .log = g_string_new (NULL) };
    g_autoptr (MillRtmpSession) all =
        mill_rtmp_session_new (NULL, &events, &whole);
    g_assert_true (feed_pieces (all, bytes, split_whole, NULL));

    g_auto (Server) server = { .log = g_string_new (NULL) };
    MillRtmpSession *session = mill_rtmp_session_new (NULL, &events, &server);
    guint n_times = 0;
    for (gsize j = 0; j < bytes->len; j++) {
      gsize consumed;
      g_assert_true (mill_rtmp_session_feed (session, bytes->data + j, 1,
          &consumed, NULL));
      drop_output (session);
      n_times += hand_over (&session, &server);
    }
    mill_rtmp_session_free (session);
    g_assert_cmpstr (server.log->str, ==, whole.log->str);
    g_assert_cmpuint (n_times, >, captures[i].n_audio + captures[i].n_video);
  }
}

static void
test_load_refused (void)
{
  static const struct
  {
    const gchar *what;
    const gchar *variant;
  } cases[] = {
    { "another type", "uint32 1" },
    { "another format",
        "(uint32 2, byte 0x05, (uint32 9, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(just 'n', just ''), (uint32 128, @a(ubuuuyu) []), "
        "(uint32 128, @a(ubuuuyu) []))" },
    { "a state that is never saved",
        "(uint32 1, byte 0x04, (uint32 9, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(just 'n', just ''), (uint32 128, @a(ubuuuyu) []), "
        "(uint32 128, @a(ubuuuyu) []))" },
    { "publishing without a name",
        "(uint32 1, byte 0x05, (uint32 9, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(@ms nothing, just ''), (uint32 128, @a(ubuuuyu) []), "
        "(uint32 128, @a(ubuuuyu) []))" },
    { "a window of 0",
        "(uint32 1, byte 0x05, (uint32 0, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(just 'n', just ''), (uint32 128, @a(ubuuuyu) []), "
        "(uint32 128, @a(ubuuuyu) []))" },
    { "chunk size 0",
        "(uint32 1, byte 0x05, (uint32 9, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(just 'n', just ''), (uint32 0, @a(ubuuuyu) []), "
        "(uint32 128, @a(ubuuuyu) []))" },
    { "a chunk stream twice",
        "(uint32 1, byte 0x05, (uint32 9, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(just 'n', just ''), (uint32 128, "
        "[(uint32 4, false, uint32 0, uint32 0, uint32 1, byte 0x08, uint32 1),"
        " (4, false, 0, 0, 1, 8, 1)]), (uint32 128, @a(ubuuuyu) []))" },
    { "a length over 24 bits",
        "(uint32 1, byte 0x05, (uint32 9, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(just 'n', just ''), (uint32 128, "
        "[(uint32 4, false, uint32 0, uint32 0, uint32 16777216, byte 0x08, "
        "uint32 1)]), (uint32 128, @a(ubuuuyu) []))" },
    { "a writer's chunk stream 0",
        "(uint32 1, byte 0x05, (uint32 9, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(just 'n', just ''), (uint32 128, @a(ubuuuyu) []), (uint32 128, "
        "[(uint32 0, false, uint32 0, uint32 0, uint32 1, byte 0x08, "
        "uint32 1)]))" },
  };
  Server server = { 0 };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s", cases[i].what);
    g_autoptr (GError) error = NULL;
    g_autoptr (GVariant) variant =
        g_variant_parse (NULL, cases[i].variant, NULL, NULL, &error);
    g_assert_no_error (error);
    g_autoptr (MillRtmpSession) session =
        mill_rtmp_session_load (variant, NULL, &events, &server, &error);
    g_assert_null (session);
    g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL);
  }
}

int
main (int argc, char **argv)
{
  init_gstreamer ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtmp/session/save-load", test_save_load);
  g_test_add_func ("/rtmp/session/load-refused", test_load_refused);
  return g_test_run ();
}
