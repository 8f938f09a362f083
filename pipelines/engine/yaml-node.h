/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "diagnostics.h"

G_BEGIN_DECLS

typedef enum
{
  MILL_YAML_SCALAR,
  MILL_YAML_SEQUENCE,
  MILL_YAML_MAPPING,
} MillYamlKind;

/** A value of a YAML text with its place. An alias is the anchored node
 * itself, once more: nothing is copied. */
typedef struct _MillYamlNode MillYamlNode;
struct _MillYamlNode
{
  MillYamlKind kind;
  MillPlace place; /* file belongs to who parsed */
  gchar *text; /* of a scalar */
  gboolean quoted;
  gboolean null; /* a scalar that is empty, ~ or null, and not quoted */
  GPtrArray *keys; /* of a mapping: (element-type MillYamlNode), scalars */
  GPtrArray *values; /* of a mapping or sequence: (element-type MillYamlNode) */

  /*< private >*/
  guint ref_count;
  guint weight; /* nodes below, with every alias followed; saturates */
};

/* Of a text in bytes: a description's or a configuration's. */
#define MILL_YAML_MAX_SIZE (256 * 1024)

/* For who would read a text of @size only to have it refused.
 * Returns: FALSE after an error at the beginning of @file. */
gboolean mill_yaml_node_check_size (gsize size, const gchar *file,
    MillDiagnostics *diagnostics);

/* @file: for the places; must outlive the nodes.
 * Returns: (transfer full) (nullable): NULL, and an error in @diagnostics,
 * when the text is not one bounded YAML document. Duplicate keys are errors
 * but give a node all the same. */
MillYamlNode *mill_yaml_node_parse (const gchar *data, gsize size,
    const gchar *file, MillDiagnostics *diagnostics);
MillYamlNode *mill_yaml_node_ref (MillYamlNode *node);
void mill_yaml_node_unref (MillYamlNode *node);

/* Returns: (transfer none) (nullable): the value of @key in a mapping; its
 * key's node in @ret_key (optional). */
MillYamlNode *mill_yaml_node_get (const MillYamlNode *mapping, const gchar *key,
    MillYamlNode **ret_key);

/* "a list", "a mapping", "'text'": for messages.
 * Returns: (transfer full) */
gchar *mill_yaml_node_describe (const MillYamlNode *node);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillYamlNode, mill_yaml_node_unref)

G_END_DECLS
