/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "description.h"

G_BEGIN_DECLS

/** The value of each parameter of a description: given, or its default. */
typedef struct _MillParamValues MillParamValues;

/* @given: (nullable): name -> text.
 * @allow_missing: whether required parameters may have no value: what uses
 *   them then stays open. Mistakes go to @diagnostics; never NULL. */
MillParamValues *mill_param_values_new (const MillDescription *description,
    GHashTable *given, gboolean allow_missing, MillDiagnostics *diagnostics);
void mill_param_values_free (MillParamValues *values);

/* Replaces each "${name}" of @text, and "$${" by "${".
 * @ret_open: (optional): whether a parameter without a value was met: its
 *   "${name}" stays in the text.
 * Returns: (transfer full) (nullable): NULL after an error at @place. */
gchar *mill_param_values_expand (MillParamValues *values, const gchar *text,
    const MillPlace *place, MillDiagnostics *diagnostics, gboolean *ret_open);

/* Whether @text has the "${name}" of a secret parameter. */
gboolean mill_param_values_uses_secret (const MillParamValues *values,
    const gchar *text);

/* Returns: (transfer full): the values of the secret parameters that have one */
GStrv mill_param_values_list_secrets (const MillParamValues *values);

/* What a text must look like to be of @type: "an integer".
 * Returns: (transfer none) (nullable): NULL when @text is of the type. */
const gchar *mill_param_values_check (MillParamType type, const gchar *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillParamValues, mill_param_values_free)

G_END_DECLS
