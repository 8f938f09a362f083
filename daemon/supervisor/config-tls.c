/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Certificate and key of the configuration: that they are there, fit and can be
 * read, before anything is started with them. The worker loads them itself. */

#include "config-private.h"

#include <string.h>

#include "tls/tls-identity.h"

/* Returns: (nullable): the value of @section.@name */
static const MillYamlNode *
find_value (const MillYamlNode *root, const gchar *section, const gchar *name)
{
  const MillYamlNode *mapping = mill_yaml_node_get (root, section, NULL);

  return mapping && mapping->kind == MILL_YAML_MAPPING
      ? mill_yaml_node_get (mapping, name, NULL)
      : NULL;
}

/* Where a message on @file belongs: to the key, or else the certificate. */
static const MillPlace *
find_place (const MillConfig *config, const MillYamlNode *root,
    const gchar *message)
{
  const MillYamlNode *certificate = find_value (root, "tls", "certificate");
  const MillYamlNode *key = find_value (root, "tls", "key");

  return config->tls_key && key && g_str_has_prefix (message, "key ")
      ? &key->place
      : &certificate->place;
}

void
mill_config_tls_check (const MillConfig *config, const MillYamlNode *root,
    MillDiagnostics *diagnostics)
{
  const MillYamlNode *rtmps = find_value (root, "listen", "rtmps");
  g_autoptr (GError) error = NULL;

  if (!config->tls_certificate) {
    /* One that was given and not taken has its own message. */
    gboolean was_refused = mill_diagnostics_get_n_errors (diagnostics) > 0 &&
        find_value (root, "tls", "certificate");
    if (rtmps && config->listen_rtmps && !was_refused)
      mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR, &rtmps->place,
          "'rtmps': got no certificate for it, expected tls: { certificate: "
          "FILE, key: FILE }");
    return;
  }
  g_autoptr (MillTlsIdentity) identity =
      mill_tls_identity_load (config->tls_certificate, config->tls_key, &error);
  if (!identity) {
    mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR,
        find_place (config, root, error->message), "%s", error->message);
    return;
  }
  g_auto (GStrv) warnings = mill_tls_identity_list_warnings (identity,
      g_get_real_time () / G_USEC_PER_SEC);
  for (gchar **warning = warnings; *warning; warning++)
    mill_diagnostics_add (diagnostics, MILL_SEVERITY_WARNING,
        find_place (config, root, *warning), "%s", *warning);
}
