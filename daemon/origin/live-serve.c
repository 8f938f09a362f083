/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/live-serve.h"

#include <string.h>

#include "daemon/origin/live-query.h"
#include "daemon/origin/live-texts.h"
#include "daemon/origin/origin-range.h"
#include "daemon/origin/origin-response.h"

#define MIN_GZIP_BYTES 200

/* B.1, in target durations. */
#define BLOCKED_OK_TARGETS 6
#define BLOCKED_FAIL_TARGETS 4
#define PART_FAIL_TARGETS 1
#define PLAIN_FAIL_TARGETS 1

/* 6.2.5.2: how far ahead of the playlist one may ask, in segments, and in parts
 * of a second and more each. */
#define AHEAD_SEGMENTS 2
#define AHEAD_PARTS 3
#define AHEAD_PARTS_NS G_GUINT64_CONSTANT (3000000000)

#define DEFAULT_TARGET_S 6

struct _MillLiveServe
{
  MillLiveStreams *streams;
  MillLiveTexts *texts;
  MillOriginFiles *files;
  MillOriginGzip *gzip;
  MillOriginMetrics *metrics;
  gboolean draining;
};

typedef struct _Request Request;

/* An answer that waits, or is being given. */
struct _Request
{
  MillLiveServe *serve;
  MillHttpExchange *exchange;
  MillLiveStream *stream; /* a reference */
  gchar *file;
  MillLiveQuery query; /* of a playlist */
  MillLiveWant want; /* of a part or header; rendition below */
  gchar *rendition; /* nullable */
  gboolean blocked; /* it waits, or has waited */
  void (*answer) (Request *request, MillLiveOutcome outcome);
  MillLiveWait *wait; /* NULL: not any more */
};

static void
free_request (Request *request)
{
  mill_live_stream_unref (request->stream);
  g_free (request->rendition);
  g_free (request->file);
  g_free (request);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Request, free_request)

static Request *
new_request (MillLiveServe *self, MillHttpExchange *exchange,
    MillLiveStream *stream, const gchar *file)
{
  Request *request = g_new0 (Request, 1);

  request->serve = self;
  request->exchange = exchange;
  request->stream = mill_live_stream_ref (stream);
  request->file = g_strdup (file);
  return request;
}

/* ---- answers ---- */

static guint
get_target (const Request *request)
{
  guint target = mill_live_stream_get_target_duration (request->stream);

  return target > 0 ? target : DEFAULT_TARGET_S;
}

/* @max_age: 0: must not be kept at all. */
static void
answer_error (const Request *request, guint status, guint max_age,
    const gchar *detail)
{
  gchar caching[48];
  const MillOriginProblem problem = {
    .status = status,
    .detail = detail,
    .stream = mill_live_stream_get_name (request->stream),
    .file = request->file,
    .cache_control = caching,
  };

  g_snprintf (caching, sizeof (caching),
      max_age > 0 ? "public, max-age=%u" : "no-store", max_age);
  mill_origin_response_set_problem (request->exchange, &problem);
}

/* Of this process, not of the stream: another one, or a moment later. */
static void
answer_busy (const Request *request, const gchar *detail)
{
  const MillOriginProblem problem = {
    .status = 503,
    .detail = detail,
    .stream = mill_live_stream_get_name (request->stream),
    .file = request->file,
    .cache_control = "no-store",
    .lines = "Retry-After: 1\r\n",
  };

  mill_origin_response_set_problem (request->exchange, &problem);
}

static void
answer_text (Request *request, const MillLiveText *text, guint max_age)
{
  const MillHttpRequest *asked =
      mill_http_exchange_get_request (request->exchange);
  g_autofree gchar *caching = g_strdup_printf ("public, max-age=%u", max_age);
  g_autofree gchar *version = NULL;
  g_autoptr (GBytes) compressed = NULL;
  MillOriginMeta meta = {
    .content_type = "application/vnd.apple.mpegurl",
    .cache_control = caching,
    .version = text->etag,
    .varies = TRUE,
  };

  if (g_bytes_get_size (text->text) < MIN_GZIP_BYTES ||
      !mill_origin_range_accepts_gzip (asked->fields
                                           [MILL_HTTP_ACCEPT_ENCODING])) {
    mill_origin_response_set_bytes (request->exchange, &meta, text->text);
    return;
  }
  compressed =
      mill_origin_gzip_lookup (request->serve->gzip, text->name, text->etag);
  if (compressed == NULL)
    compressed = mill_origin_gzip_add (request->serve->gzip, text->name,
        text->etag, text->text);
  version = g_strconcat (text->etag, "-gz", NULL);
  meta.version = version;
  meta.content_encoding = "gzip";
  mill_origin_response_set_bytes (request->exchange, &meta, compressed);
}

/* ---- waiting ---- */

static void
on_woken (MillLiveOutcome outcome, gpointer user_data)
{
  g_autoptr (Request) request = user_data;
  MillLiveCounts counts;

  request->wait = NULL;
  request->serve->metrics->waiting--;
  mill_live_streams_get_counts (request->serve->streams, &counts);
  request->serve->metrics->wake_ups = counts.wakeups;
  if (outcome == MILL_LIVE_READY)
    mill_origin_metrics_add_delay (request->serve->metrics,
        g_get_real_time () - mill_live_stream_get_written (request->stream));
  if (request->serve->draining)
    answer_busy (request, "this process ends, ask again in a second");
  else
    request->answer (request, outcome);
  mill_http_exchange_release (request->exchange);
}

/* The viewer has gone, or the server ends. */
static void
on_gone (MillHttpExchange *exchange, gpointer user_data)
{
  g_autoptr (Request) request = user_data;

  mill_live_stream_cancel (request->wait);
  request->serve->metrics->waiting--;
}

static const MillHttpExchangeFuncs waiting_funcs = { .gone = on_gone };

/* @request: (transfer full) */
static void
wait_for (Request *request, const MillLiveWant *want)
{
  g_autoptr (Request) owned = request;

  request->blocked = TRUE;
  request->wait =
      mill_live_stream_wait (request->stream, want, on_woken, request);
  if (request->wait == NULL) {
    answer_busy (request, "too many requests wait, ask again in a second");
    return;
  }
  request->serve->metrics->waiting++;
  request->serve->metrics->waited++;
  mill_http_exchange_hold (request->exchange, &waiting_funcs, request);
  g_steal_pointer (&owned);
}

/* @request: (transfer full): answered at once, or when it is there. */
static void
answer_or_wait (Request *request, const MillLiveWant *want)
{
  g_autoptr (Request) owned = request;
  MillLiveOutcome outcome = mill_live_stream_check (request->stream, want);

  if (outcome == MILL_LIVE_LATE) {
    /* Another process of this origin may have told it already. */
    mill_live_stream_refresh (request->stream);
    outcome = mill_live_stream_check (request->stream, want);
  }
  if (outcome == MILL_LIVE_LATE)
    wait_for (g_steal_pointer (&owned), want);
  else
    request->answer (request, outcome);
}

/* ---- playlists ---- */

static void
answer_playlist (Request *request, MillLiveOutcome outcome)
{
  MillLivePlaylist *playlist;
  guint target = get_target (request);

  if (outcome == MILL_LIVE_LATE) {
    /* 6.2.5.2: blocked for three target durations. */
    answer_error (request, 503, BLOCKED_FAIL_TARGETS * target,
        "what _HLS_msn asks for did not come within three target durations (RFC "
        "8216bis 6.2.5.2)");
    return;
  }
  /* Its files may go one after the other: nothing of them is told. */
  playlist = mill_live_stream_is_gone (request->stream)
      ? NULL
      : mill_live_texts_look_up (request->serve->texts, request->stream,
            request->file);
  if (playlist == NULL) {
    answer_error (request, 404, PLAIN_FAIL_TARGETS * target,
        "the stream is gone, or has no such playlist any more");
    return;
  }
  /* Gone without an end: another packager has taken over, and its playlist is
   * another version that does not have this part. */
  if (outcome == MILL_LIVE_GONE && !mill_live_texts_is_ended (playlist)) {
    answer_busy (request,
        "another packager has taken over, ask again in a second");
    return;
  }
  answer_text (request, mill_live_texts_print (playlist, request->query.skip),
      request->query.has_msn ? BLOCKED_OK_TARGETS * target : target / 2);
}

/* Returns: (nullable): the rendition whose parts the playlist has. Looked up
 * anew each time: reading on may replace it. */
static MillLiveRendition *
get_rendition (const Request *request)
{
  MillLiveRendition *rendition = request->rendition != NULL
      ? mill_live_stream_find_rendition (request->stream, request->rendition)
      : NULL;

  return rendition != NULL && rendition->part_target_ns > 0 ? rendition : NULL;
}

/* 6.2.5.2: whether that is more than a player can know of. */
static gboolean
is_too_far (const Request *request)
{
  const MillLiveQuery *query = &request->query;
  MillLiveRendition *rendition = get_rendition (request);
  guint64 target = rendition != NULL ? rendition->part_target_ns : 0;
  MillLiveTip tip;
  gint64 last = -1;
  guint64 ahead;

  if (!mill_live_stream_get_tip (request->stream, rendition, &tip) ||
      query->msn > tip.whole + AHEAD_SEGMENTS)
    return TRUE;
  if (!query->has_part || query->msn < tip.number)
    return FALSE;
  if (query->msn == tip.number)
    last = tip.part;
  if ((gint64) query->part <= last)
    return FALSE;
  /* In a segment that has not begun, part 0 is the one after the last. */
  ahead = (guint64) ((gint64) query->part - MAX (last, 0));
  if (target == 0 || target >= AHEAD_PARTS_NS / AHEAD_PARTS)
    return ahead > AHEAD_PARTS;
  return ahead > AHEAD_PARTS_NS / target;
}

/* @request: (transfer full) */
static void
block_playlist (Request *request)
{
  g_autoptr (Request) owned = request;
  gboolean has_parts = get_rendition (request) != NULL;
  MillLiveWant want = {
    .rendition = has_parts ? request->rendition : NULL,
    .generation = MILL_LIVE_ANY,
    .number = request->query.msn,
    .part = request->query.has_part && has_parts ? request->query.part
                                                 : MILL_LIVE_WHOLE,
  };

  /* It may be for what another process of this origin knows of already. */
  if (is_too_far (request))
    mill_live_stream_refresh (request->stream);
  /* Not for B.1's four target durations: by then players ask for it, and whoever
   * asks a cache too early, on purpose, would have refused it to all of them. */
  if (is_too_far (request))
    answer_error (request, 400, 0,
        "_HLS_msn, _HLS_part: got more than two segments, or three parts and 3 s "
        "of them, past the last one (RFC 8216bis 6.2.5.2)");
  else
    answer_or_wait (g_steal_pointer (&owned), &want);
}

gboolean
mill_live_serve_playlist (MillLiveServe *self, MillHttpExchange *exchange,
    const MillOriginPath *path)
{
  MillLiveStream *stream =
      mill_live_streams_look_up (self->streams, path->stream);
  MillLivePlaylist *playlist;
  MillLiveRendition *rendition;
  g_autoptr (Request) request = NULL;
  guint64 listed;
  gboolean valid;

  if (stream == NULL || !mill_live_stream_get_listed (stream, &listed))
    return FALSE;
  playlist = mill_live_texts_look_up (self->texts, stream, path->file);
  if (playlist == NULL)
    return FALSE;
  request = new_request (self, exchange, stream, path->file);
  request->answer = answer_playlist;
  rendition = mill_live_texts_get_rendition (playlist);
  request->rendition = rendition != NULL ? g_strdup (rendition->name) : NULL;
  valid =
      mill_live_query_parse (mill_http_exchange_get_request (exchange)->query,
          &request->query);
  /* 6.2.5.2: after the end nothing is asked for. */
  if (mill_live_texts_is_ended (playlist)) {
    request->query = (MillLiveQuery){ 0 };
    answer_playlist (request, MILL_LIVE_READY);
  } else if (!valid) {
    answer_error (request, 400, BLOCKED_FAIL_TARGETS * get_target (request),
        request->query.wrong);
  } else if (request->query.has_msn) {
    block_playlist (g_steal_pointer (&request));
  } else {
    answer_playlist (request, MILL_LIVE_READY);
  }
  return TRUE;
}

/* ---- parts ---- */

static const MillLivePart *
find_part (const Request *request)
{
  MillLiveRendition *rendition =
      mill_live_stream_find_rendition (request->stream, request->rendition);
  MillLiveSegment *segment = rendition != NULL
      ? mill_live_stream_find_segment (rendition, request->want.generation,
            request->want.number)
      : NULL;
  const MillLivePart *part;

  if (segment == NULL || request->want.part >= segment->parts->len)
    return NULL;
  part = &g_array_index (segment->parts, MillLivePart, request->want.part);
  return part->flags & MILL_LIVE_CHUNK_GAP ? NULL : part;
}

static void
answer_slice (Request *request, MillOriginFile *file, const MillLivePart *part)
{
  g_autofree gchar *caching = g_strdup_printf ("public, max-age=%u, immutable",
      BLOCKED_OK_TARGETS * get_target (request));
  /* Of the part, not of the file, which grows. */
  g_autofree gchar *version = g_strdup_printf ("%" G_GINT64_MODIFIER
                                               "x-%" G_GINT64_MODIFIER "x",
      (guint64) part->wall_us, part->length);
  MillOriginMeta meta = {
    .content_type = "video/mp4",
    .cache_control = caching,
    .version = version,
  };

  mill_origin_response_set_slice (request->exchange, &meta, file, part->offset,
      part->length);
}

static void
answer_part (Request *request, MillLiveOutcome outcome)
{
  const MillLivePart *part = find_part (request);
  g_autofree gchar *segment = g_strdup_printf ("%s/%" G_GUINT64_FORMAT
                                               "-%" G_GUINT64_FORMAT ".m4s",
      request->rendition, request->want.generation, request->want.number);
  guint target = get_target (request);
  MillOriginFile *file = part != NULL
      ? mill_origin_files_get (request->serve->files,
            mill_live_stream_get_name (request->stream), segment)
      : NULL;

  if (outcome == MILL_LIVE_LATE)
    answer_error (request, 503, PART_FAIL_TARGETS * target,
        "it was hinted, and did not come within three target durations");
  else if (file == NULL || part->offset > file->size ||
      part->length > file->size - part->offset)
    answer_error (request, 404, PART_FAIL_TARGETS * target,
        "no playlist lists or hints it: it is not there yet, or is gone");
  else
    answer_slice (request, file, part);
  if (file != NULL)
    mill_origin_files_release (file);
}

/* 6.2.6: whether a playlist hints it: the part after the last one. */
static gboolean
is_hinted (const Request *request)
{
  MillLiveRendition *rendition =
      mill_live_stream_find_rendition (request->stream, request->rendition);
  guint64 generation;
  guint64 number;
  MillLiveSegment *last;
  MillLiveTip tip;

  if (rendition == NULL ||
      !mill_live_stream_get_tip (request->stream, rendition, &tip))
    return FALSE;
  if (tip.number > tip.whole)
    return request->want.number == tip.number &&
        request->want.part == tip.part + 1;
  if (request->want.number != tip.whole + 1 || request->want.part != 0)
    return FALSE;
  last = mill_live_stream_find_number (rendition, tip.whole);
  if (mill_live_stream_get_next (request->stream, &generation, &number) &&
      request->want.number >= number)
    return request->want.generation == generation;
  return last == NULL || request->want.generation == last->generation;
}

gboolean
mill_live_serve_part (MillLiveServe *self, MillHttpExchange *exchange,
    const MillOriginPath *path)
{
  MillLiveStream *stream =
      mill_live_streams_look_up (self->streams, path->stream);
  const gchar *slash = strchr (path->file, '/');
  g_autoptr (Request) request = NULL;
  MillLiveWant want;

  if (stream == NULL || slash == NULL ||
      !mill_origin_path_parse_part (slash + 1, &want.generation, &want.number,
          &want.part)) {
    return FALSE;
  }
  request = new_request (self, exchange, stream, path->file);
  request->answer = answer_part;
  request->rendition = g_strndup (path->file, (gsize) (slash - path->file));
  want.rendition = request->rendition;
  request->want = want;
  if (find_part (request) == NULL)
    mill_live_stream_refresh (stream);
  if (find_part (request) != NULL || !is_hinted (request))
    answer_part (request, MILL_LIVE_READY);
  else
    answer_or_wait (g_steal_pointer (&request), &want);
  return TRUE;
}

/* ---- headers ---- */

static void
answer_init (Request *request, MillLiveOutcome outcome)
{
  MillOriginFile *file = mill_origin_files_get (request->serve->files,
      mill_live_stream_get_name (request->stream), request->file);
  g_autofree gchar *caching = g_strdup_printf ("public, max-age=%u, immutable",
      BLOCKED_OK_TARGETS * get_target (request));
  MillOriginMeta meta = {
    .content_type = "video/mp4",
    .cache_control = caching,
  };

  if (file != NULL) {
    meta.version = file->version;
    mill_origin_response_set_file (request->exchange, &meta, file);
    mill_origin_files_release (file);
  } else {
    answer_error (request, outcome == MILL_LIVE_LATE ? 503 : 404,
        PART_FAIL_TARGETS * get_target (request),
        "it was not written in time, or is gone: the playlist tells what there "
        "is");
  }
}

gboolean
mill_live_serve_init (MillLiveServe *self, MillHttpExchange *exchange,
    const MillOriginPath *path)
{
  MillLiveStream *stream =
      mill_live_streams_look_up (self->streams, path->stream);
  const gchar *slash = strchr (path->file, '/');
  MillLiveWant want = { .part = 0 };
  g_autofree gchar *hinted = NULL;
  Request *request;

  if (stream == NULL || slash == NULL ||
      !mill_live_stream_get_next (stream, &want.generation, &want.number))
    return FALSE;
  hinted = g_strdup_printf ("init-%" G_GUINT64_FORMAT ".mp4", want.generation);
  if (!g_str_equal (slash + 1, hinted))
    return FALSE;
  request = new_request (self, exchange, stream, path->file);
  request->answer = answer_init;
  request->rendition = g_strndup (path->file, (gsize) (slash - path->file));
  want.rendition = request->rendition;
  request->want = want;
  answer_or_wait (request, &want);
  return TRUE;
}

/* ---- life ---- */

MillLiveServe *
mill_live_serve_new (const MillLiveServeOptions *options)
{
  MillLiveServe *self = g_new0 (MillLiveServe, 1);

  self->streams = options->streams;
  self->texts = mill_live_texts_new (options->files);
  self->files = options->files;
  self->gzip = options->gzip;
  self->metrics = options->metrics;
  return self;
}

void
mill_live_serve_free (MillLiveServe *self)
{
  mill_live_texts_free (self->texts);
  g_free (self);
}

void
mill_live_serve_drain (MillLiveServe *self)
{
  self->draining = TRUE;
}
