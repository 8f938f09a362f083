/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "ladder-preset-variant.h"

static GVariant *
new_rung (const MillLadderRung *rung)
{
  GVariantBuilder builder;
  GVariant *rate = NULL;
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "height",
      g_variant_new_int32 ((gint32) rung->height));
  g_variant_builder_add (&builder, "{sv}", "bitrate_bps",
      g_variant_new_int32 ((gint32) rung->bitrate_bps));
  if (rung->max_fps_n > 0)
    rate = g_variant_new_double ((gdouble) rung->max_fps_n / rung->max_fps_d);
  g_variant_builder_add (&builder, "{sv}", "max_frame_rate",
      g_variant_new_maybe (G_VARIANT_TYPE_DOUBLE, rate));
  return g_variant_builder_end (&builder);
}

static GVariant *
new_rungs (const MillLadderPreset *preset)
{
  GVariantBuilder builder;
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < preset->rungs->len; i++)
    g_variant_builder_add_value (&builder,
        new_rung (&g_array_index (preset->rungs, MillLadderRung, i)));
  return g_variant_builder_end (&builder);
}

static GVariant *
new_encoder (const MillLadderPreset *preset, const gchar *encoder)
{
  GVariantBuilder builder;
  g_auto (GStrv) keys = g_key_file_get_keys (preset->file, encoder, NULL, NULL);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  for (guint i = 0; keys != NULL && keys[i] != NULL; i++) {
    g_autofree gchar *value =
        g_key_file_get_string (preset->file, encoder, keys[i], NULL);
    g_variant_builder_add (&builder, "{ss}", keys[i], value ? value : "");
  }
  return g_variant_builder_end (&builder);
}

GVariant *
mill_ladder_preset_variant_new (const gchar *name,
    const MillLadderPreset *preset)
{
  GVariantBuilder builder;
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "name", g_variant_new_string (name));
  g_variant_builder_add (&builder, "{sv}", "summary",
      g_variant_new_string (preset->summary ? preset->summary : ""));
  g_variant_builder_add (&builder, "{sv}", "profile",
      g_variant_new_string (preset->profile));
  g_variant_builder_add (&builder, "{sv}", "audio_bitrate_bps",
      g_variant_new_int32 ((gint32) preset->audio_bitrate_bps));
  g_variant_builder_add (&builder, "{sv}", "rungs", new_rungs (preset));
  g_variant_builder_add (&builder, "{sv}", "x264enc",
      new_encoder (preset, "x264enc"));
  return g_variant_builder_end (&builder);
}
