/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include <glib/gstdio.h>
#include <string.h>

#include "config-secrets.h"
#include "config.h"
#include "jwt-keys.h"

static MillConfig *
parse (const gchar *text, gchar **ret_messages)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  MillConfig *config =
      mill_config_new_from_data (text, strlen (text), "c.yaml", diagnostics);
  g_autofree gchar *messages = mill_diagnostics_to_string (diagnostics);
  if (ret_messages)
    *ret_messages = g_steal_pointer (&messages);
  else
    g_assert_cmpstr (messages, ==, "");
  return config;
}

static void
test_nothing_said_is_the_default (void)
{
  static const gchar *const texts[] = { "", "\n\n", "# only this\n", "---\n",
    "{}", "listen:\napps:\nlog: null\n" };
  g_autoptr (MillConfig) defaults = mill_config_new ();
  g_autofree gchar *wanted = mill_config_to_yaml (defaults, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (MillConfig) config = parse (texts[i], NULL);
    g_assert_nonnull (config);
    g_autofree gchar *got = mill_config_to_yaml (config, NULL);
    g_assert_cmpstr (got, ==, wanted);
  }
  g_assert_cmpstr (defaults->listen_rtmp, ==, "127.0.0.1:1935");
  g_assert_null (defaults->listen_rtmps);
  g_assert_null (defaults->tls_certificate);
  g_assert_cmpstr (defaults->listen_origin, ==, "127.0.0.1:8080");
  g_assert_cmpstr (defaults->listen_api, ==, "127.0.0.1:8081");
}

static void
test_everything_said (void)
{
  const gchar *text =
      "listen: { rtmp: \"[::1]:0\", origin: null, api: localhost:81 }\n"
      "public: { origin: https://cdn.example.org, rtmp: rtmp://in.example }\n"
      "state_dir: /s\nruntime_dir: /r\nmedia_dir: /m\nstore: \"sqlite:/x.db\"\n"
      "apps:\n"
      "  one: { pipeline: a, auth: none, params: { x: 1, \"y\": \"q\\\"z\" } }\n"
      "  two: { pipeline: b }\n"
      "workers: { shared: 1, origins: 3, orphan-timeout: 7, limits: { streams: 9, isolated: 4 } }\n"
      "log: { level: debug, format: json }\n";
  g_autoptr (MillConfig) config = parse (text, NULL);
  g_assert_cmpstr (config->listen_rtmp, ==, "[::1]:0");
  g_assert_null (config->listen_origin);
  g_assert_cmpstr (config->public_origin, ==, "https://cdn.example.org");
  g_assert_cmpstr (config->media_dir, ==, "/m");
  g_assert_cmpuint (config->workers_orphan_timeout_s, ==, 7);
  g_assert_cmpuint (config->workers_origins, ==, 3);
  g_assert_cmpuint (config->workers_max_streams, ==, 9);
  g_assert_cmpuint (config->workers_max_isolated, ==, 4);
  g_assert_cmpint (config->log_level, ==, MILL_LOG_DEBUG);
  g_assert_cmpint (config->log_format, ==, MILL_LOG_JSON);
  const MillApp *one = mill_config_find_app (config, "one");
  g_assert_cmpint (one->auth, ==, MILL_PUBLISH_AUTH_NONE);
  g_assert_cmpstr (g_hash_table_lookup (one->params, "x"), ==, "1");
  g_assert_cmpint (mill_config_find_app (config, "two")->auth, ==,
      MILL_PUBLISH_AUTH_KEYS);
  g_assert_null (mill_config_find_app (config, "three"));

  /* what --print-config prints is the same configuration */
  g_autofree gchar *printed = mill_config_to_yaml (config, NULL);
  g_autoptr (MillConfig) again = parse (printed, NULL);
  g_autofree gchar *reprinted = mill_config_to_yaml (again, NULL);
  g_assert_cmpstr (reprinted, ==, printed);
}

/* What is printed goes into tickets: with no key of another server in it. Only a
 * description that says so makes a value one to show. */
static void
test_secrets_are_not_printed (void)
{
  g_autofree gchar *file = NULL;
  g_close (g_file_open_tmp ("mill-secrets-XXXXXX.yaml", &file, NULL), NULL);
  g_assert_true (g_file_set_contents (file,
      "millrace: 1\nname: s\nparams:\n"
      "  open: { type: string, default: \"\" }\n"
      "  key: { type: string, secret: true, default: \"\" }\n"
      "  none: { type: string, secret: true, default: \"\" }\n"
      "nodes:\n  in: { element: fakesrc }\n"
      "  out: { element: fakesink, from: [in] }\n",
      -1, NULL));
  g_autofree gchar *text = g_strdup_printf (
      "apps:\n  a: { pipeline: %s, params: { open: shown-1, key: hidden-1,"
      " none: \"\", other: hidden-2 } }\n"
      "  b: { pipeline: kept-by-put, params: { open: hidden-3 } }\n",
      file);
  g_autoptr (MillConfig) config = parse (text, NULL);
  g_autofree gchar *printed =
      mill_config_to_yaml (config, mill_config_secrets_has);
  g_assert_null (strstr (printed, "hidden"));
  g_assert_nonnull (strstr (printed,
      "params: { \"key\": \"***\", \"none\": \"\", \"open\": \"shown-1\", "
      "\"other\": \"***\" }"));
  g_assert_nonnull (strstr (printed, "params: { \"open\": \"***\" }"));
  /* Nobody publishes to a server whose key is three stars. */
  g_autofree gchar *messages = NULL;
  g_assert_null (parse (printed, &messages));
  g_assert_nonnull (strstr (messages,
      "parameter 'key': got what --print-config shows in the place of a "));
  g_unlink (file);
}

/* A user with three mistakes should not have to start three times. */
static void
test_all_mistakes_at_once (void)
{
  const gchar *text =
      "listen: { rmtp: \"x\", api: nope, obs: \"a:1\" }\n"
      "store: \"postgresql://x\"\n"
      "apps:\n"
      "  live: { pipeline: p, auth: jtw, params: { stream: a } }\n"
      "  \"b d\": { auth: kesy }\n"
      "  c: 5\n"
      "workers: { shared: 3, limits: { streems: 1 } }\n"
      "log: { level: verbose, format: [] }\n"
      "statedir: /x\n"
      "media_dir: relative\n";
  static const gchar *const wanted[] = {
    "c.yaml:1:11: error: unknown key 'rmtp' in 'listen', did you mean 'rtmp'?",
    "c.yaml:1:27: error: 'api': got 'nope', expected HOST:PORT",
    "c.yaml:1:38: error: 'obs' is not yet available",
    "c.yaml:2:8: error: 'store': a postgresql store is not yet available",
    "c.yaml:4:30: error: 'auth': got 'jtw', expected one of none, keys, jwt, "
    "webhook; did you mean 'jwt'?",
    "c.yaml:4:45: error: parameter 'stream' is set by the daemon",
    "c.yaml:5:3: error: app 'b d': expected a name",
    "c.yaml:5:3: error: app 'b d' has no pipeline",
    "c.yaml:5:18: error: 'auth': got 'kesy', expected one of none, keys, jwt, "
    "webhook; did you mean 'keys'?",
    "c.yaml:6:6: error: 'c': got '5', expected a mapping",
    "c.yaml:7:20: error: 'shared': got '3', expected a whole number",
    "c.yaml:7:33: error: unknown key 'streems' in 'workers.limits', did you "
    "mean 'streams'?",
    "c.yaml:8:15: error: 'level': got 'verbose', expected one of",
    "c.yaml:8:32: error: 'format': got a list, expected a scalar",
    "c.yaml:9:1: error: unknown key 'statedir', did you mean 'state_dir'?",
    "c.yaml:10:12: error: 'media_dir': got 'relative', expected an absolute",
  };
  g_autofree gchar *messages = NULL;
  g_assert_null (parse (text, &messages));
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    if (!strstr (messages, wanted[i]))
      g_error ("expected \"%s\" in:\n%s", wanted[i], messages);
}

/* Who may publish is the part of a configuration where a typing error opens the
 * door, or shuts it on the day of the show. */
static void
test_ways_to_publish (void)
{
  g_autofree gchar *file = NULL;
  g_close (g_file_open_tmp ("mill-config-XXXXXX", &file, NULL), NULL);
  g_autofree gchar *text = g_strdup_printf (
      "apps:\n"
      "  a: { pipeline: p, auth: [keys, jwt, webhook], on_expiry: end,\n"
      "       jwt: { jwks: \"https://id.example/keys\", issuer: me, audience: x,"
      " algorithms: [ES256], leeway_seconds: 5, ca_file: %s },\n"
      "       webhook: { url: \"http://[::1]:9/x\", secret_file: %s,"
      " timeout_ms: 500, cache_seconds: 0 } }\n"
      "  b: { pipeline: p, auth: jwt, jwt: { secret_file: %s } }\n"
      "  c: { pipeline: p, auth: jwt, jwt: { jwks: %s } }\n"
      "  d: { pipeline: p, auth: jwt, jwt: { jwks: \"http://h/k\", insecure: "
      "true } }\n"
      "publish_limits: { burst: 5, per_minute: 6, failure_cost: 2, addresses: 9,"
      " exempt: [10.0.0.0/8, \"2001:db8::/32\"], pending: 12,"
      " pending_per_address: 3, tls_handshakes_per_address: 7 }\n",
      file, file, file, file);
  g_autoptr (MillConfig) config = parse (text, NULL);
  const MillApp *a = mill_config_find_app (config, "a");
  g_assert_cmpint (a->auth, ==,
      MILL_PUBLISH_AUTH_KEYS | MILL_PUBLISH_AUTH_JWT |
          MILL_PUBLISH_AUTH_WEBHOOK);
  g_assert_true (a->ends_on_expiry);
  g_assert_cmpstr (a->jwt->jwks, ==, "https://id.example/keys");
  g_assert_cmpstr (a->jwt->audience, ==, "x");
  g_assert_cmpuint (a->jwt->algorithms, ==, MILL_JWT_ES256);
  g_assert_cmpuint (a->jwt->leeway_s, ==, 5);
  g_assert_cmpuint (a->webhook->timeout_ms, ==, 500);
  g_assert_cmpuint (mill_config_find_app (config, "b")->jwt->algorithms, ==,
      MILL_JWT_HS256);
  g_assert_cmpuint (mill_config_find_app (config, "c")->jwt->algorithms, ==,
      MILL_JWT_RS256 | MILL_JWT_ES256);
  g_assert_cmpuint (config->publish_limits.failure_cost, ==, 2);
  g_assert_cmpuint (config->max_tls_handshakes_per_address, ==, 7);
  g_assert_cmpstr (config->publish_limits.exempt[1], ==, "2001:db8::/32");
  g_autofree gchar *printed = mill_config_to_yaml (config, NULL);
  g_autoptr (MillConfig) again = parse (printed, NULL);
  g_autofree gchar *reprinted = mill_config_to_yaml (again, NULL);
  g_assert_cmpstr (reprinted, ==, printed);
  g_unlink (file);
}

static void
test_mistakes_in_ways_to_publish (void)
{
  static const struct
  {
    const gchar *app;
    const gchar *wanted;
  } cases[] = {
    { "auth: [none, keys]",
        "c.yaml:1:33: error: 'auth': 'none' lets everybody" },
    { "auth: []", "c.yaml:1:33: error: 'auth': got an empty list" },
    { "auth: [keys, {}]", "c.yaml:1:33: error: 'auth': expected a list" },
    { "auth: jwt", "c.yaml:1:9: error: app 'a' has auth jwt, expected jwt:" },
    { "auth: jwt, jwt: {}",
        "c.yaml:1:9: error: app 'a' has auth jwt, expected" },
    { "auth: webhook, webhook: { url: \"https://x/\" }",
        "c.yaml:1:9: error: app 'a' has auth webhook, expected webhook: { url" },
    { "auth: jwt, jwt: { jwks: \"http://example.org/k\" }",
        "c.yaml:1:9: error: app 'a': got 'http://example.org/k', expected "
        "https" },
    { "auth: jwt, jwt: { jwks: \"ftp://x/k\" }",
        "c.yaml:1:51: error: 'jwks': got 'ftp://x/k', expected a URL" },
    { "auth: jwt, jwt: { jwks: \"https://u:p@x/k\" }",
        "'jwks': got a URL with a user's name in it" },
    { "auth: jwt, jwt: { secret_file: /nowhere }",
        "c.yaml:1:58: error: 'secret_file': '/nowhere' cannot be read" },
    { "auth: jwt, jwt: { secret_file: relative }",
        "'secret_file': got 'relative', expected an absolute path" },
    { "auth: jwt, jwt: { secret_file: /dev/null, algorithms: [RS256] }",
        "a secret_file is for HS256 alone" },
    { "auth: jwt, jwt: { secret_file: /dev/null, jwks: /dev/null }",
        "jwt has jwks and secret_file, expected one of them" },
    { "auth: jwt, jwt: { jwks: /dev/null, algorithms: [none] }",
        "'algorithms': got 'none', expected one of RS256, ES256, HS256" },
    { "auth: jwt, jwt: { jwks: /dev/null, algorithms: RS256 }",
        "'algorithms': expected a list" },
    { "auth: jwt, jwt: { jkws: /dev/null }",
        "unknown key 'jkws' in 'jwt', did you mean 'jwks'?" },
    { "webhook: { timeout_ms: 5000 }",
        "'timeout_ms': got '5000', expected a whole number from 100 to 4500" },
    { "on_expiry: stop", "'on_expiry': got 'stop', expected one of keep, end" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *text =
        g_strdup_printf ("apps: { a: { pipeline: p, %s } }\n", cases[i].app);
    g_autofree gchar *messages = NULL;
    g_assert_null (parse (text, &messages));
    if (!strstr (messages, cases[i].wanted))
      g_error ("%sexpected \"%s\" in:\n%s", text, cases[i].wanted, messages);
  }
  g_autofree gchar *messages = NULL;
  g_assert_null (
      parse ("publish_limits: { exempt: [10.0.0.1/8], burst: x, pending: 0 }\n",
          &messages));
  g_assert_nonnull (strstr (messages, "'pending': got '0'"));
  g_assert_nonnull (strstr (messages, "'exempt': address range '10.0.0.1/8'"));
  g_assert_nonnull (strstr (messages, "'burst': got 'x'"));
}

static void
test_no_yaml (void)
{
  static const gchar *const texts[] = { "a: [", "- 1\n", "\"", "a: b: c",
    "x: 1\nx: 2\n", "\xff\xfe" };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autofree gchar *messages = NULL;
    g_test_message ("text %u", i);
    g_assert_null (parse (texts[i], &messages));
    g_assert_true (g_str_has_prefix (messages, "c.yaml:"));
  }
}

/* Cut off anywhere, a file is either right or has a message; it never
 * crashes. */
static void
test_truncated_at_every_byte (void)
{
  const gchar *text = "listen: { rtmp: \"127.0.0.1:1\" }\n"
                      "apps: { live: { pipeline: p, params: { a: \"b\" } } }\n";
  for (gsize length = 0; length < strlen (text); length++) {
    g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
    g_autoptr (MillConfig) config =
        mill_config_new_from_data (text, length, "c.yaml", diagnostics);
    g_assert_true ((config == NULL) ==
        (mill_diagnostics_get_n_errors (diagnostics) > 0));
  }
}

static void
test_addresses (void)
{
  static const struct
  {
    const gchar *address;
    gboolean valid;
  } cases[] = { { "127.0.0.1:0", TRUE }, { "0.0.0.0:65535", TRUE },
    { "[::]:1", TRUE }, { "host.example:1", TRUE },
    { "127.0.0.1:65536", FALSE }, { "127.0.0.1:-1", FALSE },
    { "127.0.0.1:", FALSE }, { ":1", FALSE }, { "1935", FALSE },
    { "::1:5", FALSE }, { "[::1:5", FALSE }, { "a:1 ", FALSE } };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *messages = NULL;
    g_autofree gchar *text =
        g_strdup_printf ("listen: { rtmp: \"%s\" }", cases[i].address);
    g_autoptr (MillConfig) config = parse (text, &messages);
    g_test_message ("%s", cases[i].address);
    g_assert_true ((config != NULL) == cases[i].valid);
  }
}

static void
test_reload (void)
{
  g_autoptr (MillConfig) running =
      parse ("listen: { rtmp: \"a:1\" }\nmedia_dir: /m\n", NULL);
  g_autoptr (MillConfig) next =
      parse ("listen: { rtmp: \"b:2\" }\nmedia_dir: /n\n"
             "log: { level: debug }\napps: { x: { pipeline: p } }\n",
          NULL);
  g_auto (GStrv) later = mill_config_needs_restart (running, next);
  g_assert_cmpuint (g_strv_length (later), ==, 2);
  g_assert_cmpstr (later[0], ==, "listen.rtmp");
  g_assert_cmpstr (later[1], ==, "media_dir");
  g_autoptr (MillConfig) merged = mill_config_merge (running, next);
  g_assert_cmpstr (merged->listen_rtmp, ==, "a:1");
  g_assert_cmpstr (merged->media_dir, ==, "/m");
  g_assert_cmpint (merged->log_level, ==, MILL_LOG_DEBUG);
  g_assert_nonnull (mill_config_find_app (merged, "x"));
  g_assert_null (mill_config_find_app (merged, "live"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/defaults", test_nothing_said_is_the_default);
  g_test_add_func ("/config/everything", test_everything_said);
  g_test_add_func ("/config/secrets-are-not-printed",
      test_secrets_are_not_printed);
  g_test_add_func ("/config/all-mistakes", test_all_mistakes_at_once);
  g_test_add_func ("/config/ways-to-publish", test_ways_to_publish);
  g_test_add_func ("/config/ways-to-publish/mistakes",
      test_mistakes_in_ways_to_publish);
  g_test_add_func ("/config/no-yaml", test_no_yaml);
  g_test_add_func ("/config/truncated", test_truncated_at_every_byte);
  g_test_add_func ("/config/addresses", test_addresses);
  g_test_add_func ("/config/reload", test_reload);
  return g_test_run ();
}
