/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The half of a hub that streaming threads use: pads, what is published on
 * them, and waiting for room. What goes on with sockets is in link-server.c. */
#include <unistd.h>

#include "link-hub-private.h"
#include "link/link-buffer.h"
#include "link/link-event.h"

/* How long the end of a live graph waits for a consumer that does not read. */
#define LEAKY_DRAIN_MS 1000

/* In the order in which they are told. */
typedef enum
{
  STICKY_PAD,
  STICKY_STREAM_START,
  STICKY_CAPS,
  STICKY_SEGMENT,
  STICKY_GLOBAL_TAGS,
  STICKY_TAGS,
  STICKY_EOS,
  N_STICKIES
} Sticky;

typedef struct
{
  guint16 id;
  GBytes *stickies[N_STICKIES];
  gboolean flushing;
} HubPad;

/* ---- pads ---- */

static void
clear_stickies (HubPad *pad, Sticky from)
{
  for (Sticky i = from; i < N_STICKIES; i++)
    g_clear_pointer (&pad->stickies[i], g_bytes_unref);
}

static void
free_pad (gpointer data)
{
  clear_stickies (data, STICKY_PAD);
  g_free (data);
}

static HubPad *
find_pad_locked (MillLinkHub *hub, guint16 id)
{
  for (guint i = 0; i < hub->pads->len; i++) {
    HubPad *pad = g_ptr_array_index (hub->pads, i);
    if (pad->id == id)
      return pad;
  }
  return NULL;
}

/* ---- to consumers ---- */

void
mill_link_hub_wake_locked (MillLinkHub *hub)
{
  guint64 one = 1;

  /* Cannot wait: an eventfd refuses only when its counter is full. */
  if (hub->running && !hub->woken && write (hub->wake_fd, &one, 8) == 8)
    hub->woken = TRUE;
}

/* @head: (transfer full) @payload: (transfer full) (nullable) */
static void
publish_locked (MillLinkHub *hub, GBytes *head, GstBuffer *payload, guint16 id)
{
  MillLinkFrame *frame = mill_link_consumer_frame_new (head, payload, id);
  gboolean has_client = FALSE;

  hub->is_served = FALSE;
  if (payload) {
    mill_link_history_add (hub->history, frame);
    hub->n_buffers++;
  }
  for (guint i = 0; i < hub->clients->len; i++) {
    MillLinkClient *client = g_ptr_array_index (hub->clients, i);
    if (!client->attached || client->doomed)
      continue;
    client->doomed =
        !mill_link_queue_offer (client->queue, frame, hub->is_leaky);
    has_client = TRUE;
  }
  mill_link_consumer_frame_unref (frame);
  if (has_client)
    mill_link_hub_wake_locked (hub);
}

static void
tell_locked (MillLinkClient *client, GBytes *bytes, guint16 id)
{
  MillLinkFrame *frame =
      mill_link_consumer_frame_new (g_bytes_ref (bytes), NULL, id);

  mill_link_queue_add (client->queue, frame);
  mill_link_consumer_frame_unref (frame);
}

static void
tell_stickies_locked (MillLinkClient *client, Sticky first, Sticky last)
{
  MillLinkHub *hub = client->hub;

  for (guint i = 0; i < hub->pads->len; i++) {
    HubPad *pad = g_ptr_array_index (hub->pads, i);
    for (Sticky s = first; s <= last; s++)
      if (pad->stickies[s])
        tell_locked (client, pad->stickies[s], pad->id);
  }
}

void
mill_link_hub_attach_locked (MillLinkClient *client)
{
  MillLinkHub *hub = client->hub;
  g_autoptr (GBytes) hello = mill_link_message_new_hello (hub->is_leaky);
  g_autoptr (GBytes) ready =
      mill_link_message_new (MILL_LINK_READY, 0, NULL, 0);

  client->attached = TRUE;
  hub->n_attached++;
  tell_locked (client, hello, 0);
  if (hub->has_latency) {
    g_autoptr (GBytes) latency = mill_link_message_new_latency (&hub->latency);
    tell_locked (client, latency, 0);
  }
  tell_stickies_locked (client, STICKY_PAD, STICKY_TAGS);
  tell_locked (client, ready, 0);
  for (guint i = 0; i < hub->pads->len; i++) {
    HubPad *pad = g_ptr_array_index (hub->pads, i);
    mill_link_queue_mark (client->queue, pad->id,
        mill_link_history_is_cut (hub->history, pad->id));
  }
  const GQueue *frames = mill_link_history_get_frames (hub->history);
  for (const GList *l = frames->head; l; l = l->next)
    mill_link_queue_add (client->queue, l->data);
  mill_link_history_close (hub->history);
  tell_stickies_locked (client, STICKY_EOS, STICKY_EOS);
  mill_link_queue_set_room (client->queue);
  g_cond_broadcast (&hub->changed);
}

/* ---- life ---- */

MillLinkHub *
mill_link_hub_new (const MillLinkHubEvents *events, gpointer user_data)
{
  MillLinkHub *hub = g_new0 (MillLinkHub, 1);

  hub->events = events;
  hub->user_data = user_data;
  hub->pads = g_ptr_array_new_with_free_func (free_pad);
  hub->clients = g_ptr_array_new_with_free_func (mill_link_server_free_client);
  hub->history = mill_link_history_new ();
  g_mutex_init (&hub->lock);
  g_cond_init (&hub->changed);
  return hub;
}

void
mill_link_hub_free (MillLinkHub *hub)
{
  g_assert (!hub->running);
  g_ptr_array_unref (hub->pads);
  g_ptr_array_unref (hub->clients);
  mill_link_history_free (hub->history);
  g_mutex_clear (&hub->lock);
  g_cond_clear (&hub->changed);
  g_free (hub->location);
  g_free (hub);
}

gboolean
mill_link_hub_start (MillLinkHub *hub, const gchar *location, gboolean is_leaky,
    guint opening_ms, GError **error)
{
  g_free (hub->location);
  hub->location = g_strdup (location);
  g_mutex_lock (&hub->lock);
  hub->is_leaky = is_leaky;
  mill_link_history_open (hub->history, (gint64) opening_ms * 1000);
  hub->finishing = hub->drained_told = hub->woken = hub->is_served = FALSE;
  g_mutex_unlock (&hub->lock);
  return mill_link_server_open (hub, error);
}

/* The next start begins with the pads and nothing else. */
static void
reset_locked (MillLinkHub *hub)
{
  mill_link_history_clear (hub->history);
  for (guint i = 0; i < hub->pads->len; i++)
    clear_stickies (g_ptr_array_index (hub->pads, i), STICKY_STREAM_START);
  hub->has_latency = hub->latency_untold = FALSE;
}

void
mill_link_hub_stop (MillLinkHub *hub)
{
  g_mutex_lock (&hub->lock);
  if (!hub->running) {
    g_mutex_unlock (&hub->lock);
    return;
  }
  hub->stopping = TRUE;
  hub->woken = FALSE;
  mill_link_hub_wake_locked (hub);
  g_cond_broadcast (&hub->changed);
  while (hub->stopping)
    g_cond_wait (&hub->changed, &hub->lock);
  hub->running = FALSE;
  g_cond_broadcast (&hub->changed);
  reset_locked (hub);
  g_mutex_unlock (&hub->lock);
  mill_link_server_close (hub);
}

/* ---- streaming threads ---- */

/* 0 is no pad's, and the numbers begin anew after 65535. */
static guint16
get_free_id_locked (MillLinkHub *hub)
{
  do {
    hub->last_id++;
  } while (hub->last_id == 0 || find_pad_locked (hub, hub->last_id));
  return hub->last_id;
}

guint16
mill_link_hub_add_pad (MillLinkHub *hub, const gchar *name)
{
  HubPad *pad = g_new0 (HubPad, 1);

  g_mutex_lock (&hub->lock);
  guint16 id = pad->id = get_free_id_locked (hub);
  pad->stickies[STICKY_PAD] = mill_link_message_new_pad (pad->id, name);
  g_ptr_array_add (hub->pads, pad);
  publish_locked (hub, g_bytes_ref (pad->stickies[STICKY_PAD]), NULL, id);
  g_mutex_unlock (&hub->lock);
  return id;
}

void
mill_link_hub_remove_pad (MillLinkHub *hub, guint16 id)
{
  g_mutex_lock (&hub->lock);
  HubPad *pad = find_pad_locked (hub, id);
  if (pad) {
    publish_locked (hub,
        mill_link_message_new (MILL_LINK_PAD_GONE, id, NULL, 0), NULL, id);
    for (guint i = 0; i < hub->clients->len; i++) {
      MillLinkClient *client = g_ptr_array_index (hub->clients, i);
      mill_link_queue_remove_pad (client->queue, id);
    }
    mill_link_history_remove (hub->history, id);
    g_ptr_array_remove (hub->pads, pad);
    g_cond_broadcast (&hub->changed);
  }
  g_mutex_unlock (&hub->lock);
}

void
mill_link_hub_set_flushing (MillLinkHub *hub, guint16 id, gboolean flushing)
{
  g_mutex_lock (&hub->lock);
  HubPad *pad = find_pad_locked (hub, id);
  if (pad) {
    pad->flushing = flushing;
    mill_link_history_forget (hub->history, id);
  }
  g_cond_broadcast (&hub->changed);
  g_mutex_unlock (&hub->lock);
}

static Sticky
get_sticky (GstEvent *event)
{
  GstTagList *tags;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      return STICKY_STREAM_START;
    case GST_EVENT_CAPS:
      return STICKY_CAPS;
    case GST_EVENT_SEGMENT:
      return STICKY_SEGMENT;
    case GST_EVENT_TAG:
      gst_event_parse_tag (event, &tags);
      return gst_tag_list_get_scope (tags) == GST_TAG_SCOPE_GLOBAL
          ? STICKY_GLOBAL_TAGS
          : STICKY_TAGS;
    case GST_EVENT_EOS:
      return STICKY_EOS;
    default:
      return N_STICKIES;
  }
}

static void
stick_locked (MillLinkHub *hub, HubPad *pad, Sticky sticky, GBytes *bytes)
{
  GBytes *last = pad->stickies[sticky];

  /* What came before belongs to the other caps or times; who comes late would
   * get it under these. */
  if ((sticky == STICKY_CAPS || sticky == STICKY_SEGMENT) && last &&
      !g_bytes_equal (last, bytes))
    mill_link_history_forget (hub->history, pad->id);
  if (sticky == STICKY_STREAM_START) {
    g_clear_pointer (&pad->stickies[STICKY_EOS], g_bytes_unref);
    hub->finishing = FALSE;
  }
  g_clear_pointer (&pad->stickies[sticky], g_bytes_unref);
  pad->stickies[sticky] = g_bytes_ref (bytes);
}

/* What has not been sent is void too. */
static void
flush_locked (MillLinkHub *hub, HubPad *pad)
{
  g_clear_pointer (&pad->stickies[STICKY_SEGMENT], g_bytes_unref);
  g_clear_pointer (&pad->stickies[STICKY_EOS], g_bytes_unref);
  hub->finishing = FALSE;
  for (guint i = 0; i < hub->clients->len; i++) {
    MillLinkClient *client = g_ptr_array_index (hub->clients, i);
    mill_link_queue_flush (client->queue, pad->id);
  }
  g_cond_broadcast (&hub->changed);
}

/* Is there a consumer, and has each of them room? */
static gboolean
can_take_locked (MillLinkHub *hub)
{
  guint n_attached = 0;

  if (hub->is_leaky)
    return TRUE;
  for (guint i = 0; i < hub->clients->len; i++) {
    MillLinkClient *client = g_ptr_array_index (hub->clients, i);
    if (client->attached && !mill_link_queue_has_room (client->queue))
      return FALSE;
    n_attached += client->attached;
  }
  return n_attached > 0;
}

/* Returns: (nullable): NULL when there is nobody to take it any more */
static HubPad *
wait_for_room_locked (MillLinkHub *hub, guint16 id)
{
  HubPad *pad = find_pad_locked (hub, id);

  while (pad && !pad->flushing && hub->running && !hub->stopping &&
      !can_take_locked (hub)) {
    g_cond_wait (&hub->changed, &hub->lock);
    pad = find_pad_locked (hub, id);
  }
  return pad && !pad->flushing && hub->running && !hub->stopping ? pad : NULL;
}

static gboolean
has_ended_locked (MillLinkHub *hub)
{
  gboolean ended = hub->pads->len > 0;

  for (guint i = 0; i < hub->pads->len; i++) {
    HubPad *pad = g_ptr_array_index (hub->pads, i);
    ended &= pad->stickies[STICKY_EOS] != NULL;
  }
  return ended;
}

/* Not after the end: a consumer leaves with that, and what it has not taken by
 * then is missing, of which a producer that is not leaky waits for another. */
static void
tell_latency_locked (MillLinkHub *hub)
{
  if (!hub->latency_untold || has_ended_locked (hub))
    return;
  publish_locked (hub, mill_link_message_new_latency (&hub->latency), NULL, 0);
  hub->latency_untold = FALSE;
}

gboolean
mill_link_hub_push_event (MillLinkHub *hub, guint16 id, GstEvent *event,
    GError **error)
{
  Sticky sticky = get_sticky (event);
  g_autoptr (GBytes) bytes = mill_link_event_write (event, id, error);

  if (!bytes)
    return FALSE;
  g_mutex_lock (&hub->lock);
  /* A gap stands for media and waits as such. */
  HubPad *pad = GST_EVENT_TYPE (event) == GST_EVENT_GAP
      ? wait_for_room_locked (hub, id)
      : find_pad_locked (hub, id);
  if (pad && GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    flush_locked (hub, pad);
  if (pad && sticky < N_STICKIES)
    stick_locked (hub, pad, sticky, bytes);
  if (pad)
    publish_locked (hub, g_bytes_ref (bytes), NULL, id);
  tell_latency_locked (hub);
  g_mutex_unlock (&hub->lock);
  return TRUE;
}

GstFlowReturn
mill_link_hub_push_buffer (MillLinkHub *hub, guint16 id, GstBuffer *buffer,
    GError **error)
{
  g_autoptr (GBytes) head = mill_link_buffer_write_head (buffer, id, error);
  g_autoptr (GstBuffer) payload = buffer;
  GstFlowReturn flow = GST_FLOW_FLUSHING;

  if (!head)
    return GST_FLOW_ERROR;
  g_mutex_lock (&hub->lock);
  HubPad *pad = wait_for_room_locked (hub, id);
  if (pad && pad->stickies[STICKY_CAPS] && pad->stickies[STICKY_SEGMENT]) {
    publish_locked (hub, g_steal_pointer (&head), g_steal_pointer (&payload),
        id);
    flow = GST_FLOW_OK;
  } else if (pad) {
    flow = GST_FLOW_NOT_NEGOTIATED;
  }
  g_mutex_unlock (&hub->lock);
  return flow;
}

/* Looked at and done at once: another pad may begin meanwhile. */
void
mill_link_hub_finish_if_ended (MillLinkHub *hub)
{
  g_mutex_lock (&hub->lock);
  if (has_ended_locked (hub)) {
    hub->finishing = TRUE;
    hub->drained_told = FALSE;
    hub->finish_by_us = g_get_monotonic_time () + LEAKY_DRAIN_MS * 1000;
    mill_link_hub_wake_locked (hub);
  }
  g_mutex_unlock (&hub->lock);
}

gboolean
mill_link_hub_is_drained (MillLinkHub *hub)
{
  g_mutex_lock (&hub->lock);
  gboolean drained = hub->finishing && hub->drained_told;
  g_mutex_unlock (&hub->lock);
  return drained;
}

static gboolean
is_same_latency (const MillLinkLatency *a, const MillLinkLatency *b)
{
  return a->is_live == b->is_live && a->min_ns == b->min_ns &&
      a->max_ns == b->max_ns;
}

void
mill_link_hub_set_latency (MillLinkHub *hub, const MillLinkLatency *latency)
{
  g_mutex_lock (&hub->lock);
  hub->latency_untold |= !hub->has_latency ||
      !is_same_latency (latency, &hub->latency);
  hub->latency = *latency;
  hub->has_latency = TRUE;
  tell_latency_locked (hub);
  g_mutex_unlock (&hub->lock);
}

GstStructure *
mill_link_hub_get_stats (MillLinkHub *hub)
{
  guint n_attached = 0;
  guint64 queued = 0;

  g_mutex_lock (&hub->lock);
  guint64 n_dropped = hub->n_dropped;
  for (guint i = 0; i < hub->clients->len; i++) {
    MillLinkClient *client = g_ptr_array_index (hub->clients, i);
    n_attached += client->attached;
    n_dropped += mill_link_queue_get_dropped (client->queue);
    queued = MAX (queued, mill_link_queue_get_bytes (client->queue));
  }
  GstStructure *stats = gst_structure_new ("stats", "consumers", G_TYPE_UINT,
      n_attached, "attached", G_TYPE_UINT64, hub->n_attached, "buffers",
      G_TYPE_UINT64, hub->n_buffers, "dropped", G_TYPE_UINT64, n_dropped,
      "queued-bytes", G_TYPE_UINT64, queued, NULL);
  g_mutex_unlock (&hub->lock);
  return stats;
}
