/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/ipc/process-report.h"

#include "daemon/ipc/ipc.h"

#define MAX_TURN_USEC (2 * G_USEC_PER_SEC)

static const gchar *
or_empty (const gchar *text)
{
  return text ? text : "";
}

/* ---- Describe ---- */

static const gchar *const kinds[] = {
  [MILL_WORKER_SHARED] = "shared",
  [MILL_WORKER_ISOLATED] = "isolated",
};

const gchar *
mill_process_report_kind_to_string (MillWorkerKind kind)
{
  return kinds[kind];
}

gboolean
mill_process_report_kind_from_string (const gchar *text,
    MillWorkerKind *ret_kind)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    if (!g_str_equal (kinds[i], text))
      continue;
    *ret_kind = i;
    return TRUE;
  }
  return FALSE;
}

MillProcessReport *
mill_process_report_new (void)
{
  MillProcessReport *report = g_new0 (MillProcessReport, 1);

  report->listeners =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  report->streams =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_stream_report_free);
  return report;
}

void
mill_process_report_free (MillProcessReport *report)
{
  g_free (report->version);
  g_free (report->id);
  g_free (report->media_dir);
  g_hash_table_unref (report->listeners);
  g_ptr_array_unref (report->streams);
  g_free (report);
}

static void
read_listeners (MillProcessReport *report, GVariant *variant)
{
  g_autoptr (GVariant) listeners =
      g_variant_lookup_value (variant, "listeners", G_VARIANT_TYPE ("a{ss}"));
  GVariantIter iter;
  const gchar *kind;
  const gchar *address;

  if (!listeners)
    return;
  g_variant_iter_init (&iter, listeners);
  while (g_variant_iter_next (&iter, "{&s&s}", &kind, &address))
    g_hash_table_insert (report->listeners, g_strdup (kind),
        g_strdup (address));
}

static void
read_streams (MillProcessReport *report, GVariant *variant)
{
  g_autoptr (GVariant) streams =
      g_variant_lookup_value (variant, "streams", G_VARIANT_TYPE ("aa{sv}"));

  if (!streams)
    return;
  for (gsize i = 0; i < g_variant_n_children (streams); i++) {
    g_autoptr (GVariant) item = g_variant_get_child_value (streams, i);
    g_ptr_array_add (report->streams,
        mill_stream_report_new_from_variant (item));
  }
}

MillProcessReport *
mill_process_report_new_from_variant (GVariant *variant)
{
  MillProcessReport *report = mill_process_report_new ();

  g_variant_lookup (variant, "protocol", "u", &report->protocol);
  g_variant_lookup (variant, "pid", "u", &report->pid);
  g_variant_lookup (variant, "since", "x", &report->since);
  g_variant_lookup (variant, "draining", "b", &report->draining);
  report->version = mill_ipc_lookup_string (variant, "version");
  report->id = mill_ipc_lookup_string (variant, "id");
  report->media_dir = mill_ipc_lookup_string (variant, "media_dir");
  g_autofree gchar *kind = mill_ipc_lookup_string (variant, "kind");
  mill_process_report_kind_from_string (kind, &report->kind);
  read_listeners (report, variant);
  read_streams (report, variant);
  return report;
}

static GVariant *
listeners_to_variant (const MillProcessReport *report)
{
  GVariantBuilder builder;
  GHashTableIter iter;
  gpointer kind;
  gpointer address;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_hash_table_iter_init (&iter, report->listeners);
  while (g_hash_table_iter_next (&iter, &kind, &address))
    g_variant_builder_add (&builder, "{ss}", kind, address);
  return g_variant_builder_end (&builder);
}

GVariant *
mill_process_report_to_variant (const MillProcessReport *report)
{
  GVariantDict dict;
  GVariantBuilder streams;

  g_variant_builder_init (&streams, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < report->streams->len; i++)
    g_variant_builder_add_value (&streams,
        mill_stream_report_to_variant (report->streams->pdata[i]));
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "protocol", "u", report->protocol);
  g_variant_dict_insert (&dict, "version", "s", or_empty (report->version));
  g_variant_dict_insert (&dict, "id", "s", or_empty (report->id));
  g_variant_dict_insert (&dict, "kind", "s",
      mill_process_report_kind_to_string (report->kind));
  g_variant_dict_insert (&dict, "pid", "u", report->pid);
  g_variant_dict_insert (&dict, "since", "x", report->since);
  g_variant_dict_insert (&dict, "draining", "b", report->draining);
  g_variant_dict_insert (&dict, "media_dir", "s", or_empty (report->media_dir));
  g_variant_dict_insert_value (&dict, "listeners",
      listeners_to_variant (report));
  g_variant_dict_insert_value (&dict, "streams",
      g_variant_builder_end (&streams));
  return g_variant_dict_end (&dict);
}

/* ---- GetStats ---- */

static void
thread_free (gpointer data)
{
  MillThreadReport *thread = data;

  g_free (thread->name);
  g_free (thread);
}

static void
listener_free (gpointer data)
{
  MillListenerReport *listener = data;

  g_free (listener->kind);
  g_clear_pointer (&listener->closed, g_variant_unref);
  g_free (listener);
}

MillProcessStats *
mill_process_report_stats_new (void)
{
  MillProcessStats *stats = g_new0 (MillProcessStats, 1);

  stats->threads = g_ptr_array_new_with_free_func (thread_free);
  stats->listeners = g_ptr_array_new_with_free_func (listener_free);
  return stats;
}

void
mill_process_report_stats_free (MillProcessStats *stats)
{
  g_ptr_array_unref (stats->threads);
  g_ptr_array_unref (stats->listeners);
  g_free (stats->metrics);
  g_free (stats);
}

MillThreadReport *
mill_process_report_stats_add_thread (MillProcessStats *stats)
{
  MillThreadReport *thread = g_new0 (MillThreadReport, 1);

  g_ptr_array_add (stats->threads, thread);
  return thread;
}

MillListenerReport *
mill_process_report_stats_add_listener (MillProcessStats *stats)
{
  MillListenerReport *listener = g_new0 (MillListenerReport, 1);

  g_ptr_array_add (stats->listeners, listener);
  return listener;
}

gboolean
mill_process_report_thread_is_stalled (const MillThreadReport *thread)
{
  return thread->turn_usec > MAX_TURN_USEC;
}

static void
read_threads (MillProcessStats *stats, GVariant *variant)
{
  g_autoptr (GVariant) threads =
      g_variant_lookup_value (variant, "threads", G_VARIANT_TYPE ("aa{sv}"));

  for (gsize i = 0; threads && i < g_variant_n_children (threads); i++) {
    g_autoptr (GVariant) item = g_variant_get_child_value (threads, i);
    MillThreadReport *thread = mill_process_report_stats_add_thread (stats);
    thread->name = mill_ipc_lookup_string (item, "name");
    g_variant_lookup (item, "turn_usec", "t", &thread->turn_usec);
    g_variant_lookup (item, "connections", "u", &thread->connections);
  }
}

static void
read_listener_stats (MillProcessStats *stats, GVariant *variant)
{
  g_autoptr (GVariant) listeners =
      g_variant_lookup_value (variant, "listeners", G_VARIANT_TYPE ("aa{sv}"));

  for (gsize i = 0; listeners && i < g_variant_n_children (listeners); i++) {
    g_autoptr (GVariant) item = g_variant_get_child_value (listeners, i);
    MillListenerReport *listener =
        mill_process_report_stats_add_listener (stats);
    listener->kind = mill_ipc_lookup_string (item, "kind");
    g_variant_lookup (item, "connections", "t", &listener->connections);
    g_variant_lookup (item, "pending", "u", &listener->pending);
    listener->closed =
        g_variant_lookup_value (item, "closed", G_VARIANT_TYPE ("a{st}"));
  }
}

MillProcessStats *
mill_process_report_stats_new_from_variant (GVariant *variant)
{
  MillProcessStats *stats = mill_process_report_stats_new ();

  g_variant_lookup (variant, "cpu_usec", "t", &stats->cpu_usec);
  g_variant_lookup (variant, "memory_bytes", "t", &stats->memory_bytes);
  g_variant_lookup (variant, "requests", "t", &stats->requests);
  g_variant_lookup (variant, "bytes", "t", &stats->bytes);
  stats->metrics = mill_ipc_lookup_string (variant, "metrics");
  g_variant_lookup (variant, "tls_not_after", "x", &stats->tls_not_after);
  g_variant_lookup (variant, "tls_is_stale", "b", &stats->tls_is_stale);
  read_threads (stats, variant);
  read_listener_stats (stats, variant);
  return stats;
}

static GVariant *
thread_to_variant (const MillThreadReport *thread)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "name", "s", or_empty (thread->name));
  g_variant_dict_insert (&dict, "turn_usec", "t", thread->turn_usec);
  g_variant_dict_insert (&dict, "connections", "u", thread->connections);
  return g_variant_dict_end (&dict);
}

static GVariant *
listener_to_variant (const MillListenerReport *listener)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "kind", "s", or_empty (listener->kind));
  g_variant_dict_insert (&dict, "connections", "t", listener->connections);
  g_variant_dict_insert (&dict, "pending", "u", listener->pending);
  if (listener->closed)
    g_variant_dict_insert_value (&dict, "closed", listener->closed);
  return g_variant_dict_end (&dict);
}

GVariant *
mill_process_report_stats_to_variant (const MillProcessStats *stats)
{
  GVariantDict dict;
  GVariantBuilder threads;
  GVariantBuilder listeners;

  g_variant_builder_init (&listeners, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < stats->listeners->len; i++)
    g_variant_builder_add_value (&listeners,
        listener_to_variant (stats->listeners->pdata[i]));
  g_variant_builder_init (&threads, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < stats->threads->len; i++)
    g_variant_builder_add_value (&threads,
        thread_to_variant (stats->threads->pdata[i]));
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "cpu_usec", "t", stats->cpu_usec);
  g_variant_dict_insert (&dict, "memory_bytes", "t", stats->memory_bytes);
  g_variant_dict_insert (&dict, "requests", "t", stats->requests);
  g_variant_dict_insert (&dict, "bytes", "t", stats->bytes);
  g_variant_dict_insert (&dict, "metrics", "s", or_empty (stats->metrics));
  g_variant_dict_insert (&dict, "tls_not_after", "x", stats->tls_not_after);
  g_variant_dict_insert (&dict, "tls_is_stale", "b", stats->tls_is_stale);
  g_variant_dict_insert_value (&dict, "threads",
      g_variant_builder_end (&threads));
  g_variant_dict_insert_value (&dict, "listeners",
      g_variant_builder_end (&listeners));
  return g_variant_dict_end (&dict);
}
