/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * How long a frame takes through the ingest: N publishers send to N
 * rtmpserversrc of this process over loopback, each frame with the time at
 * which it is given to the kernel, and a probe on the element's pad reads it
 * where the frame leaves. One line of JSON.
 *
 *     ingest-latency [--publishers 200] [--seconds 20] [--package DIR]
 *
 * What is measured is longer than "readable to left": the send itself, which is
 * TCP's whole way over loopback, is in it. With --package the frames go on to a
 * cmafsink, as in the worker, and the time of its work is time that the frames
 * of its neighbours wait.
 */
#include <errno.h>
#include <gst/gst.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "rtmp-publisher.h"

/* As of the film of the other benchmarks: 2.4 Mb/s at 30 frames, AAC. */
#define VIDEO_NS (GST_SECOND / 30)
#define AUDIO_NS (1024 * GST_SECOND / 48000)
#define GOP 60
#define KEYFRAME_BYTES 60000
#define FRAME_BYTES 9150
#define AUDIO_BYTES 340
#define STAMP_BYTES 8
/* Frames of the time in which all begin are not counted. */
#define WARM_UP_NS (4 * GST_SECOND)

typedef struct
{
  GstElement *pipeline;
  GstElement *source;
  GstElement *sink; /* (nullable): cmafsink */
  Publisher *publisher;
  GArray *latencies; /* gint64 ns; its pool thread writes */
  guint n_received; /* likewise */
  guint gop_phase; /* frames */
  guint64 n_video;
  guint64 n_audio;
} Stream;

static gint64 count_from_ns;

static gint64
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64) now.tv_sec * GST_SECOND + now.tv_nsec;
}

/* ---- receiving ---- */

static GstPadProbeReturn
on_frame (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Stream *stream = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  gsize size = gst_buffer_get_size (buffer);
  gint64 now = now_ns ();
  gint64 stamp = 0;

  gst_buffer_extract (buffer, size - STAMP_BYTES, &stamp, STAMP_BYTES);
  stream->n_received++;
  if (stamp < count_from_ns)
    return GST_PAD_PROBE_OK;
  gint64 latency = now - stamp;
  g_array_append_val (stream->latencies, latency);
  return GST_PAD_PROBE_OK;
}

static GstFlowReturn
drop (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static void
on_pad_added (GstElement *element, GstPad *pad, gpointer user_data)
{
  Stream *stream = user_data;
  g_autoptr (GstPad) to = NULL;

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_frame, stream, NULL);
  if (stream->sink) {
    gboolean is_video = g_str_has_prefix (GST_PAD_NAME (pad), "video");
    to = gst_element_request_pad_simple (stream->sink,
        is_video ? "video_%u" : "audio_%u");
  } else {
    to = gst_object_ref_sink (gst_pad_new (NULL, GST_PAD_SINK));
    gst_pad_set_chain_function (to, drop);
    gst_pad_set_active (to, TRUE);
    gst_object_ref (to); /* nobody else keeps it */
  }
  gst_pad_link (pad, to);
}

/* @address: (nullable): where the others listen */
static void
stream_start (Stream *stream, guint index, const gchar *address,
    const gchar *package)
{
  g_autofree gchar *location = g_strdup_printf ("rtmp://%s/live/s%u",
      address ? address : "127.0.0.1:0", index);

  stream->latencies = g_array_new (FALSE, FALSE, sizeof (gint64));
  stream->pipeline = gst_pipeline_new (NULL);
  stream->source = gst_element_factory_make ("rtmpserversrc", NULL);
  if (!stream->source)
    g_error ("no element rtmpserversrc: is GST_PLUGIN_PATH_1_0 set?");
  gst_bin_add (GST_BIN (stream->pipeline), stream->source);
  g_object_set (stream->source, "location", location, NULL);
  if (package) {
    g_autofree gchar *directory = g_strdup_printf ("%s/s%u", package, index);
    stream->sink = gst_element_factory_make ("cmafsink", NULL);
    gst_bin_add (GST_BIN (stream->pipeline), stream->sink);
    g_object_set (stream->sink, "location", directory, "window-segments", 6,
        NULL);
  }
  g_signal_connect (stream->source, "pad-added", G_CALLBACK (on_pad_added),
      stream);
  if (gst_element_set_state (stream->pipeline, GST_STATE_PLAYING) ==
      GST_STATE_CHANGE_FAILURE)
    g_error ("a pipeline does not start");
}

/* ---- sending ---- */

static void
send_message (Stream *stream, MillRtmpMessageType type, guint64 time_ns,
    guint8 *body, gsize size)
{
  MillRtmpClient *client = stream->publisher->client;
  gint64 stamp = now_ns ();

  memcpy (body + size - STAMP_BYTES, &stamp, STAMP_BYTES);
  mill_rtmp_client_send (client, type, (guint32) (time_ns / GST_MSECOND), body,
      size);
  for (;;) {
    gsize left;
    const guint8 *data = mill_rtmp_client_peek_output (client, &left);
    if (left == 0)
      return;
    /* Blocking: a receiver that does not keep up is seen as latency. */
    gssize n = send (stream->publisher->fd, data, left, MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR)
      g_error ("a publisher was cut off: %s", g_strerror (errno));
    mill_rtmp_client_drop_output (client, MAX (n, 0));
  }
}

/* Acknowledgements are read, so that they do not pile up. */
static void
drain (Stream *stream)
{
  guint8 data[4096];

  while (recv (stream->publisher->fd, data, sizeof data, MSG_DONTWAIT) > 0)
    ;
}

/* Publishers have begun at any time: their keyframes, and with them the ends of
 * segments, lie evenly over a GOP. */
static void
send_video (Stream *stream)
{
  static guint8 body[KEYFRAME_BYTES];
  gboolean is_key = stream->n_video == 0 ||
      (stream->n_video + stream->gop_phase) % GOP == 0;
  gsize size = is_key ? KEYFRAME_BYTES : FRAME_BYTES;
  guint32 nal = g_htonl ((guint32) size - 9);

  body[0] = is_key ? 0x17 : 0x27;
  body[1] = 1;
  memcpy (body + 5, &nal, sizeof nal);
  body[9] = is_key ? 0x65 : 0x41;
  send_message (stream, MILL_RTMP_MESSAGE_VIDEO, stream->n_video * VIDEO_NS,
      body, size);
  stream->n_video++;
  if (is_key)
    drain (stream);
}

static void
send_audio (Stream *stream)
{
  static guint8 body[AUDIO_BYTES] = { 0xaf, 1 };

  send_message (stream, MILL_RTMP_MESSAGE_AUDIO, stream->n_audio * AUDIO_NS,
      body, sizeof body);
  stream->n_audio++;
}

static void
wait_until (gint64 time_ns)
{
  struct timespec until = { time_ns / GST_SECOND, time_ns % GST_SECOND };

  while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
      EINTR)
    ;
}

/* Frames of all publishers lie evenly over the time of one. */
static void
send_all (Stream *streams, guint n, gint64 duration_ns)
{
  gint64 begin = now_ns ();
  guint64 video = 0;
  guint64 audio = 0;

  count_from_ns = begin + WARM_UP_NS;
  for (;;) {
    gint64 video_ns = begin + (gint64) (video * VIDEO_NS / n);
    gint64 audio_ns = begin + (gint64) (audio * AUDIO_NS / n);
    gint64 next_ns = MIN (video_ns, audio_ns);
    if (next_ns - begin >= duration_ns)
      return;
    wait_until (next_ns);
    if (video_ns <= audio_ns)
      send_video (&streams[video++ % n]);
    else
      send_audio (&streams[audio++ % n]);
  }
}

/* ---- the figures ---- */

static gint
compare (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

static gdouble
get_share_us (const GArray *sorted, gdouble share)
{
  guint index = (guint) (share * (sorted->len - 1));

  return (gdouble) g_array_index (sorted, gint64, index) / 1000;
}

static void
print_result (Stream *streams, guint n, gboolean packages)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (gint64));
  guint64 n_sent = 0;
  guint64 n_received = 0;

  for (guint i = 0; i < n; i++) {
    GArray *own = streams[i].latencies;
    if (own->len > 0)
      g_array_append_vals (all, own->data, own->len);
    n_sent += streams[i].n_video + streams[i].n_audio;
    n_received += streams[i].n_received;
  }
  if (all->len == 0)
    g_error ("no frame has come");
  g_array_sort (all, compare);
  g_print ("{\"publishers\": %u, \"packages\": %s, \"frames_sent\": "
           "%" G_GUINT64_FORMAT ", \"frames_left\": %" G_GUINT64_FORMAT
           ", \"measured\": %u, \"latency_us\": {\"median\": %.1f, \"p99\": "
           "%.1f, \"p999\": %.1f, \"max\": %.1f}}\n",
      n, packages ? "true" : "false", n_sent, n_received, all->len,
      get_share_us (all, 0.5), get_share_us (all, 0.99),
      get_share_us (all, 0.999), get_share_us (all, 1));
}

/* ---- all of it ---- */

static void
stream_publish (Stream *stream, guint index, const gchar *address)
{
  g_autofree gchar *name = g_strdup_printf ("s%u", index);

  stream->publisher = publisher_open (address, "live", name);
  publisher_send_video_config (stream->publisher, 0, AVCC_640x360);
  publisher_send_audio_config (stream->publisher, 0, ASC_48000_STEREO);
}

/* The last frames are on their way. */
static void
wait_for_all (Stream *streams, guint n)
{
  for (guint i = 0; i < n; i++) {
    publisher_unpublish (streams[i].publisher);
    publisher_wait_end (streams[i].publisher);
  }
}

static void
stop_all (Stream *streams, guint n)
{
  for (guint i = 0; i < n; i++) {
    gst_element_set_state (streams[i].pipeline, GST_STATE_NULL);
    gst_object_unref (streams[i].pipeline);
    publisher_free (streams[i].publisher);
  }
}

int
main (int argc, char **argv)
{
  gint n = 200;
  gdouble seconds = 20;
  g_autofree gchar *package = NULL;
  const GOptionEntry entries[] = {
    { "publishers", 0, 0, G_OPTION_ARG_INT, &n, "how many", "N" },
    { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &seconds,
        "of sending, the first four not measured", "S" },
    { "package", 0, 0, G_OPTION_ARG_FILENAME, &package,
        "the frames go on to a cmafsink each, which writes there", "DIR" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || n < 1 ||
      seconds <= 4) {
    g_printerr ("ingest-latency: error: %s\n",
        error ? error->message : "expected sane numbers; see --help");
    return 64;
  }
  gst_init (NULL, NULL);

  g_autofree Stream *streams = g_new0 (Stream, n);
  g_autofree gchar *address = NULL;
  for (gint i = 0; i < n; i++) {
    stream_start (&streams[i], i, address, package);
    if (!address)
      g_object_get (streams[i].source, "listening", &address, NULL);
  }
  for (gint i = 0; i < n; i++) {
    streams[i].gop_phase = (guint) i * GOP / (guint) n;
    stream_publish (&streams[i], i, address);
  }
  send_all (streams, n, (gint64) (seconds * GST_SECOND));
  wait_for_all (streams, n);
  print_result (streams, n, package != NULL);
  stop_all (streams, n);
  for (gint i = 0; i < n; i++)
    g_array_unref (streams[i].latencies);
  return EXIT_SUCCESS;
}
