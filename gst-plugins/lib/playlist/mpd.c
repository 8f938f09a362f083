/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/mpd-private.h"

/* 23009-1 8.4 "isoff-live": what a template with a timeline conforms to. */
#define PROFILE_LIVE "urn:mpeg:dash:profile:isoff-live:2011"
/* 8.3: one file with an index. */
#define PROFILE_ON_DEMAND "urn:mpeg:dash:profile:isoff-on-demand:2011"
#define NS_MPD "urn:mpeg:dash:schema:mpd:2011"
#define SCHEME_UTC "urn:mpeg:dash:utc:http-head:2014"

G_DEFINE_QUARK (mill_mpd_error, mill_mpd_error)

static gboolean
has_media (const MillMpdPeriod *period)
{
  for (gsize i = 0; i < period->n_representations; i++) {
    if (period->representations[i].n_segments > 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_on_demand (const MillMpd *mpd)
{
  for (gsize i = 0; i < mpd->n_periods; i++)
    for (gsize k = 0; k < mpd->periods[i].n_representations; k++)
      if (mpd->periods[i].representations[k].file == NULL &&
          mpd->periods[i].representations[k].n_segments > 0)
        return FALSE;
  return mpd->n_periods > 0;
}

static void
write_period (MillMpdXml *xml, const MillMpdPeriod *period)
{
  mill_mpd_xml_start_element (xml, "Period");
  mill_mpd_xml_put_text (xml, "id", period->id);
  mill_mpd_xml_put_duration (xml, "start", period->start);
  mill_mpd_xml_put_duration (xml, "duration", period->duration);
  mill_mpd_event_write_stream (xml, period);
  for (gsize i = 0; i < period->n_representations;)
    i = mill_mpd_set_write (xml, period, i);
  mill_mpd_xml_end_element (xml);
}

static void
write_mpd_attributes (MillMpdXml *xml, const MillMpd *mpd)
{
  gboolean is_dynamic = mpd->kind == MILL_MPD_DYNAMIC;

  mill_mpd_xml_put_text (xml, "xmlns", NS_MPD);
  mill_mpd_xml_put_text (xml, "profiles",
      is_on_demand (mpd) ? PROFILE_ON_DEMAND : PROFILE_LIVE);
  mill_mpd_xml_put_text (xml, "type", is_dynamic ? "dynamic" : "static");
  if (is_dynamic) {
    mill_mpd_xml_put_date (xml, "availabilityStartTime",
        mpd->availability_start_us);
    mill_mpd_xml_put_date (xml, "publishTime", mpd->publish_us);
    mill_mpd_xml_put_duration (xml, "minimumUpdatePeriod",
        mpd->minimum_update_period);
    mill_mpd_xml_put_duration (xml, "timeShiftBufferDepth",
        mpd->time_shift_buffer_depth);
    mill_mpd_xml_put_duration (xml, "suggestedPresentationDelay",
        mpd->suggested_presentation_delay);
  } else {
    mill_mpd_xml_put_duration (xml, "mediaPresentationDuration", mpd->duration);
  }
  mill_mpd_xml_put_duration (xml, "maxSegmentDuration",
      mpd->max_segment_duration);
  /* Required (5.3.1.2). */
  mill_mpd_xml_put_duration (xml, "minBufferTime",
      GST_CLOCK_TIME_IS_VALID (mpd->min_buffer_time) ? mpd->min_buffer_time
                                                     : 2 * GST_SECOND);
}

static void
write_mpd (MillMpdXml *xml, const MillMpd *mpd)
{
  mill_mpd_xml_start_element (xml, "MPD");
  write_mpd_attributes (xml, mpd);
  mill_mpd_base_write (xml, mpd);
  mill_mpd_base_write_steering (xml, mpd);
  for (gsize i = 0; i < mpd->n_periods; i++) {
    if (has_media (&mpd->periods[i]))
      write_period (xml, &mpd->periods[i]);
  }
  if (mpd->kind == MILL_MPD_DYNAMIC && mpd->utc_timing != NULL)
    mill_mpd_xml_write_descriptor (xml, "UTCTiming", SCHEME_UTC,
        mpd->utc_timing);
  mill_mpd_xml_end_element (xml);
}

GBytes *
mill_mpd_print (const MillMpd *mpd, GError **error)
{
  MillMpdXml xml;

  if (!mill_mpd_check (mpd, error))
    return NULL;
  mill_mpd_xml_begin (&xml);
  write_mpd (&xml, mpd);
  return mill_mpd_xml_end (&xml);
}
