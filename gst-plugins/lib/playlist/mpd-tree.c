/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/mpd-tree-private.h"

#include <string.h>

/* An MPD with events has nine levels. */
#define MAX_DEPTH 32

static MillMpdNode *
new_node (const gchar *name)
{
  MillMpdNode *node = g_new0 (MillMpdNode, 1);

  node->name = g_strdup (name);
  node->attributes = g_ptr_array_new_with_free_func (g_free);
  node->children =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_mpd_tree_free);
  return node;
}

void
mill_mpd_tree_free (MillMpdNode *node)
{
  g_free (node->name);
  g_ptr_array_unref (node->attributes);
  g_ptr_array_unref (node->children);
  g_free (node->content);
  g_free (node);
}

/* ---- reading ---- */

typedef struct
{
  MillMpdNode *root;
  GPtrArray *open; /* of MillMpdNode, without ownership */
} Reading;

static void
on_start (GMarkupParseContext *context, const gchar *name, const gchar **names,
    const gchar **values, gpointer user_data, GError **error)
{
  Reading *self = user_data;
  MillMpdNode *node;

  if (self->open->len >= MAX_DEPTH || (self->open->len == 0 && self->root)) {
    g_set_error (error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT,
        "element '%s': got it at depth %u, expected one root and at most %d",
        name, self->open->len, MAX_DEPTH);
    return;
  }
  node = new_node (name);
  for (gsize i = 0; names[i] != NULL; i++)
    mill_mpd_tree_set (node, names[i], values[i]);
  if (self->open->len == 0) {
    self->root = node;
  } else {
    MillMpdNode *parent = g_ptr_array_index (self->open, self->open->len - 1);
    g_ptr_array_add (parent->children, node);
  }
  g_ptr_array_add (self->open, node);
}

static void
on_end (GMarkupParseContext *context, const gchar *name, gpointer user_data,
    GError **error)
{
  Reading *self = user_data;

  g_ptr_array_set_size (self->open, (gint) self->open->len - 1);
}

static void
on_text (GMarkupParseContext *context, const gchar *text, gsize length,
    gpointer user_data, GError **error)
{
  Reading *self = user_data;
  g_autofree gchar *copy = g_strndup (text, length);
  MillMpdNode *node;

  if (self->open->len == 0 || g_strstrip (copy)[0] == '\0')
    return;
  node = g_ptr_array_index (self->open, self->open->len - 1);
  if (node->children->len == 0 && node->content == NULL)
    node->content = g_steal_pointer (&copy);
}

MillMpdNode *
mill_mpd_tree_read (GBytes *text, GError **error)
{
  static const GMarkupParser parser = {
    .start_element = on_start,
    .end_element = on_end,
    .text = on_text,
  };
  g_autoptr (GPtrArray) open = g_ptr_array_new ();
  Reading reading = { NULL, open };
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&parser,
      G_MARKUP_PREFIX_ERROR_POSITION, &reading, NULL);
  gsize size;
  const gchar *data = g_bytes_get_data (text, &size);

  if (!g_markup_parse_context_parse (context, data != NULL ? data : "",
          (gssize) size, error) ||
      !g_markup_parse_context_end_parse (context, error)) {
    g_clear_pointer (&reading.root, mill_mpd_tree_free);
    return NULL;
  }
  if (reading.root == NULL)
    g_set_error (error, G_MARKUP_ERROR, G_MARKUP_ERROR_EMPTY,
        "XML: got no element, expected one");
  return reading.root;
}

/* ---- printing ---- */

static void
print_escaped (GString *out, const gchar *text)
{
  g_autofree gchar *escaped = g_markup_escape_text (text, -1);

  g_string_append (out, escaped);
}

static void
print_node (GString *out, const MillMpdNode *node, guint depth)
{
  for (guint i = 0; i < depth; i++)
    g_string_append_c (out, ' ');
  g_string_append_printf (out, "<%s", node->name);
  for (guint i = 0; i + 1 < node->attributes->len; i += 2) {
    g_string_append_printf (out, " %s=\"",
        (const gchar *) node->attributes->pdata[i]);
    print_escaped (out, node->attributes->pdata[i + 1]);
    g_string_append_c (out, '"');
  }
  if (node->children->len == 0 && node->content == NULL) {
    g_string_append (out, "/>\n");
    return;
  }
  g_string_append_c (out, '>');
  if (node->children->len == 0) {
    print_escaped (out, node->content);
  } else {
    g_string_append_c (out, '\n');
    for (guint i = 0; i < node->children->len; i++)
      print_node (out, mill_mpd_tree_child (node, i), depth + 1);
    for (guint i = 0; i < depth; i++)
      g_string_append_c (out, ' ');
  }
  g_string_append_printf (out, "</%s>\n", node->name);
}

GBytes *
mill_mpd_tree_print (const MillMpdNode *root)
{
  GString *out = g_string_new ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");

  print_node (out, root, 0);
  return g_string_free_to_bytes (out);
}

/* ---- attributes ---- */

static gint
find_attribute (const MillMpdNode *node, const gchar *name)
{
  for (guint i = 0; i + 1 < node->attributes->len; i += 2) {
    if (g_str_equal (node->attributes->pdata[i], name))
      return (gint) i;
  }
  return -1;
}

const gchar *
mill_mpd_tree_get (const MillMpdNode *node, const gchar *name)
{
  gint i = find_attribute (node, name);

  return i < 0 ? NULL : node->attributes->pdata[i + 1];
}

gboolean
mill_mpd_tree_get_number (const MillMpdNode *node, const gchar *name,
    guint64 *ret_value)
{
  const gchar *text = mill_mpd_tree_get (node, name);

  return text != NULL &&
      g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, ret_value, NULL);
}

void
mill_mpd_tree_set (MillMpdNode *node, const gchar *name, const gchar *value)
{
  gint i = find_attribute (node, name);

  if (i >= 0) {
    g_free (node->attributes->pdata[i + 1]);
    node->attributes->pdata[i + 1] = g_strdup (value);
    return;
  }
  g_ptr_array_add (node->attributes, g_strdup (name));
  g_ptr_array_add (node->attributes, g_strdup (value));
}

void
mill_mpd_tree_set_number (MillMpdNode *node, const gchar *name, guint64 value)
{
  gchar text[24];

  g_snprintf (text, sizeof (text), "%" G_GUINT64_FORMAT, value);
  mill_mpd_tree_set (node, name, text);
}

void
mill_mpd_tree_unset (MillMpdNode *node, const gchar *name)
{
  gint i = find_attribute (node, name);

  if (i >= 0)
    g_ptr_array_remove_range (node->attributes, (guint) i, 2);
}

/* ---- children ---- */

MillMpdNode *
mill_mpd_tree_find (const MillMpdNode *node, const gchar *name)
{
  for (guint i = 0; i < node->children->len; i++) {
    if (g_str_equal (mill_mpd_tree_child (node, i)->name, name))
      return mill_mpd_tree_child (node, i);
  }
  return NULL;
}

MillMpdNode *
mill_mpd_tree_insert (MillMpdNode *node, guint at, const gchar *name)
{
  MillMpdNode *child = new_node (name);

  g_ptr_array_insert (node->children, (gint) at, child);
  return child;
}

static gboolean
has_word (const gchar *words, const gchar *word)
{
  gsize length = strlen (word);

  for (const gchar *at = words; (at = strstr (at, word)) != NULL;
       at += length) {
    if ((at == words || at[-1] == ' ') &&
        (at[length] == ' ' || at[length] == '\0'))
      return TRUE;
  }
  return FALSE;
}

guint
mill_mpd_tree_find_after (const MillMpdNode *node, const gchar *names)
{
  guint i = 0;

  while (i < node->children->len &&
      has_word (names, mill_mpd_tree_child (node, i)->name))
    i++;
  return i;
}
