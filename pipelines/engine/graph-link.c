/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Making the links of a plan real. The same code serves pads that exist when
 * a graph is built, on the main thread, and pads that appear while it runs, on
 * a streaming thread. */
#include "graph-private.h"

#include <string.h>

#include "media-kind.h"
#include "plan-private.h"

static GstElement *
add_helper (GstBin *pipeline, const gchar *factory, const gchar *name,
    const gchar *node)
{
  GstElement *element = gst_element_factory_make (factory, name);

  if (!element)
    return NULL;
  g_object_set_data_full (G_OBJECT (element), MILL_GRAPH_NODE, g_strdup (node),
      g_free);
  /* Refused, it is gone: of its name there is one already. */
  return gst_bin_add (pipeline, element) ? element : NULL;
}

GstCaps *
mill_graph_link_get_caps (GstPad *pad)
{
  GstCaps *caps = gst_pad_get_current_caps (pad);

  return caps ? caps : gst_pad_query_caps (pad, NULL);
}

static gboolean
fail_link (const MillPlanLink *link, const gchar *why, GError **error)
{
  g_set_error (error, MILL_GRAPH_ERROR, MILL_GRAPH_ERROR_BUILD,
      "link from '%s.%s' to '%s.%s': %s", link->from_node, link->from_pad,
      link->to_node, link->to_pad ? link->to_pad : "?", why);
  return FALSE;
}

/* ---- the sink pad ---- */

static gboolean
template_accepts (GstPadTemplate *template, const GstCaps *caps,
    MillMediaKind kind)
{
  return (kind &
             mill_media_kind_of_pad (GST_PAD_TEMPLATE_NAME_TEMPLATE (template),
                 GST_PAD_TEMPLATE_CAPS (template))) &&
      gst_caps_can_intersect (caps, GST_PAD_TEMPLATE_CAPS (template));
}

/* Returns: (nullable) (transfer none): the sink template for @caps, among
 * those that @link names. */
static GstPadTemplate *
find_template (GstElement *target, const MillPlanLink *link,
    const GstCaps *caps)
{
  MillMediaKind kind = mill_media_kind_of_caps (caps);

  for (GList *l = gst_element_get_pad_template_list (target); l; l = l->next) {
    GstPadTemplate *template = l->data;

    if (GST_PAD_TEMPLATE_DIRECTION (template) != GST_PAD_SINK ||
        GST_PAD_TEMPLATE_PRESENCE (template) == GST_PAD_SOMETIMES)
      continue;
    if (link->to_pad &&
        !mill_media_kind_name_fits (GST_PAD_TEMPLATE_NAME_TEMPLATE (template),
            link->to_pad))
      continue;
    if (template_accepts (template, caps, kind))
      return template;
  }
  return NULL;
}

gboolean
mill_graph_link_accepts (GstBin *pipeline, const MillPlanLink *link,
    const GstCaps *caps)
{
  g_autoptr (GstElement) target = gst_bin_get_by_name (pipeline, link->to_node);

  return target && find_template (target, link, caps);
}

GstCaps *
mill_graph_link_get_taken (GstBin *pipeline, const MillPlanLink *link)
{
  g_autoptr (GstElement) target = gst_bin_get_by_name (pipeline, link->to_node);
  GstCaps *taken = gst_caps_new_empty ();

  for (GList *l = target ? gst_element_get_pad_template_list (target) : NULL; l;
       l = l->next) {
    GstPadTemplate *template = l->data;

    if (GST_PAD_TEMPLATE_DIRECTION (template) == GST_PAD_SINK &&
        (!link->to_pad ||
            mill_media_kind_name_fits (
                GST_PAD_TEMPLATE_NAME_TEMPLATE (template), link->to_pad)))
      taken = gst_caps_merge (taken, gst_pad_template_get_caps (template));
  }
  return taken;
}

/* @name: of the pad that the media comes from, also where a tee is between.
 * Returns: (transfer full) (nullable) */
static GstPad *
get_sink_pad (GstElement *target, const MillPlanLink *link, GstPad *source,
    const gchar *name)
{
  g_autoptr (GstCaps) caps = NULL;
  GstPadTemplate *template;
  GstPad *pad;

  if (link->to_pad) {
    pad = gst_element_get_static_pad (target, link->to_pad);
    return pad ? pad
               : gst_element_request_pad_simple (target,
                     link->same_name ? name : link->to_pad);
  }
  caps = mill_graph_link_get_caps (source);
  template = find_template (target, link, caps);
  if (!template)
    return NULL;
  if (GST_PAD_TEMPLATE_PRESENCE (template) == GST_PAD_REQUEST)
    return gst_element_request_pad (target, template, NULL, NULL);
  return gst_element_get_static_pad (target,
      GST_PAD_TEMPLATE_NAME_TEMPLATE (template));
}

static gboolean
set_pad_properties (const MillPlanLink *link, GstPad *pad, GError **error)
{
  for (guint i = 0; i < link->props->len; i++) {
    const MillPlanSetting *setting = g_ptr_array_index (link->props, i);

    /* The template's type was checked; an element may still make another. */
    if (!g_object_class_find_property (G_OBJECT_GET_CLASS (pad), setting->name))
      return fail_link (link, "its pad lacks a planned property", error);
    g_object_set_property (G_OBJECT (pad), setting->name, &setting->value);
  }
  return TRUE;
}

static gboolean
link_pads (const MillPlanLink *link, GstPad *source, GstPad *sink,
    GError **error)
{
  GstPadLinkReturn result;
  g_autoptr (GstCaps) given = NULL;
  g_autoptr (GstCaps) taken = NULL;
  g_autofree gchar *why = NULL;

  if (gst_pad_is_linked (sink))
    return fail_link (link, "the sink pad is taken, expected one source",
        error);
  result = gst_pad_link (source, sink);
  if (GST_PAD_LINK_SUCCESSFUL (result))
    return TRUE;
  given = mill_graph_link_get_caps (source);
  taken = gst_pad_query_caps (sink, NULL);
  if (result == GST_PAD_LINK_NOFORMAT) {
    g_autofree gchar *gives = mill_media_kind_describe_beside (given, taken);
    g_autofree gchar *takes = mill_media_kind_describe_beside (taken, given);

    why = g_strdup_printf ("got %s, expected %s", gives, takes);
  } else {
    why = g_strdup (gst_pad_link_get_name (result));
  }
  return fail_link (link, why, error);
}

/* ---- queue and tee ---- */

/* GStreamer 1.22's queue measures what it holds from the position of the segment
 * to the newest buffer until the first buffer has left it: where a stream begins
 * late on its epoch, that is more than a leaky queue may hold, and the first
 * keyframe is what it drops. So the segment tells what time it is. */
static GstPadProbeReturn
on_segment (GstPad *sink, GstPadProbeInfo *info, gpointer user_data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  g_autoptr (GstElement) queue = gst_pad_get_parent_element (sink);
  g_autoptr (GstClock) clock = queue ? gst_element_get_clock (queue) : NULL;
  GstSegment segment;
  GstClockTime now;

  if (GST_EVENT_TYPE (event) != GST_EVENT_SEGMENT || !clock)
    return GST_PAD_PROBE_OK;
  gst_event_copy_segment (event, &segment);
  now = gst_clock_get_time (clock);
  if (segment.format != GST_FORMAT_TIME ||
      now < gst_element_get_base_time (queue))
    return GST_PAD_PROBE_OK;
  now = gst_segment_position_from_running_time (&segment, GST_FORMAT_TIME,
      now - gst_element_get_base_time (queue));
  if (!GST_CLOCK_TIME_IS_VALID (now))
    return GST_PAD_PROBE_OK;
  segment.position = now;
  info->data = gst_event_new_segment (&segment);
  gst_event_set_seqnum (info->data, gst_event_get_seqnum (event));
  gst_event_unref (event);
  return GST_PAD_PROBE_OK;
}

static void
tell_time (GstElement *queue)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (queue, "sink");

  gst_pad_add_probe (sink, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_segment,
      NULL, NULL);
}

/* The sink pad makes the name: a source pad may be the first of one of several
 * tees, and they all call that alike. */
static GstElement *
add_queue (GstBin *pipeline, const MillPlanLink *link, GstPad *sink)
{
  const gchar *const *property = mill_plan_link_get_queue (link->kind);
  g_autofree gchar *name = g_strdup_printf ("queue:%s:%s.%s", link->from_node,
      link->to_node, GST_PAD_NAME (sink));
  GstElement *queue = add_helper (pipeline, "queue", name, link->to_node);

  for (; queue && *property; property += 2)
    gst_util_set_object_arg (G_OBJECT (queue), property[0], property[1]);
  if (queue && link->kind == MILL_LINK_QUEUE)
    tell_time (queue);
  return queue;
}

static gboolean
connect_one (GstBin *pipeline, GstPad *source, const gchar *name,
    const MillPlanLink *link, GError **error)
{
  g_autoptr (GstElement) target = gst_bin_get_by_name (pipeline, link->to_node);
  g_autoptr (GstPad) sink = get_sink_pad (target, link, source, name);
  g_autoptr (GstPad) queue_src = NULL;
  g_autoptr (GstPad) queue_sink = NULL;
  GstElement *queue;

  if (!sink)
    return fail_link (link, "the element gives no such sink pad", error);
  if (!set_pad_properties (link, sink, error))
    return FALSE;
  mill_graph_gate_guard (target, sink, link->from_node);
  mill_graph_cut_watch_sink (target, sink);
  mill_graph_rest_guard (target, sink);
  mill_graph_input_guard (pipeline, link, sink);
  if (!mill_plan_link_get_queue (link->kind))
    return link_pads (link, source, sink, error);
  queue = add_queue (pipeline, link, sink);
  if (!queue)
    return fail_link (link,
        "no element 'queue', expected GStreamer's "
        "coreelements plugin",
        error);
  queue_src = gst_element_get_static_pad (queue, "src");
  queue_sink = gst_element_get_static_pad (queue, "sink");
  if (!link_pads (link, queue_src, sink, error))
    return FALSE;
  gst_element_sync_state_with_parent (queue);
  return link_pads (link, source, queue_sink, error);
}

static gboolean
connect_tee (GstBin *pipeline, GstPad *source, GPtrArray *links, GError **error)
{
  const MillPlanLink *first = g_ptr_array_index (links, 0);
  g_autofree gchar *name =
      g_strdup_printf ("tee:%s.%s", first->from_node, GST_PAD_NAME (source));
  GstElement *tee = add_helper (pipeline, "tee", name, first->from_node);
  g_autoptr (GstPad) tee_sink = NULL;

  if (!tee)
    return fail_link (first,
        "no element 'tee', expected GStreamer's "
        "coreelements plugin",
        error);
  tee_sink = gst_element_get_static_pad (tee, "sink");
  for (guint i = 0; i < links->len; i++) {
    g_autoptr (GstPad) branch = gst_element_request_pad_simple (tee, "src_%u");

    if (!connect_one (pipeline, branch, GST_PAD_NAME (source),
            g_ptr_array_index (links, i), error))
      return FALSE;
  }
  gst_element_sync_state_with_parent (tee);
  return link_pads (first, source, tee_sink, error);
}

gboolean
mill_graph_link_connect (GstBin *pipeline, GstPad *source, GPtrArray *links,
    GError **error)
{
  if (links->len == 1)
    return connect_one (pipeline, source, GST_PAD_NAME (source),
        g_ptr_array_index (links, 0), error);
  return connect_tee (pipeline, source, links, error);
}

void
mill_graph_link_discard (GstBin *pipeline, GstPad *source, gboolean pool)
{
  g_autoptr (GstElement) owner = gst_pad_get_parent_element (source);
  g_autofree gchar *name = g_strdup_printf ("drop:%s.%s",
      GST_OBJECT_NAME (owner), GST_PAD_NAME (source));
  /* A sink waits in PAUSED, which a pool thread must never do; a tee without
   * branches takes all and never waits. */
  GstElement *drop = add_helper (pipeline, pool ? "tee" : "fakesink", name,
      GST_OBJECT_NAME (owner));
  g_autoptr (GstPad) sink = NULL;

  if (!drop)
    return;
  if (pool)
    g_object_set (drop, "allow-not-linked", TRUE, NULL);
  else
    g_object_set (drop, "sync", FALSE, "async", FALSE, "enable-last-sample",
        FALSE, NULL);
  gst_element_sync_state_with_parent (drop);
  sink = gst_element_get_static_pad (drop, "sink");
  gst_pad_link (source, sink);
}
