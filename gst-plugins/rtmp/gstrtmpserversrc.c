/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * rtmpserversrc: listens for an RTMP publisher and pushes what it sends, as it
 * is: frames of every codec of Enhanced RTMP, on a pad per track, time-stamped
 * and described so that nothing downstream needs a parser.
 *
 *   gst-launch-1.0 -e rtmpserversrc location=rtmp://127.0.0.1:1935/live/demo
 *       name=s  s.video_0 ! queue ! mp4mux name=m ! filesink location=a.mp4
 *       s.audio_0 ! queue ! m.
 *
 * States: READY listens, PLAYING takes a publisher and reads, PAUSED stops
 * reading (no preroll), PAUSED->READY waits for its own push in flight and sends
 * the publisher away.
 *
 * Here are states and signals, in gstrtmpserversrcproperties.c the properties;
 * rtmp-stream.c has the publisher.
 *
 * Threads: media is pushed from a pool thread (rtmp-pool.h), in the element's
 * lane. `authorize`, `publish-start` and `publish-end` are emitted on pool
 * threads: handlers return at once.
 *
 * Source: docs in this folder's README.md; protocol in lib/rtmp/.
 */
#include <gio/gio.h>
#include <gst/gst.h>

#include "gstrtmpserversrc-private.h"
#include "rtmp-authorize.h"
#include "rtmp-location.h"
#include "rtmp-track.h"

GST_DEBUG_CATEGORY (gst_rtmp_server_src_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_src_debug

enum
{
  SIGNAL_AUTHORIZE,
  SIGNAL_PUBLISH_START,
  SIGNAL_PUBLISH_END,
  SIGNAL_RELOAD_TLS,
  SIGNAL_RECONNECT_REQUEST,
  SIGNAL_DROP_PUBLISHER,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (GstRtmpServerSrc, gst_rtmp_server_src, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DECLARE (rtmpserversrc);
GST_ELEMENT_REGISTER_DEFINE (rtmpserversrc, "rtmpserversrc", GST_RANK_NONE,
    GST_TYPE_RTMP_SERVER_SRC);

/* ---- the stream's news ---- */

static void
on_publish_start (GstElement *element, const gchar *name)
{
  g_signal_emit (element, signals[SIGNAL_PUBLISH_START], 0, name);
}

static void
on_publish_end (GstElement *element, const gchar *reason)
{
  g_signal_emit (element, signals[SIGNAL_PUBLISH_END], 0, reason);
}

static const MillRtmpStreamEvents stream_events = {
  .publish_start = on_publish_start,
  .publish_end = on_publish_end,
};

/* ---- the listener's questions ---- */

static gboolean
is_free (GObject *source)
{
  return mill_rtmp_stream_is_free (GST_RTMP_SERVER_SRC (source)->stream);
}

static void
accept_publisher (GObject *source, MillRtmpConnection *connection,
    const gchar *stream)
{
  mill_rtmp_stream_accept (GST_RTMP_SERVER_SRC (source)->stream, connection,
      stream);
}

static void
on_asked (GObject *source, MillRtmpConnection *connection)
{
  GstRtmpServerSrc *self = GST_RTMP_SERVER_SRC (source);
  const gchar *refusal =
      mill_rtmp_stream_find_refusal (self->stream, connection);

  if (refusal)
    mill_rtmp_connection_refuse (connection, "NetStream.Publish.BadName",
        refusal);
  else if (g_signal_has_handler_pending (self, signals[SIGNAL_AUTHORIZE], 0,
               FALSE))
    mill_rtmp_authorize_ask (source, signals[SIGNAL_AUTHORIZE], connection,
        accept_publisher);
  else
    accept_publisher (source, connection, NULL);
}

static const MillRtmpListenerSource listener_source = { is_free, on_asked };

/* ---- state changes ---- */

static void
post_open_error (GstRtmpServerSrc *self, const gchar *location, GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
    GST_ELEMENT_ERROR (self, RESOURCE, BUSY,
        ("Cannot listen on '%s': the port is taken by another program. Stop "
         "that one, or give another port in the property location (0 takes a "
         "free one).",
            location),
        ("%s", error->message));
  else if (error->domain == MILL_TLS_ERROR ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT))
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("%s", error->message),
        (NULL));
  else
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ,
        ("Cannot listen on '%s': %s", location, error->message), (NULL));
}

/* NULL->READY */
static gboolean
open_listener (GstRtmpServerSrc *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillRtmpLocation) location = NULL;

  GST_OBJECT_LOCK (self);
  g_autofree gchar *text = g_strdup (self->location);
  g_autofree gchar *certificate = g_strdup (self->tls_certificate);
  g_autofree gchar *key = g_strdup (self->tls_key);
  const MillRtmpListenerOptions options = {
    .bounds = self->bounds,
    .tls_certificate = certificate,
    .tls_key = key,
  };
  gboolean waits = self->waits_for_session;
  GST_OBJECT_UNLOCK (self);
  if (!text) {
    g_autoptr (MillRtmpConnection) session =
        mill_rtmp_stream_dup_session (self->stream);
    if (!session && !waits)
      GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
          ("Nothing to listen on: set the property location, for instance "
           "rtmp://127.0.0.1:1935/live/*, or session."),
          (NULL));
    return session || waits;
  }

  MillRtmpListener *listener = NULL;
  location = mill_rtmp_location_parse (text, &error);
  if (location)
    listener = mill_rtmp_listener_add (location, &listener_source,
        G_OBJECT (self), &options, &error);
  if (!listener) {
    post_open_error (self, text, error);
    return FALSE;
  }
  GST_OBJECT_LOCK (self);
  self->listener = listener;
  /* They may have been set meanwhile. */
  mill_rtmp_listener_set_bounds (listener, G_OBJECT (self), &self->bounds);
  GST_OBJECT_UNLOCK (self);
  g_object_notify (G_OBJECT (self), "listening");
  return TRUE;
}

/* READY->PAUSED */
static gboolean
open_stream (GstRtmpServerSrc *self)
{
  g_autoptr (GError) error = NULL;

  if (mill_rtmp_stream_open (self->stream, self->listener != NULL, &error))
    return TRUE;
  GST_ELEMENT_ERROR (self, RESOURCE, FAILED, ("%s", error->message), (NULL));
  return FALSE;
}

/* READY->NULL */
static void
close_listener (GstRtmpServerSrc *self)
{
  mill_rtmp_stream_let_go (self->stream);
  GST_OBJECT_LOCK (self);
  MillRtmpListener *listener = g_steal_pointer (&self->listener);
  GST_OBJECT_UNLOCK (self);
  if (!listener)
    return;
  mill_rtmp_listener_remove (listener, G_OBJECT (self));
  g_object_notify (G_OBJECT (self), "listening");
}

static GstStateChangeReturn
gst_rtmp_server_src_change_state (GstElement *element, GstStateChange change)
{
  GstRtmpServerSrc *self = GST_RTMP_SERVER_SRC (element);

  if (change == GST_STATE_CHANGE_NULL_TO_READY && !open_listener (self))
    return GST_STATE_CHANGE_FAILURE;
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED && !open_stream (self))
    return GST_STATE_CHANGE_FAILURE;
  if (change == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    mill_rtmp_stream_set_playing (self->stream, FALSE);
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY)
    mill_rtmp_stream_close (self->stream);

  GstStateChangeReturn ret =
      GST_ELEMENT_CLASS (gst_rtmp_server_src_parent_class)
          ->change_state (element, change);
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED &&
      ret == GST_STATE_CHANGE_FAILURE)
    mill_rtmp_stream_close (self->stream);
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (change == GST_STATE_CHANGE_READY_TO_PAUSED &&
          ret == GST_STATE_CHANGE_FAILURE))
    mill_rtmp_stream_reset (self->stream);
  if (change == GST_STATE_CHANGE_READY_TO_NULL)
    close_listener (self);
  if (ret == GST_STATE_CHANGE_FAILURE)
    return ret;

  if (change == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    mill_rtmp_stream_set_playing (self->stream, TRUE);
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED ||
      change == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    return GST_STATE_CHANGE_NO_PREROLL;
  return ret;
}

static gboolean
gst_rtmp_server_src_drop_publisher (GstRtmpServerSrc *self, const gchar *reason)
{
  return mill_rtmp_stream_drop (self->stream, reason);
}

/* EOS is what gst-launch-1.0 -e and applications send to end a recording. */
static gboolean
gst_rtmp_server_src_send_event (GstElement *element, GstEvent *event)
{
  GstRtmpServerSrc *self = GST_RTMP_SERVER_SRC (element);

  if (GST_EVENT_TYPE (event) != GST_EVENT_EOS)
    return GST_ELEMENT_CLASS (gst_rtmp_server_src_parent_class)
        ->send_event (element, event);

  gst_event_unref (event);
  return mill_rtmp_stream_request_end (self->stream);
}

/* The signal's own handler. The listener goes only with a change of state, on
 * the thread that this is called from. */
static gboolean
gst_rtmp_server_src_reload_tls (GstRtmpServerSrc *self)
{
  g_autoptr (GError) error = NULL;

  GST_OBJECT_LOCK (self);
  g_autofree gchar *file = g_strdup (self->tls_certificate);
  g_autofree gchar *key = g_strdup (self->tls_key);
  MillRtmpCertificate *certificate = self->listener
      ? mill_rtmp_listener_get_certificate (self->listener)
      : NULL;
  GST_OBJECT_UNLOCK (self);
  if (!certificate || !file)
    return FALSE;
  if (mill_rtmp_certificate_reload (certificate, file, key, &error))
    return TRUE;
  GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS,
      ("%s; the certificate loaded before stays in use", error->message),
      (NULL));
  return FALSE;
}

static gboolean
request_reconnect (GstRtmpServerSrc *self, const gchar *tc_url,
    const gchar *description)
{
  return mill_rtmp_stream_request_reconnect (self->stream, tc_url, description);
}

/* ---- class ---- */

static void
gst_rtmp_server_src_dispose (GObject *object)
{
  /* A session that was set on an element that never left NULL. */
  close_listener (GST_RTMP_SERVER_SRC (object));
  G_OBJECT_CLASS (gst_rtmp_server_src_parent_class)->dispose (object);
}

static void
gst_rtmp_server_src_finalize (GObject *object)
{
  GstRtmpServerSrc *self = GST_RTMP_SERVER_SRC (object);

  g_free (self->location);
  g_free (self->tls_certificate);
  g_free (self->tls_key);
  mill_rtmp_stream_free (self->stream);
  G_OBJECT_CLASS (gst_rtmp_server_src_parent_class)->finalize (object);
}

static void
gst_rtmp_server_src_class_init (GstRtmpServerSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->dispose = gst_rtmp_server_src_dispose;
  object_class->finalize = gst_rtmp_server_src_finalize;
  element_class->change_state = gst_rtmp_server_src_change_state;
  element_class->send_event = gst_rtmp_server_src_send_event;
  gst_rtmp_server_src_properties_install (object_class);

  /**
   * authorize:
   * @request: app, name, query, address (string), tls (boolean), session
   *   (GObject, for the property session of another rtmpserversrc)
   * @reply: to be answered from any thread, within 5 s, by a structure with
   *   accept (boolean), stream (string: what it is called here), reason and
   *   code (string: what a refused publisher is shown)
   *
   * A publisher asks. Without a handler it is accepted. Pool thread.
   */
  signals[SIGNAL_AUTHORIZE] = g_signal_new ("authorize",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 2, GST_TYPE_STRUCTURE, GST_TYPE_PROMISE);
  /* (stream), (reason); pool thread, publish-end also on the one that stops */
  signals[SIGNAL_PUBLISH_START] = g_signal_new ("publish-start",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[SIGNAL_PUBLISH_END] = g_signal_new ("publish-end",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 1, G_TYPE_STRING);

  /**
   * reconnect-request:
   * @tc_url: (nullable): where to, absolute or relative to where it is; NULL is
   *   the same address again
   * @description: (nullable): why, for people
   *
   * Action: asks the publisher to go on elsewhere from its next keyframe on, as
   * before a shutdown; until then everything goes on. Returns FALSE when there
   * is no publisher, or it has not said that it understands this. Any thread.
   */
  signals[SIGNAL_RECONNECT_REQUEST] =
      g_signal_new_class_handler ("reconnect-request",
          G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
          G_CALLBACK (request_reconnect), NULL, NULL, NULL, G_TYPE_BOOLEAN, 2,
          G_TYPE_STRING, G_TYPE_STRING);
  /**
   * drop-publisher:
   * @reason: what it is shown
   *
   * Sends the publisher away; the stream waits for another as after a loss, and
   * takes one by the property session from then on.
   * Returns: FALSE when there is none
   */
  signals[SIGNAL_DROP_PUBLISHER] = g_signal_new_class_handler ("drop-publisher",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_CALLBACK (gst_rtmp_server_src_drop_publisher), NULL, NULL, NULL,
      G_TYPE_BOOLEAN, 1, G_TYPE_STRING);
  /**
   * reload-tls:
   *
   * Action: loads tls-certificate and tls-key now, for connections to come.
   * That happens by itself too when the files change. FALSE, with a warning
   * message, when they cannot be used: then the ones before stay. On the thread
   * that changes states.
   */
  signals[SIGNAL_RELOAD_TLS] = g_signal_new_class_handler ("reload-tls",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_CALLBACK (gst_rtmp_server_src_reload_tls), NULL, NULL, NULL,
      G_TYPE_BOOLEAN, 0);

  gst_element_class_add_pad_template (element_class,
      mill_rtmp_track_make_template (MILL_FLV_KIND_VIDEO));
  gst_element_class_add_pad_template (element_class,
      mill_rtmp_track_make_template (MILL_FLV_KIND_AUDIO));
  gst_element_class_set_static_metadata (element_class, "RTMP server source",
      "Source/Network", "Receives an RTMP publisher", "The millrace authors");
  GST_DEBUG_CATEGORY_INIT (gst_rtmp_server_src_debug, "rtmpserversrc", 0,
      "RTMP server source");
}

static void
gst_rtmp_server_src_init (GstRtmpServerSrc *self)
{
  self->stream = mill_rtmp_stream_new (GST_ELEMENT (self), &stream_events);
  gst_rtmp_server_src_properties_init (self);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE);
}
