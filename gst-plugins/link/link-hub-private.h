/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <sys/types.h>

#include "link-consumer.h"
#include "link-history.h"
#include "link-hub.h"
#include "link-io.h"
#include "link-queue.h"

G_BEGIN_DECLS

/* The two halves of a hub, link-hub.c (streaming threads) and link-server.c
 * (I/O thread), and what they share under its lock. */

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
  gboolean doomed; /* to be sent away */
  MillLinkQueue *queue;
} MillLinkClient;

struct _MillLinkHub
{
  const MillLinkHubEvents *events;
  gpointer user_data;

  /* set by start, before there is another thread */
  gchar *location;
  gint listener;
  gint wake_fd;
  gint timer_fd;
  dev_t device;
  ino_t inode;

  /* I/O thread, once it serves the hub */
  MillLinkWatch *watches[3]; /* listener, wake-up, timer */
  gboolean is_deaf; /* no descriptor is left for who wants to connect */

  GMutex lock;
  GCond changed; /* room, a consumer, flushing, stopped */
  gboolean is_leaky;
  gboolean running;
  gboolean stopping;
  gboolean woken;
  gboolean finishing;
  gboolean drained_told;
  gboolean is_served; /* one that is gone had got all there is */
  gint64 finish_by_us;
  GPtrArray *pads; /* of HubPad, link-hub.c */
  guint16 last_id;
  GPtrArray *clients; /* of MillLinkClient; changed on the I/O thread only */
  MillLinkHistory *history;
  MillLinkLatency latency;
  gboolean has_latency;
  gboolean latency_untold; /* to those that are attached */
  guint64 n_buffers;
  guint64 n_dropped; /* of consumers that are gone */
  guint64 n_attached;
};

/* ---- link-hub.c ---- */

/* Puts all into its queue that a consumer needs that comes late. */
void mill_link_hub_attach_locked (MillLinkClient *client);
void mill_link_hub_wake_locked (MillLinkHub *hub);

/* ---- link-server.c ---- */

/* Listens, and serves consumers from then on. Errors: G_IO_ERROR */
gboolean mill_link_server_open (MillLinkHub *hub, GError **error);
/* After `stopping` was seen on the I/O thread: nothing of it runs any more. */
void mill_link_server_close (MillLinkHub *hub);
void mill_link_server_free_client (gpointer client);

G_END_DECLS
