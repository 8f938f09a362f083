/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What libsoup's server costs by itself: usage: soup-floor DIRECTORY FILE...
 * Answers /FILE with the bytes that FILE had in DIRECTORY at the start, out of
 * memory, with no header but its type: no conditions, ranges, CORS, caching. A
 * server on libsoup cannot do less. Prints "listening PORT", runs until it is
 * killed. */

#include <stdlib.h>

#include <libsoup/soup.h>

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path,
    GHashTable *query, gpointer user_data)
{
  GBytes *content = g_hash_table_lookup (user_data, path);
  gsize size;
  gconstpointer data;

  if (content == NULL) {
    soup_server_message_set_status (message, SOUP_STATUS_NOT_FOUND, NULL);
    return;
  }
  data = g_bytes_get_data (content, &size);
  soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
  soup_server_message_set_response (message, "video/mp4", SOUP_MEMORY_STATIC,
      data, size);
}

static gboolean
load (GHashTable *files, const gchar *directory, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (directory, name, NULL);
  g_autoptr (GError) error = NULL;
  gchar *content;
  gsize size;

  if (!g_file_get_contents (path, &content, &size, &error)) {
    g_printerr ("soup-floor: %s\n", error->message);
    return FALSE;
  }
  g_hash_table_insert (files, g_strconcat ("/", name, NULL),
      g_bytes_new_take (content, size));
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GHashTable) files = g_hash_table_new_full (g_str_hash, g_str_equal,
      g_free, (GDestroyNotify) g_bytes_unref);
  g_autoptr (SoupServer) server = soup_server_new (NULL, NULL);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  GSList *uris;

  if (argc < 3) {
    g_printerr ("usage: soup-floor DIRECTORY FILE...\n");
    return EXIT_FAILURE;
  }
  for (gint i = 2; i < argc; i++) {
    if (!load (files, argv[1], argv[i]))
      return EXIT_FAILURE;
  }
  soup_server_add_handler (server, NULL, on_request, files, NULL);
  if (!soup_server_listen_local (server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY,
          &error)) {
    g_printerr ("soup-floor: %s\n", error->message);
    return EXIT_FAILURE;
  }
  uris = soup_server_get_uris (server);
  g_print ("listening %d\n", g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  g_main_loop_run (loop);
  return EXIT_SUCCESS;
}
