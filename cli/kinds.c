/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "kinds.h"

#include "diagnostics.h"

static const MillColumn stream_columns[] = { { "NAME", "name" },
  { "STATE", "state" }, { "APP", "app" }, { "PIPELINE", "pipeline" },
  { "NODE", "node" }, { "SINCE", "since" }, { "RESTARTS", "restarts" },
  { NULL } };
static const MillColumn key_columns[] = { { "ID", "id" }, { "NAME", "name" },
  { "APP", "app" }, { "ENABLED", "enabled" }, { "CREATED", "created_at" },
  { "EXPIRES", "expires_at" }, { NULL } };
static const MillColumn pipeline_columns[] = { { "NAME", "name" },
  { "SOURCE", "source" }, { "GENERATION", "generation" },
  { "UPDATED", "updated_at" }, { NULL } };
static const MillColumn process_columns[] = { { "ID", "id" },
  { "KIND", "kind" }, { "PID", "pid" }, { "STREAMS", "streams" },
  { "CPU", "cpu" }, { "MEMORY", "memory_bytes" }, { "SINCE", "since" },
  { NULL } };

static const MillKind kinds[] = {
  { "streams", "stream", TRUE, TRUE, stream_columns },
  { "stream-keys", "stream-key", TRUE, FALSE, key_columns },
  { "pipelines", "pipeline", TRUE, FALSE, pipeline_columns },
  { "workers", "worker", FALSE, FALSE, process_columns },
  { "nodes", "node", FALSE, FALSE, process_columns },
};

const MillKind *
mill_kinds_find (const MillCli *cli, const gchar *name)
{
  const gchar *names[G_N_ELEMENTS (kinds) + 1] = { NULL };
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    if (g_str_equal (name, kinds[i].name) ||
        g_str_equal (name, kinds[i].singular))
      return &kinds[i];
    names[i] = kinds[i].name;
  }
  const gchar *nearest = mill_diagnostics_nearest (name, names);
  g_autofree gchar *all = g_strjoinv (", ", (gchar **) names);
  mill_cli_fail (cli, MILL_EXIT_USAGE,
      "unknown kind '%s', expected one of %s%s%s%s", name, all,
      nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
      nearest != NULL ? "'?" : "");
  return NULL;
}

gchar *
mill_kinds_path (const MillKind *kind, const gchar *name, const gchar *action)
{
  g_autofree gchar *escaped = g_uri_escape_string (name, NULL, FALSE);
  return g_strconcat (kind->name, "/", escaped, action != NULL ? "/" : NULL,
      action, NULL);
}
