/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "description.h"

G_BEGIN_DECLS

/** A description with its parameters filled in and every name checked against
 * GStreamer's registry: nodes, links, where it will be cut into processes.
 * Immutable and reference counted. Nothing of it runs. */
typedef struct _MillPlan MillPlan;

typedef struct
{
  GHashTable *params; /* (nullable) name -> text */
  GstClockTime
      epoch; /* base time of the graph, CLOCK_MONOTONIC; NONE or 0: set at start */
  gboolean one_process; /* `millrace run`: isolate is ignored, and said so */
  guint
      process; /* the part that a graph of this plan builds; 0: the shared one */
  const gchar *
      stream; /* (nullable) in names of links; NULL: the parameter `stream`, else the description's name */
  const gchar *
      links_dir; /* (nullable) where the sockets of links are; NULL: that of the default runtime directory */
  guint
      link_timeout_ms; /* how long a node of another stream may be away; 0: for ever */
  gboolean
      allow_missing; /* `validate`, `explain`: required parameters may have no value; such a plan cannot run */
} MillPlanOptions;

/** When a property may be set on a running graph. */
typedef enum
{
  MILL_CHANGE_HOT, /* at once */
  MILL_CHANGE_KEYFRAME, /* at once; takes effect at the next keyframe */
  MILL_CHANGE_RESTART, /* not at all */
} MillChange;

typedef struct
{
  gchar *name;
  gchar *factory;
  guint process; /* index of the process it is placed in */
  gdouble cores; /* estimated cost, by a table per node kind */
  gboolean may_wait; /* not on the list of elements that never wait */
  GPtrArray *props; /* (element-type MillPlanSetting) */
} MillPlanNode;

typedef struct
{
  gchar *name;
  GValue
      value; /* converted to the property's type; a string "${x}" while open */
  gboolean
      open; /* needs a required parameter that has no value (allow_missing) */
  gboolean secret; /* by its parameter, or cannot be read back: never shown */
  MillChange change;
} MillPlanSetting;

typedef enum
{
  MILL_LINK_DIRECT,
  MILL_LINK_QUEUE, /* a leaky queue is put between: pool source above, element that may wait below */
  MILL_LINK_THREAD, /* a queue is put between: one thread would feed several branches that may wait for each other */
  MILL_LINK_PACED, /* a short queue is put between: behind a live link, which drops what is late at keyframes, as a queue cannot */
  MILL_LINK_CUT, /* crosses a process border by millsink and millsrc */
} MillLinkKind;

/* Where a cut leaves and enters a process, the plan of that process has a node
 * "link:NODE" of millsink or millsrc, NODE being the producer. */
#define MILL_PLAN_LINK_PREFIX "link:"

typedef struct
{
  gchar *from_node;
  gchar *from_pad; /* template or pad name; nullable: by media type */
  gchar *to_node;
  gchar *to_pad;
  gboolean same_name; /* to an end of a link: pads keep their names on it */
  MillLinkKind kind;
  GPtrArray
      *props; /* (element-type MillPlanSetting) of the pad on the to side */
} MillPlanLink;

/* Returns: (transfer full) (nullable): NULL when @diagnostics got an error. */
MillPlan *mill_plan_new (MillDescription *description,
    const MillPlanOptions *options, MillDiagnostics *diagnostics);

/* Reads and plans in one run, so that the mistakes of both steps are reported
 * together: what `run`, `validate`, `explain` and `apply` want. */
MillPlan *mill_plan_new_from_data (const gchar *data, gsize size,
    const gchar *file_name, const MillPlanOptions *options,
    MillDiagnostics *diagnostics);
MillPlan *mill_plan_new_from_file (const gchar *name_or_path,
    const MillPlanOptions *options, MillDiagnostics *diagnostics);

MillPlan *mill_plan_ref (MillPlan *plan);
void mill_plan_unref (MillPlan *plan);

MillDescription *mill_plan_get_description (const MillPlan *plan);
GstClockTime mill_plan_get_epoch (const MillPlan *plan);
GPtrArray *mill_plan_get_nodes (const MillPlan *plan);
GPtrArray *mill_plan_get_links (const MillPlan *plan);
/* What one process runs: its nodes, sources first, and the ends of its links.
 * Returns: (transfer none) (element-type MillPlanNode) */
GPtrArray *mill_plan_get_part_nodes (const MillPlan *plan, guint process);
guint mill_plan_get_n_processes (const MillPlan *plan);
/* Which of them a graph builds. */
guint mill_plan_get_process (const MillPlan *plan);
/* It has a source that gives media at its own pace: links must not hold it. */
gboolean mill_plan_is_live (const MillPlan *plan);

/* The same graph: same nodes, properties, links. Used to tell whether a
 * reload touches a stream. */
gboolean mill_plan_equal (const MillPlan *a, const MillPlan *b);

/* For people: links, processes, cost; Graphviz; a gst-launch-1.0 line.
 * Returns: (transfer full) */
gchar *mill_plan_to_text (const MillPlan *plan);
gchar *mill_plan_to_dot (const MillPlan *plan);
gchar *mill_plan_to_launch (const MillPlan *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillPlan, mill_plan_unref)

G_END_DECLS
