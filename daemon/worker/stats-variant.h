/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* What an element's `stats` say, for D-Bus: an a{sv} with the fields' names,
 * numbers, strings and booleans as they are, structures as a{sv}, lists and
 * arrays as av, fractions and anything else as text.
 * Returns: floating */
GVariant *mill_stats_variant_new (const GstStructure *stats);

/* The `stats` property of @element.
 * Returns: (transfer full) (nullable): NULL without such a property. */
GstStructure *mill_stats_variant_read (GstElement *element);

G_END_DECLS
