/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * A stream that is pulled from another server, or that takes a node of another
 * stream, is live when that gives it, and says why it is not; so does one that is
 * sent on to a server. */
#include <gio/gio.h>
#include <string.h>

#include "fixture.h"

#define PULL                                                        \
  "millrace: 1\nname: pull\nnodes:\n"                               \
  "  in: { element: rtmpclientsrc, props: { location: \"%s\" } }\n" \
  "  out: { element: fakesink, from: [in.video_0], props: { async: false } }\n"

#define SEND_ON                                                      \
  "millrace: 1\nname: send-on\nnodes:\n"                             \
  "  in: { element: videotestsrc, props: { is-live: true } }\n"      \
  "  encode: { element: x264enc, from: [in], props: { tune: 4 } }\n" \
  "  relay: { element: rtmpclientsink, from: [encode],"              \
  " props: { location: \"%s\" } }\n"

typedef struct
{
  gboolean explained;
  gboolean live;
} Seen;

static void
on_changed (MillWorkerProxy *proxy, const MillStreamReport *report, Seen *seen)
{
  g_test_message ("%s: %s", mill_stream_report_state_to_string (report->state),
      report->last_error);
  seen->live |= report->state == MILL_STREAM_LIVE;
  seen->explained |= report->state == MILL_STREAM_STARTING &&
      g_str_has_prefix (report->last_error, "in: ");
}

static gboolean
is_explained (gpointer data)
{
  return ((Seen *) data)->explained;
}

/* Returns: (transfer full): where nobody listens any more */
static gchar *
find_closed_port (void)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);

  g_assert_cmpuint (port, >, 0);
  g_socket_listener_close (listener);
  return g_strdup_printf ("rtmp://127.0.0.1:%u/live/film", port);
}

static void
test_refused (void)
{
  Fixture *fixture = fixture_new (NULL, 0);
  FixtureWatch *watch = fixture_worker (fixture, "w0");
  g_autofree gchar *location = find_closed_port ();
  g_autofree gchar *yaml = g_strdup_printf (PULL, location);
  g_autoptr (GError) error = NULL;
  Seen seen = { FALSE };

  g_signal_connect (watch->proxy, "stream-changed", G_CALLBACK (on_changed),
      &seen);
  fixture_start_stream (watch->proxy, "film", yaml, &error);
  g_assert_no_error (error);
  fixture_wait ("why it is not live", is_explained, &seen);
  g_assert_false (seen.live);
  fixture_watch_free (watch);
  fixture_free (fixture);
}

static void
on_event (MillWorkerProxy *proxy, const MillWorkerEvent *event, gchar **told)
{
  const gchar *node = NULL;
  const gchar *message = NULL;

  if (!g_str_equal (event->type, "stream.warning"))
    return;
  g_assert_true (g_variant_lookup (event->details, "node", "&s", &node));
  g_assert_true (g_variant_lookup (event->details, "message", "&s", &message));
  g_free (*told);
  *told = g_strdup_printf ("%s: %s", node, message);
}

static gboolean
is_told (gpointer data)
{
  return *(gchar **) data != NULL;
}

/* The stream goes on, so nobody would look at its statistics. */
static void
test_target_away (void)
{
  Fixture *fixture = fixture_new (NULL, 0);
  FixtureWatch *watch = fixture_worker (fixture, "w0");
  g_autofree gchar *location = find_closed_port ();
  g_autofree gchar *yaml = g_strdup_printf (SEND_ON, location);
  g_autofree gchar *told = NULL;
  g_autoptr (GError) error = NULL;

  g_signal_connect (watch->proxy, "stream-event", G_CALLBACK (on_event), &told);
  fixture_start_stream (watch->proxy, "film", yaml, &error);
  g_assert_no_error (error);
  fixture_wait ("why nothing is sent on", is_told, &told);
  g_assert_true (g_str_has_prefix (told, "relay: rtmp://127.0.0.1:"));
  g_assert_nonnull (strstr (told, "Connection refused"));
  g_assert_null (strstr (told, "film"));
  fixture_watch_free (watch);
  fixture_free (fixture);
}

/* ---- from other streams ---- */

#define TAKE                                                          \
  "millrace: 1\nname: take\nnodes:\n"                                 \
  "  out: { element: fakesink, from: [\"stream:studio/in.video_0\"]," \
  " props: { async: false } }\n"

#define STUDIO                                                       \
  "millrace: 1\nname: %s\nnodes:\n"                                  \
  "  picture: { element: videotestsrc, props: { is-live: true } }\n" \
  "  %s: { element: x264enc, from: [picture], publish: true,"        \
  " props: { tune: zerolatency, speed-preset: ultrafast,"            \
  " key-int-max: 10 } }\n"                                           \
  "  out: { element: fakesink, from: [%s], props: { async: false } }\n"

#define MISSED                                                        \
  "stream:studio/in: stream 'studio': got no published node at all, " \
  "expected that it runs and has 'publish: true' at 'in'; waiting for it"
#define OTHERS                                                               \
  "stream:studio/in: stream 'studio': got no published node 'in', expected " \
  "one that it publishes: encode"

/* A sink that keeps its first picture back for longer than the test runs: when
 * it is to end, it is still about it. What comes after that is left out. */
#define TAKE_TWO                                                     \
  "millrace: 1\nname: take-two\nnodes:\n"                            \
  "  wait: { element: queue, from: [\"stream:studio/in.video_0\"],"  \
  " props: { leaky: upstream } }\n"                                  \
  "  slow: { element: fakesink, from: [wait],"                       \
  " props: { async: false, sync: true, ts-offset: 60000000000 } }\n" \
  "  out: { element: fakesink, from: [\"stream:spare/in.video_0\"]," \
  " props: { async: false } }\n"
#define TAKE_SPARE                                                   \
  "millrace: 1\nname: take-spare\nnodes:\n"                          \
  "  out: { element: fakesink, from: [\"stream:spare/in.video_0\"]," \
  " props: { async: false } }\n"

/** The last report of a stream. */
typedef struct
{
  const gchar *name;
  MillStreamState state;
  gchar *error;
  guint n_live;
  gboolean revived; /* after its end had begun */
} Taker;

static void
on_taker_changed (MillWorkerProxy *proxy, const MillStreamReport *report,
    Taker *taker)
{
  if (!g_str_equal (report->name, taker->name))
    return;
  g_test_message ("%s: %s", mill_stream_report_state_to_string (report->state),
      report->last_error);
  taker->revived |= taker->state == MILL_STREAM_STOPPING &&
      report->state < MILL_STREAM_STOPPING;
  taker->state = report->state;
  taker->n_live += report->state == MILL_STREAM_LIVE;
  g_free (taker->error);
  taker->error = g_strdup (report->last_error);
}

static gboolean
misses_all (gpointer data)
{
  return g_strcmp0 (((Taker *) data)->error, MISSED) == 0;
}

static gboolean
misses_one (gpointer data)
{
  return g_strcmp0 (((Taker *) data)->error, OTHERS) == 0;
}

static gboolean
is_live (gpointer data)
{
  return ((Taker *) data)->state == MILL_STREAM_LIVE;
}

static void
run_publishing (FixtureWatch *watch, const gchar *name, const gchar *node)
{
  g_autofree gchar *yaml = g_strdup_printf (STUDIO, name, node, node);
  g_autoptr (GError) error = NULL;

  fixture_start_stream (watch->proxy, name, yaml, &error);
  g_assert_no_error (error);
}

/* Nobody sees from outside that it does nothing: it says so, what it could have
 * instead, and goes on when what it waits for is there. */
static void
test_link (void)
{
  Fixture *fixture = fixture_new (NULL, 0);
  FixtureWatch *watch = fixture_worker (fixture, "w0");
  g_autofree gchar *told = NULL;
  g_autoptr (GError) error = NULL;
  Taker taker = { "film", MILL_STREAM_STARTING };

  g_signal_connect (watch->proxy, "stream-changed",
      G_CALLBACK (on_taker_changed), &taker);
  g_signal_connect (watch->proxy, "stream-event", G_CALLBACK (on_event), &told);
  fixture_start_stream (watch->proxy, "film", TAKE, &error);
  g_assert_no_error (error);
  fixture_wait ("that the stream is missed", misses_all, &taker);
  g_assert_cmpstr (told, ==, MISSED);
  run_publishing (watch, "studio", "encode");
  fixture_wait ("which nodes it has", misses_one, &taker);
  g_assert_cmpstr (told, ==, OTHERS);
  g_assert_cmpint (taker.state, ==, MILL_STREAM_STARTING);
  g_assert_cmpuint (taker.n_live, ==, 0);

  fixture_stop_stream (watch->proxy, "studio", MILL_WORKER_STOP_NOW, &error);
  g_assert_no_error (error);
  run_publishing (watch, "studio", "in");
  fixture_wait ("the media", is_live, &taker);
  g_assert_cmpstr (taker.error, ==, "");
  fixture_watch_free (watch);
  fixture_free (fixture);
  g_free (taker.error);
}

static gboolean
is_stopping (gpointer data)
{
  return ((Taker *) data)->state == MILL_STREAM_STOPPING;
}

static gboolean
hears_spare (gpointer data)
{
  const gchar *error = ((Taker *) data)->error;

  return error && g_str_has_suffix (error, "one that it publishes: encode");
}

static gboolean
misses_spare (gpointer data)
{
  const gchar *error = ((Taker *) data)->error;

  return error &&
      strstr (error, "stream 'spare': got no published node at all");
}

/* What a link still tells of the stream it waits for does not make one that ends
 * live again: who has stopped it would wait for ever. */
static void
test_link_changes_at_the_end (void)
{
  Fixture *fixture = fixture_new (NULL, 0);
  FixtureWatch *watch = fixture_worker (fixture, "w0");
  g_autoptr (GError) error = NULL;
  Taker taker = { "film", MILL_STREAM_STARTING };
  Taker other = { "other", MILL_STREAM_STARTING };

  g_signal_connect (watch->proxy, "stream-changed",
      G_CALLBACK (on_taker_changed), &taker);
  g_signal_connect (watch->proxy, "stream-changed",
      G_CALLBACK (on_taker_changed), &other);
  run_publishing (watch, "spare", "in");
  fixture_start_stream (watch->proxy, "film", TAKE_TWO, &error);
  g_assert_no_error (error);
  fixture_wait ("the spare one's media", is_live, &taker);
  fixture_stop_stream (watch->proxy, "spare", MILL_WORKER_STOP_NOW, &error);
  g_assert_no_error (error);
  fixture_wait ("that it is missed", misses_spare, &taker);
  run_publishing (watch, "studio", "in");
  fixture_wait ("the media", is_live, &taker);
  fixture_start_stream (watch->proxy, "other", TAKE_SPARE, &error);
  g_assert_no_error (error);
  fixture_wait ("that it is missed here, too", misses_spare, &other);
  fixture_stop_stream (watch->proxy, "film", MILL_WORKER_STOP_EOS, &error);
  g_assert_no_error (error);
  fixture_wait ("the end's begin", is_stopping, &taker);

  /* The first one looks no later than the other, which tells that it has. */
  run_publishing (watch, "spare", "encode");
  fixture_wait ("what it has", hears_spare, &other);
  fixture_stop_stream (watch->proxy, "spare", MILL_WORKER_STOP_NOW, &error);
  g_assert_no_error (error);
  fixture_wait ("that it is gone", misses_spare, &other);
  g_assert_false (taker.revived);
  fixture_stop_stream (watch->proxy, "film", MILL_WORKER_STOP_NOW, &error);
  g_assert_no_error (error);
  fixture_watch_free (watch);
  fixture_free (fixture);
  g_free (taker.error);
  g_free (other.error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker/pulls/refused", test_refused);
  g_test_add_func ("/worker/pulls/target-away", test_target_away);
  g_test_add_func ("/worker/pulls/link", test_link);
  g_test_add_func ("/worker/pulls/link-at-the-end",
      test_link_changes_at_the_end);
  return g_test_run ();
}
