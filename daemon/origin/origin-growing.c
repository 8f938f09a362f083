/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-growing.h"

#include <string.h>

#include "daemon/origin/origin-connections.h"
#include "daemon/origin/origin-file.h"
#include "daemon/origin/origin-response.h"

/* Per turn of one answer. */
#define BLOCK_BYTES (128 * 1024)

/* By its clock a player may be this many segments early: shaka-player is, by
 * more than a second. */
#define EARLY_SEGMENTS 2

/* Nobody who comes later should get a connection for what is one file by then.
 */
#define GROWING_CACHE_CONTROL "public, max-age=1"

/* One answer, until its message is over. */
typedef struct
{
  SoupServerMessage *message;
  MillLiveStream *stream;
  MillLiveWait *wait; /* nullable */
  gchar *media_dir;
  gchar *name; /* of the file, in the stream's directory */
  gchar *rendition;
  guint64 generation;
  guint64 number;
  MillOriginFile file; /* opened with the first part */
  guint64 sent;
  gboolean has_begun; /* there is a head */
  gboolean is_paused;
  gboolean is_over; /* all that is to be said is said */
} Growing;

static void
free_growing (Growing *self)
{
  g_clear_pointer (&self->wait, mill_live_stream_cancel);
  mill_live_stream_unref (self->stream);
  mill_origin_file_clear (&self->file);
  g_free (self->media_dir);
  g_free (self->name);
  g_free (self->rendition);
  g_free (self);
}

/* ---- the answer ---- */

static void
go_on (Growing *self)
{
  if (!self->is_paused)
    return;
  self->is_paused = FALSE;
  soup_server_message_unpause (self->message);
}

static void
pause_answer (Growing *self)
{
  if (self->is_paused)
    return;
  self->is_paused = TRUE;
  soup_server_message_pause (self->message);
}

static void
refuse (Growing *self, guint status)
{
  self->is_over = TRUE;
  mill_origin_response_set_error (self->message, status);
  go_on (self);
}

/* Without the last chunk of the transfer coding every reader knows that this is
 * not all (RFC 9112 8). */
static void
cut_off (Growing *self)
{
  MillOriginIo *io = mill_origin_connections_get_io (self->message);

  g_message ("Segment '%s' of '%s' was not finished: ending the connection",
      self->name, mill_live_stream_get_name (self->stream));
  self->is_over = TRUE;
  if (io != NULL)
    mill_origin_io_end (io, FALSE);
  /* libsoup finds out when it has something to write. */
  soup_message_body_append (
      soup_server_message_get_response_body (self->message), SOUP_MEMORY_STATIC,
      "-", 1);
  go_on (self);
}

static void
fail (Growing *self, guint status)
{
  if (self->has_begun)
    cut_off (self);
  else
    refuse (self, status);
}

static gboolean
begin_answer (Growing *self)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (self->message);

  if (!mill_origin_file_open (self->media_dir,
          mill_live_stream_get_name (self->stream), self->name, &self->file))
    return FALSE;
  self->has_begun = TRUE;
  soup_message_headers_set_encoding (headers, SOUP_ENCODING_CHUNKED);
  soup_message_headers_replace (headers, "Content-Type", "video/mp4");
  soup_message_headers_replace (headers, "Cache-Control",
      GROWING_CACHE_CONTROL);
  soup_server_message_set_status (self->message, SOUP_STATUS_OK, NULL);
  return TRUE;
}

/* ---- what is sent when ---- */

static void step (Growing *self); /* real recursion: it waits for itself */

static void
on_ready (MillLiveOutcome outcome, gpointer user_data)
{
  Growing *self = user_data;

  self->wait = NULL;
  if (outcome == MILL_LIVE_READY)
    step (self);
  else
    fail (self, SOUP_STATUS_NOT_FOUND);
}

static void
wait_for (Growing *self, guint32 part)
{
  MillLiveWant want = { self->rendition, self->generation, self->number, part };

  switch (mill_live_stream_check (self->stream, &want)) {
    case MILL_LIVE_GONE:
      fail (self, SOUP_STATUS_NOT_FOUND);
      return;
    case MILL_LIVE_READY:
      /* The part after the last: the segment was cut short of it. */
      fail (self, SOUP_STATUS_NOT_FOUND);
      return;
    case MILL_LIVE_LATE:
      break;
  }
  self->wait = mill_live_stream_wait (self->stream, &want, on_ready, self);
  if (self->wait == NULL)
    fail (self, SOUP_STATUS_SERVICE_UNAVAILABLE);
  else
    pause_answer (self);
}

static MillLiveSegment *
find_segment (Growing *self)
{
  MillLiveRendition *rendition =
      mill_live_stream_find_rendition (self->stream, self->rendition);

  return rendition != NULL ? mill_live_stream_find_segment (rendition,
                                 self->generation, self->number)
                           : NULL;
}

/* Sends what is there, a block at a time: the next when the one before has
 * gone. */
static void
send_block (Growing *self, const MillLiveSegment *segment)
{
  gsize length = MIN (segment->length - self->sent, BLOCK_BYTES);
  g_autoptr (GBytes) block =
      mill_origin_file_read (&self->file, self->sent, length);

  if (block == NULL || g_bytes_get_size (block) < length) {
    cut_off (self);
    return;
  }
  self->sent += length;
  soup_message_body_append_bytes (
      soup_server_message_get_response_body (self->message), block);
  go_on (self);
}

static void
finish (Growing *self)
{
  self->is_over = TRUE;
  soup_message_body_complete (
      soup_server_message_get_response_body (self->message));
  go_on (self);
}

static void
step (Growing *self)
{
  const MillLiveSegment *segment = find_segment (self);

  if (segment == NULL || (segment->parts->len == 0 && !segment->complete)) {
    wait_for (self, 0);
    return;
  }
  if (!self->has_begun && (segment->length == 0 || !begin_answer (self))) {
    fail (self, SOUP_STATUS_NOT_FOUND);
    return;
  }
  if (g_str_equal (soup_server_message_get_method (self->message), "HEAD")) {
    self->is_over = TRUE;
    go_on (self);
  } else if (self->sent < segment->length) {
    send_block (self, segment);
  } else if (!segment->complete) {
    wait_for (self, segment->parts->len);
  } else if (segment->gap) {
    cut_off (self);
  } else {
    finish (self);
  }
}

static void
on_wrote_chunk (SoupServerMessage *message, gpointer user_data)
{
  Growing *self = user_data;

  if (self->wait == NULL && !self->is_over)
    step (self);
}

/* ---- which there are ---- */

static MillOriginGrowth
look_up (MillLiveStream *stream, const Growing *wanted)
{
  MillLiveRendition *rendition =
      mill_live_stream_find_rendition (stream, wanted->rendition);
  const MillLiveSegment *segment;

  if (rendition == NULL || rendition->segments->len == 0)
    return MILL_ORIGIN_GROWTH_NONE;
  segment = mill_live_stream_find_segment (rendition, wanted->generation,
      wanted->number);
  if (segment != NULL && segment->complete)
    return segment->gap ? MILL_ORIGIN_GROWTH_NONE : MILL_ORIGIN_GROWTH_WHOLE;
  if (mill_live_stream_has_ended (stream))
    return MILL_ORIGIN_GROWTH_NONE;
  if (segment != NULL)
    return MILL_ORIGIN_GROWTH_SERVED;
  segment =
      g_ptr_array_index (rendition->segments, rendition->segments->len - 1);
  return wanted->generation == segment->generation &&
          wanted->number > segment->number &&
          wanted->number <= segment->number + EARLY_SEGMENTS
      ? MILL_ORIGIN_GROWTH_SERVED
      : MILL_ORIGIN_GROWTH_NONE;
}

static gboolean
parse_name (const gchar *file, Growing *wanted)
{
  const gchar *slash = strchr (file, '/');

  if (slash == NULL || strchr (slash + 1, '/') != NULL ||
      !mill_origin_path_parse_segment (slash + 1, &wanted->generation,
          &wanted->number))
    return FALSE;
  wanted->rendition = g_strndup (file, (gsize) (slash - file));
  return TRUE;
}

static void
begin (const Growing *wanted, MillLiveStream *stream, const gchar *media_dir,
    SoupServerMessage *message, const gchar *file)
{
  Growing *self = g_memdup2 (wanted, sizeof (*wanted));

  self->rendition = g_strdup (wanted->rendition);
  self->message = message;
  self->stream = mill_live_stream_ref (stream);
  self->media_dir = g_strdup (media_dir);
  self->name = g_strdup (file);
  /* What was written is let go of. */
  soup_message_body_set_accumulate (
      soup_server_message_get_response_body (message), FALSE);
  g_signal_connect_data (message, "wrote-chunk", G_CALLBACK (on_wrote_chunk),
      self, (GClosureNotify) (GCallback) free_growing, 0);
  step (self);
}

MillOriginGrowth
mill_origin_growing_serve (MillLiveStreams *streams, const gchar *media_dir,
    SoupServerMessage *message, const MillOriginPath *path)
{
  MillLiveStream *stream = mill_live_streams_look_up (streams, path->stream);
  Growing wanted = { .file = { .fd = -1 } };
  g_autofree gchar *rendition = NULL;
  MillOriginGrowth growth;

  if (stream == NULL || !parse_name (path->file, &wanted))
    return MILL_ORIGIN_GROWTH_NONE;
  rendition = wanted.rendition;
  growth = look_up (stream, &wanted);
  if (growth == MILL_ORIGIN_GROWTH_NONE) {
    /* Another process of this origin may have told it. */
    mill_live_stream_refresh (stream);
    growth = look_up (stream, &wanted);
  }
  if (growth == MILL_ORIGIN_GROWTH_SERVED)
    begin (&wanted, stream, media_dir, message, path->file);
  return growth;
}
