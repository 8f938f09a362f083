/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/common/post-mortem.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_FRAMES 64
#define STREAMS_TEXT_BYTES 16384
#define STACK_BYTES (64 * 1024)

static const gint SIGNALS[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL };

/* Read by the signal handler on whatever thread crashes. */
static volatile gint crash_fd = -1;
static volatile gint crashing; /* atomic */
/* Two texts in turn: the handler reads the one that is not being written. */
static gchar streams_text[2][STREAMS_TEXT_BYTES];
static volatile gint streams_current; /* atomic */

/* Main thread. */
static GPtrArray *streams;
static gchar *crash_path;
static gchar signal_stack[STACK_BYTES];

/* ---- in the handler: async-signal-safe calls only (signal-safety(7)) ---- */

static void
put_text (const gchar *text)
{
  gsize left = strlen (text);

  while (left > 0) {
    const gssize done = write (crash_fd, text, left);
    if (done <= 0)
      return;
    text += done;
    left -= (gsize) done;
  }
}

static void
put_number (guint64 number)
{
  gchar digits[24];
  gsize at = sizeof digits - 1;

  digits[at] = '\0';
  do {
    digits[--at] = (gchar) ('0' + number % 10);
    number /= 10;
  } while (number > 0);
  put_text (digits + at);
}

static const gchar *
signal_name (gint number)
{
  switch (number) {
    case SIGSEGV:
      return "SIGSEGV";
    case SIGABRT:
      return "SIGABRT";
    case SIGBUS:
      return "SIGBUS";
    case SIGFPE:
      return "SIGFPE";
    case SIGILL:
      return "SIGILL";
    default:
      return "signal";
  }
}

static void
put_report (gint number)
{
  struct timespec now = { 0 };
  gchar thread[16] = "";
  void *frames[MAX_FRAMES];

  clock_gettime (CLOCK_REALTIME, &now);
  prctl (PR_GET_NAME, thread);
  put_text ("signal: ");
  put_text (signal_name (number));
  put_text ("\ntime: ");
  put_number ((guint64) now.tv_sec);
  put_text ("\npid: ");
  put_number ((guint64) getpid ());
  put_text ("\nthread: ");
  put_text (thread);
  put_text ("\nstreams:");
  put_text (streams_text[g_atomic_int_get (&streams_current)]);
  put_text ("\nbacktrace:\n");
  backtrace_symbols_fd (frames, backtrace (frames, MAX_FRAMES), crash_fd);
}

static void
on_crash (gint number)
{
  const gint saved_errno = errno;

  /* A second thread that crashes meanwhile waits for the end of the process. */
  if (!g_atomic_int_compare_and_exchange (&crashing, 0, 1)) {
    for (;;)
      pause ();
  }
  if (crash_fd >= 0) {
    put_report (number);
    (void) fsync (crash_fd);
  }
  errno = saved_errno;
  /* SA_RESETHAND has put the default action back: die of the same signal. */
  raise (number);
}

/* ---- main thread ---- */

static void
publish_streams (void)
{
  const gint next = 1 - g_atomic_int_get (&streams_current);
  gchar *text = streams_text[next];
  gsize used = 0;

  text[0] = '\0';
  for (guint i = 0; streams && i < streams->len; i++) {
    const gchar *name = streams->pdata[i];
    if (used + strlen (name) + 2 > STREAMS_TEXT_BYTES)
      break;
    used += (gsize) g_snprintf (text + used, STREAMS_TEXT_BYTES - used, " %s",
        name);
  }
  g_atomic_int_set (&streams_current, next);
}

static void
install_handlers (void)
{
  const stack_t stack = { .ss_sp = signal_stack, .ss_size = STACK_BYTES };
  struct sigaction action = {
    .sa_handler = on_crash,
    .sa_flags = (int) (SA_ONSTACK | SA_RESETHAND | SA_NODEFER),
  };
  void *frame;

  /* The first backtrace() loads libgcc, which takes malloc: not in a crash. */
  (void) backtrace (&frame, 1);
  (void) sigaltstack (&stack, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (SIGNALS); i++)
    sigaction (SIGNALS[i], &action, NULL);
}

gboolean
mill_post_mortem_open (const gchar *path, GError **error)
{
  g_autofree gchar *dir = g_path_get_dirname (path);
  g_autofree gchar *old = g_strconcat (path, ".1", NULL);
  struct stat status;

  if (g_mkdir_with_parents (dir, 0750) == 0 && stat (path, &status) == 0 &&
      status.st_size > 0)
    (void) g_rename (path, old); /* the predecessor's, of the same id */
  const gint fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0) {
    const gint code = errno;
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
        "open '%s': %s", path, g_strerror (code));
    return FALSE;
  }
  g_free (crash_path);
  crash_path = g_strdup (path);
  crash_fd = fd;
  publish_streams ();
  install_handlers ();
  return TRUE;
}

void
mill_post_mortem_close (void)
{
  struct stat status;

  if (crash_fd < 0)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (SIGNALS); i++)
    signal (SIGNALS[i], SIG_DFL);
  if (fstat (crash_fd, &status) == 0 && status.st_size == 0)
    (void) g_unlink (crash_path);
  close (crash_fd);
  crash_fd = -1;
  g_clear_pointer (&crash_path, g_free);
  g_clear_pointer (&streams, g_ptr_array_unref);
}

void
mill_post_mortem_add_stream (const gchar *name)
{
  if (!streams)
    streams = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (streams, g_strdup (name));
  publish_streams ();
}

void
mill_post_mortem_remove_stream (const gchar *name)
{
  guint index;

  if (streams &&
      g_ptr_array_find_with_equal_func (streams, name, g_str_equal, &index)) {
    g_ptr_array_remove_index (streams, index);
    publish_streams ();
  }
}

gchar *
mill_post_mortem_read (const gchar *path)
{
  g_autofree gchar *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL) || *text == '\0')
    return NULL;
  return g_utf8_make_valid (text, -1);
}
