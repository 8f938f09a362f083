/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store/live-index.h"

#include <string.h>

#define FIRST_LINE "millrace-live 2"
#define FIRST_LINE_V1 "millrace-live 1"
#define END_LINE "#end"
#define N_FIELDS 10

/* A rendition, eight numbers of up to 20 digits, flags and spaces. */
#define MAX_LINE_LENGTH 320

/* Expired bytes below which a file is not worth replacing. */
#define COMPACT_MIN_BYTES (64 * 1024)

G_DEFINE_QUARK (mill_live_index_error, mill_live_index_error)

/* ---- lines ---- */

static const struct
{
  MillLiveChunkFlags flag;
  gchar letter;
} flag_letters[] = {
  { MILL_LIVE_CHUNK_INDEPENDENT, 'I' },
  { MILL_LIVE_CHUNK_LAST, 'L' },
  { MILL_LIVE_CHUNK_DISCONTINUITY, 'D' },
  { MILL_LIVE_CHUNK_GAP, 'G' },
};

static gboolean
is_rendition (const gchar *name, gsize length)
{
  if (length == 0 || length > MILL_LIVE_INDEX_RENDITION_MAX || name[0] == '.')
    return FALSE;
  for (gsize i = 0; i < length; i++) {
    if (!g_ascii_isalnum (name[i]) && strchr ("_-.", name[i]) == NULL)
      return FALSE;
  }
  return TRUE;
}

static GString *
print_line (const MillLiveChunk *chunk)
{
  GString *line = g_string_sized_new (MAX_LINE_LENGTH);
  gsize before;

  g_string_append_printf (line,
      "%s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT32_FORMAT
      " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
      " %" G_GUINT64_FORMAT " ",
      chunk->rendition, chunk->generation, chunk->number, chunk->part,
      chunk->offset, chunk->length, chunk->time_ns, chunk->duration_ns);
  before = line->len;
  for (guint i = 0; i < G_N_ELEMENTS (flag_letters); i++) {
    if (chunk->flags & flag_letters[i].flag)
      g_string_append_c (line, flag_letters[i].letter);
  }
  if (line->len == before)
    g_string_append_c (line, '-');
  g_string_append_printf (line, " %" G_GINT64_FORMAT "\n",
      MAX (chunk->wall_us, 0));
  return line;
}

/* ---- writing ---- */

typedef struct
{
  guint64 generation;
  guint64 number;
  GBytes *line;
} Line;

struct _MillLiveIndex
{
  guint64 part_target_ns;
  GPtrArray *renditions; /* lines, each "#rendition ..." */
  gchar *next; /* (nullable): the last such line */
  gchar *listed; /* the same */
  gboolean ended;
  GQueue lines; /* of Line, in the order of publication */
  gsize live_bytes;
  gsize expired_bytes; /* in the file, not here any more */
};

static void
free_line (Line *line)
{
  g_bytes_unref (line->line);
  g_free (line);
}

MillLiveIndex *
mill_live_index_new (guint64 part_target_ns)
{
  MillLiveIndex *self = g_new0 (MillLiveIndex, 1);

  self->part_target_ns = part_target_ns;
  self->renditions = g_ptr_array_new_with_free_func (g_free);
  g_queue_init (&self->lines);
  return self;
}

void
mill_live_index_free (MillLiveIndex *self)
{
  g_ptr_array_unref (self->renditions);
  g_free (self->next);
  g_free (self->listed);
  g_queue_clear_full (&self->lines, (GDestroyNotify) free_line);
  g_free (self);
}

GBytes *
mill_live_index_declare (MillLiveIndex *self, const gchar *rendition,
    guint64 part_target_ns)
{
  g_autofree gchar *start = g_strdup_printf ("#rendition %s ", rendition);
  gchar *line;

  for (guint i = 0; i < self->renditions->len; i++) {
    if (g_str_has_prefix (self->renditions->pdata[i], start))
      return NULL;
  }
  line = g_strdup_printf ("%s%" G_GUINT64_FORMAT "\n", start, part_target_ns);
  g_ptr_array_add (self->renditions, line);
  return g_bytes_new (line, strlen (line));
}

/* Only the last one counts: the one before is so much to compact. @line:
 * (transfer full) */
static GBytes *
replace_line (MillLiveIndex *self, gchar **place, gchar *line)
{
  if (*place != NULL)
    self->expired_bytes += strlen (*place);
  g_free (*place);
  *place = line;
  return g_bytes_new (line, strlen (line));
}

GBytes *
mill_live_index_announce (MillLiveIndex *self, guint64 generation,
    guint64 number)
{
  return replace_line (self, &self->next,
      g_strdup_printf ("#next %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n",
          generation, number));
}

GBytes *
mill_live_index_list (MillLiveIndex *self, guint64 generation, guint64 number,
    guint target_duration_s)
{
  return replace_line (self, &self->listed,
      g_strdup_printf ("#listed %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                       " %u\n",
          generation, number, target_duration_s));
}

GBytes *
mill_live_index_end (MillLiveIndex *self)
{
  self->ended = TRUE;
  return g_bytes_new_static (END_LINE "\n", strlen (END_LINE "\n"));
}

GBytes *
mill_live_index_add (MillLiveIndex *self, const MillLiveChunk *chunk)
{
  Line *line;

  g_return_val_if_fail (is_rendition (chunk->rendition,
                            strnlen (chunk->rendition,
                                sizeof (chunk->rendition))),
      NULL);

  line = g_new (Line, 1);
  line->generation = chunk->generation;
  line->number = chunk->number;
  line->line = g_string_free_to_bytes (print_line (chunk));
  self->live_bytes += g_bytes_get_size (line->line);
  g_queue_push_tail (&self->lines, line);
  return g_bytes_ref (line->line);
}

/* @line with another WALL, which is its last field. */
static void
shift_line (MillLiveIndex *self, Line *line, gint64 us)
{
  gsize size;
  const gchar *data = g_bytes_get_data (line->line, &size);
  gsize wall = size;
  GString *text;

  while (data[wall - 1] != ' ')
    wall--;
  text = g_string_new_len (data, (gssize) wall);
  g_string_append_printf (text, "%" G_GINT64_FORMAT "\n",
      MAX (g_ascii_strtoll (data + wall, NULL, 10) + us, 0));
  self->live_bytes += text->len - size;
  g_bytes_unref (line->line);
  line->line = g_string_free_to_bytes (text);
}

gboolean
mill_live_index_shift (MillLiveIndex *self, guint64 number, gint64 us)
{
  gboolean any = FALSE;

  for (GList *at = self->lines.head; at != NULL; at = at->next) {
    Line *line = at->data;

    if (line->number < number)
      continue;
    shift_line (self, line, us);
    any = TRUE;
  }
  return any;
}

static gboolean
is_before (const Line *line, guint64 generation, guint64 number)
{
  return line->generation < generation ||
      (line->generation == generation && line->number < number);
}

void
mill_live_index_expire (MillLiveIndex *self, guint64 generation, guint64 number)
{
  Line *line;

  /* A late rendition's lines stand behind newer ones of others: what such a
   * line holds up is expired with the next segment. */
  while ((line = g_queue_peek_head (&self->lines)) != NULL &&
      is_before (line, generation, number)) {
    gsize size = g_bytes_get_size (line->line);

    self->live_bytes -= size;
    self->expired_bytes += size;
    free_line (g_queue_pop_head (&self->lines));
  }
}

gboolean
mill_live_index_wants_compaction (MillLiveIndex *self)
{
  return self->expired_bytes >= COMPACT_MIN_BYTES &&
      self->expired_bytes >= self->live_bytes;
}

GBytes *
mill_live_index_print (MillLiveIndex *self)
{
  GString *text = g_string_sized_new (self->live_bytes + 32);

  g_string_append (text, FIRST_LINE "\n");
  if (self->part_target_ns > 0)
    g_string_append_printf (text, "#stream %" G_GUINT64_FORMAT "\n",
        self->part_target_ns);
  for (guint i = 0; i < self->renditions->len; i++)
    g_string_append (text, self->renditions->pdata[i]);
  for (GList *at = self->lines.head; at != NULL; at = at->next) {
    gsize size;
    const gchar *data = g_bytes_get_data (((Line *) at->data)->line, &size);

    g_string_append_len (text, data, size);
  }
  if (self->next != NULL)
    g_string_append (text, self->next);
  if (self->listed != NULL)
    g_string_append (text, self->listed);
  if (self->ended)
    g_string_append (text, END_LINE "\n");
  self->expired_bytes = 0;
  return g_string_free_to_bytes (text);
}

/* ---- reading ---- */

struct _MillLiveReader
{
  const MillLiveReaderFuncs *funcs;
  gpointer user_data;
  guint64 line_number; /* of lines that are complete */
  gboolean is_broken;
  gchar partial[MAX_LINE_LENGTH + 1]; /* of the line that is not complete */
  gsize partial_length;
};

MillLiveReader *
mill_live_index_reader_new (const MillLiveReaderFuncs *funcs,
    gpointer user_data)
{
  MillLiveReader *self = g_new0 (MillLiveReader, 1);

  self->funcs = funcs;
  self->user_data = user_data;
  return self;
}

void
mill_live_index_reader_free (MillLiveReader *self)
{
  g_free (self);
}

static gboolean
parse_flags (const gchar *text, MillLiveChunkFlags *ret_flags)
{
  MillLiveChunkFlags flags = MILL_LIVE_CHUNK_NONE;

  if (g_str_equal (text, "-")) {
    *ret_flags = flags;
    return TRUE;
  }
  for (guint i = 0; i < G_N_ELEMENTS (flag_letters); i++) {
    if (*text == flag_letters[i].letter) {
      flags |= flag_letters[i].flag;
      text++;
    }
  }
  if (*text != '\0' || flags == MILL_LIVE_CHUNK_NONE)
    return FALSE;
  *ret_flags = flags;
  return TRUE;
}

static gboolean
parse_number (const gchar *text, guint64 max, guint64 *ret_value)
{
  return g_ascii_string_to_unsigned (text, 10, 0, max, ret_value, NULL);
}

static gboolean
parse_fields (gchar *fields[N_FIELDS], MillLiveChunk *chunk)
{
  guint64 part;
  guint64 wall_us;
  gsize length = strlen (fields[0]);

  if (!is_rendition (fields[0], length) ||
      !parse_number (fields[1], G_MAXUINT64, &chunk->generation) ||
      !parse_number (fields[2], G_MAXUINT64, &chunk->number) ||
      !parse_number (fields[3], G_MAXUINT32, &part) ||
      !parse_number (fields[4], G_MAXINT64, &chunk->offset) ||
      !parse_number (fields[5], G_MAXINT64, &chunk->length) ||
      !parse_number (fields[6], G_MAXUINT64, &chunk->time_ns) ||
      !parse_number (fields[7], G_MAXUINT64, &chunk->duration_ns) ||
      !parse_flags (fields[8], &chunk->flags) ||
      !parse_number (fields[9], G_MAXINT64, &wall_us))
    return FALSE;
  if ((chunk->flags & MILL_LIVE_CHUNK_GAP) && chunk->length != 0)
    return FALSE;
  memcpy (chunk->rendition, fields[0], length + 1);
  chunk->part = part;
  chunk->wall_us = wall_us;
  return TRUE;
}

/* Cuts @line, in place, at its spaces. Returns: how many fields; 0 when there
 * are more than @max */
static guint
split_line (gchar *line, gchar **fields, guint max)
{
  guint n = 0;

  for (gchar *at = line; at != NULL; n++) {
    if (n == max)
      return 0;
    fields[n] = at;
    at = strchr (at, ' ');
    if (at != NULL)
      *at++ = '\0';
  }
  return n;
}

static gboolean
read_chunk (MillLiveReader *self, gchar **fields, guint n)
{
  MillLiveChunk chunk = { 0 };

  if (n != N_FIELDS || !parse_fields (fields, &chunk))
    return FALSE;
  self->funcs->chunk (&chunk, self->user_data);
  return TRUE;
}

static gboolean
read_stream (MillLiveReader *self, gchar **fields, guint n)
{
  guint64 target;

  if (n != 2 || !parse_number (fields[1], G_MAXINT64, &target))
    return FALSE;
  if (self->funcs->stream != NULL)
    self->funcs->stream (target, self->user_data);
  return TRUE;
}

static gboolean
read_rendition (MillLiveReader *self, gchar **fields, guint n)
{
  guint64 target;

  if (n != 3 || !is_rendition (fields[1], strlen (fields[1])) ||
      !parse_number (fields[2], G_MAXINT64, &target))
    return FALSE;
  if (self->funcs->rendition != NULL)
    self->funcs->rendition (fields[1], target, self->user_data);
  return TRUE;
}

static gboolean
read_next (MillLiveReader *self, gchar **fields, guint n)
{
  guint64 generation;
  guint64 number;

  if (n != 3 || !parse_number (fields[1], G_MAXUINT64, &generation) ||
      !parse_number (fields[2], G_MAXUINT64, &number))
    return FALSE;
  if (self->funcs->next != NULL)
    self->funcs->next (generation, number, self->user_data);
  return TRUE;
}

static gboolean
read_listed (MillLiveReader *self, gchar **fields, guint n)
{
  guint64 generation;
  guint64 number;
  guint64 target;

  if (n != 4 || !parse_number (fields[1], G_MAXUINT64, &generation) ||
      !parse_number (fields[2], G_MAXUINT64, &number) ||
      !parse_number (fields[3], G_MAXUINT, &target))
    return FALSE;
  if (self->funcs->listed != NULL)
    self->funcs->listed (generation, number, target, self->user_data);
  return TRUE;
}

/* @line is cut, in place. */
static gboolean
read_record (MillLiveReader *self, gchar *line)
{
  gchar *fields[N_FIELDS];
  guint n = split_line (line, fields, N_FIELDS);

  if (line[0] != '#')
    return read_chunk (self, fields, n);
  if (g_str_equal (line, "#stream"))
    return read_stream (self, fields, n);
  if (g_str_equal (line, "#rendition"))
    return read_rendition (self, fields, n);
  if (g_str_equal (line, "#next"))
    return read_next (self, fields, n);
  if (g_str_equal (line, "#listed"))
    return read_listed (self, fields, n);
  if (g_str_equal (line, END_LINE) && self->funcs->end != NULL)
    self->funcs->end (self->user_data);
  return TRUE;
}

static gboolean
break_reader (MillLiveReader *self, GError **error)
{
  gboolean is_first = self->line_number == 0;

  self->is_broken = TRUE;
  g_set_error (error, MILL_LIVE_INDEX_ERROR,
      is_first ? MILL_LIVE_INDEX_ERROR_VERSION : MILL_LIVE_INDEX_ERROR_LINE,
      "live.index, line %" G_GUINT64_FORMAT ": got something else, expected %s",
      self->line_number + 1,
      is_first ? "'" FIRST_LINE "'"
               : "a chunk of ten fields or a known record");
  return FALSE;
}

/* self->partial is a complete line, without its end. */
static gboolean
read_line (MillLiveReader *self, GError **error)
{
  self->partial[self->partial_length] = '\0';
  if (memchr (self->partial, '\0', self->partial_length) != NULL)
    return break_reader (self, error);
  if (self->line_number == 0) {
    if (!g_str_equal (self->partial, FIRST_LINE) &&
        !g_str_equal (self->partial, FIRST_LINE_V1))
      return break_reader (self, error);
  } else if (!read_record (self, self->partial)) {
    return break_reader (self, error);
  }
  self->line_number++;
  self->partial_length = 0;
  return TRUE;
}

gboolean
mill_live_index_reader_feed (MillLiveReader *self, const gchar *data,
    gsize length, GError **error)
{
  if (self->is_broken)
    return break_reader (self, error);
  while (length > 0) {
    const gchar *end = memchr (data, '\n', length);
    gsize n = end != NULL ? (gsize) (end - data) : length;

    if (n > MAX_LINE_LENGTH - self->partial_length)
      return break_reader (self, error);
    memcpy (self->partial + self->partial_length, data, n);
    self->partial_length += n;
    if (end == NULL)
      return TRUE;
    if (!read_line (self, error))
      return FALSE;
    data += n + 1;
    length -= n + 1;
  }
  return TRUE;
}
