/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-streams.h"

#include <string.h>

#include "daemon/origin/live-mpd.h"
#include "daemon/origin/live-serve.h"
#include "daemon/origin/origin-files.h"
#include "daemon/origin/origin-growing.h"
#include "daemon/origin/origin-gzip.h"
#include "daemon/origin/origin-listing.h"
#include "daemon/origin/origin-range.h"
#include "daemon/origin/origin-response.h"

/* A live playlist changes once per segment, and a cache may be that late. */
#define TEXT_CACHE_CONTROL "public, max-age=1"
/* A segment's name carries its generation, so it never has other content. */
#define MEDIA_CACHE_CONTROL "public, max-age=86400, immutable"
/* What may still change is asked for again every time (it has an ETag). */
#define UNSURE_CACHE_CONTROL "no-cache"

/* Longer texts go out as they are: a day of DVR is some 4 MB. */
#define MAX_GZIP_BYTES (8 * 1024 * 1024)
#define MIN_GZIP_BYTES 200
/* Kept in memory as long as their file is kept open: head and body are one
 * packet then. */
#define MAX_TEXT_BYTES (64 * 1024)
#define GZIP_CACHE_BYTES (32 * 1024 * 1024)

struct _MillOriginStreams
{
  gchar *media_dir;
  MillOriginMetrics *metrics;
  MillOriginFiles *files;
  MillOriginListing *listing;
  MillOriginGzip *gzip;
  MillLiveStreams *live;
  MillLiveServe *low_latency;
  MillLiveMpds *live_mpds;
};

/* One request for a file that is there, or is about to be. */
typedef struct
{
  MillOriginStreams *streams;
  MillHttpExchange *exchange;
  const MillOriginPath *path;
  MillOriginFile *file; /* nullable: where the kind says so */
} Request;

/* ---- what is not there ---- */

static const gchar *
explain_missing (MillOriginStreams *self, const MillOriginPath *path)
{
  if (!mill_origin_files_has_stream (self->files, path->stream))
    return "there is no such stream: it has not begun yet, or is gone";
  switch (mill_origin_path_get_file_kind (path->file)) {
    case MILL_ORIGIN_FILE_SEGMENT:
    case MILL_ORIGIN_FILE_PART:
      return "no playlist of the stream lists it: it is not there yet, or is "
             "gone";
    case MILL_ORIGIN_FILE_UNKNOWN:
      return "no file of a stream that is served has such a name; "
             "master.m3u8 and manifest.mpd name all of them";
    default:
      return "the stream has no such file: not yet, or no more";
  }
}

static void
answer_not_found (MillOriginStreams *self, MillHttpExchange *exchange,
    const MillOriginPath *path)
{
  const MillOriginProblem problem = {
    .status = 404,
    .detail = explain_missing (self, path),
    .stream = path->stream,
    .file = path->file,
  };

  mill_origin_response_set_problem (exchange, &problem);
}

/* ---- texts ---- */

static gboolean
accepts_gzip (const Request *request)
{
  return mill_origin_range_accepts_gzip (
      mill_http_exchange_get_request (request->exchange)
          ->fields[MILL_HTTP_ACCEPT_ENCODING]);
}

static void
serve_gzip (const Request *request, MillOriginMeta *meta, const gchar *name)
{
  MillOriginGzip *gzip = request->streams->gzip;
  MillOriginFile *file = request->file;
  g_autoptr (GBytes) compressed =
      mill_origin_gzip_lookup (gzip, name, file->version);
  g_autofree gchar *version = g_strconcat (file->version, "-gz", NULL);

  if (compressed == NULL) {
    GBytes *text = mill_origin_file_get_text (file);

    if (text == NULL) {
      mill_origin_response_set_error (request->exchange, 500,
          "the file could not be read");
      return;
    }
    compressed = mill_origin_gzip_add (gzip, name, file->version, text);
  }
  meta->version = version;
  meta->content_encoding = "gzip";
  mill_origin_response_set_bytes (request->exchange, meta, compressed);
}

static void
serve_text (const Request *request, const gchar *content_type)
{
  const MillOriginPath *path = request->path;
  MillOriginFile *file = request->file;
  MillOriginMeta meta = {
    .content_type = content_type,
    .cache_control = TEXT_CACHE_CONTROL,
    .version = file->version,
    .varies = TRUE,
  };

  if (file->size >= MIN_GZIP_BYTES && file->size <= MAX_GZIP_BYTES &&
      accepts_gzip (request)) {
    g_autofree gchar *name = g_strconcat (path->stream, "/", path->file, NULL);

    serve_gzip (request, &meta, name);
  } else if (file->size <= MAX_TEXT_BYTES &&
      mill_origin_file_get_text (file) != NULL) {
    mill_origin_response_set_bytes (request->exchange, &meta, file->text);
  } else {
    mill_origin_response_set_file (request->exchange, &meta, file);
  }
}

static void
serve_playlist (const Request *request)
{
  serve_text (request, "application/vnd.apple.mpegurl");
}

/* What was made of a text, with @version of its own. */
static void
serve_made (const Request *request, const gchar *content_type, GBytes *text,
    const gchar *version)
{
  MillOriginGzip *gzip = request->streams->gzip;
  g_autofree gchar *name =
      g_strconcat (request->path->stream, "/", request->path->file, NULL);
  g_autofree gchar *compressed_version = g_strconcat (version, "-gz", NULL);
  g_autoptr (GBytes) compressed = NULL;
  MillOriginMeta meta = {
    .content_type = content_type,
    .cache_control = TEXT_CACHE_CONTROL,
    .version = version,
    .varies = TRUE,
  };

  if (!accepts_gzip (request)) {
    mill_origin_response_set_bytes (request->exchange, &meta, text);
    return;
  }
  compressed = mill_origin_gzip_lookup (gzip, name, version);
  if (compressed == NULL)
    compressed = mill_origin_gzip_add (gzip, name, version, text);
  meta.version = compressed_version;
  meta.content_encoding = "gzip";
  mill_origin_response_set_bytes (request->exchange, &meta, compressed);
}

static void
serve_mpd (const Request *request)
{
  static const gchar content_type[] = "application/dash+xml";
  MillOriginFile *file = request->file;
  MillLiveStream *stream =
      mill_live_streams_look_up (request->streams->live, request->path->stream);
  GBytes *plain = NULL;
  GBytes *made = NULL;
  const gchar *version;

  if (stream != NULL && file->size <= MAX_GZIP_BYTES &&
      g_str_equal (request->path->file, "manifest.mpd"))
    plain = mill_origin_file_get_text (file);
  if (plain != NULL)
    made = mill_live_mpd_get (request->streams->live_mpds, stream, plain,
        file->version, &version);
  if (made != NULL)
    serve_made (request, content_type, made, version);
  else
    serve_text (request, content_type);
}

/* What low-latency MPDs name as their UTCTiming (23009-1 5.8.5.7, http-iso). */
static void
serve_clock (const Request *request)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *seconds = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S");
  g_autofree gchar *text = g_strdup_printf ("%s.%03dZ", seconds,
      g_date_time_get_microsecond (now) / 1000);

  mill_origin_response_set_text (request->exchange, "text/plain; charset=utf-8",
      text);
}

static void
serve_steering (const Request *request)
{
  serve_text (request, "application/json");
}

static void
serve_thumbnails (const Request *request)
{
  serve_text (request, "text/vtt; charset=utf-8");
}

/* ---- media ---- */

static const gchar *
get_media_type (const gchar *file)
{
  if (g_str_has_suffix (file, ".vtt"))
    return "text/vtt; charset=utf-8";
  if (g_str_has_suffix (file, ".jpg"))
    return "image/jpeg";
  return g_str_has_suffix (file, ".ts") ? "video/mp2t" : "video/mp4";
}

/* video/mp4 also of audio alone: the name does not tell, and players do not
 * look (RFC 8216bis 3.1.2 asks for nothing else of fMP4). */
static void
serve_media (const Request *request, const gchar *cache_control)
{
  MillOriginMeta meta = {
    .content_type = get_media_type (request->path->file),
    .cache_control = cache_control,
    .version = request->file->version,
  };

  mill_origin_response_set_file (request->exchange, &meta, request->file);
}

static void
serve_init (const Request *request)
{
  serve_media (request, MEDIA_CACHE_CONTROL);
}

/* Not listed: it is being written, or is the next one, or is no segment. */
static void
serve_unlisted (const Request *request)
{
  MillOriginStreams *streams = request->streams;
  MillOriginGrowth growth = mill_origin_growing_serve (streams->live,
      streams->media_dir, request->exchange, request->path);

  if (growth == MILL_ORIGIN_GROWTH_WHOLE && request->file != NULL)
    serve_media (request, MEDIA_CACHE_CONTROL);
  else if (growth != MILL_ORIGIN_GROWTH_SERVED)
    answer_not_found (streams, request->exchange, request->path);
}

/* No playlist says what is whole, as of a stream with an MPD alone; live.index
 * may. */
static void
serve_unknown (const Request *request)
{
  MillOriginStreams *streams = request->streams;

  switch (mill_origin_growing_serve (streams->live, streams->media_dir,
      request->exchange, request->path)) {
    case MILL_ORIGIN_GROWTH_SERVED:
      break;
    case MILL_ORIGIN_GROWTH_WHOLE:
      serve_media (request, MEDIA_CACHE_CONTROL);
      break;
    case MILL_ORIGIN_GROWTH_NONE:
      serve_media (request, UNSURE_CACHE_CONTROL);
      break;
  }
}

static void
serve_segment (const Request *request)
{
  const MillOriginPath *path = request->path;

  if (request->file == NULL) {
    serve_unlisted (request);
    return;
  }
  switch (mill_origin_listing_look_up (request->streams->listing, path->stream,
      path->file)) {
    case MILL_ORIGIN_LISTING_COMPLETE:
      serve_media (request, MEDIA_CACHE_CONTROL);
      break;
    case MILL_ORIGIN_LISTING_PENDING:
      serve_unlisted (request);
      break;
    case MILL_ORIGIN_LISTING_UNKNOWN:
      serve_unknown (request);
      break;
  }
}

static void
serve_unsure (const Request *request)
{
  serve_media (request, UNSURE_CACHE_CONTROL);
}

/* ---- which is served how ---- */

typedef struct
{
  MillOriginRequestKind counted;
  void (*serve) (const Request *request); /* NULL: it is not for viewers */
  /* NULL, or asked first: what a live stream has beyond its files */
  gboolean (*serve_live) (MillLiveServe *live, MillHttpExchange *exchange,
      const MillOriginPath *path);
  gboolean is_without_file; /* it can be served before there is one */
} Kind;

static const Kind kinds[] = {
  [MILL_ORIGIN_FILE_UNKNOWN] = { MILL_ORIGIN_REQUEST_OTHER, NULL, NULL },
  [MILL_ORIGIN_FILE_PLAYLIST] = { MILL_ORIGIN_REQUEST_PLAYLIST, serve_playlist,
      mill_live_serve_playlist },
  [MILL_ORIGIN_FILE_MPD] = { MILL_ORIGIN_REQUEST_MPD, serve_mpd, NULL },
  [MILL_ORIGIN_FILE_INIT] = { MILL_ORIGIN_REQUEST_INIT, serve_init,
      mill_live_serve_init },
  [MILL_ORIGIN_FILE_SEGMENT] = { MILL_ORIGIN_REQUEST_SEGMENT, serve_segment,
      NULL, TRUE },
  [MILL_ORIGIN_FILE_PART] = { MILL_ORIGIN_REQUEST_PART, NULL,
      mill_live_serve_part },
  [MILL_ORIGIN_FILE_OTHER] = { MILL_ORIGIN_REQUEST_OTHER, serve_unsure, NULL },
  [MILL_ORIGIN_FILE_STEERING] = { MILL_ORIGIN_REQUEST_OTHER, serve_steering,
      NULL },
  [MILL_ORIGIN_FILE_CLOCK] = { MILL_ORIGIN_REQUEST_OTHER, serve_clock, NULL,
      TRUE },
  /* Named by what it shows, and put there when it is whole. */
  [MILL_ORIGIN_FILE_SHEET] = { MILL_ORIGIN_REQUEST_OTHER, serve_init, NULL,
      FALSE },
  [MILL_ORIGIN_FILE_THUMBNAILS] = { MILL_ORIGIN_REQUEST_OTHER, serve_thumbnails,
      NULL },
  [MILL_ORIGIN_FILE_POSTER] = { MILL_ORIGIN_REQUEST_OTHER, serve_unsure, NULL,
      FALSE },
};

void
mill_origin_streams_serve (MillOriginStreams *self, MillHttpExchange *exchange,
    const MillOriginPath *path)
{
  const Kind *kind = &kinds[mill_origin_path_get_file_kind (path->file)];
  MillOriginFile *file = NULL;
  Request request = { self, exchange, path, NULL };

  mill_http_exchange_set_tag (exchange, kind->counted);
  if (kind->serve_live != NULL &&
      kind->serve_live (self->low_latency, exchange, path))
    return;
  if (kind->serve != NULL)
    file = mill_origin_files_get (self->files, path->stream, path->file);
  request.file = file;
  if (file == NULL && !kind->is_without_file)
    answer_not_found (self, exchange, path);
  else
    kind->serve (&request);
  g_clear_pointer (&file, mill_origin_files_release);
}

gboolean
mill_origin_streams_is_complete (MillOriginStreams *self,
    const MillOriginPath *path)
{
  MillOriginFile *file =
      mill_origin_files_get (self->files, path->stream, path->file);

  if (file == NULL)
    return FALSE;
  mill_origin_files_release (file);
  return mill_origin_path_get_file_kind (path->file) ==
      MILL_ORIGIN_FILE_SEGMENT &&
      mill_origin_listing_look_up (self->listing, path->stream, path->file) ==
      MILL_ORIGIN_LISTING_COMPLETE;
}

void
mill_origin_streams_get_gauges (MillOriginStreams *self,
    MillOriginGauges *gauges)
{
  gauges->gzip_bytes += mill_origin_gzip_get_size (self->gzip);
  gauges->open_files += mill_origin_files_count (self->files,
      &gauges->mapped_files, &gauges->mapped_bytes);
}

const gchar *
mill_origin_streams_get_media_dir (MillOriginStreams *self)
{
  return self->media_dir;
}

MillOriginStreams *
mill_origin_streams_new (const gchar *media_dir, MillOriginMetrics *metrics)
{
  MillOriginStreams *self = g_new0 (MillOriginStreams, 1);

  self->media_dir = g_strdup (media_dir);
  self->metrics = metrics;
  self->files = mill_origin_files_new (media_dir);
  self->listing = mill_origin_listing_new (self->files);
  self->gzip = mill_origin_gzip_new (GZIP_CACHE_BYTES);
  self->live = mill_live_streams_new (media_dir, NULL);
  self->live_mpds = mill_live_mpd_new ();
  self->low_latency = mill_live_serve_new (&(MillLiveServeOptions){
      .streams = self->live,
      .files = self->files,
      .gzip = self->gzip,
      .metrics = metrics,
  });
  return self;
}

void
mill_origin_streams_drain (MillOriginStreams *self)
{
  mill_live_serve_drain (self->low_latency);
  mill_live_streams_drain (self->live);
}

void
mill_origin_streams_free (MillOriginStreams *self)
{
  mill_live_serve_free (self->low_latency);
  mill_live_mpd_free (self->live_mpds);
  mill_live_streams_free (self->live);
  mill_origin_listing_free (self->listing);
  mill_origin_gzip_free (self->gzip);
  mill_origin_files_free (self->files);
  g_free (self->media_dir);
  g_free (self);
}
