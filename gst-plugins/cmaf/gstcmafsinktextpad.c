/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "gstcmafsinktextpad.h"

static GstCmafSinkTextTarget
get_target (MillCmafPackager *packager, GstCmafSinkPad *pad)
{
  return (GstCmafSinkTextTarget){ packager, gst_cmaf_sink_pad_get_lane (pad),
    gst_cmaf_sink_pad_get_media (pad) };
}

/* Text that cannot be read is no reason to end a stream. */
static void
warn (GstElement *element, GstCmafSinkPad *pad, const GError *error)
{
  GstCmafSinkText *text = gst_cmaf_sink_pad_get_text (pad);
  if (error == NULL)
    return;
  GST_WARNING_OBJECT (pad, "%s, ignoring", error->message);
  if (!text->failure_told)
    GST_ELEMENT_WARNING (element, STREAM, DECODE,
        ("text of pad '%s': %s", GST_PAD_NAME (pad), error->message), (NULL));
  text->failure_told = TRUE;
}

GstFlowReturn
gst_cmaf_sink_text_pad_chain (GstElement *element, MillCmafPackager *packager,
    GstCmafSinkPad *pad, GstBuffer *buffer)
{
  GstCmafSinkTextTarget target = get_target (packager, pad);
  g_autoptr (GError) error = NULL;
  GstFlowReturn ret = gst_cmaf_sink_text_push (gst_cmaf_sink_pad_get_text (pad),
      &target, buffer, &error);
  warn (element, pad, error);
  return ret;
}

void
gst_cmaf_sink_text_pad_end (GstElement *element, MillCmafPackager *packager,
    GstCmafSinkPad *pad)
{
  GstCmafSinkTextTarget target = get_target (packager, pad);
  g_autoptr (GError) error = NULL;
  gst_cmaf_sink_text_end (gst_cmaf_sink_pad_get_text (pad), &target, &error);
  warn (element, pad, error);
}

/* Text that nobody brings, of a line whose beginning was never linked (a film
 * without captions): a file would wait for it. */
void
gst_cmaf_sink_text_pad_end_absent (GstElement *element,
    MillCmafPackager *packager, GstPad *ended)
{
  g_autoptr (GPtrArray) absent =
      g_ptr_array_new_with_free_func (gst_object_unref);
  gboolean is_over = TRUE;
  GST_OBJECT_LOCK (element);
  for (GList *item = element->sinkpads; item; item = item->next) {
    const gchar *template =
        GST_PAD_TEMPLATE_NAME_TEMPLATE (GST_PAD_PAD_TEMPLATE (item->data));
    if (g_str_has_prefix (template, "text"))
      g_ptr_array_add (absent, gst_object_ref (item->data));
    else if (g_str_has_prefix (template, "video") ||
        g_str_has_prefix (template, "audio"))
      is_over &= item->data == ended || GST_PAD_IS_EOS (item->data);
  }
  GST_OBJECT_UNLOCK (element);
  for (guint i = 0; is_over && i < absent->len; i++) {
    GstPad *pad = g_ptr_array_index (absent, i);
    if (!gst_cmaf_sink_text_is_fed (pad))
      mill_cmaf_packager_end_lane (packager,
          gst_cmaf_sink_pad_get_lane (GST_CMAF_SINK_PAD (pad)));
  }
}

void
gst_cmaf_sink_text_pad_look (GstCmafSinkPad *pad, MillCmafPackager *packager,
    const MillCmafInput *input, GstBuffer *buffer)
{
  GstCmafSinkCaptions *captions = gst_cmaf_sink_pad_get_captions (pad);
  if (captions == NULL || !gst_cmaf_sink_captions_wants (captions, input))
    return;
  g_autofree gchar *found = gst_cmaf_sink_captions_look (captions,
      &gst_cmaf_sink_pad_get_media (pad)->codec, input, buffer);
  if (found == NULL)
    return;
  GST_INFO_OBJECT (pad, "captions in the video: %s", found);
  mill_cmaf_packager_set_captions (packager, found);
}
