/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * AudioSpecificConfig: the codec_data of GStreamer's mpegversion=4
 * stream-format=raw, FLV's AAC sequence header, the DecoderSpecificInfo of an
 * esds box. All input is untrusted.
 *
 * Threads: no state; any thread.
 * Source: ISO/IEC 14496-3 §1.6.2.1, §1.6.5 (SBR and PS signalling),
 * §4.4.1 (GASpecificConfig).
 */

#define MILL_AAC_ERROR (mill_aac_error_quark ())
GQuark mill_aac_error_quark (void);

/**
 * MillAacError:
 * @MILL_AAC_ERROR_TRUNCATED: the config ends before what it announces
 * @MILL_AAC_ERROR_INVALID: a reserved or forbidden value
 * @MILL_AAC_ERROR_UNSUPPORTED: an object type that is no AAC of this library
 */
typedef enum
{
  MILL_AAC_ERROR_TRUNCATED,
  MILL_AAC_ERROR_INVALID,
  MILL_AAC_ERROR_UNSUPPORTED,
} MillAacError;

typedef enum
{
  MILL_AAC_SBR_NONE, /* not signalled: absent, or implicit */
  MILL_AAC_SBR_BACKWARD, /* after the core config, by sync extension 0x2b7 */
  MILL_AAC_SBR_HIERARCHICAL, /* by object type 5 or 29 in front */
} MillAacSbr;

/** Object types 1 to 4 (Main, LC, SSR, LTP) and 23 (low delay), plain or under
 * SBR and PS. */
typedef struct
{
  guint8 object_type; /* of the core coder: 2 is AAC-LC */
  guint sample_rate; /* of the core coder, Hz */
  guint channels; /* of the core coder */
  guint frame_length; /* samples of an access unit at sample_rate: 1024, 960;
                       * low delay: 512, 480 */
  MillAacSbr sbr;
  gboolean ps; /* parametric stereo: one channel plays as two */
  guint output_sample_rate; /* after SBR; sample_rate without */
  guint8 channel_configuration; /* table 1.19; 0: by program config element */
} MillAacInfo;

/* @ret_info: (out caller-allocates): untouched on failure
 * Errors: MILL_AAC_ERROR */
gboolean mill_aac_parse_config (const guint8 *data, gsize size,
    MillAacInfo *ret_info, GError **error);

/* RFC 6381 §3.3: "mp4a.40.X": 29 with PS, 5 with SBR, else the core's object
 * type. Returns: (transfer full) */
gchar *mill_aac_get_codec_string (const MillAacInfo *info);

G_END_DECLS
