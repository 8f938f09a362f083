/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Users notice a broken one by a store that answers 403. The vectors are those
 * that AWS publishes: "Signature Calculations for the Authorization Header:
 * Examples" of the S3 API Reference, and the example of IAM's ListUsers. */

#include <glib/gstdio.h>
#include <string.h>

#include "sign/sign.h"

#define EMPTY_SHA256 \
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define S3_HOST "examplebucket.s3.amazonaws.com"
#define S3_TIME 1369353600 /* 20130524T000000Z */

typedef struct
{
  const gchar *name;
  MillSignRequest request;
  const gchar *signed_headers;
  const gchar *signature;
} Vector;

static const MillSignHeader range[] = { { "Range", "bytes=0-9" } };
static const MillSignHeader put[] = {
  { "Date", "Fri, 24 May 2013 00:00:00 GMT" },
  { "x-amz-storage-class", "REDUCED_REDUNDANCY" },
};

static const Vector vectors[] = {
  { "GET object",
      { "GET", S3_HOST, "/test.txt", NULL, range, 1, EMPTY_SHA256, S3_TIME },
      "host;range;x-amz-content-sha256;x-amz-date",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
  { "PUT object",
      { "PUT", S3_HOST, "/test%24file.text", NULL, put, 2,
          "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
          S3_TIME },
      "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
  { "GET bucket lifecycle",
      { "GET", S3_HOST, "/", "lifecycle", NULL, 0, EMPTY_SHA256, S3_TIME },
      "host;x-amz-content-sha256;x-amz-date",
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
  { "GET bucket",
      { "GET", S3_HOST, "/", "prefix=J&max-keys=2", NULL, 0, EMPTY_SHA256,
          S3_TIME },
      "host;x-amz-content-sha256;x-amz-date",
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

static void
collect (const gchar *name, const gchar *value, gpointer user_data)
{
  g_hash_table_insert (user_data, g_strdup (name), g_strdup (value));
}

static GHashTable *
run (MillSigner *signer, const MillSignRequest *request)
{
  GHashTable *headers =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  mill_sign_run (signer, request, collect, headers);
  return headers;
}

static void
test_s3 (void)
{
  MillCredentials credentials = {
    .access_key = (gchar *) "AKIAIOSFODNN7EXAMPLE",
    .secret_key = (gchar *) "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  };
  g_autoptr (MillSigner) signer =
      mill_sign_sigv4_new (&credentials, "us-east-1", "s3");

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autoptr (GHashTable) headers = run (signer, &vectors[i].request);
    g_autofree gchar *expected =
        g_strdup_printf ("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/"
                         "20130524/us-east-1/s3/aws4_request,SignedHeaders=%s,"
                         "Signature=%s",
            vectors[i].signed_headers, vectors[i].signature);

    g_test_message ("%s", vectors[i].name);
    g_assert_cmpstr (g_hash_table_lookup (headers, "Authorization"), ==,
        expected);
    g_assert_cmpstr (g_hash_table_lookup (headers, "x-amz-date"), ==,
        "20130524T000000Z");
    g_assert_cmpstr (g_hash_table_lookup (headers, "x-amz-content-sha256"), ==,
        vectors[i].request.payload_sha256);
    g_assert_null (g_hash_table_lookup (headers, "host"));
  }
}

static void
test_iam (void)
{
  static const MillSignHeader form[] = {
    { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" },
  };
  MillCredentials credentials = {
    .access_key = (gchar *) "AKIDEXAMPLE",
    .secret_key = (gchar *) "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  };
  MillSignRequest request = { "GET", "iam.amazonaws.com", "/",
    "Action=ListUsers&Version=2010-05-08", form, 1, EMPTY_SHA256, 1440938160 };
  g_autoptr (MillSigner) signer =
      mill_sign_sigv4_new (&credentials, "us-east-1", "iam");
  g_autoptr (GHashTable) headers = run (signer, &request);

  g_assert_true (g_str_has_suffix (g_hash_table_lookup (headers,
                                       "Authorization"),
      "SignedHeaders=content-type;host;x-amz-date,Signature="
      "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"));
}

static void
test_session_token (void)
{
  MillCredentials credentials = {
    .access_key = (gchar *) "A",
    .secret_key = (gchar *) "b",
    .session_token = (gchar *) "session",
  };
  MillSignRequest request = { "PUT", "h:9000", "/b/k", NULL, NULL, 0, NULL,
    S3_TIME };
  g_autoptr (MillSigner) signer =
      mill_sign_sigv4_new (&credentials, "eu-1", "s3");
  g_autoptr (GHashTable) headers = run (signer, &request);

  g_assert_cmpstr (g_hash_table_lookup (headers, "x-amz-security-token"), ==,
      "session");
  g_assert_cmpstr (g_hash_table_lookup (headers, "x-amz-content-sha256"), ==,
      "UNSIGNED-PAYLOAD");
  g_assert_nonnull (strstr (g_hash_table_lookup (headers, "Authorization"),
      "SignedHeaders=host;x-amz-content-sha256;x-amz-date;"
      "x-amz-security-token,"));
}

static void
test_bearer (void)
{
  MillSignRequest request = { "PUT", "h", "/", NULL, NULL, 0, NULL, 0 };
  g_autoptr (MillSigner) signer = mill_sign_new_bearer ("t0ken");
  g_autoptr (GHashTable) headers = run (signer, &request);
  g_autoptr (GHashTable) none = run (NULL, &request);

  g_assert_cmpstr (g_hash_table_lookup (headers, "Authorization"), ==,
      "Bearer t0ken");
  g_assert_cmpuint (g_hash_table_size (none), ==, 0);
}

/* ---- credentials ---- */

static const gchar file_text[] = "# of nobody\n[other]\nbearer_token = no\n"
                                 "[default]\n"
                                 "aws_access_key_id = AK\n"
                                 "aws_secret_access_key=se/cr+et==\n";

static void
test_credentials (void)
{
  g_auto (MillCredentials) found = { 0 };
  g_auto (MillCredentials) plain = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_true (mill_sign_credentials_parse (file_text, strlen (file_text),
      "x", &found, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (found.access_key, ==, "AK");
  g_assert_cmpstr (found.secret_key, ==, "se/cr+et==");
  g_assert_null (found.session_token);
  g_assert_null (found.bearer_token);
  g_assert_true (mill_sign_credentials_parse ("bearer_token=abc\n", 17, "x",
      &plain, &error));
  g_assert_cmpstr (plain.bearer_token, ==, "abc");
}

/* Whatever is wrong with a file, what it says is not told. */
static void
test_bad_credentials (void)
{
  static const gchar *const texts[] = { "hunter2", "[default]\nhunter2\n",
    "bearer_token = hunter2 hunter2\n", "bearer_token =\n",
    "bearer_token = hunter2\x01\n", "[x]\nbearer_token=hunter2\n",
    "[default\nbearer_token=hunter2" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_auto (MillCredentials) found = { 0 };
    g_autoptr (GError) error = NULL;

    g_assert_false (mill_sign_credentials_parse (texts[i], strlen (texts[i]),
        "credentials 'f'", &found, &error));
    g_assert_error (error, MILL_CREDENTIALS_ERROR,
        MILL_CREDENTIALS_ERROR_FORMAT);
    g_assert_nonnull (strstr (error->message, "'f'"));
    g_assert_nonnull (strstr (error->message, "expected"));
    g_assert_null (strstr (error->message, "hunter2"));
  }
}

static void
test_cut_credentials (void)
{
  for (gsize n = 0; n <= strlen (file_text); n++) {
    g_auto (MillCredentials) found = { 0 };
    g_autofree gchar *cut = g_memdup2 (file_text, n);
    g_autoptr (GError) error = NULL;
    gboolean done = mill_sign_credentials_parse (cut, n, "x", &found, &error);

    g_assert_true (done == (error == NULL));
  }
}

static void
test_load (void)
{
  g_auto (MillCredentials) found = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_false (mill_sign_credentials_load ("/none/such", &found, &error));
  g_assert_error (error, MILL_CREDENTIALS_ERROR, MILL_CREDENTIALS_ERROR_FILE);
  g_assert_nonnull (strstr (error->message, "/none/such"));
  g_clear_error (&error);
  g_setenv ("AWS_ACCESS_KEY_ID", "EK", TRUE);
  g_setenv ("AWS_SECRET_ACCESS_KEY", "es", TRUE);
  g_assert_true (mill_sign_credentials_load (NULL, &found, &error));
  g_assert_cmpstr (found.access_key, ==, "EK");
  g_assert_cmpstr (found.secret_key, ==, "es");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sign/sigv4/s3", test_s3);
  g_test_add_func ("/sign/sigv4/iam", test_iam);
  g_test_add_func ("/sign/sigv4/session-token", test_session_token);
  g_test_add_func ("/sign/bearer", test_bearer);
  g_test_add_func ("/sign/credentials/parse", test_credentials);
  g_test_add_func ("/sign/credentials/bad", test_bad_credentials);
  g_test_add_func ("/sign/credentials/cut", test_cut_credentials);
  g_test_add_func ("/sign/credentials/load", test_load);
  return g_test_run ();
}
