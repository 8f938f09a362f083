/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Descriptions arrive over REST too, so the text is hostile: its size, its
 * depth and the number of nodes after following every alias are bounded. Only
 * libfyaml's event interface is used: its document builder copies aliases and
 * stops at the first duplicate key. */
#include "yaml-node.h"

#include <libfyaml.h>
#include <string.h>

#define MAX_DEPTH 24
#define MAX_WEIGHT 50000

/* libfyaml 0.7.12 leaks memory when it reads the text of a scalar in single
 * quotes with many '' in a row. */
#define MAX_DOUBLED_QUOTES 3

typedef struct
{
  const gchar *data;
  gsize size;
  const gchar *file;
  MillDiagnostics *diagnostics;
  GPtrArray *open; /* (element-type MillYamlNode): from the root down */
  GPtrArray *
      pending_keys; /* (element-type MillYamlNode), one a level; NULL: a key comes */
  GHashTable *anchors; /* name -> MillYamlNode, finished ones only */
  GPtrArray *open_anchors; /* (element-type gchar*), one a level, nullable */
  MillYamlNode *root;
  gboolean failed;
} Parser;

MillYamlNode *
mill_yaml_node_ref (MillYamlNode *node)
{
  node->ref_count++;
  return node;
}

void
mill_yaml_node_unref (MillYamlNode *node)
{
  if (--node->ref_count > 0)
    return;
  g_free (node->text);
  g_clear_pointer (&node->keys, g_ptr_array_unref);
  g_clear_pointer (&node->values, g_ptr_array_unref);
  g_free (node);
}

MillYamlNode *
mill_yaml_node_get (const MillYamlNode *mapping, const gchar *key,
    MillYamlNode **ret_key)
{
  if (mapping->kind != MILL_YAML_MAPPING)
    return NULL;
  for (guint i = 0; i < mapping->keys->len; i++) {
    MillYamlNode *candidate = g_ptr_array_index (mapping->keys, i);

    if (g_str_equal (candidate->text, key)) {
      if (ret_key)
        *ret_key = candidate;
      return g_ptr_array_index (mapping->values, i);
    }
  }
  return NULL;
}

gchar *
mill_yaml_node_describe (const MillYamlNode *node)
{
  switch (node->kind) {
    case MILL_YAML_MAPPING:
      return g_strdup ("a mapping");
    case MILL_YAML_SEQUENCE:
      return g_strdup ("a list");
    default:
      break;
  }
  if (node->null)
    return g_strdup ("nothing");
  return g_strdup_printf ("'%.60s'", node->text);
}

static MillYamlNode *
node_new (MillYamlKind kind, const MillPlace *place)
{
  MillYamlNode *node = g_new0 (MillYamlNode, 1);

  node->ref_count = 1;
  node->kind = kind;
  node->place = *place;
  node->weight = 1;
  if (kind == MILL_YAML_MAPPING)
    node->keys =
        g_ptr_array_new_with_free_func ((GDestroyNotify) mill_yaml_node_unref);
  if (kind != MILL_YAML_SCALAR)
    node->values =
        g_ptr_array_new_with_free_func ((GDestroyNotify) mill_yaml_node_unref);
  return node;
}

static void G_GNUC_PRINTF (3, 4)
    fail (Parser *parser, const MillPlace *place, const gchar *format, ...)
{
  g_autofree gchar *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  mill_diagnostics_add (parser->diagnostics, MILL_SEVERITY_ERROR, place, "%s",
      text);
  parser->failed = TRUE;
}

/* A value of which nothing is written. libfyaml 0.7 has no token for it, 0.8 one
 * of no length, somewhere after the key. */
static gboolean
is_empty_value (struct fy_event *event)
{
  struct fy_token *token = event->scalar.value;
  size_t length = 0;

  if (event->type != FYET_SCALAR)
    return FALSE;
  if (!token)
    return TRUE;
  fy_token_get_text (token, &length);
  return length == 0 && fy_token_scalar_style (token) == FYSS_PLAIN;
}

static MillPlace
event_place (Parser *parser, struct fy_event *event)
{
  MillPlace place = { parser->file, 1, 1 };
  const struct fy_mark *mark = fy_event_start_mark (event);
  const MillYamlNode *key = NULL;

  if (parser->pending_keys->len > 0)
    key =
        g_ptr_array_index (parser->pending_keys, parser->pending_keys->len - 1);
  /* An empty value is where its key is. */
  if (key && (!mark || is_empty_value (event))) {
    place = key->place;
  } else if (mark) {
    place.line = mark->line + 1;
    place.column = mark->column + 1;
  }
  return place;
}

static gchar *
token_dup (struct fy_token *token)
{
  size_t length = 0;
  const char *text = token ? fy_token_get_text (token, &length) : NULL;

  return text ? g_strndup (text, length) : NULL;
}

static gboolean
is_null_word (const gchar *text)
{
  static const gchar *const words[] = { "", "~", "null", "Null", "NULL", NULL };

  return g_strv_contains (words, text);
}

/* Where the keys of a mapping repeat, all but the first are mistakes. */
static void
check_duplicates (Parser *parser, const MillYamlNode *mapping)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < mapping->keys->len; i++) {
    MillYamlNode *key = g_ptr_array_index (mapping->keys, i);
    MillYamlNode *first = g_hash_table_lookup (seen, key->text);

    if (!first)
      g_hash_table_insert (seen, key->text, key);
    else
      mill_diagnostics_add (parser->diagnostics, MILL_SEVERITY_ERROR,
          &key->place,
          "duplicate key '%.60s', expected it once (first on line %u)",
          key->text, first->place.line);
  }
}

/* Puts a finished node where the text has it. Takes @node. */
static void
add_node (Parser *parser, MillYamlNode *node, const MillPlace *place)
{
  MillYamlNode *parent = NULL;
  MillYamlNode *key;

  if (parser->open->len == 0) {
    g_clear_pointer (&parser->root, mill_yaml_node_unref);
    parser->root = node;
    return;
  }
  parent = g_ptr_array_index (parser->open, parser->open->len - 1);
  if (parent->weight + node->weight > MAX_WEIGHT) {
    if (!parser->failed)
      fail (parser, place,
          "more than %d values after following all aliases, expected fewer",
          MAX_WEIGHT);
    mill_yaml_node_unref (node);
    return;
  }
  parent->weight += node->weight;
  if (parent->kind == MILL_YAML_SEQUENCE) {
    g_ptr_array_add (parent->values, node);
    return;
  }
  key = g_ptr_array_index (parser->pending_keys, parser->open->len - 1);
  if (key) {
    g_ptr_array_add (parent->keys, key);
    g_ptr_array_add (parent->values, node);
    parser->pending_keys->pdata[parser->open->len - 1] = NULL;
  } else if (node->kind == MILL_YAML_SCALAR) {
    parser->pending_keys->pdata[parser->open->len - 1] = node;
  } else {
    fail (parser, place, "a key that is %s, expected a word",
        node->kind == MILL_YAML_MAPPING ? "a mapping" : "a list");
    mill_yaml_node_unref (node);
  }
}

static void
open_node (Parser *parser, MillYamlKind kind, struct fy_event *event,
    struct fy_token *anchor)
{
  MillPlace place = event_place (parser, event);

  if (parser->open->len >= MAX_DEPTH) {
    fail (parser, &place, "nested deeper than %d levels, expected fewer",
        MAX_DEPTH);
    return;
  }
  g_ptr_array_add (parser->open, node_new (kind, &place));
  g_ptr_array_add (parser->pending_keys, NULL);
  g_ptr_array_add (parser->open_anchors, token_dup (anchor));
}

/* Takes @anchor. */
static void
remember_anchor (Parser *parser, gchar *anchor, MillYamlNode *node)
{
  if (anchor)
    g_hash_table_replace (parser->anchors, anchor, mill_yaml_node_ref (node));
}

static void
close_node (Parser *parser)
{
  guint level = parser->open->len - 1;
  MillYamlNode *node = g_ptr_array_steal_index (parser->open, level);
  gchar *anchor = g_ptr_array_steal_index (parser->open_anchors, level);
  MillPlace place = node->place;

  g_ptr_array_remove_index (parser->pending_keys, level);
  if (node->kind == MILL_YAML_MAPPING)
    check_duplicates (parser, node);
  remember_anchor (parser, anchor, node);
  add_node (parser, node, &place);
}

/* Whether libfyaml can read the text of a scalar in single quotes. */
static gboolean
check_quotes (Parser *parser, struct fy_token *token, const MillPlace *place)
{
  const struct fy_mark *start = fy_token_start_mark (token);
  const struct fy_mark *end = fy_token_end_mark (token);
  guint n_doubled = 0;

  for (gsize i = start->input_pos; i + 1 < MIN (end->input_pos, parser->size);
       i++) {
    if (parser->data[i] == '\'' && parser->data[i + 1] == '\'') {
      n_doubled++;
      i++;
    }
  }
  if (n_doubled <= MAX_DOUBLED_QUOTES)
    return TRUE;
  fail (parser, place,
      "'' %u times in a text in single quotes, expected double quotes around "
      "it",
      n_doubled);
  return FALSE;
}

static void
add_scalar (Parser *parser, struct fy_event *event)
{
  struct fy_token *token = event->scalar.value;
  MillPlace place = event_place (parser, event);
  enum fy_scalar_style style = token ? fy_token_scalar_style (token)
                                     : FYSS_PLAIN;
  MillYamlNode *node;

  /* The token begins after the quote. */
  if ((style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) &&
      place.column > 1)
    place.column--;
  if (style == FYSS_SINGLE_QUOTED && !check_quotes (parser, token, &place))
    return;
  node = node_new (MILL_YAML_SCALAR, &place);
  node->text = token_dup (token);
  if (!node->text)
    node->text = g_strdup ("");
  node->quoted = style != FYSS_PLAIN;
  node->null = !node->quoted && is_null_word (node->text);
  /* A quoted "a\0b" would be cut short below without a word. */
  if (token) {
    size_t length = 0;

    fy_token_get_text (token, &length);
    if (strlen (node->text) != length)
      fail (parser, &place, "a text with a zero byte, expected none");
  }
  remember_anchor (parser, token_dup (event->scalar.anchor), node);
  add_node (parser, node, &place);
}

static void
add_alias (Parser *parser, struct fy_event *event)
{
  MillPlace place = event_place (parser, event);
  g_autofree gchar *name = token_dup (event->alias.anchor);
  MillYamlNode *node = name ? g_hash_table_lookup (parser->anchors, name)
                            : NULL;

  /* The token begins after the star. */
  if (place.column > 1)
    place.column--;
  if (!node) {
    fail (parser, &place, "alias '*%.60s', expected an anchor that ends before",
        name ? name : "");
    return;
  }
  add_node (parser, mill_yaml_node_ref (node), &place);
}

static void
handle_event (Parser *parser, struct fy_event *event)
{
  MillPlace place;

  switch (event->type) {
    case FYET_DOCUMENT_START:
      if (!parser->root)
        break;
      place = event_place (parser, event);
      fail (parser, &place, "a second YAML document, expected one in a file");
      break;
    case FYET_MAPPING_START:
      open_node (parser, MILL_YAML_MAPPING, event, event->mapping_start.anchor);
      break;
    case FYET_SEQUENCE_START:
      open_node (parser, MILL_YAML_SEQUENCE, event,
          event->sequence_start.anchor);
      break;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
      close_node (parser);
      break;
    case FYET_SCALAR:
      add_scalar (parser, event);
      break;
    case FYET_ALIAS:
      add_alias (parser, event);
      break;
    default:
      break;
  }
}

/* What libfyaml did not like, with its place. */
static void
report_syntax (Parser *parser, struct fy_diag *diag)
{
  void *iterator = NULL;
  struct fy_diag_error *error = fy_diag_errors_iterate (diag, &iterator);
  MillPlace place = { parser->file, 1, 1 };

  if (!error) {
    fail (parser, &place, "not YAML, expected a mapping of keys to values");
    return;
  }
  place.line = error->line > 0 ? error->line : 1;
  place.column = error->column > 0 ? error->column : 1;
  fail (parser, &place, "not YAML: %s", error->msg);
}

static void
run_parser (Parser *parser, const gchar *data, gsize size)
{
  struct fy_diag_cfg diag_config;
  struct fy_parse_cfg config = { .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG };
  struct fy_parser *yaml;
  struct fy_event *event;

  fy_diag_cfg_default (&diag_config);
  diag_config.fp = NULL;
  config.diag = fy_diag_create (&diag_config);
  fy_diag_set_collect_errors (config.diag, true);
  yaml = fy_parser_create (&config);
  if (yaml && fy_parser_set_string (yaml, data, size) == 0) {
    while (!parser->failed && (event = fy_parser_parse (yaml))) {
      handle_event (parser, event);
      fy_parser_event_free (yaml, event);
    }
  }
  if (!parser->failed && (!yaml || fy_parser_get_stream_error (yaml)))
    report_syntax (parser, config.diag);
  if (yaml)
    fy_parser_destroy (yaml);
  fy_diag_destroy (config.diag);
}

static void
free_nullable_node (MillYamlNode *node)
{
  if (node)
    mill_yaml_node_unref (node);
}

static void
step_place (MillPlace *place, gchar letter)
{
  place->column++;
  if (letter == '\n') {
    place->line++;
    place->column = 1;
  }
}

gboolean
mill_yaml_node_check_size (gsize size, const gchar *file,
    MillDiagnostics *diagnostics)
{
  const MillPlace place = { file, 1, 1 };

  if (size <= MILL_YAML_MAX_SIZE)
    return TRUE;
  mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR, &place,
      "%" G_GSIZE_FORMAT " bytes, expected a text of at most %d (256 KiB)",
      size, MILL_YAML_MAX_SIZE);
  return FALSE;
}

/* Size and encoding are checked before libfyaml sees the text.
 * Returns: whether it is fit to be parsed. */
static gboolean
check_text (Parser *parser, const gchar *data, gsize size)
{
  MillPlace place = { parser->file, 1, 1 };
  const gchar *end = NULL;

  if (!mill_yaml_node_check_size (size, parser->file, parser->diagnostics))
    return FALSE;
  if (g_utf8_validate_len (data, size, &end))
    return TRUE;
  for (const gchar *p = data; p < end; p = g_utf8_next_char (p))
    step_place (&place, *p);
  fail (parser, &place, "byte 0x%02x, expected UTF-8 text", (guchar) *end);
  return FALSE;
}

MillYamlNode *
mill_yaml_node_parse (const gchar *data, gsize size, const gchar *file,
    MillDiagnostics *diagnostics)
{
  Parser parser = { data, size, file, diagnostics };
  MillPlace start = { file, 1, 1 };

  if (!check_text (&parser, data, size))
    return NULL;
  parser.open =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_yaml_node_unref);
  parser.pending_keys =
      g_ptr_array_new_with_free_func ((GDestroyNotify) free_nullable_node);
  parser.open_anchors = g_ptr_array_new_with_free_func (g_free);
  parser.anchors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) mill_yaml_node_unref);
  run_parser (&parser, data, size);
  if (!parser.failed && !parser.root)
    fail (&parser, &start, "an empty text, expected a mapping");
  g_ptr_array_unref (parser.open);
  g_ptr_array_unref (parser.pending_keys);
  g_ptr_array_unref (parser.open_anchors);
  g_hash_table_unref (parser.anchors);
  if (parser.failed)
    g_clear_pointer (&parser.root, mill_yaml_node_unref);
  return parser.root;
}
