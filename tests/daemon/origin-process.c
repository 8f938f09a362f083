/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* millrace-origin as a process: by hand, and as millraced drives it. Were this
 * wrong, nothing would be served after a start or an upgrade, or a viewer's
 * download would be cut when the origin ends. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <glib-unix.h>

#include "daemon/common/peer-server.h"
#include "daemon/ipc/ipc.h"
#include "daemon/supervisor/origin-proxy.h"
#include "fixture.h"

#define DEADLINE_US (20 * G_USEC_PER_SEC)

static gchar *
find_binary (void)
{
  return g_build_filename (g_getenv ("MILL_BUILD_ROOT"), "daemon",
      "millrace-origin", NULL);
}

/* ---- by hand ---- */

static GSubprocess *
start (const gchar *media_dir, const gchar *listen)
{
  g_autofree gchar *binary = find_binary ();
  g_autoptr (GError) error = NULL;
  GSubprocess *process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE |
          G_SUBPROCESS_FLAGS_STDERR_PIPE,
      &error, binary, "--media-dir", media_dir, "--listen", listen, NULL);

  g_assert_no_error (error);
  return process;
}

/* The address of the "listening" line. */
static gchar *
read_address (GSubprocess *process)
{
  g_autoptr (GDataInputStream) out =
      g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  g_autofree gchar *line =
      g_data_input_stream_read_line (out, NULL, NULL, NULL);

  g_filter_input_stream_set_close_base_stream (G_FILTER_INPUT_STREAM (out),
      FALSE);
  g_assert_nonnull (line);
  g_assert_true (g_str_has_prefix (line, "listening origin 127.0.0.1:"));
  return g_strdup (line + strlen ("listening origin "));
}

static GSocketConnection *
connect_to (const gchar *address)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection;

  g_socket_client_set_timeout (client, 20);
  connection =
      g_socket_client_connect_to_host (client, address, 0, NULL, &error);
  g_assert_no_error (error);
  return connection;
}

static GSocketConnection *
ask (const gchar *address, const gchar *path)
{
  GSocketConnection *connection = connect_to (address);
  g_autofree gchar *request =
      g_strdup_printf ("GET %s HTTP/1.1\r\nHost: t\r\n\r\n", path);

  g_output_stream_write_all (
      g_io_stream_get_output_stream (G_IO_STREAM (connection)), request,
      strlen (request), NULL, NULL, NULL);
  return connection;
}

static gsize
read_some (GSocketConnection *connection, gsize most)
{
  g_autofree gchar *block = g_malloc (most);
  gssize got = g_input_stream_read (
      g_io_stream_get_input_stream (G_IO_STREAM (connection)), block, most,
      NULL, NULL);

  g_assert_cmpint (got, >=, 0);
  return got;
}

#define BIG (24 * 1024 * 1024)

static void
write_movie (const gchar *media_dir)
{
  g_autofree gchar *directory = g_build_filename (media_dir, "demo", NULL);
  g_autofree gchar *path = g_build_filename (directory, "movie.mp4", NULL);
  g_autofree gchar *zeroes = g_malloc0 (BIG);

  g_assert_cmpint (g_mkdir_with_parents (directory, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, zeroes, BIG, NULL));
}

/* SIGTERM in the middle of a download: the viewer gets all of it, then the
 * process is gone. */
static void
test_by_hand (void)
{
  Fixture *fixture = fixture_new (NULL, 0);
  g_autoptr (GSubprocess) process = start (fixture->media_dir, "127.0.0.1:0");
  g_autofree gchar *address = read_address (process);
  g_autoptr (GSocketConnection) viewer = NULL;
  gsize total;
  gsize got;

  write_movie (fixture->media_dir);
  viewer = ask (address, "/stream/demo/movie.mp4");
  total = read_some (viewer, 1000);
  g_subprocess_send_signal (process, SIGTERM);
  do {
    got = read_some (viewer, 1 << 20);
    total += got;
  } while (got > 0 && total < BIG);
  g_assert_cmpuint (total, >=, BIG);
  g_assert_true (g_subprocess_wait (process, NULL, NULL));
  g_assert_true (g_subprocess_get_if_exited (process));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 0);
  fixture_free (fixture);
}

static void
assert_fails (const gchar *listen, gint status, const gchar *expected)
{
  g_autoptr (GSubprocess) process = start ("/nonexistent", listen);
  g_autofree gchar *errors = NULL;

  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, NULL,
      &errors, NULL));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, status);
  if (strstr (errors, expected) == NULL)
    g_error ("got '%s', expected '%s' in it", errors, expected);
}

static void
test_bad_addresses (void)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  g_autofree gchar *taken = g_strdup_printf ("127.0.0.1:%u", port);

  assert_fails (taken, 69, taken);
  assert_fails ("nowhere", 64, "'nowhere', expected HOST:PORT");
  assert_fails ("::1", 64, "'::1', expected HOST:PORT");
  assert_fails ("127.0.0.1:99999", 64, "expected HOST:PORT");
}

/* ---- under millraced ---- */

static gboolean
has_result (gpointer data)
{
  return *(GAsyncResult **) data != NULL;
}

static GAsyncResult *
wait_result (GAsyncResult **result)
{
  fixture_wait ("the answer", has_result, result);
  return g_steal_pointer (result);
}

static MillOriginProxy *
launch (Fixture *fixture)
{
  g_autoptr (GAsyncResult) launched = NULL;
  g_autoptr (GAsyncResult) connected = NULL;
  g_autoptr (GAsyncResult) taken = NULL;
  g_autoptr (GAsyncResult) taken_too = NULL;
  g_autofree gchar *socket_path = NULL;
  g_autoptr (GError) error = NULL;
  MillOriginProxy *proxy;

  mill_process_launcher_launch_origin_async (fixture->launcher, "origin", NULL,
      fixture_on_result, &launched);
  taken = wait_result (&launched);
  socket_path =
      mill_process_launcher_launch_finish (fixture->launcher, taken, &error);
  g_assert_no_error (error);
  mill_origin_proxy_connect_async (socket_path, NULL, fixture_on_result,
      &connected);
  taken_too = wait_result (&connected);
  proxy = mill_origin_proxy_connect_finish (taken_too, &error);
  g_assert_no_error (error);
  return proxy;
}

static gchar *
listen_on (MillOriginProxy *proxy, const gchar *kind, const gchar *address,
    GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) taken = NULL;

  mill_origin_proxy_listen_async (proxy, kind, address, fixture_on_result,
      &result);
  taken = wait_result (&result);
  return mill_origin_proxy_listen_finish (proxy, taken, error);
}

static gboolean
is_origin_gone (gpointer data)
{
  return !mill_process_launcher_is_origin_running (data, "origin");
}

static void
assert_served (const gchar *address)
{
  g_autoptr (GSocketConnection) viewer = ask (address, "/healthz");

  g_assert_cmpuint (read_some (viewer, 4096), >, 0);
}

static void
drain (Fixture *fixture, MillOriginProxy *proxy)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) taken = NULL;

  mill_origin_proxy_drain_async (proxy, fixture_on_result, &result);
  taken = wait_result (&result);
  g_assert_true (mill_origin_proxy_drain_finish (proxy, taken, NULL));
  fixture_wait ("the origin's end", is_origin_gone, fixture->launcher);
}

static void
test_driven (void)
{
  Fixture *fixture = fixture_new (NULL, 0);
  g_autoptr (MillOriginProxy) proxy = launch (fixture);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *bound = NULL;
  g_autofree gchar *again = NULL;

  g_assert_null (listen_on (proxy, "rtmp", "127.0.0.1:0", &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_null (listen_on (proxy, "origin", "nowhere", &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID);
  g_clear_error (&error);

  bound = listen_on (proxy, "origin", "127.0.0.1:0", &error);
  g_assert_no_error (error);
  again = listen_on (proxy, "origin", "127.0.0.1:0", &error);
  g_assert_cmpstr (again, ==, bound);
  assert_served (bound);
  drain (fixture, proxy);
  fixture_free (fixture);
}

static void
test_address_in_use (void)
{
  Fixture *fixture = fixture_new (NULL, 0);
  g_autoptr (MillOriginProxy) proxy = launch (fixture);
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  g_autofree gchar *taken = g_strdup_printf ("127.0.0.1:%u", port);
  g_autofree gchar *bound = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (listen_on (proxy, "origin", taken, &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_ADDRESS_IN_USE);
  g_assert_nonnull (strstr (error->message, taken));
  /* And it may be told another one. */
  bound = listen_on (proxy, "origin", "127.0.0.1:0", NULL);
  g_assert_nonnull (bound);
  drain (fixture, proxy);
  fixture_free (fixture);
}

/* A supervisor that comes back finds what is served, on the same address. */
static void
test_adopted (void)
{
  Fixture *fixture = fixture_new (NULL, 0);
  MillOriginProxy *first = launch (fixture);
  const guint pid =
      mill_peer_link_get_report (mill_origin_proxy_get_link (first))->pid;
  g_autofree gchar *bound = listen_on (first, "origin", "127.0.0.1:0", NULL);
  g_autoptr (MillOriginProxy) second = NULL;
  const MillProcessReport *report;

  mill_origin_proxy_disconnect (first);
  g_object_unref (first);
  assert_served (bound);
  second = launch (fixture);
  report = mill_peer_link_get_report (mill_origin_proxy_get_link (second));
  g_assert_cmpuint (
      mill_peer_link_get_report (mill_origin_proxy_get_link (second))->pid, ==,
      pid);
  g_assert_cmpstr (g_hash_table_lookup (report->listeners, "origin"), ==,
      bound);
  g_assert_cmpstr (report->media_dir, ==, fixture->media_dir);
  g_assert_cmpuint (report->protocol, ==, MILL_IPC_PROTOCOL);
  drain (fixture, second);
  fixture_free (fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/origin/process/by-hand", test_by_hand);
  g_test_add_func ("/origin/process/bad-addresses", test_bad_addresses);
  g_test_add_func ("/origin/process/driven", test_driven);
  g_test_add_func ("/origin/process/address-in-use", test_address_in_use);
  g_test_add_func ("/origin/process/adopted", test_adopted);
  return g_test_run ();
}
