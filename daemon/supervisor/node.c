/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "node.h"

#define APPLICATION "millrace node "
#define ID_LENGTH 16

static gchar *
read_line (const gchar *path)
{
  gchar *text = NULL;
  return g_file_get_contents (path, &text, NULL, NULL) ? g_strchomp (text)
                                                       : g_strdup ("");
}

/* machine-id(5) asks not to show it outside the machine: a hash with our own
 * name in it says as much and gives nothing away. A machine without one is
 * known by its host name. */
static gchar *
get_id (const gchar *host)
{
  g_autofree gchar *machine = read_line ("/etc/machine-id");
  g_autofree gchar *source =
      g_strconcat (APPLICATION, *machine ? machine : host, NULL);
  g_autofree gchar *hash =
      g_compute_checksum_for_string (G_CHECKSUM_SHA256, source, -1);
  return g_strndup (hash, ID_LENGTH);
}

MillNodeRow *
mill_node_describe (void)
{
  MillNodeRow *row = g_new0 (MillNodeRow, 1);
  row->host = g_strdup (g_get_host_name ());
  row->id = get_id (row->host);
  row->boot_id = read_line ("/proc/sys/kernel/random/boot_id");
  row->since = g_get_real_time () / G_USEC_PER_SEC;
  row->seen_at = row->since;
  return row;
}
