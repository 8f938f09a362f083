/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/mpd-private.h"

void
mill_mpd_base_write (MillMpdXml *xml, const MillMpd *mpd)
{
  for (gsize i = 0; i < mpd->n_bases; i++) {
    mill_mpd_xml_start_element (xml, "BaseURL");
    if (mpd->bases[i].location != NULL)
      mill_mpd_xml_put_text (xml, "serviceLocation", mpd->bases[i].location);
    mill_mpd_xml_end_with_text (xml,
        mpd->bases[i].uri != NULL ? mpd->bases[i].uri : "./");
  }
}

/* "Content Steering for DASH" 2: a player asks before it begins, so that nobody
 * loads from where nobody should. */
void
mill_mpd_base_write_steering (MillMpdXml *xml, const MillMpd *mpd)
{
  if (mpd->steering_uri == NULL || mpd->n_bases == 0)
    return;
  mill_mpd_xml_start_element (xml, "ContentSteering");
  if (mpd->bases[0].location != NULL)
    mill_mpd_xml_put_text (xml, "defaultServiceLocation",
        mpd->bases[0].location);
  mill_mpd_xml_put_text (xml, "queryBeforeStart", "true");
  mill_mpd_xml_end_with_text (xml, mpd->steering_uri);
}
