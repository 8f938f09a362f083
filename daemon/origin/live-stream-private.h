/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/origin/live-stream.h"

G_BEGIN_DECLS

/*
 * The inside of a live stream, shared by live-streams.c (which are watched),
 * live-stream.c (what is in one), live-lines.c (how that is read) and live-wait.c
 * (who waits). Nothing else
 * includes it.
 */

/** All who want the same. */
typedef struct
{
  MillLiveWant want;
  gchar *rendition; /* (nullable): what want.rendition points to */
  GQueue waits; /* of MillLiveWait, in the order of waiting */
} MillLiveGroup;

struct _MillLiveWait
{
  MillLiveStream *stream;
  MillLiveGroup *group;
  MillLiveFunc func;
  gpointer user_data;
  gint64 deadline; /* monotonic, µs */
  GList in_group;
  GList in_stream;
};

struct _MillLiveStream
{
  gint ref_count;
  MillLiveStreams *owner; /* NULL once it is not watched any more */
  gchar *name;
  gint directory; /* of the stream, opened as a path */
  gint watch;
  gint64 used; /* monotonic, µs */
  gboolean gone;

  gint index; /* live.index; -1: none */
  guint64 inode;
  guint64 offset; /* read so far */
  gint64 written_us; /* when the index had its last line, since 1970 */
  MillLiveReader *reader;

  guint64 version;
  guint64 part_target_ns;
  guint target_duration_s;
  gboolean ended;
  gboolean has_listed;
  guint64 listed;
  guint64 next_generation; /* 0: as the last one */
  guint64 next_number;
  GPtrArray *renditions;

  GPtrArray *groups; /* of MillLiveGroup */
  GQueue waits; /* of MillLiveWait, in the order of their deadlines */
  gboolean tells_last_first; /* turns each time */
  guint timeout_id;
};

/* ---- live-streams.c ---- */

/** Returns: FALSE when the limits allow no more */
gboolean mill_live_streams_begin_wait (MillLiveStream *stream);
void mill_live_streams_end_wait (MillLiveStream *stream);
void mill_live_streams_count_wakeup (MillLiveStream *stream);

/* ---- live-stream.c ---- */

/** @directory: taken over. Returns: (transfer full) */
MillLiveStream *mill_live_stream_new (MillLiveStreams *owner, const gchar *name,
    gint directory);

/** It is not watched any more: whoever waits hears that. */
void mill_live_stream_end (MillLiveStream *self);

/* ---- live-lines.c ---- */

/** Of a MillLiveStream: each line is put into it. */
extern const MillLiveReaderFuncs mill_live_lines_funcs;

void mill_live_lines_free_rendition (gpointer rendition);

/** Returns: (nullable) */
MillLiveSegment *mill_live_lines_get_last (const MillLiveRendition *rendition);

/* ---- live-wait.c ---- */

void mill_live_wait_free_group (gpointer group);

MillLiveWait *mill_live_wait_add (MillLiveStream *stream,
    const MillLiveWant *want, MillLiveFunc func, gpointer user_data);
void mill_live_wait_remove (MillLiveWait *wait);

/** Something has changed: all that have what they want are told. */
void mill_live_wait_run (MillLiveStream *stream);

G_END_DECLS
