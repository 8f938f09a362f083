/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-state-private.h"

#include <string.h>

#include "bmff/bmff-init.h"

G_DEFINE_QUARK (mill_cmaf_state_error, mill_cmaf_state_error)

/*
 * The file: a line that names the format, the sizes of a GVariant and of the
 * records behind it that were written with it (32 bits each), these, and
 * records that were appended (cmaf-state-records.c). All is little-endian. The
 * type of the GVariant is fixed, so that no nesting or size in it is ever
 * followed; what is not in normal form is refused before a value is looked at.
 * Version 2 is the GVariant alone.
 */
#define MAGIC "millrace-state 3\n"
#define MAGIC_2 "millrace-state 2\n"
#define MAGIC_SIZE (sizeof MAGIC - 1)
G_STATIC_ASSERT (sizeof MAGIC == sizeof MAGIC_2);
#define SIZES_SIZE (2 * sizeof (guint32))

#define CUT_TYPE "(ttxxxxtxxu)"
#define SEGMENT_TYPE "(xttu)"
#define FORMAT_TYPE "(uuuuuuuuuuuuu(byyyb)bsss)"
#define RENDITION_TYPE "(ss" FORMAT_TYPE "ba" SEGMENT_TYPE ")"
#define STATE_TYPE "(ttbxuta" CUT_TYPE "a" RENDITION_TYPE ")"

gboolean
mill_cmaf_state_is_name (const gchar *name)
{
  gsize length = strlen (name);
  return length > 0 && length <= MILL_CMAF_NAME_MAX &&
      strspn (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-") == length;
}

void
mill_cmaf_state_clear_format (MillCmafFormat *format)
{
  g_clear_pointer (&format->codec, g_free);
  g_clear_pointer (&format->language, g_free);
  g_clear_pointer (&format->group, g_free);
}

void
mill_cmaf_state_copy_format (MillCmafFormat *to, const MillCmafFormat *from)
{
  MillCmafFormat copy = *from;
  copy.codec = g_strdup (from->codec);
  copy.language = g_strdup (from->language);
  copy.group = g_strdup (from->group);
  mill_cmaf_state_clear_format (to);
  *to = copy;
}

void
mill_cmaf_state_free_rendition (MillCmafRendition *rendition)
{
  if (rendition == NULL)
    return;
  mill_cmaf_state_clear_format (&rendition->format);
  mill_sliding_list_free (rendition->segments);
  g_clear_pointer (&rendition->files, g_array_unref);
  g_free (rendition->pad);
  g_free (rendition->name);
  g_free (rendition);
}

MillCmafState *
mill_cmaf_state_new (void)
{
  MillCmafState *self = g_new0 (MillCmafState, 1);
  self->cuts = mill_sliding_list_new (sizeof (MillCmafCut));
  self->renditions = g_ptr_array_new_with_free_func ((GDestroyNotify)
          mill_cmaf_state_free_rendition);
  return self;
}

void
mill_cmaf_state_free (MillCmafState *self)
{
  if (self == NULL)
    return;
  mill_sliding_list_free (self->cuts);
  g_ptr_array_unref (self->renditions);
  g_clear_pointer (&self->markers, mill_cmaf_marker_list_free);
  g_free (self->captions);
  g_clear_pointer (&self->thumbnails, mill_cmaf_thumbnails_free);
  g_free (self);
}

MillCmafRendition *
mill_cmaf_state_add_rendition (MillCmafState *self, const gchar *pad,
    const gchar *name, const MillCmafFormat *format)
{
  MillCmafRendition *rendition = g_new0 (MillCmafRendition, 1);
  rendition->pad = g_strdup (pad);
  rendition->name = g_strdup (name);
  mill_cmaf_state_copy_format (&rendition->format, format);
  rendition->segments = mill_sliding_list_new (sizeof (MillCmafSegment));
  for (guint i = 0; i < self->cuts->len; i++) {
    const MillCmafCut *cut = &g_array_index (self->cuts, MillCmafCut, i);
    MillCmafSegment gap = {
      .time = mill_cmaf_timeline_to_ticks (cut->media_start, format->timescale),
      .duration = (guint64) mill_cmaf_timeline_to_ticks (cut->end - cut->start,
          format->timescale),
      .flags = MILL_CMAF_SEGMENT_GAP,
    };
    mill_sliding_list_append (rendition->segments, &gap);
  }
  g_ptr_array_add (self->renditions, rendition);
  return rendition;
}

MillCmafRendition *
mill_cmaf_state_find_rendition (const MillCmafState *self, const gchar *name)
{
  for (guint i = 0; i < self->renditions->len; i++) {
    MillCmafRendition *rendition = g_ptr_array_index (self->renditions, i);
    if (g_str_equal (rendition->name, name))
      return rendition;
  }
  return NULL;
}

/* ---- saving ---- */

/* The lists are saved once per segment and are most of the state. Elements of
 * fixed size lie in a GVariant as in C, padding included, which is to be zero:
 * copying them takes a tenth of the time that a builder takes. MillCmafSavedCut
 * is such a one. */
typedef struct
{
  gint64 time;
  guint64 duration;
  guint64 bytes;
  guint32 flags;
  guint32 padding;
} SavedSegment;
G_STATIC_ASSERT (sizeof (SavedSegment) == 32);

/*
 * The rest is put together by hand too, once per segment and stream: GVariant
 * itself makes an object of each number. GLib's documentation of the format,
 * "GVariant Serialisation": members are aligned as their types are; what has no
 * fixed size is told by where it ends, in offsets behind the last member of a
 * tuple (backwards, without the last member) or array, as wide as the whole
 * needs.
 */

static void
put_padding (GByteArray *out, guint start, guint alignment)
{
  static const guint8 zeros[8];
  guint used = (out->len - start) % alignment;

  if (used > 0)
    g_byte_array_append (out, zeros, alignment - used);
}

static void
put_u32 (GByteArray *out, guint32 value)
{
  guint32 little = GUINT32_TO_LE (value);
  g_byte_array_append (out, (const guint8 *) &little, sizeof little);
}

static void
put_u64 (GByteArray *out, guint64 value)
{
  guint64 little = GUINT64_TO_LE (value);
  g_byte_array_append (out, (const guint8 *) &little, sizeof little);
}

static void
put_boolean (GByteArray *out, gboolean value)
{
  guint8 byte = value ? 1 : 0;
  g_byte_array_append (out, &byte, 1);
}

static void
put_string (GByteArray *out, const gchar *value)
{
  const gchar *text = value ? value : "";
  g_byte_array_append (out, (const guint8 *) text, (guint) strlen (text) + 1);
}

/* @ends of members of what began at @start, in the order they are to have. */
static void
put_offsets (GByteArray *out, guint start, const guint *ends, guint n)
{
  guint size = out->len - start;
  guint width = size + n <= G_MAXUINT8 ? 1
      : size + 2 * n <= G_MAXUINT16    ? 2
                                       : 4;

  for (guint i = 0; i < n; i++) {
    guint32 little = GUINT32_TO_LE (ends[i] - start);
    g_byte_array_append (out, (const guint8 *) &little, width);
  }
}

static void
put_cuts (GByteArray *out, const MillCmafState *self)
{
  for (guint i = 0; i < self->cuts->len; i++) {
    MillCmafSavedCut saved;
    mill_cmaf_state_records_pack_cut (&saved,
        &g_array_index (self->cuts, MillCmafCut, i));
    g_byte_array_append (out, (const guint8 *) &saved, sizeof saved);
  }
}

static void
put_segments (GByteArray *out, const MillCmafRendition *rendition)
{
  for (guint i = 0; i < rendition->segments->len; i++) {
    const MillCmafSegment *segment =
        &g_array_index (rendition->segments, MillCmafSegment, i);
    SavedSegment saved = {
      .time = GINT64_TO_LE (segment->time),
      .duration = GUINT64_TO_LE (segment->duration),
      .bytes = GUINT64_TO_LE (segment->bytes),
      .flags = GUINT32_TO_LE ((guint32) segment->flags),
    };
    g_byte_array_append (out, (const guint8 *) &saved, sizeof saved);
  }
}

/* FORMAT_TYPE */
static void
put_format (GByteArray *out, const MillCmafFormat *format)
{
  const guint32 numbers[] = { format->kind, format->timescale, format->width,
    format->height, format->par_n, format->par_d, format->fps_n, format->fps_d,
    format->sample_rate, format->channels, format->channel_configuration,
    format->dolby_channels, format->orientation };
  const guint8 colour[] = { format->colour.known ? 1 : 0,
    format->colour.primaries, format->colour.transfer, format->colour.matrix,
    format->colour.full_range ? 1 : 0 };
  guint start = out->len;
  guint ends[2];

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    put_u32 (out, numbers[i]);
  g_byte_array_append (out, colour, sizeof colour);
  put_boolean (out, format->is_default);
  put_string (out, format->codec);
  ends[1] = out->len;
  put_string (out, format->language);
  ends[0] = out->len;
  put_string (out, format->group);
  put_offsets (out, start, ends, G_N_ELEMENTS (ends));
}

/* RENDITION_TYPE */
static void
put_rendition (GByteArray *out, const MillCmafRendition *rendition)
{
  guint start = out->len;
  guint ends[3];

  put_string (out, rendition->pad);
  ends[2] = out->len;
  put_string (out, rendition->name);
  ends[1] = out->len;
  put_padding (out, start, 4);
  put_format (out, &rendition->format);
  ends[0] = out->len;
  put_boolean (out, rendition->gone);
  put_padding (out, start, 8);
  put_segments (out, rendition);
  put_offsets (out, start, ends, G_N_ELEMENTS (ends));
}

static void
put_renditions (GByteArray *out, const MillCmafState *self)
{
  guint n = self->renditions->len;
  g_autofree guint *ends = g_new (guint, n);
  guint start = out->len;

  for (guint i = 0; i < n; i++) {
    put_padding (out, start, 8);
    put_rendition (out, g_ptr_array_index (self->renditions, i));
    ends[i] = out->len;
  }
  put_offsets (out, start, ends, n);
}

/* STATE_TYPE */
static void
put_body (GByteArray *out, const MillCmafState *self)
{
  guint start = out->len;

  put_u64 (out, self->generation);
  put_u64 (out, self->next_number);
  put_boolean (out, self->ended);
  put_padding (out, start, 8);
  put_u64 (out, (guint64) self->availability_start_us);
  put_u32 (out, self->target_duration_s);
  put_padding (out, start, 8);
  put_u64 (out, self->discontinuity_sequence);
  put_cuts (out, self);
  guint end = out->len;
  put_renditions (out, self);
  put_offsets (out, start, &end, 1);
}

GBytes *
mill_cmaf_state_save (const MillCmafState *self)
{
  GByteArray *out = g_byte_array_sized_new (4096);
  guint32 sizes[2] = { 0 };

  g_byte_array_append (out, (const guint8 *) MAGIC, MAGIC_SIZE);
  g_byte_array_append (out, (const guint8 *) sizes, SIZES_SIZE);
  put_body (out, self);
  guint body_end = out->len;
  mill_cmaf_state_records_put_all (out, self);
  sizes[0] = GUINT32_TO_LE (body_end - (guint32) (MAGIC_SIZE + SIZES_SIZE));
  sizes[1] = GUINT32_TO_LE (out->len - body_end);
  memcpy (out->data + MAGIC_SIZE, sizes, SIZES_SIZE);
  return g_byte_array_free_to_bytes (out);
}

GBytes *
mill_cmaf_state_save_last (const MillCmafState *self)
{
  GByteArray *out = g_byte_array_sized_new (512);

  mill_cmaf_state_records_put_last (out, self);
  return g_byte_array_free_to_bytes (out);
}

/* ---- loading ---- */

static gboolean
refuse (GError **error, const gchar *what)
{
  g_set_error (error, MILL_CMAF_STATE_ERROR, MILL_CMAF_STATE_ERROR_INVALID,
      "state: %s", what);
  return FALSE;
}

static gboolean
load_cuts (MillCmafState *self, GVariant *cuts, GError **error)
{
  GVariantIter iter;
  if (g_variant_iter_init (&iter, cuts) > MILL_CMAF_SEGMENTS_MAX)
    return refuse (error, "too many segments");
  MillCmafCut cut;
  guint32 flags;
  while (g_variant_iter_next (&iter, CUT_TYPE, &cut.number, &cut.generation,
      &cut.start, &cut.end, &cut.media_start, &cut.wall_us, &cut.period,
      &cut.period_start, &cut.period_media, &flags)) {
    cut.flags = flags;
    const gchar *wrong = mill_cmaf_state_records_check_cut (self, &cut);
    if (wrong != NULL)
      return refuse (error, wrong);
    mill_sliding_list_append (self->cuts, &cut);
  }
  return TRUE;
}

static gchar *
non_empty (const gchar *text)
{
  return *text != '\0' ? g_strdup (text) : NULL;
}

static gboolean
load_format (MillCmafFormat *format, GVariant *from, GError **error)
{
  guint32 kind;
  const gchar *codec;
  const gchar *language;
  const gchar *group;
  MillCmafFormat read = { 0 };
  g_variant_get (from, "(uuuuuuuuuuuuu(byyyb)b&s&s&s)", &kind, &read.timescale,
      &read.width, &read.height, &read.par_n, &read.par_d, &read.fps_n,
      &read.fps_d, &read.sample_rate, &read.channels,
      &read.channel_configuration, &read.dolby_channels, &read.orientation,
      &read.colour.known, &read.colour.primaries, &read.colour.transfer,
      &read.colour.matrix, &read.colour.full_range, &read.is_default, &codec,
      &language, &group);
  if (kind > MILL_CMAF_TEXT)
    return refuse (error, "unknown kind of rendition");
  if (read.timescale == 0 || read.timescale > GST_SECOND)
    return refuse (error, "impossible timescale");
  if (read.orientation > MILL_BMFF_FLIP_270)
    return refuse (error, "unknown orientation");
  if (read.fps_n > 0 && read.fps_d == 0)
    return refuse (error, "impossible frame rate");
  *format = read;
  format->kind = kind;
  format->codec = g_strdup (codec);
  format->language = non_empty (language);
  format->group = g_strdup (group);
  return TRUE;
}

static gboolean
load_segments (MillCmafRendition *rendition, GVariant *from, GError **error)
{
  GVariantIter iter;
  g_variant_iter_init (&iter, from);
  MillCmafSegment segment = { 0 };
  guint32 flags;
  while (g_variant_iter_next (&iter, SEGMENT_TYPE, &segment.time,
      &segment.duration, &segment.bytes, &flags)) {
    segment.flags = flags & MILL_CMAF_SEGMENT_GAP;
    const gchar *wrong = mill_cmaf_state_records_check_segment (&segment);
    if (wrong != NULL)
      return refuse (error, wrong);
    mill_sliding_list_append (rendition->segments, &segment);
  }
  return TRUE;
}

static gboolean
load_rendition (MillCmafState *self, GVariant *from, GError **error)
{
  g_autoptr (GVariant) format = g_variant_get_child_value (from, 2);
  g_autoptr (GVariant) segments = g_variant_get_child_value (from, 4);
  if (g_variant_n_children (segments) != self->cuts->len)
    return refuse (error, "renditions differ in their number of segments");
  g_autoptr (MillCmafRendition) rendition = g_new0 (MillCmafRendition, 1);
  rendition->segments = mill_sliding_list_new (sizeof (MillCmafSegment));
  g_variant_get_child (from, 0, "s", &rendition->pad);
  g_variant_get_child (from, 1, "s", &rendition->name);
  g_variant_get_child (from, 3, "b", &rendition->gone);
  if (!mill_cmaf_state_is_name (rendition->name) ||
      mill_cmaf_state_find_rendition (self, rendition->name) != NULL)
    return refuse (error, "a rendition's name is impossible or taken");
  if (!load_format (&rendition->format, format, error) ||
      !load_segments (rendition, segments, error))
    return FALSE;
  g_ptr_array_add (self->renditions, g_steal_pointer (&rendition));
  return TRUE;
}

static gboolean
load_renditions (MillCmafState *self, GVariant *renditions, GError **error)
{
  gsize n = g_variant_n_children (renditions);
  if (n > MILL_CMAF_RENDITIONS_MAX)
    return refuse (error, "too many renditions");
  for (gsize i = 0; i < n; i++) {
    g_autoptr (GVariant) from = g_variant_get_child_value (renditions, i);
    if (!load_rendition (self, from, error))
      return FALSE;
  }
  return TRUE;
}

/** Where what is in the file; the rest is what was appended. */
typedef struct
{
  const guint8 *body;
  gsize body_size;
  gsize records_size;
  gsize rest_size;
} Parts;

static gboolean
find_parts (GBytes *content, Parts *parts, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (content, &size);
  guint32 sizes[2];
  if (size >= MAGIC_SIZE && memcmp (data, MAGIC_2, MAGIC_SIZE) == 0) {
    *parts =
        (Parts){ .body = data + MAGIC_SIZE, .body_size = size - MAGIC_SIZE };
    return TRUE;
  }
  if (size < MAGIC_SIZE + SIZES_SIZE || memcmp (data, MAGIC, MAGIC_SIZE) != 0) {
    g_set_error (error, MILL_CMAF_STATE_ERROR, MILL_CMAF_STATE_ERROR_VERSION,
        "state: got %" G_GSIZE_FORMAT " bytes that begin otherwise, expected "
        "'millrace-state 3'",
        size);
    return FALSE;
  }
  memcpy (sizes, data + MAGIC_SIZE, SIZES_SIZE);
  parts->body = data + MAGIC_SIZE + SIZES_SIZE;
  parts->body_size = GUINT32_FROM_LE (sizes[0]);
  parts->records_size = GUINT32_FROM_LE (sizes[1]);
  size -= MAGIC_SIZE + SIZES_SIZE;
  if (parts->body_size > size || parts->records_size > size - parts->body_size)
    return refuse (error, "damaged");
  parts->rest_size = size - parts->body_size - parts->records_size;
  return TRUE;
}

static gboolean
load_body (MillCmafState *self, const Parts *parts, GError **error)
{
  /* A copy, because GVariant wants aligned data. */
  g_autoptr (GBytes) body = g_bytes_new (parts->body, parts->body_size);
  g_autoptr (GVariant) variant =
      g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (STATE_TYPE),
          body, FALSE));
#if G_BYTE_ORDER == G_BIG_ENDIAN
  GVariant *swapped = g_variant_byteswap (variant);
  g_variant_unref (variant);
  variant = swapped;
#endif
  g_autoptr (GVariant) cuts = NULL;
  g_autoptr (GVariant) renditions = NULL;
  if (!g_variant_is_normal_form (variant))
    return refuse (error, "damaged");
  g_variant_get (variant, "(ttbxut@a" CUT_TYPE "@a" RENDITION_TYPE ")",
      &self->generation, &self->next_number, &self->ended,
      &self->availability_start_us, &self->target_duration_s,
      &self->discontinuity_sequence, &cuts, &renditions);
  const gchar *wrong = mill_cmaf_state_records_check_numbers (self);
  if (wrong != NULL)
    return refuse (error, wrong);
  return load_cuts (self, cuts, error) &&
      load_renditions (self, renditions, error);
}

MillCmafState *
mill_cmaf_state_load (GBytes *content, GError **error)
{
  g_autoptr (MillCmafState) self = mill_cmaf_state_new ();
  Parts parts = { 0 };
  if (!find_parts (content, &parts, error) || !load_body (self, &parts, error))
    return NULL;
  const guint8 *records = parts.body + parts.body_size;
  const gchar *wrong =
      mill_cmaf_state_records_load (self, records, parts.records_size);
  if (wrong == NULL)
    wrong = mill_cmaf_state_records_load_appended (self,
        records + parts.records_size, parts.rest_size);
  if (wrong != NULL) {
    refuse (error, wrong);
    return NULL;
  }
  return g_steal_pointer (&self);
}
