/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A webhook that answers well, badly, late, too much or not at all: whatever is
 * not a clear yes keeps the publisher out. */

#include <libsoup/soup.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounded-json.h"
#include "webhook-auth.h"
#include "webhook-signature.h"

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

typedef struct
{
  SoupServer *server;
  gchar *secret_file;
  MillWebhookSettings settings;
  MillWebhookAuth *auth;

  /* what the server answers */
  guint status;
  const gchar *body;
  gboolean hangs;

  /* what it was asked */
  guint n_asked;
  JsonNode *asked;
  gboolean signature_is_right;
  GPtrArray *hanging; /* (element-type SoupServerMessage) */
} Fixture;

static const gchar *
get_header (SoupServerMessage *message, const gchar *name)
{
  return soup_message_headers_get_one (
      soup_server_message_get_request_headers (message), name);
}

static void
check_signature (Fixture *fixture, SoupServerMessage *message, GBytes *body)
{
  g_autoptr (GBytes) secret = g_bytes_new_static (SECRET, strlen (SECRET));
  g_autoptr (GBytes) key = mill_webhook_signature_read_key (secret, NULL);
  g_autofree gchar *text =
      g_strndup (g_bytes_get_data (body, NULL), g_bytes_get_size (body));
  gint64 timestamp =
      g_ascii_strtoll (get_header (message, "webhook-timestamp"), NULL, 10);
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  g_autofree gchar *wanted = mill_webhook_signature_make (key,
      get_header (message, "webhook-id"), timestamp, text);
  fixture->signature_is_right = ABS (timestamp - now) < 60 &&
      g_strcmp0 (get_header (message, "webhook-signature"), wanted) == 0;
}

static void
on_request (SoupServer *server, SoupServerMessage *message, const gchar *path,
    GHashTable *query, gpointer user_data)
{
  Fixture *fixture = user_data;
  g_autoptr (GBytes) body = soup_message_body_flatten (
      soup_server_message_get_request_body (message));

  fixture->n_asked++;
  g_clear_pointer (&fixture->asked, json_node_unref);
  fixture->asked =
      mill_bounded_json_parse_object (g_bytes_get_data (body, NULL),
          g_bytes_get_size (body), NULL);
  check_signature (fixture, message, body);
  soup_server_message_set_status (message, fixture->status, NULL);
  if (fixture->status == SOUP_STATUS_FOUND)
    soup_message_headers_replace (
        soup_server_message_get_response_headers (message), "Location",
        "/elsewhere");
  soup_server_message_set_response (message, "application/json",
      SOUP_MEMORY_STATIC, fixture->body, strlen (fixture->body));
  if (fixture->hangs) {
    soup_server_message_pause (message);
    g_ptr_array_add (fixture->hanging, g_object_ref (message));
  }
}

/* ---- warnings, which the log's own writer takes ---- */

static const gchar *expected; /* nullable */

static GLogWriterOutput
on_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields,
    gpointer user_data)
{
  for (gsize i = 0; i < n_fields; i++)
    if (expected && g_str_equal (fields[i].key, "MESSAGE") &&
        strstr (fields[i].value, expected)) {
      expected = NULL;
      return G_LOG_WRITER_HANDLED;
    }
  g_log_writer_default (level, fields, n_fields, user_data);
  if (level & (G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL))
    abort ();
  return G_LOG_WRITER_HANDLED;
}

static void
expect_warning (const gchar *part)
{
  expected = part;
}

static void
assert_warned (void)
{
  g_assert_null (expected);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint fd =
      g_file_open_tmp ("mill-webhook-XXXXXX", &fixture->secret_file, &error);
  g_assert_no_error (error);
  g_close (fd, NULL);
  g_file_set_contents (fixture->secret_file, SECRET "\n", -1, NULL);
  fixture->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (fixture->server, NULL, on_request, fixture, NULL);
  soup_server_listen_local (fixture->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY,
      &error);
  g_assert_no_error (error);
  GSList *uris = soup_server_get_uris (fixture->server);
  fixture->settings.url = g_uri_to_string (uris->data);
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  fixture->settings.secret_file = fixture->secret_file;
  fixture->settings.timeout_ms = 3000;
  fixture->auth = mill_webhook_auth_new (&fixture->settings);
  fixture->hanging = g_ptr_array_new_with_free_func (g_object_unref);
  fixture->status = SOUP_STATUS_OK;
  fixture->body = "{\"allow\":true}";
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->auth, mill_webhook_auth_free);
  g_ptr_array_unref (fixture->hanging);
  soup_server_disconnect (fixture->server);
  g_object_unref (fixture->server);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_clear_pointer (&fixture->asked, json_node_unref);
  g_unlink (fixture->secret_file);
  g_free (fixture->secret_file);
  g_free (fixture->settings.url);
}

static void
take (MillPublishVerdict *verdict, gpointer user_data)
{
  *(MillPublishVerdict **) user_data = verdict;
}

static MillPublishVerdict *
ask (Fixture *fixture, const gchar *name, const gchar *query)
{
  MillPublishVerdict *verdict = NULL;
  g_autoptr (GInetAddress) address =
      g_inet_address_new_from_string ("192.0.2.1");
  MillPublishClaim claim = { "live", name, query, address };
  mill_webhook_auth_ask (fixture->auth, &claim, TRUE, take, &verdict);
  while (!verdict)
    g_main_context_iteration (NULL, TRUE);
  return verdict;
}

static void
test_signature (void)
{
  /* The example of the Standard Webhooks libraries. */
  g_autoptr (GBytes) secret = g_bytes_new_static (SECRET, strlen (SECRET));
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) key = mill_webhook_signature_read_key (secret, &error);
  g_assert_no_error (error);
  g_autofree gchar *signature = mill_webhook_signature_make (key,
      "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}");
  g_assert_cmpstr (signature, ==,
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  static const gchar *const weak[] = { "short", "whsec_", "whsec_c2hvcnQ=" };
  for (guint i = 0; i < G_N_ELEMENTS (weak); i++) {
    g_autoptr (GBytes) bytes = g_bytes_new_static (weak[i], strlen (weak[i]));
    g_assert_null (mill_webhook_signature_read_key (bytes, NULL));
  }
}

static void
test_question (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillPublishVerdict) verdict =
      ask (fixture, "studio", "pass=\"geheim\"&x=1");
  g_assert_cmpint (verdict->denial, ==, MILL_DENIAL_NONE);
  g_assert_cmpstr (verdict->stream, ==, "studio");
  g_assert_true (fixture->signature_is_right);
  JsonObject *asked = json_node_get_object (fixture->asked);
  g_assert_cmpstr (mill_bounded_json_get_text (asked, "type"), ==, "publish");
  g_assert_cmpstr (mill_bounded_json_get_text (asked, "app"), ==, "live");
  g_assert_cmpstr (mill_bounded_json_get_text (asked, "name"), ==, "studio");
  g_assert_cmpstr (mill_bounded_json_get_text (asked, "query"), ==,
      "pass=\"geheim\"&x=1");
  g_assert_cmpstr (mill_bounded_json_get_text (asked, "address"), ==,
      "192.0.2.1");
  g_assert_true (json_object_get_boolean_member (asked, "tls"));
  g_assert_nonnull (mill_bounded_json_get_text (asked, "timestamp"));
  g_assert_nonnull (mill_bounded_json_get_text (asked, "id"));
}

static void
test_answers (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    guint status;
    const gchar *body;
    MillDenial denial;
    const gchar *said; /* its stream, or the text for the publisher */
  } cases[] = {
    { 200, "{\"allow\":true}", MILL_DENIAL_NONE, "mine" },
    { 200, "{\"allow\":true,\"stream\":\"yours\"}", MILL_DENIAL_NONE, "yours" },
    { 200, "{\"allow\":true,\"stream\":\"../x\"}", MILL_DENIAL_NAME, NULL },
    { 200, "{\"allow\":true,\"stream\":5}", MILL_DENIAL_NAME, NULL },
    { 200, "{\"allow\":true,\"expires_at\":\"x\"}", MILL_DENIAL_UNAVAILABLE,
        NULL },
    { 200, "{\"allow\":false}", MILL_DENIAL_WEBHOOK,
        "publishing is not allowed" },
    { 200, "{\"allow\":false,\"reason\":\"pay\\nfirst\"}", MILL_DENIAL_WEBHOOK,
        "pay?first" },
    { 403, "{\"allow\":false,\"reason\":\"no\"}", MILL_DENIAL_WEBHOOK, "no" },
    { 200, "{\"allow\":\"true\"}", MILL_DENIAL_UNAVAILABLE, NULL },
    { 200, "{\"allow\":1}", MILL_DENIAL_UNAVAILABLE, NULL },
    { 200, "{}", MILL_DENIAL_UNAVAILABLE, NULL },
    { 200, "true", MILL_DENIAL_UNAVAILABLE, NULL },
    { 200, "", MILL_DENIAL_UNAVAILABLE, NULL },
    { 200, "<html>", MILL_DENIAL_UNAVAILABLE, NULL },
    { 201, "{\"allow\":true}", MILL_DENIAL_UNAVAILABLE, NULL },
    { 204, "", MILL_DENIAL_UNAVAILABLE, NULL },
    { 302, "{\"allow\":true}", MILL_DENIAL_UNAVAILABLE, NULL },
    { 500, "{\"allow\":true}", MILL_DENIAL_UNAVAILABLE, NULL },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    fixture->status = cases[i].status;
    fixture->body = cases[i].body;
    guint before = fixture->n_asked;
    g_autoptr (MillPublishVerdict) verdict = ask (fixture, "mine", "");
    g_test_message ("%u %s: %s", cases[i].status, cases[i].body,
        verdict->detail ? verdict->detail : "");
    g_assert_cmpstr (mill_publish_verdict_denial_to_string (verdict->denial),
        ==, mill_publish_verdict_denial_to_string (cases[i].denial));
    if (cases[i].said)
      g_assert_cmpstr (verdict->stream ? verdict->stream : verdict->text, ==,
          cases[i].said);
    g_assert_cmpuint (fixture->n_asked, ==, before + 1); /* no redirection */
  }
}

static void
test_limits (Fixture *fixture, gconstpointer data)
{
  fixture->body = "{\"allow\":true,\"max_bitrate_bps\":6000000,"
                  "\"max_duration_seconds\":60,\"expires_at\":4000000000}";
  g_autoptr (MillPublishVerdict) verdict = ask (fixture, "mine", "");
  g_assert_cmpuint (verdict->limits.bitrate_bps, ==, 6000000);
  g_assert_cmpuint (verdict->limits.duration_s, ==, 60);
  g_assert_cmpint (verdict->expires_at, ==, 4000000000);
}

/* A webhook that floods us, or none at all. */
static void
test_too_much_and_nobody (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *padding = g_strnfill (20000, ' ');
  g_autofree gchar *large = g_strconcat ("{\"allow\":true", padding, "}", NULL);
  fixture->body = large;
  g_autoptr (MillPublishVerdict) flooded = ask (fixture, "mine", "");
  g_assert_cmpint (flooded->denial, ==, MILL_DENIAL_UNAVAILABLE);
  g_assert_nonnull (strstr (flooded->detail, "more than 16384 bytes"));

  soup_server_disconnect (fixture->server);
  g_autoptr (MillPublishVerdict) nobody = ask (fixture, "mine", "");
  g_assert_cmpint (nobody->denial, ==, MILL_DENIAL_UNAVAILABLE);
  fixture->settings.secret_file = (gchar *) "/nowhere";
  expect_warning ("nowhere");
  g_autoptr (MillPublishVerdict) unsigned_ = ask (fixture, "mine", "");
  assert_warned ();
  g_assert_cmpint (unsigned_->denial, ==, MILL_DENIAL_UNAVAILABLE);
}

#define TURN_MS 50

static gboolean
on_turn (gpointer user_data)
{
  ++*(guint *) user_data;
  return G_SOURCE_CONTINUE;
}

/* In time: by turns of this loop, which is also the webhook's. Where nobody lets it
 * turn no time passes. */
static void
test_silence (Fixture *fixture, gconstpointer data)
{
  guint turns = 0;
  guint clock = g_timeout_add (TURN_MS, on_turn, &turns);

  fixture->settings.timeout_ms = 200;
  fixture->hangs = TRUE;
  g_autoptr (MillPublishVerdict) verdict = ask (fixture, "mine", "");
  g_source_remove (clock);
  g_assert_cmpint (verdict->denial, ==, MILL_DENIAL_UNAVAILABLE);
  g_assert_nonnull (strstr (verdict->detail, "no answer within 200 ms"));
  g_assert_cmpuint (turns * TURN_MS, <, 2000);
}

/* An encoder that lost its connection is not asked about again; whoever was
 * kept out is. */
static void
test_cache (Fixture *fixture, gconstpointer data)
{
  fixture->settings.cache_s = 60;
  for (guint i = 0; i < 3; i++) {
    g_autoptr (MillPublishVerdict) verdict = ask (fixture, "mine", "k=1");
    g_assert_cmpint (verdict->denial, ==, MILL_DENIAL_NONE);
  }
  g_assert_cmpuint (fixture->n_asked, ==, 1);
  mill_publish_verdict_free (ask (fixture, "mine", "k=2"));
  mill_publish_verdict_free (ask (fixture, "minek=", "1"));
  g_assert_cmpuint (fixture->n_asked, ==, 3);
  fixture->body = "{\"allow\":false}";
  for (guint i = 0; i < 2; i++)
    mill_publish_verdict_free (ask (fixture, "other", ""));
  g_assert_cmpuint (fixture->n_asked, ==, 5);
  fixture->body = "{\"allow\":true,\"expires_at\":5}";
  for (guint i = 0; i < 2; i++)
    mill_publish_verdict_free (ask (fixture, "over", ""));
  g_assert_cmpuint (fixture->n_asked, ==, 7);
}

/* Sixty-four are asked about at once; the next hears at once that it cannot be,
 * and nobody is left without an answer when the webhook goes. */
static void
test_many (Fixture *fixture, gconstpointer data)
{
  MillPublishVerdict *verdicts[65] = { NULL };
  MillPublishClaim claim = { "live", "mine", "", NULL };
  fixture->hangs = TRUE;
  for (guint i = 0; i < 65; i++)
    mill_webhook_auth_ask (fixture->auth, &claim, FALSE, take, &verdicts[i]);
  g_assert_nonnull (verdicts[64]);
  g_assert_null (verdicts[63]);
  while (fixture->n_asked < 16) /* connections */
    g_main_context_iteration (NULL, TRUE);
  g_clear_pointer (&fixture->auth, mill_webhook_auth_free);
  for (guint i = 0; i < 65; i++) {
    g_assert_cmpint (verdicts[i]->denial, ==, MILL_DENIAL_UNAVAILABLE);
    mill_publish_verdict_free (verdicts[i]);
  }
}

/* One sender has half of that, however often he asks of a webhook that is slow:
 * the others are asked about. Behind loopback there is no telling who it is. */
static void
test_many_of_one_sender (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const gchar *address;
    guint n;
    guint n_refused;
  } cases[] = {
    { "192.0.2.1", 40, 8 }, { "2001:db8::1", 20, 0 }, { "192.0.2.1", 2, 2 },
    { "127.0.0.1", 12, 0 }, { "127.0.0.1", 1, 1 }, /* the sixty-fifth */
  };
  MillPublishVerdict *verdicts[75] = { NULL };
  guint n = 0;

  fixture->hangs = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GInetAddress) address =
        g_inet_address_new_from_string (cases[i].address);
    MillPublishClaim claim = { "live", "mine", "", address };
    guint n_refused = 0;
    for (guint j = 0; j < cases[i].n; j++, n++) {
      mill_webhook_auth_ask (fixture->auth, &claim, FALSE, take, &verdicts[n]);
      n_refused += verdicts[n] ? 1 : 0;
    }
    g_assert_cmpuint (n_refused, ==, cases[i].n_refused);
  }
  g_clear_pointer (&fixture->auth, mill_webhook_auth_free);
  for (guint i = 0; i < n; i++)
    mill_publish_verdict_free (verdicts[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* on_log() ends the test at those that are not expected. */
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR);
  g_log_set_writer_func (on_log, NULL, NULL);
  g_test_add_func ("/webhook/signature", test_signature);
#define ADD(path, func) \
  g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/webhook/question", test_question);
  ADD ("/webhook/answers", test_answers);
  ADD ("/webhook/limits", test_limits);
  ADD ("/webhook/too-much-and-nobody", test_too_much_and_nobody);
  ADD ("/webhook/silence", test_silence);
  ADD ("/webhook/cache", test_cache);
  ADD ("/webhook/many", test_many);
  ADD ("/webhook/many-of-one-sender", test_many_of_one_sender);
  return g_test_run ();
}
