/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp/rtmp-session.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
on_publish (MillRtmpSession *session, const MillRtmpPublish *publish,
    gpointer user_data)
{
  mill_rtmp_session_accept (session);
}

static void
on_media (MillRtmpSession *session, MillRtmpMediaType type,
    guint32 timestamp_ms, GstBuffer *payload, gpointer user_data)
{
  gst_buffer_unref (payload);
}

static void
on_metadata (MillRtmpSession *session, const GstStructure *metadata,
    gpointer user_data)
{
}

static const MillRtmpSessionEvents events = {
  .publish = on_publish,
  .media = on_media,
  .metadata = on_metadata,
};

/* Saves and loads where that is possible: what is saved must be loadable. */
static MillRtmpSession *
hand_over (MillRtmpSession *session)
{
  g_autoptr (GVariant) variant = mill_rtmp_session_save (session, NULL);
  if (variant == NULL)
    return session;
  mill_rtmp_session_free (session);
  session = mill_rtmp_session_load (variant, NULL, &events, NULL, NULL);
  g_assert_nonnull (session);
  return session;
}

/* Buffers need GStreamer, but none of its plugins, nor their leaks. */
static void
init_gstreamer (void)
{
  if (gst_is_initialized ())
    return;
  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  gst_init (NULL, NULL);
}

/* Byte 0: whether a handshake went before. Byte 1: size of the pieces that
 * the rest arrives in, 0 for all at once. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const guint8 handshake[1 + 2 * 1536] = { 3 };
  if (size < 2)
    return 0;
  init_gstreamer ();
  MillRtmpSession *session = mill_rtmp_session_new (NULL, &events, NULL);
  gsize consumed;
  if (data[0] & 1)
    mill_rtmp_session_feed (session, handshake, sizeof handshake, &consumed,
        NULL);
  gsize piece = data[1] != 0 ? data[1] : size;
  for (gsize done = 2; done < size; done += consumed) {
    if (!mill_rtmp_session_feed (session, data + done, MIN (piece, size - done),
            &consumed, NULL))
      break;
    gsize sent;
    mill_rtmp_session_peek_output (session, &sent);
    mill_rtmp_session_drop_output (session, sent);
    session = hand_over (session);
  }
  mill_rtmp_session_free (session);
  return 0;
}
