/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The codecs that Enhanced RTMP names by four characters.
 * Source: Enhanced RTMP v2, "VideoFourCc" and "AudioFourCc".
 *
 * As numbers: the first character in the top byte, as on the wire and in
 * onMetaData's videocodecid and audiocodecid.
 */
#define MILL_FLV_FOURCC_AVC 0x61766331u /* "avc1" */
#define MILL_FLV_FOURCC_HEVC 0x68766331u /* "hvc1" */
#define MILL_FLV_FOURCC_AV1 0x61763031u /* "av01" */
#define MILL_FLV_FOURCC_VP9 0x76703039u /* "vp09" */
#define MILL_FLV_FOURCC_VP8 0x76703038u /* "vp08" */
#define MILL_FLV_FOURCC_AAC 0x6d703461u /* "mp4a" */
#define MILL_FLV_FOURCC_OPUS 0x4f707573u /* "Opus" */
#define MILL_FLV_FOURCC_FLAC 0x664c6143u /* "fLaC" */
#define MILL_FLV_FOURCC_AC3 0x61632d33u /* "ac-3" */
#define MILL_FLV_FOURCC_EAC3 0x65632d33u /* "ec-3" */
#define MILL_FLV_FOURCC_MP3 0x2e6d7033u /* ".mp3" */

typedef enum
{
  MILL_FLV_KIND_AUDIO,
  MILL_FLV_KIND_VIDEO,
} MillFlvKind;

/** One codec that is taken. */
typedef struct
{
  guint32 fourcc;
  MillFlvKind kind;
  gchar text[5]; /* the four characters */
  const gchar *name; /* for people: "HEVC" */
} MillFlvFourcc;

/* All that are taken, the best known first. */
const MillFlvFourcc *mill_flv_fourcc_list (guint *ret_n);

/* Returns: (nullable): NULL for a codec that is not taken as @kind */
const MillFlvFourcc *mill_flv_fourcc_find (MillFlvKind kind, guint32 fourcc);

/* The characters for a message; those of a peer that a terminal should not see
 * are replaced. Returns: (transfer full) */
gchar *mill_flv_fourcc_to_text (guint32 fourcc);

G_END_DECLS
