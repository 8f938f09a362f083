/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The head of an HTTP/1.x request (RFC 9112), read where it lies. Whatever two
 * servers in a row might understand differently is refused: a line that ends
 * with LF alone, white space before a colon, folded lines, two lengths, a length
 * beside a transfer coding. No I/O.
 *
 *   switch (mill_http_request_parse (data, length, &request, &end)) {
 *     case MILL_HTTP_HEAD_WHOLE: ... request.path; data + end is the next one
 *     case MILL_HTTP_HEAD_PARTIAL: ... read on, then from the beginning again
 *     case MILL_HTTP_HEAD_WRONG: ... request.status, and end the connection
 *   }
 */

/* Longest head, with all its lines; and how many of those. */
#define MILL_HTTP_MAX_HEAD (16 * 1024)
#define MILL_HTTP_MAX_LINES 100

typedef enum
{
  MILL_HTTP_GET,
  MILL_HTTP_HEAD,
  MILL_HTTP_OPTIONS,
  MILL_HTTP_OTHER,
} MillHttpMethod;

/** The header fields that somebody here asks for. */
typedef enum
{
  MILL_HTTP_ACCEPT_ENCODING,
  MILL_HTTP_IF_NONE_MATCH,
  MILL_HTTP_IF_RANGE,
  MILL_HTTP_RANGE,
  MILL_HTTP_ORIGINAL_URI, /* X-Original-URI */
  MILL_HTTP_N_FIELDS,
} MillHttpField;

/**
 * MillHttpRequest:
 * @status: when it is wrong: what to answer
 * @path: as it was sent, from its slash on, without the query; of OPTIONS
 *   perhaps "*"
 * @query: (nullable): without its question mark
 * @minor: of HTTP/1.@minor; 1 for whatever comes after 1.1
 * @keeps: the client wants to use the connection again
 * @has_body: something follows the head that is not the next request
 * @fields: (nullable) each: the lines of one name, joined by commas
 *
 * Strings are of the data that was parsed, until mill_http_request_keep().
 */
typedef struct
{
  guint status;
  MillHttpMethod method;
  const gchar *path;
  const gchar *query;
  guint minor;
  gboolean keeps;
  gboolean has_body;
  const gchar *fields[MILL_HTTP_N_FIELDS];
  GStringChunk *strings; /* nullable: what @fields are in, if not the data */
} MillHttpRequest;

typedef enum
{
  MILL_HTTP_HEAD_WHOLE,
  MILL_HTTP_HEAD_PARTIAL,
  MILL_HTTP_HEAD_WRONG,
} MillHttpHead;

/**
 * mill_http_request_parse:
 * @data: written to, if the head is whole
 * @ret_end: (out): bytes of the head and the empty lines before it
 *
 * Always sets @ret_request, to be cleared.
 */
MillHttpHead mill_http_request_parse (gchar *data, gsize length,
    MillHttpRequest *ret_request, gsize *ret_end);

/** @path and @query go, @fields stay: the data that was parsed is not needed any
 * more. */
void mill_http_request_keep (MillHttpRequest *request);

void mill_http_request_clear (MillHttpRequest *request);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MillHttpRequest, mill_http_request_clear)

G_END_DECLS
