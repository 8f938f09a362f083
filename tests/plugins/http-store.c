/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "http-store.h"

#include <libsoup/soup.h>
#include <string.h>

#define DEADLINE_US (20 * G_USEC_PER_SEC)

struct _HttpStore
{
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  gchar *url;
  GTlsCertificate *certificate; /* (nullable): HTTPS */

  GMutex lock; /* everything below */
  GCond changed;
  SoupServer *server;
  GHashTable *objects; /* path -> gchar * */
  GHashTable *headers; /* path -> SoupMessageHeaders */
  GHashTable *requests; /* path -> number of requests */
  GHashTable *newest; /* path of a playlist -> number after its last segment */
  GPtrArray *hanging; /* SoupServerMessage */
  HttpStoreFault fault;
  guint fault_status;
  guint fault_left; /* 0: no end */
  gchar *fault_what;
  guint n_requests;
  gchar *complaint;
};

/* ---- judging ---- */

static void
complain (HttpStore *self, gchar *text)
{
  if (self->complaint == NULL)
    self->complaint = g_strdup (text);
  g_free (text);
}

static void
require (HttpStore *self, const gchar *path, const gchar *uri)
{
  g_autofree gchar *directory = g_path_get_dirname (path);
  g_autofree gchar *named = g_strdup_printf ("%s/%s", directory, uri);
  if (!g_hash_table_contains (self->objects, named))
    complain (self,
        g_strdup_printf ("%s names %s, which is not there", path, named));
}

static void
judge_playlist (HttpStore *self, const gchar *path, const gchar *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  gboolean is_gap = FALSE;
  guint64 next = 0;
  for (guint i = 0; lines[i] != NULL; i++) {
    const gchar *uri = strstr (lines[i], "URI=\"");
    if (g_str_has_prefix (lines[i], "#EXT-X-MEDIA-SEQUENCE:"))
      next += g_ascii_strtoull (lines[i] + 22, NULL, 10);
    if (g_str_equal (lines[i], "#EXT-X-GAP"))
      is_gap = TRUE;
    if (uri != NULL) {
      g_autofree gchar *named = g_strndup (uri + 5, strcspn (uri + 5, "\""));
      require (self, path, named);
    }
    if (lines[i][0] == '#' || lines[i][0] == '\0')
      continue;
    if (!is_gap)
      require (self, path, lines[i]);
    is_gap = FALSE;
    next++;
  }
  guint64 before = GPOINTER_TO_SIZE (g_hash_table_lookup (self->newest, path));
  if (next < before && strstr (text, "#EXTINF") != NULL)
    complain (self,
        g_strdup_printf ("%s ends at %" G_GUINT64_FORMAT
                         ", but ended at %" G_GUINT64_FORMAT,
            path, next, before));
  g_hash_table_insert (self->newest, g_strdup (path), GSIZE_TO_POINTER (next));
}

/* Of the seek bar: "thumbnails/1-0.jpg#xywh=0,0,32,18" */
static void
judge_pictures (HttpStore *self, const gchar *path, const gchar *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    const gchar *hash = strstr (lines[i], ".jpg#");
    if (hash == NULL)
      continue;
    g_autofree gchar *named =
        g_strndup (lines[i], (gsize) (hash - lines[i]) + strlen (".jpg"));
    require (self, path, named);
  }
}

/* Of the MPD: media="thumbnails/1-$Time$.jpg", <S t="0" d="6000" r="1"/> */
static void
judge_manifest (HttpStore *self, const gchar *path, const gchar *text)
{
  g_autoptr (GRegex) sheets = g_regex_new (
      "media=\"(thumbnails/\\d+-)\\$Time\\$\\.jpg\".*?</SegmentTimeline>",
      G_REGEX_DOTALL, 0, NULL);
  g_autoptr (GRegex) rows =
      g_regex_new ("<S(?: t=\"(\\d+)\")? d=\"(\\d+)\"(?: r=\"(\\d+)\")?", 0, 0,
          NULL);
  g_autoptr (GMatchInfo) found = NULL;
  if (!g_regex_match (sheets, text, 0, &found))
    return;
  g_autofree gchar *prefix = g_match_info_fetch (found, 1);
  g_autofree gchar *list = g_match_info_fetch (found, 0);
  g_autoptr (GMatchInfo) row = NULL;
  guint64 time = 0;
  for (g_regex_match (rows, list, 0, &row); g_match_info_matches (row);
       g_match_info_next (row, NULL)) {
    g_autofree gchar *t = g_match_info_fetch (row, 1);
    g_autofree gchar *d = g_match_info_fetch (row, 2);
    g_autofree gchar *r = g_match_info_fetch (row, 3);
    if (*t != '\0')
      time = g_ascii_strtoull (t, NULL, 10);
    guint64 n = 1 + (r != NULL ? g_ascii_strtoull (r, NULL, 10) : 0);
    for (; n > 0; n--, time += g_ascii_strtoull (d, NULL, 10)) {
      g_autofree gchar *named =
          g_strdup_printf ("%s%" G_GUINT64_FORMAT ".jpg", prefix, time);
      require (self, path, named);
    }
  }
}

static void
judge_removal (HttpStore *self, const gchar *path)
{
  g_autofree gchar *directory = g_path_get_dirname (path);
  g_autofree gchar *base = g_path_get_basename (path);
  g_autofree gchar *playlist = g_strdup_printf ("%s/playlist.m3u8", directory);
  const gchar *text = g_hash_table_lookup (self->objects, playlist);
  g_autofree gchar *line = g_strdup_printf ("\n%s\n", base);
  if (text != NULL && strstr (text, line) != NULL)
    complain (self, g_strdup_printf ("%s goes, but is listed", path));
}

/* ---- serving ---- */

static void
copy_header (const gchar *name, const gchar *value, gpointer user_data)
{
  soup_message_headers_append (user_data, name, value);
}

static void
take (HttpStore *self, SoupServerMessage *message, const gchar *path)
{
  SoupMessageHeaders *headers =
      soup_message_headers_new (SOUP_MESSAGE_HEADERS_REQUEST);
  soup_message_headers_foreach (
      soup_server_message_get_request_headers (message), copy_header, headers);
  g_hash_table_insert (self->headers, g_strdup (path), headers);
  if (g_str_equal (soup_server_message_get_method (message), "DELETE")) {
    judge_removal (self, path);
    soup_server_message_set_status (message,
        g_hash_table_remove (self->objects, path) ? 204 : 404, NULL);
    return;
  }
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  g_autoptr (GBytes) content = soup_message_body_flatten (body);
  gchar *text =
      g_strndup (g_bytes_get_data (content, NULL), g_bytes_get_size (content));
  if (g_str_has_suffix (path, ".m3u8"))
    judge_playlist (self, path, text);
  if (g_str_has_suffix (path, "/thumbnails.vtt"))
    judge_pictures (self, path, text);
  if (g_str_has_suffix (path, ".mpd"))
    judge_manifest (self, path, text);
  soup_server_message_set_status (message,
      g_hash_table_contains (self->objects, path) ? 204 : 201, NULL);
  g_hash_table_insert (self->objects, g_strdup (path), text);
}

static gboolean
is_at_fault (HttpStore *self, const gchar *path)
{
  if (self->fault == HTTP_STORE_WELL ||
      (self->fault_what != NULL && strstr (path, self->fault_what) == NULL))
    return FALSE;
  if (self->fault_left > 0 && --self->fault_left == 0) {
    self->fault = HTTP_STORE_WELL;
    return TRUE;
  }
  return TRUE;
}

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path,
    GHashTable *query, gpointer user_data)
{
  HttpStore *self = user_data;
  g_mutex_lock (&self->lock);
  HttpStoreFault fault = self->fault;
  self->n_requests++;
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (self->requests, path));
  g_hash_table_insert (self->requests, g_strdup (path),
      GUINT_TO_POINTER (n + 1));
  if (!is_at_fault (self, path)) {
    take (self, message, path);
  } else if (fault == HTTP_STORE_STATUS) {
    soup_server_message_set_status (message, self->fault_status, NULL);
  } else if (fault == HTTP_STORE_RESET) {
    g_socket_close (soup_server_message_get_socket (message), NULL);
  } else {
    soup_server_message_pause (message);
    g_ptr_array_add (self->hanging, g_object_ref (message));
  }
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static gboolean
release_hanging (gpointer user_data)
{
  HttpStore *self = user_data;
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->hanging->len; i++) {
    SoupServerMessage *message = g_ptr_array_index (self->hanging, i);
    GUri *uri = soup_server_message_get_uri (message);
    if (soup_server_message_get_socket (message) != NULL &&
        g_socket_is_connected (soup_server_message_get_socket (message))) {
      take (self, message, g_uri_get_path (uri));
      soup_server_message_unpause (message);
    }
  }
  g_ptr_array_set_size (self->hanging, 0);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  return G_SOURCE_REMOVE;
}

/* ---- the thread ---- */

static gpointer
run (gpointer data)
{
  HttpStore *self = data;
  g_autoptr (GError) error = NULL;
  g_main_context_push_thread_default (self->context);
  SoupServer *server = soup_server_new (NULL, NULL);
  soup_server_add_handler (server, NULL, on_request, self, NULL);
  soup_server_set_tls_certificate (server, self->certificate);
  g_assert_true (soup_server_listen_local (server, 0,
      SOUP_SERVER_LISTEN_IPV4_ONLY |
          (self->certificate ? SOUP_SERVER_LISTEN_HTTPS : 0),
      &error));
  g_assert_no_error (error);
  g_autoslist (GUri) uris = soup_server_get_uris (server);
  g_mutex_lock (&self->lock);
  self->url = g_strdup_printf ("%s://127.0.0.1:%d",
      g_uri_get_scheme (uris->data), g_uri_get_port (uris->data));
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  g_main_loop_run (self->loop);
  soup_server_disconnect (server);
  g_object_unref (server);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static HttpStore *
start (GTlsCertificate *certificate)
{
  HttpStore *self = g_new0 (HttpStore, 1);
  self->certificate = certificate;
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->objects =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->headers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) soup_message_headers_unref);
  self->newest = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->requests =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->hanging = g_ptr_array_new_with_free_func (g_object_unref);
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->thread = g_thread_new ("http-store", run, self);
  g_mutex_lock (&self->lock);
  while (self->url == NULL)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
  return self;
}

HttpStore *
http_store_new (void)
{
  return start (NULL);
}

HttpStore *
http_store_new_tls (const gchar *certificate, const gchar *key)
{
  g_autoptr (GError) error = NULL;
  GTlsCertificate *loaded =
      g_tls_certificate_new_from_files (certificate, key, &error);
  g_assert_no_error (error);
  return start (loaded);
}

static gboolean
on_quit (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

void
http_store_free (HttpStore *self)
{
  http_store_set_fault (self, HTTP_STORE_WELL, 0, 0, NULL);
  g_main_context_invoke (self->context, on_quit, self->loop);
  g_thread_join (self->thread);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_hash_table_unref (self->objects);
  g_hash_table_unref (self->headers);
  g_hash_table_unref (self->newest);
  g_hash_table_unref (self->requests);
  g_ptr_array_unref (self->hanging);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_clear_object (&self->certificate);
  g_free (self->fault_what);
  g_free (self->complaint);
  g_free (self->url);
  g_free (self);
}

/* ---- what tests ask ---- */

const gchar *
http_store_get_url (HttpStore *self)
{
  return self->url;
}

void
http_store_set_fault (HttpStore *self, HttpStoreFault fault, guint status,
    guint n_requests, const gchar *what)
{
  g_mutex_lock (&self->lock);
  self->fault = fault;
  self->fault_status = status;
  self->fault_left = n_requests;
  g_free (self->fault_what);
  self->fault_what = g_strdup (what);
  g_mutex_unlock (&self->lock);
  if (fault == HTTP_STORE_WELL)
    g_main_context_invoke (self->context, release_hanging, self);
}

gchar *
http_store_get (HttpStore *self, const gchar *path)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  return g_strdup (g_hash_table_lookup (self->objects, path));
}

gchar *
http_store_get_header (HttpStore *self, const gchar *path, const gchar *name)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  SoupMessageHeaders *headers = g_hash_table_lookup (self->headers, path);
  return headers ? g_strdup (soup_message_headers_get_one (headers, name))
                 : NULL;
}

gboolean
http_store_has (HttpStore *self, const gchar *path)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  return g_hash_table_contains (self->objects, path);
}

guint
http_store_count (HttpStore *self, const gchar *needle)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GHashTableIter iter;
  gpointer path;
  guint n = 0;
  g_hash_table_iter_init (&iter, self->objects);
  while (g_hash_table_iter_next (&iter, &path, NULL))
    n += strstr (path, needle) != NULL;
  return n;
}

guint
http_store_count_requests (HttpStore *self, const gchar *path)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  return GPOINTER_TO_UINT (g_hash_table_lookup (self->requests, path));
}

void
http_store_wait (HttpStore *self, const gchar *path, const gchar *needle)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  g_mutex_lock (&self->lock);
  for (;;) {
    const gchar *text = g_hash_table_lookup (self->objects, path);
    if (text != NULL && (needle == NULL || strstr (text, needle) != NULL))
      break;
    if (!g_cond_wait_until (&self->changed, &self->lock, deadline))
      g_error ("%s has no '%s', but: %s", path, needle, text);
  }
  g_mutex_unlock (&self->lock);
}

void
http_store_wait_requests (HttpStore *self, guint n)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  g_mutex_lock (&self->lock);
  while (self->n_requests < n)
    g_assert_true (g_cond_wait_until (&self->changed, &self->lock, deadline));
  g_mutex_unlock (&self->lock);
}

const gchar *
http_store_get_complaint (HttpStore *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  return self->complaint;
}
