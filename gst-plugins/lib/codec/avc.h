/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * H.264 as packaging needs it: the decoder configuration record (avcC), what
 * the SPS says, and the kinds of NAL units in an access unit. All input is
 * untrusted.
 *
 * Threads: no state; any thread.
 * Source: ISO/IEC 14496-15 §5.3.3.1 (avcC), ITU-T H.264 §7.3, Annex E (VUI).
 */

#define MILL_AVC_ERROR (mill_avc_error_quark ())
GQuark mill_avc_error_quark (void);

/**
 * MillAvcError:
 * @MILL_AVC_ERROR_TRUNCATED: the record ends before what it announces
 * @MILL_AVC_ERROR_INVALID: a value that the specification forbids
 * @MILL_AVC_ERROR_UNSUPPORTED: legal, but over the bounds of this library
 */
typedef enum
{
  MILL_AVC_ERROR_TRUNCATED,
  MILL_AVC_ERROR_INVALID,
  MILL_AVC_ERROR_UNSUPPORTED,
} MillAvcError;

/** What an avcC and its first SPS say. */
typedef struct
{
  guint8 profile; /* profile_idc */
  guint8 constraints; /* the byte of constraint_set flags */
  guint8 level; /* level_idc */
  guint8 nal_length_size; /* 1, 2 or 4 bytes; 0 from parse_sps() */
  guint width; /* luma samples after cropping */
  guint height;
  guint par_n; /* pixel aspect ratio; 1:1 when the VUI says nothing */
  guint par_d;
  guint fps_n; /* frames, not fields, per second; 0/1 unknown */
  guint fps_d;
  guint8
      chroma_format; /* chroma_format_idc: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4 */
  guint8 bit_depth_luma;
  guint8 bit_depth_chroma;
  gboolean interlaced; /* frame_mbs_only_flag is 0: fields may occur */
  gboolean has_colour; /* the four below were in the VUI */
  guint8 colour_primaries; /* ISO/IEC 23091-2 code points */
  guint8 transfer_characteristics;
  guint8 matrix_coefficients;
  gboolean full_range;
} MillAvcInfo;

/* @data: (array length=size): the payload of an avcC box, which is also the
 *   codec_data of GStreamer's stream-format=avc and FLV's sequence header.
 * @ret_info: (out caller-allocates): untouched on failure
 * Errors: MILL_AVC_ERROR */
gboolean mill_avc_parse_config (const guint8 *data, gsize size,
    MillAvcInfo *ret_info, GError **error);

/* @nal: (array length=size): one SPS NAL unit with its header byte, without
 *   start code or length, emulation prevention still in.
 * @ret_info: (out caller-allocates): untouched on failure; nal_length_size 0
 * Errors: MILL_AVC_ERROR */
gboolean mill_avc_parse_sps (const guint8 *nal, gsize size,
    MillAvcInfo *ret_info, GError **error);

/* RFC 6381 §3.3: "avc1.PPCCLL". Returns: (transfer full) */
gchar *mill_avc_get_codec_string (const MillAvcInfo *info);

/* Makes the payload of an avcC box with a NAL length size of 4.
 * @parameter_sets: (element-type GBytes): SPS and PPS NAL units in any order,
 *   at least one of each; anything else is refused.
 * Returns: (transfer full) (nullable)
 * Errors: MILL_AVC_ERROR */
GBytes *mill_avc_build_config (GPtrArray *parameter_sets, GError **error);

/* The SPS and PPS NAL units of an avcC payload.
 * Returns: (transfer full) (element-type GBytes) (nullable)
 * Errors: MILL_AVC_ERROR */
GPtrArray *mill_avc_get_config_parameter_sets (const guint8 *data, gsize size,
    GError **error);

/* Whether an access unit of length-prefixed NAL units contains an IDR slice
 * (nal_unit_type 5). Reads one header byte per NAL unit and stops at the
 * first slice: all slices of a primary coded picture are of one kind
 * (H.264 §7.4.1.2.4). A damaged unit has none.
 * @nal_length_size: from MillAvcInfo */
gboolean mill_avc_has_idr (const guint8 *data, gsize size,
    guint nal_length_size);

/* The SPS and PPS NAL units that an access unit carries in-band, in order; at
 * most 64. A damaged unit gives those before the damage.
 * Returns: (transfer full) (element-type GBytes) (nullable): NULL for none,
 *   which costs no allocation */
GPtrArray *mill_avc_list_parameter_sets (const guint8 *data, gsize size,
    guint nal_length_size);

G_END_DECLS
