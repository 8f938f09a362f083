/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

#include "daemon/origin/http-exchange.h"
#include "daemon/origin/origin-metrics.h"

G_BEGIN_DECLS

/*
 * The connections of a server, and how long each may keep it waiting: 30 s from
 * the answer (or the connection) to the end of the next request's head; and
 * while something is there for it, it has to take at least 1 KB/s of it, over
 * 30 s. Beyond a number of connections that the descriptors allow, and a share
 * of them for each address but loopback, new ones are closed. Main thread.
 */
typedef struct _MillOriginConnections MillOriginConnections;

typedef struct
{
  guint head_timeout_ms; /* 0: 30000 */
  guint write_timeout_ms; /* 0: 30000 */
  guint max_connections; /* 0: what the descriptors allow */
  guint max_per_address; /* 0: a quarter of those, of loopback all */
} MillOriginLimits;

/** What is called with requests. */
typedef struct
{
  /* Answers @exchange, or holds it. Its request may be a wrong one: then that
   * has a status. */
  void (*request) (MillHttpExchange *exchange, gpointer user_data);
  /* It is answered, or its connection has ended. */
  void (*ended) (MillHttpExchange *exchange, gpointer user_data);
  gpointer user_data;
} MillOriginHandler;

/** @limits: (nullable). @metrics: outlives it. Returns: (transfer full) */
MillOriginConnections *mill_origin_connections_new (const MillOriginHandler
                                                        *handler,
    const MillOriginLimits *limits, MillOriginMetrics *metrics);
/** Ends them all. */
void mill_origin_connections_free (MillOriginConnections *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillOriginConnections,
    mill_origin_connections_free)

/** Accepts what comes to @listener, which listens, from now on. */
void mill_origin_connections_listen (MillOriginConnections *self,
    GSocket *listener);

guint mill_origin_connections_get_open (MillOriginConnections *self);

G_END_DECLS
