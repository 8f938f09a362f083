/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/mpd-xml-private.h"

/* Of a usual window: one allocation. */
#define USUAL_BYTES 4096

void
mill_mpd_xml_begin (MillMpdXml *self)
{
  *self = (MillMpdXml){ .text = g_string_sized_new (USUAL_BYTES) };
  g_string_append (self->text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

GBytes *
mill_mpd_xml_end (MillMpdXml *self)
{
  g_assert (self->depth == 0);
  return g_string_free_to_bytes (g_steal_pointer (&self->text));
}

static void
put_indent (MillMpdXml *self)
{
  for (guint i = 0; i < self->depth; i++)
    g_string_append_c (self->text, ' ');
}

void
mill_mpd_xml_start_element (MillMpdXml *self, const gchar *name)
{
  g_assert (self->depth < MILL_MPD_XML_DEPTH_MAX);
  if (self->in_tag)
    g_string_append (self->text, ">\n");
  put_indent (self);
  g_string_append_c (self->text, '<');
  g_string_append (self->text, name);
  self->names[self->depth++] = name;
  self->in_tag = TRUE;
}

void
mill_mpd_xml_end_element (MillMpdXml *self)
{
  self->depth--;
  if (self->in_tag) {
    g_string_append (self->text, "/>\n");
  } else {
    put_indent (self);
    g_string_append (self->text, "</");
    g_string_append (self->text, self->names[self->depth]);
    g_string_append (self->text, ">\n");
  }
  self->in_tag = FALSE;
}

static void
open_attribute (MillMpdXml *self, const gchar *name)
{
  g_string_append_c (self->text, ' ');
  g_string_append (self->text, name);
  g_string_append (self->text, "=\"");
}

/* XML 1.0 2.3 (AttValue) and 2.2: control characters are not even allowed as
 * references. */
static void
put_character (GString *text, gchar character)
{
  switch (character) {
    case '&':
      g_string_append (text, "&amp;");
      return;
    case '<':
      g_string_append (text, "&lt;");
      return;
    case '>':
      g_string_append (text, "&gt;");
      return;
    case '"':
      g_string_append (text, "&quot;");
      return;
    default:
      g_string_append_c (text, (guchar) character < 0x20 ? ' ' : character);
  }
}

void
mill_mpd_xml_put_text (MillMpdXml *self, const gchar *name, const gchar *value)
{
  g_autofree gchar *valid =
      g_utf8_validate (value, -1, NULL) ? NULL : g_utf8_make_valid (value, -1);

  open_attribute (self, name);
  for (const gchar *at = valid ? valid : value; *at != '\0'; at++)
    put_character (self->text, *at);
  g_string_append_c (self->text, '"');
}

void
mill_mpd_xml_put_number (MillMpdXml *self, const gchar *name, guint64 value)
{
  gchar digits[20];
  gsize at = sizeof digits;

  do {
    digits[--at] = (gchar) ('0' + value % 10);
    value /= 10;
  } while (value > 0);
  open_attribute (self, name);
  g_string_append_len (self->text, digits + at, sizeof digits - at);
  g_string_append_c (self->text, '"');
}

void
mill_mpd_xml_put_ratio (MillMpdXml *xml, const gchar *name, guint n, guint d,
    gchar separator)
{
  gchar text[32];

  g_snprintf (text, sizeof (text), "%u%c%u", n, separator, d);
  mill_mpd_xml_put_text (xml, name, text);
}

/* xs:duration in seconds; integers, because of the locale's decimal comma. */
void
mill_mpd_xml_put_duration (MillMpdXml *xml, const gchar *name,
    GstClockTime time)
{
  gchar text[48];

  if (!GST_CLOCK_TIME_IS_VALID (time))
    return;
  g_snprintf (text, sizeof (text),
      "PT%" G_GUINT64_FORMAT ".%06" G_GUINT64_FORMAT "S", time / GST_SECOND,
      time % GST_SECOND / GST_USECOND);
  mill_mpd_xml_put_text (xml, name, text);
}

void
mill_mpd_xml_put_date (MillMpdXml *xml, const gchar *name, gint64 time_us)
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

void
mill_mpd_xml_write_descriptor (MillMpdXml *xml, const gchar *name,
    const gchar *scheme, const gchar *value)
{
  mill_mpd_xml_start_element (xml, name);
  mill_mpd_xml_put_text (xml, "schemeIdUri", scheme);
  if (value != NULL)
    mill_mpd_xml_put_text (xml, "value", value);
  mill_mpd_xml_end_element (xml);
}

void
mill_mpd_xml_end_with_text (MillMpdXml *self, const gchar *text)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, -1);

  g_string_append_c (self->text, '>');
  for (const gchar *at = valid; *at != '\0'; at++)
    put_character (self->text, *at);
  self->depth--;
  g_string_append_printf (self->text, "</%s>\n", self->names[self->depth]);
  self->in_tag = FALSE;
}

void
mill_mpd_xml_write_content (MillMpdXml *self, const gchar *name,
    const gchar *text)
{
  mill_mpd_xml_start_element (self, name);
  g_string_append_printf (self->text, ">%s</%s>\n", text, name);
  self->depth--;
  self->in_tag = FALSE;
}
