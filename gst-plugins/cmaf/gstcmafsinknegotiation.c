/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafsinknegotiation.h"

#include "cmaf-captions.h"
#include "gstcmafsinkcaps.h"

static gboolean
refuse_caps (GstElement *element, GstCmafSinkPad *pad, const GstCaps *caps,
    const gchar *why)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  g_autofree gchar *expected =
      gst_cmaf_sink_caps_explain (gst_cmaf_sink_pad_get_kind (pad), caps);
  GST_ELEMENT_ERROR (element, STREAM, FORMAT,
      ("codec of pad '%s': got %s, expected %s", GST_PAD_NAME (pad),
          gst_structure_get_name (structure), expected),
      ("%s: %" GST_PTR_FORMAT, why, caps));
  return FALSE;
}

static gboolean
accept_settings (GstElement *element, GstCmafSinkPad *pad,
    const GstCmafSinkPadSettings *settings)
{
  if (settings->closed_captions != NULL &&
      !mill_cmaf_captions_is_valid (settings->closed_captions)) {
    GST_ELEMENT_ERROR (element, LIBRARY, SETTINGS,
        ("closed-captions of pad '%s': got '%s', expected 'none' or a list as "
         "in 'CC1=en,SERVICE1=en'",
            GST_PAD_NAME (pad), settings->closed_captions),
        (NULL));
    return FALSE;
  }
  if (settings->name == NULL || mill_cmaf_state_is_name (settings->name))
    return TRUE;
  GST_ELEMENT_ERROR (element, LIBRARY, SETTINGS,
      ("name of pad '%s': got '%s', expected 1 to %d of [A-Za-z0-9_-]",
          GST_PAD_NAME (pad), settings->name, MILL_CMAF_NAME_MAX),
      (NULL));
  return FALSE;
}

/* Captions are in pictures of H.264 and HEVC. What the application says of them
 * holds; else they are looked for. */
static void
use_captions (MillCmafPackager *packager, GstCmafSinkPad *pad,
    const GstCmafSinkPadSettings *settings, MillCodec codec)
{
  gboolean may_have = codec == MILL_CODEC_AVC || codec == MILL_CODEC_HEVC;
  gst_cmaf_sink_pad_watch_captions (pad,
      may_have && settings->closed_captions == NULL);
  if (settings->closed_captions != NULL)
    mill_cmaf_packager_set_captions (packager, settings->closed_captions);
}

static gboolean
use_format (GstElement *element, MillCmafPackager *packager,
    GstCmafSinkPad *pad, MillCmafLaneFormat *format)
{
  g_auto (GstCmafSinkPadSettings) settings = { 0 };
  gst_cmaf_sink_pad_get_settings (pad, &settings);
  if (!accept_settings (element, pad, &settings))
    return FALSE;
  format->name = settings.name;
  format->format.language = g_strdup (settings.language);
  format->format.group = g_strdup (settings.group);
  format->format.is_default = settings.is_default;
  format->format.text_role = settings.text_role;
  use_captions (packager, pad, &settings, format->codec.codec);
  format->format.orientation = gst_cmaf_sink_pad_get_media (pad)->orientation;
  gst_cmaf_media_set_codec (gst_cmaf_sink_pad_get_media (pad), &format->codec);
  mill_cmaf_packager_set_format (packager, gst_cmaf_sink_pad_get_lane (pad),
      format);
  return TRUE;
}

static gboolean
negotiate (GstElement *element, MillCmafPackager *packager, GstCmafSinkPad *pad,
    const GstCaps *caps, GstBuffer *buffer)
{
  MillCmafLaneFormat format;
  g_autoptr (GError) error = NULL;
  switch (gst_cmaf_sink_caps_describe (gst_cmaf_sink_pad_get_kind (pad), caps,
      buffer, &format, &error)) {
    case GST_CMAF_SINK_CAPS_REFUSED:
      return refuse_caps (element, pad, caps, error->message);
    case GST_CMAF_SINK_CAPS_INCOMPLETE:
      gst_cmaf_media_expect_codec (gst_cmaf_sink_pad_get_media (pad),
          format.codec.codec);
      return TRUE;
    default:
      break;
  }
  gboolean used = use_format (element, packager, pad, &format);
  gst_cmaf_sink_caps_clear_format (&format);
  return used;
}

/* Text needs no caps to be listed: it may be long until the first comes. */
gboolean
gst_cmaf_sink_negotiation_announce_text (GstElement *element,
    MillCmafPackager *packager, GstCmafSinkPad *pad)
{
  MillCmafLaneFormat format;
  gst_cmaf_sink_text_describe (gst_cmaf_sink_pad_get_text (pad), &format);
  gboolean used = use_format (element, packager, pad, &format);
  gst_cmaf_sink_caps_clear_format (&format);
  return used;
}

static gboolean
negotiate_text (GstElement *element, MillCmafPackager *packager,
    GstCmafSinkPad *pad, const GstCaps *caps)
{
  if (!gst_cmaf_sink_text_set_caps (gst_cmaf_sink_pad_get_text (pad), caps))
    return refuse_caps (element, pad, caps, "not supported");
  return gst_cmaf_sink_negotiation_announce_text (element, packager, pad);
}

gboolean
gst_cmaf_sink_negotiation_set_caps (GstElement *element,
    MillCmafPackager *packager, GstCmafSinkPad *pad, const GstCaps *caps)
{
  if (gst_cmaf_sink_pad_get_kind (pad) == MILL_CMAF_TEXT)
    return negotiate_text (element, packager, pad, caps);
  return negotiate (element, packager, pad, caps, NULL);
}

GstFlowReturn
gst_cmaf_sink_negotiation_complete (GstElement *element,
    MillCmafPackager *packager, GstCmafSinkPad *pad, GstBuffer *buffer)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (GST_PAD (pad));
  if (caps == NULL || !negotiate (element, packager, pad, caps, buffer))
    return GST_FLOW_NOT_NEGOTIATED;
  return GST_FLOW_OK;
}

static gboolean
set_language (GstCmafSinkPad *pad, const GstTagList *tags)
{
  g_autofree gchar *language = NULL;
  return gst_tag_list_get_string (tags, GST_TAG_LANGUAGE_CODE, &language) &&
      gst_cmaf_sink_pad_suggest_language (pad, language);
}

/* Tags come after the caps: what they change of the format is told once more. */
static void
negotiate_again (GstElement *element, MillCmafPackager *packager,
    GstCmafSinkPad *pad)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (GST_PAD (pad));
  if (caps != NULL)
    gst_cmaf_sink_negotiation_set_caps (element, packager, pad, caps);
}

void
gst_cmaf_sink_negotiation_set_tags (GstElement *element,
    MillCmafPackager *packager, GstCmafSinkPad *pad, const GstTagList *tags)
{
  guint bitrate = 0;
  gboolean is_video = gst_cmaf_sink_pad_get_kind (pad) == MILL_CMAF_VIDEO;
  gboolean is_changed = set_language (pad, tags);
  if (is_video)
    is_changed =
        gst_cmaf_media_set_tags (gst_cmaf_sink_pad_get_media (pad), tags) ||
        is_changed;
  if (is_changed)
    negotiate_again (element, packager, pad);
  if (!is_video &&
      (gst_tag_list_get_uint (tags, GST_TAG_NOMINAL_BITRATE, &bitrate) ||
          gst_tag_list_get_uint (tags, GST_TAG_BITRATE, &bitrate)))
    mill_cmaf_packager_set_bitrate (packager, gst_cmaf_sink_pad_get_lane (pad),
        bitrate);
}
