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

/* Adds what is of use; @set decides on each value. */
static void
add_fields (GstStructure *structure, const MillAmf0Value *object,
    void (*set) (GstStructure *structure, const gchar *name,
        const MillAmf0Value *value))
{
  MillAmf0Iter iter;
  mill_amf0_iter_init (&iter, object);
  const gchar *name;
  gsize name_size;
  MillAmf0Value value;
  while (gst_structure_n_fields (structure) < MAX_FIELDS &&
      mill_amf0_iter_next (&iter, &name, &name_size, &value)) {
    const gchar *field = intern_name (name, name_size);
    if (field != NULL)
      set (structure, field, &value);
  }
}

static gboolean
is_object (const MillAmf0Value *value)
{
  return value->type == MILL_AMF0_OBJECT || value->type == MILL_AMF0_ECMA_ARRAY;
}

static void
take_structure (GstStructure *parent, const gchar *name, GstStructure *child)
{
  GValue value = G_VALUE_INIT;
  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, child);
  gst_structure_take_value (parent, name, &value);
}

/* One track of a map: its id is the name. */
static void
set_track (GstStructure *map, const gchar *name, const MillAmf0Value *value)
{
  guint64 id;
  if (!is_object (value) ||
      !g_ascii_string_to_unsigned (name, 10, 0, 255, &id, NULL))
    return;
  GstStructure *track = gst_structure_new_empty ("track");
  add_fields (track, value, set_field);
  g_autofree gchar *field = g_strdup_printf ("track-%u", (guint) id);
  take_structure (map, field, track);
}

static const gchar *
get_map_name (MillFlvKind kind)
{
  return kind == MILL_FLV_KIND_VIDEO ? "videoTrackIdInfoMap"
                                     : "audioTrackIdInfoMap";
}

static void
set_member (GstStructure *metadata, const gchar *name,
    const MillAmf0Value *value)
{
  if (!is_object (value)) {
    set_field (metadata, name, value);
  } else if (g_str_equal (name, get_map_name (MILL_FLV_KIND_VIDEO)) ||
      g_str_equal (name, get_map_name (MILL_FLV_KIND_AUDIO))) {
    GstStructure *map = gst_structure_new_empty ("tracks");
    add_fields (map, value, set_track);
    take_structure (metadata, name, map);
  }
}

GstStructure *
mill_rtmp_metadata_new (const MillAmf0Value *object)
{
  GstStructure *metadata = gst_structure_new_empty ("metadata");
  add_fields (metadata, object, set_member);
  return metadata;
}

/* Returns: (transfer none) (nullable) */
static const GstStructure *
get_structure (const GstStructure *parent, const gchar *name)
{
  const GValue *value = gst_structure_get_value (parent, name);
  return value != NULL && GST_VALUE_HOLDS_STRUCTURE (value)
      ? gst_value_get_structure (value)
      : NULL;
}

static const GstStructure *
get_track (const GstStructure *metadata, MillFlvKind kind, guint track_id)
{
  if (metadata == NULL)
    return NULL;
  const GstStructure *map = get_structure (metadata, get_map_name (kind));
  if (map == NULL)
    return NULL;
  gchar field[16];
  g_snprintf (field, sizeof field, "track-%u", track_id);
  return get_structure (map, field);
}

gboolean
mill_rtmp_metadata_get_number (const GstStructure *metadata, MillFlvKind kind,
    guint track_id, const gchar *name, gdouble *ret_number)
{
  const GstStructure *track = get_track (metadata, kind, track_id);
  return (track != NULL &&
             gst_structure_get_double (track, name, ret_number)) ||
      (metadata != NULL &&
          gst_structure_get_double (metadata, name, ret_number));
}

const gchar *
mill_rtmp_metadata_get_track_string (const GstStructure *metadata,
    MillFlvKind kind, guint track_id, const gchar *name)
{
  const GstStructure *track = get_track (metadata, kind, track_id);
  return track != NULL ? gst_structure_get_string (track, name) : NULL;
}
