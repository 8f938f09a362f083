/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "link-history.h"

#define MAX_BYTES (32 * 1024 * 1024)
#define MAX_FRAMES 4000

typedef struct
{
  gboolean has_deltas; /* a video: its history begins with a keyframe */
  gboolean is_kept; /* all since its last keyframe is there */
} Track;

struct _MillLinkHistory
{
  GQueue frames; /* of MillLinkFrame */
  gsize bytes;
  GHashTable *tracks; /* guint16 -> Track, of the pads that have had frames */
  gint64 opening_us; /* 0: it does not, or no longer, open */
  gint64 opened_us; /* when the first frame came; 0: none has */
};

MillLinkHistory *
mill_link_history_new (void)
{
  MillLinkHistory *history = g_new0 (MillLinkHistory, 1);

  g_queue_init (&history->frames);
  history->tracks = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  return history;
}

void
mill_link_history_free (MillLinkHistory *history)
{
  mill_link_history_clear (history);
  g_hash_table_unref (history->tracks);
  g_free (history);
}

static Track *
find_track (MillLinkHistory *history, guint16 pad)
{
  return g_hash_table_lookup (history->tracks, GUINT_TO_POINTER (pad));
}

static void
drop_link (MillLinkHistory *history, GList *link)
{
  MillLinkFrame *frame = link->data;

  history->bytes -= frame->size;
  mill_link_consumer_frame_unref (frame);
  g_queue_delete_link (&history->frames, link);
}

static void
drop_frames (MillLinkHistory *history, guint16 pad)
{
  for (GList *l = history->frames.head, *next; l; l = next) {
    next = l->next;
    if (((MillLinkFrame *) l->data)->pad == pad)
      drop_link (history, l);
  }
}

void
mill_link_history_forget (MillLinkHistory *history, guint16 pad)
{
  Track *track = find_track (history, pad);

  if (!track)
    return;
  track->is_kept = FALSE;
  drop_frames (history, pad);
}

void
mill_link_history_remove (MillLinkHistory *history, guint16 pad)
{
  drop_frames (history, pad);
  g_hash_table_remove (history->tracks, GUINT_TO_POINTER (pad));
}

void
mill_link_history_clear (MillLinkHistory *history)
{
  while (history->frames.head)
    drop_link (history, history->frames.head);
  g_hash_table_remove_all (history->tracks);
}

static gboolean
has_video (MillLinkHistory *history)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, history->tracks);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Track *) value)->has_deltas)
      return TRUE;
  return FALSE;
}

/* Audio before the first picture that is kept is of no use. */
static void
trim (MillLinkHistory *history)
{
  while (history->frames.head) {
    MillLinkFrame *first = history->frames.head->data;
    if (find_track (history, first->pad)->has_deltas)
      return;
    drop_link (history, history->frames.head);
  }
}

static void
drop_all (MillLinkHistory *history)
{
  GHashTableIter iter;
  gpointer value;

  while (history->frames.head)
    drop_link (history, history->frames.head);
  g_hash_table_iter_init (&iter, history->tracks);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    ((Track *) value)->is_kept = FALSE;
}

/* Of what has no pictures that need others, the last alone is kept, unless it
 * goes with a video. */
static gboolean
begins_anew (MillLinkHistory *history, const MillLinkFrame *frame)
{
  return frame->is_key &&
      (find_track (history, frame->pad)->has_deltas || !has_video (history));
}

static gboolean
is_full (MillLinkHistory *history)
{
  return history->bytes > MAX_BYTES || history->frames.length > MAX_FRAMES;
}

static void
keep (MillLinkHistory *history, MillLinkFrame *frame)
{
  Track *track = find_track (history, frame->pad);

  track->is_kept |= frame->is_key;
  if (!track->is_kept)
    return;
  if (begins_anew (history, frame))
    drop_frames (history, frame->pad);
  g_queue_push_tail (&history->frames, mill_link_consumer_frame_ref (frame));
  history->bytes += frame->size;
  if (frame->is_key && track->has_deltas)
    trim (history);
  if (is_full (history))
    drop_all (history);
}

void
mill_link_history_open (MillLinkHistory *history, gint64 duration_us)
{
  history->opening_us = duration_us;
  history->opened_us = 0;
}

/* What is there already is kept once more, by the rule of later. */
void
mill_link_history_close (MillLinkHistory *history)
{
  GQueue all = history->frames;
  MillLinkFrame *frame;

  if (history->opening_us == 0)
    return;
  history->opening_us = 0;
  history->bytes = 0;
  g_queue_init (&history->frames);
  while ((frame = g_queue_pop_head (&all))) {
    keep (history, frame);
    mill_link_consumer_frame_unref (frame);
  }
}

static gboolean
is_opening (MillLinkHistory *history)
{
  if (history->opening_us == 0)
    return FALSE;
  gint64 now = g_get_monotonic_time ();
  if (history->opened_us == 0)
    history->opened_us = now;
  return now - history->opened_us <= history->opening_us;
}

void
mill_link_history_add (MillLinkHistory *history, MillLinkFrame *frame)
{
  Track *track = find_track (history, frame->pad);

  if (!track) {
    track = g_new0 (Track, 1);
    g_hash_table_insert (history->tracks, GUINT_TO_POINTER (frame->pad), track);
  }
  track->has_deltas |= !frame->is_key;
  if (!is_opening (history)) {
    mill_link_history_close (history);
    keep (history, frame);
    return;
  }
  track->is_kept |= frame->is_key;
  if (!track->is_kept)
    return;
  g_queue_push_tail (&history->frames, mill_link_consumer_frame_ref (frame));
  history->bytes += frame->size;
  if (is_full (history))
    mill_link_history_close (history);
}

gboolean
mill_link_history_is_cut (MillLinkHistory *history, guint16 pad)
{
  Track *track = find_track (history, pad);

  return track && !track->is_kept;
}

const GQueue *
mill_link_history_get_frames (MillLinkHistory *history)
{
  return &history->frames;
}
