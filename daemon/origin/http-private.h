/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/origin/http-connection.h"

G_BEGIN_DECLS

/* The inside of a connection, shared by http-exchange.c (what is asked and
 * answered), http-connection.c (what comes, and when) and http-output.c (what
 * goes). Nothing else includes it. */

typedef enum
{
  MILL_HTTP_READING, /* waits for a head, or for its rest */
  MILL_HTTP_HANDLING, /* somebody is called with the request */
  MILL_HTTP_HELD, /* somebody will give the answer */
  MILL_HTTP_SENDING, /* the rest of the answer waits for the client */
  MILL_HTTP_CHUNKING, /* the same of a chunk, or there is none now */
  MILL_HTTP_LINGERING, /* all is said; the client may not have read it */
  MILL_HTTP_CLOSED,
} MillHttpState;

struct _MillHttpExchange
{
  MillHttpConnection *connection;
  MillHttpRequest request;
  guint status;
  guint tag;
  GString *lines; /* nullable: of the head */
  GBytes *bytes; /* nullable: what the body is of */
  MillOriginFile *file; /* nullable: the same */
  guint64 offset;
  guint64 length;
  gboolean is_last;
  const MillHttpExchangeFuncs *funcs; /* nullable: nobody has to be told */
  gpointer user_data;
};

/* What goes out: a text, then a body, then a short end. */
typedef struct
{
  const gchar *text; /* owned, or for one call alone */
  gsize n_text;
  gchar *owned; /* nullable */
  GBytes *bytes; /* nullable */
  MillOriginFile *file; /* nullable */
  guint64 offset; /* of either */
  guint64 length;
  const gchar *end; /* static */
  gsize n_end;
} MillHttpOutput;

struct _MillHttpConnection
{
  MillOriginWatch watch; /* the first: a watch is its connection */
  MillHttpShared *shared;
  gpointer owner_data;
  MillHttpState state;
  gboolean is_partial; /* of what is unread, nothing can be made */
  guint n_unread;
  gchar *unread; /* nullable */
  guint64 written; /* accepted by the kernel */
  guint64 from; /* the same, when the deadline was set */
  gint64 deadline; /* monotonic, µs */
  guint64 begun_from; /* written, when the last chunk began */
  gint64 begun; /* when that was */
  guint discarded;
  MillHttpExchange exchange;
  MillHttpOutput output;
};

/* ---- http-exchange.c ---- */

/** Sends what it was told. */
void mill_http_exchange_answer (MillHttpExchange *self);

/* ---- http-connection.c ---- */

/** Sends the output; with it the exchange is over. */
void mill_http_connection_send_last (MillHttpConnection *self);
/** A part of it begins to go out. */
void mill_http_connection_begin_part (MillHttpConnection *self);
/** Sends that. Returns: whether it is sent */
gboolean mill_http_connection_send_part (MillHttpConnection *self);
/** Whoever called is not the connection: the next request is read in a turn to
 * come. */
void mill_http_connection_resume (MillHttpConnection *self);

/* ---- http-output.c ---- */

typedef enum
{
  MILL_HTTP_OUTPUT_DONE,
  MILL_HTTP_OUTPUT_WAITS, /* for the client, or for its next turn */
  MILL_HTTP_OUTPUT_FAILED, /* the connection, or the file was cut */
} MillHttpOutputResult;

/** Sends what it can of the output; what is left of its text is kept. */
MillHttpOutputResult mill_http_output_flush (MillHttpConnection *self);
void mill_http_output_clear (MillHttpOutput *output);

G_END_DECLS
