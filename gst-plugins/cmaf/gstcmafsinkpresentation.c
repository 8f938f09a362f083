/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafsinkpresentation.h"

void
gst_cmaf_sink_presentation_init (GstCmafSinkPresentation *self)
{
  *self = (GstCmafSinkPresentation){
    .start_offset_ms = GST_CMAF_SINK_PRESENTATION_NO_START,
    .session_data = G_VALUE_INIT,
    .pathways = G_VALUE_INIT,
  };
  g_value_init (&self->session_data, GST_TYPE_ARRAY);
  g_value_init (&self->pathways, GST_TYPE_ARRAY);
}

void
gst_cmaf_sink_presentation_clear (GstCmafSinkPresentation *self)
{
  g_value_unset (&self->session_data);
  g_value_unset (&self->pathways);
  g_clear_pointer (&self->steering_uri, g_free);
}

/* A key that nobody knows is a mistake that would not be seen otherwise. */
static gboolean
check_keys (const GstStructure *structure, const gchar *property,
    const gchar *const *known, GError **error)
{
  for (gint i = 0; i < gst_structure_n_fields (structure); i++) {
    const gchar *name = gst_structure_nth_field_name (structure, (guint) i);
    if (g_strv_contains (known, name))
      continue;
    g_autofree gchar *names = g_strjoinv (", ", (gchar **) known);
    g_set_error (error, MILL_CMAF_PRESENTATION_ERROR,
        MILL_CMAF_PRESENTATION_ERROR_INVALID,
        "%s: got field '%s', expected one of %s", property, name, names);
    return FALSE;
  }
  return TRUE;
}

static const GstStructure *
structure_at (const GValue *array, guint i)
{
  const GValue *value = gst_value_array_get_value (array, i);
  return G_VALUE_HOLDS (value, GST_TYPE_STRUCTURE)
      ? gst_value_get_structure (value)
      : NULL;
}

static gboolean
add_data (MillCmafPresentation *presentation, const GstStructure *structure,
    GError **error)
{
  static const gchar *const known[] = { "id", "value", "uri", "raw", "language",
    NULL };
  MillHlsSessionData data = {
    .id = gst_structure_get_string (structure, "id"),
    .value = gst_structure_get_string (structure, "value"),
    .uri = gst_structure_get_string (structure, "uri"),
    .language = gst_structure_get_string (structure, "language"),
  };
  gst_structure_get_boolean (structure, "raw", &data.raw);
  return check_keys (structure, "session-data", known, error) &&
      mill_cmaf_presentation_add_data (presentation, &data, error);
}

static gboolean
add_pathway (MillCmafPresentation *presentation, const GstStructure *structure,
    GError **error)
{
  static const gchar *const known[] = { "id", "uri", NULL };
  return check_keys (structure, "pathways", known, error) &&
      mill_cmaf_presentation_add_pathway (presentation,
          gst_structure_get_string (structure, "id"),
          gst_structure_get_string (structure, "uri"), error);
}

typedef gboolean (*AddFunc) (MillCmafPresentation *presentation,
    const GstStructure *structure, GError **error);

static gboolean
add_all (MillCmafPresentation *presentation, const GValue *array, AddFunc add,
    GError **error)
{
  for (guint i = 0; i < gst_value_array_get_size (array); i++) {
    const GstStructure *structure = structure_at (array, i);
    if (structure != NULL && !add (presentation, structure, error))
      return FALSE;
  }
  return TRUE;
}

MillCmafPresentation *
gst_cmaf_sink_presentation_build (const GstCmafSinkPresentation *self,
    GError **error)
{
  g_autoptr (MillCmafPresentation) presentation = mill_cmaf_presentation_new ();
  presentation->has_start = self->start_offset_ms !=
      GST_CMAF_SINK_PRESENTATION_NO_START;
  presentation->start = (MillHlsStart){
    .offset_ms = self->start_offset_ms,
    .precise = self->start_precise,
  };
  if (!add_all (presentation, &self->session_data, add_data, error) ||
      !add_all (presentation, &self->pathways, add_pathway, error) ||
      !mill_cmaf_presentation_steer (presentation, self->steering_uri, error))
    return NULL;
  return g_steal_pointer (&presentation);
}
