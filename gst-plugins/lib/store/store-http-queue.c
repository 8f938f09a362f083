/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store/store-http-queue-private.h"

/* Late uploads count this much in the mean of the latency. */
#define LATENCY_SHARE 8

/* ---- batches ---- */

static void
tell_batch (MillStoreHttpBatch *batch)
{
  batch->func (batch->error, batch->user_data);
  g_clear_error (&batch->error);
  g_free (batch);
}

static void
unlock (MillStoreHttpQueue *self)
{
  g_autoptr (GPtrArray) settled = NULL;

  if (self->settled->len > 0) {
    settled = self->settled;
    self->settled = g_ptr_array_new ();
  }
  g_mutex_unlock (&self->lock);
  for (guint i = 0; settled != NULL && i < settled->len; i++)
    tell_batch (g_ptr_array_index (settled, i));
}

static void
check_batch_locked (MillStoreHttpQueue *self, MillStoreHttpBatch *batch)
{
  if (batch->n_open == 0 && batch->func != NULL)
    g_ptr_array_add (self->settled, batch);
}

static void
note_error (MillStoreHttpBatch *batch, const GError *error)
{
  gboolean is_first = batch->error == NULL ||
      g_error_matches (batch->error, MILL_STORE_ERROR,
          MILL_STORE_ERROR_SUPERSEDED);

  if (error == NULL || !is_first)
    return;
  g_clear_error (&batch->error);
  batch->error = g_error_copy (error);
}

MillStoreHttpBatch *
mill_store_http_queue_begin (MillStoreHttpQueue *self)
{
  return g_new0 (MillStoreHttpBatch, 1);
}

void
mill_store_http_queue_settle (MillStoreHttpQueue *self,
    MillStoreHttpBatch *batch, MillStoreSettled func, MillStoreSettled troubled,
    gpointer user_data)
{
  g_mutex_lock (&self->lock);
  batch->func = func;
  batch->troubled = troubled;
  batch->user_data = user_data;
  check_batch_locked (self, batch);
  unlock (self);
}

/* ---- transfers ---- */

static gsize
get_size (const MillStoreHttpTransfer *transfer)
{
  return transfer->content != NULL ? g_bytes_get_size (transfer->content) : 0;
}

static void
free_transfer (MillStoreHttpTransfer *transfer)
{
  g_clear_pointer (&transfer->content, g_bytes_unref);
  g_clear_object (&transfer->cancellable);
  g_free (transfer->name);
  g_free (transfer->trouble);
  g_free (transfer);
}

/* @transfer (transfer full) is in no list any more. */
static void
end_transfer_locked (MillStoreHttpQueue *self, MillStoreHttpTransfer *transfer,
    const GError *error)
{
  MillStoreHttpBatch *batch = transfer->batch;

  if (transfer->rank == MILL_STORE_HTTP_MEDIA) {
    self->n_media--;
    self->media_bytes -= get_size (transfer);
  }
  self->stats.queued_objects--;
  self->stats.queued_bytes -= get_size (transfer);
  note_error (batch, error);
  batch->n_open--;
  check_batch_locked (self, batch);
  free_transfer (transfer);
}

/* ---- adding ---- */

static MillStoreHttpTransfer *
find_waiting_locked (MillStoreHttpQueue *self, const gchar *name,
    MillStoreHttpRank rank)
{
  /* A header may come again with a later segment, but each waits for its own. */
  if (!mill_store_http_order_is_urgent (rank))
    return NULL;
  for (GList *at = self->urgent.head; at != NULL; at = at->next) {
    MillStoreHttpTransfer *other = at->data;
    if (other->rank == rank && g_str_equal (other->name, name))
      return other;
  }
  return NULL;
}

static void
supersede_locked (MillStoreHttpQueue *self, MillStoreHttpTransfer *old)
{
  g_autoptr (GError) error = g_error_new (MILL_STORE_ERROR,
      MILL_STORE_ERROR_SUPERSEDED,
      "putting '%s/%s': a newer version came before it was sent",
      self->location, old->name);

  g_queue_remove (mill_store_http_order_choose_locked (self, old->rank), old);
  end_transfer_locked (self, old, error);
}

static gboolean
is_full_locked (MillStoreHttpQueue *self, gsize size)
{
  const MillStoreHttpLimits *limits = &self->limits;

  if (self->n_media == 0)
    return FALSE;
  return (limits->max_bytes > 0 &&
             self->media_bytes + size > limits->max_bytes) ||
      (limits->max_objects > 0 && self->n_media >= limits->max_objects);
}

static MillStoreHttpTransfer *
find_droppable_locked (MillStoreHttpQueue *self)
{
  for (GList *at = self->others.head; at != NULL; at = at->next) {
    MillStoreHttpTransfer *transfer = at->data;
    if (transfer->is_droppable)
      return transfer;
  }
  return NULL;
}

/* Makes room for @size bytes by dropping the oldest that wait. Returns: (transfer
 * full)(nullable): why it cannot */
static GError *
make_room_locked (MillStoreHttpQueue *self, gsize size)
{
  while (is_full_locked (self, size)) {
    MillStoreHttpTransfer *oldest = find_droppable_locked (self);
    g_autoptr (GError) error = g_error_new (MILL_STORE_ERROR,
        MILL_STORE_ERROR_BUSY,
        "putting '%s/%s': the server is %u objects (%" G_GSIZE_FORMAT
        " bytes) behind, the oldest are dropped; expected one that takes the "
        "stream's bit rate",
        self->location, oldest != NULL ? oldest->name : "", self->n_media,
        self->media_bytes);

    self->stats.dropped++;
    if (oldest == NULL)
      return g_steal_pointer (&error);
    g_queue_remove (&self->others, oldest);
    end_transfer_locked (self, oldest, error);
  }
  return NULL;
}

static MillStoreHttpTransfer *
make_transfer_locked (MillStoreHttpQueue *self, const gchar *name,
    GBytes *content)
{
  MillStoreHttpTransfer *transfer = g_new0 (MillStoreHttpTransfer, 1);

  transfer->rank = content != NULL ? mill_store_http_kind_get_rank (name)
                                   : MILL_STORE_HTTP_DELETE;
  transfer->name = g_strdup (name);
  transfer->content = content != NULL ? g_bytes_ref (content) : NULL;
  transfer->sequence = self->next_sequence++;
  transfer->since_us = g_get_monotonic_time ();
  return transfer;
}

static GError *
accept_locked (MillStoreHttpQueue *self, gsize size, gboolean is_droppable)
{
  if (self->abandoned)
    return g_error_new (MILL_STORE_ERROR, MILL_STORE_ERROR_FAILED,
        "sending to '%s': got something more, expected nothing after the end",
        self->location);
  return is_droppable ? make_room_locked (self, size) : NULL;
}

void
mill_store_http_queue_add (MillStoreHttpQueue *self, MillStoreHttpBatch *batch,
    const gchar *name, GBytes *content, gboolean is_droppable)
{
  gsize size = content != NULL ? g_bytes_get_size (content) : 0;
  MillStoreHttpTransfer *transfer;
  MillStoreHttpTransfer *old;
  g_autoptr (GError) error = NULL;

  g_mutex_lock (&self->lock);
  error = accept_locked (self, size, is_droppable);
  if (error != NULL) {
    note_error (batch, error);
    unlock (self);
    return;
  }
  transfer = make_transfer_locked (self, name, content);
  transfer->is_droppable = is_droppable;
  transfer->batch = batch;
  batch->n_open++;
  self->stats.queued_objects++;
  self->stats.queued_bytes += size;
  if (transfer->rank == MILL_STORE_HTTP_MEDIA) {
    self->n_media++;
    self->media_bytes += size;
  }
  old = find_waiting_locked (self, name, transfer->rank);
  if (old != NULL) {
    /* In its place: what waits for the playlist need not wait longer. */
    transfer->sequence = old->sequence;
    transfer->not_before_us = old->not_before_us;
    transfer->attempts = old->attempts;
    transfer->trouble = g_strdup (old->trouble);
    g_queue_insert_before (mill_store_http_order_choose_locked (self,
                               transfer->rank),
        g_queue_find (mill_store_http_order_choose_locked (self,
                          transfer->rank),
            old),
        transfer);
    supersede_locked (self, old);
  } else {
    g_queue_push_tail (mill_store_http_order_choose_locked (self,
                           transfer->rank),
        transfer);
  }
  unlock (self);
}

/* ---- taking ---- */

static void
wake_at (gint64 *wake_us, gint64 time_us)
{
  if (*wake_us < 0 || time_us < *wake_us)
    *wake_us = time_us;
}

/* A manifest of the top names what is not there. */
static void
fail_tops_locked (MillStoreHttpQueue *self, guint64 sequence,
    const GError *error)
{
  GList *next;

  for (GList *at = self->urgent.head; at != NULL; at = next) {
    MillStoreHttpTransfer *top = at->data;

    next = at->next;
    if (top->rank != MILL_STORE_HTTP_TOP || top->sequence < sequence)
      continue;
    g_queue_delete_link (&self->urgent, at);
    end_transfer_locked (self, top, error);
  }
}

/* The last attempt says what to mend. */
static GError *
give_up (const MillStoreHttpQueue *self, const MillStoreHttpTransfer *transfer)
{
  gint64 limit_s = self->limits.give_up_us / G_USEC_PER_SEC;

  if (transfer->trouble != NULL)
    return g_error_new (MILL_STORE_ERROR, MILL_STORE_ERROR_FAILED,
        "%s; given up after %u attempts in %" G_GINT64_FORMAT " s",
        transfer->trouble, transfer->attempts, limit_s);
  return g_error_new (MILL_STORE_ERROR, MILL_STORE_ERROR_FAILED,
      "%s '%s/%s': got no turn in %" G_GINT64_FORMAT
      " s, expected success; it is given up",
      transfer->content != NULL ? "putting" : "deleting", self->location,
      transfer->name, limit_s);
}

/* What has waited for too long fails. */
static void
expire_locked (MillStoreHttpQueue *self, GQueue *queue, gint64 now_us,
    gint64 *wake_us)
{
  GList *next;

  for (GList *at = queue->head; at != NULL; at = next) {
    MillStoreHttpTransfer *transfer = at->data;
    gint64 due_us = transfer->since_us + self->limits.give_up_us;

    next = at->next;
    if (due_us > now_us) {
      wake_at (wake_us, due_us);
      continue;
    }
    g_autoptr (GError) error = give_up (self, transfer);
    self->stats.failures++;
    g_queue_delete_link (queue, at);
    if (transfer->rank == MILL_STORE_HTTP_PLAYLIST) {
      fail_tops_locked (self, transfer->sequence, error);
      next = queue->head;
    }
    end_transfer_locked (self, transfer, error);
  }
}

static MillStoreHttpTransfer *
take_from_locked (MillStoreHttpQueue *self, GQueue *queue, gint64 now_us,
    gint64 *wake_us)
{
  for (GList *at = queue->head; at != NULL; at = at->next) {
    MillStoreHttpTransfer *transfer = at->data;

    if (transfer->not_before_us > now_us) {
      wake_at (wake_us, transfer->not_before_us);
      continue;
    }
    if (mill_store_http_order_is_blocked_locked (self, transfer))
      continue;
    g_queue_delete_link (queue, at);
    g_ptr_array_add (self->flying, transfer);
    transfer->cancellable = g_cancellable_new ();
    return transfer;
  }
  return NULL;
}

MillStoreHttpTransfer *
mill_store_http_queue_take (MillStoreHttpQueue *self, gint64 now_us,
    gint64 *ret_wake_us)
{
  MillStoreHttpTransfer *taken = NULL;
  gint64 wake_us = -1;
  guint limit;

  g_mutex_lock (&self->lock);
  expire_locked (self, &self->urgent, now_us, &wake_us);
  expire_locked (self, &self->others, now_us, &wake_us);
  /* Who is in trouble is asked by one at a time whether that is over. */
  limit = self->troubles > 0 ? 1 : self->limits.connections;
  if (self->flying->len < limit) {
    if (self->not_before_us > now_us)
      wake_at (&wake_us, self->not_before_us);
    else
      taken = take_from_locked (self, &self->urgent, now_us, &wake_us);
    if (taken == NULL && self->not_before_us <= now_us)
      taken = take_from_locked (self, &self->others, now_us, &wake_us);
  }
  unlock (self);
  *ret_wake_us = wake_us;
  return taken;
}

/* ---- answers ---- */

static void
note_success_locked (MillStoreHttpQueue *self,
    const MillStoreHttpTransfer *transfer)
{
  guint64 latency_us = g_get_monotonic_time () - transfer->since_us;

  self->troubles = 0;
  self->told = FALSE;
  self->stats.trouble[0] = '\0';
  if (transfer->content == NULL) {
    self->stats.deletes++;
    return;
  }
  self->stats.latency_us = self->stats.uploads == 0
      ? latency_us
      : (self->stats.latency_us * (LATENCY_SHARE - 1) + latency_us) /
          LATENCY_SHARE;
  self->stats.max_latency_us = MAX (self->stats.max_latency_us, latency_us);
  self->stats.uploads++;
  self->stats.bytes += get_size (transfer);
}

static gboolean
is_final_locked (MillStoreHttpQueue *self,
    const MillStoreHttpTransfer *transfer, MillStoreHttpOutcome outcome)
{
  return outcome == MILL_STORE_HTTP_REFUSED || self->abandoned ||
      g_get_monotonic_time () - transfer->since_us >= self->limits.give_up_us;
}

static void
tell_trouble (MillStoreHttpQueue *self, MillStoreHttpBatch *batch,
    const GError *cause)
{
  g_autoptr (GError) error = g_error_new (cause->domain, cause->code,
      "%s; it is tried again for up to %" G_GINT64_FORMAT " s", cause->message,
      self->limits.give_up_us / G_USEC_PER_SEC);

  batch->troubled (error, batch->user_data);
  g_mutex_lock (&self->lock);
  batch->n_open--;
  check_batch_locked (self, batch);
  unlock (self);
}

void
mill_store_http_queue_done (MillStoreHttpQueue *self,
    MillStoreHttpTransfer *transfer, MillStoreHttpOutcome outcome,
    const GError *error, gint64 wait_us)
{
  MillStoreHttpTransfer *newer;
  MillStoreHttpBatch *listener = NULL;

  g_mutex_lock (&self->lock);
  if (error != NULL)
    mill_store_http_retry_note_locked (self, error->message);
  g_ptr_array_remove (self->flying, transfer);
  newer = find_waiting_locked (self, transfer->name, transfer->rank);
  if (outcome == MILL_STORE_HTTP_DONE) {
    note_success_locked (self, transfer);
    end_transfer_locked (self, transfer, NULL);
  } else if (is_final_locked (self, transfer, outcome)) {
    self->stats.failures++;
    if (transfer->rank == MILL_STORE_HTTP_PLAYLIST)
      fail_tops_locked (self, transfer->sequence, error);
    end_transfer_locked (self, transfer, error);
  } else {
    mill_store_http_retry_add_locked (self, transfer, outcome, error, wait_us);
    listener = mill_store_http_retry_find_listener_locked (self, transfer);
    if (newer != NULL) {
      newer->sequence = transfer->sequence;
      newer->not_before_us = transfer->not_before_us;
      supersede_locked (self, transfer);
      mill_store_http_order_sort_locked (self, newer->rank);
    }
  }
  unlock (self);
  if (listener != NULL)
    tell_trouble (self, listener, error);
}

void
mill_store_http_queue_abandon (MillStoreHttpQueue *self)
{
  GQueue *queues[] = { &self->urgent, &self->others };
  g_autoptr (GPtrArray) cancellables =
      g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) error = g_error_new (MILL_STORE_ERROR,
      MILL_STORE_ERROR_FAILED,
      "sending to '%s': got a stop, expected time for all of it",
      self->location);

  g_mutex_lock (&self->lock);
  self->abandoned = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (queues); i++) {
    MillStoreHttpTransfer *transfer;
    while ((transfer = g_queue_pop_head (queues[i])) != NULL)
      end_transfer_locked (self, transfer, error);
  }
  for (guint i = 0; i < self->flying->len; i++) {
    const MillStoreHttpTransfer *transfer = g_ptr_array_index (self->flying, i);
    g_ptr_array_add (cancellables, g_object_ref (transfer->cancellable));
  }
  unlock (self);
  for (guint i = 0; i < cancellables->len; i++)
    g_cancellable_cancel (g_ptr_array_index (cancellables, i));
}

/* ---- the queue ---- */

void
mill_store_http_queue_get_stats (MillStoreHttpQueue *self,
    MillStoreStats *ret_stats)
{
  g_mutex_lock (&self->lock);
  *ret_stats = self->stats;
  unlock (self);
}

MillStoreHttpQueue *
mill_store_http_queue_new (const MillStoreHttpLimits *limits)
{
  MillStoreHttpQueue *self = g_new0 (MillStoreHttpQueue, 1);

  self->limits = *limits;
  self->location = g_strdup (limits->location);
  g_mutex_init (&self->lock);
  g_queue_init (&self->urgent);
  g_queue_init (&self->others);
  self->flying = g_ptr_array_new ();
  self->settled = g_ptr_array_new ();
  return self;
}

void
mill_store_http_queue_free (MillStoreHttpQueue *self)
{
  mill_store_http_queue_abandon (self);
  g_ptr_array_unref (self->flying);
  g_ptr_array_unref (self->settled);
  g_mutex_clear (&self->lock);
  g_free (self->location);
  g_free (self);
}
