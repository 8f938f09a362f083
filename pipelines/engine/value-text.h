/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Reads @text as a value of the property @pspec.
 * @ret_value: initialised on success only.
 * Returns: NULL, or what was expected: "an integer from 1 to 10".
 * (transfer full) (nullable) */
gchar *mill_value_text_parse (GParamSpec *pspec, const gchar *text,
    GValue *ret_value);

/* The text that mill_value_text_parse() would read back, for people and for
 * gst-launch-1.0. Returns: (transfer full) */
gchar *mill_value_text_format (const GValue *value);

/* The type and range of a property: "integer, 1 to 10". Returns: (transfer full) */
gchar *mill_value_text_describe (GParamSpec *pspec);

G_END_DECLS
