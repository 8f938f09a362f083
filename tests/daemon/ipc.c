/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * What crosses processes arrives as it was sent, and only from this user. */
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/common/peer-server.h"
#include "daemon/ipc/graph-spec.h"
#include "daemon/ipc/ipc.h"
#include "daemon/ipc/mill-ipc-worker1.h"
#include "daemon/ipc/process-report.h"

#define STRANGER_UID 65534

/* ---- reports ---- */

static MillStreamReport *
make_stream (void)
{
  MillStreamReport *report = mill_stream_report_new ("demo", 42);

  report->epoch_ns = G_GUINT64_CONSTANT (0x123456789abcdef0);
  report->state = MILL_STREAM_RECONNECTING;
  report->since = 1700000000;
  report->publisher = mill_publisher_new ();
  g_free (report->publisher->address);
  report->publisher->address = g_strdup ("127.0.0.1:5");
  report->publisher->tls = TRUE;
  report->publisher->bytes = 77;
  MillRenditionReport *rendition = mill_stream_report_add_rendition (report);
  rendition->name = g_strdup ("v720");
  rendition->kind = g_strdup ("video");
  rendition->width = 1280;
  rendition->height = 720;
  rendition->bitrate_bps = 3000000;
  g_free (report->last_error);
  report->last_error = g_strdup ("in: gone");
  g_variant_unref (report->nodes);
  report->nodes = g_variant_ref_sink (
      g_variant_new_parsed ("{'in': <{'bytes': <uint64 5>}>}"));
  return report;
}

static void
assert_stream (const MillStreamReport *report)
{
  g_assert_cmpstr (report->name, ==, "demo");
  g_assert_cmpuint (report->generation, ==, 42);
  g_assert_cmpuint (report->epoch_ns, ==,
      G_GUINT64_CONSTANT (0x123456789abcdef0));
  g_assert_cmpint (report->state, ==, MILL_STREAM_RECONNECTING);
  g_assert_cmpint (report->since, ==, 1700000000);
  g_assert_cmpstr (report->publisher->address, ==, "127.0.0.1:5");
  g_assert_true (report->publisher->tls);
  g_assert_cmpuint (report->publisher->bytes, ==, 77);
  g_assert_cmpuint (report->renditions->len, ==, 1);
  const MillRenditionReport *rendition = report->renditions->pdata[0];
  g_assert_cmpstr (rendition->name, ==, "v720");
  g_assert_cmpstr (rendition->kind, ==, "video");
  g_assert_cmpstr (rendition->codec, ==, "");
  g_assert_cmpuint (rendition->width, ==, 1280);
  g_assert_cmpuint (rendition->height, ==, 720);
  g_assert_cmpuint (rendition->bitrate_bps, ==, 3000000);
  g_assert_cmpstr (report->last_error, ==, "in: gone");
  g_assert_cmpuint (g_variant_n_children (report->nodes), ==, 1);
}

static void
test_process_report (void)
{
  g_autoptr (MillProcessReport) report = mill_process_report_new ();

  report->protocol = MILL_IPC_PROTOCOL;
  report->id = g_strdup ("w0");
  report->kind = MILL_WORKER_ISOLATED;
  report->pid = 4711;
  report->draining = TRUE;
  g_hash_table_insert (report->listeners, g_strdup ("rtmp"),
      g_strdup ("127.0.0.1:1935"));
  g_ptr_array_add (report->streams, make_stream ());
  g_autoptr (GVariant) variant =
      g_variant_ref_sink (mill_process_report_to_variant (report));
  g_autoptr (MillProcessReport) back =
      mill_process_report_new_from_variant (variant);
  g_assert_cmpuint (back->protocol, ==, MILL_IPC_PROTOCOL);
  g_assert_cmpstr (back->id, ==, "w0");
  g_assert_cmpstr (back->version, ==, "");
  g_assert_cmpint (back->kind, ==, MILL_WORKER_ISOLATED);
  g_assert_cmpuint (back->pid, ==, 4711);
  g_assert_true (back->draining);
  g_assert_cmpstr (g_hash_table_lookup (back->listeners, "rtmp"), ==,
      "127.0.0.1:1935");
  g_assert_cmpuint (back->streams->len, ==, 1);
  assert_stream (back->streams->pdata[0]);
}

static void
test_stats (void)
{
  g_autoptr (MillProcessStats) stats = mill_process_report_stats_new ();
  MillThreadReport *thread = mill_process_report_stats_add_thread (stats);

  stats->cpu_usec = 5;
  stats->memory_bytes = G_GUINT64_CONSTANT (1) << 40;
  thread->name = g_strdup ("rtmp-0");
  thread->turn_usec = 3000000;
  thread->connections = 9;
  MillListenerReport *listener = mill_process_report_stats_add_listener (stats);
  listener->kind = g_strdup ("rtmps");
  listener->connections = G_GUINT64_CONSTANT (1) << 33;
  listener->pending = 7;
  listener->closed = g_variant_ref_sink (
      g_variant_new_parsed ("{'pending': @t 3, 'protocol': 4}"));
  g_autoptr (GVariant) variant =
      g_variant_ref_sink (mill_process_report_stats_to_variant (stats));
  g_autoptr (MillProcessStats) back =
      mill_process_report_stats_new_from_variant (variant);
  g_assert_cmpuint (back->cpu_usec, ==, 5);
  g_assert_cmpuint (back->memory_bytes, ==, G_GUINT64_CONSTANT (1) << 40);
  g_assert_cmpuint (back->threads->len, ==, 1);
  thread = back->threads->pdata[0];
  g_assert_cmpstr (thread->name, ==, "rtmp-0");
  g_assert_cmpuint (thread->turn_usec, ==, 3000000);
  g_assert_cmpuint (thread->connections, ==, 9);
  g_assert_cmpuint (back->listeners->len, ==, 1);
  const MillListenerReport *told = back->listeners->pdata[0];
  g_assert_cmpstr (told->kind, ==, "rtmps");
  g_assert_cmpuint (told->connections, ==, G_GUINT64_CONSTANT (1) << 33);
  g_assert_cmpuint (told->pending, ==, 7);
  g_assert_cmpvariant (told->closed, listener->closed);
}

static void
test_graph_spec (void)
{
  g_autoptr (MillGraphSpec) spec = mill_graph_spec_new ("nodes: {}", "a.yaml");
  g_autoptr (GError) error = NULL;

  mill_graph_spec_set_param (spec, "stream", "demo");
  spec->epoch_ns = 12;
  g_autoptr (GVariant) variant =
      g_variant_ref_sink (mill_graph_spec_to_variant (spec));
  g_autoptr (MillGraphSpec) back =
      mill_graph_spec_new_from_variant (variant, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (back->description, ==, "nodes: {}");
  g_assert_cmpstr (back->file, ==, "a.yaml");
  g_assert_cmpuint (back->epoch_ns, ==, 12);
  g_assert_cmpstr (g_hash_table_lookup (back->params, "stream"), ==, "demo");
  g_assert_true (back->one_process);

  spec->one_process = FALSE;
  spec->process = 2;
  g_autoptr (GVariant) part =
      g_variant_ref_sink (mill_graph_spec_to_variant (spec));
  g_autoptr (MillGraphSpec) back_part =
      mill_graph_spec_new_from_variant (part, &error);
  g_assert_no_error (error);
  g_assert_false (back_part->one_process);
  g_assert_cmpuint (back_part->process, ==, 2);

  g_autoptr (GVariant) none =
      g_variant_ref_sink (mill_graph_spec_to_variant (NULL));
  g_assert_null (mill_graph_spec_new_from_variant (none, &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID);
}

/* A peer of another version says more, less or otherwise typed. */
static void
test_tolerant (void)
{
  const gchar *const texts[] = {
    "@a{sv} {}",
    "{'name': <5>, 'renditions': <'x'>, 'publisher': <@as []>}",
    "{'name': <'n'>, 'state': <'brand-new'>, 'future': <1.5>}",
    "{'renditions': <[{'name': <'v'>, 'width': <'wide'>}]>}",
    "{'listeners': <[{'kind': <1>, 'closed': <'none'>}]>}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GVariant) variant =
        g_variant_ref_sink (g_variant_new_parsed (texts[i]));
    g_autoptr (MillStreamReport) stream =
        mill_stream_report_new_from_variant (variant);
    g_autoptr (MillProcessReport) process =
        mill_process_report_new_from_variant (variant);
    g_autoptr (MillProcessStats) stats =
        mill_process_report_stats_new_from_variant (variant);
    g_assert_nonnull (stream->name);
    g_assert_nonnull (stream->last_error);
    g_assert_nonnull (process->id);
    g_assert_cmpuint (stats->threads->len, ==, 0);
    for (guint j = 0; j < stats->listeners->len; j++)
      g_assert_nonnull (((MillListenerReport *) stats->listeners->pdata[j])
                            ->kind);
  }
}

static void
test_state_words (void)
{
  MillStreamState state = MILL_STREAM_LIVE;

  for (gint i = MILL_STREAM_STARTING; i <= MILL_STREAM_GONE; i++) {
    const gchar *word = mill_stream_report_state_to_string (i);
    g_assert_true (mill_stream_report_state_from_string (word, &state));
    g_assert_cmpint (state, ==, i);
  }
  g_assert_false (mill_stream_report_state_from_string ("Live", &state));
  g_assert_cmpint (state, ==, MILL_STREAM_GONE);
}

/* ---- the socket ---- */

typedef struct
{
  gchar *dir;
  gchar *path;
  MillIpcWorker1 *skeleton;
} Test;

static void
set_up (Test *test, gconstpointer data)
{
  g_autofree gchar *root = g_dir_make_tmp ("millrace-XXXXXX", NULL);

  test->dir = g_build_filename (root, "s", NULL);
  test->path = g_build_filename (test->dir, "w.sock", NULL);
  test->skeleton = mill_ipc_worker1_skeleton_new ();
}

static void
tear_down (Test *test, gconstpointer data)
{
  g_autofree gchar *root = g_path_get_dirname (test->dir);

  g_remove (test->path);
  g_assert_cmpint (g_rmdir (test->dir), ==, 0); /* nothing is left in it */
  g_rmdir (root);
  g_object_unref (test->skeleton);
  g_free (test->dir);
  g_free (test->path);
}

static MillPeerServer *
serve (Test *test, GError **error)
{
  return mill_peer_server_new (test->path,
      G_DBUS_INTERFACE_SKELETON (test->skeleton), MILL_IPC_WORKER_PATH, error);
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static GAsyncResult *
await (GAsyncResult **result)
{
  while (!*result)
    g_main_context_iteration (NULL, TRUE);
  return g_steal_pointer (result);
}

static MillIpcWorker1 *
connect_to (const gchar *path, GError **error)
{
  g_autofree gchar *address = mill_ipc_get_address (path);
  g_autoptr (GDBusAuthObserver) observer = mill_ipc_auth_observer_new ();
  GAsyncResult *slot = NULL;

  g_dbus_connection_new_for_address (address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, observer, NULL, on_result,
      &slot);
  g_autoptr (GAsyncResult) result = await (&slot);
  g_autoptr (GDBusConnection) connection =
      g_dbus_connection_new_for_address_finish (result, error);
  if (!connection)
    return NULL;
  return mill_ipc_worker1_proxy_new_sync (connection,
      G_DBUS_PROXY_FLAGS_DO_NOT_LOAD_PROPERTIES, NULL, MILL_IPC_WORKER_PATH,
      NULL, error);
}

static gint next_code;

static gboolean
on_listen (MillIpcWorker1 *skeleton, GDBusMethodInvocation *invocation,
    const gchar *kind, const gchar *address, gpointer user_data)
{
  g_dbus_method_invocation_return_error (invocation, MILL_IPC_ERROR, next_code,
      "text %d", next_code);
  return TRUE;
}

/* Every error is the same error on the other side. */
static void
test_errors_cross (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillPeerServer) server = serve (test, &error);

  g_assert_no_error (error);
  g_signal_connect (test->skeleton, "handle-listen", G_CALLBACK (on_listen),
      NULL);
  g_autoptr (MillIpcWorker1) proxy = connect_to (test->path, &error);
  g_assert_no_error (error);
  for (next_code = 0; next_code <= MILL_IPC_ERROR_TIMEOUT; next_code++) {
    g_autoptr (GError) got = NULL;
    g_autofree gchar *expected = g_strdup_printf ("text %d", next_code);
    GAsyncResult *slot = NULL;
    mill_ipc_worker1_call_listen (proxy, "", "", NULL, on_result, &slot);
    g_autoptr (GAsyncResult) result = await (&slot);
    g_assert_false (mill_ipc_worker1_call_listen_finish (proxy, NULL, result,
        &got));
    g_assert_error (got, MILL_IPC_ERROR, next_code);
    g_autofree gchar *text = mill_ipc_error_get_message (got);
    g_assert_cmpstr (text, ==, expected);
  }
}

static void
test_socket_is_private (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillPeerServer) server = serve (test, &error);
  struct stat status;
  guint pid = 0;

  g_assert_no_error (error);
  g_assert_cmpint (stat (test->dir, &status), ==, 0);
  g_assert_cmpuint (status.st_mode & 0777, ==, 0700);
  g_assert_true (mill_peer_server_is_served (test->path, &pid));
  g_assert_cmpuint (pid, ==, (guint) getpid ());
  mill_peer_server_stop (server);
  g_assert_false (mill_peer_server_is_served (test->path, NULL));
  g_assert_false (g_file_test (test->path, G_FILE_TEST_EXISTS));
}

static void
test_open_directory_is_refused (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (test->dir, 0777), ==, 0);
  g_assert_cmpint (g_chmod (test->dir, 0777), ==, 0);
  g_assert_null (serve (test, &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "mode 777"));
}

static void
test_stale_socket_is_replaced (Test *test, gconstpointer data)
{
  g_autofree gchar *lock = g_strconcat (test->path, ".lock", NULL);
  g_autofree gchar *unfinished = g_strconcat (test->path, ".new", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (test->dir, 0700), ==, 0);
  g_assert_true (g_file_set_contents (test->path, "", 0, NULL));
  g_assert_true (g_file_set_contents (unfinished, "", 0, NULL));
  g_assert_true (g_file_set_contents (lock, "1\n", 2, NULL));
  g_assert_false (mill_peer_server_is_served (test->path, NULL));
  g_autoptr (MillPeerServer) server = serve (test, &error);
  g_assert_no_error (error);
  g_autoptr (MillIpcWorker1) proxy = connect_to (test->path, &error);
  g_assert_no_error (error);
}

/* A live process is not pushed off its name. Locks are per open file, so one
 * process is enough to try. */
static void
test_second_server_is_refused (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillPeerServer) server = serve (test, &error);

  g_assert_no_error (error);
  g_assert_null (serve (test, &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_EXISTS);
  g_clear_error (&error);
  g_autoptr (MillIpcWorker1) proxy = connect_to (test->path, &error);
  g_assert_no_error (error);
}

static void
test_long_path (Test *test, gconstpointer data)
{
  g_autofree gchar *name = g_strnfill (120, 'x');
  g_autofree gchar *path = g_build_filename (test->dir, name, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (mill_peer_server_new (path,
      G_DBUS_INTERFACE_SKELETON (test->skeleton), MILL_IPC_WORKER_PATH,
      &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID);
}

static void
become_stranger (gpointer user_data)
{
  if (setgid (STRANGER_UID) != 0 || setuid (STRANGER_UID) != 0)
    _exit (99);
}

static gboolean
has_exited (GSubprocess *child, gint *ret_status)
{
  GAsyncResult *slot = NULL;

  g_subprocess_wait_async (child, NULL, on_result, &slot);
  g_autoptr (GAsyncResult) result = await (&slot);
  *ret_status = g_subprocess_get_exit_status (child);
  return g_subprocess_wait_finish (child, result, NULL);
}

/* Even with the directory and the socket wide open, another user is told to go
 * away: --stranger PATH ends with 0 when it could not connect. */
static void
test_stranger_is_refused (Test *test, gconstpointer data)
{
  g_autofree gchar *root = g_path_get_dirname (test->dir);
  g_autoptr (GError) error = NULL;
  gint status = -1;

  if (geteuid () != 0) {
    g_test_skip ("only root can become another user");
    g_mkdir (test->dir, 0700);
    return;
  }
  g_autoptr (MillPeerServer) server = serve (test, &error);
  g_assert_no_error (error);
  g_chmod (root, 0755);
  g_chmod (test->dir, 0755);
  g_chmod (test->path, 0777);
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_subprocess_launcher_set_child_setup (launcher, become_stranger, NULL, NULL);
  g_autofree gchar *binary = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree gchar *copy = g_build_filename (root, "stranger", NULL);
  g_autoptr (GFile) from = g_file_new_for_path (binary);
  g_autoptr (GFile) to = g_file_new_for_path (copy);
  /* The build tree may be closed to the other user. */
  g_assert_true (g_file_copy (from, to, G_FILE_COPY_NONE, NULL, NULL, NULL,
      &error));
  g_autoptr (GSubprocess) child = g_subprocess_launcher_spawn (launcher, &error,
      copy, "--stranger", test->path, NULL);
  g_assert_no_error (error);
  g_assert_true (has_exited (child, &status));
  g_assert_cmpint (status, ==, 0);
  g_assert_false (mill_peer_server_is_connected (server));
  g_remove (copy);
}

static gint
run_stranger (const gchar *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *address = mill_ipc_get_address (path);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) socket = g_unix_socket_address_new (path);
  g_autoptr (GSocketConnection) reached = g_socket_client_connect (client,
      G_SOCKET_CONNECTABLE (socket), NULL, &error);

  if (!reached)
    return 2; /* the files kept us out: that is not what is tried */
  g_autoptr (GDBusConnection) connection =
      g_dbus_connection_new_for_address_sync (address,
          G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, &error);
  return connection ? 1 : 0;
}

int
main (int argc, char **argv)
{
  if (argc == 3 && strcmp (argv[1], "--stranger") == 0)
    return run_stranger (argv[2]);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ipc/process-report", test_process_report);
  g_test_add_func ("/ipc/stats", test_stats);
  g_test_add_func ("/ipc/graph-spec", test_graph_spec);
  g_test_add_func ("/ipc/tolerant", test_tolerant);
  g_test_add_func ("/ipc/state-words", test_state_words);
#define ADD(name, function) \
  g_test_add ("/ipc/" name, Test, NULL, set_up, function, tear_down)
  ADD ("errors-cross", test_errors_cross);
  ADD ("socket-is-private", test_socket_is_private);
  ADD ("open-directory-is-refused", test_open_directory_is_refused);
  ADD ("stale-socket-is-replaced", test_stale_socket_is_replaced);
  ADD ("second-server-is-refused", test_second_server_is_refused);
  ADD ("long-path", test_long_path);
  ADD ("stranger-is-refused", test_stranger_is_refused);
  return g_test_run ();
}
