/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Who waits for a part of a live stream. A user would notice: viewers that hang,
 * that are answered twice or too early, or an origin that one of them fills. */

#include <glib/gstdio.h>
#include <string.h>

#include "daemon/origin/live-stream.h"

typedef struct
{
  gchar *media;
  gchar *index;
  MillLiveStreams *streams;
} Fixture;

static void
append (Fixture *f, const gchar *text)
{
  FILE *file = g_fopen (f->index, "a");

  g_assert_nonnull (file);
  g_assert_cmpuint (fwrite (text, 1, strlen (text), file), ==, strlen (text));
  fclose (file);
}

static void
fixture_init (Fixture *f, const MillLiveLimits *limits)
{
  g_autofree gchar *dir = NULL;

  f->media = g_dir_make_tmp ("mill-live-XXXXXX", NULL);
  dir = g_build_filename (f->media, "demo", NULL);
  g_assert_cmpint (g_mkdir (dir, 0755), ==, 0);
  f->index = g_build_filename (dir, "live.index", NULL);
  append (f,
      "millrace-live 2\n#stream 500000000\n#rendition v 500000000\n"
      "v 1 0 0 0 10 0 500000000 IL 1\n#listed 1 0 1\n");
  f->streams = mill_live_streams_new (f->media, limits);
}

static void
fixture_clear (Fixture *f)
{
  g_autofree gchar *dir = g_path_get_dirname (f->index);

  mill_live_streams_free (f->streams);
  g_unlink (f->index);
  g_rmdir (dir);
  g_rmdir (f->media);
  g_free (f->index);
  g_free (f->media);
}

static MillLiveStream *
look_up (Fixture *f)
{
  MillLiveStream *stream = mill_live_streams_look_up (f->streams, "demo");

  g_assert_nonnull (stream);
  return stream;
}

static const MillLiveWant next_part = { "v", MILL_LIVE_ANY, 1, 0 };

typedef struct
{
  guint calls;
  MillLiveOutcome outcome;
} Heard;

static void
hear (MillLiveOutcome outcome, gpointer user_data)
{
  Heard *heard = user_data;

  heard->calls++;
  heard->outcome = outcome;
}

static void
run_until (const guint *calls, guint wanted)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  while (*calls < wanted) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_main_context_iteration (NULL, FALSE);
  }
}

/* A thousand who want the same are woken by one event, once. */
static void
test_group (void)
{
  Fixture f;
  Heard heard = { 0 };
  Heard other = { 0 };
  MillLiveCounts before;
  MillLiveCounts after;
  const MillLiveWant whole = { "v", MILL_LIVE_ANY, 1, MILL_LIVE_WHOLE };

  fixture_init (&f, NULL);
  for (guint i = 0; i < 1000; i++)
    g_assert_nonnull (mill_live_stream_wait (look_up (&f), &next_part, hear,
        &heard));
  g_assert_nonnull (mill_live_stream_wait (look_up (&f), &whole, hear, &other));
  mill_live_streams_get_counts (f.streams, &before);
  g_assert_cmpuint (before.waits, ==, 1001);
  append (&f, "v 1 1 0 0 10 500000000 400000000 I 2\n");
  run_until (&heard.calls, 1000);
  mill_live_streams_get_counts (f.streams, &after);
  g_assert_cmpuint (after.wakeups - before.wakeups, ==, 1);
  g_assert_cmpint (heard.outcome, ==, MILL_LIVE_READY);
  g_assert_cmpuint (other.calls, ==, 0);
  append (&f, "v 1 1 1 10 10 900000000 100000000 L 2\n");
  run_until (&other.calls, 1);
  g_assert_cmpint (other.outcome, ==, MILL_LIVE_READY);
  g_assert_cmpuint (heard.calls, ==, 1000);
  fixture_clear (&f);
}

static void
test_limits (void)
{
  const MillLiveLimits limits = { .max_waits = 3, .max_waits_per_stream = 2 };
  Fixture f;
  Heard heard = { 0 };
  MillLiveCounts counts;
  MillLiveWait *wait;

  fixture_init (&f, &limits);
  wait = mill_live_stream_wait (look_up (&f), &next_part, hear, &heard);
  g_assert_nonnull (mill_live_stream_wait (look_up (&f), &next_part, hear,
      &heard));
  g_assert_null (mill_live_stream_wait (look_up (&f), &next_part, hear,
      &heard));
  /* Who has left makes room. */
  mill_live_stream_cancel (wait);
  g_assert_nonnull (mill_live_stream_wait (look_up (&f), &next_part, hear,
      &heard));
  mill_live_streams_get_counts (f.streams, &counts);
  g_assert_cmpuint (counts.refused, ==, 1);
  g_assert_cmpuint (counts.waits, ==, 2);
  append (&f, "v 1 1 0 0 10 500000000 400000000 I 2\n");
  run_until (&heard.calls, 2);
  mill_live_streams_get_counts (f.streams, &counts);
  g_assert_cmpuint (counts.waits, ==, 0);
  fixture_clear (&f);
}

/* A transfer of a growing segment waits for the next part when it got one. */
typedef struct
{
  MillLiveStream *stream;
  guint parts;
} Transfer;

static void
take_part (MillLiveOutcome outcome, gpointer user_data)
{
  Transfer *transfer = user_data;
  MillLiveWant want = { "v", 1, 1, ++transfer->parts };

  g_assert_cmpint (outcome, ==, MILL_LIVE_READY);
  if (mill_live_stream_check (transfer->stream, &want) == MILL_LIVE_LATE)
    mill_live_stream_wait (transfer->stream, &want, take_part, transfer);
}

static void
test_again (void)
{
  Fixture f;
  Transfer transfer = { 0 };
  const MillLiveWant first = { "v", 1, 1, 0 };

  fixture_init (&f, NULL);
  transfer.stream = look_up (&f);
  mill_live_stream_wait (transfer.stream, &first, take_part, &transfer);
  append (&f, "v 1 1 0 0 10 500000000 400000000 I 2\n");
  run_until (&transfer.parts, 1);
  append (&f, "v 1 1 1 10 10 900000000 400000000 - 2\n");
  run_until (&transfer.parts, 2);
  append (&f, "v 1 1 2 20 10 1300000000 400000000 L 2\n");
  run_until (&transfer.parts, 3);
  fixture_clear (&f);
}

/* Who is told after whom, as numbers. */
typedef struct
{
  GArray *order;
  guint number;
} Turn;

static void
note_turn (MillLiveOutcome outcome, gpointer user_data)
{
  Turn *turn = user_data;

  g_assert_cmpint (outcome, ==, MILL_LIVE_READY);
  g_array_append_val (turn->order, turn->number);
}

/* Of two who want the media, and two who want the playlist of the same part:
 * media is first, and nobody is last each time. */
static void
test_order (void)
{
  Fixture f;
  g_autoptr (GArray) order = g_array_new (FALSE, FALSE, sizeof (guint));
  Turn turns[4];
  guint last = 0;

  fixture_init (&f, NULL);
  for (guint part = 0; part < 2; part++) {
    const MillLiveWant wants[] = { { "v", MILL_LIVE_ANY, 1, part },
      { "v", 1, 1, part } };
    g_autofree gchar *line =
        g_strdup_printf ("v 1 1 %u %u 10 %u 400000000 I 2\n", part, part * 10,
            500000000 + part * 400000000);

    g_array_set_size (order, 0);
    for (guint i = 0; i < G_N_ELEMENTS (turns); i++) {
      turns[i] = (Turn){ order, i };
      mill_live_stream_wait (look_up (&f), &wants[i % 2], note_turn, &turns[i]);
    }
    append (&f, line);
    run_until (&order->len, 4);
    g_assert_cmpuint (g_array_index (order, guint, 0) % 2, ==, 1);
    g_assert_cmpuint (g_array_index (order, guint, 1) % 2, ==, 1);
    g_assert_true (part == 0 || g_array_index (order, guint, 3) != last);
    last = g_array_index (order, guint, 3);
  }
  fixture_clear (&f);
}

static void
test_late_and_gone (void)
{
  Fixture f;
  Heard late = { 0 };
  Heard gone = { 0 };
  const MillLiveWant dropped = { "v", 1, 1, 0 };

  fixture_init (&f, NULL);
  mill_live_stream_wait (look_up (&f), &next_part, hear, &late);
  run_until (&late.calls, 1);
  g_assert_cmpint (late.outcome, ==, MILL_LIVE_LATE);
  /* Another packager makes the segment. */
  mill_live_stream_wait (look_up (&f), &dropped, hear, &gone);
  append (&f, "v 2 1 0 0 10 500000000 400000000 ID 2\n");
  run_until (&gone.calls, 1);
  g_assert_cmpint (gone.outcome, ==, MILL_LIVE_GONE);
  fixture_clear (&f);
}

static void
test_drain (void)
{
  Fixture f;
  Heard heard = { 0 };
  g_autoptr (MillLiveStream) stream = NULL;

  fixture_init (&f, NULL);
  stream = mill_live_stream_ref (look_up (&f));
  mill_live_stream_wait (stream, &next_part, hear, &heard);
  mill_live_streams_drain (f.streams);
  g_assert_cmpuint (heard.calls, ==, 1);
  g_assert_cmpint (heard.outcome, ==, MILL_LIVE_GONE);
  g_assert_null (mill_live_stream_wait (stream, &next_part, hear, &heard));
  g_assert_true (mill_live_stream_is_gone (stream));
  fixture_clear (&f);
}

/* A line that nobody could have written ends low latency, not the origin; the
 * next file begins it again. */
static void
test_damaged (void)
{
  Fixture f;
  g_autofree gchar *next = NULL;
  Heard heard = { 0 };

  fixture_init (&f, NULL);
  mill_live_stream_wait (look_up (&f), &next_part, hear, &heard);
  append (&f, "garbage\n");
  run_until (&heard.calls, 1);
  g_assert_cmpint (heard.outcome, ==, MILL_LIVE_GONE);
  g_assert_null (mill_live_streams_look_up (f.streams, "demo"));
  next = g_strconcat (f.index, ".new", NULL);
  g_assert_true (g_file_set_contents (next,
      "millrace-live 2\n#stream 500000000\nv 1 0 0 0 10 0 1 IL 1\n", -1, NULL));
  g_assert_cmpint (g_rename (next, f.index), ==, 0);
  for (gint64 end = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
       mill_live_streams_look_up (f.streams, "demo") == NULL;) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_main_context_iteration (NULL, FALSE);
  }
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/origin/live/group", test_group);
  g_test_add_func ("/origin/live/limits", test_limits);
  g_test_add_func ("/origin/live/again", test_again);
  g_test_add_func ("/origin/live/order", test_order);
  g_test_add_func ("/origin/live/late-and-gone", test_late_and_gone);
  g_test_add_func ("/origin/live/drain", test_drain);
  g_test_add_func ("/origin/live/damaged", test_damaged);
  return g_test_run ();
}
