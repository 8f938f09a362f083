/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "port-holder.h"

#include <string.h>

/* st of /proc/net/tcp, see proc(5): TCP_LISTEN */
#define STATE_LISTEN "0A"

/* Fields of a line of /proc/net/tcp: sl local_address rem_address st
 * tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode */
enum
{
  FIELD_LOCAL = 1,
  FIELD_STATE = 3,
  FIELD_INODE = 9,
  N_FIELDS = 10,
};

/* Returns: (transfer full): the words of @line */
static GStrv
split_fields (const gchar *line)
{
  g_auto (GStrv) words = g_strsplit_set (line, " ", -1);
  g_autoptr (GStrvBuilder) fields = g_strv_builder_new ();
  for (gchar **word = words; *word; word++)
    if (**word)
      g_strv_builder_add (fields, *word);
  return g_strv_builder_end (fields);
}

/* Returns: (transfer full) (nullable): "socket:[INODE]", as the link of a
 * descriptor reads */
static gchar *
find_listener (const gchar *table, const gchar *port)
{
  g_autofree gchar *content = NULL;
  if (!g_file_get_contents (table, &content, NULL, NULL))
    return NULL;
  g_auto (GStrv) lines = g_strsplit (content, "\n", -1);
  for (gchar **line = lines; *line; line++) {
    g_auto (GStrv) fields = split_fields (*line);
    if (g_strv_length (fields) >= N_FIELDS &&
        g_str_equal (fields[FIELD_STATE], STATE_LISTEN) &&
        g_str_has_suffix (fields[FIELD_LOCAL], port))
      return g_strdup_printf ("socket:[%s]", fields[FIELD_INODE]);
  }
  return NULL;
}

static gboolean
holds (const gchar *pid, const gchar *socket)
{
  g_autofree gchar *path = g_build_filename ("/proc", pid, "fd", NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;
  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *link = g_build_filename (path, name, NULL);
    g_autofree gchar *target = g_file_read_link (link, NULL);
    if (g_strcmp0 (target, socket) == 0)
      return TRUE;
  }
  return FALSE;
}

static gchar *
describe_process (const gchar *pid)
{
  g_autofree gchar *path = g_build_filename ("/proc", pid, "comm", NULL);
  g_autofree gchar *name = NULL;
  if (!g_file_get_contents (path, &name, NULL, NULL))
    return NULL;
  g_strchomp (name);
  /* A program names itself. */
  g_autofree gchar *safe = g_strescape (name, NULL);
  return g_strdup_printf ("%s (process %s)", safe, pid);
}

gchar *
mill_port_holder_find (const gchar *address)
{
  const gchar *colon = strrchr (address, ':');
  guint64 number = 0;
  if (!colon ||
      !g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &number,
          NULL))
    return NULL;
  g_autofree gchar *port = g_strdup_printf (":%04X", (guint) number);
  g_autofree gchar *socket = find_listener ("/proc/net/tcp", port);
  if (!socket)
    socket = find_listener ("/proc/net/tcp6", port);
  g_autoptr (GDir) processes = g_dir_open ("/proc", 0, NULL);
  const gchar *pid;
  while (socket && processes && (pid = g_dir_read_name (processes)))
    if (g_ascii_isdigit (*pid) && holds (pid, socket))
      return describe_process (pid);
  return NULL;
}
