/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "rtmp-connection.h"
#include "rtmp-listener.h"
#include "rtmp-stream.h"

G_BEGIN_DECLS

/** What the files of rtmpserversrc share. */

#define GST_TYPE_RTMP_SERVER_SRC (gst_rtmp_server_src_get_type ())
G_DECLARE_FINAL_TYPE (GstRtmpServerSrc, gst_rtmp_server_src, GST,
    RTMP_SERVER_SRC, GstElement)

struct _GstRtmpServerSrc
{
  GstElement parent;

  /* object lock */
  gchar *location;
  gboolean waits_for_session;
  MillRtmpListenerBounds bounds;
  gchar *tls_certificate;
  gchar *tls_key;
  MillRtmpListener *listener; /* READY and above; set by state changes */

  MillRtmpStream *stream; /* as long as the element */
};

/* The element's defaults. */
void gst_rtmp_server_src_properties_init (GstRtmpServerSrc *self);

void gst_rtmp_server_src_properties_install (GObjectClass *object_class);

G_END_DECLS
