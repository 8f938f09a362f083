/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store/store-http-session.h"

#include <string.h>

#include <libsoup/soup.h>

#include "store/store-location.h"

/* Of the body of an answer, for messages. */
#define MAX_ANSWER 2048
/* What a server may ask to be left alone for. */
#define MAX_WAIT_S 60
/* Credentials that were refused are read again, but not all the time. */
#define RENEW_US (30 * G_USEC_PER_SEC)

struct _MillStoreHttpSession
{
  gchar *url;
  MillSignSettings sign; /* its texts are owned */
  GTlsDatabase *authorities; /* (nullable) */
  guint connections;
  guint stall_timeout_s;
  gint64 give_up_us;

  SoupSession *soup; /* made on the thread that uploads */
  MillSigner *signer; /* (nullable) */
  gint64 renewed_us;
};

typedef struct
{
  MillStoreHttpSession *session;
  MillStoreHttpTransfer *transfer;
  MillStoreHttpAnswered answered;
  gpointer user_data;
  SoupMessage *message;
  GSource *deadline;
  gsize length;
  gchar answer[MAX_ANSWER + 1];
} Request;

/* ---- the thread: made with the first store, and there until the process ends
 * (an idle one costs its stack) ---- */

static gpointer
run_thread (gpointer data)
{
  GMainContext *context = data;
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);

  g_main_context_push_thread_default (context);
  g_main_loop_run (loop);
  return NULL;
}

static gpointer
start_thread (gpointer unused)
{
  GMainContext *context = g_main_context_new ();

  g_thread_unref (g_thread_new ("mill-upload", run_thread, context));
  return context;
}

GMainContext *
mill_store_http_session_get_context (void)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, start_thread, NULL);
}

/* ---- what was sent ---- */

static void
free_request (Request *request)
{
  if (request->deadline != NULL) {
    g_source_destroy (request->deadline);
    g_source_unref (request->deadline);
  }
  g_object_unref (request->message);
  g_free (request);
}

static const gchar *
get_verb (const Request *request)
{
  return request->transfer->content != NULL ? "putting" : "deleting";
}

static void
answer (Request *request, MillStoreHttpOutcome outcome, const GError *error,
    gint64 wait_us)
{
  request->answered (request->transfer, outcome, error, wait_us,
      request->user_data);
  free_request (request);
}

/* ---- no answer ---- */

/* A certificate that is not trusted is no better the next time. */
static gboolean
is_tls_refusal (const GError *error)
{
  return error->domain == G_TLS_ERROR &&
      (error->code == G_TLS_ERROR_BAD_CERTIFICATE ||
          error->code == G_TLS_ERROR_UNAVAILABLE);
}

static void
answer_failure (Request *request, const GError *failure)
{
  gboolean is_refusal = is_tls_refusal (failure);
  gboolean is_late =
      g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_autoptr (GError) error = g_error_new (MILL_STORE_ERROR,
      is_refusal ? MILL_STORE_ERROR_DENIED : MILL_STORE_ERROR_FAILED,
      "%s '%s/%s': %s%s", get_verb (request), request->session->url,
      request->transfer->name,
      is_late ? "got no answer in time, expected one" : failure->message,
      is_refusal ? "; expected a certificate of an authority that is known "
                   "(tls-ca-file)"
                 : "");

  answer (request,
      is_refusal ? MILL_STORE_HTTP_REFUSED : MILL_STORE_HTTP_TROUBLE, error, 0);
}

/* ---- an answer ---- */

typedef struct
{
  guint status;
  MillStoreHttpOutcome outcome;
  MillStoreError code;
  const gchar *hint;
} Meaning;

static const Meaning meanings[] = {
  { 401, MILL_STORE_HTTP_REFUSED, MILL_STORE_ERROR_DENIED,
      "check signer and credentials" },
  { 403, MILL_STORE_HTTP_REFUSED, MILL_STORE_ERROR_DENIED,
      "check credentials, region and what they may do" },
  { 404, MILL_STORE_HTTP_REFUSED, MILL_STORE_ERROR_NOT_FOUND,
      "check the bucket or directory of location" },
  { 405, MILL_STORE_HTTP_REFUSED, MILL_STORE_ERROR_DENIED,
      "the server has to allow PUT and DELETE here" },
  { 408, MILL_STORE_HTTP_AGAIN, MILL_STORE_ERROR_FAILED, NULL },
  { 409, MILL_STORE_HTTP_REFUSED, MILL_STORE_ERROR_NOT_FOUND,
      "make the directory, or let the server make it" },
  { 413, MILL_STORE_HTTP_REFUSED, MILL_STORE_ERROR_FULL,
      "the server has to take larger bodies" },
  { 425, MILL_STORE_HTTP_AGAIN, MILL_STORE_ERROR_FAILED, NULL },
  { 429, MILL_STORE_HTTP_TROUBLE, MILL_STORE_ERROR_FAILED, NULL },
  { 503, MILL_STORE_HTTP_TROUBLE, MILL_STORE_ERROR_FAILED, NULL },
  { 507, MILL_STORE_HTTP_TROUBLE, MILL_STORE_ERROR_FULL,
      "the server has no room" },
};

static Meaning
get_meaning (guint status)
{
  for (guint i = 0; i < G_N_ELEMENTS (meanings); i++)
    if (meanings[i].status == status)
      return meanings[i];
  if (status >= 500)
    return (Meaning){ status, MILL_STORE_HTTP_AGAIN, MILL_STORE_ERROR_FAILED,
      NULL };
  return (Meaning){ status, MILL_STORE_HTTP_REFUSED, MILL_STORE_ERROR_FAILED,
    status < 400 ? "redirects are not followed: location has to be where they "
                   "lead to"
                 : NULL };
}

/* The name that S3 gives to an error, if it is one: <Code>AccessDenied</Code>
 */
static gchar *
find_code (const gchar *text)
{
  const gchar *start = strstr (text, "<Code>");
  gsize length;

  if (start == NULL)
    return NULL;
  start += strlen ("<Code>");
  length = strspn (start,
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
      "abcdefghijklmnopqrstuvwxyz0123456789");
  return length > 0 && length <= 64 ? g_strndup (start, length) : NULL;
}

static gint64
get_wait_us (SoupMessage *message)
{
  const gchar *value =
      soup_message_headers_get_one (soup_message_get_response_headers (message),
          "Retry-After");
  guint64 seconds;

  if (value == NULL ||
      !g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT, &seconds, NULL))
    return 0;
  return (gint64) MIN (seconds, MAX_WAIT_S) * G_USEC_PER_SEC;
}

static gboolean
is_success (const Request *request, guint status)
{
  /* What is to go is gone. */
  if (request->transfer->content == NULL && (status == 404 || status == 410))
    return TRUE;
  return status >= 200 && status < 300;
}

/* Credentials that end are replaced in their file while we run. */
static gboolean
renew (MillStoreHttpSession *self, guint status)
{
  gint64 now_us = g_get_monotonic_time ();
  MillSigner *signer = NULL;

  if ((status != 401 && status != 403) || self->signer == NULL ||
      self->sign.credentials == NULL || now_us - self->renewed_us < RENEW_US)
    return FALSE;
  self->renewed_us = now_us;
  if (!mill_sign_settings_make (&self->sign, &signer, NULL))
    return FALSE;
  mill_sign_unref (self->signer);
  self->signer = signer;
  return TRUE;
}

static void
answer_status (Request *request)
{
  guint status = soup_message_get_status (request->message);
  g_autofree gchar *code = find_code (request->answer);
  Meaning meaning = get_meaning (status);
  g_autoptr (GError) error = NULL;

  if (is_success (request, status)) {
    answer (request, MILL_STORE_HTTP_DONE, NULL, 0);
    return;
  }
  error = g_error_new (MILL_STORE_ERROR, meaning.code,
      "%s '%s/%s': got %u %s%s%s%s, expected 200, 201 or 204%s%s",
      get_verb (request), request->session->url, request->transfer->name,
      status, soup_status_get_phrase (status), code != NULL ? " (" : "",
      code != NULL ? code : "", code != NULL ? ")" : "",
      meaning.hint != NULL ? "; " : "",
      meaning.hint != NULL ? meaning.hint : "");
  if (renew (request->session, status))
    meaning.outcome = MILL_STORE_HTTP_AGAIN_NOW;
  answer (request, meaning.outcome, error, get_wait_us (request->message));
}

static void read_answer (Request *request, GInputStream *stream);

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  GInputStream *stream = G_INPUT_STREAM (source);
  gssize got = g_input_stream_read_finish (stream, result, NULL);

  if (got > 0)
    request->length += got;
  if (got > 0 && request->length < MAX_ANSWER) {
    read_answer (request, stream);
    return;
  }
  /* The status says it all the same when the body breaks off. A longer body is
   * not read: the connection goes with the stream then. */
  request->answer[request->length] = '\0';
  g_object_unref (stream);
  answer_status (request);
}

static void
read_answer (Request *request, GInputStream *stream)
{
  g_input_stream_read_async (stream, request->answer + request->length,
      MAX_ANSWER - request->length, G_PRIORITY_DEFAULT,
      request->transfer->cancellable, on_read, request);
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  g_autoptr (GError) error = NULL;
  GInputStream *stream =
      soup_session_send_finish (SOUP_SESSION (source), result, &error);

  if (stream == NULL)
    answer_failure (request, error);
  else
    read_answer (request, stream);
}

/* ---- sending ---- */

static void
add_header (const gchar *name, const gchar *value, gpointer user_data)
{
  soup_message_headers_replace (soup_message_get_request_headers (user_data),
      name, value);
}

static void
set_body (const Request *request)
{
  const MillStoreHttpKind *kind =
      mill_store_http_kind_find (request->transfer->name);

  if (kind->caching != NULL)
    add_header ("Cache-Control", kind->caching, request->message);
  soup_message_set_request_body_from_bytes (request->message, kind->type,
      request->transfer->content);
}

static gchar *
get_host (GUri *uri)
{
  const gchar *host = g_uri_get_host (uri);
  gboolean is_v6 = strchr (host, ':') != NULL;
  gint port = g_uri_get_port (uri);
  gboolean is_usual = port <= 0 ||
      port == (g_str_equal (g_uri_get_scheme (uri), "https") ? 443 : 80);

  if (is_usual)
    return g_strdup_printf (is_v6 ? "[%s]" : "%s", host);
  return g_strdup_printf (is_v6 ? "[%s]:%d" : "%s:%d", host, port);
}

/* TLS keeps a body as it is; without, the signature does. */
static gchar *
hash_body (const Request *request, GUri *uri)
{
  if (g_str_equal (g_uri_get_scheme (uri), "https"))
    return NULL;
  if (request->transfer->content == NULL)
    return g_compute_checksum_for_string (G_CHECKSUM_SHA256, "", 0);
  return g_compute_checksum_for_bytes (G_CHECKSUM_SHA256,
      request->transfer->content);
}

static void
sign (const Request *request, GUri *uri)
{
  g_autofree gchar *host = get_host (uri);
  g_autofree gchar *hash = NULL;
  MillSignRequest to_sign = {
    .method = soup_message_get_method (request->message),
    .host = host,
    .path = g_uri_get_path (uri),
    .now_s = g_get_real_time () / G_USEC_PER_SEC,
  };

  if (request->session->signer == NULL)
    return;
  if (request->session->sign.kind == MILL_SIGN_SIGV4)
    hash = hash_body (request, uri);
  to_sign.payload_sha256 = hash;
  add_header ("Host", host, request->message);
  mill_sign_run (request->session->signer, &to_sign, add_header,
      request->message);
}

static gboolean
on_deadline (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

/* A server that takes a byte now and then is no better than one that takes
 * none. */
static void
set_deadline (Request *request)
{
  gint64 left_us = request->transfer->since_us + request->session->give_up_us -
      g_get_monotonic_time ();

  request->deadline =
      g_timeout_source_new (MAX (left_us, G_USEC_PER_SEC) / 1000);
  g_source_set_callback (request->deadline, on_deadline,
      g_object_ref (request->transfer->cancellable), g_object_unref);
  g_source_attach (request->deadline, mill_store_http_session_get_context ());
}

static void
make_soup (MillStoreHttpSession *self)
{
  self->soup = soup_session_new_with_options ("max-conns", self->connections,
      "max-conns-per-host", self->connections, "timeout", self->stall_timeout_s,
      "user-agent", "millrace", "proxy-resolver", NULL, NULL);
  soup_session_remove_feature_by_type (self->soup, SOUP_TYPE_CONTENT_DECODER);
  if (self->authorities != NULL)
    soup_session_set_tls_database (self->soup, self->authorities);
}

void
mill_store_http_session_send (MillStoreHttpSession *self,
    MillStoreHttpTransfer *transfer, MillStoreHttpAnswered answered,
    gpointer user_data)
{
  g_autofree gchar *url = mill_store_location_join (self->url, transfer->name);
  g_autoptr (GUri) uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);
  Request *request = g_new0 (Request, 1);

  if (self->soup == NULL)
    make_soup (self);
  request->session = self;
  request->transfer = transfer;
  request->answered = answered;
  request->user_data = user_data;
  request->message =
      soup_message_new_from_uri (transfer->content != NULL ? "PUT" : "DELETE",
          uri);
  soup_message_add_flags (request->message, SOUP_MESSAGE_NO_REDIRECT);
  if (transfer->content != NULL)
    set_body (request);
  sign (request, uri);
  set_deadline (request);
  soup_session_send_async (self->soup, request->message, G_PRIORITY_DEFAULT,
      transfer->cancellable, on_sent, request);
}

/* ---- the session ---- */

static gboolean
is_loopback (const gchar *host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  return g_str_equal (host, "localhost") ||
      (address != NULL && g_inet_address_get_is_loopback (address));
}

static gboolean
check_secrecy (const MillStoreHttpOptions *options, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (options->url, SOUP_HTTP_URI_FLAGS, error);

  if (uri == NULL)
    return FALSE;
  if (!mill_sign_settings_show_secret (&options->sign) ||
      g_str_equal (g_uri_get_scheme (uri), "https") ||
      is_loopback (g_uri_get_host (uri)))
    return TRUE;
  g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_NAME,
      "location '%s': got http with a bearer token, expected https, so that "
      "nobody reads the token",
      options->url);
  return FALSE;
}

MillStoreHttpSession *
mill_store_http_session_new (const MillStoreHttpOptions *options,
    GError **error)
{
  g_autoptr (GTlsDatabase) authorities = NULL;
  MillSigner *signer = NULL;
  MillStoreHttpSession *self;

  if (!check_secrecy (options, error))
    return NULL;
  if (options->tls_ca_file != NULL) {
    authorities = g_tls_file_database_new (options->tls_ca_file, error);
    if (authorities == NULL) {
      g_prefix_error (error, "tls-ca-file '%s': ", options->tls_ca_file);
      return NULL;
    }
  }
  if (!mill_sign_settings_make (&options->sign, &signer, error))
    return NULL;
  self = g_new0 (MillStoreHttpSession, 1);
  self->url = g_strdup (options->url);
  self->sign = options->sign;
  self->sign.credentials = g_strdup (options->sign.credentials);
  self->sign.region = g_strdup (options->sign.region);
  self->sign.service = g_strdup (options->sign.service);
  self->authorities = g_steal_pointer (&authorities);
  self->connections = options->connections;
  self->stall_timeout_s = MAX (options->stall_timeout_ms / 1000, 1);
  self->give_up_us = (gint64) options->give_up_ms * 1000;
  self->signer = signer;
  self->renewed_us = g_get_monotonic_time ();
  return self;
}

void
mill_store_http_session_free (MillStoreHttpSession *self)
{
  if (self->soup != NULL)
    soup_session_abort (self->soup);
  g_clear_object (&self->soup);
  g_clear_object (&self->authorities);
  g_clear_pointer (&self->signer, mill_sign_unref);
  g_free ((gchar *) self->sign.credentials);
  g_free ((gchar *) self->sign.region);
  g_free ((gchar *) self->sign.service);
  g_free (self->url);
  g_free (self);
}
