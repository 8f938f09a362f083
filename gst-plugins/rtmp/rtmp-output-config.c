/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-output-private.h"

GST_DEBUG_CATEGORY_EXTERN (mill_rtmp_output_debug);
#define GST_CAT_DEFAULT mill_rtmp_output_debug

/* Each change of the encoding costs every packager a segment and new playlists:
 * so many at once, and one more per second. */
#define MAX_CHANGES 8

static MillRtmpTrackOwner
get_owner (MillRtmpOutput *self)
{
  return (MillRtmpTrackOwner){ self->element, self->stream, self->group_id,
    self->metadata };
}

void
mill_rtmp_output_config_refuse (MillRtmpOutput *self, MillRtmpTrack *track,
    const gchar *what, const gchar *details)
{
  track->is_refused = TRUE;
  if (track->is_warned)
    return;
  track->is_warned = TRUE;
  g_free (self->refusal);
  self->refusal = g_strdup (what);
  GST_ELEMENT_WARNING (self->element, STREAM, CODEC_NOT_FOUND,
      ("The %s of stream '%s' cannot be used: got %s, expected %s.",
          mill_rtmp_track_get_kind_name (track->kind), self->stream, what,
          mill_rtmp_track_get_expected (track->kind)),
      ("%s_%u: %s", mill_rtmp_track_get_kind_name (track->kind), track->id,
          details));
}

static gboolean
may_change (MillRtmpOutput *self, gint64 now_us)
{
  gint64 seconds = (now_us - self->changes_since_us) / G_USEC_PER_SEC;

  if (seconds > 0) {
    self->changes -= (guint) MIN (seconds, self->changes);
    self->changes_since_us = now_us;
  }
  if (self->changes >= MAX_CHANGES)
    return FALSE;
  self->changes++;
  return TRUE;
}

static void
set_caps (MillRtmpOutput *self, MillRtmpTrack *track, GstCaps *caps)
{
  MillRtmpTrackOwner owner = get_owner (self);

  if (!mill_rtmp_track_set_caps (track, &owner, caps))
    return;
  gst_flow_combiner_add_pad (self->combiner, track->pad);
  gst_element_add_pad (self->element, track->pad);
}

static gboolean
is_other_caps (const MillRtmpTrack *track, GstCaps *caps)
{
  return track->caps && !gst_caps_is_equal (track->caps, caps);
}

static void
handle_config (MillRtmpOutput *self, MillRtmpTrack *track, guint32 fourcc,
    GBytes *config, gint64 arrival_us)
{
  MillRtmpTrackOwner owner = get_owner (self);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstCaps) caps =
      mill_rtmp_track_make_caps (track, &owner, fourcc, config, &error);

  if (!caps) {
    mill_rtmp_output_config_refuse (self, track,
        "a damaged codec configuration", error->message);
    return;
  }
  gboolean is_change = is_other_caps (track, caps);
  if (is_change && !may_change (self, arrival_us)) {
    mill_rtmp_output_config_refuse (self, track, "a new encoding too often",
        "Frames are dropped until the encoding may change again.");
    return;
  }
  mill_rtmp_track_set_config (track, fourcc, config);
  if (is_change)
    track->is_discont = TRUE;
  if (is_change || !track->caps)
    set_caps (self, track, caps);
}

/* Encoders repeat it with every keyframe. */
void
mill_rtmp_output_config_read (MillRtmpOutput *self, MillRtmpTrack *track,
    guint32 fourcc, const guint8 *data, gsize size, gint64 arrival_us)
{
  if (mill_rtmp_track_has_config (track, fourcc, data, size))
    return;
  g_autoptr (GBytes) config = g_bytes_new (data, size);
  handle_config (self, track, fourcc, config, arrival_us);
}

/* Caps and tags again, because something beside the configuration has become
 * known. What would be a change too many waits for the next time. */
void
mill_rtmp_output_config_refresh (MillRtmpOutput *self, MillRtmpTrack *track,
    gint64 now_us)
{
  MillRtmpTrackOwner owner = get_owner (self);

  if (!mill_rtmp_track_runs (track))
    return;
  g_autoptr (GstCaps) caps =
      mill_rtmp_track_make_caps (track, &owner, track->fourcc, NULL, NULL);
  if (!caps)
    return;
  if (is_other_caps (track, caps) && may_change (self, now_us))
    set_caps (self, track, caps);
  else if (self->changes < MAX_CHANGES &&
      mill_rtmp_track_update_tags (track, &owner))
    self->changes++;
}

void
mill_rtmp_output_config_read_color (MillRtmpOutput *self, MillRtmpTrack *track,
    const guint8 *data, gsize size, gint64 arrival_us)
{
  MillFlvColorInfo color;

  if (!mill_flv_color_info_parse (data, size, &color, NULL) ||
      mill_flv_color_info_equal (&color, &track->color))
    return;
  track->color = color;
  mill_rtmp_output_config_refresh (self, track, arrival_us);
}

void
mill_rtmp_output_config_read_channels (MillRtmpOutput *self,
    MillRtmpTrack *track, const guint8 *data, gsize size, gint64 arrival_us)
{
  if (mill_rtmp_caps_audio_read_channels (data, size, &track->channels))
    mill_rtmp_output_config_refresh (self, track, arrival_us);
}

/* Of codecs whose frames bring their configuration. */
void
mill_rtmp_output_config_read_in_band (MillRtmpOutput *self,
    MillRtmpTrack *track, guint32 fourcc, const guint8 *data, gsize size,
    gint64 arrival_us)
{
  guint8 config[MILL_RTMP_CAPS_IN_BAND_SIZE];

  if (mill_rtmp_caps_in_band_read (fourcc, data, size, config))
    mill_rtmp_output_config_read (self, track, fourcc, config, sizeof config,
        arrival_us);
}
