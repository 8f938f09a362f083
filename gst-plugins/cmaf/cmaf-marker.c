/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-marker.h"

#define MARKER_TYPE "(tuuybxxxayay)"
#define LIST_TYPE "(tua" MARKER_TYPE ")"

/* Of a break whose end does not come: so much later than planned, or than a
 * break of unknown length may last, it was lost. */
#define OVERTIME_US (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)
#define UNPLANNED_US (24 * OVERTIME_US)

/* As in cmaf-state.c: far beyond any stream, far from an overflow. */
#define TIME_MAX (G_GINT64_CONSTANT (1) << 60)

void
mill_cmaf_marker_free (MillCmafMarker *marker)
{
  if (marker == NULL)
    return;
  g_clear_pointer (&marker->message, g_bytes_unref);
  g_clear_pointer (&marker->end_message, g_bytes_unref);
  g_free (marker);
}

MillCmafMarkers *
mill_cmaf_marker_list_new (void)
{
  MillCmafMarkers *self = g_new0 (MillCmafMarkers, 1);
  self->next_serial = 1;
  self->list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_cmaf_marker_free);
  return self;
}

void
mill_cmaf_marker_list_free (MillCmafMarkers *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->list);
  g_free (self);
}

void
mill_cmaf_marker_list_forget (MillCmafMarkers *self)
{
  g_ptr_array_set_size (self->list, 0);
  self->schemes = 0;
}

MillCmafMarker *
mill_cmaf_marker_add (MillCmafMarkers *self, MillCmafMarkerKind kind,
    gint64 start_us)
{
  if (self->list->len >= MILL_CMAF_MARKERS_MAX)
    return NULL;
  MillCmafMarker *marker = g_new0 (MillCmafMarker, 1);
  marker->serial = self->next_serial++;
  marker->kind = kind;
  marker->start_us = start_us;
  marker->planned_us = -1;
  marker->end_us = -1;
  g_ptr_array_add (self->list, marker);
  return marker;
}

MillCmafMarker *
mill_cmaf_marker_find_open (const MillCmafMarkers *self, guint32 event_id,
    guint8 type_id)
{
  for (guint i = self->list->len; i > 0; i--) {
    MillCmafMarker *marker = mill_cmaf_marker_at (self, i - 1);
    if (marker->kind == MILL_CMAF_MARKER_BREAK && marker->end_us < 0 &&
        marker->event_id == event_id &&
        (type_id == MILL_CMAF_MARKER_ANY_TYPE ||
            marker->type_id == MILL_CMAF_MARKER_PAIR (type_id)))
      return marker;
  }
  return NULL;
}

gint64
mill_cmaf_marker_get_end (const MillCmafMarker *marker)
{
  if (marker->kind == MILL_CMAF_MARKER_SIGNAL)
    return marker->start_us + MAX (marker->planned_us, 0);
  if (marker->end_us >= 0)
    return marker->end_us;
  return marker->auto_return && marker->planned_us >= 0
      ? marker->start_us + marker->planned_us
      : G_MAXINT64;
}

static gint64
get_last_end (const MillCmafMarker *marker)
{
  gint64 end = mill_cmaf_marker_get_end (marker);
  if (end != G_MAXINT64)
    return end;
  return marker->start_us + OVERTIME_US +
      (marker->planned_us >= 0 ? marker->planned_us : UNPLANNED_US);
}

void
mill_cmaf_marker_retire (MillCmafMarkers *self, gint64 wall_us)
{
  for (guint i = self->list->len; i > 0; i--)
    if (get_last_end (mill_cmaf_marker_at (self, i - 1)) < wall_us)
      g_ptr_array_remove_index (self->list, i - 1);
}

gint64
mill_cmaf_marker_next_border (const MillCmafMarkers *self, gint64 after_us)
{
  gint64 border = G_MAXINT64;
  for (guint i = 0; i < self->list->len; i++) {
    const MillCmafMarker *marker = mill_cmaf_marker_at (self, i);
    gint64 end = mill_cmaf_marker_get_end (marker);
    if (marker->kind != MILL_CMAF_MARKER_BREAK)
      continue;
    if (marker->start_us > after_us)
      border = MIN (border, marker->start_us);
    if (end > after_us)
      border = MIN (border, end);
  }
  return border;
}

/* ---- the record ---- */

static GVariant *
bytes_to_variant (GBytes *bytes)
{
  if (bytes == NULL)
    return g_variant_new_array (G_VARIANT_TYPE_BYTE, NULL, 0);
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

GBytes *
mill_cmaf_marker_save (const MillCmafMarkers *self)
{
  GVariantBuilder list;
  g_variant_builder_init (&list, G_VARIANT_TYPE ("a" MARKER_TYPE));
  for (guint i = 0; i < self->list->len; i++) {
    const MillCmafMarker *marker = mill_cmaf_marker_at (self, i);
    g_variant_builder_add (&list, "(tuuybxxx@ay@ay)", marker->serial,
        marker->kind, marker->event_id, marker->type_id, marker->auto_return,
        marker->start_us, marker->planned_us, marker->end_us,
        bytes_to_variant (marker->message),
        bytes_to_variant (marker->end_message));
  }
  g_autoptr (GVariant) variant =
      g_variant_ref_sink (g_variant_new ("(tua" MARKER_TYPE ")",
          self->next_serial, self->schemes, &list));
#if G_BYTE_ORDER == G_BIG_ENDIAN
  GVariant *swapped = g_variant_byteswap (variant);
  g_variant_unref (variant);
  variant = swapped;
#endif
  return g_variant_get_data_as_bytes (variant);
}

static GBytes *
variant_to_bytes (GVariant *variant)
{
  return g_variant_get_size (variant) > 0
      ? g_variant_get_data_as_bytes (variant)
      : NULL;
}

static gboolean
is_possible (const MillCmafMarkers *self, const MillCmafMarker *marker)
{
  const gint64 times[] = { marker->start_us, marker->planned_us,
    marker->end_us };
  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    if (times[i] < -1 || times[i] >= TIME_MAX)
      return FALSE;
  return marker->start_us >= 0 && marker->kind <= MILL_CMAF_MARKER_SIGNAL &&
      marker->serial < self->next_serial &&
      (marker->end_us < 0 || marker->end_us >= marker->start_us) &&
      (marker->message == NULL ||
          g_bytes_get_size (marker->message) <= MILL_CMAF_MARKER_SIZE_MAX) &&
      (marker->end_message == NULL ||
          g_bytes_get_size (marker->end_message) <= MILL_CMAF_MARKER_SIZE_MAX);
}

static gboolean
load_marker (MillCmafMarkers *self, GVariant *from)
{
  g_autoptr (MillCmafMarker) marker = g_new0 (MillCmafMarker, 1);
  g_autoptr (GVariant) message = NULL;
  g_autoptr (GVariant) end_message = NULL;
  guint32 kind;
  g_variant_get (from, "(tuuybxxx@ay@ay)", &marker->serial, &kind,
      &marker->event_id, &marker->type_id, &marker->auto_return,
      &marker->start_us, &marker->planned_us, &marker->end_us, &message,
      &end_message);
  marker->kind = kind;
  marker->message = variant_to_bytes (message);
  marker->end_message = variant_to_bytes (end_message);
  if (!is_possible (self, marker))
    return FALSE;
  g_ptr_array_add (self->list, g_steal_pointer (&marker));
  return TRUE;
}

MillCmafMarkers *
mill_cmaf_marker_load (const guint8 *data, gsize size)
{
  /* A copy, because GVariant wants aligned data. */
  g_autoptr (GBytes) body = g_bytes_new (data, size);
  g_autoptr (GVariant) variant =
      g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (LIST_TYPE),
          body, FALSE));
#if G_BYTE_ORDER == G_BIG_ENDIAN
  GVariant *swapped = g_variant_byteswap (variant);
  g_variant_unref (variant);
  variant = swapped;
#endif
  if (!g_variant_is_normal_form (variant))
    return NULL;
  g_autoptr (MillCmafMarkers) self = mill_cmaf_marker_list_new ();
  g_autoptr (GVariant) list = NULL;
  guint32 schemes;
  g_variant_get (variant, "(tu@a" MARKER_TYPE ")", &self->next_serial, &schemes,
      &list);
  self->schemes = schemes & (MILL_CMAF_SCHEME_SCTE35 | MILL_CMAF_SCHEME_ID3);
  gsize n = g_variant_n_children (list);
  if (n > MILL_CMAF_MARKERS_MAX)
    return NULL;
  for (gsize i = 0; i < n; i++) {
    g_autoptr (GVariant) from = g_variant_get_child_value (list, i);
    if (!load_marker (self, from))
      return NULL;
  }
  return g_steal_pointer (&self);
}
