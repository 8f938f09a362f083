/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/*
 * The connections of a server, and how long each may keep it waiting: libsoup
 * waits for ever. A client has 30 s from the answer (or the connection) to the
 * end of its next request's head, and 30 s for each step in taking an answer.
 * Beyond a number of connections that the descriptors allow, new ones are
 * closed. Main thread.
 */
typedef struct _MillOriginConnections MillOriginConnections;

typedef struct
{
  guint head_timeout_ms; /* 0: 30000 */
  guint write_timeout_ms; /* 0: 30000 */
  guint max_connections; /* 0: what the descriptors allow */
} MillOriginLimits;

/** @limits: (nullable). Returns: (transfer full): watches until freed */
MillOriginConnections *mill_origin_connections_new (SoupServer *server,
    const MillOriginLimits *limits);
void mill_origin_connections_free (MillOriginConnections *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillOriginConnections,
    mill_origin_connections_free)

guint mill_origin_connections_get_open (MillOriginConnections *self);

G_END_DECLS
