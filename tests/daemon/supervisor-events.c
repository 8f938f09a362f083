/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Events: their ids over a gap, and readers over real sockets: who reads, and who
 * comes back. A fault here is an operator who misses that a stream went down. */
#include "supervisor-events-test.h"

/* ---- the log ---- */

static void
test_ids (void)
{
  g_autoptr (MillEventLog) log = mill_event_log_new (4, G_MAXSIZE);
  guint64 next = 99;

  for (guint i = 1; i <= 6; i++)
    add (log, "a.b");
  g_assert_cmpuint (mill_event_log_get_end (log), ==, 7);
  /* 3 to 6 are there: who has seen 2 misses nothing, who has seen 1 does */
  g_assert_null (mill_event_log_get (log, 2));
  g_assert_cmpuint (mill_event_log_get (log, 3)->number, ==, 3);
  g_assert_null (mill_event_log_get (log, 7));
  for (guint64 seen = 0; seen <= 8; seen++) {
    g_autofree gchar *id = mill_event_log_make_id (log, seen);
    gboolean is_there = mill_event_log_find_next (log, id, &next);
    g_assert_true (is_there == (seen >= 2 && seen <= 6));
    g_assert_true (!is_there || next == seen + 1);
  }
}

/* @n: letters of its text; 0: an event as it is mostly */
static void
add_long (MillEventLog *log, gsize n)
{
  g_autofree gchar *text = g_strnfill (n, 'x');

  mill_event_log_add (log, "a.b", g_variant_new_parsed ("{'t': <%s>}", text));
}

/* Texts of workers and elements are as long as they are: many long ones must not
 * fill millraced's memory. */
static void
test_bytes (void)
{
  g_autoptr (MillEventLog) log = mill_event_log_new (100, 10000);
  guint64 next = 99;

  for (guint i = 1; i <= 5; i++)
    add_long (log, 3000);
  /* three of 3000 are within it: 3 to 5 */
  g_assert_null (mill_event_log_get (log, 2));
  g_assert_nonnull (mill_event_log_get (log, 3));
  g_autofree gchar *missed = mill_event_log_make_id (log, 1);
  g_assert_false (mill_event_log_find_next (log, missed, &next));
  g_autofree gchar *seen = mill_event_log_make_id (log, 2);
  g_assert_true (mill_event_log_find_next (log, seen, &next));
  g_assert_cmpuint (next, ==, 3);
  /* one that is larger than all there is room for is told and kept, alone */
  add_long (log, 20000);
  g_assert_null (mill_event_log_get (log, 5));
  g_assert_nonnull (mill_event_log_get (log, 6));
  for (guint i = 0; i < 100; i++)
    add_long (log, 10);
  g_assert_null (mill_event_log_get (log, 6));
  g_assert_nonnull (mill_event_log_get (log, 7));
}

static void
test_other_ids (void)
{
  g_autoptr (MillEventLog) log = mill_event_log_new (4, G_MAXSIZE);
  g_autoptr (MillEventLog) other = mill_event_log_new (4, G_MAXSIZE);
  guint64 next = 99;

  add (log, "a.b");
  g_autofree gchar *id = mill_event_log_make_id (log, 1);
  g_autofree gchar *run = g_strndup (id, strlen (id) - 2);
  g_autofree gchar *negative = g_strconcat (run, "--1", NULL);
  g_autofree gchar *longer = g_strconcat (run, "x-1", NULL);
  g_autofree gchar *large = g_strconcat (run, "-99999999999999999999", NULL);
  const gchar *const ids[] = { "", "-", "1", "-1", "x-1", run, negative, longer,
    large };
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    g_assert_false (mill_event_log_find_next (log, ids[i], &next));
  g_assert_cmpuint (next, ==, 99);
  g_assert_true (mill_event_log_find_next (log, id, &next));
}

/* ---- readers ---- */

static void
test_follow (void)
{
  g_autoptr (Server) server = server_new ();

  add (get_log (server), "before.this");
  g_autoptr (Reader) reader = open_reader (server, "", "");
  wait_for (reader, "retry: 2000");
  g_assert_true (has (reader, "Content-Type: text/event-stream"));
  add (get_log (server), "stream.started");
  wait_for (reader, "event: stream.started\n");
  wait_for (reader, "\"type\":\"stream.started\"");
  g_assert_false (has (reader, "before.this"));
}

/* Nothing is missed by who was away, and nothing comes twice. */
static void
test_resume (void)
{
  g_autoptr (Server) server = server_new ();

  add (get_log (server), "seen.one");
  add (get_log (server), "missed.one");
  g_autofree gchar *id = mill_event_log_make_id (get_log (server), 1);
  g_autofree gchar *header = g_strdup_printf ("Last-Event-ID: %s\r\n", id);
  g_autofree gchar *query = g_strdup_printf ("?last_event_id=%s", id);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (Reader) reader =
        open_reader (server, i ? query : "", i ? "" : header);
    wait_for (reader, "event: missed.one");
    add (get_log (server), "live.one");
    wait_for (reader, "event: live.one");
    g_assert_false (has (reader, "seen.one"));
    g_assert_false (has (reader, "event: reset"));
  }
}

/* Of a millraced before this one: what was, must be read anew. */
static void
test_reset (void)
{
  g_autoptr (Server) server = server_new ();

  add (get_log (server), "old.one");
  g_autoptr (Reader) reader =
      open_reader (server, "", "Last-Event-ID: 5f0a-17\r\n");
  wait_for (reader, "event: reset");
  g_assert_false (has (reader, "old.one"));
  /* the id of the reset is one to go on from */
  g_autofree gchar *id = mill_event_log_make_id (get_log (server), 1);
  g_autofree gchar *line = g_strdup_printf ("id: %s\nevent: reset", id);
  wait_for (reader, line);
  add (get_log (server), "new.one");
  wait_for (reader, "event: new.one");
}

static void
test_websocket (void)
{
  g_autoptr (Server) server = server_new ();

  add (get_log (server), "seen.one");
  add (get_log (server), "missed.one");
  g_autofree gchar *id = mill_event_log_make_id (get_log (server), 1);
  g_autofree gchar *query = g_strdup_printf ("?last_event_id=%s", id);
  g_autoptr (Reader) reader = open_reader (server, query, UPGRADE);
  g_assert_true (g_str_has_prefix (reader->text->str, "HTTP/1.1 101"));
  wait_for (reader, "\"type\":\"missed.one\"");
  add (get_log (server), "live.one");
  wait_for (reader, "\"type\":\"live.one\"");
  g_assert_false (has (reader, "seen.one"));
}

/* A WebSocket needs the key as everything else does. */
static void
test_no_key (void)
{
  g_autoptr (Server) server = server_new ();
  const gchar *const headers[] = { "", UPGRADE };

  server->key[0] ^= 1;
  for (guint i = 0; i < 2; i++) {
    g_autoptr (Reader) reader = open_reader (server, "", headers[i]);
    g_assert_true (g_str_has_prefix (reader->text->str, "HTTP/1.1 401"));
  }
}

static void
test_too_many (void)
{
  g_autoptr (Server) server = server_new ();
  g_autoptr (GPtrArray) readers =
      g_ptr_array_new_with_free_func ((GDestroyNotify) reader_free);

  for (guint i = 0; i < 64; i++)
    g_ptr_array_add (readers, open_reader (server, "", ""));
  g_autoptr (Reader) late = open_reader (server, "", "");
  g_assert_true (g_str_has_prefix (late->text->str, "HTTP/1.1 503"));
  /* one that goes makes room, when the next word to it is sent */
  g_ptr_array_set_size (readers, 63);
  gboolean is_in = FALSE;
  gint64 deadline_us = g_get_monotonic_time () + DEADLINE_US;
  while (!is_in) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline_us);
    add (get_log (server), "any.thing");
    g_autoptr (Reader) next = open_reader (server, "", "");
    is_in = g_str_has_prefix (next->text->str, "HTTP/1.1 200");
  }
}

gint
main (gint argc, gchar **argv)
{
  g_test_init (&argc, &argv, NULL);
  silence_libsoup ();
  g_test_add_func ("/events/ids", test_ids);
  g_test_add_func ("/events/bytes", test_bytes);
  g_test_add_func ("/events/other-ids", test_other_ids);
  g_test_add_func ("/events/follow", test_follow);
  g_test_add_func ("/events/resume", test_resume);
  g_test_add_func ("/events/reset", test_reset);
  g_test_add_func ("/events/websocket", test_websocket);
  g_test_add_func ("/events/no-key", test_no_key);
  g_test_add_func ("/events/too-many", test_too_many);
  return g_test_run ();
}
