/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "cmaf-captions.h"

#include <string.h>

#include "playlist/hls-multivariant.h"

#define GROUP "cc"
#define SERVICE "SERVICE"
#define SERVICES_MAX 63
#define LANGUAGE_MAX 35 /* RFC 5646 4.4.1 */

/* One of the list: "CC1=en". */
typedef struct
{
  gchar *id;
  const gchar *language; /* (nullable): within @id's memory */
} Entry;

static void
clear_entry (gpointer data)
{
  g_free (((Entry *) data)->id);
}

static gboolean
is_id (const gchar *id)
{
  guint64 number;
  if (strlen (id) == 3 && g_str_has_prefix (id, "CC"))
    return id[2] >= '1' && id[2] <= '4';
  return g_str_has_prefix (id, SERVICE) && id[strlen (SERVICE)] != '0' &&
      g_ascii_string_to_unsigned (id + strlen (SERVICE), 10, 1, SERVICES_MAX,
          &number, NULL);
}

static gboolean
is_language (const gchar *language)
{
  gsize length = strlen (language);
  return length > 0 && length <= LANGUAGE_MAX &&
      strspn (language, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-") == length;
}

/* Returns: (transfer full)(nullable): NULL for what is no list */
static GArray *
parse (const gchar *text)
{
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_array_set_clear_func (entries, clear_entry);
  if (text == NULL || g_str_equal (text, MILL_CMAF_CAPTIONS_NONE))
    return g_steal_pointer (&entries);
  g_auto (GStrv) words = g_strsplit (text, ",", SERVICES_MAX + 8);
  for (guint i = 0; words[i] != NULL; i++) {
    Entry entry = { g_strstrip (g_strdup (words[i])), NULL };
    gchar *equals = strchr (entry.id, '=');
    if (equals != NULL) {
      *equals = '\0';
      entry.language = equals + 1;
    }
    gboolean valid = is_id (entry.id) &&
        (entry.language == NULL || is_language (entry.language));
    for (guint k = 0; k < entries->len; k++)
      valid = valid &&
          !g_str_equal (g_array_index (entries, Entry, k).id, entry.id);
    g_array_append_val (entries, entry);
    if (!valid)
      return NULL;
  }
  return entries->len > 0 ? g_steal_pointer (&entries) : NULL;
}

gboolean
mill_cmaf_captions_is_valid (const gchar *text)
{
  g_autoptr (GArray) entries = parse (text);
  return entries != NULL;
}

gchar *
mill_cmaf_captions_describe (guint8 channels, guint64 services)
{
  g_autoptr (GString) out = g_string_new (NULL);
  for (guint i = 0; i < 4; i++)
    if (channels & 1u << i)
      g_string_append_printf (out, "%sCC%u", out->len > 0 ? "," : "", i + 1);
  for (guint i = 1; i <= SERVICES_MAX; i++)
    if (services & G_GUINT64_CONSTANT (1) << i)
      g_string_append_printf (out, "%s" SERVICE "%u", out->len > 0 ? "," : "",
          i);
  return out->len > 0 ? g_strdup (out->str) : NULL;
}

/* ---- HLS ---- */

void
mill_cmaf_captions_add (const MillCmafManifest *manifest, GStringChunk *strings,
    GArray *renditions, GArray *variants)
{
  const gchar *captions = manifest->state->captions;
  g_autoptr (GArray) entries = parse (captions);
  if (captions == NULL || entries == NULL)
    return;
  for (guint i = 0; i < entries->len; i++) {
    const Entry *entry = &g_array_index (entries, Entry, i);
    const gchar *id = g_string_chunk_insert (strings, entry->id);
    MillHlsRendition media = {
      .type = MILL_HLS_CLOSED_CAPTIONS,
      .group = GROUP,
      .name = id,
      .language = entry->language != NULL
          ? g_string_chunk_insert (strings, entry->language)
          : NULL,
      .autoselect = TRUE,
      .instream_id = id,
    };
    g_array_append_val (renditions, media);
  }
  for (guint i = 0; i < variants->len; i++)
    g_array_index (variants, MillHlsVariant, i).closed_captions =
        entries->len > 0 ? GROUP : MILL_HLS_NO_CAPTIONS;
}

/* ---- DASH ---- */

static gchar *
print (const gchar *captions, const gchar *prefix, const gchar *strip,
    const gchar *separator)
{
  g_autoptr (GArray) entries = parse (captions);
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean found = FALSE;
  for (guint i = 0; entries != NULL && i < entries->len; i++) {
    const Entry *entry = &g_array_index (entries, Entry, i);
    if (!g_str_has_prefix (entry->id, prefix))
      continue;
    found = TRUE;
    /* The value has languages for all that it names. */
    if (entry->language != NULL)
      g_string_append_printf (out, "%s%s%s%s", out->len > 0 ? ";" : "",
          entry->id + strlen (strip), separator, entry->language);
  }
  return found ? g_strdup (out->str) : NULL;
}

gchar *
mill_cmaf_captions_print_608 (const gchar *captions)
{
  return print (captions, "CC", "", "=");
}

gchar *
mill_cmaf_captions_print_708 (const gchar *captions)
{
  return print (captions, SERVICE, SERVICE, "=lang:");
}
