/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-cue.h"

#include <string.h>

#include "scte35/scte35.h"

#define BASE64_MAX ((MILL_SCTE35_SIZE_MAX + 2) / 3 * 4)
#define DEPTH_MAX 2

gboolean
mill_rtmp_cue_is_name (const MillAmf0Value *name)
{
  static const gchar *const names[] = { "onAdCue", "onCuePoint" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (name->string_size == strlen (names[i]) &&
        memcmp (name->string, names[i], name->string_size) == 0)
      return TRUE;
  return FALSE;
}

static GBytes *
read_section (const MillAmf0Value *value)
{
  MillScte35 section;
  gsize size;

  if (value->string_size < 4 || value->string_size > BASE64_MAX)
    return NULL;
  g_autofree gchar *text = g_strndup (value->string, value->string_size);
  g_autofree guchar *data = g_base64_decode (text, &size);
  return mill_scte35_parse (data, size, &section, NULL)
      ? g_bytes_new (data, size)
      : NULL;
}

static GBytes *
find (const MillAmf0Value *object, guint depth)
{
  MillAmf0Iter iter;
  MillAmf0Value value;
  const gchar *name;
  gsize name_size;
  GBytes *section = NULL;

  mill_amf0_iter_init (&iter, object);
  while (section == NULL &&
      mill_amf0_iter_next (&iter, &name, &name_size, &value)) {
    gboolean has_members = value.type == MILL_AMF0_OBJECT ||
        value.type == MILL_AMF0_ECMA_ARRAY;
    if (value.type == MILL_AMF0_STRING)
      section = read_section (&value);
    else if (has_members && depth < DEPTH_MAX)
      section = find (&value, depth + 1);
  }
  return section;
}

GBytes *
mill_rtmp_cue_find_section (const MillAmf0Value *object)
{
  return find (object, 1);
}
