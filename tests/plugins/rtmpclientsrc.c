/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* rtmpclientsrc against servers that play, end, break and have nothing. A user
 * would notice: frames lost, a stream that does not come back or does not end, a
 * pipeline that cannot be stopped. */
#include <string.h>

#include <gst/check/gstcheck.h>

#include "rtmp-origin.h"

#define DEADLINE_US (20 * G_USEC_PER_SEC)

/* ---- an element whose pads end in the test ---- */

typedef struct
{
  GstElement *element;
  GstBus *bus;
  GAsyncQueue *items[2]; /* of GstMiniObject: video, audio */
  GstPad *sinks[2]; /* nullable */
  GMutex lock;
  GCond cond;
  gboolean is_blocked;
  guint n_waiting;
} Puller;

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Puller *self = gst_pad_get_element_private (pad);

  g_mutex_lock (&self->lock);
  self->n_waiting++;
  g_cond_broadcast (&self->cond);
  while (self->is_blocked)
    g_cond_wait (&self->cond, &self->lock);
  self->n_waiting--;
  g_mutex_unlock (&self->lock);
  g_async_queue_push (self->items[pad == self->sinks[1]], buffer);
  return GST_FLOW_OK;
}

static gboolean
handle_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Puller *self = gst_pad_get_element_private (pad);

  g_async_queue_push (self->items[pad == self->sinks[1]], event);
  return TRUE;
}

static void
on_pad_added (GstElement *element, GstPad *pad, gpointer user_data)
{
  Puller *self = user_data;
  guint kind = g_str_has_prefix (GST_PAD_NAME (pad), "audio") ? 1 : 0;
  GstPad *sink = gst_pad_new ("sink", GST_PAD_SINK);

  self->sinks[kind] = sink;
  gst_pad_set_element_private (sink, self);
  gst_pad_set_chain_function (sink, chain);
  gst_pad_set_event_function (sink, handle_event);
  gst_pad_set_active (sink, TRUE);
  g_assert_cmpint (gst_pad_link (pad, sink), ==, GST_PAD_LINK_OK);
}

static Puller *
puller_new (const gchar *location, const gchar *properties)
{
  Puller *self = g_new0 (Puller, 1);
  g_autofree gchar *text =
      g_strdup_printf ("rtmpclientsrc name=pull reconnect-backoff-min-ms=20 "
                       "reconnect-backoff-max-ms=100 %s",
          properties);

  self->element = gst_parse_launch (text, NULL);
  g_object_set (self->element, "location", location, NULL);
  self->bus = gst_bus_new ();
  gst_element_set_bus (self->element, self->bus);
  for (guint i = 0; i < 2; i++)
    self->items[i] =
        g_async_queue_new_full ((GDestroyNotify) gst_mini_object_unref);
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  g_signal_connect (self->element, "pad-added", G_CALLBACK (on_pad_added),
      self);
  return self;
}

static Puller *
puller_start (Origin *origin, const gchar *properties)
{
  g_autofree gchar *location =
      g_strdup_printf ("rtmp://%s/live/demo", origin_get_address (origin));
  Puller *self = puller_new (location, properties);

  g_assert_cmpint (gst_element_set_state (self->element, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_NO_PREROLL);
  g_assert_cmpint (gst_element_set_state (self->element, GST_STATE_PLAYING), ==,
      GST_STATE_CHANGE_SUCCESS);
  return self;
}

static void
puller_free (Puller *self)
{
  gst_element_set_state (self->element, GST_STATE_NULL);
  for (guint i = 0; i < 2; i++) {
    if (self->sinks[i]) {
      gst_pad_set_active (self->sinks[i], FALSE);
      gst_object_unref (self->sinks[i]);
    }
    g_async_queue_unref (self->items[i]);
  }
  gst_element_set_bus (self->element, NULL);
  gst_object_unref (self->element);
  gst_object_unref (self->bus);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Puller, puller_free)

/* The next frame of a track. Returns: its number, or -1 at EOS */
static gint
take_frame (Puller *self, guint kind, GstClockTime *ret_dts,
    gboolean *ret_discont)
{
  for (;;) {
    gpointer item = g_async_queue_timeout_pop (self->items[kind], DEADLINE_US);
    g_assert_nonnull (item);
    if (GST_IS_EVENT (item)) {
      g_autoptr (GstEvent) event = item;
      if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
        return -1;
      continue;
    }
    g_autoptr (GstBuffer) buffer = item;
    guint8 number;
    gst_buffer_extract (buffer, gst_buffer_get_size (buffer) - 1, &number, 1);
    *ret_dts = GST_BUFFER_DTS (buffer);
    *ret_discont = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT);
    return number;
  }
}

/* All of one film, in order. Returns: the last time stamp */
static GstClockTime
expect_film (Puller *self, guint n_frames, GstClockTime after)
{
  GstClockTime last = 0;

  for (guint kind = 0; kind < 2; kind++) {
    GstClockTime floor = after;
    for (guint i = 0; i < n_frames; i++) {
      GstClockTime dts;
      gboolean is_discont;
      g_assert_cmpint (take_frame (self, kind, &dts, &is_discont), ==, i);
      g_assert_cmpint (is_discont, ==, i == 0);
      g_assert_cmpuint (dts, >=, floor);
      floor = dts;
      last = MAX (last, dts);
    }
  }
  return last;
}

static void
expect_eos (Puller *self)
{
  GstClockTime dts;
  gboolean is_discont;

  for (guint kind = 0; kind < 2; kind++)
    g_assert_cmpint (take_frame (self, kind, &dts, &is_discont), ==, -1);
}

static gchar *
expect_error (Puller *self, GstResourceError code)
{
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (self->bus,
      20 * GST_SECOND, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, (gint) code);
  return g_strdup (error->message);
}

static gchar *
wait_state (Puller *self, const gchar *state)
{
  for (;;) {
    g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (self->bus,
        20 * GST_SECOND, GST_MESSAGE_ELEMENT);
    g_assert_nonnull (message);
    const GstStructure *news = gst_message_get_structure (message);
    if (gst_structure_has_name (news, "rtmp-client-state") &&
        g_str_equal (gst_structure_get_string (news, "state"), state))
      return g_strdup (gst_structure_get_string (news, "reason"));
  }
}

/* ---- tests ---- */

GST_START_TEST (contract)
{
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("rtmpclientsrc", NULL));
  guint reconnect_ms = 0;
  guint stall_ms = 0;

  g_object_get (element, "reconnect-timeout-ms", &reconnect_ms,
      "stall-timeout-ms", &stall_ms, NULL);
  g_assert_cmpuint (reconnect_ms, ==, 30000);
  g_assert_cmpuint (stall_ms, ==, 8000);
  g_assert_true (GST_OBJECT_FLAG_IS_SET (element, GST_ELEMENT_FLAG_SOURCE));
  GstElementClass *klass = GST_ELEMENT_GET_CLASS (element);
  const gchar *const names[] = { "video_%u", "audio_%u" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GstPadTemplate *pad = gst_element_class_get_pad_template (klass, names[i]);
    g_assert_nonnull (pad);
    g_assert_cmpint (GST_PAD_TEMPLATE_PRESENCE (pad), ==, GST_PAD_SOMETIMES);
  }
}
GST_END_TEST;

/* What lets it in is for nobody below to log. */
GST_START_TEST (secrets)
{
  g_autoptr (Origin) origin = origin_new (ORIGIN_UNPUBLISH);
  g_autofree gchar *location =
      g_strdup_printf ("rtmp://%s/live?token=sk_secret",
          origin_get_address (origin));
  g_autoptr (Puller) puller = puller_new (location, "stream-key=key_secret");
  const gchar *id = NULL;

  gst_element_set_state (puller->element, GST_STATE_PLAYING);
  g_autoptr (GstEvent) start =
      g_async_queue_timeout_pop (puller->items[0], DEADLINE_US);
  g_assert_nonnull (start);
  g_assert_cmpint (GST_EVENT_TYPE (start), ==, GST_EVENT_STREAM_START);
  gst_event_parse_stream_start (start, &id);
  g_assert_nonnull (strstr (id, "live"));
  g_assert_null (strstr (id, "secret"));
}
GST_END_TEST;

/* Every frame, with the caps of rtmpserversrc, then the end. */
GST_START_TEST (plays)
{
  const OriginMode modes[] = { ORIGIN_UNPUBLISH, ORIGIN_CLOSE };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autoptr (Origin) origin = origin_new (modes[i]);
    g_autoptr (Puller) puller = puller_start (origin, "reconnect-timeout-ms=0");
    expect_film (puller, 30, 0);
    expect_eos (puller);
    g_autofree gchar *asked = origin_dup_play (origin);
    g_assert_cmpstr (asked, ==, "live/demo");
    g_autoptr (GstPad) pad =
        gst_element_get_static_pad (puller->element, "video_0");
    g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
    gint width = 0;
    gst_structure_get_int (gst_caps_get_structure (caps, 0), "width", &width);
    g_assert_cmpint (width, ==, 640);
  }
}
GST_END_TEST;

/* A server that closes, and plays again: the stream goes on, later. */
GST_START_TEST (reconnects)
{
  g_autoptr (Origin) origin = origin_new (ORIGIN_CLOSE);
  g_autoptr (Puller) puller = puller_start (origin, "");
  GstClockTime last = expect_film (puller, 30, 0);

  last = expect_film (puller, 30, last);
  origin_set_mode (origin, ORIGIN_STAY);
  expect_film (puller, 30, last);
  /* What is asked for from outside is an end too. */
  g_assert_true (gst_element_send_event (puller->element,
      gst_event_new_eos ()));
}
GST_END_TEST;

/* What the server says stands in the error, not the name of the stream. */
GST_START_TEST (not_found)
{
  g_autoptr (Origin) origin = origin_new (ORIGIN_NOT_FOUND);
  g_autoptr (Puller) puller = puller_start (origin, "reconnect-timeout-ms=200");
  g_autofree gchar *text = expect_error (puller, GST_RESOURCE_ERROR_NOT_FOUND);

  g_assert_nonnull (strstr (text, "NetStream.Play.StreamNotFound"));
  g_assert_null (strstr (text, "demo"));
  origin_wait_connections (origin, 2);
}
GST_END_TEST;

/* A stream that comes late is waited for. */
GST_START_TEST (comes_late)
{
  g_autoptr (Origin) origin = origin_new (ORIGIN_NOT_FOUND);
  g_autoptr (Puller) puller = puller_start (origin, "");
  g_autofree gchar *reason = wait_state (puller, "refused");

  origin_set_mode (origin, ORIGIN_STAY);
  expect_film (puller, 30, 0);
}
GST_END_TEST;

/* A server that goes silent is left, and one that always was. */
GST_START_TEST (silent)
{
  g_autoptr (Origin) origin = origin_new (ORIGIN_STAY);
  g_autoptr (Puller) puller =
      puller_start (origin, "stall-timeout-ms=200 connect-timeout-ms=3000");

  expect_film (puller, 30, 0);
  origin_set_mode (origin, ORIGIN_SILENT);
  g_autofree gchar *stalled = wait_state (puller, "waiting");
  g_autofree gchar *unanswered = wait_state (puller, "waiting");
  g_assert_cmpstr (stalled, ==, "no byte came for 200 ms");
  g_assert_nonnull (strstr (unanswered, "no answer"));
}
GST_END_TEST;

/* What is below may wait: nothing is lost, and stopping works all the same. */
GST_START_TEST (back_pressure)
{
  g_autoptr (Origin) origin = origin_new (ORIGIN_STAY);
  origin_set_frames (origin, 250);
  g_autoptr (Puller) puller = puller_start (origin, "");
  GstClockTime dts;
  gboolean is_discont;

  g_assert_cmpint (take_frame (puller, 0, &dts, &is_discont), ==, 0);
  g_mutex_lock (&puller->lock);
  puller->is_blocked = TRUE;
  while (puller->n_waiting == 0)
    g_cond_wait (&puller->cond, &puller->lock);
  puller->is_blocked = FALSE;
  g_cond_broadcast (&puller->cond);
  g_mutex_unlock (&puller->lock);
  for (gint i = 1; i < 250; i++)
    g_assert_cmpint (take_frame (puller, 0, &dts, &is_discont), ==, i);
}
GST_END_TEST;

/* Up and down, twice, in the middle of a film and without a server. */
GST_START_TEST (states)
{
  g_autoptr (Origin) origin = origin_new (ORIGIN_STAY);
  g_autoptr (Puller) puller = puller_start (origin, "");

  for (guint i = 1; i <= 3; i++) {
    origin_wait_connections (origin, i);
    gst_element_set_state (puller->element, GST_STATE_READY);
    origin_wait_closed (origin, i);
    for (guint k = 0; k < 2; k++) {
      if (puller->sinks[k])
        gst_object_unref (puller->sinks[k]);
      puller->sinks[k] = NULL;
    }
    if (i < 3)
      gst_element_set_state (puller->element, GST_STATE_PLAYING);
  }
}
GST_END_TEST;

GST_START_TEST (bad_location)
{
  g_autoptr (Puller) puller = puller_new ("http://h/live/x", "");

  g_assert_cmpint (gst_element_set_state (puller->element, GST_STATE_PAUSED),
      ==, GST_STATE_CHANGE_FAILURE);
  g_autofree gchar *text = expect_error (puller, GST_RESOURCE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (text, "rtmp"));
}
GST_END_TEST;

static Suite *
rtmpclientsrc_suite (void)
{
  Suite *suite = suite_create ("rtmpclientsrc");
  TCase *all = tcase_create ("all");

  suite_add_tcase (suite, all);
  tcase_add_test (all, contract);
  tcase_add_test (all, secrets);
  tcase_add_test (all, plays);
  tcase_add_test (all, reconnects);
  tcase_add_test (all, not_found);
  tcase_add_test (all, comes_late);
  tcase_add_test (all, silent);
  tcase_add_test (all, back_pressure);
  tcase_add_test (all, states);
  tcase_add_test (all, bad_location);
  return suite;
}

GST_CHECK_MAIN (rtmpclientsrc)
