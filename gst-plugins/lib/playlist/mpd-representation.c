/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/mpd-private.h"

/* As fast as most players go. */
#define TRICK_RATE 32
#define SCHEME_CHANNELS "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"
#define SCHEME_TILES "http://dashif.org/guidelines/thumbnail_tile"
#define SCHEME_DOLBY "tag:dolby.com,2014:dash:audio_channel_configuration:2011"

/* One S for a run of segments of equal duration without a hole (5.3.9.6). */
static gsize
write_run (MillMpdXml *xml, const MillMpdRepresentation *rep, gsize first)
{
  const MillMpdSegment *segments = rep->segments;
  gsize last = first;
  gboolean follows = first > 0 &&
      segments[first - 1].time + segments[first - 1].duration ==
          segments[first].time;

  while (last + 1 < rep->n_segments &&
      segments[last + 1].duration == segments[first].duration &&
      segments[last + 1].time == segments[last].time + segments[last].duration)
    last++;

  mill_mpd_xml_start_element (xml, "S");
  if (!follows)
    mill_mpd_xml_put_number (xml, "t", segments[first].time);
  mill_mpd_xml_put_number (xml, "d", segments[first].duration);
  if (last > first)
    mill_mpd_xml_put_number (xml, "r", last - first);
  mill_mpd_xml_end_element (xml);
  return last + 1;
}

static void
write_timeline (MillMpdXml *xml, const MillMpdRepresentation *rep)
{
  mill_mpd_xml_start_element (xml, "SegmentTimeline");
  if (rep->timeline != NULL)
    mill_mpd_timeline_write (rep->timeline, xml);
  for (gsize i = 0; rep->timeline == NULL && i < rep->n_segments;)
    i = write_run (xml, rep, i);
  mill_mpd_xml_end_element (xml);
}

static void
put_range (MillMpdXml *xml, const gchar *name, const MillMpdRange *range)
{
  gchar text[48];

  g_snprintf (text, sizeof (text), "%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
      range->offset, range->offset + range->length - 1);
  mill_mpd_xml_put_text (xml, name, text);
}

/* $Number$ is the only identifier that templates here have. */
static void
write_url (MillMpdXml *xml, const MillMpdRepresentation *rep, gsize i)
{
  g_auto (GStrv) halves = g_strsplit (rep->media, "$Number$", 2);
  g_autofree gchar *url = halves[1] == NULL
      ? g_strdup (rep->media)
      : g_strdup_printf ("%s%" G_GUINT64_FORMAT "%s", halves[0],
            rep->segments[i].number, halves[1]);

  mill_mpd_xml_start_element (xml, "SegmentURL");
  mill_mpd_xml_put_text (xml, "media", rep->file != NULL ? rep->file : url);
  put_range (xml, "mediaRange", &rep->ranges[i]);
  mill_mpd_xml_end_element (xml);
}

static void
write_list (MillMpdXml *xml, const MillMpdRepresentation *rep)
{
  mill_mpd_xml_start_element (xml, "SegmentList");
  mill_mpd_xml_put_number (xml, "timescale", rep->timescale);
  if (rep->presentation_time_offset > 0)
    mill_mpd_xml_put_number (xml, "presentationTimeOffset",
        rep->presentation_time_offset);
  mill_mpd_xml_start_element (xml, "Initialization");
  mill_mpd_xml_put_text (xml, "sourceURL",
      rep->file != NULL ? rep->file : rep->init);
  if (rep->file != NULL)
    put_range (xml, "range", &rep->header);
  mill_mpd_xml_end_element (xml);
  write_timeline (xml, rep);
  for (gsize i = 0; i < rep->n_segments; i++)
    write_url (xml, rep, i);
  mill_mpd_xml_end_element (xml);
}

static void
write_template (MillMpdXml *xml, const MillMpdRepresentation *rep)
{
  mill_mpd_xml_start_element (xml, "SegmentTemplate");
  mill_mpd_xml_put_number (xml, "timescale", rep->timescale);
  if (rep->presentation_time_offset > 0)
    mill_mpd_xml_put_number (xml, "presentationTimeOffset",
        rep->presentation_time_offset);
  if (rep->init != NULL)
    mill_mpd_xml_put_text (xml, "initialization", rep->init);
  mill_mpd_xml_put_text (xml, "media", rep->media);
  if (rep->content != MILL_MPD_IMAGE)
    mill_mpd_xml_put_number (xml, "startNumber",
        rep->timeline != NULL ? mill_mpd_timeline_get_first (rep->timeline)
                              : rep->segments[0].number);
  write_timeline (xml, rep);
  mill_mpd_xml_end_element (xml);
}

/* 8.3: the index tells what SegmentTimeline would. */
static void
write_file (MillMpdXml *xml, const MillMpdRepresentation *rep)
{
  mill_mpd_xml_start_element (xml, "BaseURL");
  mill_mpd_xml_end_with_text (xml, rep->file);
  mill_mpd_xml_start_element (xml, "SegmentBase");
  mill_mpd_xml_put_number (xml, "timescale", rep->timescale);
  if (rep->presentation_time_offset > 0)
    mill_mpd_xml_put_number (xml, "presentationTimeOffset",
        rep->presentation_time_offset);
  put_range (xml, "indexRange", &rep->index);
  mill_mpd_xml_start_element (xml, "Initialization");
  put_range (xml, "range", &rep->header);
  mill_mpd_xml_end_element (xml);
  mill_mpd_xml_end_element (xml);
}

void
mill_mpd_representation_put_frame_rate (MillMpdXml *xml, const gchar *name,
    const MillMpdRepresentation *rep)
{
  if (rep->fps_n > 0 && rep->fps_d == 1)
    mill_mpd_xml_put_number (xml, name, rep->fps_n);
  else if (rep->fps_n > 0 && rep->fps_d > 1)
    mill_mpd_xml_put_ratio (xml, name, rep->fps_n, rep->fps_d, '/');
}

/* DASH-IF IOP 6.2.6: columns by rows; whoever does not know it cannot show them. */
static void
write_tiles (MillMpdXml *xml, const MillMpdRepresentation *rep)
{
  gchar text[32];

  if (rep->content != MILL_MPD_IMAGE)
    return;
  g_snprintf (text, sizeof (text), "%ux%u", rep->tile_columns, rep->tile_rows);
  mill_mpd_xml_write_descriptor (xml, "EssentialProperty", SCHEME_TILES, text);
}

static void
write_video_attributes (MillMpdXml *xml, const MillMpdRepresentation *rep)
{
  gboolean has_par = rep->par_n > 0 && rep->par_d > 0;

  if (rep->width == 0 || rep->height == 0)
    return;
  mill_mpd_xml_put_number (xml, "width", rep->width);
  mill_mpd_xml_put_number (xml, "height", rep->height);
  if (rep->content == MILL_MPD_IMAGE)
    return;
  mill_mpd_representation_put_frame_rate (xml, "frameRate", rep);
  mill_mpd_xml_put_ratio (xml, "sar", has_par ? rep->par_n : 1,
      has_par ? rep->par_d : 1, ':');
}

/* ISO/IEC 23091-3 (CICP) ChannelConfiguration for a number of channels in
 * their usual layout; 0 where the number alone does not tell. */
static guint
channel_configuration (guint channels)
{
  if (channels <= 6)
    return channels;
  if (channels == 8)
    return 12; /* 7.1 */
  return channels == 7 ? 11 : 0; /* 6.1 */
}

/* Dolby's own scheme is the one that players of its codecs read (ETSI TS 103
 * 190-2 annex E for AC-4, TS 103 285 6.3 for these). */
static void
write_channels (MillMpdXml *xml, const MillMpdRepresentation *rep)
{
  guint channels = rep->channel_configuration > 0
      ? rep->channel_configuration
      : channel_configuration (rep->channels);
  gchar value[16];

  if (rep->dolby_channels > 0) {
    g_snprintf (value, sizeof (value), "%04X", rep->dolby_channels);
    mill_mpd_xml_write_descriptor (xml, "AudioChannelConfiguration",
        SCHEME_DOLBY, value);
  } else if (channels > 0) {
    g_snprintf (value, sizeof (value), "%u", channels);
    mill_mpd_xml_write_descriptor (xml, "AudioChannelConfiguration",
        SCHEME_CHANNELS, value);
  }
}

void
mill_mpd_representation_write (MillMpdXml *xml,
    const MillMpdRepresentation *rep)
{
  mill_mpd_xml_start_element (xml, "Representation");
  mill_mpd_xml_put_text (xml, "id", rep->id);
  mill_mpd_xml_put_number (xml, "bandwidth", MAX (rep->bandwidth_bps, 1));
  if (rep->codecs != NULL)
    mill_mpd_xml_put_text (xml, "codecs", rep->codecs);
  write_video_attributes (xml, rep);
  /* 5.3.5.2: pictures that need no other can be shown at any rate. */
  if (rep->trick_set > 0) {
    mill_mpd_xml_put_number (xml, "maxPlayoutRate", TRICK_RATE);
    mill_mpd_xml_put_text (xml, "codingDependency", "false");
  }
  if (rep->sample_rate > 0)
    mill_mpd_xml_put_number (xml, "audioSamplingRate", rep->sample_rate);
  write_channels (xml, rep);
  write_tiles (xml, rep);
  if (rep->ranges != NULL)
    write_list (xml, rep);
  else if (rep->file != NULL)
    write_file (xml, rep);
  else
    write_template (xml, rep);
  mill_mpd_xml_end_element (xml);
}
