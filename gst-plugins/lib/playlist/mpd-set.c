/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/mpd-private.h"

#define SCHEME_ROLE "urn:mpeg:dash:role:2011"
/* SCTE 214-1 */
#define SCHEME_CEA_608 "urn:scte:dash:cc:cea-608:2015"
#define SCHEME_CEA_708 "urn:scte:dash:cc:cea-708:2015"
#define SCHEME_CICP "urn:mpeg:mpegB:cicp:"
#define SCHEME_TRICK_MODE "http://dashif.org/guidelines/trickmode"
#define SCHEME_CONTINUITY "urn:mpeg:dash:period-continuity:2015"

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
    mill_mpd_representation_put_frame_rate (xml, "maxFrameRate", fastest);
}

static void
write_code_point (MillMpdXml *xml, const gchar *name, const gchar *what,
    guint value)
{
  g_autofree gchar *scheme = g_strconcat (SCHEME_CICP, what, NULL);
  gchar text[8];

  g_snprintf (text, sizeof (text), "%u", value);
  mill_mpd_xml_write_descriptor (xml, name, scheme, text);
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

/* Captions that are inside of the video (SCTE 214-1 7.2). */
static void
write_captions (MillMpdXml *xml, const gchar *scheme, const gchar *value)
{
  if (value != NULL)
    mill_mpd_xml_write_descriptor (xml, "Accessibility", scheme,
        value[0] != '\0' ? value : NULL);
}

static void
write_roles (MillMpdXml *xml, const MillMpdRepresentation *first)
{
  static const gchar *const of_text[] = {
    [MILL_MPD_SUBTITLE] = "subtitle",
    [MILL_MPD_CAPTION] = "caption",
    [MILL_MPD_FORCED_SUBTITLE] = "forced-subtitle",
  };
  gboolean is_text = first->content == MILL_MPD_TEXT;

  if (first->is_main || !is_text)
    mill_mpd_xml_write_descriptor (xml, "Role", SCHEME_ROLE,
        first->is_main ? "main" : "alternate");
  if (is_text)
    mill_mpd_xml_write_descriptor (xml, "Role", SCHEME_ROLE,
        of_text[first->text_role]);
}

static void
write_set_head (MillMpdXml *xml, const MillMpdPeriod *period,
    const MillMpdRepresentation *first)
{
  static const gchar *const types[] = {
    [MILL_MPD_VIDEO] = "video",
    [MILL_MPD_AUDIO] = "audio",
    [MILL_MPD_TEXT] = "text",
    [MILL_MPD_IMAGE] = "image",
  };
  /* Of text in ISOBMFF: RFC 4337, and DASH-IF IOP. */
  static const gchar *const mime_types[] = {
    [MILL_MPD_VIDEO] = "video/mp4",
    [MILL_MPD_AUDIO] = "audio/mp4",
    [MILL_MPD_TEXT] = "application/mp4",
    [MILL_MPD_IMAGE] = "image/jpeg",
  };
  gboolean is_video = first->content == MILL_MPD_VIDEO;
  gchar trick_set[16];
  gboolean is_image = first->content == MILL_MPD_IMAGE;

  mill_mpd_xml_put_number (xml, "id", first->set);
  mill_mpd_xml_put_text (xml, "contentType", types[first->content]);
  mill_mpd_xml_put_text (xml, "mimeType", mime_types[first->content]);
  if (first->language != NULL && first->language[0] != '\0')
    mill_mpd_xml_put_text (xml, "lang", first->language);
  if (is_video)
    write_maxima (xml, period, first->set);
  /* Sheets need no other one, and are in step with nothing. */
  if (is_image)
    return;
  /* Of one file with an index it is its subsegments that are cut alike (8.3.3).
   */
  gboolean indexed = first->file != NULL && first->ranges == NULL;
  mill_mpd_xml_put_text (xml,
      indexed ? "subsegmentAlignment" : "segmentAlignment", "true");
  if (promises_sap (period, first->set))
    mill_mpd_xml_put_number (xml,
        indexed ? "subsegmentStartsWithSAP" : "startWithSAP", 1);
  /* Whoever does not know what this is has to leave the set alone (DASH-IF IOP
   * 3.2.9). */
  if (first->trick_set > 0) {
    g_snprintf (trick_set, sizeof (trick_set), "%u", first->trick_set);
    mill_mpd_xml_write_descriptor (xml, "EssentialProperty", SCHEME_TRICK_MODE,
        trick_set);
  }
  if (is_video)
    write_colour (xml, &first->colour);
  if (period->continues != NULL)
    mill_mpd_xml_write_descriptor (xml, "SupplementalProperty",
        SCHEME_CONTINUITY, period->continues);
  mill_mpd_event_write_inband (xml, first->event_schemes);
  if (first->trick_set > 0)
    return;
  write_captions (xml, SCHEME_CEA_608, first->captions_608);
  write_captions (xml, SCHEME_CEA_708, first->captions_708);
  write_roles (xml, first);
}

gsize
mill_mpd_set_write (MillMpdXml *xml, const MillMpdPeriod *period, gsize i)
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
    mill_mpd_representation_write (xml, &reps[i]);
  }
  if (is_open)
    mill_mpd_xml_end_element (xml);
  return i;
}
