/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "flv-file.h"

G_BEGIN_DECLS

/*
 * The chunks of an endless show, made once for all publishers: the file played
 * once, and played again after that. The second time only deltas are left in
 * it, so that it can be sent over and over and time goes on.
 */
typedef struct
{
  guint32 time_ms; /* since the start of the show */
  guint32 end; /* where its bytes end in the image */
  gboolean is_frame; /* audio or video */
  gboolean is_picture; /* video that shows something */
} MillWireMessage;

typedef struct
{
  GByteArray *bytes;
  GArray *messages; /* MillWireMessage; bytes are in the same order */
  guint loop_start; /* index of the first message of the second time */
  guint32 loop_ms;
} MillWireImage;

/* The show on message stream 1 in chunks of @chunk_size. */
MillWireImage *mill_wire_image_new (const MillFlvFile *file, guint chunk_size,
    GError **error);
void mill_wire_image_free (MillWireImage *image);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillWireImage, mill_wire_image_free)

G_END_DECLS
