/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* rtmpclientsink and certificates. A user would notice: a stream sent to
 * somebody who is not who he says he is. */
#include "rtmpclientsink-test.h"
#include "tls-files.h"

GST_START_TEST (tls)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_autofree gchar *fingerprint = tls_files_make (files, NULL);
  g_autoptr (Target) target =
      target_new (TARGET_GOOD, files->certificate, files->key);
  g_autofree gchar *location =
      g_strdup_printf ("rtmps://%s/live/demo", target_get_address (target));
  g_autofree gchar *trusting =
      g_strdup_printf ("tls-ca-file=%s", files->certificate);
  const gchar *const good[] = { trusting, "tls-validation=false" };

  {
    g_autoptr (Relay) relay = relay_new (location, "");
    relay_push (relay, 0, 100);
    g_autofree gchar *reason = relay_wait_state (relay, "waiting");
    g_assert_nonnull (strstr (reason, "certificate"));
    g_assert_cmpuint (get_stat (relay, "connections"), ==, 0);
  }
  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (Relay) relay = relay_new (location, good[i]);
    for (guint k = 0; k < GOP; k++)
      relay_push (relay, k, 8000);
    target_wait_frames (target, (i + 1) * GOP, (i + 1) * GOP);
    gst_element_set_state (relay->element, GST_STATE_READY);
    target_wait_unpublishes (target, i + 1);
  }
}
GST_END_TEST;

static Suite *
rtmpclientsink_tls_suite (void)
{
  Suite *suite = suite_create ("rtmpclientsink-tls");
  TCase *servers = tcase_create ("servers");

  suite_add_tcase (suite, servers);
  tcase_add_test (servers, tls);
  return suite;
}

GST_CHECK_MAIN (rtmpclientsink_tls)
