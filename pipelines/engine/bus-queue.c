/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "bus-queue.h"

/** What the sync handlers of all buses share; they may outlive the queue by
 * the message that is being posted. */
typedef struct
{
  gatomicrefcount ref_count;
  GMutex lock;
  GQueue items; /* lock: (element-type Item) */
  GSource *source; /* woken from any thread */
} Inbox;

typedef struct
{
  GstBus *bus; /* held, so that its address names it until it is read */
  GstMessage *message;
} Item;

typedef struct
{
  MillBusQueueFunc func;
  gpointer user_data;
} Route;

struct _MillBusQueue
{
  Inbox *inbox;
  GHashTable *routes; /* GstBus -> Route */
};

typedef struct
{
  GSource base;
  MillBusQueue *queue;
} QueueSource;

static void
item_free (Item *item)
{
  gst_object_unref (item->bus);
  gst_message_unref (item->message);
  g_free (item);
}

static void
inbox_unref (Inbox *inbox)
{
  if (!g_atomic_ref_count_dec (&inbox->ref_count))
    return;
  g_queue_clear_full (&inbox->items, (GDestroyNotify) item_free);
  g_source_unref (inbox->source);
  g_mutex_clear (&inbox->lock);
  g_free (inbox);
}

static gboolean
is_wanted (GstMessage *message)
{
  const GstMessageType wanted = GST_MESSAGE_ERROR | GST_MESSAGE_WARNING |
      GST_MESSAGE_INFO | GST_MESSAGE_EOS | GST_MESSAGE_LATENCY |
      GST_MESSAGE_ELEMENT | GST_MESSAGE_APPLICATION;

  /* Of the changes of state, most of all messages, only the pipeline's own. */
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_STATE_CHANGED)
    return GST_IS_PIPELINE (GST_MESSAGE_SRC (message));
  return (GST_MESSAGE_TYPE (message) & wanted) != 0;
}

/* On the thread that posts, which may be a pool thread: no more than a push. */
static GstBusSyncReply
on_sync_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  Inbox *inbox = user_data;
  Item *item;

  if (!is_wanted (message)) {
    gst_message_unref (message);
    return GST_BUS_DROP;
  }
  item = g_new0 (Item, 1);
  item->bus = gst_object_ref (bus);
  item->message = message;
  g_mutex_lock (&inbox->lock);
  g_queue_push_tail (&inbox->items, item);
  g_mutex_unlock (&inbox->lock);
  g_source_set_ready_time (inbox->source, 0);
  return GST_BUS_DROP;
}

static void
deliver (MillBusQueue *queue, Item *item)
{
  const Route *route = g_hash_table_lookup (queue->routes, item->bus);

  if (route)
    route->func (item->message, route->user_data);
  item_free (item);
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  MillBusQueue *queue = ((QueueSource *) source)->queue;
  Inbox *inbox = queue->inbox;
  guint n_items;

  g_source_set_ready_time (source, -1);
  g_mutex_lock (&inbox->lock);
  n_items = g_queue_get_length (&inbox->items);
  g_mutex_unlock (&inbox->lock);
  /* What arrives meanwhile wakes the source again, so that a flood leaves
   * turns to others. A callback may flush: look each time. */
  for (guint i = 0; i < n_items; i++) {
    Item *item;

    g_mutex_lock (&inbox->lock);
    item = g_queue_pop_head (&inbox->items);
    g_mutex_unlock (&inbox->lock);
    if (!item)
      break;
    deliver (queue, item);
  }
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .dispatch = dispatch };

MillBusQueue *
mill_bus_queue_new (GMainContext *context)
{
  MillBusQueue *queue = g_new0 (MillBusQueue, 1);
  Inbox *inbox = g_new0 (Inbox, 1);

  g_atomic_ref_count_init (&inbox->ref_count);
  g_mutex_init (&inbox->lock);
  g_queue_init (&inbox->items);
  inbox->source = g_source_new (&source_funcs, sizeof (QueueSource));
  ((QueueSource *) inbox->source)->queue = queue;
  g_source_set_static_name (inbox->source, "millrace bus queue");
  g_source_attach (inbox->source, context);
  queue->inbox = inbox;
  queue->routes = g_hash_table_new_full (NULL, NULL, gst_object_unref, g_free);
  return queue;
}

void
mill_bus_queue_free (MillBusQueue *queue)
{
  GHashTableIter iter;
  gpointer bus;

  g_hash_table_iter_init (&iter, queue->routes);
  while (g_hash_table_iter_next (&iter, &bus, NULL))
    gst_bus_set_sync_handler (bus, NULL, NULL, NULL);
  g_source_destroy (queue->inbox->source);
  g_hash_table_unref (queue->routes);
  inbox_unref (queue->inbox);
  g_free (queue);
}

void
mill_bus_queue_add (MillBusQueue *queue, GstBus *bus, MillBusQueueFunc func,
    gpointer user_data)
{
  Route *route = g_new0 (Route, 1);

  route->func = func;
  route->user_data = user_data;
  g_hash_table_insert (queue->routes, gst_object_ref (bus), route);
  g_atomic_ref_count_inc (&queue->inbox->ref_count);
  gst_bus_set_sync_handler (bus, on_sync_message, queue->inbox,
      (GDestroyNotify) inbox_unref);
}

/* Returns: (transfer full) (element-type Item): what is queued of @bus, taken
 * out. */
static GPtrArray *
take_items (MillBusQueue *queue, GstBus *bus)
{
  Inbox *inbox = queue->inbox;
  GPtrArray *taken = g_ptr_array_new ();

  g_mutex_lock (&inbox->lock);
  for (GList *l = inbox->items.head; l;) {
    GList *next = l->next;

    if (((Item *) l->data)->bus == bus) {
      g_ptr_array_add (taken, l->data);
      g_queue_delete_link (&inbox->items, l);
    }
    l = next;
  }
  g_mutex_unlock (&inbox->lock);
  return taken;
}

void
mill_bus_queue_remove (MillBusQueue *queue, GstBus *bus)
{
  g_autoptr (GPtrArray) items = NULL;

  gst_bus_set_sync_handler (bus, NULL, NULL, NULL);
  items = take_items (queue, bus);
  g_ptr_array_set_free_func (items, (GDestroyNotify) item_free);
  g_hash_table_remove (queue->routes, bus);
}

void
mill_bus_queue_flush (MillBusQueue *queue, GstBus *bus)
{
  g_autoptr (GPtrArray) items = take_items (queue, bus);

  for (guint i = 0; i < items->len; i++)
    deliver (queue, g_ptr_array_index (items, i));
}
