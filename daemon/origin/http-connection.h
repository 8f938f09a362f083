/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/origin/http-exchange.h"
#include "daemon/origin/origin-poller.h"

G_BEGIN_DECLS

/*
 * One connection of a server of HTTP/1.1 for GET and HEAD: requests come one
 * after the other, also before the answer to the one before (RFC 9112 9.3.2),
 * and are answered in their order. One that waits for its client, or for us,
 * costs some 700 bytes.
 *
 * A client has head_timeout_ms from the answer (or the connection) to the end of
 * its next request's head. While something is there for it, it has to take at
 * least 1 KB/s of it, over write_timeout_ms; of a chunk, from when it began if all
 * before was taken. Main thread.
 */
typedef struct _MillHttpConnection MillHttpConnection;

/** Of all connections of a server; outlives them. */
typedef struct
{
  MillOriginPoller *poller;
  guint head_timeout_ms;
  guint write_timeout_ms;
  guint64 *sent; /* added to: bytes of bodies */
  guint64 *slow_ended; /* the same: those that have not taken enough */

  /* A head is there. Is it a wrong one, its request has a status, and the
   * answer will be the last. */
  void (*request) (MillHttpExchange *exchange, gpointer user_data);
  /* The answer is sent, or its connection has ended before. */
  void (*ended) (MillHttpExchange *exchange, gpointer user_data);
  /* To be freed when the poller's turn has ended. */
  void (*closed) (MillHttpConnection *connection, gpointer user_data);
  gpointer user_data;

  /* The connections' own. */
  gchar *block; /* what is read, until it is handled */
  GString *head; /* what is sent, while it is */
  GString *spare;
  gint64 date_s;
  gchar date[40];
} MillHttpShared;

/** @fd: non-blocking; taken over. @owner_data: for closed. Returns: (transfer
 * full)(nullable): NULL when the kernel has no memory */
MillHttpConnection *mill_http_connection_new (gint fd, MillHttpShared *shared,
    gpointer owner_data);
gpointer mill_http_connection_get_owner_data (MillHttpConnection *self);

/** At once. Calls closed, if it was not. */
void mill_http_connection_end (MillHttpConnection *self);
/** Of one that has ended. */
void mill_http_connection_free (MillHttpConnection *self);

/** Ends it, if its client keeps us waiting for too long. */
void mill_http_connection_check (MillHttpConnection *self, gint64 now);

/** The connections' own fields. */
void mill_http_connection_init_shared (MillHttpShared *shared);
void mill_http_connection_clear_shared (MillHttpShared *shared);

G_END_DECLS
