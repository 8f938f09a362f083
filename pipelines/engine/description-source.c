/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* The names that an entry of `from` is made of. */
#include "description-private.h"

#include <string.h>

#define MAX_NAME 64

gboolean
mill_description_source_is_name (const gchar *text)
{
  if (!g_ascii_isalpha (*text) || strlen (text) > MAX_NAME)
    return FALSE;
  for (; *text; text++)
    if (!g_ascii_isalnum (*text) && *text != '_' && *text != '-')
      return FALSE;
  return TRUE;
}

/* As the daemon takes them: they become directories and URLs. */
static gboolean
is_stream_name (const gchar *text)
{
  gsize length = strspn (text,
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
      "abcdefghijklmnopqrstuvwxyz0123456789_-");

  return length >= 1 && length <= MAX_NAME && text[length] == '\0';
}

gboolean
mill_description_source_split (const gchar *text, gchar **ret_stream,
    gchar **ret_node, gchar **ret_pad)
{
  g_autofree gchar *stream = NULL;
  g_autofree gchar *node = NULL;
  const gchar *pad;

  if (g_str_has_prefix (text, "stream:")) {
    const gchar *slash = strchr (text, '/');

    if (!slash)
      return FALSE;
    stream = g_strndup (text + 7, slash - text - 7);
    text = slash + 1;
  }
  pad = strchr (text, '.');
  node = pad ? g_strndup (text, pad - text) : g_strdup (text);
  if (!mill_description_source_is_name (node) || (pad && pad[1] == '\0') ||
      (stream && !is_stream_name (stream)))
    return FALSE;
  *ret_stream = g_steal_pointer (&stream);
  *ret_node = g_steal_pointer (&node);
  *ret_pad = pad ? g_strdup (pad + 1) : NULL;
  return TRUE;
}
