/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* An MPD that was read, to be changed and printed again. Prefixes of namespaces
 * are part of the names. */

typedef struct _MillMpdNode MillMpdNode;

struct _MillMpdNode
{
  gchar *name;
  GPtrArray *attributes; /* names and values in turn */
  GPtrArray *children; /* of MillMpdNode */
  gchar *content; /* nullable: of an element without children */
};

/* Returns: (transfer full)(nullable): the root element
 * Errors: G_MARKUP_ERROR, also for what is nested too deeply */
MillMpdNode *mill_mpd_tree_read (GBytes *text, GError **error);
void mill_mpd_tree_free (MillMpdNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillMpdNode, mill_mpd_tree_free)

/* Returns: (transfer full): in UTF-8 */
GBytes *mill_mpd_tree_print (const MillMpdNode *root);

/* Returns: (nullable) */
const gchar *mill_mpd_tree_get (const MillMpdNode *node, const gchar *name);
/* Returns: FALSE when there is no such attribute, or no number in it */
gboolean mill_mpd_tree_get_number (const MillMpdNode *node, const gchar *name,
    guint64 *ret_value);
/* Puts it at the end, or in the place of what it was. */
void mill_mpd_tree_set (MillMpdNode *node, const gchar *name,
    const gchar *value);
void mill_mpd_tree_set_number (MillMpdNode *node, const gchar *name,
    guint64 value);
void mill_mpd_tree_unset (MillMpdNode *node, const gchar *name);

static inline MillMpdNode *
mill_mpd_tree_child (const MillMpdNode *node, guint i)
{
  return g_ptr_array_index (node->children, i);
}

/* Returns: (nullable): the first child of that name */
MillMpdNode *mill_mpd_tree_find (const MillMpdNode *node, const gchar *name);
/* Returns: (transfer none): a new child in front of the one at @at */
MillMpdNode *mill_mpd_tree_insert (MillMpdNode *node, guint at,
    const gchar *name);
/* Returns: index of the first child that is none of @names (separated by
 * spaces) */
guint mill_mpd_tree_find_after (const MillMpdNode *node, const gchar *names);

G_END_DECLS
