/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * How text of others goes into a playlist. A playlist is lines, so the one
 * thing no name may do is end a line or a quoted string.
 */

/** Appends a relative URI reference, with what RFC 3986 does not allow in a
 * path or query percent-encoded. */
void mill_hls_text_append_uri (GString *out, const gchar *uri);

/** The same of a URI that may begin with a scheme. */
void mill_hls_text_append_absolute_uri (GString *out, const gchar *uri);

/** Appends ",KEY="VALUE"" (RFC 8216bis 4.2, quoted-string). */
void mill_hls_text_append_quoted (GString *out, const gchar *key,
    const gchar *value);

/** Appends ",KEY="URI"". */
void mill_hls_text_append_quoted_uri (GString *out, const gchar *key,
    const gchar *uri);
void mill_hls_text_append_quoted_absolute_uri (GString *out, const gchar *key,
    const gchar *uri);

/** Appends a date of ISO 8601 in UTC, with milliseconds; @time_us: µs since 1970.
 * Returns: FALSE when it is beyond the year 9999 */
gboolean mill_hls_text_append_date (GString *out, gint64 time_us);

/** Appends a line of EXT-X-PROGRAM-DATE-TIME; nothing beyond the year 9999.
 * @time_us: since 1970 */
void mill_hls_text_append_date_time (GString *out, gint64 time_us);

/** Appends seconds with six digits, rounded to nearest. */
void mill_hls_text_append_seconds (GString *out, guint64 duration_ns);

G_END_DECLS
