/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Who waits for what. Thousands of viewers of one stream want the same part:
 * they are one group, which is looked at once for each change. */

#include "daemon/origin/live-stream-private.h"

/* RFC 8216bis 6.2.5.2: after three target durations the answer is 503. */
#define PATIENCE_TARGETS 3
/* Before the playlists have said what the target duration is. */
#define PATIENCE_DEFAULT_S 6

void
mill_live_wait_free_group (gpointer data)
{
  MillLiveGroup *group = data;

  g_free (group->rendition);
  g_free (group);
}

static gint64
get_patience_us (const MillLiveStream *stream)
{
  guint target = stream->target_duration_s;

  return (target > 0 ? PATIENCE_TARGETS * (gint64) target
                     : PATIENCE_DEFAULT_S) *
      G_USEC_PER_SEC;
}

/* Takes @wait out of the lists. Its group stays, even empty, until the next
 * change. */
static void
unlink_wait (MillLiveWait *wait)
{
  MillLiveStream *stream = wait->stream;

  g_queue_unlink (&wait->group->waits, &wait->in_group);
  g_queue_unlink (&stream->waits, &wait->in_stream);
  mill_live_streams_end_wait (stream);
}

static void
tell (MillLiveWait *wait, MillLiveOutcome outcome)
{
  g_autoptr (MillLiveStream) stream = wait->stream;

  unlink_wait (wait);
  wait->func (outcome, wait->user_data);
  g_free (wait);
}

/* ---- deadlines ---- */

static void arm (MillLiveStream *stream); /* calls itself by a timeout */

static gboolean
on_deadline (gpointer user_data)
{
  g_autoptr (MillLiveStream) stream = mill_live_stream_ref (user_data);
  gint64 now = g_get_monotonic_time ();
  MillLiveWait *wait;

  stream->timeout_id = 0;
  while ((wait = g_queue_peek_head (&stream->waits)) != NULL &&
      wait->deadline <= now)
    tell (wait, MILL_LIVE_LATE);
  arm (stream);
  return G_SOURCE_REMOVE;
}

/* All waits of a stream have the same patience, but for a change of the target
 * duration, so the first one is due first. */
static void
arm (MillLiveStream *stream)
{
  MillLiveWait *first = g_queue_peek_head (&stream->waits);
  gint64 left;

  if (stream->timeout_id != 0 || first == NULL)
    return;
  left = MAX (first->deadline - g_get_monotonic_time (), 0);
  stream->timeout_id = g_timeout_add (left / 1000 + 1, on_deadline, stream);
}

/* ---- groups ---- */

static gboolean
is_same (const MillLiveWant *a, const MillLiveWant *b)
{
  return a->number == b->number && a->part == b->part &&
      a->generation == b->generation &&
      g_strcmp0 (a->rendition, b->rendition) == 0;
}

static MillLiveGroup *
get_group (MillLiveStream *stream, const MillLiveWant *want)
{
  MillLiveGroup *group;

  for (guint i = 0; i < stream->groups->len; i++) {
    group = g_ptr_array_index (stream->groups, i);
    if (is_same (&group->want, want))
      return group;
  }
  group = g_new0 (MillLiveGroup, 1);
  group->want = *want;
  group->rendition = g_strdup (want->rendition);
  group->want.rendition = group->rendition;
  g_queue_init (&group->waits);
  g_ptr_array_add (stream->groups, group);
  return group;
}

MillLiveWait *
mill_live_wait_add (MillLiveStream *stream, const MillLiveWant *want,
    MillLiveFunc func, gpointer user_data)
{
  MillLiveWait *wait;

  if (!mill_live_streams_begin_wait (stream))
    return NULL;
  wait = g_new0 (MillLiveWait, 1);
  wait->stream = mill_live_stream_ref (stream);
  wait->group = get_group (stream, want);
  wait->func = func;
  wait->user_data = user_data;
  wait->deadline = g_get_monotonic_time () + get_patience_us (stream);
  wait->in_group.data = wait;
  wait->in_stream.data = wait;
  g_queue_push_tail_link (&wait->group->waits, &wait->in_group);
  g_queue_push_tail_link (&stream->waits, &wait->in_stream);
  arm (stream);
  return wait;
}

void
mill_live_wait_remove (MillLiveWait *wait)
{
  g_autoptr (MillLiveStream) stream = wait->stream;

  unlink_wait (wait);
  g_free (wait);
}

static void
tell_group (MillLiveStream *stream, MillLiveGroup *group)
{
  MillLiveOutcome outcome = mill_live_stream_check (stream, &group->want);

  if (group->waits.length == 0)
    return;
  mill_live_streams_count_wakeup (stream);
  while (group->waits.length > 0)
    tell (stream->tells_last_first ? group->waits.tail->data
                                   : group->waits.head->data,
        outcome);
}

/* Playlists want a part of any generation. */
static gboolean
wants_media (const MillLiveGroup *group)
{
  return group->want.generation != MILL_LIVE_ANY;
}

void
mill_live_wait_run (MillLiveStream *stream)
{
  g_autoptr (MillLiveStream) self = mill_live_stream_ref (stream);
  g_autoptr (GPtrArray) due = NULL;

  if (stream->groups->len == 0)
    return;
  due = g_ptr_array_new_with_free_func (mill_live_wait_free_group);
  /* They leave the stream first: whoever is told may wait for the next. */
  for (guint i = stream->groups->len; i-- > 0;) {
    MillLiveGroup *group = g_ptr_array_index (stream->groups, i);

    if (group->waits.length == 0 ||
        mill_live_stream_check (stream, &group->want) != MILL_LIVE_LATE)
      g_ptr_array_add (due, g_ptr_array_steal_index_fast (stream->groups, i));
  }
  /* Whoever is told last asks for the next one last, and would be the last for
   * ever. */
  stream->tells_last_first = !stream->tells_last_first;
  /* It is the media that is late; who has the playlist first cannot play it. */
  for (guint i = 0; i < due->len; i++) {
    if (wants_media (due->pdata[i]))
      tell_group (stream, due->pdata[i]);
  }
  for (guint i = 0; i < due->len; i++) {
    if (!wants_media (due->pdata[i]))
      tell_group (stream, due->pdata[i]);
  }
}
