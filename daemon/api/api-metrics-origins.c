/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "api-metrics-origins.h"

#include <string.h>

#define HELP "# HELP "

/* "name 1" and "name{a=\"b\"} 1" alike. */
static void
add_sample (GString *text, const gchar *line, const gchar *id)
{
  gsize length = strcspn (line, "{ ");
  gboolean has_labels = line[length] == '{';
  g_string_append_len (text, line, length);
  g_string_append_printf (text, "{id=\"%s\"%s%s\n", id, has_labels ? "," : "}",
      line + length + has_labels);
}

/* Whether the line is the head of a family. @ret_name: (transfer full) */
static gboolean
read_head (const gchar *line, gchar **ret_name)
{
  if (!g_str_has_prefix (line, HELP))
    return FALSE;
  line += strlen (HELP);
  *ret_name = g_strndup (line, strcspn (line, " "));
  return TRUE;
}

void
mill_api_metrics_origins_add_family (GString *text, const gchar *metrics,
    const gchar *name, const gchar *id)
{
  g_auto (GStrv) lines = g_strsplit (metrics ? metrics : "", "\n", -1);
  gboolean is_inside = FALSE;
  for (guint i = 0; lines[i]; i++) {
    g_autofree gchar *family = NULL;
    if (read_head (lines[i], &family))
      is_inside = g_str_equal (family, name);
    else if (is_inside && *lines[i] && *lines[i] != '#')
      add_sample (text, lines[i], id);
  }
}

static const gchar *
get_metrics (MillProcess *process)
{
  const MillProcessStats *stats = mill_process_get_stats (process);
  return stats && mill_process_get_kind (process) == MILL_PROCESS_ORIGIN
      ? stats->metrics
      : NULL;
}

/* Samples of one family stand together (exposition format 0.0.4), so they are
 * gone through family by family; those of the first origin are those of all. */
void
mill_api_metrics_origins_add (GString *text, MillFleet *fleet)
{
  g_autoptr (GPtrArray) processes = mill_fleet_list (fleet);
  g_auto (GStrv) lines = NULL;
  for (guint i = 0; !lines && i < processes->len; i++) {
    const gchar *metrics = get_metrics (g_ptr_array_index (processes, i));
    if (metrics && *metrics)
      lines = g_strsplit (metrics, "\n", -1);
  }
  for (guint i = 0; lines && lines[i]; i++) {
    g_autofree gchar *name = NULL;
    if (*lines[i] == '#')
      g_string_append_printf (text, "%s\n", lines[i]);
    /* the line before the samples */
    if (!lines[i + 1] || *lines[i] != '#' || *lines[i + 1] == '#' || i == 0 ||
        !read_head (lines[i - 1], &name))
      continue;
    for (guint k = 0; k < processes->len; k++) {
      MillProcess *process = g_ptr_array_index (processes, k);
      mill_api_metrics_origins_add_family (text, get_metrics (process), name,
          mill_process_get_id (process));
    }
  }
}
