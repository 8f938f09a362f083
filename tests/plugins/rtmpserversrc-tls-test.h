/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-publisher.h"
#include "rtmp-receiver.h"
#include "tls-files.h"

/* A rtmpserversrc with a certificate, and a publisher to it by TLS. */

#define LOCATION "rtmps://127.0.0.1:0/live/*"
#define DEADLINE_US (20 * G_USEC_PER_SEC)

static inline Receiver *
receiver_new_tls (const gchar *location, TlsFiles *files)
{
  Receiver *receiver = receiver_new (location);

  g_object_set (receiver->element, "tls-certificate", files->certificate,
      "tls-key", files->key, NULL);
  return receiver;
}

static inline void
expect_media (Receiver *receiver, Publisher *publisher, guint32 ts)
{
  publisher_send_video (publisher, ts, TRUE, 0);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), ts);
}

static inline Publisher *
open_video (Receiver *receiver, const gchar *name, gint version)
{
  Publisher *publisher =
      publisher_new_tls (receiver->address, "live", name, version);

  fail_unless (publisher_wait (publisher), "%s: %s", publisher->code,
      publisher->description);
  publisher_send_video_config (publisher, 0, AVCC_640x360);
  return publisher;
}
