/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "sign/sign-settings.h"
#include "store/store.h"

G_BEGIN_DECLS

/*
 * A store of objects behind an HTTP server: put by PUT, removed by DELETE; a
 * WebDAV directory, S3 or anything that takes both. What is appended to is kept
 * in memory and sent when it is closed. Names that begin with '.' (the state
 * that a successor goes on from, and its lock) are files of a local directory.
 *
 * It is no part of libmillmedia, for the sake of those who need no HTTP: it
 * comes in a library of its own, and for plugins in a module that they load
 * when it is asked for.
 *
 * Threads: as in store.h; the HTTP part is on one thread of the process.
 */

/** Name of the module's file, beside the plugins, and of its only function. */
#define MILL_STORE_HTTP_MODULE "millrace-http.module"
#define MILL_STORE_HTTP_FUNCTION "mill_store_http_new"

/**
 * MillStoreHttpOptions:
 * @url: as mill_store_location_parse() says it
 * @state_path: (nullable): the local directory; NULL: one of the URL's own in
 *   the user's state directory
 * @sign: how requests are signed
 * @tls_ca_file: (nullable): PEM file of authorities; NULL: the system's
 * @connections: uploads at once
 * @max_bytes, @max_objects: of media that wait; the oldest are dropped then; 0:
 *   no limit
 * @give_up_ms: how long an upload is tried
 * @stall_timeout_ms: how long a connection may stand still
 */
typedef struct
{
  const gchar *url;
  const gchar *state_path;
  MillSignSettings sign;
  const gchar *tls_ca_file;
  guint connections;
  gsize max_bytes;
  guint max_objects;
  guint give_up_ms;
  guint stall_timeout_ms;
} MillStoreHttpOptions;

/** Blocks on the local disk; connects to nobody.
 * Returns: (transfer full)(nullable)
 * Errors: MILL_STORE_ERROR, MILL_CREDENTIALS_ERROR, G_TLS_ERROR, G_FILE_ERROR */
MillStore *mill_store_http_new (const MillStoreHttpOptions *options,
    GError **error);
typedef MillStore *(*MillStoreHttpNew) (const MillStoreHttpOptions *options,
    GError **error);

G_END_DECLS
