/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  MILL_SEVERITY_ERROR,
  MILL_SEVERITY_WARNING,
} MillSeverity;

/** A place in a description; line and column count from 1, 0 is unknown. */
typedef struct
{
  const gchar *file;
  guint line;
  guint column;
  const gchar *param; /* (nullable) it is the value given to that parameter */
} MillPlace;

typedef struct
{
  MillSeverity severity;
  MillPlace place; /* owns file and param */
  gchar *message; /* "what, expected what" */
} MillDiagnostic;

/** Everything found wrong in one run, in the order of places. */
typedef struct _MillDiagnostics MillDiagnostics;

MillDiagnostics *mill_diagnostics_new (void);
void mill_diagnostics_free (MillDiagnostics *diagnostics);
void mill_diagnostics_add (MillDiagnostics *diagnostics, MillSeverity severity,
    const MillPlace *place, const gchar *format, ...) G_GNUC_PRINTF (4, 5);
guint mill_diagnostics_get_n_errors (const MillDiagnostics *diagnostics);

/* Returns: (transfer none) (element-type MillDiagnostic): sorted by place. */
GPtrArray *mill_diagnostics_get_all (MillDiagnostics *diagnostics);

/* One line each: "file:line:column: error: message\n".
 * Returns: (transfer full) */
gchar *mill_diagnostics_to_string (MillDiagnostics *diagnostics);

/* The candidate nearest to @word, for ", did you mean 'x'?".
 * Returns: (transfer none) (nullable): NULL when none is near. */
const gchar *mill_diagnostics_nearest (const gchar *word,
    const gchar *const *candidates);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillDiagnostics, mill_diagnostics_free)

G_END_DECLS
