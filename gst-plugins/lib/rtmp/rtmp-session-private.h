/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "amf0.h"
#include "rtmp-capabilities.h"
#include "rtmp-chunk-reader.h"
#include "rtmp-chunk-writer.h"
#include "rtmp-session.h"

G_BEGIN_DECLS

typedef enum
{
  MILL_RTMP_STATE_FIRST, /* C0 and C1 are awaited */
  MILL_RTMP_STATE_SECOND, /* C2 is awaited */
  MILL_RTMP_STATE_OPEN, /* messages, but no connect yet */
  MILL_RTMP_STATE_CONNECTED,
  MILL_RTMP_STATE_ASKING, /* publish waits for accept or refuse */
  MILL_RTMP_STATE_PUBLISHING,
  MILL_RTMP_STATE_REFUSED, /* what still comes is thrown away */
  MILL_RTMP_STATE_FAILED,
} MillRtmpState;

struct _MillRtmpSession
{
  MillRtmpLimits limits; /* without zeros */
  const MillRtmpSessionEvents *events;
  gpointer user_data;

  MillRtmpState state;
  GByteArray *handshake; /* nullable; C0 and C1 as far as they came */
  gsize second_left; /* bytes of C2 to come */
  gsize before_publish; /* bytes since the handshake or the last unpublish */
  guint commands_before_publish; /* likewise; not saved */

  MillRtmpChunkReader *reader;
  MillRtmpChunkWriter *writer;
  GByteArray *output; /* nullable: NULL while there is nothing to send */
  gsize output_sent;

  /* acknowledgements, section 5.4.3: counts wrap at 32 bits */
  guint32 window;
  guint32 received;
  guint32 acknowledged;

  /* what connect said */
  gchar *app;
  gchar *app_query;
  gchar *tc_url;
  gchar *flash_version;
  MillRtmpCapabilities capabilities;

  /* what publish said */
  guint32 last_stream_id; /* made by createStream */
  guint32 stream_id; /* message stream that publishes */
  gchar *name;
  gchar *query;
};

/* A session without any state, as new() and load() start. */
MillRtmpSession *mill_rtmp_session_private_new (const MillRtmpLimits *limits,
    const MillRtmpSessionEvents *events, gpointer user_data);

/* Appends a message to the output. */
void mill_rtmp_session_private_send (MillRtmpSession *session,
    const MillRtmpHeader *header, const guint8 *data, gsize size);

/* Says and uses another chunk size for what is sent from there on. */
void mill_rtmp_session_private_send_chunk_size (MillRtmpSession *session,
    guint chunk_size);

/* A reader of a command or data message, with the session's limits. */
static inline void
mill_rtmp_session_private_init_amf (const MillRtmpSession *session,
    MillAmf0Reader *reader, const guint8 *data, gsize size)
{
  mill_amf0_reader_init (reader, data, size, session->limits.max_amf_depth);
  reader->max_values = session->limits.max_amf_values;
}

/* How much a message may be long in this state. */
void mill_rtmp_session_private_limit_messages (MillRtmpSession *session);

G_END_DECLS
