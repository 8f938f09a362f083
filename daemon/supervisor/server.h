/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "listener-set.h"
#include "process.h"

G_BEGIN_DECLS

/**
 * MillServer: a process that is always to run, and listens: launched, connected
 * to, its listeners opened, and all that again when it goes, at a growing pace.
 *
 * Threads: main loop.
 */
typedef struct _MillServer MillServer;

typedef enum
{
  MILL_SERVER_CONNECTED,
  MILL_SERVER_UP, /* they are open */
  MILL_SERVER_LOST, /* it ended unexpectedly; it is started again */
  MILL_SERVER_RETRIED, /* that start, or another one */
  MILL_SERVER_ENDED, /* as it was told */
} MillServerChange;

typedef struct
{
  /* @reason: (nullable): of MILL_SERVER_LOST */
  void (*changed) (MillServer *server, MillServerChange change,
      const gchar *reason, gpointer user_data);
  /* Nullable: it is connected; returns whether to open its listeners now: else
   * mill_server_open() does */
  gboolean (*opening) (MillServer *server, gpointer user_data);
  /* Returns: whether to try again later */
  gboolean (*failed) (MillServer *server, const GError *error,
      gpointer user_data);
} MillServerFuncs;

/* @funcs: stays valid */
MillServer *mill_server_new (MillProcessKind kind, const gchar *id,
    MillProcessLauncher *launcher, const MillServerFuncs *funcs,
    gpointer user_data);
/* No call comes after this; the process runs on. */
void mill_server_free (MillServer *self);

/* Returns: (transfer none) */
MillProcess *mill_server_get_process (MillServer *self);
MillListenerSet *mill_server_get_listeners (MillServer *self);

gboolean mill_server_is_up (MillServer *self);
/* No process is connected. */
gboolean mill_server_is_gone (MillServer *self);

void mill_server_launch (MillServer *self);

/* Opens the listeners of a connected one that was told to wait. */
void mill_server_open (MillServer *self);

/* Nothing is started again from now on. */
void mill_server_stop_retries (MillServer *self);

G_END_DECLS
