/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bmff/bmff-writer.h"

G_BEGIN_DECLS

/* event_duration that says that it is not known (23009-1 5.10.3.3.4). */
#define MILL_BMFF_EVENT_NO_DURATION G_MAXUINT32

/**
 * MillBmffEvent: an event message box of version 1, which tells its time on the
 * track's own timeline and may stand in any chunk up to that time
 * @scheme, @value: what kind of message; not NULL
 * @timescale: that of the track, as CMAF wants (23000-19 7.4.5)
 * @time: presentation time
 * @id: messages of one scheme and value with one id are the same message
 */
typedef struct
{
  const gchar *scheme;
  const gchar *value;
  guint32 timescale;
  guint64 time;
  guint32 duration;
  guint32 id;
  GBytes *message;
} MillBmffEvent;

/** Appends the box. Source: ISO/IEC 23009-1 5.10.3.3 */
void mill_bmff_event_write (MillBmffWriter *writer, const MillBmffEvent *event);

/** Returns: bytes that mill_bmff_event_write() appends */
gsize mill_bmff_event_get_size (const MillBmffEvent *event);

G_END_DECLS
