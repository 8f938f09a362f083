/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "top-view.h"

#include "output.h"

/* What needs a look comes first. */
static const gchar *const states[] = { "failed", "degraded", "reconnecting",
  "starting", "live", "idle", "stopped", NULL };

const gchar *const mill_top_view_orders[] = { "state", "name", "bitrate", "fps",
  "cpu", "warnings", NULL };

/** A stream. Texts are the answer's. */
typedef struct
{
  JsonObject *stream;
  const gchar *name;
  const gchar *state;
  JsonObject *ingest; /* nullable */
  gint64 since_s; /* 0: unknown */
  guint n_warnings;
  gdouble cpu; /* of its own processes; below 0: it has none */
} Row;

struct _MillTopView
{
  JsonArray *streams;
  JsonArray *workers;
  GArray *rows; /* (element-type Row) */
  gint64 now_s;
};

/* ---- what the server says ---- */

static const gchar *
get_text (JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) &&
          json_node_get_value_type (node) == G_TYPE_STRING
      ? json_node_get_string (node)
      : "-";
}

static gdouble
get_number (JsonObject *object, const gchar *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name)
                                  : NULL;

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
      ? json_node_get_double (node)
      : 0;
}

/* Returns: (nullable) */
static JsonObject *
get_object (JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node)
      ? json_node_get_object (node)
      : NULL;
}

/* Returns: (nullable) */
static JsonArray *
get_array (JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node)
      ? json_node_get_array (node)
      : NULL;
}

/* Returns: (nullable): not what was expected */
static JsonObject *
get_item (JsonArray *array, guint index)
{
  JsonNode *node = json_array_get_element (array, index);

  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static gint64
read_time (const gchar *text)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, NULL);

  return time != NULL ? g_date_time_to_unix (time) : 0;
}

/* Of the processes that run a part of @stream alone. */
static gdouble
add_cpu (JsonArray *workers, const gchar *stream)
{
  gdouble cpu = -1;

  for (guint i = 0; i < json_array_get_length (workers); i++) {
    JsonObject *worker = get_item (workers, i);
    if (worker != NULL && g_str_equal (get_text (worker, "stream"), stream))
      cpu = MAX (cpu, 0) + get_number (worker, "cpu");
  }
  return cpu;
}

static void
add_row (MillTopView *view, JsonObject *stream)
{
  JsonArray *warnings = get_array (stream, "warnings");
  const Row row = {
    .stream = stream,
    .name = get_text (stream, "name"),
    .state = get_text (stream, "state"),
    .ingest = get_object (stream, "ingest"),
    .since_s = read_time (get_text (stream, "since")),
    .n_warnings = warnings != NULL ? json_array_get_length (warnings) : 0,
    .cpu = add_cpu (view->workers, get_text (stream, "name")),
  };

  g_array_append_val (view->rows, row);
}

/* ---- the order of rows ---- */

static gint
compare_numbers (gdouble a, gdouble b)
{
  return (a < b) - (a > b);
}

/* What is unknown comes before all. */
static guint
rank_state (const gchar *state)
{
  for (guint i = 0; states[i] != NULL; i++)
    if (g_str_equal (states[i], state))
      return i + 1;
  return 0;
}

static gint
compare_by (const Row *a, const Row *b, const gchar *order)
{
  if (g_str_equal (order, "state"))
    return (gint) rank_state (a->state) - (gint) rank_state (b->state);
  if (g_str_equal (order, "bitrate"))
    return compare_numbers (get_number (a->ingest, "bitrate_bps"),
        get_number (b->ingest, "bitrate_bps"));
  if (g_str_equal (order, "fps"))
    return compare_numbers (get_number (a->ingest, "fps"),
        get_number (b->ingest, "fps"));
  if (g_str_equal (order, "cpu"))
    return compare_numbers (a->cpu, b->cpu);
  if (g_str_equal (order, "warnings"))
    return compare_numbers (a->n_warnings, b->n_warnings);
  return 0;
}

/* Equal ones by their names, so that rows do not dance. */
static gint
compare_rows (gconstpointer a, gconstpointer b, gpointer order)
{
  const Row *first = a;
  const Row *second = b;
  gint result = compare_by (first, second, order);

  return result != 0 ? result : g_strcmp0 (first->name, second->name);
}

MillTopView *
mill_top_view_new (JsonArray *streams, JsonArray *workers, const gchar *order,
    gint64 now_s)
{
  MillTopView *view = g_new0 (MillTopView, 1);

  view->streams = json_array_ref (streams);
  view->workers = json_array_ref (workers);
  view->rows = g_array_new (FALSE, FALSE, sizeof (Row));
  view->now_s = now_s;
  for (guint i = 0; i < json_array_get_length (streams); i++) {
    JsonObject *stream = get_item (streams, i);
    if (stream != NULL)
      add_row (view, stream);
  }
  g_array_sort_with_data (view->rows, compare_rows, (gpointer) order);
  return view;
}

void
mill_top_view_free (MillTopView *view)
{
  json_array_unref (view->streams);
  json_array_unref (view->workers);
  g_array_unref (view->rows);
  g_free (view);
}

/* ---- for programs ---- */

static JsonArray *
list_warnings (const Row *row)
{
  JsonArray *ids = json_array_new ();
  JsonArray *warnings = get_array (row->stream, "warnings");

  for (guint i = 0; i < row->n_warnings; i++) {
    JsonObject *warning = get_item (warnings, i);
    json_array_add_string_element (ids,
        warning != NULL ? get_text (warning, "id") : "-");
  }
  return ids;
}

static void
set_measure (JsonObject *object, const gchar *name, const Row *row)
{
  if (row->ingest != NULL)
    json_object_set_double_member (object, name,
        get_number (row->ingest, name));
  else
    json_object_set_null_member (object, name);
}

static JsonObject *
row_to_json (const Row *row)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "name", row->name);
  json_object_set_string_member (object, "state", row->state);
  json_object_set_string_member (object, "app", get_text (row->stream, "app"));
  json_object_set_string_member (object, "since",
      get_text (row->stream, "since"));
  set_measure (object, "bitrate_bps", row);
  set_measure (object, "fps", row);
  set_measure (object, "keyframe_interval_seconds", row);
  json_object_set_array_member (object, "warnings", list_warnings (row));
  if (row->cpu < 0)
    json_object_set_null_member (object, "cpu");
  else
    json_object_set_double_member (object, "cpu", row->cpu);
  return object;
}

JsonNode *
mill_top_view_to_json (const MillTopView *view)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  JsonArray *streams = json_array_new ();
  g_autoptr (GDateTime) now = g_date_time_new_from_unix_utc (view->now_s);
  g_autofree gchar *time = g_date_time_format_iso8601 (now);

  for (guint i = 0; i < view->rows->len; i++)
    json_array_add_object_element (streams,
        row_to_json (&g_array_index (view->rows, Row, i)));
  json_object_set_string_member (object, "time", time);
  json_object_set_array_member (object, "streams", streams);
  json_object_set_array_member (object, "processes",
      json_array_ref (view->workers));
  json_node_take_object (node, object);
  return node;
}

/* ---- for people ---- */

static gchar *
format_bitrate (const Row *row)
{
  gdouble bps = get_number (row->ingest, "bitrate_bps");

  if (row->ingest == NULL)
    return g_strdup ("-");
  return bps < 999500 ? g_strdup_printf ("%.0f kb/s", bps / 1e3)
                      : g_strdup_printf ("%.2f Mb/s", bps / 1e6);
}

/* @unit: after the number. 0 is none: it was not measured yet. */
static gchar *
format_measure (const Row *row, const gchar *name, const gchar *unit)
{
  gdouble number = get_number (row->ingest, name);

  return number > 0 ? g_strdup_printf ("%.1f%s", number, unit) : g_strdup ("-");
}

static gchar *
format_age (const Row *row, gint64 now_s)
{
  gint64 age = MAX (now_s - row->since_s, 0);

  if (row->since_s == 0)
    return g_strdup ("-");
  if (age >= 86400)
    return g_strdup_printf ("%" G_GINT64_FORMAT "d%02" G_GINT64_FORMAT "h",
        age / 86400, age / 3600 % 24);
  return g_strdup_printf ("%" G_GINT64_FORMAT ":%02" G_GINT64_FORMAT
                          ":%02" G_GINT64_FORMAT,
      age / 3600, age / 60 % 60, age % 60);
}

static gchar *
format_warnings (const Row *row)
{
  g_autoptr (JsonArray) ids = list_warnings (row);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (ids); i++)
    g_string_append_printf (text, "%s%s", i > 0 ? "," : "",
        json_array_get_string_element (ids, i));
  return g_strdup (text->len > 0 ? text->str : "-");
}

static void
set_cell (JsonObject *cells, const gchar *name, gchar *text)
{
  json_object_set_string_member (cells, name, text);
  g_free (text);
}

static JsonObject *
row_to_cells (const Row *row, gint64 now_s)
{
  JsonObject *cells = json_object_new ();

  json_object_set_string_member (cells, "name", row->name);
  json_object_set_string_member (cells, "state", row->state);
  set_cell (cells, "bitrate", format_bitrate (row));
  set_cell (cells, "fps", format_measure (row, "fps", ""));
  set_cell (cells, "keyframe",
      format_measure (row, "keyframe_interval_seconds", " s"));
  set_cell (cells, "cpu",
      row->cpu < 0 ? g_strdup ("-") : g_strdup_printf ("%.2f", row->cpu));
  set_cell (cells, "for", format_age (row, now_s));
  set_cell (cells, "warnings", format_warnings (row));
  return cells;
}

static void
append_states (GString *text, const MillTopView *view)
{
  const gchar *before = ": ";

  for (guint i = 0; states[i] != NULL; i++) {
    guint n = 0;
    for (guint r = 0; r < view->rows->len; r++)
      n += g_str_equal (g_array_index (view->rows, Row, r).state, states[i]);
    if (n == 0)
      continue;
    g_string_append_printf (text, "%s%u %s", before, n, states[i]);
    before = ", ";
  }
}

static void
append_processes (GString *text, const MillTopView *view)
{
  gdouble cpu[] = { 0, 0 };
  gdouble bytes[] = { 0, 0 };

  for (guint i = 0; i < json_array_get_length (view->workers); i++) {
    JsonObject *worker = get_item (view->workers, i);
    if (worker == NULL)
      continue;
    gboolean is_origin = g_str_equal (get_text (worker, "kind"), "origin");
    cpu[is_origin] += get_number (worker, "cpu");
    bytes[is_origin] += get_number (worker, "memory_bytes");
  }
  g_string_append_printf (text,
      "; workers %.2f cores %.0f MB, origins %.2f cores %.0f MB", cpu[0],
      bytes[0] / 1e6, cpu[1], bytes[1] / 1e6);
}

static gchar *
format_head (const MillTopView *view)
{
  g_autoptr (GDateTime) now = g_date_time_new_from_unix_local (view->now_s);
  g_autofree gchar *time = g_date_time_format (now, "%H:%M:%S");
  g_autoptr (GString) text = g_string_new (time);

  g_string_append_printf (text, "  %u stream%s", view->rows->len,
      view->rows->len == 1 ? "" : "s");
  append_states (text, view);
  append_processes (text, view);
  return g_strdup (text->str);
}

/* A table with what does not fit on the terminal left out. */
static gchar *
fit (const gchar *head, const gchar *table, guint n_lines, guint n_columns)
{
  g_autofree gchar *all = g_strconcat (head, "\n", table, NULL);
  g_auto (GStrv) lines = g_strsplit (all, "\n", -1);
  GString *text = g_string_new (NULL);
  guint n = g_strv_length (lines) - 1; /* after the last end of line */

  for (guint i = 0; i < n; i++) {
    if (n_lines > 0 && n > n_lines && i + 1 == n_lines) {
      g_string_append_printf (text, "%u more\n", n - i);
      break;
    }
    g_autofree gchar *line = n_columns > 0
        ? g_utf8_substring (lines[i], 0,
              MIN (g_utf8_strlen (lines[i], -1), (glong) n_columns))
        : g_strdup (lines[i]);
    g_string_append_printf (text, "%s\n", line);
  }
  return g_string_free (text, FALSE);
}

gchar *
mill_top_view_to_text (const MillTopView *view, guint n_lines, guint n_columns)
{
  static const MillColumn columns[] = { { "NAME", "name" },
    { "STATE", "state" }, { "FOR", "for" }, { "BITRATE", "bitrate" },
    { "FPS", "fps" }, { "KEYFRAME", "keyframe" }, { "CPU", "cpu" },
    { "WARNINGS", "warnings" }, { NULL } };
  g_autoptr (JsonArray) items = json_array_new ();
  g_autofree gchar *head = format_head (view);

  for (guint i = 0; i < view->rows->len; i++)
    json_array_add_object_element (items,
        row_to_cells (&g_array_index (view->rows, Row, i), view->now_s));
  g_autofree gchar *table = mill_output_table (items, columns);
  return fit (head, table, n_lines, n_columns);
}
