/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <libsoup/soup.h>

#include "daemon/origin/origin-io.h"
#include "daemon/origin/origin-metrics.h"

G_BEGIN_DECLS

/*
 * The connections of a server, and how long each may keep it waiting: libsoup
 * waits for ever. A client has 30 s from the answer (or the connection) to the
 * end of its next request's head. While something is there for it, it has to
 * take at least 1 KB/s of it, over 30 s. Beyond a number of connections that the
 * descriptors allow, and a share of them for each address but loopback, new ones
 * are closed. Main thread.
 */
typedef struct _MillOriginConnections MillOriginConnections;

typedef struct
{
  guint head_timeout_ms; /* 0: 30000 */
  guint write_timeout_ms; /* 0: 30000 */
  guint max_connections; /* 0: what the descriptors allow */
  guint max_per_address; /* 0: a quarter of those, of loopback all */
} MillOriginLimits;

/** @limits: (nullable). @metrics: outlives it. Returns: (transfer full): watches
 * until freed */
MillOriginConnections *mill_origin_connections_new (SoupServer *server,
    const MillOriginLimits *limits, MillOriginMetrics *metrics);
void mill_origin_connections_free (MillOriginConnections *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillOriginConnections,
    mill_origin_connections_free)

/** Accepts what comes to @listener, which listens, from now on. */
gboolean mill_origin_connections_listen (MillOriginConnections *self,
    GSocket *listener, GError **error);

guint mill_origin_connections_get_open (MillOriginConnections *self);

/** The head of @message is there: what comes now is for its client to take. */
void mill_origin_connections_begin_answer (SoupServerMessage *message);

/** Returns: (transfer none)(nullable): that @message came by; NULL when it has
 * ended */
MillOriginIo *mill_origin_connections_get_io (SoupServerMessage *message);

G_END_DECLS
