/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "flv-fourcc.h"

static const MillFlvFourcc codecs[] = {
  { MILL_FLV_FOURCC_AVC, MILL_FLV_KIND_VIDEO, "avc1", "H.264" },
  { MILL_FLV_FOURCC_HEVC, MILL_FLV_KIND_VIDEO, "hvc1", "HEVC" },
  { MILL_FLV_FOURCC_AV1, MILL_FLV_KIND_VIDEO, "av01", "AV1" },
  { MILL_FLV_FOURCC_VP9, MILL_FLV_KIND_VIDEO, "vp09", "VP9" },
  { MILL_FLV_FOURCC_VP8, MILL_FLV_KIND_VIDEO, "vp08", "VP8" },
  { MILL_FLV_FOURCC_AAC, MILL_FLV_KIND_AUDIO, "mp4a", "AAC" },
  { MILL_FLV_FOURCC_OPUS, MILL_FLV_KIND_AUDIO, "Opus", "Opus" },
  { MILL_FLV_FOURCC_FLAC, MILL_FLV_KIND_AUDIO, "fLaC", "FLAC" },
  { MILL_FLV_FOURCC_AC3, MILL_FLV_KIND_AUDIO, "ac-3", "AC-3" },
  { MILL_FLV_FOURCC_EAC3, MILL_FLV_KIND_AUDIO, "ec-3", "E-AC-3" },
  { MILL_FLV_FOURCC_MP3, MILL_FLV_KIND_AUDIO, ".mp3", "MP3" },
};

const MillFlvFourcc *
mill_flv_fourcc_list (guint *ret_n)
{
  *ret_n = G_N_ELEMENTS (codecs);
  return codecs;
}

const MillFlvFourcc *
mill_flv_fourcc_find (MillFlvKind kind, guint32 fourcc)
{
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++) {
    if (codecs[i].fourcc == fourcc && codecs[i].kind == kind)
      return &codecs[i];
  }
  return NULL;
}

gchar *
mill_flv_fourcc_to_text (guint32 fourcc)
{
  gchar text[5] = { 0 };
  for (guint i = 0; i < 4; i++) {
    gchar c = (gchar) (fourcc >> (24 - 8 * i));
    text[i] = g_ascii_isprint (c) ? c : '?';
  }
  return g_strdup (text);
}
