/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "supervisor.h"

G_BEGIN_DECLS

/** MillApi: REST over @supervisor. SoupServer is not hardened against
 * strangers: listen on loopback, and let a reverse proxy face the world. */
typedef struct _MillApi MillApi;

/* @supervisor: kept
 * Returns: (transfer full) */
MillApi *mill_api_new (MillSupervisor *supervisor);
void mill_api_free (MillApi *api);

/* @address: HOST:PORT, port 0 takes a free one
 * Returns: (transfer full) (nullable): HOST:PORT bound */
gchar *mill_api_listen (MillApi *api, const gchar *address, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillApi, mill_api_free)

G_END_DECLS
