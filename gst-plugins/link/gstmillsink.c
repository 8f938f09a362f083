/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * millsink: publishes encoded media on a Unix socket, to any number of millsrc
 * in this or other processes.
 *
 *   gst-launch-1.0 -e videotestsrc is-live=true ! x264enc tune=zerolatency
 *       ! h264parse ! millsink location=demo.sock
 *
 * States: listens from PAUSED on; never prerolls. leaky=false: a push waits
 * until a consumer is there and has room.
 *
 * Threads: chain and events on the streaming threads of upstream; sockets on
 * the I/O thread (link-io.h), from where upstream events go on by
 * gst_element_call_async(), since what is upstream may wait.
 *
 * Source: README.md in this folder; the protocol in lib/link/README.md.
 */
#include <gst/gst.h>

#include "../common/gstpadnumbers.h"
#include "../common/gstupstream.h"
#include "link-caps.h"
#include "link-hub.h"

GST_DEBUG_CATEGORY_STATIC (gst_mill_sink_debug);
#define GST_CAT_DEFAULT gst_mill_sink_debug

#define MAX_OPENING_MS 60000

enum
{
  PROP_0,
  PROP_LOCATION,
  PROP_LEAKY,
  PROP_OPENING_MS,
  PROP_STATS,
};

#define GST_TYPE_MILL_SINK (gst_mill_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstMillSink, gst_mill_sink, GST, MILL_SINK, GstElement)

struct _GstMillSink
{
  GstElement parent;

  MillLinkHub *hub; /* of the element's life; guards itself */

  /* OBJECT_LOCK */
  gchar *location;
  gboolean is_leaky;
  guint opening_ms;
  gboolean eos_posted; /* of the end that the hub is at */
  GQueue wishes; /* of Wish: under way, at most one per pad */
  guint next_video; /* numbers that no pad has had */
  guint next_audio;
  guint next_text;

  gint latency_turn; /* atomic: LatencyTurn */
};

/* Nobody asks; somebody does; and is to ask once more. */
typedef enum
{
  LATENCY_KNOWN,
  LATENCY_ASKED,
  LATENCY_ASKED_AGAIN,
} LatencyTurn;

G_DEFINE_FINAL_TYPE (GstMillSink, gst_mill_sink, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DECLARE (millsink);
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (millsink, "millsink", GST_RANK_NONE,
    GST_TYPE_MILL_SINK,
    GST_DEBUG_CATEGORY_INIT (gst_mill_sink_debug, "millsink", 0,
        "link to other processes"));

static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE ("video_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (MILL_LINK_VIDEO_CAPS));
static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (MILL_LINK_AUDIO_CAPS));
static GstStaticPadTemplate text_template = GST_STATIC_PAD_TEMPLATE ("text_%u",
    GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (MILL_LINK_TEXT_CAPS));

static guint16
get_link_id (GstPad *pad)
{
  return GPOINTER_TO_UINT (gst_pad_get_element_private (pad));
}

/* ---- the end ---- */

/* EOS of a sink counts in PLAYING only; before, it waits for that. What begins
 * meanwhile takes the end back in the hub first, begin_again() then: looked at
 * inside of the lock, an end that is over is not posted. */
static void
post_eos_once (GstMillSink *self)
{
  GST_OBJECT_LOCK (self);
  gboolean now = !self->eos_posted && GST_STATE (self) == GST_STATE_PLAYING &&
      mill_link_hub_is_drained (self->hub);
  self->eos_posted |= now;
  GST_OBJECT_UNLOCK (self);
  if (now)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_eos (GST_OBJECT (self)));
}

/* ---- what consumers want, on the I/O thread ---- */

static void
on_drained (gpointer user_data)
{
  post_eos_once (user_data);
}

/* An event that is to go up from a pad. */
typedef struct
{
  GstPad *pad;
  GstEvent *event;
} Wish;

static void
free_wish (gpointer data)
{
  Wish *wish = data;

  gst_clear_object (&wish->pad);
  gst_clear_event (&wish->event);
  g_free (wish);
}

/* Returns: (transfer full) (nullable) */
static GstPad *
find_pad (GstMillSink *self, guint16 id)
{
  GstPad *found = NULL;

  GST_OBJECT_LOCK (self);
  for (GList *l = GST_ELEMENT (self)->sinkpads; l && !found; l = l->next)
    if (get_link_id (l->data) == id)
      found = gst_object_ref (l->data);
  GST_OBJECT_UNLOCK (self);
  return found;
}

static void
send_wish (GstElement *element, gpointer user_data)
{
  GstMillSink *self = GST_MILL_SINK (element);
  Wish *wish = user_data;

  gst_pad_push_event (wish->pad, g_steal_pointer (&wish->event));
  GST_OBJECT_LOCK (self);
  g_queue_remove (&self->wishes, wish);
  GST_OBJECT_UNLOCK (self);
  free_wish (wish);
}

static gint
compare_pad (gconstpointer wish, gconstpointer pad)
{
  return ((const Wish *) wish)->pad != pad;
}

/* Each call is a thread, perhaps: one that is under way to a pad stands for all
 * that consumers send meanwhile. */
static void
on_upstream (guint16 id, GstEvent *event, gpointer user_data)
{
  GstMillSink *self = user_data;
  Wish *wish = g_new (Wish, 1);

  *wish = (Wish){ find_pad (self, id), event };
  GST_OBJECT_LOCK (self);
  gboolean is_new = wish->pad &&
      !g_queue_find_custom (&self->wishes, wish->pad, compare_pad);
  if (is_new)
    g_queue_push_tail (&self->wishes, wish);
  GST_OBJECT_UNLOCK (self);
  if (is_new)
    gst_element_call_async (user_data, send_wish, wish, NULL);
  else
    free_wish (wish);
}

/* Of the slowest pad. */
static MillLinkLatency
get_latency (GstMillSink *self)
{
  MillLinkLatency latency = { FALSE, 0, GST_CLOCK_TIME_NONE };
  GList *pads;

  GST_OBJECT_LOCK (self);
  pads = g_list_copy_deep (GST_ELEMENT (self)->sinkpads,
      (GCopyFunc) (void (*) (void)) gst_object_ref, NULL);
  GST_OBJECT_UNLOCK (self);
  for (GList *l = pads; l; l = l->next) {
    g_autoptr (GstQuery) query = gst_query_new_latency ();
    gboolean is_live;
    GstClockTime min;
    GstClockTime max;
    if (!gst_pad_peer_query (l->data, query))
      continue;
    gst_query_parse_latency (query, &is_live, &min, &max);
    if (!is_live || !GST_CLOCK_TIME_IS_VALID (min))
      continue;
    latency.is_live = TRUE;
    latency.min_ns = MAX (latency.min_ns, min);
    latency.max_ns = MIN (latency.max_ns, max);
  }
  g_list_free_full (pads, gst_object_unref);
  latency.max_ns = MAX (latency.max_ns, latency.min_ns);
  return latency;
}

/* One at a time: of two, the one that has asked earlier might tell later. */
static void
tell_latency (GstElement *element, gpointer user_data)
{
  GstMillSink *self = GST_MILL_SINK (element);

  do {
    g_atomic_int_set (&self->latency_turn, LATENCY_ASKED);
    MillLinkLatency latency = get_latency (self);
    mill_link_hub_set_latency (self->hub, &latency);
  } while (!g_atomic_int_compare_and_exchange (&self->latency_turn,
      LATENCY_ASKED, LATENCY_KNOWN));
}

static void
ask_latency (GstMillSink *self)
{
  if (g_atomic_int_exchange (&self->latency_turn, LATENCY_ASKED_AGAIN) ==
      LATENCY_KNOWN)
    gst_element_call_async (GST_ELEMENT (self), tell_latency, NULL, NULL);
}

static void
on_latency_wanted (gpointer user_data)
{
  ask_latency (user_data);
}

static void
on_refused (const gchar *why, gpointer user_data)
{
  GstMillSink *self = user_data;

  GST_ELEMENT_WARNING (self, RESOURCE, READ,
      ("A consumer of the link was sent away: %s", why), (NULL));
}

static const MillLinkHubEvents hub_events = { on_drained, on_upstream,
  on_latency_wanted, on_refused };

/* ---- streaming ---- */

static GstFlowReturn
gst_mill_sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstMillSink *self = GST_MILL_SINK (parent);
  g_autoptr (GError) error = NULL;
  GstFlowReturn flow =
      mill_link_hub_push_buffer (self->hub, get_link_id (pad), buffer, &error);

  if (flow == GST_FLOW_ERROR)
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("A buffer of pad %s does not fit the link.", GST_PAD_NAME (pad)),
        ("%s", error->message));
  else if (flow == GST_FLOW_NOT_NEGOTIATED)
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("A buffer of pad %s came before caps or segment.", GST_PAD_NAME (pad)),
        (NULL));
  return flow;
}

/* Returns: FALSE when what cannot cross must not be left out */
static gboolean
cross (GstMillSink *self, GstPad *pad, GstEvent *event)
{
  g_autoptr (GError) error = NULL;
  GstEventType type = GST_EVENT_TYPE (event);

  if (mill_link_hub_push_event (self->hub, get_link_id (pad), event, &error))
    return TRUE;
  if (type == GST_EVENT_TAG) {
    GST_WARNING_OBJECT (pad, "%s, leaving the tags out", error->message);
    return TRUE;
  }
  GST_ELEMENT_ERROR (self, STREAM, FORMAT,
      ("The %s of pad %s cannot cross the link.", GST_EVENT_TYPE_NAME (event),
          GST_PAD_NAME (pad)),
      ("%s", error->message));
  return FALSE;
}

/* There was an EOS perhaps; now there is more, of which the hub has heard. */
static void
begin_again (GstMillSink *self)
{
  GST_OBJECT_LOCK (self);
  self->eos_posted = FALSE;
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_mill_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstMillSink *self = GST_MILL_SINK (parent);
  gboolean ok = TRUE;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      ok = cross (self, pad, event);
      begin_again (self);
      break;
    case GST_EVENT_CAPS:
    case GST_EVENT_SEGMENT:
    case GST_EVENT_TAG:
    case GST_EVENT_GAP:
      ok = cross (self, pad, event);
      break;
    case GST_EVENT_EOS:
      ok = cross (self, pad, event);
      mill_link_hub_finish_if_ended (self->hub);
      break;
    case GST_EVENT_FLUSH_START:
      mill_link_hub_set_flushing (self->hub, get_link_id (pad), TRUE);
      break;
    case GST_EVENT_FLUSH_STOP:
      mill_link_hub_set_flushing (self->hub, get_link_id (pad), FALSE);
      ok = cross (self, pad, event);
      begin_again (self);
      break;
    default:
      break;
  }
  gst_event_unref (event);
  return ok;
}

static gboolean
gst_mill_sink_activate_mode (GstPad *pad, GstObject *parent, GstPadMode mode,
    gboolean active)
{
  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  mill_link_hub_set_flushing (GST_MILL_SINK (parent)->hub, get_link_id (pad),
      !active);
  return TRUE;
}

/* ---- pads ---- */

/* Pads are requested by several threads at once. */
static gchar *
name_pad (GstMillSink *self, const gchar *pattern, const gchar *wanted)
{
  g_autofree gchar *prefix = g_strndup (pattern, strlen (pattern) - 2);
  guint *next = g_str_has_prefix (prefix, "video") ? &self->next_video
      : g_str_has_prefix (prefix, "audio")         ? &self->next_audio
                                                   : &self->next_text;

  GST_OBJECT_LOCK (self);
  gchar *name = gst_pad_numbers_name (next, prefix, wanted);
  GST_OBJECT_UNLOCK (self);
  return name;
}

static GstPad *
gst_mill_sink_request_new_pad (GstElement *element, GstPadTemplate *template,
    const gchar *wanted, const GstCaps *caps)
{
  GstMillSink *self = GST_MILL_SINK (element);
  g_autofree gchar *name =
      name_pad (self, GST_PAD_TEMPLATE_NAME_TEMPLATE (template), wanted);
  GstPad *pad = gst_pad_new_from_template (template, name);
  guint16 id = mill_link_hub_add_pad (self->hub, name);
  gst_pad_set_element_private (pad, GUINT_TO_POINTER (id));
  gst_pad_set_chain_function (pad, gst_mill_sink_chain);
  gst_pad_set_event_function (pad, gst_mill_sink_event);
  gst_pad_set_activatemode_function (pad, gst_mill_sink_activate_mode);
  gst_element_add_pad (element, pad);
  return pad;
}

static void
gst_mill_sink_release_pad (GstElement *element, GstPad *pad)
{
  GstMillSink *self = GST_MILL_SINK (element);

  mill_link_hub_remove_pad (self->hub, get_link_id (pad));
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (element, pad);
  mill_link_hub_finish_if_ended (self->hub);
}

/* ---- states ---- */

static gboolean
open_hub (GstMillSink *self)
{
  g_autoptr (GError) error = NULL;

  GST_OBJECT_LOCK (self);
  g_autofree gchar *location = g_strdup (self->location);
  gboolean is_leaky = self->is_leaky;
  guint opening_ms = self->opening_ms;
  self->eos_posted = FALSE;
  GST_OBJECT_UNLOCK (self);
  if (!location) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
        ("No socket to publish on: set the property location."), (NULL));
    return FALSE;
  }
  if (mill_link_hub_start (self->hub, location, is_leaky, opening_ms, &error))
    return TRUE;
  GST_ELEMENT_ERROR (self, RESOURCE, OPEN_WRITE,
      ("Cannot publish on '%s': %s", location, error->message), (NULL));
  return FALSE;
}

static GstStateChangeReturn
gst_mill_sink_change_state (GstElement *element, GstStateChange transition)
{
  GstMillSink *self = GST_MILL_SINK (element);

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !open_hub (self))
    return GST_STATE_CHANGE_FAILURE;
  /* Before the pads: wakes a push that waits. */
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    mill_link_hub_stop (self->hub);
  GstStateChangeReturn result = GST_ELEMENT_CLASS (gst_mill_sink_parent_class)
                                    ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
      result == GST_STATE_CHANGE_FAILURE)
    mill_link_hub_stop (self->hub);
  return result;
}

/* GST_STATE() is PLAYING only now. */
static void
gst_mill_sink_state_changed (GstElement *element, GstState old_state,
    GstState new_state, GstState pending)
{
  GstMillSink *self = GST_MILL_SINK (element);

  /* A bin forgets who has ended when it goes to PAUSED, and asks again. */
  GST_OBJECT_LOCK (self);
  self->eos_posted &= new_state == GST_STATE_PLAYING;
  GST_OBJECT_UNLOCK (self);
  post_eos_once (self);
}

/* A seek or a latency of the pipeline goes up all branches, where GstElement
 * would look for a source pad; of a latency consumers hear too, unasked. A
 * latency is taken by whom it does not concern, as GstBaseSink does: it waits
 * for nothing, so there is nothing to set. */
static gboolean
gst_mill_sink_send_event (GstElement *element, GstEvent *event)
{
  if (GST_EVENT_IS_DOWNSTREAM (event))
    return GST_ELEMENT_CLASS (gst_mill_sink_parent_class)
        ->send_event (element, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_LATENCY)
    ask_latency (GST_MILL_SINK (element));
  return gst_upstream_send (element, event);
}

/* Of all pads, where GstElement would ask one. */
static gboolean
gst_mill_sink_query (GstElement *element, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return GST_ELEMENT_CLASS (gst_mill_sink_parent_class)
        ->query (element, query);
  MillLinkLatency latency = get_latency (GST_MILL_SINK (element));
  gst_query_set_latency (query, latency.is_live, latency.min_ns,
      latency.max_ns);
  return TRUE;
}

/* ---- GObject ---- */

static void
gst_mill_sink_set_property (GObject *object, guint id, const GValue *value,
    GParamSpec *pspec)
{
  GstMillSink *self = GST_MILL_SINK (object);

  GST_OBJECT_LOCK (self);
  if (id == PROP_LOCATION) {
    g_free (self->location);
    self->location = g_value_dup_string (value);
  } else if (id == PROP_LEAKY) {
    self->is_leaky = g_value_get_boolean (value);
  } else if (id == PROP_OPENING_MS) {
    self->opening_ms = g_value_get_uint (value);
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_mill_sink_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstMillSink *self = GST_MILL_SINK (object);

  if (id == PROP_STATS) {
    g_value_take_boxed (value, mill_link_hub_get_stats (self->hub));
    return;
  }
  GST_OBJECT_LOCK (self);
  if (id == PROP_LOCATION)
    g_value_set_string (value, self->location);
  else if (id == PROP_LEAKY)
    g_value_set_boolean (value, self->is_leaky);
  else if (id == PROP_OPENING_MS)
    g_value_set_uint (value, self->opening_ms);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_mill_sink_finalize (GObject *object)
{
  GstMillSink *self = GST_MILL_SINK (object);

  mill_link_hub_free (self->hub);
  g_queue_clear_full (&self->wishes, free_wish);
  g_free (self->location);
  G_OBJECT_CLASS (gst_mill_sink_parent_class)->finalize (object);
}

static void
gst_mill_sink_class_init (GstMillSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_mill_sink_set_property;
  object_class->get_property = gst_mill_sink_get_property;
  object_class->finalize = gst_mill_sink_finalize;
  g_object_class_install_property (object_class, PROP_LOCATION,
      g_param_spec_string ("location", "Location",
          "Path of the socket to listen on; its directory must exist", NULL,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
              GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_LEAKY,
      g_param_spec_boolean ("leaky", "Leaky",
          "Never wait: a consumer that is too slow goes on at a later "
          "keyframe. False: wait until the slowest consumer has room",
          TRUE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
              GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_OPENING_MS,
      g_param_spec_uint ("opening-ms", "Opening",
          "The first consumer gets all since the start when it comes within so "
          "many ms of the first buffer; 0, or later: since the last keyframe",
          0, MAX_OPENING_MS, 0,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
              GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "consumers, attached (ever), buffers, dropped (over all consumers), "
          "queued-bytes (of the slowest)",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  element_class->request_new_pad = gst_mill_sink_request_new_pad;
  element_class->release_pad = gst_mill_sink_release_pad;
  element_class->change_state = gst_mill_sink_change_state;
  element_class->send_event = gst_mill_sink_send_event;
  element_class->query = gst_mill_sink_query;
  element_class->state_changed = gst_mill_sink_state_changed;
  gst_element_class_add_static_pad_template (element_class, &video_template);
  gst_element_class_add_static_pad_template (element_class, &audio_template);
  gst_element_class_add_static_pad_template (element_class, &text_template);
  gst_element_class_set_static_metadata (element_class, "Link sink",
      "Sink/Network", "Publishes encoded media to other processes",
      "The millrace authors");
}

static void
gst_mill_sink_init (GstMillSink *self)
{
  self->is_leaky = TRUE;
  g_queue_init (&self->wishes);
  self->hub = mill_link_hub_new (&hub_events, self);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
}
