/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * What somebody wants to be said of a stream: that a break begins or ends, or
 * something that players are to be handed at a time (timed metadata).
 */

#define MILL_CMAF_CUE_ERROR (mill_cmaf_cue_error_quark ())
GQuark mill_cmaf_cue_error_quark (void);

/**
 * MillCmafCueError:
 * @MILL_CMAF_CUE_ERROR_NOT_LIVE: the stream has no media yet, or has ended
 * @MILL_CMAF_CUE_ERROR_NO_BREAK: there is none of that id to be ended
 * @MILL_CMAF_CUE_ERROR_EXISTS: a break of that id has not ended yet
 * @MILL_CMAF_CUE_ERROR_FULL: more at a time than anybody means
 * @MILL_CMAF_CUE_ERROR_INVALID: it contradicts itself
 */
typedef enum
{
  MILL_CMAF_CUE_ERROR_NOT_LIVE,
  MILL_CMAF_CUE_ERROR_NO_BREAK,
  MILL_CMAF_CUE_ERROR_EXISTS,
  MILL_CMAF_CUE_ERROR_FULL,
  MILL_CMAF_CUE_ERROR_INVALID,
} MillCmafCueError;

typedef enum
{
  MILL_CMAF_CUE_OUT,
  MILL_CMAF_CUE_IN,
  MILL_CMAF_CUE_CANCEL,
  MILL_CMAF_CUE_SIGNAL,
  MILL_CMAF_CUE_METADATA,
} MillCmafCueKind;

/**
 * MillCmafCue:
 * @type_id: segmentation_type_id of SCTE 35, 0: none
 * @auto_return: the break ends by itself after @duration
 * @time: running time; GST_CLOCK_TIME_NONE: now, which for a break is the next
 *   keyframe
 * @wall_us: the same as wall clock, µs since 1970, for who does not know running
 *   times; negative: not given
 * @duration: GST_CLOCK_TIME_NONE: not known
 * @message: (nullable): splice information section, of METADATA an ID3 tag;
 *   NULL: a splice_insert is made
 */
typedef struct
{
  MillCmafCueKind kind;
  guint32 event_id;
  guint8 type_id;
  gboolean auto_return;
  GstClockTime time;
  gint64 wall_us;
  GstClockTime duration;
  GBytes *message;
} MillCmafCue;

G_END_DECLS
