/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/live-texts.h"

#include <string.h>

#define MULTIVARIANT "master.m3u8"
#define MEDIA_PLAYLIST "playlist.m3u8"

/* A day of 1 s segments is some 12 MB. */
#define MAX_PLAYLIST_BYTES (16 * 1024 * 1024)

/* Kept: those that were asked for lately. */
#define MAX_PLAYLISTS 1024
#define IDLE_US (60 * G_USEC_PER_SEC)

#define N_SKIPS 3

/* 6.2.2: how long a playlist is at the least. */
#define MIN_WINDOW_TARGETS 3

struct _MillLiveTexts
{
  MillOriginFiles *files;
  GHashTable *playlists; /* "stream/file" -> MillLivePlaylist */
};

/* One may have two lines: the second tells its end. */
typedef struct
{
  gchar *id;
  gchar *line;
  gint64 time; /* monotonic, µs: when the line came, or the ID went */
} DateRange;

struct _MillLivePlaylist
{
  MillLiveTexts *owner;
  MillLiveStream *stream; /* a reference */
  gchar *file;
  gchar *key;
  gint64 used; /* monotonic, µs */
  guint64 seen; /* version of the stream that @plain is as new as */

  gchar *version; /* of the plain file */
  MillHlsPlain *plain;
  gchar *others_version; /* of the multivariant playlist */
  GPtrArray *others; /* (nullable): URIs of all playlists, from the top */
  GHashTable *date_ranges; /* line -> DateRange: those that are there */
  GQueue removed; /* DateRange, in the order of going */
  gint64 looked; /* monotonic, µs: it was then what it is here */
  gint64 known; /* the same: what has gone since is in @removed */

  MillLiveText texts[N_SKIPS];
  guint64 printed[N_SKIPS]; /* version of the stream each was made of; 0 */
};

static void
free_date_range (gpointer data)
{
  DateRange *range = data;

  g_free (range->id);
  g_free (range->line);
  g_free (range);
}

static void
clear_text (MillLiveText *text)
{
  g_clear_pointer (&text->text, g_bytes_unref);
  g_clear_pointer (&text->etag, g_free);
  g_clear_pointer (&text->name, g_free);
}

static void
free_playlist (gpointer data)
{
  MillLivePlaylist *playlist = data;

  for (guint i = 0; i < N_SKIPS; i++)
    clear_text (&playlist->texts[i]);
  g_queue_clear_full (&playlist->removed, free_date_range);
  g_hash_table_unref (playlist->date_ranges);
  g_clear_pointer (&playlist->others, g_ptr_array_unref);
  g_free (playlist->others_version);
  g_clear_pointer (&playlist->plain, mill_hls_plain_free);
  g_free (playlist->version);
  g_free (playlist->key);
  g_free (playlist->file);
  mill_live_stream_unref (playlist->stream);
  g_free (playlist);
}

/* ---- files ---- */

/* Returns: (transfer full)(nullable): NULL when it cannot be read, or is that of
 * *@version, which is replaced. */
static GBytes *
read_news (MillLivePlaylist *playlist, const gchar *name, gchar **version,
    gboolean *ret_exists)
{
  MillOriginFile *file = mill_origin_files_get (playlist->owner->files,
      mill_live_stream_get_name (playlist->stream), name);
  GBytes *text = NULL;

  *ret_exists = file != NULL;
  if (file == NULL)
    return NULL;
  if (g_strcmp0 (file->version, *version) != 0 &&
      file->size <= MAX_PLAYLIST_BYTES)
    text = mill_origin_file_read (file, 0, file->size);
  if (text != NULL) {
    g_free (*version);
    *version = g_strdup (file->version);
  }
  mill_origin_files_release (file);
  return text;
}

static DateRange *
new_date_range (const gchar *id, const gchar *line, gint64 time)
{
  DateRange *range = g_new (DateRange, 1);

  *range = (DateRange){ g_strdup (id), g_strdup (line), time };
  return range;
}

/* Adds the lines of date ranges to @lines, their IDs to @ids. */
static void
find_date_ranges (MillLivePlaylist *playlist, gint64 time, GHashTable *lines,
    GHashTable *ids)
{
  for (guint i = 0; i < playlist->plain->lines->len; i++) {
    const MillHlsLine *line =
        &g_array_index (playlist->plain->lines, MillHlsLine, i);
    gchar *id = line->kind == MILL_HLS_LINE_DATE_RANGE
        ? mill_hls_plain_dup_quoted (line, "ID")
        : NULL;
    gchar *text;

    if (id == NULL)
      continue;
    text = g_strndup (line->text, line->length);
    if (!g_hash_table_contains (playlist->date_ranges, text)) {
      DateRange *range = new_date_range (id, text, time);

      g_hash_table_insert (playlist->date_ranges, range->line, range);
    }
    g_hash_table_add (ids, id);
    g_hash_table_add (lines, text);
  }
}

static void
remember_date_ranges (MillLivePlaylist *playlist)
{
  g_autoptr (GHashTable) lines =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) ids =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gint64 time = g_get_monotonic_time ();
  GHashTableIter iter;
  gpointer key;
  gpointer value;

  find_date_ranges (playlist, time, lines, ids);
  g_hash_table_iter_init (&iter, playlist->date_ranges);
  while (g_hash_table_iter_next (&iter, &key, &value)) {
    DateRange *range = value;

    if (g_hash_table_contains (lines, key))
      continue;
    /* Of its two lines one will do. */
    if (!g_hash_table_contains (ids, range->id)) {
      g_queue_push_tail (&playlist->removed,
          new_date_range (range->id, range->line, time));
      g_hash_table_add (ids, g_strdup (range->id));
    }
    g_hash_table_iter_remove (&iter);
  }
}

/* What went before this process looked, or while nobody asked it, it knows only
 * of a playlist that nothing has left yet: date ranges go with their segments,
 * which stay for three target durations at the least (RFC 8216bis 6.2.2). */
static void
note_history (MillLivePlaylist *playlist)
{
  gint64 now = g_get_monotonic_time ();
  gint64 stay = MIN_WINDOW_TARGETS *
      (gint64) playlist->plain->target_duration_s * G_USEC_PER_SEC;

  if (playlist->plain->media_sequence == 0)
    playlist->known = G_MININT64;
  else if (playlist->looked == 0 || now - playlist->looked > stay)
    playlist->known = now;
}

/* Returns: FALSE when there is no such media playlist. */
static gboolean
read_plain (MillLivePlaylist *playlist)
{
  gboolean exists;
  g_autoptr (GBytes) text =
      read_news (playlist, playlist->file, &playlist->version, &exists);

  if (!exists)
    return FALSE;
  if (text != NULL) {
    g_clear_pointer (&playlist->plain, mill_hls_plain_free);
    playlist->plain = mill_hls_plain_parse (text);
    if (playlist->plain != NULL) {
      note_history (playlist);
      remember_date_ranges (playlist);
    }
  }
  return playlist->plain != NULL;
}

static void
read_others (MillLivePlaylist *playlist)
{
  gboolean exists;
  g_autoptr (GBytes) text =
      read_news (playlist, MULTIVARIANT, &playlist->others_version, &exists);

  if (text == NULL)
    return;
  g_clear_pointer (&playlist->others, g_ptr_array_unref);
  playlist->others = mill_hls_plain_list_playlists (text);
}

/* ---- the table ---- */

MillLiveTexts *
mill_live_texts_new (MillOriginFiles *files)
{
  MillLiveTexts *self = g_new0 (MillLiveTexts, 1);

  self->files = files;
  self->playlists =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_playlist);
  return self;
}

void
mill_live_texts_free (MillLiveTexts *self)
{
  g_hash_table_unref (self->playlists);
  g_free (self);
}

static gboolean
is_idle (gpointer key, gpointer value, gpointer user_data)
{
  return ((MillLivePlaylist *) value)->used < *(gint64 *) user_data;
}

static void
make_room (MillLiveTexts *self)
{
  gint64 limit = g_get_monotonic_time () - IDLE_US;

  g_hash_table_foreach_remove (self->playlists, is_idle, &limit);
  if (g_hash_table_size (self->playlists) >= MAX_PLAYLISTS)
    g_hash_table_remove_all (self->playlists);
}

/* {rendition}/{name}.m3u8: what else there is may be a multivariant one. */
static gboolean
is_media (const gchar *file)
{
  const gchar *slash = strchr (file, '/');

  return slash != NULL && strchr (slash + 1, '/') == NULL;
}

MillLivePlaylist *
mill_live_texts_look_up (MillLiveTexts *self, MillLiveStream *stream,
    const gchar *file)
{
  const gchar *name = mill_live_stream_get_name (stream);
  g_autofree gchar *key = g_strconcat (name, "/", file, NULL);
  MillLivePlaylist *playlist = g_hash_table_lookup (self->playlists, key);
  guint64 version = mill_live_stream_get_version (stream);

  if (playlist != NULL && playlist->stream != stream) {
    g_hash_table_remove (self->playlists, key);
    playlist = NULL;
  }
  if (playlist == NULL) {
    if (!is_media (file))
      return NULL;
    make_room (self);
    playlist = g_new0 (MillLivePlaylist, 1);
    playlist->owner = self;
    playlist->stream = mill_live_stream_ref (stream);
    playlist->file = g_strdup (file);
    playlist->key = g_steal_pointer (&key);
    playlist->date_ranges =
        g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_date_range);
    g_queue_init (&playlist->removed);
    g_hash_table_insert (self->playlists, playlist->key, playlist);
  }
  playlist->used = g_get_monotonic_time ();
  if (playlist->seen != version) {
    if (!read_plain (playlist)) {
      g_hash_table_remove (self->playlists, playlist->key);
      return NULL;
    }
    read_others (playlist);
    playlist->seen = version;
  }
  playlist->looked = playlist->used;
  return playlist;
}

gboolean
mill_live_texts_is_ended (MillLivePlaylist *playlist)
{
  return playlist->plain->ended;
}

guint
mill_live_texts_get_target_duration (MillLivePlaylist *playlist)
{
  return playlist->plain->target_duration_s;
}

/* Returns: (nullable): of the playlist @file, from the top */
static MillLiveRendition *
find_rendition (MillLiveStream *stream, const gchar *file)
{
  const gchar *slash = strchr (file, '/');
  g_autofree gchar *name = NULL;

  /* Beside it there may be others of the same rendition, of I-frames. */
  if (slash == NULL || !g_str_equal (slash + 1, MEDIA_PLAYLIST))
    return NULL;
  name = g_strndup (file, (gsize) (slash - file));
  return mill_live_stream_find_rendition (stream, name);
}

MillLiveRendition *
mill_live_texts_get_rendition (MillLivePlaylist *playlist)
{
  return find_rendition (playlist->stream, playlist->file);
}

/* ---- making a text ---- */

/* The segments of @rendition; *@ret_parts holds their parts. */
static GArray *
describe_segments (MillLiveRendition *rendition, GArray **ret_parts)
{
  GArray *list = g_array_new (FALSE, TRUE, sizeof (MillHlsLiveSegment));
  GArray *parts = g_array_new (FALSE, TRUE, sizeof (MillHlsPart));
  gsize at = 0;

  *ret_parts = parts;
  for (guint i = 0; i < rendition->segments->len; i++) {
    const MillLiveSegment *segment = rendition->segments->pdata[i];
    MillHlsLiveSegment described = {
      .generation = segment->generation,
      .number = segment->number,
      .complete = segment->complete,
      .gap = segment->gap,
      .discontinuity = segment->discontinuity,
      .wall_us = segment->wall_us,
      .duration_ns = segment->duration_ns,
      .n_parts = segment->parts->len,
    };

    for (guint k = 0; k < segment->parts->len; k++) {
      const MillLivePart *part =
          &g_array_index (segment->parts, MillLivePart, k);
      MillHlsPart added = {
        .duration_ns = part->duration_ns,
        .independent = (part->flags & MILL_LIVE_CHUNK_INDEPENDENT) != 0,
        .gap = (part->flags & MILL_LIVE_CHUNK_GAP) != 0,
      };

      g_array_append_val (parts, added);
    }
    g_array_append_val (list, described);
  }
  for (guint i = 0; i < list->len; i++) {
    MillHlsLiveSegment *segment = &g_array_index (list, MillHlsLiveSegment, i);

    segment->parts = &g_array_index (parts, MillHlsPart, at);
    at += segment->n_parts;
  }
  return list;
}

static GArray *
describe_reports (MillLivePlaylist *playlist, GStringChunk *strings)
{
  GArray *reports = g_array_new (FALSE, TRUE, sizeof (MillHlsReport));

  for (guint i = 0; playlist->others != NULL && i < playlist->others->len;
       i++) {
    const gchar *uri = g_ptr_array_index (playlist->others, i);
    MillLiveRendition *rendition = find_rendition (playlist->stream, uri);
    g_autofree gchar *relative = g_strconcat ("../", uri, NULL);
    MillLiveTip tip;
    MillHlsReport report;

    if (g_str_equal (uri, playlist->file) || !is_media (uri) ||
        !mill_live_stream_get_tip (playlist->stream, rendition, &tip))
      continue;
    report = (MillHlsReport){
      .uri = g_string_chunk_insert (strings, relative),
      .last_msn = tip.number,
      .last_part = rendition != NULL ? tip.part : -1,
    };
    g_array_append_val (reports, report);
  }
  return reports;
}

static GHashTable *
list_old (const MillLivePlaylist *playlist, gint64 limit)
{
  GHashTable *old = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, playlist->date_ranges);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    if (((DateRange *) value)->time < limit)
      g_hash_table_add (old, ((DateRange *) value)->line);
  }
  return old;
}

/* 4.4.5.2: IDs, separated by tabs. */
static gchar *
list_removed (MillLivePlaylist *playlist, gint64 limit)
{
  GString *list = g_string_new (NULL);
  DateRange *first;

  while ((first = g_queue_peek_head (&playlist->removed)) != NULL &&
      first->time < limit)
    free_date_range (g_queue_pop_head (&playlist->removed));
  for (GList *at = playlist->removed.head; at != NULL; at = at->next) {
    if (list->len > 0)
      g_string_append_c (list, '\t');
    g_string_append (list, ((DateRange *) at->data)->id);
  }
  return g_string_free (list, FALSE);
}

static GBytes *
print (MillLivePlaylist *playlist, MillHlsSkip skip)
{
  g_autoptr (GStringChunk) strings = g_string_chunk_new (512);
  g_autoptr (GArray) reports = describe_reports (playlist, strings);
  MillLiveRendition *rendition = mill_live_texts_get_rendition (playlist);
  g_autoptr (GArray) parts = NULL;
  g_autoptr (GArray) segments =
      rendition != NULL ? describe_segments (rendition, &parts) : NULL;
  gint64 limit = g_get_monotonic_time () -
      mill_hls_low_latency_get_skip_boundary (playlist->plain) *
          (gint64) G_USEC_PER_SEC;
  g_autoptr (GHashTable) old = list_old (playlist, limit);
  g_autofree gchar *removed = list_removed (playlist, limit);
  MillHlsLowLatency live = {
    .part_target_ns = rendition != NULL ? rendition->part_target_ns : 0,
    .hold_target_ns = mill_live_stream_get_longest_part (playlist->stream),
    .reports = (const MillHlsReport *) reports->data,
    .n_reports = reports->len,
    /* 4.4.5.2: all that went within the boundary would have to be told. */
    .skip = skip == MILL_HLS_SKIP_DATE_RANGES && playlist->known > limit
        ? MILL_HLS_SKIP_NONE
        : skip,
    .old_date_ranges = old,
    .removed_date_ranges = removed,
  };

  if (segments != NULL) {
    live.segments = (const MillHlsLiveSegment *) segments->data;
    live.n_segments = segments->len;
  }
  mill_live_stream_get_next (playlist->stream, &live.next_generation,
      &live.next_number);
  return mill_hls_low_latency_print (playlist->plain, &live);
}

const MillLiveText *
mill_live_texts_print (MillLivePlaylist *playlist, MillHlsSkip skip)
{
  MillLiveText *text = &playlist->texts[skip];

  if (playlist->printed[skip] == playlist->seen)
    return text;
  clear_text (text);
  text->text = print (playlist, skip);
  /* Of the content, so that every process of this origin says the same. */
  text->etag = g_compute_checksum_for_bytes (G_CHECKSUM_SHA1, text->text);
  text->etag[20] = '\0';
  text->name = g_strdup_printf ("%s?%u", playlist->key, skip);
  playlist->printed[skip] = playlist->seen;
  return text;
}
