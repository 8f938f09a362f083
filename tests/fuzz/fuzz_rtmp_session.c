/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A publisher from the first byte to the last: handshake, commands, publish,
 * media, its end, and publishing again, on one connection after the other.
 * What is told of it must not hang on how the network cuts the bytes, on when
 * publish is answered, nor on whether the session was handed over meanwhile. */
#include "rtmp/flv-color-info.h"
#include "rtmp/flv-ex.h"
#include "rtmp/flv-tag.h"
#include "rtmp/rtmp-session.h"
#include "scte35/scte35.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* Byte 0 of an input. Byte 1 is the seed of the cuts. */
typedef enum
{
  NO_HANDSHAKE = 1 << 0, /* it was there before */
  REFUSE = 1 << 1, /* every second publish */
  REFUSE_LATER = 1 << 2, /* after some media */
  LOW_LIMITS = 1 << 3,
  RECONNECT = 1 << 4, /* who was cut off goes on with a new connection */
  SEND_ELSEWHERE = 1 << 5, /* asks for a reconnect, after some media */
} Flags;

#define MAX_CONNECTIONS 8
#define REFUSED_MEDIA 3

static const guint8 handshake[1 + 2 * 1536] = { 3 };

static const MillRtmpLimits low_limits = {
  .max_message_bytes = 2000,
  .max_chunk_bytes = 5000,
  .max_chunk_streams = 4,
  .max_amf_depth = 3,
  .max_amf_values = 30,
  .max_string_bytes = 60,
  .max_bytes_before_publish = 1000,
  .max_commands_before_publish = 6,
  .max_unread_bytes = 6000,
};

/* One reading of the input. */
typedef struct
{
  guint8 flags;
  GRand *rand; /* nullable: whole, answered at once, never handed over */
  MillRtmpSession *session;
  GArray *log; /* guint: a hash of each event and all before it */
  guint n_publish;
  guint n_media;
  gboolean asking; /* publish is not answered yet */
} Reading;

static void
write_log (Reading *reading, const gchar *what, guint number)
{
  guint hash = g_str_hash (what) ^ number;
  if (reading->log->len > 0)
    hash += 31 * g_array_index (reading->log, guint, reading->log->len - 1);
  g_array_append_val (reading->log, hash);
}

/* ---- what the owner does with it ---- */

static void
answer (Reading *reading)
{
  reading->asking = FALSE;
  if ((reading->flags & REFUSE) && reading->n_publish % 2 == 0)
    mill_rtmp_session_refuse (reading->session, "NetStream.Publish.Denied",
        "no");
  else
    mill_rtmp_session_accept (reading->session);
}

static void
on_publish (MillRtmpSession *session, const MillRtmpPublish *publish,
    gpointer user_data)
{
  Reading *reading = user_data;
  g_autofree gchar *text = g_strdup_printf ("%s/%s?%s %u", publish->app,
      publish->name, publish->query, publish->capabilities.codecs);
  write_log (reading, text, ++reading->n_publish);
  reading->asking = TRUE;
  if (reading->rand == NULL || g_rand_boolean (reading->rand))
    answer (reading);
}

/* The tracks of a message in the extended form, as the element reads them. */
static guint
read_tracks (MillFlvKind kind, const GstMapInfo *map)
{
  MillFlvExReader reader;
  MillFlvExTrack track;
  MillFlvColorInfo info;
  guint n = 0;
  if (!mill_flv_ex_is_extended (kind, map->data) ||
      !mill_flv_ex_open (&reader, kind, map->data, map->size, NULL))
    return 0;
  while (mill_flv_ex_next (&reader, &track, NULL)) {
    n++;
    if (kind == MILL_FLV_KIND_VIDEO &&
        reader.packet_type == MILL_FLV_EX_VIDEO_METADATA)
      mill_flv_color_info_parse (map->data + track.offset, track.size, &info,
          NULL);
  }
  return n;
}

static guint
read_tag (MillRtmpMediaType type, const GstMapInfo *map)
{
  MillFlvVideoTag video = { 0 };
  MillFlvAudioTag audio = { 0 };
  if (type == MILL_RTMP_MEDIA_VIDEO) {
    mill_flv_tag_parse_video (map->data, map->size, &video, NULL);
    return read_tracks (MILL_FLV_KIND_VIDEO, map) + video.header_size;
  }
  mill_flv_tag_parse_audio (map->data, map->size, &audio, NULL);
  return read_tracks (MILL_FLV_KIND_AUDIO, map) + audio.header_size;
}

static void
on_media (MillRtmpSession *session, MillRtmpMediaType type,
    guint32 timestamp_ms, GstBuffer *payload, gpointer user_data)
{
  Reading *reading = user_data;
  GstMapInfo map;
  guint sum = timestamp_ms;
  gst_buffer_map (payload, &map, GST_MAP_READ);
  for (gsize i = 0; i < map.size; i++)
    sum = sum * 31 + map.data[i];
  write_log (reading, type == MILL_RTMP_MEDIA_VIDEO ? "video" : "audio",
      sum + read_tag (type, &map));
  gst_buffer_unmap (payload, &map);
  gst_buffer_unref (payload);
  reading->n_media++;
  if (reading->n_media % REFUSED_MEDIA != 0)
    return;
  if (reading->flags & REFUSE_LATER)
    mill_rtmp_session_refuse (session, "NetStream.Publish.Rejected", "codec");
  else if (reading->flags & SEND_ELSEWHERE)
    mill_rtmp_session_request_reconnect (session, "rtmp://b/live", "moving");
}

static void
on_metadata (MillRtmpSession *session, const GstStructure *metadata,
    gpointer user_data)
{
  g_autofree gchar *text = gst_structure_to_string (metadata);
  write_log (user_data, text, 0);
}

static void
on_cue (MillRtmpSession *session, GBytes *section, gpointer user_data)
{
  MillScte35 parsed;
  g_assert_true (mill_scte35_parse (g_bytes_get_data (section, NULL),
      g_bytes_get_size (section), &parsed, NULL));
  write_log (user_data, "cue", g_bytes_get_size (section));
}

static void
on_unpublish (MillRtmpSession *session, gpointer user_data)
{
  write_log (user_data, "unpublish", 0);
}

static const MillRtmpSessionEvents events = {
  .publish = on_publish,
  .media = on_media,
  .metadata = on_metadata,
  .unpublish = on_unpublish,
  .cue = on_cue,
};

/* ---- one connection after the other ---- */

static const MillRtmpLimits *
get_limits (const Reading *reading)
{
  return reading->flags & LOW_LIMITS ? &low_limits : NULL;
}

static void
connect_again (Reading *reading)
{
  gsize consumed;
  g_clear_pointer (&reading->session, mill_rtmp_session_free);
  reading->session =
      mill_rtmp_session_new (get_limits (reading), &events, reading);
  reading->asking = FALSE;
  write_log (reading, "connection", 0);
  if (reading->flags & NO_HANDSHAKE)
    mill_rtmp_session_feed (reading->session, handshake, sizeof handshake,
        &consumed, NULL);
}

static void
drop_output (Reading *reading)
{
  gsize size;
  mill_rtmp_session_peek_output (reading->session, &size);
  if (reading->rand != NULL && size > 1 && g_rand_boolean (reading->rand)) {
    mill_rtmp_session_drop_output (reading->session, size / 2);
    size -= size / 2;
  }
  mill_rtmp_session_drop_output (reading->session, size);
}

/* Saves and loads where that is possible: what is saved must be loadable. */
static void
hand_over (Reading *reading)
{
  g_autoptr (GVariant) variant =
      mill_rtmp_session_save (reading->session, NULL);
  if (variant == NULL)
    return;
  mill_rtmp_session_free (reading->session);
  reading->session = mill_rtmp_session_load (variant, get_limits (reading),
      &events, reading, NULL);
  g_assert_nonnull (reading->session);
}

static gsize
choose_piece (Reading *reading, gsize left)
{
  if (reading->rand == NULL)
    return left;
  gint32 bound = g_rand_boolean (reading->rand) ? 16 : 3000;
  gsize size = (gsize) g_rand_int_range (reading->rand, 1, bound);
  return MIN (left, size);
}

/* Returns FALSE when the connection has failed, after @ret_consumed bytes. */
static gboolean
feed (Reading *reading, const guint8 *data, gsize size, gsize *ret_consumed)
{
  /* a copy of its own, so that sanitizers see a read beyond it */
  g_autofree guint8 *piece = g_memdup2 (data, size);
  g_autoptr (GError) error = NULL;
  gboolean ok = mill_rtmp_session_feed (reading->session, piece, size,
      ret_consumed, &error);
  g_assert_true (ok == (error == NULL));
  g_assert_cmpuint (*ret_consumed, <=, size);
  g_assert_true (!ok || *ret_consumed == size || reading->n_publish > 0);
  return ok;
}

static void
read_all (Reading *reading, const guint8 *data, gsize size)
{
  guint n_connections = 1;
  gsize consumed;
  connect_again (reading);
  for (gsize done = 0; done < size; done += consumed) {
    gboolean ok = feed (reading, data + done,
        choose_piece (reading, size - done), &consumed);
    if (reading->asking)
      answer (reading);
    if (!ok &&
        (!(reading->flags & RECONNECT) || ++n_connections > MAX_CONNECTIONS))
      break;
    drop_output (reading);
    if (!ok)
      connect_again (reading);
    else if (reading->rand != NULL)
      hand_over (reading);
  }
  mill_rtmp_session_free (reading->session);
}

/* Whoever was cut off by a bound on what is not read, which hangs on when it
 * is read, has less to tell; all that both tell is the same. */
static void
compare (const GArray *a, const GArray *b, guint8 flags)
{
  guint common = MIN (a->len, b->len);
  if (flags & RECONNECT)
    return; /* where the next connection begins hangs on the pieces */
  if (common > 0)
    g_assert_cmpuint (g_array_index (a, guint, common - 1), ==,
        g_array_index (b, guint, common - 1));
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

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  if (size < 2)
    return 0;
  init_gstreamer ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (data[1]);
  g_autoptr (GArray) whole_log = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GArray) cut_log = g_array_new (FALSE, FALSE, sizeof (guint));
  Reading whole = { .flags = data[0], .log = whole_log };
  Reading cut = { .flags = data[0], .rand = rand, .log = cut_log };
  read_all (&whole, data + 2, size - 2);
  read_all (&cut, data + 2, size - 2);
  compare (whole_log, cut_log, data[0]);
  return 0;
}
