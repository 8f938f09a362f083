/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/ipc/publisher.h"

MillPublisher *
mill_publisher_new (void)
{
  MillPublisher *publisher = g_new0 (MillPublisher, 1);

  publisher->app = g_strdup ("");
  publisher->name = g_strdup ("");
  publisher->query = g_strdup ("");
  publisher->address = g_strdup ("");
  return publisher;
}

MillPublisher *
mill_publisher_copy (const MillPublisher *publisher)
{
  MillPublisher *copy = g_new0 (MillPublisher, 1);

  *copy = *publisher;
  copy->app = g_strdup (publisher->app);
  copy->name = g_strdup (publisher->name);
  copy->query = g_strdup (publisher->query);
  copy->address = g_strdup (publisher->address);
  return copy;
}

void
mill_publisher_free (MillPublisher *publisher)
{
  g_free (publisher->app);
  g_free (publisher->name);
  g_free (publisher->query);
  g_free (publisher->address);
  g_free (publisher);
}

static void
lookup_string (GVariant *variant, const gchar *key, gchar **field)
{
  const gchar *text;

  if (g_variant_lookup (variant, key, "&s", &text)) {
    g_free (*field);
    *field = g_strdup (text);
  }
}

MillPublisher *
mill_publisher_new_from_variant (GVariant *variant)
{
  MillPublisher *publisher = mill_publisher_new ();

  lookup_string (variant, "app", &publisher->app);
  lookup_string (variant, "name", &publisher->name);
  lookup_string (variant, "query", &publisher->query);
  lookup_string (variant, "address", &publisher->address);
  g_variant_lookup (variant, "tls", "b", &publisher->tls);
  g_variant_lookup (variant, "since", "x", &publisher->since);
  g_variant_lookup (variant, "bytes", "t", &publisher->bytes);
  return publisher;
}

GVariant *
mill_publisher_to_variant (const MillPublisher *publisher)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "app", "s", publisher->app);
  g_variant_dict_insert (&dict, "name", "s", publisher->name);
  g_variant_dict_insert (&dict, "query", "s", publisher->query);
  g_variant_dict_insert (&dict, "address", "s", publisher->address);
  g_variant_dict_insert (&dict, "tls", "b", publisher->tls);
  g_variant_dict_insert (&dict, "since", "x", publisher->since);
  g_variant_dict_insert (&dict, "bytes", "t", publisher->bytes);
  return g_variant_dict_end (&dict);
}
