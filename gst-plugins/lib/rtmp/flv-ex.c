/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "flv-ex.h"

#include "flv-tag.h"
#include "rtmp-bytes.h"
#include "rtmp-session.h"

#define MAX_NANO_OFFSET 999999

static gsize
get_left (const MillFlvExReader *reader)
{
  return reader->size - reader->position;
}

/* The next @size bytes, or NULL with an error that says where they end. */
static const guint8 *
take (MillFlvExReader *reader, gsize size, const gchar *what, GError **error)
{
  if (get_left (reader) < size) {
    g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "extended %s message at byte %" G_GSIZE_FORMAT
        ", %s: got %" G_GSIZE_FORMAT " more bytes, expected %" G_GSIZE_FORMAT,
        reader->kind == MILL_FLV_KIND_VIDEO ? "video" : "audio",
        reader->position, what, get_left (reader), size);
    return NULL;
  }
  const guint8 *bytes = reader->data + reader->position;
  reader->position += size;
  return bytes;
}

static gboolean
take_fourcc (MillFlvExReader *reader, GError **error)
{
  const guint8 *bytes = take (reader, 4, "FourCC", error);
  if (bytes == NULL)
    return FALSE;
  reader->fourcc = mill_bytes_read_u32 (bytes);
  return TRUE;
}

/* One ModEx packet: its size less one in 8 bits, in 16 when that is full; its
 * data; its type, and the packet type that it stood before. An offset of a
 * whole millisecond or more is not one: it is passed over, as unknown types
 * are. */
static gboolean
take_mod_ex (MillFlvExReader *reader, GError **error)
{
  const guint8 *bytes = take (reader, 1, "size of ModEx", error);
  if (bytes == NULL)
    return FALSE;
  gsize size = bytes[0] + 1u;
  if (size == 256) {
    bytes = take (reader, 2, "long size of ModEx", error);
    if (bytes == NULL)
      return FALSE;
    size = mill_bytes_read_u16 (bytes) + 1u;
  }
  const guint8 *data = take (reader, size, "data of ModEx", error);
  if (data == NULL)
    return FALSE;
  bytes = take (reader, 1, "type of ModEx", error);
  if (bytes == NULL)
    return FALSE;
  reader->packet_type = bytes[0] & 0x0f;
  if (bytes[0] >> 4 != MILL_FLV_EX_MOD_TIMESTAMP_OFFSET_NANO || size < 3)
    return TRUE;
  guint32 offset = mill_bytes_read_u24 (data);
  if (offset <= MAX_NANO_OFFSET)
    reader->nano_offset = offset;
  return TRUE;
}

static gboolean
is_multitrack (const MillFlvExReader *reader, guint packet_type)
{
  return packet_type ==
      (reader->kind == MILL_FLV_KIND_VIDEO ? MILL_FLV_EX_VIDEO_MULTITRACK
                                           : MILL_FLV_EX_AUDIO_MULTITRACK);
}

/* "This fetch MUST not result in a ...PacketType.Multitrack"; nor can ModEx,
 * which comes before, be here. */
static gboolean
take_multitrack (MillFlvExReader *reader, GError **error)
{
  const guint8 *bytes = take (reader, 1, "multitrack type", error);
  if (bytes == NULL)
    return FALSE;
  guint multitrack = bytes[0] >> 4;
  reader->packet_type = bytes[0] & 0x0f;
  if (multitrack > MILL_FLV_EX_MANY_TRACKS_MANY_CODECS ||
      is_multitrack (reader, reader->packet_type) ||
      reader->packet_type == MILL_FLV_EX_MOD_EX) {
    g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "multitrack message: got multitrack type %u with packet type %u, "
        "expected a type of 0 to 2 with another packet type",
        multitrack, reader->packet_type);
    return FALSE;
  }
  reader->multitrack = multitrack;
  return multitrack == MILL_FLV_EX_MANY_TRACKS_MANY_CODECS ||
      take_fourcc (reader, error);
}

gboolean
mill_flv_ex_open (MillFlvExReader *reader, MillFlvKind kind, const guint8 *data,
    gsize size, GError **error)
{
  *reader = (MillFlvExReader){
    .kind = kind,
    .multitrack = MILL_FLV_EX_NO_MULTITRACK,
    .data = data,
    .size = size,
    .has_next = TRUE,
  };
  const guint8 *first = take (reader, 1, "header", error);
  if (first == NULL)
    return FALSE;
  reader->packet_type = first[0] & 0x0f;
  if (kind == MILL_FLV_KIND_VIDEO)
    reader->frame_type = (first[0] >> 4) & 0x07;
  while (reader->packet_type == MILL_FLV_EX_MOD_EX) {
    if (!take_mod_ex (reader, error))
      return FALSE;
  }
  /* metadata ignores the frame type */
  if (reader->frame_type == MILL_FLV_FRAME_COMMAND &&
      reader->packet_type != MILL_FLV_EX_VIDEO_METADATA) {
    reader->is_command = TRUE;
    reader->has_next = FALSE;
    return take (reader, 1, "command", error) != NULL;
  }
  if (is_multitrack (reader, reader->packet_type))
    return take_multitrack (reader, error);
  return take_fourcc (reader, error);
}

/* What goes before a track's body in a multitrack message.
 * @ret_size: of the body */
static gboolean
take_track_header (MillFlvExReader *reader, MillFlvExTrack *track,
    gsize *ret_size, GError **error)
{
  if (reader->multitrack == MILL_FLV_EX_MANY_TRACKS_MANY_CODECS &&
      !take_fourcc (reader, error))
    return FALSE;
  const guint8 *id = take (reader, 1, "track id", error);
  if (id == NULL)
    return FALSE;
  track->id = id[0];
  *ret_size = get_left (reader);
  if (reader->multitrack == MILL_FLV_EX_ONE_TRACK)
    return TRUE;
  const guint8 *bytes = take (reader, 3, "size of a track", error);
  if (bytes == NULL)
    return FALSE;
  *ret_size = mill_bytes_read_u24 (bytes);
  if (*ret_size <= get_left (reader))
    return TRUE;
  g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
      "track '%u': got %" G_GSIZE_FORMAT
      " more bytes, expected %" G_GSIZE_FORMAT,
      track->id, get_left (reader), *ret_size);
  return FALSE;
}

/* Only H.264 and HEVC put frames into another order than that of decoding. */
static gboolean
has_composition_time (const MillFlvExReader *reader)
{
  return reader->kind == MILL_FLV_KIND_VIDEO &&
      reader->packet_type == MILL_FLV_EX_CODED_FRAMES &&
      (reader->fourcc == MILL_FLV_FOURCC_AVC ||
          reader->fourcc == MILL_FLV_FOURCC_HEVC);
}

static gboolean
read_track (MillFlvExReader *reader, MillFlvExTrack *track, GError **error)
{
  gsize size = get_left (reader);
  if (reader->multitrack != MILL_FLV_EX_NO_MULTITRACK &&
      !take_track_header (reader, track, &size, error))
    return FALSE;
  gsize end = reader->position + size;
  track->fourcc = reader->fourcc;
  if (has_composition_time (reader)) {
    if (size < 3) {
      g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
          "track '%u': got a body of %" G_GSIZE_FORMAT
          " bytes, expected a composition time of 3",
          track->id, size);
      return FALSE;
    }
    track->composition_time_ms =
        mill_rtmp_read_s24 (reader->data + reader->position);
    reader->position += 3;
  }
  track->offset = reader->position;
  track->size = end - reader->position;
  reader->position = end;
  return TRUE;
}

gboolean
mill_flv_ex_next (MillFlvExReader *reader, MillFlvExTrack *ret_track,
    GError **error)
{
  if (!reader->has_next)
    return FALSE;
  MillFlvExTrack track = { 0 };
  reader->has_next = FALSE;
  if (!read_track (reader, &track, error))
    return FALSE;
  reader->has_next = reader->position < reader->size;
  *ret_track = track;
  return TRUE;
}
