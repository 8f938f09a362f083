/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Uploads by TLS. A user would notice a stream that is sent to whoever answers,
 * or one that is sent to nobody without a word why. */

#include "cmafsink-test.h"
#include "http-store.h"
#include "tls-files.h"

typedef struct
{
  Fixture f; /* its dir is that of the state */
  TlsFiles *own;
  HttpStore *server;
} Upload;

/* @authorities: PEM file that the server is checked against */
static void
upload_init (Upload *self, const gchar *authorities)
{
  g_autofree gchar *dir = make_dir ();
  self->own = tls_files_new ();
  g_free (tls_files_make (self->own, NULL));
  self->server = http_store_new_tls (self->own->certificate, self->own->key);
  g_autofree gchar *url =
      g_strdup_printf ("%s/live", http_store_get_url (self->server));
  g_assert_true (g_str_has_prefix (url, "https://"));
  fixture_init (&self->f, g_strdup (dir), "location", url, "state-location",
      dir, "tls-ca-file", authorities ? authorities : self->own->certificate,
      NULL);
}

static void
upload_clear (Upload *self)
{
  g_assert_cmpstr (http_store_get_complaint (self->server), ==, NULL);
  fixture_clear (&self->f);
  http_store_free (self->server);
  tls_files_free (self->own);
}

static void
test_trusted (void)
{
  Upload u;
  upload_init (&u, NULL);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 160, 50);
  push_eos (&u.f);
  wait_eos (&u.f);
  g_autoptr (GstMessage) message =
      gst_bus_pop_filtered (u.f.bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
  g_assert_null (message);
  g_assert_cmpuint (http_store_count (u.server, ".m4s"), ==, 8);
  http_store_wait (u.server, "/live/v576/playlist.m3u8", "ENDLIST");
  http_store_wait (u.server, "/live/manifest.mpd", "type=\"static\"");
  upload_clear (&u);
}

/* Said with the first segment, not when all attempts have failed; and nothing is
 * sent to a server that is not who it should be. */
static void
test_unknown (void)
{
  g_autoptr (TlsFiles) others = tls_files_new ();
  g_free (tls_files_make (others, NULL));
  Upload u;
  upload_init (&u, others->certificate);
  fixture_add_both (&u.f);
  push_both (&u.f, 0, 0, 110, 50);
  g_autofree gchar *warning = pop_text (&u.f, GST_MESSAGE_WARNING);
  g_assert_nonnull (strstr (warning, "putting 'https://127.0.0.1:"));
  g_assert_nonnull (strstr (warning,
      "expected a certificate of an authority that is known (tls-ca-file)"));
  g_assert_cmpuint (http_store_count (u.server, "/"), ==, 0);
  upload_clear (&u);
}

static void
test_wrong_file (void)
{
  g_autofree gchar *dir = make_dir ();
  Fixture f;
  fixture_init (&f, g_strdup (dir), "location", "https://127.0.0.1:1/live",
      "state-location", dir, "tls-ca-file", "/nowhere/ca.pem", NULL);
  g_assert_cmpint (gst_element_set_state (f.sink, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_FAILURE);
  g_autofree gchar *text = pop_text (&f, GST_MESSAGE_ERROR);
  g_assert_nonnull (strstr (text, "tls-ca-file '/nowhere/ca.pem'"));
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink/upload-tls/trusted", test_trusted);
  g_test_add_func ("/cmafsink/upload-tls/unknown", test_unknown);
  g_test_add_func ("/cmafsink/upload-tls/wrong-file", test_wrong_file);
  return g_test_run ();
}
