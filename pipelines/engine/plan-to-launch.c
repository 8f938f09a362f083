/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* The gst-launch-1.0 line of each process, ready for a shell. Where a template makes several pads ("video_%u"), a launch line can
 * name only the first. */
#include "plan-private.h"

#include <string.h>

typedef struct
{
  const GPtrArray *nodes; /* (element-type MillPlanNode) */
  const GPtrArray *links; /* (element-type MillPlanLink) */
  GString *text;
  GHashTable *requested; /* "node.template" -> how many pads so far */
  GPtrArray *sinks; /* (element-type gchar): the pad each link ends in */
} Writer;

/* A value needs no quotes at all when neither a shell nor gst-launch-1.0 sees
 * anything special in it. */
static gboolean
is_plain (const gchar *text)
{
  if (!*text)
    return FALSE;
  for (; *text; text++)
    if (!g_ascii_isalnum (*text) && !strchr ("_-./:+%@", *text))
      return FALSE;
  return TRUE;
}

static void
write_setting (Writer *writer, const gchar *pad, const MillPlanSetting *setting)
{
  g_autofree gchar *value = mill_plan_setting_format (setting);
  g_autofree gchar *name = pad ? g_strdup_printf ("%s::%s", pad, setting->name)
                               : g_strdup (setting->name);
  g_autoptr (GString) quoted = NULL;
  g_autofree gchar *word = NULL;

  if (is_plain (value)) {
    g_string_append_printf (writer->text, " %s=%s", name, value);
    return;
  }
  quoted = g_string_new (name);
  g_string_append (quoted, "=\"");
  for (const gchar *p = value; *p; p++) {
    if (*p == '"' || *p == '\\')
      g_string_append_c (quoted, '\\');
    g_string_append_c (quoted, *p);
  }
  g_string_append_c (quoted, '"');
  word = g_shell_quote (quoted->str);
  g_string_append_printf (writer->text, " %s", word);
}

/* Only nodes of other streams have names that a launch line does not take. */
static gchar *
node_name (const gchar *name)
{
  gchar *plain = g_strdup (name);

  g_strdelimit (plain, "/", '-');
  return plain;
}

/* "video_%u" -> "video_3" */
static gchar *
number_pad (const gchar *name_template, guint number)
{
  const gchar *percent = strchr (name_template, '%');

  if (!percent)
    return g_strdup (name_template);
  return g_strdup_printf ("%.*s%u", (gint) (percent - name_template),
      name_template, number);
}

/* Gives each link its sink pad, as the elements would count them. */
static void
name_sinks (Writer *writer)
{
  for (guint i = 0; i < writer->links->len; i++) {
    const MillPlanLink *link = g_ptr_array_index (writer->links, i);
    g_autofree gchar *key = NULL;
    guint number;

    if (!link->to_pad) {
      g_ptr_array_add (writer->sinks, NULL);
      continue;
    }
    key = g_strconcat (link->to_node, ".", link->to_pad, NULL);
    number = GPOINTER_TO_UINT (g_hash_table_lookup (writer->requested, key));
    g_ptr_array_add (writer->sinks, number_pad (link->to_pad, number));
    g_hash_table_insert (writer->requested, g_steal_pointer (&key),
        GUINT_TO_POINTER (number + 1));
  }
}

static void
write_node (Writer *writer, const MillPlanNode *node)
{
  g_autofree gchar *name = node_name (node->name);

  g_string_append_printf (writer->text, " \\\n  %s name=%s", node->factory,
      name);
  for (guint i = 0; i < node->props->len; i++)
    write_setting (writer, NULL, g_ptr_array_index (node->props, i));
  for (guint i = 0; i < writer->links->len; i++) {
    const MillPlanLink *link = g_ptr_array_index (writer->links, i);

    if (!g_str_equal (link->to_node, node->name))
      continue;
    for (guint k = 0; k < link->props->len; k++)
      write_setting (writer, g_ptr_array_index (writer->sinks, i),
          g_ptr_array_index (link->props, k));
  }
}

static void
write_pad (Writer *writer, const gchar *node, const gchar *pad)
{
  g_autofree gchar *name = node_name (node);
  gboolean usual = !pad || g_str_equal (pad, "src") ||
      g_str_equal (pad, "sink");

  g_string_append_printf (writer->text, "%s.%s", name, usual ? "" : pad);
}

static void
write_queue (Writer *writer, MillLinkKind kind)
{
  const gchar *const *queue = mill_plan_link_get_queue (kind);

  g_string_append (writer->text, " ! ");
  if (!queue)
    return;
  g_string_append (writer->text, "queue");
  for (; *queue; queue += 2)
    g_string_append_printf (writer->text, " %s=%s", queue[0], queue[1]);
  g_string_append (writer->text, " ! ");
}

/* All links that leave one pad: through a tee when there are several. */
static void
write_fan (Writer *writer, guint first)
{
  const GPtrArray *links = writer->links;
  const MillPlanLink *head = g_ptr_array_index (links, first);
  g_autofree gchar *pad = number_pad (head->from_pad, 0);
  g_autofree gchar *node = node_name (head->from_node);
  g_autofree gchar *tee = g_strdup_printf ("%s-%s-tee", node, pad);
  guint n_links = 0;

  for (guint i = 0; i < links->len; i++) {
    const MillPlanLink *link = g_ptr_array_index (links, i);

    if (!g_str_equal (link->from_node, head->from_node) ||
        !g_str_equal (link->from_pad, head->from_pad))
      continue;
    if (i < first)
      return; /* written with the first of them */
    n_links++;
  }
  if (n_links > 1) {
    g_string_append (writer->text, " \\\n  ");
    write_pad (writer, head->from_node, pad);
    g_string_append_printf (writer->text, " ! tee name=%s", tee);
  }
  for (guint i = first; i < links->len; i++) {
    const MillPlanLink *link = g_ptr_array_index (links, i);

    if (!g_str_equal (link->from_node, head->from_node) ||
        !g_str_equal (link->from_pad, head->from_pad))
      continue;
    g_string_append (writer->text, " \\\n  ");
    write_pad (writer, n_links > 1 ? tee : link->from_node,
        n_links > 1 ? NULL : pad);
    write_queue (writer, link->kind);
    write_pad (writer, link->to_node, g_ptr_array_index (writer->sinks, i));
  }
}

static void
write_part (GString *text, const MillPlanPart *part)
{
  Writer writer = {
    .nodes = part->nodes,
    .links = part->links,
    .text = text,
  };

  g_string_append (text, "gst-launch-1.0 -e");
  writer.requested =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  writer.sinks = g_ptr_array_new_with_free_func (g_free);
  name_sinks (&writer);
  for (guint i = 0; i < part->nodes->len; i++)
    write_node (&writer, g_ptr_array_index (part->nodes, i));
  for (guint i = 0; i < part->links->len; i++)
    write_fan (&writer, i);
  g_string_append_c (text, '\n');
  g_hash_table_unref (writer.requested);
  g_ptr_array_unref (writer.sinks);
}

gchar *
mill_plan_to_launch (const MillPlan *plan)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < plan->n_processes; i++)
    write_part (text, mill_plan_cut_get_part (plan, i));
  return g_string_free (text, FALSE);
}
