/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-memory.h"
#include "rtmp-output-private.h"

#include "rtmp/flv-ex.h"
#include "rtmp/flv-tag.h"

GST_DEBUG_CATEGORY_EXTERN (mill_rtmp_output_debug);
#define GST_CAT_DEFAULT mill_rtmp_output_debug

/* A frame without its configuration, or of another codec than that, would be of
 * no use to anybody; nor is an empty one. */
static void
add_frame (MillRtmpOutputMessage *message, guint32 fourcc,
    const MillRtmpOutputFrame *frame)
{
  const MillRtmpTrack *track = frame->track;

  message->has_media = TRUE;
  if (mill_rtmp_track_runs (track) && track->fourcc == fourcc &&
      frame->size > 0)
    message->frames[message->n_frames++] = *frame;
}

static void
ignore_damaged (MillRtmpOutput *self, MillFlvKind kind, gsize size,
    const GError *error)
{
  GST_DEBUG_OBJECT (self->element,
      "%s message of %" G_GSIZE_FORMAT " bytes is damaged, ignoring: %s",
      mill_rtmp_track_get_kind_name (kind), size, error->message);
}

static void
read_video (MillRtmpOutput *self, const guint8 *data, gsize size,
    MillRtmpOutputMessage *message)
{
  MillRtmpTrack *track = self->tracks[MILL_RTMP_OUTPUT_VIDEO];
  g_autoptr (GError) error = NULL;
  MillFlvVideoTag tag;

  if (!mill_flv_tag_parse_video (data, size, &tag, &error)) {
    ignore_damaged (self, MILL_FLV_KIND_VIDEO, size, error);
    return;
  }
  message->has_media = tag.packet_type != MILL_FLV_PACKET_CONFIG;
  if (tag.codec != MILL_FLV_VIDEO_AVC) {
    g_autofree gchar *name = mill_flv_tag_video_codec_name (&tag);
    mill_rtmp_output_config_refuse (self, track, name,
        "This is not passed through.");
    return;
  }
  MillRtmpOutputFrame frame = {
    .track = track,
    .offset = tag.header_size,
    .size = size - tag.header_size,
    .composition_ms = tag.composition_time_ms,
    .is_delta = tag.frame_type != MILL_FLV_FRAME_KEY,
  };
  if (tag.frame_type == MILL_FLV_FRAME_COMMAND)
    return;
  if (tag.packet_type == MILL_FLV_PACKET_FRAME)
    add_frame (message, MILL_FLV_FOURCC_AVC, &frame);
  else if (tag.packet_type == MILL_FLV_PACKET_CONFIG)
    mill_rtmp_output_config_read (self, track, MILL_FLV_FOURCC_AVC,
        data + frame.offset, frame.size, message->arrival_us);
}

static void
read_audio (MillRtmpOutput *self, const guint8 *data, gsize size,
    MillRtmpOutputMessage *message)
{
  MillRtmpTrack *track = self->tracks[MILL_RTMP_OUTPUT_AUDIO];
  g_autoptr (GError) error = NULL;
  MillFlvAudioTag tag;

  if (!mill_flv_tag_parse_audio (data, size, &tag, &error)) {
    ignore_damaged (self, MILL_FLV_KIND_AUDIO, size, error);
    return;
  }
  message->has_media = tag.packet_type != MILL_FLV_PACKET_CONFIG;
  MillRtmpOutputFrame frame = {
    .track = track,
    .offset = tag.header_size,
    .size = size - tag.header_size,
  };
  if (tag.format == MILL_FLV_AUDIO_AAC) {
    if (tag.packet_type == MILL_FLV_PACKET_FRAME)
      add_frame (message, MILL_FLV_FOURCC_AAC, &frame);
    else if (tag.packet_type == MILL_FLV_PACKET_CONFIG)
      mill_rtmp_output_config_read (self, track, MILL_FLV_FOURCC_AAC,
          data + frame.offset, frame.size, message->arrival_us);
  } else if (tag.format == MILL_FLV_AUDIO_MP3 ||
      tag.format == MILL_FLV_AUDIO_MP3_8K) {
    mill_rtmp_output_config_read_in_band (self, track, MILL_FLV_FOURCC_MP3,
        data + frame.offset, frame.size, message->arrival_us);
    add_frame (message, MILL_FLV_FOURCC_MP3, &frame);
  } else {
    g_autofree gchar *name = mill_flv_tag_audio_codec_name (&tag);
    mill_rtmp_output_config_refuse (self, track, name,
        "This is not passed through.");
  }
}

/* What of an extended message is of one track. */
static void
read_video_track (MillRtmpOutput *self, const MillFlvExReader *reader,
    const MillFlvExTrack *part, MillRtmpTrack *track,
    MillRtmpOutputMessage *message)
{
  const guint8 *data = reader->data + part->offset;
  MillRtmpOutputFrame frame = {
    .track = track,
    .offset = part->offset,
    .size = part->size,
    .composition_ms = part->composition_time_ms,
    .is_delta = reader->frame_type != MILL_FLV_FRAME_KEY,
  };

  switch (reader->packet_type) {
    case MILL_FLV_EX_SEQUENCE_START:
      mill_rtmp_output_config_read (self, track, part->fourcc, data, part->size,
          message->arrival_us);
      break;
    case MILL_FLV_EX_CODED_FRAMES:
    case MILL_FLV_EX_VIDEO_CODED_FRAMES_X:
      add_frame (message, part->fourcc, &frame);
      break;
    case MILL_FLV_EX_VIDEO_METADATA:
      mill_rtmp_output_config_read_color (self, track, data, part->size,
          message->arrival_us);
      break;
    case MILL_FLV_EX_VIDEO_MPEG2TS_SEQUENCE_START:
      mill_rtmp_output_config_refuse (self, track,
          "AV1 in the form of MPEG-2 TS",
          "An AV1CodecConfigurationRecord is needed.");
      break;
    default: /* the end of a sequence, and what is not known yet */
      break;
  }
}

static void
read_audio_track (MillRtmpOutput *self, const MillFlvExReader *reader,
    const MillFlvExTrack *part, MillRtmpTrack *track,
    MillRtmpOutputMessage *message)
{
  const guint8 *data = reader->data + part->offset;
  MillRtmpOutputFrame frame = { .track = track,
    .offset = part->offset,
    .size = part->size };
  gboolean is_in_band = mill_rtmp_caps_in_band_covers (part->fourcc);

  switch (reader->packet_type) {
    case MILL_FLV_EX_SEQUENCE_START:
      if (!is_in_band)
        mill_rtmp_output_config_read (self, track, part->fourcc, data,
            part->size, message->arrival_us);
      break;
    case MILL_FLV_EX_CODED_FRAMES:
      if (is_in_band)
        mill_rtmp_output_config_read_in_band (self, track, part->fourcc, data,
            part->size, message->arrival_us);
      add_frame (message, part->fourcc, &frame);
      break;
    case MILL_FLV_EX_AUDIO_MULTICHANNEL_CONFIG:
      mill_rtmp_output_config_read_channels (self, track, data, part->size,
          message->arrival_us);
      break;
    default:
      break;
  }
}

static void
read_part (MillRtmpOutput *self, const MillFlvExReader *reader,
    const MillFlvExTrack *part, MillRtmpOutputMessage *message)
{
  MillRtmpTrack *track =
      mill_rtmp_output_find_track (self, reader->kind, part->id);

  if (!track || message->n_frames == MILL_RTMP_OUTPUT_MAX_TRACKS)
    return;
  if (!mill_flv_fourcc_find (reader->kind, part->fourcc)) {
    g_autofree gchar *name = mill_flv_fourcc_to_text (part->fourcc);
    message->has_media |= reader->packet_type != MILL_FLV_EX_SEQUENCE_START;
    mill_rtmp_output_config_refuse (self, track, name,
        "This is not passed through.");
  } else if (reader->kind == MILL_FLV_KIND_VIDEO) {
    read_video_track (self, reader, part, track, message);
  } else {
    read_audio_track (self, reader, part, track, message);
  }
}

static void
read_extended (MillRtmpOutput *self, MillFlvKind kind, const guint8 *data,
    gsize size, MillRtmpOutputMessage *message)
{
  MillFlvExReader reader;
  MillFlvExTrack part;
  g_autoptr (GError) error = NULL;

  if (mill_flv_ex_open (&reader, kind, data, size, &error)) {
    message->nano = reader.nano_offset;
    while (mill_flv_ex_next (&reader, &part, &error))
      read_part (self, &reader, &part, message);
  }
  if (error)
    ignore_damaged (self, kind, size, error);
}

static void
read_bytes (MillRtmpOutput *self, MillFlvKind kind, const guint8 *data,
    gsize size, MillRtmpOutputMessage *message)
{
  if (size > 0 && mill_flv_ex_is_extended (kind, data))
    read_extended (self, kind, data, size, message);
  else if (kind == MILL_FLV_KIND_VIDEO)
    read_video (self, data, size, message);
  else
    read_audio (self, data, size, message);
}

void
mill_rtmp_output_message_read (MillRtmpOutput *self, MillFlvKind kind,
    GstBuffer *payload, MillRtmpOutputMessage *message)
{
  GstMapInfo map;
  gsize size;
  const guint8 *data = mill_rtmp_memory_peek (payload, &size);

  if (data) {
    read_bytes (self, kind, data, size, message);
  } else if (gst_buffer_map (payload, &map, GST_MAP_READ)) {
    read_bytes (self, kind, map.data, map.size, message);
    gst_buffer_unmap (payload, &map);
  }
}
