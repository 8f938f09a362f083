/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * The records of the state file, which are appended one by one: what a stream
 * costs with every segment does not grow with the window that it keeps.
 *
 * A record is its tag and the length of what follows, both of 32 bits, and
 * that. Those with a tag that is not known are gone over, so that anybody may
 * add one.
 */

#include "cmaf-captions.h"
#include "cmaf-state-private.h"

#include <string.h>

/* Far beyond any stream, far below where sums of times could overflow. */
#define TIME_MAX (G_GINT64_CONSTANT (1) << 60)

/* SavedRow, MillCmafSavedCut, a SavedSegment of each rendition */
#define TAG_ROW 0x20776f72u /* "row " */
/* SavedIndex, a SavedIFrame of each segment */
#define TAG_I_FRAMES 0x6d617269u /* "iram" */
#define TAG_MARKERS 0x6b72616du /* "mark" */
/* What the text of each rendition is for, 32 bits each */
#define TAG_ROLES 0x656c6f72u /* "role" */
#define TAG_CAPTIONS 0x73706163u /* "caps" */
#define TAG_THUMBNAILS 0x626d6874u /* "thmb" */

typedef struct
{
  guint32 tag;
  guint32 length;
} SavedHead;
G_STATIC_ASSERT (sizeof (SavedHead) == 8);

/** @first: number of the first segment that is listed with the new one */
typedef struct
{
  guint64 first;
  guint64 discontinuity_sequence;
  gint64 availability_start_us;
  guint32 target_duration_s;
  guint32 n_renditions;
} SavedRow;
G_STATIC_ASSERT (sizeof (SavedRow) == 32);

typedef struct
{
  guint32 offset;
  guint32 bytes;
} SavedIFrame;
G_STATIC_ASSERT (sizeof (SavedIFrame) == 8);

typedef struct
{
  gint64 time;
  guint64 duration;
  guint64 bytes;
  SavedIFrame i_frame;
  guint32 flags;
  guint32 padding;
} SavedSegment;
G_STATIC_ASSERT (sizeof (SavedSegment) == 40);

typedef struct
{
  guint32 rendition;
  guint32 n_segments;
} SavedIndex;
G_STATIC_ASSERT (sizeof (SavedIndex) == 8);

static const MillCmafCut *
cut_at (const MillCmafState *self, guint i)
{
  return &g_array_index (self->cuts, MillCmafCut, i);
}

static MillCmafSegment *
segment_at (const MillCmafRendition *rendition, guint i)
{
  return &g_array_index (rendition->segments, MillCmafSegment, i);
}

/* ---- what may be ---- */

static gboolean
is_time (gint64 value)
{
  return value > -TIME_MAX && value < TIME_MAX;
}

const gchar *
mill_cmaf_state_records_check_numbers (const MillCmafState *self)
{
  if (self->generation >= TIME_MAX || self->next_number >= TIME_MAX ||
      !is_time (self->availability_start_us) ||
      self->discontinuity_sequence > self->next_number ||
      self->target_duration_s > G_MAXINT32 / 1000)
    return "impossible numbers";
  return NULL;
}

const gchar *
mill_cmaf_state_records_check_cut (const MillCmafState *self,
    const MillCmafCut *cut)
{
  if (!is_time (cut->start) || !is_time (cut->end) || cut->end < cut->start ||
      !is_time (cut->media_start) || cut->media_start < 0 ||
      !is_time (cut->wall_us) || !is_time (cut->period_start) ||
      cut->period_start < 0 || !is_time (cut->period_media) ||
      cut->period_media < 0 || cut->period > cut->number ||
      cut->generation > self->generation || cut->number >= self->next_number)
    return "a segment's times or numbers are impossible";
  if (self->cuts->len > 0 &&
      cut->number != cut_at (self, self->cuts->len - 1)->number + 1)
    return "segment numbers are not consecutive";
  return NULL;
}

const gchar *
mill_cmaf_state_records_check_segment (const MillCmafSegment *segment)
{
  if (!is_time (segment->time) || segment->duration >= TIME_MAX / GST_SECOND ||
      segment->bytes >= TIME_MAX)
    return "a segment's times are impossible";
  if ((guint64) segment->i_frame_offset + segment->i_frame_bytes >
      segment->bytes)
    return "a picture is outside of its segment";
  return NULL;
}

/* ---- saving ---- */

void
mill_cmaf_state_records_pack_cut (MillCmafSavedCut *saved,
    const MillCmafCut *cut)
{
  *saved = (MillCmafSavedCut){
    .number = GUINT64_TO_LE (cut->number),
    .generation = GUINT64_TO_LE (cut->generation),
    .start = GINT64_TO_LE (cut->start),
    .end = GINT64_TO_LE (cut->end),
    .media_start = GINT64_TO_LE (cut->media_start),
    .wall_us = GINT64_TO_LE (cut->wall_us),
    .period = GUINT64_TO_LE (cut->period),
    .period_start = GINT64_TO_LE (cut->period_start),
    .period_media = GINT64_TO_LE (cut->period_media),
    .flags = GUINT32_TO_LE ((guint32) cut->flags),
  };
}

static SavedIFrame
pack_i_frame (const MillCmafSegment *segment)
{
  return (SavedIFrame){
    .offset = GUINT32_TO_LE (segment->i_frame_offset),
    .bytes = GUINT32_TO_LE (segment->i_frame_bytes),
  };
}

static void
put_head (GByteArray *out, guint32 tag, gsize length)
{
  SavedHead head = {
    .tag = GUINT32_TO_LE (tag),
    .length = GUINT32_TO_LE ((guint32) length),
  };
  g_byte_array_append (out, (const guint8 *) &head, sizeof head);
}

static void
put_i_frames (GByteArray *out, const MillCmafRendition *rendition, guint i)
{
  guint n = rendition->segments->len;
  SavedIndex index = {
    .rendition = GUINT32_TO_LE (i),
    .n_segments = GUINT32_TO_LE (n),
  };
  put_head (out, TAG_I_FRAMES, sizeof index + n * sizeof (SavedIFrame));
  g_byte_array_append (out, (const guint8 *) &index, sizeof index);
  for (guint k = 0; k < n; k++) {
    SavedIFrame saved = pack_i_frame (segment_at (rendition, k));
    g_byte_array_append (out, (const guint8 *) &saved, sizeof saved);
  }
}

static void
put_markers (GByteArray *out, const MillCmafMarkers *markers)
{
  g_autoptr (GBytes) content = mill_cmaf_marker_save (markers);
  put_head (out, TAG_MARKERS, g_bytes_get_size (content));
  g_byte_array_append (out, g_bytes_get_data (content, NULL),
      (guint) g_bytes_get_size (content));
}

static void
put_roles (GByteArray *out, const MillCmafState *self)
{
  put_head (out, TAG_ROLES, 4 * (gsize) self->renditions->len);
  for (guint i = 0; i < self->renditions->len; i++) {
    const MillCmafRendition *rendition =
        g_ptr_array_index (self->renditions, i);
    guint32 role = GUINT32_TO_LE (rendition->format.text_role);
    g_byte_array_append (out, (const guint8 *) &role, sizeof role);
  }
}

static gboolean
has_roles (const MillCmafState *self)
{
  for (guint i = 0; i < self->renditions->len; i++)
    if (((const MillCmafRendition *) g_ptr_array_index (self->renditions, i))
            ->format.text_role != MILL_CMAF_TEXT_PLAIN)
      return TRUE;
  return FALSE;
}

static void
put_captions (GByteArray *out, const gchar *captions)
{
  gsize length = strlen (captions);
  put_head (out, TAG_CAPTIONS, length);
  g_byte_array_append (out, (const guint8 *) captions, (guint) length);
}

static void
put_thumbnails (GByteArray *out, const MillCmafThumbnails *thumbnails)
{
  g_autoptr (GBytes) content = mill_cmaf_thumbnails_save (thumbnails);
  put_head (out, TAG_THUMBNAILS, g_bytes_get_size (content));
  g_byte_array_append (out, g_bytes_get_data (content, NULL),
      (guint) g_bytes_get_size (content));
}

void
mill_cmaf_state_records_put_all (GByteArray *out, const MillCmafState *self)
{
  for (guint i = 0; i < self->renditions->len; i++) {
    const MillCmafRendition *rendition =
        g_ptr_array_index (self->renditions, i);
    if (rendition->format.kind == MILL_CMAF_VIDEO &&
        rendition->segments->len > 0)
      put_i_frames (out, rendition, i);
  }
  if (self->markers != NULL)
    put_markers (out, self->markers);
  if (has_roles (self))
    put_roles (out, self);
  if (self->captions != NULL)
    put_captions (out, self->captions);
  /* Here only: with a new sheet the file is written as a whole. */
  if (self->thumbnails != NULL)
    put_thumbnails (out, self->thumbnails);
}

void
mill_cmaf_state_records_put_last (GByteArray *out, const MillCmafState *self)
{
  guint n = self->renditions->len;
  guint last = self->cuts->len - 1;
  MillCmafSavedCut cut;
  SavedRow row = {
    .first = GUINT64_TO_LE (cut_at (self, 0)->number),
    .discontinuity_sequence = GUINT64_TO_LE (self->discontinuity_sequence),
    .availability_start_us = GINT64_TO_LE (self->availability_start_us),
    .target_duration_s = GUINT32_TO_LE (self->target_duration_s),
    .n_renditions = GUINT32_TO_LE (n),
  };
  mill_cmaf_state_records_pack_cut (&cut, cut_at (self, last));
  put_head (out, TAG_ROW, sizeof row + sizeof cut + n * sizeof (SavedSegment));
  g_byte_array_append (out, (const guint8 *) &row, sizeof row);
  g_byte_array_append (out, (const guint8 *) &cut, sizeof cut);
  for (guint i = 0; i < n; i++) {
    const MillCmafSegment *segment =
        segment_at (g_ptr_array_index (self->renditions, i), last);
    SavedSegment saved = {
      .time = GINT64_TO_LE (segment->time),
      .duration = GUINT64_TO_LE (segment->duration),
      .bytes = GUINT64_TO_LE (segment->bytes),
      .i_frame = pack_i_frame (segment),
      .flags = GUINT32_TO_LE ((guint32) segment->flags),
    };
    g_byte_array_append (out, (const guint8 *) &saved, sizeof saved);
  }
  if (self->markers != NULL)
    put_markers (out, self->markers);
  if (self->captions != NULL)
    put_captions (out, self->captions);
}

/* ---- loading ---- */

static MillCmafCut
unpack_cut (const guint8 *data)
{
  MillCmafSavedCut saved;
  memcpy (&saved, data, sizeof saved);
  return (MillCmafCut){
    .number = GUINT64_FROM_LE (saved.number),
    .generation = GUINT64_FROM_LE (saved.generation),
    .start = GINT64_FROM_LE (saved.start),
    .end = GINT64_FROM_LE (saved.end),
    .media_start = GINT64_FROM_LE (saved.media_start),
    .wall_us = GINT64_FROM_LE (saved.wall_us),
    .period = GUINT64_FROM_LE (saved.period),
    .period_start = GINT64_FROM_LE (saved.period_start),
    .period_media = GINT64_FROM_LE (saved.period_media),
    .flags = (MillCmafCutFlags) GUINT32_FROM_LE (saved.flags),
  };
}

static MillCmafSegment
unpack_segment (const guint8 *data)
{
  SavedSegment saved;
  memcpy (&saved, data, sizeof saved);
  return (MillCmafSegment){
    .time = GINT64_FROM_LE (saved.time),
    .duration = GUINT64_FROM_LE (saved.duration),
    .bytes = GUINT64_FROM_LE (saved.bytes),
    .i_frame_offset = GUINT32_FROM_LE (saved.i_frame.offset),
    .i_frame_bytes = GUINT32_FROM_LE (saved.i_frame.bytes),
    .flags = GUINT32_FROM_LE (saved.flags) & MILL_CMAF_SEGMENT_GAP,
  };
}

/* What is listed no longer leaves the lists. */
static void
drop_before (MillCmafState *self, guint64 first)
{
  guint n = 0;
  while (n < self->cuts->len && cut_at (self, n)->number < first)
    n++;
  if (n == 0)
    return;
  mill_sliding_list_remove_first (self->cuts, n);
  for (guint i = 0; i < self->renditions->len; i++) {
    MillCmafRendition *rendition = g_ptr_array_index (self->renditions, i);
    mill_sliding_list_remove_first (rendition->segments, n);
  }
}

static const gchar *
load_row (MillCmafState *self, const guint8 *data, gsize length)
{
  SavedRow row;
  guint n = self->renditions->len;
  if (length !=
      sizeof row + sizeof (MillCmafSavedCut) + n * sizeof (SavedSegment))
    return "a segment's record has another length";
  memcpy (&row, data, sizeof row);
  MillCmafCut cut = unpack_cut (data + sizeof row);
  data += sizeof row + sizeof (MillCmafSavedCut);
  if (GUINT32_FROM_LE (row.n_renditions) != n)
    return "renditions differ in their number of segments";
  if (cut.number >= TIME_MAX)
    return "too many segments";
  self->next_number = MAX (self->next_number, cut.number + 1);
  self->discontinuity_sequence = GUINT64_FROM_LE (row.discontinuity_sequence);
  self->availability_start_us = GINT64_FROM_LE (row.availability_start_us);
  self->target_duration_s = GUINT32_FROM_LE (row.target_duration_s);
  const gchar *wrong = mill_cmaf_state_records_check_numbers (self);
  if (wrong == NULL)
    wrong = mill_cmaf_state_records_check_cut (self, &cut);
  for (guint i = 0; i < n && wrong == NULL; i++) {
    MillCmafSegment segment = unpack_segment (data + i * sizeof (SavedSegment));
    MillCmafRendition *rendition = g_ptr_array_index (self->renditions, i);
    wrong = mill_cmaf_state_records_check_segment (&segment);
    mill_sliding_list_append (rendition->segments, &segment);
  }
  mill_sliding_list_append (self->cuts, &cut);
  drop_before (self, MIN (GUINT64_FROM_LE (row.first), cut.number));
  /* With the one that came, another has left a full window. */
  if (wrong == NULL && self->cuts->len > MILL_CMAF_SEGMENTS_MAX)
    return "too many segments";
  return wrong;
}

static const gchar *
load_i_frames (MillCmafState *self, const guint8 *data, gsize length)
{
  SavedIndex index;
  if (length < sizeof index)
    return "a list of pictures has another length";
  memcpy (&index, data, sizeof index);
  guint i = GUINT32_FROM_LE (index.rendition);
  guint n = GUINT32_FROM_LE (index.n_segments);
  if (i >= self->renditions->len || n != self->cuts->len ||
      (length - sizeof index) / sizeof (SavedIFrame) != n ||
      (length - sizeof index) % sizeof (SavedIFrame) != 0)
    return "a list of pictures has another length";
  const gchar *wrong = NULL;
  for (guint k = 0; k < n && wrong == NULL; k++) {
    SavedIFrame saved;
    MillCmafSegment *segment =
        segment_at (g_ptr_array_index (self->renditions, i), k);
    memcpy (&saved, data + sizeof index + k * sizeof saved, sizeof saved);
    segment->i_frame_offset = GUINT32_FROM_LE (saved.offset);
    segment->i_frame_bytes = GUINT32_FROM_LE (saved.bytes);
    wrong = mill_cmaf_state_records_check_segment (segment);
  }
  return wrong;
}

static const gchar *
load_markers (MillCmafState *self, const guint8 *data, gsize length)
{
  g_clear_pointer (&self->markers, mill_cmaf_marker_list_free);
  self->markers = mill_cmaf_marker_load (data, length);
  return self->markers != NULL ? NULL : "markers are damaged";
}

static const gchar *
load_roles (MillCmafState *self, const guint8 *data, gsize length)
{
  if (length != 4 * (gsize) self->renditions->len)
    return "roles are not one for each rendition";
  for (guint i = 0; i < self->renditions->len; i++) {
    MillCmafRendition *rendition = g_ptr_array_index (self->renditions, i);
    guint32 role;
    memcpy (&role, data + 4 * i, sizeof role);
    rendition->format.text_role = GUINT32_FROM_LE (role) &
        (MILL_CMAF_TEXT_HEARING_IMPAIRED | MILL_CMAF_TEXT_FORCED);
  }
  return NULL;
}

static const gchar *
load_captions (MillCmafState *self, const guint8 *data, gsize length)
{
  g_free (self->captions);
  self->captions = g_strndup ((const gchar *) data, length);
  return mill_cmaf_captions_is_valid (self->captions) ? NULL
                                                      : "captions are damaged";
}

static const gchar *
load_thumbnails (MillCmafState *self, const guint8 *data, gsize length)
{
  g_clear_pointer (&self->thumbnails, mill_cmaf_thumbnails_free);
  self->thumbnails = mill_cmaf_thumbnails_load (data, length);
  return self->thumbnails != NULL ? NULL : "thumbnails are damaged";
}

static const gchar *
load_record (MillCmafState *self, guint32 tag, const guint8 *data, gsize length)
{
  switch (tag) {
    case TAG_ROW:
      return load_row (self, data, length);
    case TAG_I_FRAMES:
      return load_i_frames (self, data, length);
    case TAG_MARKERS:
      return load_markers (self, data, length);
    case TAG_ROLES:
      return load_roles (self, data, length);
    case TAG_CAPTIONS:
      return load_captions (self, data, length);
    case TAG_THUMBNAILS:
      return load_thumbnails (self, data, length);
    default:
      return NULL;
  }
}

/* Applies the whole records in @data. @ret_done: bytes of them */
static const gchar *
load_whole (MillCmafState *self, const guint8 *data, gsize size,
    gsize *ret_done)
{
  const gchar *wrong = NULL;
  gsize at = 0;
  while (wrong == NULL && size - at >= sizeof (SavedHead)) {
    SavedHead head;
    memcpy (&head, data + at, sizeof head);
    gsize length = GUINT32_FROM_LE (head.length);
    if (length > size - at - sizeof head)
      break;
    wrong = load_record (self, GUINT32_FROM_LE (head.tag),
        data + at + sizeof head, length);
    at += sizeof head + length;
  }
  *ret_done = at;
  return wrong;
}

const gchar *
mill_cmaf_state_records_load (MillCmafState *self, const guint8 *data,
    gsize size)
{
  gsize done = 0;
  const gchar *wrong = load_whole (self, data, size, &done);
  if (wrong == NULL && done < size)
    return "a record is longer than the file";
  return wrong;
}

const gchar *
mill_cmaf_state_records_load_appended (MillCmafState *self, const guint8 *data,
    gsize size)
{
  gsize done = 0;
  return load_whole (self, data, size, &done);
}
