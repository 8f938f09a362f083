/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "relay-queue.h"

/* A track that says nothing for so long, in the other's time, is not waited for
 * until it does; nor while the other one fills half of the room, where it would
 * be dropped before. */
#define MAX_WAIT_NS ((gint64) GST_SECOND)

typedef struct
{
  GQueue items; /* of MillRelayItem */
  gboolean is_expected;
  gboolean is_silent;
  gint64 last_dts_ns; /* of what came last; G_MININT64: nothing yet */
} Track;

struct _MillRelayQueue
{
  Track tracks[MILL_RELAY_N_TRACKS];
  gint64 max_ns;
  gsize max_bytes;
  gsize bytes;
  gboolean needs_keyframe; /* of the video */
  guint64 dropped;
};

void
mill_relay_queue_item_free (MillRelayItem *item)
{
  mill_relay_format_unref (item->format);
  gst_buffer_unref (item->buffer);
  g_free (item);
}

MillRelayQueue *
mill_relay_queue_new (void)
{
  MillRelayQueue *self = g_new0 (MillRelayQueue, 1);

  for (guint i = 0; i < MILL_RELAY_N_TRACKS; i++) {
    g_queue_init (&self->tracks[i].items);
    self->tracks[i].last_dts_ns = G_MININT64;
  }
  self->needs_keyframe = TRUE;
  return self;
}

void
mill_relay_queue_free (MillRelayQueue *self)
{
  mill_relay_queue_clear (self);
  g_free (self);
}

void
mill_relay_queue_set_room (MillRelayQueue *self, guint max_ms, gsize max_bytes)
{
  self->max_ns = (gint64) max_ms * GST_MSECOND;
  self->max_bytes = max_bytes;
}

void
mill_relay_queue_set_expected (MillRelayQueue *self, MillRelayTrack track,
    gboolean is_expected)
{
  self->tracks[track].is_expected = is_expected;
  self->tracks[track].is_silent = FALSE;
}

static MillRelayItem *
peek (const MillRelayQueue *self, MillRelayTrack track)
{
  return g_queue_peek_head ((GQueue *) &self->tracks[track].items);
}

static MillRelayItem *
take (MillRelayQueue *self, MillRelayTrack track)
{
  MillRelayItem *item = g_queue_pop_head (&self->tracks[track].items);

  self->bytes -= gst_buffer_get_size (item->buffer);
  return item;
}

static void
drop (MillRelayQueue *self, MillRelayTrack track)
{
  mill_relay_queue_item_free (take (self, track));
  self->dropped++;
}

/* From the first to the last of the longer track. */
static gint64
get_span_ns (const MillRelayQueue *self)
{
  gint64 span_ns = 0;

  for (guint i = 0; i < MILL_RELAY_N_TRACKS; i++) {
    const MillRelayItem *head = peek (self, i);
    const MillRelayItem *tail =
        g_queue_peek_tail ((GQueue *) &self->tracks[i].items);
    if (head)
      span_ns = MAX (span_ns, tail->dts_ns - head->dts_ns);
  }
  return span_ns;
}

static gboolean
is_full (const MillRelayQueue *self)
{
  return self->bytes > self->max_bytes || get_span_ns (self) > self->max_ns;
}

/* Returns: (nullable): the first keyframe behind the head */
static const MillRelayItem *
find_later_keyframe (const MillRelayQueue *self)
{
  GList *link = self->tracks[MILL_RELAY_VIDEO].items.head;

  for (link = link ? link->next : NULL; link; link = link->next)
    if (((MillRelayItem *) link->data)->is_keyframe)
      return link->data;
  return NULL;
}

static void
drop_before (MillRelayQueue *self, const MillRelayItem *keyframe)
{
  while (peek (self, MILL_RELAY_VIDEO) != keyframe)
    drop (self, MILL_RELAY_VIDEO);
  while (peek (self, MILL_RELAY_AUDIO) &&
      peek (self, MILL_RELAY_AUDIO)->dts_ns < keyframe->dts_ns)
    drop (self, MILL_RELAY_AUDIO);
}

static gboolean
has_video (const MillRelayQueue *self)
{
  const Track *video = &self->tracks[MILL_RELAY_VIDEO];

  return video->is_expected && !video->is_silent;
}

static void
make_room (MillRelayQueue *self)
{
  while (is_full (self)) {
    const MillRelayItem *keyframe = find_later_keyframe (self);
    if (keyframe) {
      drop_before (self, keyframe);
    } else if (has_video (self)) {
      mill_relay_queue_clear (self);
    } else {
      /* Each frame of sound stands for itself. */
      drop (self,
          peek (self, MILL_RELAY_AUDIO) ? MILL_RELAY_AUDIO : MILL_RELAY_VIDEO);
    }
  }
}

void
mill_relay_queue_push (MillRelayQueue *self, MillRelayItem *item)
{
  Track *track = &self->tracks[item->track];

  /* Sound that has gone on alone: the picture comes in with a keyframe. */
  track->is_silent = FALSE;
  track->last_dts_ns = item->dts_ns;
  g_queue_push_tail (&track->items, item);
  self->bytes += gst_buffer_get_size (item->buffer);
  make_room (self);
}

static gboolean
has_waited (const MillRelayQueue *self)
{
  return get_span_ns (self) > MIN (MAX_WAIT_NS, self->max_ns / 2) ||
      self->bytes > self->max_bytes / 2;
}

/* Whether the empty @track may still bring what comes before @head. */
static gboolean
is_awaited (MillRelayQueue *self, MillRelayTrack track,
    const MillRelayItem *head)
{
  Track *waited = &self->tracks[track];

  if (!waited->is_expected || waited->is_silent ||
      waited->last_dts_ns >= head->dts_ns)
    return FALSE;
  waited->is_silent = has_waited (self);
  return !waited->is_silent;
}

/* Returns: FALSE when it is not known what comes next */
static gboolean
choose (MillRelayQueue *self, MillRelayTrack *ret_track)
{
  const MillRelayItem *video = peek (self, MILL_RELAY_VIDEO);
  const MillRelayItem *audio = peek (self, MILL_RELAY_AUDIO);

  if (video && audio)
    *ret_track = video->dts_ns <= audio->dts_ns ? MILL_RELAY_VIDEO
                                                : MILL_RELAY_AUDIO;
  else
    *ret_track = video ? MILL_RELAY_VIDEO : MILL_RELAY_AUDIO;
  if (video && audio)
    return TRUE;
  return (video && !is_awaited (self, MILL_RELAY_AUDIO, video)) ||
      (audio && !is_awaited (self, MILL_RELAY_VIDEO, audio));
}

/* What is before the keyframe that a stream begins with is of no use. */
static gboolean
is_usable (MillRelayQueue *self, MillRelayTrack track)
{
  if (!self->needs_keyframe)
    return TRUE;
  if (track == MILL_RELAY_AUDIO)
    return !has_video (self);
  self->needs_keyframe = !peek (self, track)->is_keyframe;
  return !self->needs_keyframe;
}

MillRelayItem *
mill_relay_queue_pop (MillRelayQueue *self)
{
  MillRelayTrack track;

  while (choose (self, &track)) {
    if (is_usable (self, track))
      return take (self, track);
    drop (self, track);
  }
  return NULL;
}

void
mill_relay_queue_restart (MillRelayQueue *self)
{
  self->needs_keyframe = TRUE;
}

void
mill_relay_queue_clear (MillRelayQueue *self)
{
  for (guint i = 0; i < MILL_RELAY_N_TRACKS; i++)
    while (peek (self, i))
      drop (self, i);
  self->needs_keyframe = TRUE;
}

gboolean
mill_relay_queue_is_empty (const MillRelayQueue *self)
{
  return !peek (self, MILL_RELAY_VIDEO) && !peek (self, MILL_RELAY_AUDIO);
}

guint
mill_relay_queue_get_ms (const MillRelayQueue *self)
{
  return get_span_ns (self) / GST_MSECOND;
}

gsize
mill_relay_queue_get_bytes (const MillRelayQueue *self)
{
  return self->bytes;
}

guint64
mill_relay_queue_get_dropped (const MillRelayQueue *self)
{
  return self->dropped;
}
