/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/** What a document says of its times (TTML2 7.2). */
typedef struct
{
  guint frame_rate; /* ttp:frameRate */
  guint multiplier_n; /* ttp:frameRateMultiplier */
  guint multiplier_d;
  guint tick_rate; /* ttp:tickRate */
} MillTextTtmlRates;

void mill_text_ttml_time_init (MillTextTtmlRates *rates);

/** @name: without prefix; other attributes are ignored */
void mill_text_ttml_time_set (MillTextTtmlRates *rates, const gchar *name,
    const gchar *value);

/** Reads a time expression (TTML2 12.3.1): "00:00:01.5", "00:00:01:12", "1.5s",
 * "90t". Returns: FALSE for what is none */
gboolean mill_text_ttml_time_parse (const MillTextTtmlRates *rates,
    const gchar *text, GstClockTimeDiff *ret_time);

G_END_DECLS
