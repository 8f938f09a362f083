/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/mpd.h"

#include <stdarg.h>

#include "playlist/mpd-xml-private.h"

/* 23009-1 8.4 "isoff-live": what a template with a timeline conforms to. */
#define PROFILE_LIVE "urn:mpeg:dash:profile:isoff-live:2011"
#define NS_MPD "urn:mpeg:dash:schema:mpd:2011"
#define SCHEME_ROLE "urn:mpeg:dash:role:2011"
#define SCHEME_CHANNELS "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"
#define SCHEME_DOLBY "tag:dolby.com,2014:dash:audio_channel_configuration:2011"
#define SCHEME_CICP "urn:mpeg:mpegB:cicp:"
#define SCHEME_CONTINUITY "urn:mpeg:dash:period-continuity:2015"
#define SCHEME_UTC "urn:mpeg:dash:utc:http-head:2014"

G_DEFINE_QUARK (mill_mpd_error, mill_mpd_error)

/* ---- checks ---- */

static gboolean fail (GError **error, const gchar *format, ...)
    G_GNUC_PRINTF (2, 3);

static gboolean
fail (GError **error, const gchar *format, ...)
{
  va_list args;

  if (error != NULL) {
    va_start (args, format);
    *error = g_error_new_valist (MILL_MPD_ERROR, MILL_MPD_ERROR_INVALID, format,
        args);
    va_end (args);
  }
  return FALSE;
}

static gboolean
check_segments (const MillMpdRepresentation *rep, GError **error)
{
  for (gsize i = 1; i < rep->n_segments; i++) {
    const MillMpdSegment *last = &rep->segments[i - 1];
    const MillMpdSegment *next = &rep->segments[i];

    if (next->number != last->number + 1)
      return fail (error,
          "segment of representation '%s': got number %" G_GUINT64_FORMAT
          ", expected %" G_GUINT64_FORMAT " (a gap needs a new Period)",
          rep->id, next->number, last->number + 1);
    if (next->time < last->time + last->duration)
      return fail (error,
          "segment %" G_GUINT64_FORMAT
          " of representation '%s': got time %" G_GUINT64_FORMAT
          ", expected %" G_GUINT64_FORMAT " or later",
          next->number, rep->id, next->time, last->time + last->duration);
  }
  return TRUE;
}

static gboolean
check_representation (const MillMpdRepresentation *rep, GError **error)
{
  if (rep->timescale == 0)
    return fail (error,
        "timescale of representation '%s': got 0, expected ticks per second",
        rep->id);
  for (gsize i = 0; i < rep->n_segments; i++) {
    if (rep->segments[i].duration == 0)
      return fail (error,
          "duration of segment %" G_GUINT64_FORMAT
          " of representation '%s': got 0, expected more",
          rep->segments[i].number, rep->id);
  }
  return check_segments (rep, error);
}

static gboolean
check_period (const MillMpdPeriod *period, GError **error)
{
  if (!GST_CLOCK_TIME_IS_VALID (period->start))
    return fail (error, "start of Period '%s': got none, expected a time",
        period->id);
  for (gsize i = 0; i < period->n_representations; i++) {
    if (!check_representation (&period->representations[i], error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
check_mpd (const MillMpd *mpd, GError **error)
{
  if (mpd->kind == MILL_MPD_STATIC && !GST_CLOCK_TIME_IS_VALID (mpd->duration))
    return fail (error,
        "duration of the static MPD: got none, expected a time");
  for (gsize i = 0; i < mpd->n_periods; i++) {
    if (!check_period (&mpd->periods[i], error))
      return FALSE;
    if (i > 0 && mpd->periods[i].start < mpd->periods[i - 1].start)
      return fail (error,
          "start of Period '%s': got a time before that of Period '%s'",
          mpd->periods[i].id, mpd->periods[i - 1].id);
  }
  return TRUE;
}

/* ---- attributes ---- */

static void
put_ratio (MillMpdXml *xml, const gchar *name, guint n, guint d,
    gchar separator)
{
  gchar text[32];

  g_snprintf (text, sizeof (text), "%u%c%u", n, separator, d);
  mill_mpd_xml_put_text (xml, name, text);
}

/* xs:duration in seconds; integers, because of the locale's decimal comma. */
static void
put_duration (MillMpdXml *xml, const gchar *name, GstClockTime time)
{
  gchar text[48];

  if (!GST_CLOCK_TIME_IS_VALID (time))
    return;
  g_snprintf (text, sizeof (text),
      "PT%" G_GUINT64_FORMAT ".%06" G_GUINT64_FORMAT "S", time / GST_SECOND,
      time % GST_SECOND / GST_USECOND);
  mill_mpd_xml_put_text (xml, name, text);
}

static void
put_date (MillMpdXml *xml, const gchar *name, gint64 time_us)
{
  g_autoptr (GDateTime) date =
      g_date_time_new_from_unix_utc (time_us / G_USEC_PER_SEC);
  g_autofree gchar *seconds = NULL;
  g_autofree gchar *text = NULL;

  if (date == NULL)
    return;
  seconds = g_date_time_format (date, "%Y-%m-%dT%H:%M:%S");
  text =
      g_strdup_printf ("%s.%06dZ", seconds, (gint) (time_us % G_USEC_PER_SEC));
  mill_mpd_xml_put_text (xml, name, text);
}

static void
write_descriptor (MillMpdXml *xml, const gchar *name, const gchar *scheme,
    const gchar *value)
{
  mill_mpd_xml_start_element (xml, name);
  mill_mpd_xml_put_text (xml, "schemeIdUri", scheme);
  mill_mpd_xml_put_text (xml, "value", value);
  mill_mpd_xml_end_element (xml);
}

/* ---- elements, from the inside out ---- */

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
write_template (MillMpdXml *xml, const MillMpdRepresentation *rep)
{
  mill_mpd_xml_start_element (xml, "SegmentTemplate");
  mill_mpd_xml_put_number (xml, "timescale", rep->timescale);
  if (rep->presentation_time_offset > 0)
    mill_mpd_xml_put_number (xml, "presentationTimeOffset",
        rep->presentation_time_offset);
  mill_mpd_xml_put_text (xml, "initialization", rep->init);
  mill_mpd_xml_put_text (xml, "media", rep->media);
  mill_mpd_xml_put_number (xml, "startNumber", rep->segments[0].number);
  mill_mpd_xml_start_element (xml, "SegmentTimeline");
  for (gsize i = 0; i < rep->n_segments;)
    i = write_run (xml, rep, i);
  mill_mpd_xml_end_element (xml);
  mill_mpd_xml_end_element (xml);
}

static void
put_frame_rate (MillMpdXml *xml, const gchar *name,
    const MillMpdRepresentation *rep)
{
  if (rep->fps_n > 0 && rep->fps_d == 1)
    mill_mpd_xml_put_number (xml, name, rep->fps_n);
  else if (rep->fps_n > 0 && rep->fps_d > 1)
    put_ratio (xml, name, rep->fps_n, rep->fps_d, '/');
}

static void
write_video_attributes (MillMpdXml *xml, const MillMpdRepresentation *rep)
{
  gboolean has_par = rep->par_n > 0 && rep->par_d > 0;

  if (rep->width == 0 || rep->height == 0)
    return;
  mill_mpd_xml_put_number (xml, "width", rep->width);
  mill_mpd_xml_put_number (xml, "height", rep->height);
  put_frame_rate (xml, "frameRate", rep);
  put_ratio (xml, "sar", has_par ? rep->par_n : 1, has_par ? rep->par_d : 1,
      ':');
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
    write_descriptor (xml, "AudioChannelConfiguration", SCHEME_DOLBY, value);
  } else if (channels > 0) {
    g_snprintf (value, sizeof (value), "%u", channels);
    write_descriptor (xml, "AudioChannelConfiguration", SCHEME_CHANNELS, value);
  }
}

static void
write_representation (MillMpdXml *xml, const MillMpdRepresentation *rep)
{
  mill_mpd_xml_start_element (xml, "Representation");
  mill_mpd_xml_put_text (xml, "id", rep->id);
  mill_mpd_xml_put_number (xml, "bandwidth", MAX (rep->bandwidth_bps, 1));
  if (rep->codecs != NULL)
    mill_mpd_xml_put_text (xml, "codecs", rep->codecs);
  write_video_attributes (xml, rep);
  if (rep->sample_rate > 0)
    mill_mpd_xml_put_number (xml, "audioSamplingRate", rep->sample_rate);
  write_channels (xml, rep);
  write_template (xml, rep);
  mill_mpd_xml_end_element (xml);
}

static gboolean
promises_sap (const MillMpdPeriod *period, guint set)
{
  for (gsize i = 0; i < period->n_representations; i++) {
    if (period->representations[i].set == set &&
        period->representations[i].cut_without_sap)
      return FALSE;
  }
  return TRUE;
}

/* Of the largest picture and the highest rate in the set (5.3.3.2): what a
 * player has to make room for before it has chosen. */
static void
write_maxima (MillMpdXml *xml, const MillMpdPeriod *period, guint set)
{
  guint width = 0;
  guint height = 0;
  const MillMpdRepresentation *fastest = NULL;

  for (gsize i = 0; i < period->n_representations; i++) {
    const MillMpdRepresentation *rep = &period->representations[i];

    if (rep->set != set || rep->n_segments == 0)
      continue;
    width = MAX (width, rep->width);
    height = MAX (height, rep->height);
    if (rep->fps_n > 0 && rep->fps_d > 0 &&
        (fastest == NULL ||
            (guint64) rep->fps_n * fastest->fps_d >
                (guint64) fastest->fps_n * rep->fps_d))
      fastest = rep;
  }
  if (width > 0 && height > 0) {
    mill_mpd_xml_put_number (xml, "maxWidth", width);
    mill_mpd_xml_put_number (xml, "maxHeight", height);
  }
  if (fastest != NULL)
    put_frame_rate (xml, "maxFrameRate", fastest);
}

static void
write_code_point (MillMpdXml *xml, const gchar *name, const gchar *what,
    guint value)
{
  g_autofree gchar *scheme = g_strconcat (SCHEME_CICP, what, NULL);
  gchar text[8];

  g_snprintf (text, sizeof (text), "%u", value);
  write_descriptor (xml, name, scheme, text);
}

/* What a player that cannot show PQ or HLG must leave alone is essential;
 * other colours are told where they are not what players assume, BT.709. */
static void
write_colour (MillMpdXml *xml, const MillCodecColour *colour)
{
  gboolean is_sdr = mill_codec_get_range (colour) == MILL_CODEC_SDR;
  const gchar *name = is_sdr ? "SupplementalProperty" : "EssentialProperty";

  if (!colour->known ||
      (colour->primaries == 1 && colour->transfer == 1 && colour->matrix == 1))
    return;
  write_code_point (xml, name, "ColourPrimaries", colour->primaries);
  write_code_point (xml, name, "TransferCharacteristics", colour->transfer);
  write_code_point (xml, name, "MatrixCoefficients", colour->matrix);
}

static void
write_set_head (MillMpdXml *xml, const MillMpdPeriod *period,
    const MillMpdRepresentation *first)
{
  gboolean is_video = first->content == MILL_MPD_VIDEO;

  mill_mpd_xml_put_number (xml, "id", first->set);
  mill_mpd_xml_put_text (xml, "contentType", is_video ? "video" : "audio");
  mill_mpd_xml_put_text (xml, "mimeType", is_video ? "video/mp4" : "audio/mp4");
  if (first->language != NULL && first->language[0] != '\0')
    mill_mpd_xml_put_text (xml, "lang", first->language);
  if (is_video)
    write_maxima (xml, period, first->set);
  mill_mpd_xml_put_text (xml, "segmentAlignment", "true");
  if (promises_sap (period, first->set))
    mill_mpd_xml_put_number (xml, "startWithSAP", 1);
  if (is_video)
    write_colour (xml, &first->colour);
  if (period->continues != NULL)
    write_descriptor (xml, "SupplementalProperty", SCHEME_CONTINUITY,
        period->continues);
  write_descriptor (xml, "Role", SCHEME_ROLE,
      first->is_main ? "main" : "alternate");
}

/* Writes the set that starts at @i; returns what comes after it. */
static gsize
write_set (MillMpdXml *xml, const MillMpdPeriod *period, gsize i)
{
  const MillMpdRepresentation *reps = period->representations;
  guint set = reps[i].set;
  gboolean is_open = FALSE;

  for (; i < period->n_representations && reps[i].set == set; i++) {
    if (reps[i].n_segments == 0)
      continue;
    if (!is_open) {
      mill_mpd_xml_start_element (xml, "AdaptationSet");
      write_set_head (xml, period, &reps[i]);
      is_open = TRUE;
    }
    write_representation (xml, &reps[i]);
  }
  if (is_open)
    mill_mpd_xml_end_element (xml);
  return i;
}

static gboolean
has_media (const MillMpdPeriod *period)
{
  for (gsize i = 0; i < period->n_representations; i++) {
    if (period->representations[i].n_segments > 0)
      return TRUE;
  }
  return FALSE;
}

static void
write_period (MillMpdXml *xml, const MillMpdPeriod *period)
{
  mill_mpd_xml_start_element (xml, "Period");
  mill_mpd_xml_put_text (xml, "id", period->id);
  put_duration (xml, "start", period->start);
  put_duration (xml, "duration", period->duration);
  for (gsize i = 0; i < period->n_representations;)
    i = write_set (xml, period, i);
  mill_mpd_xml_end_element (xml);
}

static void
write_mpd_attributes (MillMpdXml *xml, const MillMpd *mpd)
{
  gboolean is_dynamic = mpd->kind == MILL_MPD_DYNAMIC;

  mill_mpd_xml_put_text (xml, "xmlns", NS_MPD);
  mill_mpd_xml_put_text (xml, "profiles", PROFILE_LIVE);
  mill_mpd_xml_put_text (xml, "type", is_dynamic ? "dynamic" : "static");
  if (is_dynamic) {
    put_date (xml, "availabilityStartTime", mpd->availability_start_us);
    put_date (xml, "publishTime", mpd->publish_us);
    put_duration (xml, "minimumUpdatePeriod", mpd->minimum_update_period);
    put_duration (xml, "timeShiftBufferDepth", mpd->time_shift_buffer_depth);
    put_duration (xml, "suggestedPresentationDelay",
        mpd->suggested_presentation_delay);
  } else {
    put_duration (xml, "mediaPresentationDuration", mpd->duration);
  }
  put_duration (xml, "maxSegmentDuration", mpd->max_segment_duration);
  /* Required (5.3.1.2). */
  put_duration (xml, "minBufferTime",
      GST_CLOCK_TIME_IS_VALID (mpd->min_buffer_time) ? mpd->min_buffer_time
                                                     : 2 * GST_SECOND);
}

static void
write_mpd (MillMpdXml *xml, const MillMpd *mpd)
{
  mill_mpd_xml_start_element (xml, "MPD");
  write_mpd_attributes (xml, mpd);
  for (gsize i = 0; i < mpd->n_periods; i++) {
    if (has_media (&mpd->periods[i]))
      write_period (xml, &mpd->periods[i]);
  }
  if (mpd->kind == MILL_MPD_DYNAMIC && mpd->utc_timing != NULL)
    write_descriptor (xml, "UTCTiming", SCHEME_UTC, mpd->utc_timing);
  mill_mpd_xml_end_element (xml);
}

GBytes *
mill_mpd_print (const MillMpd *mpd, GError **error)
{
  MillMpdXml xml;

  if (!check_mpd (mpd, error))
    return NULL;
  mill_mpd_xml_begin (&xml);
  write_mpd (&xml, mpd);
  return mill_mpd_xml_end (&xml);
}
