/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store/store-http-queue-private.h"

#define BACKOFF_FIRST_US (250 * G_TIME_SPAN_MILLISECOND)
#define BACKOFF_MAX_US (8 * G_TIME_SPAN_SECOND)
#define BACKOFF_MAX_SHIFT 5
/* What goes well at the next attempts is not worth a word; four of them take two
 * to six seconds one after the other. */
#define TELL_ATTEMPTS 5
#define TELL_AFTER_US (8 * G_TIME_SPAN_SECOND)

/* Doubles with each attempt, plus or minus a half, so that those who failed
 * together do not come back together. */
static gint64
get_backoff_us (guint attempts, gint64 wait_us)
{
  gint64 base_us = MIN (BACKOFF_FIRST_US
          << MIN (attempts > 0 ? attempts - 1 : 0, BACKOFF_MAX_SHIFT),
      BACKOFF_MAX_US);

  return MAX (g_random_int_range (base_us / 2, base_us * 3 / 2), wait_us);
}

void
mill_store_http_retry_add_locked (MillStoreHttpQueue *self,
    MillStoreHttpTransfer *transfer, MillStoreHttpOutcome outcome,
    const GError *error, gint64 wait_us)
{
  gint64 now_us = g_get_monotonic_time ();

  g_clear_object (&transfer->cancellable);
  g_free (transfer->trouble);
  transfer->trouble = error != NULL ? g_strdup (error->message) : NULL;
  self->stats.retries++;
  transfer->attempts++;
  if (outcome == MILL_STORE_HTTP_TROUBLE) {
    self->troubles++;
    self->not_before_us = now_us + get_backoff_us (self->troubles, wait_us);
  } else if (outcome == MILL_STORE_HTTP_AGAIN) {
    transfer->not_before_us = now_us +
        get_backoff_us (transfer->attempts, wait_us);
  }
  mill_store_http_order_insert_locked (self, transfer);
}

MillStoreHttpBatch *
mill_store_http_retry_find_listener_locked (MillStoreHttpQueue *self,
    const MillStoreHttpTransfer *transfer)
{
  MillStoreHttpBatch *batch = transfer->batch;
  gint64 since_us = g_get_monotonic_time () - transfer->since_us;

  if (self->told || batch->func == NULL ||
      (MAX (self->troubles, transfer->attempts) < TELL_ATTEMPTS &&
          since_us < TELL_AFTER_US))
    return NULL;
  self->told = TRUE;
  batch->n_open++;
  return batch;
}

/* It goes on as JSON and over D-Bus: no half of a character at its end, and none
 * of what a server says in some other encoding. */
void
mill_store_http_retry_note_locked (MillStoreHttpQueue *self, const gchar *text)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, -1);
  gchar *trouble = self->stats.trouble;
  const gchar *end;

  g_strlcpy (trouble, valid, sizeof self->stats.trouble);
  g_utf8_validate (trouble, -1, &end);
  trouble[end - trouble] = '\0';
}
