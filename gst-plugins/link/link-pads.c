/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "link-pads.h"

#include <string.h>

#include <gst/base/base.h>

#include "link-caps.h"
#include "link/link-buffer.h"
#include "link/link-event.h"

#define MAX_PADS 64

typedef struct
{
  guint16 id; /* in this connection, 0: not told of in it */
  gchar *name;
  GstPad *pad; /* nullable: added with its caps */
  GstEvent *stream_start;
  gboolean ended;
  gboolean is_discont;
} LinkPad;

struct _MillLinkPads
{
  GstElement *element;
  MillLinkPadsFuncs funcs;
  gboolean is_live;
  GPtrArray *all; /* of LinkPad */
  GstFlowCombiner *combiner;
  guint group_id;
  gboolean is_ready; /* all pads of the moment were told */
  gboolean no_more_pads;
  gboolean was_linked;
};

static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE ("video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
        GST_STATIC_CAPS (MILL_LINK_VIDEO_CAPS));
static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
        GST_STATIC_CAPS (MILL_LINK_AUDIO_CAPS));
static GstStaticPadTemplate text_template = GST_STATIC_PAD_TEMPLATE ("text_%u",
    GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS (MILL_LINK_TEXT_CAPS));

void
mill_link_pads_add_templates (GstElementClass *klass)
{
  gst_element_class_add_static_pad_template (klass, &video_template);
  gst_element_class_add_static_pad_template (klass, &audio_template);
  gst_element_class_add_static_pad_template (klass, &text_template);
}

/* ---- pads ---- */

static void
free_pad (gpointer data)
{
  LinkPad *pad = data;

  g_clear_pointer (&pad->stream_start, gst_event_unref);
  g_free (pad->name);
  g_free (pad);
}

MillLinkPads *
mill_link_pads_new (GstElement *element, const MillLinkPadsFuncs *funcs,
    gboolean is_live)
{
  MillLinkPads *pads = g_new0 (MillLinkPads, 1);

  pads->element = element;
  pads->funcs = *funcs;
  pads->is_live = is_live;
  pads->all = g_ptr_array_new_with_free_func (free_pad);
  pads->combiner = gst_flow_combiner_new ();
  pads->group_id = gst_util_group_id_next ();
  return pads;
}

void
mill_link_pads_free (MillLinkPads *pads)
{
  for (guint i = 0; i < pads->all->len; i++) {
    LinkPad *pad = g_ptr_array_index (pads->all, i);
    if (pad->pad)
      gst_element_remove_pad (pads->element, pad->pad);
  }
  g_ptr_array_unref (pads->all);
  gst_flow_combiner_free (pads->combiner);
  g_free (pads);
}

static LinkPad *
get_pad (const MillLinkPads *pads, guint i)
{
  return g_ptr_array_index (pads->all, i);
}

static LinkPad *
find_pad (const MillLinkPads *pads, guint16 id)
{
  for (guint i = 0; id != 0 && i < pads->all->len; i++)
    if (get_pad (pads, i)->id == id)
      return get_pad (pads, i);
  return NULL;
}

/* Read by upstream events, on any thread. */
static void
set_id (LinkPad *pad, guint16 id)
{
  pad->id = id;
  if (!pad->pad)
    return;
  GST_OBJECT_LOCK (pad->pad);
  gst_pad_set_element_private (pad->pad, GUINT_TO_POINTER (id));
  GST_OBJECT_UNLOCK (pad->pad);
}

guint16
mill_link_pads_get_id (GstPad *pad)
{
  GST_OBJECT_LOCK (pad);
  guint16 id = GPOINTER_TO_UINT (gst_pad_get_element_private (pad));
  GST_OBJECT_UNLOCK (pad);
  return id;
}

static gboolean
refuse (GError **error, const gchar *what, guint got, const gchar *expected)
{
  g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
      "link %s: got %u, expected %s", what, got, expected);
  return FALSE;
}

static LinkPad *
find_name (const MillLinkPads *pads, const gchar *name)
{
  for (guint i = 0; i < pads->all->len; i++)
    if (g_str_equal (get_pad (pads, i)->name, name))
      return get_pad (pads, i);
  return NULL;
}

static gboolean
take_pad (MillLinkPads *pads, const MillLinkMessage *message, GError **error)
{
  g_autofree gchar *name = NULL;

  if (!mill_link_message_parse_pad (message, &name, error))
    return FALSE;
  if (message->pad == 0 || find_pad (pads, message->pad))
    return refuse (error, "pad", message->pad, "a new number");
  LinkPad *pad = find_name (pads, name);
  if (pad && pad->id != 0)
    return refuse (error, "pad's name", message->pad, "a new one");
  if (!pad) {
    if (pads->all->len >= MAX_PADS)
      return refuse (error, "pads", pads->all->len + 1, "at most 64");
    pad = g_new0 (LinkPad, 1);
    pad->name = g_steal_pointer (&name);
    g_ptr_array_add (pads->all, pad);
  }
  set_id (pad, message->pad);
  return TRUE;
}

static gboolean
add_pad (MillLinkPads *pads, LinkPad *pad, GstEvent *caps, GError **error)
{
  GstElementClass *klass = GST_ELEMENT_GET_CLASS (pads->element);
  const gchar *number = strrchr (pad->name, '_');
  g_autofree gchar *prefix = number ? g_strndup (pad->name, number - pad->name)
                                    : g_strdup ("");
  g_autofree gchar *pattern = g_strdup_printf ("%s_%%u", prefix);
  GstPadTemplate *template =
      gst_element_class_get_pad_template (klass, pattern);

  if (!template)
    return refuse (error, "pad's name", pad->id,
        "video_, audio_ or text_ and a number");
  pad->pad = gst_pad_new_from_template (template, pad->name);
  set_id (pad, pad->id);
  gst_pad_set_event_function (pad->pad, pads->funcs.event);
  gst_pad_set_query_function (pad->pad, pads->funcs.query);
  gst_pad_use_fixed_caps (pad->pad);
  gst_pad_set_active (pad->pad, TRUE);
  gst_pad_push_event (pad->pad, gst_event_ref (pad->stream_start));
  gst_pad_push_event (pad->pad, gst_event_ref (caps));
  gst_flow_combiner_add_pad (pads->combiner, pad->pad);
  gst_element_add_pad (pads->element, pad->pad);
  return TRUE;
}

static void
check_no_more_pads (MillLinkPads *pads)
{
  if (!pads->is_ready || pads->no_more_pads || pads->all->len == 0)
    return;
  /* One that ended before it had caps will have none. */
  for (guint i = 0; i < pads->all->len; i++)
    if (!get_pad (pads, i)->pad && !get_pad (pads, i)->ended)
      return;
  pads->no_more_pads = TRUE;
  gst_element_no_more_pads (pads->element);
}

static void
remove_pad (MillLinkPads *pads, LinkPad *pad)
{
  if (pad->pad) {
    if (!pad->ended)
      gst_pad_push_event (pad->pad, gst_event_new_eos ());
    gst_flow_combiner_remove_pad (pads->combiner, pad->pad);
    gst_pad_set_active (pad->pad, FALSE);
    gst_element_remove_pad (pads->element, pad->pad);
  }
  g_ptr_array_remove (pads->all, pad);
  check_no_more_pads (pads);
}

/* ---- events ---- */

static void
take_stream_start (MillLinkPads *pads, LinkPad *pad, GstEvent *event)
{
  const gchar *id;
  const gchar *last = NULL;

  gst_event_parse_stream_start (event, &id);
  if (pad->stream_start)
    gst_event_parse_stream_start (pad->stream_start, &last);
  gst_event_set_group_id (event, pads->group_id);
  /* The same one again, as after a reconnect, says nothing new. */
  if (pad->pad && (pad->ended || g_strcmp0 (id, last) != 0))
    gst_pad_push_event (pad->pad, gst_event_ref (event));
  g_clear_pointer (&pad->stream_start, gst_event_unref);
  pad->stream_start = gst_event_ref (event);
  pad->ended = FALSE;
}

static gboolean
take_caps (MillLinkPads *pads, LinkPad *pad, GstEvent *event, GError **error)
{
  GstCaps *caps;

  if (!pad->stream_start)
    return refuse (error, "caps of pad", pad->id, "stream-start before");
  if (!pad->pad) {
    if (!add_pad (pads, pad, event, error))
      return FALSE;
    check_no_more_pads (pads);
    return TRUE;
  }
  gst_event_parse_caps (event, &caps);
  g_autoptr (GstCaps) current = gst_pad_get_current_caps (pad->pad);
  if (!current || !gst_caps_is_equal (current, caps))
    gst_pad_push_event (pad->pad, gst_event_ref (event));
  return TRUE;
}

/* In order with what is pushed: what waits downstream, as a sink in PAUSED, is
 * not woken by it. */
static void
take_flush (MillLinkPads *pads, LinkPad *pad, GstEvent *stop)
{
  gst_pad_push_event (pad->pad, gst_event_new_flush_start ());
  gst_pad_push_event (pad->pad, gst_event_ref (stop));
  gst_flow_combiner_reset (pads->combiner);
  pad->ended = FALSE;
  pad->is_discont = TRUE;
}

static gboolean
take_event (MillLinkPads *pads, const MillLinkMessage *message, GError **error)
{
  LinkPad *pad = find_pad (pads, message->pad);
  g_autoptr (GstEvent) event = mill_link_event_read (message, error);

  if (!event)
    return FALSE;
  if (!pad)
    return refuse (error, "event's pad", message->pad, "one that was told");
  switch (message->type) {
    case MILL_LINK_EVENT_STREAM_START:
      take_stream_start (pads, pad, event);
      return TRUE;
    case MILL_LINK_EVENT_CAPS:
      return take_caps (pads, pad, event, error);
    case MILL_LINK_EVENT_FLUSH:
      if (pad->pad)
        take_flush (pads, pad, event);
      return TRUE;
    default:
      break;
  }
  gboolean is_eos = message->type == MILL_LINK_EVENT_EOS;
  if (!pad->pad && !is_eos)
    return refuse (error, "event of pad", message->pad, "caps before");
  if (pad->pad && !pad->ended)
    gst_pad_push_event (pad->pad, gst_event_ref (event));
  pad->ended |= is_eos;
  if (is_eos)
    check_no_more_pads (pads);
  return TRUE;
}

/* ---- buffers ---- */

static GstFlowReturn
push (MillLinkPads *pads, LinkPad *pad, GstBuffer *buffer)
{
  GstFlowReturn flow = gst_pad_push (pad->pad, buffer);

  if (flow == GST_FLOW_FLUSHING && pads->is_live)
    flow = GST_FLOW_OK;
  pads->was_linked |= flow != GST_FLOW_NOT_LINKED;
  flow = gst_flow_combiner_update_pad_flow (pads->combiner, pad->pad, flow);
  return flow == GST_FLOW_NOT_LINKED && pads->was_linked ? GST_FLOW_OK : flow;
}

static gboolean
take_buffer (MillLinkPads *pads, const MillLinkMessage *message,
    GstFlowReturn *ret_flow, GError **error)
{
  LinkPad *pad = find_pad (pads, message->pad);
  g_autoptr (GstBuffer) buffer = mill_link_buffer_read (message, error);

  if (!buffer)
    return FALSE;
  if (!pad || !pad->pad)
    return refuse (error, "buffer's pad", message->pad, "one with caps");
  g_autoptr (GstEvent) segment =
      gst_pad_get_sticky_event (pad->pad, GST_EVENT_SEGMENT, 0);
  if (pad->ended || !segment)
    return refuse (error, "buffer of pad", message->pad,
        "a segment before and no EOS");
  if (pad->is_discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  pad->is_discont = FALSE;
  *ret_flow = push (pads, pad, g_steal_pointer (&buffer));
  return TRUE;
}

/* ---- all ---- */

gboolean
mill_link_pads_take (MillLinkPads *pads, const MillLinkMessage *message,
    GstFlowReturn *ret_flow, GError **error)
{
  LinkPad *pad;

  switch (message->type) {
    case MILL_LINK_PAD:
      return take_pad (pads, message, error);
    case MILL_LINK_PAD_GONE:
      pad = find_pad (pads, message->pad);
      if (pad)
        remove_pad (pads, pad);
      return TRUE;
    case MILL_LINK_READY:
      pads->is_ready = TRUE;
      check_no_more_pads (pads);
      return TRUE;
    case MILL_LINK_BUFFER:
      return take_buffer (pads, message, ret_flow, error);
    case MILL_LINK_HELLO:
    case MILL_LINK_LATENCY:
    case MILL_LINK_QUERY_LATENCY:
    case MILL_LINK_FORCE_KEY_UNIT:
      return refuse (error, "message of a producer", message->type,
          "pads, events, buffers or latency");
    default:
      return take_event (pads, message, error);
  }
}

void
mill_link_pads_disconnect (MillLinkPads *pads)
{
  pads->is_ready = FALSE;
  for (guint i = 0; i < pads->all->len; i++) {
    set_id (get_pad (pads, i), 0);
    get_pad (pads, i)->is_discont = TRUE;
  }
}

/* A pad that only an earlier producer had does not keep the end away. */
gboolean
mill_link_pads_has_ended (const MillLinkPads *pads)
{
  guint n_told = 0;

  for (guint i = 0; i < pads->all->len; i++) {
    LinkPad *pad = get_pad (pads, i);
    if (pad->id != 0 && !pad->ended)
      return FALSE;
    n_told += pad->id != 0;
  }
  return pads->is_ready && n_told > 0;
}

void
mill_link_pads_end (MillLinkPads *pads)
{
  for (guint i = 0; i < pads->all->len; i++) {
    LinkPad *pad = get_pad (pads, i);
    if (pad->pad && !pad->ended)
      gst_pad_push_event (pad->pad, gst_event_new_eos ());
    pad->ended = TRUE;
  }
}

gboolean
mill_link_pads_is_empty (const MillLinkPads *pads)
{
  return pads->all->len == 0;
}
