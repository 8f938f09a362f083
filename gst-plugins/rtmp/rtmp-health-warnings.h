/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef enum
{
  MILL_RTMP_HEALTH_VIDEO,
  MILL_RTMP_HEALTH_AUDIO,
  MILL_RTMP_HEALTH_N_KINDS,
} MillRtmpHealthKind;

/** What a publisher may do better. Their names are part of the interface. */
typedef enum
{
  MILL_RTMP_HEALTH_STALLED,
  MILL_RTMP_HEALTH_NO_VIDEO,
  MILL_RTMP_HEALTH_NO_AUDIO,
  MILL_RTMP_HEALTH_CONNECTION_SLOW,
  MILL_RTMP_HEALTH_FPS_DROP,
  MILL_RTMP_HEALTH_BITRATE_SWING,
  MILL_RTMP_HEALTH_KEYFRAME_LONG,
  MILL_RTMP_HEALTH_KEYFRAME_IRREGULAR,
  MILL_RTMP_HEALTH_B_FRAMES,
  MILL_RTMP_HEALTH_AV_SKEW,
  MILL_RTMP_HEALTH_TIMESTAMPS,
  MILL_RTMP_HEALTH_N_WARNINGS,
} MillRtmpHealthWarning;

/** How a publisher does, at the end of a second. */
typedef struct
{
  guint seconds; /* since it began */
  guint bitrate_bps[MILL_RTMP_HEALTH_N_KINDS];
  guint bitrate_10s_bps[MILL_RTMP_HEALTH_N_KINDS];
  guint bitrate_min_bps; /* of the 10 s means of the last minute, all kinds */
  guint bitrate_max_bps;
  gdouble fps;
  gdouble fps_10s;
  gdouble fps_usual; /* what it has managed, slowly forgotten */
  guint64 keyframe_interval_ns; /* the last one; 0: none yet */
  guint64 keyframe_interval_max_ns; /* of this publisher */
  guint64 keyframe_shortest_ns; /* of the last eight; 0: fewer than four */
  guint64 keyframe_longest_ns;
  guint64 keyframe_age_ns; /* since the last one, by its own clock */
  gboolean has_b_frames;
  gboolean low_latency;
  gboolean has_skew;
  gint64 skew_us; /* sound behind the picture: positive */
  gint64 jitter_us;
  gint64 lag_us; /* later than the best of the last minute */
  gint64 rtt_us;
  guint gaps;
  guint64 n_missing;
  guint n_corrections; /* jumps and repairs of the last 10 s */
  guint silent_s[MILL_RTMP_HEALTH_N_KINDS];
  gboolean is_wanted[MILL_RTMP_HEALTH_N_KINDS]; /* came before, or announced */
} MillRtmpHealthSample;

/** A warning that came, or went. */
typedef struct
{
  MillRtmpHealthWarning warning;
  gboolean is_raised;
} MillRtmpHealthChange;

/** Which warnings stand. Each needs some seconds in a row to come, and some
 * below a lower mark to go. */
typedef struct
{
  struct
  {
    gboolean is_raised;
    guint bad_s;
    guint good_s;
    gint64 since; /* Unix seconds */
    gchar *message; /* nullable; as of when it came */
  } items[MILL_RTMP_HEALTH_N_WARNINGS];
} MillRtmpHealthWarnings;

/* "keyframe-interval-long"... */
const gchar *mill_rtmp_health_warnings_get_id (MillRtmpHealthWarning warning);

/* @ret_changes: (out): room for all of them. Returns: how many changed */
guint mill_rtmp_health_warnings_judge (MillRtmpHealthWarnings *self,
    const MillRtmpHealthSample *sample, MillRtmpHealthChange *ret_changes);
/* None stands any more. */
guint mill_rtmp_health_warnings_clear (MillRtmpHealthWarnings *self,
    MillRtmpHealthChange *ret_changes);

G_END_DECLS
