/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "link/link-buffer.h"
#include "link/link-event.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
take (const MillLinkMessage *message)
{
  gboolean is_leaky;
  MillLinkLatency latency;
  g_autofree gchar *name = NULL;
  g_autoptr (GBytes) bytes = NULL;

  mill_link_message_parse_hello (message, &is_leaky, NULL);
  mill_link_message_parse_pad (message, &name, NULL);
  mill_link_message_parse_latency (message, &latency, NULL);
  GstEvent *event = mill_link_event_read (message, NULL);
  if (event) {
    g_clear_pointer (&bytes, g_bytes_unref);
    bytes = mill_link_event_write (event, 1, NULL);
    gst_event_unref (event);
  }
  g_autoptr (GstBuffer) buffer = mill_link_buffer_read (message, NULL);
  if (buffer) {
    g_clear_pointer (&bytes, g_bytes_unref);
    bytes = mill_link_buffer_write_head (buffer, 1, NULL);
  }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static gsize once;
  if (g_once_init_enter (&once)) {
    gst_init (NULL, NULL);
    g_once_init_leave (&once, 1);
  }

  g_autoptr (MillLinkReader) reader = mill_link_message_reader_new ();
  MillLinkMessage message;
  gboolean has;

  mill_link_message_reader_add (reader, data, size);
  while (mill_link_message_reader_next (reader, &message, &has, NULL) && has)
    take (&message);
  return 0;
}
