/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

#include "store/store-http-kind.h"
#include "store/store-private.h"

G_BEGIN_DECLS

/*
 * What is to be sent to an HTTP server, and in which order. It decides; it does
 * no I/O and knows no HTTP.
 *
 * - Media go in the order in which they came, several at once. When there are
 *   too many, the oldest that is not on its way fails (BUSY).
 * - Playlists go before media: what they list is there, because whoever puts
 *   them waited for it. Of one name one is on its way at a time, and a newer
 *   version takes the place of one that waits (SUPERSEDED).
 * - Manifests of the top go after the playlists that came before them,
 *   deletions after all playlists and manifests that came before them.
 *
 * Threads: any. What is told (MillStoreSettled) is told without a lock.
 */
typedef struct _MillStoreHttpQueue MillStoreHttpQueue;
typedef struct _MillStoreHttpBatch MillStoreHttpBatch;

/**
 * MillStoreHttpLimits:
 * @connections: transfers at once
 * @max_bytes, @max_objects: of media that wait or are on their way; 0: no limit
 * @give_up_us: how long one is tried
 * @location: for messages
 */
typedef struct
{
  guint connections;
  gsize max_bytes;
  guint max_objects;
  gint64 give_up_us;
  const gchar *location;
} MillStoreHttpLimits;

/** @content: NULL for a deletion; @cancellable: of the attempt under way */
typedef struct
{
  MillStoreHttpRank rank;
  gchar *name;
  GBytes *content;
  gboolean is_droppable;
  GCancellable *cancellable;
  MillStoreHttpBatch *batch;
  guint64 sequence;
  guint attempts;
  gchar *trouble; /* (nullable): of the last attempt */
  gint64 since_us;
  gint64 not_before_us;
} MillStoreHttpTransfer;

/** How an attempt went. */
typedef enum
{
  MILL_STORE_HTTP_DONE,
  MILL_STORE_HTTP_AGAIN, /* this one, later */
  MILL_STORE_HTTP_AGAIN_NOW, /* something was mended */
  MILL_STORE_HTTP_TROUBLE, /* later, and so are the others */
  MILL_STORE_HTTP_REFUSED, /* never again */
} MillStoreHttpOutcome;

/** Returns: (transfer full) */
MillStoreHttpQueue *mill_store_http_queue_new (const MillStoreHttpLimits
        *limits);
void mill_store_http_queue_free (MillStoreHttpQueue *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStoreHttpQueue, mill_store_http_queue_free)

/** Returns: (transfer full): what is begun until it is settled */
MillStoreHttpBatch *mill_store_http_queue_begin (MillStoreHttpQueue *self);

/** @batch: (transfer full): no more comes; @func is called once, when all of it
 * is done
 * @troubled: called before it, once per trouble: the server does not take what is
 *   in the batch, which is tried again */
void mill_store_http_queue_settle (MillStoreHttpQueue *self,
    MillStoreHttpBatch *batch, MillStoreSettled func, MillStoreSettled troubled,
    gpointer user_data);

/** @content: (nullable): NULL deletes @name
 * @is_droppable: rather fails than have others wait */
void mill_store_http_queue_add (MillStoreHttpQueue *self,
    MillStoreHttpBatch *batch, const gchar *name, GBytes *content,
    gboolean is_droppable);

/** Returns: (transfer none)(nullable): what to send now; each is answered by
 * mill_store_http_queue_done(). NULL: look again at @ret_wake_us, or earlier
 * when something came or went; -1: only then */
MillStoreHttpTransfer *mill_store_http_queue_take (MillStoreHttpQueue *self,
    gint64 now_us, gint64 *ret_wake_us);

/** @error: (nullable): NULL with DONE; @wait_us: what the server asked for, 0 */
void mill_store_http_queue_done (MillStoreHttpQueue *self,
    MillStoreHttpTransfer *transfer, MillStoreHttpOutcome outcome,
    const GError *error, gint64 wait_us);

/** Everything fails, now and later; what is on its way is cancelled. */
void mill_store_http_queue_abandon (MillStoreHttpQueue *self);

/** Any thread. */
void mill_store_http_queue_get_stats (MillStoreHttpQueue *self,
    MillStoreStats *ret_stats);

G_END_DECLS
