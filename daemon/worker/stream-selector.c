/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/stream-selector.h"

#include "daemon/ipc/ipc.h"

#define SELECTOR_FACTORY "failoverswitch"
#define RTMP_FACTORY "rtmpserversrc"
#define MAX_NAME_SHOWN 64 /* characters */
#define NOTHING_SHOWN -2 /* the switch's "active" */

static const MillPlanNode *
find_node (MillPlan *plan, const gchar *name)
{
  GPtrArray *nodes = mill_plan_get_nodes (plan);

  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = nodes->pdata[i];
    if (g_str_equal (node->name, name))
      return node;
  }
  return NULL;
}

static gboolean
is_of (MillPlan *plan, const gchar *name, const gchar *factory)
{
  const MillPlanNode *node = find_node (plan, name);

  return node && g_str_equal (node->factory, factory);
}

static guint
get_priority (const MillPlanLink *link)
{
  for (guint i = 0; i < link->props->len; i++) {
    const MillPlanSetting *setting = link->props->pdata[i];
    if (g_str_equal (setting->name, "priority") &&
        G_VALUE_HOLDS_UINT (&setting->value))
      return g_value_get_uint (&setting->value);
  }
  return 0;
}

void
mill_stream_selector_find (MillStreamSelector *selector, MillGraph *graph,
    const gchar *node)
{
  MillPlan *plan = mill_graph_get_plan (graph);
  GPtrArray *links = mill_plan_get_links (plan);
  const gchar *name = NULL;

  *selector = (MillStreamSelector){ NULL };
  for (guint i = 0; i < links->len && !name; i++) {
    const MillPlanLink *link = links->pdata[i];
    if (!g_str_equal (link->from_node, node) ||
        !is_of (plan, link->to_node, SELECTOR_FACTORY) ||
        !mill_graph_get_node (graph, link->to_node))
      continue;
    name = link->to_node;
    selector->element = gst_object_ref (mill_graph_get_node (graph, name));
    selector->priority = get_priority (link);
  }
  for (guint i = 0; i < links->len && name; i++) {
    const MillPlanLink *link = links->pdata[i];
    selector->has_others |= g_str_equal (link->to_node, name) &&
        !is_of (plan, link->from_node, RTMP_FACTORY);
  }
}

void
mill_stream_selector_clear (MillStreamSelector *selector)
{
  gst_clear_object (&selector->element);
}

gboolean
mill_stream_selector_shows (const MillStreamSelector *selector)
{
  gint active;

  g_object_get (selector->element, "active", &active, NULL);
  return active >= 0 && (guint) active == selector->priority;
}

gboolean
mill_stream_selector_has_shown (const MillStreamSelector *selector)
{
  gint active;

  g_object_get (selector->element, "active", &active, NULL);
  return active != NOTHING_SHOWN;
}

guint
mill_stream_selector_get_patience (const MillStreamSelector *selector)
{
  guint patience_ms;

  g_object_get (selector->element, "slate-timeout-ms", &patience_ms, NULL);
  return patience_ms;
}

/* ---- the switch of a graph ---- */

/* An input may have a link for each of its tracks, of one node or of several. */
typedef struct
{
  const gchar *node;
  guint priority;
} Feed;

static gint
compare_feeds (gconstpointer a, gconstpointer b)
{
  const Feed *left = a;
  const Feed *right = b;

  return (left->priority > right->priority) -
      (left->priority < right->priority);
}

static gboolean
has_feed (const GArray *feeds, const gchar *node)
{
  for (guint i = 0; i < feeds->len; i++)
    if (g_str_equal (g_array_index (feeds, Feed, i).node, node))
      return TRUE;
  return FALSE;
}

/* The nodes of one priority are the tracks of one input, which is called by the
 * first of them. */
static void
remove_twins (GArray *feeds)
{
  for (guint i = feeds->len; i > 1; i--)
    if (g_array_index (feeds, Feed, i - 1).priority ==
        g_array_index (feeds, Feed, i - 2).priority)
      g_array_remove_index (feeds, i - 1);
}

/* Returns: (transfer full) (element-type Feed): the inputs, the first choice
 * first */
static GArray *
read_feeds (MillGraph *graph, const gchar *selector)
{
  GPtrArray *links = mill_plan_get_links (mill_graph_get_plan (graph));
  GArray *feeds = g_array_new (FALSE, FALSE, sizeof (Feed));

  for (guint i = 0; i < links->len; i++) {
    const MillPlanLink *link = links->pdata[i];
    const Feed feed = { link->from_node, get_priority (link) };
    if (g_str_equal (link->to_node, selector) && !has_feed (feeds, feed.node))
      g_array_append_val (feeds, feed);
  }
  g_array_sort (feeds, compare_feeds);
  remove_twins (feeds);
  return feeds;
}

/* The first one that is in this process. Returns: (nullable): its node */
static const MillPlanNode *
find_selector (MillGraph *graph)
{
  GPtrArray *nodes = mill_plan_get_nodes (mill_graph_get_plan (graph));

  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = nodes->pdata[i];
    if (g_str_equal (node->factory, SELECTOR_FACTORY) &&
        mill_graph_get_node (graph, node->name))
      return node;
  }
  return NULL;
}

static const gchar *
name_priority (const GArray *feeds, gint priority)
{
  for (guint i = 0; i < feeds->len; i++) {
    const Feed *feed = &g_array_index (feeds, Feed, i);
    if (priority >= 0 && feed->priority == (guint) priority)
      return feed->node;
  }
  return NULL;
}

static const gchar *
name_shown (const GArray *feeds, gint priority)
{
  const gchar *name = name_priority (feeds, priority);

  if (name)
    return name;
  return priority == -1 ? MILL_CHOICE_SLATE : MILL_CHOICE_NOTHING;
}

gchar *
mill_stream_selector_describe (MillGraph *graph, const gchar *node,
    gint priority)
{
  g_autoptr (GArray) feeds = read_feeds (graph, node);

  return g_strdup (name_shown (feeds, priority));
}

static gchar **
name_all (const GArray *feeds)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < feeds->len; i++)
    g_strv_builder_add (builder, g_array_index (feeds, Feed, i).node);
  return g_strv_builder_end (builder);
}

MillChoiceReport *
mill_stream_selector_report (MillGraph *graph)
{
  const MillPlanNode *node = find_selector (graph);
  g_autoptr (GstStructure) stats = NULL;
  gint active = NOTHING_SHOWN;
  gint chosen = -1;

  if (!node)
    return NULL;
  g_object_get (mill_graph_get_node (graph, node->name), "stats", &stats, NULL);
  gst_structure_get_int (stats, "active", &active);
  gst_structure_get_int (stats, "chosen", &chosen);
  g_autoptr (GArray) feeds = read_feeds (graph, node->name);
  const gchar *chosen_name = name_priority (feeds, chosen);
  MillChoiceReport *report = g_new0 (MillChoiceReport, 1);
  report->shown = g_strdup (name_shown (feeds, active));
  report->chosen = g_strdup (chosen_name ? chosen_name : MILL_CHOICE_AUTOMATIC);
  report->inputs = name_all (feeds);
  return report;
}

/* Returns: FALSE: there is no such input */
static gboolean
find_priority (const GArray *feeds, const gchar *input, gint *ret_priority)
{
  if (g_str_equal (input, MILL_CHOICE_AUTOMATIC)) {
    *ret_priority = -1;
    return TRUE;
  }
  for (guint i = 0; i < feeds->len; i++) {
    const Feed *feed = &g_array_index (feeds, Feed, i);
    if (!g_str_equal (feed->node, input))
      continue;
    *ret_priority = (gint) feed->priority;
    return TRUE;
  }
  return FALSE;
}

const gchar *
mill_stream_selector_choose (MillGraph *graph, const gchar *input,
    GError **error)
{
  const MillPlanNode *node = find_selector (graph);
  gint priority;
  gboolean done;

  if (!node) {
    g_set_error_literal (error, MILL_IPC_ERROR, MILL_IPC_ERROR_CONFLICT,
        "input: got a stream that has no choice, expected a failoverswitch in "
        "its shared process");
    return NULL;
  }
  g_autoptr (GArray) feeds = read_feeds (graph, node->name);
  if (!find_priority (feeds, input, &priority)) {
    g_auto (GStrv) names = name_all (feeds);
    g_autofree gchar *all = g_strjoinv (", ", names);
    /* By characters: the bus drops a message that is cut inside of one. */
    g_autofree gchar *valid = g_utf8_make_valid (input, -1);
    g_autofree gchar *shown = g_utf8_substring (valid, 0,
        MIN (g_utf8_strlen (valid, -1), MAX_NAME_SHOWN));
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID,
        "input: got '%s', expected one of %s, " MILL_CHOICE_AUTOMATIC, shown,
        all);
    return NULL;
  }
  g_signal_emit_by_name (mill_graph_get_node (graph, node->name), "switch",
      priority, &done);
  if (done)
    return node->name;
  g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_CONFLICT,
      "input '%s': got one that does not send as it should, expected a healthy "
      "one",
      input);
  return NULL;
}
