/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Publishes an FLV file through librtmp, the library in most encoders, so that
 * tests meet its handshake, headers and habits.
 *
 *     librtmp-publish [--fast] [--start-ms MS] FILE.flv rtmp://HOST:PORT/APP/NAME
 *
 * --fast sends without waiting for time to pass; --start-ms is added to all
 * time stamps (those over 16777214 take the extended form). Exit code: 0 when
 * all was sent, 1 when the server refused or hung up (the last status is
 * printed), 64 for wrong use, 66 for an unusable file.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librtmp/log.h>
#include <librtmp/rtmp.h>

#include "flv-file.h"

#define EXIT_USE 64
#define EXIT_NO_INPUT 66

/* librtmp tells what the server said only to its log. */
static gchar *last_status;

static void G_GNUC_PRINTF (2, 0)
    on_log (int level, const char *format, va_list arguments)
{
  g_autofree gchar *line = g_strdup_vprintf (format, arguments);
  if (strstr (line, "onStatus") == NULL && strstr (line, "description") == NULL)
    return;
  g_free (last_status);
  last_status = g_steal_pointer (&line);
}

static gboolean
send_tag (RTMP *rtmp, const MillFlvFileTag *tag, guint32 time_ms)
{
  /* librtmp puts "@setDataFrame" before script data only in RTMP_Write() */
  static const gchar set_data_frame[] = "\x02\x00\x0d@setDataFrame";
  gsize prefix = tag->type == RTMP_PACKET_TYPE_INFO ? sizeof set_data_frame - 1
                                                    : 0;
  RTMPPacket packet = { 0 };
  if (!RTMPPacket_Alloc (&packet, (int) (prefix + tag->size)))
    return FALSE;
  memcpy (packet.m_body, set_data_frame, prefix);
  memcpy (packet.m_body + prefix, tag->data, tag->size);
  packet.m_nBodySize = (guint32) (prefix + tag->size);
  packet.m_packetType = (guint8) tag->type;
  packet.m_nChannel = 4;
  packet.m_nTimeStamp = time_ms;
  packet.m_headerType = prefix > 0 ? RTMP_PACKET_SIZE_LARGE
                                   : RTMP_PACKET_SIZE_MEDIUM;
  packet.m_nInfoField2 = rtmp->m_stream_id;
  gboolean ok = RTMP_SendPacket (rtmp, &packet, FALSE);
  RTMPPacket_Free (&packet);
  return ok;
}

static gboolean
send_file (RTMP *rtmp, const MillFlvFile *file, guint32 start_ms, gboolean fast)
{
  gint64 start_us = g_get_monotonic_time ();
  for (guint i = 0; i < file->tags->len; i++) {
    const MillFlvFileTag *tag = &g_array_index (file->tags, MillFlvFileTag, i);
    gint64 wait_us = start_us + (gint64) tag->time_ms * 1000 -
        g_get_monotonic_time ();
    if (!fast && wait_us > 0)
      g_usleep ((gulong) wait_us);
    if (!RTMP_IsConnected (rtmp) ||
        !send_tag (rtmp, tag, start_ms + tag->time_ms))
      return FALSE;
  }
  return TRUE;
}

/* @url is written to. */
static int
publish (const MillFlvFile *file, gchar *url, guint32 start_ms, gboolean fast)
{
  RTMP_LogSetLevel (RTMP_LOGDEBUG);
  RTMP_LogSetCallback (on_log);
  RTMP *rtmp = RTMP_Alloc ();
  RTMP_Init (rtmp);
  const gchar *failed = NULL;
  if (!RTMP_SetupURL (rtmp, url)) {
    failed = "the address is unusable";
  } else {
    RTMP_EnableWrite (rtmp);
    if (!RTMP_Connect (rtmp, NULL))
      failed = "no connection";
    else if (!RTMP_ConnectStream (rtmp, 0))
      failed = "publishing was refused";
    else if (!send_file (rtmp, file, start_ms, fast))
      failed = "the connection was lost";
  }
  if (failed != NULL)
    fprintf (stderr, "librtmp-publish: error: %s; last status: %s\n", failed,
        last_status != NULL ? last_status : "none");
  RTMP_Close (rtmp);
  RTMP_Free (rtmp);
  g_clear_pointer (&last_status, g_free);
  return failed != NULL ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
  gboolean fast = FALSE;
  gint64 start_ms = 0;
  const GOptionEntry entries[] = {
    { "fast", 0, 0, G_OPTION_ARG_NONE, &fast, "do not wait", NULL },
    { "start-ms", 0, 0, G_OPTION_ARG_INT64, &start_ms,
        "added to all time stamps", "MS" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("FILE.flv URL");
  g_option_context_add_main_entries (context, entries, NULL);
  g_autoptr (GError) error = NULL;
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 3) {
    fprintf (stderr, "librtmp-publish: error: %s\n",
        error != NULL ? error->message : "expected a file and an address");
    return EXIT_USE;
  }
  g_autoptr (MillFlvFile) file = mill_flv_file_open (argv[1], &error);
  if (file == NULL) {
    fprintf (stderr, "librtmp-publish: error: %s\n", error->message);
    return EXIT_NO_INPUT;
  }
  /* librtmp writes to sockets that a refusing server has closed */
  signal (SIGPIPE, SIG_IGN);
  return publish (file, argv[2], (guint32) start_ms, fast);
}
