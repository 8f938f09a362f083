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

/** An answer that is no content. */
typedef struct
{
  guint status;
  const gchar *detail; /* why, and what was expected: a text of ours */
  const gchar *stream; /* nullable: with @file, what was asked for */
  const gchar *file;
  const gchar *path; /* nullable: the same, where it is none of a stream */
  const gchar *cache_control; /* nullable: it has a short life in caches */
  const gchar *lines; /* nullable: more of the head, with their ends */
} MillOriginProblem;

/** Answers with a small problem+json (RFC 9457). What was asked for is in its
 * detail as in a URI: whatever else than a letter of those is in it is escaped, and
 * it is cut when it is long. */
void mill_origin_response_set_problem (MillHttpExchange *exchange,
    const MillOriginProblem *problem);

/** The same with nothing but its detail. */
void mill_origin_response_set_error (MillHttpExchange *exchange, guint status,
    const gchar *detail);

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
