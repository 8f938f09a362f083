/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "server.h"

G_BEGIN_DECLS

/**
 * MillOriginGroup: the origins, which share one address (SO_REUSEPORT): "origin",
 * "origin-2" and so on. The first one that listens says where (port 0 is chosen
 * once), the others join it; one that goes is started again and joins, the
 * others go on meanwhile.
 *
 * Threads: main loop.
 */
typedef struct _MillOriginGroup MillOriginGroup;

typedef struct
{
  guint n; /* processes */
  const gchar *address; /* nullable: none is to run */
} MillOriginGroupOptions;

/* @funcs: told of each of them; see mill_server_new() */
MillOriginGroup *mill_origin_group_new (MillProcessLauncher *launcher,
    const MillOriginGroupOptions *options, const MillServerFuncs *funcs,
    gpointer user_data);
/* No call comes after this; the processes run on. */
void mill_origin_group_free (MillOriginGroup *self);

/* Those that run already are adopted; those beyond the number end. */
void mill_origin_group_start (MillOriginGroup *self);
void mill_origin_group_stop_retries (MillOriginGroup *self);

/* One of them serves, or none is to. */
gboolean mill_origin_group_is_up (MillOriginGroup *self);
gboolean mill_origin_group_is_gone (MillOriginGroup *self);

/* Returns: (transfer none) (nullable): HOST:PORT */
const gchar *mill_origin_group_get_address (MillOriginGroup *self);

/* Appends each MillProcess to @list. */
void mill_origin_group_list (MillOriginGroup *self, GPtrArray *list);

G_END_DECLS
