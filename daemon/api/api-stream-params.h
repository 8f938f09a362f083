/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <json-glib/json-glib.h>

#include "catalog.h"
#include "stream-registry.h"

G_BEGIN_DECLS

/** The parameters of a stream as clients see and send them: a secret goes in
 * and never comes out. */

/* Their values; "***" for those that the description calls secret, and for all
 * when there is no such description any more. Returns: (transfer full) */
JsonObject *mill_api_stream_params_to_json (MillCatalog *catalog,
    const MillStream *stream);

/* The text to keep of the member `params` of @body. "***" stands for the value
 * that @stream (nullable) has, so that what was read may be sent back.
 * Returns: (transfer full) */
gchar *mill_api_stream_params_from_json (JsonObject *body,
    const MillStream *stream);

G_END_DECLS
