/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "media-kind.h"

#include <string.h>

/* More media types than this are cut short in a message. */
#define MAX_LISTED 4

/** Containers, which are of no kind, by the names that people call them. */
static const struct
{
  const gchar *type;
  const gchar *name;
} containers[] = {
  { "application/ogg", "Ogg" },
  { "application/x-3gp", "3GP" },
  { "application/x-subtitle", "subtitles (SubRip, MicroDVD)" },
  { "application/x-subtitle-dks", "DKS" },
  { "application/x-subtitle-lrc", "LRC" },
  { "application/x-subtitle-mpl2", "MPL2" },
  { "application/x-subtitle-qttext", "QTtext" },
  { "application/x-subtitle-sami", "SAMI" },
  { "application/x-subtitle-tmplayer", "TMPlayer" },
  { "application/x-subtitle-vtt", "WebVTT" },
  { "audio/ogg", "Ogg" },
  { "audio/webm", "WebM" },
  { "audio/x-m4a", "M4A" },
  { "audio/x-matroska", "Matroska (MKA)" },
  { "audio/x-wav", "WAV" },
  { "text/plain", "plain text" },
  { "video/mj2", "Motion JPEG 2000" },
  { "video/mpegts", "MPEG transport stream (TS)" },
  { "video/ogg", "Ogg" },
  { "video/quicktime", "MP4 or MOV" },
  { "video/webm", "WebM" },
  { "video/x-flv", "FLV" },
  { "video/x-matroska", "Matroska (MKV)" },
  { "video/x-msvideo", "AVI" },
};

/* Returns: (nullable) */
static const gchar *
container_name (const gchar *type)
{
  for (guint i = 0; i < G_N_ELEMENTS (containers); i++)
    if (g_str_equal (containers[i].type, type))
      return containers[i].name;
  return NULL;
}

static MillMediaKind
kind_of_name (const gchar *name)
{
  if (container_name (name) && !g_str_has_prefix (name, "text/") &&
      !g_str_has_prefix (name, "application/x-subtitle"))
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

/* "a, b or c", the first MAX_LISTED of them. @words: (element-type utf8)
 * Returns: (transfer full) */
static gchar *
list_words (GPtrArray *words)
{
  g_autoptr (GString) text = g_string_new (words->len ? NULL : "nothing");

  for (guint i = 0; i < words->len && i < MAX_LISTED; i++)
    g_string_append_printf (text, "%s%s",
        i == 0                    ? ""
            : i + 1 == words->len ? " or "
                                  : ", ",
        (const gchar *) g_ptr_array_index (words, i));
  if (words->len > MAX_LISTED)
    g_string_append_printf (text, " and %u more", words->len - MAX_LISTED);
  return g_strdup (text->str);
}

static void
add_word (GPtrArray *words, gchar *word)
{
  if (g_ptr_array_find_with_equal_func (words, word, g_str_equal, NULL))
    g_free (word);
  else
    g_ptr_array_add (words, word);
}

gchar *
mill_media_kind_describe_beside (const GstCaps *caps, const GstCaps *other)
{
  g_autoptr (GPtrArray) formats = g_ptr_array_new_with_free_func (g_free);

  if (gst_caps_is_any (caps))
    return g_strdup ("anything");
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    const GstStructure *structure = gst_caps_get_structure (caps, i);
    const gchar *name = gst_structure_get_name (structure);
    g_autofree gchar *clash = describe_clash (structure, other);

    add_word (formats,
        clash ? g_strdup_printf ("%s (%s)", name, clash) : g_strdup (name));
  }
  return list_words (formats);
}

gchar *
mill_media_kind_describe (const GstCaps *caps)
{
  return mill_media_kind_describe_beside (caps, NULL);
}

gchar *
mill_media_kind_describe_kinds (MillMediaKind kinds)
{
  static const struct
  {
    MillMediaKind kind;
    const gchar *name;
  } names[] = {
    { MILL_MEDIA_KIND_VIDEO, "video" },
    { MILL_MEDIA_KIND_AUDIO, "audio" },
    { MILL_MEDIA_KIND_TEXT, "text" },
  };
  g_autoptr (GPtrArray) words = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (kinds & names[i].kind)
      g_ptr_array_add (words, (gpointer) names[i].name);
  return list_words (words);
}

gchar *
mill_media_kind_describe_container (const GstCaps *caps)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  if (gst_caps_is_any (caps))
    return g_strdup ("anything");
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    const gchar *type =
        gst_structure_get_name (gst_caps_get_structure (caps, i));
    const gchar *name = container_name (type);

    add_word (names, g_strdup (name ? name : type));
  }
  return list_words (names);
}
