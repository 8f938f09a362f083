/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-track.h"

#include <gst/pbutils/pbutils.h>

#include "rtmp/rtmp-metadata.h"

GST_DEBUG_CATEGORY_EXTERN (mill_rtmp_output_debug);
#define GST_CAT_DEFAULT mill_rtmp_output_debug

const gchar *
mill_rtmp_track_get_kind_name (MillFlvKind kind)
{
  return kind == MILL_FLV_KIND_VIDEO ? "video" : "audio";
}

const gchar *
mill_rtmp_track_get_expected (MillFlvKind kind)
{
  return kind == MILL_FLV_KIND_VIDEO ? "H.264, HEVC, AV1, VP9 or VP8"
                                     : "AAC, Opus, FLAC, AC-3, E-AC-3 or MP3";
}

GstPadTemplate *
mill_rtmp_track_make_template (MillFlvKind kind)
{
  gboolean is_video = kind == MILL_FLV_KIND_VIDEO;
  g_autoptr (GstCaps) caps = gst_caps_from_string (is_video
          ? MILL_RTMP_CAPS_VIDEO
          : MILL_RTMP_CAPS_AUDIO);

  return gst_pad_template_new (is_video ? "video_%u" : "audio_%u", GST_PAD_SRC,
      GST_PAD_SOMETIMES, caps);
}

MillRtmpTrack *
mill_rtmp_track_new (MillFlvKind kind, guint id, guint slot)
{
  MillRtmpTrack *track = g_new0 (MillRtmpTrack, 1);

  track->kind = kind;
  track->id = id;
  track->slot = slot;
  track->frame_duration = GST_CLOCK_TIME_NONE;
  return track;
}

void
mill_rtmp_track_free (MillRtmpTrack *track)
{
  gst_clear_caps (&track->caps);
  gst_clear_tag_list (&track->tags);
  g_clear_pointer (&track->config, g_bytes_unref);
  g_free (track);
}

void
mill_rtmp_track_set_latency (MillRtmpTrack *track, guint latency_ms)
{
  track->latency_ms = latency_ms;
  if (track->pad)
    gst_pad_set_element_private (track->pad, GUINT_TO_POINTER (latency_ms));
}

void
mill_rtmp_track_begin (MillRtmpTrack *track)
{
  track->has_config = FALSE;
  track->is_refused = FALSE;
  track->is_warned = FALSE;
  track->color = (MillFlvColorInfo){ 0 };
  track->channels = (MillRtmpChannels){ 0 };
  g_clear_pointer (&track->config, g_bytes_unref);
}

/* ---- the configuration ---- */

gboolean
mill_rtmp_track_runs (const MillRtmpTrack *track)
{
  return track->has_config && !track->is_refused;
}

gboolean
mill_rtmp_track_has_config (const MillRtmpTrack *track, guint32 fourcc,
    const guint8 *data, gsize size)
{
  gsize own_size;

  if (!track->has_config || track->is_refused || track->fourcc != fourcc)
    return FALSE;
  const guint8 *own = g_bytes_get_data (track->config, &own_size);
  return own_size == size && (size == 0 || memcmp (own, data, size) == 0);
}

GstCaps *
mill_rtmp_track_make_caps (MillRtmpTrack *track,
    const MillRtmpTrackOwner *owner, guint32 fourcc, GBytes *config,
    GError **error)
{
  MillRtmpCapsSource source = {
    .kind = track->kind,
    .fourcc = fourcc,
    .track_id = track->id,
    .config = config ? config : track->config,
    .metadata = owner->metadata,
    .color = track->color,
    .channels = track->channels,
  };

  return mill_rtmp_caps_make (&source, &track->frame_duration, error);
}

void
mill_rtmp_track_set_config (MillRtmpTrack *track, guint32 fourcc,
    GBytes *config)
{
  g_bytes_ref (config);
  g_clear_pointer (&track->config, g_bytes_unref);
  track->config = config;
  track->fourcc = fourcc;
  track->has_config = TRUE;
  track->is_refused = FALSE;
}

/* ---- downstream ---- */

static gboolean
query_pad (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  /* A frame is pushed when it arrives, or with those that arrive soon after;
   * running time begins at an arrival. */
  guint latency_ms = GPOINTER_TO_UINT (gst_pad_get_element_private (pad));
  gst_query_set_latency (query, TRUE, latency_ms * GST_MSECOND,
      GST_CLOCK_TIME_NONE);
  return TRUE;
}

static void
push_start (MillRtmpTrack *track, const MillRtmpTrackOwner *owner)
{
  g_autofree gchar *stream_id = g_strdup_printf ("%s/%s/%s",
      GST_OBJECT_NAME (owner->element), owner->stream,
      GST_PAD_NAME (track->pad));
  GstEvent *event = gst_event_new_stream_start (stream_id);
  GstSegment segment;

  gst_event_set_group_id (event, owner->group_id);
  gst_pad_push_event (track->pad, event);
  gst_pad_push_event (track->pad, gst_event_new_caps (track->caps));
  /* Time stamps are running times: the origin is the pipeline's, over all
   * publishers. */
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (track->pad, gst_event_new_segment (&segment));
}

static void
add_pad (MillRtmpTrack *track, const MillRtmpTrackOwner *owner)
{
  g_autofree gchar *name = g_strdup_printf ("%s_%u",
      mill_rtmp_track_get_kind_name (track->kind), track->id);
  GstPadTemplate *template = gst_element_get_pad_template (owner->element,
      track->kind == MILL_FLV_KIND_VIDEO ? "video_%u" : "audio_%u");

  track->pad = gst_pad_new_from_template (template, name);
  gst_pad_set_query_function (track->pad, query_pad);
  gst_pad_set_element_private (track->pad,
      GUINT_TO_POINTER (track->latency_ms));
  gst_pad_use_fixed_caps (track->pad);
  gst_pad_set_active (track->pad, TRUE);
  push_start (track, owner);
}

/* RFC 5646 as far as a tag has it: two or three letters, or with more parts. */
static gboolean
is_language (const gchar *text)
{
  gsize length = strspn (text,
      "abcdefghijklmnopqrstuvwxyz"
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

  return length >= 2 && length <= 35 && text[length] == '\0' &&
      g_ascii_isalpha (text[0]);
}

static void
add_track_tags (MillRtmpTrack *track, const MillRtmpTrackOwner *owner,
    GstTagList *tags)
{
  gboolean is_video = track->kind == MILL_FLV_KIND_VIDEO;
  gdouble kbps = 0;
  const gchar *language = mill_rtmp_metadata_get_track_string (owner->metadata,
      track->kind, track->id, "language");

  mill_rtmp_metadata_get_number (owner->metadata, track->kind, track->id,
      is_video ? "videodatarate" : "audiodatarate", &kbps);
  if (kbps > 0 && kbps < 1e6)
    gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE, GST_TAG_NOMINAL_BITRATE,
        (guint) (kbps * 1000), NULL);
  if (language && is_language (language))
    gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE, GST_TAG_LANGUAGE_CODE,
        language, NULL);
}

static GstTagList *
make_tags (MillRtmpTrack *track, const MillRtmpTrackOwner *owner)
{
  GstTagList *tags = gst_tag_list_new_empty ();
  const gchar *encoder = owner->metadata
      ? gst_structure_get_string (owner->metadata, "encoder")
      : NULL;

  gst_pb_utils_add_codec_description_to_tag_list (tags,
      track->kind == MILL_FLV_KIND_VIDEO ? GST_TAG_VIDEO_CODEC
                                         : GST_TAG_AUDIO_CODEC,
      track->caps);
  add_track_tags (track, owner, tags);
  if (encoder && *encoder)
    gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE, GST_TAG_ENCODER, encoder,
        NULL);
  return tags;
}

gboolean
mill_rtmp_track_update_tags (MillRtmpTrack *track,
    const MillRtmpTrackOwner *owner)
{
  g_autoptr (GstTagList) tags = make_tags (track, owner);

  if (gst_tag_list_is_empty (tags) ||
      (track->tags && gst_tag_list_is_equal (track->tags, tags)))
    return FALSE;
  gst_clear_tag_list (&track->tags);
  track->tags = gst_tag_list_ref (tags);
  gst_pad_push_event (track->pad, gst_event_new_tag (g_steal_pointer (&tags)));
  return TRUE;
}

gboolean
mill_rtmp_track_set_caps (MillRtmpTrack *track, const MillRtmpTrackOwner *owner,
    GstCaps *caps)
{
  gboolean is_new = !track->pad;

  gst_caps_replace (&track->caps, caps);
  GST_INFO_OBJECT (owner->element, "%s_%u is %" GST_PTR_FORMAT,
      mill_rtmp_track_get_kind_name (track->kind), track->id, caps);
  if (is_new) {
    add_pad (track, owner);
    gst_clear_tag_list (&track->tags);
  } else {
    gst_pad_push_event (track->pad, gst_event_new_caps (caps));
  }
  mill_rtmp_track_update_tags (track, owner);
  return is_new;
}
