/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "diagnostics.h"

G_BEGIN_DECLS

/** What a YAML text says, typed, before any parameter has a value. Immutable
 * and reference counted; knows no GStreamer: names are checked by the plan. */
typedef struct _MillDescription MillDescription;

typedef enum
{
  MILL_PARAM_STRING,
  MILL_PARAM_INTEGER,
  MILL_PARAM_NUMBER,
  MILL_PARAM_BOOLEAN,
} MillParamType;

/* What stands where a secret would be. */
#define MILL_SECRET_MASK "***"

typedef struct
{
  gchar *name;
  MillParamType type;
  gboolean required;
  gboolean secret; /* its value is shown to nobody */
  gchar *default_value; /* nullable; text form */
  gchar *summary; /* nullable */
  MillPlace place;
} MillParam;

/** A property value as written, "${x}" not yet replaced, with its place. */
typedef struct
{
  gchar *name;
  gchar *text; /* scalar text */
  gboolean quoted; /* written in quotes: a string for sure */
  MillPlace place; /* of the key */
  MillPlace value_place;
} MillSetting;

/** One entry of `from`. */
typedef struct
{
  gchar *stream; /* nullable: "stream:NAME/NODE" names another stream */
  gchar *node; /* the whole entry while it holds "${x}" */
  gchar *pad; /* nullable: pad of that node */
  gchar *as; /* nullable: pad of this node */
  GPtrArray *props; /* (element-type MillSetting) for the pad on this side */
  MillPlace place;
} MillSource;

typedef struct
{
  gchar *name;
  gchar *element; /* may hold "${x}" */
  gboolean isolate;
  gboolean publish; /* other streams may take from it */
  gchar *isolate_text; /* nullable: written as "${x}", the plan decides */
  GPtrArray *from; /* (element-type MillSource) */
  GPtrArray *props; /* (element-type MillSetting) */
  MillPlace place; /* of the name */
  MillPlace element_place;
  MillPlace isolate_place;
} MillNode;

typedef enum
{
  MILL_RESTART_NEVER,
  MILL_RESTART_ON_FAILURE,
  MILL_RESTART_ALWAYS,
} MillRestartPolicy;

typedef struct
{
  MillRestartPolicy policy; /* default on-failure */
  guint backoff_min_ms; /* default 500 */
  guint backoff_max_ms; /* default 30000 */
  guint limit; /* starts without healthy time; default 10 */
} MillRestart;

/* Returns: (transfer full) (nullable): NULL when @diagnostics got an error;
 * all mistakes that need no GStreamer are reported in one go. To report those
 * of the plan in the same run, use mill_plan_new_from_data(). */
MillDescription *mill_description_new_from_data (const gchar *data, gsize size,
    const gchar *file_name, MillDiagnostics *diagnostics);

/* As mill_description_new_from_data(), but a description with mistakes is
 * returned too, so that a plan finds its own in the same run; NULL only when the
 * text is not YAML. */
MillDescription *mill_description_new_with_mistakes (const gchar *data,
    gsize size, const gchar *file_name, MillDiagnostics *diagnostics);

/* @name_or_path: a path, or the name of a shipped description.
 * Errors: a file that cannot be read is a diagnostic too. */
MillDescription *mill_description_new_from_file (const gchar *name_or_path,
    MillDiagnostics *diagnostics);

/* Returns: (transfer full): the names of the shipped descriptions, sorted */
GStrv mill_description_list_shipped (void);

MillDescription *mill_description_ref (MillDescription *description);
void mill_description_unref (MillDescription *description);

/* Returns: (nullable): NULL while it has that mistake */
const gchar *mill_description_get_name (const MillDescription *description);
const MillPlace *mill_description_get_name_place (const MillDescription
        *description);
const gchar *mill_description_get_summary (const MillDescription *description);
const gchar *mill_description_get_file (const MillDescription *description);
/* The YAML text as read. */
const gchar *mill_description_get_text (const MillDescription *description);
/* Returns: (transfer none) (element-type MillParam) */
GPtrArray *mill_description_get_params (const MillDescription *description);
/* Returns: (transfer none) (element-type MillNode) */
GPtrArray *mill_description_get_nodes (const MillDescription *description);
const MillRestart *mill_description_get_restart (const MillDescription
        *description);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillDescription, mill_description_unref)

G_END_DECLS
