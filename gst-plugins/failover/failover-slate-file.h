/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/** What a slate is made of. */
typedef enum
{
  MILL_FAILOVER_SLATE_FILE_PNG,
  MILL_FAILOVER_SLATE_FILE_JPEG,
  MILL_FAILOVER_SLATE_FILE_MP4,
} MillFailoverSlateFileKind;

/* A film takes as much memory as its file has bytes. */
#define MILL_FAILOVER_SLATE_FILE_MAX_BYTES (64u << 20)

/** Whether a slate can be made of @location, as far as its first bytes tell.
 * Never waits for a writer, as the other end of a pipe would be.
 * Errors: GST_RESOURCE_ERROR, GST_STREAM_ERROR.WRONG_TYPE, with the file's name
 * and what was expected */
gboolean mill_failover_slate_file_check (const gchar *location,
    MillFailoverSlateFileKind *ret_kind, GError **error);

G_END_DECLS
