/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* An FLV file, mapped and indexed once (FLV specification 10.1 annex E). */
typedef struct
{
  guint type; /* 8 audio, 9 video, 18 script data */
  guint32 time_ms;
  const guint8 *data; /* the tag's body, in the mapping */
  gsize size;
} MillFlvFileTag;

typedef struct
{
  GMappedFile *mapping;
  GArray *tags; /* MillFlvFileTag, by time */
} MillFlvFile;

MillFlvFile *mill_flv_file_open (const gchar *path, GError **error);
void mill_flv_file_free (MillFlvFile *file);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillFlvFile, mill_flv_file_free)

G_END_DECLS
