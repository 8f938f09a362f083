/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-growing.h"

#include <string.h>

#include "daemon/origin/origin-files.h"
#include "daemon/origin/origin-response.h"

/* By its clock a player may be this many segments early: shaka-player is, by
 * more than a second. */
#define EARLY_SEGMENTS 2

/* Nobody who comes later should get a connection for what is one file by then.
 */
#define GROWING_CACHE_CONTROL "public, max-age=1"

/* One answer, until its exchange is over. */
typedef struct
{
  MillHttpExchange *exchange;
  MillLiveStream *stream;
  MillLiveWait *wait; /* nullable */
  gchar *media_dir;
  gchar *name; /* of the file, in the stream's directory */
  gchar *rendition;
  guint64 generation;
  guint64 number;
  MillOriginFile *file; /* nullable: opened with the first part */
  guint64 sent;
} Growing;

static void
free_growing (Growing *self)
{
  g_clear_pointer (&self->wait, mill_live_stream_cancel);
  g_clear_pointer (&self->file, mill_origin_files_release);
  mill_live_stream_unref (self->stream);
  g_free (self->media_dir);
  g_free (self->name);
  g_free (self->rendition);
  g_free (self);
}

/* ---- the answer: each of these ends it, or leaves it for later ---- */

/* Without the last chunk of the transfer coding every reader knows that this is
 * not all (RFC 9112 8). */
static void
cut_off (Growing *self)
{
  MillHttpExchange *exchange = self->exchange;

  g_message ("Segment '%s' of '%s' was not finished: ending the connection",
      self->name, mill_live_stream_get_name (self->stream));
  free_growing (self);
  mill_http_exchange_cut_off (exchange);
}

static void
fail (Growing *self, guint status)
{
  MillHttpExchange *exchange = self->exchange;
  const MillOriginProblem problem = {
    .status = status,
    .detail = status == 404
        ? "it was not begun in time, or is gone: the playlist tells what there "
          "is"
        : "too many requests wait, ask again in a second",
    .stream = mill_live_stream_get_name (self->stream),
    .file = self->name,
  };

  if (self->file != NULL) {
    cut_off (self);
    return;
  }
  mill_origin_response_set_problem (exchange, &problem);
  free_growing (self);
  mill_http_exchange_release (exchange);
}

static void
finish (Growing *self)
{
  MillHttpExchange *exchange = self->exchange;

  free_growing (self);
  mill_http_exchange_end_chunks (exchange);
}

static gboolean
open_file (Growing *self)
{
  MillOriginFile *file = g_rc_box_new0 (MillOriginFile);

  file->fd = -1;
  if (mill_origin_file_open (self->media_dir,
          mill_live_stream_get_name (self->stream), self->name, file))
    self->file = file;
  else
    mill_origin_files_release (file);
  return self->file != NULL;
}

/* Returns: whether there is more to it than a head. */
static gboolean
begin_answer (Growing *self)
{
  MillHttpExchange *exchange = self->exchange;

  mill_origin_response_begin (exchange, 200);
  mill_http_exchange_add_field (exchange, "Content-Type", "video/mp4");
  mill_http_exchange_add_field (exchange, "Cache-Control",
      GROWING_CACHE_CONTROL);
  if (mill_http_exchange_begin_chunks (exchange))
    return TRUE;
  free_growing (self);
  return FALSE;
}

/* ---- what is sent when ---- */

static void step (Growing *self); /* real recursion: it waits for itself */

static void
on_ready (MillLiveOutcome outcome, gpointer user_data)
{
  Growing *self = user_data;

  self->wait = NULL;
  /* What is listed grows no more: the part before may have been the last, and
   * not been known to be that. */
  if (outcome == MILL_LIVE_LATE)
    fail (self, 404);
  else
    step (self);
}

/* What it waits for may be there: the part after the last, when the segment was
 * cut short of it. */
static void
wait_for (Growing *self, guint32 part)
{
  MillLiveWant want = { self->rendition, self->generation, self->number, part };

  if (mill_live_stream_check (self->stream, &want) != MILL_LIVE_LATE) {
    fail (self, 404);
    return;
  }
  self->wait = mill_live_stream_wait (self->stream, &want, on_ready, self);
  if (self->wait == NULL)
    fail (self, 503);
}

/* Whether media of another time has, or would have, that number: no MPD counts up
 * to it before there are two such segments to count from, so whoever asks before
 * one is whole has counted on from the Period before it. */
static gboolean
is_foreign (MillLiveRendition *rendition, guint64 number)
{
  const MillLiveSegment *own = mill_live_stream_find_number (rendition, number);
  const MillLiveSegment *before =
      number > 0 ? mill_live_stream_find_number (rendition, number - 1) : NULL;

  return (own != NULL && own->discontinuity) ||
      (before != NULL && before->discontinuity);
}

/* Returns: (nullable): the segment, when it has begun */
static MillLiveSegment *
find_segment (Growing *self, gboolean *ret_foreign)
{
  MillLiveRendition *rendition =
      mill_live_stream_find_rendition (self->stream, self->rendition);

  *ret_foreign = rendition != NULL && is_foreign (rendition, self->number);
  return rendition != NULL ? mill_live_stream_find_segment (rendition,
                                 self->generation, self->number)
                           : NULL;
}

/* Returns: whether it is sent, and one may go on. */
static gboolean
send_more (Growing *self, const MillLiveSegment *segment)
{
  const guint64 offset = self->sent;

  self->sent = segment->length;
  return mill_http_exchange_send_chunk (self->exchange, self->file, offset,
      segment->length - offset);
}

static void
step (Growing *self)
{
  gboolean foreign;
  const MillLiveSegment *segment = find_segment (self, &foreign);

  if (self->file == NULL && foreign) {
    fail (self, 404);
    return;
  }
  if (segment == NULL || (segment->parts->len == 0 && !segment->complete)) {
    wait_for (self, 0);
    return;
  }
  if (self->file == NULL) {
    if (segment->length == 0 || !open_file (self)) {
      fail (self, 404);
      return;
    }
    if (!begin_answer (self))
      return;
  }
  if (self->sent < segment->length && !send_more (self, segment))
    return;
  if (!segment->complete)
    wait_for (self, segment->parts->len);
  else if (segment->gap)
    cut_off (self);
  else
    finish (self);
}

static void
on_taken (MillHttpExchange *exchange, gpointer user_data)
{
  step (user_data);
}

static void
on_gone (MillHttpExchange *exchange, gpointer user_data)
{
  free_growing (user_data);
}

static const MillHttpExchangeFuncs growing_funcs = {
  .gone = on_gone,
  .taken = on_taken,
};

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
  if (mill_live_stream_has_ended (stream) ||
      is_foreign (rendition, wanted->number))
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
    MillHttpExchange *exchange, const gchar *file)
{
  Growing *self = g_memdup2 (wanted, sizeof (*wanted));

  self->rendition = g_strdup (wanted->rendition);
  self->exchange = exchange;
  self->stream = mill_live_stream_ref (stream);
  self->media_dir = g_strdup (media_dir);
  self->name = g_strdup (file);
  mill_http_exchange_hold (exchange, &growing_funcs, self);
  step (self);
}

MillOriginGrowth
mill_origin_growing_serve (MillLiveStreams *streams, const gchar *media_dir,
    MillHttpExchange *exchange, const MillOriginPath *path)
{
  MillLiveStream *stream = mill_live_streams_look_up (streams, path->stream);
  Growing wanted = { 0 };
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
    begin (&wanted, stream, media_dir, exchange, path->file);
  return growth;
}
