/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <string.h>

#include "bmff/bmff-writer.h"
#include "hex.h"

static inline void
assert_bytes (const MillBmffWriter *writer, const gchar *expected_hex)
{
  g_autoptr (GBytes) expected = hex_to_bytes (expected_hex);
  gsize size;
  const guint8 *data = g_bytes_get_data (expected, &size);
  g_autofree gchar *got_text = hex_from_data (writer->data, writer->size);
  g_autofree gchar *expected_text = hex_from_data (data, size);
  g_assert_cmpstr (got_text, ==, expected_text);
}
