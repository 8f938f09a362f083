/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "client.h"
#include "commands.h"

static gint64 arg_id = -1;
static gdouble arg_duration;
static gboolean arg_no_return;
static gchar *arg_at;
static gchar *arg_field;
static gchar *arg_value;
static gchar *arg_id3;

const GOptionEntry mill_cmd_cue_options[] = {
  { "id", 0, 0, G_OPTION_ARG_INT64, &arg_id,
      "out, in, cancel: number of the break, splice_event_id of SCTE 35",
      "ID" },
  { "duration", 0, 0, G_OPTION_ARG_DOUBLE, &arg_duration,
      "out: how long the break is to last, after which it ends by itself; "
      "metadata: how long it holds",
      "SECONDS" },
  { "no-return", 0, 0, G_OPTION_ARG_NONE, &arg_no_return,
      "out: it does not end by itself", NULL },
  { "at", 0, 0, G_OPTION_ARG_STRING, &arg_at,
      "when, on the clock of EXT-X-PROGRAM-DATE-TIME (ISO 8601 with time "
      "zone); by default now, which for a break is the next keyframe",
      "TIME" },
  { "field", 0, 0, G_OPTION_ARG_STRING, &arg_field,
      "metadata: what VALUE is of, the description of a TXXX frame", "NAME" },
  { "value", 0, 0, G_OPTION_ARG_STRING, &arg_value,
      "metadata: a text for players, as an ID3 tag", "VALUE" },
  { "id3", 0, 0, G_OPTION_ARG_FILENAME, &arg_id3,
      "metadata: a file with an ID3v2 tag", "FILE" },
  { NULL },
};

static gboolean
add_tag (MillCli *cli, JsonObject *cue)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *data = NULL;
  gsize size;

  if (arg_id3 == NULL)
    return TRUE;
  if (!g_file_get_contents (arg_id3, &data, &size, &error)) {
    mill_cli_fail (cli, MILL_EXIT_NO_INPUT, "%s", error->message);
    return FALSE;
  }
  g_autofree gchar *text = g_base64_encode ((const guchar *) data, size);
  json_object_set_string_member (cue, "id3", text);
  return TRUE;
}

/* The server knows which fields go with which type, and says so. */
static JsonNode *
make_cue (const gchar *type, JsonObject *cue)
{
  json_object_set_string_member (cue, "type", type);
  if (arg_id >= 0)
    json_object_set_int_member (cue, "id", arg_id);
  if (arg_duration > 0)
    json_object_set_double_member (cue, "duration", arg_duration);
  if (arg_no_return)
    json_object_set_boolean_member (cue, "auto_return", FALSE);
  if (arg_at != NULL)
    json_object_set_string_member (cue, "at", arg_at);
  if (arg_field != NULL)
    json_object_set_string_member (cue, "key", arg_field);
  if (arg_value != NULL)
    json_object_set_string_member (cue, "value", arg_value);
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  json_node_set_object (node, cue);
  return node;
}

MillExit
mill_cmd_cue (MillCli *cli, gchar **arguments)
{
  static const gchar *const types[] = { "out", "in", "cancel", "metadata",
    NULL };
  MillExit code = MILL_EXIT_OK;

  if (!g_strv_contains (types, arguments[0]))
    return mill_cli_fail (cli, MILL_EXIT_USAGE,
        "'%s': no such cue, expected out, in, cancel or metadata",
        arguments[0]);
  g_autoptr (JsonObject) cue = json_object_new ();
  if (!add_tag (cli, cue))
    return MILL_EXIT_NO_INPUT;
  g_autoptr (JsonNode) body = make_cue (arguments[0], cue);
  g_autoptr (MillClient) client = mill_client_new (cli, &code);
  if (client == NULL)
    return code;
  g_autofree gchar *name = g_uri_escape_string (arguments[1], NULL, FALSE);
  g_autofree gchar *path = g_strdup_printf ("streams/%s/cues", name);
  return mill_client_send (client, "POST", path, body, NULL);
}
