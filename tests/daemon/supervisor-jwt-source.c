/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Keys that change, vanish and come late, from a server and from files. */

#include <libsoup/soup.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "jwt-source.h"

#define KEY(kid)                                                              \
  "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"" kid                          \
  "\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9" \
  "m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define ONE "{\"keys\":[" KEY ("one") "]}"
#define TWO "{\"keys\":[" KEY ("two") "]}"
#define RETRY_MS 300

/* ---- a clock that goes on when pass_retry_time() says so ---- */

static gint64 now_us = G_USEC_PER_SEC;

gint64
g_get_monotonic_time (void)
{
  return now_us;
}

static void
pass_retry_time (void)
{
  now_us += RETRY_MS * 1000;
}

/* ---- the server of the keys ---- */

typedef struct
{
  SoupServer *server;
  gchar *url;
  guint status;
  const gchar *body;
  const gchar *cache_control; /* nullable */
  guint n_asked;
} Fixture;

static void
on_request (SoupServer *server, SoupServerMessage *message, const gchar *path,
    GHashTable *query, gpointer user_data)
{
  Fixture *fixture = user_data;
  fixture->n_asked++;
  soup_server_message_set_status (message, fixture->status, NULL);
  if (fixture->status == SOUP_STATUS_FOUND)
    soup_message_headers_replace (
        soup_server_message_get_response_headers (message), "Location", "/x");
  if (fixture->cache_control)
    soup_message_headers_replace (
        soup_server_message_get_response_headers (message), "Cache-Control",
        fixture->cache_control);
  soup_server_message_set_response (message, "application/json",
      SOUP_MEMORY_STATIC, fixture->body, strlen (fixture->body));
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
  fixture->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (fixture->server, NULL, on_request, fixture, NULL);
  soup_server_listen_local (fixture->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY,
      &error);
  g_assert_no_error (error);
  GSList *uris = soup_server_get_uris (fixture->server);
  fixture->url = g_uri_to_string (uris->data);
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  fixture->status = SOUP_STATUS_OK;
  fixture->body = ONE;
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  soup_server_disconnect (fixture->server);
  g_object_unref (fixture->server);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_free (fixture->url);
}

static MillJwtSource *
new_source (const gchar *jwks)
{
  MillJwtPlace place = { .jwks = (gchar *) jwks,
    .algorithms = MILL_JWT_ES256,
    .retry_ms = RETRY_MS };
  return mill_jwt_source_new (&place);
}

typedef struct
{
  gboolean is_answered;
  gchar *id; /* nullable: of the only key */
} Answer;

static void
take (MillJwtKeys *keys, gpointer user_data)
{
  Answer *answer = user_data;
  answer->is_answered = TRUE;
  answer->id = keys ? g_strdup (mill_jwt_keys_get (keys, 0)->id) : NULL;
}

static void
assert_gives (MillJwtSource *source, MillJwtNeed need, const gchar *id)
{
  Answer answer = { 0 };
  mill_jwt_source_get (source, need, take, &answer);
  while (!answer.is_answered)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (answer.id, ==, id);
  g_free (answer.id);
}

/* It is asked for at once, so that the first publisher need not wait; then not
 * again while it is fresh, however many come. */
static void
test_asked_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillJwtSource) source = new_source (fixture->url);
  for (guint i = 0; i < 5; i++)
    assert_gives (source, MILL_JWT_SOURCE_ANY, "one");
  g_assert_cmpuint (fixture->n_asked, ==, 1);
}

/* Whoever changed his keys has his publishers let in; whoever makes up names of
 * keys does not make us ask each time. */
static void
test_newer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillJwtSource) source = new_source (fixture->url);
  assert_gives (source, MILL_JWT_SOURCE_ANY, "one");
  fixture->body = TWO;
  for (guint i = 0; i < 5; i++)
    assert_gives (source, MILL_JWT_SOURCE_NEWER, "one");
  g_assert_cmpuint (fixture->n_asked, ==, 1);
  pass_retry_time ();
  for (guint i = 0; i < 5; i++)
    assert_gives (source, MILL_JWT_SOURCE_NEWER, "two");
  g_assert_cmpuint (fixture->n_asked, ==, 2);
}

/* The server of the keys is away, or broken: publishers go on. */
static void
test_last_good (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    guint status;
    const gchar *body;
  } failures[] = {
    { 500, ONE },
    { 302, TWO },
    { 200, "{\"keys\":[]}" },
    { 200, "<html>" },
    { 200, "" },
  };
  g_autoptr (MillJwtSource) source = new_source (fixture->url);
  assert_gives (source, MILL_JWT_SOURCE_ANY, "one");
  for (guint i = 0; i < G_N_ELEMENTS (failures); i++) {
    fixture->status = failures[i].status;
    fixture->body = failures[i].body;
    pass_retry_time ();
    expect_warning ("ones before stay");
    assert_gives (source, MILL_JWT_SOURCE_NEWER, "one");
    assert_warned ();
  }
  g_assert_cmpuint (fixture->n_asked, ==, 1 + G_N_ELEMENTS (failures));
}

/* Without keys nobody gets in; it is asked again, though not at once. */
static void
test_none_at_first (Fixture *fixture, gconstpointer data)
{
  fixture->status = SOUP_STATUS_SERVICE_UNAVAILABLE;
  g_autoptr (MillJwtSource) source = new_source (fixture->url);
  expect_warning ("status 503");
  assert_gives (source, MILL_JWT_SOURCE_ANY, NULL);
  assert_warned ();
  assert_gives (source, MILL_JWT_SOURCE_ANY, NULL);
  g_assert_cmpuint (fixture->n_asked, ==, 1);
  fixture->status = SOUP_STATUS_OK;
  pass_retry_time ();
  assert_gives (source, MILL_JWT_SOURCE_ANY, "one");
}

/* Those who wait when it goes are told. */
static void
test_gone_while_asked (Fixture *fixture, gconstpointer data)
{
  Answer answer = { 0 };
  MillJwtSource *source = new_source (fixture->url);
  mill_jwt_source_get (source, MILL_JWT_SOURCE_ANY, take, &answer);
  g_assert_false (answer.is_answered);
  mill_jwt_source_free (source);
  g_assert_true (answer.is_answered);
  g_assert_null (answer.id);
}

static void
test_files (void)
{
  g_autofree gchar *path = NULL;
  g_close (g_file_open_tmp ("mill-jwks-XXXXXX", &path, NULL), NULL);
  g_file_set_contents (path, ONE, -1, NULL);
  g_autoptr (MillJwtSource) source = new_source (path);
  assert_gives (source, MILL_JWT_SOURCE_ANY, "one");
  g_file_set_contents (path, TWO, -1, NULL);
  assert_gives (source, MILL_JWT_SOURCE_ANY, "one");
  mill_jwt_source_reload (source);
  assert_gives (source, MILL_JWT_SOURCE_ANY, "two");
  g_file_set_contents (path, ONE, -1, NULL);
  assert_gives (source, MILL_JWT_SOURCE_ANY, "two");
  pass_retry_time ();
  assert_gives (source, MILL_JWT_SOURCE_NEWER, "one");
  g_unlink (path);

  expect_warning ("No such file");
  g_autoptr (MillJwtSource) nothing = new_source (path);
  assert_warned ();
  assert_gives (nothing, MILL_JWT_SOURCE_ANY, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* on_log() ends the test at those that are not expected. */
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR);
  g_log_set_writer_func (on_log, NULL, NULL);
#define ADD(path, func) \
  g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/jwt-source/asked-once", test_asked_once);
  ADD ("/jwt-source/newer", test_newer);
  ADD ("/jwt-source/last-good", test_last_good);
  ADD ("/jwt-source/none-at-first", test_none_at_first);
  ADD ("/jwt-source/gone-while-asked", test_gone_while_asked);
  g_test_add_func ("/jwt-source/files", test_files);
  return g_test_run ();
}
