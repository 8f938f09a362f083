/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-data.h"

#include <string.h>

#include "rtmp-cue.h"
#include "rtmp-metadata.h"

static void
give_metadata (MillRtmpSession *session, const MillAmf0Value *object)
{
  if (session->events->metadata == NULL)
    return;
  g_autoptr (GstStructure) metadata = mill_rtmp_metadata_new (object);
  session->events->metadata (session, metadata, session->user_data);
}

static void
give_cue (MillRtmpSession *session, const MillAmf0Value *object)
{
  if (session->events->cue == NULL)
    return;
  g_autoptr (GBytes) section = mill_rtmp_cue_find_section (object);
  if (section != NULL)
    session->events->cue (session, section, session->user_data);
}

/* "@setDataFrame", "onMetaData", members: the first is what encoders add for
 * the server, the rest is what players would get. */
void
mill_rtmp_data_handle (MillRtmpSession *session, const guint8 *data, gsize size)
{
  if (session->state != MILL_RTMP_STATE_PUBLISHING)
    return;
  MillAmf0Reader reader;
  mill_rtmp_session_private_init_amf (session, &reader, data, size);
  MillAmf0Value value;
  gboolean is_metadata = FALSE;
  gboolean is_cue = FALSE;
  while (!mill_amf0_at_end (&reader)) {
    if (!mill_amf0_read (&reader, &value, NULL))
      return;
    if (value.type == MILL_AMF0_STRING) {
      is_metadata = value.string_size == strlen ("onMetaData") &&
          memcmp (value.string, "onMetaData", value.string_size) == 0;
      is_cue = mill_rtmp_cue_is_name (&value);
      continue;
    }
    gboolean has_members = value.type == MILL_AMF0_OBJECT ||
        value.type == MILL_AMF0_ECMA_ARRAY;
    if (is_metadata && has_members)
      give_metadata (session, &value);
    else if (is_cue && has_members)
      give_cue (session, &value);
    return;
  }
}
