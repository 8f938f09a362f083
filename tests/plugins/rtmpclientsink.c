/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* rtmpclientsink against servers that do what they like. A user would notice:
 * a stream that stands still because a target does, a sibling that loses
 * pictures, a target that is never tried again or never given up, a key in a
 * log. */
#include <string.h>

#include <gst/check/gstcheck.h>

#include "rtmp-target.h"
#include "tls-files.h"

#define AVCC                                                                   \
  "0164001effe100196764001eacd940a02ff9610000030001000003003c0f162d9601000468" \
  "efbcb0fdf8f800"
#define VIDEO_CAPS                                                         \
  "video/x-h264, stream-format=avc, alignment=au, width=640, height=360, " \
  "framerate=30/1, codec_data=(buffer)" AVCC
#define AUDIO_CAPS                                                         \
  "audio/mpeg, mpegversion=4, stream-format=raw, rate=48000, channels=2, " \
  "codec_data=(buffer)1190"

#define DEADLINE_US (20 * G_USEC_PER_SEC)
#define FRAME_MS 33
#define GOP 10
#define SECRET "sk_very_secret_1234"

/* ---- an element with a source pad of the test on each of its pads ---- */

typedef struct
{
  GstElement *element;
  GstBus *bus;
  GstPad *sources[2]; /* video, audio */
  GPtrArray *news; /* of gchar: "state reason", as they came */
} Relay;

static GstPad *
add_source (GstElement *element, const gchar *name, const gchar *caps_text)
{
  g_autoptr (GstPad) sink = gst_element_request_pad_simple (element, name);
  GstPad *source = gst_pad_new (name, GST_PAD_SRC);
  g_autoptr (GstCaps) caps = gst_caps_from_string (caps_text);
  GstSegment segment;

  g_assert_nonnull (sink);
  gst_pad_set_active (source, TRUE);
  g_assert_cmpint (gst_pad_link (source, sink), ==, GST_PAD_LINK_OK);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  g_assert_true (gst_pad_push_event (source,
      gst_event_new_stream_start (name)));
  g_assert_true (gst_pad_push_event (source, gst_event_new_caps (caps)));
  g_assert_true (gst_pad_push_event (source, gst_event_new_segment (&segment)));
  return source;
}

/* To PLAYING; time-outs are those of a test. @properties: "name=value ..." */
static Relay *
relay_new (const gchar *location, const gchar *properties)
{
  Relay *self = g_new0 (Relay, 1);
  g_autofree gchar *text =
      g_strdup_printf ("rtmpclientsink name=relay reconnect-backoff-min-ms=20 "
                       "reconnect-backoff-max-ms=100 %s",
          properties);

  self->element = gst_parse_launch (text, NULL);
  g_assert_nonnull (self->element);
  g_object_set (self->element, "location", location, NULL);
  self->bus = gst_bus_new ();
  self->news = g_ptr_array_new_with_free_func (g_free);
  gst_element_set_bus (self->element, self->bus);
  g_assert_cmpint (gst_element_set_state (self->element, GST_STATE_PLAYING), ==,
      GST_STATE_CHANGE_SUCCESS);
  self->sources[0] = add_source (self->element, "video_0", VIDEO_CAPS);
  self->sources[1] = add_source (self->element, "audio_0", AUDIO_CAPS);
  return self;
}

/* Of a target, with its own name for the stream. */
static Relay *
relay_to (Target *target, const gchar *properties)
{
  g_autofree gchar *location =
      g_strdup_printf ("rtmp://%s/live/demo", target_get_address (target));

  return relay_new (location, properties);
}

static void
relay_free (Relay *self)
{
  gst_element_set_state (self->element, GST_STATE_NULL);
  for (guint i = 0; i < 2; i++) {
    gst_pad_set_active (self->sources[i], FALSE);
    gst_object_unref (self->sources[i]);
  }
  gst_element_set_bus (self->element, NULL);
  gst_object_unref (self->element);
  gst_object_unref (self->bus);
  g_ptr_array_unref (self->news);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Relay, relay_free)

static GstFlowReturn
push (GstPad *source, guint64 ms, gboolean is_key, gsize size, guint8 number)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (buffer, 0, number, size);
  GST_BUFFER_DTS (buffer) = ms * GST_MSECOND;
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer);
  if (!is_key)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return gst_pad_push (source, buffer);
}

/* The nth picture and a sound of the same time. Nothing may hold this up. */
static void
relay_push (Relay *self, guint n, gsize size)
{
  gint64 start_us = g_get_monotonic_time ();

  g_assert_cmpint (push (self->sources[0], 5000 + n * FRAME_MS, n % GOP == 0,
                       size, n),
      ==, GST_FLOW_OK);
  g_assert_cmpint (push (self->sources[1], 5000 + n * FRAME_MS, TRUE, 200, n),
      ==, GST_FLOW_OK);
  g_assert_cmpint (g_get_monotonic_time () - start_us, <, DEADLINE_US);
}

static GstStructure *
get_stats (Relay *self)
{
  GstStructure *stats;

  g_object_get (self->element, "stats", &stats, NULL);
  return stats;
}

static guint64
get_stat (Relay *self, const gchar *name)
{
  g_autoptr (GstStructure) stats = get_stats (self);
  guint64 number = 0;
  guint small;

  if (gst_structure_get_uint (stats, name, &small))
    return small;
  g_assert_true (gst_structure_get_uint64 (stats, name, &number));
  return number;
}

static void
wait_stat (Relay *self, const gchar *name, guint64 at_least)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  while (get_stat (self, name) < at_least) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_thread_yield ();
  }
}

static gchar *
dup_stat (Relay *self, const gchar *name)
{
  g_autoptr (GstStructure) stats = get_stats (self);

  return g_strdup (gst_structure_get_string (stats, name));
}

/* Waits for the element's message of that state. Returns: its reason */
static gchar *
relay_wait_state (Relay *self, const gchar *state)
{
  for (;;) {
    g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (self->bus,
        20 * GST_SECOND, GST_MESSAGE_ELEMENT);
    if (!message)
      g_error ("the relay has not become '%s'", state);
    const GstStructure *news = gst_message_get_structure (message);
    if (!gst_structure_has_name (news, "rtmp-client-state"))
      continue;
    const gchar *now = gst_structure_get_string (news, "state");
    g_ptr_array_add (self->news, g_strdup (now));
    if (g_str_equal (now, state))
      return g_strdup (gst_structure_get_string (news, "reason"));
  }
}

/* Nothing but news of its state has come to the bus. */
static void
assert_no_error (Relay *self)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (self->bus,
      GST_MESSAGE_ERROR | GST_MESSAGE_WARNING | GST_MESSAGE_EOS);

  if (message)
    g_error ("got %" GST_PTR_FORMAT, message);
}

/* Every frame arrived once, in order, from a keyframe on, never going back, and
 * after what tells of the codec. */
static void
assert_whole (Target *target, guint n_frames)
{
  g_autoptr (GArray) messages = target_copy_messages (target);
  guint next[2] = { 0, 0 };
  guint32 last_ms[2] = { 0, 0 };
  gboolean has_config[2] = { FALSE, FALSE };

  for (guint i = 0; i < messages->len; i++) {
    const TargetMessage *message = &g_array_index (messages, TargetMessage, i);
    guint kind = message->is_video ? 0 : 1;
    has_config[kind] |= message->is_config;
    if (message->is_config)
      continue;
    g_assert_true (has_config[kind]);
    g_assert_cmpuint (message->number, ==, next[kind] & 0xff);
    g_assert_cmpuint (message->timestamp_ms, ==, next[kind] * FRAME_MS);
    g_assert_cmpuint (message->timestamp_ms, >=, last_ms[kind]);
    if (kind == 0)
      g_assert_cmpint (message->is_keyframe, ==, next[0] % GOP == 0);
    last_ms[kind] = message->timestamp_ms;
    next[kind]++;
  }
  g_assert_cmpuint (next[0], ==, n_frames);
  g_assert_cmpuint (next[1], ==, n_frames);
}

/* On each connection: configuration and keyframe first; over all of them time
 * stamps do not go back. */
static void
assert_clean_starts (Target *target)
{
  g_autoptr (GArray) messages = target_copy_messages (target);
  guint connection = 0;
  gboolean has_config = FALSE;
  gboolean has_keyframe = FALSE;
  guint32 last_ms = 0;

  for (guint i = 0; i < messages->len; i++) {
    const TargetMessage *message = &g_array_index (messages, TargetMessage, i);
    if (message->connection != connection)
      has_config = has_keyframe = FALSE;
    connection = message->connection;
    if (!message->is_video)
      continue;
    has_config |= message->is_config;
    has_keyframe |= !message->is_config && message->is_keyframe;
    g_assert_true (has_config);
    g_assert_true (has_keyframe || message->is_config);
    g_assert_cmpuint (message->timestamp_ms, >=, last_ms);
    last_ms = message->timestamp_ms;
  }
}

/* ---- contract ---- */

/* Scripts and descriptions rely on names, defaults, pads. */
GST_START_TEST (contract)
{
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("rtmpclientsink", NULL));
  static const struct
  {
    const gchar *name;
    guint value;
  } numbers[] = { { "connect-timeout-ms", 10000 }, { "stall-timeout-ms", 8000 },
    { "reconnect-backoff-min-ms", 500 }, { "reconnect-backoff-max-ms", 30000 },
    { "max-attempts", 0 }, { "max-queue-ms", 5000 },
    { "max-queue-bytes", 16 * 1024 * 1024 } };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
    guint value = 1;
    g_object_get (element, numbers[i].name, &value, NULL);
    g_assert_cmpuint (value, ==, numbers[i].value);
  }
  gboolean validates = FALSE;
  g_object_get (element, "tls-validation", &validates, NULL);
  g_assert_true (validates);
  g_assert_true (GST_OBJECT_FLAG_IS_SET (element, GST_ELEMENT_FLAG_SINK));
  g_autoptr (GstPad) video =
      gst_element_request_pad_simple (element, "video_%u");
  g_autoptr (GstPad) audio =
      gst_element_request_pad_simple (element, "audio_%u");
  g_assert_cmpstr (GST_PAD_NAME (video), ==, "video_0");
  g_assert_cmpstr (GST_PAD_NAME (audio), ==, "audio_0");
  g_assert_null (gst_element_request_pad_simple (element, "video_%u"));
  gst_element_release_request_pad (element, video);
  g_autoptr (GstPad) again =
      gst_element_request_pad_simple (element, "video_%u");
  g_assert_nonnull (again);
}
GST_END_TEST;

/* What one sees of a relay must not be its key. */
GST_START_TEST (secrets)
{
  g_autoptr (Target) target = target_new (TARGET_REFUSE, NULL, NULL);
  target_set_text (target, "NetStream.Publish.Denied");
  g_autofree gchar *location =
      g_strdup_printf ("rtmp://%s/live", target_get_address (target));
  g_autofree gchar *full = g_strdup_printf ("%s/%s", location, SECRET);
  const gchar *const variants[][2] = {
    { location, "stream-key=" SECRET },
    { full, "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (variants); i++) {
    g_autoptr (Relay) relay = relay_new (variants[i][0], variants[i][1]);
    relay_push (relay, 0, 100);
    g_autofree gchar *reason = relay_wait_state (relay, "refused");
    g_autofree gchar *asked = target_dup_publish (target);
    g_assert_cmpstr (asked, ==, "live/" SECRET);
    g_assert_cmpstr (reason, ==, "NetStream.Publish.Denied ('***' may not)");
    g_autoptr (GstStructure) stats = get_stats (relay);
    g_autofree gchar *text = gst_structure_to_string (stats);
    g_assert_null (strstr (text, SECRET));
    g_autofree gchar *shown = NULL;
    g_object_get (relay->element, "location", &shown, NULL);
    g_assert_null (strstr (shown, SECRET));
    g_autofree gchar *where = dup_stat (relay, "target");
    g_assert_cmpstr (where, ==, location);
  }
}
GST_END_TEST;

/* A mistake in the address is told at once, and without the address. */
GST_START_TEST (bad_locations)
{
  const gchar *const bad[] = { "http://h/live/x", "rtmp://", "rtmp://h",
    "rtmp://h/" SECRET, "rtmp://user@h/live/x", "rtmp://h:0/live/x", "live" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GstElement) element =
        gst_object_ref_sink (gst_element_factory_make ("rtmpclientsink", NULL));
    g_autoptr (GstBus) bus = gst_bus_new ();
    g_object_set (element, "location", bad[i], NULL);
    gst_element_set_bus (element, bus);
    g_assert_cmpint (gst_element_set_state (element, GST_STATE_PLAYING), ==,
        GST_STATE_CHANGE_FAILURE);
    g_autoptr (GstMessage) message =
        gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
    g_assert_nonnull (message);
    g_autoptr (GError) error = NULL;
    gst_message_parse_error (message, &error, NULL);
    g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
    g_assert_null (strstr (error->message, SECRET));
    gst_element_set_state (element, GST_STATE_NULL);
    gst_element_set_bus (element, NULL);
  }
}
GST_END_TEST;

/* An optional target that nobody has named costs nothing and harms nothing. */
GST_START_TEST (empty_location)
{
  g_autoptr (Relay) relay = relay_new ("", "");

  for (guint i = 0; i < 2000; i++)
    relay_push (relay, i, 100);
  g_assert_cmpuint (get_stat (relay, "attempts"), ==, 0);
  g_assert_cmpuint (get_stat (relay, "queue-bytes"), ==, 0);
  g_assert_cmpuint (get_stat (relay, "dropped-frames"), ==, 0);
  for (guint i = 0; i < 2; i++)
    gst_pad_push_event (relay->sources[i], gst_event_new_eos ());
  g_autoptr (GstMessage) eos =
      gst_bus_timed_pop_filtered (relay->bus, 20 * GST_SECOND, GST_MESSAGE_EOS);
  g_assert_nonnull (eos);
}
GST_END_TEST;

/* Else each start of a live pipeline brings a warning into the log. */
GST_START_TEST (latency)
{
  g_autoptr (Relay) relay = relay_new ("", "");

  g_assert_true (gst_element_send_event (relay->element,
      gst_event_new_latency (40 * GST_MSECOND)));
}
GST_END_TEST;

/* ---- a good server ---- */

GST_START_TEST (publishes)
{
  g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "");
  const guint n = 60;

  for (guint i = 0; i < n; i++)
    relay_push (relay, i, 3000);
  target_wait_frames (target, n, n);
  assert_whole (target, n);
  g_autofree gchar *asked = target_dup_publish (target);
  g_assert_cmpstr (asked, ==, "live/demo");
  g_autoptr (GstStructure) metadata = target_dup_metadata (target);
  gdouble width = 0, codec = 0, rate = 0;
  g_assert_true (gst_structure_get_double (metadata, "width", &width));
  g_assert_true (gst_structure_get_double (metadata, "audiocodecid", &codec));
  g_assert_true (gst_structure_get_double (metadata, "framerate", &rate));
  g_assert_cmpfloat (width, ==, 640);
  g_assert_cmpfloat (codec, ==, 10);
  g_assert_cmpfloat (rate, ==, 30);
  g_assert_cmpuint (get_stat (relay, "frames"), ==, 2 * n);
  g_assert_cmpuint (get_stat (relay, "dropped-frames"), ==, 0);
  wait_stat (relay, "bytes", n * 3000);
  assert_no_error (relay);
}
GST_END_TEST;

/* The end of a stream reaches the server as an end, and then the bus. */
GST_START_TEST (eos)
{
  g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "");

  for (guint i = 0; i < 20; i++)
    relay_push (relay, i, 1000);
  for (guint i = 0; i < 2; i++)
    g_assert_true (gst_pad_push_event (relay->sources[i],
        gst_event_new_eos ()));
  g_autoptr (GstMessage) eos =
      gst_bus_timed_pop_filtered (relay->bus, 20 * GST_SECOND, GST_MESSAGE_EOS);
  g_assert_nonnull (eos);
  target_wait_frames (target, 20, 20);
  target_wait_unpublishes (target, 1);
}
GST_END_TEST;

/* Stopping says goodbye too, and twice is as good as once. */
GST_START_TEST (stop_and_start)
{
  g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "");

  for (guint round = 1; round <= 2; round++) {
    GstSegment segment;
    for (guint i = 0; i < GOP; i++)
      relay_push (relay, i, 1000);
    target_wait_frames (target, round * GOP, round * GOP);
    gst_element_set_state (relay->element, GST_STATE_READY);
    target_wait_unpublishes (target, round);
    gst_element_set_state (relay->element, GST_STATE_PLAYING);
    gst_segment_init (&segment, GST_FORMAT_TIME);
    for (guint i = 0; i < 2; i++) {
      g_autoptr (GstCaps) caps =
          gst_caps_from_string (i == 0 ? VIDEO_CAPS : AUDIO_CAPS);
      gst_pad_push_event (relay->sources[i], gst_event_new_stream_start ("x"));
      gst_pad_push_event (relay->sources[i], gst_event_new_caps (caps));
      gst_pad_push_event (relay->sources[i], gst_event_new_segment (&segment));
    }
  }
  g_assert_cmpuint (target_count_connections (target), ==, 2);
}
GST_END_TEST;

/* The server hears of what comes, not of what came before: it would wait for the
 * sound. */
GST_START_TEST (fewer_pads)
{
  g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "");
  g_autoptr (GstPad) sound = gst_pad_get_peer (relay->sources[1]);
  g_autoptr (GstCaps) caps = gst_caps_from_string (VIDEO_CAPS);
  GstSegment segment;

  for (guint i = 0; i < GOP; i++)
    relay_push (relay, i, 1000);
  target_wait_frames (target, GOP, GOP);
  gst_element_set_state (relay->element, GST_STATE_READY);
  target_wait_unpublishes (target, 1);
  gst_element_release_request_pad (relay->element, sound);
  gst_element_set_state (relay->element, GST_STATE_PLAYING);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (relay->sources[0], gst_event_new_stream_start ("x"));
  gst_pad_push_event (relay->sources[0], gst_event_new_caps (caps));
  gst_pad_push_event (relay->sources[0], gst_event_new_segment (&segment));
  for (guint i = 0; i < GOP; i++)
    push (relay->sources[0], i * FRAME_MS, i == 0, 1000, i);
  target_wait_frames (target, 2 * GOP, GOP);
  g_autoptr (GstStructure) metadata = target_dup_metadata (target);
  g_assert_true (gst_structure_has_field (metadata, "videocodecid"));
  g_assert_false (gst_structure_has_field (metadata, "audiocodecid"));
}
GST_END_TEST;

/* New caps in the middle: what is sent after them is told of before. */
GST_START_TEST (new_caps)
{
  g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "");
  g_autoptr (GstCaps) caps = gst_caps_from_string (
      "video/x-h264, stream-format=avc, alignment=au, width=320, height=180, "
      "codec_data=(buffer)" AVCC);

  for (guint i = 0; i < GOP; i++)
    relay_push (relay, i, 1000);
  g_assert_true (gst_pad_push_event (relay->sources[0],
      gst_event_new_caps (caps)));
  for (guint i = GOP; i < 2 * GOP; i++)
    relay_push (relay, i, 1000);
  target_wait_frames (target, 2 * GOP, 2 * GOP);
  assert_whole (target, 2 * GOP);
  g_autoptr (GstStructure) metadata = target_dup_metadata (target);
  gdouble width = 0;
  g_assert_true (gst_structure_get_double (metadata, "width", &width));
  g_assert_cmpfloat (width, ==, 320);
}
GST_END_TEST;

/* A picture alone does not wait for a sound for ever, nor for its pad. */
GST_START_TEST (one_track)
{
  for (guint only = 0; only < 2; only++) {
    g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
    g_autoptr (Relay) relay = relay_to (target, "");
    for (guint i = 0; i < 60; i++)
      push (relay->sources[only], i * FRAME_MS, only == 1 || i % GOP == 0, 500,
          i);
    target_wait_frames (target, only == 0 ? 60 : 0, only == 1 ? 60 : 0);
    g_assert_cmpuint (get_stat (relay, "dropped-frames"), ==, 0);
  }
}
GST_END_TEST;

/* ---- bad servers, between good ones ---- */

typedef struct
{
  const gchar *name;
  TargetMode mode;
  const gchar *text; /* nullable */
  const gchar *state; /* what the relay says */
  const gchar *reason; /* a part of it */
} Fault;

static const Fault faults[] = {
  { "bad name", TARGET_REFUSE, "NetStream.Publish.BadName", "refused",
      "NetStream.Publish.BadName" },
  { "unauthorized", TARGET_REFUSE, "NetStream.Publish.Unauthorized", "refused",
      "NetStream.Publish.Unauthorized" },
  { "silent", TARGET_SILENT, NULL, "waiting", "no answer" },
  { "deaf", TARGET_DEAF, NULL, "waiting", "no byte was taken" },
  { "closes", TARGET_CLOSE, NULL, "waiting", "" },
  { "no RTMP", TARGET_GARBAGE, NULL, "waiting", "makes no sense" },
};

/* Sends in groups of pictures, and waits for both good servers after each: what
 * they lose is lost for good. */
static void
feed_siblings (Relay **relays, Target *former, Target *last, guint *n_sent)
{
  for (guint i = 0; i < GOP; i++, (*n_sent)++)
    for (guint k = 0; k < 3; k++)
      relay_push (relays[k], *n_sent, 8000);
  target_wait_frames (former, *n_sent, *n_sent);
  target_wait_frames (last, *n_sent, *n_sent);
}

/* A server that misbehaves is found and tried again; who sends, and who is
 * beside it, does not notice. */
GST_START_TEST (faults_and_siblings)
{
  const Fault *fault = &faults[__i__];
  g_autoptr (Target) former = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Target) bad = target_new (fault->mode, NULL, NULL);
  g_autoptr (Target) last = target_new (TARGET_GOOD, NULL, NULL);
  target_set_text (bad, fault->text);
  g_autoptr (Relay) relay_first = relay_to (former, "");
  g_autoptr (Relay) relay_bad =
      relay_to (bad, "connect-timeout-ms=400 stall-timeout-ms=400");
  g_autoptr (Relay) relay_last = relay_to (last, "");
  Relay *relays[] = { relay_first, relay_bad, relay_last };
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  guint n_sent = 0;

  /* Three times over, so that it is seen to be tried again and again. */
  while (target_count_connections (bad) < 3) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    feed_siblings (relays, former, last, &n_sent);
  }
  g_autofree gchar *reason = relay_wait_state (relay_bad, fault->state);
  g_assert_nonnull (strstr (reason, fault->reason));
  assert_whole (former, n_sent);
  assert_whole (last, n_sent);
  g_assert_cmpuint (get_stat (relay_first, "dropped-frames"), ==, 0);
  g_assert_cmpuint (get_stat (relay_last, "dropped-frames"), ==, 0);
  g_assert_cmpuint (get_stat (relay_first, "connections"), ==, 1);
  g_assert_cmpuint (get_stat (relay_last, "connections"), ==, 1);
  /* It comes to its senses: the relay finds it. */
  target_set_mode (bad, TARGET_GOOD);
  guint before = target_count_frames (bad, TRUE);
  while (target_count_frames (bad, TRUE) < before + 3 * GOP) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    feed_siblings (relays, former, last, &n_sent);
  }
  assert_clean_starts (bad);
  for (guint i = 0; i < 3; i++)
    assert_no_error (relays[i]);
}
GST_END_TEST;

/* A server that says nothing after it accepted, no acknowledgement either, is a
 * good one: only bytes count. */
GST_START_TEST (unacknowledging)
{
  g_autoptr (Target) target = target_new (TARGET_UNACKNOWLEDGING, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "stall-timeout-ms=300");
  guint n = 0;

  /* more than a window of 2.5 MB */
  for (guint group = 0; group < 12; group++) {
    for (guint i = 0; i < GOP; i++, n++)
      relay_push (relay, n, 30000);
    target_wait_frames (target, n, n);
  }
  assert_whole (target, n);
  g_assert_cmpuint (get_stat (relay, "connections"), ==, 1);
}
GST_END_TEST;

/* A stall in the middle is found by bytes, and the stream goes on. */
GST_START_TEST (stall_and_recovery)
{
  g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "stall-timeout-ms=300");
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  guint n = 0;

  for (; n < 2 * GOP; n++)
    relay_push (relay, n, 8000);
  target_wait_frames (target, n, n);
  target_set_deaf (target, TRUE);
  for (; n < 20 * GOP; n++)
    relay_push (relay, n, 8000);
  g_autofree gchar *reason = relay_wait_state (relay, "waiting");
  g_assert_cmpstr (reason, ==, "no byte was taken for 300 ms");
  target_set_deaf (target, FALSE);
  while (get_stat (relay, "connections") < 2) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    for (guint i = 0; i < GOP; i++, n++)
      relay_push (relay, n, 8000);
    g_autofree gchar *live = relay_wait_state (relay, "live");
  }
  guint seen = target_count_frames (target, TRUE);
  for (guint i = 0; i < GOP; i++, n++)
    relay_push (relay, n, 8000);
  target_wait_frames (target, seen + 1, 0);
  assert_clean_starts (target);
  g_assert_cmpuint (get_stat (relay, "dropped-frames"), >, 0);
}
GST_END_TEST;

/* A server that is merely too slow gets whole groups of pictures, as many as it
 * has time for, on one connection. */
GST_START_TEST (slow)
{
  g_autoptr (Target) target = target_new (TARGET_SLOW, NULL, NULL);
  g_autoptr (Relay) relay =
      relay_to (target, "max-queue-ms=1000 stall-timeout-ms=2000");
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  guint n = 0;

  while (target_count_frames (target, TRUE) < 6 * GOP) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    for (guint i = 0; i < GOP; i++, n++)
      relay_push (relay, n, 8000);
    target_wait_frames (target, target_count_frames (target, TRUE) + 1, 0);
  }
  g_assert_cmpuint (target_count_connections (target), ==, 1);
  g_assert_cmpuint (get_stat (relay, "dropped-frames"), >, 0);
  g_autoptr (GArray) messages = target_copy_messages (target);
  gint last = -1;
  for (guint i = 0; i < messages->len; i++) {
    const TargetMessage *message = &g_array_index (messages, TargetMessage, i);
    if (!message->is_video || message->is_config)
      continue;
    gint number = message->timestamp_ms / FRAME_MS;
    g_assert_true (message->is_keyframe || number == last + 1);
    last = number;
  }
}
GST_END_TEST;

/* Nobody is there: the pauses grow, and nothing is kept but the last seconds. */
GST_START_TEST (nobody_there)
{
  g_autofree gchar *location = NULL;
  {
    g_autoptr (Target) gone = target_new (TARGET_GOOD, NULL, NULL);
    location =
        g_strdup_printf ("rtmp://%s/live/demo", target_get_address (gone));
  }
  g_autoptr (Relay) relay = relay_new (location, "max-attempts=4");

  for (guint i = 0; i < 500; i++)
    relay_push (relay, i, 8000);
  g_assert_cmpuint (get_stat (relay, "queue-ms"), <=, 5000);
  g_autofree gchar *state = NULL;
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  for (guint i = 500; g_strcmp0 (state, "failed") != 0; i++) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    relay_push (relay, i, 100);
    g_free (state);
    state = dup_stat (relay, "state");
    g_thread_yield ();
  }
  g_assert_cmpuint (get_stat (relay, "attempts"), ==, 4);
  relay_push (relay, 0, 100);
  g_assert_cmpuint (get_stat (relay, "queue-bytes"), ==, 0);
  assert_no_error (relay);
}
GST_END_TEST;

/* A name that does not exist is looked up aside. */
GST_START_TEST (no_such_host)
{
  g_autoptr (Relay) relay = relay_new ("rtmp://nowhere.invalid/live/demo", "");

  relay_push (relay, 0, 100);
  g_autofree gchar *reason = relay_wait_state (relay, "waiting");
  g_assert_true (g_str_has_prefix (reason, "cannot connect: "));
}
GST_END_TEST;

/* ---- redirects ---- */

GST_START_TEST (redirected)
{
  g_autoptr (Target) place = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Target) door = target_new (TARGET_REDIRECT, NULL, NULL);
  g_autofree gchar *url =
      g_strdup_printf ("rtmp://%s/other/demo", target_get_address (place));
  target_set_text (door, url);
  g_autoptr (Relay) relay = relay_to (door, "");

  for (guint i = 0; i < GOP; i++)
    relay_push (relay, i, 1000);
  target_wait_frames (place, GOP, GOP);
  g_autofree gchar *asked = target_dup_publish (place);
  g_assert_cmpstr (asked, ==, "other/demo");
  g_assert_cmpuint (get_stat (relay, "attempts"), ==, 1);
}
GST_END_TEST;

GST_START_TEST (redirected_without_end)
{
  g_autoptr (Target) door = target_new (TARGET_REDIRECT, NULL, NULL);
  g_autofree gchar *url =
      g_strdup_printf ("rtmp://%s/live/demo", target_get_address (door));
  target_set_text (door, url);
  g_autoptr (Relay) relay = relay_to (door, "");

  relay_push (relay, 0, 100);
  g_autofree gchar *reason = relay_wait_state (relay, "refused");
  g_assert_nonnull (strstr (reason, "redirects without end"));
  g_assert_cmpuint (target_count_connections (door), >=, 6);
}
GST_END_TEST;

/* A server that goes down for a while says so: the stream is there again. */
GST_START_TEST (reconnect_request)
{
  g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "");
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  guint n = 0;

  for (; n < GOP; n++)
    relay_push (relay, n, 1000);
  target_wait_frames (target, GOP, GOP);
  target_request_reconnect (target);
  while (target_count_connections (target) < 2) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    relay_push (relay, n++, 1000);
    g_thread_yield ();
  }
  guint seen = target_count_frames (target, TRUE);
  for (guint i = 0; i < 2 * GOP; i++)
    relay_push (relay, n++, 1000);
  target_wait_frames (target, seen + GOP, 0);
  assert_clean_starts (target);
}
GST_END_TEST;

/* ---- TLS ---- */

GST_START_TEST (tls)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_autofree gchar *fingerprint = tls_files_make (files, NULL);
  g_autoptr (Target) target =
      target_new (TARGET_GOOD, files->certificate, files->key);
  g_autofree gchar *location =
      g_strdup_printf ("rtmps://%s/live/demo", target_get_address (target));
  g_autofree gchar *trusting =
      g_strdup_printf ("tls-ca-file=%s", files->certificate);
  const gchar *const good[] = { trusting, "tls-validation=false" };

  {
    g_autoptr (Relay) relay = relay_new (location, "");
    relay_push (relay, 0, 100);
    g_autofree gchar *reason = relay_wait_state (relay, "waiting");
    g_assert_nonnull (strstr (reason, "certificate"));
    g_assert_cmpuint (get_stat (relay, "connections"), ==, 0);
  }
  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (Relay) relay = relay_new (location, good[i]);
    for (guint k = 0; k < GOP; k++)
      relay_push (relay, k, 8000);
    target_wait_frames (target, (i + 1) * GOP, (i + 1) * GOP);
    gst_element_set_state (relay->element, GST_STATE_READY);
    target_wait_unpublishes (target, i + 1);
  }
}
GST_END_TEST;

/* ---- the end on two threads ---- */

#define N_ENDINGS 3000

typedef struct
{
  GstPad *source;
  GAsyncQueue *rounds; /* of gint *: how many have begun this one */
  GAsyncQueue *done;
} Ender;

static gpointer
end_rounds (gpointer user_data)
{
  Ender *ender = user_data;

  for (guint i = 0; i < N_ENDINGS; i++) {
    gint *n_begun = g_async_queue_pop (ender->rounds);
    g_atomic_int_inc (n_begun);
    while (g_atomic_int_get (n_begun) < 2)
      ;
    gst_pad_push_event (ender->source, gst_event_new_eos ());
    g_async_queue_push (ender->done, ender);
  }
  return NULL;
}

static void
run_ending (Relay *relay, Ender *enders)
{
  gint n_begun = 0;

  for (guint i = 0; i < 2; i++)
    g_assert_true (gst_pad_push_event (relay->sources[i],
        gst_event_new_stream_start ("again")));
  for (guint i = 0; i < 2; i++)
    g_async_queue_push (enders[i].rounds, &n_begun);
  for (guint i = 0; i < 2; i++)
    g_async_queue_pop (enders[i].done);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (relay->bus, 20 * GST_SECOND, GST_MESSAGE_EOS);
  g_assert_nonnull (message);
}

/* Picture and sound end at the same moment: the graph ends. */
GST_START_TEST (ends_at_once)
{
  g_autoptr (Relay) relay = relay_new ("", "");
  Ender enders[2];
  GThread *threads[2];

  for (guint i = 0; i < 2; i++) {
    enders[i] = (Ender){ relay->sources[i], g_async_queue_new (),
      g_async_queue_new () };
    threads[i] = g_thread_new ("ender", end_rounds, &enders[i]);
  }
  for (guint i = 0; i < N_ENDINGS; i++)
    run_ending (relay, enders);
  for (guint i = 0; i < 2; i++) {
    g_thread_join (threads[i]);
    g_async_queue_unref (enders[i].rounds);
    g_async_queue_unref (enders[i].done);
  }
}
GST_END_TEST;

/* ---- misuse ---- */

GST_START_TEST (bad_caps)
{
  g_autoptr (Relay) relay = relay_new ("", "");
  g_autoptr (GstCaps) caps =
      gst_caps_from_string ("video/x-h264, stream-format=avc, alignment=au");

  gst_pad_push_event (relay->sources[0], gst_event_new_caps (caps));
  g_assert_cmpint (push (relay->sources[0], 0, TRUE, 100, 0), ==,
      GST_FLOW_NOT_NEGOTIATED);
  g_autoptr (GstMessage) message =
      gst_bus_pop_filtered (relay->bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
}
GST_END_TEST;

static Suite *
rtmpclientsink_suite (void)
{
  Suite *suite = suite_create ("rtmpclientsink");
  TCase *basics = tcase_create ("basics");
  TCase *servers = tcase_create ("servers");

  suite_add_tcase (suite, basics);
  tcase_add_test (basics, contract);
  tcase_add_test (basics, secrets);
  tcase_add_test (basics, bad_locations);
  tcase_add_test (basics, empty_location);
  tcase_add_test (basics, latency);
  tcase_add_test (basics, publishes);
  tcase_add_test (basics, eos);
  tcase_add_test (basics, stop_and_start);
  tcase_add_test (basics, fewer_pads);
  tcase_add_test (basics, new_caps);
  tcase_add_test (basics, one_track);
  tcase_add_test (basics, ends_at_once);
  tcase_add_test (basics, bad_caps);
  suite_add_tcase (suite, servers);
  tcase_add_loop_test (servers, faults_and_siblings, 0, G_N_ELEMENTS (faults));
  tcase_add_test (servers, unacknowledging);
  tcase_add_test (servers, stall_and_recovery);
  tcase_add_test (servers, slow);
  tcase_add_test (servers, nobody_there);
  tcase_add_test (servers, no_such_host);
  tcase_add_test (servers, redirected);
  tcase_add_test (servers, redirected_without_end);
  tcase_add_test (servers, reconnect_request);
  tcase_add_test (servers, tls);
  return suite;
}

GST_CHECK_MAIN (rtmpclientsink)
