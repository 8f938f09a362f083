/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-test.h"

/* What the tests of a publisher's session share: a server that writes down what
 * happens, and what real publishers sent. */

typedef struct
{
  GString *log;
  gboolean defer; /* publish is not answered in the callback */
  gboolean refuse;
  gboolean refuse_media; /* the second message: a codec nobody knows */
  guint n_publish;
  guint n_audio;
  guint n_video;
  guint n_unpublish;
} Server;

static inline void
on_publish (MillRtmpSession *session, const MillRtmpPublish *publish,
    gpointer user_data)
{
  Server *server = user_data;
  server->n_publish++;
  g_string_append_printf (server->log, "publish app=%s name=%s query=%s\n",
      publish->app, publish->name, publish->query);
  if (server->defer)
    return;
  if (server->refuse)
    mill_rtmp_session_refuse (session, "NetStream.Publish.Denied",
        "no such key");
  else
    mill_rtmp_session_accept (session);
}

static inline void
on_media (MillRtmpSession *session, MillRtmpMediaType type,
    guint32 timestamp_ms, GstBuffer *payload, gpointer user_data)
{
  Server *server = user_data;
  if (type == MILL_RTMP_MEDIA_AUDIO)
    server->n_audio++;
  else
    server->n_video++;
  g_assert_cmpuint (gst_buffer_n_memory (payload), ==, 1);
  GstMapInfo map;
  gst_buffer_map (payload, &map, GST_MAP_READ);
  g_autofree gchar *sum =
      g_compute_checksum_for_data (G_CHECKSUM_MD5, map.data, map.size);
  g_string_append_printf (server->log,
      "media %d @%u %.8s %" G_GSIZE_FORMAT "\n", type, timestamp_ms, sum,
      map.size);
  gst_buffer_unmap (payload, &map);
  gst_buffer_unref (payload);
  if (server->refuse_media && server->n_audio + server->n_video == 2)
    mill_rtmp_session_refuse (session, "NetStream.Publish.Rejected",
        "unknown codec");
}

static inline void
on_metadata (MillRtmpSession *session, const GstStructure *metadata,
    gpointer user_data)
{
  Server *server = user_data;
  g_autofree gchar *text = gst_structure_to_string (metadata);
  g_string_append_printf (server->log, "%s\n", text);
}

static inline void
on_cue (MillRtmpSession *session, GBytes *section, gpointer user_data)
{
  Server *server = user_data;
  gsize size;
  const guint8 *data = g_bytes_get_data (section, &size);
  g_string_append_printf (server->log, "cue %02x of %" G_GSIZE_FORMAT "\n",
      data[0], size);
}

static inline void
on_unpublish (MillRtmpSession *session, gpointer user_data)
{
  Server *server = user_data;
  server->n_unpublish++;
  g_string_append (server->log, "unpublish\n");
}

static const MillRtmpSessionEvents events = {
  .publish = on_publish,
  .media = on_media,
  .metadata = on_metadata,
  .cue = on_cue,
  .unpublish = on_unpublish,
};

static inline void
server_clear (Server *server)
{
  g_string_free (server->log, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Server, server_clear)

static inline void
drop_output (MillRtmpSession *session)
{
  gsize size;
  mill_rtmp_session_peek_output (session, &size);
  mill_rtmp_session_drop_output (session, size);
}

/* Feeds all of @data in pieces; answers of the session are thrown away. */
static inline gboolean
feed_pieces (MillRtmpSession *session, const GByteArray *data, TestSplit split,
    GError **error)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (data->len);
  for (gsize done = 0; done < data->len;) {
    gsize size = split (rand, data->len - done);
    g_autofree guint8 *piece = g_memdup2 (data->data + done, size);
    gsize consumed;
    if (!mill_rtmp_session_feed (session, piece, size, &consumed, error))
      return FALSE;
    g_assert_cmpuint (consumed, ==, size);
    drop_output (session);
    done += size;
  }
  return TRUE;
}

/* ---- what real publishers sent (tests/data/rtmp) ---- */

typedef struct
{
  const gchar *file;
  const gchar *publish;
  guint n_audio, n_video;
  guint n_unpublish;
} Capture;

/* Each published the same second of test picture (10 video and 23 audio
 * packets, and headers). librtmp's sender crashed before its end; OBS was
 * stopped by its button four pictures after it began. */
static const Capture captures[] = {
  { "rtmp/ffmpeg-5.1.rtmp", "publish app=live name=demo query=key=secret\n", 24,
      12, 1 },
  { "rtmp/rtmp2sink-1.22.rtmp", "publish app=live name=demo query=\n", 24, 12,
      1 },
  { "rtmp/librtmp-2.4.rtmp", "publish app=live name=demo query=\n", 16, 10, 0 },
  { "rtmp/obs-29.0.rtmp", "publish app=live name=studio query=\n", 3, 4, 1 },
};
