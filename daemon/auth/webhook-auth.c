/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "auth"

#include "webhook-auth.h"

#include <string.h>

#include "address.h"
#include "bounded-json.h"
#include "http-fetch.h"
#include "secret.h"
#include "webhook-signature.h"

#define MAX_ANSWER_BYTES 16384
/* Who is asked about more at once is not answering any more. */
#define MAX_QUESTIONS 64
/* Those about one sender: whoever finds the webhook slow cannot have all of them,
 * and nobody else is asked about. */
#define MAX_QUESTIONS_OF_SENDER (MAX_QUESTIONS / 2)
#define MAX_CACHED 1000
#define MAX_REASON_CHARACTERS 120
#define MAX_TIME G_GINT64_CONSTANT (253402300799)

struct _MillWebhookAuth
{
  const MillWebhookSettings *settings;
  SoupSession *session; /* nullable: not yet */
  GHashTable *questions; /* (element-type Question): under way */
  GHashTable *cache; /* (element-type utf8 Cached): hash of a claim */
  GQueue recent; /* (element-type Cached) the oldest first */
  GCancellable *life;
};

/** Somebody who was let in. */
typedef struct
{
  gchar *key;
  gint64 until; /* monotonic µs */
  MillPublishVerdict *verdict;
} Cached;

/** A publisher who is being asked about. */
typedef struct
{
  MillWebhookAuth *auth;
  GCancellable *life;
  gchar *name;
  gchar *sender; /* nullable: not known, or whoever a proxy here lets through */
  gchar *cache_key;
  MillWebhookAuthFunc func;
  gpointer user_data;
} Question;

static void
cached_free (gpointer data)
{
  Cached *cached = data;
  g_free (cached->key);
  mill_publish_verdict_free (cached->verdict);
  g_free (cached);
}

/* ---- the cache: an encoder that lost its connection is not asked about
 *      again. Only who was let in is kept, by a hash, because the claim holds
 *      his secret. ---- */

static gchar *
make_cache_key (const MillPublishClaim *claim)
{
  g_autofree gchar *address =
      claim->address ? g_inet_address_to_string (claim->address) : NULL;
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  const gchar *parts[] = { claim->app, claim->name, claim->query,
    address ? address : "" };
  /* With their ends, so that no two claims run into one. */
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    g_checksum_update (checksum, (const guchar *) parts[i],
        (gssize) strlen (parts[i]) + 1);
  return g_strdup (g_checksum_get_string (checksum));
}

static void
drop (MillWebhookAuth *auth, Cached *cached)
{
  g_queue_remove (&auth->recent, cached);
  g_hash_table_remove (auth->cache, cached->key);
}

static MillPublishVerdict *
find_cached (MillWebhookAuth *auth, const gchar *key)
{
  Cached *cached = g_hash_table_lookup (auth->cache, key);
  if (!cached)
    return NULL;
  gint64 expires_at = cached->verdict->expires_at;
  if (g_get_monotonic_time () < cached->until &&
      (expires_at == 0 || g_get_real_time () / G_USEC_PER_SEC < expires_at))
    return mill_publish_verdict_copy (cached->verdict);
  drop (auth, cached);
  return NULL;
}

static void
cache (MillWebhookAuth *auth, const gchar *key,
    const MillPublishVerdict *verdict)
{
  Cached *before = g_hash_table_lookup (auth->cache, key);
  if (auth->settings->cache_s == 0 || verdict->denial != MILL_DENIAL_NONE)
    return;
  if (before)
    drop (auth, before);
  if (auth->recent.length >= MAX_CACHED)
    drop (auth, g_queue_peek_head (&auth->recent));
  Cached *cached = g_new0 (Cached, 1);
  cached->key = g_strdup (key);
  cached->until = g_get_monotonic_time () +
      (gint64) auth->settings->cache_s * G_USEC_PER_SEC;
  cached->verdict = mill_publish_verdict_copy (verdict);
  g_queue_push_tail (&auth->recent, cached);
  g_hash_table_insert (auth->cache, cached->key, cached);
}

/* ---- the answer ---- */

static MillPublishVerdict *
fail (const gchar *detail)
{
  return mill_publish_verdict_new_denied (MILL_DENIAL_UNAVAILABLE,
      "the daemon cannot check publishers just now", detail);
}

/* What it says is for the publisher, in one line that every encoder shows. */
static MillPublishVerdict *
deny (JsonObject *object)
{
  const gchar *reason = mill_bounded_json_get_text (object, "reason");
  if (!reason || !*reason)
    return mill_publish_verdict_new_denied (MILL_DENIAL_WEBHOOK,
        "publishing is not allowed", NULL);
  GString *text = g_string_new (NULL);
  for (guint n = 0; *reason && n < MAX_REASON_CHARACTERS; n++) {
    gunichar character = g_utf8_get_char (reason);
    g_string_append_unichar (text,
        g_unichar_isprint (character) ? character : '?');
    reason = g_utf8_next_char (reason);
  }
  g_autofree gchar *line = g_string_free (text, FALSE);
  return mill_publish_verdict_new_denied (MILL_DENIAL_WEBHOOK, line, NULL);
}

static gboolean
read_limit (JsonObject *object, const gchar *name, gint64 maximum,
    gint64 *ret_limit)
{
  *ret_limit = 0;
  return !json_object_has_member (object, name) ||
      json_object_get_null_member (object, name) ||
      mill_bounded_json_get_number (object, name, 1, maximum, ret_limit);
}

static MillPublishVerdict *
allow (JsonObject *object, const gchar *name)
{
  gint64 bitrate_bps;
  gint64 duration_s;
  gint64 expires_at;
  const gchar *stream = json_object_has_member (object, "stream")
      ? mill_bounded_json_get_text (object, "stream")
      : name;

  if (!stream || !mill_publish_auth_is_name (stream))
    return mill_publish_verdict_new_denied (MILL_DENIAL_NAME,
        "stream name is not allowed, expected 1 to 64 of A-Z a-z 0-9 _ -",
        "the webhook allows it, and gives no other ('stream')");
  if (!read_limit (object, "max_bitrate_bps", G_MAXINT64 / 16, &bitrate_bps) ||
      !read_limit (object, "max_duration_seconds", G_MAXINT32, &duration_s) ||
      !read_limit (object, "expires_at", MAX_TIME, &expires_at))
    return fail ("the webhook's answer has a limit that is none");
  MillPublishVerdict *verdict = mill_publish_verdict_new_granted (stream);
  verdict->limits =
      (MillPublishLimits){ (guint64) bitrate_bps, (guint) duration_s };
  verdict->expires_at = expires_at;
  return verdict;
}

static MillPublishVerdict *
judge (const MillHttpAnswer *answer, const gchar *name)
{
  gsize size;
  g_autoptr (GError) error = NULL;
  const gchar *text = g_bytes_get_data (answer->body, &size);
  g_autoptr (JsonNode) root =
      mill_bounded_json_parse_object (text ? text : "", size, &error);
  JsonObject *object = root ? json_node_get_object (root) : NULL;
  JsonNode *allowed = object ? json_object_get_member (object, "allow") : NULL;
  gboolean is_answer = allowed && JSON_NODE_HOLDS_VALUE (allowed) &&
      json_node_get_value_type (allowed) == G_TYPE_BOOLEAN;

  if (is_answer && !json_node_get_boolean (allowed))
    return deny (object);
  if (answer->status == SOUP_STATUS_OK && is_answer)
    return allow (object, name);
  g_autofree gchar *detail = answer->status == SOUP_STATUS_OK
      ? g_strdup_printf ("the webhook answered no { \"allow\": true }: %s",
            error ? error->message : "it is not there")
      : g_strdup_printf ("the webhook answered %u, expected 200",
            answer->status);
  return fail (detail);
}

static void
question_free (Question *question)
{
  g_object_unref (question->life);
  g_free (question->name);
  g_free (question->sender);
  g_free (question->cache_key);
  g_free (question);
}

static void
on_fetched (GObject *session, GAsyncResult *result, gpointer user_data)
{
  Question *question = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (MillHttpAnswer) answer = mill_http_fetch_finish (result, &error);

  /* Otherwise it was answered when its webhook went. */
  if (!g_cancellable_is_cancelled (question->life)) {
    g_hash_table_remove (question->auth->questions, question);
    g_autofree gchar *detail =
        error ? g_strdup_printf ("webhook: %s", error->message) : NULL;
    MillPublishVerdict *verdict = answer ? judge (answer, question->name)
                                         : fail (detail);
    cache (question->auth, question->cache_key, verdict);
    question->func (verdict, question->user_data);
  }
  question_free (question);
}

/* ---- the question ---- */

static gchar *
make_body (const MillPublishClaim *claim, gboolean tls, const gchar *id,
    gint64 now)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (now);
  g_autofree gchar *timestamp = g_date_time_format_iso8601 (time);
  g_autofree gchar *address =
      claim->address ? g_inet_address_to_string (claim->address) : NULL;
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "type", "publish");
  json_object_set_string_member (object, "timestamp", timestamp);
  json_object_set_string_member (object, "id", id);
  json_object_set_string_member (object, "app", claim->app);
  json_object_set_string_member (object, "name", claim->name);
  json_object_set_string_member (object, "query", claim->query);
  if (address)
    json_object_set_string_member (object, "address", address);
  else
    json_object_set_null_member (object, "address");
  json_object_set_boolean_member (object, "tls", tls);
  json_node_take_object (root, object);
  return json_to_string (root, FALSE);
}

/* Returns: (transfer full) (nullable) */
static SoupMessage *
make_message (MillWebhookAuth *auth, const gchar *id, const gchar *body,
    gint64 now, GError **error)
{
  g_autoptr (GBytes) secret =
      mill_secret_read_file (auth->settings->secret_file, error);
  g_autoptr (GBytes) key =
      secret ? mill_webhook_signature_read_key (secret, error) : NULL;
  if (!key)
    return NULL;
  g_autofree gchar *signature =
      mill_webhook_signature_make (key, id, now, body);
  g_autofree gchar *timestamp = g_strdup_printf ("%" G_GINT64_FORMAT, now);
  g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));
  SoupMessage *message =
      soup_message_new (SOUP_METHOD_POST, auth->settings->url);
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  soup_message_set_request_body_from_bytes (message, "application/json", bytes);
  soup_message_headers_replace (headers, "webhook-id", id);
  soup_message_headers_replace (headers, "webhook-timestamp", timestamp);
  soup_message_headers_replace (headers, "webhook-signature", signature);
  return message;
}

/* Returns: (transfer full) (nullable): a message that may be sent */
static SoupMessage *
prepare (MillWebhookAuth *auth, const MillPublishClaim *claim, gboolean tls,
    const gchar *id, GError **error)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  g_autofree gchar *body = make_body (claim, tls, id, now);
  if (!auth->session)
    auth->session =
        mill_http_fetch_new_session (auth->settings->ca_file, error);
  return auth->session ? make_message (auth, id, body, now, error) : NULL;
}

/* Returns: (transfer full) (nullable) */
static gchar *
name_sender (GInetAddress *address)
{
  return address && !g_inet_address_get_is_loopback (address)
      ? mill_address_to_sender (address)
      : NULL;
}

/* @sender: (nullable) */
static gboolean
is_full (MillWebhookAuth *auth, const gchar *sender)
{
  GHashTableIter iter;
  gpointer key;
  guint n_same = 0;

  g_hash_table_iter_init (&iter, auth->questions);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    const Question *question = key;
    n_same += sender && g_strcmp0 (question->sender, sender) == 0 ? 1 : 0;
  }
  return g_hash_table_size (auth->questions) >= MAX_QUESTIONS ||
      n_same >= MAX_QUESTIONS_OF_SENDER;
}

void
mill_webhook_auth_ask (MillWebhookAuth *auth, const MillPublishClaim *claim,
    gboolean tls, MillWebhookAuthFunc func, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *cache_key = make_cache_key (claim);
  MillPublishVerdict *cached = find_cached (auth, cache_key);
  if (cached) {
    func (cached, user_data);
    return;
  }
  g_autofree gchar *sender = name_sender (claim->address);
  if (is_full (auth, sender)) {
    func (fail ("the webhook has too many questions to answer"), user_data);
    return;
  }
  g_autofree gchar *id = mill_secret_generate_id ("msg_");
  g_autoptr (SoupMessage) message = prepare (auth, claim, tls, id, &error);
  if (!message) {
    g_warning ("webhook '%s': %s", auth->settings->url, error->message);
    func (fail (error->message), user_data);
    return;
  }
  Question *question = g_new0 (Question, 1);
  question->auth = auth;
  question->life = g_object_ref (auth->life);
  question->name = g_strdup (claim->name);
  question->sender = g_steal_pointer (&sender);
  question->cache_key = g_steal_pointer (&cache_key);
  question->func = func;
  question->user_data = user_data;
  g_hash_table_add (auth->questions, question);
  MillHttpBounds bounds = { auth->settings->timeout_ms, MAX_ANSWER_BYTES };
  mill_http_fetch_async (auth->session, message, &bounds, on_fetched, question);
}

/* ---- life ---- */

MillWebhookAuth *
mill_webhook_auth_new (const MillWebhookSettings *settings)
{
  MillWebhookAuth *auth = g_new0 (MillWebhookAuth, 1);
  auth->settings = settings;
  auth->questions = g_hash_table_new (NULL, NULL);
  auth->cache =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, cached_free);
  auth->life = g_cancellable_new ();
  return auth;
}

void
mill_webhook_auth_free (MillWebhookAuth *auth)
{
  GHashTableIter iter;
  gpointer key;

  if (!auth)
    return;
  g_cancellable_cancel (auth->life);
  g_hash_table_iter_init (&iter, auth->questions);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    Question *question = key;
    question->func (fail ("the configuration has changed in the meantime"),
        question->user_data);
  }
  g_object_unref (auth->life);
  if (auth->session)
    soup_session_abort (auth->session);
  g_clear_object (&auth->session);
  g_queue_clear (&auth->recent);
  g_hash_table_unref (auth->cache);
  g_hash_table_unref (auth->questions);
  g_free (auth);
}
