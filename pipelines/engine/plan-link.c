/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Links, planned from pad templates before anything exists.
 *
 * An entry of `from` links every source pad template of the one node that fits
 * a sink pad template of the other, or the named ones. Fitting means that the
 * caps intersect and that both may carry the same kind of media; where several
 * sink pads fit, the one for that kind alone wins. A pad that holds one link
 * is used once. */
#include "plan-private.h"

#include <string.h>

#include "media-kind.h"

/** How well two pads fit; 0 is not at all. */
typedef enum
{
  FIT_NONE,
  FIT_ANY, /* one of them takes anything */
  FIT_KIND, /* both are for the same single kind of media */
} Fit;

/** The two ends of an entry of `from`, and what was found so far. */
typedef struct
{
  MillPlanner *planner;
  MillPlannerNode *to;
  const MillPlannerSource *source;
  GPtrArray *outputs; /* (element-type GstPadTemplate) */
  GPtrArray *inputs; /* (element-type GstPadTemplate) */
  guint n_links;
} Pairing;

void
mill_plan_link_free (MillPlanLink *link)
{
  g_free (link->from_node);
  g_free (link->from_pad);
  g_free (link->to_node);
  g_free (link->to_pad);
  g_ptr_array_unref (link->props);
  g_free (link);
}

const gchar *const *
mill_plan_link_get_queue (MillLinkKind kind)
{
  /* Two seconds are more than any hiccup that is worth keeping; what is old
   * is dropped first, since a live viewer wants what is new. */
  static const gchar *const leaky[] = { "leaky", "downstream",
    "max-size-buffers", "0", "max-size-bytes", "33554432", "max-size-time",
    "2000000000", NULL };
  /* Branches of one file lie apart by its interleave, which is bounded in
   * bytes, not in frames or seconds. */
  static const gchar *const thread[] = { "max-size-buffers", "0",
    "max-size-bytes", "33554432", "max-size-time", "0", NULL };

  /* Longer than two tracks of a live stream lie apart. */
  static const gchar *const paced[] = { "max-size-buffers", "0",
    "max-size-bytes", "33554432", "max-size-time", "5000000000", NULL };

  switch (kind) {
    case MILL_LINK_QUEUE:
      return leaky;
    case MILL_LINK_PACED:
      return paced;
    case MILL_LINK_THREAD:
      return thread;
    default:
      return NULL;
  }
}

/* "video_%u" makes as many pads as are asked for, "src" is one. */
static gboolean
is_multiple (const GstPadTemplate *template)
{
  return strchr (GST_PAD_TEMPLATE_NAME_TEMPLATE (template), '%') != NULL;
}

static GPtrArray *
list_templates (GstElementClass *klass, GstPadDirection direction,
    const gchar *pad)
{
  GPtrArray *result = g_ptr_array_new ();

  for (GList *l = gst_element_class_get_pad_template_list (klass); l;
       l = l->next) {
    GstPadTemplate *template = l->data;
    gboolean appears_later = GST_PAD_TEMPLATE_PRESENCE (template) ==
        GST_PAD_SOMETIMES;

    if (GST_PAD_TEMPLATE_DIRECTION (template) != direction ||
        (direction == GST_PAD_SINK && appears_later))
      continue;
    if (!pad ||
        mill_media_kind_name_fits (GST_PAD_TEMPLATE_NAME_TEMPLATE (template),
            pad))
      g_ptr_array_add (result, template);
  }
  return result;
}

static void
report_pad (MillPlanner *planner, const MillPlannerNode *node,
    GstPadDirection direction, const MillPlannerSource *source,
    const gchar *pad)
{
  g_autoptr (GPtrArray) all = list_templates (node->klass, direction, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree gchar *known = NULL;
  const gchar *kind = direction == GST_PAD_SRC ? "source" : "sink";

  for (guint i = 0; i < all->len; i++)
    g_ptr_array_add (names,
        (gpointer) GST_PAD_TEMPLATE_NAME_TEMPLATE ((GstPadTemplate *)
                g_ptr_array_index (all, i)));
  if (!pad) {
    mill_planner_report (planner, &source->source->place,
        "node '%s' (%s) has no %s pad, expected an element that has one",
        node->plan->name, node->plan->factory, kind);
    return;
  }
  known = mill_planner_list_words (names);
  mill_planner_report_word (planner, &source->source->place, pad, names,
      "node '%s' (%s) has no %s pad '%.60s', expected %s", node->plan->name,
      node->plan->factory, kind, pad, names->len > 0 ? known : "none");
}

/* ---- what flows ---- */

/* An element for any caps (identity, queue, tee) carries what it gets. */
static GstCaps *
output_caps (const MillPlannerNode *node, GstPadTemplate *output)
{
  if (node->carries && gst_caps_is_any (GST_PAD_TEMPLATE_CAPS (output)))
    return gst_caps_ref (node->carries);
  return gst_pad_template_get_caps (output);
}

static MillMediaKind
output_kind (const MillPlannerNode *node, GstPadTemplate *output)
{
  g_autoptr (GstCaps) caps = output_caps (node, output);

  return mill_media_kind_of_pad (GST_PAD_TEMPLATE_NAME_TEMPLATE (output), caps);
}

static MillMediaKind
input_kind (GstPadTemplate *input)
{
  return mill_media_kind_of_pad (GST_PAD_TEMPLATE_NAME_TEMPLATE (input),
      GST_PAD_TEMPLATE_CAPS (input));
}

static GstCaps *
filter_caps (const MillPlannerNode *node)
{
  for (guint i = 0; i < node->plan->props->len; i++) {
    const MillPlanSetting *setting = g_ptr_array_index (node->plan->props, i);

    if (g_str_equal (setting->name, "caps") &&
        G_VALUE_HOLDS (&setting->value, GST_TYPE_CAPS) &&
        gst_value_get_caps (&setting->value))
      return gst_caps_copy (gst_value_get_caps (&setting->value));
  }
  return NULL;
}

/* Adds what a link brings to what the node hands on. */
static void
remember_carried (MillPlannerNode *to, GstPadTemplate *input, GstCaps *caps)
{
  g_autoptr (GstCaps) filter = NULL;

  if (!gst_caps_is_any (GST_PAD_TEMPLATE_CAPS (input)))
    return;
  if (g_str_equal (to->plan->factory, "capsfilter") &&
      (filter = filter_caps (to))) {
    gst_caps_take (&to->carries, gst_caps_intersect (caps, filter));
    return;
  }
  if (to->carries)
    to->carries = gst_caps_merge (to->carries, gst_caps_ref (caps));
  else
    to->carries = gst_caps_copy (caps);
}

/* ---- fitting ---- */

static gboolean
is_free (const Pairing *pairing, GstPadTemplate *input)
{
  const gchar *name = pairing->source->as
      ? pairing->source->as
      : GST_PAD_TEMPLATE_NAME_TEMPLATE (input);

  return strchr (name, '%') ||
      !g_hash_table_contains (pairing->to->taken, name);
}

/* Without what the element lets in only to say a word on it.
 * Returns: (transfer full) */
static GstCaps *
input_caps (const MillPlannerNode *node, GstPadTemplate *input)
{
  const gchar *refused =
      gst_element_class_get_metadata (node->klass, "millrace-refuses");
  g_autoptr (GstCaps) caps = gst_pad_template_get_caps (input);
  g_autoptr (GstCaps) others = refused ? gst_caps_from_string (refused) : NULL;

  return others ? gst_caps_subtract (caps, others) : gst_caps_ref (caps);
}

static Fit
rate (const Pairing *pairing, GstPadTemplate *output, GstPadTemplate *input)
{
  g_autoptr (GstCaps) caps = output_caps (pairing->source->from, output);
  g_autoptr (GstCaps) taken = input_caps (pairing->to, input);
  MillMediaKind out_kind = output_kind (pairing->source->from, output);
  MillMediaKind in_kind = input_kind (input);

  if (!(out_kind & in_kind) || !gst_caps_can_intersect (caps, taken))
    return FIT_NONE;
  return out_kind == in_kind && mill_media_kind_is_single (out_kind) ? FIT_KIND
                                                                     : FIT_ANY;
}

/* Returns: (transfer full): the free inputs that fit @output best. */
static GPtrArray *
best_inputs (const Pairing *pairing, GstPadTemplate *output, Fit *ret_fit)
{
  GPtrArray *best = g_ptr_array_new ();
  Fit best_fit = FIT_ANY;

  for (guint i = 0; i < pairing->inputs->len; i++) {
    GstPadTemplate *input = g_ptr_array_index (pairing->inputs, i);
    Fit fit = is_free (pairing, input) ? rate (pairing, output, input)
                                       : FIT_NONE;

    if (fit > best_fit) {
      g_ptr_array_set_size (best, 0);
      best_fit = fit;
    }
    if (fit >= best_fit)
      g_ptr_array_add (best, input);
  }
  *ret_fit = best->len > 0 ? best_fit : FIT_NONE;
  return best;
}

/* ---- making a link ---- */

static GPtrArray *
check_pad_props (const Pairing *pairing, GstPadTemplate *input)
{
  const MillPlannerSource *source = pairing->source;
  g_autofree gchar *owner = NULL;
  GType type = G_TYPE_NONE;
  GObjectClass *klass = NULL;
  GPtrArray *settings;

  if (source->source->props->len == 0)
    return g_ptr_array_new_with_free_func ((GDestroyNotify)
            mill_plan_setting_free);
  if (input)
    g_object_get (input, "gtype", &type, NULL);
  klass =
      g_type_class_ref (g_type_is_a (type, GST_TYPE_PAD) ? type : GST_TYPE_PAD);
  owner = g_strdup_printf ("pad '%s' of node '%s' (%s)",
      input ? GST_PAD_TEMPLATE_NAME_TEMPLATE (input) : "?",
      pairing->to->plan->name, pairing->to->plan->factory);
  settings = mill_plan_setting_check_all (pairing->planner,
      source->source->props, klass, owner, pairing->to->plan->factory);
  g_type_class_unref (klass);
  return settings;
}

/* @input: (nullable): decided when the pad appears. */
static void
add_link (Pairing *pairing, GstPadTemplate *output, GstPadTemplate *input)
{
  const MillPlannerSource *source = pairing->source;
  g_autoptr (GstCaps) caps = output_caps (source->from, output);
  MillPlanLink *link = g_new0 (MillPlanLink, 1);

  link->from_node = g_strdup (source->from->plan->name);
  link->from_pad = g_strdup (source->pad
          ? source->pad
          : GST_PAD_TEMPLATE_NAME_TEMPLATE (output));
  link->to_node = g_strdup (pairing->to->plan->name);
  if (source->as)
    link->to_pad = g_strdup (source->as);
  else if (input)
    link->to_pad = g_strdup (GST_PAD_TEMPLATE_NAME_TEMPLATE (input));
  link->props = check_pad_props (pairing, input);
  if (input)
    remember_carried (pairing->to, input, caps);
  if (link->to_pad && !strchr (link->to_pad, '%'))
    g_hash_table_insert (pairing->to->taken, g_strdup (link->to_pad),
        source->from->plan->name);
  g_ptr_array_add (pairing->planner->plan->links, link);
  pairing->n_links++;
}

static void
report_choice (const Pairing *pairing, const gchar *what, GPtrArray *templates,
    const gchar *how)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree gchar *list = NULL;

  for (guint i = 0; i < templates->len; i++)
    g_ptr_array_add (names,
        (gpointer) GST_PAD_TEMPLATE_NAME_TEMPLATE ((GstPadTemplate *)
                g_ptr_array_index (templates, i)));
  list = mill_planner_list_words (names);
  mill_planner_report (pairing->planner, &pairing->source->source->place,
      "link from '%s' to '%s' is ambiguous: %s, expected %s %s",
      pairing->source->from->plan->name, pairing->to->plan->name, what, how,
      list);
}

/* Links one output to the input that fits it best. */
static void
link_output (Pairing *pairing, GstPadTemplate *output)
{
  Fit fit;
  g_autoptr (GPtrArray) inputs = best_inputs (pairing, output, &fit);
  gboolean appears_later = GST_PAD_TEMPLATE_PRESENCE (output) ==
      GST_PAD_SOMETIMES;
  MillMediaKind first;

  if (inputs->len == 0)
    return;
  first = input_kind (g_ptr_array_index (inputs, 0));
  for (guint i = 1; i < inputs->len; i++) {
    if (input_kind (g_ptr_array_index (inputs, i)) == first)
      continue;
    /* Several kinds fit: only the pad's caps can tell. */
    if (appears_later) {
      add_link (pairing, output, NULL);
    } else {
      report_choice (pairing, "what flows is not known before it runs", inputs,
          "'as' with one of");
      pairing->n_links++;
    }
    return;
  }
  add_link (pairing, output, g_ptr_array_index (inputs, 0));
}

/* Where all inputs hold one link each, only the outputs that fit best are
 * meant; several of them are the author's choice to make. */
static void
keep_best_outputs (Pairing *pairing)
{
  g_autoptr (GPtrArray) best = g_ptr_array_new ();
  Fit best_fit = FIT_ANY;

  for (guint i = 0; i < pairing->outputs->len; i++) {
    GstPadTemplate *output = g_ptr_array_index (pairing->outputs, i);
    Fit fit;
    g_autoptr (GPtrArray) inputs = best_inputs (pairing, output, &fit);

    if (fit > best_fit) {
      g_ptr_array_set_size (best, 0);
      best_fit = fit;
    }
    if (fit >= best_fit)
      g_ptr_array_add (best, output);
  }
  if (best->len > 1) {
    report_choice (pairing, "several pads fit", best, "the name of one of");
    pairing->n_links++;
    g_ptr_array_set_size (best, 0);
  }
  g_ptr_array_set_size (pairing->outputs, 0);
  g_ptr_array_extend (pairing->outputs, best, NULL, NULL);
}

static void
report_unlinkable (const Pairing *pairing)
{
  const MillPlannerSource *source = pairing->source;
  g_autoptr (GstCaps) given = gst_caps_new_empty ();
  g_autoptr (GstCaps) taken = gst_caps_new_empty ();
  g_autofree gchar *gives = NULL;
  g_autofree gchar *takes = NULL;
  const gchar *rival = NULL;

  for (guint i = 0; i < pairing->outputs->len; i++)
    gst_caps_append (given,
        output_caps (source->from, g_ptr_array_index (pairing->outputs, i)));
  for (guint i = 0; i < pairing->inputs->len; i++) {
    GstPadTemplate *input = g_ptr_array_index (pairing->inputs, i);

    gst_caps_append (taken, input_caps (pairing->to, input));
    if (!is_free (pairing, input))
      rival = g_hash_table_lookup (pairing->to->taken,
          source->as ? source->as : GST_PAD_TEMPLATE_NAME_TEMPLATE (input));
  }
  if (rival) {
    mill_planner_report (pairing->planner, &source->source->place,
        "'%s' (%s) has no free pad for '%s', expected one source only: '%s' "
        "is linked to it",
        pairing->to->plan->name, pairing->to->plan->factory,
        source->from->plan->name, rival);
    return;
  }
  gives = mill_media_kind_describe_beside (given, taken);
  takes = mill_media_kind_describe_beside (taken, given);
  mill_planner_report (pairing->planner, &source->source->place,
      "'%s' (%s) cannot be linked to '%s' (%s): it gives %s, expected %s",
      source->from->plan->name, source->from->plan->factory,
      pairing->to->plan->name, pairing->to->plan->factory, gives, takes);
}

static gboolean
has_multiple_input (const Pairing *pairing)
{
  /* Named, it is one pad. */
  if (pairing->source->as && !strchr (pairing->source->as, '%'))
    return FALSE;
  if (pairing->inputs->len > 1)
    return TRUE;
  return is_multiple (g_ptr_array_index (pairing->inputs, 0));
}

static void
link_source (MillPlanner *planner, MillPlannerNode *to,
    const MillPlannerSource *source)
{
  g_autoptr (GPtrArray) outputs = NULL;
  g_autoptr (GPtrArray) inputs = NULL;
  Pairing pairing = { planner, to, source };

  if (!to->klass || !source->from->klass)
    return;
  outputs = list_templates (source->from->klass, GST_PAD_SRC, source->pad);
  inputs = list_templates (to->klass, GST_PAD_SINK, source->as);
  if (outputs->len == 0)
    report_pad (planner, source->from, GST_PAD_SRC, source, source->pad);
  if (inputs->len == 0)
    report_pad (planner, to, GST_PAD_SINK, source, source->as);
  if (outputs->len == 0 || inputs->len == 0)
    return;
  pairing.outputs = outputs;
  pairing.inputs = inputs;
  if (!has_multiple_input (&pairing) && outputs->len > 1)
    keep_best_outputs (&pairing);
  for (guint i = 0; i < outputs->len; i++)
    link_output (&pairing, g_ptr_array_index (outputs, i));
  if (pairing.n_links > 0)
    return;
  /* keep_best_outputs() may have left nothing to describe. */
  if (outputs->len == 0) {
    g_autoptr (GPtrArray) all =
        list_templates (source->from->klass, GST_PAD_SRC, source->pad);

    g_ptr_array_extend (outputs, all, NULL, NULL);
  }
  report_unlinkable (&pairing);
}

/* ---- nodes that nothing feeds or takes from ---- */

static gboolean
is_linked (const MillPlan *plan, const gchar *node, GstPadDirection direction)
{
  for (guint i = 0; i < plan->links->len; i++) {
    const MillPlanLink *link = g_ptr_array_index (plan->links, i);

    if (g_str_equal (direction == GST_PAD_SRC ? link->from_node : link->to_node,
            node))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_always (const GstPadTemplate *template)
{
  return GST_PAD_TEMPLATE_PRESENCE (template) == GST_PAD_ALWAYS;
}

/* A source that nobody takes from ends a run with "not-linked", and a sink that
 * nobody feeds holds all of it up for ever. What is between the two may be of use
 * without: a tee that may be open, a mixer whose inputs come later. */
static gboolean
is_end (const MillPlannerNode *node, GstPadDirection direction,
    GPtrArray *templates)
{
  g_autoptr (GPtrArray) others = list_templates (node->klass,
      direction == GST_PAD_SRC ? GST_PAD_SINK : GST_PAD_SRC, NULL);

  return others->len == 0 && is_always (g_ptr_array_index (templates, 0));
}

static void
report_loose (MillPlanner *planner, const MillPlannerNode *node,
    GstPadDirection direction)
{
  g_autoptr (GPtrArray) pads = list_templates (node->klass, direction, NULL);

  if (pads->len == 0 ||
      is_linked (planner->plan, node->plan->name, direction) ||
      (direction == GST_PAD_SRC && node->node->publish))
    return;
  mill_diagnostics_add (planner->diagnostics,
      is_end (node, direction, pads) ? MILL_SEVERITY_ERROR
                                     : MILL_SEVERITY_WARNING,
      &node->node->place,
      direction == GST_PAD_SINK
          ? "node '%s' (%s) gets no input, expected from: [NODE]"
          : "the output of node '%s' (%s) is not used, expected a node with it "
            "in its from",
      node->plan->name, node->plan->factory);
}

void
mill_plan_link_make_all (MillPlanner *planner)
{
  for (guint i = 0; i < planner->order->len; i++) {
    MillPlannerNode *node = g_ptr_array_index (planner->order, i);

    for (guint k = 0; k < node->sources->len; k++)
      link_source (planner, node, g_ptr_array_index (node->sources, k));
  }
}

void
mill_plan_link_report_loose (MillPlanner *planner)
{
  /* After a mistake, loose ends only repeat it. */
  if (mill_diagnostics_get_n_errors (planner->diagnostics) > 0 ||
      planner->open_from)
    return;
  for (guint i = 0; i < planner->nodes->len; i++) {
    MillPlannerNode *node = g_ptr_array_index (planner->nodes, i);

    if (!node->klass)
      continue;
    report_loose (planner, node, GST_PAD_SINK);
    report_loose (planner, node, GST_PAD_SRC);
  }
}
