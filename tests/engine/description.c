/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* What an author of a description sees: each mistake with its place, all of
 * them at once, and what was meant where that can be guessed. */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"

#define HEAD "millrace: 1\nname: test\n"
#define NODE "nodes:\n  a: { element: fakesrc }\n"

/* The diagnostics of a text, as people see them. */
static gchar *
mistakes_of (const gchar *text, gsize size)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (MillDescription) description =
      mill_description_new_from_data (text, size, "f.yaml", diagnostics);

  g_assert_cmpint (description == NULL, ==,
      mill_diagnostics_get_n_errors (diagnostics) > 0);
  return mill_diagnostics_to_string (diagnostics);
}

typedef struct
{
  const gchar *text;
  const gchar *mistakes;
} BadCase;

static const BadCase bad_cases[] = {
  /* the text itself */
  { "", "f.yaml:1:1: error: an empty text, expected a mapping\n" },
  { "- a\n",
      "f.yaml:1:1: error: the description is a list, expected a mapping\n" },
  { "name: [a\nx: y\n",
      "f.yaml:3:1: error: not YAML: flow sequence without a closing bracket\n" },
  { "a: \xff\n", "f.yaml:1:4: error: byte 0xff, expected UTF-8 text\n" },
  { "a: ''''''''''\n",
      "f.yaml:1:4: error: '' 4 times in a text in single "
      "quotes, expected double quotes around it\n" },
  { HEAD NODE "---\na: b\n",
      "f.yaml:5:1: error: a second YAML document, expected one in a file\n" },
  { HEAD NODE "? [x]\n: 1\n",
      "f.yaml:5:3: error: a key that is a list, expected a word\n" },
  { "a: *b\n",
      "f.yaml:1:4: error: alias '*b', expected an anchor that ends before\n" },
  { "a: &b [*b]\n",
      "f.yaml:1:8: error: alias '*b', expected an anchor that ends before\n" },
  /* the top */
  { NODE,
      "f.yaml:1:1: error: no format version, expected millrace: 1 as the "
      "first line\n"
      "f.yaml:1:1: error: the description has no name, expected name: a "
      "letter, then letters, digits, '_' or '-' (64 characters at most)\n" },
  { "millrace: 2\nname: 1x\n" NODE,
      "f.yaml:1:11: error: format version '2', expected 1\n"
      "f.yaml:2:7: error: name '1x', expected a letter, then letters, digits, "
      "'_' or '-' (64 characters at most)\n" },
  { HEAD,
      "f.yaml:1:1: error: the description has no nodes, expected a mapping "
      "of at least one\n" },
  { HEAD "nodes: {}\n",
      "f.yaml:3:8: error: no nodes, expected at least one\n" },
  { HEAD NODE "nodes: {}\nparms: {}\n",
      "f.yaml:5:1: error: duplicate key 'nodes', expected it once (first on "
      "line 3)\n"
      "f.yaml:6:1: error: the description has an unknown key 'parms', expected "
      "millrace, name, summary, params, nodes or restart, did you mean "
      "'params'?\n" },
  /* params */
  { HEAD "params:\n  a: { type: int, default: 1 }\n"
         "  b: { type: integer, default: x }\n  c: { type: boolean }\n"
         "  d: { type: string, required: true, default: x }\n"
         "  e: { default: 5 }\n  f: 7\n  9: { type: string }\n"
         "  g: { type: integer, default: \"5\" }\n" NODE,
      "f.yaml:4:14: error: type 'int', expected string, integer, number or "
      "boolean\n"
      "f.yaml:5:32: error: default 'x' of parameter 'b' (integer), expected an "
      "integer\n"
      "f.yaml:6:3: error: parameter 'c' has no default, expected one, or "
      "required: true\n"
      "f.yaml:7:47: error: parameter 'd' is required, expected no default\n"
      "f.yaml:8:3: error: parameter 'e' has no type, expected string, integer, "
      "number or boolean\n"
      "f.yaml:9:6: error: parameter 'f' is '7', expected a mapping\n"
      "f.yaml:10:3: error: parameter name '9', expected a letter, then letters, "
      "digits, '_' or '-' (64 characters at most)\n"
      "f.yaml:11:32: error: default '5' of parameter 'g' (integer), expected it "
      "without quotes\n" },
  /* nodes */
  { HEAD "nodes:\n  a: { elment: x }\n  b: { element: x, from: a }\n"
         "  c: { element: [x], isolate: yes }\n  a b: { element: x }\n",
      "f.yaml:4:3: error: node 'a' has no element, expected the name of a "
      "GStreamer element\n"
      "f.yaml:4:8: error: node 'a' has an unknown key 'elment', expected "
      "element, from, isolate, props or publish, did you mean 'element'?\n"
      "f.yaml:5:26: error: from of node 'b' is 'a', expected a list such as [a, "
      "b.video_0]\n"
      "f.yaml:6:17: error: element is a list, expected a value\n"
      "f.yaml:6:31: error: isolate 'yes', expected false or true\n"
      "f.yaml:7:3: error: node name 'a b', expected a letter, then letters, "
      "digits, '_' or '-' (64 characters at most)\n" },
  { HEAD "nodes:\n  a: { element: x, from: [\"b c\", {pad: x}, [z], {node: b, "
         "ass: c}, \"stream:x\", {node: b.p, pad: q}] }\n",
      "f.yaml:4:27: error: from 'b c', expected NODE, NODE.PAD or "
      "stream:NAME/NODE\n"
      "f.yaml:4:34: error: an entry of from has no node, expected the name of "
      "one\n"
      "f.yaml:4:44: error: an entry of from is a list, expected a value\n"
      "f.yaml:4:59: error: an entry of from has an unknown key 'ass', expected "
      "node, pad, as or props, did you mean 'as'?\n"
      "f.yaml:4:68: error: from 'stream:x', expected NODE, NODE.PAD or "
      "stream:NAME/NODE\n"
      "f.yaml:4:87: error: from 'b.p' names a pad, expected it either here or "
      "as pad\n" },
  { HEAD "nodes:\n  a: { element: x, props: { caps: video/x-raw,width=5, l: "
         "[1] } }\n",
      "f.yaml:4:47: error: property 'width=5' is nothing, expected a value (a "
      "text with a comma, or an empty one, stands in quotes)\n"
      "f.yaml:4:59: error: property 'l' is a list, expected a value\n" },
  /* restart */
  { HEAD NODE "restart: { policy: nevr, backoff-ms: [9, 1], limit: -1 }\n",
      "f.yaml:5:20: error: policy 'nevr', expected never, on-failure or always, "
      "did you mean 'never'?\n"
      "f.yaml:5:38: error: backoff-ms [9, 1], expected the shorter time first\n"
      "f.yaml:5:53: error: limit '-1', expected an integer from 0 to 1000000\n" },
  { HEAD NODE "restart: { backoff-ms: 5 }\n",
      "f.yaml:5:24: error: backoff-ms, expected a list of two times in ms: "
      "[first, longest]\n" },
};

static void
test_bad (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad_cases); i++) {
    g_autofree gchar *mistakes =
        mistakes_of (bad_cases[i].text, strlen (bad_cases[i].text));

    if (!g_str_equal (mistakes, bad_cases[i].mistakes)) {
      g_test_message ("of:\n%sgot:\n%sexpected:\n%s", bad_cases[i].text,
          mistakes, bad_cases[i].mistakes);
      g_test_fail ();
    }
  }
}

static const gchar whole[] =
    "# a comment\nmillrace: 1\nname: whole\nsummary: all there is\n"
    "params:\n"
    "  n: { type: integer, default: 5, summary: how many }\n"
    "  out: { type: string, required: true }\n"
    "nodes:\n"
    "  in: &x { element: videotestsrc, props: { num-buffers: \"${n}\" } }\n"
    "  again: *x\n"
    "  mix:\n"
    "    element: compositor\n"
    "    isolate: true\n"
    "    from:\n"
    "      - in\n"
    "      - again.src\n"
    "      - { node: in, pad: src, as: sink_7, props: { xpos: 10 } }\n"
    "      - stream:demo/in.video_0\n"
    "restart: { policy: always, backoff-ms: [1, 2], limit: 3 }\n";

static void
test_good (void)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (MillDescription) description =
      mill_description_new_from_data (whole, strlen (whole), "f.yaml",
          diagnostics);
  const MillRestart *restart;
  const MillParam *param;
  const MillNode *node;
  const MillSource *source;
  const MillSetting *setting;

  g_assert_nonnull (description);
  g_assert_cmpstr (mill_description_get_name (description), ==, "whole");
  g_assert_cmpstr (mill_description_get_summary (description), ==,
      "all there is");
  g_assert_cmpstr (mill_description_get_text (description), ==, whole);
  g_assert_cmpuint (mill_description_get_params (description)->len, ==, 2);
  param = g_ptr_array_index (mill_description_get_params (description), 0);
  g_assert_cmpint (param->type, ==, MILL_PARAM_INTEGER);
  g_assert_cmpstr (param->default_value, ==, "5");
  g_assert_cmpuint (param->place.line, ==, 6);
  node = g_ptr_array_index (mill_description_get_nodes (description), 1);
  g_assert_cmpstr (node->name, ==, "again");
  g_assert_cmpstr (node->element, ==, "videotestsrc");
  node = g_ptr_array_index (mill_description_get_nodes (description), 2);
  g_assert_true (node->isolate);
  g_assert_cmpuint (node->from->len, ==, 4);
  source = g_ptr_array_index (node->from, 1);
  g_assert_cmpstr (source->node, ==, "again");
  g_assert_cmpstr (source->pad, ==, "src");
  source = g_ptr_array_index (node->from, 2);
  g_assert_cmpstr (source->as, ==, "sink_7");
  setting = g_ptr_array_index (source->props, 0);
  g_assert_cmpstr (setting->text, ==, "10");
  g_assert_cmpuint (setting->value_place.line, ==, 17);
  g_assert_cmpuint (setting->value_place.column, ==, 58);
  source = g_ptr_array_index (node->from, 3);
  g_assert_cmpstr (source->stream, ==, "demo");
  g_assert_cmpstr (source->node, ==, "in");
  g_assert_cmpstr (source->pad, ==, "video_0");
  restart = mill_description_get_restart (description);
  g_assert_cmpint (restart->policy, ==, MILL_RESTART_ALWAYS);
  g_assert_cmpuint (restart->backoff_max_ms, ==, 2);
  g_assert_cmpuint (restart->limit, ==, 3);
}

static void
test_defaults (void)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (MillDescription) description =
      mill_description_new_from_data (HEAD NODE, strlen (HEAD NODE), "f.yaml",
          diagnostics);
  const MillRestart *restart = mill_description_get_restart (description);

  g_assert_cmpint (restart->policy, ==, MILL_RESTART_ON_FAILURE);
  g_assert_cmpuint (restart->backoff_min_ms, ==, 500);
  g_assert_cmpuint (restart->backoff_max_ms, ==, 30000);
  g_assert_cmpuint (restart->limit, ==, 10);
}

/* A download that broke off must never crash, nor be taken for good while a
 * key is missing. */
static void
test_truncated (void)
{
  for (gsize size = 0; size < strlen (whole); size++) {
    g_autofree gchar *mistakes = mistakes_of (whole, size);
    const gchar *nodes = strstr (whole, "nodes:");

    if (size < (gsize) (nodes - whole) + strlen ("nodes:"))
      g_assert_cmpstr (mistakes, !=, "");
  }
}

/* Ten aliases of ten aliases of ...: small to send, large to follow. */
static void
test_billion_laughs (void)
{
  g_autoptr (GString) text = g_string_new ("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
  g_autofree gchar *mistakes = NULL;

  for (guint i = 1; i < 12; i++) {
    g_string_append_printf (text, "a%u: &a%u [", i, i);
    for (guint k = 0; k < 10; k++)
      g_string_append_printf (text, "%s*a%u", k > 0 ? "," : "", i - 1);
    g_string_append (text, "]\n");
  }
  mistakes = mistakes_of (text->str, text->len);
  g_assert_nonnull (strstr (mistakes,
      "more than 50000 values after following all aliases"));
}

static void
test_deep_and_large (void)
{
  g_autoptr (GString) deep = g_string_new ("a: ");
  g_autoptr (GString) large = g_string_new (HEAD NODE);
  g_autofree gchar *deep_mistakes = NULL;
  g_autofree gchar *large_mistakes = NULL;

  for (guint i = 0; i < 40; i++)
    g_string_append_c (deep, '[');
  deep_mistakes = mistakes_of (deep->str, deep->len);
  g_assert_cmpstr (deep_mistakes, ==,
      "f.yaml:1:27: error: nested deeper than 24 levels, expected fewer\n");
  while (large->len <= 256 * 1024)
    g_string_append (large, "# and so on, and so on\n");
  large_mistakes = mistakes_of (large->str, large->len);
  g_assert_nonnull (strstr (large_mistakes,
      "bytes, expected a text of at most 262144 (256 KiB)"));
}

/* A file just too large and one that is never read tell the same limit. */
static void
test_large_files (void)
{
  static const gsize sizes[] = { 256 * 1024 + 1, 3 * 1024 * 1024 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
    g_autoptr (MillDescription) description = NULL;
    g_autoptr (GError) error = NULL;
    g_autofree gchar *path = NULL;
    g_autofree gchar *text = g_strnfill (sizes[i], '\n');
    g_autofree gchar *mistakes = NULL;
    g_autofree gchar *expected = NULL;
    gint fd = g_file_open_tmp ("mill-XXXXXX.yaml", &path, &error);

    g_assert_no_error (error);
    close (fd);
    g_assert_true (g_file_set_contents (path, text, (gssize) sizes[i], NULL));
    description = mill_description_new_from_file (path, diagnostics);
    mistakes = mill_diagnostics_to_string (diagnostics);
    expected = g_strdup_printf ("%s:1:1: error: %" G_GSIZE_FORMAT
                                " bytes, expected a text of at most 262144 "
                                "(256 KiB)\n",
        path, sizes[i]);
    g_assert_cmpstr (mistakes, ==, expected);
    g_assert_null (description);
    g_unlink (path);
  }
}

/* A text with a mistake in each of a thousand lines is answered shortly. */
static void
test_many_mistakes (void)
{
  g_autoptr (GString) text = g_string_new (HEAD NODE);
  g_autofree gchar *mistakes = NULL;

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (text, "wrong%u: 1\n", i);
  mistakes = mistakes_of (text->str, text->len);
  g_assert_true (g_str_has_suffix (mistakes,
      "\n800 more mistakes are not shown\n"));
}

static void
test_nearest (void)
{
  static const gchar *const words[] = { "bitrate", "location", "loop", NULL };

  g_assert_cmpstr (mill_diagnostics_nearest ("bitrat", words), ==, "bitrate");
  g_assert_cmpstr (mill_diagnostics_nearest ("Bitrate", words), ==, "bitrate");
  g_assert_cmpstr (mill_diagnostics_nearest ("btirate", words), ==, "bitrate");
  g_assert_cmpstr (mill_diagnostics_nearest ("locatoin", words), ==,
      "location");
  g_assert_null (mill_diagnostics_nearest ("frequency", words));
  g_assert_null (mill_diagnostics_nearest ("", words));
}

static void
test_files (void)
{
  g_autoptr (MillDiagnostics) missing = mill_diagnostics_new ();
  g_autoptr (MillDiagnostics) unreadable = mill_diagnostics_new ();
  g_autoptr (MillDiagnostics) none = mill_diagnostics_new ();
  g_autoptr (MillDescription) description = NULL;
  g_autofree gchar *text = NULL;
  g_autofree gchar *other = NULL;

  g_assert_null (mill_description_new_from_file ("vod-packge", missing));
  text = mill_diagnostics_to_string (missing);
  g_assert_true (g_str_has_prefix (text,
      "vod-packge: error: no such file and no shipped description, expected a "
      "path or one of demo-publisher, "));
  g_assert_true (g_str_has_suffix (text, ", did you mean 'vod-package'?\n"));
  g_assert_null (mill_description_new_from_file ("/nowhere/x.yaml",
      unreadable));
  other = mill_diagnostics_to_string (unreadable);
  g_assert_true (g_str_has_prefix (other,
      "/nowhere/x.yaml: error: cannot be read, expected a description"));
  description = mill_description_new_from_file ("vod-package", none);
  g_assert_nonnull (description);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/description/bad", test_bad);
  g_test_add_func ("/description/good", test_good);
  g_test_add_func ("/description/defaults", test_defaults);
  g_test_add_func ("/description/truncated", test_truncated);
  g_test_add_func ("/description/billion-laughs", test_billion_laughs);
  g_test_add_func ("/description/deep-and-large", test_deep_and_large);
  g_test_add_func ("/description/large-files", test_large_files);
  g_test_add_func ("/description/many-mistakes", test_many_mistakes);
  g_test_add_func ("/description/nearest", test_nearest);
  g_test_add_func ("/description/files", test_files);
  return g_test_run ();
}
