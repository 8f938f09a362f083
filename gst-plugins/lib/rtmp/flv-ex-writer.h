/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "flv-ex.h"

G_BEGIN_DECLS

/* The other direction of flv-ex.h: for what publishes. */

/**
 * MillFlvExHeader:
 * @frame_type: MillFlvFrameType; not looked at for audio
 * @packet_type: a MillFlvExPacketType but those of multitrack and ModEx
 * @nano_offset: 0 to 999,999 ns; 0 is not written
 */
typedef struct
{
  MillFlvKind kind;
  guint frame_type;
  MillFlvExPacketType packet_type;
  MillFlvExMultitrack multitrack;
  guint32 nano_offset;
} MillFlvExHeader;

/** One track: without multitrack @id is not written, and there is one. */
typedef struct
{
  guint id;
  guint32 fourcc; /* the first one's is that of all but with many codecs */
  gint32 composition_time_ms;
  const guint8 *data;
  gsize size;
} MillFlvExBody;

/* Appends a whole message to @out. */
void mill_flv_ex_writer_write (GByteArray *out, const MillFlvExHeader *header,
    const MillFlvExBody *bodies, guint n_bodies);

G_END_DECLS
