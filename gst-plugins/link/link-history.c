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

void
mill_link_history_add (MillLinkHistory *history, MillLinkFrame *frame)
{
  Track *track = find_track (history, frame->pad);

  if (!track) {
    track = g_new0 (Track, 1);
    g_hash_table_insert (history->tracks, GUINT_TO_POINTER (frame->pad), track);
  }
  track->has_deltas |= !frame->is_key;
  if (frame->is_key) {
    /* Of what has no pictures that need others, the last alone is kept, unless
     * it goes with a video. */
    if (track->has_deltas || !has_video (history))
      drop_frames (history, frame->pad);
    track->is_kept = TRUE;
  }
  if (!track->is_kept)
    return;
  g_queue_push_tail (&history->frames, mill_link_consumer_frame_ref (frame));
  history->bytes += frame->size;
  if (frame->is_key && track->has_deltas)
    trim (history);
  if (history->bytes > MAX_BYTES || history->frames.length > MAX_FRAMES)
    drop_all (history);
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
