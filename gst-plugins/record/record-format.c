/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "record-format.h"

#include <string.h>

#define IN(container) (1u << MILL_RECORD_##container)

/** Which file has a place for a codec: the MP4 registration authority's and
 * Matroska's lists of codecs, and the WebM container guidelines. */
static const struct
{
  const gchar *caps;
  const gchar *title;
  guint containers;
} codecs[] = {
  { "video/x-h264", "H.264", IN (MP4) | IN (MATROSKA) },
  { "video/x-h265", "HEVC", IN (MP4) | IN (MATROSKA) },
  { "video/x-av1", "AV1", IN (MP4) | IN (WEBM) | IN (MATROSKA) },
  { "video/x-vp9", "VP9", IN (MP4) | IN (WEBM) | IN (MATROSKA) },
  /* The VP codec binding has vp08; players do not. */
  { "video/x-vp8", "VP8", IN (WEBM) | IN (MATROSKA) },
  { "audio/mpeg, mpegversion=(int){ 2, 4 }", "AAC", IN (MP4) | IN (MATROSKA) },
  { "audio/mpeg, mpegversion=(int)1, layer=(int)3", "MP3",
      IN (MP4) | IN (MATROSKA) },
  { "audio/mpeg, mpegversion=(int)1", "MPEG audio of layer 1 or 2", 0 },
  { "audio/x-ac3", "AC-3", IN (MP4) | IN (MATROSKA) },
  { "audio/x-eac3", "E-AC-3", IN (MP4) | IN (MATROSKA) },
  { "audio/x-opus", "Opus", IN (MP4) | IN (WEBM) | IN (MATROSKA) },
  { "audio/x-flac", "FLAC", IN (MP4) | IN (MATROSKA) },
};

static const gchar *const titles[] = { "MP4", "WebM", "Matroska" };
static const gchar *const extensions[] = { ".mp4", ".webm", ".mkv" };

void
mill_record_format_copy (MillRecordFormat *to, const MillRecordFormat *from)
{
  *to = *from;
  if (from->codec_data != NULL)
    to->codec_data = g_bytes_ref (from->codec_data);
}

void
mill_record_format_clear (MillRecordFormat *format)
{
  g_clear_pointer (&format->codec_data, g_bytes_unref);
}

static gboolean
has_equal_data (const MillRecordFormat *a, const MillRecordFormat *b)
{
  if (a->codec_data == NULL || b->codec_data == NULL)
    return a->codec_data == b->codec_data;
  return g_bytes_equal (a->codec_data, b->codec_data);
}

gboolean
mill_record_format_equals (const MillRecordFormat *a, const MillRecordFormat *b)
{
  return a->kind == b->kind && a->is_vp8 == b->is_vp8 &&
      a->codec.codec == b->codec.codec && a->codec.width == b->codec.width &&
      a->codec.height == b->codec.height && a->codec.par_n == b->codec.par_n &&
      a->codec.par_d == b->codec.par_d && a->orientation == b->orientation &&
      a->timescale == b->timescale && has_equal_data (a, b);
}

const gchar *
mill_record_format_get_title (MillRecordContainer container)
{
  return titles[container];
}

static gchar *
join (const GPtrArray *words)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < words->len; i++) {
    const gchar *before = i == 0 ? "" : i + 1 < words->len ? ", " : " or ";
    g_string_append_printf (text, "%s%s", before,
        (const gchar *) g_ptr_array_index (words, i));
  }
  return g_strdup (text->str);
}

/* The codecs of that kind which @container has. */
static gchar *
list_codecs (MillRecordContainer container, const gchar *kind)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (g_str_has_prefix (codecs[i].caps, kind) &&
        (codecs[i].containers & 1u << container) != 0)
      g_ptr_array_add (words, (gpointer) codecs[i].title);
  return join (words);
}

static gchar *
list_extensions (guint containers)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  for (guint i = 0; i < G_N_ELEMENTS (extensions); i++)
    if ((containers & 1u << i) != 0)
      g_ptr_array_add (words, (gpointer) extensions[i]);
  return join (words);
}

gchar *
mill_record_format_refuse (MillRecordContainer container, const GstCaps *caps)
{
  const gchar *name = gst_structure_get_name (gst_caps_get_structure (caps, 0));
  g_autofree gchar *others = list_codecs (container,
      g_str_has_prefix (name, "video/") ? "video/" : "audio/");
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++) {
    g_autoptr (GstCaps) wanted = gst_caps_from_string (codecs[i].caps);
    if (!gst_caps_can_intersect (caps, wanted))
      continue;
    if ((codecs[i].containers & 1u << container) != 0)
      return NULL;
    g_autofree gchar *files = list_extensions (codecs[i].containers);
    return g_strdup_printf ("got %s, which %s does not hold, expected %s%s%s",
        codecs[i].title, titles[container], others,
        *files != '\0' ? ", or a location that ends in " : "; encode it anew",
        files);
  }
  return g_strdup_printf ("got %s, which is not recorded, expected %s; encode "
                          "it anew",
      name, others);
}
