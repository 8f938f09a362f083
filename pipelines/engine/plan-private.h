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
  gboolean live;
  GPtrArray *nodes; /* (element-type MillPlanNode) */
  GPtrArray *links; /* (element-type MillPlanLink) */
  GPtrArray *parts; /* (element-type MillPlanPart), one per process */
  GPtrArray *ends; /* (element-type MillPlanNode): millsink and millsrc */
  GPtrArray *end_links; /* (element-type MillPlanLink): to and from them */
  GStrv secrets; /* the values that nobody is to see */
};

/** What one process runs. Owns nothing. */
typedef struct
{
  GPtrArray *nodes; /* (element-type MillPlanNode), sources first */
  GPtrArray *links; /* (element-type MillPlanLink), no cuts */
} MillPlanPart;

/** A node while the plan is made. */
typedef struct _MillPlannerNode
{
  const MillNode *node;
  MillPlanNode *plan; /* owned by the plan */
  GstElementClass *klass; /* nullable: unknown element, or open */
  GPtrArray *sources; /* (element-type MillPlannerSource) */
  GHashTable *taken; /* sink pads that hold one link only: name -> from */
  GstCaps *carries; /* nullable: what an element for any caps hands on */
  guint group; /* isolation: 0 is the shared process */
  MillNode *own; /* nullable: @node of one that stands in no description */
  struct _MillPlannerNode
      *companion; /* nullable: whose process this one shares */
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
/* For people: without secrets. Returns: (transfer full) */
gchar *mill_plan_setting_format (const MillPlanSetting *setting);
void mill_plan_link_free (MillPlanLink *link);
void mill_planner_node_free (MillPlannerNode *node);

/* Checks the element and the properties of each node. */
void mill_plan_node_check_all (MillPlanner *planner);

/* Has the element itself look at its properties, where its state READY does
 * nothing else: in plan-try.c. */
void mill_plan_try_node (MillPlanner *planner, const MillNode *node,
    const MillPlanNode *plan);

/* Checks @settings against the properties of @klass.
 * @owner: "property 'x' of node 'n' (factory)" is built from it.
 * Returns: (transfer full) (element-type MillPlanSetting) */
GPtrArray *mill_plan_setting_check_all (MillPlanner *planner,
    GPtrArray *settings, GObjectClass *klass, const gchar *owner,
    const gchar *factory);

/* The millsrc that takes node @name of the stream @stream for @owner: one for
 * all nodes of a process.
 * Returns: (transfer none) (nullable): NULL after a report. */
MillPlannerNode *mill_plan_stream_get_node (MillPlanner *planner,
    MillPlannerNode *owner, const MillSource *source, const gchar *stream,
    const gchar *name);
void mill_plan_stream_node_free (MillNode *node);

/* Resolves `from`, finds cycles, orders the nodes. */
void mill_plan_order_make (MillPlanner *planner);

/* Links pads by name, template and media type. */
void mill_plan_link_make_all (MillPlanner *planner);

/* Warns of nodes that nothing feeds or takes from, if all else is right. */
void mill_plan_link_report_loose (MillPlanner *planner);

/* Properties of the queue that the engine puts into a link: names and values
 * in turn, NULL-terminated. Returns: (nullable): NULL where there is none. */
const gchar *const *mill_plan_link_get_queue (MillLinkKind kind);

/* Says where processes and threads meet: cuts and queues. */
void mill_plan_place_make (MillPlanner *planner);

/* Makes the part of each process, with the ends of the links between them. */
void mill_plan_cut_make (MillPlanner *planner);

/* The class of millsink or millsrc.
 * Returns: (transfer full) (nullable): NULL after a report. */
GstElementClass *mill_plan_cut_load_end (MillPlanner *planner,
    const gchar *factory);

/* Whether a media source of the plan gives media at its own pace. */
gboolean mill_plan_cut_is_live (MillPlanner *planner);

/* Where a node of another stream, or of another process of this one, is found:
 * "{links_dir}/STREAM.NODE". Returns: (transfer full) */
gchar *mill_plan_cut_get_location (MillPlanner *planner, const gchar *stream,
    const gchar *node);

/* Whether @stream is the one that is planned. */
gboolean mill_plan_cut_is_own (MillPlanner *planner, const gchar *stream);

/* Returns: FALSE after an error at @place: longer than a socket's may be. */
gboolean mill_plan_cut_check_location (MillPlanner *planner,
    const MillPlace *place, const gchar *location);

/* Whether @node is the producer's end of a link. */
gboolean mill_plan_cut_is_sink (const MillPlanNode *node);
/* Of an end of a link. Returns: (transfer none) */
const gchar *mill_plan_cut_get_socket (const MillPlanNode *end);
/* Returns: (transfer none) (nullable) */
const MillPlanNode *mill_plan_cut_find_node (const MillPlan *plan,
    guint process, const gchar *name);

void mill_plan_cut_part_free (MillPlanPart *part);
/* Returns: (transfer none) */
const MillPlanPart *mill_plan_cut_get_part (const MillPlan *plan,
    guint process);

gboolean mill_plan_node_is_live_source (const MillPlanNode *node);

/* The end of a link: a millsink or millsrc. Returns: (transfer full) */
MillPlanNode *mill_plan_node_new_end (const gchar *name, const gchar *factory,
    const gchar *location, gboolean leaky);

/* How long the producer of a millsrc may be away before that is an error. */
void mill_plan_node_set_timeout (MillPlanNode *end, guint timeout_ms);

/* How long a millsink keeps everything for the first who comes. */
void mill_plan_node_set_opening (MillPlanNode *end, guint opening_ms);

/* The caps of one end of a link. Returns: (transfer full) */
GstCaps *mill_planner_get_caps (const MillPlannerNode *node,
    GstPadDirection direction, const gchar *pad);
/* The entry of `from` that links them. */
const MillPlace *mill_planner_get_place (const MillPlannerNode *to,
    const MillPlannerNode *from);
/* Returns: (nullable) (transfer none) */
MillPlannerNode *mill_planner_find_node (MillPlanner *planner,
    const gchar *name);

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
