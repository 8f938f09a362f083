/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "fleet.h"

#include <signal.h>

#include "daemon/ipc/ipc.h"

#define SHARED_WORKER_ID "shared-1"

/* A process that dies again and again is started at this pace. */
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 10000
/* How often a start tries to connect to a process, over about 3 s. */
#define EARLY_ATTEMPTS 5
/* One that lived as long as this was healthy. */
#define HEALTHY_US (30 * G_USEC_PER_SEC)

/* Longer than the poll of the proxies, so that each sample is a new one. */
#define SAMPLE_SECONDS 5

#define MAX_SILENCE_US (10 * G_USEC_PER_SEC)

typedef enum
{
  PROCESS_WORKER,
  PROCESS_ORIGIN,
  N_PROCESSES,
} ProcessKind;

/** One process: launched or found, then connected, then listening. */
typedef struct
{
  MillFleet *fleet; /* not owned */
  ProcessKind kind;
  gchar *id;
  gchar *wanted; /* nullable: address to listen on */
  gboolean disabled; /* an origin that is to listen nowhere */
  gchar *bound; /* nullable: once bound, asked for again after a restart */
  GObject *proxy; /* nullable: MillWorkerProxy or MillOriginProxy */
  gulong handlers[3];
  gboolean up;
  gint64 up_since; /* monotonic */
  guint retry_ms;
  guint timer;
  guint early; /* connections that failed before it was ever up */
  guint64 cpu_usec; /* at cpu_time */
  gint64 cpu_time; /* monotonic; 0: no sample yet */
  gdouble cpu; /* cores, between the last two samples */
} Process;

struct _MillFleet
{
  GObject parent;
  MillProcessLauncher *launcher;
  GCancellable *life;
  Process processes[N_PROCESSES];
  GPtrArray *strangers; /* (element-type MillWorkerProxy): drain */
  gboolean was_up;
  gboolean leaving;
  guint drain_timer;
  guint sample_timer;
  guint restarts;
};

G_DEFINE_FINAL_TYPE (MillFleet, mill_fleet, G_TYPE_OBJECT)

enum
{
  SIGNAL_WORKER_UP,
  SIGNAL_WORKER_DOWN,
  SIGNAL_UP,
  SIGNAL_FAILED,
  SIGNAL_EMPTY,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static void launch (Process *process);

static const gchar *
get_name (const Process *process)
{
  return process->kind == PROCESS_WORKER ? process->id : "origin";
}

/* ---- reading ---- */

gboolean
mill_fleet_is_up (MillFleet *fleet)
{
  for (guint i = 0; i < N_PROCESSES; i++)
    if (!fleet->processes[i].up && !fleet->processes[i].disabled)
      return FALSE;
  return TRUE;
}

const gchar *
mill_fleet_get_rtmp_address (MillFleet *fleet)
{
  return fleet->processes[PROCESS_WORKER].bound;
}

const gchar *
mill_fleet_get_origin_address (MillFleet *fleet)
{
  return fleet->processes[PROCESS_ORIGIN].bound;
}

MillWorkerProxy *
mill_fleet_get_worker (MillFleet *fleet)
{
  return (MillWorkerProxy *) fleet->processes[PROCESS_WORKER].proxy;
}

MillOriginProxy *
mill_fleet_get_origin (MillFleet *fleet)
{
  return (MillOriginProxy *) fleet->processes[PROCESS_ORIGIN].proxy;
}

gdouble
mill_fleet_get_worker_cpu (MillFleet *fleet)
{
  return fleet->processes[PROCESS_WORKER].cpu;
}

gdouble
mill_fleet_get_origin_cpu (MillFleet *fleet)
{
  return fleet->processes[PROCESS_ORIGIN].cpu;
}

guint
mill_fleet_get_restarts (MillFleet *fleet)
{
  return fleet->restarts;
}

/* ---- going down, and trying again ---- */

static gboolean
on_retry_due (gpointer user_data)
{
  Process *process = user_data;
  process->timer = 0;
  process->fleet->restarts++;
  launch (process);
  return G_SOURCE_REMOVE;
}

static void
retry (Process *process)
{
  if (process->up_since > 0 &&
      g_get_monotonic_time () - process->up_since > HEALTHY_US)
    process->retry_ms = 0;
  process->retry_ms = CLAMP (process->retry_ms * 2, RETRY_MIN_MS, RETRY_MAX_MS);
  process->timer = g_timeout_add (process->retry_ms, on_retry_due, process);
}

/* Before the first "up" an error is the user's to hear (an occupied port);
 * after it viewers depend on us, so we go on trying. */
static void
fail (Process *process, const GError *error)
{
  MillFleet *fleet = process->fleet;
  g_autofree gchar *text = mill_ipc_error_get_message (error);
  if (fleet->leaving)
    return;
  if (fleet->was_up) {
    g_warning ("%s: %s", get_name (process), text);
    retry (process);
    return;
  }
  g_autoptr (GError) named = g_error_new (error->domain, error->code, "%s: %s",
      get_name (process), text);
  g_signal_emit (fleet, signals[SIGNAL_FAILED], 0, named);
}

/* A process that was just dying when we looked still answered at its socket,
 * and then did not. Its successor will: that is no reason not to start. */
static void
fail_to_connect (Process *process, const GError *error)
{
  if (process->fleet->was_up || process->fleet->leaving ||
      error->domain == MILL_IPC_ERROR || process->early >= EARLY_ATTEMPTS) {
    fail (process, error);
    return;
  }
  process->early++;
  g_info ("%s: %s; trying again", get_name (process), error->message);
  retry (process);
}

static void
check_empty (MillFleet *fleet)
{
  if (!fleet->leaving || fleet->drain_timer == 0)
    return;
  for (guint i = 0; i < N_PROCESSES; i++)
    if (fleet->processes[i].proxy)
      return;
  g_clear_handle_id (&fleet->drain_timer, g_source_remove);
  g_signal_emit (fleet, signals[SIGNAL_EMPTY], 0);
}

static void
forget_proxy (Process *process)
{
  for (guint i = 0; i < G_N_ELEMENTS (process->handlers); i++)
    g_clear_signal_handler (&process->handlers[i], process->proxy);
  g_clear_object (&process->proxy);
  process->up = FALSE;
}

static void
on_lost (GObject *proxy, gpointer user_data)
{
  Process *process = user_data;
  MillFleet *fleet = process->fleet;
  forget_proxy (process);
  if (fleet->leaving) {
    check_empty (fleet);
    return;
  }
  g_autofree gchar *words =
      mill_process_launcher_read_last_words (fleet->launcher, process->id);
  g_autofree gchar *reason =
      g_strdup_printf ("process %s ended unexpectedly", get_name (process));
  g_warning ("%s%s%s", reason, words ? ", its last words:\n" : "",
      words ? g_strchomp (words) : "");
  if (process->kind == PROCESS_WORKER)
    g_signal_emit (fleet, signals[SIGNAL_WORKER_DOWN], 0, reason);
  retry (process);
}

/* ---- coming up: launch, connect, listen ---- */

static void
check_up (MillFleet *fleet)
{
  if (fleet->was_up || !mill_fleet_is_up (fleet))
    return;
  fleet->was_up = TRUE;
  g_signal_emit (fleet, signals[SIGNAL_UP], 0);
}

static void
become_up (Process *process)
{
  process->up = TRUE;
  process->up_since = g_get_monotonic_time ();
  check_up (process->fleet);
}

static void
on_listening (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillFleet) fleet = user_data; /* keeps @process alive */
  g_autoptr (GError) error = NULL;
  ProcessKind kind = MILL_IS_ORIGIN_PROXY (source) ? PROCESS_ORIGIN
                                                   : PROCESS_WORKER;
  Process *process = &fleet->processes[kind];
  gchar *bound = kind == PROCESS_ORIGIN
      ? mill_origin_proxy_listen_finish (MILL_ORIGIN_PROXY (source), result,
            &error)
      : mill_worker_proxy_listen_finish (MILL_WORKER_PROXY (source), result,
            &error);
  if (!bound) {
    if (process->proxy == source)
      fail (process, error);
    return;
  }
  g_free (process->bound);
  process->bound = bound;
  become_up (process);
}

static void
listen_on_address (Process *process)
{
  const gchar *address = process->bound ? process->bound : process->wanted;
  if (!address) {
    become_up (process);
    return;
  }
  if (process->kind == PROCESS_ORIGIN)
    mill_origin_proxy_listen_async (MILL_ORIGIN_PROXY (process->proxy),
        "origin", address, on_listening, g_object_ref (process->fleet));
  else
    mill_worker_proxy_listen_async (MILL_WORKER_PROXY (process->proxy), "rtmp",
        address, on_listening, g_object_ref (process->fleet));
}

/* Its main loop stands still: no stream starts or ends there any more. SIGABRT
 * and not SIGKILL, so that it leaves a post-mortem of where it stood. */
static void
on_unresponsive (GObject *proxy, guint64 silence_usec, gpointer user_data)
{
  Process *process = user_data;
  guint pid = process->kind == PROCESS_WORKER
      ? mill_worker_proxy_get_pid (MILL_WORKER_PROXY (proxy))
      : mill_origin_proxy_get_pid (MILL_ORIGIN_PROXY (proxy));
  g_warning ("process %s has not answered for %" G_GUINT64_FORMAT " ms",
      get_name (process), silence_usec / 1000);
  if (silence_usec >= MAX_SILENCE_US && pid > 1)
    kill ((pid_t) pid, SIGABRT);
}

static void
on_wedged (GObject *proxy, const gchar *thread, guint64 turn_usec,
    gpointer user_data)
{
  Process *process = user_data;
  g_warning ("process %s: thread %s stands still for %" G_GUINT64_FORMAT " ms",
      get_name (process), thread, turn_usec / 1000);
}

static void
take_proxy (Process *process, GObject *proxy)
{
  process->proxy = proxy;
  process->handlers[0] =
      g_signal_connect (proxy, "lost", G_CALLBACK (on_lost), process);
  process->handlers[1] = g_signal_connect (proxy, "unresponsive",
      G_CALLBACK (on_unresponsive), process);
  if (process->kind == PROCESS_WORKER)
    process->handlers[2] =
        g_signal_connect (proxy, "wedged", G_CALLBACK (on_wedged), process);
  if (process->kind == PROCESS_WORKER)
    g_signal_emit (process->fleet, signals[SIGNAL_WORKER_UP], 0, proxy);
  listen_on_address (process);
}

/* A process of another version serves its streams to their end and keeps its
 * socket until then: its successor needs another name. */
static void
take_new_id (Process *process)
{
  g_free (process->id);
  process->id = g_strdup_printf ("shared-%" G_GINT64_FORMAT,
      g_get_real_time () / G_USEC_PER_SEC);
  launch (process);
}

static void
on_worker_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillFleet) fleet = user_data;
  g_autoptr (GError) error = NULL;
  Process *process = &fleet->processes[PROCESS_WORKER];
  MillWorkerProxy *proxy = mill_worker_proxy_connect_finish (result, &error);
  if (proxy)
    take_proxy (process, G_OBJECT (proxy));
  else if (g_error_matches (error, MILL_IPC_ERROR, MILL_IPC_ERROR_PROTOCOL))
    take_new_id (process);
  else
    fail_to_connect (process, error);
}

static void
on_origin_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillFleet) fleet = user_data;
  g_autoptr (GError) error = NULL;
  Process *process = &fleet->processes[PROCESS_ORIGIN];
  MillOriginProxy *proxy = mill_origin_proxy_connect_finish (result, &error);
  if (proxy)
    take_proxy (process, G_OBJECT (proxy));
  else if (g_error_matches (error, MILL_IPC_ERROR, MILL_IPC_ERROR_PROTOCOL) &&
      fleet->was_up)
    retry (process); /* it ends by itself when it has answered */
  else
    fail_to_connect (process, error);
}

static void
on_launched (GObject *source, GAsyncResult *result, Process *process)
{
  MillFleet *fleet = process->fleet;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *socket =
      mill_process_launcher_launch_finish (MILL_PROCESS_LAUNCHER (source),
          result, &error);
  if (!socket)
    fail (process, error);
  else if (process->kind == PROCESS_ORIGIN)
    mill_origin_proxy_connect_async (socket, fleet->life, on_origin_connected,
        g_object_ref (fleet));
  else
    mill_worker_proxy_connect_async (socket, fleet->life, on_worker_connected,
        g_object_ref (fleet));
}

static void
on_worker_launched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillFleet) fleet = user_data;
  on_launched (source, result, &fleet->processes[PROCESS_WORKER]);
}

static void
on_origin_launched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MillFleet) fleet = user_data;
  on_launched (source, result, &fleet->processes[PROCESS_ORIGIN]);
}

/* Launching one that runs only looks up its socket: one path for both. */
static void
launch (Process *process)
{
  MillFleet *fleet = process->fleet;
  if (fleet->leaving || process->disabled)
    return;
  if (process->kind == PROCESS_ORIGIN)
    mill_process_launcher_launch_origin_async (fleet->launcher, fleet->life,
        on_origin_launched, g_object_ref (fleet));
  else
    mill_process_launcher_launch_worker_async (fleet->launcher, process->id,
        fleet->life, on_worker_launched, g_object_ref (fleet));
}

/* ---- workers that are not ours by name ---- */

static void
ignore_drain (GObject *source, GAsyncResult *result, gpointer user_data)
{
  /* The proxy is kept in strangers until the fleet goes. */
}

static void
on_stranger_connected (GObject *source, GAsyncResult *result,
    gpointer user_data)
{
  g_autoptr (MillFleet) fleet = user_data;
  g_autoptr (GError) error = NULL;
  MillWorkerProxy *proxy = mill_worker_proxy_connect_finish (result, &error);
  if (!proxy)
    return; /* of another version: it was told by connecting */
  g_message ("worker %s is not of this configuration: drained",
      mill_worker_proxy_get_id (proxy));
  g_ptr_array_add (fleet->strangers, proxy);
  mill_worker_proxy_drain_async (proxy, ignore_drain, NULL);
}

static void
drain_strangers (MillFleet *fleet)
{
  g_auto (GStrv) ids = mill_process_launcher_scan_workers (fleet->launcher);
  for (guint i = 0; ids && ids[i]; i++) {
    if (g_str_equal (ids[i], fleet->processes[PROCESS_WORKER].id))
      continue;
    g_autofree gchar *socket =
        mill_process_launcher_get_worker_socket (fleet->launcher, ids[i]);
    mill_worker_proxy_connect_async (socket, fleet->life, on_stranger_connected,
        g_object_ref (fleet));
  }
}

void
mill_fleet_start (MillFleet *fleet)
{
  drain_strangers (fleet);
  for (guint i = 0; i < N_PROCESSES; i++)
    launch (&fleet->processes[i]);
}

/* ---- the end ---- */

static gboolean
on_drain_timeout (gpointer user_data)
{
  MillFleet *fleet = user_data;
  fleet->drain_timer = 0;
  g_warning ("processes did not end in time: left alone");
  g_signal_emit (fleet, signals[SIGNAL_EMPTY], 0);
  return G_SOURCE_REMOVE;
}

static void
stop_retries (MillFleet *fleet)
{
  fleet->leaving = TRUE;
  for (guint i = 0; i < N_PROCESSES; i++)
    g_clear_handle_id (&fleet->processes[i].timer, g_source_remove);
}

void
mill_fleet_drain (MillFleet *fleet, guint timeout_ms)
{
  stop_retries (fleet);
  fleet->drain_timer = g_timeout_add (timeout_ms, on_drain_timeout, fleet);
  MillWorkerProxy *worker = mill_fleet_get_worker (fleet);
  MillOriginProxy *origin = mill_fleet_get_origin (fleet);
  if (worker)
    mill_worker_proxy_drain_async (worker, ignore_drain, NULL);
  if (origin)
    mill_origin_proxy_drain_async (origin, ignore_drain, NULL);
  check_empty (fleet);
}

void
mill_fleet_leave (MillFleet *fleet)
{
  stop_retries (fleet);
  g_cancellable_cancel (fleet->life);
  if (mill_fleet_get_worker (fleet))
    mill_worker_proxy_disconnect (mill_fleet_get_worker (fleet));
  if (mill_fleet_get_origin (fleet))
    mill_origin_proxy_disconnect (mill_fleet_get_origin (fleet));
  for (guint i = 0; i < N_PROCESSES; i++)
    if (fleet->processes[i].proxy)
      forget_proxy (&fleet->processes[i]);
  g_ptr_array_set_size (fleet->strangers, 0);
}

/* ---- load ---- */

static void
take_sample (Process *process)
{
  const MillProcessStats *stats = NULL;
  gint64 now = g_get_monotonic_time ();
  if (process->proxy)
    stats = process->kind == PROCESS_WORKER
        ? mill_worker_proxy_get_last_stats (MILL_WORKER_PROXY (process->proxy))
        : mill_origin_proxy_get_last_stats (MILL_ORIGIN_PROXY (process->proxy));
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

static gboolean
on_sample_due (gpointer user_data)
{
  MillFleet *fleet = user_data;
  for (guint i = 0; i < N_PROCESSES; i++)
    take_sample (&fleet->processes[i]);
  return G_SOURCE_CONTINUE;
}

/* ---- class ---- */

MillFleet *
mill_fleet_new (const MillConfig *config)
{
  static const gchar *const levels[] = { "error", "warning", "info", "debug" };
  MillFleet *fleet = g_object_new (MILL_TYPE_FLEET, NULL);
  MillProcessLauncherOptions options = { .runtime_dir = config->runtime_dir,
    .state_dir = config->state_dir,
    .media_dir = config->media_dir,
    .log_level = levels[config->log_level],
    .log_format = config->log_format == MILL_LOG_JSON ? "json" : "text",
    .orphan_timeout_s = config->workers_orphan_timeout_s };
  fleet->launcher = mill_process_launcher_new (&options);
  fleet->processes[PROCESS_WORKER].wanted = g_strdup (config->listen_rtmp);
  fleet->processes[PROCESS_ORIGIN].wanted = g_strdup (config->listen_origin);
  fleet->processes[PROCESS_ORIGIN].disabled = config->listen_origin == NULL;
  return fleet;
}

static void
mill_fleet_finalize (GObject *object)
{
  MillFleet *fleet = MILL_FLEET (object);
  mill_fleet_leave (fleet);
  g_clear_handle_id (&fleet->drain_timer, g_source_remove);
  g_clear_handle_id (&fleet->sample_timer, g_source_remove);
  for (guint i = 0; i < N_PROCESSES; i++) {
    g_free (fleet->processes[i].id);
    g_free (fleet->processes[i].wanted);
    g_free (fleet->processes[i].bound);
  }
  g_ptr_array_unref (fleet->strangers);
  g_clear_object (&fleet->life);
  g_clear_object (&fleet->launcher);
  G_OBJECT_CLASS (mill_fleet_parent_class)->finalize (object);
}

static void
mill_fleet_class_init (MillFleetClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = mill_fleet_finalize;
  signals[SIGNAL_WORKER_UP] = g_signal_new ("worker-up", type,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
      MILL_TYPE_WORKER_PROXY);
  signals[SIGNAL_WORKER_DOWN] = g_signal_new ("worker-down", type,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[SIGNAL_UP] = g_signal_new ("up", type, G_SIGNAL_RUN_LAST, 0, NULL,
      NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_FAILED] = g_signal_new ("failed", type, G_SIGNAL_RUN_LAST, 0,
      NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
  signals[SIGNAL_EMPTY] = g_signal_new ("empty", type, G_SIGNAL_RUN_LAST, 0,
      NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
mill_fleet_init (MillFleet *fleet)
{
  fleet->life = g_cancellable_new ();
  fleet->sample_timer =
      g_timeout_add_seconds (SAMPLE_SECONDS, on_sample_due, fleet);
  fleet->strangers = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < N_PROCESSES; i++) {
    fleet->processes[i].fleet = fleet;
    fleet->processes[i].kind = i;
  }
  fleet->processes[PROCESS_WORKER].id = g_strdup (SHARED_WORKER_ID);
  fleet->processes[PROCESS_ORIGIN].id = g_strdup ("origin");
}
