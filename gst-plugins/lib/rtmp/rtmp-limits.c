/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-limits.h"

G_DEFINE_QUARK (mill_rtmp_limit_error, mill_rtmp_limit_error)

static const gchar *const names[] = {
  [MILL_RTMP_LIMIT_MESSAGE_BYTES] = "message-bytes",
  [MILL_RTMP_LIMIT_CHUNK_BYTES] = "chunk-bytes",
  [MILL_RTMP_LIMIT_CHUNK_STREAMS] = "chunk-streams",
  [MILL_RTMP_LIMIT_AMF_DEPTH] = "amf-depth",
  [MILL_RTMP_LIMIT_AMF_VALUES] = "amf-values",
  [MILL_RTMP_LIMIT_STRING_BYTES] = "string-bytes",
  [MILL_RTMP_LIMIT_BYTES_BEFORE_PUBLISH] = "bytes-before-publish",
  [MILL_RTMP_LIMIT_COMMANDS_BEFORE_PUBLISH] = "commands-before-publish",
  [MILL_RTMP_LIMIT_UNREAD_BYTES] = "unread-bytes",
};

G_STATIC_ASSERT (G_N_ELEMENTS (names) == MILL_RTMP_N_LIMITS);

const gchar *
mill_rtmp_limits_get_name (MillRtmpLimit limit)
{
  g_return_val_if_fail (limit < MILL_RTMP_N_LIMITS, "");
  return names[limit];
}

static guint
or_default (guint limit, guint fallback)
{
  return limit != 0 ? limit : fallback;
}

MillRtmpLimits
mill_rtmp_limits_complete (const MillRtmpLimits *limits)
{
  MillRtmpLimits some = { 0 };
  if (limits != NULL)
    some = *limits;
  return (MillRtmpLimits){
    .max_message_bytes = or_default (some.max_message_bytes, 8 * 1024 * 1024),
    .max_chunk_bytes = or_default (some.max_chunk_bytes, 0xffffff),
    .max_chunk_streams = or_default (some.max_chunk_streams, 64),
    .max_amf_depth = or_default (some.max_amf_depth, 16),
    .max_amf_values = or_default (some.max_amf_values, 4096),
    .max_string_bytes = or_default (some.max_string_bytes, 2048),
    .max_bytes_before_publish =
        or_default (some.max_bytes_before_publish, 64 * 1024),
    .max_commands_before_publish =
        or_default (some.max_commands_before_publish, 64),
    .max_unread_bytes = or_default (some.max_unread_bytes, 64 * 1024),
  };
}
