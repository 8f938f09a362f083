/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * What a playlist says of a presentation as a whole: where to begin, what goes
 * with it, who steers. Plain structures; every string belongs to the caller.
 * Any thread.
 *
 * Source: RFC 8216bis (draft-pantos-hls-rfc8216bis-22).
 */

/**
 * MillHlsStart: EXT-X-START (clause 4.4.2.2)
 * @offset_ms: from the beginning, or negative from the end
 * @precise: media before that point of its segment is not shown
 */
typedef struct
{
  gint64 offset_ms;
  gboolean precise;
} MillHlsStart;

/**
 * MillHlsSessionData: one EXT-X-SESSION-DATA (clause 4.4.6.4)
 * @id: DATA-ID, best a reverse domain name; unique with @language
 * @value: (nullable): text; this or @uri
 * @uri: (nullable): where it is
 * @raw: what is at @uri is any data, not JSON
 * @language: (nullable): BCP 47 tag of @value
 */
typedef struct
{
  const gchar *id;
  const gchar *value;
  const gchar *uri;
  gboolean raw;
  const gchar *language;
} MillHlsSessionData;

/**
 * MillHlsSteering: EXT-X-CONTENT-STEERING (clause 4.4.6.6)
 * @uri: SERVER-URI, of the steering manifest
 * @pathway: (nullable): PATHWAY-ID to begin with
 */
typedef struct
{
  const gchar *uri;
  const gchar *pathway;
} MillHlsSteering;

/** Returns: whether @id may be a PATHWAY-ID: [A-Za-z0-9._-], at least one */
gboolean mill_hls_presentation_is_pathway (const gchar *id);

/* Each appends one line. */
void mill_hls_presentation_append_start (GString *out,
    const MillHlsStart *start);
void mill_hls_presentation_append_session_data (GString *out,
    const MillHlsSessionData *data);
void mill_hls_presentation_append_steering (GString *out,
    const MillHlsSteering *steering);

G_END_DECLS
