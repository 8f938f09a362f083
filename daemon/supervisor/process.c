/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "process.h"

#include <signal.h>
#include <string.h>

#include "daemon/ipc/ipc.h"

/* A process that was just dying when we looked still answered at its socket,
 * and then did not: connecting is tried again, over about 3 s. */
#define CONNECT_ATTEMPTS 5
#define CONNECT_RETRY_MS 100

#define DEFAULT_PATIENCE_MS 10000
/* Of one part of one stream nobody but its viewers waits for an answer, so it
 * is asked more often. */
#define ISOLATED_POLL_MS 500
/* A stream that is stopped at once, and its process, end within this: closing
 * encoders takes seconds. Less than a supervisor that drains waits for all. */
#define END_MS 4000

struct _MillProcess
{
  GObject parent;
  MillProcessKind kind;
  gchar *id;
  MillProcessLauncher *launcher;
  GCancellable *life; /* of what is under way; cancelled by leave */
  GObject *proxy; /* nullable: MillWorkerProxy or MillOriginProxy */
  MillPeerLink *link; /* of the proxy */
  gboolean launching;
  guint attempts; /* to connect that failed */
  guint timer; /* of the next attempt, or of the end */
  gboolean ending;
  gboolean again; /* launched when the end is reached */
  gint64 patience_us;
  gboolean aborted; /* SIGABRT was sent: the next is SIGKILL */
  guint64 cpu_usec; /* at cpu_time */
  gint64 cpu_time; /* monotonic; 0: no sample yet */
  gdouble cpu; /* cores, between the last two samples */
};

G_DEFINE_FINAL_TYPE (MillProcess, mill_process, G_TYPE_OBJECT)

enum
{
  SIGNAL_CONNECTED,
  SIGNAL_LOST,
  SIGNAL_FAILED,
  SIGNAL_ENDED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static void launch (MillProcess *process);

const gchar *
mill_process_kind_to_string (MillProcessKind kind)
{
  static const gchar *const names[] = { "shared", "isolated", "origin" };
  return names[kind];
}

/* ---- reading ---- */

MillProcessKind
mill_process_get_kind (MillProcess *process)
{
  return process->kind;
}

const gchar *
mill_process_get_id (MillProcess *process)
{
  return process->id;
}

void
mill_process_set_id (MillProcess *process, const gchar *id)
{
  g_free (process->id);
  process->id = g_strdup (id);
}

gboolean
mill_process_is_ending (MillProcess *process)
{
  return process->ending;
}

const MillProcessReport *
mill_process_get_report (MillProcess *process)
{
  return process->link ? mill_peer_link_get_report (process->link) : NULL;
}

const MillProcessStats *
mill_process_get_stats (MillProcess *process)
{
  return process->link ? mill_peer_link_get_last_stats (process->link) : NULL;
}

MillWorkerProxy *
mill_process_get_worker (MillProcess *process)
{
  return process->kind != MILL_PROCESS_ORIGIN
      ? (MillWorkerProxy *) process->proxy
      : NULL;
}

MillOriginProxy *
mill_process_get_origin (MillProcess *process)
{
  return process->kind == MILL_PROCESS_ORIGIN
      ? (MillOriginProxy *) process->proxy
      : NULL;
}

/* ---- load ---- */

gdouble
mill_process_get_cpu (MillProcess *process)
{
  return process->cpu;
}

void
mill_process_sample (MillProcess *process)
{
  const MillProcessStats *stats = mill_process_get_stats (process);
  gint64 now = g_get_monotonic_time ();
  if (!stats || stats->cpu_usec < process->cpu_usec) { /* gone, or a new one */
    process->cpu_time = 0;
    process->cpu_usec = 0;
    process->cpu = 0;
    return;
  }
  if (process->cpu_time > 0 && now > process->cpu_time)
    process->cpu = (gdouble) (stats->cpu_usec - process->cpu_usec) /
        (gdouble) (now - process->cpu_time);
  process->cpu_usec = stats->cpu_usec;
  process->cpu_time = now;
}

/* ---- going down ---- */

static void
disconnect_proxy (MillProcess *process)
{
  if (process->kind == MILL_PROCESS_ORIGIN)
    mill_origin_proxy_disconnect (MILL_ORIGIN_PROXY (process->proxy));
  else
    mill_worker_proxy_disconnect (MILL_WORKER_PROXY (process->proxy));
}

static void
forget_proxy (MillProcess *process)
{
  if (process->link)
    g_signal_handlers_disconnect_by_data (process->link, process);
  process->link = NULL;
  g_clear_object (&process->proxy);
  process->aborted = FALSE;
  process->patience_us = DEFAULT_PATIENCE_MS * 1000;
}

/* It is gone. */
static void
reach_end (MillProcess *process)
{
  g_autoptr (MillProcess) alive = g_object_ref (process);
  g_clear_handle_id (&process->timer, g_source_remove);
  process->ending = FALSE;
  if (process->again) {
    process->again = FALSE;
    launch (process);
  } else
    g_signal_emit (process, signals[SIGNAL_ENDED], 0);
}

static void
fail (MillProcess *process, const GError *error)
{
  g_autoptr (MillProcess) alive = g_object_ref (process);
  process->launching = FALSE;
  process->attempts = 0;
  if (process->ending)
    reach_end (process);
  else
    g_signal_emit (process, signals[SIGNAL_FAILED], 0, error);
}

static gboolean
on_retry_due (gpointer user_data)
{
  MillProcess *process = user_data;
  process->timer = 0;
  launch (process);
  return G_SOURCE_REMOVE;
}

static void
fail_to_connect (MillProcess *process, const GError *error)
{
  if (process->ending || error->domain == MILL_IPC_ERROR ||
      process->attempts >= CONNECT_ATTEMPTS) {
    fail (process, error);
    return;
  }
  g_info ("process %s: %s; trying again", process->id, error->message);
  process->timer = g_timeout_add (CONNECT_RETRY_MS << process->attempts,
      on_retry_due, process);
  process->attempts++;
}

static void
on_lost (MillPeerLink *link, gpointer user_data)
{
  g_autoptr (MillProcess) process = g_object_ref (user_data);
  forget_proxy (process);
  if (process->ending) {
    reach_end (process);
    return;
  }
  g_autofree gchar *words =
      mill_process_launcher_read_last_words (process->launcher, process->id);
  g_autofree gchar *reason =
      g_strdup_printf ("process %s ended unexpectedly", process->id);
  g_warning ("%s%s%s", reason, words ? ", its last words:\n" : "",
      words ? g_strchomp (words) : "");
  g_signal_emit (process, signals[SIGNAL_LOST], 0, reason, words);
}

/* ---- the watchdog ---- */

/* Its main loop stands still: no stream starts or ends there any more. SIGABRT
 * and not SIGKILL at first, so that it leaves a post-mortem of where it stood;
 * SIGCONT because one that was stopped takes no other signal. */
static void
on_unresponsive (MillPeerLink *link, guint64 silence_usec, gpointer user_data)
{
  MillProcess *process = user_data;
  guint pid = mill_peer_link_get_report (link)->pid;
  /* Whose end has a limit of its own: its main loop stands still for as long
   * as its graph takes to stop. */
  if (process->ending && process->kind == MILL_PROCESS_ISOLATED)
    return;
  g_warning ("process %s has not answered for %" G_GUINT64_FORMAT " ms",
      process->id, silence_usec / 1000);
  if ((gint64) silence_usec < process->patience_us || pid <= 1)
    return;
  kill ((pid_t) pid, process->aborted ? SIGKILL : SIGABRT);
  kill ((pid_t) pid, SIGCONT);
  process->aborted = TRUE;
}

static void
on_wedged (MillPeerLink *link, const gchar *thread, guint64 turn_usec,
    gpointer user_data)
{
  MillProcess *process = user_data;
  g_warning ("process %s: thread %s stands still for %" G_GUINT64_FORMAT " ms",
      process->id, thread, turn_usec / 1000);
}

void
mill_process_set_patience (MillProcess *process, guint milliseconds)
{
  process->patience_us = (gint64) milliseconds * 1000;
}

/* ---- coming up: launch, connect ---- */

static void
ignore_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  /* Its end is seen by "lost". */
}

static gboolean
on_end_late (gpointer user_data)
{
  MillProcess *process = user_data;
  const MillProcessReport *report = mill_process_get_report (process);
  process->timer = 0;
  g_warning ("process %s did not end within %d ms: killed", process->id,
      END_MS);
  if (report && report->pid > 1)
    kill ((pid_t) report->pid, SIGKILL);
  return G_SOURCE_REMOVE;
}

static void
call_drain (MillProcess *process)
{
  if (mill_process_get_worker (process))
    mill_worker_proxy_drain_async (mill_process_get_worker (process),
        ignore_result, NULL);
  else
    mill_origin_proxy_drain_async (mill_process_get_origin (process),
        ignore_result, NULL);
}

/* An isolated worker has one stream, which names it: STREAM.PROCESS. */
static void
stop_part (MillProcess *process)
{
  const gchar *dot = strrchr (process->id, '.');
  g_autofree gchar *stream = g_strndup (process->id,
      dot ? (gsize) (dot - process->id) : strlen (process->id));
  mill_worker_proxy_stop_stream_async (mill_process_get_worker (process),
      stream, MILL_WORKER_STOP_NOW, ignore_result, NULL);
}

static void
end_now (MillProcess *process)
{
  if (process->kind == MILL_PROCESS_ISOLATED) {
    process->timer = g_timeout_add (END_MS, on_end_late, process);
    stop_part (process);
  }
  call_drain (process);
}

static void
take_proxy (MillProcess *process, GObject *proxy, MillPeerLink *link)
{
  g_autoptr (MillProcess) alive = g_object_ref (process);
  process->launching = FALSE;
  process->attempts = 0;
  process->proxy = proxy;
  process->link = link;
  g_signal_connect (link, "lost", G_CALLBACK (on_lost), process);
  g_signal_connect (link, "unresponsive", G_CALLBACK (on_unresponsive),
      process);
  g_signal_connect (link, "wedged", G_CALLBACK (on_wedged), process);
  if (process->kind == MILL_PROCESS_ISOLATED)
    mill_peer_link_watch_closely (link, ISOLATED_POLL_MS);
  if (process->ending)
    end_now (process);
  else
    g_signal_emit (process, signals[SIGNAL_CONNECTED], 0);
}

static void
on_worker_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillProcess) process = user_data;
  g_autoptr (GError) error = NULL;
  MillWorkerProxy *proxy = mill_worker_proxy_connect_finish (result, &error);
  if (proxy)
    take_proxy (process, G_OBJECT (proxy), mill_worker_proxy_get_link (proxy));
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    fail_to_connect (process, error);
}

static void
on_origin_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillProcess) process = user_data;
  g_autoptr (GError) error = NULL;
  MillOriginProxy *proxy = mill_origin_proxy_connect_finish (result, &error);
  if (proxy)
    take_proxy (process, G_OBJECT (proxy), mill_origin_proxy_get_link (proxy));
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    fail_to_connect (process, error);
}

static void
on_launched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillProcess) process = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *socket =
      mill_process_launcher_launch_finish (MILL_PROCESS_LAUNCHER (source),
          result, &error);
  if (g_cancellable_is_cancelled (process->life))
    return;
  if (!socket)
    fail (process, error);
  else if (process->kind == MILL_PROCESS_ORIGIN)
    mill_origin_proxy_connect_async (socket, process->life, on_origin_connected,
        g_object_ref (process));
  else
    mill_worker_proxy_connect_async (socket, process->life, on_worker_connected,
        g_object_ref (process));
}

static void
launch (MillProcess *process)
{
  MillProcessLauncher *launcher = process->launcher;
  process->launching = TRUE;
  switch (process->kind) {
    case MILL_PROCESS_SHARED:
      mill_process_launcher_launch_worker_async (launcher, process->id,
          process->life, on_launched, g_object_ref (process));
      break;
    case MILL_PROCESS_ISOLATED:
      mill_process_launcher_launch_isolated_async (launcher, process->id,
          process->life, on_launched, g_object_ref (process));
      break;
    case MILL_PROCESS_ORIGIN:
      mill_process_launcher_launch_origin_async (launcher, process->id,
          process->life, on_launched, g_object_ref (process));
      break;
  }
}

void
mill_process_launch (MillProcess *process)
{
  if (process->ending)
    process->again = TRUE;
  else if (!process->launching && !process->proxy)
    launch (process);
}

/* ---- the end ---- */

static gboolean
on_nothing_to_end (gpointer user_data)
{
  MillProcess *process = user_data;
  process->timer = 0;
  reach_end (process);
  return G_SOURCE_REMOVE;
}

void
mill_process_end (MillProcess *process)
{
  process->again = FALSE;
  if (process->ending)
    return;
  process->ending = TRUE;
  g_clear_handle_id (&process->timer, g_source_remove);
  if (process->proxy)
    end_now (process);
  else if (!process->launching || process->attempts > 0) {
    process->launching = FALSE;
    process->attempts = 0;
    process->timer = g_idle_add (on_nothing_to_end, process);
  }
}

void
mill_process_leave (MillProcess *process)
{
  g_cancellable_cancel (process->life);
  g_clear_handle_id (&process->timer, g_source_remove);
  if (process->proxy)
    disconnect_proxy (process);
  forget_proxy (process);
}

/* ---- class ---- */

MillProcess *
mill_process_new (MillProcessKind kind, const gchar *id,
    MillProcessLauncher *launcher)
{
  MillProcess *process = g_object_new (MILL_TYPE_PROCESS, NULL);
  process->kind = kind;
  process->id = g_strdup (id);
  process->launcher = g_object_ref (launcher);
  return process;
}

static void
mill_process_finalize (GObject *object)
{
  MillProcess *process = MILL_PROCESS (object);
  mill_process_leave (process);
  g_clear_object (&process->life);
  g_clear_object (&process->launcher);
  g_free (process->id);
  G_OBJECT_CLASS (mill_process_parent_class)->finalize (object);
}

static void
mill_process_class_init (MillProcessClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = mill_process_finalize;
  signals[SIGNAL_CONNECTED] = g_signal_new ("connected", type,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_LOST] = g_signal_new ("lost", type, G_SIGNAL_RUN_LAST, 0, NULL,
      NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);
  signals[SIGNAL_FAILED] = g_signal_new ("failed", type, G_SIGNAL_RUN_LAST, 0,
      NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
  signals[SIGNAL_ENDED] = g_signal_new ("ended", type, G_SIGNAL_RUN_LAST, 0,
      NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
mill_process_init (MillProcess *process)
{
  process->life = g_cancellable_new ();
  process->patience_us = DEFAULT_PATIENCE_MS * 1000;
}
