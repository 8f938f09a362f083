/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * Log lines: one event is one line, whole, without secrets. */
#include <json-glib/json-glib.h>
#include <string.h>

#include "daemon/common/log.h"

static void
test_redact (void)
{
  const struct
  {
    const gchar *text;
    const gchar *expected;
  } cases[] = {
    { "nothing to hide", "nothing to hide" },
    { "rtmp://h/live/demo?key=s3cret", "rtmp://h/live/demo?key=***" },
    { "?a=1&token=abc&b=2", "?a=1&token=***&b=2" },
    { "Key='s3 cret'", "Key='s3 cret'" }, /* quoted text is not a query */
    { "sig=aa;password=bb", "sig=***;password=***" },
    { "monkey=banana", "monkey=banana" },
    { "stream-key=abc", "stream-key=***" },
    { "access_token=abc", "access_token=***" },
    { "rtmp://h/live/sk_abcdefghijklmnopqrstuvwxyz234567 left",
        "rtmp://h/live/sk_*** left" },
    { "task_abcdefghijklmnopqrstuvwxyz234567",
        "task_abcdefghijklmnopqrstuvwxyz234567" },
    { "live/eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.ab-_ left", "live/ey*** left" },
    { "they keyed.eyed.eye", "they keyed.eyed.eye" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *got = mill_log_redact (cases[i].text);
    g_assert_cmpstr (got, ==, cases[i].expected);
  }
}

static void
test_words (void)
{
  MillLogLevel level = MILL_LOG_DEBUG;
  MillLogFormat format = MILL_LOG_TEXT;

  g_assert_true (mill_log_level_from_string ("error", &level));
  g_assert_cmpint (level, ==, MILL_LOG_ERROR);
  g_assert_false (mill_log_level_from_string ("loud", &level));
  g_assert_true (mill_log_format_from_string ("json", &format));
  g_assert_cmpint (format, ==, MILL_LOG_JSON);
  g_assert_false (mill_log_format_from_string ("xml", &format));
}

/* What a process writes, from a process of its own. */
static void
test_text (void)
{
  if (g_test_subprocess ()) {
    g_log_set_always_fatal (G_LOG_FATAL_MASK); /* as outside of tests */
    mill_log_init ("probe", MILL_LOG_INFO, MILL_LOG_TEXT);
    g_debug ("unseen");
    MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, "demo", "two\nlines key=%s", "abc");
    mill_log_set_level (MILL_LOG_ERROR);
    g_warning ("unseen");
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr (
      "*Z WARNING probe: two | lines key=*** stream=demo\n*");
  g_test_trap_assert_stderr_unmatched ("*unseen*");
  g_test_trap_assert_stderr_unmatched ("*abc*");
}

static void
test_json (void)
{
  if (g_test_subprocess ()) {
    mill_log_init ("probe", MILL_LOG_DEBUG, MILL_LOG_JSON);
    MILL_LOG_STREAM (G_LOG_LEVEL_DEBUG, "demo", "a \"quoted\"\n\001line %s",
        "\xff");
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*\"message\":\"a \\\"quoted\\\"\\n*");
  g_test_trap_assert_stderr ("{\"time\":\"*\",\"level\":\"debug\","
                             "\"domain\":\"probe\",*\"stream\":\"demo\"}\n*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/log/redact", test_redact);
  g_test_add_func ("/log/words", test_words);
  g_test_add_func ("/log/text", test_text);
  g_test_add_func ("/log/json", test_json);
  return g_test_run ();
}
