/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* hls-load: viewers of one rendition of a low-latency stream. */

typedef enum
{
  /* The playlist blocks until the next part is there, then that is fetched, over
   * the same connection: what hls.js does. */
  VIEWERS_RELOAD,
  /* The hinted part is asked for beside the playlist, before it is there, over a
   * second connection: what Apple's players do. */
  VIEWERS_HINT,
  /* The playlist alone, again and again. */
  VIEWERS_WAIT,
} ViewersMode;

typedef struct
{
  const gchar *host;
  guint16 port;
  const gchar *path; /* of the rendition: "/stream/demo/v360" */
  ViewersMode mode;
  guint n;
} ViewersOptions;

typedef struct
{
  guint64 playlists;
  guint64 parts;
  guint64 bytes;
  guint64 unknown; /* parts whose write was not seen */
  guint64 errors; /* answers that were not 200, connections that ended */
  gchar *first_error; /* nullable */
  GArray *delays_us; /* gint64: from the write to the last byte */
  GArray *waits_us; /* the same of playlists that waited */
} ViewersResult;

/* ---- when parts are written ---- */

typedef struct _PartClock PartClock;

/** Watches @index in a thread of its own. Returns: (nullable) */
PartClock *part_clock_new (const gchar *index, const gchar *rendition,
    GError **error);
void part_clock_free (PartClock *self);

/** Returns: microseconds since 1970 at which the line of the part was written, by
 * the file's time: at most one tick of the kernel too early, never too late; 0
 * when it was not seen. Any thread. */
gint64 part_clock_look_up (PartClock *self, guint64 number, guint part);

/* ---- viewers: one thread, one epoll ---- */

/** Runs them from now on for @settle_s, then measures for @seconds. Returns:
 * FALSE when they could not be connected */
gboolean viewers_run (const ViewersOptions *options, PartClock *clock,
    guint settle_s, guint seconds, ViewersResult *result, GError **error);

G_END_DECLS
