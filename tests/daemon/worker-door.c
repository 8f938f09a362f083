/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "worker-door.h"

#include <glib/gstdio.h>

gchar *
worker_door_listen (WorkerDoor *door, const gchar *kind, const gchar *address,
    GError **error)
{
  GAsyncResult *slot = NULL;

  mill_worker_proxy_listen_async (door->proxy, kind, address, fixture_on_result,
      &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  return mill_worker_proxy_listen_finish (door->proxy, result, error);
}

void
worker_door_set_up (WorkerDoor *door, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  door->fixture = fixture_new (NULL, 0);
  door->watch = fixture_worker (door->fixture, "w0");
  door->proxy = door->watch->proxy;
  door->address = worker_door_listen (door, "rtmp", "127.0.0.1:0", &error);
  g_assert_no_error (error);
}

void
worker_door_tear_down (WorkerDoor *door, gconstpointer data)
{
  fixture_watch_free (door->watch);
  g_free (door->address);
  fixture_free (door->fixture);
}

static gboolean
has_request (gpointer data)
{
  return ((FixtureWatch *) data)->requests->len > 0;
}

void
worker_door_wait_request (WorkerDoor *door)
{
  fixture_wait ("a publish request", has_request, door->watch);
}

guint64
worker_door_take_request (WorkerDoor *door)
{
  worker_door_wait_request (door);
  const guint64 request = g_array_index (door->watch->requests, guint64, 0);
  g_array_remove_index (door->watch->requests, 0);
  return request;
}

gboolean
worker_door_accept (WorkerDoor *door, const MillWorkerStart *start,
    GError **error)
{
  GAsyncResult *slot = NULL;

  mill_worker_proxy_accept_publish_async (door->proxy,
      worker_door_take_request (door), start, fixture_on_result, &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  return mill_worker_proxy_accept_publish_finish (door->proxy, result, error);
}

gchar *
worker_door_read_output (WorkerDoor *door, const gchar *file)
{
  g_autofree gchar *path =
      g_build_filename (door->fixture->media_dir, "demo", file, NULL);
  gchar *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

MillFlvFile *
worker_door_make_movie (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("millrace-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (dir, "movie.flv", NULL);
  g_autofree gchar *command = g_strdup_printf (
      "ffmpeg -v error -f lavfi -i testsrc=size=160x90:rate=25 "
      "-f lavfi -i sine=sample_rate=44100 -t 2 -c:v libx264 "
      "-preset ultrafast -g 25 -c:a aac -f flv %s",
      path);
  g_autoptr (GError) error = NULL;
  gint status = 0;

  g_spawn_command_line_sync (command, NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  MillFlvFile *movie = mill_flv_file_open (path, &error);
  g_assert_no_error (error);
  /* It stays mapped. */
  g_remove (path);
  g_rmdir (dir);
  return movie;
}
