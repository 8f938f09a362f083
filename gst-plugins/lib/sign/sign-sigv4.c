/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * AWS Signature Version 4 in the header Authorization. Source: "AWS Signature
 * Version 4 for API requests" of the IAM User Guide, and "Authenticating
 * Requests: Using the Authorization Header" of the S3 API Reference.
 */

#include "sign/sign.h"

#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define UNSIGNED "UNSIGNED-PAYLOAD"
#define HASH_BYTES 32

typedef struct
{
  MillSigner signer;
  MillCredentials credentials;
  gchar *region;
  gchar *service;
} Sigv4;

/* ---- the canonical request ---- */

static gint
compare_headers (gconstpointer a, gconstpointer b)
{
  return strcmp (((const MillSignHeader *) a)->name,
      ((const MillSignHeader *) b)->name);
}

/* Lower-case names, values without spaces around, in the order of names. */
static GArray *
sort_headers (const MillSignHeader *headers, guint n, GStringChunk *strings)
{
  GArray *sorted = g_array_new (FALSE, FALSE, sizeof (MillSignHeader));

  for (guint i = 0; i < n; i++) {
    g_autofree gchar *name = g_ascii_strdown (headers[i].name, -1);
    g_autofree gchar *value = g_strstrip (g_strdup (headers[i].value));
    MillSignHeader header = {
      .name = g_string_chunk_insert (strings, name),
      .value = g_string_chunk_insert (strings, value),
    };

    g_array_append_val (sorted, header);
  }
  g_array_sort (sorted, compare_headers);
  return sorted;
}

static gint
compare_parameters (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

/* Parameters by name, each with its '='. */
static gchar *
sort_query (const gchar *query)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) parameters = g_strsplit (query ? query : "", "&", -1);

  for (guint i = 0; parameters[i] != NULL; i++)
    if (parameters[i][0] != '\0')
      g_ptr_array_add (sorted,
          g_strconcat (parameters[i],
              strchr (parameters[i], '=') != NULL ? "" : "=", NULL));
  g_ptr_array_sort (sorted, compare_parameters);
  g_ptr_array_add (sorted, NULL);
  return g_strjoinv ("&", (gchar **) sorted->pdata);
}

static gchar *
list_names (const GArray *headers)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < headers->len; i++)
    g_string_append_printf (names, "%s%s", i > 0 ? ";" : "",
        g_array_index (headers, MillSignHeader, i).name);
  return g_string_free (g_steal_pointer (&names), FALSE);
}

/* Every other service wants the path encoded once more; S3 wants it as sent. */
static gchar *
canonical_path (const Sigv4 *self, const gchar *path)
{
  if (g_str_equal (self->service, "s3"))
    return g_strdup (path);
  return g_uri_escape_string (path, "/", FALSE);
}

static gchar *
hash_request (const Sigv4 *self, const MillSignRequest *request,
    const GArray *headers, const gchar *payload)
{
  g_autoptr (GString) text = g_string_new (request->method);
  g_autofree gchar *path = canonical_path (self, request->path);
  g_autofree gchar *query = sort_query (request->query);
  g_autofree gchar *names = list_names (headers);

  g_string_append_printf (text, "\n%s\n%s\n", path, query);
  for (guint i = 0; i < headers->len; i++)
    g_string_append_printf (text, "%s:%s\n",
        g_array_index (headers, MillSignHeader, i).name,
        g_array_index (headers, MillSignHeader, i).value);
  g_string_append_printf (text, "\n%s\n%s", names, payload);
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, text->str, -1);
}

/* ---- the signature ---- */

static void
derive (const guint8 *key, gsize length, const gchar *text,
    guint8 ret_key[HASH_BYTES])
{
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, key, length);
  gsize size = HASH_BYTES;

  g_hmac_update (hmac, (const guchar *) text, -1);
  g_hmac_get_digest (hmac, ret_key, &size);
}

static gchar *
make_signature (const Sigv4 *self, const gchar *day, const gchar *to_sign)
{
  g_autofree gchar *secret =
      g_strconcat ("AWS4", self->credentials.secret_key, NULL);
  guint8 key[HASH_BYTES];
  gchar *signature;

  derive ((const guint8 *) secret, strlen (secret), day, key);
  derive (key, HASH_BYTES, self->region, key);
  derive (key, HASH_BYTES, self->service, key);
  derive (key, HASH_BYTES, "aws4_request", key);
  signature = g_compute_hmac_for_string (G_CHECKSUM_SHA256, key, HASH_BYTES,
      to_sign, -1);
  explicit_bzero (secret, strlen (secret));
  explicit_bzero (key, sizeof key);
  return signature;
}

static gchar *
authorize (const Sigv4 *self, const MillSignRequest *request,
    const GArray *headers, const gchar *stamp, const gchar *payload)
{
  g_autofree gchar *day = g_strndup (stamp, strlen ("20150830"));
  g_autofree gchar *scope = g_strdup_printf ("%s/%s/%s/aws4_request", day,
      self->region, self->service);
  g_autofree gchar *hash = hash_request (self, request, headers, payload);
  g_autofree gchar *to_sign =
      g_strdup_printf (ALGORITHM "\n%s\n%s\n%s", stamp, scope, hash);
  g_autofree gchar *signature = make_signature (self, day, to_sign);
  g_autofree gchar *names = list_names (headers);

  return g_strdup_printf (ALGORITHM
      " Credential=%s/%s,SignedHeaders=%s,Signature=%s",
      self->credentials.access_key, scope, names, signature);
}

static gchar *
format_stamp (gint64 now_s)
{
  g_autoptr (GDateTime) now = g_date_time_new_from_unix_utc (now_s);

  return g_date_time_format (now, "%Y%m%dT%H%M%SZ");
}

static void
add_own (GArray *own, const gchar *name, const gchar *value)
{
  MillSignHeader header = { name, value };

  g_array_append_val (own, header);
}

static void
sigv4_sign (MillSigner *signer, const MillSignRequest *request, MillSignAdd add,
    gpointer user_data)
{
  Sigv4 *self = (Sigv4 *) signer;
  g_autoptr (GStringChunk) strings = g_string_chunk_new (256);
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (MillSignHeader));
  g_autofree gchar *stamp = format_stamp (request->now_s);
  const gchar *payload = request->payload_sha256 ? request->payload_sha256
                                                 : UNSIGNED;
  g_autoptr (GArray) sorted = NULL;
  g_autofree gchar *value = NULL;
  guint n_own;

  add_own (all, "x-amz-date", stamp);
  if (self->credentials.session_token != NULL)
    add_own (all, "x-amz-security-token", self->credentials.session_token);
  if (g_str_equal (self->service, "s3"))
    add_own (all, "x-amz-content-sha256", payload);
  n_own = all->len;
  add_own (all, "host", request->host);
  g_array_append_vals (all, request->headers, request->n_headers);
  sorted = sort_headers ((const MillSignHeader *) all->data, all->len, strings);
  value = authorize (self, request, sorted, stamp, payload);
  for (guint i = 0; i < n_own; i++)
    add (g_array_index (all, MillSignHeader, i).name,
        g_array_index (all, MillSignHeader, i).value, user_data);
  add ("Authorization", value, user_data);
}

static void
sigv4_finalize (MillSigner *signer)
{
  Sigv4 *self = (Sigv4 *) signer;

  mill_sign_credentials_clear (&self->credentials);
  g_free (self->region);
  g_free (self->service);
  g_free (self);
}

MillSigner *
mill_sign_sigv4_new (const MillCredentials *credentials, const gchar *region,
    const gchar *service)
{
  static const MillSignerClass klass = { sigv4_sign, sigv4_finalize };
  Sigv4 *self = g_new0 (Sigv4, 1);

  self->signer.klass = &klass;
  self->signer.n_refs = 1;
  self->credentials.access_key = g_strdup (credentials->access_key);
  self->credentials.secret_key = g_strdup (credentials->secret_key);
  self->credentials.session_token = g_strdup (credentials->session_token);
  self->region = g_strdup (region);
  self->service = g_strdup (service);
  return &self->signer;
}
