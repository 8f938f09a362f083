/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/rtmp-door.h"

#include <string.h>

#include "daemon/ipc/ipc.h"

/* The element refuses by itself after 5 s, without a reason that a publisher
 * could read; this comes a little before. */
#define HOLD_MS 4800
#define CODE_DENIED "NetStream.Publish.Denied"
/* Of the fields of listener-stats that count what a bound has closed. */
#define CLOSED_PREFIX "closed-"

struct _MillDoorRequest
{
  MillRtmpDoor *door; /* strong: a hand-over may outlive the worker's */
  guint64 id;
  GstPromise *promise;
  GObject *session; /* nullable */
  MillPublisher *publisher;
  guint timer_id;
};

typedef struct
{
  GstElement *element; /* nullable: closed */
  gchar *bound;
} Listener;

struct _MillRtmpDoor
{
  GObject parent;

  GMainContext *context; /* constant after construction */

  /* Main loop. */
  Listener listeners[MILL_RTMP_DOOR_N_KINDS];
  gboolean closed;
  gchar *tls_certificate; /* nullable */
  gchar *tls_key; /* nullable */
  MillRtmpDoorBounds bounds; /* 0: the element's own */
  GHashTable *requests; /* (element-type guint64 MillDoorRequest) */
  guint64 last_id;
};

enum
{
  SIGNAL_REQUESTED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (MillRtmpDoor, mill_rtmp_door, G_TYPE_OBJECT)

/* ---- requests ---- */

static void
request_free (gpointer data)
{
  MillDoorRequest *request = data;

  if (request->timer_id)
    g_source_remove (request->timer_id);
  gst_promise_unref (request->promise);
  g_clear_object (&request->session);
  g_clear_pointer (&request->publisher, mill_publisher_free);
  g_clear_object (&request->door);
  g_free (request);
}

static void
request_reply (MillDoorRequest *request, GstStructure *reply)
{
  gst_promise_reply (request->promise, reply);
  request_free (request);
}

void
mill_rtmp_door_request_accept (MillDoorRequest *request, const gchar *stream)
{
  request_reply (request,
      gst_structure_new ("authorize-reply", "accept", G_TYPE_BOOLEAN, TRUE,
          "stream", G_TYPE_STRING, stream, NULL));
}

void
mill_rtmp_door_request_refuse (MillDoorRequest *request, const gchar *code,
    const gchar *text)
{
  request_reply (request,
      gst_structure_new ("authorize-reply", "accept", G_TYPE_BOOLEAN, FALSE,
          "code", G_TYPE_STRING, *code ? code : CODE_DENIED, "reason",
          G_TYPE_STRING, text, NULL));
}

GObject *
mill_rtmp_door_request_get_session (MillDoorRequest *request)
{
  return request->session;
}

const MillPublisher *
mill_rtmp_door_request_get_publisher (MillDoorRequest *request)
{
  return request->publisher;
}

MillDoorRequest *
mill_rtmp_door_take (MillRtmpDoor *door, guint64 id)
{
  MillDoorRequest *request = NULL;

  g_hash_table_steal_extended (door->requests, &id, NULL,
      (gpointer *) &request);
  if (request && request->timer_id) {
    g_source_remove (request->timer_id);
    request->timer_id = 0;
  }
  return request;
}

static gboolean
on_hold_over (gpointer user_data)
{
  MillDoorRequest *request = user_data;
  const guint64 id = request->id;

  request->timer_id = 0;
  g_info ("publisher %s refused: nobody answered within %d ms",
      request->publisher->address, HOLD_MS);
  mill_rtmp_door_request_refuse (mill_rtmp_door_take (request->door, id),
      CODE_DENIED, "The server cannot admit publishers right now");
  return G_SOURCE_REMOVE;
}

static gchar *
dup_field (const GstStructure *structure, const gchar *name)
{
  const gchar *text = gst_structure_get_string (structure, name);

  /* What goes over D-Bus must be UTF-8; a publisher sends any bytes. */
  return text ? g_utf8_make_valid (text, -1) : g_strdup ("");
}

static MillPublisher *
publisher_new (const GstStructure *structure)
{
  MillPublisher *publisher = g_new0 (MillPublisher, 1);

  publisher->app = dup_field (structure, "app");
  publisher->name = dup_field (structure, "name");
  publisher->query = dup_field (structure, "query");
  publisher->address = dup_field (structure, "address");
  gst_structure_get_boolean (structure, "tls", &publisher->tls);
  return publisher;
}

/* Main loop. */
static gboolean
on_handed_over (gpointer user_data)
{
  MillDoorRequest *request = user_data;
  MillRtmpDoor *door = request->door;

  if (door->closed) {
    mill_rtmp_door_request_refuse (request, CODE_DENIED,
        "The server is going down");
    return G_SOURCE_REMOVE;
  }
  request->id = ++door->last_id;
  request->timer_id = g_timeout_add (HOLD_MS, on_hold_over, request);
  g_hash_table_insert (door->requests, &request->id, request);
  g_signal_emit (door, signals[SIGNAL_REQUESTED], 0, request->id,
      request->publisher);
  return G_SOURCE_REMOVE;
}

/* On a pool thread: copies and leaves. */
static void
on_authorize (GstElement *element, GstStructure *structure, GstPromise *promise,
    gpointer user_data)
{
  MillRtmpDoor *door = user_data;
  MillDoorRequest *request = g_new0 (MillDoorRequest, 1);

  request->door = g_object_ref (door);
  request->promise = gst_promise_ref (promise);
  gst_structure_get (structure, "session", G_TYPE_OBJECT, &request->session,
      NULL);
  request->publisher = publisher_new (structure);
  g_autoptr (GSource) source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_handed_over, request, NULL);
  g_source_attach (source, door->context);
}

/* ---- the listeners ---- */

static const gchar *const kind_names[] = { "rtmp", "rtmps" };

const gchar *
mill_rtmp_door_kind_to_string (MillRtmpDoorKind kind)
{
  return kind_names[kind];
}

gboolean
mill_rtmp_door_kind_from_string (const gchar *text, MillRtmpDoorKind *ret_kind,
    GError **error)
{
  for (guint i = 0; i < MILL_RTMP_DOOR_N_KINDS; i++)
    if (g_str_equal (kind_names[i], text)) {
      *ret_kind = i;
      return TRUE;
    }
  g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID,
      "listener kind '%s': expected rtmp or rtmps", text);
  return FALSE;
}

/* The reason of a failed state change, from the element's own bus. */
static void
take_error (GstBus *bus, MillRtmpDoorKind kind, const gchar *address,
    GError **error)
{
  g_autoptr (GstMessage) message =
      gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) cause = NULL;

  if (message)
    gst_message_parse_error (message, &cause, NULL);
  if (g_error_matches (cause, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY))
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_ADDRESS_IN_USE,
        "listen %s '%s': got an address that another program uses, expected "
        "a free one",
        kind_names[kind], address);
  else
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_FAILED,
        "listen %s '%s': %s", kind_names[kind], address,
        cause ? cause->message : "the listener did not start");
}

static void
apply_bounds (MillRtmpDoor *door, GstElement *element)
{
  if (door->bounds.pending > 0)
    g_object_set (element, "max-pending", door->bounds.pending, NULL);
  if (door->bounds.pending_per_address > 0)
    g_object_set (element, "max-pending-per-address",
        door->bounds.pending_per_address, NULL);
  if (door->bounds.tls_handshakes_per_address > 0)
    g_object_set (element, "max-tls-handshakes-per-address",
        door->bounds.tls_handshakes_per_address, NULL);
}

/* Returns: (transfer full) (nullable) */
static GstElement *
make_element (MillRtmpDoor *door, MillRtmpDoorKind kind, const gchar *address)
{
  g_autofree gchar *location =
      g_strdup_printf ("%s://%s/*/*", kind_names[kind], address);
  GstElement *element = gst_element_factory_make ("rtmpserversrc", NULL);

  if (!element)
    return NULL;
  gst_object_ref_sink (element);
  g_object_set (element, "location", location, NULL);
  apply_bounds (door, element);
  if (kind == MILL_RTMP_DOOR_RTMPS)
    g_object_set (element, "tls-certificate", door->tls_certificate, "tls-key",
        door->tls_key, NULL);
  g_signal_connect (element, "authorize", G_CALLBACK (on_authorize), door);
  return element;
}

gboolean
mill_rtmp_door_listen (MillRtmpDoor *door, MillRtmpDoorKind kind,
    const gchar *address, GError **error)
{
  Listener *listener = &door->listeners[kind];
  g_autoptr (GstBus) bus = gst_bus_new ();

  if (listener->element)
    return TRUE;
  g_autoptr (GstElement) element = make_element (door, kind, address);
  if (!element) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_FAILED,
        "listen %s '%s': the element rtmpserversrc is not installed",
        kind_names[kind], address);
    return FALSE;
  }
  gst_element_set_bus (element, bus);
  /* READY listens and takes no publisher for itself: the session goes to the
   * graph that is made for it. */
  gboolean listens = gst_element_set_state (element, GST_STATE_READY) !=
      GST_STATE_CHANGE_FAILURE;
  if (!listens)
    take_error (bus, kind, address, error);
  /* A bus that nobody reads would only grow. */
  gst_element_set_bus (element, NULL);
  if (!listens) {
    gst_element_set_state (element, GST_STATE_NULL);
    return FALSE;
  }
  g_object_get (element, "listening", &listener->bound, NULL);
  listener->element = g_steal_pointer (&element);
  return TRUE;
}

const gchar *
mill_rtmp_door_get_bound (MillRtmpDoor *door, MillRtmpDoorKind kind)
{
  return door->listeners[kind].bound;
}

/* The listener that is open takes them, or stays with what it has. */
static gboolean
reload_tls (GstElement *element, const gchar *certificate, const gchar *key,
    GError **error)
{
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GError) cause = NULL;
  gboolean is_used = FALSE;

  g_object_set (element, "tls-certificate", certificate, "tls-key", key, NULL);
  gst_element_set_bus (element, bus);
  g_signal_emit_by_name (element, "reload-tls", &is_used);
  gst_element_set_bus (element, NULL);
  if (is_used)
    return TRUE;
  g_autoptr (GstMessage) message =
      gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  if (message)
    gst_message_parse_warning (message, &cause, NULL);
  g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID, "%s",
      cause ? cause->message : "the certificate could not be loaded");
  return FALSE;
}

gboolean
mill_rtmp_door_set_tls (MillRtmpDoor *door, const gchar *certificate,
    const gchar *key, GError **error)
{
  GstElement *element = door->listeners[MILL_RTMP_DOOR_RTMPS].element;

  if (element && !reload_tls (element, certificate, key, error))
    return FALSE;
  g_free (door->tls_certificate);
  door->tls_certificate = g_strdup (certificate);
  g_free (door->tls_key);
  door->tls_key = g_strdup (key);
  return TRUE;
}

void
mill_rtmp_door_set_bounds (MillRtmpDoor *door, const MillRtmpDoorBounds *bounds)
{
  if (bounds->pending > 0)
    door->bounds.pending = bounds->pending;
  if (bounds->pending_per_address > 0)
    door->bounds.pending_per_address = bounds->pending_per_address;
  if (bounds->tls_handshakes_per_address > 0)
    door->bounds.tls_handshakes_per_address =
        bounds->tls_handshakes_per_address;
  for (guint i = 0; i < MILL_RTMP_DOOR_N_KINDS; i++)
    if (door->listeners[i].element)
      apply_bounds (door, door->listeners[i].element);
}

MillRtmpDoor *
mill_rtmp_door_new (void)
{
  return g_object_new (MILL_TYPE_RTMP_DOOR, NULL);
}

void
mill_rtmp_door_repeat (MillRtmpDoor *door)
{
  g_autoptr (GList) ids = g_hash_table_get_keys (door->requests);

  for (GList *at = ids; at; at = at->next) {
    const guint64 *id = at->data;
    MillDoorRequest *request = g_hash_table_lookup (door->requests, id);
    if (request)
      g_signal_emit (door, signals[SIGNAL_REQUESTED], 0, *id,
          request->publisher);
  }
}

static void
add_thread (MillProcessStats *stats, const GstStructure *structure)
{
  MillThreadReport *thread = mill_process_report_stats_add_thread (stats);

  thread->name = dup_field (structure, "name");
  gst_structure_get_uint64 (structure, "turn-usec", &thread->turn_usec);
  gst_structure_get_uint (structure, "connections", &thread->connections);
}

static void
add_certificate (MillRtmpDoor *door, MillProcessStats *stats)
{
  g_autoptr (GstStructure) tls = NULL;
  GstElement *element = door->listeners[MILL_RTMP_DOOR_RTMPS].element;

  if (element)
    g_object_get (element, "tls", &tls, NULL);
  if (!tls)
    return;
  const gchar *error = gst_structure_get_string (tls, "error");
  gst_structure_get_int64 (tls, "not-after", &stats->tls_not_after);
  stats->tls_is_stale = error && *error;
}

/* @user_data: GVariantBuilder of a{st} */
static gboolean
add_closed (GQuark field, const GValue *value, gpointer user_data)
{
  const gchar *name = g_quark_to_string (field);

  if (g_str_has_prefix (name, CLOSED_PREFIX))
    g_variant_builder_add (user_data, "{st}", name + strlen (CLOSED_PREFIX),
        g_value_get_uint64 (value));
  return TRUE;
}

static void
add_listener (MillRtmpDoor *door, MillRtmpDoorKind kind,
    MillProcessStats *stats)
{
  g_autoptr (GstStructure) structure = NULL;
  GstElement *element = door->listeners[kind].element;
  GVariantBuilder closed;

  if (element)
    g_object_get (element, "listener-stats", &structure, NULL);
  if (!structure)
    return;
  MillListenerReport *listener = mill_process_report_stats_add_listener (stats);
  listener->kind = g_strdup (kind_names[kind]);
  gst_structure_get_uint64 (structure, "connections", &listener->connections);
  gst_structure_get_uint (structure, "pending", &listener->pending);
  g_variant_builder_init (&closed, G_VARIANT_TYPE ("a{st}"));
  gst_structure_foreach (structure, add_closed, &closed);
  listener->closed = g_variant_ref_sink (g_variant_builder_end (&closed));
}

void
mill_rtmp_door_add_stats (MillRtmpDoor *door, MillProcessStats *stats)
{
  g_autoptr (GstStructure) structure = NULL;

  add_certificate (door, stats);
  for (guint i = 0; i < MILL_RTMP_DOOR_N_KINDS; i++)
    add_listener (door, i, stats);
  /* Both tell of the one pool of the process. */
  for (guint i = 0; i < MILL_RTMP_DOOR_N_KINDS && !structure; i++)
    if (door->listeners[i].element)
      g_object_get (door->listeners[i].element, "threads", &structure, NULL);
  const GValue *list =
      structure ? gst_structure_get_value (structure, "threads") : NULL;
  if (!list || !GST_VALUE_HOLDS_ARRAY (list))
    return;
  for (guint i = 0; i < gst_value_array_get_size (list); i++)
    add_thread (stats,
        gst_value_get_structure (gst_value_array_get_value (list, i)));
}

static void
close_listener (MillRtmpDoor *door, Listener *listener)
{
  g_autoptr (GstElement) element = g_steal_pointer (&listener->element);

  g_clear_pointer (&listener->bound, g_free);
  if (!element)
    return;
  g_signal_handlers_disconnect_by_data (element, door);
  gst_element_set_bus (element, NULL);
  gst_element_set_state (element, GST_STATE_NULL);
}

void
mill_rtmp_door_close (MillRtmpDoor *door)
{
  GHashTableIter iter;
  gpointer value;

  door->closed = TRUE;
  g_hash_table_iter_init (&iter, door->requests);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    g_hash_table_iter_steal (&iter);
    mill_rtmp_door_request_refuse (value, CODE_DENIED,
        "The server is going down");
  }
  for (guint i = 0; i < MILL_RTMP_DOOR_N_KINDS; i++)
    close_listener (door, &door->listeners[i]);
}

static void
mill_rtmp_door_finalize (GObject *object)
{
  MillRtmpDoor *door = MILL_RTMP_DOOR (object);

  mill_rtmp_door_close (door);
  g_hash_table_unref (door->requests);
  g_main_context_unref (door->context);
  g_free (door->tls_certificate);
  g_free (door->tls_key);
  G_OBJECT_CLASS (mill_rtmp_door_parent_class)->finalize (object);
}

static void
mill_rtmp_door_class_init (MillRtmpDoorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = mill_rtmp_door_finalize;
  signals[SIGNAL_REQUESTED] = g_signal_new ("requested",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 2, G_TYPE_UINT64, G_TYPE_POINTER);
}

static void
mill_rtmp_door_init (MillRtmpDoor *door)
{
  door->context = g_main_context_ref_thread_default ();
  door->requests = g_hash_table_new (g_int64_hash, g_int64_equal);
}
