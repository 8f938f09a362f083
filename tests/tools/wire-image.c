/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "wire-image.h"

#include "rtmp/amf0.h"
#include "rtmp/flv-tag.h"
#include "rtmp/rtmp-chunk-writer.h"
#include "rtmp/rtmp-client.h"

/* Offsets are 32 bits wide: files of up to 2 GiB, twice. */
#define MAX_FILE_BYTES (1u << 30)

static gboolean
is_config (const MillFlvFileTag *tag)
{
  MillFlvVideoTag video;
  MillFlvAudioTag audio;
  if (tag->type == MILL_RTMP_MESSAGE_VIDEO)
    return mill_flv_tag_parse_video (tag->data, tag->size, &video, NULL) &&
        video.packet_type == MILL_FLV_PACKET_CONFIG;
  return tag->type == MILL_RTMP_MESSAGE_AUDIO &&
      mill_flv_tag_parse_audio (tag->data, tag->size, &audio, NULL) &&
      audio.packet_type == MILL_FLV_PACKET_CONFIG;
}

/* Of AVC there are a configuration and an end that are none. */
static gboolean
is_picture (const MillFlvFileTag *tag)
{
  MillFlvVideoTag video;
  if (tag->type != MILL_RTMP_MESSAGE_VIDEO)
    return FALSE;
  return !mill_flv_tag_parse_video (tag->data, tag->size, &video, NULL) ||
      video.packet_type == MILL_FLV_PACKET_FRAME;
}

/* How long one track lasts: up to its last frame, and that frame's length,
 * taken as the mean. */
static guint32
track_length (const MillFlvFile *file, guint type)
{
  guint32 last_ms = 0;
  guint n_frames = 0;
  for (guint i = 0; i < file->tags->len; i++) {
    const MillFlvFileTag *tag = &g_array_index (file->tags, MillFlvFileTag, i);
    if (tag->type != type || is_config (tag))
      continue;
    last_ms = tag->time_ms;
    n_frames++;
  }
  return n_frames > 1 ? last_ms + last_ms / (n_frames - 1) : last_ms;
}

static void
write_tag (MillWireImage *image, MillRtmpChunkWriter *writer,
    const MillFlvFileTag *tag, guint32 time_ms)
{
  MillRtmpHeader header = {
    .chunk_stream = mill_rtmp_client_chunk_stream (tag->type),
    .type = tag->type,
    .stream_id = 1,
    .timestamp_ms = time_ms,
  };
  g_autoptr (GByteArray) body = g_byte_array_new ();
  if (tag->type == MILL_RTMP_MESSAGE_DATA)
    mill_amf0_write_string (body, "@setDataFrame");
  g_byte_array_append (body, tag->data, (guint) tag->size);
  mill_rtmp_chunk_writer_write (writer, image->bytes, &header, body->data,
      body->len);
  MillWireMessage message = {
    .time_ms = time_ms,
    .end = image->bytes->len,
    .is_frame = tag->type != MILL_RTMP_MESSAGE_DATA,
    .is_picture = is_picture (tag),
  };
  g_array_append_val (image->messages, message);
}

MillWireImage *
mill_wire_image_new (const MillFlvFile *file, guint chunk_size, GError **error)
{
  if (g_mapped_file_get_length (file->mapping) > MAX_FILE_BYTES) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
        "FLV file: got %" G_GSIZE_FORMAT " bytes, expected at most %u",
        g_mapped_file_get_length (file->mapping), MAX_FILE_BYTES);
    return NULL;
  }
  MillWireImage *image = g_new0 (MillWireImage, 1);
  image->bytes = g_byte_array_new ();
  image->messages = g_array_new (FALSE, FALSE, sizeof (MillWireMessage));
  image->loop_ms = MAX (1,
      MAX (track_length (file, MILL_RTMP_MESSAGE_VIDEO),
          track_length (file, MILL_RTMP_MESSAGE_AUDIO)));
  g_autoptr (MillRtmpChunkWriter) writer = mill_rtmp_chunk_writer_new ();
  /* the client has said the chunk size already: only use it */
  mill_rtmp_chunk_writer_set_chunk_size (writer, image->bytes, chunk_size);
  g_byte_array_set_size (image->bytes, 0);
  for (guint round = 0; round < 2; round++) {
    if (round == 1)
      image->loop_start = image->messages->len;
    for (guint i = 0; i < file->tags->len; i++) {
      const MillFlvFileTag *tag =
          &g_array_index (file->tags, MillFlvFileTag, i);
      gboolean once = tag->type == MILL_RTMP_MESSAGE_DATA || is_config (tag);
      if (round == 0 || !once)
        write_tag (image, writer, tag, round * image->loop_ms + tag->time_ms);
    }
  }
  if (image->loop_start == image->messages->len) {
    g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
        "FLV file: got no frames, expected some");
    g_clear_pointer (&image, mill_wire_image_free);
  }
  return image;
}

void
mill_wire_image_free (MillWireImage *image)
{
  if (image == NULL)
    return;
  g_byte_array_unref (image->bytes);
  g_array_unref (image->messages);
  g_free (image);
}
