/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "output.h"

/* The server keeps 200 entries of a stream: nothing is lost between two looks. */
#define LOOK_S 1
#define RETRY_S 2

static gboolean arg_follow;

const GOptionEntry mill_cmd_logs_options[] = {
  { "follow", 'f', 0, G_OPTION_ARG_NONE, &arg_follow,
      "go on with what is added", NULL },
  { NULL },
};

/** What was seen of which stream. */
typedef struct
{
  MillCli *cli;
  MillClient *client;
  const gchar *stream; /* nullable: all */
  GHashTable *seen; /* element-type utf8 JsonArray: the log at the last look */
} Logs;

static const gchar *
get_text (JsonObject *object, const gchar *name)
{
  return json_object_get_string_member_with_default (object, name, "");
}

/* ---- what is new ---- */

static gboolean
continues_at (JsonArray *before, guint shift, JsonArray *now)
{
  guint n_same = json_array_get_length (before) - shift;
  if (n_same > json_array_get_length (now))
    return FALSE;
  for (guint i = 0; i < n_same; i++)
    if (!json_node_equal (json_array_get_element (before, shift + i),
            json_array_get_element (now, i)))
      return FALSE;
  return TRUE;
}

/* Entries have no number: a log goes on with what is left of it when it loses
 * its oldest entries. One of a server that was started anew has none of them.
 * Returns: how many at the beginning of @now were seen */
static guint
count_seen (JsonArray *before, JsonArray *now)
{
  guint n_before = before != NULL ? json_array_get_length (before) : 0;
  for (guint shift = 0; shift < n_before; shift++)
    if (continues_at (before, shift, now))
      return n_before - shift;
  return 0;
}

/* Returns: (transfer full): @entry, which says whose it is */
static JsonNode *
name_stream (JsonObject *entry, const gchar *stream)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *named = json_object_new ();
  g_autoptr (GList) members = json_object_get_members (entry);
  json_object_set_string_member (named, "stream", stream);
  for (GList *l = members; l != NULL; l = l->next)
    json_object_set_member (named, l->data,
        json_object_dup_member (entry, l->data));
  json_node_take_object (node, named);
  return node;
}

/* A log comes whole: it has no pages.
 * @ret_log: (out) (transfer full): set with MILL_EXIT_OK only */
static MillExit
read_log (const Logs *logs, const gchar *stream, JsonArray **ret_log)
{
  g_autofree gchar *escaped = g_uri_escape_string (stream, NULL, FALSE);
  g_autofree gchar *path = g_strconcat ("streams/", escaped, "/logs", NULL);
  g_autoptr (JsonNode) answer = NULL;
  MillExit code = mill_client_send (logs->client, "GET", path, NULL, &answer);
  if (code != MILL_EXIT_OK)
    return code;
  JsonNode *items = answer != NULL && JSON_NODE_HOLDS_OBJECT (answer)
      ? json_object_get_member (json_node_get_object (answer), "items")
      : NULL;
  if (items == NULL || !JSON_NODE_HOLDS_ARRAY (items))
    return mill_cli_fail (logs->cli, MILL_EXIT_UNAVAILABLE,
        "server '%s': got no list for '%s', expected the REST API of millraced",
        logs->cli->server, path);
  *ret_log = json_array_ref (json_node_get_array (items));
  return MILL_EXIT_OK;
}

static MillExit
add_new (Logs *logs, const gchar *stream, GPtrArray *entries)
{
  g_autoptr (JsonArray) now = NULL;
  MillExit code = read_log (logs, stream, &now);
  if (code != MILL_EXIT_OK)
    return code;
  guint i = count_seen (g_hash_table_lookup (logs->seen, stream), now);
  for (; i < json_array_get_length (now); i++) {
    JsonNode *entry = json_array_get_element (now, i);
    if (JSON_NODE_HOLDS_OBJECT (entry))
      g_ptr_array_add (entries,
          name_stream (json_node_get_object (entry), stream));
  }
  g_hash_table_insert (logs->seen, g_strdup (stream), g_steal_pointer (&now));
  return MILL_EXIT_OK;
}

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  JsonNode *node_a = *(JsonNode *const *) a;
  JsonNode *node_b = *(JsonNode *const *) b;
  return strcmp (get_text (json_node_get_object (node_a), "time"),
      get_text (json_node_get_object (node_b), "time"));
}

static MillExit
add_new_of_all (Logs *logs, GPtrArray *entries)
{
  g_autoptr (JsonArray) streams = NULL;
  MillExit code = mill_client_list (logs->client, "streams", &streams);
  if (code != MILL_EXIT_OK)
    return code;
  for (guint i = 0; i < json_array_get_length (streams); i++) {
    JsonNode *stream = json_array_get_element (streams, i);
    if (JSON_NODE_HOLDS_OBJECT (stream))
      code = add_new (logs, get_text (json_node_get_object (stream), "name"),
          entries);
    /* One may be deleted meanwhile. */
    if (code != MILL_EXIT_OK && code != MILL_EXIT_NO_INPUT)
      return code;
  }
  /* Stable: each log stays in order. */
  g_ptr_array_sort (entries, compare_times);
  return MILL_EXIT_OK;
}

/* ---- printing ---- */

/* Messages have what came over a network: a terminal must not obey them. */
static void
print_line (const Logs *logs, JsonObject *entry)
{
  g_autofree gchar *stream = logs->stream != NULL
      ? g_strdup ("")
      : g_strdup_printf ("%-16s  ", get_text (entry, "stream"));
  g_autofree gchar *line = g_strdup_printf ("%-20s  %-7s  %s%s",
      get_text (entry, "time"), get_text (entry, "level"), stream,
      get_text (entry, "message"));
  for (gchar *at = line; *at; at++)
    if (g_ascii_iscntrl (*at))
      *at = '?';
  g_autofree gchar *text = g_strconcat (line, "\n", NULL);
  mill_cli_print (text);
}

static void
print_entry (const Logs *logs, JsonNode *entry)
{
  if (logs->cli->output == MILL_OUTPUT_TABLE) {
    print_line (logs, json_node_get_object (entry));
  } else if (logs->cli->output == MILL_OUTPUT_JSON) {
    g_autofree gchar *json = json_to_string (entry, FALSE);
    g_autofree gchar *text = g_strconcat (json, "\n", NULL);
    mill_cli_print (text);
  } else {
    mill_cli_print ("---\n");
    mill_output_object (logs->cli, entry);
  }
}

/* A log that ends is one list; of one without an end each entry stands alone. */
static void
print_entries (const Logs *logs, GPtrArray *entries)
{
  if (arg_follow || logs->cli->output == MILL_OUTPUT_TABLE) {
    for (guint i = 0; i < entries->len; i++)
      print_entry (logs, g_ptr_array_index (entries, i));
    return;
  }
  g_autoptr (JsonArray) list = json_array_new ();
  for (guint i = 0; i < entries->len; i++)
    json_array_add_element (list,
        json_node_ref (g_ptr_array_index (entries, i)));
  mill_output_list (logs->cli, list, NULL);
}

/* ---- the verb ---- */

static MillExit
look (Logs *logs)
{
  g_autoptr (GPtrArray) entries =
      g_ptr_array_new_with_free_func ((GDestroyNotify) json_node_unref);
  MillExit code = logs->stream != NULL ? add_new (logs, logs->stream, entries)
                                       : add_new_of_all (logs, entries);
  if (code == MILL_EXIT_OK)
    print_entries (logs, entries);
  return code;
}

/* Until it is ended by a signal, or the stream is gone. */
static MillExit
follow (Logs *logs)
{
  MillExit code = MILL_EXIT_OK;
  while (code == MILL_EXIT_OK || code == MILL_EXIT_UNAVAILABLE) {
    g_usleep ((code == MILL_EXIT_OK ? LOOK_S : RETRY_S) * G_USEC_PER_SEC);
    code = look (logs);
  }
  return code;
}

MillExit
mill_cmd_logs (MillCli *cli, gchar **arguments)
{
  MillExit code;
  g_autoptr (MillClient) client = mill_client_new (cli, &code);
  if (client == NULL)
    return code;
  Logs logs = { .cli = cli, .client = client, .stream = arguments[0] };
  logs.seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) json_array_unref);
  code = look (&logs);
  /* What was never there will not come back; what goes, may. */
  if (code == MILL_EXIT_OK && arg_follow)
    code = follow (&logs);
  g_hash_table_unref (logs.seen);
  return code;
}
