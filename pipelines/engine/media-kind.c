/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "media-kind.h"

#include <string.h>

/* More media types than this are cut short in a message. */
#define MAX_LISTED 4

static const gchar *const containers[] = { "audio/x-m4a", "video/mj2",
  "video/mpegts", "video/quicktime", "video/webm", "video/x-flv",
  "video/x-matroska", "video/x-msvideo", "audio/webm", "audio/x-matroska",
  "audio/x-wav", "audio/ogg", "video/ogg", NULL };

static MillMediaKind
kind_of_name (const gchar *name)
{
  if (g_strv_contains (containers, name))
    return MILL_MEDIA_KIND_OTHER;
  if (g_str_has_prefix (name, "video/") || g_str_has_prefix (name, "image/"))
    return MILL_MEDIA_KIND_VIDEO;
  if (g_str_has_prefix (name, "audio/"))
    return MILL_MEDIA_KIND_AUDIO;
  if (g_str_has_prefix (name, "text/") ||
      g_str_has_prefix (name, "subpicture/") ||
      g_str_has_prefix (name, "closedcaption/") ||
      g_str_has_prefix (name, "application/x-subtitle"))
    return MILL_MEDIA_KIND_TEXT;
  /* Encrypted media keep their kind in a field. */
  if (g_str_equal (name, "application/x-cenc"))
    return MILL_MEDIA_KIND_ANY;
  return MILL_MEDIA_KIND_OTHER;
}

MillMediaKind
mill_media_kind_of_caps (const GstCaps *caps)
{
  MillMediaKind kind = 0;

  if (gst_caps_is_any (caps))
    return MILL_MEDIA_KIND_ANY;
  for (guint i = 0; i < gst_caps_get_size (caps); i++)
    kind |= kind_of_name (gst_structure_get_name (gst_caps_get_structure (caps,
        i)));
  return kind;
}

MillMediaKind
mill_media_kind_of_pad (const gchar *name_template, const GstCaps *caps)
{
  if (!gst_caps_is_any (caps))
    return mill_media_kind_of_caps (caps);
  if (g_str_has_prefix (name_template, "video"))
    return MILL_MEDIA_KIND_VIDEO;
  if (g_str_has_prefix (name_template, "audio"))
    return MILL_MEDIA_KIND_AUDIO;
  if (g_str_has_prefix (name_template, "subtitle") ||
      g_str_has_prefix (name_template, "text"))
    return MILL_MEDIA_KIND_TEXT;
  return MILL_MEDIA_KIND_ANY;
}

gboolean
mill_media_kind_is_single (MillMediaKind kind)
{
  return kind != 0 && (kind & (kind - 1)) == 0;
}

gboolean
mill_media_kind_is_raw (const GstCaps *caps)
{
  if (gst_caps_is_any (caps) || gst_caps_is_empty (caps))
    return FALSE;
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    const gchar *name =
        gst_structure_get_name (gst_caps_get_structure (caps, i));

    if (!g_str_equal (name, "video/x-raw") &&
        !g_str_equal (name, "audio/x-raw"))
      return FALSE;
  }
  return TRUE;
}

gboolean
mill_media_kind_name_fits (const gchar *name_template, const gchar *name)
{
  if (g_str_equal (name_template, name))
    return TRUE;
  while (*name_template) {
    gboolean words;

    if (*name_template != '%') {
      if (*name_template++ != *name++)
        return FALSE;
      continue;
    }
    /* %u, %d, %s, %02x ... */
    name_template++;
    while (g_ascii_isdigit (*name_template))
      name_template++;
    words = *name_template == 's';
    if (*name_template)
      name_template++;
    if (!g_ascii_isxdigit (*name) && !(words && *name))
      return FALSE;
    while (g_ascii_isxdigit (*name) ||
        (words && *name && *name != *name_template))
      name++;
  }
  return *name == '\0';
}

/** What makes two formats of one name differ, while it is collected. */
typedef struct
{
  const GstStructure *other;
  GString *text;
} Clash;

/* "4", "2 or 4". Returns: (transfer full) */
static gchar *
describe_value (const GValue *value)
{
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  g_auto (GStrv) list = NULL;

  if (!GST_VALUE_HOLDS_LIST (value))
    return gst_value_serialize (value);
  for (guint i = 0; i < gst_value_list_get_size (value); i++) {
    g_autofree gchar *word =
        gst_value_serialize (gst_value_list_get_value (value, i));

    g_strv_builder_add (words, word);
  }
  list = g_strv_builder_end (words);
  return g_strjoinv (" or ", list);
}

static gboolean
add_clash (GQuark field, const GValue *value, gpointer user_data)
{
  Clash *clash = user_data;
  const GValue *other = gst_structure_id_get_value (clash->other, field);
  /* Of MPEG audio it is the layer that people know: MP3. */
  gboolean tells = other ? !gst_value_intersect (NULL, value, other)
                         : g_str_equal (g_quark_to_string (field), "layer");
  g_autofree gchar *text = NULL;

  if (!tells)
    return TRUE;
  text = describe_value (value);
  g_string_append_printf (clash->text, "%s%s=%s",
      clash->text->len > 0 ? ", " : "", g_quark_to_string (field), text);
  return TRUE;
}

/* The fields in which @structure differs from what @other has of the same
 * name. Returns: (transfer full) (nullable): NULL when none or one fits */
static gchar *
describe_clash (const GstStructure *structure, const GstCaps *other)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; other && i < gst_caps_get_size (other); i++) {
    Clash clash = { gst_caps_get_structure (other, i), text };

    if (!gst_structure_has_name (clash.other,
            gst_structure_get_name (structure)))
      continue;
    if (gst_structure_can_intersect (structure, clash.other))
      return NULL;
    if (text->len == 0)
      gst_structure_foreach (structure, add_clash, &clash);
  }
  return text->len > 0 ? g_strdup (text->str) : NULL;
}

gchar *
mill_media_kind_describe_beside (const GstCaps *caps, const GstCaps *other)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GPtrArray) formats = g_ptr_array_new_with_free_func (g_free);

  if (gst_caps_is_any (caps))
    return g_strdup ("anything");
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    const GstStructure *structure = gst_caps_get_structure (caps, i);
    const gchar *name = gst_structure_get_name (structure);
    g_autofree gchar *clash = describe_clash (structure, other);
    g_autofree gchar *format = clash ? g_strdup_printf ("%s (%s)", name, clash)
                                     : g_strdup (name);

    if (!g_ptr_array_find_with_equal_func (formats, format, g_str_equal, NULL))
      g_ptr_array_add (formats, g_steal_pointer (&format));
  }
  for (guint i = 0; i < formats->len && i < MAX_LISTED; i++)
    g_string_append_printf (text, "%s%s",
        i == 0                      ? ""
            : i + 1 == formats->len ? " or "
                                    : ", ",
        (const gchar *) g_ptr_array_index (formats, i));
  if (formats->len > MAX_LISTED)
    g_string_append_printf (text, " and %u more", formats->len - MAX_LISTED);
  if (formats->len == 0)
    g_string_append (text, "nothing");
  return g_strdup (text->str);
}

gchar *
mill_media_kind_describe (const GstCaps *caps)
{
  return mill_media_kind_describe_beside (caps, NULL);
}
