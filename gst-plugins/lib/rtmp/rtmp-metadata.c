/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-metadata.h"

#include <string.h>

#define MAX_FIELDS 64
#define MAX_NAME 64
#define MAX_STRING 1024

/* Field names become quarks, which are never freed: as many new ones are made
 * in this process and not more, whatever publishers think up. */
#define MAX_NEW_NAMES 1024

static gint n_new_names;

static gboolean
is_plain (gchar c)
{
  return g_ascii_isalnum (c) || c == '_' || c == '-' || c == '.';
}

/* The name as a field name, or NULL for one that is not taken. */
static const gchar *
intern_name (const gchar *name, gsize size)
{
  if (size == 0 || size > MAX_NAME)
    return NULL;
  gchar copy[MAX_NAME + 1] = { 0 };
  for (gsize i = 0; i < size; i++) {
    if (!is_plain (name[i]))
      return NULL;
    copy[i] = name[i];
  }
  GQuark quark = g_quark_try_string (copy);
  if (quark == 0) {
    if (g_atomic_int_add (&n_new_names, 1) >= MAX_NEW_NAMES) {
      g_atomic_int_set (&n_new_names, MAX_NEW_NAMES);
      return NULL;
    }
    quark = g_quark_from_string (copy);
  }
  return g_quark_to_string (quark);
}

static void
set_field (GstStructure *metadata, const gchar *name,
    const MillAmf0Value *value)
{
  switch (value->type) {
    case MILL_AMF0_NUMBER:
      gst_structure_set (metadata, name, G_TYPE_DOUBLE, value->number, NULL);
      break;
    case MILL_AMF0_BOOLEAN:
      gst_structure_set (metadata, name, G_TYPE_BOOLEAN, value->number != 0,
          NULL);
      break;
    case MILL_AMF0_STRING: {
      if (value->string_size > MAX_STRING)
        break;
      g_autofree gchar *string = mill_amf0_dup_string (value);
      gst_structure_set (metadata, name, G_TYPE_STRING, string, NULL);
      break;
    }
    default:
      break;
  }
}

GstStructure *
mill_rtmp_metadata_new (const MillAmf0Value *object)
{
  GstStructure *metadata = gst_structure_new_empty ("metadata");
  MillAmf0Iter iter;
  mill_amf0_iter_init (&iter, object);
  const gchar *name;
  gsize name_size;
  MillAmf0Value value;
  while (gst_structure_n_fields (metadata) < MAX_FIELDS &&
      mill_amf0_iter_next (&iter, &name, &name_size, &value)) {
    const gchar *field = intern_name (name, name_size);
    if (field != NULL)
      set_field (metadata, field, &value);
  }
  return metadata;
}
