/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/mpd-private.h"

/* SCTE 214-1 6.7: a section as base64 in SCTE 35's own XML. */
#define SCHEME_SCTE35 "urn:scte:scte35:2014:xml+bin"
#define NS_SCTE35 "http://www.scte.org/schemas/35/2016"

static void
write_event (MillMpdXml *xml, const MillMpdEvent *event)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (event->section, &size);
  g_autofree gchar *text = g_base64_encode (data, size);

  mill_mpd_xml_start_element (xml, "Event");
  mill_mpd_xml_put_number (xml, "presentationTime", event->time);
  if (event->duration != MILL_MPD_EVENT_NO_DURATION)
    mill_mpd_xml_put_number (xml, "duration", event->duration);
  mill_mpd_xml_put_number (xml, "id", event->id);
  mill_mpd_xml_start_element (xml, "Signal");
  mill_mpd_xml_put_text (xml, "xmlns", NS_SCTE35);
  mill_mpd_xml_write_content (xml, "Binary", text);
  mill_mpd_xml_end_element (xml);
  mill_mpd_xml_end_element (xml);
}

void
mill_mpd_event_write_stream (MillMpdXml *xml, const MillMpdPeriod *period)
{
  if (period->n_events == 0)
    return;
  mill_mpd_xml_start_element (xml, "EventStream");
  mill_mpd_xml_put_text (xml, "schemeIdUri", SCHEME_SCTE35);
  mill_mpd_xml_put_number (xml, "timescale", MILL_MPD_EVENT_TIMESCALE);
  for (gsize i = 0; i < period->n_events; i++)
    write_event (xml, &period->events[i]);
  mill_mpd_xml_end_element (xml);
}

void
mill_mpd_event_write_inband (MillMpdXml *xml, const gchar *const *schemes)
{
  for (gsize i = 0; schemes != NULL && schemes[i] != NULL; i++) {
    mill_mpd_xml_start_element (xml, "InbandEventStream");
    mill_mpd_xml_put_text (xml, "schemeIdUri", schemes[i]);
    mill_mpd_xml_end_element (xml);
  }
}
