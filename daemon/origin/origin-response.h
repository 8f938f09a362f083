/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/origin/http-exchange.h"
#include "daemon/origin/origin-files.h"

G_BEGIN_DECLS

/* Answers to a GET or HEAD: conditions, ranges, headers. Main thread. */

/** What goes with an answer of 200, 206 or 304. */
typedef struct
{
  const gchar *content_type;
  const gchar *cache_control;
  const gchar *version; /* ETag without quotes */
  const gchar *content_encoding; /* nullable */
  gboolean varies; /* by Accept-Encoding */
  const gchar *lines; /* nullable: more of the head, with their ends */
} MillOriginMeta;

/** Begins an answer: its status, and what is in the head of every one: CORS,
 * nosniff. */
void mill_origin_response_begin (MillHttpExchange *exchange, guint status);

/** Answers with a small problem+json (RFC 9457) and a short life in caches. */
void mill_origin_response_set_error (MillHttpExchange *exchange, guint status);

/** The same with @cache_control of its own, and lines for its head.
 * @lines: (nullable): whole ones, with their ends */
void mill_origin_response_set_problem (MillHttpExchange *exchange, guint status,
    const gchar *cache_control, const gchar *lines);

/** Answers 200 with a text that nobody is to keep. */
void mill_origin_response_set_text (MillHttpExchange *exchange,
    const gchar *content_type, const gchar *text);

/** Answers a CORS preflight, and any other OPTIONS. */
void mill_origin_response_set_options (MillHttpExchange *exchange);

/** Answers with what is in memory. */
void mill_origin_response_set_bytes (MillHttpExchange *exchange,
    const MillOriginMeta *meta, GBytes *content);

/** Answers with @file of a MillOriginFiles, by sendfile(): an answer costs no
 * memory, whatever its size and however slowly it is taken. */
void mill_origin_response_set_file (MillHttpExchange *exchange,
    const MillOriginMeta *meta, MillOriginFile *file);

/** The same with @length bytes from @offset on, which the file has, as if they
 * were all: ranges are of them. */
void mill_origin_response_set_slice (MillHttpExchange *exchange,
    const MillOriginMeta *meta, MillOriginFile *file, guint64 offset,
    guint64 length);

G_END_DECLS
