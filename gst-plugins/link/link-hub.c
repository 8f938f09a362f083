/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "link-hub.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "link-consumer.h"
#include "link-io.h"
#include "link-socket.h"
#include "link/link-buffer.h"
#include "link/link-event.h"

/* Of a consumer's queue: some seconds of an ordinary live stream. */
#define QUEUE_BYTES (8 * 1024 * 1024)
#define QUEUE_FRAMES 1000
/* Of what is kept for those who come late; a longer GOP is not kept. */
#define HISTORY_BYTES (32 * 1024 * 1024)
#define HISTORY_FRAMES 4000
#define MAX_CONSUMERS 64
/* Until a socket that lacked descriptors is tried again. */
#define RETRY_MS 10
/* How long the end of a live graph waits for a consumer that does not read. */
#define LEAKY_DRAIN_MS 1000

typedef enum
{
  STICKY_PAD,
  STICKY_STREAM_START,
  STICKY_CAPS,
  STICKY_SEGMENT,
  STICKY_TAGS,
  STICKY_EOS,
  N_STICKIES
} Sticky;

typedef struct
{
  guint16 id;
  GBytes *stickies[N_STICKIES];
  gboolean flushing;
  gboolean has_deltas; /* a video: its history begins with a keyframe */
  gboolean kept; /* the history has it since its last keyframe */
  gboolean has_data;
} HubPad;

typedef struct
{
  MillLinkFrame *frame;
  gboolean is_discont;
} Entry;

typedef struct
{
  MillLinkHub *hub;
  gint fd;
  /* I/O thread */
  MillLinkWatch *watch;
  MillLinkReader *reader;
  MillLinkOutput output;
  guint32 watched;
  /* hub's lock */
  gboolean attached; /* has said hello */
  gboolean busy; /* output has a frame */
  GQueue queue; /* of Entry */
  gsize bytes;
  gsize max_bytes;
  guint max_frames;
  GHashTable *waiting; /* pads that go on at a keyframe, DISCONT */
  GHashTable *disconts; /* pads whose next frame follows a loss */
} Consumer;

struct _MillLinkHub
{
  const MillLinkHubEvents *events;
  gpointer user_data;

  /* set by start, before there is another thread */
  gboolean is_leaky;
  gchar *location;
  gint listener;
  gint wake_fd;
  gint timer_fd;
  ino_t inode;
  MillLinkWatch *watches[3]; /* listener, wake-up, timer: I/O thread */

  GMutex lock;
  GCond changed; /* room, a consumer, flushing, stopped */
  gboolean running;
  gboolean stopping;
  gboolean woken;
  gboolean finishing;
  gboolean drained_told;
  gint64 finish_by_us;
  GPtrArray *pads; /* of HubPad */
  guint16 last_id;
  GPtrArray *consumers; /* of Consumer; changed on the I/O thread only */
  GQueue history; /* of MillLinkFrame */
  gsize history_bytes;
  MillLinkLatency latency;
  gboolean has_latency;
  guint64 n_buffers;
  guint64 n_dropped;
  guint64 n_attached;
};

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

/* ---- history ---- */

static void
drop_history_link_locked (MillLinkHub *hub, GList *link)
{
  MillLinkFrame *frame = link->data;

  hub->history_bytes -= frame->size;
  mill_link_consumer_frame_unref (frame);
  g_queue_delete_link (&hub->history, link);
}

static void
forget_pad_locked (MillLinkHub *hub, guint16 id)
{
  for (GList *l = hub->history.head, *next; l; l = next) {
    next = l->next;
    if (((MillLinkFrame *) l->data)->pad == id)
      drop_history_link_locked (hub, l);
  }
}

/* Audio before the first picture that is kept is of no use. */
static void
trim_history_locked (MillLinkHub *hub)
{
  gboolean has_video = FALSE;

  for (guint i = 0; i < hub->pads->len; i++) {
    HubPad *pad = g_ptr_array_index (hub->pads, i);
    has_video |= pad->has_deltas && pad->kept;
  }
  while (has_video && hub->history.head) {
    MillLinkFrame *first = hub->history.head->data;
    HubPad *pad = find_pad_locked (hub, first->pad);
    if (pad && pad->has_deltas)
      return;
    drop_history_link_locked (hub, hub->history.head);
  }
}

static gboolean
has_deltas_locked (MillLinkHub *hub)
{
  gboolean has_deltas = FALSE;

  for (guint i = 0; i < hub->pads->len; i++)
    has_deltas |= ((HubPad *) g_ptr_array_index (hub->pads, i))->has_deltas;
  return has_deltas;
}

static void
keep_locked (MillLinkHub *hub, HubPad *pad, MillLinkFrame *frame)
{
  pad->has_deltas |= !frame->is_key;
  if (frame->is_key && (pad->has_deltas || !has_deltas_locked (hub))) {
    forget_pad_locked (hub, pad->id);
    pad->kept = TRUE;
  } else if (frame->is_key) {
    pad->kept = TRUE;
  }
  if (!pad->kept)
    return;
  g_queue_push_tail (&hub->history, mill_link_consumer_frame_ref (frame));
  hub->history_bytes += frame->size;
  if (frame->is_key && pad->has_deltas)
    trim_history_locked (hub);
  if (hub->history_bytes <= HISTORY_BYTES &&
      hub->history.length <= HISTORY_FRAMES)
    return;
  while (hub->history.head)
    drop_history_link_locked (hub, hub->history.head);
  for (guint i = 0; i < hub->pads->len; i++)
    ((HubPad *) g_ptr_array_index (hub->pads, i))->kept = FALSE;
}

/* ---- a consumer's queue ---- */

static void
free_entry (gpointer data)
{
  Entry *entry = data;

  mill_link_consumer_frame_unref (entry->frame);
  g_free (entry);
}

static void
enqueue_locked (Consumer *consumer, MillLinkFrame *frame)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->frame = mill_link_consumer_frame_ref (frame);
  if (frame->payload)
    entry->is_discont =
        g_hash_table_remove (consumer->disconts, GUINT_TO_POINTER (frame->pad));
  g_queue_push_tail (&consumer->queue, entry);
  consumer->bytes += frame->size;
}

static gboolean
has_room_locked (const Consumer *consumer)
{
  return consumer->bytes < consumer->max_bytes &&
      consumer->queue.length < consumer->max_frames;
}

/* Drops all media, and lets each pad begin anew at a keyframe. */
static void
empty_queue_locked (Consumer *consumer)
{
  MillLinkHub *hub = consumer->hub;

  for (GList *l = consumer->queue.head, *next; l; l = next) {
    Entry *entry = l->data;
    next = l->next;
    if (!entry->frame->payload)
      continue;
    consumer->bytes -= entry->frame->size;
    free_entry (entry);
    g_queue_delete_link (&consumer->queue, l);
    hub->n_dropped++;
  }
  for (guint i = 0; i < hub->pads->len; i++) {
    HubPad *pad = g_ptr_array_index (hub->pads, i);
    g_hash_table_add (consumer->waiting, GUINT_TO_POINTER (pad->id));
    g_hash_table_add (consumer->disconts, GUINT_TO_POINTER (pad->id));
  }
}

static void
offer_locked (Consumer *consumer, MillLinkFrame *frame)
{
  gpointer key = GUINT_TO_POINTER (frame->pad);

  if (frame->payload && consumer->hub->is_leaky && !has_room_locked (consumer))
    empty_queue_locked (consumer);
  if (frame->payload && g_hash_table_contains (consumer->waiting, key)) {
    if (!frame->is_key) {
      consumer->hub->n_dropped++;
      return;
    }
    g_hash_table_remove (consumer->waiting, key);
  }
  enqueue_locked (consumer, frame);
}

static void
wake_locked (MillLinkHub *hub)
{
  guint64 one = 1;

  /* Cannot wait: an eventfd refuses only when its counter is full. */
  if (hub->running && !hub->woken && write (hub->wake_fd, &one, 8) == 8)
    hub->woken = TRUE;
}

/* @head: (transfer full) @payload: (transfer full) (nullable) */
static void
publish_locked (MillLinkHub *hub, GBytes *head, GstBuffer *payload, HubPad *pad)
{
  MillLinkFrame *frame =
      mill_link_consumer_frame_new (head, payload, pad ? pad->id : 0);

  if (payload) {
    keep_locked (hub, pad, frame);
    pad->has_data = TRUE;
    hub->n_buffers++;
  }
  for (guint i = 0; i < hub->consumers->len; i++) {
    Consumer *consumer = g_ptr_array_index (hub->consumers, i);
    if (consumer->attached)
      offer_locked (consumer, frame);
  }
  mill_link_consumer_frame_unref (frame);
  wake_locked (hub);
}

static void
enqueue_bytes_locked (Consumer *consumer, GBytes *bytes)
{
  MillLinkFrame *frame =
      mill_link_consumer_frame_new (g_bytes_ref (bytes), NULL, 0);

  enqueue_locked (consumer, frame);
  mill_link_consumer_frame_unref (frame);
}

/* All that a consumer needs that comes late. */
static void
attach_locked (Consumer *consumer)
{
  MillLinkHub *hub = consumer->hub;
  g_autoptr (GBytes) hello = mill_link_message_new_hello (hub->is_leaky);
  g_autoptr (GBytes) ready =
      mill_link_message_new (MILL_LINK_READY, 0, NULL, 0);

  consumer->attached = TRUE;
  hub->n_attached++;
  enqueue_bytes_locked (consumer, hello);
  if (hub->has_latency) {
    g_autoptr (GBytes) latency = mill_link_message_new_latency (&hub->latency);
    enqueue_bytes_locked (consumer, latency);
  }
  for (guint i = 0; i < hub->pads->len; i++) {
    HubPad *pad = g_ptr_array_index (hub->pads, i);
    for (Sticky s = STICKY_PAD; s < STICKY_EOS; s++)
      if (pad->stickies[s])
        enqueue_bytes_locked (consumer, pad->stickies[s]);
    if (pad->has_data && !pad->kept)
      g_hash_table_add (consumer->waiting, GUINT_TO_POINTER (pad->id));
    g_hash_table_add (consumer->disconts, GUINT_TO_POINTER (pad->id));
  }
  enqueue_bytes_locked (consumer, ready);
  for (GList *l = hub->history.head; l; l = l->next)
    enqueue_locked (consumer, l->data);
  for (guint i = 0; i < hub->pads->len; i++) {
    HubPad *pad = g_ptr_array_index (hub->pads, i);
    if (pad->stickies[STICKY_EOS])
      enqueue_bytes_locked (consumer, pad->stickies[STICKY_EOS]);
  }
  consumer->max_bytes = QUEUE_BYTES + consumer->bytes;
  consumer->max_frames = QUEUE_FRAMES + consumer->queue.length;
  g_cond_broadcast (&hub->changed);
}

/* ---- the I/O thread ---- */

static void
free_consumer (gpointer data)
{
  Consumer *consumer = data;

  mill_link_consumer_clear (&consumer->output);
  g_queue_clear_full (&consumer->queue, free_entry);
  mill_link_message_reader_free (consumer->reader);
  g_hash_table_unref (consumer->waiting);
  g_hash_table_unref (consumer->disconts);
  close (consumer->fd);
  g_free (consumer);
}

static void
close_consumer (Consumer *consumer, const GError *error)
{
  MillLinkHub *hub = consumer->hub;

  mill_link_io_remove (consumer->watch);
  g_mutex_lock (&hub->lock);
  g_ptr_array_remove (hub->consumers, consumer);
  g_cond_broadcast (&hub->changed);
  g_mutex_unlock (&hub->lock);
  if (error)
    hub->events->refused (error->message, hub->user_data);
}

static void
set_timer (MillLinkHub *hub, guint ms)
{
  struct itimerspec spec = { .it_value = { ms / 1000, ms % 1000 * 1000000 } };

  timerfd_settime (hub->timer_fd, 0, &spec, NULL);
}

static void
watch_output (Consumer *consumer, gboolean is_full)
{
  guint32 wanted = EPOLLIN | (is_full ? EPOLLOUT : 0);

  if (wanted != consumer->watched)
    mill_link_io_modify (consumer->watch, wanted);
  consumer->watched = wanted;
}

/* Takes the next frame to send. Returns: FALSE when there is none */
static gboolean
take_next (Consumer *consumer)
{
  MillLinkHub *hub = consumer->hub;

  if (consumer->output.frame)
    return TRUE;
  g_mutex_lock (&hub->lock);
  Entry *entry = g_queue_pop_head (&consumer->queue);
  consumer->busy = entry != NULL;
  if (entry) {
    consumer->bytes -= entry->frame->size;
    consumer->output.frame = mill_link_consumer_frame_ref (entry->frame);
    consumer->output.is_discont = entry->is_discont;
    if (!hub->is_leaky)
      g_cond_broadcast (&hub->changed);
  }
  g_mutex_unlock (&hub->lock);
  if (entry)
    free_entry (entry);
  return entry != NULL;
}

/* Returns: FALSE when the consumer is gone */
static gboolean
send_queue (Consumer *consumer)
{
  MillLinkSendResult result = MILL_LINK_SENT;

  while (result == MILL_LINK_SENT && take_next (consumer))
    result = mill_link_consumer_send (&consumer->output, consumer->fd);
  if (result == MILL_LINK_BROKEN) {
    close_consumer (consumer, NULL);
    return FALSE;
  }
  if (result == MILL_LINK_EXHAUSTED)
    set_timer (consumer->hub, RETRY_MS);
  watch_output (consumer, result == MILL_LINK_FULL);
  return TRUE;
}

static void
check_drained (MillLinkHub *hub)
{
  g_mutex_lock (&hub->lock);
  gboolean is_drained = hub->finishing && !hub->drained_told;
  gboolean is_late = hub->is_leaky &&
      g_get_monotonic_time () >= hub->finish_by_us;
  for (guint i = 0; i < hub->consumers->len && !is_late; i++) {
    Consumer *consumer = g_ptr_array_index (hub->consumers, i);
    is_drained &= !consumer->busy && consumer->queue.length == 0;
  }
  hub->drained_told |= is_drained;
  g_mutex_unlock (&hub->lock);
  if (is_drained)
    hub->events->drained (hub->user_data);
}

static gboolean
take_message (Consumer *consumer, const MillLinkMessage *message,
    GError **error)
{
  MillLinkHub *hub = consumer->hub;
  gboolean is_leaky;

  if (!consumer->attached) {
    if (!mill_link_message_parse_hello (message, &is_leaky, error))
      return FALSE;
    g_mutex_lock (&hub->lock);
    attach_locked (consumer);
    wake_locked (hub);
    g_mutex_unlock (&hub->lock);
    return TRUE;
  }
  if (message->type == MILL_LINK_QUERY_LATENCY) {
    hub->events->latency_wanted (hub->user_data);
    return TRUE;
  }
  if (message->type == MILL_LINK_FORCE_KEY_UNIT) {
    GstEvent *event = mill_link_event_read (message, error);
    if (event)
      hub->events->upstream (message->pad, event, hub->user_data);
    return event != NULL;
  }
  g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
      "link message of a consumer: got type %u, expected %u or %u",
      message->type, MILL_LINK_QUERY_LATENCY, MILL_LINK_FORCE_KEY_UNIT);
  return FALSE;
}

/* Returns: FALSE when the consumer is gone */
static gboolean
read_messages (Consumer *consumer)
{
  g_autoptr (GError) error = NULL;
  MillLinkMessage message;
  gboolean again;
  gboolean has;

  gboolean ok = mill_link_message_reader_receive (consumer->reader,
      consumer->fd, &again, &error);
  do {
    has = FALSE;
    ok = ok &&
        mill_link_message_reader_next (consumer->reader, &message, &has,
            &error) &&
        (!has || take_message (consumer, &message, &error));
  } while (ok && has);
  if (!ok)
    close_consumer (consumer, error);
  return ok;
}

static void
on_consumer (guint32 events, gpointer user_data)
{
  Consumer *consumer = user_data;
  MillLinkHub *hub = consumer->hub;

  if (((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 ||
          read_messages (consumer)) &&
      (events & EPOLLOUT))
    send_queue (consumer);
  check_drained (hub);
}

static void
on_connection (guint32 events, gpointer user_data)
{
  MillLinkHub *hub = user_data;
  g_autoptr (GError) error = NULL;
  gint fd = mill_link_socket_accept (hub->listener, &error);

  if (error)
    hub->events->refused (error->message, hub->user_data);
  if (fd < 0)
    return;
  if (hub->consumers->len >= MAX_CONSUMERS) {
    close (fd);
    hub->events->refused ("too many consumers, expected at most 64",
        hub->user_data);
    return;
  }
  Consumer *consumer = g_new0 (Consumer, 1);
  consumer->hub = hub;
  consumer->fd = fd;
  consumer->reader = mill_link_message_reader_new ();
  consumer->waiting = g_hash_table_new (NULL, NULL);
  consumer->disconts = g_hash_table_new (NULL, NULL);
  g_queue_init (&consumer->queue);
  g_mutex_lock (&hub->lock);
  g_ptr_array_add (hub->consumers, consumer);
  g_mutex_unlock (&hub->lock);
  consumer->watched = EPOLLIN;
  consumer->watch = mill_link_io_add (fd, EPOLLIN, on_consumer, consumer);
}

static void
tear_down (MillLinkHub *hub)
{
  for (guint i = 0; i < G_N_ELEMENTS (hub->watches); i++)
    mill_link_io_remove (hub->watches[i]);
  while (hub->consumers->len > 0)
    close_consumer (g_ptr_array_index (hub->consumers, 0), NULL);
  g_mutex_lock (&hub->lock);
  hub->stopping = FALSE;
  g_cond_broadcast (&hub->changed);
  g_mutex_unlock (&hub->lock);
}

/* Something was queued, the timer is over, or the hub stops. */
static void
on_wake (guint32 events, gpointer user_data)
{
  MillLinkHub *hub = user_data;
  guint64 count;

  /* Nothing to read in one of the two is no error. */
  if (read (hub->wake_fd, &count, sizeof count) < 0 &&
      read (hub->timer_fd, &count, sizeof count) < 0 && errno != EAGAIN)
    return;
  g_mutex_lock (&hub->lock);
  hub->woken = FALSE;
  gboolean stopping = hub->stopping;
  g_mutex_unlock (&hub->lock);
  if (stopping) {
    tear_down (hub);
    return;
  }
  for (guint i = hub->consumers->len; i > 0; i--) {
    Consumer *consumer = g_ptr_array_index (hub->consumers, i - 1);
    if (!(consumer->watched & EPOLLOUT))
      send_queue (consumer);
  }
  g_mutex_lock (&hub->lock);
  gboolean must_wait = hub->finishing && !hub->drained_told && hub->is_leaky;
  g_mutex_unlock (&hub->lock);
  if (must_wait)
    set_timer (hub, RETRY_MS);
  check_drained (hub);
}

static void
on_timer (guint32 events, gpointer user_data)
{
  MillLinkHub *hub = user_data;
  guint64 count;

  if (read (hub->timer_fd, &count, sizeof count) == sizeof count)
    on_wake (events, hub);
}

/* ---- life ---- */

MillLinkHub *
mill_link_hub_new (const MillLinkHubEvents *events, gpointer user_data)
{
  MillLinkHub *hub = g_new0 (MillLinkHub, 1);

  hub->events = events;
  hub->user_data = user_data;
  hub->pads = g_ptr_array_new_with_free_func (free_pad);
  hub->consumers = g_ptr_array_new_with_free_func (free_consumer);
  g_queue_init (&hub->history);
  g_mutex_init (&hub->lock);
  g_cond_init (&hub->changed);
  return hub;
}

void
mill_link_hub_free (MillLinkHub *hub)
{
  g_assert (!hub->running);
  g_ptr_array_unref (hub->pads);
  g_ptr_array_unref (hub->consumers);
  g_mutex_clear (&hub->lock);
  g_cond_clear (&hub->changed);
  g_free (hub->location);
  g_free (hub);
}

gboolean
mill_link_hub_start (MillLinkHub *hub, const gchar *location, gboolean is_leaky,
    GError **error)
{
  struct stat info = { 0 };

  hub->listener = mill_link_socket_listen (location, error);
  if (hub->listener < 0)
    return FALSE;
  lstat (location, &info);
  hub->inode = info.st_ino;
  g_free (hub->location);
  hub->location = g_strdup (location);
  hub->is_leaky = is_leaky;
  hub->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  hub->timer_fd = timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  hub->finishing = hub->drained_told = hub->woken = FALSE;
  hub->running = TRUE;
  mill_link_io_acquire ();
  g_mutex_lock (&hub->lock);
  hub->watches[1] = mill_link_io_add (hub->wake_fd, EPOLLIN, on_wake, hub);
  hub->watches[2] = mill_link_io_add (hub->timer_fd, EPOLLIN, on_timer, hub);
  hub->watches[0] =
      mill_link_io_add (hub->listener, EPOLLIN, on_connection, hub);
  g_mutex_unlock (&hub->lock);
  return TRUE;
}

/* The next start begins with the pads and nothing else. */
static void
reset_locked (MillLinkHub *hub)
{
  while (hub->history.head)
    drop_history_link_locked (hub, hub->history.head);
  for (guint i = 0; i < hub->pads->len; i++) {
    HubPad *pad = g_ptr_array_index (hub->pads, i);
    clear_stickies (pad, STICKY_STREAM_START);
    pad->has_data = pad->kept = pad->has_deltas = FALSE;
  }
  hub->has_latency = FALSE;
}

void
mill_link_hub_stop (MillLinkHub *hub)
{
  struct stat info;

  g_mutex_lock (&hub->lock);
  if (!hub->running) {
    g_mutex_unlock (&hub->lock);
    return;
  }
  hub->stopping = TRUE;
  hub->woken = FALSE;
  wake_locked (hub);
  g_cond_broadcast (&hub->changed);
  while (hub->stopping)
    g_cond_wait (&hub->changed, &hub->lock);
  hub->running = FALSE;
  reset_locked (hub);
  g_mutex_unlock (&hub->lock);
  mill_link_io_release ();
  close (hub->wake_fd);
  close (hub->timer_fd);
  close (hub->listener);
  /* Not the socket of somebody who has taken the name since. */
  if (lstat (hub->location, &info) == 0 && info.st_ino == hub->inode)
    unlink (hub->location);
}

/* ---- streaming threads ---- */

guint16
mill_link_hub_add_pad (MillLinkHub *hub, const gchar *name)
{
  HubPad *pad = g_new0 (HubPad, 1);

  g_mutex_lock (&hub->lock);
  pad->id = ++hub->last_id;
  pad->stickies[STICKY_PAD] = mill_link_message_new_pad (pad->id, name);
  g_ptr_array_add (hub->pads, pad);
  publish_locked (hub, g_bytes_ref (pad->stickies[STICKY_PAD]), NULL, pad);
  guint16 id = pad->id;
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
        mill_link_message_new (MILL_LINK_PAD_GONE, id, NULL, 0), NULL, pad);
    forget_pad_locked (hub, id);
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
    pad->kept = FALSE;
    forget_pad_locked (hub, id);
  }
  g_cond_broadcast (&hub->changed);
  g_mutex_unlock (&hub->lock);
}

static Sticky
get_sticky (GstEvent *event)
{
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      return STICKY_STREAM_START;
    case GST_EVENT_CAPS:
      return STICKY_CAPS;
    case GST_EVENT_SEGMENT:
      return STICKY_SEGMENT;
    case GST_EVENT_TAG:
      return STICKY_TAGS;
    case GST_EVENT_EOS:
      return STICKY_EOS;
    default:
      return N_STICKIES;
  }
}

gboolean
mill_link_hub_push_event (MillLinkHub *hub, guint16 id, GstEvent *event,
    GError **error)
{
  Sticky sticky = get_sticky (event);
  GBytes *bytes = mill_link_event_write (event, id, error);

  if (!bytes)
    return FALSE;
  g_mutex_lock (&hub->lock);
  HubPad *pad = find_pad_locked (hub, id);
  if (pad) {
    if (sticky == STICKY_STREAM_START)
      g_clear_pointer (&pad->stickies[STICKY_EOS], g_bytes_unref);
    if (sticky == STICKY_CAPS) {
      /* what came before belongs to other caps */
      forget_pad_locked (hub, id);
      pad->kept = FALSE;
    }
    if (sticky < N_STICKIES) {
      g_clear_pointer (&pad->stickies[sticky], g_bytes_unref);
      pad->stickies[sticky] = g_bytes_ref (bytes);
    }
    publish_locked (hub, g_bytes_ref (bytes), NULL, pad);
  }
  g_mutex_unlock (&hub->lock);
  g_bytes_unref (bytes);
  return TRUE;
}

/* Is there a consumer, and has each of them room? */
static gboolean
can_take_locked (MillLinkHub *hub)
{
  guint n_attached = 0;

  if (hub->is_leaky)
    return TRUE;
  for (guint i = 0; i < hub->consumers->len; i++) {
    Consumer *consumer = g_ptr_array_index (hub->consumers, i);
    if (consumer->attached && !has_room_locked (consumer))
      return FALSE;
    n_attached += consumer->attached;
  }
  return n_attached > 0;
}

GstFlowReturn
mill_link_hub_push_buffer (MillLinkHub *hub, guint16 id, GstBuffer *buffer,
    GError **error)
{
  GBytes *head = mill_link_buffer_write_head (buffer, id, error);
  GstFlowReturn flow = GST_FLOW_FLUSHING;

  if (!head) {
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }
  g_mutex_lock (&hub->lock);
  HubPad *pad = find_pad_locked (hub, id);
  while (pad && !pad->flushing && hub->running && !hub->stopping &&
      !can_take_locked (hub)) {
    g_cond_wait (&hub->changed, &hub->lock);
    pad = find_pad_locked (hub, id);
  }
  if (pad && !pad->flushing && hub->running && !hub->stopping) {
    publish_locked (hub, g_steal_pointer (&head), g_steal_pointer (&buffer),
        pad);
    flow = GST_FLOW_OK;
  }
  g_mutex_unlock (&hub->lock);
  g_clear_pointer (&head, g_bytes_unref);
  gst_clear_buffer (&buffer);
  return flow;
}

gboolean
mill_link_hub_has_ended (MillLinkHub *hub)
{
  g_mutex_lock (&hub->lock);
  gboolean ended = hub->pads->len > 0;
  for (guint i = 0; i < hub->pads->len; i++) {
    HubPad *pad = g_ptr_array_index (hub->pads, i);
    ended &= pad->stickies[STICKY_EOS] != NULL;
  }
  g_mutex_unlock (&hub->lock);
  return ended;
}

void
mill_link_hub_finish (MillLinkHub *hub)
{
  g_mutex_lock (&hub->lock);
  hub->finishing = TRUE;
  hub->drained_told = FALSE;
  hub->finish_by_us = g_get_monotonic_time () + LEAKY_DRAIN_MS * 1000;
  wake_locked (hub);
  g_mutex_unlock (&hub->lock);
}

void
mill_link_hub_set_latency (MillLinkHub *hub, const MillLinkLatency *latency)
{
  g_mutex_lock (&hub->lock);
  hub->latency = *latency;
  hub->has_latency = TRUE;
  publish_locked (hub, mill_link_message_new_latency (latency), NULL, NULL);
  g_mutex_unlock (&hub->lock);
}

GstStructure *
mill_link_hub_get_stats (MillLinkHub *hub)
{
  guint n_attached = 0;
  guint64 queued = 0;

  g_mutex_lock (&hub->lock);
  for (guint i = 0; i < hub->consumers->len; i++) {
    Consumer *consumer = g_ptr_array_index (hub->consumers, i);
    n_attached += consumer->attached;
    queued = MAX (queued, consumer->bytes);
  }
  GstStructure *stats = gst_structure_new ("stats", "consumers", G_TYPE_UINT,
      n_attached, "attached", G_TYPE_UINT64, hub->n_attached, "buffers",
      G_TYPE_UINT64, hub->n_buffers, "dropped", G_TYPE_UINT64, hub->n_dropped,
      "queued-bytes", G_TYPE_UINT64, queued, NULL);
  g_mutex_unlock (&hub->lock);
  return stats;
}
