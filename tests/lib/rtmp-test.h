/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <string.h>

#include "rtmp/rtmp-session.h"

/* What the RTMP tests share: bytes from text and files, and splits of a byte
 * stream as a network makes them. */

/* Buffers need GStreamer, but none of its plugins: a registry that is made anew
 * grows GLib's table of names, which a sanitizer then calls a leak. */
static inline void
init_gstreamer (void)
{
  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  gst_init (NULL, NULL);
}

/* Bytes of "03 00ff"; blanks are free. (transfer full) */
static inline GByteArray *
bytes_from_hex (const gchar *hex)
{
  GByteArray *bytes = g_byte_array_new ();
  gint high = -1;
  for (; *hex != '\0'; hex++) {
    gint digit = g_ascii_xdigit_value (*hex);
    if (digit < 0)
      continue;
    if (high < 0) {
      high = digit;
      continue;
    }
    guint8 byte = (guint8) (high << 4 | digit);
    g_byte_array_append (bytes, &byte, 1);
    high = -1;
  }
  g_assert_cmpint (high, ==, -1);
  return bytes;
}

static inline GByteArray *
bytes_from_data_file (const gchar *name)
{
  g_autofree gchar *path =
      g_build_filename (g_getenv ("MILL_TEST_DATA"), name, NULL);
  gchar *contents;
  gsize size;
  g_autoptr (GError) error = NULL;
  g_file_get_contents (path, &contents, &size, &error);
  g_assert_no_error (error);
  return g_byte_array_new_take ((guint8 *) contents, size);
}

/* How a byte stream arrives: @chooses the size of the next piece. */
typedef gsize (*TestSplit) (GRand *rand, gsize left);

static inline gsize
split_whole (GRand *rand, gsize left)
{
  return left;
}

static inline gsize
split_bytes (GRand *rand, gsize left)
{
  return 1;
}

static inline gsize
split_random (GRand *rand, gsize left)
{
  gsize size = (gsize) g_rand_int_range (rand, 1, 2000);
  return MIN (size, left);
}
