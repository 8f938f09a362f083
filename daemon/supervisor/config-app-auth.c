/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "config-app-auth.h"

#include <string.h>
#include <unistd.h>

#include "config-private.h"
#include "http-fetch-url.h"
#include "jwt-keys.h"

static const gchar *const way_names[] = { "none", "keys", "jwt", "webhook",
  NULL };
static const MillPublishAuth ways[] = { MILL_PUBLISH_AUTH_NONE,
  MILL_PUBLISH_AUTH_KEYS, MILL_PUBLISH_AUTH_JWT, MILL_PUBLISH_AUTH_WEBHOOK };
static const gchar *const expiry_names[] = { "keep", "end", NULL };
static const gchar *const boolean_names[] = { "false", "true", NULL };

/* ---- the settings of a way, read and printed by one table ---- */

typedef enum
{
  KIND_TEXT, /* gchar * */
  KIND_FILE, /* gchar *, path of a file that can be read */
  KIND_PLACE, /* gchar *, such a path or a URL */
  KIND_URL, /* gchar * */
  KIND_NUMBER, /* guint */
  KIND_BOOLEAN, /* gboolean */
  KIND_ALGORITHMS, /* guint, MillJwtAlgorithm bits */
} Kind;

typedef struct
{
  const gchar *name;
  Kind kind;
  gsize offset;
  guint minimum;
  guint maximum;
} Setting;

#define JWT(field) G_STRUCT_OFFSET (MillJwtSettings, field)
#define WEBHOOK(field) G_STRUCT_OFFSET (MillWebhookSettings, field)

static const Setting jwt_settings[] = {
  { "jwks", KIND_PLACE, JWT (jwks) },
  { "secret_file", KIND_FILE, JWT (secret_file) },
  { "algorithms", KIND_ALGORITHMS, JWT (algorithms) },
  { "issuer", KIND_TEXT, JWT (issuer) },
  { "audience", KIND_TEXT, JWT (audience) },
  { "leeway_seconds", KIND_NUMBER, JWT (leeway_s), 0, 600 },
  { "ca_file", KIND_FILE, JWT (ca_file) },
  { "insecure", KIND_BOOLEAN, JWT (insecure) },
  { NULL },
};

/* Below the 4.8 s that a worker holds a publisher for. */
static const Setting webhook_settings[] = {
  { "url", KIND_URL, WEBHOOK (url) },
  { "secret_file", KIND_FILE, WEBHOOK (secret_file) },
  { "timeout_ms", KIND_NUMBER, WEBHOOK (timeout_ms), 100, 4500 },
  { "cache_seconds", KIND_NUMBER, WEBHOOK (cache_s), 0, 86400 },
  { "ca_file", KIND_FILE, WEBHOOK (ca_file) },
  { "insecure", KIND_BOOLEAN, WEBHOOK (insecure) },
  { NULL },
};

static void
free_settings (gpointer settings, const Setting *table)
{
  if (!settings)
    return;
  for (; table->name; table++)
    if (table->kind <= KIND_URL)
      g_free (G_STRUCT_MEMBER (gchar *, settings, table->offset));
  g_free (settings);
}

void
mill_config_app_auth_clear (MillApp *app)
{
  free_settings (g_steal_pointer (&app->jwt), jwt_settings);
  free_settings (g_steal_pointer (&app->webhook), webhook_settings);
}

/* ---- reading a setting ---- */

static void
check_file (MillConfigReader *reader, const MillConfigEntry *entry,
    const gchar *text)
{
  if (!g_path_is_absolute (text))
    mill_config_reader_report (reader, &entry->value->place,
        "'%s': got '%s', expected an absolute path", entry->name, text);
  else if (access (text, R_OK) != 0)
    mill_config_reader_report (reader, &entry->value->place,
        "'%s': '%s' cannot be read, expected a file", entry->name, text);
}

/* Whether it may be http is only known when all is read: finish(). */
static void
check_url (MillConfigReader *reader, const MillConfigEntry *entry,
    const gchar *text)
{
  g_autoptr (GError) error = NULL;
  if (!mill_http_fetch_url_check (text, MILL_HTTP_FETCH_URL_ANYWHERE, &error))
    mill_config_reader_report (reader, &entry->value->place, "'%s': %s",
        entry->name, error->message);
}

static void
check_text (MillConfigReader *reader, const MillConfigEntry *entry, Kind kind,
    const gchar *text)
{
  if (kind == KIND_FILE || (kind == KIND_PLACE && *text == '/'))
    check_file (reader, entry, text);
  else if (kind != KIND_TEXT)
    check_url (reader, entry, text);
}

static void
read_algorithms (MillConfigReader *reader, const MillConfigEntry *entry,
    guint *algorithms)
{
  g_auto (GStrv) names = NULL;
  guint bits = 0;
  if (!mill_config_reader_expect_list (reader, entry, &names))
    return;
  for (guint i = 0; names[i]; i++) {
    gint choice = mill_config_reader_find_choice (reader, entry, names[i],
        mill_jwt_keys_algorithms);
    if (choice < 0)
      return;
    bits |= 1u << choice;
  }
  if (bits == 0)
    mill_config_reader_report (reader, &entry->value->place,
        "'algorithms': got an empty list, expected at least one");
  *algorithms = bits;
}

static void
read_number (MillConfigReader *reader, const MillConfigEntry *entry,
    const Setting *setting, guint *number)
{
  const gchar *text = mill_config_reader_expect_text (reader, entry);
  guint64 value;
  if (!text)
    return;
  if (g_ascii_string_to_unsigned (text, 10, setting->minimum, setting->maximum,
          &value, NULL))
    *number = (guint) value;
  else
    mill_config_reader_report (reader, &entry->value->place,
        "'%s': got '%s', expected a whole number from %u to %u", entry->name,
        text, setting->minimum, setting->maximum);
}

static void
read_setting (MillConfigReader *reader, const MillConfigEntry *entry,
    const Setting *setting, gpointer settings)
{
  gpointer field = G_STRUCT_MEMBER_P (settings, setting->offset);
  if (setting->kind == KIND_ALGORITHMS) {
    read_algorithms (reader, entry, field);
    return;
  }
  if (setting->kind == KIND_NUMBER) {
    read_number (reader, entry, setting, field);
    return;
  }
  /* "key: null" is as if it were not there. */
  if (entry->value->kind == MILL_YAML_SCALAR && entry->value->null)
    return;
  const gchar *text = mill_config_reader_expect_text (reader, entry);
  if (text && setting->kind == KIND_BOOLEAN) {
    gint choice =
        mill_config_reader_find_choice (reader, entry, text, boolean_names);
    *(gboolean *) field = choice == 1;
  } else if (text) {
    /* Kept even if it is wrong: it is there, and nothing runs with it. */
    check_text (reader, entry, setting->kind, text);
    g_free (*(gchar **) field);
    *(gchar **) field = g_strdup (text);
  }
}

static void
read_settings (MillConfigReader *reader, const MillConfigEntry *section,
    const Setting *table, gpointer settings)
{
  if (!mill_config_reader_expect_mapping (reader, section->value,
          section->name))
    return;
  for (guint i = 0; i < section->value->keys->len; i++) {
    MillConfigEntry entry = mill_config_reader_get_entry (section->value, i);
    g_autoptr (GPtrArray) known = g_ptr_array_new ();
    const Setting *found = NULL;
    for (const Setting *setting = table; setting->name; setting++) {
      g_ptr_array_add (known, (gpointer) setting->name);
      if (g_str_equal (setting->name, entry.name))
        found = setting;
    }
    g_ptr_array_add (known, NULL);
    g_autofree gchar *where = g_strdup_printf (" in '%s'", section->name);
    if (found)
      read_setting (reader, &entry, found, settings);
    else
      mill_config_reader_report_unknown (reader, &entry, where,
          (const gchar *const *) known->pdata);
  }
}

static void
read_jwt (MillConfigReader *reader, MillApp *app, const MillConfigEntry *entry)
{
  free_settings (app->jwt, jwt_settings);
  app->jwt = g_new0 (MillJwtSettings, 1);
  app->jwt->leeway_s = 30;
  read_settings (reader, entry, jwt_settings, app->jwt);
}

static void
read_webhook (MillConfigReader *reader, MillApp *app,
    const MillConfigEntry *entry)
{
  free_settings (app->webhook, webhook_settings);
  app->webhook = g_new0 (MillWebhookSettings, 1);
  app->webhook->timeout_ms = 3000;
  app->webhook->cache_s = 30;
  read_settings (reader, entry, webhook_settings, app->webhook);
}

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
    gint choice =
        mill_config_reader_find_choice (reader, entry, names[i], way_names);
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
        "'auth': got an empty list, expected at least one way");
  else if (names && names[0])
    app->auth = auth;
}

static void
read_on_expiry (MillConfigReader *reader, MillApp *app,
    const MillConfigEntry *entry)
{
  const gchar *text = mill_config_reader_expect_text (reader, entry);
  gint choice = text
      ? mill_config_reader_find_choice (reader, entry, text, expiry_names)
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
  else if (g_str_equal (entry->name, "jwt"))
    read_jwt (reader, app, entry);
  else if (g_str_equal (entry->name, "webhook"))
    read_webhook (reader, app, entry);
  else if (g_str_equal (entry->name, "on_expiry"))
    read_on_expiry (reader, app, entry);
  else
    return FALSE;
  return TRUE;
}

/* ---- what goes together ---- */

static void
check_scheme (MillConfigReader *reader, const MillConfigEntry *section,
    const gchar *url, gboolean insecure)
{
  g_autoptr (GError) error = NULL;
  if (url && *url != '/' && !insecure &&
      mill_http_fetch_url_check (url, MILL_HTTP_FETCH_URL_ANYWHERE, NULL) &&
      !mill_http_fetch_url_check (url, MILL_HTTP_FETCH_URL_SAFE, &error))
    mill_config_reader_report (reader, section->place, "app '%s': %s",
        section->name, error->message);
}

static void
finish_jwt (MillConfigReader *reader, MillApp *app,
    const MillConfigEntry *section)
{
  MillJwtSettings *jwt = app->jwt;
  if (!jwt || (!jwt->jwks && !jwt->secret_file)) {
    mill_config_reader_report (reader, section->place,
        "app '%s' has auth jwt, expected jwt: { jwks: URL or file } or "
        "jwt: { secret_file: file }",
        section->name);
    return;
  }
  if (jwt->jwks && jwt->secret_file)
    mill_config_reader_report (reader, section->place,
        "app '%s': jwt has jwks and secret_file, expected one of them",
        section->name);
  check_scheme (reader, section, jwt->jwks, jwt->insecure);
  /* Who publishes a key set for everybody to read has no secrets in it. */
  guint usual = jwt->secret_file ? MILL_JWT_HS256
                                 : MILL_JWT_RS256 | MILL_JWT_ES256;
  if (jwt->algorithms == 0)
    jwt->algorithms = usual;
  if (jwt->secret_file && jwt->algorithms != MILL_JWT_HS256)
    mill_config_reader_report (reader, section->place,
        "app '%s': a secret_file is for HS256 alone, expected no other of "
        "jwt.algorithms",
        section->name);
}

void
mill_config_app_auth_finish (MillConfigReader *reader, MillApp *app,
    const MillConfigEntry *section)
{
  if (app->auth & MILL_PUBLISH_AUTH_JWT)
    finish_jwt (reader, app, section);
  if (!(app->auth & MILL_PUBLISH_AUTH_WEBHOOK))
    return;
  if (!app->webhook || !app->webhook->url || !app->webhook->secret_file)
    mill_config_reader_report (reader, section->place,
        "app '%s' has auth webhook, expected webhook: { url: URL, secret_file: "
        "file }",
        section->name);
  else
    check_scheme (reader, section, app->webhook->url, app->webhook->insecure);
}

/* ---- printing ---- */

static void
append_names (GString *text, const gchar *const *names, const guint *bits,
    guint set)
{
  const gchar *separator = "";
  g_string_append_c (text, '[');
  for (guint i = 0; names[i]; i++) {
    if (!(set & (bits ? bits[i] : 1u << i)))
      continue;
    g_string_append_printf (text, "%s%s", separator, names[i]);
    separator = ", ";
  }
  g_string_append_c (text, ']');
}

static void
append_setting (GString *text, const Setting *setting, gpointer settings)
{
  gpointer field = G_STRUCT_MEMBER_P (settings, setting->offset);
  if (setting->kind == KIND_NUMBER)
    g_string_append_printf (text, "%u", *(guint *) field);
  else if (setting->kind == KIND_BOOLEAN)
    g_string_append (text, boolean_names[*(gboolean *) field ? 1 : 0]);
  else if (setting->kind == KIND_ALGORITHMS)
    append_names (text, mill_jwt_keys_algorithms, NULL, *(guint *) field);
  else if (*(gchar **) field)
    mill_config_append_quoted (text, *(gchar **) field);
  else
    g_string_append (text, "null");
}

static gchar *
describe (gpointer settings, const Setting *table)
{
  GString *text = g_string_new ("{");
  if (!settings)
    return g_string_free (text, TRUE);
  for (const Setting *setting = table; setting->name; setting++) {
    g_string_append_printf (text, "%s %s: ", setting == table ? "" : ",",
        setting->name);
    append_setting (text, setting, settings);
  }
  g_string_append (text, " }");
  return g_string_free (text, FALSE);
}

gchar *
mill_config_app_auth_describe_jwt (const MillApp *app)
{
  return describe (app->jwt, jwt_settings);
}

gchar *
mill_config_app_auth_describe_webhook (const MillApp *app)
{
  return describe (app->webhook, webhook_settings);
}

void
mill_config_app_auth_append (GString *text, const MillApp *app)
{
  g_autofree gchar *jwt = mill_config_app_auth_describe_jwt (app);
  g_autofree gchar *webhook = mill_config_app_auth_describe_webhook (app);

  g_string_append (text, ", auth: ");
  if (app->auth == MILL_PUBLISH_AUTH_NONE)
    g_string_append (text, way_names[0]);
  else
    append_names (text, way_names, ways, app->auth);
  if (jwt)
    g_string_append_printf (text, ", jwt: %s", jwt);
  if (webhook)
    g_string_append_printf (text, ", webhook: %s", webhook);
  g_string_append_printf (text, ", on_expiry: %s",
      expiry_names[app->ends_on_expiry ? 1 : 0]);
}
