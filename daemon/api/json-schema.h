/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/*
 * Checks values against the schemas of openapi.json, so that what the
 * document says about a body is what the daemon does.
 *
 * Source: JSON Schema 2020-12, of which these keywords: $ref (within the
 * document), type, enum, properties, required, additionalProperties, items,
 * minLength, maxLength, pattern, minimum, maximum, maxItems, maxProperties, and
 * these formats: date-time (RFC 3339), address-range (a network or an address).
 */

/* Adds an object {pointer, detail} for every mistake to @errors; pointers are
 * RFC 6901.
 * @document: what $ref refers to */
void mill_json_schema_check (JsonObject *document, JsonObject *schema,
    JsonNode *value, JsonArray *errors);

/* The schema #/components/schemas/@name of @document.
 * Returns: (transfer none) (nullable) */
JsonObject *mill_json_schema_find (JsonObject *document, const gchar *name);

G_END_DECLS
