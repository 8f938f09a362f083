/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "description-private.h"
#include "param-values.h"
#include "plan.h"

G_BEGIN_DECLS

struct _MillPlan
{
  gatomicrefcount ref_count;
  MillDescription *description;
  GstClockTime epoch;
  gboolean one_process;
  gboolean open; /* some required parameter has no value: cannot run */
  guint n_processes;
  guint process;
  GPtrArray *nodes; /* (element-type MillPlanNode) */
  GPtrArray *links; /* (element-type MillPlanLink) */
};

/** A node while the plan is made. */
typedef struct
{
  const MillNode *node;
  MillPlanNode *plan; /* owned by the plan */
  GstElementClass *klass; /* nullable: unknown element, or open */
  GPtrArray *sources; /* (element-type MillPlannerSource) */
  GHashTable *taken; /* sink pads that hold one link only: name -> from */
  GstCaps *carries; /* nullable: what an element for any caps hands on */
  guint group; /* isolation: 0 is the shared process */
} MillPlannerNode;

/** An entry of `from` with its parameters filled in. */
typedef struct
{
  const MillSource *source;
  MillPlannerNode *from;
  gchar *pad; /* nullable */
  gchar *as; /* nullable */
} MillPlannerSource;

/** What the steps of planning share. */
typedef struct
{
  MillPlan *plan;
  const MillPlanOptions *options;
  MillParamValues *values;
  MillDiagnostics *diagnostics;
  GPtrArray *nodes; /* (element-type MillPlannerNode), as described */
  GPtrArray *order; /* (element-type MillPlannerNode), sources first */
  gboolean
      open_from; /* some entry of a from needs a parameter without a value */
} MillPlanner;

void mill_plan_node_free (MillPlanNode *node);
void mill_plan_setting_free (MillPlanSetting *setting);
void mill_plan_link_free (MillPlanLink *link);
void mill_planner_node_free (MillPlannerNode *node);

/* Checks the element and the properties of each node. */
void mill_plan_node_check_all (MillPlanner *planner);

/* Checks @settings against the properties of @klass.
 * @owner: "property 'x' of node 'n' (factory)" is built from it.
 * Returns: (transfer full) (element-type MillPlanSetting) */
GPtrArray *mill_plan_setting_check_all (MillPlanner *planner,
    GPtrArray *settings, GObjectClass *klass, const gchar *owner,
    const gchar *factory);

/* Resolves `from`, finds cycles, orders the nodes. */
void mill_plan_order_make (MillPlanner *planner);

/* Links pads by name, template and media type. */
void mill_plan_link_make_all (MillPlanner *planner);

/* Warns of nodes that nothing feeds or takes from, if all else is right. */
void mill_plan_link_warn_loose (MillPlanner *planner);

/* Properties of the queue that the engine puts into a link: names and values
 * in turn, NULL-terminated. Returns: (nullable): NULL where there is none. */
const gchar *const *mill_plan_link_get_queue (MillLinkKind kind);

/* Says where processes and threads meet: cuts and queues. */
void mill_plan_place_make (MillPlanner *planner);

/* "a, b or c"; at most 12 words. Returns: (transfer full) */
gchar *mill_planner_list_words (GPtrArray *words);

G_GNUC_PRINTF (3, 4)
void mill_planner_report (MillPlanner *planner, const MillPlace *place,
    const gchar *format, ...);

/* As mill_planner_report(), with the word of @candidates (a GPtrArray of
 * strings, not NULL-terminated) nearest to @word at the end. */
G_GNUC_PRINTF (5, 6)
void mill_planner_report_word (MillPlanner *planner, const MillPlace *place,
    const gchar *word, GPtrArray *candidates, const gchar *format, ...);

G_END_DECLS
