/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/** One queue for the bus messages of every graph of a process, read by one
 * source on one main context: a bus watch per graph costs a poll descriptor
 * and a wake-up each. */
typedef struct _MillBusQueue MillBusQueue;

typedef void (*MillBusQueueFunc) (GstMessage *message, gpointer user_data);

/* @context: (nullable): where messages are handled; NULL is the default. */
MillBusQueue *mill_bus_queue_new (GMainContext *context);
void mill_bus_queue_free (MillBusQueue *queue);

/* Routes the messages of @bus to @func (errors, warnings, infos, EOS, latency,
 * element and application messages; nobody reads the others) on the queue's context, until
 * mill_bus_queue_remove(); none arrives after that call returned. Both from
 * the context's thread. */
void mill_bus_queue_add (MillBusQueue *queue, GstBus *bus,
    MillBusQueueFunc func, gpointer user_data);
void mill_bus_queue_remove (MillBusQueue *queue, GstBus *bus);

/* Delivers at once what is queued of @bus: why a state change failed. */
void mill_bus_queue_flush (MillBusQueue *queue, GstBus *bus);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillBusQueue, mill_bus_queue_free)

G_END_DECLS
