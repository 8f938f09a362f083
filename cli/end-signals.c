/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "end-signals.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Whoever writes is not stopped: the end of a long recording is a copy of it. */
#define TICK_MS 500
/* The line of progress is no output. */
#define LEAST_WRITTEN 4096

static const gint ending[] = { SIGINT, SIGTERM };

/* Written before the handlers are there, or by what is safe in them. */
static volatile sig_atomic_t n_signals;
static gint wake_fd = -1;
static guint deadline_s;
static gchar *second_text;
static gchar *late_text;

static void (*first_func) (gpointer user_data);
static gpointer first_data;
static guint wake_source;
static guint tick_source;
static guint64 written; /* at the last tick */

/* ---- in handlers: async-signal-safe calls alone (signal-safety(7)) ---- */

static void
die (const gchar *text)
{
  gssize ignored = write (STDERR_FILENO, text, strlen (text));
  (void) ignored;
  _exit (MILL_EXIT_INTERRUPTED);
}

static void
on_signal (int number)
{
  const guint64 one = 1;
  int saved = errno;
  if (number == SIGALRM)
    die (late_text);
  if (n_signals++ > 0)
    die (second_text);
  alarm (deadline_s);
  gssize ignored = write (wake_fd, &one, sizeof one);
  (void) ignored;
  errno = saved;
}

/* ---- on the main loop ---- */

/* Bytes that the process has written, to whatever it was (proc(5)). */
static guint64
count_written (void)
{
  g_autofree gchar *text = NULL;
  if (!g_file_get_contents ("/proc/self/io", &text, NULL, NULL))
    return 0;
  const gchar *at = strstr (text, "wchar: ");
  return at != NULL ? g_ascii_strtoull (at + strlen ("wchar: "), NULL, 10) : 0;
}

static gboolean
on_tick (gpointer user_data)
{
  guint64 now = count_written ();
  if (now - written >= LEAST_WRITTEN)
    alarm (deadline_s);
  written = now;
  return G_SOURCE_CONTINUE;
}

static void
begin_ticks (void)
{
  written = count_written ();
  if (tick_source == 0)
    tick_source = g_timeout_add (TICK_MS, on_tick, NULL);
}

static gboolean
on_wake (gint fd, GIOCondition condition, gpointer user_data)
{
  guint64 count;
  if (read (fd, &count, sizeof count) != sizeof count)
    return G_SOURCE_CONTINUE;
  begin_ticks ();
  first_func (first_data);
  return G_SOURCE_CONTINUE;
}

static void
set_handler (gint number, void (*handler) (int))
{
  struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
  sigemptyset (&action.sa_mask);
  sigaction (number, &action, NULL);
}

/* A progress line may stand on the terminal. */
static gchar *
format_text (const MillCli *cli, const gchar *text)
{
  return g_strdup_printf ("%smillrace %s: error: %s; output may be "
                          "incomplete\n",
      isatty (STDERR_FILENO) ? "\r\033[K" : "", cli->verb, text);
}

void
mill_end_signals_install (const MillCli *cli, guint seconds,
    void (*on_first) (gpointer user_data), gpointer user_data)
{
  g_autofree gchar *late = g_strdup_printf (
      "stopped after %u s, in which the end did not come and nothing was written",
      seconds);
  deadline_s = seconds;
  second_text = format_text (cli, "stopped at once by a second signal");
  late_text = format_text (cli, late);
  first_func = on_first;
  first_data = user_data;
  n_signals = 0;
  wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  wake_source = g_unix_fd_add (wake_fd, G_IO_IN, on_wake, NULL);
  set_handler (SIGALRM, on_signal);
  for (guint i = 0; i < G_N_ELEMENTS (ending); i++)
    set_handler (ending[i], on_signal);
}

void
mill_end_signals_begin (void)
{
  if (n_signals++ > 0)
    return;
  alarm (deadline_s);
  begin_ticks ();
}

void
mill_end_signals_release (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (ending); i++)
    set_handler (ending[i], SIG_DFL);
}

void
mill_end_signals_finish (void)
{
  alarm (0);
  if (tick_source != 0)
    g_source_remove (tick_source);
  tick_source = 0;
  set_handler (SIGALRM, SIG_DFL);
  g_source_remove (wake_source);
  close (wake_fd);
  g_clear_pointer (&second_text, g_free);
  g_clear_pointer (&late_text, g_free);
}
