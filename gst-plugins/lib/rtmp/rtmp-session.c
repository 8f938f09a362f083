/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-session.h"

#include <string.h>

#include "rtmp-aggregate.h"
#include "rtmp-command.h"
#include "rtmp-data.h"
#include "rtmp-handshake.h"
#include "rtmp-session-private.h"
#include "rtmp-session-state.h"
#include "bytes/bytes.h"
#include "rtmp-unsent.h"

/* Acknowledge this often until the peer says its window. */
#define DEFAULT_WINDOW 2500000

G_DEFINE_QUARK (mill_rtmp_error, mill_rtmp_error)

/* ---- life ---- */

MillRtmpSession *
mill_rtmp_session_private_new (const MillRtmpLimits *limits,
    const MillRtmpSessionEvents *events, gpointer user_data)
{
  MillRtmpSession *session = g_new0 (MillRtmpSession, 1);
  session->limits = mill_rtmp_limits_complete (limits);
  session->events = events;
  session->user_data = user_data;
  MillRtmpChunkLimits chunk_limits = {
    .max_chunk_bytes = session->limits.max_chunk_bytes,
    .max_chunk_streams = session->limits.max_chunk_streams,
  };
  session->reader = mill_rtmp_chunk_reader_new (&chunk_limits);
  session->writer = mill_rtmp_chunk_writer_new ();
  session->window = DEFAULT_WINDOW;
  return session;
}

MillRtmpSession *
mill_rtmp_session_new (const MillRtmpLimits *limits,
    const MillRtmpSessionEvents *events, gpointer user_data)
{
  MillRtmpSession *session =
      mill_rtmp_session_private_new (limits, events, user_data);
  mill_rtmp_session_private_limit_messages (session);
  return session;
}

void
mill_rtmp_session_free (MillRtmpSession *session)
{
  if (session == NULL)
    return;
  g_clear_pointer (&session->handshake, g_byte_array_unref);
  g_clear_pointer (&session->output, g_byte_array_unref);
  mill_rtmp_chunk_reader_free (session->reader);
  mill_rtmp_chunk_writer_free (session->writer);
  g_free (session->app);
  g_free (session->app_query);
  g_free (session->tc_url);
  g_free (session->flash_version);
  g_free (session->name);
  g_free (session->query);
  g_free (session);
}

void
mill_rtmp_session_set_user_data (MillRtmpSession *session, gpointer user_data)
{
  session->user_data = user_data;
}

/* A peer that nobody has accepted yet gets no room for media. */
void
mill_rtmp_session_private_limit_messages (MillRtmpSession *session)
{
  guint max_bytes = session->limits.max_message_bytes;
  if (session->state != MILL_RTMP_STATE_PUBLISHING)
    max_bytes = MIN (max_bytes, session->limits.max_bytes_before_publish);
  mill_rtmp_chunk_reader_set_max_message (session->reader, max_bytes);
}

/* ---- output: there is a buffer only while there is something to send ---- */

static GByteArray *
open_output (MillRtmpSession *session)
{
  if (session->output == NULL)
    session->output = g_byte_array_new ();
  return session->output;
}

void
mill_rtmp_session_private_send (MillRtmpSession *session,
    const MillRtmpHeader *header, const guint8 *data, gsize size)
{
  mill_rtmp_chunk_writer_write (session->writer, open_output (session), header,
      data, size);
}

void
mill_rtmp_session_private_send_chunk_size (MillRtmpSession *session,
    guint chunk_size)
{
  mill_rtmp_chunk_writer_set_chunk_size (session->writer, open_output (session),
      chunk_size);
}

static gboolean
check_output (const MillRtmpSession *session, GError **error)
{
  if (session->output == NULL ||
      session->output->len - session->output_sent <=
          session->limits.max_unread_bytes)
    return TRUE;
  g_set_error (error, MILL_RTMP_LIMIT_ERROR, MILL_RTMP_LIMIT_UNREAD_BYTES,
      "RTMP peer: got requests for %" G_GSIZE_FORMAT
      " bytes of answers without reading them, expected at most %u",
      session->output->len - session->output_sent,
      session->limits.max_unread_bytes);
  return FALSE;
}

const guint8 *
mill_rtmp_session_peek_output (MillRtmpSession *session, gsize *ret_size)
{
  if (session->output == NULL) {
    *ret_size = 0;
    return NULL;
  }
  *ret_size = session->output->len - session->output_sent;
  return session->output->data + session->output_sent;
}

void
mill_rtmp_session_drop_output (MillRtmpSession *session, gsize size)
{
  if (session->output == NULL)
    return;
  g_return_if_fail (size <= session->output->len - session->output_sent);
  session->output_sent =
      mill_rtmp_unsent_drop (session->output, session->output_sent, size);
  if (session->output->len == 0)
    g_clear_pointer (&session->output, g_byte_array_unref);
}

/* ---- handshake ---- */

static guint32
now_ms (void)
{
  return (guint32) (g_get_monotonic_time () / 1000);
}

static void
answer_first (MillRtmpSession *session, const guint8 *c1)
{
  MillRtmpHandshakeKind kind =
      mill_rtmp_handshake_detect (c1, MILL_RTMP_HANDSHAKE_CLIENT, NULL);
  GByteArray *output = open_output (session);
  guint start = output->len;
  g_byte_array_set_size (output, start + 1 + 2 * MILL_RTMP_HANDSHAKE_SIZE);
  guint8 *packet = output->data + start;
  *packet++ = MILL_RTMP_HANDSHAKE_VERSION;
  mill_rtmp_handshake_make_first (packet, kind, MILL_RTMP_HANDSHAKE_SERVER,
      now_ms ());
  mill_rtmp_handshake_make_second (packet + MILL_RTMP_HANDSHAKE_SIZE, c1,
      MILL_RTMP_HANDSHAKE_SERVER, now_ms ());
}

/* C0 and C1 are kept until they are whole; a version is judged at once, so
 * that a peer which speaks something else is not waited for. */
static gboolean
feed_first (MillRtmpSession *session, MillRtmpBytes *bytes, GError **error)
{
  if (session->handshake == NULL) {
    if (!mill_rtmp_handshake_check_version (bytes->data[0], error))
      return FALSE;
    session->handshake = g_byte_array_sized_new (1 + MILL_RTMP_HANDSHAKE_SIZE);
  }
  gsize missing = 1 + MILL_RTMP_HANDSHAKE_SIZE - session->handshake->len;
  gsize size = MIN (bytes->size, missing);
  g_byte_array_append (session->handshake, bytes->data, (guint) size);
  bytes->data += size;
  bytes->size -= size;
  if (size < missing)
    return TRUE;
  answer_first (session, session->handshake->data + 1);
  g_clear_pointer (&session->handshake, g_byte_array_unref);
  session->second_left = MILL_RTMP_HANDSHAKE_SIZE;
  session->state = MILL_RTMP_STATE_SECOND;
  return TRUE;
}

/* C2 proves nothing that a server needs, and encoders get it wrong. */
static void
feed_second (MillRtmpSession *session, MillRtmpBytes *bytes)
{
  gsize size = MIN (bytes->size, session->second_left);
  session->second_left -= size;
  bytes->data += size;
  bytes->size -= size;
  if (session->second_left == 0)
    session->state = MILL_RTMP_STATE_OPEN;
}

/* ---- messages ---- */

static void
give_media (MillRtmpSession *session, const MillRtmpHeader *header,
    GstBuffer *payload)
{
  g_autoptr (GstBuffer) owned = payload;
  if (session->state == MILL_RTMP_STATE_PUBLISHING && owned != NULL &&
      session->events->media != NULL)
    session->events->media (session, (MillRtmpMediaType) header->type,
        header->timestamp_ms, g_steal_pointer (&owned), session->user_data);
}

static gboolean
split_aggregate (MillRtmpSession *session, const MillRtmpHeader *header,
    GstBuffer *payload, const GstMapInfo *map, GError **error)
{
  MillRtmpAggregate aggregate;
  MillRtmpAggregatePart part;
  GError *broken = NULL;
  mill_rtmp_aggregate_init (&aggregate, header, map->data, map->size);
  while (mill_rtmp_aggregate_next (&aggregate, &part, &broken)) {
    gboolean is_media = part.header.type == MILL_RTMP_MESSAGE_AUDIO ||
        part.header.type == MILL_RTMP_MESSAGE_VIDEO;
    if (is_media && part.size > 0)
      give_media (session, &part.header,
          gst_buffer_copy_region (payload, GST_BUFFER_COPY_MEMORY, part.offset,
              part.size));
    else if (part.header.type == MILL_RTMP_MESSAGE_DATA)
      mill_rtmp_data_handle (session, map->data + part.offset, part.size);
  }
  if (broken == NULL)
    return TRUE;
  g_propagate_error (error, broken);
  return FALSE;
}

static gboolean
need_bytes (const GstMapInfo *map, gsize size, guint type, GError **error)
{
  if (map->size >= size)
    return TRUE;
  g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
      "message of type %u: got %" G_GSIZE_FORMAT
      " bytes, expected at least %" G_GSIZE_FORMAT,
      type, map->size, size);
  return FALSE;
}

/* Section 7.1.7: of all events only a ping wants an answer. */
static gboolean
handle_user_control (MillRtmpSession *session, const GstMapInfo *map,
    GError **error)
{
  if (!need_bytes (map, 2, MILL_RTMP_MESSAGE_USER_CONTROL, error))
    return FALSE;
  if (mill_bytes_read_u16 (map->data) != MILL_RTMP_CONTROL_PING_REQUEST)
    return TRUE;
  if (!need_bytes (map, 6, MILL_RTMP_MESSAGE_USER_CONTROL, error))
    return FALSE;
  guint8 pong[6];
  memcpy (pong, map->data, sizeof pong);
  mill_bytes_write_u16 (pong, MILL_RTMP_CONTROL_PING_RESPONSE);
  MillRtmpHeader header = {
    .chunk_stream = MILL_RTMP_CHUNK_STREAM_CONTROL,
    .type = MILL_RTMP_MESSAGE_USER_CONTROL,
  };
  mill_rtmp_session_private_send (session, &header, pong, sizeof pong);
  return TRUE;
}

/* Section 5.4.4: how often this peer wants to be acknowledged */
static gboolean
handle_window_size (MillRtmpSession *session, const GstMapInfo *map,
    GError **error)
{
  if (!need_bytes (map, 4, MILL_RTMP_MESSAGE_WINDOW_SIZE, error))
    return FALSE;
  session->window = MAX (1, mill_bytes_read_u32 (map->data));
  return TRUE;
}

/* All but audio and video, whose payload is not looked at here. */
static gboolean
handle_mapped (MillRtmpSession *session, const MillRtmpHeader *header,
    GstBuffer *payload, const GstMapInfo *map, GError **error)
{
  switch (header->type) {
    case MILL_RTMP_MESSAGE_USER_CONTROL:
      return handle_user_control (session, map, error);
    case MILL_RTMP_MESSAGE_WINDOW_SIZE:
      return handle_window_size (session, map, error);
    case MILL_RTMP_MESSAGE_COMMAND:
      return mill_rtmp_command_handle (session, header->stream_id, map->data,
          map->size, error);
    case MILL_RTMP_MESSAGE_COMMAND_AMF3:
      /* a marker, then AMF0 until a value says otherwise */
      return mill_rtmp_command_handle (session, header->stream_id,
          map->data + 1, map->size - 1, error);
    case MILL_RTMP_MESSAGE_DATA:
      mill_rtmp_data_handle (session, map->data, map->size);
      return TRUE;
    case MILL_RTMP_MESSAGE_DATA_AMF3:
      mill_rtmp_data_handle (session, map->data + 1, map->size - 1);
      return TRUE;
    case MILL_RTMP_MESSAGE_AGGREGATE:
      return split_aggregate (session, header, payload, map, error);
    default:
      return TRUE; /* section 5.4: what is not known is passed over */
  }
}

static gboolean
handle_message (MillRtmpSession *session, const MillRtmpHeader *header,
    GstBuffer *payload, GError **error)
{
  if (header->type == MILL_RTMP_MESSAGE_AUDIO ||
      header->type == MILL_RTMP_MESSAGE_VIDEO) {
    give_media (session, header, payload);
    return TRUE;
  }
  g_autoptr (GstBuffer) owned = payload;
  if (owned == NULL)
    return TRUE;
  GstMapInfo map;
  gst_buffer_map (owned, &map, GST_MAP_READ);
  gboolean ok = handle_mapped (session, header, owned, &map, error);
  gst_buffer_unmap (owned, &map);
  return ok;
}

static gboolean
check_before_publish (MillRtmpSession *session, gsize consumed, GError **error)
{
  if (session->state > MILL_RTMP_STATE_CONNECTED)
    return TRUE;
  session->before_publish += consumed;
  if (session->before_publish <= session->limits.max_bytes_before_publish)
    return TRUE;
  g_set_error (error, MILL_RTMP_LIMIT_ERROR,
      MILL_RTMP_LIMIT_BYTES_BEFORE_PUBLISH,
      "RTMP peer: got %" G_GSIZE_FORMAT
      " bytes without publish, expected at most %u",
      session->before_publish, session->limits.max_bytes_before_publish);
  return FALSE;
}

static gboolean
feed_messages (MillRtmpSession *session, MillRtmpBytes *bytes, GError **error)
{
  gsize size = bytes->size;
  MillRtmpHeader header;
  GstBuffer *payload;
  switch (mill_rtmp_chunk_reader_feed (session->reader, bytes, &header,
      &payload, error)) {
    case MILL_RTMP_CHUNK_FAILED:
      return FALSE;
    case MILL_RTMP_CHUNK_MESSAGE:
      if (!handle_message (session, &header, payload, error))
        return FALSE;
      break;
    case MILL_RTMP_CHUNK_MORE:
    default:
      break;
  }
  return check_before_publish (session, size - bytes->size, error);
}

/* Section 5.4.3: the bytes received so far, once per window. */
static void
acknowledge (MillRtmpSession *session)
{
  if (session->received - session->acknowledged < session->window ||
      session->state < MILL_RTMP_STATE_OPEN)
    return;
  session->acknowledged = session->received;
  guint8 payload[4];
  mill_bytes_write_u32 (payload, session->received);
  MillRtmpHeader header = {
    .chunk_stream = MILL_RTMP_CHUNK_STREAM_CONTROL,
    .type = MILL_RTMP_MESSAGE_ACKNOWLEDGEMENT,
  };
  mill_rtmp_session_private_send (session, &header, payload, sizeof payload);
}

/* One step forward in whatever state; consumes at least a byte. */
static gboolean
feed_step (MillRtmpSession *session, MillRtmpBytes *bytes, GError **error)
{
  switch (session->state) {
    case MILL_RTMP_STATE_FIRST:
      return feed_first (session, bytes, error);
    case MILL_RTMP_STATE_SECOND:
      feed_second (session, bytes);
      return TRUE;
    case MILL_RTMP_STATE_OPEN:
    case MILL_RTMP_STATE_CONNECTED:
    case MILL_RTMP_STATE_PUBLISHING:
      return feed_messages (session, bytes, error) &&
          check_output (session, error);
    case MILL_RTMP_STATE_REFUSED:
      bytes->data += bytes->size;
      bytes->size = 0;
      return TRUE;
    case MILL_RTMP_STATE_FAILED:
    case MILL_RTMP_STATE_ASKING:
    default:
      g_set_error_literal (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_STATE,
          "RTMP session: got bytes after an error, expected to be closed");
      return FALSE;
  }
}

gboolean
mill_rtmp_session_feed (MillRtmpSession *session, const guint8 *data,
    gsize size, gsize *ret_consumed, GError **error)
{
  MillRtmpBytes bytes = { data, size };
  gboolean ok = TRUE;
  while (ok && bytes.size > 0 && session->state != MILL_RTMP_STATE_ASKING)
    ok = feed_step (session, &bytes, error);
  session->received += (guint32) (size - bytes.size);
  *ret_consumed = size - bytes.size;
  if (!ok) {
    session->state = MILL_RTMP_STATE_FAILED;
    return FALSE;
  }
  acknowledge (session);
  return TRUE;
}

/* ---- answers of the owner ---- */

void
mill_rtmp_session_accept (MillRtmpSession *session)
{
  g_return_if_fail (session->state == MILL_RTMP_STATE_ASKING);
  session->state = MILL_RTMP_STATE_PUBLISHING;
  mill_rtmp_session_private_limit_messages (session);
  mill_rtmp_command_send_accepted (session);
}

void
mill_rtmp_session_refuse (MillRtmpSession *session, const gchar *code,
    const gchar *description)
{
  g_return_if_fail (session->state == MILL_RTMP_STATE_ASKING ||
      session->state == MILL_RTMP_STATE_PUBLISHING);
  session->state = MILL_RTMP_STATE_REFUSED;
  mill_rtmp_command_send_refused (session, code, description);
}

gboolean
mill_rtmp_session_request_reconnect (MillRtmpSession *session,
    const gchar *tc_url, const gchar *description)
{
  if (session->state != MILL_RTMP_STATE_PUBLISHING ||
      (session->capabilities.caps_ex & MILL_RTMP_CAPS_RECONNECT) == 0)
    return FALSE;
  mill_rtmp_command_send_reconnect (session, tc_url, description);
  return TRUE;
}

/* ---- memory ---- */

void
mill_rtmp_session_visit (const MillRtmpSession *session,
    MillRtmpVisitFunc visit, gpointer user_data)
{
  visit (session, sizeof *session, user_data);
  mill_rtmp_chunk_reader_visit (session->reader, visit, user_data);
}

void
mill_rtmp_session_set_memory_kind (MillRtmpSession *session,
    const MillRtmpMemoryKind *kind)
{
  mill_rtmp_chunk_reader_set_memory_kind (session->reader, kind);
}

gpointer
mill_rtmp_session_peek_room (const MillRtmpSession *session)
{
  return mill_rtmp_chunk_reader_peek_room (session->reader);
}

gboolean
mill_rtmp_session_is_between_messages (const MillRtmpSession *session)
{
  return mill_rtmp_chunk_reader_is_idle (session->reader);
}

/* ---- hand-over ---- */

GVariant *
mill_rtmp_session_save (MillRtmpSession *session, GError **error)
{
  return mill_rtmp_session_state_save (session, error);
}

MillRtmpSession *
mill_rtmp_session_load (GVariant *variant, const MillRtmpLimits *limits,
    const MillRtmpSessionEvents *events, gpointer user_data, GError **error)
{
  g_autoptr (MillRtmpSession) session =
      mill_rtmp_session_private_new (limits, events, user_data);
  if (!mill_rtmp_session_state_load (session, variant, error))
    return NULL;
  return g_steal_pointer (&session);
}
