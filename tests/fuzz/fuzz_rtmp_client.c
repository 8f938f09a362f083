/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp/rtmp-client.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
on_refused (MillRtmpClient *client, const gchar *code, const gchar *description,
    gpointer user_data)
{
  g_assert_true (g_utf8_validate (code, -1, NULL));
  g_assert_true (g_utf8_validate (description, -1, NULL));
}

static void
on_media (MillRtmpClient *client, MillRtmpMediaType type, guint32 timestamp_ms,
    GstBuffer *payload, gpointer user_data)
{
  gst_buffer_unref (payload);
}

static void
on_metadata (MillRtmpClient *client, const GstStructure *metadata,
    gpointer user_data)
{
}

static const MillRtmpClientEvents events = {
  .refused = on_refused,
  .media = on_media,
  .metadata = on_metadata,
};

/* Buffers need GStreamer, but none of its plugins, nor their leaks. */
static void
init_gstreamer (void)
{
  if (gst_is_initialized ())
    return;
  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  gst_init (NULL, NULL);
}

/* Byte 0: whether a handshake went before, and the client's role. Byte 1: size
 * of the pieces that the rest arrives in, 0 for all at once. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const guint8 handshake[1 + 2 * 1536] = { 3 };
  if (size < 2)
    return 0;
  init_gstreamer ();
  MillRtmpClientOptions options = { .app = "live",
    .name = "demo",
    .tc_url = "rtmp://h/live",
    .role = data[0] & 2 ? MILL_RTMP_CLIENT_PLAY : MILL_RTMP_CLIENT_PUBLISH };
  g_autoptr (MillRtmpClient) client =
      mill_rtmp_client_new (&options, &events, NULL);
  if (data[0] & 1)
    mill_rtmp_client_feed (client, handshake, sizeof handshake, NULL);
  gsize piece = data[1] != 0 ? data[1] : size;
  for (gsize done = 2; done < size; done += piece) {
    gsize sent;
    if (!mill_rtmp_client_feed (client, data + done, MIN (piece, size - done),
            NULL))
      break;
    mill_rtmp_client_peek_output (client, &sent);
    g_assert_cmpuint (sent, <, 1024 * 1024);
  }
  return 0;
}
