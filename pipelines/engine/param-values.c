/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "param-values.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* "${a}" in a thousand places of a long text: bounds what comes out. */
#define MAX_EXPANDED (64 * 1024)

struct _MillParamValues
{
  GHashTable *texts; /* name -> text; "" stands for none, see open */
  GHashTable *open; /* names of required parameters without a value */
  GHashTable *secret; /* names of secret parameters */
  GStrv names; /* for "did you mean" */
};

static GStrv
collect_names (const MillDescription *description)
{
  GPtrArray *params = mill_description_get_params (description);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  for (guint i = 0; i < params->len; i++)
    g_strv_builder_add (names,
        ((MillParam *) g_ptr_array_index (params, i))->name);
  return g_strv_builder_end (names);
}

const gchar *
mill_param_values_check (MillParamType type, const gchar *text)
{
  gchar *end = NULL;
  gint64 integer;
  gdouble number;

  switch (type) {
    case MILL_PARAM_INTEGER:
      return g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64,
                 &integer, NULL)
          ? NULL
          : "an integer";
    case MILL_PARAM_NUMBER:
      errno = 0;
      number = g_ascii_strtod (text, &end);
      return end != text && *end == '\0' && errno == 0 && isfinite (number)
          ? NULL
          : "a number";
    case MILL_PARAM_BOOLEAN:
      return g_str_equal (text, "true") || g_str_equal (text, "false")
          ? NULL
          : "true or false";
    default:
      return NULL;
  }
}

static void
report_unknown (MillParamValues *values, const gchar *name,
    const MillPlace *place, MillDiagnostics *diagnostics)
{
  const gchar *nearest =
      mill_diagnostics_nearest (name, (const gchar *const *) values->names);
  g_autofree gchar *known = g_strjoinv (", ", values->names);

  mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR, place,
      "unknown parameter '%.60s', expected %s%s%s%s%s", name,
      *known ? "one of " : "none: the description declares no params", known,
      nearest ? ", did you mean '" : "", nearest ? nearest : "",
      nearest ? "'?" : "");
}

static void
take_given (MillParamValues *values, const MillDescription *description,
    GHashTable *given, MillDiagnostics *diagnostics)
{
  GHashTableIter iter;
  gpointer name, text;

  g_hash_table_iter_init (&iter, given);
  while (g_hash_table_iter_next (&iter, &name, &text)) {
    MillPlace place = { mill_description_get_file (description), 0, 0, name };

    if (!g_strv_contains ((const gchar *const *) values->names, name))
      report_unknown (values, name, &place, diagnostics);
    else
      g_hash_table_insert (values->texts, g_strdup (name), g_strdup (text));
  }
}

static void
finish_param (MillParamValues *values, const MillParam *param,
    gboolean allow_missing, MillDiagnostics *diagnostics)
{
  const gchar *text = g_hash_table_lookup (values->texts, param->name);
  MillPlace place = param->place;
  const gchar *expected;

  place.param = param->name;
  if (param->secret)
    g_hash_table_add (values->secret, g_strdup (param->name));
  if (!text && param->default_value) {
    g_hash_table_insert (values->texts, g_strdup (param->name),
        g_strdup (param->default_value));
    return;
  }
  if (!text) {
    /* Without a default it is required, or already a mistake. */
    g_hash_table_add (values->open, g_strdup (param->name));
    if (!allow_missing && param->required)
      mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR, &place,
          "required parameter '%s' has no value, expected one "
          "(--set %s=VALUE; over REST in `params`)",
          param->name, param->name);
    return;
  }
  expected = mill_param_values_check (param->type, text);
  if (expected) {
    mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR, &place,
        "parameter '%s' set to '%.60s', expected %s", param->name,
        param->secret ? MILL_SECRET_MASK : text, expected);
    /* One message is enough: what uses it is not looked at. */
    g_hash_table_add (values->open, g_strdup (param->name));
  }
}

MillParamValues *
mill_param_values_new (const MillDescription *description, GHashTable *given,
    gboolean allow_missing, MillDiagnostics *diagnostics)
{
  MillParamValues *values = g_new0 (MillParamValues, 1);
  GPtrArray *params = mill_description_get_params (description);

  values->texts =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  values->open = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  values->secret =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  values->names = collect_names (description);
  if (given)
    take_given (values, description, given, diagnostics);
  for (guint i = 0; i < params->len; i++)
    finish_param (values, g_ptr_array_index (params, i), allow_missing,
        diagnostics);
  return values;
}

void
mill_param_values_free (MillParamValues *values)
{
  g_hash_table_unref (values->texts);
  g_hash_table_unref (values->open);
  g_hash_table_unref (values->secret);
  g_strfreev (values->names);
  g_free (values);
}

gboolean
mill_param_values_uses_secret (const MillParamValues *values, const gchar *text)
{
  GHashTableIter iter;
  gpointer name;

  /* What "$${" makes of it shows too little, never too much. */
  g_hash_table_iter_init (&iter, values->secret);
  while (g_hash_table_iter_next (&iter, &name, NULL)) {
    g_autofree gchar *reference = g_strdup_printf ("${%s}", (gchar *) name);

    if (strstr (text, reference))
      return TRUE;
  }
  return FALSE;
}

GStrv
mill_param_values_list_secrets (const MillParamValues *values)
{
  g_autoptr (GStrvBuilder) secrets = g_strv_builder_new ();
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, values->secret);
  while (g_hash_table_iter_next (&iter, &name, NULL)) {
    const gchar *text = g_hash_table_lookup (values->texts, name);

    if (text && *text)
      g_strv_builder_add (secrets, text);
  }
  return g_strv_builder_end (secrets);
}

/* Appends what "${name}" stands for. */
static gboolean
append_value (MillParamValues *values, GString *result, const gchar *name,
    const MillPlace *place, MillDiagnostics *diagnostics, gboolean *ret_open)
{
  if (!g_strv_contains ((const gchar *const *) values->names, name)) {
    report_unknown (values, name, place, diagnostics);
    return FALSE;
  }
  if (g_hash_table_contains (values->open, name)) {
    g_string_append_printf (result, "${%s}", name);
    if (ret_open)
      *ret_open = TRUE;
    return TRUE;
  }
  g_string_append (result, g_hash_table_lookup (values->texts, name));
  if (result->len <= MAX_EXPANDED)
    return TRUE;
  mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR, place,
      "more than %d bytes after filling in parameters, expected fewer",
      MAX_EXPANDED);
  return FALSE;
}

gchar *
mill_param_values_expand (MillParamValues *values, const gchar *text,
    const MillPlace *place, MillDiagnostics *diagnostics, gboolean *ret_open)
{
  g_autoptr (GString) result = g_string_new (NULL);

  while (*text) {
    const gchar *end;

    if (g_str_has_prefix (text, "$${")) {
      g_string_append (result, "${");
      text += 3;
    } else if (!g_str_has_prefix (text, "${")) {
      g_string_append_c (result, *text++);
    } else if (!(end = strchr (text, '}'))) {
      mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR, place,
          "'%.60s', expected '}' after '${' ('$${' stands for '${' itself)",
          text);
      return NULL;
    } else {
      g_autofree gchar *name = g_strndup (text + 2, end - text - 2);

      if (!append_value (values, result, name, place, diagnostics, ret_open))
        return NULL;
      text = end + 1;
    }
  }
  return g_strdup (result->str);
}
