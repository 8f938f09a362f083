/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "link/link-message.h"

G_BEGIN_DECLS

/*
 * The producer's end of a link: pads, what is kept of them for whoever comes
 * late, and a queue per consumer. A consumer that attaches gets of each pad
 * stream-start, caps, segment, tags and what came since the last keyframe.
 *
 * Leaky: push never waits; the queue of a consumer that is too slow is emptied
 * and begins anew at the next keyframe. Not leaky: push waits until there is a
 * consumer and the slowest has room.
 *
 * Threads: push from streaming threads, start and stop from one thread; events
 * come on the I/O thread (link-io.h), whose handlers may not wait. The lock is
 * never held over I/O or a call out.
 */
typedef struct _MillLinkHub MillLinkHub;

typedef struct
{
  /* All consumers, not leaky: at least one, have got all there was when
   * finish() was called. */
  void (*drained) (gpointer user_data);
  /* @event: (transfer full): force-key-unit for @pad */
  void (*upstream) (guint16 pad, GstEvent *event, gpointer user_data);
  void (*latency_wanted) (gpointer user_data);
  /* A consumer was closed because of what it sent. */
  void (*refused) (const gchar *why, gpointer user_data);
} MillLinkHubEvents;

/* @events: must outlive the hub */
MillLinkHub *mill_link_hub_new (const MillLinkHubEvents *events,
    gpointer user_data);
void mill_link_hub_free (MillLinkHub *hub);

/* Errors: G_IO_ERROR */
gboolean mill_link_hub_start (MillLinkHub *hub, const gchar *location,
    gboolean is_leaky, guint opening_ms, GError **error);
/* Closes all connections and forgets all but the pads; no event comes after. */
void mill_link_hub_stop (MillLinkHub *hub);

/* Returns: the pad's number on the link */
guint16 mill_link_hub_add_pad (MillLinkHub *hub, const gchar *name);
void mill_link_hub_remove_pad (MillLinkHub *hub, guint16 pad);

/* While set, push on this pad returns FLUSHING and does not wait. */
void mill_link_hub_set_flushing (MillLinkHub *hub, guint16 pad,
    gboolean flushing);

/* FLUSH_STOP voids what consumers have not got yet; FLUSH_START does not cross.
 * Errors: of mill_link_event_write() */
gboolean mill_link_hub_push_event (MillLinkHub *hub, guint16 pad,
    GstEvent *event, GError **error);
/* @buffer: (transfer full)
 * Returns: OK, FLUSHING, NOT_NEGOTIATED before caps and segment, or ERROR with
 *   @error of mill_link_buffer_write_head() */
GstFlowReturn mill_link_hub_push_buffer (MillLinkHub *hub, guint16 pad,
    GstBuffer *buffer, GError **error);
/* Asks for `drained` if all pads, at least one, have had EOS. */
void mill_link_hub_finish_if_ended (MillLinkHub *hub);
/* Whether that was told, and nothing has begun since. */
gboolean mill_link_hub_is_drained (MillLinkHub *hub);

/* Consumers are told what is new to them. */
void mill_link_hub_set_latency (MillLinkHub *hub,
    const MillLinkLatency *latency);
/* Returns: (transfer full): structure "stats" */
GstStructure *mill_link_hub_get_stats (MillLinkHub *hub);

G_END_DECLS
