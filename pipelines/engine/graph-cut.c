/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* The ends of links between the processes of one stream, while they run. */
#include "graph-private.h"

#include "element-table.h"
#include "plan-private.h"

/* Says of the end of a link that no pad will reach it. */
#define UNUSED "millrace-unused"

static gboolean
is_end (GstElement *element)
{
  return g_str_has_prefix (GST_OBJECT_NAME (element), MILL_PLAN_LINK_PREFIX);
}

static GstPadProbeReturn
on_event (GstPad *pad, GstPadProbeInfo *info, gpointer element)
{
  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS)
    gst_element_post_message (element,
        gst_message_new_application (element,
            gst_structure_new_empty (MILL_GRAPH_LINK_ENDED)));
  return GST_PAD_PROBE_OK;
}

void
mill_graph_cut_watch_sink (GstElement *element, GstPad *sink)
{
  /* The element outlives its pads. */
  if (is_end (element))
    gst_pad_add_probe (sink, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_event,
        element, NULL);
}

static void
end_unused (GstElement *end, gpointer user_data)
{
  const gchar *name = user_data;
  g_autoptr (GstPad) pad = NULL;

  /* There is a call for each pad that is missing, each on a thread. */
  if (end->numsinkpads == 0 &&
      g_object_replace_data (G_OBJECT (end), UNUSED, NULL, end, NULL, NULL))
    pad = gst_element_request_pad_simple (end, name);
  if (!pad)
    return;
  gst_pad_send_event (pad, gst_event_new_stream_start ("millrace-none"));
  gst_pad_send_event (pad, gst_event_new_eos ());
}

gboolean
mill_graph_cut_end_unused (GstElement *element, const MillPlanLink *link)
{
  g_autoptr (GstObject) parent = gst_object_get_parent (GST_OBJECT (element));
  g_autoptr (GstElement) end = NULL;

  if (!g_str_has_prefix (link->to_node, MILL_PLAN_LINK_PREFIX))
    return FALSE;
  end = parent ? gst_bin_get_by_name (GST_BIN (parent), link->to_node) : NULL;
  if (end)
    gst_element_call_async (end, end_unused, g_strdup (link->to_pad), g_free);
  return TRUE;
}

static gboolean
has_other_source (const MillPlan *plan, const gchar *node, const gchar *source)
{
  for (guint i = 0; i < plan->links->len; i++) {
    const MillPlanLink *link = g_ptr_array_index (plan->links, i);

    if (g_str_equal (link->to_node, node) &&
        !g_str_equal (link->from_node, source))
      return TRUE;
  }
  return FALSE;
}

gboolean
mill_graph_cut_is_fed_otherwise (const MillPlan *plan, const MillPlanLink *link)
{
  if (!g_str_has_prefix (link->to_node, MILL_PLAN_LINK_PREFIX))
    return FALSE;
  for (guint i = 0; i < plan->links->len; i++) {
    const MillPlanLink *cut = g_ptr_array_index (plan->links, i);

    if (cut->kind == MILL_LINK_CUT &&
        g_str_equal (cut->from_node, link->from_node) &&
        has_other_source (plan, cut->to_node, cut->from_node))
      return TRUE;
  }
  return FALSE;
}

typedef struct
{
  gboolean links;
  gboolean found;
  gboolean has_media; /* some source has begun */
} Ending;

/* A place for a publisher that never came. Asked to end, it would say that there
 * is nothing to finish, which is so only where no other source has begun. */
static gboolean
is_vacant (GstElement *source)
{
  GstElementFactory *factory = gst_element_get_factory (source);

  return source->numsrcpads == 0 && factory &&
      mill_element_table_is_pool_source (GST_OBJECT_NAME (factory));
}

static void
look_for_media (const GValue *value, gpointer user_data)
{
  GstElement *source = g_value_get_object (value);

  ((Ending *) user_data)->has_media |= source->numsrcpads > 0;
}

static void
end_source (const GValue *value, gpointer user_data)
{
  GstElement *source = g_value_get_object (value);
  Ending *ending = user_data;

  ending->found |= is_end (source);
  if (is_end (source) != ending->links ||
      (ending->has_media && is_vacant (source)))
    return;
  /* Nobody ever came: then there is nothing to end but its branches. */
  if (is_end (source) && source->numsrcpads == 0)
    mill_graph_pads_close (source);
  else
    mill_graph_eos_send (source);
}

gboolean
mill_graph_cut_end_sources (GstBin *pipeline, gboolean links)
{
  GstIterator *sources = gst_bin_iterate_sources (pipeline);
  Ending ending = { links, FALSE, FALSE };

  while (gst_iterator_foreach (sources, look_for_media, &ending) ==
      GST_ITERATOR_RESYNC)
    gst_iterator_resync (sources);
  gst_iterator_resync (sources);
  while (gst_iterator_foreach (sources, end_source, &ending) ==
      GST_ITERATOR_RESYNC)
    gst_iterator_resync (sources);
  gst_iterator_free (sources);
  return ending.found;
}

static gboolean
is_open (GstElement *element)
{
  gboolean open = FALSE;

  GST_OBJECT_LOCK (element);
  for (GList *l = element->sinkpads; l; l = l->next)
    open |= !GST_PAD_IS_EOS (l->data);
  GST_OBJECT_UNLOCK (element);
  return open;
}

static void
check_end (const GValue *value, gpointer open)
{
  GstElement *element = g_value_get_object (value);

  *(gboolean *) open |= is_end (element) && is_open (element);
}

gboolean
mill_graph_cut_have_sinks_ended (GstBin *pipeline)
{
  GstIterator *sinks = gst_bin_iterate_sinks (pipeline);
  gboolean open = FALSE;

  while (gst_iterator_foreach (sinks, check_end, &open) ==
      GST_ITERATOR_RESYNC) {
    open = FALSE;
    gst_iterator_resync (sinks);
  }
  gst_iterator_free (sinks);
  return !open;
}
