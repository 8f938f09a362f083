/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "config-app-auth.h"

static const gchar *const way_names[] = { "none", "keys", NULL };
static const MillPublishAuth ways[] = { MILL_PUBLISH_AUTH_NONE,
  MILL_PUBLISH_AUTH_KEYS };
static const gchar *const expiry_names[] = { "keep", "end", NULL };

/* ---- auth: keys, or auth: [keys, jwt] ---- */

/* Returns: (transfer full): what stands there, one or more */
static gchar **
list_ways (MillConfigReader *reader, const MillConfigEntry *entry)
{
  gchar **names = NULL;
  const gchar *single[] = { NULL, NULL };
  if (entry->value->kind == MILL_YAML_SEQUENCE) {
    mill_config_reader_expect_list (reader, entry, &names);
    return names;
  }
  single[0] = mill_config_reader_expect_text (reader, entry);
  return g_strdupv ((gchar **) single);
}

static void
read_auth (MillConfigReader *reader, MillApp *app, const MillConfigEntry *entry)
{
  g_auto (GStrv) names = list_ways (reader, entry);
  MillPublishAuth auth = MILL_PUBLISH_AUTH_NONE;
  gboolean is_open = FALSE;

  for (guint i = 0; names && names[i]; i++) {
    gint choice = mill_config_reader_find_choice (reader, entry, names[i],
        way_names);
    if (choice < 0)
      return;
    auth |= ways[choice];
    is_open |= ways[choice] == MILL_PUBLISH_AUTH_NONE;
  }
  if (is_open && auth != MILL_PUBLISH_AUTH_NONE)
    mill_config_reader_report (reader, &entry->value->place,
        "'auth': 'none' lets everybody in, expected it alone");
  else if (names && !names[0] && entry->value->kind == MILL_YAML_SEQUENCE)
    mill_config_reader_report (reader, &entry->value->place,
        "'auth': got an empty list, expected at least one of none, keys");
  else if (names && names[0])
    app->auth = auth;
}

static void
read_on_expiry (MillConfigReader *reader, MillApp *app,
    const MillConfigEntry *entry)
{
  const gchar *text = mill_config_reader_expect_text (reader, entry);
  gint choice = text ? mill_config_reader_find_choice (reader, entry, text,
                           expiry_names)
                     : -1;
  if (choice >= 0)
    app->ends_on_expiry = choice == 1;
}

gboolean
mill_config_app_auth_read (MillConfigReader *reader, MillApp *app,
    const MillConfigEntry *entry)
{
  if (g_str_equal (entry->name, "auth"))
    read_auth (reader, app, entry);
  else if (g_str_equal (entry->name, "on_expiry"))
    read_on_expiry (reader, app, entry);
  else
    return FALSE;
  return TRUE;
}

/* ---- printing ---- */

static void
append_ways (GString *text, MillPublishAuth auth)
{
  const gchar *separator = "";
  for (guint i = 0; way_names[i]; i++) {
    if (auth == ways[i]) {
      g_string_append (text, way_names[i]);
      return;
    }
  }
  g_string_append_c (text, '[');
  for (guint i = 0; way_names[i]; i++) {
    if (!(auth & ways[i]))
      continue;
    g_string_append_printf (text, "%s%s", separator, way_names[i]);
    separator = ", ";
  }
  g_string_append_c (text, ']');
}

void
mill_config_app_auth_append (GString *text, const MillApp *app)
{
  g_string_append (text, ", auth: ");
  append_ways (text, app->auth);
  g_string_append_printf (text, ", on_expiry: %s",
      expiry_names[app->ends_on_expiry ? 1 : 0]);
}
