/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/mpd-xml-private.h"

#include "playlist/text-numbers.h"

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

static gboolean
is_plain (gchar character)
{
  return (guchar) character >= 0x20 && character != '&' && character != '<' &&
      character != '>' && character != '"';
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

static void
put_characters (GString *text, const gchar *at)
{
  while (*at != '\0') {
    gsize n_plain = 0;

    while (is_plain (at[n_plain]))
      n_plain++;
    g_string_append_len (text, at, (gssize) n_plain);
    at += n_plain;
    if (*at != '\0')
      put_character (text, *at++);
  }
}

void
mill_mpd_xml_put_text (MillMpdXml *self, const gchar *name, const gchar *value)
{
  g_autofree gchar *valid =
      g_utf8_validate (value, -1, NULL) ? NULL : g_utf8_make_valid (value, -1);

  open_attribute (self, name);
  put_characters (self->text, valid ? valid : value);
  g_string_append_c (self->text, '"');
}

void
mill_mpd_xml_put_number (MillMpdXml *self, const gchar *name, guint64 value)
{
  open_attribute (self, name);
  mill_text_numbers_append (self->text, value, 1);
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
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return;
  open_attribute (xml, name);
  g_string_append (xml->text, "PT");
  mill_text_numbers_append (xml->text, time / GST_SECOND, 1);
  g_string_append_c (xml->text, '.');
  mill_text_numbers_append (xml->text, time % GST_SECOND / GST_USECOND, 6);
  g_string_append (xml->text, "S\"");
}

void
mill_mpd_xml_put_date (MillMpdXml *xml, const gchar *name, gint64 time_us)
{
  gsize before = xml->text->len;

  open_attribute (xml, name);
  if (mill_text_numbers_append_date (xml->text, time_us, 6))
    g_string_append_c (xml->text, '"');
  else
    g_string_truncate (xml->text, before);
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
  put_characters (self->text, valid);
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
