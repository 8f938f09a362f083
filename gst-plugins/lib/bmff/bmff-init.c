/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "bmff/bmff-init.h"

#include <string.h>

#include "bmff/bmff-entry-private.h"

/* Far over any configuration record, far under what a box can hold. */
#define MAX_CODEC_DATA (1024 * 1024)

#define FOURCC MILL_BMFF_FOURCC

static gboolean
is_video (const MillBmffTrack *track)
{
  return mill_codec_is_video (track->codec->codec);
}

static gboolean
is_text (const MillBmffTrack *track)
{
  return mill_codec_is_text (track->codec->codec);
}

static void
write_ftyp (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize box = mill_bmff_writer_begin (w, FOURCC ('f', 't', 'y', 'p'));
  /* ISO/IEC 23000-19 : 'cmf2' promises a video without an edit list. */
  gboolean is_cmf2 = !is_video (track) || track->media_time == 0;
  guint32 cmf2 = FOURCC ('c', 'm', 'f', '2');
  mill_bmff_writer_put_u32 (w, is_cmf2 ? cmf2 : FOURCC ('c', 'm', 'f', 'c'));
  mill_bmff_writer_put_u32 (w, 0);
  if (is_cmf2)
    mill_bmff_writer_put_u32 (w, cmf2);
  mill_bmff_writer_put_u32 (w, FOURCC ('c', 'm', 'f', 'c'));
  mill_bmff_writer_put_u32 (w, FOURCC ('i', 's', 'o', '6'));
  guint32 profile = mill_bmff_entry_get_brand (track);
  if (profile != 0)
    mill_bmff_writer_put_u32 (w, profile);
  mill_bmff_writer_end (w, box);
}

/* ---- moov, from the inside out ---- */

static void
write_empty_table (MillBmffWriter *w, guint32 type)
{
  gsize box = mill_bmff_writer_begin_full (w, type, 0, 0);
  mill_bmff_writer_put_u32 (w, 0);
  mill_bmff_writer_end (w, box);
}

/* One description, to which the chunks' sbgp refer: how many samples a decoder
 * needs before one that is right, 14496-12 §8.9.3 and §10.1. */
static void
write_roll (MillBmffWriter *w, gint distance)
{
  gsize box =
      mill_bmff_writer_begin_full (w, FOURCC ('s', 'g', 'p', 'd'), 1, 0);
  mill_bmff_writer_put_u32 (w, FOURCC ('r', 'o', 'l', 'l'));
  mill_bmff_writer_put_u32 (w, 2); /* default_length */
  mill_bmff_writer_put_u32 (w, 1);
  mill_bmff_writer_put_u16 (w, (guint16) distance);
  mill_bmff_writer_end (w, box);
}

static void
write_stbl (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize stbl = mill_bmff_writer_begin (w, FOURCC ('s', 't', 'b', 'l'));
  gsize stsd =
      mill_bmff_writer_begin_full (w, FOURCC ('s', 't', 's', 'd'), 0, 0);
  mill_bmff_writer_put_u32 (w, 1);
  mill_bmff_entry_write (w, track);
  mill_bmff_writer_end (w, stsd);
  write_empty_table (w, FOURCC ('s', 't', 't', 's'));
  write_empty_table (w, FOURCC ('s', 't', 's', 'c'));
  gsize stsz =
      mill_bmff_writer_begin_full (w, FOURCC ('s', 't', 's', 'z'), 0, 0);
  mill_bmff_writer_put_zeros (w, 8);
  mill_bmff_writer_end (w, stsz);
  write_empty_table (w, FOURCC ('s', 't', 'c', 'o'));
  if (track->codec->roll_distance != 0)
    write_roll (w, track->codec->roll_distance);
  mill_bmff_writer_end (w, stbl);
}

/* 14496-12 §12.1.2, §12.2.2; of text 14496-30 §6.2 and 14496-12 §12.6.2. */
static void
write_media_header (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize head;
  if (track->codec->codec == MILL_CODEC_WVTT) {
    head = mill_bmff_writer_begin_full (w, FOURCC ('n', 'm', 'h', 'd'), 0, 0);
  } else if (is_text (track)) {
    head = mill_bmff_writer_begin_full (w, FOURCC ('s', 't', 'h', 'd'), 0, 0);
  } else if (is_video (track)) {
    head = mill_bmff_writer_begin_full (w, FOURCC ('v', 'm', 'h', 'd'), 0, 1);
    mill_bmff_writer_put_zeros (w, 8);
  } else {
    head = mill_bmff_writer_begin_full (w, FOURCC ('s', 'm', 'h', 'd'), 0, 0);
    mill_bmff_writer_put_zeros (w, 4);
  }
  mill_bmff_writer_end (w, head);
}

static void
write_minf (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize minf = mill_bmff_writer_begin (w, FOURCC ('m', 'i', 'n', 'f'));
  write_media_header (w, track);

  gsize dinf = mill_bmff_writer_begin (w, FOURCC ('d', 'i', 'n', 'f'));
  gsize dref =
      mill_bmff_writer_begin_full (w, FOURCC ('d', 'r', 'e', 'f'), 0, 0);
  mill_bmff_writer_put_u32 (w, 1);
  /* Flag 1: the media is in this same file. */
  gsize url =
      mill_bmff_writer_begin_full (w, FOURCC ('u', 'r', 'l', ' '), 0, 1);
  mill_bmff_writer_end (w, url);
  mill_bmff_writer_end (w, dref);
  mill_bmff_writer_end (w, dinf);
  write_stbl (w, track);
  mill_bmff_writer_end (w, minf);
}

/* Three letters of five bits, 14496-12 §8.4.2.3 */
static guint16
pack_language (const gchar *language)
{
  return (language[0] - 0x60) << 10 | (language[1] - 0x60) << 5 |
      (language[2] - 0x60);
}

/* WebVTT is text, TTML subtitles: 23000-19 §11.2.2 and §11.3.2. */
static guint32
get_handler (const MillBmffTrack *track)
{
  if (track->codec->codec == MILL_CODEC_WVTT)
    return FOURCC ('t', 'e', 'x', 't');
  if (track->codec->codec == MILL_CODEC_STPP)
    return FOURCC ('s', 'u', 'b', 't');
  return is_video (track) ? FOURCC ('v', 'i', 'd', 'e')
                          : FOURCC ('s', 'o', 'u', 'n');
}

static void
write_mdia (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize mdia = mill_bmff_writer_begin (w, FOURCC ('m', 'd', 'i', 'a'));
  gsize mdhd =
      mill_bmff_writer_begin_full (w, FOURCC ('m', 'd', 'h', 'd'), 0, 0);
  mill_bmff_writer_put_zeros (w, 8); /* creation, modification */
  mill_bmff_writer_put_u32 (w, track->timescale);
  mill_bmff_writer_put_u32 (w, 0); /* duration */
  mill_bmff_writer_put_u16 (w,
      pack_language (track->language != NULL ? track->language : "und"));
  mill_bmff_writer_put_u16 (w, 0);
  mill_bmff_writer_end (w, mdhd);

  const gchar *name = is_video (track) ? "Video"
      : is_text (track)                ? "Text"
                                       : "Audio";
  gsize hdlr =
      mill_bmff_writer_begin_full (w, FOURCC ('h', 'd', 'l', 'r'), 0, 0);
  mill_bmff_writer_put_u32 (w, 0);
  mill_bmff_writer_put_u32 (w, get_handler (track));
  mill_bmff_writer_put_zeros (w, 12);
  mill_bmff_writer_put_data (w, name, strlen (name) + 1);
  mill_bmff_writer_end (w, hdlr);
  write_minf (w, track);
  mill_bmff_writer_end (w, mdia);
}

static void
write_matrix (MillBmffWriter *w)
{
  static const guint32 unity[] = { 0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0,
    0x40000000 };
  for (guint i = 0; i < G_N_ELEMENTS (unity); i++)
    mill_bmff_writer_put_u32 (w, unity[i]);
}

/* How the decoded picture comes to be upright: the first two rows as (a, b, c,
 * d), in full turns of 90 degrees; the last two numbers put its corner back to
 * the origin, in widths and heights. 14496-12 §6.2.2: x' = ax + cy. */
static const struct
{
  gint8 a, b, c, d;
  gboolean x_is_side[2]; /* x: moved by the width, by the height */
  gboolean y_is_side[2];
} orientations[] = {
  [MILL_BMFF_UPRIGHT] = { 1, 0, 0, 1, { 0, 0 }, { 0, 0 } },
  [MILL_BMFF_ROTATE_90] = { 0, 1, -1, 0, { 0, 1 }, { 0, 0 } },
  [MILL_BMFF_ROTATE_180] = { -1, 0, 0, -1, { 1, 0 }, { 0, 1 } },
  [MILL_BMFF_ROTATE_270] = { 0, -1, 1, 0, { 0, 0 }, { 1, 0 } },
  [MILL_BMFF_FLIP] = { -1, 0, 0, 1, { 1, 0 }, { 0, 0 } },
  [MILL_BMFF_FLIP_90] = { 0, -1, -1, 0, { 0, 1 }, { 1, 0 } },
  [MILL_BMFF_FLIP_180] = { 1, 0, 0, -1, { 0, 0 }, { 0, 1 } },
  [MILL_BMFF_FLIP_270] = { 0, 1, 1, 0, { 0, 0 }, { 0, 0 } },
};

static guint32
fixed (gint value)
{
  return (guint32) (value * 0x10000);
}

static void
write_orientation (MillBmffWriter *w, const MillBmffTrack *track)
{
  guint i = track->orientation;
  guint32 width = mill_bmff_entry_get_display_width (track->codec);
  guint32 height = track->codec->height << 16;
  mill_bmff_writer_put_u32 (w, fixed (orientations[i].a));
  mill_bmff_writer_put_u32 (w, fixed (orientations[i].b));
  mill_bmff_writer_put_u32 (w, 0);
  mill_bmff_writer_put_u32 (w, fixed (orientations[i].c));
  mill_bmff_writer_put_u32 (w, fixed (orientations[i].d));
  mill_bmff_writer_put_u32 (w, 0);
  mill_bmff_writer_put_u32 (w,
      orientations[i].x_is_side[0]       ? width
          : orientations[i].x_is_side[1] ? height
                                         : 0);
  mill_bmff_writer_put_u32 (w,
      orientations[i].y_is_side[0]       ? width
          : orientations[i].y_is_side[1] ? height
                                         : 0);
  mill_bmff_writer_put_u32 (w, 0x40000000);
}

static void
write_tkhd (MillBmffWriter *w, const MillBmffTrack *track)
{
  gboolean video = is_video (track);
  /* Enabled, in the movie, in its preview. */
  gsize box =
      mill_bmff_writer_begin_full (w, FOURCC ('t', 'k', 'h', 'd'), 0, 7);
  mill_bmff_writer_put_zeros (w, 8);
  mill_bmff_writer_put_u32 (w, track->track_id);
  mill_bmff_writer_put_zeros (w, 4 + 4 + 8 + 2 + 2); /* duration ... group */
  mill_bmff_writer_put_u16 (w, video || is_text (track) ? 0 : 0x0100);
  mill_bmff_writer_put_u16 (w, 0);
  if (video)
    write_orientation (w, track);
  else
    write_matrix (w);
  mill_bmff_writer_put_u32 (w,
      video ? mill_bmff_entry_get_display_width (track->codec) : 0);
  mill_bmff_writer_put_u32 (w, video ? track->codec->height << 16 : 0);
  mill_bmff_writer_end (w, box);
}

/* One edit of unknown length that starts inside the media. */
static void
write_edts (MillBmffWriter *w, guint32 media_time)
{
  gsize edts = mill_bmff_writer_begin (w, FOURCC ('e', 'd', 't', 's'));
  gsize elst =
      mill_bmff_writer_begin_full (w, FOURCC ('e', 'l', 's', 't'), 0, 0);
  mill_bmff_writer_put_u32 (w, 1);
  mill_bmff_writer_put_u32 (w, 0); /* segment_duration */
  mill_bmff_writer_put_u32 (w, media_time);
  mill_bmff_writer_put_u32 (w, 0x00010000); /* rate 1 */
  mill_bmff_writer_end (w, elst);
  mill_bmff_writer_end (w, edts);
}

static void
write_mvex (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize mvex = mill_bmff_writer_begin (w, FOURCC ('m', 'v', 'e', 'x'));
  gsize trex =
      mill_bmff_writer_begin_full (w, FOURCC ('t', 'r', 'e', 'x'), 0, 0);
  mill_bmff_writer_put_u32 (w, track->track_id);
  mill_bmff_writer_put_u32 (w, 1); /* sample description */
  /* cmf2 keeps the defaults in each traf. */
  mill_bmff_writer_put_zeros (w, 12);
  mill_bmff_writer_end (w, trex);
  mill_bmff_writer_end (w, mvex);
}

static void
write_moov (MillBmffWriter *w, const MillBmffTrack *track)
{
  gsize moov = mill_bmff_writer_begin (w, FOURCC ('m', 'o', 'o', 'v'));
  gsize mvhd =
      mill_bmff_writer_begin_full (w, FOURCC ('m', 'v', 'h', 'd'), 0, 0);
  mill_bmff_writer_put_zeros (w, 8);
  mill_bmff_writer_put_u32 (w, track->timescale);
  mill_bmff_writer_put_u32 (w, 0); /* duration */
  mill_bmff_writer_put_u32 (w, 0x00010000); /* rate */
  mill_bmff_writer_put_u16 (w, 0x0100); /* volume */
  mill_bmff_writer_put_zeros (w, 10);
  write_matrix (w);
  mill_bmff_writer_put_zeros (w, 24);
  /* All ones: search for a free one, 14496-12 §8.2.2.3. */
  mill_bmff_writer_put_u32 (w, MAX (track->track_id, track->track_id + 1));
  mill_bmff_writer_end (w, mvhd);

  gsize trak = mill_bmff_writer_begin (w, FOURCC ('t', 'r', 'a', 'k'));
  write_tkhd (w, track);
  if (track->media_time != 0)
    write_edts (w, track->media_time);
  write_mdia (w, track);
  mill_bmff_writer_end (w, trak);
  write_mvex (w, track);
  mill_bmff_writer_end (w, moov);
}

/* ---- public ---- */

static gboolean
is_language (const gchar *language)
{
  if (language == NULL)
    return TRUE;
  for (guint i = 0; i < 3; i++) {
    if (!g_ascii_islower (language[i]))
      return FALSE;
  }
  return language[3] == '\0';
}

static gboolean
is_picture (const MillCodecInfo *info)
{
  return info->width > 0 && info->width <= G_MAXUINT16 && info->height > 0 &&
      info->height <= G_MAXUINT16 && info->par_n > 0 && info->par_d > 0;
}

static gboolean
check_track (const MillBmffTrack *track, GError **error)
{
  const gchar *wrong = NULL;
  if (track->track_id == 0)
    wrong = "track id 0, expected at least 1";
  else if (track->timescale == 0)
    wrong = "timescale 0, expected units per second";
  else if (track->codec == NULL)
    wrong = "no codec, expected one";
  else if (track->codec_data == NULL ||
      g_bytes_get_size (track->codec_data) == 0)
    wrong = "no codec data, expected a configuration record";
  else if (is_video (track) && !is_picture (track->codec))
    wrong = "no or too big a picture, expected 1 to 65535 on a side";
  else if (track->orientation >= G_N_ELEMENTS (orientations))
    wrong = "an unknown orientation, expected one of eight";
  else if (track->media_time > G_MAXINT32)
    wrong = "an edit over 31 bits, expected the priming of audio";
  else if (!is_language (track->language))
    wrong = "an unknown language, expected three letters of ISO 639-2/T";
  if (wrong == NULL)
    return TRUE;
  g_set_error (error, MILL_BMFF_ERROR, MILL_BMFF_ERROR_INVALID,
      "CMAF header of track '%u': got %s", track->track_id, wrong);
  return FALSE;
}

gboolean
mill_bmff_init_is_turned (MillBmffOrientation orientation)
{
  return orientation < G_N_ELEMENTS (orientations) &&
      orientations[orientation].a == 0;
}

gboolean
mill_bmff_init_write (MillBmffWriter *writer, const MillBmffTrack *track,
    GError **error)
{
  if (!check_track (track, error))
    return FALSE;
  if (g_bytes_get_size (track->codec_data) > MAX_CODEC_DATA) {
    g_set_error (error, MILL_BMFF_ERROR, MILL_BMFF_ERROR_TOO_BIG,
        "CMAF header of track '%u': got %" G_GSIZE_FORMAT
        " bytes of codec data, expected at most %d",
        track->track_id, g_bytes_get_size (track->codec_data), MAX_CODEC_DATA);
    return FALSE;
  }
  write_ftyp (writer, track);
  write_moov (writer, track);
  return TRUE;
}
