/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/stream-pulls.h"

#include <string.h>

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>

#define SERVER_FACTORY "rtmpclientsrc"
#define SERVER_MESSAGE "rtmp-client-state"
#define LINK_FACTORY "millsrc"
#define LINK_MESSAGE "link-state"
/* Of the ends of a stream's own links the names begin in another way. */
#define LINK_PREFIX "stream:"
/* While a link is missing: whoever waits for it reads what there is instead. */
#define LOOK_S 1

/** One node that takes something. */
typedef struct
{
  gchar *location; /* nullable: of a link */
  gboolean live;
  gboolean missing; /* a link that waits for its other end */
  gchar *told; /* nullable: what was told of that */
  GHashTable *heard; /* (element-type utf8): the nodes that were listened at */
} Pull;

struct _MillStreamPulls
{
  GHashTable *nodes; /* (element-type utf8 Pull) */
  gboolean are_all;
  guint look_timer;
  MillStreamPullsTell tell;
  gpointer user_data;
};

/* ---- which there are ---- */

static Pull *
pull_new (void)
{
  Pull *pull = g_new0 (Pull, 1);

  pull->heard = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return pull;
}

static void
pull_free (Pull *pull)
{
  g_hash_table_unref (pull->heard);
  g_free (pull->location);
  g_free (pull->told);
  g_free (pull);
}

static void
count_source (const GValue *value, gpointer user_data)
{
  (*(guint *) user_data)++;
}

static guint
count_sources (GstBin *pipeline)
{
  GstIterator *sources = gst_bin_iterate_sources (pipeline);
  guint n_sources = 0;

  gst_iterator_foreach (sources, count_source, &n_sources);
  gst_iterator_free (sources);
  return n_sources;
}

static void
add_servers (MillStreamPulls *pulls, MillGraph *graph)
{
  g_autoptr (GPtrArray) sources =
      mill_graph_get_nodes_by_factory (graph, SERVER_FACTORY);

  for (guint i = 0; i < sources->len; i++)
    g_hash_table_insert (pulls->nodes,
        gst_object_get_name (GST_OBJECT (sources->pdata[i])), pull_new ());
}

static void
add_links (MillStreamPulls *pulls, MillGraph *graph)
{
  g_autoptr (GPtrArray) sources =
      mill_graph_get_nodes_by_factory (graph, LINK_FACTORY);

  for (guint i = 0; i < sources->len; i++) {
    g_autofree gchar *name =
        gst_object_get_name (GST_OBJECT (sources->pdata[i]));
    if (!g_str_has_prefix (name, LINK_PREFIX))
      continue;
    Pull *pull = pull_new ();
    g_object_get (sources->pdata[i], "location", &pull->location, NULL);
    g_hash_table_insert (pulls->nodes, g_steal_pointer (&name), pull);
  }
}

MillStreamPulls *
mill_stream_pulls_new (MillGraph *graph, MillStreamPullsTell tell,
    gpointer user_data)
{
  g_autoptr (MillStreamPulls) pulls = g_new0 (MillStreamPulls, 1);

  pulls->nodes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) pull_free);
  pulls->tell = tell;
  pulls->user_data = user_data;
  add_servers (pulls, graph);
  add_links (pulls, graph);
  if (g_hash_table_size (pulls->nodes) == 0)
    return NULL;
  pulls->are_all = count_sources (GST_BIN (mill_graph_get_pipeline (graph))) ==
      g_hash_table_size (pulls->nodes);
  return g_steal_pointer (&pulls);
}

void
mill_stream_pulls_free (MillStreamPulls *pulls)
{
  if (!pulls)
    return;
  g_clear_handle_id (&pulls->look_timer, g_source_remove);
  g_hash_table_unref (pulls->nodes);
  g_free (pulls);
}

/* ---- a link that is missing ---- */

/* A process that was killed leaves its sockets behind. */
static gboolean
is_listened_at (const gchar *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_UNIX,
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);

  if (!socket)
    return FALSE;
  g_socket_set_blocking (socket, FALSE);
  return g_socket_connect (socket, address, NULL, &error) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

/* The links of @stream are called STREAM.NODE; neither has a dot in its name.
 * To ask whether one is listened at takes the place of a client there: once one
 * was, it is not asked again while its name stands. */
static void
hear_links (Pull *pull, const gchar *folder, const gchar *stream)
{
  g_autofree gchar *prefix = g_strconcat (stream, ".", NULL);
  GHashTable *heard =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    if (!g_str_has_prefix (name, prefix))
      continue;
    const gchar *node = name + strlen (prefix);
    g_autofree gchar *path = g_build_filename (folder, name, NULL);
    if (g_hash_table_contains (pull->heard, node) || is_listened_at (path))
      g_hash_table_add (heard, g_strdup (node));
  }
  g_hash_table_unref (pull->heard);
  pull->heard = heard;
}

/* Returns: (transfer full): the nodes, one after the other; "" without any */
static gchar *
list_links (const Pull *pull)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer node;

  g_hash_table_iter_init (&iter, pull->heard);
  while (g_hash_table_iter_next (&iter, &node, NULL))
    g_ptr_array_add (nodes, node);
  g_ptr_array_sort (nodes, compare_names);
  g_ptr_array_add (nodes, NULL);
  return g_strjoinv (", ", (gchar **) nodes->pdata);
}

/* Returns: (transfer full): what is expected where it takes, and what there is */
static gchar *
explain_missing (Pull *pull)
{
  g_autofree gchar *folder = g_path_get_dirname (pull->location);
  g_autofree gchar *stream = g_path_get_basename (pull->location);
  gchar *dot = strchr (stream, '.');
  const gchar *node = dot ? dot + 1 : "";

  if (dot)
    *dot = '\0';
  hear_links (pull, folder, stream);
  g_autofree gchar *nodes = list_links (pull);
  if (*nodes)
    return g_strdup_printf ("stream '%s': got no published node '%s', expected "
                            "one that it publishes: %s",
        stream, node, nodes);
  return g_strdup_printf ("stream '%s': got no published node at all, expected "
                          "that it runs and has 'publish: true' at '%s'; "
                          "waiting for it",
      stream, node);
}

static void
tell_missing (MillStreamPulls *pulls, const gchar *node, Pull *pull)
{
  g_autofree gchar *text = explain_missing (pull);

  if (g_strcmp0 (text, pull->told) == 0)
    return;
  g_free (pull->told);
  pull->told = g_steal_pointer (&text);
  pulls->tell (node, pull->told, pulls->user_data);
}

/* The stream may have begun meanwhile, without that node. */
static gboolean
on_look (gpointer user_data)
{
  MillStreamPulls *pulls = user_data;
  gboolean wait = FALSE;
  GHashTableIter iter;
  gpointer node;
  gpointer value;

  g_hash_table_iter_init (&iter, pulls->nodes);
  while (g_hash_table_iter_next (&iter, &node, &value)) {
    Pull *pull = value;
    if (!pull->missing)
      continue;
    wait = TRUE;
    tell_missing (pulls, node, pull);
  }
  if (wait)
    return G_SOURCE_CONTINUE;
  pulls->look_timer = 0;
  return G_SOURCE_REMOVE;
}

/* ---- what they say ---- */

static void
take_link (MillStreamPulls *pulls, const gchar *node, Pull *pull)
{
  pull->missing = !pull->live;
  g_clear_pointer (&pull->told, g_free);
  g_hash_table_remove_all (pull->heard);
  if (pull->live) {
    pulls->tell (node, NULL, pulls->user_data);
    return;
  }
  if (!pulls->look_timer)
    pulls->look_timer = g_timeout_add_seconds (LOOK_S, on_look, pulls);
  tell_missing (pulls, node, pull);
}

gboolean
mill_stream_pulls_take (MillStreamPulls *pulls, const gchar *node,
    const GstStructure *structure)
{
  const gboolean is_link = gst_structure_has_name (structure, LINK_MESSAGE);
  const gchar *reason = gst_structure_get_string (structure, "reason");
  Pull *pull = node ? g_hash_table_lookup (pulls->nodes, node) : NULL;

  if (!pull ||
      (!is_link && !gst_structure_has_name (structure, SERVER_MESSAGE)))
    return FALSE;
  pull->live =
      g_strcmp0 (gst_structure_get_string (structure, "state"), "live") == 0;
  if (is_link)
    take_link (pulls, node, pull);
  else
    pulls->tell (node, reason && *reason ? reason : NULL, pulls->user_data);
  return TRUE;
}

gboolean
mill_stream_pulls_are_all (const MillStreamPulls *pulls)
{
  return pulls && pulls->are_all;
}

gboolean
mill_stream_pulls_are_live (const MillStreamPulls *pulls)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, pulls->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((const Pull *) value)->live)
      return TRUE;
  return FALSE;
}
