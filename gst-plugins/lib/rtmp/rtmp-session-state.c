/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-session-state.h"

#include <string.h>

/* format; state; window, received, acknowledged, before_publish, last stream
 * id, stream id; app and its query, tcUrl, flashVer; whether the peer is
 * enhanced, its capsEx and codecs; name and query; reader; writer */
#define STATE_FORMAT 2
#define STATE_VARIANT                                              \
  "(uy(uuuuuu)(ssmsms)(buu)(msms)@" MILL_RTMP_CHUNK_READER_VARIANT \
  "@" MILL_RTMP_CHUNK_WRITER_VARIANT ")"
#define STATE_TYPE                                                \
  "(uy(uuuuuu)(ssmsms)(buu)(msms)" MILL_RTMP_CHUNK_READER_VARIANT \
      MILL_RTMP_CHUNK_WRITER_VARIANT ")"

#define MAX_STRING 4096

GVariant *
mill_rtmp_session_state_save (const MillRtmpSession *session, GError **error)
{
  const gchar *reason = NULL;
  if (session->state != MILL_RTMP_STATE_CONNECTED &&
      session->state != MILL_RTMP_STATE_PUBLISHING)
    reason = "a session that is neither connected nor publishing";
  else if (session->output != NULL)
    reason = "output that is not sent";
  else if (!mill_rtmp_chunk_reader_is_idle (session->reader))
    reason = "a message that is half read";
  if (reason != NULL) {
    g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_STATE,
        "saving an RTMP session: got %s, expected one between messages",
        reason);
    return NULL;
  }
  return g_variant_ref_sink (g_variant_new (STATE_VARIANT, STATE_FORMAT,
      (guchar) session->state, session->window, session->received,
      session->acknowledged, (guint32) session->before_publish,
      session->last_stream_id, session->stream_id, session->app,
      session->app_query, session->tc_url, session->flash_version,
      session->capabilities.is_enhanced, session->capabilities.caps_ex,
      session->capabilities.codecs, session->name, session->query,
      mill_rtmp_chunk_reader_save (session->reader),
      mill_rtmp_chunk_writer_save (session->writer)));
}

static gboolean
check_string (const gchar *string, GError **error)
{
  if (string == NULL || strlen (string) <= MAX_STRING)
    return TRUE;
  g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
      "saved RTMP session: got a string of %" G_GSIZE_FORMAT
      " bytes, expected at most %u",
      strlen (string), MAX_STRING);
  return FALSE;
}

static gboolean
check_loaded (const MillRtmpSession *session, guint format, guchar state,
    GError **error)
{
  if (format != STATE_FORMAT ||
      (state != MILL_RTMP_STATE_CONNECTED &&
          state != MILL_RTMP_STATE_PUBLISHING)) {
    g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "saved RTMP session: got format %u in state %u, expected format %u "
        "connected or publishing",
        format, state, STATE_FORMAT);
    return FALSE;
  }
  if (state == MILL_RTMP_STATE_PUBLISHING &&
      (session->name == NULL || session->query == NULL)) {
    g_set_error_literal (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "saved RTMP session: got no name, expected one while publishing");
    return FALSE;
  }
  if (session->window == 0) {
    g_set_error_literal (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "saved RTMP session: got a window of 0, expected more");
    return FALSE;
  }
  const gchar *const strings[] = { session->app, session->app_query,
    session->tc_url, session->flash_version, session->name, session->query };
  for (guint i = 0; i < G_N_ELEMENTS (strings); i++) {
    if (!check_string (strings[i], error))
      return FALSE;
  }
  return TRUE;
}

gboolean
mill_rtmp_session_state_load (MillRtmpSession *session, GVariant *variant,
    GError **error)
{
  if (!g_variant_is_of_type (variant, G_VARIANT_TYPE (STATE_TYPE)) ||
      !g_variant_is_normal_form (variant)) {
    g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "saved RTMP session: got a variant of type '%s', expected '%s' in "
        "normal form",
        g_variant_get_type_string (variant), STATE_TYPE);
    return FALSE;
  }
  guint format;
  guchar state;
  guint32 before_publish;
  g_autoptr (GVariant) reader = NULL;
  g_autoptr (GVariant) writer = NULL;
  g_variant_get (variant, STATE_VARIANT, &format, &state, &session->window,
      &session->received, &session->acknowledged, &before_publish,
      &session->last_stream_id, &session->stream_id, &session->app,
      &session->app_query, &session->tc_url, &session->flash_version,
      &session->capabilities.is_enhanced, &session->capabilities.caps_ex,
      &session->capabilities.codecs, &session->name, &session->query, &reader,
      &writer);
  if (!check_loaded (session, format, state, error) ||
      !mill_rtmp_chunk_reader_load (session->reader, reader, error) ||
      !mill_rtmp_chunk_writer_load (session->writer, writer, error))
    return FALSE;
  session->state = state;
  session->before_publish = before_publish;
  mill_rtmp_session_private_limit_messages (session);
  return TRUE;
}
