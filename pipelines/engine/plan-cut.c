/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Where a plan is cut into processes.
 *
 * Each process gets a part of the plan. A link that crosses a border becomes
 * two: from its producer to a millsink there, and from a millsrc to its
 * consumer here. One millsink serves all pads of a producer and all consumers
 * in all processes; a process has one millsrc per producer that it takes from.
 * Pads have the producer's names on the link where those are names of a link
 * ("video_0"); an encoder's "src" is called "video_0" there. */
#include "plan-private.h"

#include <string.h>
#include <sys/un.h>

#include "element-table.h"
#include "engine.h"
#include "media-kind.h"

#define SINK_FACTORY "millsink"
#define SRC_FACTORY "millsrc"
/* What a process may take to start without lacking the beginning of a live
 * stream; less than the 5 s that a link's consumer takes at once. */
#define OPENING_MS 4000
#define MAX_LOCATION (sizeof ((struct sockaddr_un *) NULL)->sun_path - 1)

static const struct
{
  MillMediaKind kind;
  const gchar *prefix;
  const gchar *pad;
} link_pads[] = {
  { MILL_MEDIA_KIND_VIDEO, "video", "video_%u" },
  { MILL_MEDIA_KIND_AUDIO, "audio", "audio_%u" },
  { MILL_MEDIA_KIND_TEXT, "text", "text_%u" },
};

/** What the cutting of one plan needs. */
typedef struct
{
  MillPlanner *planner;
  GstElementClass *sink_class; /* of millsink */
  GHashTable *pads; /* "NODE.PAD:KIND" -> its name on the link */
  GHashTable *taken; /* "NODE>NAME": names that were given to pads */
} Cutter;

/* ---- where links are ---- */

/* Returns: (transfer full) (nullable): NULL: the stream has no name yet */
static gchar *
given_name (MillPlanner *planner)
{
  static const MillPlace nowhere = { NULL, 0, 0 };
  const MillDescription *description = planner->plan->description;

  if (planner->options->stream)
    return g_strdup (planner->options->stream);
  for (guint i = 0; i < description->params->len; i++) {
    const MillParam *param = g_ptr_array_index (description->params, i);
    gboolean open;
    gchar *name;

    if (!g_str_equal (param->name, "stream"))
      continue;
    name = mill_param_values_expand (planner->values, "${stream}", &nowhere,
        planner->diagnostics, &open);
    /* The shipped descriptions leave it empty by hand. */
    if (name && *name)
      return name;
    g_free (name);
  }
  return NULL;
}

/* Returns: (transfer full) */
static gchar *
stream_name (MillPlanner *planner)
{
  const gchar *fallback = planner->plan->description->name;
  gchar *name = given_name (planner);

  return name ? name : g_strdup (fallback ? fallback : "?");
}

/* In one process nothing is published: run by hand, a description may well take
 * from the daemon's stream of that name. */
gboolean
mill_plan_cut_is_own (MillPlanner *planner, const gchar *stream)
{
  g_autofree gchar *own = planner->options->one_process &&
          !planner->options->stream
      ? NULL
      : given_name (planner);

  return g_strcmp0 (own, stream) == 0;
}

gchar *
mill_plan_cut_get_location (MillPlanner *planner, const gchar *stream,
    const gchar *node)
{
  const gchar *dir = planner->options->links_dir;
  g_autofree gchar *own = stream ? NULL : stream_name (planner);
  g_autofree gchar *file =
      g_strdup_printf ("%s.%s", stream ? stream : own, node);

  return g_build_filename (dir ? dir : mill_engine_get_links_dir (), file,
      NULL);
}

gboolean
mill_plan_cut_check_location (MillPlanner *planner, const MillPlace *place,
    const gchar *location)
{
  if (strlen (location) <= MAX_LOCATION)
    return TRUE;
  mill_planner_report (planner, place,
      "link '%s': got %" G_GSIZE_FORMAT
      " bytes, expected at most %" G_GSIZE_FORMAT
      " for the path of a socket (a shorter runtime directory, "
      "or shorter names)",
      location, strlen (location), MAX_LOCATION);
  return FALSE;
}

/* ---- how fast ---- */

gboolean
mill_plan_cut_is_live (MillPlanner *planner)
{
  for (guint i = 0; i < planner->nodes->len; i++) {
    const MillPlannerNode *node = g_ptr_array_index (planner->nodes, i);

    if (node->sources->len == 0 && mill_plan_node_is_live_source (node->plan))
      return TRUE;
  }
  return FALSE;
}

/* ---- pads on the link ---- */

static gboolean
can_cross (Cutter *cutter, MillMediaKind kind, const GstCaps *caps)
{
  for (guint i = 0; i < G_N_ELEMENTS (link_pads); i++) {
    GstPadTemplate *template =
        gst_element_class_get_pad_template (cutter->sink_class,
            link_pads[i].pad);

    if (kind == link_pads[i].kind &&
        gst_caps_can_intersect (caps, GST_PAD_TEMPLATE_CAPS (template)))
      return TRUE;
  }
  return FALSE;
}

/* What of @link may cross: its kind, or 0 after a report. */
static MillMediaKind
check_media (Cutter *cutter, const MillPlanLink *link,
    const MillPlannerNode *from, const MillPlannerNode *to,
    const MillPlace *place)
{
  g_autoptr (GstCaps) given =
      mill_planner_get_caps (from, GST_PAD_SRC, link->from_pad);
  g_autoptr (GstCaps) taken =
      mill_planner_get_caps (to, GST_PAD_SINK, link->to_pad);
  g_autoptr (GstCaps) caps = gst_caps_intersect (given, taken);
  g_autofree gchar *text = mill_media_kind_describe (caps);
  MillMediaKind kind = mill_media_kind_of_pad (link->from_pad, given);

  /* Said by then. */
  if (mill_media_kind_is_raw (caps))
    return 0;
  if (!mill_media_kind_is_single (kind))
    kind = mill_media_kind_of_caps (caps);
  if (can_cross (cutter, kind, caps))
    return kind;
  mill_planner_report (cutter->planner, place,
      "media (%s) from '%s' to '%s' cannot cross an isolation border, expected "
      "encoded video, audio or text of a kind that is known before it runs",
      text, from->plan->name, to->plan->name);
  return 0;
}

/* "src" -> "video_0", the next one "video_1"; "src_%u" -> "video_%u".
 * Returns: (transfer none): the pad's name on the link. */
static const gchar *
name_pad (Cutter *cutter, const MillPlanLink *link, MillMediaKind kind,
    gboolean *ret_same)
{
  g_autofree gchar *key =
      g_strdup_printf ("%s.%s:%u", link->from_node, link->from_pad, kind);
  const gchar *known = g_hash_table_lookup (cutter->pads, key);
  const gchar *prefix = NULL;
  gchar *name = NULL;

  *ret_same = FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (link_pads); i++) {
    if (link_pads[i].kind == kind)
      prefix = link_pads[i].prefix;
    if (mill_media_kind_name_fits (link_pads[i].pad, link->from_pad))
      *ret_same = TRUE;
  }
  if (known)
    return known;
  if (*ret_same) {
    name = g_strdup (link->from_pad);
  } else if (strchr (link->from_pad, '%')) {
    name = g_strdup_printf ("%s_%%u", prefix);
  } else {
    for (guint i = 0; !name; i++) {
      g_autofree gchar *next = g_strdup_printf ("%s_%u", prefix, i);

      if (g_hash_table_add (cutter->taken,
              g_strdup_printf ("%s>%s", link->from_node, next)))
        name = g_steal_pointer (&next);
    }
  }
  g_hash_table_insert (cutter->pads, g_steal_pointer (&key), name);
  return name;
}

/* ---- parts ---- */

void
mill_plan_cut_part_free (MillPlanPart *part)
{
  g_ptr_array_unref (part->nodes);
  g_ptr_array_unref (part->links);
  g_free (part);
}

const MillPlanPart *
mill_plan_cut_get_part (const MillPlan *plan, guint process)
{
  return g_ptr_array_index (plan->parts, process);
}

gboolean
mill_plan_cut_is_sink (const MillPlanNode *node)
{
  return g_str_has_prefix (node->name, MILL_PLAN_LINK_PREFIX) &&
      g_str_equal (node->factory, SINK_FACTORY);
}

const gchar *
mill_plan_cut_get_socket (const MillPlanNode *end)
{
  const MillPlanSetting *location = g_ptr_array_index (end->props, 0);

  return g_value_get_string (&location->value);
}

const MillPlanNode *
mill_plan_cut_find_node (const MillPlan *plan, guint process, const gchar *name)
{
  const GPtrArray *nodes = mill_plan_cut_get_part (plan, process)->nodes;

  for (guint i = 0; i < nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (nodes, i);

    if (g_str_equal (node->name, name))
      return node;
  }
  return NULL;
}

static MillPlanPart *
part_of (MillPlanner *planner, const MillPlannerNode *node)
{
  return g_ptr_array_index (planner->plan->parts, node->plan->process);
}

/* The end of the link of @producer in @part, made at the first call.
 * Returns: (transfer none) */
static MillPlanNode *
get_end (MillPlanner *planner, MillPlanPart *part,
    const MillPlannerNode *producer, const gchar *factory)
{
  MillPlan *plan = planner->plan;
  g_autofree gchar *name =
      g_strconcat (MILL_PLAN_LINK_PREFIX, producer->plan->name, NULL);
  g_autofree gchar *location = NULL;
  MillPlanNode *end;

  for (guint i = 0; i < part->nodes->len; i++) {
    end = g_ptr_array_index (part->nodes, i);
    if (g_str_equal (end->name, name))
      return end;
  }
  location = mill_plan_cut_get_location (planner, NULL, producer->plan->name);
  /* Whoever may come from elsewhere holds nobody up. */
  end = mill_plan_node_new_end (name, factory, location,
      plan->live || producer->node->publish);
  if (plan->live && g_str_equal (factory, SINK_FACTORY))
    mill_plan_node_set_opening (end, OPENING_MS);
  g_ptr_array_add (plan->ends, end);
  if (g_str_equal (factory, SRC_FACTORY)) {
    g_ptr_array_insert (part->nodes, 0, end);
  } else {
    g_ptr_array_add (part->nodes, end);
    mill_plan_cut_check_location (planner, &producer->node->place, location);
  }
  return end;
}

static MillPlanLink *
add_end_link (MillPlanner *planner, MillPlanPart *part, const gchar *from,
    const gchar *from_pad, const gchar *to, const gchar *to_pad)
{
  MillPlanLink *link = g_new0 (MillPlanLink, 1);

  link->from_node = g_strdup (from);
  link->from_pad = g_strdup (from_pad);
  link->to_node = g_strdup (to);
  link->to_pad = g_strdup (to_pad);
  g_ptr_array_add (planner->plan->end_links, link);
  g_ptr_array_add (part->links, link);
  return link;
}

/* Whether @wide gives a link's end all that @narrow would: it is the same, or
 * names it by a template. */
static gboolean
covers (const MillPlanLink *wide, const MillPlanLink *narrow)
{
  if (!g_str_equal (wide->from_node, narrow->from_node) ||
      !g_str_equal (wide->to_node, narrow->to_node))
    return FALSE;
  if (g_str_equal (wide->from_pad, narrow->from_pad) &&
      g_str_equal (wide->to_pad, narrow->to_pad))
    return TRUE;
  return wide->same_name && narrow->same_name &&
      mill_media_kind_name_fits (wide->from_pad, narrow->from_pad);
}

/* A pad goes to the link once, however many consumers name it, by itself or with
 * others. */
static void
add_producer_link (MillPlanner *planner, MillPlanPart *part,
    const MillPlanLink *wanted)
{
  MillPlanLink *link;

  for (guint i = 0; i < part->links->len; i++)
    if (covers (g_ptr_array_index (part->links, i), wanted))
      return;
  for (guint i = part->links->len; i > 0; i--)
    if (covers (wanted, g_ptr_array_index (part->links, i - 1)))
      g_ptr_array_remove_index (part->links, i - 1);
  link = add_end_link (planner, part, wanted->from_node, wanted->from_pad,
      wanted->to_node, wanted->to_pad);
  link->same_name = wanted->same_name;
  link->props = g_ptr_array_new ();
}

/* One link over the border becomes one on each side of it. */
static void
cut_link (Cutter *cutter, const MillPlanLink *link)
{
  MillPlanner *planner = cutter->planner;
  MillPlannerNode *from = mill_planner_find_node (planner, link->from_node);
  MillPlannerNode *to = mill_planner_find_node (planner, link->to_node);
  MillPlanPart *here = part_of (planner, from);
  MillPlanPart *there = part_of (planner, to);
  MillMediaKind kind =
      check_media (cutter, link, from, to, mill_planner_get_place (to, from));
  gboolean same;
  const gchar *pad;
  const gchar *sink;
  const gchar *src;
  MillPlanLink *end;

  if (!kind)
    return;
  pad = name_pad (cutter, link, kind, &same);
  sink = get_end (planner, here, from, SINK_FACTORY)->name;
  src = get_end (planner, there, from, SRC_FACTORY)->name;
  add_producer_link (planner, here,
      &(MillPlanLink){ .from_node = link->from_node,
          .from_pad = link->from_pad,
          .to_node = (gchar *) sink,
          .to_pad = (gchar *) pad,
          .same_name = same });
  end = add_end_link (planner, there, src, pad, link->to_node, link->to_pad);
  end->props = g_ptr_array_ref (link->props);
}

/* Gives the pads of a node to whoever may come for them. */
static void
publish_node (Cutter *cutter, const MillPlannerNode *node)
{
  MillPlanner *planner = cutter->planner;
  MillPlanPart *part = part_of (planner, node);
  guint n_pads = 0;

  for (GList *l = gst_element_class_get_pad_template_list (node->klass); l;
       l = l->next) {
    GstPadTemplate *template = l->data;
    const gchar *name = GST_PAD_TEMPLATE_NAME_TEMPLATE (template);
    g_autoptr (GstCaps) caps = mill_planner_get_caps (node, GST_PAD_SRC, name);
    MillMediaKind kind = mill_media_kind_of_pad (name, caps);
    const MillPlanLink link = { .from_node = node->plan->name,
      .from_pad = (gchar *) name };
    gboolean same;
    const gchar *pad;
    const gchar *sink;

    if (GST_PAD_TEMPLATE_DIRECTION (template) != GST_PAD_SRC ||
        !can_cross (cutter, kind, caps))
      continue;
    pad = name_pad (cutter, &link, kind, &same);
    sink = get_end (planner, part, node, SINK_FACTORY)->name;
    n_pads++;
    add_producer_link (planner, part,
        &(MillPlanLink){ .from_node = node->plan->name,
            .from_pad = (gchar *) name,
            .to_node = (gchar *) sink,
            .to_pad = (gchar *) pad,
            .same_name = same });
  }
  if (n_pads == 0)
    mill_planner_report (planner, &node->node->place,
        "node '%s' (%s) cannot be published, expected one that gives encoded "
        "video, audio or text",
        node->plan->name, node->plan->factory);
}

/* `millrace run` has no directory for links, and so no consumers. */
static void
publish_nodes (Cutter *cutter)
{
  const MillPlanOptions *options = cutter->planner->options;

  if (options->one_process && !options->links_dir)
    return;
  for (guint i = 0; i < cutter->planner->nodes->len; i++) {
    const MillPlannerNode *node = g_ptr_array_index (cutter->planner->nodes, i);

    if (node->node->publish && node->klass)
      publish_node (cutter, node);
  }
}

static gboolean
has_published (const MillPlanner *planner)
{
  for (guint i = 0; i < planner->nodes->len; i++)
    if (((MillPlannerNode *) g_ptr_array_index (planner->nodes, i))
            ->node->publish)
      return TRUE;
  return FALSE;
}

static void
fill_parts (MillPlanner *planner)
{
  MillPlan *plan = planner->plan;

  for (guint i = 0; i < plan->n_processes; i++) {
    MillPlanPart *part = g_new0 (MillPlanPart, 1);

    part->nodes = g_ptr_array_new ();
    part->links = g_ptr_array_new ();
    g_ptr_array_add (plan->parts, part);
  }
  for (guint i = 0; i < planner->order->len; i++) {
    MillPlannerNode *node = g_ptr_array_index (planner->order, i);

    g_ptr_array_add (part_of (planner, node)->nodes, node->plan);
  }
  for (guint i = 0; i < plan->links->len; i++) {
    MillPlanLink *link = g_ptr_array_index (plan->links, i);

    if (link->kind != MILL_LINK_CUT)
      g_ptr_array_add (part_of (planner,
                           mill_planner_find_node (planner, link->from_node))
                           ->links,
          link);
  }
}

GstElementClass *
mill_plan_cut_load_end (MillPlanner *planner, const gchar *factory_name)
{
  static const MillPlace nowhere = { NULL, 0, 0 };
  g_autoptr (GstElementFactory) factory =
      gst_element_factory_find (factory_name);
  g_autoptr (GstPluginFeature) loaded =
      factory ? gst_plugin_feature_load (GST_PLUGIN_FEATURE (factory)) : NULL;

  if (loaded)
    return g_type_class_ref (
        gst_element_factory_get_element_type (GST_ELEMENT_FACTORY (loaded)));
  mill_planner_report (planner, &nowhere,
      "element '%s' is missing, which carries media between processes, "
      "expected a build of millrace with the plugin that has it",
      factory_name);
  return NULL;
}

void
mill_plan_cut_make (MillPlanner *planner)
{
  MillPlan *plan = planner->plan;
  Cutter cutter = { .planner = planner };

  fill_parts (planner);
  if (plan->n_processes == 1 && !has_published (planner))
    return;
  cutter.sink_class = mill_plan_cut_load_end (planner, SINK_FACTORY);
  if (!cutter.sink_class)
    return;
  cutter.pads = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  cutter.taken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < plan->links->len; i++) {
    MillPlanLink *link = g_ptr_array_index (plan->links, i);

    if (link->kind == MILL_LINK_CUT)
      cut_link (&cutter, link);
  }
  publish_nodes (&cutter);
  g_hash_table_unref (cutter.taken);
  g_hash_table_unref (cutter.pads);
  g_type_class_unref (cutter.sink_class);
}
