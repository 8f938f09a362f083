/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "output.h"

#define RETRY_S 2

static gchar *arg_after;
static gint arg_count;

const GOptionEntry mill_cmd_events_options[] = {
  { "after", 0, 0, G_OPTION_ARG_STRING, &arg_after,
      "begin with what came after the event of this id", "ID" },
  { "count", 'n', 0, G_OPTION_ARG_INT, &arg_count, "end after so many events",
      "N" },
  { NULL },
};

/** Where it is. */
typedef struct
{
  MillCli *cli;
  gchar *last_id; /* nullable */
  gint n_events;
} Follow;

static const gchar *
get_text (JsonObject *event, const gchar *name)
{
  return json_object_get_string_member_with_default (event, name, "");
}

/* What a reader wants to know of an event beyond its type and stream.
 * Returns: (transfer full) */
static gchar *
describe (JsonObject *event)
{
  const gchar *message = get_text (event, "message");
  const gchar *before = "";
  const gchar *about = "";

  if (json_object_has_member (event, "state"))
    about = get_text (event, "state");
  else if (json_object_has_member (event, "warning"))
    about = get_text (event, "warning");
  else if (json_object_has_member (event, "shows"))
    about = get_text (event, "shows");
  else if (json_object_has_member (event, "input"))
    about = get_text (event, "input");
  else if (json_object_has_member (event, "worker"))
    about = get_text (event, "worker");
  else if (json_object_has_member (event, "address"))
    about = get_text (event, "address");
  if (json_object_has_member (event, "previous"))
    before = get_text (event, "previous");
  return g_strconcat (before, *before ? " -> " : "", about,
      *about && *message ? ": " : "", message, NULL);
}

/* Names and messages come from strangers: a terminal must not obey them. */
static void
print_line (JsonObject *event)
{
  g_autofree gchar *what = describe (event);
  const gchar *stream = get_text (event, "stream");
  g_autofree gchar *line = g_strdup_printf ("%-24s  %-19s  %-16s  %s",
      get_text (event, "time"), get_text (event, "type"),
      *stream ? stream : "-", what);

  for (gchar *at = line; *at; at++)
    if (g_ascii_iscntrl (*at))
      *at = '?';
  g_autofree gchar *text = g_strconcat (line, "\n", NULL);
  mill_cli_print (text);
}

static void
print_event (Follow *follow, const gchar *json, JsonNode *node)
{
  if (follow->cli->output == MILL_OUTPUT_TABLE) {
    print_line (json_node_get_object (node));
  } else if (follow->cli->output == MILL_OUTPUT_JSON) {
    g_autofree gchar *text = g_strconcat (json, "\n", NULL);
    mill_cli_print (text);
  } else {
    mill_cli_print ("---\n");
    mill_output_object (follow->cli, node);
  }
}

/* WHATWG HTML 9.2.5; all there is of an event is in its data. */
static gboolean
on_line (const gchar *line, gpointer user_data)
{
  Follow *follow = user_data;
  if (!g_str_has_prefix (line, "data: "))
    return TRUE;
  const gchar *json = line + strlen ("data: ");
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return TRUE;
  g_free (follow->last_id);
  follow->last_id = g_strdup (get_text (json_node_get_object (node), "id"));
  print_event (follow, json, node);
  follow->n_events++;
  return arg_count <= 0 || follow->n_events < arg_count;
}

static MillExit
follow_on (Follow *follow, MillClient *client, gboolean *ret_connected)
{
  g_autofree gchar *escaped = follow->last_id != NULL
      ? g_uri_escape_string (follow->last_id, NULL, FALSE)
      : NULL;
  g_autofree gchar *path = g_strconcat ("events",
      escaped != NULL ? "?last_event_id=" : NULL, escaped, NULL);
  return mill_client_follow (client, path, on_line, follow, ret_connected);
}

/* Until it is ended by a signal, or has what it was asked for. */
MillExit
mill_cmd_events (MillCli *cli, gchar **arguments)
{
  MillExit code;
  Follow follow = { .cli = cli, .last_id = g_strdup (arg_after) };
  gboolean was_connected = FALSE;
  g_autoptr (MillClient) client = mill_client_new (cli, &code);
  while (client != NULL) {
    gboolean connected = FALSE;
    code = follow_on (&follow, client, &connected);
    was_connected |= connected;
    if (arg_count > 0 && follow.n_events >= arg_count)
      break;
    /* What was never there will not come back; what goes, may. */
    if (!was_connected || code == MILL_EXIT_NOT_ALLOWED)
      break;
    if (connected)
      fprintf (stderr, "millrace events: the connection ended, trying again\n");
    g_usleep (RETRY_S * G_USEC_PER_SEC);
  }
  g_free (follow.last_id);
  return code;
}
