/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/origin/http-request.h"
#include "daemon/origin/origin-files.h"

G_BEGIN_DECLS

/*
 * One request and its answer. Whoever is called with one says what the answer
 * is, and returns; or holds it, and gives the answer later. Main thread.
 *
 *   mill_http_exchange_set_status (exchange, 200);
 *   mill_http_exchange_add_field (exchange, "Content-Type", "video/mp4");
 *   mill_http_exchange_set_bytes (exchange, bytes, 0, g_bytes_get_size (bytes));
 *
 * Its length, Date and Connection are added; to HEAD no body is sent. Nothing
 * that came from the client may be in what is added to the head.
 */
typedef struct _MillHttpExchange MillHttpExchange;

/** Of an exchange that is held or goes out in chunks. @gone: its connection has
 * ended, and with it the exchange. @taken: the last chunk is sent. */
typedef struct
{
  void (*gone) (MillHttpExchange *exchange, gpointer user_data);
  void (*taken) (MillHttpExchange *exchange, gpointer user_data);
} MillHttpExchangeFuncs;

/** Path and query are there until the exchange is held. */
const MillHttpRequest *mill_http_exchange_get_request (const MillHttpExchange
        *self);

/** A number of its owner's. */
void mill_http_exchange_set_tag (MillHttpExchange *self, guint tag);
guint mill_http_exchange_get_tag (const MillHttpExchange *self);

/* ---- the answer: begun anew by setting its status ---- */

void mill_http_exchange_set_status (MillHttpExchange *self, guint status);
guint mill_http_exchange_get_status (const MillHttpExchange *self);
/** Returns: "Not Found" and the like */
const gchar *mill_http_exchange_get_phrase (guint status);

void mill_http_exchange_add_field (MillHttpExchange *self, const gchar *name,
    const gchar *value);
/** @lines: whole ones, with their ends. */
void mill_http_exchange_add_lines (MillHttpExchange *self, const gchar *lines);
/** The connection ends with this answer. */
void mill_http_exchange_set_last (MillHttpExchange *self);

/** The body is @length of @bytes, from @offset on. */
void mill_http_exchange_set_bytes (MillHttpExchange *self, GBytes *bytes,
    guint64 offset, guint64 length);
/** The same of @file: an answer costs no memory, whatever its size and however
 * slowly it is taken. */
void mill_http_exchange_set_file (MillHttpExchange *self, MillOriginFile *file,
    guint64 offset, guint64 length);

/* ---- later ---- */

/** @funcs: stays where it is; taken may be NULL. */
void mill_http_exchange_hold (MillHttpExchange *self,
    const MillHttpExchangeFuncs *funcs, gpointer user_data);
/** The answer of what is held is there; the exchange is not to be used any
 * more. */
void mill_http_exchange_release (MillHttpExchange *self);

/* ---- in pieces: what is held, and has no body; gone is not called within
 * these ---- */

/** The head goes out with the first chunk. Returns: whether chunks may follow:
 * not after a HEAD; then the exchange is over */
gboolean mill_http_exchange_begin_chunks (MillHttpExchange *self);
/** Returns: whether it is sent and the next may follow; else taken is called
 * when it is */
gboolean mill_http_exchange_send_chunk (MillHttpExchange *self,
    MillOriginFile *file, guint64 offset, guint64 length);
/** The exchange is over. */
void mill_http_exchange_end_chunks (MillHttpExchange *self);
/** Ends the connection without the last chunk: every reader knows then that it
 * was not all (RFC 9112 8). The exchange is over. */
void mill_http_exchange_cut_off (MillHttpExchange *self);

G_END_DECLS
