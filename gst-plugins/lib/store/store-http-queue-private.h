/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "store/store-http-queue.h"

G_BEGIN_DECLS

/*
 * The queue's inside, shared by store-http-queue (what comes, goes and is told),
 * store-http-order (what may go before what) and store-http-retry (attempts that
 * failed). Nothing else includes it. Functions that end in _locked expect its
 * lock.
 */
struct _MillStoreHttpQueue
{
  MillStoreHttpLimits limits;
  gchar *location;

  GMutex lock; /* everything below */
  GQueue urgent; /* Transfer: what names others, by sequence */
  GQueue others; /* Transfer: media and deletions, by sequence */
  GPtrArray *flying; /* Transfer */
  guint64 next_sequence;
  guint n_media;
  gsize media_bytes;
  guint troubles; /* in a row */
  gint64 not_before_us;
  gboolean told; /* of the trouble that it is in */
  gboolean abandoned;
  MillStoreStats stats;
  GPtrArray *settled; /* Batch, told of when the lock is released */
};

struct _MillStoreHttpBatch
{
  guint n_open;
  GError *error;
  MillStoreSettled func; /* (nullable): not settled yet */
  MillStoreSettled troubled;
  gpointer user_data;
};

/* ---- store-http-order.c ---- */

/** Whether what is of @rank names other objects: that goes first. */
gboolean mill_store_http_order_is_urgent (MillStoreHttpRank rank);

/** Returns: (transfer none): where what is of @rank waits */
GQueue *mill_store_http_order_choose_locked (MillStoreHttpQueue *self,
    MillStoreHttpRank rank);

/** @transfer: (transfer full): waits again, at its place by sequence */
void mill_store_http_order_insert_locked (MillStoreHttpQueue *self,
    MillStoreHttpTransfer *transfer);

/** The sequence of one that waits and is of @rank was changed. */
void mill_store_http_order_sort_locked (MillStoreHttpQueue *self,
    MillStoreHttpRank rank);

/** Whether something has to be there before @transfer, which waits, may go. */
gboolean mill_store_http_order_is_blocked_locked (MillStoreHttpQueue *self,
    const MillStoreHttpTransfer *transfer);

/* ---- store-http-retry.c ---- */

/**
 * mill_store_http_retry_add_locked:
 * @transfer: (transfer full): waits again, for as long as the attempt tells
 * @outcome: of that: AGAIN, AGAIN_NOW or TROUBLE
 * @error: (nullable): kept, for who gives it up
 * @wait_us: what the server asked for; 0: nothing
 */
void mill_store_http_retry_add_locked (MillStoreHttpQueue *self,
    MillStoreHttpTransfer *transfer, MillStoreHttpOutcome outcome,
    const GError *error, gint64 wait_us);

/** What stats tell of an attempt that failed. */
void mill_store_http_retry_note_locked (MillStoreHttpQueue *self,
    const gchar *text);

/** Who is to be told that @transfer, which is to be tried again, is not taken.
 * Returns: (nullable): counts as open until it was told */
MillStoreHttpBatch *
mill_store_http_retry_find_listener_locked (MillStoreHttpQueue *self,
    const MillStoreHttpTransfer *transfer);

G_END_DECLS
