/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <string.h>

#include "rtmp-publisher.h"
#include "rtmp-receiver.h"

/* What most tests of rtmpserversrc begin with: a source at a port of its own and
 * a publisher to it. */

#define LOCATION "rtmp://127.0.0.1:0/live/cam"

/* A publisher of H.264 and AAC whose configurations are through. */
static inline Publisher *
open_av (Receiver *receiver)
{
  Publisher *publisher = publisher_open (receiver->address, "live", "cam");

  publisher_send_video_config (publisher, 0, AVCC_640x360);
  publisher_send_audio_config (publisher, 0, ASC_48000_STEREO);
  return publisher;
}

/* Sends what makes a video pad and a frame at @ts. */
static inline void
send_first_frame (Publisher *publisher, guint32 ts)
{
  publisher_send_video_config (publisher, 0, AVCC_640x360);
  publisher_send_video (publisher, ts, TRUE, 0);
}

static inline void
expect_refusal (Publisher *publisher, const gchar *code, const gchar *text)
{
  fail_if (publisher_wait (publisher));
  fail_unless_equals_string (publisher->code, code);
  fail_unless (strstr (publisher->description, text) != NULL, "%s",
      publisher->description);
}

/* The next buffer of a pad; events before it are passed over. */
static inline GstBuffer *
wait_buffer (Receiver *receiver, ReceiverKind kind)
{
  for (;;) {
    GstMiniObject *item = receiver_take_item (receiver, kind);

    if (GST_IS_BUFFER (item))
      return GST_BUFFER (item);
    fail_if (GST_EVENT_TYPE (item) == GST_EVENT_EOS, "got EOS");
    gst_mini_object_unref (item);
  }
}
