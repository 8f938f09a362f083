/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-receiver.h"
#include "source/source-event.h"

#define DEADLINE_US (20 * G_USEC_PER_SEC)

/* Without a template a pad accepts no other caps than its first. */
static GstStaticPadTemplate any_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static ReceiverKind
get_kind (GstPad *pad)
{
  static const gchar *const names[RECEIVER_N_KINDS] = {
    [RECEIVER_VIDEO] = "video_0",
    [RECEIVER_AUDIO] = "audio_0",
    [RECEIVER_VIDEO_1] = "video_1",
    [RECEIVER_AUDIO_1] = "audio_1",
    [RECEIVER_VIDEO_7] = "video_7",
  };

  for (guint i = 0; i < RECEIVER_N_KINDS; i++)
    if (g_str_equal (GST_PAD_NAME (pad), names[i]))
      return i;
  g_error ("pad '%s': got no queue for it", GST_PAD_NAME (pad));
}

static GstFlowReturn
on_buffer (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Receiver *self = pad->chaindata;

  g_mutex_lock (&self->lock);
  self->waiting++;
  g_cond_broadcast (&self->cond);
  while (self->blocked)
    g_cond_wait (&self->cond, &self->lock);
  self->waiting--;
  g_mutex_unlock (&self->lock);

  GstFlowReturn flow = g_atomic_int_get (&self->flow);
  if (flow == GST_FLOW_OK)
    g_async_queue_push (self->items[get_kind (pad)], buffer);
  else
    gst_buffer_unref (buffer);
  return flow;
}

static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Receiver *self = pad->eventdata;

  if (mill_source_event_is_lost (event)) {
    g_atomic_int_inc (&self->losses);
    gst_event_unref (event);
    return TRUE;
  }
  g_async_queue_push (self->items[get_kind (pad)], event);
  return TRUE;
}

static void
on_pad_added (GstElement *element, GstPad *pad, gpointer user_data)
{
  Receiver *self = user_data;
  ReceiverKind kind = get_kind (pad);

  g_clear_object (&self->sinks[kind]);
  self->sinks[kind] =
      gst_object_ref_sink (gst_pad_new_from_static_template (&any_template,
          GST_PAD_NAME (pad)));
  gst_pad_set_chain_function_full (self->sinks[kind], on_buffer, self, NULL);
  gst_pad_set_event_function_full (self->sinks[kind], on_event, self, NULL);
  gst_pad_set_active (self->sinks[kind], TRUE);
  gst_pad_link (pad, self->sinks[kind]);
  g_async_queue_push (self->signals,
      g_strdup_printf ("pad %s", GST_PAD_NAME (pad)));
}

static void
on_no_more_pads (GstElement *element, gpointer user_data)
{
  Receiver *self = user_data;

  g_async_queue_push (self->signals, g_strdup ("no-more-pads"));
}

static void
on_publish_start (GstElement *element, const gchar *stream, gpointer user_data)
{
  Receiver *self = user_data;

  g_async_queue_push (self->signals, g_strdup_printf ("start %s", stream));
}

static void
on_publish_end (GstElement *element, const gchar *reason, gpointer user_data)
{
  Receiver *self = user_data;

  g_async_queue_push (self->signals, g_strdup_printf ("end %s", reason));
}

Receiver *
receiver_new (const gchar *location)
{
  Receiver *self = g_new0 (Receiver, 1);

  self->element = gst_element_factory_make ("rtmpserversrc", NULL);
  fail_unless (self->element != NULL);
  gst_object_ref_sink (self->element);
  self->clock = GST_TEST_CLOCK (gst_test_clock_new ());
  self->bus = gst_bus_new ();
  gst_element_set_bus (self->element, self->bus);
  self->signals = g_async_queue_new_full (g_free);
  for (guint i = 0; i < RECEIVER_N_KINDS; i++)
    self->items[i] =
        g_async_queue_new_full ((GDestroyNotify) gst_mini_object_unref);
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  g_object_set (self->element, "location", location, NULL);
  g_signal_connect (self->element, "pad-added", G_CALLBACK (on_pad_added),
      self);
  g_signal_connect (self->element, "no-more-pads", G_CALLBACK (on_no_more_pads),
      self);
  g_signal_connect (self->element, "publish-start",
      G_CALLBACK (on_publish_start), self);
  g_signal_connect (self->element, "publish-end", G_CALLBACK (on_publish_end),
      self);
  return self;
}

void
receiver_start (Receiver *self, GstClockTime now)
{
  gst_test_clock_set_time (self->clock, now);
  gst_element_set_clock (self->element, GST_CLOCK (self->clock));
  gst_element_set_base_time (self->element, 0);
  fail_unless_equals_int (gst_element_set_state (self->element,
                              GST_STATE_PLAYING),
      GST_STATE_CHANGE_SUCCESS);
  g_free (self->address);
  g_object_get (self->element, "listening", &self->address, NULL);
}

void
receiver_free (Receiver *self)
{
  receiver_unblock (self);
  gst_element_set_state (self->element, GST_STATE_NULL);
  gst_element_set_bus (self->element, NULL);
  gst_object_unref (self->element);
  gst_object_unref (self->bus);
  gst_object_unref (self->clock);
  for (guint i = 0; i < RECEIVER_N_KINDS; i++) {
    g_clear_object (&self->sinks[i]);
    g_async_queue_unref (self->items[i]);
  }
  g_async_queue_unref (self->signals);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  g_free (self->address);
  g_free (self);
}

GstMiniObject *
receiver_take_item (Receiver *self, ReceiverKind kind)
{
  GstMiniObject *item =
      g_async_queue_timeout_pop (self->items[kind], DEADLINE_US);

  fail_unless (item != NULL, "nothing came on pad %u", kind);
  return item;
}

GstBuffer *
receiver_take_buffer (Receiver *self, ReceiverKind kind)
{
  GstMiniObject *item = receiver_take_item (self, kind);

  fail_unless (GST_IS_BUFFER (item), "got %s instead of a buffer",
      GST_IS_EVENT (item) ? GST_EVENT_TYPE_NAME (item) : "something");
  return GST_BUFFER (item);
}

GstEvent *
receiver_take_event (Receiver *self, ReceiverKind kind, GstEventType type)
{
  GstMiniObject *item = receiver_take_item (self, kind);

  fail_unless (GST_IS_EVENT (item), "got a buffer instead of %s",
      gst_event_type_get_name (type));
  fail_unless_equals_string (GST_EVENT_TYPE_NAME (item),
      gst_event_type_get_name (type));
  return GST_EVENT (item);
}

GstEvent *
receiver_take_any_event (Receiver *self, ReceiverKind kind)
{
  GstMiniObject *item = receiver_take_item (self, kind);

  fail_unless (GST_IS_EVENT (item), "got a buffer instead of an event");
  return GST_EVENT (item);
}

gint64
receiver_take_dts (Receiver *self, ReceiverKind kind)
{
  while (TRUE) {
    GstMiniObject *item = receiver_take_item (self, kind);
    gboolean is_buffer = GST_IS_BUFFER (item);
    gint64 dts = is_buffer ? GST_BUFFER_DTS (item) / GST_MSECOND : 0;
    fail_if (!is_buffer && GST_EVENT_TYPE (item) == GST_EVENT_EOS, "got EOS");
    gst_mini_object_unref (item);
    if (is_buffer)
      return dts;
  }
}

void
receiver_expect_signal (Receiver *self, const gchar *signal)
{
  g_autofree gchar *got =
      g_async_queue_timeout_pop (self->signals, DEADLINE_US);

  fail_unless_equals_string (got, signal);
}

void
receiver_wait_signal (Receiver *self, const gchar *prefix)
{
  while (TRUE) {
    g_autofree gchar *got =
        g_async_queue_timeout_pop (self->signals, DEADLINE_US);
    fail_unless (got != NULL, "no signal %s", prefix);
    if (g_str_has_prefix (got, prefix))
      return;
  }
}

GstMessage *
receiver_take_message (Receiver *self, GstMessageType type)
{
  GstMessage *message =
      gst_bus_timed_pop_filtered (self->bus, DEADLINE_US * GST_USECOND, type);

  fail_unless (message != NULL, "no message %s",
      gst_message_type_get_name (type));
  return message;
}

gboolean
receiver_has_message (Receiver *self, GstMessageType type)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (self->bus, type);

  return message != NULL;
}

void
receiver_block (Receiver *self)
{
  g_mutex_lock (&self->lock);
  self->blocked = TRUE;
  g_mutex_unlock (&self->lock);
}

void
receiver_wait_blocked (Receiver *self)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  g_mutex_lock (&self->lock);
  while (self->waiting == 0)
    fail_unless (g_cond_wait_until (&self->cond, &self->lock, deadline));
  g_mutex_unlock (&self->lock);
}

void
receiver_unblock (Receiver *self)
{
  g_mutex_lock (&self->lock);
  self->blocked = FALSE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

static GstStructure *
get_stats (Receiver *self)
{
  GstStructure *stats = NULL;

  g_object_get (self->element, "stats", &stats, NULL);
  return stats;
}

guint64
receiver_get_stat (Receiver *self, const gchar *name)
{
  g_autoptr (GstStructure) stats = get_stats (self);
  guint value = 0;
  guint64 value64 = 0;

  if (!gst_structure_get_uint64 (stats, name, &value64))
    fail_unless (gst_structure_get_uint (stats, name, &value), "no %s", name);
  return value64 + value;
}

gchar *
receiver_get_state (Receiver *self)
{
  g_autoptr (GstStructure) stats = get_stats (self);

  return g_strdup (gst_structure_get_string (stats, "state"));
}

void
receiver_wait_state (Receiver *self, const gchar *state)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  g_autofree gchar *got = receiver_get_state (self);

  /* There is no event to wait for: the property is the only thing to look at. */
  while (g_strcmp0 (got, state) != 0) {
    fail_unless (g_get_monotonic_time () < deadline, "state is %s", got);
    g_thread_yield ();
    g_free (got);
    got = receiver_get_state (self);
  }
}
