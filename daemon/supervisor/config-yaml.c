/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The configuration file: YAML in, fields of MillConfig and diagnostics out.
 * Goes on after a mistake, so that one run reports all of them. */

#include "config-app-auth.h"
#include "config-private.h"
#include "config-reader.h"

#include <string.h>

#include "address.h"
#include "description.h"
#include "store.h"
#include "yaml-node.h"

/* sun_path holds 108 bytes; the longest socket of ours is
 * "/workers/shared-0123456789.sock.lock". */
#define MAX_RUNTIME_DIR 68

/* ---- values ---- */

static gboolean
is_address (const gchar *text)
{
  const gchar *colon = strrchr (text, ':');
  guint64 port;
  if (!colon || colon == text ||
      !g_ascii_string_to_unsigned (colon + 1, 10, 0, 65535, &port, NULL))
    return FALSE;
  if (text[0] == '[')
    return colon[-1] == ']';
  return memchr (text, ':', (gsize) (colon - text)) == NULL;
}

static gboolean
is_url (const gchar *text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  return uri && g_uri_get_host (uri) && *g_uri_get_host (uri);
}

static void
set_text (MillConfigReader *reader, const MillConfigKey *key, const gchar *text)
{
  gchar **field = &G_STRUCT_MEMBER (gchar *, reader->config, key->offset);
  g_free (*field);
  *field = g_strdup (text);
}

static void
read_number (MillConfigReader *reader, const MillConfigKey *key,
    const MillConfigEntry *entry, const gchar *text)
{
  guint64 value;
  if (!g_ascii_string_to_unsigned (text, 10, key->minimum, key->maximum, &value,
          NULL))
    mill_config_reader_report (reader, &entry->value->place,
        "'%s': got '%s', expected a whole number from %u to %u", entry->name,
        text, key->minimum, key->maximum);
  else
    G_STRUCT_MEMBER (guint, reader->config, key->offset) = (guint) value;
}

static void
read_path (MillConfigReader *reader, const MillConfigKey *key,
    const MillConfigEntry *entry, const gchar *text)
{
  gboolean is_runtime = g_str_equal (key->name, "runtime_dir");
  if (!g_path_is_absolute (text))
    mill_config_reader_report (reader, &entry->value->place,
        "'%s': got '%s', expected an absolute path", entry->name, text);
  else if (is_runtime && strlen (text) > MAX_RUNTIME_DIR)
    mill_config_reader_report (reader, &entry->value->place,
        "'%s': got %zu bytes, expected at most %d (it holds sockets, whose "
        "paths are short)",
        entry->name, strlen (text), MAX_RUNTIME_DIR);
  else
    set_text (reader, key, text);
}

static void
read_store (MillConfigReader *reader, const MillConfigKey *key,
    const MillConfigEntry *entry, const gchar *text)
{
  g_autoptr (GError) error = NULL;
  if (mill_store_check_url (text, &error))
    set_text (reader, key, text);
  else
    mill_config_reader_report (reader, &entry->value->place, "'%s': %s",
        entry->name, error->message);
}

static void
read_checked (MillConfigReader *reader, const MillConfigKey *key,
    const MillConfigEntry *entry, const gchar *text, gboolean valid)
{
  if (valid)
    set_text (reader, key, text);
  else
    mill_config_reader_report (reader, &entry->value->place,
        "'%s': got '%s', expected %s", entry->name, text,
        key->kind == MILL_CONFIG_ADDRESS
            ? "HOST:PORT with a port from 0 to 65535"
            : "a URL like https://example.org");
}

static void
read_scalar (MillConfigReader *reader, const MillConfigKey *key,
    const MillConfigEntry *entry, const gchar *text)
{
  gint choice;
  switch (key->kind) {
    case MILL_CONFIG_NETWORKS:
      g_assert_not_reached (); /* no scalar */
    case MILL_CONFIG_ADDRESS:
      read_checked (reader, key, entry, text, is_address (text));
      break;
    case MILL_CONFIG_URL:
      read_checked (reader, key, entry, text, is_url (text));
      break;
    case MILL_CONFIG_PATH:
      read_path (reader, key, entry, text);
      break;
    case MILL_CONFIG_FILE:
      if (g_path_is_absolute (text))
        set_text (reader, key, text);
      else
        mill_config_reader_report (reader, &entry->value->place,
            "'%s': got '%s', expected an absolute path", entry->name, text);
      break;
    case MILL_CONFIG_STORE:
      read_store (reader, key, entry, text);
      break;
    case MILL_CONFIG_NUMBER:
      read_number (reader, key, entry, text);
      break;
    case MILL_CONFIG_CHOICE:
      choice =
          mill_config_reader_find_choice (reader, entry, text, key->choices);
      if (choice >= 0)
        G_STRUCT_MEMBER (gint, reader->config, key->offset) = choice;
      break;
  }
}

static void
read_networks (MillConfigReader *reader, const MillConfigKey *key,
    const MillConfigEntry *entry)
{
  g_auto (GStrv) networks = NULL;
  g_autoptr (GError) error = NULL;
  if (!mill_config_reader_expect_list (reader, entry, &networks))
    return;
  for (guint i = 0; networks[i] && !error; i++)
    mill_address_check_range (networks[i], &error);
  if (error) {
    mill_config_reader_report (reader, &entry->value->place, "'%s': %s",
        entry->name, error->message);
    return;
  }
  gchar ***field = &G_STRUCT_MEMBER (gchar **, reader->config, key->offset);
  g_strfreev (*field);
  *field = g_steal_pointer (&networks);
}

static void
read_key (MillConfigReader *reader, const MillConfigKey *key,
    const MillConfigEntry *entry)
{
  gboolean nullable = key->kind == MILL_CONFIG_ADDRESS ||
      key->kind == MILL_CONFIG_URL || key->kind == MILL_CONFIG_FILE;
  if (entry->value->kind == MILL_YAML_SCALAR && entry->value->null) {
    if (nullable)
      set_text (reader, key, NULL);
    return; /* "key:" with nothing behind it keeps the default */
  }
  if (key->kind == MILL_CONFIG_NETWORKS) {
    read_networks (reader, key, entry);
    return;
  }
  const gchar *text = mill_config_reader_expect_text (reader, entry);
  if (text && key->unavailable)
    mill_config_reader_report (reader, &entry->value->place,
        "'%s' is not yet available, expected null", entry->name);
  else if (text)
    read_scalar (reader, key, entry, text);
}

/* ---- apps ---- */

static void
read_params (MillConfigReader *reader, MillApp *app, const MillYamlNode *params)
{
  if (!mill_config_reader_expect_mapping (reader, params, "params"))
    return;
  for (guint i = 0; i < params->keys->len; i++) {
    MillConfigEntry entry = mill_config_reader_get_entry (params, i);
    const gchar *text = mill_config_reader_expect_text (reader, &entry);
    if (g_str_equal (entry.name, "stream") ||
        g_str_equal (entry.name, "output"))
      mill_config_reader_report (reader, entry.place,
          "parameter '%s' is set by the daemon for each stream, expected "
          "another name",
          entry.name);
    else if (text && g_str_equal (text, MILL_SECRET_MASK))
      mill_config_reader_report (reader, &entry.value->place,
          "parameter '%s': got what --print-config shows in the place of a "
          "secret, expected the secret",
          entry.name);
    else if (text)
      g_hash_table_replace (app->params, g_strdup (entry.name),
          g_strdup (text));
  }
}

/* Without the file, which may not live as long. */
static MillPlace
place_of (const MillConfigEntry *entry)
{
  return (MillPlace){ .line = entry->value->place.line,
    .column = entry->value->place.column };
}

static void
read_takeover (MillConfigReader *reader, MillApp *app,
    const MillConfigEntry *entry)
{
  const gchar *text = mill_config_reader_expect_text (reader, entry);
  gint choice = text ? mill_config_reader_find_choice (reader, entry, text,
                           mill_takeover_names)
                     : -1;
  if (choice >= 0)
    app->takeover = (MillTakeover) choice;
  app->takeover_place = place_of (entry);
}

static void
read_app_key (MillConfigReader *reader, MillApp *app,
    const MillConfigEntry *entry)
{
  static const gchar *const known[] = { "pipeline", "auth", "jwt", "webhook",
    "on_expiry", "takeover", "params", NULL };
  if (g_str_equal (entry->name, "params"))
    read_params (reader, app, entry->value);
  else if (g_str_equal (entry->name, "pipeline")) {
    const gchar *text = mill_config_reader_expect_text (reader, entry);
    g_free (app->pipeline);
    app->pipeline = g_strdup (text);
    app->pipeline_place = place_of (entry);
  } else if (g_str_equal (entry->name, "takeover"))
    read_takeover (reader, app, entry);
  else if (!mill_config_app_auth_read (reader, app, entry))
    mill_config_reader_report_unknown (reader, entry, " of an app", known);
}

static void
read_app (MillConfigReader *reader, const MillConfigEntry *section)
{
  MillApp *app = g_new0 (MillApp, 1);
  app->name = g_strdup (section->name);
  app->auth = MILL_PUBLISH_AUTH_KEYS;
  app->params = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_ptr_array_add (reader->config->apps, app);

  if (!mill_publish_auth_is_name (section->name))
    mill_config_reader_report (reader, section->place,
        "app '%s': expected a name of 1 to 64 characters of A-Z a-z 0-9 _ -",
        section->name);
  if (mill_config_reader_expect_mapping (reader, section->value,
          section->name)) {
    for (guint i = 0; i < section->value->keys->len; i++) {
      MillConfigEntry entry = mill_config_reader_get_entry (section->value, i);
      read_app_key (reader, app, &entry);
    }
  }
  mill_config_app_auth_finish (reader, app, section);
  if (!mill_yaml_node_get (section->value, "pipeline", NULL))
    mill_config_reader_report (reader, section->place,
        "app '%s' has no pipeline, expected the name of a description",
        section->name);
}

static void
read_apps (MillConfigReader *reader, const MillYamlNode *apps)
{
  if (!mill_config_reader_expect_mapping (reader, apps, "apps"))
    return;
  g_clear_pointer (&reader->config->apps, g_ptr_array_unref);
  reader->config->apps =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_config_app_free);
  for (guint i = 0; i < apps->keys->len; i++) {
    MillConfigEntry entry = mill_config_reader_get_entry (apps, i);
    read_app (reader, &entry);
  }
}

/* ---- sections ---- */

static const MillConfigKey *
find_key (const gchar *section, const gchar *name)
{
  for (const MillConfigKey *key = mill_config_keys; key->name; key++)
    if (g_strcmp0 (key->section, section) == 0 && g_str_equal (key->name, name))
      return key;
  return NULL;
}

/* What may stand in a section: its settings and the sections in it.
 * Returns: (transfer full) */
static gchar **
list_known (const gchar *section)
{
  g_autoptr (GStrvBuilder) known = g_strv_builder_new ();
  g_autofree gchar *inner = g_strconcat (section ? section : "", ".", NULL);
  const gchar *last = NULL;
  for (const MillConfigKey *key = mill_config_keys; key->name; key++) {
    if (g_strcmp0 (key->section, section) == 0)
      g_strv_builder_add (known, key->name);
    else if (!section && !strchr (key->section, '.') &&
        g_strcmp0 (key->section, last) != 0)
      g_strv_builder_add (known, last = key->section);
    else if (section && key->section && g_str_has_prefix (key->section, inner))
      g_strv_builder_add (known, key->section + strlen (inner));
  }
  if (!section)
    g_strv_builder_add (known, "apps");
  return g_strv_builder_end (known);
}

/* Recursive: sections nest (workers.limits), at most as deep as the table. */
static void
read_section (MillConfigReader *reader, const gchar *section,
    const MillYamlNode *mapping)
{
  g_auto (GStrv) known = list_known (section);
  g_autofree gchar *where = section ? g_strdup_printf (" in '%s'", section)
                                    : g_strdup ("");

  for (guint i = 0; i < mapping->keys->len; i++) {
    MillConfigEntry entry = mill_config_reader_get_entry (mapping, i);
    const MillConfigKey *key = find_key (section, entry.name);
    g_autofree gchar *inner = section
        ? g_strdup_printf ("%s.%s", section, entry.name)
        : g_strdup (entry.name);
    if (key)
      read_key (reader, key, &entry);
    else if (!section && g_str_equal (entry.name, "apps"))
      read_apps (reader, entry.value);
    else if (!g_strv_contains ((const gchar *const *) known, entry.name))
      mill_config_reader_report_unknown (reader, &entry, where,
          (const gchar *const *) known);
    else if (mill_config_reader_expect_mapping (reader, entry.value, inner))
      read_section (reader, inner, entry.value);
  }
}

/* The parser wants a document; a file of blanks and comments is one that
 * leaves everything as it is. */
static gboolean
says_nothing (const gchar *data, gsize size)
{
  g_autofree gchar *text = g_strndup (data, size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i]; i++) {
    const gchar *line = g_strstrip (lines[i]);
    if (*line != '\0' && *line != '#' && !g_str_equal (line, "---"))
      return FALSE;
  }
  return TRUE;
}

void
mill_config_yaml_read (MillConfig *config, const gchar *data, gsize size,
    MillDiagnostics *diagnostics)
{
  MillConfigReader reader = { config, diagnostics };
  if (says_nothing (data, size))
    return;
  g_autoptr (MillYamlNode) root = mill_yaml_node_parse (data, size,
      config->file ? config->file : "configuration", diagnostics);
  if (!root ||
      !mill_config_reader_expect_mapping (&reader, root, "configuration"))
    return;
  read_section (&reader, NULL, root);
  mill_config_tls_check (config, root, diagnostics);
}
