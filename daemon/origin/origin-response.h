/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <libsoup/soup.h>

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
} MillOriginMeta;

/** Headers of every answer, errors too: CORS, nosniff. */
void mill_origin_response_set_common (SoupServerMessage *message);

/** Answers with a small problem+json (RFC 9457) and a short life in caches. */
void mill_origin_response_set_error (SoupServerMessage *message, guint status);

/** Answers a CORS preflight, and any other OPTIONS. */
void mill_origin_response_set_options (SoupServerMessage *message);

/** Answers with what is in memory. */
void mill_origin_response_set_bytes (SoupServerMessage *message,
    const MillOriginMeta *meta, GBytes *content);

/** Answers with @file of a MillOriginFiles, by sendfile(): an answer costs no
 * memory, whatever its size and however slowly it is taken. */
void mill_origin_response_set_file (SoupServerMessage *message,
    const MillOriginMeta *meta, MillOriginFile *file);

/** The same with @length bytes from @offset on, which the file has, as if they
 * were all: ranges are of them. */
void mill_origin_response_set_slice (SoupServerMessage *message,
    const MillOriginMeta *meta, MillOriginFile *file, guint64 offset,
    guint64 length);

G_END_DECLS
