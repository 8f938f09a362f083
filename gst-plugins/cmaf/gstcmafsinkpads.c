/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "../common/gstpadnumbers.h"
#include "gstcmafsink-private.h"
#include "gstcmafsinkcaps.h"
#include "gstcmafsinkimage.h"
#include "gstcmafsinkmeta.h"
#include "gstcmafsinknegotiation.h"
#include "gstcmafsinkpad.h"

static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE ("video_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_CMAF_SINK_CAPS_VIDEO));
static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_CMAF_SINK_CAPS_AUDIO));
static GstStaticPadTemplate text_template = GST_STATIC_PAD_TEMPLATE ("text_%u",
    GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (GST_CMAF_SINK_CAPS_TEXT));
static GstStaticPadTemplate meta_template =
    GST_STATIC_PAD_TEMPLATE (GST_CMAF_SINK_META_TEMPLATE, GST_PAD_SINK,
        GST_PAD_REQUEST, GST_STATIC_CAPS (GST_CMAF_SINK_META_CAPS));
static GstStaticPadTemplate image_template =
    GST_STATIC_PAD_TEMPLATE (GST_CMAF_SINK_IMAGE_TEMPLATE, GST_PAD_SINK,
        GST_PAD_REQUEST, GST_STATIC_CAPS (GST_CMAF_SINK_IMAGE_CAPS));

static gboolean
has_template (GstPadTemplate *template, const gchar *name)
{
  return g_str_equal (GST_PAD_TEMPLATE_NAME_TEMPLATE (template), name);
}

/* Whether it is no rendition. */
static gboolean
is_side_pad (GstPad *pad)
{
  GstPadTemplate *template = GST_PAD_PAD_TEMPLATE (pad);
  return has_template (template, GST_CMAF_SINK_META_TEMPLATE) ||
      has_template (template, GST_CMAF_SINK_IMAGE_TEMPLATE);
}

/* ---- requests ---- */

/* A pad of text is listed from the start, or from when it is linked (its
 * properties are set by then): what it will have may be long in coming. */
static gboolean
announce_text (GstElement *element, GstPad *pad, gpointer user_data)
{
  if (is_side_pad (pad))
    return TRUE;
  g_autoptr (MillCmafPackager) packager = gst_cmaf_sink_ref_packager (element);
  GstCmafSinkPad *own = GST_CMAF_SINK_PAD (pad);
  if (packager == NULL || gst_cmaf_sink_pad_get_kind (own) != MILL_CMAF_TEXT)
    return TRUE;
  return gst_cmaf_sink_negotiation_announce_text (element, packager, own);
}

static void
on_linked (GstPad *pad, GstPad *peer, gpointer user_data)
{
  g_autoptr (GstElement) element = gst_pad_get_parent_element (pad);
  if (element != NULL)
    announce_text (element, pad, NULL);
}

static gchar *
name_pad (GstCmafSink *self, MillCmafKind kind, const gchar *wanted)
{
  static const gchar *const prefixes[] = {
    [MILL_CMAF_VIDEO] = "video_",
    [MILL_CMAF_AUDIO] = "audio_",
    [MILL_CMAF_TEXT] = "text_",
  };
  GST_OBJECT_LOCK (self);
  gchar *name =
      gst_pad_numbers_name (&self->next_pad[kind], prefixes[kind], wanted);
  GST_OBJECT_UNLOCK (self);
  return name;
}

/* From READY on: the change to PAUSED may be under way, and what is added to an
 * element that runs has to be. What comes before that is open goes nowhere. */
static gboolean
may_be_active (GstCmafSink *self)
{
  GST_OBJECT_LOCK (self);
  gboolean may = GST_STATE (self) >= GST_STATE_READY;
  GST_OBJECT_UNLOCK (self);
  return may;
}

/* Where the element opens between the request and the pad's being there, nobody
 * has seen the pad: what it is for is made up for then. */
static void
join_late_image (GstCmafSink *self, const gchar *name)
{
  g_autoptr (MillCmafPackager) packager =
      gst_cmaf_sink_ref_packager (GST_ELEMENT (self));
  if (packager != NULL)
    mill_cmaf_packager_add_image (packager, name);
}

/* As join_late_image(). */
static void
join_late (GstCmafSink *self, GstCmafSinkPad *pad, const gchar *name)
{
  g_autoptr (MillCmafPackager) packager =
      gst_cmaf_sink_ref_packager (GST_ELEMENT (self));
  if (packager != NULL && gst_cmaf_sink_pad_get_lane (pad) == NULL)
    gst_cmaf_sink_pad_set_lane (pad,
        mill_cmaf_packager_add_lane (packager, name,
            gst_cmaf_sink_pad_get_kind (pad)));
}

/* A pad of what is beside the media. */
static GstPad *
request_side_pad (GstCmafSink *self, GstPadTemplate *template,
    const gchar *wanted)
{
  gboolean image = has_template (template, GST_CMAF_SINK_IMAGE_TEMPLATE);
  const gchar *prefix = image ? "image_" : "meta_";
  GST_OBJECT_LOCK (self);
  g_autofree gchar *name =
      gst_pad_numbers_name (&self->next_side[image], prefix, wanted);
  GST_OBJECT_UNLOCK (self);
  g_autoptr (MillCmafPackager) packager =
      gst_cmaf_sink_ref_packager (GST_ELEMENT (self));
  GstPad *pad = image
      ? gst_cmaf_sink_image_new_pad (template, name, gst_cmaf_sink_ref_packager)
      : gst_cmaf_sink_meta_new_pad (template, name, gst_cmaf_sink_ref_packager);
  if (image && packager != NULL)
    mill_cmaf_packager_add_image (packager, name);
  if (may_be_active (self))
    gst_pad_set_active (pad, TRUE);
  if (!gst_element_add_pad (GST_ELEMENT (self), pad))
    return NULL;
  if (image && packager == NULL)
    join_late_image (self, name);
  return pad;
}

/* As many as a restart goes on with. */
static gboolean
may_have_more (GstCmafSink *self)
{
  guint n = 0;
  GST_OBJECT_LOCK (self);
  for (GList *item = GST_ELEMENT (self)->sinkpads; item; item = item->next)
    n += !is_side_pad (item->data);
  GST_OBJECT_UNLOCK (self);
  if (n < MILL_CMAF_RENDITIONS_MAX)
    return TRUE;
  GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
      ("pads: got one more, expected at most %u renditions",
          MILL_CMAF_RENDITIONS_MAX),
      (NULL));
  return FALSE;
}

GstPad *
gst_cmaf_sink_pads_request (GstElement *element, GstPadTemplate *template,
    const gchar *wanted, const GstCaps *caps)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  if (has_template (template, GST_CMAF_SINK_META_TEMPLATE) ||
      has_template (template, GST_CMAF_SINK_IMAGE_TEMPLATE))
    return request_side_pad (self, template, wanted);
  if (!may_have_more (self))
    return NULL;
  GstPad *pad = g_object_new (GST_TYPE_CMAF_SINK_PAD, "direction", GST_PAD_SINK,
      "template", template, NULL);
  MillCmafKind kind = gst_cmaf_sink_pad_get_kind (GST_CMAF_SINK_PAD (pad));
  g_autofree gchar *name = name_pad (self, kind, wanted);
  gst_object_set_name (GST_OBJECT (pad), name);
  gst_cmaf_sink_flow_watch (pad, kind);
  g_autoptr (MillCmafPackager) packager =
      gst_cmaf_sink_ref_packager (GST_ELEMENT (self));
  if (packager != NULL)
    gst_cmaf_sink_pad_set_lane (GST_CMAF_SINK_PAD (pad),
        mill_cmaf_packager_add_lane (packager, name, kind));
  if (may_be_active (self))
    gst_pad_set_active (pad, TRUE);
  if (kind == MILL_CMAF_TEXT)
    g_signal_connect (pad, "linked", G_CALLBACK (on_linked), NULL);
  if (!gst_element_add_pad (element, pad))
    return NULL;
  if (packager == NULL)
    join_late (self, GST_CMAF_SINK_PAD (pad), name);
  gst_child_proxy_child_added (GST_CHILD_PROXY (self), G_OBJECT (pad), name);
  return pad;
}

void
gst_cmaf_sink_pads_release (GstElement *element, GstPad *pad)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  g_autofree gchar *name = gst_pad_get_name (pad);
  g_autoptr (MillCmafPackager) packager =
      gst_cmaf_sink_ref_packager (GST_ELEMENT (self));
  if (is_side_pad (pad)) {
    gst_pad_set_active (pad, FALSE);
    if (packager != NULL)
      mill_cmaf_packager_end_image (packager, name);
    gst_element_remove_pad (element, pad);
    return;
  }
  /* A push may wait for other pads; then it would hold this up. */
  if (packager != NULL)
    mill_cmaf_packager_set_flushing (packager,
        gst_cmaf_sink_pad_get_lane (GST_CMAF_SINK_PAD (pad)), TRUE);
  gst_pad_set_active (pad, FALSE);
  if (packager != NULL)
    mill_cmaf_packager_end_lane (packager,
        gst_cmaf_sink_pad_get_lane (GST_CMAF_SINK_PAD (pad)));
  gst_child_proxy_child_removed (GST_CHILD_PROXY (self), G_OBJECT (pad), name);
  gst_element_remove_pad (element, pad);
}

/* ---- all of them ---- */

static void
expect_pad (MillCmafPackager *packager, GstPad *pad)
{
  if (has_template (GST_PAD_PAD_TEMPLATE (pad), GST_CMAF_SINK_IMAGE_TEMPLATE))
    mill_cmaf_packager_add_image (packager, GST_PAD_NAME (pad));
  if (is_side_pad (pad))
    return;
  GstCmafSinkPad *own = GST_CMAF_SINK_PAD (pad);
  gst_cmaf_sink_pad_set_lane (own,
      mill_cmaf_packager_add_lane (packager, GST_PAD_NAME (pad),
          gst_cmaf_sink_pad_get_kind (own)));
}

/* Returns: (transfer full) (nullable): a pad that is not among @known. Where all
 * are, @packager is the one that the next pads find. */
static GstPad *
find_pad_or_publish (GstCmafSink *self, GHashTable *known,
    MillCmafPackager *packager)
{
  GstPad *found = NULL;
  GST_OBJECT_LOCK (self);
  for (GList *item = GST_ELEMENT (self)->sinkpads; item && !found;
       item = item->next)
    if (!g_hash_table_contains (known, item->data))
      found = gst_object_ref (item->data);
  if (found == NULL)
    self->packager = mill_cmaf_packager_ref (packager);
  GST_OBJECT_UNLOCK (self);
  return found;
}

/* The packager has a lock of its own, and may report: not under the object lock. */
void
gst_cmaf_sink_pads_expect (GstCmafSink *self, MillCmafPackager *packager)
{
  g_autoptr (GHashTable) known =
      g_hash_table_new_full (NULL, NULL, gst_object_unref, NULL);
  GstPad *pad;
  while ((pad = find_pad_or_publish (self, known, packager)) != NULL) {
    expect_pad (packager, pad);
    g_hash_table_add (known, pad);
  }
  /* It is no failure to have no pads yet, which this would say too. */
  gst_element_foreach_sink_pad (GST_ELEMENT (self), announce_text, NULL);
}

gboolean
gst_cmaf_sink_pads_query_latency (GstCmafSink *self, GstQuery *query)
{
  gboolean live = FALSE;
  GstClockTime least = 0;
  GstClockTime most = GST_CLOCK_TIME_NONE;
  g_autoptr (GPtrArray) pads =
      g_ptr_array_new_with_free_func (gst_object_unref);
  GST_OBJECT_LOCK (self);
  for (GList *item = GST_ELEMENT (self)->sinkpads; item; item = item->next)
    if (!is_side_pad (item->data))
      g_ptr_array_add (pads, gst_object_ref (item->data));
  GST_OBJECT_UNLOCK (self);
  for (guint i = 0; i < pads->len; i++)
    gst_cmaf_sink_pad_add_latency (g_ptr_array_index (pads, i), &live, &least,
        &most);
  gst_query_set_latency (query, live, least, most);
  return TRUE;
}

void
gst_cmaf_sink_pads_install (GstElementClass *klass)
{
  gst_element_class_add_static_pad_template_with_gtype (klass, &video_template,
      GST_TYPE_CMAF_SINK_PAD);
  gst_element_class_add_static_pad_template_with_gtype (klass, &audio_template,
      GST_TYPE_CMAF_SINK_PAD);
  gst_element_class_add_static_pad_template_with_gtype (klass, &text_template,
      GST_TYPE_CMAF_SINK_PAD);
  gst_element_class_add_static_pad_template (klass, &meta_template);
  gst_element_class_add_static_pad_template (klass, &image_template);
}
