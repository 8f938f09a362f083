/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What a stranger writes into a request: no path leads out of its stream, no
 * range out of its file. Input: path, Range, If-None-Match, Accept-Encoding,
 * a line each. */

#include <string.h>

#include "daemon/origin/origin-path.h"
#include "daemon/origin/origin-range.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

#define TOTAL 1000

static void
check_path (const gchar *raw)
{
  g_auto (MillOriginPath) path = { 0 };
  g_auto (GStrv) parts = NULL;

  mill_origin_path_parse (raw, &path);
  if (path.file == NULL)
    return;
  parts = g_strsplit (path.file, "/", -1);
  for (gsize i = 0; parts[i] != NULL; i++)
    g_assert_true (parts[i][0] != '.' && parts[i][0] != '\0');
  mill_origin_path_get_file_kind (path.file);
}

static void
check_range (const gchar *header)
{
  guint64 offset;
  guint64 length;

  if (mill_origin_range_parse (header, TOTAL, &offset, &length) !=
      MILL_ORIGIN_RANGE_PART)
    return;
  g_assert_cmpuint (length, >, 0);
  g_assert_cmpuint (length, <=, TOTAL);
  g_assert_cmpuint (offset, <=, TOTAL - length);
}

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  /* libFuzzer passes NULL for nothing. */
  g_autofree gchar *text = size > 0 ? g_strndup ((const gchar *) data, size)
                                    : g_strdup ("");
  g_auto (GStrv) lines = g_strsplit (text, "\n", 4);
  guint n = g_strv_length (lines);

  if (n > 0)
    check_path (lines[0]);
  if (n > 1)
    check_range (lines[1]);
  if (n > 2)
    mill_origin_range_matches (lines[2], "\"b\"");
  if (n > 3)
    mill_origin_range_accepts_gzip (lines[3]);
  return 0;
}
