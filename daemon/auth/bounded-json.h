/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* One object of JSON that came from elsewhere, and nothing beside it. json-glib's
 * parser recurses, so what is nested deeper than some levels is refused before it
 * sees it.
 * Returns: (transfer full) (nullable): a node of an object; NULL with
 *   JSON_PARSER_ERROR */
JsonNode *mill_bounded_json_parse_object (const gchar *text, gsize size,
    GError **error);

/* The text of a member. Returns: (transfer none) (nullable): NULL also when it
 * is of another type */
const gchar *mill_bounded_json_get_text (JsonObject *object, const gchar *name);

/* A whole number of a member from @minimum to @maximum, as JSON may also write
 * it with a fraction (RFC 7519 §2, NumericDate), which is cut off.
 * Returns: FALSE when there is none, or it is something else */
gboolean mill_bounded_json_get_number (JsonObject *object, const gchar *name,
    gint64 minimum, gint64 maximum, gint64 *ret_number);

G_END_DECLS
