/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "origin-group.h"

#define KIND "origin"

struct _MillOriginGroup
{
  MillProcessLauncher *launcher;
  const MillServerFuncs *funcs;
  gpointer user_data;
  gchar *wanted; /* nullable: none is to run */
  gchar *bound; /* nullable: nobody has listened yet */
  GPtrArray *servers; /* element-type MillServer */
  GPtrArray *surplus; /* element-type MillProcess: about to end */
};

/* ---- reading ---- */

gboolean
mill_origin_group_is_up (MillOriginGroup *self)
{
  if (!self->wanted)
    return TRUE;
  for (guint i = 0; i < self->servers->len; i++)
    if (mill_server_is_up (g_ptr_array_index (self->servers, i)))
      return TRUE;
  return FALSE;
}

gboolean
mill_origin_group_is_gone (MillOriginGroup *self)
{
  for (guint i = 0; i < self->servers->len; i++)
    if (!mill_server_is_gone (g_ptr_array_index (self->servers, i)))
      return FALSE;
  return TRUE;
}

const gchar *
mill_origin_group_get_address (MillOriginGroup *self)
{
  return self->bound;
}

void
mill_origin_group_list (MillOriginGroup *self, GPtrArray *list)
{
  for (guint i = 0; i < self->servers->len; i++)
    g_ptr_array_add (list,
        mill_server_get_process (g_ptr_array_index (self->servers, i)));
}

static const gchar *
get_id (MillServer *server)
{
  return mill_process_get_id (mill_server_get_process (server));
}

static gboolean
is_running (MillOriginGroup *self, MillServer *server)
{
  return mill_process_launcher_is_origin_running (self->launcher,
      get_id (server));
}

/* ---- who listens how ---- */

/* Whoever is alone makes sure that nobody else has the address. */
static void
choose_address (MillOriginGroup *self, MillServer *server)
{
  gboolean joins = FALSE;
  for (guint i = 0; i < self->servers->len; i++) {
    MillServer *other = g_ptr_array_index (self->servers, i);
    joins = joins || (other != server && is_running (self, other));
  }
  mill_listener_set_move (mill_server_get_listeners (server), KIND,
      self->bound ? self->bound : self->wanted, joins);
}

/* Where it is, is where all are to be. */
static void
take_address (MillOriginGroup *self, MillServer *server, const gchar *address)
{
  if (self->bound)
    return;
  self->bound = g_strdup (address);
  for (guint i = 0; i < self->servers->len; i++) {
    MillServer *other = g_ptr_array_index (self->servers, i);
    if (other == server)
      continue;
    if (mill_server_is_gone (other)) {
      mill_server_launch (other);
    } else { /* it has waited for this */
      choose_address (self, other);
      mill_server_open (other);
    }
  }
}

/* One that runs and is not connected yet may know where they all are: with
 * port 0, what millraced was told does not say it. */
static gboolean
is_to_wait (MillOriginGroup *self, MillServer *server)
{
  for (guint i = 0; i < self->servers->len; i++) {
    MillServer *other = g_ptr_array_index (self->servers, i);
    if (other != server && mill_server_is_gone (other) &&
        is_running (self, other))
      return TRUE;
  }
  return FALSE;
}

static gboolean
on_opening (MillServer *server, gpointer user_data)
{
  MillOriginGroup *self = user_data;
  const MillProcessReport *report =
      mill_process_get_report (mill_server_get_process (server));
  const gchar *address = g_hash_table_lookup (report->listeners, KIND);
  if (!self->bound && address)
    take_address (self, server, address);
  else if (!self->bound && is_to_wait (self, server))
    return FALSE;
  choose_address (self, server);
  return TRUE;
}

static void
on_changed (MillServer *server, MillServerChange change, const gchar *reason,
    gpointer user_data)
{
  MillOriginGroup *self = user_data;
  if (change == MILL_SERVER_UP)
    take_address (self, server,
        mill_listener_set_get_bound (mill_server_get_listeners (server), KIND));
  self->funcs->changed (server, change, reason, self->user_data);
}

/* When viewers are served by others, a failure is one to be mended. */
static gboolean
on_failed (MillServer *server, const GError *error, gpointer user_data)
{
  MillOriginGroup *self = user_data;
  if (!self->bound)
    return self->funcs->failed (server, error, self->user_data);
  g_warning ("%s: %s", get_id (server), error->message);
  return TRUE;
}

static const MillServerFuncs server_funcs = { on_changed, on_opening,
  on_failed };

/* ---- start ---- */

static void
on_surplus_ended (MillProcess *process, gpointer user_data)
{
  MillOriginGroup *self = user_data;
  g_signal_handlers_disconnect_by_data (process, self);
  g_ptr_array_remove (self->surplus, process);
}

static gboolean
is_ours (MillOriginGroup *self, const gchar *id)
{
  for (guint i = 0; i < self->servers->len; i++)
    if (g_str_equal (get_id (g_ptr_array_index (self->servers, i)), id))
      return TRUE;
  return FALSE;
}

static void
end_surplus (MillOriginGroup *self)
{
  g_auto (GStrv) ids = mill_process_launcher_scan_origins (self->launcher);
  for (guint i = 0; ids[i]; i++) {
    if (is_ours (self, ids[i]))
      continue;
    g_message ("%s is beyond workers.origins: ended", ids[i]);
    MillProcess *process =
        mill_process_new (MILL_PROCESS_ORIGIN, ids[i], self->launcher);
    g_signal_connect (process, "ended", G_CALLBACK (on_surplus_ended), self);
    g_ptr_array_add (self->surplus, process);
    mill_process_launch (process); /* connects: it runs */
    mill_process_end (process);
  }
}

/* Those that a millraced before this one has left are first: they know where
 * they are. The others follow when that is known. */
void
mill_origin_group_start (MillOriginGroup *self)
{
  gboolean adopts = FALSE;
  if (!self->wanted)
    return;
  end_surplus (self);
  for (guint i = 0; i < self->servers->len; i++) {
    MillServer *server = g_ptr_array_index (self->servers, i);
    if (!is_running (self, server))
      continue;
    mill_server_launch (server);
    adopts = TRUE;
  }
  if (!adopts)
    mill_server_launch (g_ptr_array_index (self->servers, 0));
}

void
mill_origin_group_stop_retries (MillOriginGroup *self)
{
  g_ptr_array_foreach (self->servers, (GFunc) mill_server_stop_retries, NULL);
}

/* ---- life ---- */

MillOriginGroup *
mill_origin_group_new (MillProcessLauncher *launcher,
    const MillOriginGroupOptions *options, const MillServerFuncs *funcs,
    gpointer user_data)
{
  MillOriginGroup *self = g_new0 (MillOriginGroup, 1);
  self->launcher = g_object_ref (launcher);
  self->funcs = funcs;
  self->user_data = user_data;
  self->wanted = g_strdup (options->address);
  self->servers =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_server_free);
  self->surplus = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 1; i <= options->n; i++) {
    g_autofree gchar *id = i == 1 ? g_strdup (KIND)
                                  : g_strdup_printf (KIND "-%u", i);
    MillServer *server = mill_server_new (MILL_PROCESS_ORIGIN, id, launcher,
        &server_funcs, self);
    mill_listener_set_add (mill_server_get_listeners (server), KIND,
        options->address);
    g_ptr_array_add (self->servers, server);
  }
  return self;
}

void
mill_origin_group_free (MillOriginGroup *self)
{
  g_ptr_array_unref (self->servers);
  for (guint i = 0; i < self->surplus->len; i++) {
    MillProcess *process = g_ptr_array_index (self->surplus, i);
    g_signal_handlers_disconnect_by_data (process, self);
    mill_process_leave (process);
  }
  g_ptr_array_unref (self->surplus);
  g_object_unref (self->launcher);
  g_free (self->wanted);
  g_free (self->bound);
  g_free (self);
}
