/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "link-queue.h"

/* Some seconds of an ordinary live stream. */
#define MAX_BYTES (8 * 1024 * 1024)
#define MAX_FRAMES 1000
/* Events that cannot be left out; who lets that many wait reads no more. */
#define MAX_EVENTS 4000

/* what is so about a pad; the hash table's value, 0: nothing */
#define WAITS_FOR_KEYFRAME 1
#define IS_DISCONT 2

typedef struct
{
  MillLinkFrame *frame;
  gboolean is_discont;
} Entry;

struct _MillLinkQueue
{
  GQueue entries; /* of Entry */
  gsize bytes;
  gsize max_bytes;
  guint max_frames;
  GHashTable *pads; /* guint16 -> flags, of all pads that were told */
  guint64 n_dropped;
};

static void
free_entry (gpointer data)
{
  Entry *entry = data;

  mill_link_consumer_frame_unref (entry->frame);
  g_free (entry);
}

MillLinkQueue *
mill_link_queue_new (void)
{
  MillLinkQueue *queue = g_new0 (MillLinkQueue, 1);

  g_queue_init (&queue->entries);
  queue->pads = g_hash_table_new (NULL, NULL);
  queue->max_bytes = MAX_BYTES;
  queue->max_frames = MAX_FRAMES;
  return queue;
}

void
mill_link_queue_free (MillLinkQueue *queue)
{
  g_queue_clear_full (&queue->entries, free_entry);
  g_hash_table_unref (queue->pads);
  g_free (queue);
}

static guint
get_flags (MillLinkQueue *queue, guint16 pad)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (queue->pads,
      GUINT_TO_POINTER (pad)));
}

static void
set_flags (MillLinkQueue *queue, guint16 pad, guint flags)
{
  g_hash_table_insert (queue->pads, GUINT_TO_POINTER (pad),
      GUINT_TO_POINTER (flags));
}

void
mill_link_queue_mark (MillLinkQueue *queue, guint16 pad, gboolean from_keyframe)
{
  set_flags (queue, pad, IS_DISCONT | (from_keyframe ? WAITS_FOR_KEYFRAME : 0));
}

void
mill_link_queue_add (MillLinkQueue *queue, MillLinkFrame *frame)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->frame = mill_link_consumer_frame_ref (frame);
  if (frame->type == MILL_LINK_PAD)
    set_flags (queue, frame->pad, get_flags (queue, frame->pad));
  if (frame->payload) {
    guint flags = get_flags (queue, frame->pad);
    entry->is_discont = (flags & IS_DISCONT) != 0;
    if (flags & IS_DISCONT)
      set_flags (queue, frame->pad, flags & ~(guint) IS_DISCONT);
  }
  g_queue_push_tail (&queue->entries, entry);
  queue->bytes += frame->size;
}

static void
drop_link (MillLinkQueue *queue, GList *link)
{
  Entry *entry = link->data;

  queue->bytes -= entry->frame->size;
  free_entry (entry);
  g_queue_delete_link (&queue->entries, link);
}

static gboolean
is_media (const MillLinkFrame *frame)
{
  return frame->payload || frame->type == MILL_LINK_EVENT_GAP;
}

static void
drop_media (MillLinkQueue *queue)
{
  GHashTableIter iter;
  gpointer flags;

  for (GList *l = queue->entries.head, *next; l; l = next) {
    MillLinkFrame *frame = ((Entry *) l->data)->frame;
    next = l->next;
    if (frame->payload)
      queue->n_dropped++;
    if (is_media (frame))
      drop_link (queue, l);
  }
  g_hash_table_iter_init (&iter, queue->pads);
  while (g_hash_table_iter_next (&iter, NULL, &flags))
    g_hash_table_iter_replace (&iter,
        GUINT_TO_POINTER (WAITS_FOR_KEYFRAME | IS_DISCONT));
}

gboolean
mill_link_queue_offer (MillLinkQueue *queue, MillLinkFrame *frame,
    gboolean is_leaky)
{
  if (is_leaky && is_media (frame) && !mill_link_queue_has_room (queue))
    drop_media (queue);
  guint flags = frame->payload ? get_flags (queue, frame->pad) : 0;
  if ((flags & WAITS_FOR_KEYFRAME) && !frame->is_key) {
    queue->n_dropped++;
    return TRUE;
  }
  if (flags & WAITS_FOR_KEYFRAME)
    set_flags (queue, frame->pad, flags & ~(guint) WAITS_FOR_KEYFRAME);
  mill_link_queue_add (queue, frame);
  return !is_leaky || queue->entries.length <= queue->max_frames + MAX_EVENTS;
}

void
mill_link_queue_flush (MillLinkQueue *queue, guint16 pad)
{
  for (GList *l = queue->entries.head, *next; l; l = next) {
    MillLinkFrame *frame = ((Entry *) l->data)->frame;
    next = l->next;
    if (frame->pad == pad &&
        (is_media (frame) || frame->type == MILL_LINK_EVENT_SEGMENT ||
            frame->type == MILL_LINK_EVENT_EOS))
      drop_link (queue, l);
  }
}

void
mill_link_queue_remove_pad (MillLinkQueue *queue, guint16 pad)
{
  g_hash_table_remove (queue->pads, GUINT_TO_POINTER (pad));
}

void
mill_link_queue_set_room (MillLinkQueue *queue)
{
  queue->max_bytes = MAX_BYTES + queue->bytes;
  queue->max_frames = MAX_FRAMES + queue->entries.length;
}

gboolean
mill_link_queue_has_room (const MillLinkQueue *queue)
{
  return queue->bytes < queue->max_bytes &&
      queue->entries.length < queue->max_frames;
}

gboolean
mill_link_queue_is_empty (const MillLinkQueue *queue)
{
  return queue->entries.length == 0;
}

gsize
mill_link_queue_get_bytes (const MillLinkQueue *queue)
{
  return queue->bytes;
}

guint64
mill_link_queue_get_dropped (const MillLinkQueue *queue)
{
  return queue->n_dropped;
}

MillLinkFrame *
mill_link_queue_take (MillLinkQueue *queue, gboolean *ret_is_discont)
{
  Entry *entry = g_queue_pop_head (&queue->entries);

  if (!entry)
    return NULL;
  MillLinkFrame *frame = entry->frame;
  queue->bytes -= frame->size;
  *ret_is_discont = entry->is_discont;
  g_free (entry);
  return frame;
}
