/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "config-private.h"
#include "config-app-auth.h"
#include "description.h"

#include <string.h>
#include <unistd.h>

static const gchar *const level_names[] = { "error", "warning", "info", "debug",
  NULL };
static const gchar *const format_names[] = { "text", "json", NULL };

#define FIELD(field) .offset = G_STRUCT_OFFSET (MillConfig, field)

const MillConfigKey mill_config_keys[] = {
  { "listen", "rtmp", MILL_CONFIG_ADDRESS, FIELD (listen_rtmp),
      .restart = TRUE },
  { "listen", "rtmps", MILL_CONFIG_ADDRESS, FIELD (listen_rtmps),
      .restart = TRUE },
  { "listen", "origin", MILL_CONFIG_ADDRESS, FIELD (listen_origin),
      .restart = TRUE },
  { "listen", "api", MILL_CONFIG_ADDRESS, FIELD (listen_api), .restart = TRUE },
  { "listen", "obs", MILL_CONFIG_ADDRESS, FIELD (listen_obs),
      .unavailable = TRUE },
  { "tls", "certificate", MILL_CONFIG_FILE, FIELD (tls_certificate) },
  { "tls", "key", MILL_CONFIG_FILE, FIELD (tls_key) },
  { "public", "origin", MILL_CONFIG_URL, FIELD (public_origin) },
  { "public", "rtmp", MILL_CONFIG_URL, FIELD (public_rtmp) },
  { NULL, "state_dir", MILL_CONFIG_PATH, FIELD (state_dir), .restart = TRUE },
  { NULL, "runtime_dir", MILL_CONFIG_PATH, FIELD (runtime_dir),
      .restart = TRUE },
  { NULL, "media_dir", MILL_CONFIG_PATH, FIELD (media_dir), .restart = TRUE },
  { NULL, "store", MILL_CONFIG_STORE, FIELD (store), .restart = TRUE },
  /* One until streams can be placed: what has a second shared worker must
   * choose one per publisher before the listener accepts it. */
  { "workers", "shared", MILL_CONFIG_NUMBER, FIELD (workers_shared),
      .minimum = 1, .maximum = 1, .restart = TRUE },
  { "workers", "origins", MILL_CONFIG_NUMBER, FIELD (workers_origins),
      .minimum = 1, .maximum = 64, .restart = TRUE },
  { "workers", "orphan-timeout", MILL_CONFIG_NUMBER,
      FIELD (workers_orphan_timeout_s), .minimum = 1, .maximum = 86400,
      .restart = TRUE },
  { "workers.limits", "streams", MILL_CONFIG_NUMBER,
      FIELD (workers_max_streams), .minimum = 0, .maximum = 100000 },
  { "workers.limits", "isolated", MILL_CONFIG_NUMBER,
      FIELD (workers_max_isolated), .minimum = 0, .maximum = 100000 },
  { "publish_limits", "burst", MILL_CONFIG_NUMBER, FIELD (publish_limits.burst),
      .minimum = 0, .maximum = 1000000 },
  { "publish_limits", "per_minute", MILL_CONFIG_NUMBER,
      FIELD (publish_limits.per_minute), .minimum = 1, .maximum = 1000000 },
  { "publish_limits", "failure_cost", MILL_CONFIG_NUMBER,
      FIELD (publish_limits.failure_cost), .minimum = 1, .maximum = 1000 },
  { "publish_limits", "addresses", MILL_CONFIG_NUMBER,
      FIELD (publish_limits.senders), .minimum = 1, .maximum = 1000000 },
  { "publish_limits", "pending", MILL_CONFIG_NUMBER, FIELD (max_pending),
      .minimum = 1, .maximum = 1000000 },
  { "publish_limits", "pending_per_address", MILL_CONFIG_NUMBER,
      FIELD (max_pending_per_address), .minimum = 1, .maximum = 1000000 },
  { "publish_limits", "tls_handshakes_per_address", MILL_CONFIG_NUMBER,
      FIELD (max_tls_handshakes_per_address), .minimum = 1,
      .maximum = 1000000 },
  { "publish_limits", "exempt", MILL_CONFIG_NETWORKS,
      FIELD (publish_limits.exempt) },
  { "log", "level", MILL_CONFIG_CHOICE, FIELD (log_level),
      .choices = level_names },
  { "log", "format", MILL_CONFIG_CHOICE, FIELD (log_format),
      .choices = format_names },
  { NULL },
};

/* ---- life ---- */

void
mill_config_app_free (MillApp *app)
{
  g_free (app->name);
  g_free (app->pipeline);
  mill_config_app_auth_clear (app);
  g_hash_table_unref (app->params);
  g_free (app);
}

/* A service manager names the directories it made; root without one takes
 * the system's; everybody else has their own. */
static void
set_default_dirs (MillConfig *config)
{
  const gchar *state = g_getenv ("STATE_DIRECTORY");
  const gchar *runtime = g_getenv ("RUNTIME_DIRECTORY");

  if (state && *state)
    config->state_dir = g_strdup (state);
  else if (geteuid () == 0 && !g_getenv ("XDG_STATE_HOME"))
    config->state_dir = g_strdup ("/var/lib/millrace");
  else
    config->state_dir =
        g_build_filename (g_get_user_state_dir (), "millrace", NULL);

  if (runtime && *runtime)
    config->runtime_dir = g_strdup (runtime);
  else if (geteuid () == 0 && !g_getenv ("XDG_RUNTIME_DIR"))
    config->runtime_dir = g_strdup ("/run/millrace");
  else
    config->runtime_dir =
        g_build_filename (g_get_user_runtime_dir (), "millrace", NULL);
}

static MillApp *
new_default_app (void)
{
  MillApp *app = g_new0 (MillApp, 1);
  app->name = g_strdup ("live");
  app->pipeline = g_strdup ("live-ladder");
  app->auth = MILL_PUBLISH_AUTH_KEYS;
  app->params = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return app;
}

/* What depends on other settings, or may not stay empty. */
static void
complete (MillConfig *config)
{
  if (!config->media_dir)
    config->media_dir = g_build_filename (config->state_dir, "media", NULL);
  if (!config->apps) {
    config->apps =
        g_ptr_array_new_with_free_func ((GDestroyNotify) mill_config_app_free);
    g_ptr_array_add (config->apps, new_default_app ());
  }
}

static MillConfig *
new_defaults (void)
{
  MillConfig *config = g_new0 (MillConfig, 1);
  config->refs = 1;
  config->listen_rtmp = g_strdup ("127.0.0.1:1935");
  config->listen_origin = g_strdup ("127.0.0.1:8080");
  config->listen_api = g_strdup ("127.0.0.1:8081");
  config->store = g_strdup ("sqlite:");
  config->workers_shared = 1;
  config->workers_origins = 1;
  config->workers_orphan_timeout_s = 300;
  config->log_level = MILL_LOG_INFO;
  /* Ten wrong keys at once, then ten a minute; a server of encoders that all
   * come back after a break gets in. Behind loopback there is whoever a proxy
   * lets through: as one sender they would shut each other out. */
  config->publish_limits = (MillAttemptRules){ .burst = 60,
    .per_minute = 60,
    .failure_cost = 6,
    .senders = 10000,
    .exempt = g_strsplit ("127.0.0.0/8 ::1", " ", -1) };
  /* As of the element rtmpserversrc. */
  config->max_pending = 1024;
  config->max_pending_per_address = 256;
  config->max_tls_handshakes_per_address = 20;
  set_default_dirs (config);
  return config;
}

MillConfig *
mill_config_new (void)
{
  MillConfig *config = new_defaults ();
  complete (config);
  return config;
}

/* Also when there are mistakes: what is right of it, and defaults for the rest. */
static MillConfig *
read_data (const gchar *data, gsize size, const gchar *file,
    MillDiagnostics *diagnostics)
{
  MillConfig *config = new_defaults ();

  config->file = g_strdup (file);
  mill_config_yaml_read (config, data, size, diagnostics);
  complete (config);
  return config;
}

MillConfig *
mill_config_new_from_data (const gchar *data, gsize size, const gchar *file,
    MillDiagnostics *diagnostics)
{
  guint errors_before = mill_diagnostics_get_n_errors (diagnostics);
  g_autoptr (MillConfig) config = read_data (data, size, file, diagnostics);

  if (mill_diagnostics_get_n_errors (diagnostics) > errors_before)
    return NULL;
  return g_steal_pointer (&config);
}

MillConfig *
mill_config_new_to_check (const gchar *path, MillDiagnostics *diagnostics)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *data = NULL;
  gsize size;

  if (!g_file_get_contents (path, &data, &size, &error)) {
    MillPlace place = { .file = path };
    mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR, &place,
        "cannot be read: %s, expected a configuration file", error->message);
    return NULL;
  }
  return read_data (data, size, path, diagnostics);
}

MillConfig *
mill_config_new_from_file (const gchar *path, MillDiagnostics *diagnostics)
{
  guint errors_before = mill_diagnostics_get_n_errors (diagnostics);
  g_autoptr (MillConfig) config = mill_config_new_to_check (path, diagnostics);

  if (mill_diagnostics_get_n_errors (diagnostics) > errors_before)
    return NULL;
  return g_steal_pointer (&config);
}

MillConfig *
mill_config_ref (MillConfig *config)
{
  g_atomic_int_inc (&config->refs);
  return config;
}

void
mill_config_unref (MillConfig *config)
{
  if (!config || !g_atomic_int_dec_and_test (&config->refs))
    return;
  for (const MillConfigKey *key = mill_config_keys; key->name; key++)
    if (key->kind == MILL_CONFIG_NETWORKS)
      g_strfreev (G_STRUCT_MEMBER (gchar **, config, key->offset));
    else if (key->kind != MILL_CONFIG_NUMBER && key->kind != MILL_CONFIG_CHOICE)
      g_free (G_STRUCT_MEMBER (gchar *, config, key->offset));
  g_clear_pointer (&config->apps, g_ptr_array_unref);
  g_free (config->file);
  g_free (config);
}

const MillApp *
mill_config_find_app (const MillConfig *config, const gchar *name)
{
  for (guint i = 0; i < config->apps->len; i++) {
    const MillApp *app = g_ptr_array_index (config->apps, i);
    if (g_str_equal (app->name, name))
      return app;
  }
  return NULL;
}

/* ---- printing and comparing ---- */

void
mill_config_append_quoted (GString *text, const gchar *value)
{
  g_string_append_c (text, '"');
  for (const guchar *at = (const guchar *) value; *at; at++) {
    if (*at == '"' || *at == '\\')
      g_string_append_printf (text, "\\%c", *at);
    else if (*at < 0x20)
      g_string_append_printf (text, "\\x%02x", *at);
    else
      g_string_append_c (text, (gchar) *at);
  }
  g_string_append_c (text, '"');
}

static void
append_list (GString *text, gchar **values)
{
  g_string_append_c (text, '[');
  for (guint i = 0; values[i]; i++) {
    g_string_append (text, i > 0 ? ", " : "");
    mill_config_append_quoted (text, values[i]);
  }
  g_string_append_c (text, ']');
}

static void
append_value (GString *text, const MillConfig *config, const MillConfigKey *key)
{
  if (key->kind == MILL_CONFIG_NUMBER) {
    g_string_append_printf (text, "%u",
        G_STRUCT_MEMBER (guint, config, key->offset));
    return;
  }
  if (key->kind == MILL_CONFIG_CHOICE) {
    g_string_append (text,
        key->choices[G_STRUCT_MEMBER (gint, config, key->offset)]);
    return;
  }
  if (key->kind == MILL_CONFIG_NETWORKS) {
    append_list (text, G_STRUCT_MEMBER (gchar **, config, key->offset));
    return;
  }
  const gchar *value = G_STRUCT_MEMBER (gchar *, config, key->offset);
  if (value)
    mill_config_append_quoted (text, value);
  else
    g_string_append (text, "null");
}

static void
append_app (GString *text, const MillApp *app, MillConfigSecretFunc is_secret)
{
  g_string_append (text, "  ");
  mill_config_append_quoted (text, app->name);
  g_string_append (text, ": { pipeline: ");
  mill_config_append_quoted (text, app->pipeline);
  mill_config_app_auth_append (text, app);
  g_string_append_printf (text, ", takeover: %s",
      mill_takeover_names[app->takeover]);
  g_string_append (text, ", params: {");
  g_autoptr (GList) names = g_hash_table_get_keys (app->params);
  names = g_list_sort (names, (GCompareFunc) g_strcmp0);
  for (GList *name = names; name; name = name->next) {
    g_string_append (text, name == names ? " " : ", ");
    mill_config_append_quoted (text, name->data);
    g_string_append (text, ": ");
    const gchar *value = g_hash_table_lookup (app->params, name->data);
    gboolean hidden = *value && is_secret && is_secret (app, name->data);
    mill_config_append_quoted (text, hidden ? MILL_SECRET_MASK : value);
  }
  g_string_append (text, names ? " } }\n" : "} }\n");
}

static void
append_key (GString *text, const MillConfig *config, const MillConfigKey *key,
    const gchar *section_before)
{
  gboolean nested = key->section && strchr (key->section, '.');
  if (key->section && g_strcmp0 (key->section, section_before) != 0)
    g_string_append_printf (text, "%s%s:\n", nested ? "  " : "",
        nested ? strchr (key->section, '.') + 1 : key->section);
  g_string_append_printf (text,
      "%s%s: ", nested ? "    " : (key->section ? "  " : ""), key->name);
  append_value (text, config, key);
  g_string_append_c (text, '\n');
}

gchar *
mill_config_to_yaml (const MillConfig *config, MillConfigSecretFunc is_secret)
{
  GString *text = g_string_new (NULL);
  const gchar *section = NULL;
  for (const MillConfigKey *key = mill_config_keys; key->name; key++) {
    append_key (text, config, key, section);
    section = key->section;
  }
  g_string_append (text, config->apps->len > 0 ? "apps:\n" : "apps: {}\n");
  for (guint i = 0; i < config->apps->len; i++)
    append_app (text, g_ptr_array_index (config->apps, i), is_secret);
  return g_string_free (text, FALSE);
}

gchar **
mill_config_needs_restart (const MillConfig *a, const MillConfig *b)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  for (const MillConfigKey *key = mill_config_keys; key->name; key++) {
    g_autoptr (GString) value_a = g_string_new (NULL);
    g_autoptr (GString) value_b = g_string_new (NULL);
    append_value (value_a, a, key);
    append_value (value_b, b, key);
    if (!key->restart || g_string_equal (value_a, value_b))
      continue;
    g_autofree gchar *name = key->section
        ? g_strdup_printf ("%s.%s", key->section, key->name)
        : g_strdup (key->name);
    g_strv_builder_add (names, name);
  }
  return g_strv_builder_end (names);
}

static void
copy_value (MillConfig *to, const MillConfig *from, const MillConfigKey *key)
{
  if (key->kind == MILL_CONFIG_NUMBER || key->kind == MILL_CONFIG_CHOICE) {
    G_STRUCT_MEMBER (guint, to, key->offset) =
        G_STRUCT_MEMBER (guint, from, key->offset);
    return;
  }
  if (key->kind == MILL_CONFIG_NETWORKS) {
    gchar ***list = &G_STRUCT_MEMBER (gchar **, to, key->offset);
    g_strfreev (*list);
    *list = g_strdupv (G_STRUCT_MEMBER (gchar **, from, key->offset));
    return;
  }
  gchar **field = &G_STRUCT_MEMBER (gchar *, to, key->offset);
  g_free (*field);
  *field = g_strdup (G_STRUCT_MEMBER (gchar *, from, key->offset));
}

MillConfig *
mill_config_merge (const MillConfig *running, const MillConfig *next)
{
  MillConfig *merged = new_defaults ();
  for (const MillConfigKey *key = mill_config_keys; key->name; key++)
    copy_value (merged, key->restart ? running : next, key);
  merged->file = g_strdup (next->file);
  merged->apps = g_ptr_array_ref (next->apps);
  return merged;
}
