/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** What the kernel knows of a connected TCP socket. */
typedef struct
{
  guint64 acked; /* bytes that the peer's kernel has acknowledged, ever */
  guint unacked; /* bytes handed to the kernel and not acknowledged */
  /* the end of what the peer has room for, counted like acked: moves only when
   * its program reads, where its kernel takes what comes until it is full */
  guint64 edge;
  guint rtt_us;
} MillRelayTcp;

/* FALSE when @fd is no TCP socket. */
gboolean mill_relay_tcp_read (gint fd, MillRelayTcp *ret_tcp);

/* No delay for small writes; a short queue in the kernel, so that what is
 * waiting waits here, where it can be dropped; probes of a silent peer. */
void mill_relay_tcp_tune (gint fd);

G_END_DECLS
