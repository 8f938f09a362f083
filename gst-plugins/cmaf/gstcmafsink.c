/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * SECTION:element-cmafsink
 *
 * Packages one stream, all its renditions, as CMAF segments with HLS playlists
 * and an MPD in a directory.
 *
 *     gst-launch-1.0 filesrc location=movie.mp4 ! qtdemux name=d \
 *         d.video_0 ! cmafsink name=c location=out mode=vod \
 *         d.audio_0 ! c.
 *
 * States: never asynchronous, needs no preroll and no clock. The directory is
 * taken in READY->PAUSED and given up in PAUSED->READY; without EOS before,
 * the next start continues its playlists.
 *
 * Threads: pads may be fed from one thread or several. In mode vod one that is
 * far ahead of the others waits for them; in the other modes none ever waits.
 * cmaf-packager.c has the one lock.
 */

#include "gstcmafsinkcaps.h"
#include "gstcmafsinkcues.h"
#include "gstcmafsinkdates.h"
#include "gstcmafsinkimage.h"
#include "gstcmafsinkmeta.h"
#include "gstcmafsinknegotiation.h"
#include "gstcmafsinkpad.h"
#include "gstcmafsinksettings.h"
#include "gstcmafsinkstats.h"
#include "gstcmafsinktextpad.h"

#include <string.h>

GST_DEBUG_CATEGORY_STATIC (cmafsink_debug);
#define GST_CAT_DEFAULT cmafsink_debug

#define GST_TYPE_CMAF_SINK (gst_cmaf_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstCmafSink, gst_cmaf_sink, GST, CMAF_SINK, GstElement)

struct _GstCmafSink
{
  GstElement parent;

  /* object lock */
  GstCmafSinkSettings settings;
  guint next_pad[3]; /* by MillCmafKind */
  MillCmafPackager *packager; /* from READY->PAUSED to PAUSED->READY */
  gboolean ended; /* everything is written */
  gboolean eos_posted;
  guint32 eos_seqnum;
  guint next_side[2]; /* pads of metadata, of pictures */

  GstCmafSinkCues cues; /* its own lock */
  GstCmafSinkDates dates; /* from READY->PAUSED on */
};

GST_ELEMENT_REGISTER_DECLARE (cmafsink)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (cmafsink, "cmafsink", GST_RANK_NONE,
    GST_TYPE_CMAF_SINK,
    GST_DEBUG_CATEGORY_INIT (cmafsink_debug, "cmafsink", 0, "CMAF packager"))

G_DEFINE_TYPE_WITH_CODE (GstCmafSink, gst_cmaf_sink, GST_TYPE_ELEMENT,
    G_IMPLEMENT_INTERFACE (GST_TYPE_CHILD_PROXY,
        gst_cmaf_sink_pad_init_child_proxy))

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

/* ---- errors and the end ---- */

static GstResourceError
to_resource_error (const GError *error)
{
  if (error->domain == GST_RESOURCE_ERROR)
    return (GstResourceError) error->code;
  if (error->domain == MILL_CMAF_PRESENTATION_ERROR)
    return GST_RESOURCE_ERROR_SETTINGS;
  if (error->domain != MILL_STORE_ERROR)
    return GST_RESOURCE_ERROR_FAILED;
  switch (error->code) {
    case MILL_STORE_ERROR_NAME:
      return GST_RESOURCE_ERROR_SETTINGS;
    case MILL_STORE_ERROR_FULL:
      return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
    case MILL_STORE_ERROR_HELD:
    case MILL_STORE_ERROR_LOST:
    case MILL_STORE_ERROR_BUSY:
      return GST_RESOURCE_ERROR_BUSY;
    case MILL_STORE_ERROR_DENIED:
      return GST_RESOURCE_ERROR_NOT_AUTHORIZED;
    default:
      return GST_RESOURCE_ERROR_WRITE;
  }
}

/* The one place where an error of the packager becomes a message. */
static void
post_error (GstCmafSink *self, MillCmafReportKind kind, const GError *error)
{
  gboolean is_warning = kind == MILL_CMAF_WARNED;
  gst_element_message_full (GST_ELEMENT (self),
      is_warning ? GST_MESSAGE_WARNING : GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      to_resource_error (error), g_strdup (error->message), NULL, __FILE__,
      GST_FUNCTION, __LINE__);
}

static MillCmafPackager *
ref_packager (GstElement *element)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  GST_OBJECT_LOCK (self);
  MillCmafPackager *packager =
      self->packager ? mill_cmaf_packager_ref (self->packager) : NULL;
  GST_OBJECT_UNLOCK (self);
  return packager;
}

/* EOS of a sink counts in PLAYING only; before, it waits for that. */
static void
post_eos_once (GstCmafSink *self)
{
  GST_OBJECT_LOCK (self);
  gboolean due = self->ended && !self->eos_posted &&
      GST_STATE (self) == GST_STATE_PLAYING;
  guint32 seqnum = self->eos_seqnum;
  self->eos_posted |= due;
  GST_OBJECT_UNLOCK (self);
  if (!due)
    return;
  GstMessage *message = gst_message_new_eos (GST_OBJECT (self));
  if (seqnum != GST_SEQNUM_INVALID)
    gst_message_set_seqnum (message, seqnum);
  gst_element_post_message (GST_ELEMENT (self), message);
}

static void
on_report (MillCmafReportKind kind, const GError *error, GObject *owner)
{
  GstCmafSink *self = GST_CMAF_SINK (owner);
  if (kind == MILL_CMAF_WANTS_KEYFRAME) {
    g_autoptr (MillCmafPackager) packager = ref_packager (GST_ELEMENT (self));
    if (packager != NULL)
      gst_cmaf_sink_cues_request_keyframe (GST_ELEMENT (self), packager);
    return;
  }
  if (kind != MILL_CMAF_ENDED) {
    post_error (self, kind, error);
    return;
  }
  GST_INFO_OBJECT (self, "the stream has ended and is written");
  GST_OBJECT_LOCK (self);
  self->ended = TRUE;
  GST_OBJECT_UNLOCK (self);
  post_eos_once (self);
}

/* ---- data ---- */

/* A pad that was requested while the element went down may be active although
 * nobody packages any more. */
static gboolean
is_closed (const GstCmafSink *self)
{
  return G_UNLIKELY (self->packager == NULL);
}

static GstFlowReturn
gst_cmaf_sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  /* Checked casts read what a sample has no other use for. */
  GstCmafSink *self = (GstCmafSink *) parent;
  GstCmafSinkPad *own = (GstCmafSinkPad *) pad;
  GstCmafMedia *media = gst_cmaf_sink_pad_get_media (own);
  MillCmafInput input;
  if (is_closed (self)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_FLUSHING;
  }
  mill_cmaf_packager_prepare (self->packager, gst_cmaf_sink_pad_get_lane (own));
  if (G_UNLIKELY (media->incomplete)) {
    GstFlowReturn ret = gst_cmaf_sink_negotiation_complete ((GstElement *) self,
        self->packager, own, buffer);
    if (ret != GST_FLOW_OK || !media->usable) {
      gst_buffer_unref (buffer);
      return ret;
    }
  }
  buffer = gst_cmaf_media_strip_buffer (media, buffer);
  if (!gst_cmaf_media_describe_buffer (media, buffer, &input)) {
    GST_WARNING_OBJECT (pad, "a buffer without time or data, ignoring");
    gst_buffer_unref (buffer);
    return GST_FLOW_OK;
  }
  if (G_UNLIKELY (gst_cmaf_sink_dates_are_asked (&self->dates, self->packager,
          &input)))
    gst_cmaf_sink_dates_note (&self->dates, (GstElement *) self, self->packager,
        buffer, &input);
  if (media->kind == MILL_CMAF_VIDEO)
    gst_cmaf_sink_text_pad_look (own, self->packager, &input, buffer);
  return mill_cmaf_packager_push (self->packager,
      gst_cmaf_sink_pad_get_lane (own), &input, buffer);
}

static GstFlowReturn
gst_cmaf_sink_chain_text (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  if (is_closed (GST_CMAF_SINK (parent))) {
    gst_buffer_unref (buffer);
    return GST_FLOW_FLUSHING;
  }
  return gst_cmaf_sink_text_pad_chain (GST_ELEMENT (parent),
      GST_CMAF_SINK (parent)->packager, GST_CMAF_SINK_PAD (pad), buffer);
}

/* ---- events and queries ---- */

static gboolean
handle_segment (GstCmafSink *self, GstCmafSinkPad *pad, GstEvent *event)
{
  const GstSegment *segment;
  gst_event_parse_segment (event, &segment);
  GstCmafSinkText *text = gst_cmaf_sink_pad_get_text (pad);
  text->is_file = segment->format == GST_FORMAT_BYTES &&
      gst_cmaf_sink_pad_get_kind (pad) == MILL_CMAF_TEXT;
  if (text->is_file)
    return TRUE;
  if (segment->format != GST_FORMAT_TIME) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("segment of pad '%s': got format %s, expected time",
            GST_PAD_NAME (pad), gst_format_get_name (segment->format)),
        (NULL));
    return FALSE;
  }
  gst_cmaf_media_set_segment (gst_cmaf_sink_pad_get_media (pad), segment);
  return TRUE;
}

static gboolean
gst_cmaf_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCmafSink *self = GST_CMAF_SINK (parent);
  GstCmafSinkPad *own = GST_CMAF_SINK_PAD (pad);
  gboolean handled = TRUE;
  GstCaps *caps;
  GstTagList *tags;
  if (is_closed (self)) {
    gst_event_unref (event);
    return FALSE;
  }
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      handled = gst_cmaf_sink_negotiation_set_caps (GST_ELEMENT (self),
          self->packager, own, caps);
      break;
    case GST_EVENT_SEGMENT:
      handled = handle_segment (self, own, event);
      break;
    case GST_EVENT_TAG:
      gst_event_parse_tag (event, &tags);
      gst_cmaf_sink_negotiation_set_tags (GST_ELEMENT (self), self->packager,
          own, tags);
      break;
    case GST_EVENT_FLUSH_START:
      mill_cmaf_packager_set_flushing (self->packager,
          gst_cmaf_sink_pad_get_lane (own), TRUE);
      break;
    case GST_EVENT_FLUSH_STOP:
      mill_cmaf_packager_set_flushing (self->packager,
          gst_cmaf_sink_pad_get_lane (own), FALSE);
      gst_cmaf_media_set_segment (gst_cmaf_sink_pad_get_media (own), NULL);
      gst_cmaf_sink_text_flush (gst_cmaf_sink_pad_get_text (own));
      break;
    case GST_EVENT_EOS:
      GST_OBJECT_LOCK (self);
      self->eos_seqnum = gst_event_get_seqnum (event);
      GST_OBJECT_UNLOCK (self);
      gst_cmaf_sink_text_pad_end (GST_ELEMENT (self), self->packager, own);
      mill_cmaf_packager_end_lane (self->packager,
          gst_cmaf_sink_pad_get_lane (own));
      gst_cmaf_sink_text_pad_end_absent (GST_ELEMENT (self), self->packager,
          pad);
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
    case GST_EVENT_CUSTOM_DOWNSTREAM_OOB:
      gst_cmaf_sink_cues_handle_event (&self->cues, GST_ELEMENT (self),
          self->packager, event);
      break;
    default:
      break;
  }
  gst_event_unref (event);
  return handled;
}

static gboolean
gst_cmaf_sink_pad_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  /* Any caps get as far as the event, where the refusal says what is wrong. */
  if (GST_QUERY_TYPE (query) == GST_QUERY_ACCEPT_CAPS) {
    gst_query_set_accept_caps_result (query, TRUE);
    return TRUE;
  }
  return gst_pad_query_default (pad, parent, query);
}

static gboolean
query_latency (GstCmafSink *self, GstQuery *query)
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

static gboolean
query_position (GstCmafSink *self, GstQuery *query)
{
  GstFormat format;
  gst_query_parse_position (query, &format, NULL);
  g_autoptr (MillCmafPackager) packager = ref_packager (GST_ELEMENT (self));
  if (format != GST_FORMAT_TIME || packager == NULL)
    return FALSE;
  GstClockTimeDiff position = mill_cmaf_packager_get_position (packager);
  if (!GST_CLOCK_STIME_IS_VALID (position))
    return FALSE;
  gst_query_set_position (query, format, MAX (position, 0));
  return TRUE;
}

static gboolean
gst_cmaf_sink_query (GstElement *element, GstQuery *query)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_LATENCY:
      return query_latency (self, query);
    case GST_QUERY_POSITION:
      return query_position (self, query);
    default:
      return GST_ELEMENT_CLASS (gst_cmaf_sink_parent_class)
          ->query (element, query);
  }
}

/* ---- pads ---- */

/* A pad of text is listed from the start, or from when it is linked (its
 * properties are set by then): what it will have may be long in coming. */
static gboolean
announce_text (GstElement *element, GstPad *pad, gpointer user_data)
{
  if (is_side_pad (pad))
    return TRUE;
  g_autoptr (MillCmafPackager) packager = ref_packager (element);
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
  const gchar *prefix = prefixes[kind];
  guint number;
  GST_OBJECT_LOCK (self);
  if (wanted != NULL && g_str_has_prefix (wanted, prefix) &&
      g_ascii_string_to_unsigned (wanted + strlen (prefix), 10, 0,
          G_MAXUINT - 1, NULL, NULL))
    number = (guint) g_ascii_strtoull (wanted + strlen (prefix), NULL, 10);
  else
    number = self->next_pad[kind];
  self->next_pad[kind] = MAX (self->next_pad[kind], number + 1);
  GST_OBJECT_UNLOCK (self);
  return g_strdup_printf ("%s%u", prefix, number);
}

/* A pad of what is beside the media. */
static GstPad *
request_side_pad (GstCmafSink *self, GstPadTemplate *template,
    const gchar *wanted)
{
  gboolean image = has_template (template, GST_CMAF_SINK_IMAGE_TEMPLATE);
  const gchar *prefix = image ? "image_" : "meta_";
  GST_OBJECT_LOCK (self);
  g_autofree gchar *name = wanted != NULL
      ? g_strdup (wanted)
      : g_strdup_printf ("%s%u", prefix, self->next_side[image]++);
  GST_OBJECT_UNLOCK (self);
  g_autoptr (MillCmafPackager) packager = ref_packager (GST_ELEMENT (self));
  GstPad *pad = image
      ? gst_cmaf_sink_image_new_pad (template, name, ref_packager)
      : gst_cmaf_sink_meta_new_pad (template, name, ref_packager);
  if (image && packager != NULL)
    mill_cmaf_packager_add_image (packager, name);
  if (GST_STATE (self) >= GST_STATE_PAUSED)
    gst_pad_set_active (pad, TRUE);
  return gst_element_add_pad (GST_ELEMENT (self), pad) ? pad : NULL;
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

static GstPad *
gst_cmaf_sink_request_new_pad (GstElement *element, GstPadTemplate *template,
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
  gst_pad_set_chain_function (pad,
      kind == MILL_CMAF_TEXT ? gst_cmaf_sink_chain_text : gst_cmaf_sink_chain);
  gst_pad_set_event_function (pad, gst_cmaf_sink_event);
  gst_pad_set_query_function (pad, gst_cmaf_sink_pad_query);
  g_autoptr (MillCmafPackager) packager = ref_packager (GST_ELEMENT (self));
  if (packager != NULL) {
    gst_cmaf_sink_pad_set_lane (GST_CMAF_SINK_PAD (pad),
        mill_cmaf_packager_add_lane (packager, name, kind));
    gst_pad_set_active (pad, TRUE);
  }
  if (kind == MILL_CMAF_TEXT)
    g_signal_connect (pad, "linked", G_CALLBACK (on_linked), NULL);
  if (!gst_element_add_pad (element, pad))
    return NULL;
  gst_child_proxy_child_added (GST_CHILD_PROXY (self), G_OBJECT (pad), name);
  return pad;
}

static void
gst_cmaf_sink_release_pad (GstElement *element, GstPad *pad)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  g_autofree gchar *name = gst_pad_get_name (pad);
  g_autoptr (MillCmafPackager) packager = ref_packager (GST_ELEMENT (self));
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

/* ---- events from the pipeline ---- */

typedef struct
{
  GstEvent *event;
  gboolean taken;
} Push;

static gboolean
push_upstream (GstElement *element, GstPad *pad, gpointer user_data)
{
  Push *push = user_data;
  push->taken |= gst_pad_push_event (pad, gst_event_ref (push->event));
  return TRUE;
}

/* What goes upstream goes up all pads, where GstElement would take any one.
 * A latency is set even where nobody above wants it: nothing waits here. */
static gboolean
gst_cmaf_sink_send_event (GstElement *element, GstEvent *event)
{
  if (GST_EVENT_IS_DOWNSTREAM (event))
    return GST_ELEMENT_CLASS (gst_cmaf_sink_parent_class)
        ->send_event (element, event);
  Push push = { event, GST_EVENT_TYPE (event) == GST_EVENT_LATENCY };
  gst_element_foreach_sink_pad (element, push_upstream, &push);
  gst_event_unref (event);
  return push.taken;
}

/* ---- states ---- */

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
static void
expect_pads (GstCmafSink *self, MillCmafPackager *packager)
{
  g_autoptr (GHashTable) known =
      g_hash_table_new_full (NULL, NULL, gst_object_unref, NULL);
  GstPad *pad;
  while ((pad = find_pad_or_publish (self, known, packager)) != NULL) {
    expect_pad (packager, pad);
    g_hash_table_add (known, pad);
  }
}

static gboolean
start (GstCmafSink *self)
{
  MillCmafPackagerOptions options = { 0 };
  g_auto (GstCmafSinkStorage) storage = { 0 };
  g_autoptr (GError) error = NULL;
  GST_OBJECT_LOCK (self);
  gboolean is_valid =
      gst_cmaf_sink_settings_fill (&self->settings, &options, &error);
  gst_cmaf_sink_storage_copy (&self->settings.storage, &storage);
  g_autofree gchar *location = g_strdup (self->settings.location);
  gst_cmaf_sink_dates_begin (&self->dates, self->settings.program_date_time,
      self->settings.epoch_us);
  self->ended = FALSE;
  self->eos_posted = FALSE;
  GST_OBJECT_UNLOCK (self);
  gst_cmaf_sink_cues_reset (&self->cues);
  g_autoptr (MillStore) store = is_valid
      ? gst_cmaf_sink_storage_open (&storage, GST_ELEMENT (self), location,
            !options.publisher.may_wait, &error)
      : NULL;
  if (store == NULL) {
    gst_cmaf_sink_settings_clear_options (&options);
    post_error (self, MILL_CMAF_FAILED, error);
    return FALSE;
  }
  g_autoptr (MillCmafPackager) packager =
      mill_cmaf_packager_new (&options, on_report, G_OBJECT (self));
  gboolean is_open = mill_cmaf_packager_open_store (packager, store, &error);
  gst_cmaf_sink_settings_clear_options (&options);
  if (!is_open) {
    post_error (self, MILL_CMAF_FAILED, error);
    return FALSE;
  }
  expect_pads (self, packager);
  /* It is no failure to have no pads yet, which this would say too. */
  gst_element_foreach_sink_pad (GST_ELEMENT (self), announce_text, NULL);
  return TRUE;
}

/* As early as READY, where settings can be tried without a directory. */
static gboolean
check (GstCmafSink *self)
{
  g_autoptr (GError) error = NULL;
  GST_OBJECT_LOCK (self);
  gboolean is_valid = gst_cmaf_sink_settings_check (&self->settings, &error);
  GST_OBJECT_UNLOCK (self);
  if (!is_valid)
    post_error (self, MILL_CMAF_FAILED, error);
  return is_valid;
}

static void
stop (GstCmafSink *self)
{
  GST_OBJECT_LOCK (self);
  g_autoptr (MillCmafPackager) packager = g_steal_pointer (&self->packager);
  GST_OBJECT_UNLOCK (self);
  if (packager != NULL)
    mill_cmaf_packager_close (packager);
}

static GstStateChangeReturn
gst_cmaf_sink_change_state (GstElement *element, GstStateChange transition)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  if ((transition == GST_STATE_CHANGE_NULL_TO_READY && !check (self)) ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self)))
    return GST_STATE_CHANGE_FAILURE;
  /* What waits for other pads has to return before pads can be deactivated. */
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    mill_cmaf_packager_set_flushing (self->packager, NULL, TRUE);
  GstStateChangeReturn ret = GST_ELEMENT_CLASS (gst_cmaf_sink_parent_class)
                                 ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
          ret == GST_STATE_CHANGE_FAILURE))
    stop (self);
  return ret;
}

/* GST_STATE is PLAYING only after change_state() has returned. A bin forgets
 * who has ended when it goes to PAUSED, and asks again. */
static void
gst_cmaf_sink_state_changed (GstElement *element, GstState old, GstState new,
    GstState pending)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  GST_OBJECT_LOCK (self);
  self->eos_posted &= new == GST_STATE_PLAYING;
  GST_OBJECT_UNLOCK (self);
  post_eos_once (self);
}

/* ---- cues ---- */

static GstStructure *
on_cue (GstCmafSink *self, const GstStructure *cue)
{
  g_autoptr (MillCmafPackager) packager = ref_packager (GST_ELEMENT (self));
  return gst_cmaf_sink_cues_take (packager, cue);
}

/* ---- properties ---- */

enum
{
  PROP_STATS = GST_CMAF_SINK_SETTINGS_END,
};

static void
gst_cmaf_sink_set_property (GObject *object, guint id, const GValue *value,
    GParamSpec *pspec)
{
  GstCmafSink *self = GST_CMAF_SINK (object);
  GST_OBJECT_LOCK (self);
  gboolean known = gst_cmaf_sink_settings_set (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_cmaf_sink_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstCmafSink *self = GST_CMAF_SINK (object);
  if (id == PROP_STATS) {
    g_autoptr (MillCmafPackager) packager = ref_packager (GST_ELEMENT (self));
    g_value_take_boxed (value, gst_cmaf_sink_stats_new (packager));
    return;
  }
  GST_OBJECT_LOCK (self);
  gboolean known = gst_cmaf_sink_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_cmaf_sink_finalize (GObject *object)
{
  gst_cmaf_sink_settings_clear (&GST_CMAF_SINK (object)->settings);
  gst_cmaf_sink_cues_clear (&GST_CMAF_SINK (object)->cues);
  G_OBJECT_CLASS (gst_cmaf_sink_parent_class)->finalize (object);
}

static void
gst_cmaf_sink_class_init (GstCmafSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_cmaf_sink_set_property;
  object_class->get_property = gst_cmaf_sink_get_property;
  object_class->finalize = gst_cmaf_sink_finalize;
  gst_cmaf_sink_settings_install (object_class);
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "stats",
          "generation, segments, bytes, gaps, target-duration (s), "
          "retention-ms, window-shrunk (segments), renditions (array of structures), upload (structure, "
          "of a URL)",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  /**
   * GstCmafSink::cue:
   * @cue: type (string): out, in, cancel: of the break id (uint), or metadata:
   *   id3 (GBytes) a tag, or key and value (string); time (guint64, running
   *   time) or wall-time (gint64, µs since 1970): when, else now; duration
   *   (guint64, ns); auto-return (boolean): the break ends after it by itself,
   *   as it does unless this is FALSE
   *
   * Says that a break begins or ends, or hands players something.
   *
   * Returns: (transfer full): taken (boolean); if not, code (string): not-live,
   * no-break, exists, full, invalid; and message (string)
   */
  g_signal_new_class_handler ("cue", G_TYPE_FROM_CLASS (klass),
      G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION, G_CALLBACK (on_cue), NULL, NULL,
      NULL, GST_TYPE_STRUCTURE, 1, GST_TYPE_STRUCTURE);

  element_class->request_new_pad = gst_cmaf_sink_request_new_pad;
  element_class->release_pad = gst_cmaf_sink_release_pad;
  element_class->change_state = gst_cmaf_sink_change_state;
  element_class->state_changed = gst_cmaf_sink_state_changed;
  element_class->query = gst_cmaf_sink_query;
  element_class->send_event = gst_cmaf_sink_send_event;
  gst_element_class_add_static_pad_template_with_gtype (element_class,
      &video_template, GST_TYPE_CMAF_SINK_PAD);
  gst_element_class_add_static_pad_template_with_gtype (element_class,
      &audio_template, GST_TYPE_CMAF_SINK_PAD);
  gst_element_class_add_static_pad_template_with_gtype (element_class,
      &text_template, GST_TYPE_CMAF_SINK_PAD);
  gst_element_class_add_static_pad_template (element_class, &meta_template);
  gst_element_class_add_static_pad_template (element_class, &image_template);
  gst_element_class_set_static_metadata (element_class, "CMAF packager",
      "Sink/Muxer", "Packages a stream as CMAF for HLS and DASH",
      "The millrace authors");
}

static void
gst_cmaf_sink_init (GstCmafSink *self)
{
  gst_cmaf_sink_settings_init (&self->settings);
  gst_cmaf_sink_cues_init (&self->cues);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
}
