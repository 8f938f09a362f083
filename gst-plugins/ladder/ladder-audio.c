/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "ladder-audio.h"

#include "preset/ladder-preset.h"

#define ENCODE                                                         \
  "audioconvert ! audioresample ! audio/x-raw, "                       \
  "rate = (int) { 48000, 44100, 32000 }, channels = (int) [ 1, 2 ] ! " \
  "avenc_aac name=encoder ! "
#define FRAME                                                        \
  "aacparse ! capsfilter caps=\"audio/mpeg, mpegversion = (int) 4, " \
  "stream-format = (string) raw\""

gboolean
mill_ladder_audio_is_aac (const GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  gint version = 0;
  gst_structure_get_int (structure, "mpegversion", &version);
  return gst_structure_has_name (structure, "audio/mpeg") &&
      (version == 4 || version == 2);
}

static const gchar *
get_chain (const GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  if (mill_ladder_audio_is_aac (caps))
    return FRAME;
  if (gst_structure_has_name (structure, "audio/x-raw"))
    return ENCODE FRAME;
  return "mpegaudioparse ! avdec_mp3 ! " ENCODE FRAME; /* the template's rest */
}

GstPad *
mill_ladder_audio_add (GstBin *bin, const GstCaps *caps, guint bitrate_bps,
    GstPad **ret_src, GError **error)
{
  g_autoptr (GError) reason = NULL;
  GstElement *chain = gst_parse_bin_from_description_full (get_chain (caps),
      TRUE, NULL, GST_PARSE_FLAG_FATAL_ERRORS | GST_PARSE_FLAG_PLACE_IN_BIN,
      &reason);
  if (chain == NULL) {
    g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_MISSING,
        "audio chain: got '%s', expected its elements to be installed",
        reason->message);
    return NULL;
  }
  gst_bin_add (bin, chain);
  g_autoptr (GstElement) encoder =
      gst_bin_get_by_name (GST_BIN (chain), "encoder");
  if (encoder != NULL)
    g_object_set (encoder, "bitrate", (gint) bitrate_bps, NULL);
  *ret_src = gst_element_get_static_pad (chain, "src");
  return gst_element_get_static_pad (chain, "sink");
}
