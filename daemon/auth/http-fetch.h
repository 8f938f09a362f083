/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* One request and its whole answer, of which nothing is trusted: bounded in
 * time and size, and never redirected to somewhere else. */

typedef struct
{
  guint status;
  GBytes *body;
  gint64 max_age_s; /* "max-age" of Cache-Control; -1: it says nothing */
} MillHttpAnswer;

void mill_http_fetch_answer_free (MillHttpAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillHttpAnswer, mill_http_fetch_answer_free)

/* @ca_file: (nullable): certificates (PEM) that sign servers' ones, instead of
 *   the system's
 * Returns: (transfer full) (nullable) */
SoupSession *mill_http_fetch_new_session (const gchar *ca_file, GError **error);

typedef struct
{
  guint timeout_ms;
  gsize max_bytes; /* of the body */
} MillHttpBounds;

void mill_http_fetch_async (SoupSession *session, SoupMessage *message,
    const MillHttpBounds *bounds, GAsyncReadyCallback callback,
    gpointer user_data);
/* Returns: (transfer full) (nullable) */
MillHttpAnswer *mill_http_fetch_finish (GAsyncResult *result, GError **error);

G_END_DECLS
