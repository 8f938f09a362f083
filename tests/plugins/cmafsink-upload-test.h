/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmafsink-test.h"
#include "http-store.h"

/* A cmafsink that sends to a server of the test's. */

typedef struct
{
  Fixture f; /* its dir is that of the state */
  HttpStore *server;
  guint64 first; /* number of the stream's first segment, once known */
} Upload;

static inline void
start (Upload *self, const gchar *dir)
{
  g_autofree gchar *url =
      g_strdup_printf ("%s/live", http_store_get_url (self->server));
  fixture_init (&self->f, g_strdup (dir), "location", url, "state-location",
      dir, "upload-timeout-ms", 20000, NULL);
}

static inline void
upload_init (Upload *self)
{
  g_autofree gchar *dir = make_dir ();
  self->server = http_store_new ();
  self->first = 0;
  start (self, dir);
}

static inline void
upload_clear (Upload *self)
{
  g_assert_cmpstr (http_store_get_complaint (self->server), ==, NULL);
  fixture_clear (&self->f);
  http_store_free (self->server);
}

static inline guint
count_in (Upload *self, const gchar *path, const gchar *needle)
{
  g_autofree gchar *text = http_store_get (self->server, path);
  guint n = 0;
  g_assert_nonnull (text);
  for (const gchar *at = text; (at = strstr (at, needle)) != NULL; at++)
    n++;
  return n;
}

static inline guint64
get_stat (Upload *self, const gchar *name)
{
  g_autoptr (GstStructure) stats = NULL;
  g_object_get (self->f.sink, "stats", &stats, NULL);
  const GValue *value = gst_structure_get_value (stats, "upload");
  g_assert_nonnull (value);
  const GstStructure *upload = gst_value_get_structure (value);
  guint64 number = 0;
  guint small = 0;
  if (gst_structure_get_uint (upload, name, &small))
    return small;
  g_assert_true (gst_structure_get_uint64 (upload, name, &number));
  return number;
}

static inline void
wait_value (Upload *self, const gchar *name, guint64 value, gboolean is_least)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  /* Nobody tells of it: it is looked up. */
  while (is_least ? get_stat (self, name) < value
                  : get_stat (self, name) != value) {
    if (g_get_monotonic_time () > deadline)
      g_error ("%s is %" G_GUINT64_FORMAT, name, get_stat (self, name));
    g_usleep (5000);
  }
}

static inline void
wait_stat (Upload *self, const gchar *name, guint64 value)
{
  wait_value (self, name, value, FALSE);
}

static inline gchar *
pop_any (Upload *self, GstMessageType types)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (self->f.bus, types);
  return message ? gst_structure_to_string (gst_message_get_structure (message))
                 : NULL;
}

static inline void
assert_quiet (Upload *self)
{
  g_autofree gchar *text =
      pop_any (self, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
  g_assert_cmpstr (text, ==, NULL);
}

/* The name of the only generation that the video has. */
static inline gchar *
get_init (Upload *self)
{
  g_autofree gchar *text =
      http_store_get (self->server, "/live/v576/playlist.m3u8");
  const gchar *uri = strstr (text, "init-");
  g_assert_nonnull (uri);
  return g_strndup (uri, strcspn (uri, "\""));
}

/* Waits until the @n-th segment of the stream is in the list of @path. A stream
 * without a state begins at the number before its generation's. */
static inline void
wait_listed (Upload *self, const gchar *path, guint n)
{
  if (self->first == 0) {
    http_store_wait (self->server, "/live/v576/playlist.m3u8", "init-");
    g_autofree gchar *init = get_init (self);
    self->first = g_ascii_strtoull (init + strlen ("init-"), NULL, 10) - 1;
  }
  g_autofree gchar *last =
      g_strdup_printf ("-%" G_GUINT64_FORMAT ".m4s\n", self->first + n);
  http_store_wait (self->server, path, last);
}
