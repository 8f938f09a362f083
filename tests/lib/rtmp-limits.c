/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What a peer may not do to us: a fault here means that one stranger's
 * connection can take the memory or the time of all others. Each bound is hit
 * by a peer that goes one step too far, and by name. */
#include "rtmp/rtmp-session.h"

#include <malloc.h>

#include "rtmp-test.h"
#include "rtmp/amf0.h"
#include "bytes/bytes.h"
#include "rtmp/rtmp-chunk-writer.h"

typedef struct
{
  MillRtmpSession *session;
  MillRtmpChunkWriter *writer;
  GByteArray *unsent;
  guint n_publish;
  gsize media_bytes;
} Peer;

static void
on_publish (MillRtmpSession *session, const MillRtmpPublish *publish,
    gpointer user_data)
{
  Peer *peer = user_data;
  peer->n_publish++;
  mill_rtmp_session_accept (session);
}

static void
on_media (MillRtmpSession *session, MillRtmpMediaType type,
    guint32 timestamp_ms, GstBuffer *payload, gpointer user_data)
{
  Peer *peer = user_data;
  peer->media_bytes += gst_buffer_get_size (payload);
  gst_buffer_unref (payload);
}

static const MillRtmpSessionEvents events = {
  .publish = on_publish,
  .media = on_media,
};

static gboolean
peer_flush (Peer *peer, GError **error)
{
  gsize consumed;
  gboolean ok = mill_rtmp_session_feed (peer->session, peer->unsent->data,
      peer->unsent->len, &consumed, error);
  g_byte_array_set_size (peer->unsent, 0);
  return ok;
}

static void
peer_read_answers (Peer *peer)
{
  gsize size;
  mill_rtmp_session_peek_output (peer->session, &size);
  mill_rtmp_session_drop_output (peer->session, size);
}

static gsize
peer_count_unread (Peer *peer)
{
  gsize size;
  mill_rtmp_session_peek_output (peer->session, &size);
  return size;
}

/* A message on @chunk_stream. */
static void
peer_send_on (Peer *peer, guint chunk_stream, guint8 type,
    const GByteArray *body)
{
  MillRtmpHeader header = {
    .chunk_stream = chunk_stream,
    .type = type,
    .stream_id = 1,
  };
  mill_rtmp_chunk_writer_write (peer->writer, peer->unsent, &header, body->data,
      body->len);
}

static void
peer_send_hex (Peer *peer, guint8 type, const gchar *hex)
{
  g_autoptr (GByteArray) body = bytes_from_hex (hex);
  peer_send_on (peer, 3, type, body);
}

static void
peer_send_raw (Peer *peer, const gchar *hex)
{
  g_autoptr (GByteArray) bytes = bytes_from_hex (hex);
  g_byte_array_append (peer->unsent, bytes->data, bytes->len);
}

/* @app: bytes of the application's name. */
static void
peer_connect (Peer *peer, gsize app)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();
  g_autofree gchar *name = g_strnfill (app, 'a');
  mill_amf0_write_string (body, "connect");
  mill_amf0_write_number (body, 1);
  mill_amf0_write_object_begin (body);
  mill_amf0_write_name (body, "app");
  mill_amf0_write_string (body, name);
  mill_amf0_write_object_end (body);
  peer_send_on (peer, 3, MILL_RTMP_MESSAGE_COMMAND, body);
}

/* @query: bytes after "name?". */
static void
peer_publish (Peer *peer, gsize query)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();
  g_autofree gchar *rest = g_strnfill (query, 'q');
  g_autofree gchar *name = g_strconcat ("name?", rest, NULL);
  mill_amf0_write_string (body, "publish");
  mill_amf0_write_number (body, 0);
  mill_amf0_write_null (body);
  mill_amf0_write_string (body, name);
  peer_send_on (peer, 3, MILL_RTMP_MESSAGE_COMMAND, body);
}

typedef enum
{
  AFTER_HANDSHAKE,
  AFTER_CONNECT,
  AFTER_PUBLISH,
} Stage;

static Peer *
peer_new (const MillRtmpLimits *limits, Stage stage)
{
  static const guint8 handshake[1 + 2 * 1536] = { 3 };
  Peer *peer = g_new0 (Peer, 1);
  g_autoptr (GError) error = NULL;
  gsize consumed;
  peer->session = mill_rtmp_session_new (limits, &events, peer);
  peer->writer = mill_rtmp_chunk_writer_new ();
  peer->unsent = g_byte_array_new ();
  mill_rtmp_session_feed (peer->session, handshake, sizeof handshake, &consumed,
      &error);
  g_assert_no_error (error);
  if (stage >= AFTER_CONNECT)
    peer_connect (peer, 4);
  if (stage >= AFTER_PUBLISH)
    peer_publish (peer, 4);
  peer_flush (peer, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (peer->n_publish, ==, stage >= AFTER_PUBLISH ? 1 : 0);
  peer_read_answers (peer);
  return peer;
}

static void
peer_free (Peer *peer)
{
  mill_rtmp_session_free (peer->session);
  mill_rtmp_chunk_writer_free (peer->writer);
  g_byte_array_unref (peer->unsent);
  g_free (peer);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Peer, peer_free)

static void
assert_limit (Peer *peer, MillRtmpLimit limit)
{
  g_autoptr (GError) error = NULL;
  g_assert_false (peer_flush (peer, &error));
  g_assert_error (error, MILL_RTMP_LIMIT_ERROR, (gint) limit);
  g_test_message ("%s: %s", mill_rtmp_limits_get_name (limit), error->message);
  /* Nothing is taken after it. */
  g_clear_error (&error);
  peer_connect (peer, 4);
  g_assert_false (peer_flush (peer, &error));
  g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_STATE);
}

static void
assert_fine (Peer *peer)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (peer_flush (peer, &error));
  g_assert_no_error (error);
}

/* ---- messages ---- */

/* 8 MiB announced in one message: refused before a byte of it is kept. */
static void
test_message_bytes (void)
{
  g_autoptr (Peer) peer = peer_new (NULL, AFTER_PUBLISH);
  peer_send_raw (peer, "06 000000 800000 09 01000000");
  assert_fine (peer);
  g_autoptr (Peer) giant = peer_new (NULL, AFTER_PUBLISH);
  peer_send_raw (giant, "06 000000 800001 09 01000000");
  assert_limit (giant, MILL_RTMP_LIMIT_MESSAGE_BYTES);
  /* the third one of 8 MiB, on three chunk streams at once */
  g_autoptr (Peer) many = peer_new (NULL, AFTER_PUBLISH);
  GByteArray *start = many->unsent;
  for (guint i = 6; i < 9; i++) {
    const guint8 header[12] = { i, 0, 0, 0, 0x80, 0, 0, 9, 1 };
    const guint8 chunk[128] = { 0 };
    g_byte_array_append (start, header, sizeof header);
    g_byte_array_append (start, chunk, sizeof chunk);
  }
  assert_limit (many, MILL_RTMP_LIMIT_MESSAGE_BYTES);
}

/* Nobody has let it in: 64 KiB is all it may say, as one message or many. */
static void
test_before_publish (void)
{
  g_autoptr (Peer) giant = peer_new (NULL, AFTER_HANDSHAKE);
  peer_send_raw (giant, "03 000000 010001 14 00000000");
  assert_limit (giant, MILL_RTMP_LIMIT_MESSAGE_BYTES);

  g_autoptr (Peer) chatty = peer_new (NULL, AFTER_CONNECT);
  g_autoptr (GByteArray) body = g_byte_array_new ();
  g_byte_array_set_size (body, 1000);
  memset (body->data, 0, body->len);
  for (guint i = 0; i < 66; i++)
    peer_send_on (chatty, 4, MILL_RTMP_MESSAGE_AUDIO, body);
  assert_limit (chatty, MILL_RTMP_LIMIT_BYTES_BEFORE_PUBLISH);
  g_assert_cmpuint (chatty->media_bytes, ==, 0);

  g_autoptr (Peer) busy = peer_new (NULL, AFTER_CONNECT);
  /* connect was the first */
  for (guint i = 1; i < 64; i++) {
    peer_send_hex (busy, 20,
        "02 000c 63726561746553747265616d 00 0000000000000000");
    assert_fine (busy);
    peer_read_answers (busy);
  }
  peer_send_hex (busy, 20,
      "02 000c 63726561746553747265616d 00 0000000000000000");
  assert_limit (busy, MILL_RTMP_LIMIT_COMMANDS_BEFORE_PUBLISH);
}

/* A publisher that publishes again has its bytes and commands again. */
static void
test_before_publish_again (void)
{
  g_autoptr (Peer) peer = peer_new (NULL, AFTER_PUBLISH);
  for (guint i = 0; i < 100; i++) {
    peer_send_hex (peer, 20,
        "02 000b 636c6f736553747265616d 00 0000000000000000");
    peer_publish (peer, 4);
    assert_fine (peer);
    peer_read_answers (peer);
  }
  g_assert_cmpuint (peer->n_publish, ==, 101);
}

/* ---- chunks ---- */

static void
test_chunk_streams (void)
{
  g_autoptr (Peer) peer = peer_new (NULL, AFTER_PUBLISH);
  g_autoptr (GByteArray) body = bytes_from_hex ("af 01 00");
  for (guint id = 4; id < 4 + 63; id++)
    peer_send_on (peer, id, MILL_RTMP_MESSAGE_AUDIO, body);
  assert_fine (peer);
  for (guint id = 1000; id < 5000; id++)
    peer_send_on (peer, id, MILL_RTMP_MESSAGE_AUDIO, body);
  assert_limit (peer, MILL_RTMP_LIMIT_CHUNK_STREAMS);
  g_assert_cmpuint (peer->media_bytes, ==, 3 * 63);
}

/* Chunks of one byte cost the peer more than us; the largest are one message
 * each. Both are legal, section 5.4.1. */
static void
test_chunk_sizes (void)
{
  g_autoptr (Peer) one = peer_new (NULL, AFTER_PUBLISH);
  g_autoptr (GByteArray) frame = g_byte_array_new ();
  g_byte_array_set_size (frame, 5000);
  memset (frame->data, 0x17, frame->len);
  mill_rtmp_chunk_writer_set_chunk_size (one->writer, one->unsent, 1);
  peer_send_on (one, 6, MILL_RTMP_MESSAGE_VIDEO, frame);
  mill_rtmp_chunk_writer_set_chunk_size (one->writer, one->unsent, 0xffffff);
  peer_send_on (one, 6, MILL_RTMP_MESSAGE_VIDEO, frame);
  assert_fine (one);
  g_assert_cmpuint (one->media_bytes, ==, 10000);

  /* above 0xFFFFFF all sizes are the same; the top bit is not a size */
  g_autoptr (Peer) large = peer_new (NULL, AFTER_PUBLISH);
  peer_send_raw (large, "02 000000 000004 01 00000000 7fffffff");
  assert_fine (large);
  peer_send_raw (large, "02 000000 000004 01 00000000 ffffffff");
  g_autoptr (GError) error = NULL;
  g_assert_false (peer_flush (large, &error));
  g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL);

  static const MillRtmpLimits limits = { .max_chunk_bytes = 65536 };
  g_autoptr (Peer) bounded = peer_new (&limits, AFTER_PUBLISH);
  peer_send_raw (bounded, "02 000000 000004 01 00000000 00010001");
  assert_limit (bounded, MILL_RTMP_LIMIT_CHUNK_BYTES);
}

/* A message that is begun and aborted again and again holds nothing, and lets
 * the next one through (section 5.4.2). */
static void
test_aborts (void)
{
  g_autoptr (Peer) peer = peer_new (NULL, AFTER_PUBLISH);
  g_autoptr (GByteArray) chunk = g_byte_array_new ();
  g_byte_array_set_size (chunk, 128);
  memset (chunk->data, 0x17, chunk->len);
  for (guint i = 0; i < 10000; i++) {
    peer_send_raw (peer, "06 000000 800000 09 01000000");
    g_byte_array_append (peer->unsent, chunk->data, chunk->len);
    peer_send_raw (peer, "02 000000 000004 02 00000000 00000006");
  }
  assert_fine (peer);
  peer_send_raw (peer, "06 000000 000080 09 01000000");
  g_byte_array_append (peer->unsent, chunk->data, chunk->len);
  assert_fine (peer);
  g_assert_cmpuint (peer->media_bytes, ==, 128);
}

/* ---- AMF ---- */

static GByteArray *
begin_command (void)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();
  mill_amf0_write_string (body, "anything");
  mill_amf0_write_number (body, 0);
  return g_steal_pointer (&body);
}

/* @depth arrays in arrays behind the name and the number of a command. */
static void
send_nested (Peer *peer, guint depth)
{
  static const guint8 array_of_one[] = { 0x0a, 0, 0, 0, 1 };
  g_autoptr (GByteArray) body = begin_command ();
  for (guint i = 0; i < depth; i++)
    g_byte_array_append (body, array_of_one, sizeof array_of_one);
  mill_amf0_write_null (body);
  peer_send_on (peer, 3, MILL_RTMP_MESSAGE_COMMAND, body);
}

/* @n nulls in one array. */
static void
send_wide (Peer *peer, guint n)
{
  g_autoptr (GByteArray) body = begin_command ();
  guint8 array[5] = { 0x0a };
  mill_bytes_write_u32 (array + 1, n);
  g_byte_array_append (body, array, sizeof array);
  for (guint i = 0; i < n; i++)
    mill_amf0_write_null (body);
  peer_send_on (peer, 3, MILL_RTMP_MESSAGE_COMMAND, body);
}

static void
test_amf (void)
{
  g_autoptr (Peer) deep = peer_new (NULL, AFTER_HANDSHAKE);
  send_nested (deep, 16);
  assert_fine (deep);
  send_nested (deep, 10000);
  assert_limit (deep, MILL_RTMP_LIMIT_AMF_DEPTH);

  g_autoptr (Peer) wide = peer_new (NULL, AFTER_HANDSHAKE);
  send_wide (wide, 4096 - 3); /* name, number, the array itself */
  assert_fine (wide);
  send_wide (wide, 4096 - 2);
  assert_limit (wide, MILL_RTMP_LIMIT_AMF_VALUES);
}

/* onMetaData over a bound is passed over: it is no reason to end a stream. */
static void
test_amf_data (void)
{
  g_autoptr (Peer) peer = peer_new (NULL, AFTER_PUBLISH);
  g_autoptr (GByteArray) body = bytes_from_hex ("02 000a 6f6e4d65746144617461");
  guint8 array[5] = { 0x0a };
  mill_bytes_write_u32 (array + 1, 7 * 1024 * 1024);
  g_byte_array_append (body, array, sizeof array);
  guint start = body->len;
  g_byte_array_set_size (body, start + 7 * 1024 * 1024);
  memset (body->data + start, 0x05, body->len - start);
  peer_send_on (peer, 5, MILL_RTMP_MESSAGE_DATA, body);
  assert_fine (peer);
}

static void
test_strings (void)
{
  g_autoptr (Peer) app = peer_new (NULL, AFTER_HANDSHAKE);
  peer_connect (app, 2049);
  assert_limit (app, MILL_RTMP_LIMIT_STRING_BYTES);
  g_autoptr (Peer) name = peer_new (NULL, AFTER_HANDSHAKE);
  peer_connect (name, 2048);
  assert_fine (name);
  peer_publish (name, 2048 - strlen ("name?"));
  assert_fine (name);
  g_assert_cmpuint (name->n_publish, ==, 1);
  g_autoptr (Peer) query = peer_new (NULL, AFTER_CONNECT);
  peer_publish (query, 2048 - strlen ("name?") + 1);
  assert_limit (query, MILL_RTMP_LIMIT_STRING_BYTES);
  g_assert_cmpuint (query->n_publish, ==, 0);
}

/* ---- answers ---- */

static void
test_unread (void)
{
  g_autoptr (Peer) peer = peer_new (NULL, AFTER_PUBLISH);
  g_autoptr (GError) error = NULL;
  for (guint i = 0; error == NULL; i++) {
    g_assert_cmpuint (i, <, 100000);
    peer_send_hex (peer, 4, "0006 00000001");
    peer_flush (peer, &error);
    g_assert_cmpuint (peer_count_unread (peer), <, 64 * 1024 + 32);
  }
  g_assert_error (error, MILL_RTMP_LIMIT_ERROR, MILL_RTMP_LIMIT_UNREAD_BYTES);
}

/* A publisher that pings on and on, and reads all answers but the last few,
 * would have the memory of each that it has read. */
static void
test_read_slowly (void)
{
  g_autoptr (Peer) peer = peer_new (NULL, AFTER_PUBLISH);
  g_autoptr (GError) error = NULL;
  gsize before = 0;
  for (guint i = 0; i < 100 * 1000; i++) {
    peer_send_hex (peer, 4, "0006 00000001");
    peer_flush (peer, &error);
    g_assert_no_error (error);
    gsize unread = peer_count_unread (peer);
    g_assert_cmpuint (unread, >, 0);
    if (unread > 1000)
      mill_rtmp_session_drop_output (peer->session, unread - 900);
    if (i == 1000)
      before = mallinfo2 ().uordblks + mallinfo2 ().hblkhd;
  }
  /* 1.8 MB were sent. */
  g_assert_cmpuint (mallinfo2 ().uordblks + mallinfo2 ().hblkhd, <,
      before + 64 * 1024);
}

/* A window of one byte asks for an acknowledgement of each byte: there is one
 * per read at most, and none for a peer that does not read them (5.4.4). */
static void
test_window (void)
{
  g_autoptr (Peer) peer = peer_new (NULL, AFTER_PUBLISH);
  g_autoptr (GByteArray) body = bytes_from_hex ("af 01 00");
  peer_send_hex (peer, 5, "00000000");
  assert_fine (peer);
  peer_read_answers (peer);
  for (guint i = 0; i < 1000; i++)
    peer_send_on (peer, 4, MILL_RTMP_MESSAGE_AUDIO, body);
  assert_fine (peer);
  g_assert_cmpuint (peer_count_unread (peer), <=, 16);
  g_autoptr (GError) error = NULL;
  for (guint i = 0; error == NULL; i++) {
    g_assert_cmpuint (i, <, 100000);
    peer_send_on (peer, 4, MILL_RTMP_MESSAGE_AUDIO, body);
    peer_flush (peer, &error);
  }
  g_assert_error (error, MILL_RTMP_LIMIT_ERROR, MILL_RTMP_LIMIT_UNREAD_BYTES);
}

gint
main (gint argc, gchar **argv)
{
  init_gstreamer ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtmp/limits/message-bytes", test_message_bytes);
  g_test_add_func ("/rtmp/limits/before-publish", test_before_publish);
  g_test_add_func ("/rtmp/limits/before-publish-again",
      test_before_publish_again);
  g_test_add_func ("/rtmp/limits/chunk-streams", test_chunk_streams);
  g_test_add_func ("/rtmp/limits/chunk-sizes", test_chunk_sizes);
  g_test_add_func ("/rtmp/limits/aborts", test_aborts);
  g_test_add_func ("/rtmp/limits/amf", test_amf);
  g_test_add_func ("/rtmp/limits/amf-data", test_amf_data);
  g_test_add_func ("/rtmp/limits/strings", test_strings);
  g_test_add_func ("/rtmp/limits/unread", test_unread);
  g_test_add_func ("/rtmp/limits/read-slowly", test_read_slowly);
  g_test_add_func ("/rtmp/limits/window", test_window);
  return g_test_run ();
}
