/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "store/store-http-queue.h"
#include "store/store-http.h"

G_BEGIN_DECLS

/*
 * Requests to one HTTP server: signs them, sends them, judges the answers.
 * Redirects are not followed: they would lead credentials to another host.
 *
 * Threads: new() any; everything else, also the last unref, on the thread of
 * mill_store_http_session_get_context(), the one of the process that uploads.
 */
typedef struct _MillStoreHttpSession MillStoreHttpSession;

/** @transfer: as given to send() */
typedef void (*MillStoreHttpAnswered) (MillStoreHttpTransfer *transfer,
    MillStoreHttpOutcome outcome, const GError *error, gint64 wait_us,
    gpointer user_data);

/** Returns: (transfer none): of the thread that uploads */
GMainContext *mill_store_http_session_get_context (void);

/** Returns: (transfer full)(nullable); Errors: as mill_store_http_new() */
MillStoreHttpSession *mill_store_http_session_new (const MillStoreHttpOptions
                                                       *options,
    GError **error);
void mill_store_http_session_free (MillStoreHttpSession *self);

/** @answered is called once, later. The session lives at least as long. */
void mill_store_http_session_send (MillStoreHttpSession *self,
    MillStoreHttpTransfer *transfer, MillStoreHttpAnswered answered,
    gpointer user_data);

G_END_DECLS
