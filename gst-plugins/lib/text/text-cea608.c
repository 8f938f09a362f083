/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "text/text-cea608.h"

#include <string.h>

#include "text/text-builder.h"

#define ROWS 15
#define COLUMNS 32
#define LAST_ROW (ROWS - 1)

#define STYLE_ITALIC 1
#define STYLE_UNDERLINE 2

/* Annex F.1: a solid block. */
#define BLOCK 0x2588
#define TRANSPARENT 0

typedef enum
{
  MODE_NONE,
  MODE_POP_ON,
  MODE_ROLL_UP,
  MODE_PAINT_ON,
  MODE_TEXT, /* no captions: what comes is for another screen */
} Mode;

typedef struct
{
  guint16 letter; /* TRANSPARENT: nothing */
  guint8 style;
} Cell;

typedef Cell Screen[ROWS][COLUMNS];

struct _MillTextCea608
{
  guint channel; /* 0 or 1, within the field */
  gboolean is_second_field;
  gboolean is_ours; /* what comes is for this channel */
  guint16 last_control; /* control codes come twice */
  Mode mode;
  Screen displayed;
  Screen loaded; /* of pop-on captions */
  guint row;
  guint column;
  guint8 style;
  guint roll_rows;
};

MillTextCea608 *
mill_text_cea608_new (guint channel)
{
  MillTextCea608 *self = g_new0 (MillTextCea608, 1);
  self->channel = (channel - 1) % 2;
  self->is_second_field = channel > 2;
  mill_text_cea608_reset (self);
  return self;
}

void
mill_text_cea608_free (MillTextCea608 *self)
{
  g_free (self);
}

void
mill_text_cea608_reset (MillTextCea608 *self)
{
  MillTextCea608 fresh = { .channel = self->channel,
    .is_second_field = self->is_second_field,
    .row = LAST_ROW };
  *self = fresh;
}

/* ---- the screen ---- */

static Cell *
get_row (MillTextCea608 *self)
{
  return self->mode == MODE_POP_ON ? self->loaded[self->row]
                                   : self->displayed[self->row];
}

static MillTextCea608Change
get_change (const MillTextCea608 *self)
{
  return self->mode == MODE_POP_ON ? MILL_TEXT_CEA608_SAME
                                   : MILL_TEXT_CEA608_GROWING;
}

static MillTextCea608Change
put_letter (MillTextCea608 *self, guint16 letter)
{
  if (self->mode == MODE_NONE || self->mode == MODE_TEXT)
    return MILL_TEXT_CEA608_SAME;
  /* Beyond the last column its letter is replaced (CTA-608-E C.13). */
  guint column = MIN (self->column, COLUMNS - 1);
  get_row (self)[column] = (Cell){ letter, self->style };
  self->column = MIN (self->column + 1, COLUMNS);
  return get_change (self);
}

static MillTextCea608Change
delete_letter (MillTextCea608 *self)
{
  if (self->column == 0 || self->mode == MODE_NONE || self->mode == MODE_TEXT)
    return MILL_TEXT_CEA608_SAME;
  self->column--;
  get_row (self)[self->column] = (Cell){ TRANSPARENT, 0 };
  return get_change (self);
}

static gboolean
has_letters (const Cell *row)
{
  for (guint i = 0; i < COLUMNS; i++)
    if (row[i].letter > ' ')
      return TRUE;
  return FALSE;
}

static gboolean
is_empty (const MillTextCea608 *self)
{
  for (guint row = 0; row < ROWS; row++)
    if (has_letters (self->displayed[row]))
      return FALSE;
  return TRUE;
}

/* ---- commands, 47 CFR 79.101 and CTA-608-E 6 ---- */

static MillTextCea608Change
erase (MillTextCea608 *self)
{
  gboolean was_empty = is_empty (self);
  memset (self->displayed, 0, sizeof self->displayed);
  return was_empty ? MILL_TEXT_CEA608_SAME : MILL_TEXT_CEA608_WHOLE;
}

static MillTextCea608Change
roll_up (MillTextCea608 *self, guint rows)
{
  MillTextCea608Change change = MILL_TEXT_CEA608_SAME;
  if (self->mode != MODE_ROLL_UP) {
    change = erase (self);
    memset (self->loaded, 0, sizeof self->loaded);
    self->row = LAST_ROW;
    self->column = 0;
    self->style = 0;
  }
  self->mode = MODE_ROLL_UP;
  self->roll_rows = rows;
  return change;
}

static MillTextCea608Change
return_carriage (MillTextCea608 *self)
{
  if (self->mode != MODE_ROLL_UP)
    return MILL_TEXT_CEA608_SAME;
  gboolean was_empty = is_empty (self);
  guint top = self->row + 1 >= self->roll_rows ? self->row + 1 - self->roll_rows
                                               : 0;
  for (guint row = 0; row < ROWS; row++) {
    if (row < top || row > self->row)
      memset (self->displayed[row], 0, sizeof self->displayed[row]);
    else if (row < self->row)
      memcpy (self->displayed[row], self->displayed[row + 1],
          sizeof self->displayed[row]);
  }
  memset (self->displayed[self->row], 0, sizeof self->displayed[self->row]);
  self->column = 0;
  self->style = 0;
  return was_empty ? MILL_TEXT_CEA608_SAME : MILL_TEXT_CEA608_WHOLE;
}

static MillTextCea608Change
flip (MillTextCea608 *self)
{
  Screen loaded;
  gboolean was_empty = is_empty (self);
  memcpy (loaded, self->loaded, sizeof loaded);
  memcpy (self->loaded, self->displayed, sizeof loaded);
  memcpy (self->displayed, loaded, sizeof loaded);
  self->mode = MODE_POP_ON;
  return was_empty && is_empty (self) ? MILL_TEXT_CEA608_SAME
                                      : MILL_TEXT_CEA608_WHOLE;
}

static MillTextCea608Change
delete_to_end (MillTextCea608 *self)
{
  if (self->mode == MODE_NONE || self->mode == MODE_TEXT)
    return MILL_TEXT_CEA608_SAME;
  for (guint i = MIN (self->column, COLUMNS - 1); i < COLUMNS; i++)
    get_row (self)[i] = (Cell){ TRANSPARENT, 0 };
  return get_change (self);
}

static MillTextCea608Change
command (MillTextCea608 *self, guint8 code)
{
  switch (code) {
    case 0x20: /* resume caption loading */
      self->mode = MODE_POP_ON;
      self->style = 0;
      return MILL_TEXT_CEA608_SAME;
    case 0x21:
      return delete_letter (self);
    case 0x24:
      return delete_to_end (self);
    case 0x25:
    case 0x26:
    case 0x27:
      return roll_up (self, code - 0x25u + 2);
    case 0x29: /* resume direct captioning */
      self->mode = MODE_PAINT_ON;
      self->style = 0;
      return MILL_TEXT_CEA608_SAME;
    case 0x2a:
    case 0x2b:
      self->mode = MODE_TEXT;
      return MILL_TEXT_CEA608_SAME;
    case 0x2c:
      return erase (self);
    case 0x2d:
      return return_carriage (self);
    case 0x2e:
      memset (self->loaded, 0, sizeof self->loaded);
      return MILL_TEXT_CEA608_SAME;
    case 0x2f:
      return flip (self);
    default:
      return MILL_TEXT_CEA608_SAME;
  }
}

/* ---- where and how, CTA-608-E tables 51 to 53 ---- */

static void
move_window (MillTextCea608 *self, guint row)
{
  guint from = self->row;
  guint rows = MIN (self->roll_rows, MIN (from, row) + 1);
  Screen moved = { 0 };
  for (guint i = 0; i < rows; i++)
    memcpy (moved[row - i], self->displayed[from - i], sizeof moved[0]);
  memcpy (self->displayed, moved, sizeof moved);
}

static void
set_address (MillTextCea608 *self, guint8 first, guint8 second)
{
  /* By the three bits of the first byte and one of the second. */
  static const guint8 rows[8][2] = { { 11, 11 }, { 1, 2 }, { 3, 4 }, { 12, 13 },
    { 14, 15 }, { 5, 6 }, { 7, 8 }, { 9, 10 } };
  guint row = rows[first & 7][second >> 5 & 1] - 1u;
  guint attribute = second >> 1 & 0x0f;
  /* A window that would be over the top begins there (47 CFR 79.101(f)(1)). */
  if (self->mode == MODE_ROLL_UP)
    row = MAX (row, self->roll_rows - 1);
  if (self->mode == MODE_ROLL_UP && row != self->row)
    move_window (self, row);
  self->row = row;
  self->column = attribute >= 8 ? 4 * (attribute - 8) : 0;
  self->style = (attribute == 7 ? STYLE_ITALIC : 0) |
      (second & 1 ? STYLE_UNDERLINE : 0);
}

static MillTextCea608Change
set_style (MillTextCea608 *self, guint8 second)
{
  guint attribute = second >> 1 & 7;
  /* A code in mid-row takes the place of a space. */
  MillTextCea608Change change = put_letter (self, ' ');
  self->style = (attribute == 7 ? STYLE_ITALIC : 0) |
      (second & 1 ? STYLE_UNDERLINE : 0);
  return change;
}

/* ---- letters, CTA-608-E tables 49 and 50, 5 to 10 ---- */

static guint16
map_basic (guint8 code)
{
  static const struct
  {
    guint8 code;
    guint16 letter;
  } others[] = { { 0x27, 0x2019 }, { 0x2a, 0xe1 }, { 0x5c, 0xe9 },
    { 0x5e, 0xed }, { 0x5f, 0xf3 }, { 0x60, 0xfa }, { 0x7b, 0xe7 },
    { 0x7c, 0xf7 }, { 0x7d, 0xd1 }, { 0x7e, 0xf1 }, { 0x7f, BLOCK } };
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    if (others[i].code == code)
      return others[i].letter;
  return code;
}

static const guint16 special[16] = { 0xae, 0xb0, 0xbd, 0xbf, 0x2122, 0xa2, 0xa3,
  0x266a, 0xe0, ' ', 0xe8, 0xe2, 0xea, 0xee, 0xf4, 0xfb };

static const guint16 extended[2][32] = {
  { 0xc1, 0xc9, 0xd3, 0xda, 0xdc, 0xfc, 0x2018, 0xa1, '*', 0x2019, 0x2014, 0xa9,
      0x2120, 0x2022, 0x201c, 0x201d, 0xc0, 0xc2, 0xc7, 0xc8, 0xca, 0xcb, 0xeb,
      0xce, 0xcf, 0xef, 0xd4, 0xd9, 0xf9, 0xdb, 0xab, 0xbb },
  { 0xc3, 0xe3, 0xcd, 0xcc, 0xec, 0xd2, 0xf2, 0xd5, 0xf5, '{', '}', '\\', '^',
      '_', '|', '~', 0xc4, 0xe4, 0xd6, 0xf6, 0xdf, 0xa5, 0xa4, 0x2502, 0xc5,
      0xe5, 0xd8, 0xf8, 0x250c, 0x2510, 0x2514, 0x2518 },
};

/* ---- pairs ---- */

static MillTextCea608Change
control (MillTextCea608 *self, guint8 first, guint8 second)
{
  guint8 code = first & 0x17;
  gboolean is_command = code == 0x14 || (code == 0x15 && self->is_second_field);
  if (second >= 0x40) {
    set_address (self, code, second);
    return MILL_TEXT_CEA608_SAME;
  }
  if (code == 0x11 && second < 0x30)
    return set_style (self, second);
  if (code == 0x11)
    return put_letter (self, special[second - 0x30]);
  /* It takes the place of a letter that is like it, for simpler decoders. */
  if (code == 0x12 || code == 0x13) {
    delete_letter (self);
    return put_letter (self, extended[code - 0x12][second - 0x20]);
  }
  if (is_command && second < 0x30)
    return command (self, second);
  if (code == 0x17 && second >= 0x21 && second <= 0x23)
    self->column = MIN (self->column + (second - 0x20u), COLUMNS - 1);
  return MILL_TEXT_CEA608_SAME;
}

static MillTextCea608Change
push_control (MillTextCea608 *self, guint8 first, guint8 second)
{
  guint16 code = (guint16) (first << 8 | second);
  gboolean is_again = self->last_control == code;
  /* The second of two is a repetition, a third one is not. */
  self->last_control = is_again ? 0 : code;
  self->is_ours = (first >> 3 & 1) == self->channel;
  if (is_again || !self->is_ours || second < 0x20)
    return MILL_TEXT_CEA608_SAME;
  return control (self, first, second);
}

MillTextCea608Change
mill_text_cea608_push (MillTextCea608 *self, guint8 first, guint8 second)
{
  first &= 0x7f;
  second &= 0x7f;
  if (first == 0 && second == 0)
    return MILL_TEXT_CEA608_SAME;
  if (first >= 0x10 && first < 0x20)
    return push_control (self, first, second);
  self->last_control = 0;
  /* Extended data services, in field 2: until captions begin again. */
  if (first > 0 && first < 0x10)
    self->is_ours = FALSE;
  if (!self->is_ours || first < 0x10)
    return MILL_TEXT_CEA608_SAME;
  MillTextCea608Change change = put_letter (self, map_basic (first));
  return second >= 0x20 ? put_letter (self, map_basic (second)) : change;
}

/* ---- text ---- */

/* Letters of one style, of which spaces have none, go together. */
static void
append_row (MillTextBuilder *builder, const Cell *row)
{
  gchar run[COLUMNS * 4 + 1];
  gint size = 0;
  guint8 style = 0;
  for (guint i = 0; i < COLUMNS; i++) {
    guint16 code = row[i].letter;
    if (code > ' ' && row[i].style != style) {
      mill_text_builder_put (builder, run, size);
      size = 0;
      style = row[i].style;
      mill_text_builder_set (builder, "i", (style & STYLE_ITALIC) != 0);
      mill_text_builder_set (builder, "u", (style & STYLE_UNDERLINE) != 0);
    }
    size += g_unichar_to_utf8 (code == TRANSPARENT ? ' ' : code, run + size);
  }
  run[size++] = '\n';
  mill_text_builder_put (builder, run, size);
  mill_text_builder_set (builder, "i", FALSE);
  mill_text_builder_set (builder, "u", FALSE);
}

gchar *
mill_text_cea608_dup_text (const MillTextCea608 *self)
{
  g_auto (MillTextBuilder) builder = { 0 };
  for (guint row = 0; row < ROWS; row++)
    if (has_letters (self->displayed[row]))
      append_row (&builder, self->displayed[row]);
  return mill_text_builder_finish (&builder);
}
